"""Theory and its residual where theory converges; a model of separating liquids where it does not."""

from __future__ import annotations

from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from ljmix._util.arrays import FloatArray
from ljmix.data.dataset import Dataset
from ljmix.models.gaussian_process import CurveProcess
from ljmix.models.ingredients import Ingredients, Scales

__all__ = ["TheoryGuided"]


class TheoryGuided:
    """Two Gaussian processes; theory, which has seen no curve, decides state by state which one predicts.

    Where Percus-Yevick has a solution the mixture is one liquid, and the process on the residual of theory
    predicts. Where it has none the mixture mostly separates, and the process that knows of two liquids does.
    Either has learned from all states that it can. Solving the equation takes some 50 ms of CPU time a state,
    which is what a prediction costs.

    Parameters
    ----------
    scales : Scales
        Of both.
    name : str
    """

    def __init__(self, scales: Scales | None = None, name: str = "theory-guided") -> None:
        self.name = name
        self.one_liquid = CurveProcess(Ingredients(theory=True), scales, name)
        self.two_liquids = CurveProcess(Ingredients(), scales, name)

    def fit(self, dataset: Dataset) -> Self:
        """Learn from every curve of the dataset, and from its derivatives where it has them."""
        self.one_liquid.fit(dataset)
        self.two_liquids.fit(dataset)
        return self

    def predict(self, states: pd.DataFrame, r: npt.ArrayLike) -> FloatArray:
        """Predict the curves of state points; see `ljmix.models.base.Model.predict`."""
        return self._choose(self.one_liquid.predict(states, r), states, lambda rest: self.two_liquids.predict(rest, r))

    def predict_spread(self, states: pd.DataFrame, r: npt.ArrayLike) -> FloatArray:
        """Standard deviation of the process that predicts, (n_states, 3, n_bins)."""
        first = self.one_liquid.predict_spread(states, r)
        return self._choose(first, states, lambda rest: self.two_liquids.predict_spread(rest, r))

    @staticmethod
    def _choose(first: FloatArray, states: pd.DataFrame, second) -> FloatArray:  # type: ignore[no-untyped-def]
        silent = np.isnan(first).all(axis=(1, 2))
        if silent.any():
            first[silent] = second(states[silent])
        return first
