"""What drives a prediction of g(r): Shapley values of the seven inputs, for trees and for any model.

Both explainers answer the same question exactly, without sampling coalitions: how far does knowing an input
move the prediction, when the unknown inputs are drawn from the same background rows (Lundberg, Lee 2017,
doi:10.48550/arXiv.1705.07874). So their results compare across models, and for one model they agree.

The two pair labels stay two inputs, as in the paper. They are not independent: no pair is (0, 0), yet of the
coalitions that know one label only, one in nine meets it. `explain_predictor` can take the pair as one player
(`PLAYERS`), which asks the model for real pairs only; how far the two attributions differ says what the
assumption costs.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ljmix._util.arrays import FloatArray
from ljmix.data.dataset import FEATURES
from ljmix.state import PARAMETERS

if TYPE_CHECKING:
    from xgboost import XGBRegressor

__all__ = [
    "PLAYERS", "Attribution", "Predictor", "explain_predictor", "explain_trees", "from_players",
    "row_attributions", "sample_rows", "to_players",
]  # fmt: skip

Predictor = Callable[[pd.DataFrame], FloatArray]
"""Takes a table with the columns `FEATURES`, returns one g a row."""

PLAYERS = (*PARAMETERS, "pair", "r")
"""The inputs with both labels as one: `pair` is 0, 1, 2 for AA, AB, BB."""

N_ROWS = 200
N_BACKGROUND = 100
"""Default sizes. Time grows with their product: 200 x 40 rows take about 20 s for the paper's network and 3 s for 400
trees on two cores, and these two and a half times as long."""

_BATCH = 20


@dataclass(frozen=True)
class Attribution:
    """Shapley values of one model on a sample of rows.

    Attributes
    ----------
    rows : pandas.DataFrame
        The explained rows, index 0 … n_rows - 1: `FEATURES` and what else the table held
        (`state_id`, `pair`, `g`).
    contributions : (n_rows, n_features) array
        Shapley value of each feature, in units of g(r).
    base : float
        Mean prediction over the background rows.
    predicted : (n_rows,) array
        The model's g(r); equals ``base + contributions.sum(axis=1)`` within the model's own precision.
    features : tuple of str
        Names of the columns of `contributions`: `FEATURES` or `PLAYERS`.
    """

    rows: pd.DataFrame
    contributions: FloatArray
    base: float
    predicted: FloatArray
    features: tuple[str, ...] = FEATURES


def to_players(table: pd.DataFrame) -> pd.DataFrame:
    """Columns `PLAYERS` of a table with the columns `FEATURES`."""
    players = table[[*PARAMETERS, "r"]].assign(pair=table["has_b"] * (2 - table["has_a"]))
    return players[list(PLAYERS)]


def from_players(players: pd.DataFrame) -> pd.DataFrame:
    """Columns `FEATURES` of a table with the columns `PLAYERS`; the inverse of `to_players`."""
    labels = {"has_a": (players["pair"] < 2).astype(float), "has_b": (players["pair"] > 0).astype(float)}
    return players.assign(**labels)[list(FEATURES)]


def sample_rows(table: pd.DataFrame, n_rows: int, seed: int) -> pd.DataFrame:
    """Draw rows without replacement; all of them, shuffled, if the table has no more than `n_rows`.

    Raises
    ------
    ValueError
        If the table is empty, lacks one of `FEATURES`, or fewer than one row is asked for.
    """
    missing = [name for name in FEATURES if name not in table.columns]
    if missing:
        raise ValueError(f"table lacks column {missing[0]!r}; a model's inputs are {', '.join(FEATURES)}")
    if n_rows < 1:
        raise ValueError(f"n_rows = {n_rows}: must be at least 1")
    if table.empty:
        raise ValueError("the table is empty; at least one row is needed")
    chosen = np.random.default_rng(seed).permutation(len(table))[:n_rows]
    return table.iloc[chosen].reset_index(drop=True)


def explain_trees(
    model: XGBRegressor,
    table: pd.DataFrame,
    *,
    seed: int,
    n_rows: int = N_ROWS,
    n_background: int = N_BACKGROUND,
) -> Attribution:
    """Shapley values of an XGBoost model, exact by walking its trees.

    Parameters
    ----------
    model : xgboost.XGBRegressor
        Fitted on the columns `FEATURES`, in that order and unscaled. For a model that transforms its inputs
        first, use `explain_predictor`.
    table : pandas.DataFrame
        Rows to draw from, as of `ljmix.data.dataset.learning_table`.
    seed : int
        Of both samples; the same seed gives `explain_predictor` the same rows.
    n_rows, n_background : int
        Rows to explain, and rows that stand for unknown inputs; time grows with their product.

    Returns
    -------
    Attribution

    Raises
    ------
    ValueError
        If the model has another number of inputs, or the table lacks rows or columns.

    Notes
    -----
    Lundberg et al. 2020, doi:10.1038/s42256-019-0138-9, interventional variant. `predicted` is in single
    precision, as XGBoost computes.
    """
    if model.n_features_in_ != len(FEATURES):
        raise ValueError(f"the model has {model.n_features_in_} inputs: must be the {len(FEATURES)} of FEATURES")
    rows, background = _draw(table, n_rows, n_background, seed)
    inputs = rows[list(FEATURES)].to_numpy(dtype=float)
    explainer = load_shap().TreeExplainer(
        model, background[list(FEATURES)].to_numpy(dtype=float), feature_perturbation="interventional"
    )
    # In batches, because a call of more than ten seconds prints a progress bar into the notebook.
    parts = [
        explainer.shap_values(inputs[start : start + _BATCH], check_additivity=False)
        for start in range(0, len(inputs), _BATCH)
    ]
    predicted = np.asarray(model.predict(inputs), dtype=float)
    base = float(np.ravel(explainer.expected_value)[0])
    return Attribution(rows, np.concatenate(parts).astype(float), base, predicted)


def explain_predictor(
    predict_rows: Predictor,
    table: pd.DataFrame,
    *,
    seed: int,
    n_rows: int = N_ROWS,
    n_background: int = N_BACKGROUND,
    features: Sequence[str] = FEATURES,
) -> Attribution:
    """Shapley values of any model, exact by asking it for all coalitions of its inputs (2⁷ of `FEATURES`).

    Parameters
    ----------
    predict_rows : callable
        Takes a table with the columns `FEATURES`, returns one prediction a row.
    table, seed, n_rows, n_background
        As for `explain_trees`. The model is asked for up to 128 x n_background predictions a row.
    features : FEATURES or PLAYERS
        What shares the prediction: the seven inputs, or six with the pair as one.

    Returns
    -------
    Attribution

    Raises
    ------
    ValueError
        If the table lacks rows or columns, or `features` is neither of the two.
    """
    features = tuple(features)
    if features not in (FEATURES, PLAYERS):
        raise ValueError(f"features = {list(features)}: must be FEATURES or PLAYERS")
    together = features == PLAYERS

    def predict(inputs: FloatArray) -> FloatArray:
        asked = pd.DataFrame(inputs, columns=list(features))
        return np.asarray(predict_rows(from_players(asked) if together else asked), dtype=float).reshape(-1)

    rows, background = _draw(table, n_rows, n_background, seed)
    inputs, known = (
        (to_players(part) if together else part[list(FEATURES)]).to_numpy(dtype=float) for part in (rows, background)
    )
    shap = load_shap()
    explainer = shap.ExactExplainer(predict, shap.maskers.Independent(known, max_samples=len(known)))
    values = np.asarray(explainer(inputs, silent=True).values, dtype=float)
    return Attribution(rows, values, float(predict(known).mean()), predict(inputs), features)


def load_shap() -> Any:
    """Import shap when it is first needed."""
    # Imported here because it compiles for some seconds, and its palettes upset new versions of matplotlib.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        import shap
    return shap


def _draw(table: pd.DataFrame, n_rows: int, n_background: int, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    # Two streams of one seed: the background must not change when more rows are explained.
    first, second = np.random.SeedSequence(seed).generate_state(2)
    return sample_rows(table, n_rows, int(first)), sample_rows(table, n_background, int(second))


def row_attributions(attribution: Attribution, model: str) -> pd.DataFrame:
    """Contribution of each feature to each explained row, for views by pair or distance.

    Parameters
    ----------
    attribution : Attribution
    model : str
        Name for the column `model`.

    Returns
    -------
    pandas.DataFrame
        Columns `model`, `row`, `feature`, `shap` (its contribution, in units of g), `r` (σ_AA), and `state_id`
        and `pair` if the rows have them; one line a row and feature.
    """
    n_rows, n_features = attribution.contributions.shape
    line = np.repeat(np.arange(n_rows), n_features)
    table = pd.DataFrame(
        {
            "model": model,
            "row": line,
            "feature": list(attribution.features) * n_rows,
            "shap": attribution.contributions.ravel(),
        }
    )
    for name in ("r", "state_id", "pair"):
        if name in attribution.rows:
            table[name] = attribution.rows[name].to_numpy()[line]
    return table
