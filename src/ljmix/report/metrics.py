"""The numbers that README and captions quote: one JSON file a profile, one section a topic."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from filelock import FileLock

from ljmix._util.atomic import write_text

__all__ = ["plain", "read_metrics", "update_metrics"]


def plain(value: Any) -> Any:
    """Turn tables' values into what JSON knows: Python numbers, and None for what is not a number."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple, np.ndarray, pd.Series)):
        return [plain(inner) for inner in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def read_metrics(path: Path) -> dict[str, Any]:
    """Read all sections; an empty dictionary where no file is."""
    metrics: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return metrics


def update_metrics(path: Path, sections: Mapping[str, Any], provenance: Mapping[str, Any]) -> None:
    """Replace whole sections, and note where each comes from.

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
        If a number is not finite: a metric that could not be computed has no place in the file.
    """
    for name, values in sections.items():
        _check_finite(values, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Notebooks may run side by side (make -j) and share the file.
    with FileLock(path.with_name(f".{path.name}.lock")):
        metrics = read_metrics(path)
        metrics.update(sections)
        metrics.setdefault("provenance", {}).update({name: dict(provenance) for name in sections})
        write_text(path, json.dumps(metrics, indent=1, sort_keys=True) + "\n")


def _check_finite(values: Any, where: str) -> None:
    if isinstance(values, Mapping):
        for name, value in values.items():
            _check_finite(value, f"{where}.{name}")
    elif isinstance(values, (list, tuple)):
        for k, value in enumerate(values):
            _check_finite(value, f"{where}[{k}]")
    elif isinstance(values, float) and not math.isfinite(values):
        raise ValueError(f"metric {where} = {values}: must be finite")
