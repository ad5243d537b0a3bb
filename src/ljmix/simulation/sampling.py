"""How long one state point is simulated, and how its runs become the state's curves.

A state runs from a random start; where the mixture is expected to separate, from a separated start too.
Each run goes on until it has settled and is precise, or until the cap of the profile. Two runs that agree
are pooled. Where they do not, the separated one counts if it has settled, the random one if not, and the
state is marked as not converged. With `equilibrate` `ljmix.simulation.protocol` names the starts, and says when a
second bracket follows and decides instead.
"""

from __future__ import annotations

import itertools
import json
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import freud
import numpy.typing as npt

from ljmix._util.atomic import write_text
from ljmix._util.locks import LockedError, hold_lock
from ljmix._util.reading import read_json
from ljmix.simulation.analysis import Analysis, analyse_run
from ljmix.simulation.engine import Engine, load_engine
from ljmix.simulation.profiles import Profile
from ljmix.simulation.protocol import STABLE, choose_protocol, needs_stable_shape
from ljmix.simulation.run import Run
from ljmix.simulation.shapes import describe_run, measure_lever_share, read_lever_share, write_lever_share
from ljmix.simulation.workspace import open_job
from ljmix.state import StatePoint
from ljmix.structure.convergence import agree
from ljmix.structure.measure import measure_frames, measuring_strides
from ljmix.structure.phase import consolute_temperature
from ljmix.structure.virtual_rdf import choose_virtual
from ljmix.theory.density import estimate_density

__all__ = [
    "BusyError",
    "choose_runs",
    "choose_starts",
    "is_finished",
    "open_runs",
    "runs_that_decide",
    "sample_state",
]


class BusyError(RuntimeError):
    """Another process samples the same state."""


_MARGIN = 1.3
_STRETCH = 2
"""Segments between two looks at an unfinished run."""


def choose_starts(state: StatePoint, profile: Profile) -> tuple[str, ...]:
    """Name the starts of a state: a separated one too where it lies below 1.3 consolute temperatures.

    With `equilibrate` those of `ljmix.simulation.protocol`.
    """
    if profile.equilibrate:
        return choose_protocol(state).starts
    if profile.separated_start and state.temperature < _MARGIN * consolute_temperature(state):
        return ("random", "separated")
    return ("random",)


def open_runs(folder: Path, state: StatePoint, profile: Profile) -> list[Run]:
    """Return the runs of a state, one for each of its starts; those of a second bracket last, where there is one.

    Raises
    ------
    ValueError
        If the state is finished and a run has lost some of its segments since.
    """
    starts = choose_starts(state, profile)
    if profile.equilibrate and read_lever_share(folder) is not None:
        starts += STABLE
    runs = [Run(folder / start, state, profile) for start in starts]
    _require_whole(folder, runs)
    return runs


def sample_state(
    root: Path,
    state: StatePoint,
    profile: Profile,
    engine: str | Engine,
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
    engine, device
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
        If the engine fails.
    BusyError
        If another process works on the state.
    ValueError
        If the system is too small, or the state is finished and has lost some of its segments since.
    """
    freud.parallel.set_num_threads(1)
    loaded = load_engine(engine, device)
    job = open_job(root, state, profile, loaded.name)
    folder = Path(job.path)
    if is_finished(folder, profile):
        open_runs(folder, state, profile)
        return folder
    try:
        with hold_lock(folder / ".lock"):
            n_particles, n_b = int(job.sp.n_particles), int(job.sp.n_b)
            runs = open_runs(folder, state, profile)
            share = read_lever_share(folder) if profile.equilibrate else None
            if share is None:
                _run_until_good(runs, n_particles, n_b, loaded, report)
                if profile.equilibrate and _differ_in_shape(runs):
                    share = measure_lever_share(runs, [analyse_run(run) for run in runs])
                    write_lever_share(folder, share)
                    runs = open_runs(folder, state, profile)
            if share is not None:
                second = [run for run in runs if run.start in STABLE]
                _run_until_good(second, n_particles, n_b, loaded, report, share)
            for run in runs:
                run.join()
            segments = {run.start: run.count_segments() for run in runs}
            write_text(folder / "finished.json", json.dumps(_settings(profile) | {"segments": segments}))
    except LockedError as error:
        raise BusyError(f"{state.state_id}: another process works on it ({folder})") from error
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
        settings = read_json(path)
        # Earlier versions did not record the segments.
        segments = settings.pop("segments", {})
        if not (isinstance(segments, dict) and all(type(count) is int for count in segments.values())):
            raise ValueError(f"{path} holds no numbers of segments")
    except (ValueError, OSError):
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
    settings: dict[str, Any] = {name: getattr(profile, name) for name in names}
    # Earlier versions had no second bracket: what they finished may need one.
    return settings | ({"second_bracket": True} if profile.equilibrate else {})


def _differ_in_shape(runs: Sequence[Run]) -> bool:
    """Whether the runs that decide have ended in two liquids each, with domains that do not agree."""
    analyses = [analyse_run(run) for run in runs]
    deciding = runs_that_decide([run.start for run in runs], [analysis.settled for analysis in analyses])
    labels, waves = zip(*(describe_run(runs[k], analyses[k]) for k in deciding), strict=True)
    return needs_stable_shape(labels, waves, _agree([analyses[k] for k in deciding]))


def _run_until_good(
    runs: Sequence[Run],
    n_particles: int,
    n_b: int,
    engine: Engine,
    report: Callable[[str, int], object] | None = None,
    lever_share: float | None = None,
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
        run.prepare(n_particles, n_b, lever_share)
        while run.count_segments() < least:
            advance(run)
    starts = [run.start for run in runs]
    unfinished = list(runs)
    while unfinished := [run for run in unfinished if run.count_segments() < most]:
        analyses = [analyse_run(run) for run in runs]
        deciding = runs_that_decide(starts, [analysis.settled for analysis in analyses])
        unfinished = [runs[k] for k in deciding if not (analyses[k].settled and analyses[k].precise)]
        if not unfinished and not _agree([analyses[k] for k in deciding]):
            unfinished = [runs[k] for k in deciding]
        if unfinished and "exchanged" in starts:
            # All keep pace: a random start may yet settle, and then decides too.
            unfinished = list(runs)
        for run in unfinished:
            for _ in range(min(_STRETCH, most - run.count_segments())):
                advance(run)


def runs_that_decide(starts: Sequence[str], settled: Sequence[bool]) -> list[int]:
    """Runs that must be good and agree: the two that bracket the compositions and a random one that has settled.

    A random start beside a bracket may be stuck in many domains, which shows as a drift: then the bracket decides
    without it. Where there is no bracket, all runs decide. A second bracket, of the stable shape, decides alone.
    """
    if set(STABLE) <= set(starts):
        return [starts.index(start) for start in STABLE]
    if "exchanged" not in starts:
        return list(range(len(starts)))
    return [k for k, start in enumerate(starts) if start in ("separated", "exchanged") or settled[k]]


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
        Those that decide if they agree; else the separated one if it has settled, the other one (exchanged, or
        random where there is no bracket) if not; likewise of a second bracket.
    agreed : bool
        Whether those that decide agree.
    """
    deciding = runs_that_decide(list(starts)[: len(analyses)], [analysis.settled for analysis in analyses])
    if _agree([analyses[k] for k in deciding]):
        return deciding, True
    if set(STABLE) <= set(starts):
        separated, other = deciding
    else:
        separated = starts.index("separated")
        other = starts.index("exchanged" if "exchanged" in starts else "random")
    return [separated if analyses[separated].settled else other], False
