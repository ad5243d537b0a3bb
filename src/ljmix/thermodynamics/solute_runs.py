"""Simulations of one solute in pure A: the solvent alone, and the stages of a path, with LAMMPS.

Each stage begins where the one before it ended, and leaves a file when it is whole; an interrupted path goes on with
the first stage that has none.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ljmix._util.arrays import FloatArray
from ljmix._util.atomic import replace_when_whole
from ljmix.configuration import Configuration
from ljmix.simulation.engine import BAROSTAT_TIME, TIME_STEP
from ljmix.simulation.engines.lammps import LammpsEngine
from ljmix.simulation.initial import build_configuration
from ljmix.state import CUTOFF, StatePoint
from ljmix.thermodynamics.coupling import Stage, solute_energy

__all__ = [
    "EVERY", "N_SOLVENT", "SETTLING", "SOLVENT_EVERY", "SOLVENT_SETTLING", "place_ghosts", "run_path", "run_solvent",
]  # fmt: skip

N_SOLVENT = 360
"""Particles of A: a box of 7.6 to 8.4 σ, wider than twice the cut-off of a B with S = 2, which is 3.75 σ."""
SETTLING, EVERY = 800, 20
"""Steps at the beginning of a stage that are discarded, and between two samples of the distances."""
SOLVENT_SETTLING, SOLVENT_EVERY = 4000, 100


def run_solvent(solvent: StatePoint, path: Path, n_frames: int = 400, replica: int = 0) -> dict[str, Any]:
    """Simulate pure A at a temperature and pressure, unless its file exists; another `replica` starts elsewhere.

    Returns
    -------
    dict
        `positions` (n_frames, 360, 3), `box_edge` (n_frames,), σ_AA, and the last velocities `velocities` (360, 3).
    """
    if not path.exists():
        start = build_configuration(solvent, N_SOLVENT, 0, replica=replica)
        lmp = LammpsEngine().start()
        try:
            _create(lmp, start, Stage(1.0, 1.0, 0.0), solvent)
            lmp.command(f"run {SOLVENT_SETTLING} post no")
            frames, edges = [], []
            for _ in range(n_frames):
                lmp.command(f"run {SOLVENT_EVERY} pre no post no")
                now = _read(lmp)
                frames.append(now.positions.astype(np.float32))
                edges.append(now.box_edge)
            with replace_when_whole(path) as part:
                np.savez(part, positions=np.array(frames), box_edge=np.array(edges), velocities=now.velocities)
        finally:
            lmp.close()
    with np.load(path) as file:
        return {name: file[name] for name in file.files}


def place_ghosts(solvent: dict[str, Any], reach: float, n_frames: int, n_places: int, seed: int) -> FloatArray:
    """Distances to the solvent from random places in it: the stage without a solute.

    Frames are drawn by their volume, as the ensemble of an ideal particle in the solvent has them.

    Returns
    -------
    (n_frames * n_places, n_neighbours) array
        σ_AA; infinite beyond `reach`.
    """
    rng = np.random.default_rng(seed)
    volume = solvent["box_edge"] ** 3
    chosen = np.sort(rng.choice(len(volume), n_frames, p=volume / volume.sum()))
    rows = []
    for frame in chosen:
        edge = float(solvent["box_edge"][frame])
        for place in rng.random((n_places, 3)) * edge:
            rows.append(_distances(place, solvent["positions"][frame], edge, reach))
    return _stack(rows)


def run_path(
    stages: Sequence[Stage],
    state: StatePoint,
    solvent: dict[str, Any],
    folder: Path,
    n_samples: int,
    replica: int = 0,
) -> list[FloatArray]:
    """Simulate the stages of a path, one after the other, at constant temperature and pressure.

    Parameters
    ----------
    stages : sequence of Stage
        Without the one that has no solute.
    state : StatePoint
        Pure A, at its temperature and pressure.
    solvent : dict
        As from `run_solvent`.
    folder : Path
        Where the stages leave their files.
    n_samples : int
        Of a stage, 20 steps apart.
    replica : int
        Another number, another start.

    Returns
    -------
    list of (n_samples, n_neighbours) arrays
        Distances of the solute to the solvent, σ_AA; infinite beyond the path's largest cut-off.
    """
    reach = CUTOFF * max(stage.sigma for stage in stages)
    found = []
    before = _begin(solvent, stages[0], state, replica)
    for number, stage in enumerate(stages):
        path = folder / f"{number:02d}.npz"
        if not path.exists():
            _run_stage(stage, state, before, path, reach, n_samples)
        with np.load(path) as file:
            found.append(file["distances"])
            before = Configuration(file["positions"], file["velocities"], file["types"], float(file["box_edge"]))
    return found


def _begin(solvent: dict[str, Any], first: Stage, state: StatePoint, replica: int) -> Configuration:
    """A frame of the solvent, with the solute of the first stage where it fits best of 2000 random places."""
    rng = np.random.default_rng(state.seed(f"solute/{replica}"))
    frame = int(rng.integers(len(solvent["box_edge"])))
    edge = float(solvent["box_edge"][frame])
    solvent_positions = solvent["positions"][frame].astype(float)
    places = (rng.random((2000, 3)) - 0.5) * edge
    near = _stack([_distances(place, solvent_positions, edge, CUTOFF * first.sigma) for place in places])
    best = places[np.argmin(solute_energy(near, first))]
    positions = np.append(solvent_positions, best[None], axis=0)
    velocities = rng.normal(0, np.sqrt(state.temperature), positions.shape)
    velocities -= velocities.mean(axis=0)
    return Configuration(positions, velocities, np.append(np.zeros(len(positions) - 1, int), 1), edge)


def _run_stage(stage: Stage, state: StatePoint, start: Configuration, path: Path, reach: float, n_samples: int) -> None:
    lmp = LammpsEngine().start()
    try:
        _create(lmp, start, stage, state)
        lmp.command(f"run {SETTLING} post no")
        rows = []
        for _ in range(n_samples):
            lmp.command(f"run {EVERY} pre no post no")
            now = _read(lmp)
            solute = now.types == 1
            rows.append(_distances(now.positions[solute][0], now.positions[~solute], now.box_edge, reach))
        with replace_when_whole(path) as part:
            np.savez(
                part, distances=_stack(rows), positions=now.positions, velocities=now.velocities, types=now.types,
                box_edge=now.box_edge,
            )  # fmt: skip
    finally:
        lmp.close()


def _create(lmp: Any, start: Configuration, stage: Stage, state: StatePoint) -> None:
    """Hand a configuration to LAMMPS, with the solute's potential at a stage; `fix adapt/fep` would do it in a run."""
    half = start.box_edge / 2
    bounds = " ".join([f"{-half:.10f} {half:.10f}"] * 3)
    lmp.commands_list(["units lj", "atom_style atomic", f"region box block {bounds}", "create_box 2 box"])
    inside = start.positions - start.box_edge * np.rint(start.positions / start.box_edge)
    # Rounding must leave nobody on the far face.
    inside = np.clip(inside, -half, half * (1 - 1e-9))
    n = len(inside)
    lmp.create_atoms(
        n, list(range(1, n + 1)), (start.types + 1).tolist(), inside.ravel().tolist(), start.velocities.ravel().tolist()
    )
    if lmp.get_natoms() != n:
        raise RuntimeError(f"LAMMPS took {lmp.get_natoms()} of {n} particles")
    cutoff, t, p = CUTOFF * stage.sigma, state.temperature, state.pressure
    lmp.commands_list([
        "mass * 1.0",
        f"pair_style hybrid lj/cut {CUTOFF} lj/cut/soft 1 0.5 {cutoff:.10g}",
        "pair_modify shift yes",
        f"pair_coeff 1 1 lj/cut 1 1 {CUTOFF}",
        f"pair_coeff 1 2 lj/cut/soft {stage.epsilon:.10g} {stage.sigma:.10g} {stage.coupling:.10g} {cutoff:.10g}",
        "pair_coeff 2 2 lj/cut 0 1 1",
        "neighbor 0.35 bin",
        "neigh_modify every 1 delay 0 check yes",
        f"fix npt all npt temp {t} {t} 0.5 iso {p} {p} {BAROSTAT_TIME}",
        f"timestep {TIME_STEP}",
        "thermo 1000000",
    ])  # fmt: skip


def _read(lmp: Any) -> Configuration:
    n = lmp.extract_setting("nlocal")
    values = {name: lmp.numpy.extract_atom(name)[:n].copy() for name in ("id", "type", "x", "v")}
    order = np.argsort(values["id"])
    (low, _, _), (high, *_), *_ = lmp.extract_box()
    positions = values["x"][order] - (low + high) / 2
    return Configuration(positions, values["v"][order], values["type"][order].astype(int) - 1, high - low)


def _distances(place: FloatArray, positions: FloatArray, box_edge: float, reach: float) -> FloatArray:
    apart = positions - place
    apart -= box_edge * np.rint(apart / box_edge)
    square = np.einsum("ij,ij->i", apart, apart)
    near: FloatArray = np.sqrt(square[square < reach**2])
    return near


def _stack(rows: Sequence[FloatArray]) -> FloatArray:
    table = np.full((len(rows), max(map(len, rows))), np.inf, dtype=np.float32)
    for row, distances in zip(table, rows, strict=True):
        row[: len(distances)] = distances
    return np.asarray(table)
