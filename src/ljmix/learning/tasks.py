"""What is learned and what is asked: splits by state point, never by row.

Rows of one curve are not independent, so no curve is ever cut. `interpolation-rows` alone cuts them, as the
paper does; see `ljmix.learning.evaluation.evaluate_interpolation`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ljmix.dataset import Dataset, split_by_temperature
from ljmix.learning.features import COMPOSITION, composition_keys

__all__ = [
    "FOLDS", "KNOWN_COMPOSITIONS", "TASKS", "TEST_TEMPERATURES", "TRAIN_TEMPERATURES", "Split", "make_splits",
    "validation_splits",
]  # fmt: skip

TRAIN_TEMPERATURES, TEST_TEMPERATURES = (0.8, 1.0, 1.2), (0.6, 1.4)
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

KNOWN_COMPOSITIONS = ("interpolation-states", "extrapolation")
"""Tasks whose training part holds every composition that is asked for: temperature baselines can take part."""


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


def make_splits(dataset: Dataset, task: str, seed: int = 0) -> list[Split]:
    """Split a dataset for a task; the test parts of all folds together hold each state asked for once.

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
    if task == "extrapolation":
        return [Split("unseen temperatures", *split_by_temperature(dataset, TRAIN_TEMPERATURES, TEST_TEMPERATURES))]
    states = dataset.states
    if task == "interpolation-states":
        return [_split("random states", dataset, _draw_states(dataset, seed))]
    if task in _LEFT_OUT:
        column = _LEFT_OUT[task]
        values = sorted(set(states[column]))
        if len(values) < 2:
            raise ValueError(f"task {task}: all states have {column} = {values[0]:g}; two values are needed at least")
        return [_split(f"{column} = {value:g}", dataset, (states[column] == value).to_numpy()) for value in values]
    folds = _composition_folds(dataset, seed)
    splits = [_split(f"fold {k + 1}", dataset, folds == k) for k in range(folds.max() + 1)]
    if task == "compositions":
        return splits
    return [Split(part.fold, _at(part.train, TRAIN_TEMPERATURES), _at(part.test, TEST_TEMPERATURES)) for part in splits]


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
    return dataset.select(np.isclose(dataset.states["temperature"].to_numpy()[:, None], temperatures).any(axis=1))


def _draw_states(dataset: Dataset, seed: int) -> npt.NDArray[np.bool_]:
    """Mask of one state of every composition that has another one."""
    rng = np.random.default_rng(seed)
    rows = dataset.states.groupby(list(COMPOSITION), sort=True).indices
    drawn = [int(rng.choice(places)) for places in rows.values() if len(places) > 1]
    if not drawn:
        raise ValueError("task interpolation-states: every composition has a single state; two are needed")
    mask = np.zeros(len(dataset.states), dtype=bool)
    mask[drawn] = True
    return mask


def _composition_folds(dataset: Dataset, seed: int) -> npt.NDArray[np.int64]:
    """Fold of each state; all temperatures of a composition share one."""
    keys = composition_keys(dataset.states)
    compositions = sorted(set(keys))
    folds = min(FOLDS, len(compositions))
    if folds < 2:
        raise ValueError("tasks on unseen compositions need two compositions at least; there is one")
    order = np.random.default_rng(seed).permutation(len(compositions))
    number = {compositions[k]: place % folds for place, k in enumerate(order)}
    return np.array([number[key] for key in keys])
