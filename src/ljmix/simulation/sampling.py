"""How long one state point is simulated, and how its runs become the state's curves.

A state runs from a random start; where the mixture is expected to separate, from a separated start too.
Each run goes on until it has settled and is precise, or until the cap of the profile. Two runs that agree
are pooled. Where they do not, the separated one counts if it has settled, the random one if not, and the
state is marked as not converged.
"""

from __future__ import annotations

import itertools
import json
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import freud
import numpy as np
import numpy.typing as npt
from filelock import FileLock, Timeout

from ljmix._util.atomic import write_text
from ljmix.simulation.engine import Engine, load_engine
from ljmix.simulation.profiles import Profile
from ljmix.simulation.protocol import choose_protocol
from ljmix.simulation.workspace import Run, open_job
from ljmix.state import DILUTE, PAIRS, StatePoint
from ljmix.structure.convergence import (
    Series,
    agree,
    count_blocks,
    count_independent,
    find_equilibration,
    find_series,
    is_settled,
    peak_errors,
    wave_series,
)
from ljmix.structure.measure import measure_frames, measuring_strides
from ljmix.structure.phase import CONSOLUTE
from ljmix.structure.rdf import block_average, combine_force_rdf
from ljmix.structure.scattering import concentration_fluctuation
from ljmix.structure.virtual_rdf import choose_virtual, ratio_samples
from ljmix.theory.density import estimate_density

__all__ = [
    "Analysis",
    "analyse_run",
    "bin_centres",
    "choose_runs",
    "choose_starts",
    "is_finished",
    "open_runs",
    "runs_that_decide",
    "sample_state",
]

Array = npt.NDArray[np.float64]

_MARGIN = 1.3
_SLOW = 10.0
"""Longest concentration wave, relative to an ideal mixture's, above which a state counts as slow.

Below it, a wave that has not grown to its full size S hardly moves the curves: within their reach the six longest waves
add 6 (S - 1) C_A / (C_B N) to g_BB, 2 % of unity at S = 10, C_B = 0.5 and N = 2700. The data card of the reference set
says how large that is at most, relative to the first peak, in its converged mixed states."""
_TRUSTED = 2.0
"""Deviation of g_BB by virtual particles from the counted one, root mean square in standard errors, below which it is
used: chance makes about one."""
_STRETCH = 2
"""Segments between two looks at an unfinished run."""


