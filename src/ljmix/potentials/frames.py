"""Frames with forces, energies and virials: what potentials learn from, from either engine and in files."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gsd.hoomd
import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from ljmix._util.arrays import FloatArray
from ljmix._util.atomic import replace_when_whole
from ljmix.configuration import Configuration, write_configuration
from ljmix.simulation.engine import Engine, Mixture, Segment, load_engine
from ljmix.simulation.initial import build_configuration, draw_velocities
from ljmix.state import PAIRS, StatePoint

__all__ = [
    "Frame", "Pairs", "check_frames", "evaluate", "find_pairs", "parse_trajectory", "read_frames", "rescale",
    "sample_frames", "select", "write_frames",
]  # fmt: skip

_NO_TIME = 1e-12
"""Step that leaves every particle where it is, τ: an engine asked for one step of it logs forces and energies."""


@dataclass(frozen=True)
class Frame:
    """Particles of one moment, and what they feel.

    Attributes
    ----------
    positions : (n, 3) array
        σ_AA, in a cubic box centred at the origin.
    types : (n,) array of int
        0 for A, 1 for B.
    box_edge : float
        σ_AA.
    size_ratio : float
        S = σ_BB/σ_AA: the diameters set the scale on which a fit describes each pair.
    forces : (n, 3) array
        ε_AA/σ_AA.
    energy : float
        Potential energy U of all particles, ε_AA.
    virial : float
        W = Σ r·F over all particles = 3 V (P - ρ kT), without the motion of the centre of mass, ε_AA.
    label : str
        Where it comes from; frames are selected by it.
    """

    positions: FloatArray
    types: npt.NDArray[np.int64]
    box_edge: float
    size_ratio: float
    forces: FloatArray
    energy: float
    virial: float
    label: str = ""

    @property
    def n_particles(self) -> int:
        """Number of particles."""
        return len(self.positions)

    @property
    def volume(self) -> float:
        """Volume of the box, σ_AA³."""
        return self.box_edge**3

    def sigma(self, pair: str) -> float:
        """Diameter σ_ij, σ_AA."""
        return {"AA": 1.0, "AB": (1 + self.size_ratio) / 2, "BB": self.size_ratio}[pair]


def check_frames(frames: Sequence[Frame]) -> None:
    """Raise a ValueError of one sentence where nothing can be learned from frames: none, no forces, no B, two mixtures.

    What is missing from a pair's range is told by the fit, which knows the range.
    """
    if not frames:
        raise ValueError("frames: there is none; give at least one")
    for k, frame in enumerate(frames):
        where = f"frame {k}" + (f" ({frame.label})" if frame.label else "")
        if frame.forces.shape != frame.positions.shape:
            raise ValueError(
                f"{where} has forces of shape {frame.forces.shape}; {frame.positions.shape} is needed, one for each "
                "particle"
            )
        values = (frame.positions, frame.forces, np.array([frame.energy, frame.virial]))
        if not all(np.isfinite(value).all() for value in values):
            raise ValueError(f"{where} holds a number that is not finite; leave it out")
        if frame.size_ratio != frames[0].size_ratio:
            raise ValueError(
                f"{where} has size ratio {frame.size_ratio:g}, frame 0 has {frames[0].size_ratio:g}; a potential is "
                "that of one mixture"
            )
    seen = np.unique(np.concatenate([frame.types for frame in frames]))
    missing = [species for kind, species in enumerate("AB") if kind not in seen]
    if missing:
        raise ValueError(f"no frame holds a particle of {missing[0]}; nothing can be learned about its pairs")


def select(frames: Sequence[Frame], label: str) -> list[Frame]:
    """Frames of one label.

    Raises
    ------
    ValueError
        If there is none.
    """
    found = [frame for frame in frames if frame.label == label]
    if not found:
        labels = sorted({frame.label for frame in frames})
        raise ValueError(f"label = {label!r}: no frame has it; there are {', '.join(labels)}")
    return found


def rescale(frame: Frame, factor: float) -> Frame:
    """Scale positions and box: a strained copy, whose forces are those of the original until `evaluate` renews them."""
    return replace(frame, positions=frame.positions * factor, box_edge=frame.box_edge * factor)


def parse_trajectory(path: Path, label: str = "") -> list[Frame]:
    """Read a trajectory that an engine has written: `Segment.frames`, with forces.

    The trajectory that `ljmix.simulate` keeps has none, to save space: sample with `sample_frames`.

    Raises
    ------
    ValueError
        If the file is not a trajectory of ours, or has no forces.
    """
    try:
        with gsd.hoomd.open(path, "r") as file:
            found = list(file)
    except (OSError, RuntimeError) as error:
        raise ValueError(f"{path} is not a readable GSD file (truncated or foreign): {error}") from error
    frames = []
    for frame in found:
        if "particles/force" not in frame.log:
            raise ValueError(
                f"{path}: its frames have no forces (particles/force); potentials learn from forces, so sample "
                "frames with ljmix.potentials.frames.sample_frames"
            )
        n, log = int(frame.particles.N), frame.log
        volume = float(log["thermo/volume"][0])
        kinetic = (n - 1) * float(log["thermo/temperature"][0])
        diameters, types = frame.particles.diameter, frame.particles.typeid.astype(np.int64)
        size_ratio = float(diameters[types == 1][0]) if (types == 1).any() else 1.0
        frames.append(
            Frame(
                frame.particles.position.astype(float), types, volume ** (1 / 3), round(size_ratio, 6),
                np.asarray(log["particles/force"], dtype=float), n * float(log["thermo/potential_energy"][0]),
                3 * (float(log["thermo/pressure"][0]) * volume - kinetic), label,
            )
        )  # fmt: skip
    return frames


def sample_frames(
    state: StatePoint,
    n_frames: int,
    engine: Engine | None = None,
    *,
    n_particles: int = 400,
    density: float = 0.0,
    interval: int = 300,
    settle: int = 6000,
    replica: int = 0,
    label: str | None = None,
) -> list[Frame]:
    """Run a mixture and keep frames with forces.

    Parameters
    ----------
    state : StatePoint
    n_frames : int
    engine : Engine, optional
        By default the embedded LAMMPS with Lennard-Jones forces; any `Potential.engine()`, or that of another truth.
    n_particles : int
    density : float
        Number density, 1/σ_AA³; 0 for constant pressure.
    interval, settle : int
        Steps of 0.005 τ between frames, and before the first one.
    replica : int
        Another number, another start.
    label : str, optional
        By default the name of the state.

    Returns
    -------
    list of Frame
    """
    engine = engine or load_engine("lammps")
    n_b = round(state.fraction_b * n_particles)
    start = build_configuration(state, n_particles, n_b, "random", replica, density)
    ensemble = "NVT" if density else "NPT"
    with tempfile.TemporaryDirectory(prefix="ljmix-") as name:
        folder = Path(name)
        source = folder / "initial.gsd"
        write_configuration(start, state.size_ratio, source)
        settled = Segment(source, folder / "0.gsd", folder / "0.checkpoint", settle, settle, ensemble)
        engine.advance(state, settled)
        kept = Segment(
            settled.checkpoint, folder / "1.gsd", folder / "1.checkpoint", n_frames * interval, interval, ensemble
        )
        engine.advance(state, kept)
        return parse_trajectory(kept.frames, state.state_id if label is None else label)


def evaluate(engine: Engine, mixture: Mixture, frames: Sequence[Frame]) -> list[Frame]:
    """Renew forces, energies and virials of frames with an engine: those of another potential, or of strained copies.

    Raises
    ------
    RuntimeError
        If the engine fails.
    """
    renewed = []
    with tempfile.TemporaryDirectory(prefix="ljmix-") as name:
        folder = Path(name)
        for k, frame in enumerate(frames):
            velocities = draw_velocities(1.0, frame.n_particles, k)
            # By type, as engines expect; given back in the order of the frame.
            order = np.argsort(frame.types, kind="stable")
            start = Configuration(frame.positions[order], velocities, frame.types[order], frame.box_edge)
            write_configuration(start, frame.size_ratio, folder / "initial.gsd")
            segment = Segment(
                folder / "initial.gsd", folder / "one.gsd", folder / "one.checkpoint", 1, 1, "NVE", _NO_TIME
            )
            engine.advance(mixture, segment)
            (found,) = parse_trajectory(segment.frames)
            forces = np.empty_like(found.forces)
            forces[order] = found.forces
            renewed.append(replace(frame, forces=forces, energy=found.energy, virial=found.virial))
    return renewed


def write_frames(frames: Sequence[Frame], path: Path, provenance: Mapping[str, Any] | None = None) -> None:
    """Write frames as one compressed table of arrays (``.npz``), positions and forces in single precision.

    The arrays: `position` and `force`, (n_rows, 3), and `type`, (n_rows,), one row a particle, frame after frame;
    `n_particles`, `box_edge`, `size_ratio`, `energy`, `virial` and `label`, one value a frame; `provenance`, JSON.
    """
    if not frames:
        raise ValueError("frames: there is none to write")
    with replace_when_whole(path) as part, part.open("wb") as file:
        np.savez_compressed(
            file,
            position=np.concatenate([frame.positions for frame in frames]).astype(np.float32),
            force=np.concatenate([frame.forces for frame in frames]).astype(np.float32),
            type=np.concatenate([frame.types for frame in frames]).astype(np.int8),
            n_particles=np.array([frame.n_particles for frame in frames]),
            box_edge=np.array([frame.box_edge for frame in frames]),
            size_ratio=np.array([frame.size_ratio for frame in frames]),
            energy=np.array([frame.energy for frame in frames]),
            virial=np.array([frame.virial for frame in frames]),
            label=np.array([frame.label for frame in frames]),
            provenance=np.array(json.dumps(dict(provenance or {}))),
        )


def read_frames(path: Path) -> list[Frame]:
    """Read frames that `write_frames` wrote.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged or lacks a column, forces for instance.
    """
    if not Path(path).exists():
        raise FileNotFoundError(f"{path} does not exist")
    try:
        with np.load(path, allow_pickle=False) as file:
            table = dict(file)
    except Exception as error:  # numpy and zipfile raise many kinds
        raise ValueError(f"{path} is not a readable table of frames: {error}") from error
    needed = ("position", "force", "type", "n_particles", "box_edge", "size_ratio", "energy", "virial", "label")
    missing = [name for name in needed if name not in table]
    if missing:
        raise ValueError(f"{path} has no column {missing[0]!r}; frames need {', '.join(needed)}")
    ends = np.cumsum(table["n_particles"])
    return [
        Frame(
            table["position"][end - n : end].astype(float), table["type"][end - n : end].astype(np.int64),
            float(table["box_edge"][k]), float(table["size_ratio"][k]), table["force"][end - n : end].astype(float),
            float(table["energy"][k]), float(table["virial"][k]), str(table["label"][k]),
        )
        for k, (n, end) in enumerate(zip(table["n_particles"], ends, strict=True))
    ]  # fmt: skip


@dataclass(frozen=True)
class Pairs:
    """Pairs of one kind in a frame.

    Attributes
    ----------
    first, second : (n_pairs,) arrays of int
    distance : (n_pairs,) array
        σ_AA.
    direction : (n_pairs, 3) array
        Unit vectors from the second to the first.
    """

    first: npt.NDArray[np.int64]
    second: npt.NDArray[np.int64]
    distance: FloatArray
    direction: FloatArray


def find_pairs(frame: Frame, cutoffs: Mapping[str, float]) -> dict[str, Pairs]:
    """Pairs of each kind closer than their cut-off, by minimum image.

    Raises
    ------
    ValueError
        If the box is too small for the largest cut-off.
    """
    edge, reach = frame.box_edge, max(cutoffs.values())
    if reach > edge / 2:
        raise ValueError(f"box_edge = {edge:.2f}: the cut-off {reach:.2f} reaches beyond half the box")
    positions = frame.positions % edge
    positions[positions >= edge] = 0.0
    i, j = cKDTree(positions, boxsize=edge).query_pairs(reach, output_type="ndarray").T.astype(np.int64)
    separation = positions[i] - positions[j]
    separation -= edge * np.rint(separation / edge)
    distance = np.linalg.norm(separation, axis=1)
    kind = frame.types[i] + frame.types[j]
    found = {}
    for number, pair in enumerate(PAIRS):
        of = (kind == number) & (distance < cutoffs[pair])
        found[pair] = Pairs(i[of], j[of], distance[of], separation[of] / distance[of, None])
    return found
