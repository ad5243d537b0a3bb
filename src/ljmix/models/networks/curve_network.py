"""A whole curve at once: principal components and a network from the state to their coefficients."""

from __future__ import annotations

from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.decomposition import PCA
from sklearn.utils.validation import check_is_fitted

from ljmix._util.arrays import FloatArray, interpolate
from ljmix._util.threads import one_thread
from ljmix.data.dataset import Dataset
from ljmix.models.features import check_distances, input_matrix
from ljmix.models.networks.network import EPOCHS, PATIENCE
from ljmix.models.networks.perceptron import Training
from ljmix.state import COMPOSITION, PAIRS, as_simulated

__all__ = ["CurveNetwork"]

_INPUTS = ["temperature", *COMPOSITION]
_VARIANCE_KEPT = 0.999
_HIDDEN = (112, 56)


class CurveNetwork(BaseEstimator):  # type: ignore[misc]
    """Network from the four numbers of a state to all three curves, by their principal components.

    The kind of model that the paper's authors had before and call slower and worse than theirs: one example is
    a state, not a point, so that 300 states are 300 examples. Components that hold 99.9 % of the variance are
    kept; the two hidden layers are the paper's widest.

    Parameters
    ----------
    seed : int
        Of the starting weights and of the order of states.
    epochs, patience : int
        As of `ljmix.models.networks.network.Network`.

    Notes
    -----
    Between two bins of the training curves the prediction is interpolated linearly.
    """

    name = "curve-network"

    def __init__(self, seed: int = 0, epochs: int = EPOCHS, patience: int = PATIENCE) -> None:
        self.seed, self.epochs, self.patience = seed, epochs, patience

    def fit(self, dataset: Dataset) -> Self:
        """Learn from every curve of the dataset."""
        self.r_, g = dataset.curve_array()
        analysis = PCA(_VARIANCE_KEPT, svd_solver="full")
        coefficients = analysis.fit_transform(g.reshape(len(g), -1))
        self.components_, self.mean_ = analysis.components_, analysis.mean_
        # One scale for all, so that the squared error of coefficients is that of g.
        self.scale_ = float(coefficients[:, 0].std()) or 1.0
        inputs = as_simulated(dataset.states)[_INPUTS].to_numpy(dtype=float)
        training = Training(_HIDDEN, inputs, coefficients / self.scale_, batch=10, seed=self.seed)
        training.run(self.epochs, self.patience)
        self.estimator_ = training.keep_best()
        return self

    def predict(self, states: pd.DataFrame, r: npt.ArrayLike) -> FloatArray:
        """Predict the curves of state points; see `ljmix.models.base.Model.predict`."""
        check_is_fitted(self)
        distances = check_distances(r)
        input_matrix(states, distances[:1])  # checks the states as for every other model
        with one_thread():
            coefficients = self.estimator_.predict(as_simulated(states)[_INPUTS].to_numpy(dtype=float)) * self.scale_
        g = coefficients @ self.components_ + self.mean_
        g = g.reshape(len(states), len(PAIRS), len(self.r_))
        if np.array_equal(distances, self.r_):
            return np.asarray(g)
        return interpolate(distances, self.r_, g)
