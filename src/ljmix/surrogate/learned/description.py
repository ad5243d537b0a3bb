"""A state as the surrogate sees it: six numbers, and what becomes of them when A and B exchange their names.

A state point names species A the unit of length and pressure. Seen from B the same liquid has temperature T*,
fraction 1 − C_B, size ratio 1/S and pressure P* S³, so that a description by pressure would take it for a stranger.
Packing fraction, share of the volume and stability are the same from both sides, or change in a known way.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pandas as pd

from ljmix._util.arrays import FloatArray
from ljmix.state import StatePoint, state_points
from ljmix.theory.cavity import volume_fraction
from ljmix.theory.eos import equation_of_state

__all__ = ["INPUTS", "STABLE", "Description", "describe", "exchange", "with_mirrored"]

INPUTS = ("beta", "volume_share_b", "log_size_ratio", "epsilon_ab", "packing", "stability")
"""1/T*, share of B in the volume of the particles, ln S, ε_AB, and by the equation of state the packing fraction and
the thermodynamic factor."""

_SHARE, _SIZE = INPUTS.index("volume_share_b"), INPUTS.index("log_size_ratio")
STABLE = (0.0, 2.0)
"""Range of the thermodynamic factor that is told: below it one liquid is unstable, and its depth says nothing of it."""


@dataclass(frozen=True)
class Description:
    """States by the equation of state.

    Attributes
    ----------
    inputs : (n, 6) array
        Columns `INPUTS`.
    density : (n,) array
        N/V by the equation of state, σ_AA⁻³.
    enthalpy : (n,) array
        U/N + P/ρ by it, potential part, ε_AA.
    compressibility : (n,) array
        κ_T by it, σ_AA³/ε_AA.
    known : (n,) array of bool
        False where the equation of state has no liquid; all numbers are NaN there.
    """

    inputs: FloatArray
    density: FloatArray
    enthalpy: FloatArray
    compressibility: FloatArray
    known: npt.NDArray[np.bool_]


def describe(states: pd.DataFrame, strength: float) -> Description:
    """Describe states.

    Parameters
    ----------
    states : pandas.DataFrame, or a dictionary of its columns
        With the four numbers, and `pressure` where it is not 1.
    strength : float
        Factor of k = 1 − ε_AB in the equation of state.

    Returns
    -------
    Description
    """
    liquids = np.array([_liquid(point, strength) for point in state_points(states)]).reshape(-1, 4)
    density, stability, enthalpy, compressibility = liquids.T
    x_b, ratio = (np.asarray(states[name], dtype=float) for name in ("fraction_b", "size_ratio"))
    columns = [
        1 / np.asarray(states["temperature"], dtype=float),
        volume_fraction(states),
        np.log(ratio),
        np.asarray(states["epsilon_ab"], dtype=float),
        np.pi / 6 * density * (1 - x_b + x_b * ratio**3),
        np.clip(stability, *STABLE),
    ]
    return Description(np.stack(columns, axis=1), density, enthalpy, compressibility, np.isfinite(density))


@lru_cache(maxsize=20_000)
def _liquid(point: StatePoint, strength: float) -> tuple[float, float, float, float]:
    try:
        liquid = equation_of_state(point, strength)
    except ValueError:
        # Not swallowed: the answer to such a state is NaN, and `out_of_range` says why.
        return (np.nan, np.nan, np.nan, np.nan)
    return liquid.density, liquid.thermodynamic_factor, liquid.enthalpy, liquid.compressibility


def exchange(inputs: FloatArray) -> FloatArray:
    """Inputs of the same liquids with the names A and B exchanged."""
    mirrored = inputs.copy()
    mirrored[:, _SHARE] = 1 - inputs[:, _SHARE]
    mirrored[:, _SIZE] = -inputs[:, _SIZE]
    return mirrored


def with_mirrored(inputs: FloatArray) -> FloatArray:
    """Inputs, and behind them those of the mirrored mixtures, (2 n, 6)."""
    return np.concatenate([inputs, exchange(inputs)])
