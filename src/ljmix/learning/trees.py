"""Gradient-boosted trees on the paper's seven inputs."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from xgboost import XGBRegressor

from ljmix.learning.interface import FloatArray, RowModel

__all__ = ["BoostedTrees"]


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
        self.settings = {
            "learning_rate": learning_rate, "max_depth": max_depth, "min_child_weight": min_child_weight,
            "subsample": subsample, "reg_lambda": reg_lambda,
        }  # fmt: skip

    def _fit_arrays(self, inputs: FloatArray, g: FloatArray) -> None:
        self.estimator_ = XGBRegressor(
            n_estimators=self.rounds, tree_method="hist", eval_metric="rmse", random_state=self.seed,
            n_jobs=self.n_jobs, **self.settings,
        )  # fmt: skip
        self.estimator_.fit(inputs, g, eval_set=[(inputs, g)], verbose=False)
        errors = self.estimator_.evals_result()["validation_0"]["rmse"]
        self.loss_curve_ = [float(error) ** 2 for error in errors]

    def _predict_array(self, inputs: FloatArray) -> npt.NDArray[np.floating]:
        # In place: the estimator's own predict copies the rows into a matrix first.
        rows = np.ascontiguousarray(inputs, dtype=np.float32)
        prediction: npt.NDArray[np.floating] = self.estimator_.get_booster().inplace_predict(rows)
        return prediction
