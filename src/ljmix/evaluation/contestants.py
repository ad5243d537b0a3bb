"""Who takes part in the benchmark: the models of the registry, and the surrogate, which is built on top of them.

The surrogate takes part where `LISTED` says so, or a run is told to (`surrogate` of `03-extrapolate` and of
`ljmix.evaluation.benchmark.run_benchmark`). The benchmark of version 1 was published without it.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from ljmix._util.arrays import FloatArray
from ljmix.data.dataset import Dataset
from ljmix.models.base import Model
from ljmix.models.registry import DETERMINISTIC, make_model
from ljmix.surrogate.learned.branches import Prediction, state_numbers
from ljmix.surrogate.learned.parts import Parts

__all__ = ["LISTED", "SURROGATE", "SURROGATE_TASKS", "SurrogateModel", "draws_nothing", "make_contestant"]

SURROGATE = "surrogate"
SURROGATE_TASKS = ("extrapolation", "compositions", "unseen-size-ratio")
"""Unseen temperatures, compositions and size ratios: what its own scores ask, `ljmix.surrogate_scores.tasks`."""
LISTED = False
"""Whether the published benchmark asks the surrogate. This choice decides; notebooks take it where their own parameter
does not."""
_BOX_EDGE = 15.0
"""Of boxes that a table says nothing of, σ_AA."""


class SurrogateModel:
    """The surrogate by the rules of the benchmark: it sees the training set and nothing of the states it is asked for.

    It tells the likelier branch. Curves of two liquids depend on the box; its edge follows from the number of
    particles, which is chosen before a state is simulated, and the density that is predicted of one liquid.

    Attributes
    ----------
    parts_ : ljmix.surrogate.learned.parts.Parts
        What it has learned.
    """

    parts_: Parts

    def fit(self, dataset: Dataset) -> Self:
        """Learn; scales, lengths and thresholds are chosen by the likelihood of the training set.

        Raises
        ------
        ValueError
            If it is too small, see `ljmix.surrogate.learned.phase.PhaseModel.fit`.
        """
        self.parts_ = Parts.fit(dataset)
        return self

    def predict(self, states: pd.DataFrame, r: npt.ArrayLike) -> FloatArray:
        """Predict the curves of state points; see `ljmix.models.base.Model.predict`."""
        said = self._ask(states, r)
        return said.told(said.g)

    def predict_spread(self, states: pd.DataFrame, r: npt.ArrayLike) -> FloatArray:
        """Standard deviation before calibration: groups would have to be left out of every training set for more."""
        said = self._ask(states, r)
        return said.told(said.deviation)

    def _ask(self, states: pd.DataFrame, r: npt.ArrayLike) -> Prediction:
        # Theory is solved once: solutions are remembered.
        return self.parts_.predict(states, np.asarray(r, dtype=float), self._box_edges(states))

    def _box_edges(self, states: pd.DataFrame) -> FloatArray:
        if "n_particles" not in states:
            return np.full(len(states), _BOX_EDGE)
        volume = states["n_particles"].to_numpy(dtype=float) / self.parts_.liquids(state_numbers(states)).density
        return np.where(np.isfinite(volume), np.cbrt(volume), _BOX_EDGE)


def make_contestant(name: str, seed: int = 0, **options: Any) -> Model:
    """Return an unfitted model: `SURROGATE`, or one of `ljmix.models.registry.make_model`, whose parameters these are.

    Raises
    ------
    ValueError
        As `make_model`.
    """
    return SurrogateModel() if name == SURROGATE else make_model(name, seed, **options)


def draws_nothing(name: str) -> bool:
    """Whether every seed of a model gives the same numbers."""
    return name == SURROGATE or name in DETERMINISTIC
