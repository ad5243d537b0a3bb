"""Self-diffusion of states that were simulated with exchanges: plain runs of their own, or those of version 1.

::

    python -m ljmix.release.diffusion list         # which states need a plain run
    python -m ljmix.release.diffusion simulate     # those that data/parts/diffusion lacks; resumable

Where particles change species or jump, displacements mean nothing. The plain runs of version 1 stand where its density,
energy and curves agree with those of version 2 (`ljmix.data.comparison`): it was the same liquid. Elsewhere a run
without moves is made, at constant pressure, with fresh velocities: 5000 steps are left out for them, 20 000 are
measured. It begins where a run of the campaign ended, if that is still there. Parts keep no configuration; without one
the start that counts is taken again, and its moves, for as long as the campaign's run took to settle. Each finished
state becomes a small file, its part.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import as_completed
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from tqdm import tqdm

from ljmix._util.atomic import write_text
from ljmix._util.command import one_sentence
from ljmix._util.provenance import describe_provenance
from ljmix._util.reading import read_json
from ljmix.configuration import Configuration, write_configuration
from ljmix.data.comparison import MOST_SIGMAS, compare_bins, compare_states
from ljmix.data.configurations import read_last
from ljmix.data.dataset import Dataset, read_dataset
from ljmix.data.reference import shipped_folder
from ljmix.data.state_rows import RARE
from ljmix.release.part_files import plain_value, read_part
from ljmix.release.part_rows import counted_runs
from ljmix.release.tables import join_tables, tables_of_parts
from ljmix.simulation.engine import TIME_STEP, Engine, load_engine
from ljmix.simulation.engines.moves import Moves
from ljmix.simulation.initial import draw_velocities, start_seed
from ljmix.simulation.pool import lend_pool
from ljmix.simulation.profiles import Profile, load_profile
from ljmix.simulation.run import Run
from ljmix.simulation.sampling import is_finished
from ljmix.simulation.workspace import find_jobs
from ljmix.state import PAIRS, StatePoint
from ljmix.structure.diffusion import diffusion_coefficient, is_diffusive
from ljmix.structure.measure import measure_frames

__all__ = ["PlainRun", "diffusion_stands", "fill_diffusion", "run_plainly", "settle_again"]

COLUMNS = ("diffusion_a", "diffusion_a_sem", "diffusion_b", "diffusion_b_sem")
SKIPPED, MEASURED = 5000, 20_000
"""Steps."""


class PlainRun(Run):
    """A run without moves, of a state that was simulated with them."""

    @property
    def moves(self) -> Moves | None:
        """None."""
        return None


def diffusion_stands(dataset: Dataset, shipped: Dataset) -> set[str]:
    """Names of the states in which version 1 held the same liquid: density, energy and curves agree with its own.

    Parameters
    ----------
    dataset, shipped : Dataset
        States with moves of version 2, and version 1.
    """
    compared = compare_states(dataset, shipped)
    scalars = compared[~compared["quantity"].isin(PAIRS)].set_index("state_id")
    agrees = (scalars["sigmas"].abs() <= MOST_SIGMAS).groupby("state_id").all()
    bins = compare_bins(dataset, shipped)
    curves = [bins["state_id"], bins["pair"].astype(str)]
    # What is rare comes in few events, from which its own error is not known.
    told = bins["g_one"] >= RARE * bins.groupby(curves)["g_one"].transform("max")
    rms = np.sqrt((bins["z"] ** 2).where(told).groupby(curves).mean())
    agrees &= (rms <= MOST_SIGMAS / 2).groupby("state_id").all()
    return set(agrees.index[agrees])


def fill_diffusion(dataset: Dataset, shipped: Dataset, parts: Path) -> Dataset:
    """Fill in the diffusion of states with moves: from their plain runs, or from version 1 where it stands.

    Parameters
    ----------
    dataset, shipped : Dataset
        Versions 2 and 1.
    parts : Path
        Folder of the plain runs' parts; states without one, and in which version 1 does not stand, stay empty.

    Returns
    -------
    Dataset
        With the column `diffusion_from`.

    Raises
    ------
    ValueError
        If a part is damaged.
    """
    states = dataset.states.set_index("state_id")
    moved = states["moves"] != ""
    names = states.index[moved]
    origin = pd.Series("own run", index=states.index).mask(states["version"] == 1, "version 1").mask(moved, "")
    stands = diffusion_stands(dataset.select(moved.to_numpy()), shipped) if len(names) else set()
    known = shipped.states.set_index("state_id")
    for name in names:
        path = parts / f"{name}.json"
        if path.exists():
            row = _read(path)
            origin[name] = "plain run"
        elif name in stands:
            row = known.loc[name]
            origin[name] = "version 1"
        else:
            continue
        for column in COLUMNS:
            states.loc[name, column] = math.nan if row[column] is None else float(row[column])
    filled = states.assign(diffusion_from=origin).reset_index()[[*dataset.states.columns, "diffusion_from"]]
    return replace(dataset, states=filled)


def _read(path: Path) -> dict[str, Any]:
    row = read_json(path)
    missing = [name for name in COLUMNS if name not in row]
    if missing:
        raise ValueError(f"{path} is no plain run's part (it lacks {missing[0]}); restore or delete it")
    return row


def settle_again(folder: Path, header: dict[str, Any], profile: Profile, engine: Engine) -> Configuration:
    """Take the run that counts again, from its start and with its moves, until it had settled; resumable.

    Parameters
    ----------
    folder : Path
        For the run.
    header : dict
        Of the state's part.
    profile : Profile
    engine : Engine

    Returns
    -------
    Configuration
        The last one.
    """
    state, known = StatePoint(**header["state"]), header["starts"][counted_runs(header)[0]]
    run = Run(folder / known["start"], state, profile)
    run.prepare(header["n_particles"], header["n_b"], header.get("lever_share"))
    while run.count_segments() * profile.segment_steps < max(known["start_step"], profile.steps_equilibration):
        run.advance(engine, partial(_measure, state, profile, False))
    return run.read_configurations(0)[-1]


def _measure(state: StatePoint, profile: Profile, dynamics: bool, frames: Path) -> dict[str, npt.NDArray[Any]]:
    # g(r) is known, and measured once a segment only.
    every = dict.fromkeys(PAIRS, profile.segment_steps // profile.frame_interval)
    return measure_frames(frames, state, profile.r_max, profile.n_bins, every, profile.frame_interval, dynamics)


def run_plainly(
    folder: Path, begin: Callable[[], Configuration], state: StatePoint, profile: Profile, engine: Engine
) -> dict[str, Any]:
    """Go on without moves from a configuration, as far as that is not done yet, and measure how particles diffuse.

    Parameters
    ----------
    folder : Path
        For the run.
    begin : callable
        Gives the configuration; it is asked for once, and not where the run has begun.
    state : StatePoint
    profile : Profile
        It was simulated with.
    engine : Engine

    Returns
    -------
    dict
        `state_id`; `steps`; `diffusion_a`, `diffusion_b` (σ_AA²/τ, not corrected for the finite box) with `_sem`; NaN
        for a species that has not left its cages.
    """
    longer = replace(profile, steps_max=max(profile.steps_max, SKIPPED + MEASURED))
    run = PlainRun(folder, state, longer)
    if not run.initial.exists():
        last = begin()
        seed = start_seed(state, f"diffusion/{len(last.types)}", profile.replica)
        last = replace(last, velocities=draw_velocities(state.temperature, len(last.types), seed))
        write_configuration(last, state.size_ratio, run.initial)
    while run.count_segments() * profile.segment_steps < SKIPPED + MEASURED:
        run.advance(engine, partial(_measure, state, profile, True))
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


def _simulate_state(
    part: Path, finished: Path | None, results: Path, output: Path, engine_name: str, device: str
) -> None:
    header, profile = read_part(part).header, load_profile("equilibrium")
    state, engine = StatePoint(**header["state"]), load_engine(engine_name, device)
    folder = results / "diffusion" / state.state_id

    def begin() -> Configuration:
        if finished is not None:
            return read_last(finished, state, profile)
        return settle_again(folder, header, profile, engine)

    row = run_plainly(folder / "plain", begin, state, profile, engine)
    about = {name: plain_value(value) for name, value in row.items()} | {
        "provenance": dict(describe_provenance("equilibrium"))
    }
    write_text(output / f"{state.state_id}.json", json.dumps(about, indent=1, allow_nan=False) + "\n")


def _states_to_run(parts: Path, shipped: Dataset, output: Path) -> list[str]:
    """Names of the states with moves in which version 1 does not stand and that have no part yet."""
    order = shipped.states["state_id"].tolist()
    pieces = [tables_of_parts((read_part(path) for path in sorted(parts.glob("*.npz"))), order, "version 1")]
    dataset, _, _ = join_tables(pieces, order, {})
    moved = dataset.select((dataset.states["moves"] != "").to_numpy())
    stands = diffusion_stands(moved, shipped)
    return [name for name in moved.states["state_id"] if name not in stands and not (output / f"{name}.json").exists()]


def _finished_jobs(results: Path, profile: Profile) -> dict[str, Path]:
    """Folders of a campaign's finished states, as far as they are there."""
    jobs = find_jobs(results, profile) if (results / "workspace").is_dir() else []
    return {state.state_id: folder for folder, state, *_ in jobs if is_finished(folder, profile)}


