"""Times of notebooks: read from executed copies, and written where people look for them."""

import json
import shutil
from pathlib import Path

import nbformat
import pytest

from ljmix.report.times import describe_times, read_times, write_times

ROOT = Path(__file__).parents[2]


def executed(path, durations, whole, figure_at):
    cells = []
    for k, seconds in enumerate(durations):
        cell = nbformat.v4.new_code_cell("1", metadata={"papermill": {"duration": seconds}})
        if k == figure_at:
            cell.outputs = [nbformat.v4.new_output("display_data", {"image/png": "aWs="})]
        cells.append(cell)
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"papermill": {"duration": whole}}), path)
    return path


def test_a_first_plot_is_there_when_its_cell_is_done(tmp_path):
    """The kernel starts in 1.5 s, two cells take 2 s and 4 s, the second draws, the rest follows."""
    path = executed(tmp_path / "00-a.ipynb", [2.0, 4.0, 10.0], 17.5, figure_at=1)
    assert read_times(path) == {"first plot": 7.5, "all": 17.5}
    assert read_times(executed(tmp_path / "00-b.ipynb", [2.0], 3.0, figure_at=None)) == {"all": 3.0}
    nbformat.write(nbformat.v4.new_notebook(), tmp_path / "bare.ipynb")
    with pytest.raises(ValueError, match=r"bare\.ipynb holds no times"):
        read_times(tmp_path / "bare.ipynb")


def test_times_are_written_into_notebooks_record_and_page(tmp_path):
    """A second profile joins the first; nothing else of the notebook changes."""
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks", ignore=shutil.ignore_patterns(".*"))
    (tmp_path / "docs").mkdir()
    shutil.copy(ROOT / "docs" / "profiles.md", tmp_path / "docs")
    before = (tmp_path / "notebooks" / "02-rdf.ipynb").read_text().splitlines()
    (tmp_path / "run").mkdir()
    executed(tmp_path / "run" / "02-rdf.ipynb", [5.0], 400.0, figure_at=0)
    assert write_times(tmp_path / "run", "reference", tmp_path) == ["02-rdf"]
    executed(tmp_path / "run" / "02-rdf.ipynb", [5.0], 10.0, figure_at=None)
    write_times(tmp_path / "run", "smoke", tmp_path)
    record = json.loads((tmp_path / "docs" / "times.json").read_text())
    assert record["seconds"]["02-rdf"] == {"smoke": {"all": 10.0}, "reference": {"first plot": 400.0, "all": 400.0}}
    assert "| `02-rdf` | 7 minutes | 10 s | 7 minutes |" in (tmp_path / "docs" / "profiles.md").read_text()
    after = (tmp_path / "notebooks" / "02-rdf.ipynb").read_text().splitlines()
    (changed,) = (new for new, old in zip(after, before, strict=True) if new != old)
    assert "cores | first plot 7 minutes · `smoke` 10 s · `reference` 7 minutes |" in changed
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="holds no executed notebook; run make all PROFILE=smoke first"):
        write_times(tmp_path / "empty", "smoke", tmp_path)


def test_short_times_are_seconds_and_long_ones_minutes():
    assert describe_times({"smoke": {"all": 0.2}, "quick": {"first plot": 89.0, "all": 150.0}}) == (
        "first plot 89 s · `smoke` 1 s · `quick` 2 minutes"
    )
