"""Theory and its residual where theory converges; a model of separating liquids where it does not."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from ljmix._util.arrays import FloatArray
from ljmix.data.dataset import Dataset
from ljmix.models.processes.gaussian_process import CurveProcess
from ljmix.models.processes.ingredients import Ingredients, Scales

__all__ = ["TheoryGuided"]

_USUAL = Scales()


class TheoryGuided(BaseEstimator):  # type: ignore[misc]
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

    def __init__(self, scales: Scales = _USUAL, name: str = "theory-guided") -> None:
        self.scales, self.name = scales, name

    def fit(self, dataset: Dataset) -> Self:
        """Learn from every curve of the dataset, and from its derivatives where it has them."""
        one, two = (CurveProcess(ingredients, self.scales) for ingredients in (Ingredients(theory=True), Ingredients()))
        return self.join(one.fit(dataset), two.fit(dataset))

    def join(self, one_liquid: CurveProcess, two_liquids: CurveProcess) -> Self:
        """Take two processes that have learned, on the residual of theory and without theory, in place of `fit`."""
        self.one_liquid_, self.two_liquids_ = copy(one_liquid), copy(two_liquids)
        self.one_liquid_.name = self.two_liquids_.name = self.name
        return self

    def predict(self, states: pd.DataFrame, r: npt.ArrayLike) -> FloatArray:
        """Predict the curves of state points; see `ljmix.models.base.Model.predict`."""
        check_is_fitted(self)
        return self._choose(CurveProcess.predict, states, r)

    def predict_spread(self, states: pd.DataFrame, r: npt.ArrayLike) -> FloatArray:
        """Standard deviation of the process that predicts, (n_states, 3, n_bins)."""
        check_is_fitted(self)
        return self._choose(CurveProcess.predict_spread, states, r)

    def predict_source(self, states: pd.DataFrame, r: npt.ArrayLike) -> npt.NDArray[np.str_]:
        """Say which process predicts each state: "theory" and its residual, or "data", where theory does not converge.

        Returns
        -------
        (n_states,) array of str
        """
        silent = np.isnan(self.one_liquid_.predict(states, r)).all(axis=(1, 2))
        return np.where(silent, "data", "theory")

    def _choose(
        self, ask: Callable[[CurveProcess, pd.DataFrame, npt.ArrayLike], FloatArray], states: pd.DataFrame,
        r: npt.ArrayLike,
    ) -> FloatArray:  # fmt: skip
        first = ask(self.one_liquid_, states, r)
        silent = np.isnan(first).all(axis=(1, 2))
        if silent.any():
            first[silent] = ask(self.two_liquids_, states[silent], r)
        return first
