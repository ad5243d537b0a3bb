"""Tables that the notebook draws: simulated curves beside answers, planes of the box, curves to infer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ljmix._util.arrays import FloatArray, interpolate
from ljmix._util.checks import require_float
from ljmix.data.dataset import LEARNING_RANGE, Dataset
from ljmix.state import PAIRS, StatePoint
from ljmix.surrogate.surrogate import Answer
from ljmix.theory.cavity import boltzmann_factors
from ljmix.theory.liquid import DISTANCES, theory_log_cavity

__all__ = ["answered_curves", "coverage_points", "curves_to_infer", "plane", "simulated_curves", "theory_curves"]

_R_MIN = 0.5
"""Bins below lie in every core, σ_AA."""


def simulated_curves(dataset: Dataset, states: list[StatePoint]) -> pd.DataFrame:
    """Simulated curves of states, one row a bin: `state_id`, `pair`, `r`, `g`, `g_sem`, within the range of models.

    Raises
    ------
    ValueError
        If the dataset does not hold a state; the nearest one is named.
    """
    parts = []
    for state in states:
        rows = dataset.curves(state)
        rows = rows[rows["r"] < LEARNING_RANGE].assign(state_id=state.state_id)
        parts.append(rows[["state_id", "pair", "r", "g", "g_sem"]])
    return pd.concat(parts, ignore_index=True)


def theory_curves(dataset: Dataset, state: StatePoint) -> FloatArray:
    """Curves of one liquid by theory alone at the simulated density, in the order of `simulated_curves`."""
    rows = dataset.states[dataset.states["state_id"] == state.state_id]
    r, _ = dataset.curve_array()
    log_y = interpolate(r, DISTANCES, theory_log_cavity(rows, rows["number_density"].to_numpy(dtype=float)))
    width = float(np.diff(r).min())
    return np.asarray((boltzmann_factors(rows, r, width) * np.exp(log_y)).ravel())


def answered_curves(answer: Answer, r: npt.ArrayLike, level: float = 0.9) -> dict[str, FloatArray]:
    """Predicted curves and their bands at bins of a dataset, in the order of `simulated_curves` of the same states."""
    at = np.asarray(r, dtype=float)
    lower, upper = answer.band(level)
    curves = {"predicted": answer.g, "lower": lower, "upper": upper}
    return {name: interpolate(at, answer.r, values).ravel() for name, values in curves.items()}


def plane(dataset: Dataset, fraction_b: float, points: int = 25) -> pd.DataFrame:
    """States over the range of ε_AB and T*, at each simulated size ratio and one composition."""
    states = dataset.states
    energies, temperatures = (
        np.linspace(states[name].min(), states[name].max(), points).round(4) for name in ("epsilon_ab", "temperature")
    )
    rows = [
        (t, fraction_b, s, e) for s in sorted(states["size_ratio"].unique()) for t in temperatures for e in energies
    ]
    return pd.DataFrame(rows, columns=["temperature", "fraction_b", "size_ratio", "epsilon_ab"])


def curves_to_infer(
    dataset: Dataset, state: StatePoint, noise: float = 0.0, seed: int = 0
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Distances, curves and errors of a simulated state as `ljmix.infer` takes them, without the empty core.

    Parameters
    ----------
    dataset : Dataset
    state : StatePoint
    noise : float
        Standard deviation of noise that is added, share of g; errors grow with it.
    seed : int
        Of the noise.

    Returns
    -------
    r : (n_bins,) array
    g, g_sem : (3, n_bins) arrays
    """
    noise = require_float("noise", noise, 0.0)
    rows = simulated_curves(dataset, [state])
    r = np.unique(rows["r"].to_numpy(dtype=float))
    g, g_sem = (rows[name].to_numpy(dtype=float).reshape(len(PAIRS), len(r))[:, r > _R_MIN] for name in ("g", "g_sem"))
    # A bin in which no pair was seen has no error of its own.
    least = np.where(g_sem > 0, g_sem, np.inf).min(axis=1, keepdims=True)
    g_sem = np.where(g_sem > 0, g_sem, np.where(np.isfinite(least), least, 1e-3))
    added = noise * g
    g = np.maximum(g + added * np.random.default_rng(seed).normal(size=g.shape), 0.0)
    return r[r > _R_MIN], g, np.hypot(g_sem, added)


def coverage_points(curves: Mapping[str, Any], counts: Mapping[str, Any]) -> pd.DataFrame:
    """Table for `ljmix.plotting.plot_trust` from scores of `ljmix.surrogate_scores.coverage.score_bands`."""
    rows = [
        {"kind": kind, "branch": branch, "stated": float(stated), "held": held, "n": counts[kind][branch]["states"]}
        for kind, branches in curves.items()
        for branch, points in branches.items()
        for stated, held in points.items()
        if branch in counts.get(kind, {})
    ]
    return pd.DataFrame(rows, columns=["kind", "branch", "stated", "held", "n"])
