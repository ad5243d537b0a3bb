"""Paths do not depend on the folder one stands in, nor files on the system they are checked out on."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from ljmix._util import places
from ljmix._util.places import clone_folder, results_folder

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("stand", [".", "notebooks", "src/ljmix", "/tmp"])
def test_results_lie_in_the_clone(monkeypatch, stand):
    monkeypatch.chdir(ROOT / stand)
    assert clone_folder() == ROOT
    folder = results_folder("smoke")
    assert folder.resolve() == ROOT / "results" / "smoke"
    # Short where it can be: what is printed stands in executed notebooks.
    assert folder.is_absolute() == (stand == "/tmp")
    assert results_folder("smoke", "elsewhere") == Path("elsewhere")
    assert results_folder("smoke", "").resolve() == ROOT / "results" / "smoke"


def test_without_a_clone_results_lie_where_one_stands(monkeypatch):
    monkeypatch.setattr(places, "clone_folder", lambda: None)
    assert results_folder("smoke") == Path("results", "smoke")


def test_notebooks_do_not_name_folders_from_where_they_stand():
    """Plain papermill runs them from any folder: only comments may say ../results."""
    for path in ROOT.glob("notebooks/*.ipynb"):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "code":
                code = [line.partition("  #")[0] for line in cell["source"]]
                assert not [line for line in code if "../" in line], path


def test_a_clone_with_carriage_returns_has_none_where_they_hurt(tmp_path):
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("no clone, or no git")
    git = ["git", "-c", "core.autocrlf=true", "-c", "core.eol=crlf"]
    clone = [*git, "clone", "--quiet", "--shared", "--no-checkout", ROOT, tmp_path / "clone"]
    subprocess.run(clone, check=True)
    names = [".gitattributes", "Makefile", ".ci", "pyproject.toml", "src/ljmix/_util", "data/reference/README.md"]
    subprocess.run([*git, "checkout", "HEAD", "--", *names], cwd=tmp_path / "clone", check=True)
    files = [path for path in (tmp_path / "clone").rglob("*") if path.is_file() and ".git" not in path.parts]
    assert len(files) > 10
    assert not [path for path in files if b"\r" in path.read_bytes()]
