"""The functional of the symmetric mixture: profiles, pressure, chemical potentials and structure of both species."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from ljmix._util.arrays import FloatArray
from ljmix.functional.grid import SPACING, Grid
from ljmix.functional.learned import LearnedTerm
from ljmix.functional.model import DENSEST, Functional
from ljmix.functional.solve import bin_field, solve_profile
from ljmix.functional.theory import attraction_transform
from ljmix.mixture_functional.cross import CrossTerm

__all__ = ["MixtureFunctional"]


class MixtureFunctional:
    """Free energy of the mixture with size ratio 1 as a functional of both densities.

    βF_ex = βF_ex of the pure fluid at ρ_A + ρ_B − (1 − ε_AB) β ∫∫ ρ_A(r) ρ_B(r') u_attr(|r − r'|) + the cross term.

    Particles of both species have the same size, so the spheres know the total density alone. The mean field is the
    pure fluid's, less what unlike particles attract each other less.

    Parameters
    ----------
    temperature : float
        T*.
    epsilon_ab : float
        Depth of the potential between unlike particles, ε; 0 to 1.
    pure : LearnedTerm, optional
        Learned part of the pure fluid.
    cross : CrossTerm, optional
        Learned part between unlike particles.

    Raises
    ------
    ValueError
        If a number is out of range.
    """

    def __init__(
        self, temperature: float, epsilon_ab: float, pure: LearnedTerm | None = None, cross: CrossTerm | None = None
    ) -> None:
        if not (math.isfinite(epsilon_ab) and 0 <= epsilon_ab <= 1):
            raise ValueError(f"epsilon_ab = {epsilon_ab}: must lie between 0 and 1")
        self.fluid = Functional(temperature, pure)
        self.temperature = self.fluid.temperature
        self.epsilon_ab = float(epsilon_ab)
        self.cross = cross
        self._missing = (1 - self.epsilon_ab) / self.temperature
        """What the mean field between A and B lacks, in units of βu_attr."""
        self._strength = float(attraction_transform(np.zeros(1))[0])
        self._kernels: dict[Grid, FloatArray] = {}

    def __repr__(self) -> str:
        kind = "theory alone" if self.cross is None else "theory and learned terms"
        return f"MixtureFunctional(T* = {self.temperature:g}, ε_AB = {self.epsilon_ab:g}, {kind})"

    def _attraction(self, grid: Grid) -> FloatArray:
        if grid not in self._kernels:
            self._kernels[grid] = attraction_transform(grid.wave_number)
        return self._kernels[grid]

    def excess_energy(self, rho: FloatArray, grid: Grid) -> float:
        """βF_ex of densities (2, …) on a grid, for each unit of the directions left out."""
        felt = grid.back(self._attraction(grid) * grid.transform(rho[1]))
        energy = self.fluid.excess_energy(rho.sum(axis=0), grid)
        energy -= self._missing * float((rho[0] * felt).sum() * grid.bin_volume)
        if self.cross is not None:
            energy += self.cross.energy(rho, grid, self.temperature, 1 - self.epsilon_ab)
        return energy

    def c1(self, rho: FloatArray, grid: Grid) -> FloatArray:
        """One-body direct correlation functions of A and of B, −δβF_ex/δρ_i, (2, …)."""
        felt = np.array([grid.back(self._attraction(grid) * grid.transform(other)) for other in rho[::-1]])
        c1 = self.fluid.c1(rho.sum(axis=0), grid) + self._missing * felt
        if self.cross is not None:
            c1 = c1 + self.cross.c1(rho, grid, self.temperature, 1 - self.epsilon_ab)
        return np.asarray(c1)

    def profile(
        self,
        V_ext: tuple[Callable[[FloatArray], FloatArray], Callable[[FloatArray], FloatArray]] | npt.ArrayLike,
        *,
        mu: tuple[float, float],
        length: float | None = None,
        spacing: float = SPACING,
        start: FloatArray | None = None,
        mixing: float = 0.05,
        tolerance: float = 1e-6,
    ) -> FloatArray:
        """Density profiles of A and B in external fields at their chemical potentials.

        Parameters
        ----------
        V_ext : two callables, or (2, …) array
            V_A(z) and V_B(z), ε, or their values in bins.
        mu : (float, float)
            Chemical potentials of A and B, ε; see `chemical_potentials`.
        length, spacing, start, mixing, tolerance
            As in `ljmix.functional.model.Functional.profile`.

        Returns
        -------
        (2, …) array
            1/σ³.

        Raises
        ------
        ValueError
            If the fields or the box are of no use.
        RuntimeError
            If it does not converge.
        """
        if isinstance(V_ext, tuple) and all(callable(field) for field in V_ext):
            if length is None or not (math.isfinite(length) and length > 0):
                raise ValueError(f"length = {length}: fields that are functions need the length of their box, in σ")
            bins, functions = round(length / spacing), list[Any](V_ext)
            field = np.array([bin_field(one, bins, spacing, self.temperature) for one in functions])
        else:
            field = np.asarray(V_ext, dtype=float)
        if field.ndim < 2 or len(field) != 2:
            raise ValueError(f"V_ext has shape {field.shape}: give one field for A and one for B")
        grid = Grid(field.shape[1:], spacing)
        potentials = np.reshape(np.asarray(mu, dtype=float), (2, *[1] * (field.ndim - 1)))
        # A constant taken from a field is a chemical potential; so each species may have its own.
        return solve_profile(
            lambda rho: self.c1(rho, grid), (field - potentials) / self.temperature, grid.bin_volume, beta_mu=0.0,
            start=start, mixing=mixing, tolerance=tolerance,
        )  # fmt: skip

    def _bulk(self, rho_a: npt.ArrayLike, rho_b: npt.ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Densities (2, …), βF_ex/V and c1 (2, …) of uniform mixtures."""
        rho = np.array(np.broadcast_arrays(np.asarray(rho_a, dtype=float), np.asarray(rho_b, dtype=float)))
        total = rho.sum(axis=0)
        if not ((rho >= 0).all() and ((total > 0) & (total <= DENSEST)).all()):
            raise ValueError(
                f"densities of a uniform mixture must not be negative, and their sum above 0 and up to {DENSEST:g}"
            )
        energy, c1 = self.fluid.excess_bulk(total)
        lack = self._missing * self._strength
        energy, c1 = energy - lack * rho[0] * rho[1], c1 + lack * rho[::-1]
        if self.cross is not None:
            more, c1_more, _ = self.cross.bulk(rho, self.temperature, 1 - self.epsilon_ab)
            energy, c1 = energy + more, c1 + c1_more
        return rho, energy, c1

    def pressure(self, rho_a: npt.ArrayLike, rho_b: npt.ArrayLike) -> FloatArray:
        """Pressure of the uniform mixture, βP = Σ ρ_i (1 − c1_i) − βF_ex/V; ε/σ³.

        Raises
        ------
        ValueError
            If a density is out of range; likewise in the other methods.
        """
        rho, energy, c1 = self._bulk(rho_a, rho_b)
        return np.asarray(self.temperature * ((rho * (1 - c1)).sum(axis=0) - energy))

    def chemical_potentials(self, rho_a: npt.ArrayLike, rho_b: npt.ArrayLike) -> FloatArray:
        """Chemical potentials of A and B, βμ_i = ln ρ_i − c1_i, (2, …); ε. −∞ of a species that is absent."""
        rho, _, c1 = self._bulk(rho_a, rho_b)
        with np.errstate(divide="ignore"):
            return np.asarray(self.temperature * (np.log(rho) - c1))

    def potential_energy(self, rho_a: npt.ArrayLike, rho_b: npt.ArrayLike) -> FloatArray:
        """Potential energy of a particle of the uniform mixture, ε."""
        rho = self._bulk(rho_a, rho_b)[0]
        total = rho.sum(axis=0)
        energy = self.fluid.potential_energy(total) - (1 - self.epsilon_ab) * self._strength * rho[0] * rho[1] / total
        if self.cross is None:
            return np.asarray(energy)
        return np.asarray(energy + self.cross.bulk(rho, self.temperature, 1 - self.epsilon_ab)[2] / total)

    def c2(self, k: npt.ArrayLike, rho_a: float, rho_b: float) -> FloatArray:
        """Transforms of the pair direct correlation functions AA, AB and BB, (3, …); σ³."""
        rho = self._bulk(rho_a, rho_b)[0]
        waves = np.asarray(k, dtype=float)
        c2 = np.array([self.fluid.c2(waves, float(rho.sum()))] * 3)
        c2[1] += self._missing * attraction_transform(waves)
        if self.cross is not None:
            c2 = c2 + self.cross.c2(waves, rho, self.temperature, 1 - self.epsilon_ab)
        return np.asarray(c2)

    def structure_factors(self, k: npt.ArrayLike, rho_a: float, rho_b: float) -> FloatArray:
        """Partial structure factors S_AA, S_AB and S_BB, each over all particles: ⟨ρ_i(k) ρ_j(−k)⟩/N, (3, …).

        Ornstein and Zernike: the matrix ρS is the inverse of δ_ij/ρ_i − ĉ_ij.
        """
        aa, ab, bb = self.c2(k, rho_a, rho_b)
        first, second = 1 / rho_a - aa, 1 / rho_b - bb
        return np.asarray(np.array([second, ab, first]) / (first * second - ab**2) / (rho_a + rho_b))
