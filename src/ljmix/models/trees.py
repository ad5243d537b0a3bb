"""Gradient-boosted trees: on the paper's seven inputs, and with physics in inputs and target."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from xgboost import XGBRegressor

from ljmix._util.arrays import FloatArray
from ljmix.data.dataset import FEATURES
from ljmix.models.base import RowModel
from ljmix.potential import lj_potential
from ljmix.state import PARAMETERS
from ljmix.theory.cavity import boltzmann_factors, packing_fraction, pair_constants, volume_fraction
from ljmix.theory.coexistence import log_levels

__all__ = ["BoostedTrees", "PhysicsTrees"]

_LARGEST_U = 20.0
_CORE = 1e-10
"""Boltzmann factor up to which g is zero, whatever y is."""


class BoostedTrees(RowModel):
    """Gradient-boosted trees (XGBoost) on the same seven inputs.

    A tree predicts a mean of training values, constant beyond the outermost of them: outside the training
    temperatures it predicts what it does at the nearest one.

    Parameters
    ----------
    seed : int
        Of the draw of rows for each tree.
    rounds : int
        Number of trees.
    n_jobs : int
        Threads. More than one pays only where cores are free: they wait for each other, and on two busy cores
        two threads took 27 s of CPU time (86 s in all) for what one did in 1.3 s (4 s).
    learning_rate, max_depth, min_child_weight, subsample, reg_lambda
        As in `xgboost.XGBRegressor`.
    """

    def __init__(
        self,
        seed: int = 0,
        rounds: int = 300,
        n_jobs: int = 1,
        *,
        name: str = "xgboost",
        learning_rate: float = 0.1,
        max_depth: int = 8,
        min_child_weight: float = 5.0,
        subsample: float = 0.7,
        reg_lambda: float = 1.0,
    ) -> None:
        self.name, self.seed, self.rounds, self.n_jobs = name, seed, rounds, n_jobs
        self.learning_rate, self.max_depth, self.min_child_weight = learning_rate, max_depth, min_child_weight
        self.subsample, self.reg_lambda = subsample, reg_lambda

    def _untrained(self, **options: Any) -> XGBRegressor:
        return XGBRegressor(
            n_estimators=self.rounds, tree_method="hist", random_state=self.seed, n_jobs=self.n_jobs,
            learning_rate=self.learning_rate, max_depth=self.max_depth, min_child_weight=self.min_child_weight,
            subsample=self.subsample, reg_lambda=self.reg_lambda, **options,
        )  # fmt: skip

    def _fit_arrays(self, inputs: FloatArray, g: FloatArray) -> None:
        self.estimator_ = self._untrained(eval_metric="rmse")
        self.estimator_.fit(inputs, g, eval_set=[(inputs, g)], verbose=False)
        errors = self.estimator_.evals_result()["validation_0"]["rmse"]
        self.loss_curve_ = [float(error) ** 2 for error in errors]

    def _predict_array(self, inputs: FloatArray) -> npt.NDArray[np.floating]:
        # In place: the estimator's own predict copies the rows into a matrix first.
        rows = np.ascontiguousarray(inputs, dtype=np.float32)
        prediction: npt.NDArray[np.floating] = self.estimator_.get_booster().inplace_predict(rows)
        return prediction


class PhysicsTrees(BoostedTrees):
    """Boosted trees that are told physics: seven inputs more, and the cavity function as target.

    Inputs: r/σ_ij, βu, packing fraction, volume fraction of B, and ln g inside the domains of each pair where a
    regular solution separates. Target: ln g + βu, each row weighed by g², so that an error counts as it does in
    g. Rows in the core, where g is zero, say nothing about it and are left out.

    Parameters
    ----------
    seed, rounds, n_jobs
        As of `BoostedTrees`.
    inputs, target : bool
        Whether each of the two is in; the ablation leaves them out.
    learning_rate, max_depth, min_child_weight, subsample, reg_lambda
        As of `BoostedTrees`.
    """

    def __init__(
        self,
        seed: int = 0,
        rounds: int = 300,
        n_jobs: int = 1,
        *,
        inputs: bool = True,
        target: bool = True,
        name: str = "xgboost-physics",
        learning_rate: float = 0.1,
        max_depth: int = 8,
        min_child_weight: float = 5.0,
        subsample: float = 0.7,
        reg_lambda: float = 1.0,
    ) -> None:
        super().__init__(
            seed, rounds, n_jobs, name=name, learning_rate=learning_rate, max_depth=max_depth,
            min_child_weight=min_child_weight, subsample=subsample, reg_lambda=reg_lambda,
        )  # fmt: skip
        self.inputs, self.target = inputs, target

    def _fit_arrays(self, inputs: FloatArray, g: FloatArray) -> None:
        spacing = np.diff(np.unique(inputs[:, FEATURES.index("r")]))
        self.width_ = float(spacing.min()) if len(spacing) else 0.05
        columns, factor = self._physics(inputs)
        seen = (g > 0) & (factor > 0) if self.target else np.ones(len(g), dtype=bool)
        target = np.log(g[seen] / factor[seen]) if self.target else g
        weight = g[seen] ** 2 if self.target else None
        self.estimator_ = self._untrained()
        self.estimator_.fit(columns[seen], target, sample_weight=weight)
        self.loss_curve_ = []

    def _predict_array(self, inputs: FloatArray) -> npt.NDArray[np.floating]:
        columns, factor = self._physics(inputs)
        if not self.target:
            return super()._predict_array(columns)
        g = np.zeros(len(inputs))
        outside = factor > _CORE
        if outside.any():
            log_y = super()._predict_array(columns[outside])
            g[outside] = factor[outside] * np.exp(np.minimum(log_y, 10.0))
        return g

    def _physics(self, inputs: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Inputs with physics, (n_rows, 14) or as they are, and the Boltzmann factor of each row."""
        # Rows of a state mostly follow one another: only one of them is sorted.
        first = np.append(True, (inputs[1:, :4] != inputs[:-1, :4]).any(axis=1))
        numbers, state = np.unique(inputs[first, :4], axis=0, return_inverse=True)
        state = state[first.cumsum() - 1]
        states = pd.DataFrame(numbers, columns=list(PARAMETERS))
        pair = (inputs[:, FEATURES.index("has_b")] * (2 - inputs[:, FEATURES.index("has_a")])).astype(int)
        place, distances = pd.factorize(inputs[:, FEATURES.index("r")])
        factor = boltzmann_factors(states, distances, self.width_)[state, pair, place]
        if not self.inputs:
            return inputs, factor
        sigma, epsilon = (values[state, pair] for values in pair_constants(states))
        r = inputs[:, FEATURES.index("r")]
        beta_u = lj_potential(np.maximum(r, 1e-3), sigma, epsilon) / inputs[:, 0]
        more = [
            r / sigma,
            np.minimum(beta_u, _LARGEST_U),
            packing_fraction(states)[state],
            volume_fraction(states)[state],
        ]
        return np.column_stack([inputs, *more, log_levels(states)[state]]), factor
