"""The functional that one asks: profiles, pressure, chemical potential and structure at one temperature."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from ljmix._util.arrays import FloatArray
from ljmix.functional.grid import SPACING, Grid
from ljmix.functional.learned import LearnedTerm
from ljmix.functional.solve import bin_field, solve_profile
from ljmix.functional.theory import TheoryTerm, theory_energy

__all__ = ["DENSEST", "Functional"]

DENSEST = 0.92
"""Largest density of a uniform fluid that is answered for, 1/σ³; denser, the fluid freezes."""
_G_REACH, _G_WAVES = 60.0, 3000
"""Largest wave number of the integral for g(r), 1/σ, and its number of steps."""


class Functional:
    """Free energy of the truncated and shifted Lennard-Jones fluid as a functional of its density.

    βF = ∫ρ (ln ρ − 1) + βF_ex[ρ], with F_ex from theory and, where given, a learned term.

    Parameters
    ----------
    temperature : float
        T*.
    learned : LearnedTerm, optional
        Without it, theory alone: fundamental measure theory and a mean field.

    Raises
    ------
    ValueError
        If the temperature is not a positive number.
    """

    def __init__(self, temperature: float, learned: LearnedTerm | None = None) -> None:
        if not (math.isfinite(temperature) and temperature > 0):
            raise ValueError(f"temperature = {temperature}: must be a positive number")
        self.temperature = float(temperature)
        self.learned = learned
        self.theory = TheoryTerm(self.temperature)

    def __repr__(self) -> str:
        kind = "theory alone" if self.learned is None else "theory and a learned term"
        return f"Functional(T* = {self.temperature:g}, {kind})"

    def excess_energy(self, rho: FloatArray, grid: Grid) -> float:
        """βF_ex of a density on a grid, for each unit of the directions left out."""
        energy = self.theory.energy(rho, grid)
        if self.learned is not None:
            energy += self.learned.energy(rho, grid, self.temperature)
        return energy

    def c1(self, rho: FloatArray, grid: Grid) -> FloatArray:
        """One-body direct correlation function, c1 = −δβF_ex/δρ, on a grid."""
        c1 = self.theory.c1(rho, grid)
        return c1 if self.learned is None else c1 + self.learned.c1(rho, grid, self.temperature)

    def profile(
        self,
        V_ext: Callable[[FloatArray], FloatArray] | npt.ArrayLike,
        *,
        mu: float | None = None,
        n: float | None = None,
        length: float | None = None,
        spacing: float = SPACING,
        start: FloatArray | None = None,
        mixing: float = 0.1,
        tolerance: float = 1e-7,
    ) -> FloatArray:
        """Density profile in an external field: ρ = exp(βμ − βV + c1[ρ]).

        Parameters
        ----------
        V_ext : callable or array
            V(z) of an array of z, ε; or its values in bins, one axis for z, or two for x and z. May be infinite. The
            box is periodic.
        mu : float, optional
            Chemical potential, ε, with the thermal wavelength set to σ; see `chemical_potential`.
        n : float, optional
            Instead of `mu`: particles for each unit of area, 1/σ² (with two axes: of length, 1/σ).
        length : float, optional
            Of the box along z, σ, where V_ext is callable.
        spacing : float
            Width of a bin, σ.
        start : array, optional
            Density to begin from.
        mixing, tolerance : float
            See `ljmix.functional.solve.solve_profile`.

        Returns
        -------
        array
            ρ in bins, 1/σ³.

        Raises
        ------
        ValueError
            If not exactly one of `mu` and `n` is given, or the field or the box is of no use.
        RuntimeError
            If it does not converge.
        """
        if callable(V_ext):
            if length is None or not (math.isfinite(length) and length > 0):
                raise ValueError(f"length = {length}: a field that is a function needs the length of its box, in σ")
            field = bin_field(V_ext, round(length / spacing), spacing, self.temperature)
        else:
            field = np.asarray(V_ext, dtype=float)
        grid = Grid(field.shape, spacing)
        return solve_profile(
            lambda rho: self.c1(rho, grid), field / self.temperature, grid.bin_volume,
            beta_mu=None if mu is None else mu / self.temperature,
            amount=n, start=start, mixing=mixing, tolerance=tolerance,
        )  # fmt: skip

    def _bulk(self, rho: npt.ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Densities, βF_ex/V and c1 of uniform fluids."""
        values = np.asarray(rho, dtype=float)
        if not ((values > 0) & (values <= DENSEST)).all():
            raise ValueError(f"rho = {rho!r}: densities of a uniform fluid must lie above 0 and up to {DENSEST:g}")
        return values, *self.excess_bulk(values)

    def excess_bulk(self, rho: FloatArray) -> tuple[FloatArray, FloatArray]:
        """βF_ex/V and c1 of uniform fluids, (...) each."""
        energy, c1 = self.theory.bulk(rho)
        if self.learned is not None:
            more, c1_more = self.learned.bulk(rho, self.temperature)
            energy, c1 = energy + more, c1 + c1_more
        return energy, c1

    def pressure(self, rho: npt.ArrayLike) -> FloatArray:
        """Pressure of the uniform fluid, βP = ρ − ρ c1 − βF_ex/V; ε/σ³.

        Raises
        ------
        ValueError
            If a density is out of range; likewise in the other methods.
        """
        values, energy, c1 = self._bulk(rho)
        return np.asarray(self.temperature * (values - values * c1 - energy))

    def chemical_potential(self, rho: npt.ArrayLike) -> FloatArray:
        """Chemical potential of the uniform fluid, βμ = ln ρ − c1 with the thermal wavelength set to σ; ε."""
        values, _, c1 = self._bulk(rho)
        return np.asarray(self.temperature * (np.log(values) - c1))

    def potential_energy(self, rho: npt.ArrayLike) -> FloatArray:
        """Potential energy of a particle of the uniform fluid, U/N = ∂(βF_ex/N)/∂β; ε."""
        values = self._bulk(rho)[0]
        energy = theory_energy(values, self.temperature)
        return energy if self.learned is None else energy + self.learned.potential_energy(values, self.temperature)

    def c2(self, k: npt.ArrayLike, rho: float) -> FloatArray:
        """Transform ĉ(k) of the pair direct correlation function, −δ²βF_ex/δρδρ, of the uniform fluid; σ³."""
        self._bulk(rho)
        waves = np.asarray(k, dtype=float)
        c2 = self.theory.c2(waves, rho)
        return c2 if self.learned is None else c2 + self.learned.c2(waves, rho, self.temperature)

    def structure_factor(self, k: npt.ArrayLike, rho: float) -> FloatArray:
        """Structure factor of the uniform fluid by Ornstein and Zernike, S = 1/(1 − ρĉ)."""
        return np.asarray(1 / (1 - rho * self.c2(k, rho)))

    def g(self, r: npt.ArrayLike, rho: float) -> FloatArray:
        """Radial distribution function from S(k), g − 1 = ∫ k sin(kr) (S − 1) dk / (2π²ρr).

        By this route nothing forces g to vanish inside the core: how far from zero it is there says how good ĉ is.
        """
        distance = np.asarray(r, dtype=float)
        if not (distance > 0).all():
            raise ValueError("r: distances must be positive")
        step = _G_REACH / _G_WAVES
        k = (np.arange(_G_WAVES) + 0.5) * step
        # A window brings S − 1 gently to zero at the largest wave number.
        weight = k * (self.structure_factor(k, rho) - 1) * np.sinc(k / _G_REACH) * step
        return np.asarray(1 + np.sin(np.multiply.outer(distance, k)) @ weight / (2 * np.pi**2 * rho * distance))
