"""Monte Carlo moves between the steps of an engine, and how they are made.

Where A and B separate, molecular dynamics carries particles from one liquid to the other by diffusion alone, and a run
ends long before both have their composition. Between two stretches of dynamics the positions are frozen, particles
exchange species or jump, and the engine goes on with the velocities that it had. Masses are equal, so that the moves
leave the distribution of the ensemble as it is, and any engine can be interrupted by them. Which mixture gets which:
`ljmix.simulation.protocol`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ljmix._util.arrays import FloatArray
from ljmix.simulation.engines.kernels import swap_informed, swap_uniformly, teleport
from ljmix.structure.energies import PairPotential, box_edges, potential_table, tabulate_flips, wrap

__all__ = ["KINDS", "NOTHING", "NO_MOVES", "MixtureAt", "Moves", "Tally", "apply_moves"]

KINDS = ("teleport_a", "teleport_b", "swap_informed", "swap_uniform")
"""Moves in the order in which they are made."""
NO_MOVES = (
    "Monte Carlo moves are accepted by the energies of the mixture's own Lennard-Jones potential; an engine with "
    "another force field runs without them (choose a profile without equilibrate)"
)
"""Message to who asks for moves under other forces."""


class MixtureAt(PairPotential, Protocol):
    """A mixture at a temperature."""

    @property
    def temperature(self) -> float:
        """T*."""
        ...


@dataclass(frozen=True)
class Moves:
    """Attempts of each kind, made every `interval` steps.

    Attributes
    ----------
    interval : int
        Steps of the engine between two interruptions.
    swap_uniform, swap_informed : int
        Exchanges of species between an A and a B; see `ljmix.simulation.engines.kernels`.
    teleport_a, teleport_b : int
        Jumps of particles of A, or B.

    Raises
    ------
    ValueError
        If a number is negative, or no move is made at all.
    """

    interval: int
    swap_uniform: int = 0
    swap_informed: int = 0
    teleport_a: int = 0
    teleport_b: int = 0

    def __post_init__(self) -> None:
        if self.interval < 1:
            raise ValueError(f"moves: interval = {self.interval}: must be at least 1")
        for kind, attempts in self.attempts().items():
            if attempts < 0:
                raise ValueError(f"moves: {kind} = {attempts}: must not be negative")
        if not any(self.attempts().values()):
            raise ValueError(f"moves: all of {', '.join(KINDS)} are 0; leave the moves out instead")

    def attempts(self) -> dict[str, int]:
        """Attempts at each interruption, by kind."""
        return {kind: getattr(self, kind) for kind in KINDS}


@dataclass(frozen=True)
class Tally:
    """What moves have done.

    Attributes
    ----------
    attempted, accepted : dict
        Number by kind, of those that were made.
    energy : float
        Potential energy that they added, of the whole system, ε_AA.
    """

    attempted: Mapping[str, int]
    accepted: Mapping[str, int]
    energy: float

    def __add__(self, other: Tally) -> Tally:
        def total(first: Mapping[str, int], second: Mapping[str, int]) -> dict[str, int]:
            return {kind: first.get(kind, 0) + second.get(kind, 0) for kind in KINDS if kind in {*first, *second}}

        return Tally(
            total(self.attempted, other.attempted), total(self.accepted, other.accepted), self.energy + other.energy
        )


NOTHING = Tally({}, {}, 0.0)
"""The tally of no move."""


def apply_moves(
    moves: Moves,
    mixture: MixtureAt,
    positions: npt.NDArray[np.float64],
    types: npt.NDArray[np.int64],
    box: float | FloatArray,
    rng: np.random.Generator,
) -> Tally:
    """Make one interruption's moves, in place.

    Parameters
    ----------
    moves : Moves
    mixture : MixtureAt
    positions : (n_particles, 3) array
        σ_AA, in a periodic box centred at the origin. Only those of teleported particles change.
    types : (n_particles,) array of int
        0 for A, 1 for B. How many there are of each does not change.
    box : float or (3,) array
        Edge of a cube, or the three edges, σ_AA.
    rng : numpy.random.Generator

    Returns
    -------
    Tally

    Raises
    ------
    ValueError
        If a species is missing, or the box is too small for the cut-off.
    """
    if types.min() == types.max():
        raise ValueError(f"moves need both species; all {len(types)} particles are {'AB'[int(types[0])]}")
    potential, edges = potential_table(mixture), box_edges(box)
    tally = NOTHING
    for kind, attempts in moves.attempts().items():
        if not attempts:
            continue
        if kind.startswith("teleport"):
            places = wrap(positions + edges / 2, edges)
            before = places.copy()
            accepted, energy = teleport(
                places, types, edges, potential, "ab".index(kind[-1]), mixture.temperature, attempts, rng
            )
            moved = (places != before).any(axis=1)
            positions[moved] = places[moved] - edges / 2
        else:
            swap = swap_uniformly if kind == "swap_uniform" else swap_informed
            table = tabulate_flips(positions, types, edges, mixture)
            accepted, energy = swap(
                positions, types, edges, potential, *table, mixture.temperature, attempts, rng
            )  # fmt: skip
        tally += Tally({kind: attempts}, {kind: int(accepted)}, float(energy))
    return tally
