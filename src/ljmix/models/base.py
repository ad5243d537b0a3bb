"""What every model promises, and the part that all row-wise models share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from ljmix._util.arrays import FloatArray
from ljmix.data.dataset import Dataset, learning_table
from ljmix.models.features import finite_columns, input_matrix, table_inputs
from ljmix.state import PAIRS

__all__ = ["Model", "RowModel", "SourcedModel", "UncertainModel"]


class Model(Protocol):
    """What every model promises."""

    def fit(self, dataset: Dataset) -> Self:
        """Learn from every curve of the dataset, up to `ljmix.data.dataset.LEARNING_RANGE`."""

    def predict(self, states: pd.DataFrame, r: npt.ArrayLike) -> FloatArray:
        """Predict the curves of state points.

        Parameters
        ----------
        states : pandas.DataFrame
            One row a state point, with `temperature`, `fraction_b`, `size_ratio`, `epsilon_ab`.
        r : (n_bins,) array_like
            Distances, σ_AA.

        Returns
        -------
        (n_states, 3, n_bins) array
            g(r) of AA, AB and BB. A model that does not converge on a state (a theory whose equations have
            no solution there) returns NaN for all curves of it.
        """


@runtime_checkable
class UncertainModel(Model, Protocol):
    """A model that also says how sure it is."""

    def predict_spread(self, states: pd.DataFrame, r: npt.ArrayLike) -> FloatArray:
        """Standard deviation that the model gives its prediction, (n_states, 3, n_bins)."""


@runtime_checkable
class SourcedModel(Model, Protocol):
    """A model that predicts in more than one way, and says which."""

    def predict_source(self, states: pd.DataFrame, r: npt.ArrayLike) -> npt.NDArray[np.str_]:
        """Name of the way by which each state is predicted, (n_states,)."""


class RowModel(BaseEstimator, ABC):  # type: ignore[misc]
    """A model of one number, g, from seven, `ljmix.data.dataset.FEATURES`.

    Attributes
    ----------
    estimator_ : ljmix.models.networks.perceptron.ScaledPerceptron or xgboost.XGBRegressor
        The fitted estimator; takes the seven raw inputs, (n_rows, 7).
    loss_curve_ : list of float
        Mean squared error of g over the training rows, one value an epoch (a round of boosting).
    """

    name: str
    estimator_: Any
    loss_curve_: list[float]

    @abstractmethod
    def _fit_arrays(self, inputs: FloatArray, g: FloatArray) -> None:
        """Set `estimator_` and `loss_curve_`."""

    @abstractmethod
    def _predict_array(self, inputs: FloatArray) -> npt.NDArray[np.floating]:
        """Predict g, (n_rows,)."""

    def fit_rows(self, table: pd.DataFrame) -> Self:
        """Learn from a table as `ljmix.data.dataset.learning_table` returns it, or from a part of its rows.

        Raises
        ------
        ValueError
            As `ljmix.models.features.table_inputs`.
        """
        self._fit_arrays(table_inputs(table), finite_columns("table", table, ("g",))[:, 0])
        return self

    def predict_rows(self, table: pd.DataFrame) -> FloatArray:
        """Predict g for each row of a table with the columns `FEATURES`.

        Returns
        -------
        (n_rows,) array
        """
        return self._predict_inputs(table_inputs(table))

    def fit(self, dataset: Dataset) -> Self:
        """Learn from every point of every curve of the dataset."""
        return self.fit_rows(learning_table(dataset))

    def predict(self, states: pd.DataFrame, r: npt.ArrayLike) -> FloatArray:
        """Predict the curves of state points; see `Model.predict`."""
        return self._predict_inputs(input_matrix(states, r)).reshape(len(states), len(PAIRS), -1)

    def _predict_inputs(self, inputs: FloatArray) -> FloatArray:
        check_is_fitted(self)
        return self._predict_array(inputs).astype(float)
