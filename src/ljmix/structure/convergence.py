"""Tests on runs: has it settled, is it precise enough, do two agree.

Everything rests on five series of a run: density, energy, and the population of the first shell of AA, AB
and BB. Where equilibration ends is where the remaining series holds the most independent samples
(Chodera 2016, doi:10.1021/acs.jctc.5b00784, as in `pymbar.timeseries`).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ljmix._util.arrays import FloatArray
from ljmix.state import PAIRS, StatePoint
from ljmix.structure.first_shell import SHELL, peak_bin

# pymbar announces on import that it found no JAX, which only its free-energy solvers would use.
logging.getLogger("pymbar").setLevel(logging.ERROR)
from pymbar import timeseries  # noqa: E402

__all__ = [
    "SERIES", "Series", "agree", "count_blocks", "count_independent", "count_waves", "find_equilibration",
    "find_series", "inefficiency", "is_settled", "mean_and_error", "peak_errors", "wave_series",
]  # fmt: skip

SERIES = ("density", "energy", *PAIRS)
_POINTS = 100
SERIES_SIGMAS = 3.0
"""Standard errors up to which two means count as the same."""
_THERMO_TOLERANCE = 0.002
"""Relative drift of density and energy that matters to nobody here: a tenth of the peaks' tolerance."""

Measurements = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Series:
    """One quantity over time.

    Attributes
    ----------
    step : (n,) array of int
    value : (n,) array
    tolerance : float
        Relative difference that counts as none.
    """

    step: npt.NDArray[np.int64]
    value: FloatArray
    tolerance: float

    def after(self, step: int) -> Series:
        """Return the part later than `step`."""
        late = self.step > step
        return Series(self.step[late], self.value[late], self.tolerance)


def find_series(
    measurements: Measurements, state: StatePoint, r: FloatArray, tolerance: Mapping[str, float]
) -> dict[str, Series]:
    """Reduce the measurements of a run to its five series.

    Parameters
    ----------
    measurements : mapping
        As from `ljmix.structure.measure.measure_frames`, all segments joined.
    state : StatePoint
    r : (n_bins,) array
        Bin centres, σ_AA.
    tolerance : mapping
        Relative error wanted, by pair.

    Returns
    -------
    dict
        `Series` by the names in `SERIES`; shells as the mean of g r² up to 1.5 σ_ij.
    """
    step = measurements["step"]
    series = {
        "density": Series(step, 1 / measurements["volume"], _THERMO_TOLERANCE),
        "energy": Series(step, measurements["potential_energy"], _THERMO_TOLERANCE),
    }
    for pair in PAIRS:
        shell = (r < SHELL * state.sigma(pair)) * r**2
        series[pair] = Series(measurements[f"step_{pair}"], measurements[f"g_{pair}"] @ shell, tolerance[pair])
    return series


def wave_series(measurements: Measurements) -> Series:
    """Longest concentration wave of a run: S_cc at k = 2π/L, mean over the three axes, frame by frame.

    No relative difference of it counts as none: only its own error bar decides whether two runs agree.
    """
    return Series(measurements["step"], measurements["waves"].astype(float).mean(axis=1), 0.0)


def count_waves(waves: FloatArray) -> list[float]:
    """Independent samples of the longest concentration wave along each axis, (n_frames, 3) series.

    Their mean would forget faster than any of them: three waves that take turns cancel.
    """
    return [len(column) / inefficiency(column) for column in waves.T]


def find_equilibration(series: Mapping[str, Series], at_least: int) -> int:
    """Step at which the slowest of the series has settled.

    Parameters
    ----------
    series : mapping of Series
    at_least : int
        Smallest step to return.

    Returns
    -------
    int
        Steps to discard.
    """
    start = at_least
    for part in series.values():
        if len(part.value) < 10 or np.ptp(part.value) == 0:
            continue
        coarse, width = _coarsen(part.value)
        t0, _, _ = timeseries.detect_equilibration(coarse)
        if t0 > 0:
            start = max(start, int(part.step[t0 * width - 1]))
    return start


def _coarsen(values: FloatArray) -> tuple[FloatArray, int]:
    """Average neighbours until about `_POINTS` are left: detection looks at every possible start."""
    width = max(1, len(values) // _POINTS)
    return values[: len(values) // width * width].reshape(-1, width).mean(axis=1), width


def mean_and_error(values: FloatArray) -> tuple[float, float]:
    """Mean of a correlated series and its standard error, from the statistical inefficiency."""
    if np.ptp(values) == 0:
        return float(values[0]), 0.0
    return float(values.mean()), float(values.std(ddof=1) * np.sqrt(inefficiency(values) / len(values)))


def inefficiency(values: FloatArray) -> float:
    """Statistical inefficiency of a series: how many of its samples are worth one independent sample."""
    return float(timeseries.statistical_inefficiency(values)) if np.ptp(values) > 0 else 1.0


def _same(first: FloatArray, second: FloatArray, tolerance: float) -> bool:
    if min(len(first), len(second)) < 3:
        return False
    (mean_1, error_1), (mean_2, error_2) = mean_and_error(first), mean_and_error(second)
    difference = abs(mean_1 - mean_2)
    return bool(
        difference <= SERIES_SIGMAS * np.hypot(error_1, error_2) or difference <= tolerance * abs(mean_1 + mean_2) / 2
    )


def count_independent(series: Series) -> float:
    """Count the independent samples of a series: its length over its statistical inefficiency."""
    if len(series.value) < 10:
        return 0.0
    return len(series.value) / inefficiency(series.value)


def count_blocks(series: Series) -> int:
    """Number of blocks for standard errors: each at least two statistical inefficiencies long, between 5 and 20.

    Neighbouring blocks still know of one another: of a series that forgets exponentially, blocks so short give a
    standard error 13 % too small. Longer ones, and so fewer, would give one that scatters more than it gains.
    """
    return int(np.clip(count_independent(series) / 2, 5, 20))


def is_settled(series: Mapping[str, Series]) -> bool:
    """Tell whether the two halves of every series agree, within 3 standard errors or its tolerance."""
    for part in series.values():
        early, late = np.array_split(part.value, 2)
        if not _same(early, late, part.tolerance):
            return False
    return True


def agree(first: Mapping[str, Series], second: Mapping[str, Series]) -> bool:
    """Tell whether two runs of one state agree in every series, within 3 standard errors or its tolerance."""
    return all(_same(first[name].value, second[name].value, first[name].tolerance) for name in first)


def peak_errors(
    r: FloatArray, g: Mapping[str, FloatArray], g_sem: Mapping[str, FloatArray], state: StatePoint
) -> dict[str, float]:
    """Relative standard error of the first peak of each function.

    Parameters
    ----------
    r : (n_bins,) array
        Bin centres, σ_AA.
    g, g_sem : mapping of (n_bins,) arrays by pair
    state : StatePoint

    Returns
    -------
    dict
        By pair; infinite where the first shell is empty.
    """
    errors = {}
    for pair in g:
        peak = peak_bin(r, g[pair], state.sigma(pair))
        errors[pair] = float(g_sem[pair][peak] / g[pair][peak]) if g[pair][peak] > 0 else float("inf")
    return errors
