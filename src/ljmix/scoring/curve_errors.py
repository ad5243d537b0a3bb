"""The error of a curve in units of its own spread: a score that no high peak decides.

The curve g of one pair in one state, its prediction p, and its mean m over the bins give

    e = √(Σ (g − p)² / Σ (g − m)²) = √(1 − R² of this curve).

So 0 is perfect, and 1 is as good as a constant. The score of a model is the median of e over curves: half of
all curves are predicted better. Each curve counts once, where the pooled R² counts it by the square of its height.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ljmix._util.arrays import FloatArray
from ljmix.data.curves import Curves
from ljmix.scoring.scores import Group
from ljmix.state import PAIRS

__all__ = ["relative_errors", "score_medians"]


def relative_errors(truth: Curves, predicted: FloatArray) -> FloatArray:
    """Error of every curve in units of its own spread.

    Parameters
    ----------
    truth : Curves
    predicted : (n_states, 3, n_bins) array
        NaN for all of a state without a prediction.

    Returns
    -------
    (n_states, 3) array
        e as defined above; NaN without a prediction, or where the curve is flat.

    Raises
    ------
    ValueError
        If the shape is wrong.
    """
    predicted = np.asarray(predicted, dtype=float)
    if predicted.shape != truth.g.shape:
        raise ValueError(f"prediction has shape {predicted.shape}: must be {truth.g.shape}, states × pairs × bins")
    square = ((truth.g - predicted) ** 2).sum(axis=2)
    variation = ((truth.g - truth.g.mean(axis=2, keepdims=True)) ** 2).sum(axis=2)
    return np.where(variation > 0, np.sqrt(square / np.where(variation > 0, variation, 1)), np.nan)


def score_medians(errors: FloatArray, groups: list[Group]) -> pd.DataFrame:
    """Median error of each group of states, over all its curves and by pair.

    Parameters
    ----------
    errors : (n_states, 3) array
        Of `relative_errors`.
    groups : list of Group

    Returns
    -------
    pandas.DataFrame
        One row a group and pair: `score`, `label`, `pair` ("all" or one of AA, AB, BB), `curves` (how many count),
        `median`, `lower`, `upper` (quartiles). A group without a curve that counts is left out.
    """
    rows = []
    for group in groups:
        pairs = {"all": group.pairs} | {PAIRS[k]: [k] for k in group.pairs if len(group.pairs) > 1}
        for pair, columns in pairs.items():
            values = errors[group.states][:, columns]
            values = values[np.isfinite(values)]
            if values.size:
                lower, median, upper = np.quantile(values, (0.25, 0.5, 0.75))
                row = {"score": group.score, "label": group.label, "pair": pair, "curves": values.size}
                rows.append(row | {"median": median, "lower": lower, "upper": upper})
    return pd.DataFrame(rows)
