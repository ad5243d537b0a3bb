"""How fast potentials run, side by side."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from ljmix.configuration import write_configuration
from ljmix.simulation.engine import Engine, Segment
from ljmix.simulation.initial import build_configuration
from ljmix.state import StatePoint

__all__ = ["compare_speeds"]


def compare_speeds(
    engines: Mapping[str, Engine],
    state: StatePoint,
    density: float,
    n_particles: int = 500,
    steps: int = 2000,
    rounds: int = 5,
) -> pd.DataFrame:
    """Time engines by CPU seconds, one after the other and round after round, from one settled start.

    An engine that is slow in a trial of twenty steps makes a twentieth of the steps.

    Parameters
    ----------
    engines : mapping of str to Engine
        The first is the yardstick, and settles the start.
    state : StatePoint
    density : float
        1/σ_AA³.
    n_particles, steps, rounds : int

    Returns
    -------
    pandas.DataFrame
        Columns `engine`, `round`, `atom_steps_per_second`, and `relative` to the first engine in the same round.
    """
    rows = []
    with tempfile.TemporaryDirectory(prefix="ljmix-") as name:
        folder = Path(name)
        n_b = round(state.fraction_b * n_particles)
        start = build_configuration(state, n_particles, n_b, "random", 0, density)
        write_configuration(start, state.size_ratio, folder / "initial.gsd")

        def advance(engine: Engine, source: Path, steps: int, checkpoint: str) -> float:
            segment = Segment(source, folder / "frames.gsd", folder / checkpoint, steps, steps, "NVT")
            began = time.process_time()
            engine.advance(state, segment)
            return n_particles * steps / (time.process_time() - began)

        first = next(iter(engines.values()))
        advance(first, folder / "initial.gsd", 4 * steps, "settled")
        trial = {label: advance(engine, folder / "settled", 20, "thrown-away") for label, engine in engines.items()}
        lengths = {label: steps if speed > 0.2 * max(trial.values()) else steps // 20 for label, speed in trial.items()}
        for number in range(rounds):
            yardstick = 0.0
            for label, engine in engines.items():
                speed = advance(engine, folder / "settled", lengths[label], "thrown-away")
                yardstick = yardstick or speed
                rows.append(
                    {"engine": label, "round": number, "atom_steps_per_second": speed, "relative": speed / yardstick}
                )
    return pd.DataFrame(rows)
