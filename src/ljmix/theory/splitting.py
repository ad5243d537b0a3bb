"""Two liquids in a box: what splitting gains and costs, and how likely two places at a distance are in one domain.

The gain is N Δg of the equation of state; the cost is the tension times the area of the smallest interface that
encloses the smaller liquid in a periodic box: a sphere, a cylinder or a slab. So their ratio, an energy per area, is
what a tension is compared with.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pandas as pd

from ljmix._util.arrays import FloatArray
from ljmix.state import StatePoint, state_points
from ljmix.theory.eos import Separation, separate

__all__ = ["Splitting", "overlap", "smallest_area", "split"]

_ANGLES, _WEIGHTS = (np.polynomial.legendre.leggauss(32)[0] + 1) / 2, np.polynomial.legendre.leggauss(32)[1] / 2
"""Quadrature over cos θ from 0 to 1."""
_SPHERE, _CYLINDER = 4 * np.pi / 81, 1 / np.pi
"""Shares of the volume up to which a sphere, then a cylinder, has the smallest surface: equal areas decide."""


@dataclass(frozen=True)
class Splitting:
    """Two liquids of each state; NaN where one is stable.

    Attributes
    ----------
    fraction_b : (n, 2) array
        C_B of the lean and of the rich liquid.
    share : (n,) array
        Share of the rich one in the volume, by the equation of state.
    gain : (n,) array
        Δg, ε_AA a particle; 0 where one liquid is stable.
    found : (n,) array of bool
        False where the equation of state has one liquid, or its two are not found: next to its critical point, where
        the gain goes to zero.
    """

    fraction_b: FloatArray
    share: FloatArray
    gain: FloatArray
    found: npt.NDArray[np.bool_]


def split(states: pd.DataFrame, strength: float) -> Splitting:
    """Two liquids of each state by the equation of state.

    Parameters
    ----------
    states : pandas.DataFrame, or a dictionary of its columns
    strength : float
        Factor of k = 1 − ε_AB.

    Returns
    -------
    Splitting
    """
    rows = [_separation(point, strength) for point in state_points(states)]
    fractions = [(np.nan, np.nan) if row is None else tuple(row.fraction_b) for row in rows]
    share = [np.nan if row is None else row.share for row in rows]
    gain = [0.0 if row is None else max(row.gain, 0.0) for row in rows]
    found = np.array([row is not None for row in rows], dtype=bool)
    return Splitting(np.array(fractions).reshape(-1, 2), np.array(share), np.array(gain), found)


@lru_cache(maxsize=20_000)
def _separation(point: StatePoint, strength: float) -> Separation | None:
    try:
        return separate(point, strength)
    except ValueError:
        return None  # see `Splitting.found`


def smallest_area(share: FloatArray) -> FloatArray:
    """Smallest interface around a share of the volume of a periodic cube, in squares of its edge, (n,)."""
    m = np.minimum(share, 1 - share)
    sphere = (36 * np.pi) ** (1 / 3) * m ** (2 / 3)
    return np.asarray(np.minimum(np.minimum(sphere, 2 * np.sqrt(np.pi * m)), 2.0))


def overlap(share: FloatArray, box_edge: FloatArray, r: FloatArray) -> FloatArray:
    """Probability that a place at distance r from one in the smaller domain lies in that domain too.

    1 − A r / (4 V) + … with its surface A and volume V (Porod 1951, doi:10.1007/BF01512792); here to all orders, for a
    sphere, a cylinder through the box or a slab, whichever has the smallest surface.

    Parameters
    ----------
    share : (n,) array
        Of the volume, of either domain.
    box_edge : (n,) array
        σ_AA.
    r : (n_bins,) array

    Returns
    -------
    (n, n_bins) array
    """
    m = np.minimum(share, 1 - share)[:, None]
    edge = np.broadcast_to(np.asarray(box_edge, dtype=float), share.shape)[:, None]
    x = r / (2 * edge * (3 * m / (4 * np.pi)) ** (1 / 3))  # over the diameter
    sphere = np.where(x < 1, 1 - 1.5 * x + 0.5 * x**3, 0.0)
    # Perpendicular to the axis two circles overlap; all directions are equally likely.
    across = r / (2 * edge * np.sqrt(m / np.pi))
    y = np.minimum(across[..., None] * np.sqrt(1 - _ANGLES**2), 1.0)
    cylinder = (2 / np.pi * (np.arccos(y) - y * np.sqrt(1 - y**2))) @ _WEIGHTS
    z = r / (edge * m)  # over the thickness
    slab = np.where(z < 1, 1 - z / 2, 0.5 / np.maximum(z, 1.0))
    return np.asarray(np.where(m < _SPHERE, sphere, np.where(m < _CYLINDER, cylinder, slab)))
