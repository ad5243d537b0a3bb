"""Hard spheres: the White-Bear functional of fundamental measure theory.

Roth, Evans, Lang, Kahl 2002 (doi:10.1088/0953-8984/14/46/313) and Yu, Wu 2002 (doi:10.1063/1.1520530). Its uniform
fluid has the equation of state of Carnahan and Starling. No package gives this functional with the derivatives that
learning and the structure factor need without bringing a compiled solver of its own; feos serves as a rival instead.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ljmix._util.arrays import FloatArray
from ljmix.functional.grid import Grid, ball_transforms

__all__ = ["HardSpheres"]

_FULLEST = 0.98
"""Iterates on the way to a solution may overlap; local packing fractions are cut here."""


class _Slopes(NamedTuple):
    """Energy density, and its derivatives by n2, n3 and (divided by it) the vector nv."""

    energy: Any
    n2: Any
    n3: Any
    nv: Any


class HardSpheres:
    """Excess free energy of hard spheres of one diameter.

    With the weighted densities n3 (local packing), n2 (surface) and the vector nv = −∇n3,

        Φ = −n2 ln(1 − n3)/(4πR²) + (n2² − nv²)/(4πR (1 − n3)) + (n2³ − 3 n2 nv²) T(n3),
        T(x) = [x + (1 − x)² ln(1 − x)] / [36π x² (1 − x)²].

    Parameters
    ----------
    diameter : float
        2R, σ.
    """

    def __init__(self, diameter: float) -> None:
        self.radius = diameter / 2

    def energy(self, rho: FloatArray, grid: Grid) -> float:
        """Excess free energy βF of a density on a grid, for each unit of the directions left out."""
        return float(self._slopes(*self._densities(rho, grid)).energy.sum() * grid.bin_volume)

    def c1(self, rho: FloatArray, grid: Grid) -> FloatArray:
        """One-body direct correlation function −δβF/δρ on a grid."""
        ball, surface = ball_transforms(grid.wave_number, self.radius)
        n2, n3, vector = self._densities(rho, grid)
        slopes = self._slopes(n2, n3, vector)
        hat = surface * grid.transform(slopes.n2) + ball * grid.transform(slopes.n3)
        for wave, component in zip(grid.waves, vector, strict=True):
            # The vector kernel is odd: against the density's own sign of ik.
            hat = hat + 1j * wave * ball * grid.transform(slopes.nv * component)
        return -grid.back(hat)

    def bulk(self, rho: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Excess free energy for each volume, βF/V, and c1 of the uniform fluid."""
        slopes = self._slopes(*self._uniform(rho))
        return slopes.energy, -(self._surface * slopes.n2 + self._ball * slopes.n3)

    def c2(self, k: FloatArray, rho: float) -> FloatArray:
        """Transform of the pair direct correlation function of the uniform fluid."""
        ball, surface = ball_transforms(k, self.radius)
        n2, n3, _ = self._uniform(np.array(rho))
        step = 1e-30  # a step along the imaginary axis loses no digits
        by_n2 = self._slopes(n2 + 1j * step, n3, ())
        by_n3 = self._slopes(n2, n3 + 1j * step, ())
        curvature = (by_n2.n2.imag * surface**2 + 2 * by_n2.n3.imag * surface * ball + by_n3.n3.imag * ball**2) / step
        vector = self._slopes(n2, n3, ()).nv * np.asarray(k) ** 2 * ball**2
        return np.asarray(-(curvature + vector), dtype=float)

    @property
    def _ball(self) -> float:
        return 4 * np.pi * self.radius**3 / 3

    @property
    def _surface(self) -> float:
        return 4 * np.pi * self.radius**2

    def _uniform(self, rho: FloatArray) -> tuple[FloatArray, FloatArray, tuple[FloatArray, ...]]:
        rho = np.asarray(rho, dtype=float)
        return self._surface * rho, self._ball * rho, ()

    def _densities(self, rho: FloatArray, grid: Grid) -> tuple[FloatArray, FloatArray, tuple[FloatArray, ...]]:
        ball, surface = ball_transforms(grid.wave_number, self.radius)
        hat = grid.transform(rho)
        vector = tuple(grid.back(-1j * wave * ball * hat) for wave in grid.waves)
        return grid.back(surface * hat), np.minimum(grid.back(ball * hat), _FULLEST), vector

    def _slopes(self, n2: Any, n3: Any, vector: Any) -> _Slopes:
        """Φ and its derivatives; the one by the vector is the returned factor times the vector."""
        radius, area = self.radius, self._surface
        square: Any = sum(component**2 for component in vector)
        free = 1 - n3
        shape, slope = _third_term(n3)
        scale = 1 / (4 * np.pi * radius * free)
        energy = -n2 / area * np.log(free) + (n2**2 - square) * scale + (n2**3 - 3 * n2 * square) * shape
        by_n2 = -np.log(free) / area + 2 * n2 * scale + 3 * (n2**2 - square) * shape
        by_n3 = n2 / (area * free) + (n2**2 - square) * scale / free + (n2**3 - 3 * n2 * square) * slope
        return _Slopes(energy, by_n2, by_n3, -2 * scale - 6 * n2 * shape)


def _third_term(x: Any) -> tuple[Any, Any]:
    """T(x) and its derivative; for small x by the series of the bracket, which loses its digits there."""
    free = 1 - x
    small = np.abs(x) < 0.05
    safe = np.where(small, 0.5, x)
    log = np.log(1 - safe)
    bracket = safe + (1 - safe) ** 2 * log
    ratio = bracket / safe**2
    slope = (safe - 2 * (1 - safe) * log) / safe**2 - 2 * bracket / safe**3
    orders = range(3, 16)
    near = 1.5 - sum(2 * x ** (m - 2) / (m * (m - 1) * (m - 2)) for m in orders)
    near_slope = -sum(2 * x ** (m - 3) / (m * (m - 1)) for m in orders)
    ratio, slope = np.where(small, near, ratio), np.where(small, near_slope, slope)
    return ratio / (36 * np.pi * free**2), (slope * free + 2 * ratio) / (36 * np.pi * free**3)