def choose_starts(state: StatePoint, profile: Profile) -> tuple[str, ...]:
    """Name the starts of a state: a separated one too where it lies below 1.3 consolute temperatures.

    With `equilibrate` those of `ljmix.simulation.protocol`.
    """
    if profile.equilibrate:
        return choose_protocol(state).starts
    if profile.separated_start and state.temperature < _MARGIN * CONSOLUTE * (1 - state.epsilon_ab):
        return ("random", "separated")
    return ("random",)


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
    """

    start_step: int
    end_step: int
    series: dict[str, Series]
    samples: dict[str, Array]
    n_blocks: int
    g: dict[str, Array]
    g_sem: dict[str, Array]
    settled: bool
    precise: bool
    force_gain: float = math.nan
    force_deviation: float = math.nan
    virtual_gain: float = math.nan
    virtual_deviation: float = math.nan


def bin_centres(profile: Profile) -> Array:
    """Centres of the bins, σ_AA."""
    centres: Array = np.round((np.arange(profile.n_bins) + 0.5) * profile.bin_width, 9)
    return centres


def _tolerances(state: StatePoint, profile: Profile) -> dict[str, float]:
    dilute = state.fraction_b <= DILUTE
    return {pair: profile.peak_error_dilute if dilute and pair == "BB" else profile.peak_error for pair in PAIRS}


def analyse_run(run: Run) -> Analysis:
    """Find where a run has settled, and its functions with errors from there on."""
    state, profile = run.state, run.profile
    measured = run.read_measurements()
    r, tolerance = bin_centres(profile), _tolerances(state, profile)
    series = find_series(measured, state, r, tolerance)
    if profile.equilibrate and choose_protocol(state).wave_samples:
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
    sampled = {name: block_average(values, n_blocks) for name, values in others.items()}
    gains = {
        name: _compare_estimators(averages["BB"], average, r > state.sigma("BB")) for name, average in sampled.items()
    }
    # Virtual particles that have not found the places that count have a small scatter about a wrong mean.
    trusted = {name: gain for name, (gain, deviation) in gains.items() if name == "force" or deviation < _TRUSTED}
    best = max(trusted, key=lambda name: trusted[name], default=None)
    if best is not None and trusted[best] > 1:
        samples["BB"], averages["BB"] = others[best], sampled[best]
    g = {pair: mean for pair, (mean, _) in averages.items()}
    g_sem = {pair: sem for pair, (_, sem) in averages.items()}
    errors = peak_errors(r, g, g_sem, state)
    precise = all(errors[pair] <= tolerance[pair] or tolerance[pair] == 0 for pair in PAIRS)
    demanded = {name: profile.independent_samples for name in series}
    if "waves" in series:
        demanded["waves"] = choose_protocol(state).wave_samples
    enough = all(count_independent(series[name]) >= n for name, n in demanded.items())
    long_enough = enough and end - start >= _least_production(run, measured, start)
    settled = is_settled(series) and long_enough
    nothing = (math.nan, math.nan)
    return Analysis(
        start, end, series, samples, n_blocks, g, g_sem, settled, precise,
        *gains.get("force", nothing), *gains.get("virtual", nothing),
    )  # fmt: skip


def _other_estimators(
    measured: Mapping[str, npt.NDArray[Any]], start: int, counted: Array, r: Array
) -> dict[str, Array]:
    """Series of g_BB after `start` by other ways than counting, where they were measured."""
    found = {}
    if "force_BB" in measured:
        late = measured["step_BB"] > start
        found["force"] = combine_force_rdf(measured["force_BB"][late].astype(float), counted, r)
    if "virtual_BB" in measured:
        late = measured["step"] > start
        found["virtual"] = ratio_samples(measured["virtual_BB"][late], measured["virtual_weight"][late])
    return found


def _compare_estimators(
    counted: tuple[Array, Array], sampled: tuple[Array, Array], beyond: npt.NDArray[np.bool_]
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


def open_runs(folder: Path, state: StatePoint, profile: Profile) -> list[Run]:
    """Return the runs of a state, one for each of its starts.

    Raises
    ------
    ValueError
        If the state is finished and a run has lost some of its segments since.
    """
    runs = [Run(folder / start, state, profile) for start in choose_starts(state, profile)]
    _require_whole(folder, runs)
    return runs


def sample_state(
    root: Path,
    state: StatePoint,
    profile: Profile,
    engine_name: str,
    device: str,
    report: Callable[[str, int], object] | None = None,
) -> Path:
    """Simulate one state until it is good enough.

    Goes on where an earlier call was interrupted, and does nothing where one has finished with the same
    settings.

    Parameters
    ----------
    root : Path
        Folder of the campaign.
    state : StatePoint
    profile : Profile
    engine_name, device : str
        See `ljmix.simulation.engine.load_engine`.
    report : callable, optional
        Called as ``report(start, steps)`` after each segment with the steps that the run from that start has so far.

    Returns
    -------
    Path
        Folder of the state's job.

    Raises
    ------
    RuntimeError
        If the engine fails, or another process works on the state.
    ValueError
        If the system is too small.
    """
    freud.parallel.set_num_threads(1)
    engine = load_engine(engine_name, device)
    job = open_job(root, state, profile, engine.name)
    folder = Path(job.path)
    if is_finished(folder, profile):
        return folder
    try:
        with FileLock(folder / ".lock", timeout=0):
            runs = open_runs(folder, state, profile)
            _run_until_good(runs, int(job.sp.n_particles), int(job.sp.n_b), engine, report)
            for run in runs:
                run.join()
            segments = {run.start: run.count_segments() for run in runs}
            write_text(folder / "finished.json", json.dumps(_settings(profile) | {"segments": segments}))
    except Timeout as error:
        raise RuntimeError(f"{state.state_id}: another process works on it ({folder})") from error
    return folder


def is_finished(folder: Path, profile: Profile) -> bool:
    """Tell whether a state has been sampled with the settings of `profile`."""
    settings, _ = _read_marker(folder)
    return settings == _settings(profile)


def _read_marker(folder: Path) -> tuple[dict[str, Any], dict[str, int]]:
    """Settings under which a state is done, and how many segments each of its runs had then; both empty if it is not.

    A marker that cannot be read counts as none: the campaign looks at the runs again, and writes it anew.
    """
    path = folder / "finished.json"
    if not path.exists():
        return {}, {}
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
        # Earlier versions did not record the segments.
        segments = settings.pop("segments", {})
    except (ValueError, AttributeError):
        warnings.warn(
            f"{path} is damaged and counts for nothing; the campaign, called again, writes it anew", stacklevel=3
        )
        return {}, {}
    return settings, segments


def _require_whole(folder: Path, runs: Sequence[Run]) -> None:
    """Raise a ValueError if a finished run has lost segments: its averages would be those of what is left."""
    _, recorded = _read_marker(folder)
    for run in runs:
        there, had = run.count_segments(), recorded.get(run.start, 0)
        if there < had:
            raise ValueError(
                f"{run.state.state_id}: segment {there:04d} of its run from the {run.start} start is lost "
                f"({run.folder}); delete {folder}, and the state is simulated again"
            )


def _settings(profile: Profile) -> dict[str, Any]:
    """Return what decides when a state is done; the rest is in the job's identity."""
    names = (
        "steps_equilibration", "steps_production", "steps_production_slow", "steps_max", "peak_error",
        "peak_error_dilute", "independent_samples", "separated_start", "equilibrate",
    )  # fmt: skip
    return {name: getattr(profile, name) for name in names}


