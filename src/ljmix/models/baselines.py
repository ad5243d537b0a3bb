"""Baselines that know only temperature: what a learned model has to beat."""

from __future__ import annotations

from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from ljmix._util.arrays import FloatArray, interpolate
from ljmix.data.dataset import Dataset
from ljmix.models.features import check_distances, composition_keys, input_matrix
from ljmix.state import COMPOSITION

__all__ = ["BASELINES", "TemperatureBaseline"]

_DEGREES = {
    "nearest-temperature": 0, "linear-in-temperature": 1, "quadratic-in-temperature": 2,
    "linear-in-beta": 1, "quadratic-in-beta": 2,
}  # fmt: skip
BASELINES = tuple(_DEGREES)


class TemperatureBaseline(BaseEstimator):  # type: ignore[misc]
    """Predict from the training curves of the same composition, by temperature alone.

    Parameters
    ----------
    name : one of `BASELINES`
        Copy the curve at the nearest training temperature (the lower one of two equally near), or draw the
        least-squares line or parabola in T* or in β = 1/T*, a bin at a time. These may give a g below 0.

    Notes
    -----
    Between two bins of the training curves the prediction is interpolated linearly; beyond the outermost it is
    theirs.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def fit(self, dataset: Dataset) -> Self:
        """Keep the curves by composition and temperature.

        Raises
        ------
        ValueError
            If a state occurs twice (at two pressures), or a line or parabola has too few temperatures to go
            through.
        """
        self.r_, g = dataset.curve_array()
        temperatures: dict[tuple[float, ...], dict[float, FloatArray]] = {}
        keys = composition_keys(dataset.states)
        for temperature, key, curves in zip(dataset.states["temperature"].round(6), keys, g, strict=True):
            known = temperatures.setdefault(key, {})
            if temperature in known:
                raise ValueError(f"{self.name}: two training states at T* = {temperature:g}, {_sentence(key)}")
            known[temperature] = curves
        needed = _DEGREES[self.name] + 1
        for key, known in temperatures.items():
            if len(known) < needed:
                there = ", ".join(f"{t:g}" for t in sorted(known))
                shape = "line" if needed == 2 else "parabola"
                raise ValueError(
                    f"{self.name}: only T* = {there} in training at {_sentence(key)}; "
                    f"a {shape} needs at least {('two', 'three')[needed - 2]} temperatures"
                )
        self.curves_ = {
            key: (np.array(sorted(known)), np.stack([known[t] for t in sorted(known)]))
            for key, known in temperatures.items()
        }
        return self

    def predict(self, states: pd.DataFrame, r: npt.ArrayLike) -> FloatArray:
        """Predict the curves of state points; see `ljmix.models.base.Model.predict`.

        Raises
        ------
        ValueError
            If a composition does not occur in training.
        """
        check_is_fitted(self)
        distances = check_distances(r)
        input_matrix(states, distances[:1])  # checks the states as for every other model
        keys = composition_keys(states)
        g = np.stack([self._state_curves(t, key) for t, key in zip(states["temperature"].round(6), keys, strict=True)])
        if np.array_equal(distances, self.r_):
            return g
        return interpolate(distances, self.r_, g)

    def _state_curves(self, temperature: float, key: tuple[float, ...]) -> FloatArray:
        if key not in self.curves_:
            raise ValueError(
                f"{self.name}: no training state has {_sentence(key)}; it predicts the "
                f"{len(self.curves_)} compositions it has seen, at any temperature"
            )
        known, g = self.curves_[key]
        if self.name == "nearest-temperature":
            curves: FloatArray = g[np.argmin(np.round(np.abs(known - temperature), 6))]
            return curves
        x, at = (1 / known, 1 / temperature) if self.name.endswith("beta") else (known, temperature)
        # Least squares as weights of the training curves: one small matrix for all bins.
        powers = np.arange(_DEGREES[self.name] + 1)
        weights = (at - x.mean()) ** powers @ np.linalg.pinv((x - x.mean())[:, None] ** powers)
        return np.asarray(np.tensordot(weights, g, axes=1))


def _sentence(key: tuple[float, ...]) -> str:
    return ", ".join(f"{name} = {value:g}" for name, value in zip(COMPOSITION, key, strict=True))
