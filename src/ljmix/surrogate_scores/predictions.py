"""Scores of what is said of simulated states: curves, phase, density, each with its spread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import binomtest

from ljmix._util.arrays import FloatArray
from ljmix.data.curves import Curves, curves_of, join_curves
from ljmix.data.dataset import Dataset
from ljmix.models.features import composition_keys
from ljmix.scoring.curve_errors import relative_errors
from ljmix.scoring.intervals import ClusterSums, median_interval, r2_interval
from ljmix.scoring.scores import noise_ceiling, score_groups
from ljmix.surrogate.bands import BRANCHES
from ljmix.surrogate.learned.branches import Prediction
from ljmix.surrogate.learned.phase import decided

__all__ = ["GROUPS", "binomial_interval", "score_predictions", "tabulate_predictions"]

GROUPS = {
    "all": ("r2", "all"),
    "starts agree": ("r2_starts_agree", "yes"),
    "mixed, converged": ("r2_mixed_converged", "all"),
    "not mixed or not converged": ("", ""),
}
"""Groups of states, by their names in `ljmix.scoring.scores.score_groups`; the last one is what the third leaves."""
_LEAST_COMPOSITIONS = 5


def binomial_interval(count: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Interval of a share, of Clopper and Pearson (1934, doi:10.1093/biomet/26.4.404)."""
    found = binomtest(count, n).proportion_ci(level, "exact")
    return float(found.low), float(found.high)


def score_predictions(tests: Sequence[Dataset], said: Sequence[Prediction]) -> dict[str, Any]:
    """Score predictions of states that were not learned from.

    Parameters
    ----------
    tests : sequence of Dataset
        Parts of a test set: each was predicted from what it was left out of.
    said : sequence of Prediction
        Of `ljmix.surrogate.folds.ask_left_out`.

    Returns
    -------
    dict
        `states`, `answered` (share); `curves` by group of `GROUPS`: `states`, `r2` (pooled over points), `r2_low`,
        `r2_high`, `ceiling` (R² that noise allows), `median` (of the error of a curve in units of its own spread),
        `median_low`, `median_high`, `worst_r2` and `worst` (of a state by itself); `phase` of states whose starts agree
        and of all liquids: `states`, `accuracy`, its interval, `brier`; `density`: `states`, `rms`, `worst` (relative,
        mixed states).

    Notes
    -----
    Curves are those of the branch that is told. Intervals are of 95 %, compositions being drawn
    (`ljmix.scoring.intervals`), None where there are fewer than five, or no error at all.
    """
    truth = join_curves([curves_of(test) for test in tests])
    predicted = np.concatenate([found.told(found.g) for found in said])
    answered = np.isfinite(predicted).all(axis=(1, 2))
    errors = relative_errors(truth, np.where(answered[:, None, None], predicted, np.nan))
    masks = _groups(truth.states)
    curves = {name: _score_curves(truth, predicted, errors, rows & answered) for name, rows in masks.items()}
    return {
        "states": len(predicted),
        "answered": float(answered.mean()),
        "curves": {name: scores for name, scores in curves.items() if scores},
        "phase": _score_phase(truth.states, np.concatenate([found.demixing for found in said])),
        "density": _score_density(truth.states, np.concatenate([found.density[0] for found in said])),
    }


def tabulate_predictions(test: Dataset, said: Prediction) -> pd.DataFrame:
    """One row a state: what was simulated, and what is said of it.

    Returns
    -------
    pandas.DataFrame
        `state_id`, the four numbers, `phase`, `converged`, `decided` (liquid, starts agree), `demixing` (probability),
        `told` (branch), `error_AA`, `error_AB`, `error_BB` (in units of a curve's own spread), `density` (said, of the
        branch that is told), `density_simulated`.
    """
    truth = curves_of(test)
    errors = relative_errors(truth, said.told(said.g))
    states = truth.states.reset_index(drop=True)
    kept = ["state_id", "temperature", "fraction_b", "size_ratio", "epsilon_ab", "phase", "converged"]
    return states[kept].assign(
        decided=decided(states),
        demixing=said.demixing,
        told=np.array(BRANCHES)[said.chosen],
        error_AA=errors[:, 0],
        error_AB=errors[:, 1],
        error_BB=errors[:, 2],
        density=said.told(said.density),
        density_simulated=states["number_density"],
    )


