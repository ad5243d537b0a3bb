"""Predicted curves over simulated ones: figures 4 and 5, and the panels that figure 6 borrows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ljmix.plotting.snapshot import draw_snapshot
from ljmix.plotting.structure import state_title
from ljmix.plotting.style import (
    BAND_SIGMAS,
    FEATURE_LABELS,
    PAGE_MM,
    PAIR_COLORS,
    R_LABEL,
    g_label,
    journal_figure,
    legend_line,
    letter_panels,
    model_style,
    need_columns,
    new_figure,
)
from ljmix.state import COMPOSITION, PARAMETERS

if TYPE_CHECKING:
    from ljmix.configuration import Configuration

__all__ = ["PREDICTION_COLUMNS", "curve_legend", "draw_prediction", "plot_failure", "plot_temperatures"]

PREDICTION_COLUMNS = ("state_id", "pair", "r", "g", "g_sem", "model", "seed", "predicted")
"""Columns of a table of predictions, one row a bin, model and seed; `part` and more may be there too."""

_FEW_B = 0.05
"""Up to this fraction B particles are drawn before a pale background of A, which would hide them."""


def draw_prediction(axes: Axes, rows: pd.DataFrame, models: Sequence[str]) -> None:
    """Draw one simulated curve with its band, and over it each model's mean and spread over seeds.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    rows : pandas.DataFrame
        `PREDICTION_COLUMNS`, one state and one pair.
    models : sequence of str
        Models to draw, in the order of the legend.

    Raises
    ------
    ValueError
        If rows belong to several curves, or a model has none.
    """
    need_columns(rows, PREDICTION_COLUMNS, "predictions")
    curves = rows[["state_id", "pair"]].drop_duplicates()
    if len(curves) > 1:
        raise ValueError(f"predictions: {len(curves)} curves where one is drawn; select a state and a pair")
    absent = [model for model in models if model not in set(rows["model"])]
    if absent:
        raise ValueError(f"predictions: no row of model {absent[0]!r}; there are {sorted(set(rows['model']))}")
    pair = str(curves["pair"].iloc[0])
    simulated = rows.drop_duplicates("r").sort_values("r")
    r, g = simulated["r"].to_numpy(), simulated["g"].to_numpy()
    band = BAND_SIGMAS * simulated["g_sem"].to_numpy()
    axes.fill_between(r, g - band, g + band, color=PAIR_COLORS[pair], alpha=0.3, linewidth=0)
    axes.plot(r, g, color=PAIR_COLORS[pair], linewidth=2, alpha=0.75, solid_capstyle="round")
    # The models that the figure is about are drawn last, over the thin grey ones.
    for model in sorted(models, key=lambda name: model_style(name, models)["color"] != "#7F7F7F"):
        line = model_style(model, models)
        by_r = rows[rows["model"] == model].groupby("r")["predicted"]
        mean, spread = by_r.mean(), by_r.std().fillna(0)
        color = str(line["color"])
        if (spread > 0).any():
            axes.fill_between(mean.index, mean - spread, mean + spread, color=color, alpha=0.2, linewidth=0)
        axes.plot(mean.index, mean, **line)
    axes.axhline(1, color="0.6", linewidth=0.5, zorder=0)
    axes.set_xlim(0, None)


def curve_legend(models: Sequence[str], color: str = "0.45", n_seeds: int = 1) -> list[Line2D]:
    """Legend entries of `draw_prediction`: the simulation, then each model."""
    simulation = legend_line(color, linewidth=2, label=rf"simulation $\pm$ {BAND_SIGMAS} s.e.")
    lines = [legend_line(**model_style(model, models)) for model in models]
    spread = [legend_line("0.85", linewidth=6, label=f"s.d. of {n_seeds} seeds")] if n_seeds > 1 else []
    return [simulation, *lines, *spread]


@journal_figure
def plot_temperatures(
    predictions: pd.DataFrame,
    states: pd.DataFrame,
    models: Sequence[str],
    snapshots: Mapping[str, Configuration | None] | None = None,
) -> Figure:
    """Figure 4: predicted and simulated curves of one mixture at two temperatures.

    Parameters
    ----------
    predictions : pandas.DataFrame
        `PREDICTION_COLUMNS`; the states to draw, one row of panels each, coldest first.
    states : pandas.DataFrame
        Columns `state_id`, `temperature`, `fraction_b`, `size_ratio`, `epsilon_ab`.
    models : sequence of str
        For instance ``("mlp", "xgboost", "nearest")``; models other than these first two are thin and grey.
    snapshots : mapping of state_id to Configuration, optional
        Inset at the right of the row.

    Returns
    -------
    matplotlib.figure.Figure
        One row a state, columns AA, AB, BB.
    """
    chosen = _states_of(predictions, states)
    figure = new_figure(PAGE_MM, 52 * len(chosen) + 16)
    panels = figure.subplots(len(chosen), 3, squeeze=False, sharex=True)
    for row, (_, state) in zip(panels, chosen.iterrows(), strict=True):
        of_state = predictions[predictions["state_id"] == state["state_id"]]
        for axes, pair in zip(row, PAIR_COLORS, strict=True):
            draw_prediction(axes, of_state[of_state["pair"] == pair], models)
            title = f"{pair}, {FEATURE_LABELS['temperature']} = {state['temperature']:g}"
            axes.set_title(title, color=PAIR_COLORS[pair])
            axes.set_ylabel(g_label(pair))
        if snapshots and state["state_id"] in snapshots:
            _inset_snapshot(row[0], snapshots[state["state_id"]], state["size_ratio"])
    for axes in panels[-1]:
        axes.set_xlabel(R_LABEL)
    figure.suptitle(state_title(chosen.iloc[0], COMPOSITION))
    handles = curve_legend(models, n_seeds=predictions["seed"].nunique())
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    letter_panels(panels.ravel())
    return figure


def _inset_snapshot(axes: Axes, configuration: Configuration | None, size_ratio: float) -> None:
    """Draw a snapshot at the upper right of an AA panel, which is free since g_AA peaks near σ_AA."""
    left, bottom = 0.52, 0.48
    start, end = axes.get_xlim()
    curves = (np.asarray(line.get_data(), dtype=float) for line in axes.get_lines()[:-1])
    tail = max(float(np.max(g[r > start + left * (end - start)], initial=0)) for r, g in curves)
    low, high = axes.get_ylim()
    axes.set_ylim(low, max(high, low + (tail - low) / (bottom - 0.03)))
    inset = axes.inset_axes((left, bottom, 1 - left, 1 - bottom))
    draw_snapshot(inset, configuration, size_ratio)
    inset.set_anchor("NE")


@journal_figure
def plot_failure(
    predictions: pd.DataFrame,
    states: pd.DataFrame,
    models: Sequence[str],
    snapshots: Mapping[str, Configuration | None],
    worst: pd.DataFrame | None = None,
    pair: str = "BB",
) -> Figure:
    """Figure 5: the curve that the paper's network misses, what the particles do there, and the curve that ours misses.

    Parameters
    ----------
    predictions : pandas.DataFrame
        `PREDICTION_COLUMNS`; one state.
    states : pandas.DataFrame
        Columns `state_id`, `temperature`, `fraction_b`, `size_ratio`, `epsilon_ab`; holds the state of
        `predictions`, that of `worst` and those of `snapshots`.
    models : sequence of str
    snapshots : mapping of state_id to Configuration
        Drawn from cold to hot; where B is rare, with A as a pale background.
    worst : pandas.DataFrame, optional
        `PREDICTION_COLUMNS`; another state, drawn last.
    pair : {"AA", "AB", "BB"}

    Returns
    -------
    matplotlib.figure.Figure
        A: the curve. B, C, …: a snapshot each. Last, if asked for: the curve of `worst`.

    Raises
    ------
    ValueError
        If `predictions` or `worst` holds more than one state, or a state is not in `states`.
    """
    tables = [predictions] if worst is None else [predictions, worst]
    chosen = [_states_of(table, states) for table in tables]
    if max(map(len, chosen)) != 1:
        raise ValueError(f"predictions: {max(map(len, chosen))} states where one is drawn")
    shown = _states_of(pd.DataFrame({"state_id": list(snapshots)}), states)
    figure = new_figure(PAGE_MM, 68)
    widths = [1.15, *[1] * len(shown), *[1.15] * (len(tables) - 1)]
    panels = figure.subplots(1, len(widths), width_ratios=widths)
    for axes, table, state in zip((panels[0], panels[-1]), tables, chosen, strict=False):
        draw_prediction(axes, table[table["pair"] == pair], models)
        title = f"{pair}, {FEATURE_LABELS['temperature']} = {state['temperature'].iloc[0]:g}"
        axes.set_title(title, color=PAIR_COLORS[pair])
        axes.set(xlabel=R_LABEL, ylabel=g_label(pair))
    for axes, (_, state) in zip(panels[1 : 1 + len(shown)], shown.iterrows(), strict=True):
        few = state["fraction_b"] <= _FEW_B
        draw_snapshot(axes, snapshots[state["state_id"]], state["size_ratio"], only_b=few, scale_bar=5)
        axes.set_title(f"{FEATURE_LABELS['temperature']} = {state['temperature']:g}")
    handles = curve_legend(models, PAIR_COLORS[pair], predictions["seed"].nunique())
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    mixtures = [state_title(state.iloc[0], COMPOSITION) for state in chosen]
    if worst is not None:
        last = chr(ord("A") + len(shown))
        mixtures = [f"A to {last}: {mixtures[0]}", f"{chr(ord(last) + 1)}: {mixtures[1]}"]
    figure.suptitle(".  ".join(mixtures))
    letter_panels(panels)
    return figure


def _states_of(predictions: pd.DataFrame, states: pd.DataFrame) -> pd.DataFrame:
    """States that `predictions` name, coldest first."""
    need_columns(predictions, ["state_id"], "predictions")
    need_columns(states, ["state_id", *PARAMETERS], "states")
    names = set(predictions["state_id"])
    unknown = sorted(names - set(states["state_id"]))
    if unknown:
        raise ValueError(f"state_id = {unknown[0]!r} is not in states")
    return states[states["state_id"].isin(list(names))].sort_values("temperature")
