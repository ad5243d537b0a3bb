"""The first engine: HOOMD-blue, on a GPU where there is one.

Written against the interface that versions 4.8 to 7.2 share. What changed in between and touches us, with its
source (numbers are pull requests and issues of glotzerlab/hoomd-blue; "changelog" is its CHANGELOG.rst, from 7.2 on
the notes of its releases; those of 7.1.2 we have not seen):

========  ============================================================  ==========================================
version   change                                                        here
========  ============================================================  ==========================================
5.0       ``GPU(gpu_ids=…)`` is gone, ``gpu_id`` stays (1664, 1706)     only ``gpu_id`` is used
5.0       ``num_cpu_threads`` and TBB are gone (1650)                   one core a process, never set
5.0       ``Snapshot.from_gsd_snapshot`` is gone (1888)                 checkpoints are read by `_restore`
5.3       the GSD writer flushes by itself every 10 s, and its buffer   flushed once, at the end of a segment; the
          shrinks to 1 MB (2085; gsd 429)                               rest is left to its defaults
6.1.0     the GSD writer may write no frame at all (2234)               refused (`_BROKEN`)
7.0       writes GSD schema 2, which needs gsd >= 5 (changelog)         gsd >= 5 in every environment
7.0, 7.1  nothing else for pair.LJ, ConstantPressure, ConstantVolume,   –
          nlist.Cell (changelog); for Bussi, none of the threads that
          name it is younger than 4.8 (1618, 1619, 1809)
7.2       boxes may be deformed in time (2122); 7.2.1: Helfrich forces  –
          and periodic fields in two dimensions (2376, 2349)
========  ============================================================  ==========================================

Precision: released builds are mixed (``hoomd.version.floating_point_precision`` is (64, 32)): coordinates, sums and
integration in double, and what is declared as ``ShortReal`` in single precision. In version 4.8 the Lennard-Jones
forces are not (md/EvaluatorPairLJ.h, md/PotentialPair.h), and it shows: on the CPU, energy and pressure of LAMMPS'
bench are LAMMPS' own to 2e-11, also after 100 steps from one start. Frames hold positions in single precision with
both engines; checkpoints hold everything in double.

Overhead over a bare HOOMD-blue script with the same settings and no output, CPU time, interleaved: with a frame every
100 steps at N 1200, 1.3 % by the minimum of five rounds and 2.6 % by the median; every 200 steps at N 2000, below what
can be measured (-0.7 and -0.4 % of six). Frames go through the GSD writer's buffer; Python reads nothing in between.
"""

from __future__ import annotations

import importlib
import warnings
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ljmix._util.reading import read_arrays
from ljmix.configuration import TENSOR
from ljmix.simulation.engine import BAROSTAT_TIME, ForceField, Mixture, Segment
from ljmix.simulation.engines.moves import NO_MOVES, NOTHING, Moves, Tally, apply_moves
from ljmix.state import PAIRS

__all__ = ["HoomdEngine"]

_BUFFER = 0.3
"""Skin of the neighbour list, σ_AA.

Million atom-steps a CPU second (version 4.8.2, one core, N 900 to 1600, T* = 1, best of three interleaved rounds):

========  ========  ========  ========  ========  ========  ========
S, C_B    Cell 0.2  Cell 0.3  Cell 0.4  Cell 0.5  Tree 0.3  Tree 0.4
========  ========  ========  ========  ========  ========  ========
0.5, 0.5      0.39      0.49      0.55      0.59      0.95      0.95
1.0, 0.5      0.79      0.86      0.85      0.69      0.87      0.86
1.5, 0.5      0.50      0.58      0.62      0.65      0.79      0.81
2.0, 0.1      0.49      0.58      0.63      0.64      0.83      0.84
========  ========  ========  ========  ========  ========  ========

On the CPU the tree wins everywhere, most where diameters differ: a cell list has one width, that of the largest
cut-off. On a GPU, unmeasured so far, the cell list stays. A shorter skin also leaves more room in small boxes.
"""

