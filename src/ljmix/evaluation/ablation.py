"""Ablation: leave out each piece of physics, and see what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from ljmix.data.dataset import Dataset
from ljmix.evaluation.parallel import run_in_parallel
from ljmix.evaluation.selection import predict_splits
from ljmix.evaluation.splits import make_splits
from ljmix.models.base import Model
from ljmix.models.processes.gaussian_process import CurveProcess
from ljmix.models.processes.ingredients import Ingredients, Scales
from ljmix.models.trees import PhysicsTrees
from ljmix.models.tuned import tuned_settings
from ljmix.scoring.bootstrap import resample_scores
from ljmix.scoring.groups import GROUP_LABELS

__all__ = ["ablate", "variants"]

_PHYSICS = ("cavity", "scaled_distance", "packing", "coexistence", "slopes")
"""Ingredients that come from physics; the others are about statistics."""
_COLUMNS = ["task", "model", "without", "score", "label", "states", "r2", "cost", "cost_low", "cost_high"]


def variants(seed: int = 0) -> dict[tuple[str, str], Model]:
    """Both physical models whole, with one ingredient left out, and with all of their physics left out.

    Returns
    -------
    dict
        Unfitted models by name of the model and of what is left out, "nothing" for the whole one. Settings
        stay those of the whole model: what is tested is the ingredient, not a new search.
    """
    scales, whole = Scales(**tuned_settings("gaussian-process")), Ingredients()
    models: dict[tuple[str, str], Model] = {("gaussian-process", "nothing"): CurveProcess(whole, scales)}
    for name in whole.names():
        models["gaussian-process", name] = CurveProcess(replace(whole, **{name: False}), scales)
    bare = {name: False for name in _PHYSICS}
    models["gaussian-process", "all physics"] = CurveProcess(replace(whole, **bare), scales)
    trees = tuned_settings("xgboost-physics")
    models["xgboost-physics", "nothing"] = PhysicsTrees(seed, **trees)
    models["xgboost-physics", "physical inputs"] = PhysicsTrees(seed, inputs=False, **trees)
    models["xgboost-physics", "cavity target"] = PhysicsTrees(seed, target=False, **trees)
    models["xgboost-physics", "both"] = PhysicsTrees(seed, inputs=False, target=False, **trees)
    return models


def ablate(
    dataset: Dataset,
    tasks: Sequence[str] = ("extrapolation", "compositions"),
    seeds: int = 1,
    *,
    workers: int = 1,
    progress: bool = False,
) -> pd.DataFrame:
    """Score both physical models with each ingredient left out.

    Parameters
    ----------
    dataset : Dataset
    tasks : sequence of str
        See `ljmix.evaluation.splits.TASKS`.
    seeds : int
        Repetitions where something is drawn: the trees, and the folds of compositions, which are pooled.
    workers : int
        Processes that fit side by side; -1 for one a core.
    progress : bool
        Show a bar, one step a fit.

    Returns
    -------
    pandas.DataFrame
        One row a task, model, ingredient and group of states: `task, model, without, score, label` (the keys of
        `ljmix.scoring.scores.score_curves`: all states, and mixed, converged ones), `states` (how many), `r2`,
        `cost` (loss in R² against the whole model), `cost_low, cost_high` (its 95 % interval over mixtures, all drawn
        alike, `ljmix.scoring.bootstrap.resample_scores`).

    Raises
    ------
    ValueError
        If `seeds` is below 1 or a task cannot be split.
    """
    if seeds < 1:
        raise ValueError(f"seeds = {seeds}: must be at least 1")
    runs = [
        (task, seed, key)
        for task in tasks
        for seed in range(seeds)
        for key in variants()
        if not (seed and task == "extrapolation" and key[0] == "gaussian-process")  # it draws nothing
    ]

    def run(task: str, seed: int, key: tuple[str, str]) -> pd.DataFrame:
        rows = predict_splits(make_splits(dataset, task, seed), lambda: variants(seed)[key])
        return rows.assign(model=key[1], seed=seed, part="test")

    predictions: dict[tuple[str, str], list[pd.DataFrame]] = {}
    for (task, _, (model, _)), rows in zip(
        runs, run_in_parallel(run, runs, "ablation", workers, progress), strict=True
    ):
        predictions.setdefault((task, model), []).append(rows)
    tables = [
        _costs(pd.concat(parts), dataset).assign(task=task, model=model) for (task, model), parts in predictions.items()
    ]
    return pd.concat(tables, ignore_index=True)[_COLUMNS]


def _costs(predictions: pd.DataFrame, dataset: Dataset) -> pd.DataFrame:
    """What leaving out costs one model on one task; the column `model` of the predictions says what is left out."""
    scores = resample_scores(predictions, dataset.states, baseline="nothing")
    scores = scores[(scores["label"] == "all") & scores["score"].isin(GROUP_LABELS)]
    costs = {"cost": -scores["gain"], "cost_low": -scores["gain_high"], "cost_high": -scores["gain_low"]}
    return scores.assign(without=scores["model"], **costs)