def main(arguments: Iterable[str] | None = None) -> None:
    """List the states that need a plain run, or simulate them, from the command line."""
    parser = argparse.ArgumentParser(description="Plain runs for diffusion, of states simulated with moves.")
    parser.add_argument("step", choices=("list", "simulate"))
    parser.add_argument("--results", type=Path, default=Path("results", "equilibrium"), help="folder of the campaign")
    parser.add_argument("--parts", type=Path, help="folder of the campaign's parts; by default data/parts")
    parser.add_argument("--output", type=Path, help="folder of the plain runs' parts; by default data/parts/diffusion")
    parser.add_argument("--data", type=Path, help="version 1; by default data/reference")
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--workers", type=int, help="processes; by default one a core")
    options = parser.parse_args(None if arguments is None else list(arguments))
    parts = options.parts or shipped_folder() / "parts"
    output = options.output or shipped_folder() / "parts" / "diffusion"
    with one_sentence(parser):
        if not any(parts.glob("*.npz")):
            raise ValueError(f"{parts} holds no part; run the campaign first")
        names = _states_to_run(parts, read_dataset(options.data or shipped_folder() / "reference"), output)
        if options.step == "list":
            print(*names, f"{len(names)} states need a plain run", sep="\n")
            return
        profile = load_profile("equilibrium")
        engine = load_engine(options.engine, options.device)
        finished = _finished_jobs(options.results, profile)
        failed = 0
        with lend_pool(None, options.workers) as pool, tqdm(total=len(names), unit="state", file=sys.stdout) as bar:
            futures = {
                pool.submit(
                    _simulate_state, parts / f"{name}.npz", finished.get(name), options.results, output, engine.name,
                    options.device,
                ): name
                for name in names
            }  # fmt: skip
            for future in as_completed(futures):
                try:
                    future.result()
                except (RuntimeError, ValueError, OSError) as error:
                    failed += 1
                    tqdm.write(f"{futures[future]} failed: {error}")
                bar.update()
        if failed:
            sys.exit(1)


if __name__ == "__main__":
    main()
