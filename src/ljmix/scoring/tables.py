"""Scores of many runs as means, spreads and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import r2_score

__all__ = ["epoch_range", "pooled_r2", "score_rows", "score_table", "spread", "summarise"]


def score_rows(table: pd.DataFrame) -> dict[str, Any]:
    """R² of a table of points, for parts that are no whole curves.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns `pair`, `temperature`, `g`, `predicted`; any number of rows of any curves.

    Returns
    -------
    dict
        ``{"r2": {"all": …, "AA": …, "AB": …, "BB": …}, "r2_T0.6": …, …}``, one key a temperature. A pair that
        does not occur in the table is left out.

    Raises
    ------
    ValueError
        If the table is empty, a prediction is not finite, or g does not vary within a group.
    """
    if table.empty:
        raise ValueError("nothing to score: the table of predictions is empty")
    if not np.isfinite(table["predicted"]).all():
        raise ValueError("prediction holds a value that is not finite; every g must be a number")
    by_pair = {pair: pooled_r2(rows) for pair, rows in table.groupby("pair", observed=True)}
    by_temperature = {f"r2_T{t:g}": pooled_r2(rows) for t, rows in table.groupby("temperature")}
    return {"r2": {"all": pooled_r2(table)} | by_pair, **by_temperature}


def pooled_r2(rows: pd.DataFrame) -> float:
    """R² of the column `predicted` against `g`; ValueError where g does not vary."""
    if rows["g"].nunique() < 2:
        g = rows["g"].iloc[0]
        raise ValueError(f"R² is undefined where g does not vary: {len(rows)} points at g = {g:g}")
    return float(r2_score(rows["g"], rows["predicted"]))


def summarise(runs: Sequence[Mapping[str, Any]], deterministic: bool = False) -> dict[str, Any]:
    """Mean under each key and standard deviation under ``<key>_std``, over runs; groups may differ by run.

    Scores of what is `deterministic` have no spread; its times have one, which a single run does not tell.
    """
    summary: dict[str, Any] = {}
    for key in dict.fromkeys(key for run in runs for key in run):
        values = [run[key] for run in runs if key in run]
        if isinstance(values[0], dict):
            inner = dict.fromkeys(name for value in values for name in value)
            columns = {name: [value[name] for value in values if name in value] for name in inner}
            summary[key] = {name: float(np.mean(column)) for name, column in columns.items()}
            summary[f"{key}_std"] = {name: _spread(column, deterministic) for name, column in columns.items()}
        else:
            exact = deterministic and key != "fit_cpu_seconds"
            summary[key], summary[f"{key}_std"] = float(np.mean(values)), _spread(values, exact)
    return summary


def score_table(
    metrics: Mapping[str, Any], ceiling: Mapping[str, Any] | None = None, *, spread: bool = False
) -> pd.DataFrame:
    """Scores of one task as a table, best first; noise ceilings at the end.

    Parameters
    ----------
    metrics, ceiling : mapping
        Of an `ljmix.evaluation.run.Evaluation`.
    spread : bool
        Standard deviations over seeds in place of means; without ceilings, in the order of the means.

    Returns
    -------
    pandas.DataFrame
        One row per model: R² of the `training rows` where it was asked for them; of `all, AA, AB, BB`, by
        temperature, of `mixed & converged` and of each phase;
        `error / sem`, `peak height` (mean of the pairs' relative errors), `answered`, `within 95 %`,
        `fit CPU s`. NaN where there is no such value.
    """
    ceilings = {} if spread or ceiling is None else dict(ceiling)
    end = "_std" if spread else ""
    table = pd.DataFrame(
        {name: _flat_row(values, end) for name, values in (dict(metrics) | ceilings).items()}
    ).T.astype(float)
    means = pd.Series({n: v.get("r2", {}).get("all", -np.inf) for n, v in metrics.items()})
    return table.loc[[*means.sort_values(ascending=False).index, *ceilings]].dropna(axis="columns", how="all")


def _flat_row(values: Mapping[str, Any], end: str) -> dict[str, Any]:
    row: dict[str, Any] = {"training rows": values.get(f"r2_train{end}", {}).get("all")}
    row |= values.get(f"r2{end}", {})
    row |= {
        key[3:]: values[key + end]
        for key in values
        if key.startswith("r2_T") and not key.endswith("_std") and key + end in values
    }
    row["mixed & converged"] = values.get(f"r2_mixed_converged{end}", {}).get("all")
    row |= values.get(f"r2_phase{end}", {})
    row["error / sem"] = values.get(f"error_in_sem{end}", {}).get("all")
    heights = [height for height in values.get(f"peak_height_error{end}", {}).values() if height is not None]
    row["peak height"] = float(np.mean(heights)) if heights else None
    single = {"answered": "answered", "within 95 %": "within_95", "fit CPU s": "fit_cpu_seconds"}
    return row | {label: values.get(key + end) for label, key in single.items()}


def _spread(values: Sequence[float], deterministic: bool) -> float | None:
    return 0.0 if deterministic else spread(values)


def spread(values: Sequence[float]) -> float | None:
    """Standard deviation, n - 1 in the denominator; None for a single value."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else None


def epoch_range(losses: pd.DataFrame, model: str = "mlp") -> list[int]:
    """Least and most epochs that fits of a model ran, over seeds.

    Parameters
    ----------
    losses : pandas.DataFrame
        Of one task, columns `model`, `seed`, `epoch`.
    model : str

    Returns
    -------
    list of two int

    Raises
    ------
    ValueError
        If there is no fit of the model.
    """
    runs = losses[losses["model"] == model].groupby("seed")["epoch"].max()
    if runs.empty:
        raise ValueError(f"losses: no row of model {model!r}")
    return [int(runs.min()), int(runs.max())]
