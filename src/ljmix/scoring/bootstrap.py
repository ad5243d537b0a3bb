"""How sure a score is: what other mixtures would have given, by drawing them with replacement."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ljmix._util.arrays import FloatArray
from ljmix.data.curves import Curves
from ljmix.models.features import composition_keys
from ljmix.scoring.coverage import simulate_models
from ljmix.scoring.draws import draw_weights, middle
from ljmix.scoring.intervals import LEAST_CLUSTERS, ClusterSums, gain_interval, r2_interval
from ljmix.scoring.scores import score_groups
from ljmix.state import PAIRS

__all__ = ["cover_scores", "interval_kind", "resample_scores", "weigh_curves"]


def interval_kind(states: pd.DataFrame) -> str:
    """Kind of interval that the scores of a dataset have.

    Version 1 was published with percentile intervals, which hold the truth less often than the studentized ones of
    version 2 (`ljmix.scoring.intervals`). Its tables lack the column `version`.
    """
    return "studentized" if "version" in states else "percentile"


def resample_scores(
    predictions: pd.DataFrame,
    states: pd.DataFrame,
    *,
    baseline: str = "nearest-temperature",
    draws: int = 2000,
    seed: int = 0,
    kind: str | None = None,
) -> pd.DataFrame:
    """Bootstrap R² over the compositions that are asked for, and what each model gains over a baseline.

    The spread over seeds says how much a fit depends on its starting point. It does not say how much a score
    depends on which mixtures happen to be asked for, and pooled over points R² may hang on a few curves (see
    `weigh_curves`). All models are scored on the same draws, so that a gain is one of pairs.

    Parameters
    ----------
    predictions : pandas.DataFrame
        As `ljmix.evaluation.run.Evaluation.predictions` of a task: columns `state_id, pair, g, predicted, model,
        seed, part`. Test parts of several splits are pooled.
    states : pandas.DataFrame
        Of the dataset.
    baseline : str
        The model that gains are over.
    draws, seed : int
    kind : {"percentile", "studentized"}, optional
        See `ljmix.scoring.intervals`; as `interval_kind` says unless given.

    Returns
    -------
    pandas.DataFrame
        One row per model and group: `model`, `score` and `label` (the keys of
        `ljmix.scoring.scores.score_curves`), `states` (how many), `r2` (mean over seeds), `low`, `high`
        (nominal 95 % interval), `gain`, `gain_low`, `gain_high` (R² above the baseline's). A model without
        a prediction for some states is scored on those that it predicts, and the baseline beside it on the same.
        NaN for the intervals of a group with predicted states of fewer than five compositions.

    Raises
    ------
    ValueError
        If the baseline did not take part, or the kind is unknown.

    Notes
    -----
    Bootstrap over clusters (Davison and Hinkley 1997, doi:10.1017/CBO9780511802843, chapter 5): all
    curves of a composition are drawn together, for what is hard at one temperature is hard at others. Draws know
    nothing of a kind of mixture that the test part does not hold, so that where a few curves carry the score, 95 %
    is too high a promise: of test sets of 100 compositions at two temperatures, 93 % have an interval that holds the
    score of the population where errors differ from composition to composition by a factor of e^0.3 (lognormal),
    and 76 % where they differ by a factor of e. Those are percentile intervals; `ljmix.scoring.coverage` simulates all.
    """
    if kind is not None and kind not in _INTERVALS:
        raise ValueError(f"kind = {kind!r} is unknown; choose one of {', '.join(_INTERVALS)}")
    find_interval = _INTERVALS[kind or interval_kind(states)]
    test = predictions[predictions["part"] == "test"]
    if baseline not in set(test["model"]):
        raise ValueError(f"baseline = {baseline!r} is not among the predictions: {sorted(set(test['model']))}")
    asked = states[states["state_id"].isin(test["state_id"].unique())].reset_index(drop=True)
    models = list(dict.fromkeys(test["model"]))
    errors = {model: _squared_errors(test[test["model"] == model], asked) for model in models}
    moments = _moments(test[test["model"] == baseline], asked)
    member, mixtures = pd.factorize(pd.Series(composition_keys(asked)))
    weights = np.concatenate([np.ones((1, len(mixtures))), draw_weights(len(mixtures), draws, seed)])
    weights = weights[:, member]  # the states as they are come first
    rows = []
    for model in models:
        answered = np.isfinite(errors[model]).all(axis=1)
        for group in score_groups(asked):
            there = group.states & answered
            if not there.any():
                continue
            parts = [part[there][:, group.pairs].sum(axis=1) for part in (errors[model], errors[baseline], *moments)]
            row: dict[str, Any] = {
                "model": model,
                "score": group.score,
                "label": group.label,
                "states": int(there.sum()),
            }
            known = len(set(member[there])) >= LEAST_CLUSTERS
            rows.append(row | find_interval(parts, member[there], weights[:, there], known, seed))
    return pd.DataFrame(rows)


def _percentile(
    parts: list[FloatArray], member: npt.NDArray[np.intp], weights: FloatArray, known: bool, seed: int
) -> dict[str, float]:
    error, other, *moments = parts
    own, base = (_r2(weights, part, moments) for part in (error, other))
    (low, high), (gain_low, gain_high) = (middle(v[1:]) if known else (np.nan, np.nan) for v in (own, own - base))
    return {
        "r2": own[0], "low": low, "high": high, "gain": own[0] - base[0], "gain_low": gain_low, "gain_high": gain_high,
    }  # fmt: skip


def _studentized(
    parts: list[FloatArray], member: npt.NDArray[np.intp], weights: FloatArray, known: bool, seed: int
) -> dict[str, float]:
    error, other, *moments = parts
    own, base = (_r2(weights[:1], part, moments)[0] for part in (error, other))
    ends = dict.fromkeys(("low", "high", "gain_low", "gain_high"), np.nan)
    if known:
        place, _ = pd.factorize(member)
        error, other, *moments = (np.bincount(place, part).astype(float) for part in (error, other, *moments))
        sums, others = ClusterSums(error, *moments), ClusterSums(other, *moments)
        draws = len(weights) - 1
        ends["low"], ends["high"] = r2_interval(sums, draws=draws, seed=seed)
        ends["gain_low"], ends["gain_high"] = gain_interval(sums, others, draws=draws, seed=seed)
    return {"r2": own, "gain": own - base, **ends}


_INTERVALS = {"percentile": _percentile, "studentized": _studentized}


def cover_scores(
    predictions: pd.DataFrame, states: pd.DataFrame, *, baseline: str = "nearest-temperature", sets: int = 200
) -> dict[str, dict[str, float]]:
    """How often studentized intervals hold the truth, for each model in simulated sets of compositions like ours.

    Parameters
    ----------
    predictions, states, baseline
        As of `resample_scores`.
    sets : int
        Simulated ones, for each model.

    Returns
    -------
    dict
        By model, as from `ljmix.scoring.coverage.simulate_models`; the baseline has no gain. Models that do not predict
        every state, and all models where there are fewer than five compositions, are left out.
    """
    test = predictions[predictions["part"] == "test"]
    asked = states[states["state_id"].isin(test["state_id"].unique())].reset_index(drop=True)
    member, mixtures = pd.factorize(pd.Series(composition_keys(asked)))
    if len(mixtures) < LEAST_CLUSTERS:
        return {}
    moments = [
        np.bincount(member, part.sum(axis=1)).astype(float) for part in _moments(test[test["model"] == baseline], asked)
    ]
    sums = {}
    for model, rows in test.groupby("model", observed=True, sort=False):
        error = _squared_errors(rows, asked).sum(axis=1)
        if np.isfinite(error).all():
            sums[str(model)] = ClusterSums(np.bincount(member, error).astype(float), *moments)
    found = {model: simulate_models(own, sums[baseline], sets=sets) for model, own in sums.items()}
    found[baseline].pop("gain")
    return found


def weigh_curves(truth: Curves) -> pd.DataFrame:
    """Share of every curve in the variance that a pooled R² is about.

    Returns
    -------
    pandas.DataFrame
        `state_id`, `pair`, `share` of Σ (g - mean of g)² over all points, largest first. 1 / Σ share² is the
        number of equally heavy curves that would be as many.
    """
    variation = ((truth.g - truth.g.mean()) ** 2).sum(axis=2)
    table = pd.DataFrame({"state_id": np.repeat(truth.states["state_id"], len(PAIRS)), "pair": PAIRS * len(truth.g)})
    table["share"] = (variation / variation.sum()).ravel()
    return table.sort_values("share", ascending=False, ignore_index=True)


def _squared_errors(rows: pd.DataFrame, asked: pd.DataFrame) -> FloatArray:
    """Summed over a curve, mean over seeds, (n_states, 3); NaN where there is no prediction."""
    square = (rows["g"].astype(float) - rows["predicted"].astype(float)) ** 2
    sums = square.groupby([rows["state_id"], rows["pair"], rows["seed"]], observed=True).sum(min_count=1)
    return _by_state(sums.groupby(level=["state_id", "pair"], observed=True).mean(), asked)


def _moments(rows: pd.DataFrame, asked: pd.DataFrame) -> FloatArray:
    """Number of points, sum of g and sum of g² of every curve, however many seeds predict it, (3, n_states, 3)."""
    groups = rows.assign(square=rows["g"] ** 2).groupby(["state_id", "pair"], observed=True)
    repeats = groups["seed"].nunique()
    sums = (groups.size(), groups["g"].sum(), groups["square"].sum())
    return np.stack([_by_state(part / repeats, asked) for part in sums])


def _by_state(values: pd.Series, asked: pd.DataFrame) -> FloatArray:
    table = values.unstack("pair").reindex(index=asked["state_id"], columns=list(PAIRS))
    return np.asarray(table, dtype=float)


def _r2(weights: FloatArray, error: FloatArray, moments: list[FloatArray]) -> FloatArray:
    """R² of every draw; NaN where nothing varies."""
    number, total, square = (weights @ part for part in moments)
    variation = square - total**2 / np.where(number > 0, number, 1)
    return np.where(variation > 0, 1 - (weights @ error) / np.where(variation > 0, variation, 1), np.nan)
