"""Shapley values without a model and without a sample: on a full grid of states they are sums of means.

At one pair and one distance, g is a function of four parameters that the grid combines in every way. So the
mean over a parameter that is not known is a mean over the grid, no state is made up, and the result is exact:
for the simulated curves as well as for a model's.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from ljmix._util.arrays import FloatArray
from ljmix.state import PAIRS, PARAMETERS

__all__ = ["complete_grid", "distance_profile", "grid_shapley", "missing_states"]


_DECIMALS = 6


def complete_grid(states: pd.DataFrame) -> pd.DataFrame:
    """Every combination of the values that the parameters take in `states`.

    Returns
    -------
    pandas.DataFrame
        Columns `PARAMETERS`, the last one running fastest.
    """
    levels = [np.unique(states[name].to_numpy(dtype=float).round(_DECIMALS)) for name in PARAMETERS]
    return pd.DataFrame(list(itertools.product(*levels)), columns=list(PARAMETERS))


def missing_states(states: pd.DataFrame) -> pd.DataFrame:
    """States that `states` lack to be a full grid; empty if there are none."""
    present = set(map(tuple, states[list(PARAMETERS)].to_numpy(dtype=float).round(_DECIMALS)))
    whole = complete_grid(states)
    return whole[[tuple(row) not in present for row in whole.to_numpy()]].reset_index(drop=True)


def grid_shapley(states: pd.DataFrame, values: npt.ArrayLike) -> FloatArray:
    """Shapley value of each parameter for every state of a full grid.

    Parameters
    ----------
    states : pandas.DataFrame
        Columns `PARAMETERS`; every combination of their values once, in any order.
    values : (n_states, ...) array_like
        What is explained: curves, say, (n_states, 3, n_bins), each number by itself.

    Returns
    -------
    (4, n_states, ...) array
        Parameters in the order of `PARAMETERS`, in the unit of `values`. Their sum is the value minus its mean
        over the grid.

    Raises
    ------
    ValueError
        If a combination is missing or occurs twice, or the numbers of states and values differ.

    Notes
    -----
    φ_i = Σ_K |K|! (3 - |K|)! / 4! (v(K ∪ i) - v(K)) over all sets K of the other parameters (Shapley 1953,
    doi:10.1515/9781400881970-018), where v(K) is the mean over the grid with the parameters in K held at the
    state's values. With these v the covariance of φ_i with the value over the grid is the Shapley effect of
    Owen 2014 (doi:10.1137/130936233).
    """
    values = np.asarray(values, dtype=float)
    if len(values) != len(states):
        raise ValueError(f"{len(values)} values for {len(states)} states: need one for each")
    missing = missing_states(states)
    if len(missing):
        first = ", ".join(f"{name} = {value:g}" for name, value in missing.iloc[0].items())
        raise ValueError(f"the grid lacks {len(missing)} states, among them {first}; all combinations are needed")
    whole = complete_grid(states)
    if len(whole) != len(states):
        raise ValueError(f"{len(states)} states where the grid has {len(whole)}: each may occur once")
    numbers = states[list(PARAMETERS)].to_numpy(dtype=float).round(_DECIMALS)
    order = np.lexsort(numbers.T[::-1])
    shape = tuple(len(np.unique(column)) for column in numbers.T)
    cube = values[order].reshape(*shape, *values.shape[1:])
    shapley = np.stack([_shapley_of(axis, cube) for axis in range(len(PARAMETERS))])
    contributions = np.empty((len(PARAMETERS), *values.shape))
    contributions[:, order] = shapley.reshape(len(PARAMETERS), *values.shape)
    return contributions


def _shapley_of(axis: int, cube: FloatArray) -> FloatArray:
    n = len(PARAMETERS)
    others = [other for other in range(n) if other != axis]
    total = np.zeros_like(cube)
    for size in range(n):
        weight = math.factorial(size) * math.factorial(n - 1 - size) / math.factorial(n)
        for known in itertools.combinations(others, size):
            total += weight * (_mean_given((*known, axis), cube) - _mean_given(known, cube))
    return total


def _mean_given(known: Sequence[int], cube: FloatArray) -> FloatArray:
    unknown = tuple(axis for axis in range(len(PARAMETERS)) if axis not in known)
    return np.asarray(cube.mean(axis=unknown, keepdims=True) if unknown else cube)


def distance_profile(states: pd.DataFrame, curves: npt.ArrayLike, r: npt.ArrayLike, source: str) -> pd.DataFrame:
    """Mean size of each parameter's contribution, for each pair at each distance.

    Parameters
    ----------
    states : pandas.DataFrame
        A full grid, as for `grid_shapley`.
    curves : (n_states, 3, n_bins) array_like
        g of AA, AB, BB, simulated or predicted.
    r : (n_bins,) array_like
        Distances, σ_AA.
    source : str
        Where the curves come from.

    Returns
    -------
    pandas.DataFrame
        Columns `source`, `pair`, `feature`, `r`, `mean_abs` (mean |Shapley value| over states, units of g).

    Raises
    ------
    ValueError
        As `grid_shapley`.
    """
    size = np.abs(grid_shapley(states, curves)).mean(axis=1)
    index = pd.MultiIndex.from_product([PARAMETERS, PAIRS, np.asarray(r, dtype=float)], names=["feature", "pair", "r"])
    table = pd.DataFrame({"mean_abs": size.ravel()}, index=index).reset_index()
    table.insert(0, "source", source)
    return table[["source", "pair", "feature", "r", "mean_abs"]]
