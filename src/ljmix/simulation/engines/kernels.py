"""Three Monte Carlo kernels at frozen positions, compiled by numba. Each leaves the canonical distribution as it is.

`swap_uniformly`
    An A and a B, drawn at random, exchange species; Metropolis. For species of one size.
`swap_informed`
    The same, drawn with weights exp(−β ΔU / 2), ΔU the energy of changing that particle alone (Zanella 2020,
    doi:10.1080/01621459.2019.1585255), and corrected for the draw by Metropolis and Hastings. Finds the few particles
    that fit where sizes differ.
`teleport`
    A particle of one species goes to a random place, if it is a cavity. For a species that is small.

All three work in place and return how many attempts were accepted and the energy that these added, ε_AA.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from ljmix.structure.energies import (
    HOPELESS,
    cell_of,
    count_cells,
    fill_cells,
    pair_energy,
    place_energy,
    squared_distance,
)

__all__ = ["swap_informed", "swap_uniformly", "teleport"]

_VOXEL = 0.2
"""Width of a voxel of the map of cavities, σ_AA. Finer ones find no more cavities that a particle fits into, and cost
more to mark than they save."""
_CORE = 0.85
"""No teleport ends closer than this to another particle, σ_ij, nor begins there: the pair would cost 17 ε. The map is
as coarse as its voxels, which takes nothing from detailed balance, since it judges both ends alike."""


@njit(cache=True, error_model="numpy")
def _flip(i: int, sign: float, first: Any, neighbour: Any, energies: Any, as_a: Any, as_b: Any) -> None:
    """Tell the neighbours of particle i that it became B (sign 1) or A (sign -1)."""
    for p in range(first[i], first[i + 1]):
        j = neighbour[p]
        as_a[j] += sign * (energies[p, 1] - energies[p, 0])
        as_b[j] += sign * (energies[p, 2] - energies[p, 1])


@njit(cache=True, error_model="numpy")
def _swap_energy(a: int, b: int, positions: Any, box: Any, potential: Any, as_a: Any, as_b: Any) -> float:
    """Energy that the exchange of an A and a B adds. If they are neighbours, their own pair stays what it was."""
    apart2 = squared_distance(positions[a], positions[b], box)
    own = pair_energy(apart2, 0, potential) + pair_energy(apart2, 2, potential) - 2 * pair_energy(apart2, 1, potential)
    return float(as_b[a] - as_a[a] + as_a[b] - as_b[b] - own)


@njit(cache=True, error_model="numpy")
def swap_uniformly(
    positions: Any, types: Any, box: Any, potential: Any, first: Any, neighbour: Any, energies: Any,
    as_a: Any, as_b: Any, temperature: float, attempts: int, rng: Any,
) -> Any:  # fmt: skip
    """Exchange the species of pairs drawn at random; see the module.

    Parameters
    ----------
    positions : (n_particles, 3) array
        σ_AA.
    types : (n_particles,) array of int
        0 for A, 1 for B; changed in place, as are `as_a` and `as_b`.
    box : (3,) array
        Edges, σ_AA.
    potential : (3, 4) array
        As from `ljmix.structure.energies.potential_table`.
    first, neighbour, energies, as_a, as_b : arrays
        A `ljmix.structure.energies.FlipTable`.
    temperature : float
        T*.
    attempts : int
    rng : numpy.random.Generator

    Returns
    -------
    accepted : int
    energy : float
        ε_AA.
    """
    of_a, of_b = np.flatnonzero(types == 0), np.flatnonzero(types == 1)
    accepted, energy = 0, 0.0
    for _ in range(attempts):
        u, v = int(rng.random() * len(of_a)), int(rng.random() * len(of_b))
        a, b = of_a[u], of_b[v]
        change = _swap_energy(a, b, positions, box, potential, as_a, as_b)
        if change <= 0 or rng.random() < math.exp(-change / temperature):
            _flip(a, 1.0, first, neighbour, energies, as_a, as_b)
            _flip(b, -1.0, first, neighbour, energies, as_a, as_b)
            types[a], types[b] = 1, 0
            of_a[u], of_b[v] = b, a
            accepted += 1
            energy += change
    return accepted, energy


@njit(cache=True, error_model="numpy")
def _weight(i: int, types: Any, as_a: Any, as_b: Any, temperature: float) -> float:
    """Weight of drawing particle i: exp(-β ΔU / 2) of changing its species alone, within double precision."""
    change = as_b[i] - as_a[i] if types[i] == 0 else as_a[i] - as_b[i]
    return math.exp(min(100.0, max(-700.0, -0.5 * change / temperature)))


@njit(cache=True, error_model="numpy")
def _sum_weights(types: Any, weights: Any) -> Any:
    sum_a, sum_b = 0.0, 0.0
    for i in range(len(types)):
        if types[i] == 0:
            sum_a += weights[i]
        else:
            sum_b += weights[i]
    return sum_a, sum_b


@njit(cache=True, error_model="numpy")
def _draw(types: Any, weights: Any, kind: int, target: float) -> int:
    """Particle of a species at which the running sum of weights reaches `target`."""
    total, last = 0.0, -1
    for i in range(len(types)):
        if types[i] == kind:
            total += weights[i]
            last = i
            if total >= target:
                break
    return last


@njit(cache=True, error_model="numpy")
def swap_informed(
    positions: Any, types: Any, box: Any, potential: Any, first: Any, neighbour: Any, energies: Any,
    as_a: Any, as_b: Any, temperature: float, attempts: int, rng: Any,
) -> Any:  # fmt: skip
    """Exchange the species of pairs that are likely to fit; see the module. Arguments as of `swap_uniformly`.

    Many exchanges are undone by the next ones, since those that fit once are drawn again: accepted attempts say less
    than with `swap_uniformly`.
    """
    n = len(types)
    weights = np.empty(n)
    for i in range(n):
        weights[i] = _weight(i, types, as_a, as_b, temperature)
    sum_a, sum_b = _sum_weights(types, weights)
    most = 0
    for i in range(n):
        most = max(most, first[i + 1] - first[i])
    changed, before = np.empty(2 * most + 2, np.int64), np.empty(2 * most + 2)
    accepted, energy = 0, 0.0
    for _ in range(attempts):
        a = _draw(types, weights, 0, rng.random() * sum_a)
        b = _draw(types, weights, 1, rng.random() * sum_b)
        change = _swap_energy(a, b, positions, box, potential, as_a, as_b)
        there = math.log(weights[a] / sum_a) + math.log(weights[b] / sum_b)
        _flip(a, 1.0, first, neighbour, energies, as_a, as_b)
        _flip(b, -1.0, first, neighbour, energies, as_a, as_b)
        types[a], types[b] = 1, 0
        n_changed = 0
        for i in (a, b):
            for p in range(first[i] - 1, first[i + 1]):
                j = i if p == first[i] - 1 else neighbour[p]
                changed[n_changed], before[n_changed] = j, weights[j]
                n_changed += 1
                weights[j] = _weight(j, types, as_a, as_b, temperature)
        new_a, new_b = _sum_weights(types, weights)
        back = math.log(weights[b] / new_a) + math.log(weights[a] / new_b)
        log_ratio = back - there - change / temperature
        if log_ratio >= 0 or rng.random() < math.exp(log_ratio):
            sum_a, sum_b = new_a, new_b
            accepted += 1
            energy += change
        else:
            _flip(a, -1.0, first, neighbour, energies, as_a, as_b)
            _flip(b, 1.0, first, neighbour, energies, as_a, as_b)
            types[a], types[b] = 0, 1
            # Backwards: a neighbour of both was noted twice, and its first note is the old weight.
            for k in range(n_changed - 1, -1, -1):
                weights[changed[k]] = before[k]
    return accepted, energy


@njit(cache=True, error_model="numpy")
def _mark(covered: Any, voxels: Any, width: Any, place: Any, radius: float, step: int) -> None:
    """Add `step` to every voxel whose centre lies within a sphere; `voxels` and `width` (3,) along the edges."""
    x0, y0, z0 = int(place[0] / width[0]), int(place[1] / width[1]), int(place[2] / width[2])
    x_reach, y_reach, z_reach = int(radius / width[0]) + 1, int(radius / width[1]) + 1, int(radius / width[2]) + 1
    for i in range(x0 - x_reach, x0 + x_reach + 1):
        dx = (i + 0.5) * width[0] - place[0]
        for j in range(y0 - y_reach, y0 + y_reach + 1):
            dy = (j + 0.5) * width[1] - place[1]
            left = radius * radius - dx * dx - dy * dy
            if left < 0:
                continue
            for k in range(z0 - z_reach, z0 + z_reach + 1):
                dz = (k + 0.5) * width[2] - place[2]
                if dz * dz <= left:
                    covered[i % voxels[0], j % voxels[1], k % voxels[2]] += step


@njit(cache=True, error_model="numpy")
def _voxel_of(covered: Any, voxels: Any, width: Any, place: Any) -> int:
    """How many spheres cover the voxel of a place."""
    return int(
        covered[
            min(int(place[0] / width[0]), voxels[0] - 1),
            min(int(place[1] / width[1]), voxels[1] - 1),
            min(int(place[2] / width[2]), voxels[2] - 1),
        ]
    )


@njit(cache=True, error_model="numpy")
def teleport(
    positions: Any, types: Any, box: Any, potential: Any, kind: int, temperature: float, attempts: int,
    rng: Any,
) -> Any:  # fmt: skip
    """Move particles of species `kind` to random places; see the module.

    Parameters
    ----------
    positions : (n_particles, 3) array
        σ_AA, between 0 and the edges of `box`; changed in place.
    types : (n_particles,) array of int
    box : (3,) array
        Edges, σ_AA.
    potential : (3, 4) array
        As from `ljmix.structure.energies.potential_table`.
    kind : int
        0 for A, 1 for B.
    temperature : float
        T*.
    attempts : int
    rng : numpy.random.Generator

    Returns
    -------
    accepted : int
    energy : float
        ε_AA.
    """
    reach = math.sqrt(max(potential[kind, 2], potential[kind + 1, 2]))
    cells = count_cells(box, reach)
    head, following = fill_cells(positions, cells, box)
    around = np.empty(27, np.int64)
    # Exclusion radius around a particle of either species for one of `kind`; 0 + kind and 1 + kind name the pairs.
    core = (_CORE * math.sqrt(potential[kind, 0]), _CORE * math.sqrt(potential[kind + 1, 0]))
    own = core[kind]
    voxels = np.empty(3, np.int64)
    width = np.empty(3)
    for axis in range(3):
        voxels[axis] = int(box[axis] / _VOXEL)
        width[axis] = box[axis] / voxels[axis]
    covered = np.zeros((voxels[0], voxels[1], voxels[2]), np.int16)
    for i in range(len(types)):
        _mark(covered, voxels, width, positions[i], core[types[i]], 1)
    members = np.flatnonzero(types == kind)
    place = np.empty(3)
    accepted, energy = 0, 0.0
    for _ in range(attempts):
        for axis in range(3):
            place[axis] = rng.random() * box[axis]
        if _voxel_of(covered, voxels, width, place) != 0:
            continue
        i = members[int(rng.random() * len(members))]
        # The way back must be open: a place that only the particle itself covers, and not from its new place.
        if _voxel_of(covered, voxels, width, positions[i]) != 1:
            continue
        if squared_distance(place, positions[i], box) < (2 * own) ** 2:
            continue
        new = place_energy(
            place, i, kind, positions, types, head, following, cells, box, potential, around
        )  # fmt: skip
        if new > HOPELESS:
            continue
        change = new - place_energy(
            positions[i], i, kind, positions, types, head, following, cells, box, potential, around
        )  # fmt: skip
        if change <= 0 or rng.random() < math.exp(-change / temperature):
            cell = cell_of(positions[i], cells, box)
            if head[cell] == i:
                head[cell] = following[i]
            else:
                j = head[cell]
                while following[j] != i:
                    j = following[j]
                following[j] = following[i]
            _mark(covered, voxels, width, positions[i], own, -1)
            positions[i] = place
            _mark(covered, voxels, width, place, own, 1)
            cell = cell_of(place, cells, box)
            following[i] = head[cell]
            head[cell] = i
            accepted += 1
            energy += change
    return accepted, energy
