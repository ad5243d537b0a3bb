"""What a run says so far: where it has settled, its functions with errors, and whether they are good enough."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ljmix._util.arrays import FloatArray
from ljmix.simulation.initial import system_size
from ljmix.simulation.profiles import Profile
from ljmix.simulation.protocol import choose_protocol
from ljmix.simulation.run import Run
from ljmix.state import DILUTE, PAIRS, StatePoint
from ljmix.structure.convergence import (
    SERIES,
    Series,
    count_blocks,
    count_independent,
    count_waves,
    find_equilibration,
    find_series,
    is_settled,
    peak_errors,
    wave_series,
)
from ljmix.structure.first_shell import SHELL
from ljmix.structure.rdf import block_average, combine_force_rdf
from ljmix.structure.scattering import concentration_fluctuation
from ljmix.structure.virtual_rdf import ratio_samples

__all__ = ["Analysis", "analyse_run", "bin_centres", "peak_tolerances"]

_SLOW = 10.0
"""Longest concentration wave, relative to an ideal mixture's, above which a state counts as slow.

Below it, a wave that has not grown to its full size S hardly moves the curves: within their reach the six longest waves
add 6 (S - 1) C_A / (C_B N) to g_BB, 2 % of unity at S = 10, C_B = 0.5 and N = 2700. The data card of the reference set
says how large that is at most, relative to the first peak, in its converged mixed states."""
_DOMAIN = 0.1
_TRUSTED = 2.0
"""Deviation of g_BB by virtual particles from the counted one, root mean square in standard errors, below which it is
used: chance makes about one."""


@dataclass(frozen=True)
class Analysis:
    """What the runs of a state say so far.

    Attributes
    ----------
    start_step : int
        Steps discarded.
    end_step : int
        Steps simulated.
    series : dict
        The five `Series` after `start_step`; where the protocol asks for samples of it, the longest concentration
        wave too (`waves`).
    samples : dict
        Functions of single frames after `start_step`, by pair, (n_measured, n_bins).
    n_blocks : int
        Blocks for standard errors; see `ljmix.structure.convergence.count_blocks`.
    g, g_sem : dict
        Mean and standard error by pair, (n_bins,).
    settled, precise : bool
        Stationary, and long enough to know it; first peaks known as well as the profile asks.
    force_gain, force_deviation : float
        Where B is rare: variance of the counted BB function over that of the force-sampled one, which is used
        where this is above 1, and root mean square of their difference over its error; else NaN.
    virtual_gain, virtual_deviation : float
        The same for virtual particles, which are used only where they agree with counting; the estimator with the
        largest gain counts.
    estimator : {"counted", "force", "virtual"}
        That of g_BB.
    counted : tuple of (n_bins,) arrays, optional
        Counted g_BB and its standard error.
    """

    start_step: int
    end_step: int
    series: dict[str, Series]
    samples: dict[str, FloatArray]
    n_blocks: int
    g: dict[str, FloatArray]
    g_sem: dict[str, FloatArray]
    settled: bool
    precise: bool
    force_gain: float = math.nan
    force_deviation: float = math.nan
    virtual_gain: float = math.nan
    virtual_deviation: float = math.nan
    estimator: str = "counted"
    counted: tuple[FloatArray, FloatArray] | None = None


def bin_centres(profile: Profile) -> FloatArray:
    """Centres of the bins, σ_AA."""
    centres: FloatArray = np.round((np.arange(profile.n_bins) + 0.5) * profile.bin_width, 9)
    return centres


def peak_tolerances(state: StatePoint, profile: Profile) -> dict[str, float]:
    """Largest relative standard error of the first peak, by pair, that a profile calls precise; 0 for any."""
    dilute = state.fraction_b <= DILUTE
    return {pair: profile.peak_error_dilute if dilute and pair == "BB" else profile.peak_error for pair in PAIRS}


def analyse_run(run: Run) -> Analysis:
    """Find where a run has settled, and its functions with errors from there on."""
    state, profile = run.state, run.profile
    measured = run.read_measurements()
    r, tolerance = bin_centres(profile), peak_tolerances(state, profile)
    series = find_series(measured, state, r, tolerance)
    if profile.equilibrate:
        series["waves"] = wave_series(measured)
    start = find_equilibration(series, profile.steps_equilibration)
    # A run that drifts to its end would leave nothing: keep at least the last production's length.
    end = int(measured["step"][-1])
    start = min(start, max(end - profile.steps_production, profile.steps_equilibration))
    series = {name: part.after(start) for name, part in series.items()}
    n_blocks = min(map(count_blocks, series.values()))
    samples = {pair: measured[f"g_{pair}"][measured[f"step_{pair}"] > start].astype(float) for pair in PAIRS}
    averages = {pair: block_average(samples[pair], n_blocks) for pair in PAIRS}
    others = _other_estimators(measured, start, samples["BB"], r)
    shell = r < SHELL * state.sigma("BB")
    blocks = {name: n_blocks for name in others}
    if "virtual" in others:
        # Counting noise hides what changes slowly: these have blocks of their own.
        population = Series(
            measured["step"][measured["step"] > start], others["virtual"][:, shell] @ r[shell] ** 2, 0.0
        )
        blocks["virtual"] = min(n_blocks, count_blocks(population))
    sampled = {name: block_average(values, blocks[name]) for name, values in others.items()}
    gains = {
        name: _compare_estimators(averages["BB"], average, r > state.sigma("BB")) for name, average in sampled.items()
    }
    # Virtual particles that have not found the places that count have a small scatter about a wrong mean.
    trusted = {
        name: gain
        for name, (gain, deviation) in gains.items()
        if name == "force" or (deviation < _TRUSTED and _same_shell(samples["BB"], others[name], r, shell, n_blocks))
    }
    counted, best = averages["BB"], max(trusted, key=lambda name: trusted[name], default=None)
    estimator = "counted"
    if best is not None and trusted[best] > 1:
        samples["BB"], averages["BB"], estimator = others[best], sampled[best], best
    g = {pair: mean for pair, (mean, _) in averages.items()}
    g_sem = {pair: sem for pair, (_, sem) in averages.items()}
    errors = peak_errors(r, g, g_sem, state)
    precise = all(errors[pair] <= tolerance[pair] or tolerance[pair] == 0 for pair in PAIRS)
    enough = all(count_independent(series[name]) >= profile.independent_samples for name in SERIES)
    if "waves" in series and not _is_domain(measured, start, state, system_size(state, profile)[0]):
        late = measured["waves"][measured["step"] > start].astype(float)
        enough = enough and min(count_waves(late)) >= choose_protocol(state).wave_samples
    long_enough = enough and end - start >= _least_production(run, measured, start)
    settled = is_settled(series) and long_enough
    nothing = (math.nan, math.nan)
    return Analysis(
        start, end, series, samples, n_blocks, g, g_sem, settled, precise,
        *gains.get("force", nothing), *gains.get("virtual", nothing), estimator, counted,
    )  # fmt: skip


def _is_domain(measured: Mapping[str, npt.NDArray[Any]], start: int, state: StatePoint, n_particles: int) -> bool:
    """Whether one domain fills a good part of the box: its wave only trembles, and counting samples of it says nothing.

    S_cc summed over the three axes is at most some 0.4 N C_A C_B, that of a slab; a tenth of N C_A C_B is far above
    what near-critical fluctuations reach in these boxes (0.02).
    """
    waves = measured["waves"][measured["step"] > start].astype(float).sum(axis=1).mean()
    return bool(waves > _DOMAIN * n_particles * state.fraction_b * (1 - state.fraction_b))


def _other_estimators(
    measured: Mapping[str, npt.NDArray[Any]], start: int, counted: FloatArray, r: FloatArray
) -> dict[str, FloatArray]:
    """Series of g_BB after `start` by other ways than counting, where they were measured."""
    found = {}
    if "force_BB" in measured:
        late = measured["step_BB"] > start
        found["force"] = combine_force_rdf(measured["force_BB"][late].astype(float), counted, r)
    if "virtual_BB" in measured:
        late = measured["step"] > start
        found["virtual"] = ratio_samples(measured["virtual_BB"][late], measured["virtual_weight"][late])
    return found


def _same_shell(
    counted: FloatArray, other: FloatArray, r: FloatArray, shell: npt.NDArray[np.bool_], n_blocks: int
) -> bool:
    """Whether two series of g_BB have the same population of the first shell, within three standard errors."""
    (mean, error), (other_mean, other_error) = (
        block_average(series[:, shell] @ r[shell] ** 2, n_blocks) for series in (counted, other)
    )
    return bool(abs(mean - other_mean) <= 3 * np.hypot(error, other_error))


def _compare_estimators(
    counted: tuple[FloatArray, FloatArray], sampled: tuple[FloatArray, FloatArray], beyond: npt.NDArray[np.bool_]
) -> tuple[float, float]:
    """Gain in variance, and deviation, of another estimate of a function over the bins `beyond` contact.

    Forces pay where B particles are alone in the solvent; in clusters of B counting has pairs enough, and the
    solvent's forces on a whole cluster only add noise.
    """
    (g, g_sem), (other, other_sem) = counted, sampled
    gain = np.mean(g_sem[beyond] ** 2) / np.mean(other_sem[beyond] ** 2)
    error = np.hypot(g_sem, other_sem)
    known = beyond & (error > 0)
    return float(gain), float(np.sqrt(np.mean(((other - g)[known] / error[known]) ** 2)))


def _least_production(run: Run, measured: Mapping[str, npt.NDArray[Any]], start: int) -> int:
    """Steps that a run must average over: more where slow waves of concentration move every curve.

    A run no longer than such a wave lives looks stationary and precise, and is neither.
    """
    late = measured["step"] > start
    longest = {pair: measured[f"s_{pair}"][late, 0].mean() for pair in PAIRS}
    slow = concentration_fluctuation(longest, run.state.fraction_b) > _SLOW
    return run.profile.steps_production_slow if slow else run.profile.steps_production
