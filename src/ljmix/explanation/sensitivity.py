"""Two checks of the attributions that share nothing with Shapley values: Sobol indices, and permutation.

Sobol's total index says which share of the variance of g would stay if an input alone were unknown. Permutation
importance says how much worse a model predicts states that it has not seen when an input is mixed up. Both take
the pair as one input (`ljmix.explanation.attribution.PLAYERS`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ljmix._util.arrays import FloatArray
from ljmix.data.dataset import LEARNING_RANGE
from ljmix.explanation.attribution import PLAYERS, Predictor, from_players, to_players
from ljmix.state import PARAMETERS

__all__ = ["Sobol", "permutation_importance", "sobol_indices"]

N_SOBOL = 4096
"""Default number of base points; a power of two. The model is asked for eight times as many predictions."""


@dataclass(frozen=True)
class Sobol:
    """Sobol indices of a model's g(r).

    Attributes
    ----------
    indices : pandas.DataFrame
        Columns `feature`, `first`, `first_conf`, `total`, `total_conf`: shares of the variance, and half widths
        of their 95 % bootstrap intervals.
    draws : (n_resamples, n_features) array
        Bootstrap draws of `total`, in the order of `indices`.
    """

    indices: pd.DataFrame
    draws: FloatArray


def sobol_indices(predict_rows: Predictor, states: pd.DataFrame, seed: int, n: int = N_SOBOL) -> Sobol:
    """First and total Sobol indices of a model over the grid.

    Parameters
    ----------
    predict_rows : callable
        Takes a table with the columns `FEATURES`.
    states : pandas.DataFrame
        Columns `PARAMETERS`; each is drawn evenly from its values there, the pair from the three, and r
        between 0 and `LEARNING_RANGE`. A parameter with a single value is left out.
    seed : int
    n : int
        Base points, a power of two.

    Returns
    -------
    Sobol

    Raises
    ------
    ValueError
        If `n` is not a power of two, or the model's prediction does not vary.

    Notes
    -----
    Saltelli et al. 2010, doi:10.1016/j.cpc.2009.09.018, by SALib (Herman, Usher 2017,
    doi:10.21105/joss.00097). Only values of the grid are asked for: between them a model was taught nothing,
    and trees split at the upper of two values, so that evenly drawn numbers would hardly ever meet the last.
    """
    from SALib.analyze import sobol as analyze
    from SALib.sample import sobol as sample

    if n < 2 or n & (n - 1):
        raise ValueError(f"n = {n}: must be a power of two")
    levels = {name: np.unique(states[name].to_numpy(dtype=float)) for name in PARAMETERS}
    levels["pair"] = np.arange(3.0)
    names = [name for name in PLAYERS if name == "r" or len(levels[name]) > 1]
    problem = {"num_vars": len(names), "names": names, "bounds": [[0.0, 1.0]] * len(names)}
    uniform = pd.DataFrame(sample.sample(problem, n, calc_second_order=False, seed=seed), columns=names)
    drawn = pd.DataFrame(
        {
            name: values[(uniform.get(name, 0.0) * np.ones(len(uniform)) * len(values)).astype(int)]
            for name, values in levels.items()
        }
    ).assign(r=LEARNING_RANGE * uniform["r"])
    predicted = np.asarray(predict_rows(from_players(drawn)), dtype=float)
    if np.ptp(predicted) == 0:
        raise ValueError(f"the model predicts g = {predicted[0]:g} everywhere: there is no variance to divide")
    # SALib takes a seed of 0 for none, and then draws from numpy's global state.
    sobol = analyze.analyze(problem, predicted, calc_second_order=False, seed=seed + 1, keep_resamples=True)
    indices = pd.DataFrame(
        {
            "feature": names, "first": sobol["S1"], "first_conf": sobol["S1_conf"],
            "total": sobol["ST"], "total_conf": sobol["ST_conf"],
        }
    )  # fmt: skip
    return Sobol(indices, np.asarray(sobol["ST_conf_all"], dtype=float))


def permutation_importance(predict_rows: Predictor, table: pd.DataFrame, seed: int, repeats: int = 5) -> pd.DataFrame:
    """Measure how much larger the squared error of a model gets when one input is permuted.

    Parameters
    ----------
    predict_rows : callable
        Takes a table with the columns `FEATURES`; a model that has not seen the states of `table`.
    table : pandas.DataFrame
        As of `ljmix.data.dataset.learning_table`; at least two states.
    seed : int
    repeats : int
        Permutations of each input, averaged.

    Returns
    -------
    pandas.DataFrame
        One row a state, columns `PLAYERS`: mean over the state's rows of the squared error with the input
        permuted, minus that without. Index `state_id`.

    Raises
    ------
    ValueError
        If the table holds fewer than two states, or `repeats` is below 1.

    Notes
    -----
    Breiman 2001, doi:10.1023/A:1010933404324. A parameter is permuted among states, so that a state keeps one
    value in all of its rows; the pair among curves, with both labels together; r among all rows.
    """
    codes, names = pd.factorize(table["state_id"])
    if len(names) < 2:
        raise ValueError(f"{len(names)} state: permuting among states needs at least two")
    if repeats < 1:
        raise ValueError(f"repeats = {repeats}: must be at least 1")
    rng = np.random.default_rng(seed)
    players, g = to_players(table).reset_index(drop=True), table["g"].to_numpy()
    curves = codes * 3 + players["pair"].to_numpy(dtype=int)
    groups = {name: codes for name in PARAMETERS} | {"pair": curves, "r": np.arange(len(table))}
    error = (np.asarray(predict_rows(from_players(players))) - g) ** 2
    increase = {}
    for name, group in groups.items():
        kinds, first, member = np.unique(group, return_index=True, return_inverse=True)
        values = players[name].to_numpy()[first]
        mixed = [
            (np.asarray(predict_rows(from_players(players.assign(**{name: values[order][member]})))) - g) ** 2
            for order in (rng.permutation(len(kinds)) for _ in range(repeats))
        ]
        increase[name] = np.mean(mixed, axis=0) - error
    return pd.DataFrame(increase).groupby(names[codes]).mean().rename_axis("state_id")
