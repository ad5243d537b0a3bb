"""Where particles are: a configuration, its GSD frame and file, and what engines log with a frame."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import gsd.hoomd
import numpy as np
import numpy.typing as npt

from ljmix._util.arrays import FloatArray
from ljmix._util.atomic import replace_when_whole

__all__ = ["THERMO", "Configuration", "make_frame", "parse_frame", "read_configuration", "write_configuration"]

THERMO = ("temperature", "pressure", "potential_energy", "volume")
"""Quantities logged with each frame: T*, P*, potential energy a particle (ε_AA), volume (σ_AA³)."""


@dataclass(frozen=True)
class Configuration:
    """Positions and velocities in a cubic box centred at the origin.

    Attributes
    ----------
    positions, velocities : (n_particles, 3) arrays
        σ_AA and σ_AA/τ.
    types : (n_particles,) array of int
        0 for A, 1 for B; A first.
    box_edge : float
        σ_AA.
    """

    positions: FloatArray
    velocities: FloatArray
    types: npt.NDArray[np.int64]
    box_edge: float


def write_configuration(configuration: Configuration, size_ratio: float, path: Path) -> None:
    """Write a configuration as a GSD file of one frame, in an atomic write."""
    frame = make_frame(0, configuration.positions, configuration.types, configuration.box_edge, size_ratio)
    frame.particles.velocity = configuration.velocities
    with replace_when_whole(path) as part, gsd.hoomd.open(part, "w") as file:
        file.append(frame)


def read_configuration(path: Path) -> Configuration:
    """Read the last frame of a GSD file of ours.

    Raises
    ------
    ValueError
        If the file is truncated or foreign.
    """
    try:
        with gsd.hoomd.open(path, "r") as file:
            frame = file[-1]
    except (OSError, RuntimeError, IndexError) as error:
        raise ValueError(f"{path} is not a readable GSD file (truncated or foreign): {error}") from error
    if frame.particles.types != ["A", "B"]:
        raise ValueError(f"{path} holds particles of types {frame.particles.types}; A and B are expected")
    return parse_frame(frame)


def parse_frame(frame: gsd.hoomd.Frame) -> Configuration:
    """Take the configuration out of a GSD frame."""
    return Configuration(
        frame.particles.position.astype(float),
        frame.particles.velocity.astype(float),
        frame.particles.typeid.astype(int),
        float(frame.configuration.box[0]),
    )


def make_frame(
    step: int,
    positions: npt.NDArray[np.floating],
    types: npt.NDArray[np.integer],
    box_edge: float,
    size_ratio: float,
) -> gsd.hoomd.Frame:
    """Make one GSD frame of a cubic box; positions are wrapped into it."""
    frame = gsd.hoomd.Frame()
    frame.configuration.step = step
    frame.configuration.box = [box_edge] * 3 + [0, 0, 0]
    frame.particles.N = len(positions)
    frame.particles.types = ["A", "B"]
    frame.particles.typeid = types
    frame.particles.diameter = np.array([1.0, size_ratio])[types]
    frame.particles.position = positions - box_edge * np.rint(positions / box_edge)
    return frame
