"""Kirkwood-Buff integrals, and the thermodynamics that follows from them.

G_ij = 4π ∫ (g_ij − 1) r² dr over all distances, in an open system. The integrals fix how densities fluctuate,
S_ij(0) = x_i δ_ij + ρ x_i x_j G_ij (⟨δN_i δN_j⟩ = N S_ij(0)), and so all derivatives of the chemical potentials by
composition (Kirkwood and Buff 1951, doi:10.1063/1.1748352). With P the inverse of the matrix S(0), x the fractions:

* compressibility             ρ T* κ_T = 1 / (xᵀ P x)
* partial volumes             ρ v_i = (P x)_i / (xᵀ P x)
* thermodynamic factor        Γ = 1 + x_B ∂ln γ_B/∂x_B = x_A x_B det P / (xᵀ P x),  at constant T*, P*

γ is the activity coefficient. Γ = 1 for an ideal mixture and 0 where the liquid becomes unstable.

A box is closed: counts do not fluctuate in it, and g does not tend to 1. Two routes lead around that. Waves shorter
than the box do fluctuate, and S(k) is extrapolated to k = 0 (`ljmix.properties.extrapolation`). Or g is corrected for
what the particles inside a distance leave to those outside, and integrated with the weight of a finite volume
(`correct_closed_box`, `integrate_rdf`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ljmix._util.arrays import FloatArray
from ljmix.state import PAIRS

__all__ = [
    "Thermodynamics", "correct_closed_box", "derive", "fractions_of", "integrals_from_inverse", "integrals_from_rdf",
    "integrate_rdf", "inverse_from_integrals", "jackknife",
]  # fmt: skip

_TAIL = 0.1
"""How far from 1 the last σ_AA of a corrected g may be on average: beyond, it is not normalised, or too short."""


@dataclass(frozen=True)
class Thermodynamics:
    """What follows from Kirkwood-Buff integrals; arrays where many were given.

    Attributes
    ----------
    factor : array
        Γ, the thermodynamic factor.
    compressibility : array
        κ_T, σ_AA³/ε_AA.
    volume_a, volume_b : array
        Partial volumes, σ_AA³.
    slope : array
        ∂ln γ_B/∂x_B at constant temperature and pressure, (Γ − 1) / x_B.
    """

    factor: FloatArray
    compressibility: FloatArray
    volume_a: FloatArray
    volume_b: FloatArray
    slope: FloatArray


def derive(inverse: FloatArray, fraction_b: float, number_density: float, temperature: float) -> Thermodynamics:
    """Thermodynamics from the inverse of the structure factors at k = 0.

    Parameters
    ----------
    inverse : (..., 3) array
        P_AA, P_AB, P_BB, as from `fit_structure_factors` or `inverse_from_integrals`.
    fraction_b, number_density, temperature : float
        C_B, ρ (1/σ_AA³), T*.

    Returns
    -------
    Thermodynamics

    Raises
    ------
    ValueError
        If there is one component only.
    """
    x_a, x_b = fractions_of(fraction_b)
    aa, ab, bb = np.moveaxis(np.asarray(inverse, dtype=float), -1, 0)
    to_a, to_b = aa * x_a + ab * x_b, ab * x_a + bb * x_b
    whole = x_a * to_a + x_b * to_b
    factor = x_a * x_b * (aa * bb - ab**2) / whole
    return Thermodynamics(
        factor=factor,
        compressibility=1 / (number_density * temperature * whole),
        volume_a=to_a / (number_density * whole),
        volume_b=to_b / (number_density * whole),
        slope=(factor - 1) / x_b,
    )


def inverse_from_integrals(integrals: FloatArray, fraction_b: float, number_density: float) -> FloatArray:
    """P from G_AA, G_AB, G_BB, (..., 3) both."""
    x_a, x_b = fractions_of(fraction_b)
    aa, ab, bb = np.moveaxis(np.asarray(integrals, dtype=float), -1, 0)
    s_aa, s_bb = x_a + number_density * x_a**2 * aa, x_b + number_density * x_b**2 * bb
    s_ab = number_density * x_a * x_b * ab
    inverse: FloatArray = np.stack([s_bb, -s_ab, s_aa], axis=-1) / (s_aa * s_bb - s_ab**2)[..., None]
    return inverse


def integrals_from_inverse(inverse: FloatArray, fraction_b: float, number_density: float) -> FloatArray:
    """G_AA, G_AB, G_BB (σ_AA³) from P, (..., 3) both."""
    x_a, x_b = fractions_of(fraction_b)
    aa, ab, bb = np.moveaxis(np.asarray(inverse, dtype=float), -1, 0)
    determinant = aa * bb - ab**2
    return np.stack(
        [
            (bb / determinant - x_a) / (number_density * x_a**2),
            -ab / determinant / (number_density * x_a * x_b),
            (aa / determinant - x_b) / (number_density * x_b**2),
        ],
        axis=-1,
    )


def fractions_of(fraction_b: float) -> tuple[float, float]:
    """C_A and C_B of a mixture; a ValueError for one component, which has no activity coefficients."""
    if not 0 < fraction_b < 1:
        raise ValueError(
            f"fraction_b = {fraction_b:g}: must lie between 0 and 1; one component alone has no activity coefficients"
        )
    return 1 - fraction_b, fraction_b


def correct_closed_box(r: FloatArray, g: FloatArray, n_others: int, volume: float) -> FloatArray:
    """Correct a function of a closed box for the particles that those inside r leave to the outside.

    Of the n particles around one (N − 1 of its own kind, N of the other), n(r) sit within r. The others have the
    density (n − n(r)) / (V − 4π r³/3), to which g is referred in place of n/V (Ganguly and van der Vegt 2013,
    doi:10.1021/ct301017q, written for a g that is normalised by n).

    Parameters
    ----------
    r : (n_bins,) array
        Bin centres, equally spaced from half a bin on, σ_AA.
    g : (..., n_bins) array
        Averages over the bins, 1 for an ideal gas: like pairs normalised by N (N − 1), as in `ljmix.compute_rdf`.
    n_others : int
        n.
    volume : float
        Of the box, σ_AA³.

    Returns
    -------
    (..., n_bins) array

    Raises
    ------
    ValueError
        If bins are uneven, or reach beyond the box.
    """
    width = _bin_width(r)
    ball = 4 / 3 * np.pi * r**3 / volume
    if ball[-1] >= 1:
        raise ValueError(f"g(r) ends at {r[-1]:g} σ, where a sphere is larger than the box of {volume:g} σ³")
    counts = g * 4 * np.pi * (r**2 + width**2 / 12) * width / volume
    within = np.cumsum(counts, axis=-1) - counts / 2
    corrected: FloatArray = g * (1 - ball) / (1 - within)
    return corrected


def integrate_rdf(r: FloatArray, g: FloatArray, r_max: float | None = None, truncated: bool = False) -> FloatArray:
    """Kirkwood-Buff integral of a function of an open system, or one that is corrected for a closed box.

    G = 4π ∫ (g − 1) (1 − (r/R)³) r² dr up to R, which tends to the integral over all distances faster than a sharp end
    does (Krüger et al. 2013, doi:10.1021/jz301992u).

    Parameters
    ----------
    r : (n_bins,) array
        Bin centres, equally spaced from half a bin on, σ_AA.
    g : (..., n_bins) array
        Averages over the bins.
    r_max : float, optional
        R, σ_AA; by default the end of the functions.
    truncated : bool
        Integrate without the weight, for comparison.

    Returns
    -------
    (...) array
        σ_AA³.

    Raises
    ------
    ValueError
        If R lies beyond the functions, or g is not near 1 in the σ_AA before R: it is not normalised, or R is too
        short.
    """
    width = _bin_width(r)
    end = r[-1] + width / 2 if r_max is None else r_max
    if end > r[-1] + width / 2 + 1e-9:
        raise ValueError(f"r_max = {end:g}: the functions end at {r[-1] + width / 2:g} σ")
    inside = r < end
    tail = np.abs(np.asarray(g)[..., inside & (r > end - 1.0)].mean(axis=-1) - 1).max()
    if tail > _TAIL:
        raise ValueError(
            f"g(r) is {tail:.2g} away from 1 in the last σ before {end:g} σ: it is not normalised, or does not reach "
            "far enough to be integrated"
        )
    weight = np.ones(inside.sum()) if truncated else 1 - (r[inside] / end) ** 3
    shell = 4 * np.pi * (r[inside] ** 2 + width**2 / 12) * width
    return np.asarray((g[..., inside] - 1) @ (shell * weight))


def integrals_from_rdf(
    r: FloatArray, g: Mapping[str, FloatArray], n_a: int, n_b: int, volume: float, r_max: float | None = None
) -> FloatArray:
    """Kirkwood-Buff integrals of a box from its three functions: corrected for what it lacks, then integrated.

    Parameters
    ----------
    r : (n_bins,) array
        Bin centres, equally spaced from half a bin on, σ_AA.
    g : mapping of (n_bins,) arrays by pair
        ``"AA"``, ``"AB"``, ``"BB"``; 1 for an ideal gas.
    n_a, n_b : int
        Particles.
    volume : float
        σ_AA³.
    r_max : float, optional
        By default the end of the functions.

    Returns
    -------
    (3,) array
        G_AA, G_AB, G_BB, σ_AA³.

    Raises
    ------
    ValueError
        If a species is missing, or a function is not normalised or too short (`integrate_rdf`).
    """
    if min(n_a, n_b) < 2:
        raise ValueError(f"{n_a} A and {n_b} B particles: two of each are needed")
    missing = [pair for pair in PAIRS if pair not in g]
    if missing:
        raise ValueError(f"functions of {', '.join(missing)} are missing; all of {', '.join(PAIRS)} are needed")
    others = {"AA": n_a - 1, "AB": n_b, "BB": n_b - 1}
    return np.array([
        integrate_rdf(r, correct_closed_box(r, np.asarray(g[pair], dtype=float), others[pair], volume), r_max)
        for pair in PAIRS
    ])  # fmt: skip


def _bin_width(r: FloatArray) -> float:
    width = float(r[1] - r[0])
    if not np.allclose(np.diff(r), width, atol=1e-6) or abs(r[0] - width / 2) > 1e-6:
        raise ValueError("bins must be equally wide, and the first begin at r = 0")
    return width


def jackknife(values: FloatArray) -> FloatArray:
    """Standard error of what is computed from all blocks but one, (n_blocks, ...) array."""
    n = len(values)
    if n < 2:
        raise ValueError(f"{n} block: an error by jackknife needs two or more")
    return np.asarray(np.sqrt((n - 1) / n * np.sum((values - values.mean(axis=0)) ** 2, axis=0)))
