"""The contestants behind one interface: learn from a dataset, predict the curves of state points.

Two kinds. Row-wise models (`Network`, `BoostedTrees`) take one point of one curve as a row of seven numbers,
as the paper does. Baselines (`TemperatureBaseline`) know only temperature: they say what a learned model has
to beat. `make_model` gives each by its name.
"""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from typing import Literal, Protocol, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]
from xgboost import XGBRegressor

from ljmix.dataset import Dataset, learning_table
from ljmix.learning.features import check_distances, finite_columns, input_matrix, table_inputs
from ljmix.statepoint import PAIRS

__all__ = [
    "BASELINES", "EPOCHS", "HIDDEN_LAYERS", "MODELS", "PATIENCE", "ROW_MODELS", "BoostedTrees", "Model",
    "Network", "RowModel", "TemperatureBaseline", "make_model", "make_row_model",
]  # fmt: skip

FloatArray = npt.NDArray[np.float64]

ROW_MODELS = ("mlp", "xgboost")
BASELINES = ("nearest-temperature", "linear-in-temperature")
MODELS = ROW_MODELS + BASELINES

HIDDEN_LAYERS = (112, 56, 28, 14, 7)
"""The paper's network between its seven inputs and its one output."""

EPOCHS, PATIENCE = 1000, 30
"""The paper's number of epochs, here the most that are run, and how many may pass without progress."""

_COMPOSITION = ["fraction_b", "size_ratio", "epsilon_ab"]


class Model(Protocol):
    """What every contestant promises."""

    def fit(self, dataset: Dataset) -> Self:
        """Learn from every curve of the dataset, up to `ljmix.dataset.LEARNING_RANGE`."""

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
            g(r) of AA, AB and BB.
        """


class RowModel(ABC):
    """A model of one number, g, from seven, `ljmix.dataset.FEATURES`.

    Attributes
    ----------
    estimator_ : Pipeline or XGBRegressor
        The fitted estimator; takes the seven raw inputs, (n_rows, 7).
    loss_curve_ : list of float
        Mean squared error of g over the training rows, one value an epoch (a round of boosting).
    """

    name: str
    estimator_: Pipeline | XGBRegressor
    loss_curve_: list[float]

    @abstractmethod
    def _fit_arrays(self, inputs: FloatArray, g: FloatArray) -> None:
        """Set `estimator_` and `loss_curve_`."""

    @abstractmethod
    def _predict_array(self, inputs: FloatArray) -> npt.NDArray[np.floating]:
        """Predict g, (n_rows,)."""

    def fit_rows(self, table: pd.DataFrame) -> Self:
        """Learn from a table as `ljmix.dataset.learning_table` returns it, or from a part of its rows.

        Raises
        ------
        ValueError
            As `ljmix.learning.features.table_inputs`.
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
        if not hasattr(self, "estimator_"):
            raise NotFittedError(f"{self.name} has not learned anything yet; call fit first")
        return self._predict_array(inputs).astype(float)


