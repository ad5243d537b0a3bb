"""Figure 1: what is simulated, what is measured, where, and what learns it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from ljmix._util.arrays import FloatArray
from ljmix.data.dataset import FEATURES
from ljmix.plotting.snapshot import draw_snapshot
from ljmix.plotting.structure import draw_rdfs, state_title
from ljmix.plotting.style import (
    BAND_SIGMAS,
    FEATURE_LABELS,
    PAGE_MM,
    journal_figure,
    letter_subfigures,
    need_columns,
    new_figure,
)
from ljmix.state import PARAMETERS, TRAIN_TEMPERATURES

if TYPE_CHECKING:
    from ljmix.configuration import Configuration

__all__ = ["draw_network", "draw_state_grid", "plot_overview"]

_SHOWN_NEURONS = 9
_LISTED_VALUES = 6


@journal_figure
def plot_overview(
    configuration: Configuration | None,
    rdf: pd.DataFrame,
    states: pd.DataFrame,
    state_id: str,
    example: Mapping[str, float],
    hidden_layers: Sequence[int],
) -> Figure:
    """Figure 1: a mixture, its three curves, the space of mixtures, and the network.

    Parameters
    ----------
    configuration : ljmix.configuration.Configuration
        Of the state `state_id`.
    rdf : pandas.DataFrame
        Columns `state_id`, `pair`, `r`, `g`, `g_sem`; must hold `state_id`.
    states : pandas.DataFrame
        Columns `state_id`, `temperature`, `fraction_b`, `size_ratio`, `epsilon_ab`: the simulated grid.
    state_id : str
        The state of panels A and B, ringed in C.
    example : mapping
        One row of `ljmix.data.dataset.learning_table`: `FEATURES` and `g`, for panel D.
    hidden_layers : sequence of int
        Neurons of each layer between inputs and g.

    Returns
    -------
    matplotlib.figure.Figure
        A: snapshot. B: curves with error bands. C: every simulated state. D: inputs and network.

    Raises
    ------
    ValueError
        If a column is missing or `state_id` is not in the tables.
    """
    need_columns(states, ["state_id", *PARAMETERS], "states")
    need_columns(rdf, ["state_id"], "rdf")
    if state_id not in set(states["state_id"]) or state_id not in set(rdf["state_id"]):
        raise ValueError(f"state_id = {state_id!r} is not in states and rdf")
    state = states.set_index("state_id").loc[state_id]
    figure = new_figure(PAGE_MM, 140)
    parts = np.asarray(figure.subfigures(2, 2, width_ratios=[1, 1.1], height_ratios=[1, 1.08]), object).ravel()
    snapshot, curves, grid, network = (part.subplots() for part in parts)
    draw_snapshot(snapshot, configuration, state["size_ratio"], scale_bar=5)
    draw_rdfs(curves, rdf[rdf["state_id"] == state_id])
    curves.set_title(state_title(state))
    curves.legend(title=rf"bands: $\pm${BAND_SIGMAS} s.e.", title_fontsize=7)
    draw_state_grid(grid, states, state_id)
    draw_network(network, example, hidden_layers)
    letter_subfigures(parts)
    return figure


def draw_state_grid(axes: Axes, states: pd.DataFrame, state_id: str | None = None) -> None:
    """Draw every simulated state as a dot: blocks by T* and S, in each block C_B across and ε_AB up.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    states : pandas.DataFrame
        Columns `state_id`, `temperature`, `fraction_b`, `size_ratio`, `epsilon_ab`.
    state_id : str, optional
        Ring this state.
    """
    levels = {name: np.sort(states[name].unique()) for name in PARAMETERS}
    index = {name: np.searchsorted(levels[name], states[name]) for name in levels}
    wide, tall = len(levels["fraction_b"]) + 1.0, len(levels["epsilon_ab"]) + 1.0
    x = index["temperature"] * wide + index["fraction_b"]
    y = index["size_ratio"] * tall + index["epsilon_ab"]
    trains = np.isclose(states["temperature"].to_numpy()[:, None], TRAIN_TEMPERATURES).any(axis=1)
    train = axes.scatter(x[trains], y[trains], s=7, color="black", linewidths=0, label="training")
    test = axes.scatter(
        x[~trains], y[~trains], s=7, facecolor="white", edgecolor="#CC79A7", linewidths=0.8, label="test"
    )
    handles = [train, test]
    if state_id is not None:
        ringed = (states["state_id"] == state_id).to_numpy()
        handles.append(
            axes.scatter(x[ringed], y[ringed], s=42, facecolor="none", edgecolor="#882255", label="shown in A, B")
        )
    axes.set(xlim=(-1, x.max() + 1), ylim=(-1, y.max() + 1))
    _block_ticks(axes.xaxis, levels["temperature"], wide, len(levels["fraction_b"]))
    _block_ticks(axes.yaxis, levels["size_ratio"], tall, len(levels["epsilon_ab"]))
    axes.set(xlabel=FEATURE_LABELS["temperature"], ylabel=FEATURE_LABELS["size_ratio"])
    axes.set_title(f"across each block: {_values('fraction_b', levels)}", fontsize=7)
    right = axes.secondary_yaxis("right")
    right.set_yticks([])
    right.set_ylabel(f"up each block: {_values('epsilon_ab', levels)}", fontsize=7)
    for side in (axes, right):
        side.tick_params(length=0)
        side.spines[:].set_visible(False)
    for edge in range(1, len(levels["temperature"])):
        axes.axvline(edge * wide - 1, color="0.8", linewidth=0.5)
    for edge in range(1, len(levels["size_ratio"])):
        axes.axhline(edge * tall - 1, color="0.8", linewidth=0.5)
    axes.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=3, handletextpad=0.1)


def _block_ticks(axis: Axis, values: FloatArray, size: float, n_inner: int) -> None:
    axis.set_ticks([i * size + (n_inner - 1) / 2 for i in range(len(values))], [f"{v:g}" for v in values])


def _values(name: str, levels: Mapping[str, FloatArray]) -> str:
    """Name a feature with its values, or the first and last of many."""
    values = [f"{value:g}" for value in levels[name]]
    listed = ", ".join(values) if len(values) <= _LISTED_VALUES else f"{values[0]} … {values[-1]}"
    return f"{FEATURE_LABELS[name]} = {listed}"


def draw_network(axes: Axes, example: Mapping[str, float], hidden_layers: Sequence[int]) -> None:
    """Draw the seven inputs with example values and the layers of the network, ending in g(r).

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    example : mapping
        `FEATURES` and `g`.
    hidden_layers : sequence of int
        Neurons of each layer between inputs and g; layers of more than nine are abridged by dots.

    Raises
    ------
    ValueError
        If a value of `example` is missing.
    """
    missing = [name for name in (*FEATURES, "g") if name not in example]
    if missing:
        raise ValueError(f"example: {missing[0]!r} is missing")
    layers = (len(FEATURES), *hidden_layers, 1)
    columns = [_neurons(n) for n in layers]
    for x, (left, right) in enumerate(itertools.pairwise(columns)):
        lines = [[(x, a), (x + 1, b)] for a in left for b in right]
        axes.add_collection(LineCollection(lines, color="0.75", linewidth=0.25, zorder=1))
    for x, (heights, count) in enumerate(zip(columns, layers, strict=True)):
        face = "#56B4E9" if x in (0, len(layers) - 1) else "white"
        axes.scatter(
            np.full(len(heights), x),
            heights,
            s=22,
            facecolor=face,
            edgecolor="black",
            linewidth=0.6,
            zorder=2,
        )
        if count > len(heights):
            axes.text(x, 0, "⋮", ha="center", va="center", fontsize=9, zorder=3)
        axes.text(x, -5.6, str(count), ha="center", va="center", fontsize=7)
    for name, height in zip(FEATURES, columns[0], strict=True):
        unit = r"$\,\sigma_\mathrm{AA}$" if name == "r" else ""
        axes.text(
            -0.35,
            height,
            f"{FEATURE_LABELS[name]} = {float(example[name]):g}{unit}",
            ha="right",
            va="center",
            fontsize=7,
        )
    axes.text(len(layers) - 0.65, 0, f"$g(r)$ =\n{float(example['g']):.2f}", ha="left", va="center", fontsize=7)
    for place, heading in ((-1.3, "fingerprint"), ((len(layers) - 1) / 2, "network")):
        axes.text(place, 5.2, heading, ha="center", va="center")
    axes.text(-0.35, -5.6, "neurons", ha="right", va="center", fontsize=7)
    axes.set(xlim=(-2.6, len(layers) + 0.6), ylim=(-6.2, 5.8))
    axes.set_axis_off()


def _neurons(count: int) -> list[float]:
    """Heights of the neurons of a layer, from top to bottom, with a gap in the middle if it is abridged."""
    if count <= _SHOWN_NEURONS:
        return list(np.arange(count)[::-1] - (count - 1) / 2)
    half = _SHOWN_NEURONS // 2
    return [*np.arange(half, 0, -1).astype(float), *-np.arange(1, half + 1).astype(float)]
