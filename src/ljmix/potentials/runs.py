"""Long runs with any engine, and what is read off them: pressure, energy, density, g(r), diffusion; and speeds."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gsd.hoomd
import numpy as np
import pandas as pd

from ljmix._util.arrays import FloatArray
from ljmix.configuration import parse_frame, write_configuration
from ljmix.properties.time_correlation import autocorrelation, integrate_correlation, shear_stresses
from ljmix.simulation.engine import TIME_STEP, Engine, Segment
from ljmix.simulation.engines.lammps import LammpsEngine, integrator_commands, pair_commands, plain_folder
from ljmix.simulation.initial import build_configuration
from ljmix.state import PAIRS, StatePoint
from ljmix.structure.diffusion import diffusion_coefficient, mean_squared_displacements
from ljmix.structure.rdf import block_average, compute_rdf
from ljmix.structure.scattering import concentration_waves

__all__ = ["Measured", "PlainLennardJones", "compare_curves", "compare_speeds", "measure_transport", "run_long"]

_INTERVAL = 100
_CORRELATION = 25.0
"""Length of the pieces of a run whose displacements are fitted, τ."""
_SETTLE, _EVERY = 6000, 4
"""Steps before stress is measured, and between two of its samples."""
_STRESS = ("pxx", "pyy", "pzz", "pxy", "pxz", "pyz")
_VISCOUS = (3.0, 6.0)
"""Times between which the integral of its autocorrelation is averaged, τ: after the decay, before the noise."""


@dataclass(frozen=True)
class Measured:
    """What a run gave.

    Attributes
    ----------
    n_particles : int
    averages : dict
        `pressure`, `energy` (a particle), `density`, `d_a`, `d_b` (σ_AA²/τ, of this box), each with `_sem` from ten
        blocks; `cpu_seconds` and `atom_steps`.
    curves : pandas.DataFrame
        Columns `pair`, `r`, `g`.
    series : pandas.DataFrame
        Frame by frame: `step`, `pressure`, `energy`, `density`, `waves` (longest concentration waves, summed).
    """

    n_particles: int
    averages: dict[str, float]
    curves: pd.DataFrame
    series: pd.DataFrame


def run_long(
    engine: Engine,
    state: StatePoint,
    *,
    n_particles: int = 500,
    density: float = 0.0,
    steps: int = 60_000,
    settle: int = 6_000,
    replica: int = 0,
    r_max: float = 3.9,
    n_bins: int = 78,
    time_step: float = TIME_STEP,
    source: Path | None = None,
    checkpoint: Path | None = None,
) -> Measured:
    """Run a mixture from a random start, or on from a checkpoint, and measure it.

    Parameters
    ----------
    engine : Engine
        The truth, or `Potential.engine()`.
    state : StatePoint
    n_particles : int
    density : float
        1/σ_AA³; 0 for constant pressure.
    steps, settle : int
        Steps measured, and discarded before, if it begins from a random start.
    replica : int
        Another number, another independent run.
    r_max, n_bins
        Of g(r).
    time_step : float
        τ.
    source : Path, optional
        Checkpoint that an earlier run has left; of the same engine and density.
    checkpoint : Path, optional
        Where to leave the run's own, for a run that goes on.

    Returns
    -------
    Measured
    """
    ensemble = "NVT" if density else "NPT"
    n_b = round(state.fraction_b * n_particles)
    with tempfile.TemporaryDirectory(prefix="ljmix-") as name:
        folder, began = Path(name), time.process_time()
        settled = source is not None
        if source is None:
            start = build_configuration(state, n_particles, n_b, "random", replica, density)
            source = folder / "initial.gsd"
            write_configuration(start, state.size_ratio, source)
        if settle and not settled:
            first = Segment(source, folder / "0.gsd", folder / "0.checkpoint", settle, settle, ensemble, time_step)
            engine.advance(state, first)
            source = first.checkpoint
        left = checkpoint or folder / "1.checkpoint"
        kept = Segment(source, folder / "1.gsd", left, steps, _INTERVAL, ensemble, time_step)
        engine.advance(state, kept)
        seconds = time.process_time() - began
        with gsd.hoomd.open(kept.frames, "r") as file:
            frames = list(file)
    logged = {key: np.array([frame.log[f"thermo/{key}"][0] for frame in frames]) for key in ("pressure", "volume")}
    energy = np.array([frame.log["thermo/potential_energy"][0] for frame in frames])
    configurations = [parse_frame(frame) for frame in frames]
    species = [configurations[0].types == kind for kind in (0, 1)]
    g = np.zeros((3, n_bins))
    sampled = configurations[1::2]
    for c in sampled:
        a, b = (c.positions[of] for of in species)
        for k, (one, other) in enumerate(((a, None), (a, b), (b, None))):
            g[k] += compute_rdf(one, other, c.box_edge, r_max, n_bins) / len(sampled)
    series = {"pressure": logged["pressure"], "energy": energy, "density": n_particles / logged["volume"]}
    values = {}
    for key, samples in series.items():
        values[key], values[f"{key}_sem"] = map(float, block_average(samples, 10))
    edge = float(np.mean(np.cbrt(logged["volume"])))
    fractional = np.array([c.positions / c.box_edge for c in configurations])
    interval = _INTERVAL * time_step
    for kind, letter in enumerate("ab"):
        values[f"d_{letter}"], values[f"d_{letter}_sem"] = _diffusion(fractional[:, species[kind]], edge, interval)
    values |= {"cpu_seconds": seconds, "atom_steps": float(n_particles * (steps + (0 if settled else settle)))}
    centres = (np.arange(n_bins) + 0.5) * r_max / n_bins
    curves = pd.DataFrame({"pair": np.repeat(PAIRS, n_bins), "r": np.tile(centres, 3), "g": g.ravel()})
    waves = [float(np.sum(concentration_waves(c.positions / c.box_edge, c.types))) for c in configurations]
    step = np.arange(1, len(frames) + 1) * _INTERVAL
    return Measured(n_particles, values, curves, pd.DataFrame({"step": step, **series, "waves": waves}))


def measure_transport(
    engine: LammpsEngine, state: StatePoint, density: float, n_particles: int, steps: int, replica: int
) -> dict[str, float]:
    """Run at constant volume and temperature under LAMMPS, with the stress every four steps: viscosity and diffusion.

    Parameters
    ----------
    engine : LammpsEngine
        The truth, or `Potential.engine("lammps")`.
    state : StatePoint
    density : float
        1/σ_AA³.
    n_particles, steps, replica : int

    Returns
    -------
    dict
        `d_a`, `d_b` (σ_AA²/τ, of this box) and `viscosity` (√(m ε)/σ_AA²) by Green and Kubo, each with `_sem` from
        pieces of 25 τ; `pressure`; `cpu_seconds` and `atom_steps`.

    Raises
    ------
    RuntimeError
        If LAMMPS fails.
    """
    n_b, began = round(state.fraction_b * n_particles), time.process_time()
    start = build_configuration(state, n_particles, n_b, "random", replica, density)
    is_b = start.types == 1
    stress, positions = [], []
    with plain_folder() as folder:
        write_configuration(start, state.size_ratio, folder / "initial.gsd")
        settled = Segment(folder / "initial.gsd", folder / "0.gsd", folder / "settled", _SETTLE, _SETTLE, "NVT")
        engine.advance(state, settled)
        lmp = engine.start()
        try:
            lmp.command(f"read_restart {settled.checkpoint}")
            lmp.commands_list([*engine.interactions(state, folder), *integrator_commands(state, settled)])
            # LAMMPS computes the pressure tensor where it would print it: at the end of every run.
            lmp.commands_list(["thermo 1000000000", f"thermo_style custom step {' '.join(_STRESS)}"])
            for sample in range(steps // _EVERY):
                lmp.command(f"run {_EVERY} pre {'no' if sample else 'yes'} post no")
                stress.append([lmp.get_thermo(name) for name in _STRESS])
                if (sample + 1) % (_INTERVAL // _EVERY) == 0:
                    n_local = lmp.extract_setting("nlocal")
                    order = np.argsort(lmp.numpy.extract_atom("id")[:n_local])
                    positions.append(lmp.numpy.extract_atom("x")[:n_local][order] / start.box_edge)
        except Exception as error:  # its Python module raises bare exceptions
            raise RuntimeError(f"LAMMPS: {error}") from error
        finally:
            lmp.close()
    interval, fractional = _EVERY * TIME_STEP, np.array(positions)
    length = round(_CORRELATION / interval)
    shears = shear_stresses(np.array(stress))
    pieces = [shears[first : first + length] for first in range(0, len(shears) - length + 1, length)]
    lags = round(_VISCOUS[1] / interval) + 1
    correlations = np.array([autocorrelation(piece, lags) for piece in pieces]) * start.box_edge**3 / state.temperature
    found = {"pressure": float(np.mean(np.array(stress)[:, :3]))}
    found["viscosity"], found["viscosity_sem"] = integrate_correlation(correlations, interval, _VISCOUS)
    for letter, of in (("a", ~is_b), ("b", is_b)):
        d = _diffusion(fractional[:, of], start.box_edge, _INTERVAL * TIME_STEP)
        found[f"d_{letter}"], found[f"d_{letter}_sem"] = d
    return found | {
        "cpu_seconds": time.process_time() - began, "atom_steps": float(n_particles * (steps + _SETTLE)),
        "density": density,
    }  # fmt: skip


def _diffusion(fractional: FloatArray, edge: float, interval: float) -> tuple[float, float]:
    length = round(_CORRELATION / interval) + 1
    pieces = [fractional[first : first + length] for first in range(0, len(fractional) - length + 1, length)]
    if not pieces:
        return float("nan"), float("nan")
    return diffusion_coefficient(np.array([mean_squared_displacements(piece, edge) for piece in pieces]), interval)


def compare_curves(one: pd.DataFrame, other: pd.DataFrame) -> float:
    """1 − R² of three curves against three others: Σ (g − g')² / Σ (g' − mean g')², over all pairs and bins."""
    g, truth = one["g"].to_numpy(), other["g"].to_numpy()
    return float(np.sum((g - truth) ** 2) / np.sum((truth - truth.mean()) ** 2))


@dataclass(frozen=True)
class PlainLennardJones:
    """Lennard-Jones in LAMMPS' plain version, as tables have it; the engine itself takes the optimised one."""

    mixture: StatePoint

    @property
    def key(self) -> str:
        """Name."""
        return "plain"

    def lammps_commands(self, folder: Path) -> list[str]:
        """Commands of ``pair_style lj/cut``, without its optimised version."""
        _, *commands = pair_commands(self.mixture)
        return ["suffix off", *(line for line in commands if line.startswith("pair")), "suffix on"]

    def hoomd_force(self, hoomd: Any, neighbours: Any) -> Any:
        """Refuse: HOOMD-blue has one version only."""
        raise RuntimeError("HOOMD-blue has one version of Lennard-Jones; load the engine without a force field")


def compare_speeds(
    engines: Mapping[str, Engine],
    state: StatePoint,
    density: float,
    n_particles: int = 500,
    steps: int = 4000,
    rounds: int = 8,
    shares: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """Time engines by CPU seconds, one after the other and round after round, from one settled start.

    All do the same: ensemble, neighbour lists, one frame at the end. What an engine spends on starting, a tenth of a
    second, counts; runs are made long beside it. Every second round goes through the engines backwards.

    Parameters
    ----------
    engines : mapping of str to Engine
        The first is the yardstick, and settles the start.
    state : StatePoint
    density : float
        1/σ_AA³.
    n_particles, steps, rounds : int
    shares : mapping of str to float, optional
        Share of the steps that a slow engine makes.

    Returns
    -------
    pandas.DataFrame
        Columns `engine`, `round`, `atom_steps_per_second`, and `relative` to the first engine in the same round.
    """
    rows = []
    with tempfile.TemporaryDirectory(prefix="ljmix-") as name:
        folder = Path(name)
        n_b = round(state.fraction_b * n_particles)
        start = build_configuration(state, n_particles, n_b, "random", 0, density)
        write_configuration(start, state.size_ratio, folder / "initial.gsd")

        def advance(engine: Engine, source: Path, steps: int, checkpoint: str) -> float:
            segment = Segment(source, folder / "frames.gsd", folder / checkpoint, steps, steps, "NVT")
            began = time.process_time()
            engine.advance(state, segment)
            return n_particles * steps / (time.process_time() - began)

        first = next(iter(engines))
        advance(engines[first], folder / "initial.gsd", 4000, "settled")
        for number in range(rounds):
            speeds = {}
            for label in list(engines)[:: -1 if number % 2 else 1]:
                length = max(1, round(steps * (shares or {}).get(label, 1.0)))
                speeds[label] = advance(engines[label], folder / "settled", length, "thrown-away")
            rows += [
                {"engine": label, "round": number, "atom_steps_per_second": speeds[label],
                 "relative": speeds[label] / speeds[first]}
                for label in engines
            ]  # fmt: skip
    return pd.DataFrame(rows)
