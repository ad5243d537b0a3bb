"""The first engine: HOOMD-blue, on a GPU where there is one.

Written against the interface that versions 4.8 to 7.1 share.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np

from ljmix.simulation.engine import BAROSTAT_TIME, TIME_STEP, Segment
from ljmix.statepoint import PAIRS, StatePoint

__all__ = ["HoomdEngine"]

_BUFFER = 0.4
"""Skin of the neighbour list, σ_AA."""

_THERMOSTAT_TIME = 0.1
"""Relaxation time of the thermostat, τ.

Shorter than LAMMPS', which damps its Nosé-Hoover thermostat with a chain. HOOMD-blue's has none: at 0.5 τ the
heat of the first compression swings between thermostat and liquid for more than 50 τ, and the standard
deviation of the temperature is up to five times the canonical one (tests/simulation/test_engines.py).
"""


class HoomdEngine:
    """HOOMD-blue on one GPU or one CPU core."""

    name = "hoomd"

    def __init__(self, device: str = "auto") -> None:
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
        self._device, self.device = self._select_device(device)

    def _select_device(self, device: str) -> tuple[Any, str]:
        kind, _, index = device.partition(":")
        gpus = list(self._hoomd.device.GPU.get_available_devices()) if self._hoomd.version.gpu_enabled else []
        if kind == "gpu" and not gpus:
            why = "was built without GPU support" if not self._hoomd.version.gpu_enabled else "finds no usable GPU"
            raise RuntimeError(
                f"device = {device!r}: HOOMD-blue {self.version} {why}; check the driver, or choose device = 'cpu'"
            )
        if index and int(index) >= len(gpus):
            raise RuntimeError(f"device = {device!r}: there are {len(gpus)} GPUs, numbered from 0: {'; '.join(gpus)}")
        if kind == "cpu" or not gpus:
            return self._hoomd.device.CPU(notice_level=1), "cpu"
        gpu = self._hoomd.device.GPU(gpu_id=int(index) if index else None, notice_level=1)
        return gpu, f"gpu:{index}" if index else "gpu"

    @property
    def device_name(self) -> str:
        """Name of the device as HOOMD-blue prints it."""
        return str(self._device.device)

    def advance(self, state: StatePoint, segment: Segment) -> None:
        """Integrate one segment; see `ljmix.simulation.engine`."""
        hoomd = self._hoomd
        simulation = hoomd.Simulation(device=self._device)
        method = self._make_method(state)
        lj = self._make_potential(state)
        if segment.source.suffix == ".gsd":
            simulation.create_state_from_gsd(str(segment.source))
        else:
            _restore(simulation, method, segment.source, hoomd)
        # The barostat needs the pressure of the very first step, before any writer has asked for it.
        simulation.always_compute_pressure = True
        simulation.operations.integrator = hoomd.md.Integrator(dt=TIME_STEP, methods=[method], forces=[lj])
        simulation.operations.writers.append(self._make_writer(simulation, lj, segment))
        try:
            simulation.run(segment.steps)
        except RuntimeError as error:
            raise RuntimeError(f"HOOMD-blue: {error}") from error
        for writer in simulation.operations.writers:
            writer.flush()
        _save(simulation, method, segment.checkpoint)

    def _make_method(self, state: StatePoint) -> Any:
        md = self._hoomd.md
        thermostat = md.methods.thermostats.MTTK(kT=state.temperature, tau=_THERMOSTAT_TIME)
        return md.methods.ConstantPressure(
            filter=self._hoomd.filter.All(),
            thermostat=thermostat,
            S=state.pressure,
            tauS=BAROSTAT_TIME,
            couple="xyz",
        )

    def _make_potential(self, state: StatePoint) -> Any:
        md = self._hoomd.md
        lj = md.pair.LJ(nlist=md.nlist.Cell(buffer=_BUFFER), mode="shift")
        for pair in PAIRS:
            lj.params[tuple(pair)] = {"epsilon": state.epsilon(pair), "sigma": state.sigma(pair)}
            lj.r_cut[tuple(pair)] = state.cutoff(pair)
        return lj

    def _make_writer(self, simulation: Any, lj: Any, segment: Segment) -> Any:
        hoomd = self._hoomd
        thermo = hoomd.md.compute.ThermodynamicQuantities(filter=hoomd.filter.All())
        simulation.operations.computes.append(thermo)
        logger = hoomd.logging.Logger(categories=["scalar", "particle"])
        quantities = {
            "temperature": lambda: thermo.kinetic_temperature,
            "pressure": lambda: thermo.pressure,
            "potential_energy": lambda: thermo.potential_energy / thermo.num_particles,
            "volume": lambda: thermo.volume,
        }
        for name, read in quantities.items():
            logger[("thermo", name)] = (read, "scalar")
        logger["force"] = (lambda: lj.forces, "particle")
        writer = hoomd.write.GSD(
            trigger=hoomd.trigger.Periodic(segment.frame_interval),
            filename=str(segment.frames),
            mode="wb",
            dynamic=["property"],
            logger=logger,
        )
        writer.write_diameter = True
        return writer


def _save(simulation: Any, method: Any, path: Path) -> None:
    """Write a checkpoint in double precision, with the state of thermostat and barostat."""
    snapshot = simulation.state.get_snapshot()
    with path.open("wb") as file:
        np.savez(
            file,
            step=simulation.timestep,
            box=snapshot.configuration.box,
            position=snapshot.particles.position,
            velocity=snapshot.particles.velocity,
            typeid=snapshot.particles.typeid,
            diameter=snapshot.particles.diameter,
            thermostat=method.thermostat.translational_dof,
            barostat=method.barostat_dof,
        )


def _restore(simulation: Any, method: Any, path: Path, hoomd: Any) -> None:
    saved = np.load(path)
    snapshot = hoomd.Snapshot()
    snapshot.configuration.box = saved["box"]
    snapshot.particles.N = len(saved["position"])
    snapshot.particles.types = ["A", "B"]
    for name in ("position", "velocity", "typeid", "diameter"):
        getattr(snapshot.particles, name)[:] = saved[name]
    simulation.timestep = int(saved["step"])
    simulation.create_state_from_snapshot(snapshot)
    method.thermostat.translational_dof = tuple(saved["thermostat"])
    method.barostat_dof = tuple(saved["barostat"])
