"""Groups of test states by what is known of them and of the states that they are predicted from.

A curve that has not converged may be wrong, whoever predicts it. A curve that is predicted from such a one is asked of
a model that was told something wrong. So both must be good before an error is the model's.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ljmix.models.features import composition_keys
from ljmix.scoring.scores import Group
from ljmix.state import PAIRS, PARAMETERS

__all__ = ["CONVERGENCE", "convergence_groups", "nearest_training_states"]

CONVERGENCE = {
    "agree": ("starts_agree",),
    "settled": ("starts_agree", "settled"),
    "converged": ("converged",),
}
"""Columns of `states` that must be true of a test state and of the state it is predicted from, by group."""


def nearest_training_states(test: pd.DataFrame, train: pd.DataFrame) -> pd.DataFrame:
    """The training state that each test state is predicted from.

    It is the one of the same composition at the nearest temperature, the lower of two. Where training has no such
    composition, it is the one at the smallest d = √Σ ((x − x') / w)² over T*, C_B, S and ε_AB, with w the range of all
    states.

    Parameters
    ----------
    test, train : pandas.DataFrame
        Tables of states.

    Returns
    -------
    pandas.DataFrame
        Rows of `train`, one a test state, in the order of `test`.

    Raises
    ------
    ValueError
        If there is no training state.
    """
    if train.empty:
        raise ValueError("there is no training state that a test state could be predicted from")
    train = train.sort_values("temperature", kind="stable")
    asked, known = (table[list(PARAMETERS)].to_numpy(dtype=float) for table in (test, train))
    widths = np.ptp(np.concatenate([asked, known]), axis=0)
    apart = (asked[:, None] - known[None]) / np.where(widths > 0, widths, 1)
    distance = np.sqrt((apart**2).sum(axis=2))
    # Two temperatures that are equally far off must be so in spite of rounding.
    distance = np.round(distance, 9)
    keys = composition_keys(train)
    same = np.array([[key == other for other in keys] for key in composition_keys(test)])
    distance[~same & same.any(axis=1, keepdims=True)] = np.inf
    return train.iloc[distance.argmin(axis=1)].reset_index(drop=True)


def convergence_groups(test: pd.DataFrame, train: pd.DataFrame) -> list[Group]:
    """Test states that have converged, by three measures, as have the training states that they are predicted from.

    Parameters
    ----------
    test, train : pandas.DataFrame
        Tables of states with the columns of `CONVERGENCE`.

    Returns
    -------
    list of Group
        With the score `r2_both` and the labels of `CONVERGENCE`; one without a state is left out.

    Raises
    ------
    ValueError
        If a column is missing or there is no training state.
    """
    wanted = {column for columns in CONVERGENCE.values() for column in columns}
    for name, table in (("test", test), ("train", train)):
        if missing := sorted(wanted - set(table)):
            raise ValueError(f"{name}: column {missing[0]!r} is missing; needed are {', '.join(sorted(wanted))}")
    sources = nearest_training_states(test, train)
    groups = []
    for label, columns in CONVERGENCE.items():
        good = np.all([table[column].to_numpy(dtype=bool) for column in columns for table in (test, sources)], axis=0)
        groups.append(Group("r2_both", label, good, list(range(len(PAIRS)))))
    return [group for group in groups if group.states.any()]
