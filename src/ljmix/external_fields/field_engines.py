"""Particles in an external field, with LAMMPS or HOOMD-blue: places and forces, sample by sample.

Both integrate with velocity Verlet and rescale velocities by Bussi, Donadio and Parrinello (2007,
doi:10.1063/1.2408420). Both ask Python for the field's force at every step.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ljmix._util.arrays import FloatArray
from ljmix.simulation.engine import TIME_STEP
from ljmix.simulation.engines.boxes import open_box
from ljmix.simulation.engines.lammps import plain_folder
from ljmix.state import CUTOFF

__all__ = ["ENGINES", "FieldSystem", "PairTable", "pair_commands", "sample_field"]

ENGINES = ("lammps", "hoomd")
_SETTLE_STEPS, _SETTLE_TIME, _BATH_TIME = 500, 0.1, 0.2
_FURTHEST = 0.05
"""Furthest that a particle moves in one of the first steps, σ: some were placed too close."""


@dataclass(frozen=True)
class PairTable:
    """A pair potential in a file of LAMMPS' ``pair_style table``, as `ljmix.potentials` writes it.

    Parameters
    ----------
    path : Path
    section : str
        Which of the file's tables.

    Raises
    ------
    ValueError
        If the file has no such section.
    """

    path: Path
    section: str = "AA"

    def __post_init__(self) -> None:
        self.lammps_commands(self.path)

    def lammps_commands(self, path: Path) -> list[str]:
        """Commands for particles of one kind; the table is read from `path`, a copy of a plain name."""
        lines = self.path.read_text(encoding="utf-8").splitlines()
        try:
            header = lines[lines.index(self.section) + 1].split()
            # "N <points> RSQ <first> <last>"
            points, cutoff = int(header[1]), float(header[4])
        except (ValueError, IndexError):
            raise ValueError(f"{self.path} has no section {self.section} with a line N … RSQ …") from None
        return [f"pair_style table linear {points}", f"pair_coeff * * {path} {self.section} {cutoff:.15g}"]


def pair_commands(pair: PairTable | None, stack: ExitStack) -> list[str]:
    """Commands for a table, whose copy of a plain name lives as long as the stack; without one for Lennard-Jones."""
    if pair is None:
        return [f"pair_style lj/cut {CUTOFF}", "pair_modify shift yes", "pair_coeff 1 1 1 1"]
    copy = stack.enter_context(plain_folder()) / "pair.table"
    copy.write_bytes(pair.path.read_bytes())
    return pair.lammps_commands(copy)


@dataclass(frozen=True)
class FieldSystem:
    """What is simulated.

    Attributes
    ----------
    temperature : float
        T*.
    edges : (3,) array
        Of the periodic box, σ; one corner is the origin.
    places : (count, 3) array
        To begin from.
    force : callable
        Force of the field on particles at (count, 3) places inside the box, ε/σ.
    seed : int
    pair : PairTable, optional
        Instead of the truncated and shifted Lennard-Jones potential; with LAMMPS only.
    """

    temperature: float
    edges: FloatArray
    places: FloatArray
    force: Callable[[FloatArray], FloatArray]
    seed: int
    pair: PairTable | None = None


def sample_field(
    system: FieldSystem, engine: str, equilibration: int, steps: int, interval: int
) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Run at constant N, V and T, and give places and total forces, (count, 3) each, every `interval` steps.

    Raises
    ------
    ValueError
        If the engine is unknown, or has no table of a pair potential.
    RuntimeError
        If the engine cannot be loaded, or loses particles.
    """
    if engine not in ENGINES:
        raise ValueError(f"engine = {engine!r}: choose from {', '.join(ENGINES)}")
    if engine == "hoomd" and system.pair is not None:
        raise ValueError("engine = 'hoomd': tables of pair potentials are run by lammps")
    sampled = _sample_lammps if engine == "lammps" else _sample_hoomd
    return sampled(system, equilibration, steps, interval)


