"""Curves of one liquid: theory's, and a Gaussian process on ln y − ln y of theory at equal r/σ_ij.

What is left of ln y after theory is small and smooth. A like pair is a like pair, whatever its name: g_BB of a mixture
is g_AA of the same liquid with names exchanged. So there are two functions of a liquid, of like and of unlike pairs,
and each training state teaches both, once as it is and once mirrored.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.interpolate import make_interp_spline

from ljmix._util.arrays import FloatArray, interpolate_rows, spline_rows
from ljmix.data.dataset import Dataset
from ljmix.surrogate.learned.description import Description, describe, exchange
from ljmix.surrogate.learned.process import Process
from ljmix.theory.cavity import boltzmann_factors, log_cavity, pair_constants
from ljmix.theory.liquid import DISTANCES, theory_log_cavity

__all__ = ["HIGHEST", "SCALED_GRID", "MixedCurves", "curve_errors"]

SCALED_GRID: FloatArray = np.concatenate([np.arange(0.8, 2.5, 0.05), np.arange(2.5, 10.01, 0.1)])
"""Distances in σ_ij at which curves of unlike sizes are compared."""
_TYPICAL = (0.95, 3.3)
"""Distances in σ_ij whose bins choose the lengths: first to third shell, which every curve has."""
_RANGE = 7.0
"""Range of the curves that teach, σ_AA."""
_UNSETTLED = 3.0
"""Factor of the standard error of a run that has not settled: its blocks are not independent."""
_MOST_ROWS = 400
"""States, and mirrored ones, that choose the lengths of a hundred bins."""
_FEWEST = 4
"""Known bins of a curve, from which a spline goes through them."""
HIGHEST = 10.0
"""Largest ln y that is exponentiated, far above any peak."""


def curve_errors(dataset: Dataset, r_max: float = _RANGE) -> FloatArray:
    """How far simulated values of g may be off, (n_states, 3, n_bins).

    The standard error; three times that of a run that has not settled; and where runs from two starts disagree also
    their difference over √2, the deviation of two values from their mean.
    """
    _, error = dataset.curve_array("g_sem", r_max=r_max)
    states = dataset.states
    settled = states["settled" if "settled" in states else "converged"].to_numpy(dtype=bool)
    error = error * np.where(settled, 1.0, _UNSETTLED)[:, None, None]
    if "g_starts" in dataset.rdf and "starts_agree" in states:
        disagree = ~states["starts_agree"].to_numpy(dtype=bool)
        starts = np.abs(np.nan_to_num(dataset.curve_array("g_starts", r_max=r_max)[1])) / np.sqrt(2)
        error = np.where(disagree[:, None, None], np.hypot(error, starts), error)
    return error


@dataclass
class MixedCurves:
    """Curves of one liquid.

    Attributes
    ----------
    like, unlike : Process
        Of ln y − ln y(theory) at `SCALED_GRID`.
    width : float
        Of the bins of g(r), σ_AA.
    """

    like: Process
    unlike: Process
    width: float

    @classmethod
    def fit(cls, dataset: Dataset, strength: float) -> Self:
        """Learn from the curves of mixed states, with theory at their simulated density.

        Parameters
        ----------
        dataset : Dataset
            Of mixed states; one without a solution of theory teaches nothing.
        strength : float
            Of the equation of state, see `ljmix.surrogate.learned.description.describe`.

        Returns
        -------
        MixedCurves
        """
        states = dataset.states.reset_index(drop=True)
        r, g = dataset.curve_array(r_max=_RANGE)
        width = float(np.diff(r).min())
        log_y, error = log_cavity(g, curve_errors(dataset), boltzmann_factors(states, r, width))
        residual = log_y - _theory_at(r, states, states["number_density"].to_numpy(dtype=float))
        value, error = _onto_grid(residual, error, r, pair_constants(states)[0])
        inputs = describe(states, strength).inputs
        both = np.concatenate([inputs, exchange(inputs)])
        typical = (_TYPICAL[0] < SCALED_GRID) & (_TYPICAL[1] > SCALED_GRID)
        processes = []
        for first, second in ((0, 2), (1, 1)):
            values, errors = (np.concatenate([part[:, first], part[:, second]]) for part in (value, error))
            rows = np.isfinite(errors).any(axis=1)
            processes.append(Process.fit(both[rows], values[rows], errors[rows], typical, most_rows=_MOST_ROWS))
        like, unlike = processes
        return cls(like, unlike, width)

    def log_cavity(
        self, states: pd.DataFrame, described: Description, density: FloatArray, r: FloatArray
    ) -> FloatArray:
        """Logarithm of y of AA, AB, BB.

        Parameters
        ----------
        states : pandas.DataFrame
        described : Description
            Of the same states.
        density : (n_states,) array
            At which theory is solved.
        r : (n_bins,) or (n_states, 3, n_bins) array
            Distances, σ_AA, the same for all or of each curve.

        Returns
        -------
        (n_states, 3, n_bins) array
            NaN where theory has no solution.
        """
        inputs, asked = _safe(described)
        parts = self.like.predict(inputs), self.unlike.predict(inputs), self.like.predict(exchange(inputs))
        mean = np.stack(parts, axis=1)
        mean[~asked] = np.nan
        scaled = r / pair_constants(states)[0][..., None]
        return _theory_at(r, states, density) + spline_rows(scaled, SCALED_GRID, mean)

    def predict(
        self, states: pd.DataFrame, described: Description, density: FloatArray, r: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Curves and the standard deviation of the process, (n_states, 3, n_bins) each; arguments as `log_cavity`."""
        inputs, asked = _safe(described)
        like, mirrored = (self.like.ask(part) for part in (inputs, exchange(inputs)))
        unlike = self.unlike.ask(inputs)
        mean, deviation = (np.stack([like[k], unlike[k], mirrored[k]], axis=1) for k in (0, 1))
        mean[~asked], deviation[~asked] = np.nan, np.nan
        scaled = r / pair_constants(states)[0][..., None]
        log_y = _theory_at(r, states, density) + spline_rows(scaled, SCALED_GRID, mean)
        g = boltzmann_factors(states, r, self.width) * np.exp(np.minimum(log_y, HIGHEST))
        return np.asarray(g), np.asarray(g * interpolate_rows(scaled, SCALED_GRID, deviation))


