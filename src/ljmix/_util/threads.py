"""One thread, and the CPU time that work takes in it."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import lru_cache

from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

__all__ = ["cpu_seconds", "one_thread"]


def one_thread() -> AbstractContextManager[object]:
    """Context in which linear algebra uses one thread.

    The libraries are looked up once: that takes longer than to predict the curves of a state.
    """
    context: AbstractContextManager[object] = _controller().limit(limits=1)
    return context


@lru_cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


def cpu_seconds(work: Callable[[], object]) -> float:
    """CPU time that some work takes in one thread, s."""
    with one_thread():
        start = time.process_time()
        work()
        return time.process_time() - start
