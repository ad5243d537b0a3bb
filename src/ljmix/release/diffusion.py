"""Self-diffusion of states that were simulated with exchanges: plain runs from where those ended.

::

    python -m ljmix.release.diffusion --results results/equilibrium --output results/diffusion.parquet     # resumable

Where particles change species or jump, displacements mean nothing. So each state goes on from the last configuration
of a run that counts, with fresh velocities and without moves, at constant pressure. It is in equilibrium already: 5000
steps are left out for the velocities, 20 000 are measured. Needs the folder of the campaign, since parts keep no
configuration.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterable
from concurrent.futures import as_completed
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy.typing as npt
import pandas as pd
from tqdm import tqdm

from ljmix._util.command import one_sentence
from ljmix._util.provenance import describe_provenance
from ljmix.configuration import write_configuration
from ljmix.data.collect import find_finished
from ljmix.data.configurations import read_last
from ljmix.data.dataset import write_table
from ljmix.simulation.engine import TIME_STEP, load_engine
from ljmix.simulation.engines.moves import Moves
from ljmix.simulation.initial import draw_velocities, start_seed
from ljmix.simulation.pool import lend_pool
from ljmix.simulation.profiles import Profile, load_profile
from ljmix.simulation.protocol import choose_protocol
from ljmix.simulation.run import Run
from ljmix.state import PAIRS, StatePoint
from ljmix.structure.diffusion import diffusion_coefficient, is_diffusive
from ljmix.structure.measure import measure_frames

__all__ = ["PlainRun", "continue_plainly"]

SKIPPED, MEASURED = 5000, 20_000
"""Steps."""


class PlainRun(Run):
    """A run without moves, in the folder of a state that was simulated with them."""

    @property
    def moves(self) -> Moves | None:
        """None."""
        return None


def continue_plainly(
    folder: Path, state: StatePoint, profile: Profile, engine_name: str, device: str
) -> dict[str, Any]:
    """Go on without moves from a finished state, as far as that is not done yet, and measure how particles diffuse.

    Parameters
    ----------
    folder : Path
        Of the finished job.
    state : StatePoint
    profile : Profile
        It was simulated with.
    engine_name, device : str

    Returns
    -------
    dict
        `state_id`; `diffusion_a`, `diffusion_b` (σ_AA²/τ, not corrected for the finite box) with `_sem`; NaN for a
        species that has not left its cages.
    """
    longer = replace(profile, steps_max=max(profile.steps_max, SKIPPED + MEASURED))
    run = PlainRun(folder / "diffusion", state, longer)
    engine = load_engine(engine_name, device)
    if not run.initial.exists():
        last = read_last(folder, state, profile)
        seed = start_seed(state, f"diffusion/{len(last.types)}", profile.replica)
        last = replace(last, velocities=draw_velocities(state.temperature, len(last.types), seed))
        write_configuration(last, state.size_ratio, run.initial)

    def measure(frames: Path) -> dict[str, npt.NDArray[Any]]:
        # Displacements: g(r) is known, and measured once a segment only.
        every = dict.fromkeys(PAIRS, profile.segment_steps // profile.frame_interval)
        return measure_frames(frames, state, profile.r_max, profile.n_bins, every, profile.frame_interval)

    while run.count_segments() * profile.segment_steps < SKIPPED + MEASURED:
        run.advance(engine, measure)
    measured = run.read_measurements()
    first, interval = -(-SKIPPED // profile.segment_steps), profile.frame_interval * TIME_STEP
    row: dict[str, Any] = {"state_id": state.state_id, "steps": int(measured["step"][-1])}
    for species in "AB":
        displacements = measured[f"msd_{species}"][first:].astype(float)
        d, error = diffusion_coefficient(displacements, interval)
        if not is_diffusive(displacements, interval):
            d = error = math.nan
        row |= {f"diffusion_{species.lower()}": d, f"diffusion_{species.lower()}_sem": error}
    return row


def main(arguments: Iterable[str] | None = None) -> None:
    """Continue all finished states of a campaign, from the command line."""
    parser = argparse.ArgumentParser(description="Plain runs for diffusion, from where runs with moves ended.")
    parser.add_argument("--results", type=Path, default=Path("results", "equilibrium"), help="folder of the campaign")
    parser.add_argument("--output", type=Path, default=Path("results", "diffusion.parquet"), help="table to write")
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--workers", type=int, help="processes; by default one a core")
    options = parser.parse_args(None if arguments is None else list(arguments))
    with one_sentence(parser):
        profile = load_profile("equilibrium")
        engine = load_engine(options.engine, options.device)
        finished = find_finished(options.results, profile)
        moved = {state: folder for state, folder in finished.items() if choose_protocol(state).moves is not None}
        rows, failed = [], 0
        with lend_pool(None, options.workers) as pool, tqdm(total=len(moved), unit="state", file=sys.stdout) as bar:
            futures = {
                pool.submit(continue_plainly, folder, state, profile, engine.name, options.device): state
                for state, folder in moved.items()
            }
            for future in as_completed(futures):
                try:
                    rows.append(future.result())
                except (RuntimeError, ValueError, OSError) as error:
                    failed += 1
                    tqdm.write(f"{futures[future].state_id} failed: {error}")
                bar.update()
        if rows:
            table = pd.DataFrame(rows).sort_values("state_id", ignore_index=True)
            write_table(table, options.output, dict(describe_provenance("equilibrium")))
            print(table.round(5).to_string(index=False))
        if failed:
            sys.exit(1)


if __name__ == "__main__":
    main()
