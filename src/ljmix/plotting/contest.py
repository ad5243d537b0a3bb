"""Who predicts what how well: scores beside the noise ceiling, the worth of physics, and the need for states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ljmix.plotting.style import COLUMN_MM, PAGE_MM, journal_figure, letter_panels, need_columns, new_figure

__all__ = ["plot_ablation", "plot_scores", "plot_state_scaling"]

_LABELS = {
    "mlp": "network (paper)", "mlp-tuned": "network, tuned", "xgboost": "XGBoost",
    "xgboost-physics": "XGBoost + physics",
    "curve-network": "network, whole curves", "gaussian-process": "Gaussian process + physics",
    "nearest-temperature": "nearest temperature", "linear-in-temperature": r"line in $T^*$",
    "quadratic-in-temperature": r"parabola in $T^*$", "linear-in-beta": r"line in $1/T^*$",
    "quadratic-in-beta": r"parabola in $1/T^*$", "percus-yevick": "Percus-Yevick", "hypernetted-chain": "HNC",
    "two-liquids": "PY, two liquids",
}  # fmt: skip
# Okabe and Ito again; what only copies or only knows theory is grey.
_COLORS = {
    "mlp": "#000000", "mlp-tuned": "#56B4E9", "xgboost": "#CC79A7", "xgboost-physics": "#D55E00",
    "curve-network": "#F0E442", "gaussian-process": "#0072B2",
}  # fmt: skip
_MARKERS = {
    "mlp": "o", "mlp-tuned": "s", "xgboost": "^", "xgboost-physics": "D", "curve-network": "v",
    "gaussian-process": "P",
}  # fmt: skip
_FLOOR = 0.0
"""Scores below this are drawn at the edge, as an arrow: one bad contestant would flatten all others."""


@journal_figure
def plot_scores(metrics: Mapping[str, Any], ceiling: Mapping[str, Any], groups: Mapping[str, Sequence[str]]) -> Figure:
    """R² of every contestant, a panel a group of states, with what noise allows.

    Parameters
    ----------
    metrics : mapping
        `ljmix.learning.evaluation.Evaluation.metrics` of one task.
    ceiling : mapping
        Its `ceiling`.
    groups : mapping
        Title of each panel, and the keys that lead to its score, for instance ``("r2", "all")``.

    Returns
    -------
    matplotlib.figure.Figure
        A dot and the standard deviation over seeds for each contestant; a band from the R² of a second
        simulation to that of a perfect model. An arrow at the left edge: the score lies below zero.

    Raises
    ------
    ValueError
        If there is no contestant or no group.
    """
    if not metrics or not groups:
        raise ValueError("metrics and groups must each have one entry at least; nothing to draw")
    names = list(metrics)[::-1]
    figure = new_figure(PAGE_MM, 22 + 4.6 * len(names))
    panels = figure.subplots(1, len(groups), sharey=True, squeeze=False)[0]
    for axes, (title, keys) in zip(panels, groups.items(), strict=True):
        low, high = (_value(ceiling[kind], keys) for kind in ("replicate", "truth"))
        if low is not None and high is not None:
            axes.axvspan(low, high, color="0.8", linewidth=0)
        for place, name in enumerate(names):
            _draw_score(axes, place, _value(metrics[name], keys), _value(metrics[name], keys, "_std"), name)
        axes.set(xlim=(_FLOOR - 0.03, 1.02), title=title, xlabel=r"$R^2$", ylim=(-0.6, len(names) - 0.4))
        axes.grid(axis="y", color="0.9", linewidth=0.5)
    panels[0].set_yticks(range(len(names)), [_LABELS.get(name, name) for name in names])
    letter_panels(panels)
    return figure


def _value(values: Mapping[str, Any], keys: Sequence[str], suffix: str = "") -> float | None:
    """Value under one key or two; None where the group is empty."""
    first = values.get(keys[0] + suffix)
    return first.get(keys[1]) if len(keys) == 2 and first is not None else first


def _draw_score(axes: Axes, place: int, score: float | None, spread: float | None, name: str) -> None:
    if score is None:
        axes.text(0.5, place, "no answer", fontsize=7, color="0.5", ha="center", va="center")
        return
    color = _COLORS.get(name, "0.45")
    if score < _FLOOR:
        axes.plot(_FLOOR, place, marker="<", color=color, markersize=4, linestyle="none")
    else:
        axes.errorbar(score, place, xerr=spread or 0.0, marker="o", markersize=4, color=color, linewidth=0.8)


@journal_figure
def plot_ablation(ablation: pd.DataFrame) -> Figure:
    """What leaving out each piece of physics costs, a panel a task.

    Parameters
    ----------
    ablation : pandas.DataFrame
        As from `ljmix.learning.ablation.ablate`: columns `task, model, without, r2, cost`.

    Returns
    -------
    matplotlib.figure.Figure
        Bars to the right: R² lost; to the left: gained.

    Raises
    ------
    ValueError
        If a column is missing.
    """
    need_columns(ablation, ["task", "model", "without", "r2", "cost"], "ablation")
    parts = ablation[ablation["without"] != "nothing"]
    rows = list(dict.fromkeys(zip(parts["model"], parts["without"], strict=True)))[::-1]
    tasks = list(dict.fromkeys(parts["task"]))
    figure = new_figure(PAGE_MM, 24 + 5.0 * len(rows))
    panels = figure.subplots(1, len(tasks), sharey=True, squeeze=False)[0]
    for axes, task in zip(panels, tasks, strict=True):
        of_task = parts[parts["task"] == task].set_index(["model", "without"])["cost"]
        for place, row in enumerate(rows):
            axes.barh(place, of_task[row], height=0.65, color=_COLORS.get(row[0], "0.45"))
        axes.axvline(0, color="0.3", linewidth=0.6)
        axes.set(xlabel=r"loss of $R^2$", title=task)
    labels = [f"{_LABELS.get(model, model)}\nwithout {without.replace('_', ' ')}" for model, without in rows]
    panels[0].set_yticks(range(len(rows)), labels)
    letter_panels(panels)
    return figure


@journal_figure
def plot_state_scaling(scaling: pd.DataFrame, models: Sequence[str]) -> Figure:
    """R² on unseen temperatures against the number of training states.

    Parameters
    ----------
    scaling : pandas.DataFrame
        Columns `model`, `states`, `r2_mean`, `r2_std` (over seeds; missing for a single one).
    models : sequence of str

    Returns
    -------
    matplotlib.figure.Figure
        Lines, and bands of one standard deviation; scores below zero are cut off.

    Raises
    ------
    ValueError
        If a column or a model is missing.
    """
    need_columns(scaling, ["model", "states", "r2_mean", "r2_std"], "scaling")
    figure = new_figure(COLUMN_MM, 70)
    axes = figure.subplots()
    for model in models:
        part = scaling[scaling["model"] == model].sort_values("states")
        if part.empty:
            raise ValueError(f"scaling: no row of model {model!r}; there are {sorted(set(scaling['model']))}")
        states, mean = part["states"].to_numpy(), part["r2_mean"].to_numpy(dtype=float)
        spread = pd.to_numeric(part["r2_std"]).fillna(0.0).to_numpy()
        color = _COLORS.get(model, "0.45")
        axes.fill_between(states, mean - spread, mean + spread, color=color, alpha=0.2, linewidth=0)
        style: dict[str, Any] = {
            "color": color,
            "marker": _MARKERS.get(model, "x"),
            "markersize": 3.5,
            "linewidth": 1.0,
        }
        axes.plot(states, mean, label=_LABELS.get(model, model), **style)
    if scaling["states"].max() > 10 * scaling["states"].min():
        axes.set_xscale("log")
    bottom = max(float(np.nanmin(scaling["r2_mean"].to_numpy(dtype=float))) - 0.05, _FLOOR)
    axes.set(xlabel="training states", ylabel=r"$R^2$", ylim=(min(bottom, 0.9), 1.01))
    figure.legend(loc="outside lower center", ncols=2)
    return figure
