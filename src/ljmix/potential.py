"""The pair potential: Lennard-Jones, truncated and shifted to zero at the cut-off."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ljmix.state import CUTOFF

__all__ = ["lj_potential", "lj_slope"]

Array = npt.NDArray[np.float64]


def lj_potential(r: Array, sigma: npt.ArrayLike, epsilon: npt.ArrayLike, cutoff: float = CUTOFF) -> Array:
    """Lennard-Jones potential, truncated at `cutoff` σ and shifted to zero there; arrays broadcast, ε_AA."""
    attraction = (np.asarray(sigma) / r) ** 6
    at_cutoff = cutoff**-6.0
    u: Array = 4 * np.asarray(epsilon) * (attraction**2 - attraction - at_cutoff**2 + at_cutoff)
    return np.where(r < cutoff * np.asarray(sigma), u, 0.0)


def lj_slope(r: Array, sigma: npt.ArrayLike, epsilon: npt.ArrayLike, cutoff: float = CUTOFF) -> Array:
    """Derivative of `lj_potential` with respect to r, ε_AA/σ_AA; zero from the cut-off on."""
    attraction = (np.asarray(sigma) / r) ** 6
    slope: Array = -24 * np.asarray(epsilon) * (2 * attraction**2 - attraction) / r
    return np.where(r < cutoff * np.asarray(sigma), slope, 0.0)
