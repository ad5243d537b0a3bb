"""Particles in a periodic box of LAMMPS, ready to be sampled: what studies of single fluids begin from."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from ljmix._util.arrays import FloatArray
from ljmix.simulation.engine import TIME_STEP
from ljmix.simulation.engines.lammps import LammpsEngine

__all__ = ["open_box", "start_uniform"]


def open_box(
    stack: ExitStack,
    edges: Sequence[float] | FloatArray,
    places: FloatArray,
    types: Sequence[int],
    interactions: Sequence[str],
    n_types: int = 1,
) -> Any:
    """Start LAMMPS with particles in a box whose corner is the origin, and push apart those that are too close.

    Parameters
    ----------
    stack : contextlib.ExitStack
        Closes it.
    edges : (3,) sequence or array
        σ.
    places : (count, 3) array
        Inside the box, σ.
    types : sequence of int
        From 1 to `n_types`.
    interactions : sequence of str
        LAMMPS commands for pairs.
    n_types : int
        Species that these know, though there may be no particle of one.

    Returns
    -------
    lammps.lammps

    Raises
    ------
    RuntimeError
        If LAMMPS does not take all particles.
    """
    lmp = LammpsEngine().start()
    stack.callback(lmp.close)
    box = " ".join(f"0 {edge}" for edge in edges)
    lmp.commands_list(
        [
            "units lj", "atom_style atomic", "atom_modify map array",
            f"region box block {box}", f"create_box {n_types} box", "mass * 1",
        ]
    )  # fmt: skip
    lmp.create_atoms(len(places), None, list(types), places.ravel().tolist())
    if lmp.get_natoms() != len(places):
        raise RuntimeError(f"LAMMPS took {lmp.get_natoms()} of {len(places)} particles")
    lmp.commands_list(
        [
            *interactions, "neighbor 0.3 bin", "neigh_modify delay 0 every 2 check yes", f"timestep {TIME_STEP}",
            "minimize 0 1e-1 60 120",
        ]
    )  # fmt: skip
    return lmp


def start_uniform(lmp: Any, temperature: float, seed: int, equilibration: int, pressure_every: int) -> None:
    """Equilibrate a box at constant volume and temperature; ``run … pre no post no`` goes on.

    Parameters
    ----------
    lmp : lammps.lammps
        From `open_box`.
    temperature : float
        T*.
    seed : int
    equilibration : int
        Steps of 0.005 τ.
    pressure_every : int
        Steps between two values of the compute ``forces``, the pressure without its ideal part.
    """
    t = temperature
    lmp.commands_list(
        [
            f"velocity all create {t} {seed + 1} mom yes", "fix move all nve",
            f"fix bath all temp/csvr {t} {t} 0.2 {seed + 2}",
            "compute forces all pressure NULL virial", "thermo_style custom step c_forces",
            f"thermo {pressure_every}", f"run {equilibration} post no",
        ]
    )  # fmt: skip