def _theory_at(r: FloatArray, states: pd.DataFrame, density: FloatArray) -> FloatArray:
    """Ln y of theory at distances, by splines: straight lines would be off by 0.2 % at contact."""
    theory = theory_log_cavity(states, density)
    return spline_rows(np.broadcast_to(r, (*theory.shape[:2], np.shape(r)[-1])), DISTANCES, theory)


def _safe(described: Description) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """Inputs, 0 for states that have none; and which have some."""
    known = np.asarray(np.isfinite(described.inputs).all(axis=1))
    return np.where(known[:, None], described.inputs, 0.0), known


def _onto_grid(value: FloatArray, error: FloatArray, r: FloatArray, sigma: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Values and errors at `SCALED_GRID`; the error is infinite where a curve has none."""
    shape = (*value.shape[:2], len(SCALED_GRID))
    on_grid, errors = np.zeros(shape), np.full(shape, np.inf)
    for n, pair in np.ndindex(*shape[:2]):
        x, known = r / sigma[n, pair], np.isfinite(value[n, pair]) & np.isfinite(error[n, pair])
        if known.sum() < _FEWEST:
            continue
        # Only between two neighbouring bins that are both known.
        right = np.clip(np.searchsorted(x, SCALED_GRID), 1, len(x) - 1)
        inside = known[right] & known[right - 1] & (x[0] <= SCALED_GRID) & (x[-1] >= SCALED_GRID)
        at = SCALED_GRID[inside]
        on_grid[n, pair, inside] = make_interp_spline(x[known], value[n, pair][known], k=3)(at)
        errors[n, pair, inside] = np.interp(at, x[known], error[n, pair][known])
    return on_grid, errors
