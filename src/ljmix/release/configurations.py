"""Last positions that version 2 ships, for figures: the states of which version 1 shipped them.

::

    python -m ljmix.release.configurations --data results/version2     # into its configurations/; resumable

Where a state is as version 1 left it, so is its file. Parts keep no positions: the run that counts of a state that was
simulated again is taken again, from its start and until it had settled (`ljmix.release.diffusion.settle_again`).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ljmix._util.command import one_sentence
from ljmix.configuration import write_configuration
from ljmix.data.configurations import read_configurations, record_configurations
from ljmix.data.dataset import Dataset, read_dataset
from ljmix.data.reference import SHIPPED_CONFIGURATIONS, shipped_folder
from ljmix.release.diffusion import settle_again
from ljmix.release.part_files import read_part
from ljmix.simulation.engine import Engine, load_engine
from ljmix.simulation.profiles import load_profile

__all__ = ["carry_configurations"]


def carry_configurations(
    dataset: Dataset, shipped: Path, parts: Path, results: Path, output: Path, engine: Engine
) -> None:
    """Write the last positions of `SHIPPED_CONFIGURATIONS` for version 2.

    Parameters
    ----------
    dataset : Dataset
        Version 2.
    shipped : Path
        Folder of version 1, with its ``configurations/``.
    parts : Path
        Folder of the campaign's parts.
    results : Path
        For the runs that are taken again.
    output : Path
        Folder to write to.
    engine : Engine

    Raises
    ------
    ValueError
        If a state is not in the dataset, or version 1 keeps no positions of one that was not simulated again.
    """
    profile, version = load_profile("equilibrium"), dataset.states.set_index("state_id")["version"]
    names = [state.state_id for state in SHIPPED_CONFIGURATIONS]
    missing = sorted(set(names) - set(version.index))
    if missing:
        raise ValueError(f"{missing[0]} is not in the dataset, whose positions version 1 ships")
    old = [name for name in names if version[name] == 1]
    kept = read_configurations(read_dataset(shipped), shipped / "configurations", old)
    for state in tqdm(SHIPPED_CONFIGURATIONS, unit="state", desc="configurations"):
        last = kept.get(state.state_id)
        if version[state.state_id] != 1:
            header = read_part(parts / f"{state.state_id}.npz").header
            last = settle_again(results / state.state_id, header, profile, engine)
        elif last is None:
            raise ValueError(f"{shipped} keeps no positions of {state.state_id}, which was not simulated again")
        still = replace(last, velocities=np.zeros_like(last.positions))
        write_configuration(still, state.size_ratio, output / f"{state.state_id}.gsd")
    record_configurations(dataset, output, names)


def main(arguments: Iterable[str] | None = None) -> None:
    """Write them from the command line."""
    parser = argparse.ArgumentParser(description="Last positions of a few states, for version 2.")
    parser.add_argument("--data", type=Path, required=True, help="folder of version 2; they go to its configurations/")
    parser.add_argument("--version1", type=Path, help="folder of version 1; by default data/reference")
    parser.add_argument("--parts", type=Path, help="folder of the campaign's parts; by default data/parts")
    parser.add_argument("--results", type=Path, default=Path("results", "configurations"), help="folder of the runs")
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--device", default="auto")
    options = parser.parse_args(None if arguments is None else list(arguments))
    with one_sentence(parser):
        carry_configurations(
            read_dataset(options.data),
            options.version1 or shipped_folder() / "reference",
            options.parts or shipped_folder() / "parts",
            options.results,
            options.data / "configurations",
            load_engine(options.engine, options.device),
        )


if __name__ == "__main__":
    main()
