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
So S = 1 and dilute B (C_B at most 0.02) run from random and separated. For others the temperature over the mean field's
consolute temperature, T* / 2.84 (1 − ε_AB), says what to expect: below 0.6 they run from the last two, above 0.9 from
random and separated, between from all three. (The first runs of S = 1.5 had all three wherever T* was at least 0.8.)
Numbers of attempts are such that moves cost at most about what the dynamics does, measured on one core. More would not
help, dynamics sets the pace: at T* 1.0, C_B 0.35, S 2, ε_AB 0.6 an independent sample of S_cc takes 6700 ± 1600 steps
with 10 000 attempts of small A and 7600 ± 900 with 100 000 (three axes); at T* 1.2, C_B 0.35, S 1.5, ε_AB 0.6 it takes
4200 ± 800 with 300 attempts of the weighted exchange and 4800 ± 400 with 1500.

When these runs are good or at their cap, some mixtures start again:

====================================================  ==================================================================
the runs that decide                                  then
====================================================  ==================================================================
agree, and their domains, if any, have one shape      they count
disagree, one of them in one liquid or a crystal      nothing: the state has not converged
all hold two liquids, and disagree or differ in       a second bracket of the stable shape decides in their place:
shape                                                 *stable* and *stable_exchanged*
====================================================  ==================================================================

A domain that reaches through the box (a slab, a cylinder) does not become another one in any run that we could afford,
so two such runs would differ for ever. The stable shape is the one of least interface area for the share of the volume
that the B-rich liquid fills, as it was measured in the first runs: for one domain in a cube a sphere below 4π/81, a
slab above 1/π, a cylinder between (Prestipino et al. 2015, arXiv:1509.02324). B's own share, from which the first
starts take their shape, is another number where the liquids are not pure. Two domains differ in shape where one of
their longest waves along the three axes, sorted, differs by more than a quarter of the largest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ljmix._util.arrays import FloatArray
from ljmix.simulation.engines.moves import Moves
from ljmix.state import DILUTE, StatePoint
from ljmix.structure.phase import consolute_temperature

__all__ = ["STABLE", "Protocol", "choose_protocol", "needs_stable_shape"]

STABLE = ("stable", "stable_exchanged")
"""Starts of the second bracket."""
_INTERVAL = 100
_ONE_SHAPE = 0.25
_DEMIXED, _MIXED = 0.6, 0.9
"""Temperature over the mean-field consolute temperature below which two liquids, above which one is expected."""


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
    dilute = state.fraction_b <= DILUTE
    consolute = consolute_temperature(state)
    if 0.8 <= state.size_ratio < 1.15 or dilute or state.temperature > _MIXED * consolute:
        starts: tuple[str, ...] = ("random", "separated")
    elif state.temperature < _DEMIXED * consolute:
        starts = ("separated", "exchanged")
    else:
        starts = ("random", "separated", "exchanged")
    if state.size_ratio < 0.8:
        few = dilute or state.temperature >= 0.7
        return Protocol(Moves(_INTERVAL, teleport_b=20_000 if few else 100_000), starts, 10)
    if state.size_ratio < 1.15:
        return Protocol(Moves(_INTERVAL, swap_uniform=100_000), starts, 20)
    if state.size_ratio <= 1.6:
        return Protocol(Moves(_INTERVAL, swap_informed=300), starts, 10)
    if state.temperature < 0.7:
        return Protocol(None, starts, 0)
    return Protocol(Moves(_INTERVAL, teleport_a=25_000), starts, 10)


def needs_stable_shape(labels: Sequence[str], waves: Sequence[FloatArray], agreed: bool) -> bool:
    """Tell whether a state starts again from the stable shape; see the second table of the module.

    Parameters
    ----------
    labels : sequence of str
        Phase of each run that decides, from `ljmix.structure.phase.label_phase`.
    waves : sequence of (3,) arrays
        Their longest waves along the three axes, from `ljmix.structure.phase.sorted_waves`.
    agreed : bool
        Whether they agree.
    """
    if len(labels) < 2 or set(labels) != {"demixed"}:
        return False
    table = np.array(waves)
    return not agreed or bool(np.any(np.ptp(table, axis=0) > _ONE_SHAPE * table.max()))
