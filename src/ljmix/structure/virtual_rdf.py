"""g_BB of few B particles in a solvent of A, from B particles that are not there.

Forty B among 4000 particles make 780 pairs, most of them far apart. But every A near a B could be a B: its weight in
the ensemble with one B more is exp(−β ΔU), ΔU the energy of changing it. And where B is small, it could sit in any
cavity. With such virtual particles j, of weight w_j,

    g_BB(r) = ⟨ V/(N_B ΔV) Σ_j w_j n_j(r) ⟩ / ⟨ Σ_j w_j ⟩

where n_j(r) counts the B particles in the shell of volume ΔV around j: exactly the function of N_B + 1 particles, one
in forty more. The method is Widom's (1963, doi:10.1063/1.1734110), applied to pairs.

Ratio of two averages: frames are kept as numerators and denominators, and `ratio_samples` makes a series of them whose
mean is the ratio and whose scatter is the ratio's.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from ljmix._util.arrays import FloatArray
from ljmix.state import StatePoint
from ljmix.structure.energies import (
    PairPotential,
    box_edges,
    count_cells,
    fill_cells,
    interaction_range,
    place_energy,
    potential_table,
    squared_distance,
    tabulate_flips,
    wrap,
)

__all__ = ["choose_virtual", "flip_rdf", "insertion_rdf", "ratio_samples"]


MOST_B = 100
"""Up to so many B particles virtual ones are looked at."""
_AROUND = 400
"""Insertions around each B in a frame."""
_ANYWHERE = 20_000
"""Insertions anywhere in the box, in a frame: the denominator."""
_CLOSEST = 0.7
"""No two particles meet closer than this, σ_ij: the pair would cost 250 ε_ij."""


def choose_virtual(state: StatePoint, n_b: int) -> str | None:
    """Choose which virtual particles pay: "flips" for species of nearly one size, "insertions" for small B, or none.

    Where B is the larger one neither does: no cavity holds it, and no A may become one.
    """
    if n_b > MOST_B:
        return None
    if state.size_ratio < 0.8:
        return "insertions"
    return "flips" if state.size_ratio < 1.15 else None


def flip_rdf(
    positions: FloatArray, types: npt.NDArray[np.int64], box_edge: float, mixture: PairPotential, temperature: float,
    r_max: float, n_bins: int,
) -> tuple[FloatArray, float]:  # fmt: skip
    """Numerator and denominator of g_BB of one frame, from every A as a virtual B.

    Parameters
    ----------
    positions : (n_particles, 3) array
        σ_AA.
    types : (n_particles,) array of int
        0 for A, 1 for B.
    box_edge : float
        σ_AA.
    mixture : PairPotential
    temperature : float
        T*.
    r_max : float
        σ_AA.
    n_bins : int
        Bins between 0 and r_max.

    Returns
    -------
    numerator : (n_bins,) array
    denominator : float
        Their ratio of averages over frames is g_BB.
    """
    table = tabulate_flips(positions, types, box_edge, mixture)
    weights = np.exp(-(table.as_b - table.as_a) / temperature) * (types == 0)
    counts = _weigh_pairs(positions, types, weights, box_edges(box_edge), r_max, n_bins)
    return counts * _per_ideal_pair(box_edge, int(np.sum(types == 1)), r_max, n_bins), float(weights.sum())


def _per_ideal_pair(box_edge: float, n_b: int, r_max: float, n_bins: int) -> FloatArray:
    """One over the number of B particles that a shell would hold in an ideal gas."""
    edges = np.linspace(0, r_max, n_bins + 1)
    shells = 4 / 3 * np.pi * np.diff(edges**3)
    return np.asarray(box_edge**3 / (n_b * shells))


@njit(cache=True, error_model="numpy")
def _weigh_pairs(positions: Any, types: Any, weights: Any, box: Any, r_max: float, n_bins: int) -> Any:
    counts = np.zeros(n_bins)
    for i in np.flatnonzero(types == 1):
        for j in range(len(types)):
            if types[j] == 0:
                apart2 = squared_distance(positions[i], positions[j], box)
                if apart2 < r_max * r_max:
                    counts[int(math.sqrt(apart2) / r_max * n_bins)] += weights[j]
    return counts


def insertion_rdf(
    positions: FloatArray, types: npt.NDArray[np.int64], box_edge: float, mixture: PairPotential, temperature: float,
    r_max: float, n_bins: int, rng: np.random.Generator,
) -> tuple[FloatArray, float]:  # fmt: skip
    """Numerator and denominator of g_BB of one frame, from B particles inserted at random places.

    Parameters
    ----------
    positions, types, box_edge, mixture, temperature, r_max, n_bins
        As of `flip_rdf`.
    rng : numpy.random.Generator

    Returns
    -------
    numerator : (n_bins,) array
    denominator : float
        Both are volumes times mean weights, in σ_AA³; their ratio of averages over frames is g_BB.

    Raises
    ------
    ValueError
        If the range is above half the box edge: shells would overlap their own images.
    """
    if r_max > box_edge / 2:
        raise ValueError(f"r_max = {r_max:g}: must not be above half the box edge, {box_edge / 2:.3f}")
    first = int(_CLOSEST * mixture.sigma("BB") / r_max * n_bins)
    around, anywhere = _insert(
        wrap(positions, box_edge), types, box_edges(box_edge), potential_table(mixture), interaction_range(mixture),
        temperature, r_max, n_bins, first, _AROUND, _ANYWHERE, rng,
    )  # fmt: skip
    volume = box_edge**3
    return np.asarray(around * volume), float(anywhere * volume)


@njit(cache=True, error_model="numpy")
def _insert(
    positions: Any, types: Any, box: Any, potential: Any, reach: float, temperature: float, r_max: float,
    n_bins: int, first: int, n_around: int, n_anywhere: int, rng: Any,
) -> Any:  # fmt: skip
    """Mean weight of a B in each shell around the B particles, and anywhere."""
    cells = count_cells(box, reach)
    head, following = fill_cells(positions, cells, box)
    neighbouring = np.empty(27, np.int64)
    place = np.empty(3)
    total, tried = np.zeros(n_bins), np.zeros(n_bins)
    width = r_max / n_bins
    for i in np.flatnonzero(types == 1):
        for _ in range(n_around):
            # A shell at random, then a place in it, evenly in its volume.
            shell = first + int(rng.random() * (n_bins - first))
            low, high = (shell * width) ** 3, ((shell + 1) * width) ** 3
            r = (low + (high - low) * rng.random()) ** (1 / 3)
            cosine, angle = 2 * rng.random() - 1, 2 * math.pi * rng.random()
            sine = math.sqrt(1 - cosine * cosine)
            place[0] = positions[i, 0] + r * sine * math.cos(angle)
            place[1] = positions[i, 1] + r * sine * math.sin(angle)
            place[2] = positions[i, 2] + r * cosine
            for axis in range(3):
                place[axis] -= box[axis] * math.floor(place[axis] / box[axis])
            tried[shell] += 1
            total[shell] += math.exp(
                -place_energy(place, -1, 1, positions, types, head, following, cells, box, potential, neighbouring)
                / temperature
            )
    anywhere = 0.0
    for _ in range(n_anywhere):
        for axis in range(3):
            place[axis] = rng.random() * box[axis]
        anywhere += math.exp(
            -place_energy(place, -1, 1, positions, types, head, following, cells, box, potential, neighbouring)
            / temperature
        )
    # A shell that no insertion has met counts as empty; with 16 000 of them in 140 shells none is.
    return total / np.maximum(tried, 1.0), anywhere / n_anywhere


def ratio_samples(numerators: FloatArray, denominators: FloatArray) -> FloatArray:
    """Samples whose mean is a ratio of averages, and whose scatter is that of the ratio.

    x_t = R + (a_t − R b_t) / ⟨b⟩ with R = ⟨a⟩/⟨b⟩: the ratio linearised in the fluctuations of both (delta method).

    Parameters
    ----------
    numerators : (n, n_bins) array
    denominators : (n,) array

    Returns
    -------
    (n, n_bins) array
    """
    mean = denominators.mean()
    ratio = numerators.mean(axis=0) / mean
    samples: FloatArray = ratio + (numerators - ratio * denominators[:, None]) / mean
    return samples
