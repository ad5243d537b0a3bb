"""What composition waves that outlive the blocks of a run add to the standard errors of its curves.

A deviation δS_ij(k) of a run's partial structure factors, over the n_k wave vectors of a shell, moves its curves by

    δg_ij(r) = g_ij(r) Σ_k n_k sin(kr)/(kr) δS_ij(k) / (N x_i x_j).

(The sum alone is the Fourier transform; inside the first shells a slow wave moves the local composition, and with it
g_ij in proportion.) One wave φ carries nearly all of δS_ij, of relative variance v over independent waves, so that

    var S_ij = (S_ii S_jj + S_ij²) / 2 · v(τ, T) / (n_k / 2),    v(τ, T) = (τ/T) (1 − (τ/2T) (1 − exp(−2T/τ))),

for a run of length T whose wave forgets exponentially in τ, its square in τ/2 (Gaussian amplitudes). The scatter of B
block means sees (v(τ, T/B) − v(τ, T)) / (B − 1) of it: all where blocks are long, nothing where the wave outlives them.
The rest is the term here, to be added in quadrature. Curves of one run share their waves, of opposite sign for like and
unlike pairs: the errors of a difference between two of them add linearly.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np

from ljmix._util.arrays import FloatArray
from ljmix.state import PAIRS
from ljmix.structure.scattering import SHELLS, concentration_fluctuation, wave_numbers

__all__ = ["mean_variance", "smooth_fluctuation", "unseen_variance", "wave_errors"]

_FARTHEST = 36
"""Squared length n² of the last shell that is summed; beyond `SHELLS` S_ij stays what it is there."""


def _count_vectors() -> tuple[FloatArray, FloatArray]:
    reach = range(-6, 7)
    lengths = np.array([x * x + y * y + z * z for x, y, z in itertools.product(reach, repeat=3)])
    squared, number = np.unique(lengths[(lengths > 0) & (lengths <= _FARTHEST)], return_counts=True)
    return squared.astype(float), number.astype(float)


_SQUARED, _VECTORS = _count_vectors()
_MEASURED = np.minimum(np.searchsorted(SHELLS, _SQUARED), len(SHELLS) - 1)
"""For each shell that is summed the measured one whose S_ij it takes."""


def mean_variance(lifetime: FloatArray, time: float) -> FloatArray:
    """Variance of the mean of |φ|² over a run, relative to the square of its expectation: v(τ, T) of the module.

    Parameters
    ----------
    lifetime : array
        τ of the amplitude.
    time : float
        Length of the run, in the same unit.
    """
    return np.asarray(lifetime / time * (1 + lifetime / (2 * time) * np.expm1(-2 * time / lifetime)))


def unseen_variance(lifetime: FloatArray, time: float, n_blocks: int) -> FloatArray:
    """Part of `mean_variance` that the scatter of `n_blocks` block means does not show, on average."""
    whole = mean_variance(lifetime, time)
    seen = (mean_variance(lifetime, time / n_blocks) - whole) / (n_blocks - 1)
    return np.maximum(whole - seen, 0.0)


def smooth_fluctuation(k: FloatArray, s_cc: FloatArray) -> FloatArray:
    """Expected S_cc(k) as far as one run tells: 1 / S_cc = a + b k², as its short waves say.

    The sampled S_cc of a long wave may be low where few waves passed, and with it its lifetime and its error bar: just
    where the curves are off. The short waves of the run know better. So f = 1 / S_cc makes Σ w (S_cc f − 1)² / S_cc
    least, each shell with a weight w = n_k k² in proportion to the waves that passed, for they live S_cc / k² long.

    Near a consolute point 1 / S_cc bends upwards with k², and a line through its short waves falls below zero at the
    longest. There c k⁴ joins, and if that does not help, S_cc is what was sampled. The fit is good for the size of an
    error, not for a correction of the curves.

    Parameters
    ----------
    k : (n_shells,) array
        Of `SHELLS`, 1/σ_AA.
    s_cc : (n_shells,) array
        Positive.

    Returns
    -------
    (n_shells,) array
    """
    weights = _VECTORS[np.searchsorted(_SQUARED, SHELLS)] * k**2
    for terms in (np.vander((k / k[-1]) ** 2, n, increasing=True) for n in (2, 3)):
        inverse = terms @ np.linalg.solve((weights * s_cc * terms.T) @ terms, weights @ terms)
        if np.all(inverse > 0):
            return np.asarray(1 / inverse)
    return s_cc


def wave_errors(
    r: FloatArray,
    g: Mapping[str, FloatArray],
    s: Mapping[str, FloatArray],
    n_particles: int,
    n_b: int,
    box_edge: float,
    lifetimes: FloatArray,
    time: float,
    n_blocks: int,
    n_runs: int = 1,
) -> dict[str, FloatArray]:
    """Standard errors that unseen waves add to the curves of a mixture that is one liquid.

    Parameters
    ----------
    r : (n_bins,) array
        Bin centres, σ_AA.
    g : mapping of (n_bins,) arrays by pair
    s : mapping of (n_shells,) arrays by pair
        Partial structure factors at `SHELLS`, as from `ljmix.structure.scattering.structure_factors`.
    n_particles, n_b : int
    box_edge : float
        σ_AA.
    lifetimes : (n_shells,) array
        In which waves forget, τ: S_cc / (D k²) where particles diffuse, with `smooth_fluctuation`; length of the run
        over the independent samples of |φ|² where particles exchange.
    time : float
        Length of one run after equilibration, τ.
    n_blocks : int
        Blocks of a run.
    n_runs : int
        Independent runs of this length that were averaged.

    Returns
    -------
    dict
        (n_bins,) arrays by pair.

    Raises
    ------
    ValueError
        If a lifetime is not above 0, or a run has fewer than two blocks.
    """
    if not np.all(lifetimes > 0) or n_blocks < 2:
        raise ValueError(f"lifetimes {lifetimes} and n_blocks = {n_blocks}: must be above 0 and at least 2")
    x_b = n_b / n_particles
    share = {"A": 1 - x_b, "B": x_b}
    sampled = concentration_fluctuation(s, x_b)
    smooth = smooth_fluctuation(wave_numbers(box_edge), sampled)
    k = 2 * np.pi / box_edge * np.sqrt(_SQUARED)
    # Beyond the measured shells waves live ever shorter, as 1 / k².
    lives = lifetimes[_MEASURED] * np.array(SHELLS)[_MEASURED] / _SQUARED
    unseen = unseen_variance(lives, time, n_blocks) / n_runs / (_VECTORS / 2)
    phase = np.sinc(k[:, None] * r / np.pi) * _VECTORS[:, None]
    errors = {}
    for pair in PAIRS:
        first, second = (s[2 * species] for species in pair)
        spread = np.sqrt((first * second + s[pair] ** 2) / 2) * smooth / sampled
        moved = phase * (spread[_MEASURED] * np.sqrt(unseen))[:, None]
        ideal = n_particles * share[pair[0]] * share[pair[1]]
        errors[pair] = np.asarray(g[pair] * np.sqrt((moved**2).sum(axis=0)) / ideal)
    return errors
