"""Why not to trust an answer, in words."""

from __future__ import annotations

import numpy as np

from ljmix._util.arrays import FloatArray
from ljmix.state import PARAMETERS
from ljmix.surrogate.bands import BRANCHES
from ljmix.surrogate.learned.branches import Prediction

__all__ = ["reasons_against"]


def reasons_against(numbers: FloatArray, prediction: Prediction, lowest: FloatArray, highest: FloatArray) -> list[str]:
    """What speaks against the numbers of each state, one sentence each; empty where nothing does.

    Parameters
    ----------
    numbers : (n, 5) array
        Of the states, see `ljmix.surrogate.learned.branches.NUMBERS`.
    prediction : Prediction
        Of them.
    lowest, highest : (4,) arrays
        Of what was simulated.
    """
    answered, likely, chosen = prediction.answered, prediction.likely, prediction.chosen
    reasons = _range_reasons(numbers, lowest, highest)
    without = ~prediction.known | (chosen != likely) | ~answered.any(axis=0)
    for k in np.flatnonzero(without):
        if not prediction.known[k]:
            reasons[k].append("the equation of state has no liquid there")
        elif not answered[:, k].any():
            reasons[k].append("theory has no solution there, so that there are no curves")
        else:
            reasons[k].append(
                f"it is likelier {BRANCHES[likely[k]]}, but theory has a solution only as {BRANCHES[chosen[k]]}: "
                "that is given"
            )
    return ["; ".join(said) for said in reasons]


def _range_reasons(numbers: FloatArray, lowest: FloatArray, highest: FloatArray) -> list[list[str]]:
    """Which numbers of each state lie outside what was simulated."""
    said: list[list[str]] = [[] for _ in range(len(numbers))]
    for column, name in enumerate(PARAMETERS):
        values, low, high = numbers[:, column], lowest[column], highest[column]
        for k in np.flatnonzero(values < low):
            said[k].append(f"{name} = {values[k]:g} lies below {low:g}, the lowest that was simulated")
        for k in np.flatnonzero(values > high):
            said[k].append(f"{name} = {values[k]:g} lies above {high:g}, the highest that was simulated")
    for k in np.flatnonzero(numbers[:, 4] != 1):
        said[k].append(f"pressure = {numbers[k, 4]:g} is not 1, the only one that was simulated")
    return said
