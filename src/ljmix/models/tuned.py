"""Settings that `ljmix.evaluation.tuning` found, read from the package."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from ljmix._util.reading import read_json

__all__ = ["TUNED_FILE", "tuned_settings"]

TUNED_FILE = Path(__file__).with_name("tuned.json")


@lru_cache
def tuned_settings(name: str) -> dict[str, Any]:
    """Settings of a tuned model.

    Raises
    ------
    ValueError
        If the file has none for it.
    """
    stored = read_json(TUNED_FILE)
    if name not in stored:
        raise ValueError(
            f"{TUNED_FILE.name} has no settings of {name!r}; `python -m ljmix.evaluation.tuning` finds them"
        )
    settings: dict[str, Any] = stored[name]["settings"]
    return settings
