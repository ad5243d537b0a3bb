"""Worker processes, and what each does with a state.

Those of this machine are single-threaded, end with their parent, and are deaf to Ctrl-C, which is the parent's.
"""

from __future__ import annotations

import ast
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import active_children, get_context
from pathlib import Path

import freud
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from ljmix.simulation.engine import load_engine
from ljmix.simulation.sampling import BusyError

__all__ = ["Outcome", "attempt", "describe", "lend_pool", "make_pool", "try_out"]


@dataclass(frozen=True)
class Outcome:
    """What a worker says of a state; what it does not say, the executor does not know."""

    folder: Path | None = None
    reason: str = ""
    busy: bool = False


def attempt(turn: int, sample: Callable[..., Path], *arguments: object) -> Outcome:
    """Sample a state in a worker; the number of the turn tells a second attempt from the first on Dask."""
    try:
        return Outcome(folder=sample(*arguments))
    except BusyError:
        return Outcome(busy=True)
    except Exception as error:
        # One state's failure is an entry in the report, whatever its kind; the rest goes on. As text, since not every
        # exception comes whole through a pickle.
        return Outcome(reason=describe(error))


def describe(error: BaseException) -> str:
    """Kind of an error and what it says."""
    return f"{type(error).__name__}: {error}"


def try_out(engine: str, device: str) -> None:
    """Start and end an engine once in a worker."""
    load_engine(engine, device).try_out()


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
