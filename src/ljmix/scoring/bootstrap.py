"""How sure a score is: what other mixtures would have given, by drawing them with replacement.

What is drawn is what would be new in a new set of data. Scores draw compositions, whose temperatures go together
(here). Descriptors of simulated curves draw states (`ljmix.explanation.descriptors`). Attributions of a model draw one
of its fits, then states (`ljmix.explanation.ranking`).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from ljmix._util.arrays import FloatArray
from ljmix.data.curves import Curves
from ljmix.models.features import composition_keys
from ljmix.scoring.scores import score_groups
from ljmix.state import PAIRS

__all__ = ["draw_weights", "resample_scores", "weigh_curves"]

_LEAST_COMPOSITIONS = 5
"""A draw from fewer compositions repeats them more than it varies them."""
_INTERVAL = (0.025, 0.975)


def draw_weights(n: int, draws: int, seed: int) -> npt.NDArray[np.int64]:
    """How often each of n units is drawn, n times with replacement, (draws, n).

    Efron 1979, doi:10.1214/aos/1176344552.
    """
    return np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=draws)


def resample_scores(
    predictions: pd.DataFrame,
    states: pd.DataFrame,
    *,
    baseline: str = "nearest-temperature",
    draws: int = 2000,
    seed: int = 0,
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

    Returns
    -------
    pandas.DataFrame
        One row per model and group: `model`, `score` and `label` (the keys of
        `ljmix.scoring.scores.score_curves`), `states` (how many), `r2` (mean over seeds), `low`, `high` (95 %
        interval, percentiles), `gain`, `gain_low`, `gain_high` (R² above the baseline's). A model without
        a prediction for some states is scored on those that it predicts, and the baseline beside it on the same.
        NaN for the intervals of a group with predicted states of fewer than five compositions.

    Raises
    ------
    ValueError
        If the baseline did not take part.

    Notes
    -----
    Percentile bootstrap over clusters (Davison and Hinkley 1997, doi:10.1017/CBO9780511802843, chapter 5): all
    curves of a composition are drawn together, for what is hard at one temperature is hard at others. Draws know
    nothing of a kind of mixture that the test part does not hold, so that where a few curves carry the score, 95 %
    is too high a promise: of test sets of 100 compositions at two temperatures, 93 % have an interval that holds the
    score of the population where errors differ from composition to composition by a factor of e^0.3 (lognormal),
    and 76 % where they differ by a factor of e.
    """
    test = predictions[predictions["part"] == "test"]
    if baseline not in set(test["model"]):
        raise ValueError(f"baseline = {baseline!r} is not among the predictions: {sorted(set(test['model']))}")
    asked = states[states["state_id"].isin(test["state_id"].unique())].reset_index(drop=True)
    models = list(dict.fromkeys(test["model"]))
    errors = {model: _squared_errors(test[test["model"] == model], asked) for model in models}
    moments = _moments(test[test["model"] == baseline], asked)
    member, mixtures = pd.factorize(pd.Series(composition_keys(asked)))
    n = len(mixtures)
    weights = np.concatenate([np.ones((1, n)), draw_weights(n, draws, seed)])[
        :, member
    ]  # the states as they are come first
    rows = []
    for model in models:
        answered = np.isfinite(errors[model]).all(axis=1)
        for group in score_groups(asked):
            there = group.states & answered
            if not there.any():
                continue
            own, other = (
                _r2(weights[:, there], error[there][:, group.pairs], moments[:, there][:, :, group.pairs])
                for error in (errors[model], errors[baseline])
            )
            known = len(set(member[there])) >= _LEAST_COMPOSITIONS
            (low, high), (gain_low, gain_high) = (
                np.nanquantile(v[1:], _INTERVAL) if known else (np.nan, np.nan) for v in (own, own - other)
            )
            rows.append(
                {
                    "model": model, "score": group.score, "label": group.label, "states": int(there.sum()),
                    "r2": own[0], "low": low, "high": high,
                    "gain": own[0] - other[0], "gain_low": gain_low, "gain_high": gain_high,
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


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


def _r2(weights: FloatArray, error: FloatArray, moments: FloatArray) -> FloatArray:
    """R² of every draw; NaN where nothing varies."""
    number, total, square = (weights @ part.sum(axis=1) for part in moments)
    variation = square - total**2 / np.where(number > 0, number, 1)
    return np.where(variation > 0, 1 - (weights @ error.sum(axis=1)) / np.where(variation > 0, variation, 1), np.nan)
