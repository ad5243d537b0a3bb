"""Potential of mean force: the free energy of two particles at a distance, and how much of it is the solvent's.

w(r) = −T* ln g(r) is the work of bringing two particles from far apart to r, averaged over all others (Kirkwood 1935,
doi:10.1063/1.1749657). Without others it is the pair potential u; the rest, w − u = −T* ln y with the cavity function
y, is what the others do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ljmix._util.arrays import FloatArray
from ljmix.potential import boltzmann_in_bins
from ljmix.state import StatePoint

__all__ = ["Well", "describe_well", "direct_potential", "mean_force_potential"]

_SIGNIFICANT = 3.0


def mean_force_potential(g: FloatArray, g_sem: FloatArray, temperature: float) -> tuple[FloatArray, FloatArray]:
    """w(r) and its standard error.

    Parameters
    ----------
    g, g_sem : (..., n_bins) arrays
    temperature : float
        T*.

    Returns
    -------
    w, w_sem : (..., n_bins) arrays
        ε_AA; NaN where g is not three standard errors above zero, so that its logarithm has no error.

    Raises
    ------
    ValueError
        If the temperature is not above zero.
    """
    if not temperature > 0:
        raise ValueError(f"temperature = {temperature:g}: must be above 0")
    seen = (g > _SIGNIFICANT * g_sem) & (g > 0)
    safe = np.where(seen, g, 1.0)
    return np.where(seen, -temperature * np.log(safe), np.nan), np.where(seen, temperature * g_sem / safe, np.nan)


def direct_potential(r: FloatArray, state: StatePoint, pair: str) -> FloatArray:
    """Pair potential as bins see it, −T* ln of the mean Boltzmann factor over each bin, (n_bins,), ε_AA."""
    width = float(r[1] - r[0])
    mean = boltzmann_in_bins(r, width, state.sigma(pair), state.epsilon(pair), state.temperature)[2]
    return np.asarray(-state.temperature * np.log(np.maximum(mean, 1e-300)))


@dataclass(frozen=True)
class Well:
    """First well of a potential of mean force, and the barrier behind it.

    Attributes
    ----------
    distance, depth, depth_sem : float
        Where w is lowest, σ_AA, and −w there, ε_AA.
    barrier_distance, barrier, barrier_sem : float
        Where w is highest behind it, and how far above the bottom of the well: what a pair must climb to part.
    direct : float
        −u of the pair at the same distance.
    """

    distance: float
    depth: float
    depth_sem: float
    barrier_distance: float
    barrier: float
    barrier_sem: float
    direct: float

    @property
    def solvent(self) -> float:
        """What the other particles add to the depth, ε_AA; above zero where they push the two together."""
        return self.depth - self.direct


def describe_well(r: FloatArray, g: FloatArray, g_sem: FloatArray, state: StatePoint, pair: str) -> Well:
    """Depth of the first well and height of the barrier, with errors of their bins.

    Parameters
    ----------
    r, g, g_sem : (n_bins,) arrays
        One function.
    state : StatePoint
    pair : {"AA", "AB", "BB"}

    Returns
    -------
    Well
        The lowest and the highest of several noisy bins is picked, so that a depth is too large by a part of its error.

    Raises
    ------
    ValueError
        If no bin between 0.8 and 1.6 σ of the pair is three standard errors above zero.
    """
    w, w_sem = mean_force_potential(g, g_sem, state.temperature)
    sigma = state.sigma(pair)
    near = np.flatnonzero((r > 0.8 * sigma) & (r < 1.6 * sigma) & np.isfinite(w))
    if not near.size:
        raise ValueError(f"{state.state_id}, {pair}: no pair was seen at contact; average more frames")
    bottom = near[np.argmin(w[near])]
    behind = np.flatnonzero((r > r[bottom]) & (r < 2.2 * sigma) & np.isfinite(w))
    top = behind[np.argmax(w[behind])] if behind.size else bottom
    return Well(
        float(r[bottom]), float(-w[bottom]), float(w_sem[bottom]), float(r[top]), float(w[top] - w[bottom]),
        math.hypot(w_sem[top], w_sem[bottom]), float(-direct_potential(r, state, pair)[bottom]),
    )  # fmt: skip
