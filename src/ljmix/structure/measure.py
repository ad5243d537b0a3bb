"""What is measured in the frames of a run while it goes on: g(r), S(k) at long waves, displacements."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import gsd.hoomd
import numpy as np
import numpy.typing as npt

from ljmix.configuration import THERMO
from ljmix.state import PAIRS, StatePoint
from ljmix.structure.diffusion import mean_squared_displacements
from ljmix.structure.rdf import MOST_FORCE_SAMPLED, compute_rdf, force_rdf
from ljmix.structure.scattering import concentration_waves, structure_factors
from ljmix.structure.virtual_rdf import flip_rdf, insertion_rdf

__all__ = ["measure_frames", "measure_functions", "measuring_strides", "open_trajectory"]


def measuring_strides(n_a: int, n_b: int, volume: float, r_max: float, pairs_per_particle: float) -> dict[str, int]:
    """In every how many frames each function is measured, for a bounded cost.

    Parameters
    ----------
    n_a, n_b : int
        Particles of each species.
    volume, r_max : float
        σ_AA³ and σ_AA.
    pairs_per_particle : float
        Pairs within r_max, divided by n_a + n_b, that one function may count in a frame, on average.

    Returns
    -------
    dict
        Stride by pair label.
    """
    n_of = {"A": n_a, "B": n_b}
    within = 4 / 3 * math.pi * r_max**3 / volume
    budget = pairs_per_particle * (n_a + n_b)
    return {pair: max(1, math.ceil(n_of[pair[0]] * n_of[pair[1]] * within / budget)) for pair in PAIRS}


def measure_frames(
    path: Path,
    state: StatePoint,
    r_max: float,
    n_bins: int,
    strides: Mapping[str, int],
    frame_interval: int,
    dynamics: bool = True,
    virtual: str | None = None,
) -> dict[str, npt.NDArray[Any]]:
    """Measure the frames of a trajectory segment.

    Parameters
    ----------
    path : Path
        GSD file as an engine writes it.
    state : StatePoint
    r_max : float
        σ_AA.
    n_bins : int
    strides : mapping
        See `measuring_strides`. Frames are numbered from step 0, so that segments fit together.
    frame_interval : int
        Steps between frames.
    dynamics : bool
        False where particles change species or jump between frames, so that displacements mean nothing.
    virtual : {"flips", "insertions"}, optional
        Virtual particles by which g_BB is measured too; see `ljmix.structure.virtual_rdf`.

    Returns
    -------
    dict
        ``step`` and the `THERMO` quantities, (n_frames,) each; for each pair its functions ``g_<pair>``
        (n_measured, n_bins) and the steps ``step_<pair>`` they were measured at, and ``s_<pair>``
        (n_frames, n_shells), see `structure_factors`; ``waves`` (n_frames, 3), see `concentration_waves`; with
        `dynamics` ``msd_A``, ``msd_B`` (1, n_frames), see `mean_squared_displacements`; where B particles are few
        also ``force_BB`` (n_measured, n_bins), see `force_rdf`; with `virtual` ``virtual_BB`` (n_frames, n_bins) and
        ``virtual_weight`` (n_frames,).

    Raises
    ------
    ValueError
        If the file is not a trajectory of an engine of ours.
    """
    rows: dict[str, list[Any]] = {}
    places, edges = [], []

    def note(values: Mapping[str, Any]) -> None:
        for name, value in values.items():
            rows.setdefault(name, []).append(value)

    with open_trajectory(path) as trajectory:
        for frame in trajectory:
            step = int(frame.configuration.step)
            if np.ptp(frame.configuration.box[:3]) > 1e-4:
                raise ValueError(f"{path}: box {frame.configuration.box[:3]} is not a cube, which these functions need")
            note({"step": step} | {name: float(frame.log[f"thermo/{name}"][0]) for name in THERMO})
            note(measure_functions(frame, _due(step // frame_interval, strides), state.temperature, r_max, n_bins))
            edges.append(float(frame.configuration.box[0]))
            places.append(frame.particles.position.astype(float) / edges[-1])
            note({f"s_{pair}": s for pair, s in structure_factors(places[-1], frame.particles.typeid).items()})
            if virtual is not None:
                note(_measure_virtual(frame, state, virtual, r_max, n_bins))
            note({"waves": concentration_waves(places[-1], frame.particles.typeid)})
        is_b = frame.particles.typeid == 1
    paths = np.array(places)
    for species, members in (("A", ~is_b), ("B", is_b)) if dynamics else ():
        note({f"msd_{species}": mean_squared_displacements(paths[:, members], float(np.mean(edges)))})
    # A segment may be shorter than the stride of a function.
    for pair in PAIRS:
        rows.setdefault(f"step_{pair}", [])
        rows.setdefault(f"g_{pair}", [])
    # Functions in single precision: their noise is far above it, and they fill the disk.
    return {
        name: np.asarray(values, dtype=np.float32 if name.startswith(("g_", "force_", "s_", "msd_", "waves")) else None)
        for name, values in rows.items()
    }


def _measure_virtual(
    frame: gsd.hoomd.Frame, state: StatePoint, virtual: str, r_max: float, n_bins: int
) -> dict[str, Any]:
    configuration = (frame.particles.position.astype(float), frame.particles.typeid.astype(np.int64))
    arguments = (*configuration, float(frame.configuration.box[0]), state, state.temperature, r_max, n_bins)
    if virtual == "flips":
        numerator, weight = flip_rdf(*arguments)
    else:
        rng = np.random.default_rng(state.seed(f"insertions/{int(frame.configuration.step)}"))
        numerator, weight = insertion_rdf(*arguments, rng)
    return {"virtual_BB": numerator, "virtual_weight": weight}


def _due(frame: int, strides: Mapping[str, int]) -> list[str]:
    return [pair for pair in PAIRS if frame % strides[pair] == 0]


def measure_functions(
    frame: gsd.hoomd.Frame, pairs: Sequence[str], temperature: float, r_max: float, n_bins: int
) -> dict[str, Any]:
    """Measure functions of one frame.

    Parameters
    ----------
    frame : gsd.hoomd.Frame
        Of a trajectory as an engine writes it.
    pairs : sequence of str
        Which ones.
    temperature : float
        T*.
    r_max : float
        σ_AA.
    n_bins : int

    Returns
    -------
    dict
        For each of the pairs ``g_<pair>`` (n_bins,) and ``step_<pair>``; see `measure_frames`.
    """
    edge = float(frame.configuration.box[0])
    is_b = frame.particles.typeid == 1
    of = {"A": frame.particles.position[~is_b], "B": frame.particles.position[is_b]}
    measured: dict[str, Any] = {}
    for pair in pairs:
        others = None if pair[0] == pair[1] else of[pair[1]]
        measured[f"step_{pair}"] = int(frame.configuration.step)
        measured[f"g_{pair}"] = compute_rdf(of[pair[0]], others, edge, r_max, n_bins)
    if "BB" in pairs and len(of["B"]) <= MOST_FORCE_SAMPLED:
        force = frame.log["particles/force"][is_b].astype(float)
        measured["force_BB"] = force_rdf(of["B"].astype(float), force, edge, r_max, n_bins, temperature)
    return measured


def open_trajectory(path: Path) -> gsd.hoomd.HOOMDTrajectory:
    """Open a GSD trajectory for reading.

    Raises
    ------
    ValueError
        If the file is truncated, foreign, or holds no frame with our log.
    """
    try:
        trajectory = gsd.hoomd.open(path, "r")
    except (OSError, RuntimeError) as error:
        raise ValueError(f"{path} is not a readable GSD file (truncated or foreign): {error}") from error
    if len(trajectory) == 0:
        trajectory.close()
        raise ValueError(f"{path} holds no frame; a trajectory of ljmix is expected")
    if f"thermo/{THERMO[0]}" not in trajectory[0].log:
        trajectory.close()
        raise ValueError(f"{path} was not written by ljmix: its frames lack log/thermo/{THERMO[0]}")
    return trajectory
