"""How a mixture is brought to equilibrium: which moves, from which starts, and how many samples of its longest wave.

==========  =======================================================  ================================
S           moves every 100 steps                                    independent S_cc
==========  =======================================================  ================================
below 0.8   small B jump into cavities                               10
0.8 … 1.15  A and B of nearly one size exchange places at random     20
1.15 … 1.6  so does who fits, drawn by weight (at random one in a    10
            million does)
above 1.6   small A jump (below T* 0.7 one jump in 10⁵ is accepted:  10; below T* 0.7 none, for two
            no moves)                                                starts decide alone
==========  =======================================================  ================================

Starts: *random*; *separated*, one domain of pure B; *exchanged*, the same with a quarter of the minority on the wrong
side. Where the mixture separates, the last two approach the compositions of the two liquids from both sides, and a
random start has to coarsen first. That takes a few thousand steps where particles exchange by swaps, and does not end
where they cannot. Where the mixture stays one liquid, random and separated are the two sides, and the last two are not.
So S = 1 and dilute B (C_B at most 0.02) run from random and separated, others from the last two, and from random too
unless they are cold and weakly mixing (T* below 0.8 and ε_AB below 0.8). Numbers of attempts are such that moves cost
one to four times what the dynamics does, measured on one core.
"""

from __future__ import annotations

from dataclasses import dataclass

from ljmix.simulation.moves import Moves
from ljmix.state import DILUTE, StatePoint

__all__ = ["Protocol", "choose_protocol"]

_INTERVAL = 100


@dataclass(frozen=True)
class Protocol:
    """How one mixture is brought to equilibrium.

    Attributes
    ----------
    moves : Moves or None
        Monte Carlo moves between the steps of the engine.
    starts : tuple of str
        See `ljmix.simulation.initial.build_configuration`.
    wave_samples : int
        Independent samples of the longest concentration wave, S_cc, that a run must hold; 0 for no demand.
    """

    moves: Moves | None
    starts: tuple[str, ...]
    wave_samples: int


def choose_protocol(state: StatePoint) -> Protocol:
    """Choose the protocol of a mixture by its size ratio and temperature; see the module for the table.

    Raises
    ------
    ValueError
        If the state has one species only.
    """
    if state.fraction_b in (0.0, 1.0):
        raise ValueError(f"{state.state_id}: a pure fluid has no second species to exchange with; run it without moves")
    if 0.8 <= state.size_ratio < 1.15 or state.fraction_b <= DILUTE:
        starts: tuple[str, ...] = ("random", "separated")
    elif state.temperature < 0.8 and state.epsilon_ab < 0.8:
        starts = ("separated", "exchanged")
    else:
        starts = ("random", "separated", "exchanged")
    if state.size_ratio < 0.8:
        return Protocol(Moves(_INTERVAL, teleport_b=100_000), starts, 10)
    if state.size_ratio < 1.15:
        return Protocol(Moves(_INTERVAL, swap_uniform=100_000), starts, 20)
    if state.size_ratio <= 1.6:
        return Protocol(Moves(_INTERVAL, swap_informed=300), starts, 10)
    if state.temperature < 0.7:
        return Protocol(None, starts, 0)
    return Protocol(Moves(_INTERVAL, teleport_a=100_000), starts, 10)
