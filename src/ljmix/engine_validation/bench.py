"""The start of LAMMPS' bench/in.lj: 32 000 particles on an fcc lattice, with velocities from its own generator.

The velocities are data, shipped as ``data/validation/bench_velocities.parquet``, so that engines without LAMMPS'
generator begin where the published run began. The following writes them anew; it needs LAMMPS::

    python -m ljmix.engine_validation.bench
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from ljmix._util.command import one_sentence
from ljmix.configuration import Configuration
from ljmix.data.dataset import write_table
from ljmix.engine_validation.systems import BENCH, FCC, place_on_lattice
from ljmix.simulation.engines.lammps import LammpsEngine

__all__ = ["BENCH_FILE", "bench_start", "draw_bench_velocities"]

BENCH_FILE = "bench_velocities.parquet"
CELLS, DENSITY = 20, 0.8442

_COMMANDS = f"""
units lj
atom_style atomic
lattice fcc {DENSITY}
region box block 0 {CELLS} 0 {CELLS} 0 {CELLS}
create_box 1 box
create_atoms 1 box
mass 1 1.0
velocity all create {BENCH.temperature} 87287 loop geom
"""


def bench_start(directory: Path) -> Configuration:
    """Build the start from the shipped velocities.

    Parameters
    ----------
    directory : Path
        Folder of ``bench_velocities.parquet``.

    Raises
    ------
    FileNotFoundError
        If the file is not there.
    """
    path = directory / BENCH_FILE
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} does not exist; where LAMMPS is installed, python -m ljmix.engine_validation.bench writes it"
        )
    start = place_on_lattice(FCC, CELLS, DENSITY, BENCH.fraction_b, BENCH.temperature)
    return replace(start, velocities=pd.read_parquet(path)[["x", "y", "z"]].to_numpy(dtype=float))


def draw_bench_velocities() -> pd.DataFrame:
    """Let LAMMPS make the bench's particles; return their velocities in the order of `place_on_lattice`.

    Raises
    ------
    RuntimeError
        If LAMMPS is not installed, or its lattice is not ours.
    """
    lmp = LammpsEngine().start()
    try:
        lmp.commands_list(_COMMANDS.split("\n"))
        order = np.argsort(lmp.numpy.extract_atom("id"))
        positions, velocities = (np.array(lmp.numpy.extract_atom(name))[order] for name in "xv")
    finally:
        lmp.close()
    ours = place_on_lattice(FCC, CELLS, DENSITY, BENCH.fraction_b, BENCH.temperature).positions
    if not np.allclose(positions - positions[0], ours - ours[0], atol=1e-9):
        raise RuntimeError("LAMMPS orders the lattice of its bench in another way than place_on_lattice")
    return pd.DataFrame(velocities.astype(np.float32), columns=["x", "y", "z"])


def main() -> None:
    """Write the velocities, from the command line."""
    parser = argparse.ArgumentParser(description="Write the velocities of LAMMPS' bench/in.lj at step 0.")
    parser.add_argument("--output", type=Path, default=Path("data", "validation"), help="folder to write to")
    options = parser.parse_args()
    with one_sentence(parser):
        write_table(draw_bench_velocities(), options.output / BENCH_FILE, {"source": "LAMMPS bench/in.lj"})


if __name__ == "__main__":
    main()
