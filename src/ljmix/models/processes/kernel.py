"""How alike two states are before any curve is seen: the kernel of the Gaussian process.

It sums a part that all compositions share and one that each has to itself, either of them constant, straight
and curved in β. Where a mixture separates, the shared part is also straight in the logarithm of the level of
g inside the domains: a drop of B raises ln g by that level at every distance it spans, and states with ever
higher levels lie beyond all training states.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist

from ljmix._util.arrays import FloatArray
from ljmix.models.features import composition_keys
from ljmix.models.processes.ingredients import Ingredients, Scales
from ljmix.state import simulated_fractions
from ljmix.theory.cavity import packing_fraction, volume_fraction
from ljmix.theory.coexistence import log_levels

__all__ = ["Points", "covariance", "place_states", "prior_variance"]

_BETA_CENTRE = 1.0


@dataclass(frozen=True)
class Points:
    """States as the kernel sees them.

    Attributes
    ----------
    inputs : (n, n_inputs) array
        In units of the lengths of `Scales`.
    levels : (n, n_levels) array
        Logarithm of the level of g inside domains, AA and BB; no columns without coexistence.
    beta : (n,) array
        β - 1.
    compositions : list of tuple
    """

    inputs: FloatArray
    levels: FloatArray
    beta: FloatArray
    compositions: list[tuple[float, ...]]


def place_states(states: pd.DataFrame, ingredients: Ingredients, scales: Scales) -> Points:
    """Return what the kernel asks of states."""
    share = volume_fraction(states) if ingredients.packing else simulated_fractions(states)
    columns = [
        share / scales.fraction,
        np.log(states["size_ratio"].to_numpy(dtype=float)) / scales.size,
        states["epsilon_ab"].to_numpy(dtype=float) / scales.epsilon,
    ]
    if ingredients.packing:
        columns.append(packing_fraction(states) / scales.packing)
    levels = np.empty((len(states), 0))
    if ingredients.coexistence:
        levels = log_levels(states, scales.demixing)[:, [0, 2]]
        columns.extend(levels.T / scales.enrichment)
    beta = 1 / states["temperature"].to_numpy(dtype=float) - _BETA_CENTRE
    return Points(np.stack(columns, axis=1), levels, beta, composition_keys(states))


def prior_variance(points: Points, scales: Scales, sharing: bool) -> FloatArray:
    """Variance of each state before anything is learned, in units of a bin's variance, (n,)."""
    s, beta = scales, points.beta
    shared = 1 + s.line * beta**2 + s.bend + s.level * (points.levels**2).sum(axis=1) if sharing else 0.0
    return np.asarray(shared + s.own + s.own_line * beta**2 + s.own_bend)


def covariance(first: Points, second: Points, scales: Scales, sharing: bool) -> FloatArray:
    """Covariance of two lists of states, in units of a bin's variance, (n_first, n_second)."""
    s = scales
    product = first.beta[:, None] * second.beta
    curved = np.exp(-0.5 * ((first.beta[:, None] - second.beta) / s.beta) ** 2)
    number = {key: k for k, key in enumerate(dict.fromkeys([*first.compositions, *second.compositions]))}
    rows, columns = (np.array([number[key] for key in part.compositions]) for part in (first, second))
    total = (rows[:, None] == columns) * (s.own + s.own_line * product + s.own_bend * curved)
    if sharing:
        likeness = np.exp(-0.5 * cdist(first.inputs, second.inputs, "sqeuclidean"))
        total = total + likeness * (1 + s.line * product + s.bend * curved)
        total = total + s.level * first.levels @ second.levels.T
    return np.asarray(total)
