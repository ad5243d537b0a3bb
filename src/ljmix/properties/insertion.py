"""Chemical potential by inserting ghosts into stored configurations (Widom 1963, doi:10.1063/1.1734110)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit
from scipy.special import logsumexp

from ljmix._util.arrays import FloatArray
from ljmix.structure.energies import (
    PairPotential,
    box_edges,
    count_cells,
    fill_cells,
    place_energy,
    potential_table,
    wrap,
)

__all__ = ["excess_chemical_potential", "ghost_energies"]


def ghost_energies(
    positions: FloatArray,
    types: npt.NDArray[np.int64],
    box_edge: float,
    mixture: PairPotential,
    species: str,
    n: int,
    rng: np.random.Generator,
) -> FloatArray:
    """Energies that a particle of a species would have at random places of a configuration.

    Parameters
    ----------
    positions : (n_particles, 3) array
        σ_AA, in a periodic cube; need not be wrapped.
    types : (n_particles,) array of int
        0 for A, 1 for B.
    box_edge : float
        σ_AA.
    mixture : PairPotential
        Its potential is that of the ghost with the particles.
    species : {"A", "B"}
        Of the ghost.
    n : int
        Places.
    rng : numpy.random.Generator

    Returns
    -------
    (n,) array
        ε_AA. A place whose energy exceeds 1000 is given as some number above that.

    Raises
    ------
    ValueError
        If the species is unknown, or a cut-off is above half the box edge.
    """
    if species not in ("A", "B"):
        raise ValueError(f"species = {species!r}: must be A or B")
    reach = max(mixture.cutoff(pair) for pair in (species * 2, "AB"))
    if reach > box_edge / 2:
        raise ValueError(f"the largest cut-off, {reach:g}, must not be above half the box edge, {box_edge / 2:.3f}")
    places = rng.random((n, 3)) * box_edge
    edges = box_edges(box_edge)
    cells = count_cells(edges, reach)
    kind = 0 if species == "A" else 1
    labels = np.asarray(types, dtype=np.int64)
    energies: FloatArray = _energies(
        places, wrap(np.asarray(positions, float), box_edge), labels, kind, cells, edges, potential_table(mixture)
    )
    return energies


@njit(cache=True, error_model="numpy")
def _energies(places: Any, positions: Any, types: Any, kind: int, cells: Any, box: Any, potential: Any) -> Any:
    head, following = fill_cells(positions, cells, box)
    around, energies = np.empty(27, np.int64), np.empty(len(places))
    for i in range(len(places)):
        energies[i] = place_energy(
            places[i], -1, kind, positions, types, head, following, cells, box, potential, around
        )
    return energies


def excess_chemical_potential(
    energies: FloatArray, volumes: FloatArray, temperature: float, n_blocks: int = 10
) -> tuple[float, float]:
    """Excess chemical potential at constant pressure, μ_ex = −T* ln(⟨V e^(−βΔU)⟩ / ⟨V⟩).

    μ = T* ln(ρ_i Λ³) + μ_ex, ρ_i the species' own density: for a species at infinite dilution Henry's constant is
    ρ T* exp(β μ_ex), ρ the solvent's density. At constant pressure each frame counts by its volume (Shing and Chung
    1987, doi:10.1021/j100290a049).

    Parameters
    ----------
    energies : (n_frames, n_ghosts) array
        As from `ghost_energies`, frames in order of time, ε_AA.
    volumes : (n_frames,) array
        σ_AA³.
    temperature : float
        T*.
    n_blocks : int
        Blocks of the run, for the error by jackknife.

    Returns
    -------
    mu, sem : float
        ε_AA. Few places that fit carry the whole average: an error above T*/4 is itself not to be trusted.

    Raises
    ------
    ValueError
        If there are fewer frames than blocks, or no ghost fits anywhere.
    """
    if len(energies) < n_blocks or n_blocks < 2:
        raise ValueError(f"{len(energies)} frames: at least n_blocks = {n_blocks}, two or more, are needed")
    log_frame = logsumexp(-energies / temperature, axis=1) - math.log(energies.shape[1]) + np.log(volumes)
    if np.exp(log_frame.max()) == 0.0:
        raise ValueError(f"no ghost of {energies.size} fits anywhere; grow the particle in stages instead")
    blocks = np.array_split(np.arange(len(energies)), n_blocks)

    def potential(frames: npt.NDArray[np.int64]) -> float:
        return -temperature * float(logsumexp(log_frame[frames]) - np.log(volumes[frames].sum()))

    every = np.arange(len(energies))
    left = np.array([potential(np.setdiff1d(every, block)) for block in blocks])
    return potential(every), float(np.sqrt((n_blocks - 1) * np.mean((left - left.mean()) ** 2)))
