"""Energies at frozen positions: of each particle as an A and as a B, and of a particle at any place.

Everything that changes species or places without dynamics rests on these: Monte Carlo moves between the steps of an
engine, and virtual exchanges and insertions that measure dilute pairs. Compiled by numba, for one table costs as much
as a few time steps.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
from numba import njit

from ljmix._util.arrays import FloatArray
from ljmix.state import PAIRS

__all__ = [
    "HOPELESS", "FlipTable", "PairPotential", "box_edges", "cell_of", "count_cells", "fill_cells", "interaction_range",
    "pair_energy", "place_energy", "potential_table", "squared_distance", "tabulate_flips", "wrap",
]  # fmt: skip

IntArray = npt.NDArray[np.int64]

HIGHEST = 1e5
"""Energies of a pair are cut here, ε_AA: the weight of such a pair, exp(-1e5 / T*), is zero in double precision."""

HOPELESS = 1e3
"""Energy of a place, ε_AA, above which no further neighbour is looked at: no attraction outweighs it."""

_SIGMA2, _FOUR_EPSILON, _CUTOFF2, _SHIFT = range(4)


class PairPotential(Protocol):
    """What is needed to know of a mixture: a `StatePoint`, or any other like it."""

    def sigma(self, pair: str) -> float:
        """Diameter σ_ij, σ_AA."""
        ...

    def epsilon(self, pair: str) -> float:
        """Well depth ε_ij, ε_AA."""
        ...

    def cutoff(self, pair: str) -> float:
        """Distance where the potential is cut and shifted to zero, σ_AA."""
        ...


class FlipTable(NamedTuple):
    """Neighbours of each particle, and its energy with them as either species.

    Attributes
    ----------
    first : (n_particles + 1,) array of int
        The neighbours of particle i are entries ``first[i]`` to ``first[i + 1]`` of `neighbour`.
    neighbour : (n_neighbours,) array of int
        Each pair occurs twice, once from either end.
    energies : (n_neighbours, 3) array
        Energy of that pair if it were AA, AB, BB, ε_AA.
    as_a, as_b : (n_particles,) arrays
        Energy of each particle with all its neighbours if it were A, or B, ε_AA.
    """

    first: IntArray
    neighbour: IntArray
    energies: FloatArray
    as_a: FloatArray
    as_b: FloatArray


def potential_table(mixture: PairPotential) -> FloatArray:
    """Parameters of the truncated and shifted potential as kernels take them.

    Returns
    -------
    (3, 4) array
        For AA, AB, BB: σ², 4 ε, r_c², and the unshifted energy at r_c.
    """
    rows = []
    for pair in PAIRS:
        sigma, epsilon, cutoff = mixture.sigma(pair), mixture.epsilon(pair), mixture.cutoff(pair)
        attraction = (sigma / cutoff) ** 6
        rows.append((sigma**2, 4 * epsilon, cutoff**2, 4 * epsilon * (attraction**2 - attraction)))
    return np.array(rows)


def interaction_range(mixture: PairPotential) -> float:
    """Largest cut-off of the mixture, σ_AA: a flip may change any pair within it."""
    return max(map(mixture.cutoff, PAIRS))


def box_edges(box: float | FloatArray) -> FloatArray:
    """The three edges of a box as an array, from them or from the one of a cube."""
    return np.array(np.broadcast_to(np.asarray(box, dtype=float), (3,)))


def tabulate_flips(
    positions: FloatArray, types: IntArray, box: float | FloatArray, mixture: PairPotential
) -> FlipTable:
    """Tabulate the energies of all particles as A and as B.

    Parameters
    ----------
    positions : (n_particles, 3) array
        σ_AA, in a periodic box; need not be wrapped.
    types : (n_particles,) array of int
        0 for A, 1 for B.
    box : float or (3,) array
        Edge of a cube, or the three edges, σ_AA.
    mixture : PairPotential

    Returns
    -------
    FlipTable

    Raises
    ------
    ValueError
        If the largest cut-off is above half the shortest box edge.
    """
    reach, edges = interaction_range(mixture), box_edges(box)
    if reach > edges.min() / 2:
        raise ValueError(f"the largest cut-off, {reach:g}, must not be above half the box edge, {edges.min() / 2:.3f}")
    first, neighbour, distance2 = _list_neighbours(wrap(positions, edges), edges, reach)
    return FlipTable(first, neighbour, *_sum_energies(first, neighbour, distance2, types, potential_table(mixture)))


def wrap(positions: FloatArray, box: float | FloatArray) -> FloatArray:
    """Positions between 0 and the box edges."""
    wrapped: FloatArray = positions - box * np.floor(positions / box)
    # A tiny negative coordinate rounds up to the edge itself.
    wrapped[wrapped >= box] = 0.0
    return wrapped


@njit(cache=True, error_model="numpy")
def pair_energy(distance2: float, kind: int, potential: Any) -> float:
    """Energy of one pair, cut at `HIGHEST`; `kind` is 0 for AA, 1 for AB, 2 for BB."""
    if distance2 >= potential[kind, _CUTOFF2]:
        return 0.0
    squared = potential[kind, _SIGMA2] / distance2
    sixth = squared * squared * squared
    energy: float = potential[kind, _FOUR_EPSILON] * (sixth * sixth - sixth) - potential[kind, _SHIFT]
    return min(energy, HIGHEST)


@njit(cache=True, error_model="numpy")
def squared_distance(first: Any, second: Any, box: Any) -> float:
    """Squared distance of two places in a box (3,), by the nearest image; none more than half an edge outside."""
    x, y, z = abs(first[0] - second[0]), abs(first[1] - second[1]), abs(first[2] - second[2])
    x, y, z = min(x, box[0] - x), min(y, box[1] - y), min(z, box[2] - z)
    return float(x * x + y * y + z * z)


@njit(cache=True, error_model="numpy")
def count_cells(box: Any, reach: float) -> Any:
    """Cells along each edge, (3,), as wide as the reach; three at least, each of which touches all others."""
    cells = np.empty(3, np.int64)
    for axis in range(3):
        cells[axis] = max(3, int(box[axis] / reach))
    return cells


@njit(cache=True, error_model="numpy")
def cell_of(place: Any, cells: Any, box: Any) -> int:
    """Number of the cell that holds a wrapped place, of `cells` (3,) along the edges."""
    number = 0
    for axis in range(3):
        number = number * cells[axis] + min(int(place[axis] / box[axis] * cells[axis]), cells[axis] - 1)
    return number


@njit(cache=True, error_model="numpy")
def fill_cells(positions: Any, cells: Any, box: Any) -> Any:
    """Chain the particles of each cell: the first of each cell, and the next after each particle; -1 ends."""
    head = np.full(cells[0] * cells[1] * cells[2], -1, np.int64)
    following = np.full(len(positions), -1, np.int64)
    for i in range(len(positions)):
        cell = cell_of(positions[i], cells, box)
        following[i] = head[cell]
        head[cell] = i
    return head, following


@njit(cache=True, error_model="numpy")
def surrounding_cells(cell: int, cells: Any, around: Any) -> None:
    """Write the 27 cells around one (itself among them) into `around`; each once, for `cells` of three or more."""
    z, y, x = cell % cells[2], cell // cells[2] % cells[1], cell // (cells[1] * cells[2])
    n = 0
    for i in range(-1, 2):
        for j in range(-1, 2):
            for k in range(-1, 2):
                row = (x + i) % cells[0] * cells[1] + (y + j) % cells[1]
                around[n] = row * cells[2] + (z + k) % cells[2]
                n += 1


@njit(cache=True, error_model="numpy")
def _sort_into_cells(positions: Any, cells: Any, box: Any) -> Any:
    """Cell of each particle, where each cell begins (n_cells + 1,), and the particles cell by cell."""
    n = len(positions)
    home, order = np.empty(n, np.int64), np.empty(n, np.int64)
    begin = np.zeros(cells[0] * cells[1] * cells[2] + 1, np.int64)
    for i in range(n):
        home[i] = cell_of(positions[i], cells, box)
        begin[home[i] + 1] += 1
    begin = np.cumsum(begin)
    free = begin[:-1].copy()
    for i in range(n):
        order[free[home[i]]] = i
        free[home[i]] += 1
    return home, begin, order


@njit(cache=True, error_model="numpy")
def _list_neighbours(positions: Any, box: Any, reach: float) -> Any:
    """Neighbours of each particle; nine times as fast as freud's AABBQuery, and a table is needed every 100 steps.

    Cells are half as wide as the reach, and a row of five lies in one stretch of memory.
    """
    cells = np.empty(3, np.int64)
    for axis in range(3):
        cells[axis] = max(5, int(2 * box[axis] / reach))
    home, begin, order = _sort_into_cells(positions, cells, box)
    n = len(positions)
    x, y, z = positions[order, 0], positions[order, 1], positions[order, 2]
    apart2 = np.empty(n)
    first = np.zeros(n + 1, np.int64)
    capacity = 64 * n
    neighbour, distance2 = np.empty(capacity, np.int64), np.empty(capacity)
    used = 0
    for i in range(n):
        cell_x, cell_y = home[i] // (cells[1] * cells[2]), home[i] // cells[2] % cells[1]
        low = home[i] % cells[2] - 2
        high = low + 4
        for step in range(25):
            row = (cell_x + step // 5 - 2) % cells[0] * cells[1] + (cell_y + step % 5 - 2) % cells[1]
            # Cells low ... high of the row, and those of them that lie beyond an end, at the other one.
            for around in range(-1, 2):
                from_cell = max(low - around * cells[2], 0)
                to_cell = min(high - around * cells[2], cells[2] - 1)
                if from_cell > to_cell:
                    continue
                from_k, to_k = begin[row * cells[2] + from_cell], begin[row * cells[2] + to_cell + 1]
                for k in range(from_k, to_k):
                    dx, dy, dz = abs(x[k] - positions[i, 0]), abs(y[k] - positions[i, 1]), abs(z[k] - positions[i, 2])
                    dx, dy, dz = min(dx, box[0] - dx), min(dy, box[1] - dy), min(dz, box[2] - dz)
                    apart2[k] = dx * dx + dy * dy + dz * dz
                if used + to_k - from_k > capacity:
                    capacity *= 2
                    longer, farther = np.empty(capacity, np.int64), np.empty(capacity)
                    longer[:used], farther[:used] = neighbour[:used], distance2[:used]
                    neighbour, distance2 = longer, farther
                for k in range(from_k, to_k):
                    if apart2[k] < reach * reach and order[k] != i:
                        neighbour[used], distance2[used] = order[k], apart2[k]
                        used += 1
        first[i + 1] = used
    return first, neighbour[:used].copy(), distance2[:used].copy()


@njit(cache=True, error_model="numpy")
def _sum_energies(first: Any, neighbour: Any, distance2: Any, types: Any, potential: Any) -> Any:
    energies = np.empty((len(neighbour), 3))
    as_a, as_b = np.zeros(len(types)), np.zeros(len(types))
    for i in range(len(types)):
        for p in range(first[i], first[i + 1]):
            for kind in range(3):
                energies[p, kind] = pair_energy(distance2[p], kind, potential)
            other = types[neighbour[p]]
            as_a[i] += energies[p, other]
            as_b[i] += energies[p, other + 1]
    return energies, as_a, as_b


@njit(cache=True, error_model="numpy")
def place_energy(
    place: Any, itself: int, kind: int, positions: Any, types: Any, head: Any, following: Any, cells: Any,
    box: Any, potential: Any, around: Any,
) -> float:  # fmt: skip
    """Energy that a particle of a species has at a place, with all particles but `itself`, ε_AA."""
    surrounding_cells(cell_of(place, cells, box), cells, around)
    total = 0.0
    for c in range(27):
        j = head[around[c]]
        while j >= 0:
            if j != itself:
                total += pair_energy(squared_distance(place, positions[j], box), kind + types[j], potential)
                if total > HOPELESS:
                    return total
            j = following[j]
    return total