def _sample_lammps(
    system: FieldSystem, equilibration: int, steps: int, interval: int
) -> Iterator[tuple[FloatArray, FloatArray]]:
    count, t, seed = len(system.places), system.temperature, system.seed
    with ExitStack() as stack:
        lmp = open_box(stack, system.edges, system.places, [1] * count, pair_commands(system.pair, stack))

        def push(_caller: Any, _step: int, here: int, _tag: Any, x: FloatArray, f: FloatArray) -> None:
            f[:here] = system.force(x[:here] % system.edges)

        lmp.command("fix field all external pf/callback 1 1")
        lmp.set_fix_external_callback("field", push, lmp)
        lmp.commands_list(
            [
                f"velocity all create {t} {seed + 1} mom yes", f"fix limit all nve/limit {_FURTHEST}",
                f"fix bath all temp/csvr {t} {t} {_SETTLE_TIME} {seed + 2}", "thermo 100000000",
                f"run {_SETTLE_STEPS} post no", "unfix limit", "unfix bath",
                "fix move all nve", f"fix bath all temp/csvr {t} {t} {_BATH_TIME} {seed + 3}",
                # The field takes momentum along z; only two components are conserved.
                "compute_modify bath_temp extra/dof 2", f"run {equilibration} post no",
            ]
        )  # fmt: skip
        for _ in range(steps // interval):
            lmp.command(f"run {interval} pre no post no")
            yield lmp.numpy.extract_atom("x")[:count] % system.edges, lmp.numpy.extract_atom("f")[:count]


def _sample_hoomd(
    system: FieldSystem, equilibration: int, steps: int, interval: int
) -> Iterator[tuple[FloatArray, FloatArray]]:
    try:
        hoomd: Any = importlib.import_module("hoomd")
        importlib.import_module("hoomd.md")
    except ImportError as error:
        raise RuntimeError(f"engine hoomd cannot be loaded ({error}); see docs/engines.md") from error
    count, edges = len(system.places), system.edges
    # HOOMD-blue's boxes have their centre at the origin.
    snapshot = hoomd.Snapshot()
    snapshot.configuration.box = [*edges, 0, 0, 0]
    snapshot.particles.N, snapshot.particles.types = count, ["A"]
    snapshot.particles.position[:] = system.places - edges / 2

    class Field(hoomd.md.force.Custom):  # type: ignore[misc,unused-ignore]
        def set_forces(self, timestep: int) -> None:
            with self.cpu_local_force_arrays as arrays, self._state.cpu_local_snapshot as data:
                here = np.array(data.particles.position, dtype=float)
                arrays.force[:] = system.force((here + edges / 2) % edges)

    simulation = hoomd.Simulation(device=hoomd.device.CPU(notice_level=1), seed=system.seed & 0xFFFF)
    simulation.create_state_from_snapshot(snapshot)
    everything = hoomd.filter.All()
    lj = hoomd.md.pair.LJ(nlist=hoomd.md.nlist.Tree(buffer=0.3), mode="shift")
    lj.params[("A", "A")], lj.r_cut[("A", "A")] = {"epsilon": 1.0, "sigma": 1.0}, CUTOFF
    field = Field()
    simulation.state.thermalize_particle_momenta(filter=everything, kT=system.temperature)
    limited = hoomd.md.methods.DisplacementCapped(filter=everything, maximum_displacement=_FURTHEST)
    simulation.operations.integrator = hoomd.md.Integrator(dt=TIME_STEP, methods=[limited], forces=[lj, field])
    simulation.run(_SETTLE_STEPS)
    bath = hoomd.md.methods.thermostats.Bussi(kT=system.temperature, tau=_BATH_TIME)
    simulation.operations.integrator.methods = [hoomd.md.methods.ConstantVolume(filter=everything, thermostat=bath)]
    simulation.state.thermalize_particle_momenta(filter=everything, kT=system.temperature)
    simulation.run(equilibration)
    for _ in range(steps // interval):
        simulation.run(interval)
        snapshot = simulation.state.get_snapshot()
        net = np.asarray(lj.forces) + np.asarray(field.forces)
        yield (snapshot.particles.position.astype(float) + edges / 2) % edges, net