_THERMOSTAT_TIME = 0.5
"""Relaxation time of the thermostat, τ, as LAMMPS'.

The thermostat is that of Bussi, Donadio and Parrinello (doi:10.1063/1.2408420), which draws the kinetic energy from
its canonical distribution. HOOMD-blue's Nosé-Hoover one has no chain: at 0.5 τ the heat of the first compression
swings between thermostat and liquid for more than 50 τ; and it holds the kinetic energy between the steps instead of
that at the steps (version 4.8.2, md/TwoStepConstantPressure.cc; `ljmix.simulation.engine.TIME_STEP`).
"""

_BROKEN = {"6.1.0": "may write empty trajectories (https://github.com/glotzerlab/hoomd-blue/issues/2234)"}
_WAYS_OUT = "update the driver, install the build for your CUDA version (environment.yml), or choose device = 'cpu'"


class HoomdEngine:
    """HOOMD-blue on one GPU or one CPU core."""

    def __init__(self, device: str = "auto", force_field: ForceField | None = None) -> None:
        self.force_field = force_field
        self.name = "hoomd" if force_field is None else f"hoomd+{force_field.key}"
        try:
            # By its full name, since this module shares it.
            self._hoomd = importlib.import_module("hoomd")
            importlib.import_module("hoomd.md")
        except (ImportError, OSError) as error:
            raise RuntimeError(
                f"engine hoomd cannot be loaded ({error}); install it from conda-forge (environment.yml), "
                "or choose engine = 'lammps'"
            ) from error
        self.version = str(self._hoomd.version.version)
        if self.version in _BROKEN:
            raise RuntimeError(
                f"HOOMD-blue {self.version} {_BROKEN[self.version]}; install another version, "
                "or choose engine = 'lammps'"
            )
        self._device, self.device = self._select_device(device)

    def _select_device(self, device: str) -> tuple[Any, str]:
        kind, _, index = device.partition(":")
        if kind == "cpu" or (kind == "auto" and not self._hoomd.version.gpu_enabled):
            return self._hoomd.device.CPU(notice_level=1), "cpu"
        gpus, reasons = self._find_gpus()
        if not gpus:
            trouble = f"HOOMD-blue {self.version} {reasons}"
            if kind == "gpu":
                raise RuntimeError(f"device = {device!r}: {trouble}; {_WAYS_OUT}")
            warnings.warn(f"{trouble}, so it runs on the CPU; {_WAYS_OUT}", stacklevel=2)
            return self._hoomd.device.CPU(notice_level=1), "cpu"
        if index and int(index) >= len(gpus):
            raise RuntimeError(f"device = {device!r}: there are {len(gpus)} GPUs, numbered from 0: {'; '.join(gpus)}")
        try:
            gpu = self._hoomd.device.GPU(gpu_id=int(index) if index else None, notice_level=1)
        except RuntimeError as error:
            # A device that is listed can still refuse: taken by another process in exclusive mode, for instance.
            raise RuntimeError(
                f"device = {device!r}: HOOMD-blue {self.version} cannot use the GPU ({_one_line(error)}); {_WAYS_OUT}"
            ) from error
        return gpu, f"gpu:{index}" if index else "gpu"

    def _find_gpus(self) -> tuple[list[str], str]:
        """List the usable GPUs; if there is none, say why."""
        if not self._hoomd.version.gpu_enabled:
            return [], "was built without GPU support"
        gpus = list(self._hoomd.device.GPU.get_available_devices())
        reasons = "; ".join(map(_one_line, self._hoomd.device.GPU.get_unavailable_device_reasons()))
        return gpus, f"finds no usable GPU ({reasons})" if reasons else "finds no usable GPU"

    @property
    def device_name(self) -> str:
        """Name of the device as HOOMD-blue prints it."""
        return str(self._device.device)

    def try_out(self) -> None:
        """Nothing more to start: the device was opened when the engine was loaded."""

    def advance(self, mixture: Mixture, segment: Segment) -> Tally:
        """Integrate one segment; see `ljmix.simulation.engine`."""
        if segment.moves and self.force_field:
            raise ValueError(NO_MOVES)
        try:
            return self._integrate(mixture, segment)
        except RuntimeError as error:
            raise RuntimeError(f"HOOMD-blue: {_one_line(error)}") from error

    def _integrate(self, mixture: Mixture, segment: Segment) -> Tally:
        hoomd = self._hoomd
        simulation = hoomd.Simulation(device=self._device)
        method = self._make_method(mixture, segment.ensemble)
        lj = self._make_potential(mixture)
        if segment.source.suffix == ".gsd":
            simulation.create_state_from_gsd(str(segment.source))
            simulation.seed = _seed(simulation)
        else:
            _restore(simulation, method, segment.source, hoomd)
        # The barostat needs the pressure of the very first step, before any writer has asked for it.
        simulation.always_compute_pressure = segment.ensemble in ("NPT", "NPZT")
        simulation.operations.integrator = hoomd.md.Integrator(dt=segment.time_step, methods=[method], forces=[lj])
        writer = self._make_writer(simulation, lj, segment)
        simulation.operations.writers.append(writer)
        tally = NOTHING
        if segment.moves is None:
            simulation.run(segment.steps)
        else:
            for _ in range(0, segment.steps, segment.moves.interval):
                simulation.run(segment.moves.interval)
                tally += _move_particles(simulation, mixture, segment.moves, segment.seed)
                # The barostat's first half step would still use the pressure from before the moves, which its method
                # has computed for this step (version 4.8.2, Compute.cc); a new method has computed nothing.
                fresh = self._make_method(mixture, segment.ensemble)
                _hand_over(method, fresh)
                simulation.operations.integrator.methods = [fresh]
                method = fresh
        writer.flush()
        _save(simulation, method, segment.checkpoint)
        return tally

    def _make_method(self, mixture: Mixture, ensemble: str) -> Any:
        methods, everything = self._hoomd.md.methods, self._hoomd.filter.All()
        if ensemble == "NVE":
            return methods.ConstantVolume(filter=everything)
        thermostat = methods.thermostats.Bussi(kT=mixture.temperature, tau=_THERMOSTAT_TIME)
        if ensemble == "NVT":
            return methods.ConstantVolume(filter=everything, thermostat=thermostat)
        shape: dict[str, Any] = {"couple": "xyz"}
        if ensemble == "NPZT":
            shape = {"couple": "none", "box_dof": [False, False, True, False, False, False]}
        return methods.ConstantPressure(
            filter=everything, thermostat=thermostat, S=mixture.pressure, tauS=BAROSTAT_TIME, **shape
        )

    def _make_potential(self, mixture: Mixture) -> Any:
        md = self._hoomd.md
        neighbours = (md.nlist.Tree if self.device == "cpu" else md.nlist.Cell)(buffer=_BUFFER)
        if self.force_field is not None:
            return self.force_field.hoomd_force(self._hoomd, neighbours)
        lj = md.pair.LJ(nlist=neighbours, mode="shift")
        for pair in PAIRS:
            lj.params[tuple(pair)] = {"epsilon": mixture.epsilon(pair), "sigma": mixture.sigma(pair)}
            lj.r_cut[tuple(pair)] = mixture.cutoff(pair)
        return lj

    def _make_writer(self, simulation: Any, lj: Any, segment: Segment) -> Any:
        hoomd = self._hoomd
        thermo = hoomd.md.compute.ThermodynamicQuantities(filter=hoomd.filter.All())
        simulation.operations.computes.append(thermo)
        logger = hoomd.logging.Logger(categories=["scalar", "particle"])
        quantities: dict[str, Callable[[], float]] = {
            "temperature": lambda: thermo.kinetic_temperature,
            "pressure": lambda: thermo.pressure,
            "potential_energy": lambda: thermo.potential_energy / thermo.num_particles,
            "volume": lambda: thermo.volume,
        }
        if segment.ensemble == "NPZT":
            # HOOMD-blue's order is xx, xy, xz, yy, yz, zz.
            for name, place in zip(TENSOR, (0, 3, 5), strict=True):
                quantities[name] = partial(lambda place: thermo.pressure_tensor[place], place)
        for name, read in quantities.items():
            logger[("thermo", name)] = (read, "scalar")
        logger["force"] = (lambda: lj.forces, "particle")
        writer = hoomd.write.GSD(
            trigger=hoomd.trigger.Periodic(segment.frame_interval),
            filename=str(segment.frames),
            mode="wb",
            # Species and diameters are written once, unless moves change them.
            dynamic=["property", "attribute"] if segment.moves else ["property"],
            logger=logger,
        )
        writer.write_diameter = True
        return writer


