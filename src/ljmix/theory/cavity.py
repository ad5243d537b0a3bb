"""Physics that a model can be given: of a state, and of what it is asked to learn.

Of a state: packing fraction and volume fraction of B. Of the target: the cavity function y = g e^(βu) in
place of g. ln y has neither the steep core nor the explicit factor of temperature, so that it is smooth in
distance and nearly straight in β.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pandas as pd

from ljmix._util.arrays import FloatArray
from ljmix.potential import boltzmann_in_bins
from ljmix.state import StatePoint, as_simulated, simulated_fractions, state_points
from ljmix.theory.density import estimate_density

__all__ = [
    "boltzmann_factors",
    "clear_density_cache",
    "estimated_density",
    "log_cavity",
    "packing_fraction",
    "pair_constants",
    "volume_fraction",
]  # fmt: skip

_POINTS = 8
"""Points in a bin. Models divide by the factor when they learn and multiply by it when they predict: with 40 points in
both no score of the benchmark moves by 1e-4. Model files hold what was learned with 8, so both change together."""
_SIGNIFICANT = 3.0


def pair_constants(states: pd.DataFrame) -> tuple[FloatArray, FloatArray]:
    """σ_ij and ε_ij of AA, AB, BB, (n_states, 3) each, in σ_AA and ε_AA; those of `StatePoint`, for many at once."""
    # Rounded as state points are.
    size, cross = (np.asarray(states[name], dtype=float).round(6) for name in ("size_ratio", "epsilon_ab"))
    one = np.ones(len(size))
    return np.stack([one, (1 + size) / 2, size], axis=1), np.stack([one, cross, one], axis=1)


def volume_fraction(states: pd.DataFrame) -> FloatArray:
    """Share of B in the volume of all particles, C_B S³ / (1 - C_B + C_B S³), (n_states,)."""
    x_b, ratio = simulated_fractions(states), np.asarray(states["size_ratio"], dtype=float)
    volume_b = x_b * ratio**3
    return np.asarray(volume_b / (1 - x_b + volume_b))


def packing_fraction(states: pd.DataFrame) -> FloatArray:
    """Volume of the particles over that of the system, from the estimated density, (n_states,)."""
    x_b, ratio = simulated_fractions(states), states["size_ratio"].to_numpy(dtype=float)
    return np.asarray(np.pi / 6 * estimated_density(states) * (1 - x_b + x_b * ratio**3))


def estimated_density(states: pd.DataFrame) -> FloatArray:
    """Number density by `ljmix.theory.density.estimate_density`, (n_states,), σ_AA⁻³.

    A state that nobody has simulated has no other.
    """
    return np.array([_density(point) for point in state_points(as_simulated(states))])


@lru_cache(maxsize=10_000)
def _density(point: StatePoint) -> float:
    return estimate_density(point)


def clear_density_cache() -> None:
    """Empty the cache of estimated densities."""
    _density.cache_clear()


def boltzmann_factors(states: pd.DataFrame, r: npt.ArrayLike, width: float) -> FloatArray:
    """Boltzmann factor of each pair, averaged over the volume of a bin as g(r) is.

    Parameters
    ----------
    states : pandas.DataFrame, or a dictionary of its columns
    r : (n_bins,) array_like
        Bin centres, σ_AA.
    width : float
        Width of a bin, σ_AA.

    Returns
    -------
    (n_states, 3, n_bins) array
        ∫ e^(-βu) r² dr / ∫ r² dr over the bin.
    """
    # One state at a time: all of them would fill some hundred megabytes.
    temperatures = np.asarray(states["temperature"], dtype=float)
    constants = zip(*pair_constants(states), temperatures, strict=True)
    return np.stack([boltzmann_in_bins(r, width, *one, _POINTS)[2] for one in constants])


def log_cavity(g: FloatArray, g_sem: FloatArray, boltzmann: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Logarithm of the cavity function and its standard error.

    Parameters
    ----------
    g, g_sem : arrays
        Simulated values and standard errors.
    boltzmann : array
        As from `boltzmann_factors`.

    Returns
    -------
    log_y, sem : arrays
        NaN and infinity where g is not three standard errors above zero: the core, where no pair was seen, says
        nothing about y. An error bar below a thousandth of g is not believed (one pair seen, one block).
    """
    seen = (g > _SIGNIFICANT * g_sem) & (g > 0) & (boltzmann > 0)
    safe, factor = np.where(seen, g, 1.0), np.where(seen, boltzmann, 1.0)
    log_y = np.where(seen, np.log(safe) - np.log(factor), np.nan)
    sem = np.where(seen, np.maximum(g_sem / safe, 1e-3), np.inf)
    return log_y, sem
