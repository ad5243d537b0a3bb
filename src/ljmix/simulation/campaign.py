"""Many state points at once: in parallel, resumable, with every failure named.

::

    python -m ljmix.simulation.campaign --profile quick --results results/quick
"""

from __future__ import annotations

import argparse
import ast
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, Executor, Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import active_children, get_context
from pathlib import Path

import freud
import signac
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]
from tqdm import tqdm

from ljmix._util.atomic import require_writable
from ljmix._util.command import one_sentence
from ljmix.simulation.engine import check_names, load_engine
from ljmix.simulation.initial import system_size
from ljmix.simulation.profiles import PROFILES, Profile, load_profile
from ljmix.simulation.sampling import sample_state
from ljmix.state import StatePoint

__all__ = ["Report", "lend_pool", "make_pool", "run_campaign"]

_MOST_KILLS = 3


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


def make_pool(workers: int | None = None) -> ProcessPoolExecutor:
    """Make a pool of single-threaded processes, one a core, that end when their parent dies.

    Parameters
    ----------
    workers : int, optional
        Number of processes; by default one a core.
    """
    _require_guard()
    # Spawned, not forked: engines keep global state that does not survive a fork.
    return ProcessPoolExecutor(
        workers or _count_cores(), get_context("spawn"), initializer=_prepare_worker, initargs=(os.getpid(),)
    )


def _require_guard() -> None:
    """Stop a script whose every worker would run it again from its first line.

    A spawned process imports the user's script. What stands there unguarded starts a campaign in each worker, before
    that is ready for one.

    Raises
    ------
    RuntimeError
        If the call comes from the top level of a script, outside ``if __name__ == "__main__":``.
    """
    frame = sys._getframe()
    while frame is not None:
        if frame.f_globals.get("__name__") == "__main__" and frame.f_code.co_name == "<module>":
            break
        frame = frame.f_back  # type: ignore[assignment]
    name = getattr(sys.modules["__main__"], "__file__", None)
    # A notebook and a prompt name no file, and workers do not look for one.
    if frame is None or name is None:
        return
    script = Path(name)
    if not script.is_file():
        raise RuntimeError(
            f"worker processes cannot import a program from {script.name}: save it as a file, with this call under "
            '`if __name__ == "__main__":`'
        )
    for node in ast.parse(script.read_bytes()).body:
        if node.lineno <= frame.f_lineno <= (node.end_lineno or node.lineno):
            if not (isinstance(node, ast.If) and "__name__" in ast.unparse(node.test)):
                raise RuntimeError(
                    f'{script}, line {frame.f_lineno}: put this call under `if __name__ == "__main__":`; each worker '
                    "process imports the script, and would start the campaign again"
                )
            return


def _count_cores() -> int:
    """Count the cores this process may use, which can be fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _prepare_worker(parent: int) -> None:
    freud.parallel.set_num_threads(1)
    threadpool_limits(1)
    _follow_parent(parent)


def _follow_parent(parent: int) -> None:
    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(2)
        # A killed parent cannot collect results; finished segments are safe on disk.
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


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
        Folder of the campaign; the runs go to its ``workspace/``.
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
    ValueError, RuntimeError, PermissionError
        Before any work starts, if a state is too small, the engine is missing, or the folder cannot be
        written.
    """
    todo = list(dict.fromkeys(states))
    if not todo:
        raise ValueError("the campaign has no state; give at least one")
    if workers is not None and workers < 1:
        raise ValueError(f"workers = {workers}: must be at least 1")
    for state in todo:
        system_size(state, profile)
    root = Path(root).resolve()
    if executor is None:
        loaded = load_engine(engine, device)
        engine, device = loaded.name, loaded.device
        where = f"{loaded.name} {loaded.version} on {loaded.device_name}"
    else:
        # What is installed there is theirs to say: the host that submits may lack the engine or the GPU.
        check_names(engine, device)
        where = f"engine {engine} on the executor's {device} device"
    require_writable(root)
    signac.init_project(root)
    tqdm.write(f"{len(todo)} states, profile {profile.name}, {where}")

    report = Report()

    def submit(pool: Executor, state: StatePoint) -> Future[Path]:
        return pool.submit(sample_state, root, state, profile, engine, device)

    with tqdm(total=len(todo), unit="state", smoothing=0.1, file=sys.stdout, mininterval=5) as bar:
        alone = False
        kills: Counter[StatePoint] = Counter()
        while todo:
            before, asked = len(todo), todo[:1] if alone else todo
            with lend_pool(executor, workers=1 if alone else workers) as pool:
                broken = _collect(pool, submit, asked, report, bar.update, then)
            todo = [state for state in todo if state not in report.finished and state not in report.failed]
            if not broken:
                alone = False  # the one that may have killed its worker is through: all cores again
                continue
            if executor is not None:
                report.failed |= {state: "its worker process was killed" for state in todo}
                break
            tqdm.write("a worker process was killed; its state goes on in a new one")
            if alone:
                kills[asked[0]] += 1
                if kills[asked[0]] == _MOST_KILLS:
                    report.failed[todo.pop(0)] = f"its worker process was killed {_MOST_KILLS} times"
                    bar.update()
                    alone = False
            else:
                alone = len(todo) == before
    tqdm.write(str(report))
    return report


@contextmanager
def lend_pool(executor: Executor | None, workers: int | None = None) -> Iterator[Executor]:
    """Lend the given executor, or a pool of processes that ends with the block."""
    if executor is not None:
        yield executor
        return
    others = set(active_children())
    pool = make_pool(workers)
    try:
        yield pool
    except BaseException:
        # Interrupted: do not wait for the states that run; their finished segments are safe. Killed, since a worker
        # inside an engine does not hear a polite request before its segment ends.
        pool.shutdown(wait=False, cancel_futures=True)
        for worker in set(active_children()) - others:
            worker.kill()
        raise
    pool.shutdown()


def _collect(
    pool: Executor,
    submit: Callable[[Executor, StatePoint], Future[Path]],
    states: Sequence[StatePoint],
    report: Report,
    advance: Callable[[], object],
    then: Callable[[StatePoint, Path], object] | None,
) -> bool:
    """Wait for all states; return whether the pool broke before the end."""
    try:
        futures = {submit(pool, state): state for state in states}
    except BrokenProcessPool:
        return True
    broken = False
    for future in as_completed(futures):
        state = futures[future]
        try:
            folder = future.result()
            if then is not None:
                then(state, folder)
            report.finished[state] = folder
        except (BrokenProcessPool, CancelledError):
            broken = True
            continue
        except Exception as error:
            # One state's failure is an entry in the report, whatever its kind; the rest goes on.
            report.failed[state] = f"{type(error).__name__}: {error}"
            tqdm.write(f"{state.state_id} failed: {error}")
        advance()
    return broken


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
        results = arguments.results or Path("results", profile.name)
        report = run_campaign(
            profile.states(), profile, results, arguments.engine, arguments.device, workers=arguments.workers
        )
        if report.failed:
            sys.exit(1)


if __name__ == "__main__":
    main()
