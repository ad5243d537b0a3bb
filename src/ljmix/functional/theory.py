"""The theory without learning: hard spheres for the repulsion, a mean field for the attraction."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ljmix._util.arrays import FloatArray
from ljmix.functional.fundamental_measure import HardSpheres
from ljmix.functional.grid import Grid, ball_transforms
from ljmix.potential import lj_potential
from ljmix.state import CUTOFF

__all__ = ["TheoryTerm", "attraction_transform", "effective_diameter", "mayer_transform", "theory_energy"]

_MINIMUM = 2 ** (1 / 6)
_BETA_STEP = 1e-3


@lru_cache
def effective_diameter(temperature: float) -> float:
    """Diameter of Barker and Henderson, d = ∫ [1 − exp(−βu)] dr over the repulsion of Weeks, Chandler and Andersen.

    Parameters
    ----------
    temperature : float
        T*.

    Returns
    -------
    float
        σ; Barker and Henderson 1967 (doi:10.1063/1.1701689).
    """
    r, weight = _nodes(0.0, _MINIMUM, 200)
    repulsion = lj_potential(r, 1.0, 1.0) - lj_potential(np.array(_MINIMUM), 1.0, 1.0)
    return float(weight @ -np.expm1(-np.maximum(repulsion, 0) / temperature))


def attraction_transform(k: FloatArray) -> FloatArray:
    """Transform of the attraction: the potential from its minimum on, and its depth inside; ε σ³."""
    depth = float(lj_potential(np.array(_MINIMUM), 1.0, 1.0))
    r, weight = _nodes(_MINIMUM, CUTOFF, 120)
    tail = _radial(k, r, weight * lj_potential(r, 1.0, 1.0))
    return depth * ball_transforms(k, _MINIMUM)[0] + tail


def mayer_transform(k: FloatArray, temperature: float) -> FloatArray:
    """Transform of exp(−βu) − 1, the pair direct correlation function at vanishing density; exact, σ³."""
    r, weight = _nodes(0.0, 1.0, 200)
    outer, outer_weight = _nodes(1.0, CUTOFF, 200)
    r, weight = np.concatenate([r, outer]), np.concatenate([weight, outer_weight])
    return _radial(k, r, weight * np.expm1(-lj_potential(r, 1.0, 1.0) / temperature))


def _radial(k: FloatArray, r: FloatArray, weighted: FloatArray) -> FloatArray:
    """∫ 4πr² f(r) sin(kr)/(kr) dr, with f times the weights of a quadrature."""
    k = np.asarray(k, dtype=float)
    flat = np.sinc(np.multiply.outer(k.ravel(), r) / np.pi) @ (4 * np.pi * r**2 * weighted)
    return np.asarray(flat.reshape(k.shape))


@lru_cache
def _nodes(low: float, high: float, count: int) -> tuple[FloatArray, FloatArray]:
    x, weight = np.polynomial.legendre.leggauss(count)
    return low + (high - low) * (x + 1) / 2, weight * (high - low) / 2


class TheoryTerm:
    """Excess free energy of the truncated and shifted Lennard-Jones fluid by theory alone.

    βF = βF of hard spheres of diameter d(T) + β/2 ∫∫ ρ(r) ρ(r') u_attr(|r − r'|).

    Parameters
    ----------
    temperature : float
        T*.
    """

    def __init__(self, temperature: float) -> None:
        self.temperature = temperature
        self.spheres = HardSpheres(effective_diameter(round(temperature, 9)))
        self._strength = float(attraction_transform(np.zeros(1))[0]) / temperature
        self._kernels: dict[Grid, FloatArray] = {}

    def _kernel(self, grid: Grid) -> FloatArray:
        if grid not in self._kernels:
            self._kernels[grid] = attraction_transform(grid.wave_number) / self.temperature
        return self._kernels[grid]

    def energy(self, rho: FloatArray, grid: Grid) -> float:
        """Excess free energy βF of a density on a grid, for each unit of the directions left out."""
        field = grid.back(self._kernel(grid) * grid.transform(rho))
        return self.spheres.energy(rho, grid) + float((rho * field).sum() * grid.bin_volume / 2)

    def c1(self, rho: FloatArray, grid: Grid) -> FloatArray:
        """One-body direct correlation function −δβF/δρ on a grid."""
        return self.spheres.c1(rho, grid) - grid.back(self._kernel(grid) * grid.transform(rho))

    def bulk(self, rho: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Excess free energy for each volume, βF/V, and c1 of the uniform fluid."""
        rho = np.asarray(rho, dtype=float)
        energy, c1 = self.spheres.bulk(rho)
        return energy + self._strength * rho**2 / 2, c1 - self._strength * rho

    def c2(self, k: FloatArray, rho: float) -> FloatArray:
        """Transform of the pair direct correlation function of the uniform fluid."""
        return self.spheres.c2(k, rho) - attraction_transform(k) / self.temperature


def theory_energy(rho: FloatArray, temperature: float) -> FloatArray:
    """Potential energy of a particle of the uniform fluid by theory alone, U/N = ∂(βF/N)/∂β; ε.

    The diameter changes with temperature, so that spheres have an energy as well.
    """
    beta = 1 / temperature
    above, below = (TheoryTerm(1 / (beta + step)).bulk(rho)[0] for step in (_BETA_STEP, -_BETA_STEP))
    return np.asarray((above - below) / (2 * _BETA_STEP) / rho)
