"""Arguments as users give them: what is wrong with one is a ValueError of one sentence that names it."""

from __future__ import annotations

import math
import os
from numbers import Integral, Real
from pathlib import Path
from typing import Any, TypeVar

__all__ = ["require_float", "require_int", "require_kind", "require_name", "require_path", "shorten"]

Kind = TypeVar("Kind")


_LONGEST_NAME = 255
"""Bytes that file systems allow for the name of a file or folder."""


def shorten(value: object, most: int = 60) -> str:
    """Show a value in a sentence: in one line, not longer than some characters."""
    text = " ".join(repr(value).split())
    return text if len(text) <= most else f"{text[:most]}…"


def require_float(
    name: str, value: Any, low: float = -math.inf, high: float = math.inf, *, above: bool = False
) -> float:
    """A finite number of Python or NumPy as a float.

    Parameters
    ----------
    name : str
    value : object
    low, high : float
        Range; with `above` the lower end is not allowed.
    """
    number = math.nan
    if isinstance(value, Real) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
    if not math.isfinite(number):
        raise ValueError(f"{name} = {shorten(value)}: must be a finite number")
    if not low <= number <= high or (above and number == low):
        least = f"above {low:g}" if above else f"at least {low:g}"
        raise ValueError(
            f"{name} = {number:g}: must be {least}" + (f" and at most {high:g}" if high < math.inf else "")
        )
    return number


def require_int(name: str, value: Any, low: int = 0, high: int = 2**31 - 1) -> int:
    """A whole number of Python or NumPy as an int, in a range."""
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise ValueError(f"{name} = {shorten(value)}: must be a whole number")
    number = int(value)
    if not low <= number <= high:
        raise ValueError(f"{name} = {shorten(number, 20)}: must be at least {low} and at most {high}")
    return number


def require_kind(name: str, value: Any, kind: type[Kind], example: str) -> Kind:
    """Return a value of a class, or say which call makes one."""
    if not isinstance(value, kind):
        raise ValueError(f"{name} = {shorten(value)}: must be a {kind.__name__}, for instance {example}")
    return value


def require_name(name: str, value: Any, choices: Any) -> str:
    """One of several names."""
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name} = {shorten(value)} is unknown; choose one of {', '.join(choices)}")
    return value


def require_path(name: str, value: Any) -> Path:
    """A name of a file or folder, as text or path; one with a line feed or another control character is refused."""
    try:
        path = os.fspath(value)
    except TypeError:
        path = b""
    if not isinstance(path, str) or not path or any(character < " " for character in path):
        raise ValueError(f"{name} = {shorten(value)}: must be the name of a file or folder")
    if max(len(os.fsencode(part)) for part in Path(path).parts or ("",)) > _LONGEST_NAME:
        raise ValueError(f"{name} = {shorten(value)}: names of files end at {_LONGEST_NAME} bytes")
    return Path(path)
