"""What each piece of physics is worth: leave it out, and see what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from ljmix.dataset import Dataset
from ljmix.learning.evaluation import run_in_parallel
from ljmix.learning.ingredients import Ingredients, Scales
from ljmix.learning.interface import Model
from ljmix.learning.process import CurveProcess
from ljmix.learning.tasks import make_splits
from ljmix.learning.trees import PhysicsTrees
from ljmix.learning.tuned import tuned_settings
from ljmix.learning.validation import score_splits

__all__ = ["ablate", "variants"]


def variants(seed: int = 0) -> dict[tuple[str, str], Model]:
    """Both physical models whole, and with one ingredient left out.

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
        See `ljmix.learning.tasks.TASKS`.
    seeds : int
        Repetitions where something is drawn: the trees, and the folds of compositions.
    workers : int
        Processes that fit side by side; -1 for one a core.
    progress : bool
        Show a bar, one step a fit.

    Returns
    -------
    pandas.DataFrame
        One row a task, model and ingredient: `task, model, without, r2, r2_std` (pooled over all points;
        standard deviation over seeds, None for one), `cost` (loss in R² against the whole model).

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

    def run(task: str, seed: int, key: tuple[str, str]) -> float:
        return score_splits(make_splits(dataset, task, seed), lambda: variants(seed)[key])

    found = run_in_parallel(run, runs, "ablation", workers, progress)
    rows = [
        {"task": task, "model": model, "without": without, "seed": seed, "r2": r2}
        for (task, seed, (model, without)), r2 in zip(runs, found, strict=True)
    ]
    scores = pd.DataFrame(rows).groupby(["task", "model", "without"], sort=False)["r2"]
    table = scores.agg(r2="mean", r2_std="std").reset_index()
    whole = table[table["without"] == "nothing"].set_index(["task", "model"])["r2"]
    table["cost"] = whole.loc[pd.MultiIndex.from_frame(table[["task", "model"]])].to_numpy() - table["r2"]
    return table
