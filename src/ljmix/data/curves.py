"""Curves of a dataset as arrays, with their errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ljmix._util.arrays import FloatArray
from ljmix.data.dataset import Dataset

__all__ = ["Curves", "curves_of", "join_curves"]


@dataclass(frozen=True)
class Curves:
    """Curves to be predicted.

    Attributes
    ----------
    states : pandas.DataFrame
        One row a state point.
    r : (n_bins,) array
        Bin centres, σ_AA.
    g, g_sem : (n_states, 3, n_bins) arrays
        Simulated values and standard errors.
    starts : (n_states, 3, n_bins) array, optional
        What another start changed, where runs from two starts disagree; NaN elsewhere.
    """

    states: pd.DataFrame
    r: FloatArray
    g: FloatArray
    g_sem: FloatArray
    starts: FloatArray | None = None


def curves_of(dataset: Dataset) -> Curves:
    """Curves of a dataset with their errors, up to `ljmix.data.dataset.LEARNING_RANGE`."""
    r, g = dataset.curve_array()
    starts = None
    if "g_starts" in dataset.rdf and "starts_agree" in dataset.states:
        disagree = ~dataset.states["starts_agree"].to_numpy(dtype=bool)
        starts = np.where(disagree[:, None, None], dataset.curve_array("g_starts")[1], np.nan)
    return Curves(dataset.states, r, g, dataset.curve_array("g_sem")[1], starts)


def join_curves(parts: Sequence[Curves]) -> Curves:
    """Curves of several parts of one dataset, one behind the other."""
    known = [part.starts for part in parts if part.starts is not None]
    return Curves(
        pd.concat([part.states for part in parts], ignore_index=True),
        parts[0].r,
        np.concatenate([part.g for part in parts]),
        np.concatenate([part.g_sem for part in parts]),
        np.concatenate(known) if known else None,
    )
