"""Targets of the Makefile depend on every module that their notebooks import, near or far."""

import ast
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from ljmix import _HOMES

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def run_nodes(tree):
    """Nodes of a source that run: what is imported for types only does not."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        yield from run_nodes(node)


def named_modules(source):
    """Names that a source imports; what follows `from … import` may be a module or not."""
    for node in run_nodes(ast.parse(source)):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "ljmix" and node.attr in _HOMES:
            # A public name loads its module when it is used.
            yield f"ljmix.{_HOMES[node.attr].partition(':')[0]}"
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imported_files(source):
    """Files of the package behind a source, imports of imports and packages included."""
    found, todo = set(), list(named_modules(source))
    while todo:
        parts = todo.pop().split(".")
        for depth in range(1, len(parts) + 1) if parts[0] == "ljmix" else ():
            place = Path("src", *parts[:depth])
            for file in (place / "__init__.py", place.with_suffix(".py")):
                if (ROOT / file).is_file() and file not in found:
                    found.add(file)
                    todo += named_modules((ROOT / file).read_text())
    return found


@pytest.fixture(scope="module")
def prerequisites():
    """By target, as make expands them."""
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    database = subprocess.run(
        ["make", "--print-data-base", "--dry-run", "PROFILE=smoke", "help"], cwd=ROOT, capture_output=True, text=True
    )
    rules = (line.partition(":") for line in database.stdout.splitlines() if line.startswith("results/smoke/"))
    return {target: {Path(name) for name in names.split("|")[0].split()} for target, _, names in rules}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_step_depends_on_all_that_its_notebook_imports(prerequisites, path):
    cells = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    imported = imported_files("\n".join(cells))
    assert len(imported) > 20
    assert not imported - prerequisites[f"results/smoke/{path.name}"]


def test_make_runs_the_code_of_this_clone(tmp_path):
    """Though PYTHONPATH names another one; what else it holds is kept, a cluster's HOOMD-blue for instance."""
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    for before in ("", "/another $clone/src:/opt/hoomd"):
        done = subprocess.run(
            ["make", "--no-print-directory", "--eval=show: ; @printenv PYTHONPATH", "show"],
            cwd=ROOT, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": before},
        )  # fmt: skip
        assert done.stdout == f"{ROOT}/src{before and ':'}{before}\n", done.stderr


def test_an_environment_copied_with_its_clone_is_made_anew(tmp_path):
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    for name in ("Makefile", "notebooks", "data", "pyproject.toml", "requirements.lock"):
        (tmp_path / name).symlink_to(ROOT / name)
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}/src" exec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    (tmp_path / ".venv" / ".ljmix-installed").touch()

    def commands():
        done = subprocess.run(["make", "--dry-run", "install"], cwd=tmp_path, capture_output=True, text=True)
        assert not done.returncode, done.stderr
        return done.stdout

    (tmp_path / "src").symlink_to(ROOT / "src")
    assert "venv --clear" not in commands()
    (tmp_path / "src").unlink()
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    assert "false || python3 -m venv --clear .venv" in commands()


def test_recipes_run_modules_that_are_there():
    """By `-m`, so that what they import is found: a script run by its path does not see the folder `tests`."""
    recipes = [line for line in (ROOT / "Makefile").read_text().splitlines() if line.startswith("\t")]
    assert not [line for line in recipes if re.search(r"\$\(PYTHON\) (src|tests)/", line)]
    own = [name for line in recipes for name in re.findall(r"\$\(PYTHON\) -m ((?:ljmix|tests)[\w.]*)", line)]
    assert "tests.disturbed.chaos" in own
    assert not [name for name in own if importlib.util.find_spec(name) is None]
