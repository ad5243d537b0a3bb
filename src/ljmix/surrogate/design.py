"""Which states to simulate next, so that the surrogate learns most: a criterion, and what it is compared with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from ljmix._util.arrays import FloatArray
from ljmix._util.checks import require_float, require_int, require_name
from ljmix.models.questions import question_table
from ljmix.state import PARAMETERS, StatePoint, state_points
from ljmix.surrogate.learned.branches import draw_states, state_numbers
from ljmix.surrogate.learned.description import describe
from ljmix.surrogate.shipped import find_surrogate
from ljmix.surrogate.surrogate import Surrogate

__all__ = ["CRITERIA", "propose"]

CRITERIA = {
    "boundary": "where the phase is open, 4 p (1 − p), times the distance to what is known",
    "variance": "where the process of the first shell is least sure, updated after each state",
    "space-filling": "the distance to what is known",
    "random": "chance",
}
"""Ways to choose; the last two are what the others must beat."""
_POOL = 9
"""log2 of the number of candidates."""
_DECIMALS = 3
_JITTER = 1e-9


def propose(
    n: int,
    criterion: str = "boundary",
    *,
    surrogate: Surrogate | None = None,
    candidates: Sequence[StatePoint] | pd.DataFrame | None = None,
    box_edge: float = 15.0,
    seed: int = 0,
) -> list[StatePoint]:
    """Choose states to simulate, one after the other.

    A state that is chosen counts as known for the next one. Simulate them by ``ljmix.simulate`` or as a campaign, add
    them to the dataset and fit the surrogate anew.

    Parameters
    ----------
    n : int
        At least 1, at most half of the candidates that are drawn, or all that are given.
    criterion : str
        One of `CRITERIA`.
    surrogate : Surrogate, optional
        By default the one that is shipped.
    candidates : sequence of StatePoint or pandas.DataFrame, optional
        Among which to choose; by default 512 are drawn all over the box of the simulated states.
    box_edge : float
        σ_AA. The size of the box tells where domains pay, and thus where the phase is open.
    seed : int
        Of the candidates, and of chance.

    Returns
    -------
    list of StatePoint

    Raises
    ------
    ValueError
        If an argument is out of range.
    FileNotFoundError
        If no surrogate is given and none is shipped.
    """
    surrogate = find_surrogate(surrogate)
    table = None if candidates is None else question_table(candidates)[list(PARAMETERS)]
    n = require_int("n", n, 1, 2 ** (_POOL - 1) if table is None else len(table))
    require_name("criterion", criterion, CRITERIA)
    box_edge = require_float("box_edge", box_edge, 10.0, 100.0)
    known = surrogate.states[list(PARAMETERS)].to_numpy(dtype=float)
    drawn = _candidates(known.min(axis=0), known.max(axis=0), seed) if table is None else table
    if criterion == "random":
        return state_points(drawn.iloc[np.random.default_rng(seed).permutation(len(drawn))[:n]])
    if criterion == "space-filling":
        return state_points(drawn.iloc[_spread_out(drawn, known, np.ones(len(drawn)), n)])
    p = _demixing(surrogate, drawn, box_edge)
    if criterion == "boundary":
        return state_points(drawn.iloc[_spread_out(drawn, known, 4 * p * (1 - p), n)])
    # Those that are one liquid; where they are fewer than n, those nearest to it as well.
    order = np.argsort(p, kind="stable")[: max(n, int((p < 0.5).sum()))]
    liquid = np.sort(order[p[order] < 1])
    if len(liquid) < n:
        raise ValueError(f"n = {n}: only {len(liquid)} candidates are liquids; propose fewer")
    return state_points(drawn.iloc[_least_sure(surrogate, drawn, liquid, n)])


def _candidates(lowest: FloatArray, highest: FloatArray, seed: int) -> pd.DataFrame:
    highest = np.where(highest > lowest, highest, lowest + 10.0**-_DECIMALS)  # a number that never changes
    drawn = draw_states(lowest, highest, 2**_POOL, seed)[:, : len(PARAMETERS)]
    return pd.DataFrame(drawn.round(_DECIMALS), columns=list(PARAMETERS))


def _demixing(surrogate: Surrogate, candidates: pd.DataFrame, box_edge: float) -> FloatArray:
    _, p = surrogate.parts.separate(state_numbers(candidates), np.full(len(candidates), box_edge))
    return np.nan_to_num(p, nan=1.0)  # without a liquid there is nothing to simulate


def _spread_out(candidates: pd.DataFrame, known: FloatArray, worth: FloatArray, n: int) -> list[int]:
    values = candidates[list(PARAMETERS)].to_numpy(dtype=float)
    spans = np.maximum(np.ptp(values, axis=0), 1e-9)
    distance = np.min([(((values - row) / spans) ** 2).sum(axis=1) for row in known], axis=0) ** 0.5
    chosen: list[int] = []
    for _ in range(n):
        value = worth * distance
        value[chosen] = -1.0  # where all is known already, nothing is chosen twice
        best = int(np.argmax(value))
        chosen.append(best)
        distance = np.minimum(distance, (((values - values[best]) / spans) ** 2).sum(axis=1) ** 0.5)
    return chosen


def _least_sure(surrogate: Surrogate, candidates: pd.DataFrame, rows: npt.NDArray[np.int64], n: int) -> list[int]:
    """Largest posterior variance of like pairs, greedily; a chosen state is conditioned on before the next is."""
    described = describe(candidates.iloc[rows], surrogate.parts.densities.strength)
    process = surrogate.parts.curves.like
    covariance = process.posterior_covariance(described.inputs)
    taken: list[int] = []
    for _ in range(n):
        left = np.diag(covariance).copy()
        left[taken] = -1.0
        best = int(np.argmax(left))
        taken.append(best)
        column = covariance[:, best]
        covariance = covariance - np.outer(column, column) / (column[best] + process.nugget + _JITTER)
    return [int(rows[k]) for k in taken]
