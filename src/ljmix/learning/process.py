"""A Gaussian process over state points, a curve at a time: what physics says, and how sure it is.

Every bin of every pair is a function of the state. A Gaussian process (Rasmussen and Williams 2006,
doi:10.7551/mitpress/3206.001.0001, chapter 2) takes it as a sum of a part that all compositions share and
one that each has to itself, either of them constant, straight and curved in β. So it draws a line through a
composition's own temperatures where it has some, and learns from other compositions where it has none; it
weighs each simulated value by its standard error.

What physics goes in is a matter of `Ingredients`; each can be left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.interpolate import make_interp_spline
from scipy.linalg import cho_factor, cho_solve, solve_triangular
from scipy.spatial.distance import cdist

from ljmix.dataset import Dataset
from ljmix.learning.coexistence import coexisting_liquids, enrichment
from ljmix.learning.features import FloatArray, check_distances, composition_keys, input_matrix
from ljmix.learning.ingredients import Ingredients, Scales
from ljmix.learning.interface import need_fit
from ljmix.learning.physics import (
    boltzmann_factors,
    log_cavity,
    packing_fraction,
    pair_constants,
    volume_fraction,
)
from ljmix.learning.scores import Curves, curves_of
from ljmix.learning.theory import expected_log_cavity
from ljmix.statepoint import PAIRS

__all__ = ["CurveProcess"]

_Points = tuple[FloatArray, FloatArray, list[tuple[float, ...]]]

_BETA_CENTRE = 1.0
_STEP = 0.02
"""Step in β for derivatives of the kernel."""
_LOWEST_LEVEL = 0.01
_SCALED_GRID = np.concatenate([np.arange(0.8, 2.5, 0.05), np.arange(2.5, 10.01, 0.1)])
"""Distances in σ_ij at which curves of unlike sizes are compared; the coarser part lies beyond the second
shell. ln y is smooth, so that a spline through these points meets the bins between them."""


class CurveProcess:
    """Gaussian process of the curves over state points.

    Parameters
    ----------
    ingredients : Ingredients
    scales : Scales
    name : str
    """

    def __init__(
        self,
        ingredients: Ingredients | None = None,
        scales: Scales | None = None,
        name: str = "gaussian-process",
    ) -> None:
        self.ingredients, self.scales, self.name = ingredients or Ingredients(), scales or Scales(), name
        if self.ingredients.theory and not self.ingredients.cavity:
            raise ValueError("theory needs cavity: the difference that is learned is one of ln y")

    def fit(self, dataset: Dataset) -> Self:
        """Learn from every curve of the dataset, and from its derivatives where it has them."""
        curves = curves_of(dataset)
        self._r, self._states = curves.r, dataset.states.reset_index(drop=True)
        self._width = float(np.diff(curves.r).min())
        self._x = _SCALED_GRID if self.ingredients.scaled_distance else self._r
        known = self._targets(curves)
        value = known[0] - self._base(self._states, self._r)
        value, error = self._onto_grid(value, known[1])
        self._mean = _mean_of_known(value, error)
        variance = _mean_of_known((value - self._mean) ** 2, error)
        self._amplitude = np.where(variance > 0, variance, 1e-12)
        observed, noise = value - self._mean, error**2
        if self.ingredients.slopes and {"g_dbeta", "g_dbeta_sem"} <= set(dataset.rdf.columns):
            slope, slope_error = self._onto_grid(*self._slopes(dataset, known[0]))
            observed, noise = np.concatenate([observed, slope]), np.concatenate([noise, slope_error**2])
        self._noise = noise
        vars(self).pop("_known", None)  # of an earlier fit
        self._weights = np.zeros(observed.shape)
        for (pair, k), rows, factor in self._factors():
            self._weights[rows, pair, k] = cho_solve((factor, True), observed[rows, pair, k], check_finite=False)
        return self

    def predict(self, states: pd.DataFrame, r: npt.ArrayLike) -> FloatArray:
        """Predict the curves of state points; see `ljmix.learning.interface.Model.predict`."""
        distances = self._check(states, r)
        return self._to_g(self._latent(states), states, distances)

    def predict_spread(self, states: pd.DataFrame, r: npt.ArrayLike) -> FloatArray:
        """Standard deviation of the process, without the noise of a simulation, (n_states, 3, n_bins)."""
        distances = self._check(states, r)
        cross, prior = self._cross(states), self._prior(states)
        deviation = np.sqrt(self._amplitude * prior[:, None, None])
        for (pair, k), rows, factor in self._factors():
            explained = solve_triangular(factor, cross[:, rows].T, lower=True)
            variance = self._amplitude[pair, k] * np.maximum(prior - (explained**2).sum(axis=0), 1e-12)
            deviation[:, pair, k] = np.sqrt(variance)
        at_r = self._from_grid(deviation, states, distances)
        return self.predict(states, distances) * at_r if self.ingredients.cavity else at_r

    # -- targets -------------------------------------------------------------------------------------------

    def _targets(self, curves: Curves) -> tuple[FloatArray, FloatArray]:
        if self.ingredients.cavity:
            return log_cavity(curves.g, curves.g_sem, boltzmann_factors(curves.states, self._r, self._width))
        return curves.g, np.maximum(curves.g_sem, 1e-3)

    def _slopes(self, dataset: Dataset, value: FloatArray) -> tuple[FloatArray, FloatArray]:
        """∂/∂β of the targets, and its standard error."""
        g, slope, error = (
            Dataset(dataset.states, dataset.rdf.assign(g=dataset.rdf[column]), {}).curves()[1]
            for column in ("g", "g_dbeta", "g_dbeta_sem")
        )
        if not self.ingredients.cavity:
            return slope, np.where(error > 0, error, np.inf)
        seen = np.isfinite(value) & (error > 0)
        ahead, behind = (
            boltzmann_factors(_shifted(dataset.states, step), self._r, self._width) for step in (_STEP, -_STEP)
        )
        safe, ahead, behind = (np.where(seen, part, 1.0) for part in (g, ahead, behind))
        of_u = (np.log(ahead) - np.log(behind)) / (2 * _STEP)
        of_base = [self._base(_shifted(dataset.states, step), self._r) for step in (_STEP, -_STEP)]
        of_u = of_u + (of_base[0] - of_base[1]) / (2 * _STEP)
        return np.where(seen, slope / safe - of_u, np.nan), np.where(seen, error / safe, np.inf)

    def _base(self, states: pd.DataFrame, r: FloatArray) -> FloatArray | float:
        """What theory says ln y is, NaN where it says nothing; 0 without theory."""
        if not self.ingredients.theory:
            return 0.0
        return expected_log_cavity(states, r)

    # -- distances -----------------------------------------------------------------------------------------

    def _onto_grid(self, value: FloatArray, error: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Values and errors at the common distances; infinite error where a curve has none."""
        if not self.ingredients.scaled_distance:
            known = np.isfinite(value) & np.isfinite(error)
            return np.where(known, value, 0.0), np.where(known, error, np.inf)
        sigma, _ = pair_constants(self._states)
        shape = (*value.shape[:2], len(self._x))
        on_grid, errors = np.zeros(shape), np.full(shape, np.inf)
        for n, pair in np.ndindex(*value.shape[:2]):
            x, known = self._r / sigma[n, pair], np.isfinite(value[n, pair]) & np.isfinite(error[n, pair])
            if known.sum() < 4:
                continue
            # Only between two neighbouring bins that are both known.
            right = np.clip(np.searchsorted(x, self._x), 1, len(x) - 1)
            inside = known[right] & known[right - 1] & (self._x >= x[0]) & (self._x <= x[-1])
            spline = make_interp_spline(x[known], value[n, pair][known], k=3)
            on_grid[n, pair, inside] = spline(self._x[inside])
            errors[n, pair, inside] = np.interp(self._x[inside], x[known], error[n, pair][known])
        return on_grid, errors

    def _from_grid(self, values: FloatArray, states: pd.DataFrame, r: FloatArray) -> FloatArray:
        sigma = pair_constants(states)[0] if self.ingredients.scaled_distance else np.ones((len(states), len(PAIRS)))
        at_r = np.empty((*values.shape[:2], len(r)))
        for pair in range(len(PAIRS)):
            for size in np.unique(sigma[:, pair]):
                rows = sigma[:, pair] == size
                x = np.clip(r / size, self._x[0], self._x[-1])
                at_r[rows, pair] = make_interp_spline(self._x, values[rows, pair], k=3, axis=1)(x)
        return at_r

    def _to_g(self, latent: FloatArray, states: pd.DataFrame, r: FloatArray) -> FloatArray:
        at_r = self._from_grid(latent, states, r)
        if not self.ingredients.cavity:
            return at_r
        at_r = at_r + self._base(states, r)
        at_r[np.isnan(at_r).any(axis=(1, 2))] = np.nan  # a state is answered as a whole
        # e^10 is far above any first peak; only a runaway far outside the training states would meet it.
        return np.asarray(boltzmann_factors(states, r, self._width) * np.exp(np.minimum(at_r, 10.0)))

    # -- the process ---------------------------------------------------------------------------------------

    def _inputs(self, states: pd.DataFrame) -> _Points:
        """Inputs of the kernel in units of its lengths, (n, n_inputs), β - 1, (n,), and compositions."""
        s, has = self.scales, self.ingredients
        share = volume_fraction(states) if has.packing else states["fraction_b"].to_numpy(dtype=float)
        columns = [
            share / s.fraction,
            np.log(states["size_ratio"].to_numpy(dtype=float)) / s.size,
            states["epsilon_ab"].to_numpy(dtype=float) / s.epsilon,
        ]
        temperature = states["temperature"].to_numpy(dtype=float)
        if has.packing:
            columns.append(packing_fraction(states) / s.packing)
        if has.coexistence:
            columns.extend(self._levels(states)[:, [0, 2]].T / s.enrichment)
        return np.stack(columns, axis=1), 1 / temperature - _BETA_CENTRE, composition_keys(states)

    def _levels(self, states: pd.DataFrame) -> FloatArray:
        """Logarithm of the level of g inside domains, by pair."""
        level = enrichment(states, coexisting_liquids(states, self.scales.demixing))
        return np.asarray(np.log(np.maximum(level, _LOWEST_LEVEL)))

    def _prior(self, states: pd.DataFrame) -> FloatArray:
        """Variance of each state before anything is learned, in units of a bin's variance."""
        s, (_, beta, _) = self.scales, self._inputs(states)
        shared = 1 + s.line * beta**2 + s.bend if self.ingredients.sharing else 0.0
        return np.asarray(shared + s.own + s.own_line * beta**2 + s.own_bend)

    def _kernel(self, first: _Points, second: _Points) -> FloatArray:
        """Covariance of two lists of states, in units of a bin's variance."""
        s = self.scales
        (inputs_1, beta_1, keys_1), (inputs_2, beta_2, keys_2) = first, second
        product = beta_1[:, None] * beta_2
        curved = np.exp(-0.5 * ((beta_1[:, None] - beta_2) / s.beta) ** 2)
        known = {key: number for number, key in enumerate(dict.fromkeys([*keys_1, *keys_2]))}
        same = np.array([known[key] for key in keys_1])[:, None] == np.array([known[key] for key in keys_2])
        covariance = same * (s.own + s.own_line * product + s.own_bend * curved)
        if self.ingredients.sharing:
            likeness = np.exp(-0.5 * cdist(inputs_1, inputs_2, "sqeuclidean"))
            covariance = covariance + likeness * (1 + s.line * product + s.bend * curved)
        return np.asarray(covariance)

    def _factors(self) -> Iterator[tuple[tuple[int, int], npt.NDArray[np.int64], FloatArray]]:
        """Pair and bin, observations that there are, and the Cholesky factor of their covariance."""
        lists = self._learned()
        blocks = [[self._kernel(first, second) for second in lists] for first in lists]
        covariance = blocks[0][0]
        if len(lists) > 1:
            mixed = (blocks[0][1] - blocks[0][2]) / (2 * _STEP)
            slopes = (blocks[1][1] - blocks[1][2] - blocks[2][1] + blocks[2][2]) / (4 * _STEP**2)
            covariance = np.block([[covariance, mixed], [mixed.T, slopes]])
        for pair, k in np.ndindex(*self._noise.shape[1:]):
            rows = np.flatnonzero(np.isfinite(self._noise[:, pair, k]))
            if not len(rows):
                continue
            matrix = covariance[np.ix_(rows, rows)]
            matrix[np.diag_indices(len(rows))] += (
                self._noise[rows, pair, k] / self._amplitude[pair, k] + self.scales.misfit
            )
            yield (pair, k), rows, cho_factor(matrix, lower=True, overwrite_a=True, check_finite=False)[0]

    def _learned(self) -> list[_Points]:
        """Inputs of the training states; where there are slopes, of those a step ahead and behind too."""
        if not hasattr(self, "_known"):
            shifts = (0.0, _STEP, -_STEP) if len(self._noise) > len(self._states) else (0.0,)
            self._known = [self._inputs(_shifted(self._states, shift)) for shift in shifts]
        return self._known

    def _cross(self, states: pd.DataFrame) -> FloatArray:
        """Covariance of new states with all observations."""
        new, lists = self._inputs(states), self._learned()
        values = [self._kernel(new, known) for known in lists]
        return (
            np.concatenate([values[0], (values[1] - values[2]) / (2 * _STEP)], axis=1) if len(lists) > 1 else values[0]
        )

    def _latent(self, states: pd.DataFrame) -> FloatArray:
        weights = self._weights.reshape(len(self._weights), -1)
        found = (self._cross(states) @ weights).reshape(len(states), *self._mean.shape)
        return np.asarray(self._mean + found)

    def _check(self, states: pd.DataFrame, r: npt.ArrayLike) -> FloatArray:
        need_fit(self, "_weights", self.name)
        distances = check_distances(r)
        input_matrix(states, distances[:1])  # checks the states as for every other model
        return distances


def _shifted(states: pd.DataFrame, step: float) -> pd.DataFrame:
    """States with β larger by `step`."""
    return states.assign(temperature=1 / (1 / states["temperature"] + step))


def _mean_of_known(value: FloatArray, error: FloatArray) -> FloatArray:
    known = np.isfinite(error)
    return np.asarray(np.where(known, value, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1))
