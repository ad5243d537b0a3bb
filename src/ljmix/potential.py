"""The pair potential: Lennard-Jones, truncated and shifted to zero at the cut-off; and its units."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ljmix._util.arrays import FloatArray
from ljmix._util.checks import require_name
from ljmix.state import CUTOFF

__all__ = ["BIN_POINTS", "SUBSTANCES", "boltzmann_in_bins", "lj_potential", "lj_slope", "real_units"]

BIN_POINTS = 40
"""Points in a bin of g(r): at contact e^(-βu) changes tenfold over a bin of 0.05 σ_AA. Its mean over one is right
to 0.06 % where it is above 0.01; with 8 points it would be to 1.6 %."""


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


def boltzmann_in_bins(
    r: npt.ArrayLike,
    width: float,
    sigma: npt.ArrayLike,
    epsilon: npt.ArrayLike,
    temperature: npt.ArrayLike,
    n_points: int = BIN_POINTS,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Boltzmann factor e^(-βu) within the bins of g(r), and averaged over their volumes as g(r) is.

    Parameters
    ----------
    r : (n_bins,) array_like
        Bin centres, σ_AA.
    width : float
        Width of a bin, σ_AA.
    sigma, epsilon, temperature : array_like
        Of the pairs, σ_AA, ε_AA and ε_AA/k_B; they broadcast to any shape (...).
    n_points : int
        Points in a bin.

    Returns
    -------
    points : (n_bins, n_points) array
        Distances within the bins, σ_AA.
    factor : (..., n_bins, n_points) array
        e^(-βu) there.
    mean : (..., n_bins) array
        ∫ e^(-βu) r² dr / ∫ r² dr over each bin.
    """
    offsets = ((np.arange(n_points) + 0.5) / n_points - 0.5) * width
    # A bin that is asked for around a distance near zero has points below it.
    points = np.maximum(np.asarray(r, dtype=float)[:, None] + offsets, 1e-3)
    sigma, epsilon, temperature = (np.asarray(part)[..., None, None] for part in (sigma, epsilon, temperature))
    # e^-700 is the smallest that a double holds.
    factor = np.exp(-np.minimum(1 / temperature * lj_potential(points, sigma, epsilon), 700.0))
    weight = points**2 / (points**2).sum(axis=1, keepdims=True)
    return points, factor, (factor * weight).sum(axis=-1)


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
    require_name("substance", substance, SUBSTANCES)
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
