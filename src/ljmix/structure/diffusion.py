"""Self-diffusion: how far particles travel, and so how often a run has had the chance to rearrange."""

from __future__ import annotations

import math

import freud
import numpy as np
import numpy.typing as npt

__all__ = ["diffusion_coefficient", "mean_squared_displacements"]

Array = npt.NDArray[np.float64]

_FIT = (5.0, 15.0)
"""Lags between which the displacement is taken as linear in time, τ: beyond the cages, and with enough origins."""


def mean_squared_displacements(fractional: Array, box_edge: float) -> Array:
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


def diffusion_coefficient(displacements: Array, interval: float) -> tuple[float, float]:
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
    lag = np.arange(displacements.shape[1]) * interval
    inside = (lag >= _FIT[0]) & (lag <= _FIT[1])
    if len(displacements) < 2 or inside.sum() < 3:
        return math.nan, math.nan
    slopes = np.polyfit(lag[inside], displacements[:, inside].T, 1)[0]
    return float(slopes.mean() / 6), float(slopes.std(ddof=1) / 6 / math.sqrt(len(slopes)))