def _groups(states: pd.DataFrame) -> dict[str, npt.NDArray[np.bool_]]:
    found = {(group.score, group.label): group.states for group in score_groups(states)}
    masks = {name: found[key] for name, key in GROUPS.items() if key in found}
    return masks | {"not mixed or not converged": ~masks.get("mixed, converged", np.zeros(len(states), dtype=bool))}


def _score_curves(
    truth: Curves, predicted: FloatArray, errors: FloatArray, rows: npt.NDArray[np.bool_]
) -> dict[str, Any]:
    if not rows.any():
        return {}
    states = truth.states[rows].reset_index(drop=True)
    starts = None if truth.starts is None else truth.starts[rows]
    g, square = truth.g[rows], (truth.g[rows] - predicted[rows]) ** 2
    variation = float(((g - g.mean()) ** 2).sum())
    keys, members = np.unique(np.array(composition_keys(states)), axis=0, return_inverse=True)
    members = members.reshape(-1)

    def sums(values: FloatArray) -> FloatArray:
        return np.asarray(np.bincount(members, values.sum(axis=(1, 2)), len(keys)))

    each = sums(np.ones_like(g)), sums(g), sums(g**2)
    values = errors[rows]
    seen = np.isfinite(values)
    enough = len(keys) >= _LEAST_COMPOSITIONS and square.sum() > 0
    low, high = r2_interval(ClusterSums(sums(square), *each)) if enough else (None, None)
    owners = np.broadcast_to(members[:, None], values.shape)[seen]
    median_low, median_high = median_interval(values[seen], owners) if enough else (None, None)
    own = 1 - square.sum(axis=(1, 2)) / ((g - g.mean(axis=(1, 2), keepdims=True)) ** 2).sum(axis=(1, 2))
    ceiling = noise_ceiling(Curves(states, truth.r, g, truth.g_sem[rows], starts))
    return {
        "states": int(rows.sum()),
        "r2": float(1 - square.sum() / variation),
        "r2_low": low,
        "r2_high": high,
        "ceiling": ceiling["truth"]["r2"]["all"],
        "median": float(np.median(values[seen])),
        "median_low": median_low,
        "median_high": median_high,
        "worst_r2": float(own.min()),
        "worst": str(states["state_id"].iloc[int(own.argmin())]),
    }


def _score_phase(states: pd.DataFrame, demixing: FloatArray) -> dict[str, Any]:
    liquid = states["phase"].isin(BRANCHES).to_numpy() & np.isfinite(demixing)
    answer = {}
    for name, rows in (("starts agree", liquid & decided(states)), ("all", liquid)):
        if not rows.any():
            continue
        truth, p = (states["phase"] == "demixed").to_numpy()[rows], demixing[rows]
        right = int(((p > 0.5) == truth).sum())
        low, high = binomial_interval(right, len(p))
        answer[name] = {
            "states": len(p),
            "accuracy": right / len(p),
            "accuracy_low": low,
            "accuracy_high": high,
            "brier": float(((p - truth) ** 2).mean()),
        }
    return answer


def _score_density(states: pd.DataFrame, one_liquid: FloatArray) -> dict[str, Any]:
    rows = (states["phase"] == "mixed").to_numpy() & np.isfinite(one_liquid)
    if not rows.any():
        return {"states": 0}
    off = one_liquid[rows] / states["number_density"].to_numpy(dtype=float)[rows] - 1
    return {"states": int(rows.sum()), "rms": float(np.sqrt((off**2).mean())), "worst": float(np.abs(off).max())}
