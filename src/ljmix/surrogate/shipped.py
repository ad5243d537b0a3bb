"""The surrogate that ljmix ships, or one's own: `load_surrogate`."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from ljmix._util.checks import require_kind, require_path
from ljmix.data.reference import shipped_folder
from ljmix.surrogate.surrogate import Surrogate

__all__ = ["find_surrogate", "load_surrogate", "shipped_surrogate"]


def shipped_surrogate() -> Path:
    """Folder of the surrogate that is shipped, whether it is there or not."""
    return shipped_folder() / "models" / "surrogate"


def load_surrogate(path: str | Path | None = None) -> Surrogate:
    """Load a trained surrogate, and print what it was trained on and how its bands fare on what was left out.

    Parameters
    ----------
    path : str or Path, optional
        Folder of one's own, that `Surrogate.save` or ``python -m ljmix.surrogate.training`` wrote; by default the one
        that is shipped.

    Returns
    -------
    ljmix.surrogate.surrogate.Surrogate

    Raises
    ------
    FileNotFoundError
        If there is none.
    ValueError
        If it is damaged, or of another version.
    """
    folder = shipped_surrogate() if path is None else require_path("path", path)
    if path is None and not (folder / "surrogate.json").is_file():
        raise FileNotFoundError(
            "no surrogate is shipped with this version; `python -m ljmix.surrogate.training --output my-surrogate` "
            'trains one in some minutes, and ljmix.load_surrogate("my-surrogate") reads it'
        )
    found = Surrogate.load(folder)
    print(found)
    return found


@cache
def _shipped() -> Surrogate:
    return load_surrogate()


def find_surrogate(surrogate: Surrogate | None) -> Surrogate:
    """Return the surrogate that is given, or the one that is shipped, which is read once."""
    if surrogate is None:
        return _shipped()
    return require_kind("surrogate", surrogate, Surrogate, 'ljmix.load_surrogate("my-surrogate")')
