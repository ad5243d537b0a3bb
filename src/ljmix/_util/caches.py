"""Where compiled code is kept, in surroundings where the usual places cannot be written."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

__all__ = ["lend_cache_folder"]


def lend_cache_folder(package: Path) -> None:
    """Name a temporary folder for numba's cache where neither the package nor the home can be written.

    In a container run as another user, without a home, numba would refuse to compile: "no locator available". It reads
    the variable when it is imported, so this comes first.

    Parameters
    ----------
    package : Path
        Folder of the sources, beside which numba keeps compiled code if it may.
    """
    if "NUMBA_CACHE_DIR" in os.environ or _can_write(package):
        return
    try:
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    except RuntimeError:
        home = None
    if home is None or not _can_write(home):
        user = os.getuid() if hasattr(os, "getuid") else 0
        os.environ["NUMBA_CACHE_DIR"] = str(Path(tempfile.gettempdir()) / f"ljmix-cache-{user}")


def _can_write(folder: Path) -> bool:
    """Whether a folder can be written, or made where it does not exist."""
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    return existing.is_dir() and os.access(existing, os.W_OK)
