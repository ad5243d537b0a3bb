"""What users ask of a model: states and distances in any form, and what is wrong with them in one sentence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ljmix._util.arrays import FloatArray
from ljmix._util.checks import shorten
from ljmix.state import PARAMETERS, StatePoint

__all__ = ["BINS", "question_distances", "question_points", "question_table", "tabulate_points"]

BINS = np.round((np.arange(100) + 0.5) * 0.05, 9)
"""Centres of the bins that models learn, σ_AA: 0.025 to 4.975."""


def question_points(states: StatePoint | Sequence[StatePoint] | pd.DataFrame) -> list[StatePoint]:
    """State points asked for; at P* = 1 where a table gives them.

    Raises
    ------
    ValueError
        If they are neither state points nor a table of them, or a number is out of range.
    """
    if isinstance(states, pd.DataFrame):
        missing = [name for name in PARAMETERS if name not in states]
        if missing:
            raise ValueError(f"states: column {missing[0]!r} is missing; needed are {', '.join(PARAMETERS)}")
        columns = [states[name].to_numpy().tolist() for name in PARAMETERS]
        states = [StatePoint(*map(float, row)) for row in zip(*columns, strict=True)]
    # An array of no dimension has __iter__, and raises when it is used.
    several = isinstance(states, Iterable) and not (isinstance(states, np.ndarray) and states.ndim == 0)
    asked: list[Any] = [states] if isinstance(states, StatePoint) else list(states) if several else []
    strange = [state for state in asked if not isinstance(state, StatePoint)]
    if strange or not asked:
        shown = shorten(strange[0] if strange else states)
        raise ValueError(f"states = {shown}: must be a ljmix.StatePoint, a list of them, or a table")
    return asked


def tabulate_points(points: Sequence[StatePoint]) -> pd.DataFrame:
    """Table of state points: the five numbers, and `state_id`."""
    return pd.DataFrame([state.as_dict() | {"state_id": state.state_id} for state in points])


def question_table(states: StatePoint | Sequence[StatePoint] | pd.DataFrame) -> pd.DataFrame:
    """Table of the states asked for, as `tabulate_points`; errors as `question_points`."""
    return tabulate_points(question_points(states))


def question_distances(r: npt.ArrayLike) -> FloatArray:
    """Distances as an array, (n_bins,), σ_AA.

    Raises
    ------
    ValueError
        If they are not finite numbers of at least 0 in one row.
    """
    try:
        distances = np.atleast_1d(np.asarray(r, dtype=float))
    except (ValueError, TypeError, OverflowError):
        raise ValueError(f"r = {shorten(r)}: must be distances, one number each") from None
    if distances.ndim != 1 or not distances.size or not (np.isfinite(distances) & (distances >= 0)).all():
        raise ValueError(f"r = {shorten(r)}: must be finite distances of at least 0, in one row")
    return distances
