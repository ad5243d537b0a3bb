"""The bootstrap: what is drawn, how often, and what part of the draws an interval holds. All intervals come from here.

What is drawn is what would be new in a new set of data: compositions for a score, whose temperatures go together
(`ljmix.scoring.bootstrap`, `ljmix.scoring.intervals`); states for what is read off single curves
(`ljmix.explanation.descriptors`); a fit, then states, for what a model makes of them (`ljmix.explanation.ranking`).
`ljmix.scoring.coverage` simulates how often the intervals hold the truth.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ljmix._util.arrays import FloatArray

__all__ = ["INTERVAL", "N_DRAWS", "draw_weights", "middle", "resample_means"]

INTERVAL = (0.025, 0.975)
"""Quantiles of the draws between which an interval lies."""
N_DRAWS = 1000


def draw_weights(n: int, draws: int, seed: int) -> npt.NDArray[np.int64]:
    """How often each of n units is drawn, n times with replacement, (draws, n).

    Efron 1979, doi:10.1214/aos/1176344552.
    """
    return np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=draws)


def middle(draws: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Ends of the interval that holds 95 % of the draws, along the first axis; draws that are NaN are left out."""
    low, high = np.nanquantile(draws, INTERVAL, axis=0)
    return low, high


def resample_means(
    totals: Sequence[FloatArray], counts: Sequence[FloatArray], seed: int, n: int = N_DRAWS
) -> FloatArray:
    """Draws of a mean over rows that come in clusters, from one of several fits.

    Parameters
    ----------
    totals : sequence of (n_clusters, n_features) arrays
        Sums over the rows of each cluster, for instance of a state; one array a fit.
    counts : sequence of (n_clusters,) arrays
        Numbers of rows behind the sums.
    seed : int
    n : int
        Number of draws. Each takes one of the fits at random, then its clusters with replacement.

    Returns
    -------
    (n, n_features) array

    Raises
    ------
    ValueError
        If there is no fit, or fewer than two clusters.
    """
    if not totals or min(map(len, totals)) < 2:
        raise ValueError("a bootstrap needs at least one seed and two states")
    rng = np.random.default_rng(seed)
    draws = []
    for chosen in rng.integers(len(totals), size=n):
        total, count = totals[chosen], counts[chosen]
        weight = np.bincount(rng.integers(len(total), size=len(total)), minlength=len(total))
        draws.append(weight @ total / (weight @ count))
    return np.array(draws)