def _run_until_good(
    runs: Sequence[Run],
    n_particles: int,
    n_b: int,
    engine: Engine,
    report: Callable[[str, int], object] | None = None,
) -> None:
    state, profile = runs[0].state, runs[0].profile
    dynamics = runs[0].moves is None
    virtual = choose_virtual(state, n_b) if profile.equilibrate else None
    volume = n_particles / estimate_density(state)
    strides = measuring_strides(n_particles - n_b, n_b, volume, profile.r_max, profile.max_pairs_per_particle)

    def measure(frames: Path) -> dict[str, npt.NDArray[Any]]:
        return measure_frames(
            frames, state, profile.r_max, profile.n_bins, strides, profile.frame_interval, dynamics, virtual
        )

    def advance(run: Run) -> None:
        run.advance(engine, measure)
        if report is not None:
            report(run.start, run.count_segments() * profile.segment_steps)

    least = -(-(profile.steps_equilibration + profile.steps_production) // profile.segment_steps)
    most = profile.most_segments
    for run in runs:
        run.prepare(n_particles, n_b)
        while run.count_segments() < least:
            advance(run)
    deciding = runs_that_decide([run.start for run in runs])
    unfinished = list(runs)
    while unfinished := [run for run in unfinished if run.count_segments() < most]:
        analyses = [analyse_run(run) for run in runs]
        unfinished = [runs[k] for k in deciding if not (analyses[k].settled and analyses[k].precise)]
        if not unfinished and not _agree([analyses[k] for k in deciding]):
            unfinished = [runs[k] for k in deciding]
        if unfinished and len(deciding) < len(runs):
            # The others keep pace.
            unfinished = list(runs)
        for run in unfinished:
            for _ in range(min(_STRETCH, most - run.count_segments())):
                advance(run)


def runs_that_decide(starts: Sequence[str]) -> list[int]:
    """Runs that must settle and agree: the two that bracket the compositions where there are such, else all.

    A random start beside a bracket may be stuck in many domains; it is kept as a witness.
    """
    if "exchanged" in starts:
        return [starts.index("separated"), starts.index("exchanged")]
    return list(range(len(starts)))


def _agree(analyses: Sequence[Analysis]) -> bool:
    return all(agree(one.series, other.series) for one, other in itertools.combinations(analyses, 2))


def choose_runs(
    analyses: Sequence[Analysis], starts: Sequence[str] = ("random", "separated")
) -> tuple[list[int], bool]:
    """Choose which runs of a state count, and tell whether they agree.

    Parameters
    ----------
    analyses : sequence of Analysis
    starts : sequence of str
        Their starts, in the same order.

    Returns
    -------
    indices : list of int
        All runs if they agree; else the two that bracket the compositions if these agree; else the separated one if it
        has settled, the other one (random, or exchanged) if not.
    agreed : bool
        Whether those that decide agree.
    """
    if _agree(analyses):
        return list(range(len(analyses))), True
    deciding = runs_that_decide(list(starts)[: len(analyses)])
    if len(deciding) < len(analyses) and _agree([analyses[k] for k in deciding]):
        return deciding, True
    separated = starts.index("separated")
    other = next(k for k in deciding if k != separated)
    return [separated if analyses[separated].settled else other], False
