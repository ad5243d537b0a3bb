"""How many steps a second an engine makes, for one state and for several at once on the same device.

A box of 10 000 particles does not fill a GPU, so a campaign runs several states on it at once, one process each.
How many are worth it is measured, not guessed::

    python -m ljmix.engine_validation.speed --device gpu --states 1 2 4 8 16
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import Future
from multiprocessing import Manager
from pathlib import Path
from threading import BrokenBarrierError
from typing import Any

import pandas as pd

from ljmix._util.command import one_sentence
from ljmix.configuration import write_configuration
from ljmix.simulation.engine import Segment, load_engine
from ljmix.simulation.initial import build_configuration
from ljmix.simulation.pool import lend_pool
from ljmix.state import StatePoint

__all__ = ["measure_engine_speed"]


def measure_engine_speed(
    states_at_once: Sequence[int],
    engine: str = "auto",
    device: str = "auto",
    n_particles: int = 10_000,
    steps: int = 5000,
    size_ratio: float = 1.5,
) -> pd.DataFrame:
    """Measure the speed of several states at once, one process each, for each number of states.

    Every process first runs a tenth of the steps, unmeasured, so that libraries are loaded and the liquid is on its
    way; then all begin together. What is measured is a segment as a campaign runs it, with its set-up.

    Parameters
    ----------
    states_at_once : sequence of int
    engine, device : str
        See `ljmix.simulation.engine.load_engine`.
    n_particles, steps : int
        Of each state.
    size_ratio : float
        Half of the particles are B.

    Returns
    -------
    pandas.DataFrame
        Columns `states`, `steps_per_second` (of one state), `total_steps_per_second` (of all together) and
        `million_atom_steps_per_second` (of all together), `engine`, `version` and `device`.

    Raises
    ------
    ValueError, RuntimeError
        If a number is not above zero, or as `load_engine`.
    """
    for name, number in (("n_particles", n_particles), ("steps", steps), ("states", min(states_at_once, default=0))):
        if number < 1:
            raise ValueError(f"{name} = {number}: must be at least 1")
    loaded = load_engine(engine, device)
    state = StatePoint(1.0, 0.5, size_ratio, 1.0)
    rows = []
    with tempfile.TemporaryDirectory() as folder, Manager() as manager:
        start = Path(folder, "initial.gsd")
        write_configuration(build_configuration(state, n_particles, n_particles // 2), size_ratio, start)
        for n in states_at_once:
            barrier = manager.Barrier(n)
            with lend_pool(None, n) as pool:
                common = (loaded.name, loaded.device, state, start, steps, barrier)
                runs = [pool.submit(_run, Path(folder, f"{n}-{k}"), *common) for k in range(n)]
                spans = _results(runs)
            seconds = max(end for _, end in spans) - min(begin for begin, _ in spans)
            rows.append({
                "states": n, "steps_per_second": steps / seconds, "total_steps_per_second": n * steps / seconds,
                "million_atom_steps_per_second": n * steps * n_particles / seconds / 1e6,
            })  # fmt: skip
    return pd.DataFrame(rows).assign(engine=loaded.name, version=loaded.version, device=loaded.device_name)


def _results(runs: Sequence[Future[tuple[float, float]]]) -> list[tuple[float, float]]:
    """Results of all runs; if one failed, its error, not that of those who waited for it in vain."""
    errors = [error for run in runs if (error := run.exception()) is not None]
    if errors:
        raise next((error for error in errors if not isinstance(error, BrokenBarrierError)), errors[0])
    return [run.result() for run in runs]


def _run(
    folder: Path, engine: str, device: str, state: StatePoint, start: Path, steps: int, barrier: Any
) -> tuple[float, float]:
    """Warm up, wait for the others, and run; return when it began and ended."""
    try:
        folder.mkdir()
        loaded = load_engine(engine, device)
        warm = max(1, steps // 10)
        first = Segment(start, folder / "0.gsd", folder / "0.checkpoint", warm, warm)
        loaded.advance(state, first)
    except BaseException:
        barrier.abort()  # or the others would wait for ever
        raise
    barrier.wait()
    begin = time.time()
    loaded.advance(state, Segment(first.checkpoint, folder / "1.gsd", folder / "1.checkpoint", steps, steps))
    return begin, time.time()


def main() -> None:
    """Measure from the command line."""
    parser = argparse.ArgumentParser(description="Measure steps a second for several states at once on one device.")
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--states", type=int, nargs="+", default=[1, 2, 4, 8, 16])
    parser.add_argument("--particles", type=int, default=10_000)
    parser.add_argument("--steps", type=int, default=5000)
    parser.add_argument("--size-ratio", type=float, default=1.5)
    options = parser.parse_args()
    with one_sentence(parser):
        table = measure_engine_speed(
            options.states, options.engine, options.device, options.particles, options.steps, options.size_ratio
        )
        print(table.round(1).to_string(index=False))


if __name__ == "__main__":
    main()