def _one_line(message: object) -> str:
    """Join a message of several lines, without its final stop, to go into a sentence of ours."""
    return " ".join(str(message).split()).rstrip(".")


def _seed(simulation: Any) -> int:
    """Seed of the thermostat's random numbers, 16 bits: other starts, other noise.

    From the positions, since a random and a separated start of one state have the same velocities: with the same noise
    on top they would not be independent.
    """
    return zlib.crc32(simulation.state.get_snapshot().particles.position.tobytes()) & 0xFFFF


def _move_particles(simulation: Any, mixture: Mixture, moves: Moves, seed: int) -> Tally:
    """Make Monte Carlo moves in a snapshot, and hand it back.

    Not in a local snapshot: after species are changed there (version 4.8.2), `run` begins with the forces of the old
    ones. After `set_snapshot` it computes them anew.
    """
    snapshot = simulation.state.get_snapshot()
    rng = np.random.default_rng([seed, int(simulation.timestep)])
    positions = snapshot.particles.position.astype(float)
    types = snapshot.particles.typeid.astype(np.int64)
    tally = apply_moves(moves, mixture, positions, types, np.array(snapshot.configuration.box[:3]), rng)
    snapshot.particles.position[:] = positions
    snapshot.particles.typeid[:] = types
    snapshot.particles.diameter[:] = np.array([mixture.sigma("AA"), mixture.sigma("BB")])[types]
    simulation.state.set_snapshot(snapshot)
    return tally


