"""Where an artifact comes from."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

__all__ = ["describe_provenance", "run_git"]


def describe_provenance(profile_name: str, **more: Any) -> Mapping[str, Any]:
    """Collect what an artifact comes from: profile, git commit, versions of Python and the main packages.

    Returns
    -------
    dict
        JSON-able; ``commit`` is "unknown" outside a git checkout.
    """
    commit = _ask_git("rev-parse", "--short=12", "HEAD") or "unknown"
    # What runs write is tracked too (metrics, figures): only the sources tell whether the commit says it all.
    changed = _ask_git("status", "--porcelain", "--", ":/src", ":/notebooks", ":/pyproject.toml")
    packages = ("ljmix", "numpy", "freud-analysis", "gsd", "scikit-learn", "umap-learn", "shap", "SALib")
    return {
        "profile": profile_name,
        "commit": f"{commit}-changed" if changed else commit,
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
        "xgboost": _first_version("xgboost", "xgboost-cpu", "py-xgboost"),
        **more,
    }


def _first_version(*names: str) -> str:
    """Version of a package that goes by several names."""
    for name in names:
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return "not installed"


def _ask_git(*arguments: str) -> str:
    """Output of a git command in this clone; empty where the sources are in none of their own, or without git.

    A copy of the sources inside another repository has that one's commits around it, which say nothing of it.
    """
    clone = Path(__file__).resolve().parents[3]
    try:
        top, answer = (
            run_git(clone, *command).stdout.decode(errors="replace").strip()
            for command in (("rev-parse", "--show-toplevel"), arguments)
        )
    except FileNotFoundError:
        return ""
    return answer if top and Path(top).resolve() == clone else ""


def run_git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Ask git about the repository that a folder is in, though GIT_DIR and its like name another, as hooks do.

    Raises
    ------
    FileNotFoundError
        If git is not installed.
    """
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return subprocess.run(["git", "-C", folder, *arguments], capture_output=True, check=False, env=surroundings)
