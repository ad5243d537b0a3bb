"""Partial structure factors at the longest waves that the box holds: of single frames, and averaged over a run."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from ljmix._util.arrays import FloatArray
from ljmix.state import PAIRS
from ljmix.structure.convergence import inefficiency

__all__ = [
    "DIRECTIONS", "SHELLS", "average_waves", "concentration_fluctuation", "concentration_waves", "structure_factors",
    "wave_lifetimes", "wave_numbers",
]  # fmt: skip


_REACH = 3


def _half_space() -> npt.NDArray[np.int64]:
    # S(k) = S(-k): one of each pair of opposite vectors is enough.
    everything = itertools.product(range(-_REACH, _REACH + 1), repeat=3)
    return np.array([n for n in everything if n > (0, 0, 0) and np.dot(n, n) <= _REACH**2])


_VECTORS = _half_space()
_LENGTHS = (_VECTORS**2).sum(axis=1)
SHELLS = tuple(sorted(set(_LENGTHS.tolist())))
"""Squared lengths n² of the wave vectors k = 2π n / L that are measured: 1 to 9, without 7."""
DIRECTIONS = np.array([np.sum(shell == _LENGTHS) for shell in SHELLS])
"""Wave vectors of each shell, k and −k counted once."""


def wave_numbers(box_edge: float) -> FloatArray:
    """Wave numbers of the shells, 1/σ_AA.

    Returns
    -------
    (n_shells,) array
    """
    numbers: FloatArray = 2 * np.pi / box_edge * np.sqrt(np.array(SHELLS, dtype=float))
    return numbers


def structure_factors(fractional: FloatArray, types: npt.NDArray[np.int64]) -> dict[str, FloatArray]:
    """Partial structure factors of one frame, averaged over the directions of each shell.

    S_ij(k) = Re ρ_i(k) ρ_j(−k) / N with ρ_i(k) = Σ exp(i k·r) over the particles of species i and N all
    particles. The number-number and concentration-concentration factors of Bhatia and Thornton (1970,
    doi:10.1103/PhysRevB.2.3004) are S_AA + 2 S_AB + S_BB and C_B² S_AA − 2 C_A C_B S_AB + C_A² S_BB.

    Parameters
    ----------
    fractional : (n_particles, 3) array
        Positions over the box edge.
    types : (n_particles,) array of int
        0 for A, 1 for B.

    Returns
    -------
    dict
        (n_shells,) array by pair. An ideal gas has S_AA = C_A, S_BB = C_B, S_AB = 0.
    """
    amplitude = {species: _amplitudes(fractional[types == kind]) for kind, species in enumerate("AB")}
    averages = {}
    for pair in PAIRS:
        value = (amplitude[pair[0]] * amplitude[pair[1]].conj()).real / len(types)
        averages[pair] = np.array([value[shell == _LENGTHS].mean() for shell in SHELLS])
    return averages


def concentration_waves(fractional: FloatArray, types: npt.NDArray[np.int64]) -> FloatArray:
    """Concentration structure factor of one frame at the longest wave along each axis of the box.

    S_cc(k) = |C_A ρ_B(k) − C_B ρ_A(k)|² / N at k = 2π/L. Three alike tell a sphere, two a cylinder, one a slab.

    Parameters
    ----------
    fractional : (n_particles, 3) array
        Positions over the box edge.
    types : (n_particles,) array of int
        0 for A, 1 for B.

    Returns
    -------
    (3,) array
        C_A C_B each, for an ideal mixture.
    """
    is_b = types == 1
    fraction_b = is_b.mean()
    # C_A for each B and -C_B for each A: their sum is zero, so that only concentration is seen.
    weight = np.where(is_b, 1 - fraction_b, -fraction_b)
    waves: FloatArray = np.abs(weight @ np.exp(2j * np.pi * fractional)) ** 2 / len(weight)
    return waves


def concentration_fluctuation(s: Mapping[str, FloatArray], fraction_b: float) -> FloatArray:
    """Concentration structure factor relative to that of an ideal mixture, S_cc / (C_A C_B).

    Parameters
    ----------
    s : mapping of arrays by pair
        As from `structure_factors`.
    fraction_b : float

    Returns
    -------
    array
        1 for an ideal mixture; far above it at the longest wave of a mixture that separates.
    """
    x_b, x_a = fraction_b, 1 - fraction_b
    return np.asarray(x_b**2 * s["AA"] - 2 * x_a * x_b * s["AB"] + x_a**2 * s["BB"]) / (x_a * x_b)


def wave_lifetimes(s: Mapping[str, FloatArray], fraction_b: float, diffusion: float, k: FloatArray) -> FloatArray:
    """Time in which a wave of concentration forgets its amplitude, 1 / (D_AB k²).

    Interdiffusion by Darken's relation, D_AB = D / S with S = S_cc(k) / (C_A C_B) (as in Horbach et al. 2007,
    doi:10.1103/PhysRevB.75.174304): the more a mixture tends to separate, the more slowly it does.

    Parameters
    ----------
    s : mapping of (n_shells,) arrays by pair
    fraction_b : float
    diffusion : float
        D = C_B D_A + C_A D_B of the self-diffusion coefficients, σ_AA²/τ.
    k : (n_shells,) array
        1/σ_AA.

    Returns
    -------
    (n_shells,) array
        τ. Too small where S has not grown to its final value yet.
    """
    return np.asarray(concentration_fluctuation(s, fraction_b) / (diffusion * k**2))


def average_waves(
    waves: Mapping[str, FloatArray], lifetimes: FloatArray
) -> tuple[dict[str, FloatArray], dict[str, FloatArray]]:
    """Average structure factors over a run, with standard errors that know how long waves live.

    Few waves of a shell pass in a run, or less than one. Blocks of the run cannot tell, so the number of independent
    samples comes from theory where that has fewer: ρ(k) forgets exponentially, so that its square has the correlation
    time τ/2, and the mean over n frames the variance σ² (τ/n) (1 − (τ/2n) (1 − exp(−2n/τ))). The variance of a frame
    is at least that of a Gaussian amplitude, (S_ii S_jj + S_ij²) / 2 over the number of directions.

    Parameters
    ----------
    waves : mapping of (n_frames, n_shells) arrays by pair
        As from `structure_factors`, frame by frame.
    lifetimes : (n_shells,) array
        As from `wave_lifetimes`, in frames; NaN where unknown.

    Returns
    -------
    s, s_sem : dict
        (n_shells,) arrays by pair.
    """
    s = {pair: waves[pair].mean(axis=0) for pair in PAIRS}
    n = len(waves["AA"])
    measured = np.max([[inefficiency(column) for column in waves[pair].T] for pair in PAIRS], axis=0)
    expected = lifetimes * (1 + lifetimes / (2 * n) * np.expm1(-2 * n / lifetimes))
    samples = n / np.fmax(measured, expected)
    s_sem = {}
    for pair in PAIRS:
        gaussian = (s[2 * pair[0]] * s[2 * pair[1]] + s[pair] ** 2) / 2 / DIRECTIONS
        s_sem[pair] = np.sqrt(np.maximum(waves[pair].var(axis=0, ddof=1), gaussian) / samples)
    return s, s_sem


def _amplitudes(fractional: FloatArray) -> npt.NDArray[np.complex128]:
    """ρ(k) of one species at all `_VECTORS`: sums over particles as one matrix product."""
    first = np.exp(2j * np.pi * fractional.T)
    powers = np.empty((2 * _REACH + 1, *first.shape), dtype=complex)
    powers[_REACH] = 1
    for n in range(1, _REACH + 1):
        powers[_REACH + n] = powers[_REACH + n - 1] * first
        powers[_REACH - n] = powers[_REACH + n].conj()
    x, y, z = powers[_REACH:, 0], powers[:, 1], powers[:, 2]
    plane = (x[:, None] * y[None]).reshape(-1, len(fractional))
    density: npt.NDArray[np.complex128] = (plane @ z.T).reshape(len(x), len(y), len(z))
    nx, ny, nz = _VECTORS.T
    amplitudes: npt.NDArray[np.complex128] = density[nx, ny + _REACH, nz + _REACH]
    return amplitudes
