"""States off the grid: the open half for development, the closed half once, at the end."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ljmix._util.checks import require_name
from ljmix.data.dataset import Dataset
from ljmix.release.off_grid import HALVES, off_grid_states
from ljmix.surrogate.bands import BRANCHES, Bands, score_left_out
from ljmix.surrogate.folds import ask_left_out
from ljmix.surrogate.surrogate import Surrogate
from ljmix.surrogate_scores.coverage import chance_of_coverage
from ljmix.surrogate_scores.predictions import binomial_interval, score_predictions, tabulate_predictions

__all__ = ["require_half", "score_off_grid"]


def require_half(dataset: Dataset, half: str) -> Dataset:
    """Return a dataset that holds states of one half of the benchmark, and no others.

    Raises
    ------
    ValueError
        If one of its states is of the other half, or of none.
    """
    require_name("half", half, HALVES)
    listed = off_grid_states().set_index("state_id")["half"]
    for name in dataset.states["state_id"]:
        if listed.get(name) != half:
            raise ValueError(
                f"{name} is not a state of the half {half!r} of the off-grid benchmark; `python -m "
                "ljmix.release.off_grid list` names them"
            )
    return dataset


def score_off_grid(surrogate: Surrogate, test: Dataset, level: float = 0.9) -> tuple[dict[str, Any], pd.DataFrame]:
    """Score what a surrogate says of simulated states off the grid.

    Parameters
    ----------
    surrogate : Surrogate
        With bands.
    test : Dataset
        Of `require_half`.
    level : float
        Of bands.

    Returns
    -------
    scores : dict
        Of `ljmix.surrogate_scores.predictions.score_predictions`, and `bands` by branch as it was simulated: `states`,
        `covered` whole, its 95 % interval, and `chance` of `chance_of_coverage`.
    table : pandas.DataFrame
        Of `tabulate_predictions`, with `in_band`.
    """
    bands = surrogate.require_bands()
    said = ask_left_out(surrogate.parts, test)
    scored = score_left_out(said, test).assign(factor=np.nan)
    for branch in BRANCHES:
        rows = scored["branch"] == branch
        if rows.any():
            scored.loc[rows, "factor"] = bands.factor(level, branch)
    held = (scored["curves"] <= scored["factor"]).set_axis(scored["state_id"])
    table = tabulate_predictions(test, said)
    table["in_band"] = table["state_id"].map(held)
    scores = score_predictions([test], [said])
    scores["bands"] = {"level": level} | {
        branch: _coverage(bands, branch, held[(scored["branch"] == branch).to_numpy()], level)
        for branch in BRANCHES
        if (scored["branch"] == branch).any()
    }
    return scores, table


def _coverage(bands: Bands, branch: str, held: pd.Series, level: float) -> dict[str, Any]:
    calibration = int((bands.scores["branch"] == branch).sum())
    low, high = binomial_interval(int(held.sum()), len(held))
    chance = chance_of_coverage(int(held.sum()), len(held), calibration, level)
    return {"states": len(held), "covered": float(held.mean()), "low": low, "high": high, "chance": chance}
