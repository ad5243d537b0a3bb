"""Hard rods on a line, where the functional is known exactly: Percus 1976 (doi:10.1007/BF01020803)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ljmix._util.arrays import FloatArray
from ljmix.functional.grid import Grid
from ljmix.functional.solve import bin_field, solve_profile

__all__ = ["ROD_GRID", "RodProfiles", "count_particles", "draw_rod_profiles", "percus_bulk", "percus_c1"]

ROD_GRID = Grid((200,), 0.05)
"""A box of ten rods' lengths."""
_HALF = round(0.5 / ROD_GRID.spacing)
_FULLEST = 0.999


@dataclass(frozen=True)
class RodProfiles:
    """Exact profiles of rods in random fields.

    Attributes
    ----------
    rho : (n, bins) array
        1/σ.
    beta_field : (n, bins) array
        βV.
    beta_mu : (n,) array
    """

    rho: FloatArray
    beta_field: FloatArray
    beta_mu: FloatArray


def percus_c1(rho: FloatArray, grid: Grid = ROD_GRID) -> FloatArray:
    """Exact one-body direct correlation function of rods of length σ.

    βF = −∫ n0 ln(1 − n1) dz with n0 = [ρ(z − ½) + ρ(z + ½)]/2 and n1 = ∫ρ over the rod's length around z.

    Parameters
    ----------
    rho : (..., bins) array
        1/σ, periodic, on a grid with a whole number of bins in half a rod.
    grid : Grid

    Returns
    -------
    array like `rho`
    """
    edges = (np.roll(rho, _HALF, -1) + np.roll(rho, -_HALF, -1)) / 2
    covered = np.minimum(_cover(rho, grid.spacing), _FULLEST)
    logarithm = np.log(1 - covered)
    ends = (np.roll(logarithm, _HALF, -1) + np.roll(logarithm, -_HALF, -1)) / 2
    return np.asarray(ends - _cover(edges / (1 - covered), grid.spacing))


def percus_bulk(rho: FloatArray) -> FloatArray:
    """c1 of uniform rods: ln(1 − ρ) − ρ/(1 − ρ)."""
    rho = np.asarray(rho, dtype=float)
    return np.asarray(np.log(1 - rho) - rho / (1 - rho))


def _cover(values: FloatArray, spacing: float) -> FloatArray:
    """∫ over a rod's length around each bin, the bins at its ends by half."""
    total = sum(np.roll(values, shift, -1) for shift in range(-_HALF + 1, _HALF))
    return np.asarray((total + (np.roll(values, _HALF, -1) + np.roll(values, -_HALF, -1)) / 2) * spacing)


def draw_rod_profiles(count: int, seed: int) -> RodProfiles:
    """Exact profiles in random fields: four waves, and up to three slanted steps.

    Parameters
    ----------
    count : int
    seed : int
        Decides fields and chemical potentials, βμ from −3 to 4.

    Returns
    -------
    RodProfiles
    """
    rng = np.random.default_rng(seed)
    bins, spacing = ROD_GRID.shape[0], ROD_GRID.spacing
    length = bins * spacing
    rho: list[FloatArray] = []
    fields, potentials = [], []
    while len(rho) < count:
        amplitude, phase = rng.normal(size=4), rng.uniform(0, 2 * np.pi, 4)
        steps = [(np.sort(rng.uniform(0, length, 2)), rng.normal(size=2)) for _ in range(rng.integers(1, 4))]

        def energy(z: FloatArray, amplitude=amplitude, phase=phase, steps=steps) -> FloatArray:  # type: ignore[no-untyped-def]
            value = np.zeros_like(z)
            for order in range(4):
                value += amplitude[order] * np.sin(2 * np.pi * (order + 1) * z / length + phase[order])
            for (low, high), (first, last) in steps:
                inside = (z > low) & (z < high)
                value += np.where(inside, first + (last - first) * (z - low) / (high - low), 0.0)
            return value

        field, beta_mu = bin_field(energy, bins, spacing, 1.0), float(rng.uniform(-3, 4))
        rho.append(solve_profile(percus_c1, field, spacing, beta_mu=beta_mu, mixing=0.05, tolerance=1e-9, most=20000))
        fields.append(field)
        potentials.append(beta_mu)
    return RodProfiles(np.array(rho), np.array(fields), np.array(potentials))


def count_particles(rho: FloatArray, configurations: int, seed: int) -> FloatArray:
    """What independent configurations would have counted: each bin a Poisson number with mean ρ Δz n.

    Parameters
    ----------
    rho : array
        1/σ.
    configurations : int
        n.
    seed : int

    Returns
    -------
    array like `rho`
        Counts over Δz n.
    """
    per_bin = configurations * ROD_GRID.spacing
    return np.asarray(np.random.default_rng(seed).poisson(np.maximum(rho, 0) * per_bin) / per_bin)
