from pathlib import Path

import pytest

from ljmix._util.notebooks import read_parameters
from ljmix._util.play import copy_notebooks

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


def test_copies_write_beside_themselves_and_are_left_alone_once_there(tmp_path):
    copied = copy_notebooks(NOTEBOOKS, tmp_path / "play")
    assert [path.name for path in copied] == sorted(path.name for path in NOTEBOOKS.glob("*.ipynb"))
    for path in copied:
        parameters, published = read_parameters(path), read_parameters(NOTEBOOKS / path.name)
        assert parameters["results"] == "."
        assert parameters.get("figures", "figures") == "figures"
        assert {k: v for k, v in parameters.items() if k not in ("results", "figures")} == {
            k: v for k, v in published.items() if k not in ("results", "figures")
        }
    copied[0].write_text("mine")
    copied[1].unlink()
    assert copy_notebooks(NOTEBOOKS, tmp_path / "play") == [copied[1]]
    assert copied[0].read_text() == "mine"


def test_a_folder_without_notebooks_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="holds no notebook"):
        copy_notebooks(tmp_path, tmp_path / "play")
