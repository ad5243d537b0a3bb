"""Unseen temperatures, compositions and size ratios, by the splits of the benchmark."""

from __future__ import annotations

from typing import Any

import pandas as pd
from tqdm import tqdm

from ljmix.data.dataset import Dataset
from ljmix.evaluation.splits import FOLDS, Split, make_splits, possible_tasks
from ljmix.models.features import composition_keys
from ljmix.surrogate.folds import Kept
from ljmix.surrogate_scores.predictions import score_predictions, tabulate_predictions

__all__ = ["TASKS", "asked_tasks", "score_task", "task_splits"]

TASKS = ("extrapolation", "compositions", "unseen-size-ratio")
"""Tasks of `ljmix.evaluation.splits` that are asked: unseen temperatures, compositions, size ratios."""


def task_splits(dataset: Dataset, task: str) -> list[Split]:
    """Splits of a task; of compositions every fifth part once."""
    if task != "compositions":
        return make_splits(dataset, task)
    count = min(FOLDS, len(set(composition_keys(dataset.states))))
    return [split for seed in range(count) for split in make_splits(dataset, task, seed)]


def score_task(
    dataset: Dataset, task: str, kept: Kept, *, progress: bool = False
) -> tuple[dict[str, Any], pd.DataFrame]:
    """Learn the training part of each split, and score what is said of its test part.

    Nothing is chosen by test states: what there is to choose (lengths, the scale of k, thresholds) is chosen by the
    likelihood of the training part.

    Parameters
    ----------
    dataset : Dataset
    task : str
        One of `TASKS`.
    kept : Kept
        Where fits and predictions are.
    progress : bool
        Show a bar.

    Returns
    -------
    scores : dict
        Of `score_predictions`, over all splits, and for each under `folds`.
    table : pandas.DataFrame
        Of `tabulate_predictions`, with `task` and `fold`.

    Raises
    ------
    ValueError
        If the dataset has too little variety for the task.
    """
    tests, said, folds, tables = [], [], {}, []
    for split in tqdm(task_splits(dataset, task), desc=task, unit="fold", disable=not progress):
        found = kept.prediction(split.train, split.test)
        folds[split.fold] = score_predictions([split.test], [found])
        tables.append(tabulate_predictions(split.test, found).assign(task=task, fold=split.fold))
        tests.append(split.test)
        said.append(found)
    return score_predictions(tests, said) | {"folds": folds}, pd.concat(tables, ignore_index=True)


def asked_tasks(dataset: Dataset) -> list[str]:
    """Tasks of `TASKS` for which a dataset has enough variety."""
    possible = possible_tasks(dataset)
    return [task for task in TASKS if task in possible]
