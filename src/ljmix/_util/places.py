"""Where things lie, wherever one stands: results and shipped tables are found from the sources, not from the folder."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["clone_folder", "results_folder"]


def clone_folder() -> Path | None:
    """Folder of the clone that the sources belong to; None where the package is installed from a wheel."""
    root = Path(__file__).resolve().parents[3]
    return root if (root / "notebooks").is_dir() and (root / "pyproject.toml").is_file() else None


def results_folder(profile: str, given: str | Path | None = None) -> Path:
    """Folder that the runs of a profile write to: ``results/<profile>`` of the clone, whatever folder one stands in.

    Parameters
    ----------
    profile : str
        Name of the profile.
    given : str or Path, optional
        Another folder, taken as it is.

    Returns
    -------
    Path
        Relative to the current folder where it lies in the same clone, for short names in what is printed. Without a
        clone, below the current folder.
    """
    if given is not None and str(given):
        return Path(given)
    clone = clone_folder()
    if clone is None:
        return Path("results", profile)
    folder = clone / "results" / profile
    inside = Path.cwd() == clone or clone in Path.cwd().parents
    return Path(os.path.relpath(folder)) if inside else folder
