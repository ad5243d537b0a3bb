"""Where particles are: a configuration, its GSD frame and file, and what engines log with a frame."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gsd.hoomd
import numpy as np
import numpy.typing as npt

from ljmix._util.arrays import FloatArray
from ljmix._util.atomic import replace_when_whole

__all__ = [
    "TENSOR", "THERMO", "Configuration", "make_frame", "open_frames", "parse_frame", "read_configuration",
    "write_configuration",
]  # fmt: skip

THERMO = ("temperature", "pressure", "potential_energy", "volume")
"""Quantities logged with each frame: T*, P*, potential energy a particle (ε_AA), volume (σ_AA³)."""

TENSOR = ("pressure_xx", "pressure_yy", "pressure_zz")
"""Diagonal of the pressure tensor, ε_AA/σ_AA³, logged where the box changes along z only."""


@dataclass(frozen=True)
class Configuration:
    """Positions and velocities in a box centred at the origin: a cube, or one that is elongated along z.

    Attributes
    ----------
    positions, velocities : (n_particles, 3) arrays
        σ_AA and σ_AA/τ.
    types : (n_particles,) array of int
        0 for A, 1 for B; A first.
    box_edge : float
        σ_AA.
    length : float
        Edge along z, σ_AA; 0 for a cube.
    """

    positions: FloatArray
    velocities: FloatArray
    types: npt.NDArray[np.int64]
    box_edge: float
    length: float = 0.0

    @property
    def box(self) -> FloatArray:
        """The three edges, σ_AA."""
        return np.array([self.box_edge, self.box_edge, self.length or self.box_edge])


MOST_PARTICLES = 10_000_000
"""Particles of a frame that is read: ten times those of the largest system that is simulated."""
_CUBIC = 1e-5
"""Relative difference of edges, and tilt, up to which a box counts as cubic: boxes are kept in single precision."""


def write_configuration(configuration: Configuration, size_ratio: float, path: Path | str) -> None:
    """Write a configuration as a GSD file of one frame, in an atomic write."""
    frame = make_frame(0, configuration.positions, configuration.types, configuration.box, size_ratio)
    frame.particles.velocity = configuration.velocities
    with replace_when_whole(path) as part, gsd.hoomd.open(part, "w") as file:
        file.append(frame)


@contextmanager
def open_frames(path: Path | str) -> Iterator[Any]:
    """Open a GSD file to read frames from.

    Raises
    ------
    FileNotFoundError
        If it is not there.
    ValueError
        If it is truncated, foreign, or claims more particles than are read; the message names the file.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist")
    try:
        with gsd.hoomd.open(path, "r") as file:
            for k in {0, len(file) - 1}:
                # What a frame claims, before anything of that size is read.
                claimed = file.file.read_chunk(frame=k, name="particles/N") if k >= 0 and _claims(file, k) else [0]
                if claimed[0] > MOST_PARTICLES:
                    raise ValueError(f"it claims {claimed[0]} particles; at most {MOST_PARTICLES} are read")
            yield file
    except (OSError, RuntimeError, IndexError, KeyError, ValueError, MemoryError) as error:
        raise ValueError(f"{path} is not a readable GSD file (truncated or foreign): {error}") from error


def _claims(file: Any, frame: int) -> bool:
    return bool(file.file.chunk_exists(frame=frame, name="particles/N"))


def read_configuration(path: Path | str, elongated: bool = False) -> Configuration:
    """Read the last frame of a GSD file of ours.

    Parameters
    ----------
    path : Path or str
    elongated : bool
        Whether its box may have another edge along z.

    Raises
    ------
    FileNotFoundError
        If it is not there.
    ValueError
        If the file is truncated or foreign, or its box is not a cube.
    """
    with open_frames(path) as file:
        frame = file[-1]
    if frame.particles.types != ["A", "B"]:
        raise ValueError(f"{path} holds particles of types {frame.particles.types}; A and B are expected")
    try:
        return parse_frame(frame, elongated)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def parse_frame(frame: gsd.hoomd.Frame, elongated: bool = False) -> Configuration:
    """Take the configuration out of a GSD frame.

    Parameters
    ----------
    frame : gsd.hoomd.Frame
    elongated : bool
        Whether its box may have another edge along z.

    Raises
    ------
    ValueError
        If its box is not a cube in three dimensions, or elongated along z, or a position is not finite.
    """
    box = np.asarray(frame.configuration.box, dtype=float)
    edges, tilts = box[:3], box[3:]
    if frame.configuration.dimensions == 2 or edges[2] == 0:
        raise ValueError("the configuration is two-dimensional; a cube in three dimensions is expected")
    cubic = np.ptp(edges) <= _CUBIC * edges[0]
    square = np.ptp(edges[:2]) <= _CUBIC * edges[0] and edges[2] > 0
    if not (np.isfinite(box).all() and edges[0] > 0 and (cubic or (elongated and square))):
        raise ValueError(f"the box has edges {', '.join(f'{edge:g}' for edge in edges)}; a cube is expected")
    if np.abs(tilts).max() > _CUBIC:
        raise ValueError(f"the box is tilted by {', '.join(f'{tilt:g}' for tilt in tilts)}; a cube is expected")
    if not np.isfinite(frame.particles.position).all():
        raise ValueError("a position is not finite")
    return Configuration(
        frame.particles.position.astype(float),
        frame.particles.velocity.astype(float),
        frame.particles.typeid.astype(int),
        float(edges[0]),
        0.0 if cubic else float(edges[2]),
    )


def make_frame(
    step: int,
    positions: npt.NDArray[np.floating],
    types: npt.NDArray[np.integer],
    box: float | FloatArray,
    size_ratio: float,
) -> gsd.hoomd.Frame:
    """Make one GSD frame of a box of three edges, or of a cube; positions are wrapped into it."""
    edges = np.broadcast_to(np.asarray(box, dtype=float), (3,))
    frame = gsd.hoomd.Frame()
    frame.configuration.step = step
    frame.configuration.box = [*edges.tolist(), 0, 0, 0]
    frame.particles.N = len(positions)
    frame.particles.types = ["A", "B"]
    frame.particles.typeid = types
    frame.particles.diameter = np.array([1.0, size_ratio])[types]
    frame.particles.position = positions - edges * np.rint(positions / edges)
    return frame
