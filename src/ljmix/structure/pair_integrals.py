"""Radial distribution functions within their bins; energy, pressure and entropy of pairs from them.

Energy and pressure must agree with what the simulation itself reports.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ljmix._util.arrays import FloatArray
from ljmix.potential import BIN_POINTS, boltzmann_in_bins, lj_potential, lj_slope
from ljmix.state import PAIRS, StatePoint

__all__ = ["energy_and_pressure", "pair_entropy", "refine"]

_PASSES = 5
"""Passes of the fixed point in `refine`; each leaves a quarter or less of the last one's change of the pressure."""


def energy_and_pressure(
    r: FloatArray, g: Mapping[str, FloatArray], state: StatePoint, number_density: float, n_particles: int, n_b: int
) -> tuple[float, float]:
    """Potential energy a particle and virial pressure from the three functions.

    U/N = Σ pairs ∫ u g 4π r² dr / (N V) and P = ρ T* − Σ pairs ∫ r u' g 4π r² dr / (3 V²), summed over AA,
    AB and BB (Hansen and McDonald, Theory of Simple Liquids, 4th ed. 2013, section 2.5), over the functions as
    `refine` resolves them.

    Parameters
    ----------
    r : (n_bins,) array
        Bin centres, equally spaced from half a bin on, σ_AA.
    g : mapping of (n_bins,) arrays by pair
        Averages over the bins.
    state : StatePoint
    number_density : float
        N/V, 1/σ_AA³.
    n_particles, n_b : int

    Returns
    -------
    energy, pressure : float
        ε_AA and ε_AA/σ_AA³.

    Raises
    ------
    ValueError
        If the functions end before the potential does: nothing beyond r_max is guessed.
    """
    width = r[1] - r[0]
    end, needed = r[-1] + width / 2, max(map(state.cutoff, PAIRS))
    if end < needed - 1e-9:
        raise ValueError(f"g(r) ends at {end:g} σ, the potential at {needed:g} σ: longer functions are needed")
    n_of = {"A": n_particles - n_b, "B": n_b}
    energy, pressure = 0.0, number_density * state.temperature
    for pair in PAIRS:
        n_i, n_j = n_of[pair[0]], n_of[pair[1]]
        pairs = n_i * (n_i - 1) / 2 if pair[0] == pair[1] else n_i * n_j
        fine, g_fine = refine(r, g[pair], state, pair)
        u, du_dr = (of(fine, state.sigma(pair), state.epsilon(pair)) for of in (lj_potential, lj_slope))
        shell = g_fine * 4 * np.pi * fine**2 * width / BIN_POINTS * pairs / n_particles**2
        energy += number_density * float(np.sum(u * shell))
        pressure -= number_density**2 / 3 * float(np.sum(fine * du_dr * shell))
    return energy, pressure


def pair_entropy(
    r: FloatArray,
    g: Mapping[str, FloatArray],
    g_sem: Mapping[str, FloatArray],
    fraction_b: float,
    number_density: float,
) -> tuple[float, float]:
    """Excess entropy a particle as far as pairs tell, s₂ = −2πρ Σ x_i x_j ∫ (g ln g − g + 1) r² dr.

    Baranyai and Evans 1989 (doi:10.1103/PhysRevA.40.3817). In simple liquids it is most of the excess entropy.

    Parameters
    ----------
    r : (n_bins,) array
        Bin centres, equally spaced, σ_AA.
    g, g_sem : mapping of (n_bins,) arrays by pair
    fraction_b, number_density : float

    Returns
    -------
    entropy, sem : float
        k_B; the error takes bins as independent.
    """
    x = {"A": 1 - fraction_b, "B": fraction_b}
    width = r[1] - r[0]
    total, variance = 0.0, 0.0
    for pair in PAIRS:
        share = x[pair[0]] * x[pair[1]] * (1 if pair[0] == pair[1] else 2)
        shell = -2 * np.pi * number_density * share * r**2 * width
        positive = np.maximum(g[pair], 1e-12)
        total += float(np.sum(shell * (positive * np.log(positive) - positive + 1)))
        # The slope of the integrand by g; in the core, where nobody was seen, nothing is uncertain.
        slope = np.where(g[pair] > g_sem[pair], np.log(positive), 0.0)
        variance += float(np.sum((shell * slope * g_sem[pair]) ** 2))
    return total, float(np.sqrt(variance))


def refine(r: FloatArray, g: FloatArray, state: StatePoint, pair: str) -> tuple[FloatArray, FloatArray]:
    """Resolve a function within its bins, whose averages stay exactly those given.

    Within a bin g is not flat where the potential is steep, and its peak is higher than any average; the cavity
    function g exp(β u) is nearly linear there. It is taken as linear between knots at the centres of the bins. An
    average over a bin at contact is not the value at its centre, but one further out, where the Boltzmann factor is
    larger: taken as knots, averages would put the pressure of a cold liquid 0.01 too low. So knots are moved until
    the averages fit.

    Parameters
    ----------
    r : (n_bins,) array
        Bin centres, equally spaced, σ_AA.
    g : (n_bins,) array
        Averages over the bins.
    state : StatePoint
    pair : {"AA", "AB", "BB"}

    Returns
    -------
    r, g : (n_bins, 40) arrays
        Bins as rows, points in a bin as columns.
    """
    fine, boltzmann, mean = boltzmann_in_bins(r, r[1] - r[0], state.sigma(pair), state.epsilon(pair), state.temperature)
    weight = fine**2
    touched = mean > 1e-12
    knots = g[touched] / mean[touched]
    for _ in range(_PASSES):
        shape = np.interp(fine.ravel(), r[touched], knots).reshape(fine.shape) * boltzmann
        average = (shape * weight).sum(axis=1) / weight.sum(axis=1)
        scale = np.divide(g, average, out=np.zeros_like(g), where=np.abs(average) > 1e-12)
        knots = knots * scale[touched]
    # What the last pass leaves: scaled away, no pair is lost or won.
    return fine, np.asarray(shape * scale[:, None])
