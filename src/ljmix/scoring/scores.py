"""Scores of predicted curves: R² of every kind, errors a physicist asks for, and what noise allows.

All functions take curves as arrays (n_states, 3, n_bins): states in the order of a table of states, pairs
AA, AB, BB, and bin centres r in σ_AA.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from ljmix._util.arrays import FloatArray
from ljmix.data.curves import Curves
from ljmix.state import DILUTE, PAIRS
from ljmix.structure.first_shell import CORE, SHELL, highest_points
from ljmix.theory.cavity import pair_constants

__all__ = ["Group", "error_factors", "noise_ceiling", "score_curves", "score_groups", "simulation_errors"]

_TAIL = 1.0
_Z95 = 1.96


def simulation_errors(curves: Curves) -> FloatArray:
    """How far the simulated curves may be off: their standard errors, or what the choice of a start makes of them.

    Returns
    -------
    (n_states, 3, n_bins) array
        Standard errors. Where runs from two starts disagree, one of them is in the tables, and the standard error of a
        run that has not settled is too small: there it is the difference between the two over √2, whose square is
        the variance of two values about their mean.
    """
    if curves.starts is None:
        return curves.g_sem
    return np.where(np.isfinite(curves.starts), np.abs(curves.starts) / np.sqrt(2), curves.g_sem)


def error_factors(states: pd.DataFrame) -> FloatArray:
    """How many of its standard errors a simulated value may be off: the 95 % quantile of Student's t.

    Parameters
    ----------
    states : pandas.DataFrame
        With `n_blocks`, the blocks of each run behind a standard error, and `starts`, which names the runs that were
        averaged; 1.96 for a state, or a table, that does not tell.

    Returns
    -------
    (n_states,) array
        t with n (b − 1) degrees of freedom, of n runs of b blocks.

    Notes
    -----
    Student 1908, doi:10.1093/biomet/6.1.1. The part of an error that is known from theory, that of composition waves,
    is multiplied too: the interval is then too wide, not too narrow.
    """
    if "n_blocks" not in states:
        return np.full(len(states), _Z95)
    blocks = states["n_blocks"].astype(float).to_numpy()
    runs = states["starts"].str.count(r"\+").to_numpy(dtype=float) + 1 if "starts" in states else np.ones(len(states))
    freedom = runs * (blocks - 1)
    known = np.isfinite(freedom) & (freedom >= 1)
    return np.where(known, stats.t.ppf(0.975, np.where(known, freedom, 1)), _Z95)


def _allowed(truth: Curves, spread: FloatArray) -> FloatArray:
    """Half width of the interval in which a simulated value is expected."""
    errors = simulation_errors(truth)
    if "n_blocks" not in truth.states:
        return np.asarray(_Z95 * np.hypot(spread, errors))
    factors = error_factors(truth.states)[:, None, None]
    if truth.starts is not None:
        # The difference of two starts is no mean of blocks.
        factors = np.where(np.isfinite(truth.starts), _Z95, factors)
    return np.hypot(_Z95 * spread, factors * errors)


def score_curves(truth: Curves, predicted: FloatArray, spread: FloatArray | None = None) -> dict[str, Any]:
    """Score predicted curves.

    Parameters
    ----------
    truth : Curves
    predicted : (n_states, 3, n_bins) array
        All three curves of a state may be NaN: the model did not converge. Every score is over the other
        states, whose share is `answered`, the only key if there is none.
    spread : (n_states, 3, n_bins) array, optional
        Standard deviation a model gives its prediction.

    Returns
    -------
    dict
        Nested, floats at the end; a group without states, or in which g does not vary, is left out. ``all`` and pairs:

        ==========================  ===========================================================================
        `r2`                        points pooled, as in the paper
        `r2_T<temperature>`         … at one temperature, all pairs
        `r2_phase`, `r2_converged`  … of states with one label (`yes`, `no` for converged)
        `r2_dilute`                 … of states with C_B up to 0.02 (`yes`) and above (`no`), where there are both
        `r2_starts_agree`           … of states with one start or two that agree (`yes`), and with two that do not
        `r2_mixed_converged`        … of mixed, converged states, by pair
        `r2_curve_median`           R² of each curve by itself, median
        `error_in_sem`              root mean square error of a curve over that of a perfect prediction (the
                                    standard error of the simulation), median over curves
        `peak_height_error`         of the first peak, relative, median over curves, by pair
        `peak_position_error`       of the first peak, σ_AA, median over curves, by pair
        `coordination_error`        particles within 1.5 σ_ij, relative, median over curves, by pair
        `unphysical`                `negative`: share of points below zero; `core`: mean |g| below 0.8 σ_ij;
                                    `tail`: mean |g - 1| over the last σ_AA, mixed states
        `within_95`                 share of points within 1.96 standard deviations (the model's and
                                    `simulation_errors` together; of the latter t times as many as `error_factors`
                                    says), if there is a spread: 0.95 for an honest one
        ==========================  ===========================================================================

    Raises
    ------
    ValueError
        If the shape is wrong, a prediction is infinite or partly NaN within a state, or g does not vary at all.

    Notes
    -----
    R² = 1 - Σ (g - predicted)² / Σ (g - mean of g)², with sums over the points of the group.
    """
    predicted = np.asarray(predicted, dtype=float)
    if predicted.shape != truth.g.shape:
        raise ValueError(f"prediction has shape {predicted.shape}: must be {truth.g.shape}, states × pairs × bins")
    unanswered = np.asarray(np.isnan(predicted).all(axis=(1, 2)), dtype=bool)
    if not np.isfinite(predicted[~unanswered]).all():
        raise ValueError("prediction holds a value that is not finite; every g must be a number")
    if unanswered.all():
        return {"answered": 0.0}
    answered = _select(truth, ~unanswered)
    predicted = predicted[~unanswered]
    scores = _r2_by_group(answered, (answered.g - predicted) ** 2)
    scores |= _curve_scores(answered, predicted)
    scores["answered"] = float(1 - unanswered.mean())
    if spread is not None:
        allowed = _allowed(answered, spread[~unanswered])
        # In the core both are zero; being right there is no merit.
        outside = answered.g > 0
        scores["within_95"] = float((np.abs(answered.g - predicted) <= allowed)[outside].mean())
    return scores


def noise_ceiling(truth: Curves) -> dict[str, dict[str, Any]]:
    """R² that noise in the simulated curves allows.

    Returns
    -------
    dict
        `truth`: of a model that knows the noise-free curves; `replicate`: of a repetition, an equally long
        simulation of each state, from the other start where runs from two disagree. Each with the keys of
        `score_curves` that begin with `r2`, but for the median over curves.

    Notes
    -----
    The measured value is g = g* + e with e of variance s², the square of `simulation_errors`. A perfect model
    predicts g*; its expected squared error is s². A repetition gives g* + e' with independent e' of
    the same variance; its expected squared error is 2 s². So R² = 1 - Σ s² / Σ (g - mean of g)², and twice
    the subtrahend for the replicate. Correlations between bins do not matter, because expectations add.
    """
    square = simulation_errors(truth) ** 2
    return {"truth": _r2_by_group(truth, square), "replicate": _r2_by_group(truth, 2 * square)}


def _select(truth: Curves, rows: npt.NDArray[np.bool_]) -> Curves:
    starts = None if truth.starts is None else truth.starts[rows]
    return Curves(truth.states[rows], truth.r, truth.g[rows], truth.g_sem[rows], starts)


@dataclass(frozen=True)
class Group:
    """Curves that are scored together.

    Attributes
    ----------
    score, label : str
        Keys of `score_curves` that lead to their R²; the label is empty where one key does.
    states : (n_states,) array of bool
    pairs : list of int
        Places in `ljmix.state.PAIRS`.
    """

    score: str
    label: str
    states: npt.NDArray[np.bool_]
    pairs: list[int]


def score_groups(states: pd.DataFrame) -> list[Group]:
    """Every group that has an R² of its own; one without a state is left out."""
    every = list(range(len(PAIRS)))
    phase, converged = states["phase"], states["converged"].to_numpy(dtype=bool)
    good = converged & (phase == "mixed").to_numpy()

    def by_pair(score: str, rows: npt.NDArray[np.bool_]) -> list[Group]:
        return [Group(score, "all", rows, every)] + [Group(score, pair, rows, [k]) for k, pair in enumerate(PAIRS)]

    groups = by_pair("r2", np.ones(len(states), dtype=bool))
    for temperature in sorted(set(states["temperature"])):
        groups.append(Group(f"r2_T{temperature:g}", "", (states["temperature"] == temperature).to_numpy(), every))
    groups += [Group("r2_phase", label, (phase == label).to_numpy(), every) for label in sorted(set(phase))]
    groups += [Group("r2_converged", label, rows, every) for label, rows in (("yes", converged), ("no", ~converged))]
    dilute = (states["fraction_b"] <= DILUTE).to_numpy()
    if dilute.any() and not dilute.all():
        groups += [Group("r2_dilute", label, rows, every) for label, rows in (("yes", dilute), ("no", ~dilute))]
    if "starts_agree" in states:
        agree = states["starts_agree"].to_numpy(dtype=bool)
        groups += [Group("r2_starts_agree", label, rows, every) for label, rows in (("yes", agree), ("no", ~agree))]
    groups += by_pair("r2_mixed_converged", good)
    return [group for group in groups if group.states.any()]


def _r2_by_group(truth: Curves, square: FloatArray) -> dict[str, Any]:
    """R² of every group from squared errors."""
    scores: dict[str, Any] = {}
    for group in score_groups(truth.states):
        g = truth.g[group.states][:, group.pairs]
        variation = float(((g - g.mean()) ** 2).sum())
        if variation == 0:
            if group.score == "r2" and group.label == "all":
                raise ValueError(f"R² is undefined where g does not vary: {g.size} points at g = {g.flat[0]:g}")
            continue
        r2 = float(1 - square[group.states][:, group.pairs].sum() / variation)
        if group.label:
            scores.setdefault(group.score, {})[group.label] = r2
        else:
            scores[group.score] = r2
    return scores


def _curve_scores(truth: Curves, predicted: FloatArray) -> dict[str, Any]:
    square = ((truth.g - predicted) ** 2).sum(axis=2)
    variation = ((truth.g - truth.g.mean(axis=2, keepdims=True)) ** 2).sum(axis=2)
    noise = (truth.g_sem**2).sum(axis=2)
    # A curve that is zero everywhere, or has no error bar (one block), says nothing in its own units.
    r2 = np.where(variation > 0, 1 - square / np.where(variation > 0, variation, 1), np.nan)
    in_sem = np.where(noise > 0, np.sqrt(square / np.where(noise > 0, noise, 1)), np.nan)
    sigma, _ = pair_constants(truth.states)
    height, position = highest_points(truth.r, truth.g, sigma)
    height_guess, position_guess = highest_points(truth.r, predicted, sigma)
    near = (truth.r < SHELL * sigma[..., None]) * truth.r**2
    shell, shell_guess = ((g * near).sum(axis=2) for g in (truth.g, predicted))
    core = truth.r < CORE * sigma[..., None]
    mixed = (truth.states["phase"] == "mixed").to_numpy()
    tail = truth.r > truth.r[-1] - _TAIL
    scores: dict[str, Any] = {
        "r2_curve_median": _medians(r2, pooled=True),
        "error_in_sem": _medians(in_sem, pooled=True),
        "peak_height_error": _medians(_relative(height_guess, height)),
        "peak_position_error": _medians(np.abs(position_guess - position)),
        "coordination_error": _medians(_relative(shell_guess, shell)),
    }
    scores["unphysical"] = {"negative": float((predicted < 0).mean()), "core": float(np.abs(predicted)[core].mean())}
    if mixed.any():
        scores["unphysical"]["tail"] = float(np.abs(predicted[mixed][..., tail] - 1).mean())
    return scores


def _relative(guess: FloatArray, value: FloatArray) -> FloatArray:
    return np.where(value > 0, np.abs(guess - value) / np.where(value > 0, value, 1), np.nan)


def _medians(values: FloatArray, *, pooled: bool = False) -> dict[str, float]:
    """Median over states by pair, and over all curves; a pair of which no curve has a value is left out."""
    columns = {"all": values.ravel()} if pooled else {}
    columns |= {pair: values[:, k] for k, pair in enumerate(PAIRS)}
    return {name: float(np.nanmedian(part)) for name, part in columns.items() if np.isfinite(part).any()}
