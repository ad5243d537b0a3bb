"""One simulation of a slab in an external field: density by counting and by forces, in blocks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ljmix._util.arrays import FloatArray
from ljmix.external_fields.fields import AREA, BINS, LENGTH, PlanarField
from ljmix.functional.grid import SPACING
from ljmix.simulation.engine import TIME_STEP
from ljmix.simulation.engines.lammps import LammpsEngine
from ljmix.state import CUTOFF

__all__ = ["BLOCKS", "INTERVAL", "FieldRun", "place_particles", "run_field"]

BLOCKS, INTERVAL = 10, 10
"""Blocks of a run, and steps between two samples."""
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


def run_field(field: PlanarField, start: int, rho: FloatArray, equilibration: int, steps: int) -> FieldRun:
    """Simulate a field once at constant N and T, with LAMMPS on one core.

    Parameters
    ----------
    field : PlanarField
    start : int
        Number of the start; each places the particles anew.
    rho : (BINS,) array
        Profile by which particles are placed.
    equilibration, steps : int
        Steps of 0.005 τ before and during the measurement.

    Returns
    -------
    FieldRun

    Raises
    ------
    ValueError
        If the steps are not a multiple of the samples that fill the blocks.
    """
    if steps < 1 or steps % (INTERVAL * BLOCKS):
        raise ValueError(f"steps = {steps}: must be a positive multiple of {INTERVAL * BLOCKS}")
    seed = field.seed(f"start {start}") % 10**8 + 1
    lmp = _start(field, place_particles(rho, field.n_particles, seed))
    try:
        lmp.commands_list(_equilibrate(field.temperature, seed, equilibration))
        return _measure(lmp, field.n_particles, steps)
    finally:
        lmp.close()


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
    places = np.zeros((count, 3))
    for k in range(count):
        tries = rng.uniform(size=(60, 3)) * edges
        bins = np.searchsorted(share, rng.uniform(size=60))
        tries[:, 2] = (np.minimum(bins, BINS - 1) + rng.uniform(size=60)) * SPACING
        apart = places[None, :k] - tries[:, None]
        apart -= edges * np.round(apart / edges)
        nearest = (apart**2).sum(axis=2).min(axis=1, initial=9.0)
        fits = np.flatnonzero(nearest > 0.72)
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


def _start(field: PlanarField, places: FloatArray) -> Any:
    lmp = LammpsEngine().start()
    width = AREA**0.5
    lmp.commands_list(
        [
            "units lj", "atom_style atomic", "atom_modify map array",
            f"region box block 0 {width} 0 {width} 0 {LENGTH}", "create_box 1 box", "mass 1 1",
        ]
    )  # fmt: skip
    count = len(places)
    lmp.create_atoms(count, None, [1] * count, places.ravel().tolist())
    if lmp.get_natoms() != count:
        raise RuntimeError(f"{field.name}: LAMMPS took {lmp.get_natoms()} of {count} particles")
    lmp.commands_list(
        [
            f"pair_style lj/cut {CUTOFF}", "pair_modify shift yes", "pair_coeff 1 1 1 1", "neighbor 0.3 bin",
            "neigh_modify delay 0 every 2 check yes", f"timestep {TIME_STEP}", "minimize 0 1e-1 60 120",
            "fix field all external pf/callback 1 1",
        ]
    )  # fmt: skip
    force = force_table(field)

    def push(_caller: Any, _step: int, here: int, _tag: Any, x: FloatArray, f: FloatArray) -> None:
        f[:here, :2] = 0
        f[:here, 2] = force(x[:here, 2])

    lmp.set_fix_external_callback("field", push, lmp)
    return lmp


def _equilibrate(temperature: float, seed: int, steps: int) -> list[str]:
    t = temperature
    return [
        f"velocity all create {t} {seed + 1} mom yes",
        # Particles that were placed too close are held back at first.
        "fix limit all nve/limit 0.05", f"fix bath all temp/csvr {t} {t} 0.1 {seed + 2}", "thermo 100000000",
        "run 500 post no", "unfix limit", "unfix bath",
        "fix move all nve", f"fix bath all temp/csvr {t} {t} 0.2 {seed + 3}",
        # The field takes momentum along z; only two components are conserved.
        "compute_modify bath_temp extra/dof 2",
        f"run {steps} post no",
    ]  # fmt: skip


def _measure(lmp: Any, count: int, steps: int) -> FieldRun:
    counted, forced = np.zeros((BLOCKS, BINS)), np.zeros((BLOCKS, BINS))
    samples = steps // INTERVAL
    for sample in range(samples):
        lmp.command(f"run {INTERVAL} pre no post no")
        z = lmp.numpy.extract_atom("x")[:count, 2]
        force = lmp.numpy.extract_atom("f")[:count, 2]
        block = sample * BLOCKS // samples
        _add(counted[block], forced[block], z, force)
    norm = samples / BLOCKS * AREA * SPACING
    return FieldRun(counted / norm, forced / norm)


def _add(counted: FloatArray, forced: FloatArray, z: FloatArray, force: FloatArray) -> None:
    """Add one sample; a force counts for the two edges of its bin, by nearness."""
    place = (z % LENGTH) / SPACING
    lower: npt.NDArray[np.int64] = place.astype(np.int64) % BINS
    part = place - np.floor(place)
    counted += np.bincount(lower, minlength=BINS)
    forced += np.bincount(lower, force * (1 - part), minlength=BINS)
    forced += np.bincount((lower + 1) % BINS, force * part, minlength=BINS)
