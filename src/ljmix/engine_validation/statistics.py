"""Student's t between two sets of block averages.

Error bars from few blocks follow Student's t, not a normal distribution. The bins of a function are correlated, so
that a χ² over them has no textbook distribution; and the slowest modes of a mixture, where its species are, outlive a
run of 100 τ, so that blocks of one run are not independent either. Neither is argued away here: what chance gives,
correlations and slow modes and all, is measured, as the same statistic between windows of one engine's run
(`ljmix.engine_validation.checks.compare_functions`).
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from ljmix._util.arrays import FloatArray

__all__ = ["expected_absolute_t", "sigmas_of", "student_t"]


def student_t(first: FloatArray, second: FloatArray) -> FloatArray:
    """Two-sample t of every column, with the pooled variance of both sets of blocks.

    Parameters
    ----------
    first : (n_first, n_bins) array
    second : (n_second, n_bins) array

    Returns
    -------
    (n_bins,) array
        For independent blocks Student's t with n_first + n_second − 2 degrees of freedom; NaN where no block varies.

    Raises
    ------
    ValueError
        If a set has fewer than two blocks or the bins differ.
    """
    n, m = len(first), len(second)
    if min(n, m) < 2 or first.shape[1:] != second.shape[1:]:
        raise ValueError(
            f"blocks of shape {first.shape} and {second.shape}: two or more of each are needed, with the same bins"
        )
    within = (n - 1) * first.var(axis=0, ddof=1) + (m - 1) * second.var(axis=0, ddof=1)
    # Rounding alone must not make a bin that never varies look as if it did.
    scale = np.maximum(np.abs(first).max(axis=0), np.abs(second).max(axis=0)) * 1e-12
    dead = within <= (n + m) * scale**2
    error = np.sqrt(np.where(dead, np.nan, within) / (n + m - 2) * (1 / n + 1 / m))
    t: FloatArray = (first.mean(axis=0) - second.mean(axis=0)) / error
    return t


def expected_absolute_t(degrees: int) -> float:
    """Mean of |t| for Student's t: √(ν/π) Γ((ν−1)/2) / Γ(ν/2); √(2/π) for many degrees of freedom.

    Raises
    ------
    ValueError
        If there are fewer than two degrees of freedom, where it is infinite.
    """
    if degrees < 2:
        raise ValueError(f"degrees = {degrees}: the mean of |t| needs 2 or more")
    return float(2 * stats.t.expect(lambda t: t, (degrees,), lb=0))


def sigmas_of(p: float, sign: float = 1.0) -> float:
    """Standard deviations of a normal variable as unlikely as a two-sided p-value."""
    return float(np.copysign(stats.norm.isf(np.clip(p, 1e-300, 1) / 2), sign))
