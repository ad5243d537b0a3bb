"""What a simulation engine promises, and which one runs.

An engine is one function, `advance`: from a start or a checkpoint it integrates one segment of a `Mixture` (for
campaigns a state point at constant temperature and pressure, Δt = 0.005 τ), writes a frame every `frame_interval`
steps and a checkpoint at the end. Every segment begins from a checkpoint file, also when nothing was interrupted: so
a run that was killed and resumed gives the same bytes as one that was not.

Where a segment asks for Monte Carlo moves (`ljmix.simulation.engines.moves`), the engine stops every few steps, hands
over its positions and species, takes them back, computes all forces anew, and goes on with the velocities that it had.

Each frame of the GSD file holds positions, types and diameters, and in its log the `THERMO` quantities and
the force on every particle (``particles/force``, ε_AA/σ_AA). Nothing else in it is to be relied on: HOOMD-blue's first
frame has velocities too, which readers take for those of all frames.
"""

from __future__ import annotations

import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ljmix._util.checks import shorten
from ljmix.simulation.engines.moves import Moves, Tally

__all__ = [
    "BAROSTAT_TIME",
    "DEVICES",
    "ENGINES",
    "ENSEMBLES",
    "THERMOSTATS",
    "TIME_STEP",
    "Engine",
    "ForceField",
    "Mixture",
    "Segment",
    "check_names",
    "load_engine",
]

ENGINES = ("hoomd", "lammps")
THERMOSTATS = {"hoomd": "Bussi-Donadio-Parrinello", "lammps": "Nosé-Hoover"}
DEVICES = ("auto", "cpu", "gpu")
ENSEMBLES = ("NPT", "NPZT", "NVT", "NVE")
"""NPT: the cube breathes. NPZT: the box changes its length along z only, under the pressure there, as a slab needs it;
frames log the diagonal of the pressure tensor, too (`ljmix.configuration.TENSOR`)."""

TIME_STEP = 0.005
"""Integration step, τ.

Thermostats hold the kinetic energy at the steps. Velocity Verlet has more of it between them, where it matches the
forces: by the share Ω² Δt²/4 with Ω² = ⟨F²⟩/(3 m k_B T) (exact for springs), 0.1 % at T* = 1, P* = 1, where Ω² is 180.
The liquid is as much hotter than T*, with either engine.
"""
BAROSTAT_TIME = 5.0
"""Relaxation time of the barostat, τ."""


class Mixture(Protocol):
    """What an engine needs to know of a binary Lennard-Jones mixture: a `StatePoint`, or any other like it."""

    @property
    def temperature(self) -> float:
        """T* of the thermostat."""
        ...

    @property
    def pressure(self) -> float:
        """P* of the barostat."""
        ...

    def sigma(self, pair: str) -> float:
        """Diameter σ_ij, σ_AA."""
        ...

    def epsilon(self, pair: str) -> float:
        """Well depth ε_ij, ε_AA."""
        ...

    def cutoff(self, pair: str) -> float:
        """Distance where the potential is cut and shifted to zero, σ_AA."""
        ...


class ForceField(Protocol):
    """What particles feel in place of Lennard-Jones: a learned potential, for instance (`ljmix.potentials`)."""

    @property
    def key(self) -> str:
        """Name that changes with any of its numbers: runs with another force field are other runs."""
        ...

    def lammps_commands(self, folder: Path) -> list[str]:
        """Commands from ``pair_style`` on; files that they need are written to `folder`, whose name is plain."""
        ...

    def hoomd_force(self, hoomd: Any, neighbours: Any) -> Any:
        """Force of HOOMD-blue's on a neighbour list.

        Raises
        ------
        RuntimeError
            If it has none there.
        """
        ...


@dataclass(frozen=True)
class Segment:
    """One resumable piece of a run.

    Attributes
    ----------
    source : Path
        ``initial.gsd``, or the checkpoint that the segment before it wrote.
    frames, checkpoint : Path
        Files to write.
    steps, frame_interval : int
        Length, and distance between two frames; the first frame lies one interval after the source.
    ensemble : {"NPT", "NPZT", "NVT", "NVE"}
        What is kept constant. A checkpoint may go on in another ensemble.
    time_step : float
        τ.
    moves : Moves, optional
        Monte Carlo moves; those due at the step of a frame, or at the end, are made after it is written.
    seed : int
        Of the moves: the random numbers of each interruption come from this and its step.

    Raises
    ------
    ValueError
        If the ensemble is unknown, or frames do not fall on interruptions.
    """

    source: Path
    frames: Path
    checkpoint: Path
    steps: int
    frame_interval: int
    ensemble: str = "NPT"
    time_step: float = TIME_STEP
    moves: Moves | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.moves is not None and self.frame_interval % self.moves.interval:
            raise ValueError(
                f"frame_interval = {self.frame_interval}: must be a multiple of the interval of the moves, "
                f"{self.moves.interval}"
            )
        if self.ensemble not in ENSEMBLES:
            raise ValueError(f"ensemble = {self.ensemble!r} is unknown; choose one of {', '.join(ENSEMBLES)}")


class Engine(Protocol):
    """An engine as loaded by `load_engine`; one with a force field of its own is named ``lammps+<its key>``."""

    name: str
    version: str
    device: str

    @property
    def device_name(self) -> str:
        """The device in words, recorded with each result."""
        ...

    def try_out(self) -> None:
        """Start the engine and end it, to see whether it starts here."""
        ...

    def advance(self, mixture: Mixture, segment: Segment) -> Tally:
        """Integrate one segment and write its files.

        Returns
        -------
        Tally
            What the segment's moves have done; of nothing where it has none.

        Raises
        ------
        RuntimeError
            If the engine fails; the message is the engine's own.
        """
        ...


def check_names(name: str, device: str) -> None:
    """Raise a ValueError if an engine or device is unknown; see `load_engine`."""
    if not isinstance(name, str) or name not in ("auto", *ENGINES):
        raise ValueError(f"engine = {shorten(name)} is unknown; choose auto, {' or '.join(ENGINES)}")
    kind, colon, index = device.partition(":") if isinstance(device, str) else ("", "", "")
    # A digit of another script is one to isdigit, and none to a driver.
    if kind not in DEVICES or (colon and (kind != "gpu" or not re.fullmatch("[0-9]{1,4}", index))):
        raise ValueError(f"device = {shorten(device)} is unknown; choose auto, cpu, gpu or gpu:<index>")


def load_engine(name: str | Engine = "auto", device: str = "auto", force_field: ForceField | None = None) -> Engine:
    """Load an engine.

    Parameters
    ----------
    name : {"auto", "hoomd", "lammps"} or Engine
        ``"auto"`` takes HOOMD-blue where it is installed, and the embedded LAMMPS elsewhere. An engine is returned as
        it is.
    device : {"auto", "cpu", "gpu"} or "gpu:<index>"
        ``"auto"`` takes a GPU where the engine finds one. ``"gpu"`` demands it.
    force_field : ForceField, optional
        In place of the mixture's own Lennard-Jones potential.

    Raises
    ------
    ValueError
        If the name or the device is unknown.
    RuntimeError
        If the engine is not installed, or the demanded device is missing.
    """
    if not isinstance(name, str):
        return name
    check_names(name, device)
    if name == "auto":
        name = "hoomd" if importlib.util.find_spec("hoomd") else "lammps"
    if name == "hoomd":
        from ljmix.simulation.engines.hoomd import HoomdEngine

        return HoomdEngine(device, force_field)
    from ljmix.simulation.engines.lammps import LammpsEngine

    return LammpsEngine(device, force_field)
