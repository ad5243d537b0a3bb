"""Density profiles from runs: counts and forces combined wave by wave, with errors, and whether two starts agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ljmix._util.arrays import FloatArray
from ljmix.external_fields.field_runs import FieldRun
from ljmix.external_fields.fields import BINS
from ljmix.functional.grid import SPACING

__all__ = ["MOST_APART", "Profile", "combine_runs", "expected_deviation"]

MOST_APART = 2.0
"""Starts whose profiles differ by more than so many times what their blocks lead one to expect do not agree."""
_NEIGHBOURS = 3
"""Waves on either side over which variances are averaged."""


@dataclass(frozen=True)
class Profile:
    """A profile, all in bins, 1/σ³.

    Attributes
    ----------
    rho, sem : (BINS,) array
        Mean over all blocks, and its standard error.
    counted, counted_sem : (BINS,) array
        The same by counting alone.
    starts : (n_starts, BINS) array
        Mean of each start.
    apart : float
        Mean difference of the first two starts, over the one expected from their blocks; NaN with one start.
    """

    rho: FloatArray
    sem: FloatArray
    counted: FloatArray
    counted_sem: FloatArray
    starts: FloatArray
    apart: float


def combine_runs(runs: Sequence[FieldRun], temperature: float) -> Profile:
    """Combine the blocks of all starts of a field.

    The force density gives the slope, dρ/dz = β⟨Σ F_z δ(z − z_i)⟩, hence every wave of ρ but the constant one (Borgis,
    Assaraf, Rotenberg, Vuilleumier 2013, doi:10.1080/00268976.2013.838316). Counting is the better for long waves,
    forces for short ones. Of each wave the two are combined with the weights that minimise the variance of the sum.

    Parameters
    ----------
    runs : sequence of FieldRun
    temperature : float
        T*.

    Returns
    -------
    Profile

    Raises
    ------
    ValueError
        If there is no run.
    """
    if not runs:
        raise ValueError("no run to combine; give at least one")
    counted = np.concatenate([run.counted for run in runs])
    forced = np.concatenate([run.forced for run in runs])
    waves = np.fft.rfft(counted, axis=1)
    slope = np.fft.rfft(forced, axis=1) * SPACING / temperature
    # The triangle over two bins is what takes the average of one bin to that of the next.
    phase = 1 - np.exp(-2j * np.pi * np.arange(waves.shape[1]) / BINS)
    by_force = np.divide(slope, phase, out=waves.copy(), where=phase != 0)
    share = _best_share(_groups(waves, len(runs)), _groups(by_force, len(runs)))
    blocks = np.fft.irfft(share * by_force + (1 - share) * waves, BINS, axis=1)
    starts = np.array([part.mean(axis=0) for part in np.split(blocks, len(runs))])
    return Profile(
        blocks.mean(axis=0), _standard_error(blocks, len(runs)),
        counted.mean(axis=0), _standard_error(counted, len(runs)), starts, _apart(blocks, len(runs)),
    )  # fmt: skip


def expected_deviation(sem: FloatArray, rho: FloatArray) -> float:
    """Mean |error| over mean density that standard errors lead one to expect: √(2/π) Σ s / Σ ρ for normal errors."""
    return float(np.sqrt(2 / np.pi) * sem.sum() / rho.sum())


def _groups(values: npt.NDArray[np.complex128], starts: int) -> npt.NDArray[np.complex128]:
    """Deviations of blocks from the mean of their own start: what starts differ by is not what blocks differ by."""
    return np.concatenate([part - part.mean(axis=0) for part in np.split(values, starts)])


def _best_share(counted: npt.NDArray[np.complex128], forced: npt.NDArray[np.complex128]) -> FloatArray:
    by_count, by_force = _smooth((np.abs(counted) ** 2).mean(axis=0)), _smooth((np.abs(forced) ** 2).mean(axis=0))
    both = _smooth((counted * forced.conj()).real.mean(axis=0))
    total = by_count + by_force - 2 * both
    share = np.divide(by_count - both, total, out=np.zeros_like(total), where=total > 0)
    share[0] = 0.0
    return np.clip(share, 0.0, 1.0)


def _smooth(values: FloatArray) -> FloatArray:
    """Running mean over waves, without the constant one, which does not fluctuate at fixed N."""
    inner = np.pad(values[1:], _NEIGHBOURS, mode="reflect")
    width = 2 * _NEIGHBOURS + 1
    return np.concatenate([values[:1], np.convolve(inner, np.full(width, 1 / width), "valid")])


def _standard_error(blocks: FloatArray, starts: int) -> FloatArray:
    count = len(blocks)
    inside = np.concatenate([part - part.mean(axis=0) for part in np.split(blocks, starts)])
    return np.asarray(np.sqrt((inside**2).sum(axis=0) / (count - starts) / count))


def _apart(blocks: FloatArray, starts: int) -> float:
    if starts < 2:
        return float("nan")
    first, second, *_ = np.split(blocks, starts)
    error = np.hypot(_standard_error(first, 1), _standard_error(second, 1))
    return float(np.abs(first.mean(axis=0) - second.mean(axis=0)).sum() / (np.sqrt(2 / np.pi) * error.sum()))
