"""What is learned and what is asked: splits by state point, never by row.

Rows of one curve are not independent, so no curve is ever cut. The paper cuts them;
`ljmix.evaluation.run.evaluate_interpolation` does so too, for comparison.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from ljmix.data.dataset import Dataset, split_by_temperature
from ljmix.models.features import composition_keys
from ljmix.state import COMPOSITION, TEST_TEMPERATURES, TRAIN_TEMPERATURES

__all__ = [
    "FOLDS", "TASKS", "TEST_TEMPERATURES", "TRAIN_TEMPERATURES", "Split",
    "complete_compositions", "make_splits", "possible_tasks", "validation_splits",
]  # fmt: skip

FOLDS = 5

_LEFT_OUT = {
    "unseen-size-ratio": "size_ratio", "unseen-epsilon-ab": "epsilon_ab", "unseen-fraction-b": "fraction_b",
}  # fmt: skip
TASKS = {
    "interpolation-states": "one temperature of every composition held out, drawn at random",
    "extrapolation": "trained at T* = 0.8, 1.0, 1.2, asked at 0.6 and 1.4: the paper's",
    "compositions": "a fifth of all compositions held out, at every temperature",
    "unseen-size-ratio": "one value of the size ratio held out",
    "unseen-epsilon-ab": "one value of the cross energy held out",
    "unseen-fraction-b": "one value of the fraction of B held out",
    "compositions-temperatures": "a fifth of all compositions held out, asked at temperatures not seen either",
}
"""Tasks by name. The temperature task is called as its section of ``metrics.json``."""


@dataclass(frozen=True)
class Split:
    """One training and one test part of a task.

    Attributes
    ----------
    fold : str
        Which of the task's parts is held out.
    train, test : Dataset
    """

    fold: str
    train: Dataset
    test: Dataset


def complete_compositions(dataset: Dataset) -> Dataset:
    """Return the compositions that have every temperature of the dataset, as a campaign under way may not.

    Raises
    ------
    ValueError
        If none has.
    """
    states = dataset.states
    temperatures = states["temperature"].nunique()
    counts = states.groupby(list(COMPOSITION))["temperature"].transform("nunique")
    return dataset.select((counts == temperatures).to_numpy())


def make_splits(dataset: Dataset, task: str, seed: int = 0) -> list[Split]:
    """Split a dataset for a task.

    Where compositions are held out, a seed holds out a fifth of them, and five seeds all of them once. Where
    one value is held out, there is a split for each value, whatever the seed.

    Parameters
    ----------
    dataset : Dataset
    task : str
        One of `TASKS`.
    seed : int
        Of random splits.

    Returns
    -------
    list of Split

    Raises
    ------
    ValueError
        If the task is unknown or the dataset has too little variety for it.
    """
    if task not in TASKS:
        raise ValueError(f"task = {task!r} is unknown; choose one of {', '.join(TASKS)}")
    missing = _obstacle(dataset, task)
    if missing:
        raise ValueError(f"task {task}: {missing}")
    if task == "extrapolation":
        return [Split("unseen temperatures", *split_by_temperature(dataset))]
    states = dataset.states
    if task == "interpolation-states":
        return [_split("random states", dataset, _draw_states(dataset, seed))]
    if task in _LEFT_OUT:
        column = _LEFT_OUT[task]
        values = sorted(set(states[column]))
        return [_split(f"{column} = {value:g}", dataset, (states[column] == value).to_numpy()) for value in values]
    split = _composition_fold(dataset, seed)
    if task == "compositions":
        return [split]
    return [Split(split.fold, _at(split.train, TRAIN_TEMPERATURES), _at(split.test, TEST_TEMPERATURES))]


def possible_tasks(dataset: Dataset) -> list[str]:
    """Tasks for which the dataset has enough variety, in the order of `TASKS`."""
    return [task for task in TASKS if not _obstacle(dataset, task)]


def _obstacle(dataset: Dataset, task: str) -> str:
    """What a dataset lacks for a task; empty if nothing."""
    states = dataset.states
    if task in _LEFT_OUT:
        column = _LEFT_OUT[task]
        if states[column].nunique() < 2:
            return f"all states have {column} = {states[column].iloc[0]:g}; two values are needed at least"
    elif task == "interpolation-states":
        if states.groupby(list(COMPOSITION)).size().max() < 2:
            return "every composition has a single state; two are needed"
    elif task != "extrapolation" and len(set(composition_keys(states))) < 2:
        return "there is one composition; two are needed at least"
    if task in ("extrapolation", "compositions-temperatures"):
        for wanted in (TRAIN_TEMPERATURES, TEST_TEMPERATURES):
            if not _has_temperature(states, wanted).any():
                present = ", ".join(f"{t:g}" for t in sorted(set(states["temperature"])))
                return f"no state at T* = {' or '.join(f'{t:g}' for t in wanted)}; there are {present}"
    return ""


def validation_splits(train: Dataset) -> list[Split]:
    """Splits inside a training set that ask what the temperature task asks: what lies beyond its ends.

    The outermost temperatures are held out in turn, the lowest one and the highest one.

    Raises
    ------
    ValueError
        If there are fewer than three temperatures: nothing would be left to extrapolate from.
    """
    temperatures = sorted(set(train.states["temperature"]))
    if len(temperatures) < 3:
        raise ValueError(f"validation needs three training temperatures at least; there are {temperatures}")
    ends = (temperatures[0], temperatures[-1])
    return [_split(f"T* = {end:g}", train, (train.states["temperature"] == end).to_numpy()) for end in ends]


def _split(fold: str, dataset: Dataset, held_out: npt.NDArray[np.bool_]) -> Split:
    return Split(fold, dataset.select(~held_out), dataset.select(held_out))


def _at(dataset: Dataset, temperatures: Sequence[float]) -> Dataset:
    return dataset.select(_has_temperature(dataset.states, temperatures))


def _has_temperature(states: pd.DataFrame, temperatures: Sequence[float]) -> npt.NDArray[np.bool_]:
    return np.asarray(np.isclose(states["temperature"].to_numpy()[:, None], temperatures).any(axis=1))


def _draw_states(dataset: Dataset, seed: int) -> npt.NDArray[np.bool_]:
    """Mask of one state of every composition that has another one."""
    rng = np.random.default_rng(seed)
    rows = dataset.states.groupby(list(COMPOSITION), sort=True).indices
    drawn = [int(rng.choice(places)) for places in rows.values() if len(places) > 1]
    mask = np.zeros(len(dataset.states), dtype=bool)
    mask[drawn] = True
    return mask


def _composition_fold(dataset: Dataset, seed: int) -> Split:
    """Hold out one of five parts of the compositions; every five seeds they are shuffled anew."""
    keys = composition_keys(dataset.states)
    compositions = sorted(set(keys))
    folds = min(FOLDS, len(compositions))
    order = np.random.default_rng(seed // folds).permutation(len(compositions))
    held_out = {compositions[k] for k in order[seed % folds :: folds]}
    return _split(f"fold {seed % folds + 1}", dataset, np.array([key in held_out for key in keys]))
