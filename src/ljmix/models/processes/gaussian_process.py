"""A Gaussian process over state points, a curve at a time: what physics says, and how sure it is.

Every bin of every pair is a function of the state, and a Gaussian process (Rasmussen and Williams 2006,
doi:10.7551/mitpress/3206.001.0001, chapter 2; its kernel is `ljmix.models.processes.kernel`). So it draws a line
through a composition's own temperatures where it has some, and learns from other compositions where it has
none; it weighs each simulated value by its standard error, and one from a run that has not settled less.

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
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from ljmix._util.arrays import FloatArray
from ljmix.data.curves import Curves, curves_of
from ljmix.data.dataset import Dataset
from ljmix.models.features import check_distances, input_matrix
from ljmix.models.processes.ingredients import Ingredients, Scales
from ljmix.models.processes.kernel import Points, covariance, place_states, prior_variance
from ljmix.models.theory import expected_log_cavity
from ljmix.state import PAIRS
from ljmix.theory.cavity import boltzmann_factors, log_cavity, pair_constants

__all__ = ["CurveProcess", "slope_states"]

_STEP = 0.02
"""Step in β for derivatives of the kernel."""
_SCALED_GRID = np.concatenate([np.arange(0.8, 2.5, 0.05), np.arange(2.5, 10.01, 0.1)])
"""Distances in σ_ij at which curves of unlike sizes are compared; the coarser part lies beyond the second
shell. ln y is smooth, so that a spline through these points meets the bins between them."""

_ALL, _USUAL = Ingredients(), Scales()


class CurveProcess(BaseEstimator):  # type: ignore[misc]
    """Gaussian process of the curves over state points.

    Parameters
    ----------
    ingredients : Ingredients
    scales : Scales
    name : str

    Attributes
    ----------
    log_marginal_likelihood_ : float
        Log marginal likelihood of the training values, summed over bins as if they were independent
        (Rasmussen and Williams, equation 2.30); what `ljmix.evaluation.tuning` maximises.
    """

    _known: tuple[Points, ...] = ()

    def __init__(
        self,
        ingredients: Ingredients = _ALL,
        scales: Scales = _USUAL,
        name: str = "gaussian-process",
    ) -> None:
        self.ingredients, self.scales, self.name = ingredients, scales, name

    def fit(self, dataset: Dataset) -> Self:
        """Learn from every curve of the dataset, and from its derivatives where it has them."""
        curves = curves_of(dataset)
        self.r_, self.states_ = curves.r, dataset.states.reset_index(drop=True)
        self.width_ = float(np.diff(curves.r).min())
        self.x_ = _SCALED_GRID if self.ingredients.scaled_distance else self.r_
        known = self._targets(curves)
        value = known[0] - self._base(self.states_, self.r_)
        value, error = self._onto_grid(value, known[1])
        self.mean_ = _mean_of_known(value, error)
        variance = _mean_of_known((value - self.mean_) ** 2, error)
        self.amplitude_ = np.where(variance > 0, variance, 1e-12)
        observed, noise = value - self.mean_, error**2
        if self.ingredients.slopes and {"g_dbeta", "g_dbeta_sem"} <= set(dataset.rdf.columns):
            slope, slope_error = self._onto_grid(*self._slopes(dataset, known[0]))
            observed, noise = np.concatenate([observed, slope]), np.concatenate([noise, slope_error**2])
        self.noise_ = noise
        self._known = ()  # none of an earlier fit
        self.weights_ = np.zeros(observed.shape)
        self.log_marginal_likelihood_ = 0.0
        for (pair, k), rows, factor in self._factors():
            seen = observed[rows, pair, k]
            weights = cho_solve((factor, True), seen, check_finite=False)
            self.weights_[rows, pair, k] = weights
            scale = self.amplitude_[pair, k]
            self.log_marginal_likelihood_ -= 0.5 * (seen @ weights / scale + len(rows) * np.log(2 * np.pi * scale))
            self.log_marginal_likelihood_ -= float(np.log(np.diag(factor)).sum())
        return self

    def predict(self, states: pd.DataFrame, r: npt.ArrayLike) -> FloatArray:
        """Predict the curves of state points; see `ljmix.models.base.Model.predict`."""
        distances = self._check(states, r)
        return self._to_g(self._latent(states), states, distances)

    def predict_spread(self, states: pd.DataFrame, r: npt.ArrayLike) -> FloatArray:
        """Standard deviation of the process, without the noise of a simulation, (n_states, 3, n_bins)."""
        distances = self._check(states, r)
        new = self._place(states)
        cross, prior = self._cross(new), prior_variance(new, self.scales, self.ingredients.sharing)
        deviation = np.sqrt(self.amplitude_ * prior[:, None, None])
        for (pair, k), rows, factor in self._factors():
            explained = solve_triangular(factor, cross[:, rows].T, lower=True)
            variance = self.amplitude_[pair, k] * np.maximum(prior - (explained**2).sum(axis=0), 1e-12)
            deviation[:, pair, k] = np.sqrt(variance)
        # Straight between grid points: where bins without an observation begin, a spline would swing below zero.
        at_r = self._from_grid(deviation, states, distances, degree=1)
        return self.predict(states, distances) * at_r if self.ingredients.cavity else at_r

    # -- targets -------------------------------------------------------------------------------------------

    def _targets(self, curves: Curves) -> tuple[FloatArray, FloatArray]:
        unsettled = (
            self.ingredients.down_weighting * self.scales.unsettled * ~_has_settled(curves.states)[:, None, None]
        )
        if self.ingredients.cavity:
            # Counting errors alone decide which bins were seen; down-weighting adds to their errors.
            factors = boltzmann_factors(curves.states, self.r_, self.width_)
            value, error = log_cavity(curves.g, curves.g_sem, factors)
            return value, np.hypot(error, unsettled)
        return curves.g, np.maximum(np.hypot(curves.g_sem, unsettled * curves.g), 1e-3)

    def _slopes(self, dataset: Dataset, value: FloatArray) -> tuple[FloatArray, FloatArray]:
        """∂/∂β of the targets, and its standard error, infinite where the run has not settled and is down-weighted."""
        g, slope, error = (dataset.curve_array(column)[1] for column in ("g", "g_dbeta", "g_dbeta_sem"))
        if self.ingredients.down_weighting:
            error = np.where(_has_settled(dataset.states)[:, None, None], error, 0.0)
        if not self.ingredients.cavity:
            return slope, np.where(error > 0, error, np.inf)
        seen = np.isfinite(value) & (error > 0)
        ahead, behind = (
            boltzmann_factors(_shifted(dataset.states, step), self.r_, self.width_) for step in (_STEP, -_STEP)
        )
        safe, ahead, behind = (np.where(seen, part, 1.0) for part in (g, ahead, behind))
        of_u = (np.log(ahead) - np.log(behind)) / (2 * _STEP)
        of_base = [self._base(_shifted(dataset.states, step), self.r_) for step in (_STEP, -_STEP)]
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
        sigma, _ = pair_constants(self.states_)
        shape = (*value.shape[:2], len(self.x_))
        on_grid, errors = np.zeros(shape), np.full(shape, np.inf)
        for n, pair in np.ndindex(*value.shape[:2]):
            x, known = self.r_ / sigma[n, pair], np.isfinite(value[n, pair]) & np.isfinite(error[n, pair])
            if known.sum() < 4:
                continue
            # Only between two neighbouring bins that are both known.
            right = np.clip(np.searchsorted(x, self.x_), 1, len(x) - 1)
            inside = known[right] & known[right - 1] & (self.x_ >= x[0]) & (self.x_ <= x[-1])
            spline = make_interp_spline(x[known], value[n, pair][known], k=3)
            on_grid[n, pair, inside] = spline(self.x_[inside])
            errors[n, pair, inside] = np.interp(self.x_[inside], x[known], error[n, pair][known])
        return on_grid, errors

    def _from_grid(self, values: FloatArray, states: pd.DataFrame, r: FloatArray, degree: int = 3) -> FloatArray:
        sigma = pair_constants(states)[0] if self.ingredients.scaled_distance else np.ones((len(states), len(PAIRS)))
        at_r = np.empty((*values.shape[:2], len(r)))
        for pair in range(len(PAIRS)):
            for size in np.unique(sigma[:, pair]):
                rows = sigma[:, pair] == size
                x = np.clip(r / size, self.x_[0], self.x_[-1])
                at_r[rows, pair] = make_interp_spline(self.x_, values[rows, pair], k=degree, axis=1)(x)
        return at_r

    def _to_g(self, latent: FloatArray, states: pd.DataFrame, r: FloatArray) -> FloatArray:
        at_r = self._from_grid(latent, states, r)
        if not self.ingredients.cavity:
            return at_r
        at_r = at_r + self._base(states, r)
        at_r[np.isnan(at_r).any(axis=(1, 2))] = np.nan  # a state is predicted as a whole
        # e^10 is far above any first peak; only a runaway far outside the training states would meet it.
        return np.asarray(boltzmann_factors(states, r, self.width_) * np.exp(np.minimum(at_r, 10.0)))

    # -- the process ---------------------------------------------------------------------------------------

    def _factors(self) -> Iterator[tuple[tuple[int, int], npt.NDArray[np.int64], FloatArray]]:
        """Pair and bin, observations that there are, and the Cholesky factor of their covariance."""
        lists = self._learned()
        blocks = [[self._covariance(first, second) for second in lists] for first in lists]
        whole = blocks[0][0]
        if len(lists) > 1:
            mixed = (blocks[0][1] - blocks[0][2]) / (2 * _STEP)
            slopes = (blocks[1][1] - blocks[1][2] - blocks[2][1] + blocks[2][2]) / (4 * _STEP**2)
            whole = np.block([[whole, mixed], [mixed.T, slopes]])
        for pair, k in np.ndindex(*self.noise_.shape[1:]):
            rows = np.flatnonzero(np.isfinite(self.noise_[:, pair, k]))
            if not len(rows):
                continue
            matrix = whole[np.ix_(rows, rows)]
            matrix[np.diag_indices(len(rows))] += (
                self.noise_[rows, pair, k] / self.amplitude_[pair, k] + self.scales.misfit
            )
            yield (pair, k), rows, cho_factor(matrix, lower=True, overwrite_a=True, check_finite=False)[0]

    def _covariance(self, first: Points, second: Points) -> FloatArray:
        return covariance(first, second, self.scales, self.ingredients.sharing)

    def _place(self, states: pd.DataFrame) -> Points:
        return place_states(states, self.ingredients, self.scales)

    def _learned(self) -> tuple[Points, ...]:
        """Inputs of the training states; where there are slopes, of those a step ahead and behind too."""
        if not self._known:
            shifts = (0.0, _STEP, -_STEP) if len(self.noise_) > len(self.states_) else (0.0,)
            self._known = tuple(self._place(_shifted(self.states_, shift)) for shift in shifts)
        return self._known

    def _cross(self, new: Points) -> FloatArray:
        """Covariance of new states with all observations."""
        lists = self._learned()
        values = [self._covariance(new, known) for known in lists]
        return (
            np.concatenate([values[0], (values[1] - values[2]) / (2 * _STEP)], axis=1) if len(lists) > 1 else values[0]
        )

    def _latent(self, states: pd.DataFrame) -> FloatArray:
        weights = self.weights_.reshape(len(self.weights_), -1)
        above_mean = (self._cross(self._place(states)) @ weights).reshape(len(states), *self.mean_.shape)
        return np.asarray(self.mean_ + above_mean)

    def _check(self, states: pd.DataFrame, r: npt.ArrayLike) -> FloatArray:
        check_is_fitted(self)
        distances = check_distances(r)
        input_matrix(states, distances[:1])  # checks the states as for every other model
        return distances


def _has_settled(states: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Tell which states are at equilibrium as far as their runs can tell, precise or not."""
    if {"settled", "starts_agree"} <= set(states.columns):
        return np.asarray(states["settled"] & states["starts_agree"], dtype=bool)
    return np.asarray(states["converged"], dtype=bool)


def slope_states(states: pd.DataFrame) -> list[pd.DataFrame]:
    """States as they are, and a step warmer and colder: all that a process with theory and slopes asks of theory."""
    return [states, *(_shifted(states, step) for step in (_STEP, -_STEP))]


def _shifted(states: pd.DataFrame, step: float) -> pd.DataFrame:
    """States with β larger by `step`."""
    return states.assign(temperature=1 / (1 / states["temperature"] + step))


def _mean_of_known(value: FloatArray, error: FloatArray) -> FloatArray:
    known = np.isfinite(error)
    return np.asarray(np.where(known, value, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1))
