"""States beyond a phase boundary that no training state shows: who predicts them, and who knows when not."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd

from ljmix.state import COMPOSITION
from ljmix.theory.coexistence import coexisting_liquids

__all__ = ["PAPER_FAILURE", "boundary_states", "failure_table", "worst_state"]

PAPER_FAILURE = {"temperature": 0.6, "fraction_b": 0.01, "size_ratio": 1.5, "epsilon_ab": 0.2}
"""The paper's figure 5: B clusters at T* = 0.6 and is mixed at 0.8."""

COLD = PAPER_FAILURE["temperature"]


def boundary_states(
    states: pd.DataFrame, cold: float = COLD, warm: float = 0.8, also: Collection[str] = ()
) -> pd.DataFrame:
    """States at `cold` whose phase label is another one than at `warm`, the paper's failure, and those named in `also`.

    Returns
    -------
    pandas.DataFrame
        Columns `state_id`, the composition, `phase_cold`, `phase_warm`, `disagree_cold`, `disagree_warm` (whether runs
        from two starts disagree, so that a label may be that of a start), and `separates`: whether a regular
        solution, which has seen nothing, separates at `cold`. Empty if there is no such state.
    """
    keys = list(COMPOSITION)
    states = states.assign(disagree=~states["starts_agree"].astype(bool) if "starts_agree" in states else False)
    at = {t: states[np.isclose(states["temperature"], t)] for t in (cold, warm)}
    both = at[cold].merge(at[warm][[*keys, "phase", "disagree"]], on=keys, suffixes=("_cold", "_warm"))
    papers = np.isclose(both[keys], [PAPER_FAILURE[key] for key in keys]).all(axis=1)
    asked = papers | both["state_id"].isin(list(also))
    boundary = both[(both["phase_cold"] != both["phase_warm"]) | asked].reset_index(drop=True)
    boundary["separates"] = coexisting_liquids(boundary).share > 0 if len(boundary) else pd.Series(dtype=bool)
    return boundary[["state_id", *keys, "phase_cold", "phase_warm", "disagree_cold", "disagree_warm", "separates"]]


def worst_state(predictions: pd.DataFrame, states: pd.DataFrame, pair: str = "BB", model: str = "mlp") -> str | None:
    """State at the cold test temperature whose curve has the largest summed squared error of a model.

    A score pooled over points loses the most by this curve.

    Parameters
    ----------
    predictions, states, pair
        As of `failure_table`.
    model : str
        The paper's network by default.

    Returns
    -------
    str or None
        None if the model was not asked for a curve at that temperature.
    """
    cold = states.loc[np.isclose(states["temperature"], COLD), "state_id"]
    asked = (predictions["part"] == "test") & (predictions["pair"] == pair) & (predictions["model"] == model)
    rows = predictions[asked & predictions["state_id"].isin(list(cold))]
    if rows.empty:
        return None
    square = (rows["g"].astype(float) - rows["predicted"].astype(float)) ** 2
    return str(square.groupby(rows["state_id"].astype(str)).sum().idxmax())


def failure_table(predictions: pd.DataFrame, states: pd.DataFrame, pair: str = "BB") -> pd.DataFrame:
    """How each model does on the states beyond a boundary, and on the one that the network misses most.

    Parameters
    ----------
    predictions : pandas.DataFrame
        Of the temperature task, as `ljmix.evaluation.run.Evaluation.predictions`.
    states : pandas.DataFrame
    pair : {"AA", "AB", "BB"}

    Returns
    -------
    pandas.DataFrame
        One row a state and model: the columns of `boundary_states`, `worst` (whether it is the `worst_state` of the
        paper's network), `model`, `r2` of the curve (mean over
        seeds; NaN where the model did not converge), `peak` and `peak_predicted` (highest value), and, for
        models that give a spread, `expected_r2` (what the model's own spread says R² will be) and `flagged`:
        whether its spread is above the 90th percentile of that of all states asked for.
    """
    worst = worst_state(predictions, states, pair)
    chosen = boundary_states(states, also=[worst] if worst else [])
    chosen["worst"] = chosen["state_id"] == worst
    test = predictions[(predictions["part"] == "test") & (predictions["pair"] == pair)]
    rows = []
    typical: Mapping[str, float] = {
        str(model): float(part.groupby("state_id", observed=True)["spread"].apply(_rms).quantile(0.9))
        for model, part in test.groupby("model", observed=True)
    }
    for _, state in chosen.iterrows():
        for model, part in test[test["state_id"] == state["state_id"]].groupby("model", observed=True):
            runs = [_score(run) for _, run in part.groupby("seed")]
            row = state.to_dict() | {"model": model} | pd.DataFrame(runs).mean().to_dict()
            known = np.isfinite(row["spread"])
            row["flagged"] = bool(row.pop("spread") > typical[str(model)]) if known else None
            rows.append(row)
    return pd.DataFrame(rows)


def _score(run: pd.DataFrame) -> dict[str, float]:
    g, predicted, spread = (run[name].to_numpy(dtype=float) for name in ("g", "predicted", "spread"))
    variation = float(((g - g.mean()) ** 2).sum())
    return {
        "r2": float(1 - ((g - predicted) ** 2).sum() / variation) if variation > 0 else np.nan,
        "peak": float(g.max()),
        "peak_predicted": float(predicted.max()),
        "expected_r2": float(1 - (spread**2).sum() / variation) if variation > 0 else np.nan,
        "spread": _rms(run["spread"]),
    }


def _rms(values: pd.Series) -> float:
    return float(np.sqrt((values.to_numpy(dtype=float) ** 2).mean()))
