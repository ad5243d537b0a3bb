"""External fields for a slab of fluid: random ones to learn from, and walls that no random field resembles."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ljmix._util.arrays import FloatArray
from ljmix.functional.grid import SPACING

__all__ = ["AREA", "BINS", "CRITICAL", "LENGTH", "PlanarField", "draw_field", "is_connected", "make_slit"]

LENGTH, AREA = 15.0, 49.0
"""Edge of the box along the field (σ), and its area across (σ²)."""
BINS = round(LENGTH / SPACING)
CRITICAL = 1.08
"""Critical temperature of the fluid, T*: below it a field may hold liquid beside vapour."""

_BARRIER, _CEILING = 10.0, 12.0
"""Height of a random barrier, and where the potential of a wall is cut, k_B T."""


@dataclass(frozen=True)
class PlanarField:
    """A field V(z) in a box that is periodic along z, and how many particles are in it.

    V/k_B T = Σ a_m sin(2πmz/L + φ_m) + h exp[−(z − z_h)²/2w_h²] + a barrier around z = 0, or the walls of a slit.

    Parameters
    ----------
    name : str
        Key of tables and seed of its runs.
    temperature : float
        T*.
    n_particles : int
    waves : tuple of (float, float)
        Amplitude a_m (k_B T) and phase φ_m of each wave, from m = 1 on.
    hump : tuple of three floats
        Height (k_B T), place and width (σ) of a bell.
    barrier : tuple of two floats or None
        Half width and softness of a barrier (σ) of 10 k_B T.
    slit : tuple of two floats or None
        Width (σ) and strength (ε) of a slit between two 9-3 walls, in the middle of the box.
    """

    name: str
    temperature: float
    n_particles: int
    waves: tuple[tuple[float, float], ...] = ()
    hump: tuple[float, float, float] = (0.0, 0.0, 1.0)
    barrier: tuple[float, float] | None = None
    slit: tuple[float, float] | None = None

    def energy(self, z: FloatArray) -> FloatArray:
        """V(z), ε."""
        z = np.asarray(z, dtype=float) % LENGTH
        value = np.zeros_like(z)
        for order, (amplitude, phase) in enumerate(self.waves, start=1):
            value += amplitude * np.sin(2 * np.pi * order * z / LENGTH + phase)
        height, place, width = self.hump
        away = (z - place + LENGTH / 2) % LENGTH - LENGTH / 2
        value += height * np.exp(-0.5 * (away / width) ** 2)
        if self.barrier is not None:
            half, softness = self.barrier
            value += _BARRIER / 2 * (1 - np.tanh((np.minimum(z, LENGTH - z) - half) / softness))
        value *= self.temperature
        if self.slit is not None:
            width, strength = self.slit
            for distance in (z - (LENGTH - width) / 2, (LENGTH + width) / 2 - z):
                value += wall_potential(np.maximum(distance, 0.3), strength)
            value = np.minimum(value, _CEILING * self.temperature)
        return value

    @classmethod
    def from_json(cls, text: str) -> PlanarField:
        """Read what `as_dict` gave, as JSON."""
        values = json.loads(text)
        tuples = {key: tuple(value) for key, value in values.items() if isinstance(value, list)}
        tuples["waves"] = tuple(tuple(wave) for wave in values["waves"])
        return cls(**(values | tuples))

    def seed(self, stage: str) -> int:
        """Seed of one stage of its runs."""
        return _seed(f"{self.name}/{stage}")

    def as_dict(self) -> dict[str, Any]:
        """What it is, as JSON has it."""
        return asdict(self)


def wall_potential(distance: FloatArray, strength: float) -> FloatArray:
    """Potential of a smooth 9-3 wall, ε: zero at 0.8 σ from it, and `strength` deep at its minimum."""
    close = (0.8 / np.asarray(distance)) ** 3
    return np.asarray(strength * 1.5 * np.sqrt(3) * (close**3 - close))


def _seed(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1


def draw_field(name: str, temperature: float, attempt: int = 0, least: float = 0.05, most: float = 0.7) -> PlanarField:
    """Draw a random field; the name decides it, whatever was drawn before.

    Parameters
    ----------
    name : str
        For instance ``train-T1.5-007``.
    temperature : float
        T*.
    attempt : int
        Another draw for the same name, where the first is of no use.
    least, most : float
        Bounds of the mean density of the room left free, 1/σ³.

    Returns
    -------
    PlanarField
        Three of five have a barrier, whose two flanks are walls.
    """
    rng = np.random.default_rng(_seed(f"{name}/field/{attempt}"))
    amplitudes = rng.normal(size=5) * (1, 1, 1, 0.8, 0.6)
    waves = tuple((round(float(a), 4), round(float(p), 4)) for a, p in zip(amplitudes, rng.uniform(0, 6.2832, 5)))  # noqa: B905
    hump = tuple(round(float(x), 4) for x in (1.5 * rng.normal(), rng.uniform(0, LENGTH), rng.uniform(0.3, 1.0)))
    barrier = (round(float(rng.uniform(0.6, 2.5)), 4), round(float(rng.uniform(0.08, 0.35)), 4))
    walled = bool(rng.random() < 0.6)
    room = AREA * (LENGTH - (2 * barrier[0] if walled else 0))
    count = int(rng.uniform(least, most) * room)
    return PlanarField(name, temperature, count, waves, hump, barrier if walled else None)  # type: ignore[arg-type]


def make_slit(name: str, temperature: float, width: float, strength: float, n_particles: int) -> PlanarField:
    """Make a slit between two 9-3 walls.

    Raises
    ------
    ValueError
        If it does not fit into the box, or holds no particle.
    """
    if not 2 <= width <= LENGTH - 1:
        raise ValueError(f"width = {width}: must lie between 2 and {LENGTH - 1:g} σ")
    if not (math.isfinite(strength) and strength > 0) or n_particles < 1:
        raise ValueError(f"strength = {strength}, n_particles = {n_particles}: must be positive")
    return PlanarField(name, temperature, n_particles, slit=(width, strength))


def is_connected(rho: FloatArray) -> bool:
    """Whether a particle reaches all of a profile without crossing where ρ is below e^−2.7 of its largest value.

    A run of fixed N does not exchange particles across a high barrier: the amounts on both sides stay as they were
    placed. Such a field is of no use, and halves of its run would agree with each other.

    Parameters
    ----------
    rho : (n,) array
        Profile of a periodic box, from theory.
    """
    reached = rho > rho.max() * np.exp(-2.7)
    edges = np.flatnonzero(reached & ~np.roll(reached, 1))
    if len(edges) <= 1:
        return True
    groups = np.split(np.roll(rho, -edges[0]), edges[1:] - edges[0])
    shares: npt.NDArray[np.float64] = np.sort([group.sum() for group in groups]) / rho.sum()
    return bool(shares[:-1].sum() < 0.02)
