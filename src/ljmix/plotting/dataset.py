"""Pictures of a dataset as a whole: phases, and how well it agrees with itself and with a repetition."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from scipy import stats

from ljmix.data.schema import PHASES
from ljmix.plotting.style import (
    FEATURE_LABELS,
    PAGE_MM,
    journal_figure,
    legend_line,
    letter_panels,
    need_columns,
    new_figure,
    pair_line,
)
from ljmix.state import PARAMETERS
from ljmix.structure.phase import CRYSTALLINE, DEMIXED, SEGREGATED

__all__ = ["plot_phase_map", "plot_phase_order", "plot_sigmas"]

# Light, middle and dark, so that they differ in grey too.
_PHASE_COLORS = {"mixed": "#BFE3F5", "demixed": "#E69F00", "crystal": "#5A3E85"}
_PHASE_MARKERS = {"mixed": "o", "demixed": "s", "crystal": "D"}
# Filled, so that the ring is seen on the dark colour too.
_MARKS: dict[str, dict[str, Any]] = {
    "cross": {"marker": "x", "markersize": 4, "markeredgewidth": 0.7},
    "ring": {"marker": "o", "markersize": 4, "markeredgewidth": 0.8, "markerfacecolor": "white"},
}


@journal_figure
def plot_phase_map(states: pd.DataFrame) -> Figure:
    """Phase of every state: one panel a temperature and size ratio, fraction of B against cross energy.

    Parameters
    ----------
    states : pandas.DataFrame
        Columns `temperature`, `fraction_b`, `size_ratio`, `epsilon_ab`, `phase`, `converged`, and `starts_agree` where
        the dataset has it.

    Returns
    -------
    matplotlib.figure.Figure
        A page wide. A ring: runs from different starts disagree, so that the label may depend on the start. A cross:
        not converged for another reason, which leaves the label alone. States that are not there stay empty.
    """
    need_columns(states, [*PARAMETERS, "phase", "converged"], "states")
    if "starts_agree" not in states:
        states = states.assign(starts_agree=True)
    axes_of = {name: sorted(states[name].unique()) for name in FEATURE_LABELS if name in states and name != "r"}
    rows, columns = axes_of["size_ratio"], axes_of["temperature"]
    x_values, y_values = axes_of["epsilon_ab"], axes_of["fraction_b"]
    figure = new_figure(PAGE_MM, 20 + 32 * len(rows))
    panels = figure.subplots(len(rows), len(columns), sharex=True, sharey=True, squeeze=False)
    for i, size_ratio in enumerate(rows[::-1]):
        for j, temperature in enumerate(columns):
            axes = panels[i, j]
            of = states[(states["size_ratio"] == size_ratio) & (states["temperature"] == temperature)]
            for _, state in of.iterrows():
                place = (x_values.index(state["epsilon_ab"]), y_values.index(state["fraction_b"]))
                mark = "" if state["converged"] else "cross" if state["starts_agree"] else "ring"
                _draw_cell(axes, *place, _PHASE_COLORS[state["phase"]], mark)
            axes.set(xlim=(-0.5, len(x_values) - 0.5), ylim=(-0.5, len(y_values) - 0.5))
            axes.set_xticks(range(len(x_values)), [f"{x:g}" for x in x_values])
            axes.set_yticks(range(len(y_values)), [f"{y:g}" for y in y_values])
            axes.tick_params(length=0)
            if i == 0:
                axes.set_title(f"{FEATURE_LABELS['temperature']} = {temperature:g}", fontsize=8)
            if j == 0:
                axes.set_ylabel(f"{FEATURE_LABELS['size_ratio']} = {size_ratio:g}\n{FEATURE_LABELS['fraction_b']}")
            if i == len(rows) - 1:
                axes.set_xlabel(FEATURE_LABELS["epsilon_ab"])
    handles: list[object] = [Patch(color=_PHASE_COLORS[name], label=name) for name in PHASES]
    for mark, label in (("cross", "not settled or precise"), ("ring", "starts disagree")):
        handles.append(legend_line("black", linestyle="none", label=label, **_MARKS[mark]))
    figure.legend(handles=handles, loc="outside upper center", ncols=5)
    return figure


def _draw_cell(axes: Axes, x: int, y: int, color: str, mark: str) -> None:
    axes.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=color, edgecolor="white", linewidth=0.8))
    if mark:
        axes.plot(x, y, color="black", **_MARKS[mark])


@journal_figure
def plot_phase_order(states: pd.DataFrame) -> Figure:
    """Show the numbers behind the labels, with the thresholds that divide them.

    Parameters
    ----------
    states : pandas.DataFrame
        Columns `demixing`, `segregation`, `crystal`, `phase`, `converged`.

    Returns
    -------
    matplotlib.figure.Figure
        A page wide: *A*, segregation against demixing; *B*, how many states have less than a crystalline
        share. Open symbols have not converged.
    """
    need_columns(states, ["demixing", "segregation", "crystal", "phase", "converged"], "states")
    figure = new_figure(PAGE_MM, 70)
    left, right = figure.subplots(1, 2, width_ratios=(1.3, 1))
    for (phase, converged), of in states.groupby(["phase", "converged"]):
        left.plot(
            of["demixing"], of["segregation"], linestyle="none", marker=_PHASE_MARKERS[str(phase)], markersize=3,
            markeredgecolor="0.25", markeredgewidth=0.5,
            markerfacecolor=_PHASE_COLORS[str(phase)] if converged else "none",
        )  # fmt: skip
    left.axvline(DEMIXED, color="0.3", linewidth=0.7, linestyle=(0, (4, 2)))
    left.axhline(SEGREGATED, color="0.3", linewidth=0.7, linestyle=(0, (4, 2)))
    left.set(xscale="log", xlabel="demixing order", ylabel="segregation")
    handles = [
        legend_line(
            "0.25",
            linestyle="none",
            marker=_PHASE_MARKERS[name],
            markerfacecolor=_PHASE_COLORS[name],
            markersize=4,
            label=name,
        )
        for name in PHASES
        if (states["phase"] == name).any()
    ]
    left.legend(handles=handles, loc="upper left")
    shares = np.sort(states["crystal"].to_numpy())
    right.step(shares, np.arange(1, len(shares) + 1), where="post", color="black", linewidth=1)
    right.axvline(CRYSTALLINE, color="0.3", linewidth=0.7, linestyle=(0, (4, 2)))
    right.set(xlabel="crystalline share of a species", ylabel="states with less", xlim=(0, 1), ylim=(0, None))
    letter_panels((left, right))
    return figure


@journal_figure
def plot_sigmas(deviations: pd.DataFrame) -> Figure:
    """Draw the distribution of deviations over their standard errors, against the normal distribution.

    Parameters
    ----------
    deviations : pandas.DataFrame
        Columns `pair`, `r` (σ_AA) and `z`, one row a bin of a curve.

    Returns
    -------
    matplotlib.figure.Figure
        A page wide: *A*, the distribution by pair; *B*, root mean square by distance, which is one if the
        errors are right and nothing is wrong.
    """
    need_columns(deviations, ["pair", "r", "z"], "deviations")
    figure = new_figure(PAGE_MM, 65)
    left, right = figure.subplots(1, 2)
    edges = np.linspace(-6, 6, 61)
    for pair, of in deviations.groupby("pair"):
        line = pair_line(str(pair))
        left.stairs(np.histogram(of["z"].clip(-6, 6), edges, density=True)[0], edges, label=pair, **line)
        by_distance = of.assign(square=of["z"] ** 2).groupby("r")["square"].mean() ** 0.5
        right.plot(by_distance.index, by_distance, linewidth=0.9, **line)
    middle = (edges[1:] + edges[:-1]) / 2
    left.plot(middle, stats.norm.pdf(middle), color="0.5", linewidth=0.8, label="normal")
    left.set(yscale="log", xlabel="deviation / standard error", ylabel="density", ylim=(1e-4, 1))
    left.legend()
    right.axhline(1, color="0.5", linewidth=0.8)
    right.set(xlabel=r"$r\,/\,\sigma_\mathrm{AA}$", ylabel="root mean square", xlim=(0, None), ylim=(0, None))
    letter_panels((left, right))
    return figure
