"""Runs at constant volume that keep velocities and stress: diffusion, viscosity and mutual diffusion of one box."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ljmix._util.arrays import FloatArray
from ljmix._util.atomic import replace_when_whole
from ljmix.configuration import Configuration
from ljmix.properties.time_correlation import autocorrelation, integrate_correlation, shear_stresses
from ljmix.simulation.engine import TIME_STEP
from ljmix.simulation.engines.lammps import LammpsEngine, pair_commands
from ljmix.simulation.initial import build_configuration
from ljmix.state import StatePoint
from ljmix.structure.diffusion import diffusion_coefficient, mean_squared_displacements

__all__ = ["Block", "measure_transport", "run_blocks", "stress_correlation"]

Block = dict[str, FloatArray]
"""What a block of a run leaves: `stress` (n_samples, 6), `current` of A (n_samples, 3), autocorrelation of velocities
and displacements of each species; and of its end `positions`, `velocities`, `forces`, (n, 3) each, `temperature`,
`pressure`, and `potential_energy` a particle."""

_EVERY = 4
"""Steps between two samples of velocities and stress, 0.02 τ."""
_LAGS = 301
"""Correlations are followed for 6 τ."""
_BLOCK = 4000
"""Steps of a block, 20 τ: as long as displacements need that are fitted up to 15 τ."""
_FRAME = 100
"""Steps between two frames of positions."""
_SETTLING = 6000
_WINDOWS = {"diffusion": (4.0, 6.0), "viscosity": (3.0, 6.0), "mutual": (3.0, 6.0)}


def measure_transport(
    state: StatePoint, number_density: float, n_particles: int, n_blocks: int, work: Path
) -> pd.DataFrame:
    """Simulate one box at constant volume and temperature, and measure its transport coefficients.

    Velocities are scaled by a thermostat of Nosé and Hoover, which for a relaxation time of 0.5 τ and hundreds of
    particles leaves correlations as they are within their errors.

    Parameters
    ----------
    state : StatePoint
    number_density : float
        1/σ_AA³.
    n_particles, n_blocks : int
        Size of the box, and blocks of 20 τ.
    work : Path
        Folder for the runs; finished blocks are not repeated.

    Returns
    -------
    pandas.DataFrame
        One row: the state, `n_particles`, `n_b`, `number_density`, `box_edge`, and with standard errors (`_sem`)
        `msd_a`, `msd_b` (D from displacements), `green_kubo_a`, `green_kubo_b`, `viscosity`, `maxwell_stefan`,
        `pressure_measured`; `steps`, `seconds`.
    """
    began = time.process_time()
    n_b = round(state.fraction_b * n_particles)
    start = build_configuration(state, n_particles, n_b, number_density=number_density)
    blocks = run_blocks(state, start, n_blocks, work / f"transport-{state.state_id}-{n_particles}")
    return _summarise(state, start, blocks, time.process_time() - began)


def run_blocks(state: StatePoint, start: Configuration, n_blocks: int, folder: Path) -> list[Block]:
    """Run blocks of 20 τ at constant volume and temperature, after 30 τ that are left out; finished ones are kept.

    Parameters
    ----------
    state : StatePoint
    start : Configuration
        With velocities.
    n_blocks : int
    folder : Path
        Where a block is a file.
    """
    blocks: list[Block] = []
    before: Configuration | None = None
    for number in range(n_blocks):
        path = folder / f"{number:03d}.npz"
        if not path.exists():
            _run_block(state, before or start, path, settling=0 if before else _SETTLING)
        with np.load(path) as file:
            blocks.append({name: file[name] for name in file.files})
        last = blocks[-1]
        before = Configuration(last["positions"], last["velocities"], start.types, start.box_edge)
    return blocks


def stress_correlation(
    state: StatePoint, start: Configuration, blocks: list[Block]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Autocorrelation of the shear stress, V ⟨σ(0) σ(t)⟩ / T*; its integral is the viscosity (Green 1954, Kubo 1957).

    Returns
    -------
    time, mean, sem : (n_lags,) arrays
        τ; mean over the blocks and five shears, √(m ε)/(σ_AA² τ), and its error from the scatter of the blocks.
    """
    shears = _shear_correlations(state, start, blocks)
    error = np.asarray(shears.std(axis=0, ddof=1) / np.sqrt(len(shears)), dtype=float)
    time = np.linspace(0.0, (_LAGS - 1) * _EVERY * TIME_STEP, _LAGS)
    return time, shears.mean(axis=0), error


def _shear_correlations(state: StatePoint, start: Configuration, blocks: list[Block]) -> FloatArray:
    scale = start.box_edge**3 / state.temperature
    return np.array([autocorrelation(shear_stresses(b["stress"]), _LAGS) for b in blocks]) * scale