def _hand_over(method: Any, fresh: Any) -> None:
    """Give a new method the barostat's momenta of the old one; thermostats have no memory."""
    if hasattr(method, "barostat_dof"):
        fresh.barostat_dof = method.barostat_dof


def _save(simulation: Any, method: Any, path: Path) -> None:
    """Write a checkpoint in double precision, with the barostat's momenta (zero where none is)."""
    snapshot = simulation.state.get_snapshot()
    with path.open("wb") as file:
        np.savez(
            file,
            step=simulation.timestep,
            seed=simulation.seed,
            box=snapshot.configuration.box,
            position=snapshot.particles.position,
            velocity=snapshot.particles.velocity,
            typeid=snapshot.particles.typeid,
            diameter=snapshot.particles.diameter,
            barostat=getattr(method, "barostat_dof", (0.0,) * 6),
        )


def _restore(simulation: Any, method: Any, path: Path, hoomd: Any) -> None:
    saved = read_arrays(path)
    snapshot = hoomd.Snapshot()
    snapshot.configuration.box = saved["box"]
    snapshot.particles.N = len(saved["position"])
    snapshot.particles.types = ["A", "B"]
    for name in ("position", "velocity", "typeid", "diameter"):
        getattr(snapshot.particles, name)[:] = saved[name]
    simulation.timestep, simulation.seed = int(saved["step"]), int(saved["seed"])
    simulation.create_state_from_snapshot(snapshot)
    if hasattr(method, "barostat_dof"):
        method.barostat_dof = tuple(saved["barostat"])
