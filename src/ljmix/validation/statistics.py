"""Whether two sets of block averages come from the same distribution.

Error bars from few blocks follow Student's t, and the bins of a function are correlated, so that neither a normal
z-score nor a χ² with as many degrees of freedom as bins would be right. Both are replaced by what the data say: a
permutation test. If two engines sample the same distribution, which block came from which engine is arbitrary;
dealing the blocks out anew gives the distribution of any statistic, correlations between bins and all, exactly
(Good, Permutation, Parametric, and Bootstrap Tests of Hypotheses, 3rd ed. 2005, doi:10.1007/b138696). All it
asks is that blocks are independent of one another, which `neighbour_correlation` checks.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

__all__ = ["expected_absolute_t", "neighbour_correlation", "permute_t", "rank_p", "sigmas_of", "student_t"]

Array = npt.NDArray[np.float64]


def student_t(first: Array, second: Array) -> Array:
    """Two-sample t of every column, with the pooled variance of both sets of blocks.

    Parameters
    ----------
    first : (n_first, n_bins) array
    second : (n_second, n_bins) array

    Returns
    -------
    (n_bins,) array
        Follows Student's t with n_first + n_second − 2 degrees of freedom; NaN where no block varies.

    Raises
    ------
    ValueError
        If a set has fewer than two blocks or the bins differ.
    """
    n, m = _check(first, second)
    values = np.concatenate([first, second])
    labels = np.repeat([1 / n, -1 / m], [n, m])
    t: Array = _t_of_labels(labels[None], values, n * m / (n + m))[0]
    return t


def permute_t(first: Array, second: Array, n_permutations: int, seed: int) -> Array:
    """`student_t` of the blocks as they are, and of the blocks dealt out at random.

    Returns
    -------
    (1 + n_permutations, n_bins) array
        The first row is what was observed.
    """
    n, m = _check(first, second)
    values = np.concatenate([first, second])
    rng = np.random.default_rng(seed)
    observed = np.repeat([1 / n, -1 / m], [n, m])
    dealt = rng.permuted(np.tile(observed, (n_permutations, 1)), axis=1)
    return _t_of_labels(np.vstack([observed, dealt]), values, n * m / (n + m))


def _check(first: Array, second: Array) -> tuple[int, int]:
    if min(len(first), len(second)) < 2 or first.shape[1:] != second.shape[1:]:
        raise ValueError(
            f"blocks of shape {first.shape} and {second.shape}: two or more of each are needed, with the same bins"
        )
    return len(first), len(second)


def _t_of_labels(labels: Array, values: Array, weight: float) -> Array:
    """Find t for many ways to deal the blocks: what lies between the two sets, over what is left within them."""
    centred = values - values.mean(axis=0)
    difference = labels @ centred
    # Rounding alone must not make a bin that never varies look as if it did.
    scale = np.abs(values).max(axis=0) * 1e-12
    total = np.sum(centred**2, axis=0)
    within = total - weight * difference**2
    dead = (total <= len(values) * scale**2) | (within <= 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        t: Array = difference * np.sqrt(weight * (len(values) - 2) / within)
    return np.where(dead, np.nan, t)


def rank_p(statistic: Array) -> float:
    """p-value of a statistic's first entry among the others, which come from permutations (large is unlikely)."""
    return float(np.mean(statistic >= statistic[0] * (1 - 1e-12)))


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


def neighbour_correlation(blocks: Array) -> tuple[float, float]:
    """Correlation between neighbouring blocks, averaged over the bins that vary, and what independence gives.

    Parameters
    ----------
    blocks : (n_blocks, n_bins) array

    Returns
    -------
    correlation, expected : float
        For independent blocks −1/n_blocks, because deviations from a set's own mean sum to zero.
    """
    centred: Any = blocks - blocks.mean(axis=0)
    variance = np.sum(centred**2, axis=0)
    lively = variance > 0
    correlation = np.sum(centred[1:] * centred[:-1], axis=0)[lively] / variance[lively]
    return float(correlation.mean()), -1 / len(blocks)
