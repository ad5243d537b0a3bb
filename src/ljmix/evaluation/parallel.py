"""Fits side by side, one process each, with a bar and a clean stop."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from joblib import Parallel, delayed  # type: ignore[import-untyped]
from tqdm import tqdm

from ljmix._util.command import Interrupted, hold_interrupts, way_on
from ljmix._util.threads import count_workers

__all__ = ["run_in_parallel"]


def run_in_parallel(
    run: Callable[..., Any], runs: Sequence[tuple[Any, ...]], task: str, workers: int, progress: bool
) -> Iterator[Any]:
    """Results of all runs in their order; one single-threaded fit a process.

    Raises
    ------
    Interrupted
        On Ctrl-C.
    """
    done = 0
    try:
        with hold_interrupts():
            jobs = Parallel(n_jobs=count_workers(workers), return_as="generator")(
                delayed(run)(*arguments) for arguments in runs
            )
        for result in tqdm(jobs, desc=task, total=len(runs), unit="fit", disable=not progress, mininterval=1):
            done += 1
            yield result
    except KeyboardInterrupt:
        raise Interrupted(
            f"{task}: {done} of {len(runs)} fits were done, and none is kept; what was simulated is, and "
            f"{way_on('the same call')} begins the fits again"
        ) from None
