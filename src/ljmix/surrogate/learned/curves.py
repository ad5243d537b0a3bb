"""Curves of one liquid, and of two side by side.

Of one: theory's, and a Gaussian process on ln y − ln y of theory at equal r/σ_ij.

What is left of ln y after theory is small and smooth. A like pair is a like pair, whatever its name: g_BB of a mixture
is g_AA of the same liquid with names exchanged. So there are two functions of a liquid, of like and of unlike pairs,
and each training state teaches both, once as it is and once mirrored.

Of two: from what is known of one; no demixed curve is learned from. The equation of state splits the mixture. A pair of
places r apart lies in the lean liquid, in the rich one, or one in each; how often follows from the shape of the domain
(`ljmix.theory.splitting.overlap`). In a liquid of concentrations c_i there are c_i c_j y(r) e^(-βu) pairs per volume
squared, with the y of that liquid; across the interface the mean of both y.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.interpolate import make_interp_spline

from ljmix._util.arrays import FloatArray, interpolate, interpolate_rows, spline_rows
from ljmix.data.dataset import Dataset
from ljmix.state import PAIRS
from ljmix.surrogate.learned.description import Description, describe, exchange
from ljmix.surrogate.learned.process import Process
from ljmix.surrogate.learned.thermodynamics import DensityModel
from ljmix.theory.cavity import boltzmann_factors, log_cavity, pair_constants
from ljmix.theory.liquid import DISTANCES, theory_log_cavity
from ljmix.theory.splitting import Splitting, overlap

__all__ = ["SCALED_GRID", "MixedCurves", "TwoLiquids", "curve_errors", "demixed_curves", "solve_theory", "two_liquids"]

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
_HIGHEST = 10.0
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


Theory = Callable[[pd.DataFrame, Description, FloatArray, FloatArray], FloatArray]


def solve_theory(states: pd.DataFrame, described: Description, density: FloatArray, r: FloatArray) -> FloatArray:
    """Ln y of theory by solving its equation, (n_states, 3, n_bins)."""
    return interpolate(r, DISTANCES, theory_log_cavity(states, density))


@dataclass
class MixedCurves:
    """Curves of one liquid.

    Attributes
    ----------
    like, unlike : Process
        Of ln y − ln y(theory) at `SCALED_GRID`.
    width : float
        Of the bins of g(r), σ_AA.
    theory : callable
        Solves theory, or an emulator of it: ln y from states, their description, densities and distances.
    """

    like: Process
    unlike: Process
    width: float
    theory: Theory = solve_theory

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
        theory = theory_log_cavity(states, states["number_density"].to_numpy(dtype=float))
        residual = log_y - interpolate(r, DISTANCES, theory)
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
        r : (n_bins,) array
            Distances, σ_AA.

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
        return self.theory(states, described, density, r) + spline_rows(scaled, SCALED_GRID, mean)

    def mean(self, states: pd.DataFrame, described: Description, density: FloatArray, r: FloatArray) -> FloatArray:
        """Curves, (n_states, 3, n_bins); arguments as `log_cavity`."""
        log_y = np.minimum(self.log_cavity(states, described, density, r), _HIGHEST)
        return np.asarray(boltzmann_factors(states, r, self.width) * np.exp(log_y))

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
        log_y = self.theory(states, described, density, r) + spline_rows(scaled, SCALED_GRID, mean)
        g = boltzmann_factors(states, r, self.width) * np.exp(np.minimum(log_y, _HIGHEST))
        return np.asarray(g), np.asarray(g * interpolate_rows(scaled, SCALED_GRID, deviation))


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


@dataclass(frozen=True)
class TwoLiquids:
    """Both liquids of each state with the densities of the surrogate; NaN where there is one.

    Attributes
    ----------
    fraction_b, density, deviation : (n, 2) arrays
        C_B, number density and its standard deviation (σ_AA⁻³) of the lean and of the rich liquid.
    share : (n,) array
        Of the rich one in the volume.
    """

    fraction_b: FloatArray
    density: FloatArray
    deviation: FloatArray
    share: FloatArray

    @property
    def mean_density(self) -> FloatArray:
        """N/V of the whole box, (n,)."""
        return np.asarray((1 - self.share) * self.density[:, 0] + self.share * self.density[:, 1])


def two_liquids(states: pd.DataFrame, splitting: Splitting, densities: DensityModel) -> TwoLiquids:
    """Give the liquids of a splitting the densities that the surrogate predicts for them."""
    density, deviation = np.full((2, len(states), 2), np.nan)
    rows = splitting.found
    for k in (0, 1):
        inside = states[rows].assign(fraction_b=splitting.fraction_b[rows, k])
        density[rows, k], deviation[rows, k] = densities.predict(describe(inside, densities.strength))
    lean, rich = splitting.fraction_b.T
    number = (states["fraction_b"].to_numpy(dtype=float) - lean) / (rich - lean)
    volumes = np.stack([1 - number, number], axis=1) / density
    return TwoLiquids(splitting.fraction_b, density, deviation, volumes[:, 1] / volumes.sum(axis=1))


def demixed_curves(
    states: pd.DataFrame, liquids: TwoLiquids, curves: MixedCurves, strength: float, box_edge: FloatArray, r: FloatArray
) -> FloatArray:
    """Curves of demixed states.

    Parameters
    ----------
    states : pandas.DataFrame
    liquids : TwoLiquids
        Of the same states.
    curves : MixedCurves
    strength : float
        With which `curves` describes a liquid.
    box_edge : (n_states,) array
        σ_AA.
    r : (n_bins,) array
        Distances, σ_AA.

    Returns
    -------
    (n_states, 3, n_bins) array
        NaN where there are no two liquids, or theory has no solution for one of them.
    """
    g = np.full((len(states), len(PAIRS), len(r)), np.nan)
    rows = np.flatnonzero(np.isfinite(liquids.share))
    if not len(rows):
        return g
    part, fractions, density = states.iloc[rows].reset_index(drop=True), liquids.fraction_b[rows], liquids.density[rows]
    insides = [part.assign(fraction_b=fractions[:, k]) for k in (0, 1)]
    y = []
    for k, inside in enumerate(insides):
        log_y = curves.log_cavity(inside, describe(inside, strength), density[:, k], r)
        y.append(np.exp(np.minimum(log_y, _HIGHEST)))
    c = density[:, :, None] * np.stack([1 - fractions, fractions], axis=2)  # state, liquid, species
    share = liquids.share[rows]
    volumes = np.stack([1 - share, share], axis=1)
    mean = (volumes[..., None] * c).sum(axis=1)
    smaller = volumes.min(axis=1)[:, None]
    across = 2 * smaller * (1 - overlap(share, box_edge[rows], r))
    within = volumes[:, :, None] - across[:, None] / 2
    factors = boltzmann_factors(part, r, curves.width)
    for pair, (i, j) in enumerate(((0, 0), (0, 1), (1, 1))):
        pairs = [within[:, k] * (c[:, k, i] * c[:, k, j])[:, None] * y[k][:, pair] for k in (0, 1)]
        both = (c[:, 0, i] * c[:, 1, j] + c[:, 1, i] * c[:, 0, j])[:, None] / 2
        pairs.append(across * both * (y[0][:, pair] + y[1][:, pair]) / 2)
        g[rows, pair] = factors[:, pair] * sum(pairs) / (mean[:, i] * mean[:, j])[:, None]
    return g
