"""Twelve named states of version 2, mixed and demixed: frames with forces, and how their stress forgets.

::

    python -m ljmix.thermodynamics.named_states list
    python -m ljmix.thermodynamics.named_states simulate --results results/equilibrium --output data/reference/named

Each goes on from the last configuration of a finished run, at constant volume and its mean density, without moves:
what potentials learn from (`ljmix.potentials.frames.parse_trajectory` reads ``NAME.gsd``) and what a viscosity is made
of (``stress.parquet``). Runs that the folder of the campaign lacks are simulated first: parts keep no configuration.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import gsd.hoomd
import numpy as np
import pandas as pd

from ljmix._util.atomic import replace_when_whole
from ljmix._util.command import one_sentence
from ljmix._util.provenance import describe_provenance
from ljmix.configuration import Configuration, make_frame
from ljmix.data.collect import find_finished
from ljmix.data.configurations import read_last
from ljmix.data.dataset import read_dataset, write_table
from ljmix.simulation.campaign import run_campaign
from ljmix.simulation.initial import draw_velocities, start_seed
from ljmix.simulation.profiles import Profile, load_profile
from ljmix.state import StatePoint
from ljmix.thermodynamics.transport_runs import Block, run_blocks, stress_correlation

__all__ = ["NAMED", "simulate_named"]

NAMED: dict[str, StatePoint] = {
    "colours": StatePoint(1.0, 0.35, 1.0, 1.0),
    "near-critical": StatePoint(1.2, 0.5, 1.0, 0.6),
    "cold": StatePoint(0.6, 0.2, 1.0, 1.0),
    "small-b": StatePoint(1.0, 0.35, 0.5, 0.8),
    "large-b": StatePoint(1.0, 0.2, 1.5, 0.8),
    "giant-b": StatePoint(1.0, 0.2, 2.0, 1.0),
    "drop": StatePoint(0.8, 0.1, 1.0, 0.2),
    "cylinder": StatePoint(0.8, 0.2, 1.0, 0.4),
    "slab": StatePoint(0.8, 0.5, 1.0, 0.2),
    "demixed-small-b": StatePoint(0.6, 0.5, 0.5, 0.2),
    "demixed-large-b": StatePoint(1.0, 0.35, 1.5, 0.4),
    "demixed-giant-b": StatePoint(1.0, 0.35, 2.0, 0.2),
}
"""Six mixtures of one liquid, from the ideal one to one near its critical point, and six of two liquids; of each kind
one with B of half, of one and a half and of twice the size."""

BLOCKS = 10
"""Blocks of 20 τ."""
FRAMES = 4
"""Frames that are kept, one a block, the last ones."""


def simulate_named(
    finished: Mapping[StatePoint, Path],
    profile: Profile,
    densities: Mapping[str, float],
    work: Path,
    output: Path,
    names: Iterable[str] = tuple(NAMED),
    n_blocks: int = BLOCKS,
) -> pd.DataFrame:
    """Simulate named states, and write their frames and the correlations of their stress.

    Parameters
    ----------
    finished : mapping of StatePoint to Path
        Folders of finished jobs, see `ljmix.data.collect.find_finished`.
    profile : Profile
        They were simulated with.
    densities : mapping of str to float
        Mean number density by `state_id`, 1/σ_AA³.
    work : Path
        Folder for the runs; blocks that are finished are not repeated.
    output : Path
        Folder of ``NAME.gsd`` and ``stress.parquet``.
    names : iterable of str
        Keys of `NAMED`.
    n_blocks : int
        Blocks of 20 τ, at least as many as frames are kept.

    Returns
    -------
    pandas.DataFrame
        The table ``stress``: `name`, `state_id`, `time` (τ), `correlation` = V ⟨σ(0) σ(t)⟩ / T*, mean over five
        independent shears (its integral is the viscosity, √(m ε)/σ_AA²), `correlation_sem` from the scatter of blocks.

    Raises
    ------
    ValueError
        If a name is unknown, or its state is not finished or has no density, or there are fewer blocks than frames.
    """
    names = list(names)
    _require(names, finished, densities)
    if n_blocks < FRAMES:
        raise ValueError(f"n_blocks = {n_blocks}: at least {FRAMES} are needed, one for each frame")
    output.mkdir(parents=True, exist_ok=True)
    tables = []
    for name in names:
        state = NAMED[name]
        folder = work / f"named-{name}"
        last = read_last(finished[state], state, profile)
        start = _at_density(last, state, densities[state.state_id])
        blocks = run_blocks(state, start, n_blocks, folder)
        _write_frames(state, start, blocks[-FRAMES:], output / f"{name}.gsd")
        time, mean, error = stress_correlation(state, start, blocks)
        columns = {"time": time, "correlation": mean, "correlation_sem": error}
        tables.append(pd.DataFrame({"name": name, "state_id": state.state_id} | columns))
    table = pd.concat(tables, ignore_index=True)
    write_table(table, output / "stress.parquet", dict(describe_provenance(profile.name)))
    return table


def _known(names: Iterable[str]) -> list[str]:
    for name in names:
        if name not in NAMED:
            raise ValueError(f"name = {name!r} is unknown; choose from {', '.join(NAMED)}")
    return list(names)


def _require(names: list[str], finished: Mapping[StatePoint, Path], densities: Mapping[str, float]) -> None:
    for name in _known(names):
        if NAMED[name] not in finished:
            raise ValueError(f"{name} ({NAMED[name].state_id}) is not finished; the campaign has to simulate it first")
        if NAMED[name].state_id not in densities:
            raise ValueError(f"{name} ({NAMED[name].state_id}) is not in the dataset, which tells its density")


def _at_density(last: Configuration, state: StatePoint, number_density: float) -> Configuration:
    """The same places in a box of the mean volume, from which that of a moment differs, and fresh velocities."""
    n = len(last.types)
    edge = (n / number_density) ** (1 / 3)
    velocities = draw_velocities(state.temperature, n, start_seed(state, "named", 0))
    return replace(last, positions=last.positions * (edge / last.box_edge), velocities=velocities, box_edge=edge)


def _write_frames(state: StatePoint, start: Configuration, blocks: Iterable[Block], path: Path) -> None:
    """Frames as engines write them: what they log is what `ljmix.potentials.frames` reads."""
    with replace_when_whole(path) as part, gsd.hoomd.open(part, "w") as file:
        for number, block in enumerate(blocks):
            frame = make_frame(number, block["positions"], start.types, start.box_edge, state.size_ratio)
            frame.log = {
                "particles/force": block["forces"].astype(np.float32),
                "thermo/volume": np.array([start.box_edge**3]),
                **{f"thermo/{key}": block[key][None] for key in ("temperature", "pressure", "potential_energy")},
            }
            file.append(frame)


def main(arguments: Iterable[str] | None = None) -> None:
    """Simulate the named states from the command line."""
    parser = argparse.ArgumentParser(description="Frames with forces, and stress, of twelve named states.")
    parser.add_argument("action", choices=("list", "simulate"))
    parser.add_argument("--names", nargs="+", default=list(NAMED), help="which ones; by default all")
    parser.add_argument("--results", type=Path, default=Path("results", "equilibrium"), help="folder of the campaign")
    parser.add_argument("--data", type=Path, default=Path("data", "reference"), help="folder of version 2's tables")
    parser.add_argument("--work", type=Path, default=Path("results", "named"), help="folder for the runs")
    parser.add_argument("--output", type=Path, default=Path("results", "named", "shipped"), help="folder to write to")
    options = parser.parse_args(None if arguments is None else list(arguments))
    with one_sentence(parser):
        if options.action == "list":
            print("\n".join(f"{name:16s} {state.state_id}" for name, state in NAMED.items()))
            return
        profile, states = load_profile("equilibrium"), read_dataset(options.data).states
        asked = [NAMED[name] for name in _known(options.names)]
        report = run_campaign(asked, profile, options.results, "lammps")
        if report.failed:
            raise RuntimeError(str(report))
        finished = find_finished(options.results, profile)
        densities = dict(zip(states["state_id"], states["number_density"].astype(float), strict=True))
        table = simulate_named(finished, profile, densities, options.work, options.output, options.names)
        print(f"{options.output}: {table['name'].nunique()} states")


if __name__ == "__main__":
    main()