class Network(RowModel):
    """The paper's network: 7-112-56-28-14-7-1, ReLU, Adam with learning rate 0.001, mean squared error.

    The paper says neither how inputs are scaled nor how large a batch is. Inputs are standardised here (mean
    0, variance 1 over the training rows), g is left as it is, and there is no weight decay.

    Parameters
    ----------
    seed : int
        Of the starting weights and of the order of rows.
    epochs : int
        Most passes over the training rows. The paper runs about 1000.
    patience : int
        Stop earlier, when so many epochs in a row each fall short of gaining 1e-4 in R² on the training rows.

    Notes
    -----
    Batches of 200 rows are a choice by measurement, on the tests' synthetic curves: for equal CPU time (40 s,
    90 000 rows) batches of 100, 200, 500 and 1000 rows score R² 0.985, 0.987, 0.971 and 0.975 on unseen
    temperatures (two seeds, which differ by 0.01); on 10 800 rows 0.950, 0.933, 0.918 and 0.913 in 10 s.

    Stopping early has its price. The error jumps from epoch to epoch, and a patience of 10 ends a fit of
    10 800 noisy rows after some 70 epochs (6 s of CPU time), one of 90 000 rows after 30 to 70 (20 to 50 s);
    20 takes twice the time and scores 0.01 to 0.03 more on unseen temperatures.
    """

    name = "mlp"

    def __init__(self, seed: int = 0, epochs: int = EPOCHS, patience: int = PATIENCE) -> None:
        self.seed, self.epochs, self.patience = seed, epochs, patience

    def _fit_arrays(self, inputs: FloatArray, g: FloatArray) -> None:
        network = MLPRegressor(
            hidden_layer_sizes=HIDDEN_LAYERS, activation="relu", solver="adam", learning_rate_init=0.001,
            alpha=0.0, batch_size=min(200, len(g)), max_iter=self.epochs, n_iter_no_change=self.patience,
            # scikit-learn watches half the mean squared error; a gain in R² is a share of the variance of g.
            tol=1e-4 * float(np.var(g)) / 2, random_state=self.seed,
        )  # fmt: skip
        estimator = make_pipeline(StandardScaler(), network)
        # One thread: on batches this small a second one only waits, on a busy machine 20 times longer than
        # the work takes. Single precision is a tenth faster and far more exact than the data.
        with threadpool_limits(1), warnings.catch_warnings():
            # Stopping at the last epoch is what the caller asked for; the loss curve shows where it stopped.
            warnings.simplefilter("ignore", ConvergenceWarning)
            estimator.fit(inputs.astype(np.float32), g.astype(np.float32))
        self.estimator_ = estimator
        self.loss_curve_ = [2 * float(loss) for loss in network.loss_curve_]

    def _predict_array(self, inputs: FloatArray) -> npt.NDArray[np.floating]:
        with threadpool_limits(1):
            prediction: npt.NDArray[np.floating] = self.estimator_.predict(inputs.astype(np.float32))
        return prediction


class BoostedTrees(RowModel):
    """Gradient-boosted trees (XGBoost) on the same seven inputs.

    A tree predicts a mean of training values, constant beyond the outermost of them: outside the training
    temperatures it answers as at the nearest one.

    Parameters
    ----------
    seed : int
        Of the draw of rows for each tree.
    rounds : int
        Number of trees.
    n_jobs : int
        Threads. More than one pays only where cores are free: they wait for each other, and on two busy cores
        two threads took 27 s of CPU time (86 s in all) for what one did in 1.3 s (4 s).
    """

    name = "xgboost"

    def __init__(self, seed: int = 0, rounds: int = 300, n_jobs: int = 1) -> None:
        self.seed, self.rounds, self.n_jobs = seed, rounds, n_jobs

    def _fit_arrays(self, inputs: FloatArray, g: FloatArray) -> None:
        self.estimator_ = XGBRegressor(
            n_estimators=self.rounds, tree_method="hist", learning_rate=0.1, max_depth=8, min_child_weight=5,
            subsample=0.7, reg_lambda=1.0, eval_metric="rmse", random_state=self.seed, n_jobs=self.n_jobs,
        )  # fmt: skip
        self.estimator_.fit(inputs, g, eval_set=[(inputs, g)], verbose=False)
        errors = self.estimator_.evals_result()["validation_0"]["rmse"]
        self.loss_curve_ = [float(error) ** 2 for error in errors]

    def _predict_array(self, inputs: FloatArray) -> npt.NDArray[np.floating]:
        prediction: npt.NDArray[np.floating] = self.estimator_.predict(inputs)
        return prediction


