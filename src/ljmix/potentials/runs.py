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
from ljmix.engines.engine import TIME_STEP, Engine, Segment
from ljmix.engines.lammps import pair_commands
from ljmix.simulation.initial import build_configuration
from ljmix.state import PAIRS, StatePoint
from ljmix.structure.diffusion import diffusion_coefficient, mean_squared_displacements
from ljmix.structure.rdf import block_average, compute_rdf
from ljmix.structure.scattering import concentration_waves

__all__ = ["Measured", "PlainLennardJones", "compare_curves", "compare_speeds", "run_long"]

_INTERVAL = 100
_CORRELATION = 25.0
"""Length of the pieces of a run whose displacements are fitted, τ."""


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
) -> Measured:
    """Run a mixture from a random start and measure it.

    Parameters
    ----------
    engine : Engine
        The truth, or `Potential.engine()`.
    state : StatePoint
    n_particles : int
    density : float
        1/σ_AA³; 0 for constant pressure.
    steps, settle : int
        Steps measured, and discarded before.
    replica : int
        Another number, another independent run.
    r_max, n_bins
        Of g(r).
    time_step : float
        τ.

    Returns
    -------
    Measured
    """
    ensemble = "NVT" if density else "NPT"
    n_b = round(state.fraction_b * n_particles)
    with tempfile.TemporaryDirectory(prefix="ljmix-") as name:
        folder, began = Path(name), time.process_time()
        start = build_configuration(state, n_particles, n_b, "random", replica, density)
        write_configuration(start, state.size_ratio, folder / "initial.gsd")
        source = folder / "initial.gsd"
        if settle:
            first = Segment(source, folder / "0.gsd", folder / "0.checkpoint", settle, settle, ensemble, time_step)
            engine.advance(state, first)
            source = first.checkpoint
        kept = Segment(source, folder / "1.gsd", folder / "1.checkpoint", steps, _INTERVAL, ensemble, time_step)
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
    values |= {"cpu_seconds": seconds, "atom_steps": float(n_particles * (steps + settle))}
    centres = (np.arange(n_bins) + 0.5) * r_max / n_bins
    curves = pd.DataFrame({"pair": np.repeat(PAIRS, n_bins), "r": np.tile(centres, 3), "g": g.ravel()})
    waves = [float(np.sum(concentration_waves(c.positions / c.box_edge, c.types))) for c in configurations]
    step = np.arange(1, len(frames) + 1) * _INTERVAL
    return Measured(n_particles, values, curves, pd.DataFrame({"step": step, **series, "waves": waves}))


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
    steps: int = 1000,
    rounds: int = 5,
) -> pd.DataFrame:
    """Time engines by CPU seconds, one after the other and round after round, from one settled start.

    An engine that is slow in a trial of twenty steps makes a twentieth of the steps.

    Parameters
    ----------
    engines : mapping of str to Engine
        The first is the yardstick, and settles the start.
    state : StatePoint
    density : float
        1/σ_AA³.
    n_particles, steps, rounds : int

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

        first = next(iter(engines.values()))
        advance(first, folder / "initial.gsd", 4 * steps, "settled")
        trial = {label: advance(engine, folder / "settled", 20, "thrown-away") for label, engine in engines.items()}
        lengths = {label: steps if speed > 0.2 * max(trial.values()) else steps // 20 for label, speed in trial.items()}
        for number in range(rounds):
            yardstick = 0.0
            for label, engine in engines.items():
                speed = advance(engine, folder / "settled", lengths[label], "thrown-away")
                yardstick = yardstick or speed
                rows.append(
                    {"engine": label, "round": number, "atom_steps_per_second": speed, "relative": speed / yardstick}
                )
    return pd.DataFrame(rows)
