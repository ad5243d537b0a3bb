"""The numbers that pages and captions quote: one JSON file a profile, one section a topic.

What two equal runs do not share lies beside it in ``run.json``, which is not published: times, commits, versions. So a
reproduction that gives the same numbers leaves ``metrics.json`` as it is, byte for byte.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ljmix._util.atomic import require_writable, write_text
from ljmix._util.locks import hold_lock
from ljmix._util.reading import read_json

__all__ = ["RUN_RECORD", "plain", "read_metrics", "split_times", "update_metrics"]

RUN_RECORD = "run.json"
"""File beside the metrics that says how and when they were made."""

_TIME = re.compile(r"(.*_seconds|.*_cpu_s|one_state_ms|thousand_states_s)(_std)?")
"""Names of numbers that are times."""


def plain(value: Any) -> Any:
    """Turn tables' values into what JSON knows: Python numbers, and None for what is not a number."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple, np.ndarray, pd.Series)):
        return [plain(inner) for inner in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def read_metrics(path: Path | str) -> dict[str, Any]:
    """Read all sections; an empty dictionary where no file is.

    Raises
    ------
    ValueError
        If the file is damaged, or holds the marks of a merge conflict.
    """
    path = Path(path)
    if not path.exists():
        return {}
    try:
        return read_json(path)
    except ValueError as error:
        raise ValueError(
            f"{error}; restore it (git checkout), or delete it, and the notebooks that run again write their sections"
        ) from error


def update_metrics(path: Path | str, sections: Mapping[str, Any], provenance: Mapping[str, Any]) -> None:
    """Replace whole sections, and note beside the file where each comes from and how long it took.

    Parameters
    ----------
    path : Path
        ``results/<profile>/metrics.json``.
    sections : mapping
        JSON-able values by section name (`interpolation`, `extrapolation`, `scaling`, …).
    provenance : mapping
        As from `ljmix._util.provenance.describe_provenance`.

    Raises
    ------
    ValueError
        If a number is not finite: a metric that could not be computed has no place in the file; or if the file holds
        numbers of another profile.
    """
    for name, values in sections.items():
        _check_finite(values, name)
    path = Path(path)
    require_writable(path.parent)
    # Notebooks may run side by side (make -j) and share the file.
    with hold_lock(path.with_name(f".{path.name}.lock"), timeout=-1):
        metrics, record = read_metrics(path), read_metrics(path.with_name(RUN_RECORD))
        others = sorted(
            {str(found) for found in metrics.get("profiles", {}).values()} - {str(provenance.get("profile"))}
        )
        if others:
            raise ValueError(
                f"{path} holds numbers of profile {others[0]}, these are of {provenance.get('profile')}; give another "
                "results folder: one holds the results of one profile"
            )
        for name, values in sections.items():
            metrics[name], times = split_times(values)
            record[name] = {"provenance": dict(provenance), "times": times}
            metrics.setdefault("profiles", {})[name] = provenance.get("profile")
        for file, content in ((path, metrics), (path.with_name(RUN_RECORD), record)):
            write_text(file, json.dumps(content, indent=1, sort_keys=True) + "\n")


def split_times(values: Any) -> tuple[Any, Any]:
    """Split a section into what equal runs share and what they do not: times, by their names.

    Returns
    -------
    lasting, times
        Both nested as `values` is; lists are not looked into.
    """
    if not isinstance(values, Mapping):
        return values, {}
    lasting, times = {}, {}
    for name, value in values.items():
        if _TIME.fullmatch(str(name)):
            times[name] = value
            continue
        kept, taken = split_times(value)
        if kept or not isinstance(value, Mapping) or not value:
            lasting[name] = kept
        if taken:
            times[name] = taken
    return lasting, times


def _check_finite(values: Any, where: str) -> None:
    if isinstance(values, Mapping):
        for name, value in values.items():
            _check_finite(value, f"{where}.{name}")
    elif isinstance(values, (list, tuple)):
        for k, value in enumerate(values):
            _check_finite(value, f"{where}[{k}]")
    elif isinstance(values, float) and not math.isfinite(values):
        raise ValueError(f"metric {where} = {values}: must be finite")
