"""Which model is the best, decided inside the training temperatures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ljmix.data.curves import curves_of
from ljmix.data.dataset import Dataset
from ljmix.evaluation.fits import fit_group, group_names
from ljmix.evaluation.parallel import run_in_parallel
from ljmix.evaluation.splits import Split, validation_splits
from ljmix.models.base import Model
from ljmix.models.features import layout_table
from ljmix.models.theory import Solutions, remember_solutions
from ljmix.scoring.bootstrap import resample_scores
from ljmix.scoring.curve_errors import relative_errors
from ljmix.scoring.tables import pooled_r2

__all__ = ["median_error", "predict_splits", "predict_tests", "validate"]


def validate(
    train: Dataset,
    names: Sequence[str],
    seed: int = 0,
    *,
    solutions: Solutions | None = None,
    workers: int = 1,
    **options: Any,
) -> pd.DataFrame:
    """Let models predict the validation splits: what decides which is the best, and how clearly.

    Parameters
    ----------
    train : Dataset
        Training temperatures only.
    names : sequence of str
        Models that predict every state.
    seed : int
    solutions : dict, optional
        Of theory, as in `ljmix.evaluation.run.evaluate`.
    workers : int
        Processes that fit side by side; -1 for one a core.
    **options
        As of `ljmix.models.registry.make_model`.

    Returns
    -------
    pandas.DataFrame
        One row per model, the best first: `model`, `r2` (pooled over both splits), `low`, `high` (95 % interval
        over mixtures), `behind`, `behind_low`, `behind_high` (R² below that of the best, on the same draws). Where the
        last interval holds zero, the two do not differ significantly.
    """
    splits = validation_splits(train)

    def run(group: tuple[str, ...]) -> pd.DataFrame:
        remember_solutions(solutions or {})
        folds = [fit_group(group, split.train, seed, options) for split in splits]
        return pd.concat(
            predict_tests(splits, [fold[name].model for fold in folds]).assign(model=name) for name in group
        )

    groups = [(group,) for group in group_names(names)]
    predictions = pd.concat(run_in_parallel(run, groups, "validation", workers, progress=False))
    best = max(names, key=lambda name: pooled_r2(predictions[predictions["model"] == name]))
    certainty = resample_scores(predictions.assign(seed=seed, part="test"), train.states, baseline=best)
    table = certainty[(certainty["score"] == "r2") & (certainty["label"] == "all")]
    behind = {"behind": -table["gain"], "behind_low": -table["gain_high"], "behind_high": -table["gain_low"]}
    chosen = table[["model", "r2", "low", "high"]].assign(**behind)
    return chosen.sort_values("r2", ascending=False, kind="stable", ignore_index=True)


def predict_splits(splits: Sequence[Split], make: Callable[[], Model]) -> pd.DataFrame:
    """Test points of all splits, with what the model that `make` gives for each predicts there."""
    return predict_tests(splits, (make().fit(split.train) for split in splits))


def predict_tests(splits: Sequence[Split], models: Iterable[Model]) -> pd.DataFrame:
    """Test points of all splits, with what the fitted model of each predicts there."""
    parts = []
    for split, model in zip(splits, models, strict=True):
        table = layout_table(split.test)
        guess = model.predict(split.test.states, np.unique(table["r"]))
        parts.append(table[["state_id", "pair", "r", "g"]].assign(predicted=guess.ravel()))
    return pd.concat(parts, ignore_index=True)


def median_error(splits: Sequence[Split], make: Callable[[], Model]) -> float:
    """Median error of the model that `make` gives for each split, over all curves of the test parts.

    The error of a curve is in units of its own spread, see `ljmix.scoring.curve_errors`.
    """
    errors = []
    for split in splits:
        truth = curves_of(split.test)
        predicted = make().fit(split.train).predict(split.test.states, truth.r)
        errors.append(relative_errors(truth, predicted).ravel())
    return float(np.nanmedian(np.concatenate(errors)))
