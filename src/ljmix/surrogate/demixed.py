"""Curves of two liquids side by side, from what is known of one: no demixed curve is learned from.

The equation of state splits the mixture. A pair of places r apart lies in the lean liquid, in the rich one, or one in
each; how often follows from the shape of the domain (`ljmix.theory.splitting.overlap`). In a liquid of concentrations
c_i there are c_i c_j y(r) e^(-βu) pairs per volume squared, with the y of that liquid as `MixedCurves` predicts it;
across the interface the mean of both y.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ljmix._util.arrays import FloatArray
from ljmix.state import PAIRS
from ljmix.surrogate.description import describe
from ljmix.surrogate.mixed import MixedCurves
from ljmix.surrogate.thermodynamics import DensityModel
from ljmix.theory.cavity import boltzmann_factors
from ljmix.theory.splitting import Splitting, overlap

__all__ = ["TwoLiquids", "demixed_curves", "two_liquids"]

_HIGHEST = 10.0
"""Largest ln y that is exponentiated."""


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