def _run_block(state: StatePoint, start: Configuration, path: Path, settling: int) -> None:
    lmp = LammpsEngine().start()
    try:
        _create(lmp, start, state)
        lmp.command(f"run {settling} post no")
        order = np.argsort(_atoms(lmp, "id"))
        is_a = start.types == 0
        stress, current, velocities, frames = [], [], [], []
        for sample in range(_BLOCK // _EVERY):
            lmp.command(f"run {_EVERY} pre no post no")
            if lmp.extract_setting("nlocal") != len(order):
                raise RuntimeError(f"{state.state_id}: LAMMPS lost particles")
            order = np.argsort(_atoms(lmp, "id"))
            v = _atoms(lmp, "v")[order]
            velocities.append(v.astype(np.float32))
            current.append(v[is_a].sum(axis=0))
            stress.append([lmp.get_thermo(name) for name in ("pxx", "pyy", "pzz", "pxy", "pxz", "pyz")])
            if (sample + 1) % (_FRAME // _EVERY) == 0:
                frames.append(_atoms(lmp, "x")[order] / start.box_edge)
        fractions, series = np.array(frames), np.array(velocities)
        kinds = {"a": is_a, "b": ~is_a}
        found: dict[str, Any] = {"stress": np.array(stress), "current": np.array(current)}
        per_atom = (("positions", "x"), ("velocities", "v"), ("forces", "f"))
        found |= {name: _atoms(lmp, key)[order].copy() for name, key in per_atom}
        logged = (("temperature", "temp"), ("pressure", "press"), ("potential_energy", "pe"))
        found |= {name: np.array(lmp.get_thermo(key)) for name, key in logged}
        for name, of in kinds.items():
            if of.any():
                found[f"velocity_{name}"] = autocorrelation(series[:, of], _LAGS)
                found[f"msd_{name}"] = mean_squared_displacements(fractions[:, of], start.box_edge)
        with replace_when_whole(path) as part:
            np.savez(part, **found)
    finally:
        lmp.close()


def _create(lmp: Any, start: Configuration, state: StatePoint) -> None:
    half = start.box_edge / 2
    bounds = " ".join([f"{-half:.10f} {half:.10f}"] * 3)
    lmp.commands_list(["units lj", "atom_style atomic", f"region box block {bounds}", "create_box 2 box"])
    inside = start.positions - start.box_edge * np.rint(start.positions / start.box_edge)
    inside = np.clip(inside, -half, half * (1 - 1e-9))
    n, t = len(inside), state.temperature
    lmp.create_atoms(
        n, list(range(1, n + 1)), (start.types + 1).tolist(), inside.ravel().tolist(), start.velocities.ravel().tolist()
    )
    lmp.commands_list(pair_commands(state))
    # LAMMPS computes the pressure tensor where it would print it: at the end of every run.
    lmp.commands_list([
        f"fix nvt all nvt temp {t} {t} 0.5", f"timestep {TIME_STEP}", "thermo 1000000",
        "thermo_style custom step temp pe press pxx pyy pzz pxy pxz pyz", "velocity all zero linear",
    ])  # fmt: skip


def _atoms(lmp: Any, name: str) -> Any:
    return lmp.numpy.extract_atom(name)[: lmp.extract_setting("nlocal")]


def _summarise(state: StatePoint, start: Configuration, blocks: list[Block], seconds: float) -> pd.DataFrame:
    n, n_b, volume, n_blocks = len(start.types), int(start.types.sum()), start.box_edge**3, len(blocks)
    interval = _EVERY * TIME_STEP
    row: dict[str, Any] = state.as_dict() | {
        "n_particles": n, "n_b": n_b, "number_density": n / volume, "box_edge": start.box_edge,
    }  # fmt: skip

    def keep(name: str, value: tuple[float, float]) -> None:
        row[name], row[f"{name}_sem"] = value

    for name in ("a", "b"):
        if f"msd_{name}" not in blocks[0]:
            keep(f"msd_{name}", (np.nan, np.nan))
            keep(f"green_kubo_{name}", (np.nan, np.nan))
            continue
        keep(f"msd_{name}", diffusion_coefficient(np.array([b[f"msd_{name}"] for b in blocks]), _FRAME * TIME_STEP))
        velocity = np.array([b[f"velocity_{name}"] for b in blocks])
        keep(f"green_kubo_{name}", integrate_correlation(velocity, interval, _WINDOWS["diffusion"]))
    shears = _shear_correlations(state, start, blocks)
    keep("viscosity", integrate_correlation(shears, interval, _WINDOWS["viscosity"]))
    if 0 < n_b < n:
        currents = np.array([autocorrelation(b["current"], _LAGS) for b in blocks]) / (n * n_b / n * (1 - n_b / n))
        keep("maxwell_stefan", integrate_correlation(currents, interval, _WINDOWS["mutual"]))
    else:
        keep("maxwell_stefan", (np.nan, np.nan))
    pressures = np.array([b["stress"][:, :3].mean() for b in blocks])
    keep("pressure_measured", (float(pressures.mean()), float(pressures.std(ddof=1) / np.sqrt(n_blocks))))
    row |= {"steps": _SETTLING + n_blocks * _BLOCK, "seconds": seconds}
    return pd.DataFrame([row])
