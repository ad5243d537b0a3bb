"""Many state points at once: in parallel, resumable, with every failure named.

::

    python -m ljmix.simulation.campaign --profile quick --results results/quick
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import CancelledError, Executor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ljmix._util.checks import require_int, require_kind, require_path, shorten
from ljmix._util.command import Interrupted, hold_interrupts, one_sentence, way_on
from ljmix._util.locks import LockedError, hold_lock
from ljmix._util.places import results_folder
from ljmix.simulation.engine import ENGINES, check_names, load_engine
from ljmix.simulation.initial import system_size
from ljmix.simulation.pool import Outcome, attempt, describe, lend_pool, try_out
from ljmix.simulation.profiles import PROFILES, Profile, load_profile
from ljmix.simulation.sampling import is_finished, open_runs, sample_state
from ljmix.simulation.workspace import has_identity, job_folder, make_workspace
from ljmix.state import StatePoint

__all__ = ["Report", "run_campaign"]

_MOST_KILLS = 3
_LOOK = 1.0
"""Seconds between two looks at states that another campaign simulates."""


@dataclass
class Report:
    """How a campaign ended.

    Attributes
    ----------
    finished : dict
        Folder of the job, by state.
    failed : dict
        Reason, by state.
    """

    finished: dict[StatePoint, Path] = field(default_factory=dict)
    failed: dict[StatePoint, str] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [f"{len(self.finished)} states done, {len(self.failed)} failed"]
        return "\n".join(lines + [f"  {state.state_id}: {reason}" for state, reason in self.failed.items()])


def run_campaign(
    states: Iterable[StatePoint],
    profile: Profile,
    root: Path | str,
    engine: str = "auto",
    device: str = "auto",
    executor: Executor | None = None,
    workers: int | None = None,
    then: Callable[[StatePoint, Path], object] | None = None,
) -> Report:
    """Sample many states; call again to go on after an interruption.

    Parameters
    ----------
    states : iterable of StatePoint
    profile : Profile
    root : Path or str
        Folder of the campaign; the runs go to its ``workspace/``. Several campaigns may share it, from several hosts
        too: each state is simulated once, and all end when all is done.
    engine, device : str
        See `ljmix.simulation.engine.load_engine`.
    executor : concurrent.futures.Executor, optional
        Where to run; by default one process a core of this machine. Anything with the same interface works,
        such as Dask's ``Client.get_executor()``.
    workers : int, optional
        Number of processes of this machine, where no executor is given; by default one a core. On a GPU, more
        than one keeps it busy while each state is small.
    then : callable, optional
        Called with each state and the folder of its job as soon as it is finished, in this process.

    Returns
    -------
    Report
        What finished, and what failed for which reason; one failure does not stop the rest.

    Raises
    ------
    ValueError, PermissionError
        Before any work starts, if a state is too small, or the folder cannot be written.
    RuntimeError
        If the engine is missing, or every worker dies as it starts.
    Interrupted
        On Ctrl-C; the message says what is kept.
    """
    require_kind("profile", profile, Profile, 'ljmix.load_profile("quick")')
    check_names(engine, device)
    if executor is not None:
        require_kind("executor", executor, Executor, "Client(cluster).get_executor()")
    todo = _check_states(states, workers)
    for state in todo:
        system_size(state, profile)
    root = require_path("root", root).resolve()
    if executor is None:
        loaded = load_engine(engine, device)
        engine, device = loaded.name, loaded.device
        where = f"{loaded.name} {loaded.version} on {loaded.device_name}"
    else:
        # What is installed there is theirs to say: the host that submits may lack the engine or the GPU.
        where = f"engine {engine} on the executor's {device} device"
    make_workspace(root)
    tqdm.write(f"{len(todo)} states, profile {profile.name}, {where}")
    report = Report()
    campaign = _Campaign(root, profile, engine, device, executor, workers, then, report)
    try:
        campaign.run(todo)
    except KeyboardInterrupt:
        finished = sum(map(campaign.is_finished, todo))
        raise Interrupted(
            f"{finished} of {len(todo)} states are finished, the others kept up to their last segment, in {root}; "
            f"{way_on('the same call')} goes on"
        ) from None
    tqdm.write(str(report))
    return report


def _check_states(states: Iterable[StatePoint], workers: int | None) -> list[StatePoint]:
    asked = [states] if isinstance(states, StatePoint) or not isinstance(states, Iterable) else list(states)
    for state in asked:
        if not isinstance(state, StatePoint):
            raise ValueError(f"states: {shorten(state)} is no ljmix.StatePoint; give a list of them")
    if not asked:
        raise ValueError("the campaign has no state; give at least one")
    if workers is not None:
        require_int("workers", workers, 1, 4096)
    return list(dict.fromkeys(asked))


@dataclass
class _Campaign:
    """A campaign under way: what the disk says counts, whatever executors say."""

    root: Path
    profile: Profile
    engine: str
    device: str
    executor: Executor | None
    workers: int | None
    then: Callable[[StatePoint, Path], object] | None
    report: Report
    lost: Counter[StatePoint] = field(default_factory=Counter)
    stillborn: int = 0
    turn: int = 0

    def run(self, states: list[StatePoint]) -> None:
        done = {state: folder for state in states if (folder := self._find_finished(state))}
        with tqdm(
            total=len(states), initial=len(done), unit="state", smoothing=0.1, file=sys.stdout, mininterval=5
        ) as bar:
            for state, folder in done.items():
                self._finish(state, folder)
            todo = [state for state in states if state not in done]
            alone = told = False
            while todo:
                before, asked = len(todo), todo[:1] if alone else todo
                with lend_pool(self.executor, workers=1 if alone else self.workers) as pool:
                    broken, busy = self._collect(pool, asked, bar.update)
                todo = [s for s in todo if s not in self.report.finished and s not in self.report.failed]
                if not broken:
                    alone = False  # the one that may have killed its worker is through: all cores again
                    if todo and not told and busy:
                        tqdm.write(f"{len(busy)} states are simulated by another process; waiting for them")
                        told = True
                    if todo and busy:
                        self._wait_for_any(busy)
                    continue
                if self.executor is not None:
                    continue
                tqdm.write("a worker process was killed; its state goes on in a new one")
                if alone:
                    self._count_loss(asked[0], "its worker process was killed", bar.update)
                    alone = asked[0] not in self.report.failed
                    todo = [state for state in todo if state not in self.report.failed]
                else:
                    alone = len(todo) == before

    def _collect(
        self, pool: Executor, states: list[StatePoint], advance: Callable[[], object]
    ) -> tuple[bool, list[StatePoint]]:
        """Wait for states; return whether workers were lost, and which states another campaign works on."""
        self.turn += 1
        try:
            with hold_interrupts():
                trial = pool.submit(try_out, self.engine, self.device) if self.executor is None else None
                arguments = (self.profile, self.engine, self.device)
                futures = {pool.submit(attempt, self.turn, sample_state, self.root, s, *arguments): s for s in states}
        except Exception as error:
            if self.executor is None and isinstance(error, BrokenProcessPool):
                self._require_start(None)
                return True, []
            if self.executor is None:
                raise
            self.report.failed |= dict.fromkeys(states, f"the executor takes no work: {describe(error)}")
            return False, []
        broken, busy = False, []
        for future in as_completed(futures):
            state = futures[future]
            try:
                outcome = future.result()
            except (Exception, CancelledError) as error:
                # Not the run's word but the executor's, which can lose what a worker had finished.
                folder = self._find_finished(state)
                if folder is None:
                    broken = True
                    if self.executor is not None:
                        self._count_loss(state, f"its worker was lost ({describe(error)})", advance)
                    continue
                outcome = Outcome(folder=folder)
            if outcome.busy:
                busy.append(state)
                continue
            if outcome.folder is not None:
                self._finish(state, outcome.folder)
            else:
                self._fail(state, outcome.reason)
            advance()
        if broken and self.executor is None:
            self._require_start(trial)
        return broken, busy

    def _require_start(self, trial: Any) -> None:
        """Stop where workers die before any work: every other one would, too."""
        if trial is not None and trial.done() and not trial.cancelled() and trial.exception() is None:
            self.stillborn = 0
            return
        self.stillborn += 1
        if self.stillborn == 2:
            raise RuntimeError(
                f"worker processes die as they start the engine {self.engine}, before any work; what they printed is "
                "above, and `python -m ljmix doctor` looks for the reason"
            )

    def _folders(self, state: StatePoint) -> list[Path]:
        """Where a state's job may be, by each engine that may simulate it."""
        engines = ENGINES if self.engine == "auto" else (self.engine,)
        return [job_folder(self.root, state, self.profile, engine) for engine in engines]

    def _find_finished(self, state: StatePoint) -> Path | None:
        """Folder of a state that is finished on disk, and whole."""
        for folder in self._folders(state):
            try:
                if has_identity(folder) and is_finished(folder, self.profile):
                    open_runs(folder, state, self.profile)
                    return folder
            except ValueError:
                return None  # sampling says what it has lost
        return None

    def is_finished(self, state: StatePoint) -> bool:
        """Whether a state is finished, be it that nobody has told us yet."""
        return state in self.report.finished or self._find_finished(state) is not None

    def _finish(self, state: StatePoint, folder: Path) -> None:
        try:
            if self.then is not None:
                self.then(state, folder)
        except Exception as error:
            self._fail(state, describe(error))
        else:
            self.report.finished[state] = folder

    def _fail(self, state: StatePoint, reason: str) -> None:
        self.report.failed[state] = reason
        tqdm.write(f"{state.state_id} failed: {reason}")

    def _count_loss(self, state: StatePoint, reason: str, advance: Callable[[], object]) -> None:
        self.lost[state] += 1
        if self.lost[state] == _MOST_KILLS:
            self._fail(state, f"{reason} {_MOST_KILLS} times")
            advance()

    def _wait_for_any(self, states: list[StatePoint]) -> None:
        """Wait until another campaign has finished one of some states, or has let go of it."""
        folders = [folder for state in states for folder in self._folders(state)]
        while True:
            for folder in folders:
                if folder.is_dir():
                    try:
                        with hold_lock(folder / ".lock"):
                            return
                    except LockedError:
                        continue
            time.sleep(_LOOK)


def main() -> None:
    """Run the campaign of a profile from the command line."""
    parser = argparse.ArgumentParser(description="Run the campaign of a profile; call again to go on.")
    parser.add_argument("--profile", choices=PROFILES, default="quick")
    parser.add_argument("--results", type=Path, help="folder to write to; by default results/<profile>")
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--workers", type=int, help="processes; by default one a core")
    arguments = parser.parse_args()
    with one_sentence(parser):
        profile = load_profile(arguments.profile)
        results = results_folder(profile.name, arguments.results)
        report = run_campaign(
            profile.states(), profile, results, arguments.engine, arguments.device, workers=arguments.workers
        )
        if report.failed:
            sys.exit(1)


if __name__ == "__main__":
    main()
