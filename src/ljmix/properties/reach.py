"""How far curves must reach to be integrated, and what their end adds to the error of the integrals."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from ljmix._util.arrays import FloatArray
from ljmix.properties.kirkwood_buff import integrals_from_rdf

__all__ = ["LENGTHS", "integrals_by_end", "require_reach"]

LENGTHS = 8.0
"""Correlation lengths ξ that curves must hold. With the weight of `ljmix.properties.kirkwood_buff.integrate_rdf` a tail
exp(−r/ξ)/r then lacks 4.5 % of its integral, and 15 % where curves hold five ξ. Near a consolute point that tail is
nearly all of S(0), and Γ comes out too large by what it lacks."""
_ENDS = 9


def require_reach(correlation_length: float, reach: float) -> None:
    """Raise a ValueError where curves end before they hold `LENGTHS` correlation lengths.

    Parameters
    ----------
    correlation_length : float
        ξ, as in `ljmix.properties.extrapolation.Extrapolation`, σ_AA.
    reach : float
        Where the curves end, σ_AA.
    """
    if correlation_length > reach / LENGTHS:
        grows = "outgrow the box"
        if math.isfinite(correlation_length):
            grows = f"reach {correlation_length:.1f} σ (ξ)"
        raise ValueError(
            f"correlations {grows}: curves that end at {reach:g} σ are integrated where they hold {LENGTHS:g} ξ"
        )


def integrals_by_end(
    r: FloatArray, g: Mapping[str, FloatArray], n_a: int, n_b: int, volume: float, diameter: float
) -> FloatArray:
    """Kirkwood-Buff integrals up to several ends, over the last diameter of the curves.

    They swing with the shells of neighbours. Where curves are long enough the swing has died out; where it has not, its
    scatter is an error of the integrals that no longer run makes smaller.

    Parameters
    ----------
    r, g, n_a, n_b, volume
        As of `ljmix.properties.kirkwood_buff.integrals_from_rdf`.
    diameter : float
        Of the larger particles, σ_AA: the period of the swing.

    Returns
    -------
    (9, 3) array
        G_AA, G_AB, G_BB; the first row is that of the whole curves.

    Raises
    ------
    ValueError
        As `ljmix.properties.kirkwood_buff.integrals_from_rdf`.
    """
    reach = float(r[-1] + (r[1] - r[0]) / 2)
    ends = reach - diameter * np.linspace(0, 1, _ENDS)
    return np.array([integrals_from_rdf(r, g, n_a, n_b, volume, end) for end in ends])
