"""The pair potential: Lennard-Jones, truncated and shifted to zero at the cut-off; and its units."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ljmix._util.arrays import FloatArray
from ljmix.state import CUTOFF

__all__ = ["SUBSTANCES", "lj_potential", "lj_slope", "real_units"]


def lj_potential(r: FloatArray, sigma: npt.ArrayLike, epsilon: npt.ArrayLike, cutoff: float = CUTOFF) -> FloatArray:
    """Lennard-Jones potential, truncated at `cutoff` σ and shifted to zero there; arrays broadcast, ε_AA."""
    attraction = (np.asarray(sigma) / r) ** 6
    at_cutoff = cutoff**-6.0
    u: FloatArray = 4 * np.asarray(epsilon) * (attraction**2 - attraction - at_cutoff**2 + at_cutoff)
    return np.where(r < cutoff * np.asarray(sigma), u, 0.0)


def lj_slope(r: FloatArray, sigma: npt.ArrayLike, epsilon: npt.ArrayLike, cutoff: float = CUTOFF) -> FloatArray:
    """Derivative of `lj_potential` with respect to r, ε_AA/σ_AA; zero from the cut-off on."""
    attraction = (np.asarray(sigma) / r) ** 6
    slope: FloatArray = -24 * np.asarray(epsilon) * (2 * attraction**2 - attraction) / r
    return np.where(r < cutoff * np.asarray(sigma), slope, 0.0)


SUBSTANCES = {"argon": (119.8, 0.3405, 39.948), "krypton": (164.0, 0.3827, 83.798)}
"""ε/k_B (K), σ (nm) and molar mass (g/mol) of species A; Lennard-Jones parameters of Michels et al. 1949
(doi:10.1016/0031-8914(49)90119-6) for argon and of Hirschfelder, Curtiss and Bird 1954 for krypton."""

_BOLTZMANN, _AVOGADRO = 1.380649e-23, 6.02214076e23


def real_units(substance: str = "argon") -> dict[str, float]:
    """What one reduced unit is in a real liquid whose species A is a noble gas.

    With ε, σ and the mass m of A: T = T* ε/k_B, P = P* ε/σ³, ρ = ρ* m/σ³ (as if every particle were an A),
    t = t* τ with τ = σ √(m/ε), D = D* σ²/τ.

    Parameters
    ----------
    substance : {"argon", "krypton"}

    Returns
    -------
    dict
        `temperature` (K), `length` (nm), `energy` (kJ/mol), `pressure` (MPa), `mass_density` (g/cm³), `time` (ps),
        `diffusion` (1e-9 m²/s).

    Raises
    ------
    ValueError
        If the substance is unknown.
    """
    if substance not in SUBSTANCES:
        raise ValueError(f"substance = {substance!r} is unknown; choose one of {', '.join(SUBSTANCES)}")
    temperature, length_nm, molar_mass = SUBSTANCES[substance]
    energy, length, mass = temperature * _BOLTZMANN, length_nm * 1e-9, molar_mass * 1e-3 / _AVOGADRO
    time = length * float(np.sqrt(mass / energy))
    return {
        "temperature": temperature,
        "length": length_nm,
        "energy": energy * _AVOGADRO * 1e-3,
        "pressure": energy / length**3 * 1e-6,
        "mass_density": mass / length**3 * 1e-3,
        "time": time * 1e12,
        "diffusion": length**2 / time * 1e9,
    }
