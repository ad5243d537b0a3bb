"""Which contestant is the best, decided inside the training temperatures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ljmix.dataset import Dataset
from ljmix.learning.evaluation import run_in_parallel
from ljmix.learning.interface import Model
from ljmix.learning.models import make_model
from ljmix.learning.scores import curves_of
from ljmix.learning.tasks import Split, validation_splits

__all__ = ["name_best", "score_splits", "validate"]


def validate(
    train: Dataset, names: Sequence[str], seed: int = 0, *, workers: int = 1, **options: Any
) -> dict[str, float]:
    """Pooled R² of contestants on the validation splits, as they are: what decides which is the best.

    Parameters
    ----------
    train : Dataset
        Training temperatures only.
    names : sequence of str
    seed : int
    workers : int
        Processes that fit side by side; -1 for one a core.
    **options
        As of `ljmix.learning.models.make_model`.

    Returns
    -------
    dict
        By contestant.
    """
    splits = validation_splits(train)

    def run(name: str) -> float:
        return score_splits(splits, lambda: make_model(name, seed, **options))

    found = run_in_parallel(run, [(name,) for name in names], "validation", workers, progress=False)
    return dict(zip(names, found, strict=True))


def name_best(scores: Mapping[str, float]) -> str:
    """Name of the contestant with the highest validation score."""
    return max(scores, key=lambda name: scores[name])


def score_splits(splits: Sequence[Split], make: Callable[[], Model]) -> float:
    """Pooled R² over the test parts of all splits, of the model that `make` gives for each."""
    truths = [curves_of(split.test) for split in splits]
    guesses = [
        make().fit(split.train).predict(split.test.states, truth.r) for split, truth in zip(splits, truths, strict=True)
    ]
    g, guess = (np.concatenate(parts).ravel() for parts in ([truth.g for truth in truths], guesses))
    return float(1 - ((g - guess) ** 2).sum() / ((g - g.mean()) ** 2).sum())
