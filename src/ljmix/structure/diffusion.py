"""Self-diffusion: how far particles travel, and so how often a run has had the chance to rearrange."""

from __future__ import annotations

import math

import freud
import numpy as np
import numpy.typing as npt

from ljmix._util.arrays import FloatArray

__all__ = ["diffusion_coefficient", "is_diffusive", "mean_squared_displacements"]


_FIT = (5.0, 15.0)
"""Lags between which the displacement is taken as linear in time, τ: beyond the cages of a liquid, and with enough
origins."""
_DIFFUSIVE = 0.8
"""Least power of time by which the displacement grows between those lags. In the first 180 states of the reference set
it is 0.94 to 1.07 for nine species in ten, a little less for dilute large B, and 0.5 to 0.6 where B is solid."""


def mean_squared_displacements(fractional: FloatArray, box_edge: float) -> FloatArray:
    """Mean squared displacement of particles against the lag, over all origins (freud).

    Parameters
    ----------
    fractional : (n_frames, n_particles, 3) array
        Positions over the box edge at equal intervals of time, short enough for a particle to move less than
        half the box. Fractions, because at constant pressure the box breathes and carries particles along.
    box_edge : float
        Mean edge, σ_AA.

    Returns
    -------
    (n_frames,) array
        σ_AA², lags 0, 1, … intervals.
    """
    steps = np.diff(fractional, axis=0)
    steps -= np.rint(steps)
    # From each particle's own start, since freud computes in single precision.
    travelled = np.concatenate([np.zeros_like(fractional[:1]), np.cumsum(steps, axis=0)]) * box_edge
    msd = freud.msd.MSD(mode="window").compute(travelled).msd
    return np.asarray(msd, dtype=float)


def diffusion_coefficient(displacements: FloatArray, interval: float) -> tuple[float, float]:
    """Self-diffusion coefficient from the slope of the mean squared displacement, D = slope / 6.

    Not corrected for the finite box, which lowers D by 2.837 kT / (6π η L) (Yeh and Hummer 2004,
    doi:10.1021/jp0477147).

    Parameters
    ----------
    displacements : (n_segments, n_lags) array
        As from `mean_squared_displacements`, one row a segment of a run, σ_AA².
    interval : float
        Time between two lags, τ.

    Returns
    -------
    d, sem : float
        σ_AA²/τ; the standard error from the scatter of the segments. NaN where segments are too short for a
        slope between 5 and 15 τ, or there is only one.
    """
    lag, inside = _fit_range(displacements, interval)
    if len(displacements) < 2 or inside.sum() < 3:
        return math.nan, math.nan
    slopes = np.polyfit(lag[inside], displacements[:, inside].T, 1)[0]
    return float(slopes.mean() / 6), float(slopes.std(ddof=1) / 6 / math.sqrt(len(slopes)))


def is_diffusive(displacements: FloatArray, interval: float) -> bool:
    """Tell whether particles have left their cages: the displacement grows nearly in proportion to time.

    Where it does not, the slope of `diffusion_coefficient` is an upper bound. False, too, where segments are too
    short to tell.
    """
    lag, inside = _fit_range(displacements, interval)
    if inside.sum() < 3:
        return False
    first, last = np.flatnonzero(inside)[[0, -1]]
    mean = displacements.mean(axis=0)
    return bool(mean[last] > mean[first] * (lag[last] / lag[first]) ** _DIFFUSIVE)


def _fit_range(displacements: FloatArray, interval: float) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    lag = np.asarray(np.arange(displacements.shape[1]) * interval, dtype=np.float64)
    return lag, (lag >= _FIT[0] - 1e-9) & (lag <= _FIT[1] + 1e-9)