class TemperatureBaseline:
    """Answer from the training curves of the same composition, by temperature alone.

    Parameters
    ----------
    name : {"nearest-temperature", "linear-in-temperature"}
        Copy the curve at the nearest training temperature (the lower one of two equally near), or draw the
        least-squares straight line in temperature, a bin at a time. The line may give a g below 0.

    Notes
    -----
    Between two bins of the training curves the answer is interpolated linearly; beyond the outermost it is
    theirs.
    """

    def __init__(self, name: Literal["nearest-temperature", "linear-in-temperature"]) -> None:
        self.name = name

    def fit(self, dataset: Dataset) -> Self:
        """Keep the curves by composition and temperature.

        Raises
        ------
        ValueError
            If a state occurs twice (at two pressures), or the line has but one temperature to go through.
        """
        self._r, g = dataset.curves()
        temperatures: dict[tuple[float, ...], dict[float, FloatArray]] = {}
        for row, curves in zip(_numbers(dataset.states), g, strict=True):
            known = temperatures.setdefault(tuple(row[1:]), {})
            if row[0] in known:
                raise ValueError(f"{self.name}: two training states at T* = {row[0]:g}, {_sentence(row[1:])}")
            known[row[0]] = curves
        for composition, known in temperatures.items():
            if self.name == "linear-in-temperature" and len(known) < 2:
                raise ValueError(
                    f"{self.name}: only T* = {next(iter(known)):g} in training at {_sentence(composition)}; "
                    "a line needs at least two temperatures"
                )
        self._curves = {
            composition: (np.array(sorted(known)), np.stack([known[t] for t in sorted(known)]))
            for composition, known in temperatures.items()
        }
        return self

    def predict(self, states: pd.DataFrame, r: npt.ArrayLike) -> FloatArray:
        """Predict the curves of state points; see `Model.predict`.

        Raises
        ------
        ValueError
            If a composition does not occur in training.
        """
        if not hasattr(self, "_curves"):
            raise NotFittedError(f"{self.name} has not learned anything yet; call fit first")
        distances = check_distances(r)
        input_matrix(states, distances[:1])  # checks the states as for every other model
        g = np.stack([self._state_curves(row) for row in _numbers(states)])
        flat = [np.interp(distances, self._r, curve) for curve in g.reshape(-1, len(self._r))]
        return np.array(flat).reshape(len(g), len(PAIRS), len(distances))

    def _state_curves(self, row: FloatArray) -> FloatArray:
        if tuple(row[1:]) not in self._curves:
            raise ValueError(
                f"{self.name}: no training state has {_sentence(row[1:])}; it predicts the "
                f"{len(self._curves)} compositions it has seen, at any temperature"
            )
        known, g = self._curves[tuple(row[1:])]
        if self.name == "nearest-temperature":
            curves: FloatArray = g[np.argmin(np.round(np.abs(known - row[0]), 6))]
            return curves
        centred = known - known.mean()
        slope = np.tensordot(centred, g, axes=1) / (centred**2).sum()
        return np.asarray(g.mean(axis=0) + slope * (row[0] - known.mean()))


def make_model(name: str, seed: int = 0, *, epochs: int = EPOCHS, patience: int = PATIENCE, n_jobs: int = 1) -> Model:
    """Return an unfitted contestant.

    Parameters
    ----------
    name : {"mlp", "xgboost", "nearest-temperature", "linear-in-temperature"}
    seed : int
        Same seed, same numbers. The baselines draw nothing.
    epochs, patience, n_jobs : int
        Length of training, see `Network`; threads, see `BoostedTrees`.

    Raises
    ------
    ValueError
        If the name is unknown or a number is below its minimum.
    """
    minimum = {"seed": 0, "epochs": 1, "patience": 1, "n_jobs": 1}
    for option, value in zip(minimum, (seed, epochs, patience, n_jobs), strict=True):
        if value < minimum[option]:
            raise ValueError(f"{option} = {value}: must be at least {minimum[option]}")
    match name:
        case "mlp":
            return Network(seed, epochs, patience)
        case "xgboost":
            return BoostedTrees(seed, n_jobs=n_jobs)
        case "nearest-temperature" | "linear-in-temperature":
            return TemperatureBaseline(name)
    raise ValueError(f"model {name!r} is unknown; choose one of {', '.join(MODELS)}")


def make_row_model(name: str, seed: int = 0, **options: int) -> RowModel:
    """Return an unfitted model that learns from single rows; parameters as for `make_model`.

    Raises
    ------
    ValueError
        As `make_model`, or if the model needs whole curves.
    """
    model = make_model(name, seed, **options)
    if not isinstance(model, RowModel):
        raise ValueError(f"{name!r} needs whole curves, not rows; choose one of {', '.join(ROW_MODELS)}")
    return model


def _numbers(states: pd.DataFrame) -> FloatArray:
    """Temperature and composition, rounded as in `StatePoint`, so that they serve as keys."""
    numbers: FloatArray = states[["temperature", *_COMPOSITION]].to_numpy(dtype=float).round(6)
    return numbers


def _sentence(composition: tuple[float, ...] | FloatArray) -> str:
    return ", ".join(f"{name} = {value:g}" for name, value in zip(_COMPOSITION, composition, strict=True))
