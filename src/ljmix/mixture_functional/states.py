"""Which of the shipped states teach the functional of the mixture: none that is demixed."""

from __future__ import annotations

import pandas as pd

from ljmix.data.dataset import Dataset

__all__ = ["choose_states"]


def choose_states(dataset: Dataset, temperatures: tuple[float, float]) -> pd.DataFrame:
    """States to learn from: size ratio 1, unlike particles weaker than like ones, converged, and one liquid.

    Returns
    -------
    pandas.DataFrame
        Rows of the table of states.
    """
    states = dataset.states
    return states[
        (states["size_ratio"] == 1) & (states["epsilon_ab"] < 1) & states["converged"] & (states["phase"] == "mixed")
        & states["temperature"].between(*temperatures)
    ]  # fmt: skip
