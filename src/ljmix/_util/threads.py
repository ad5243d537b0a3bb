"""How many processes fit the machine, one thread for each, and the CPU time that work takes in it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import lru_cache
from pathlib import Path

from joblib import cpu_count  # type: ignore[import-untyped]
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

__all__ = ["count_workers", "cpu_seconds", "one_thread"]

_OWN_MEMORY, _WORKERS_MEMORY = 1.1 * 2**30, 0.7 * 2**30
"""What a notebook that trains and explains takes itself, and each of its worker processes beside it; bytes."""
_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
"""Where a container says how much memory it may use; psutil and joblib see the whole machine's."""


def one_thread() -> AbstractContextManager[object]:
    """Context in which linear algebra uses one thread.

    The libraries are looked up once: that takes longer than to predict the curves of a state.
    """
    context: AbstractContextManager[object] = _controller().limit(limits=1)
    return context


@lru_cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


def count_workers(workers: int) -> int:
    """Processes to run side by side: as many as asked for; for -1 one a core, fewer where memory is small.

    A container of 2 GiB, as Binder's, gets one: the work is then done in the process itself.
    """
    if workers != -1:
        return workers
    fit = (_usable_memory() - _OWN_MEMORY) // _WORKERS_MEMORY
    return max(1, min(int(cpu_count()), int(fit)))


def _usable_memory() -> float:
    """Memory of the machine or of the container, the smaller one, bytes."""
    found = [float(os.sysconf("SC_PAGE_SIZE")) * os.sysconf("SC_PHYS_PAGES")]
    for path in map(Path, _LIMITS):
        if path.is_file() and (limit := path.read_text(encoding="ascii").strip()).isdigit():
            found.append(float(limit))
    return min(found)


def cpu_seconds(work: Callable[[], object]) -> float:
    """CPU time that some work takes in one thread, s."""
    with one_thread():
        start = time.process_time()
        work()
        return time.process_time() - start
