"""Figures of the surrogate: its curves, how far to trust it, the phase boundary, the way back, new simulations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import binom

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
    need_columns,
    new_figure,
    tint,
)
from ljmix.state import PAIRS

__all__ = [
    "plot_demixing_probability",
    "plot_posterior",
    "plot_proposals",
    "plot_surrogate_curves",
    "plot_trust",
]

TASK_LABELS = {
    "compositions": "compositions", "extrapolation": "temperatures", "unseen-size-ratio": "size ratios",
    "composition": "compositions", "temperature": "temperatures", "size_ratio": "size ratios",
}  # fmt: skip
_TASK_COLORS = {"compositions": "#0072B2", "temperatures": "#E69F00", "size ratios": "black"}
_BRANCH_LINES: dict[str, Any] = {"mixed": "-", "demixed": (0, (3, 1.2))}
_BEST = 1e-3
_PHASE_MARKS = {"mixed": ("o", "black", "white"), "demixed": ("s", "white", "black")}
_DISAGREE = "#D55E00"
_MARKS: Sequence[tuple[str, str]] = (("o", "#0072B2"), ("^", "#D55E00"), ("s", "#009E73"), ("D", "black"))


@journal_figure
def plot_surrogate_curves(curves: pd.DataFrame, titles: Mapping[str, str] | None = None) -> Figure:
    """Simulated curves, theory alone, and what the surrogate says with its band; one row of panels a state.

    Parameters
    ----------
    curves : pandas.DataFrame
        Columns `state_id`, `pair`, `r`, `g` and `g_sem` (simulated; may be NaN), and where they are known `theory`,
        `predicted`, `lower`, `upper`.
    titles : mapping, optional
        Name of each state, shown over its row.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If a column is missing.
    """
    need_columns(curves, ["state_id", "pair", "r", "g", "g_sem"], "curves")
    states = list(dict.fromkeys(curves["state_id"]))
    figure = new_figure(PAGE_MM, 10 + 48 * len(states))
    panels = []
    for part, state in zip(figure.subfigures(len(states), 1, squeeze=False)[:, 0], states, strict=True):
        # Above the row, so that its panels keep their letters.
        part.suptitle((titles or {}).get(state, state))
        for axes, pair in zip(part.subplots(1, len(PAIRS)), PAIRS, strict=True):
            _draw_curves(axes, curves[(curves["state_id"] == state) & (curves["pair"] == pair)], pair)
            panels.append(axes)
    for axes in panels[-len(PAIRS) :]:
        axes.set_xlabel(R_LABEL)
    handles = [legend_line("black", "none", "simulated", marker="o", markersize=2)]
    handles += [legend_line("0.55", (0, (4, 1.5)), "theory")] if "theory" in curves else []
    handles += [legend_line("black", "-", "surrogate, 90 % band")] if "predicted" in curves else []
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    letter_panels(panels)
    return figure


def _draw_curves(axes: Axes, rows: pd.DataFrame, pair: str) -> None:
    color = PAIR_COLORS[pair]
    if "lower" in rows:
        axes.fill_between(rows["r"], rows["lower"], rows["upper"], color=tint(color, 0.7), linewidth=0)
    if "theory" in rows:
        axes.plot(rows["r"], rows["theory"], color="0.55", linestyle=(0, (4, 1.5)), linewidth=0.9)
    if "predicted" in rows:
        axes.plot(rows["r"], rows["predicted"], color=color, linewidth=0.9, zorder=3)
    axes.errorbar(
        rows["r"], rows["g"], yerr=BAND_SIGMAS * rows["g_sem"], fmt="o", color="black", markersize=1.6, elinewidth=0.5,
        capsize=0,
    )  # fmt: skip
    axes.set(ylabel=g_label(pair), ylim=(0, None))


@journal_figure
def plot_trust(left_out: pd.DataFrame, coverage: pd.DataFrame) -> Figure:
    """How far off states are that were left out, how often bands hold them, and whether probabilities are right.

    Parameters
    ----------
    left_out : pandas.DataFrame
        One row a state and task: `task`, `phase`, `converged`, `decided`, `demixing`, `error_AA`, `error_AB`,
        `error_BB`, `density`, `density_simulated`, as from
        `ljmix.surrogate_scores.predictions.tabulate_predictions`.
    coverage : pandas.DataFrame
        Columns `kind`, `branch`, `stated`, `held`, `n`: shares of whole states in bands from other groups.

    Returns
    -------
    matplotlib.figure.Figure
        A: share of states whose mean error of a curve, in units of its own spread, is at most a value; full lines are
        mixed and converged, broken ones all others. B: the same of the density of mixed states. C: share of states
        held against the share stated, whole curves; grey is what chance allows right bands. D: share of demixed
        states against the probability that was told, with 95 % of chance.

    Raises
    ------
    ValueError
        If a column is missing.
    """
    errors = [f"error_{pair}" for pair in PAIRS]
    names = ["task", "phase", "converged", "decided", "demixing", *errors, "density", "density_simulated"]
    need_columns(left_out, names, "left_out")
    need_columns(coverage, ["kind", "branch", "stated", "held", "n"], "coverage")
    figure = new_figure(PAGE_MM, 118)
    panels = figure.subplots(2, 2)
    for task, part in left_out.groupby("task", sort=False):
        color, label = _TASK_COLORS[TASK_LABELS[str(task)]], f"unseen {TASK_LABELS[str(task)]}"
        good = (part["phase"] == "mixed") & part["converged"].astype(bool)
        mean = part[errors].mean(axis=1)
        _draw_shares_below(panels[0, 0], mean[good], color, "-", label)
        _draw_shares_below(panels[0, 0], mean[~good], color, (0, (3, 1.2)))
        mixed = part[part["phase"] == "mixed"]
        off = (mixed["density"] / mixed["density_simulated"] - 1).abs()
        _draw_shares_below(panels[0, 1], 100 * off, color, "-", label)
    panels[0, 0].set(xscale="log", xlabel="error of a curve / its own spread", ylabel="share of states", ylim=(0, 1.02))
    panels[0, 1].legend(loc="upper left")
    panels[0, 1].set(xscale="log", xlabel="error of the density, %", ylabel="share of mixed states", ylim=(0, 1.02))
    _draw_coverage(panels[1, 0], coverage)
    _draw_reliability(panels[1, 1], left_out[left_out["decided"].astype(bool)])
    letter_panels(panels.ravel())
    return figure


def _draw_shares_below(axes: Axes, values: pd.Series, color: str, line: Any, label: str | None = None) -> None:
    sorted_values = np.sort(np.maximum(values.dropna().to_numpy(dtype=float), _BEST))
    if len(sorted_values):
        shares = np.arange(1, len(sorted_values) + 1) / len(sorted_values)
        axes.plot(sorted_values, shares, color=color, linestyle=line, linewidth=1.1, label=label)


def _draw_coverage(axes: Axes, coverage: pd.DataFrame) -> None:
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=0.8)
    mixed = coverage[coverage["branch"] == "mixed"]
    if len(mixed):
        n, stated = int(mixed["n"].min()), np.linspace(0.01, 0.99, 99)
        low, high = (binom.ppf(edge, n, stated) / n for edge in (0.025, 0.975))
        axes.fill_between(stated, low, high, color="0.9", linewidth=0)
    for (kind, branch), part in coverage.groupby(["kind", "branch"], sort=False):
        name = TASK_LABELS[str(kind)]
        label = f"left-out {name}" if branch == "mixed" else None
        axes.plot(part["stated"], part["held"], color=_TASK_COLORS[name], linestyle=_BRANCH_LINES[str(branch)],
                  marker="o", markersize=1.8, linewidth=1.0, label=label)  # fmt: skip
    handles, _ = axes.get_legend_handles_labels()
    branches = [legend_line("0.35", line, name) for name, line in _BRANCH_LINES.items()]
    axes.legend(handles=[*handles, *branches], loc="upper left")
    axes.set(xlabel="share of whole states stated", ylabel="share held", xlim=(0, 1), ylim=(0, 1.02))


def _draw_reliability(axes: Axes, rows: pd.DataFrame, bins: int = 6) -> None:
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=0.8)
    for task, part in rows.groupby("task", sort=False):
        p, truth = part["demixing"].to_numpy(dtype=float), (part["phase"] == "demixed").to_numpy()
        at = np.clip((p * bins).astype(int), 0, bins - 1)
        for place in range(bins):
            some = at == place
            if some.any():
                n, share = int(some.sum()), float(truth[some].mean())
                low, high = (float(binom.ppf(edge, n, p[some].mean()) / n) for edge in (0.025, 0.975))
                color = _TASK_COLORS[TASK_LABELS[str(task)]]
                axes.plot([p[some].mean()] * 2, [low, high], color=tint(color, 0.5), linewidth=2.2, zorder=1)
                axes.plot(p[some].mean(), share, "o", color=color, markersize=3.5)
    axes.set(xlabel="probability of demixing told", ylabel="share that demixed", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))


@journal_figure
def plot_demixing_probability(grid: pd.DataFrame, states: pd.DataFrame) -> Figure:
    """Probability of demixing over ε_AB and T*, one panel a size ratio, and what simulations found.

    Parameters
    ----------
    grid : pandas.DataFrame
        Columns `size_ratio`, `epsilon_ab`, `temperature`, `demixing`: a full grid for each size ratio.
    states : pandas.DataFrame
        Simulated: the same three numbers, `phase`, and `starts_agree`.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If a column is missing.
    """
    need_columns(grid, ["size_ratio", "epsilon_ab", "temperature", "demixing"], "grid")
    need_columns(states, ["size_ratio", "epsilon_ab", "temperature", "phase", "starts_agree"], "states")
    sizes = sorted(grid["size_ratio"].unique())
    figure = new_figure(PAGE_MM, 68)
    *panels, scale = figure.subplots(1, len(sizes) + 1, width_ratios=[1.0] * len(sizes) + [0.07])
    for axes, size in zip(panels, sizes, strict=True):
        wide = grid[grid["size_ratio"] == size].pivot(index="temperature", columns="epsilon_ab", values="demixing")
        x, y = wide.columns.to_numpy(dtype=float), wide.index.to_numpy(dtype=float)
        image = axes.pcolormesh(x, y, wide.to_numpy(), vmin=0, vmax=1, cmap="cividis", shading="nearest",
                                rasterized=True)  # fmt: skip
        axes.contour(x, y, wide.to_numpy(), levels=[0.5], colors="white", linewidths=1.2)
        rows = states[np.isclose(states["size_ratio"], size)]
        agree = rows["starts_agree"].astype(bool)
        for phase, (marker, face, edge) in _PHASE_MARKS.items():
            _mark(axes, rows[agree & (rows["phase"] == phase)], marker, color=edge, markerfacecolor=face)
        _mark(axes, rows[~agree], "x", color=_DISAGREE, markeredgewidth=1.3)
        axes.set(xlabel=FEATURE_LABELS["epsilon_ab"], title=f"{FEATURE_LABELS['size_ratio']} = {size:g}")
    panels[0].set_ylabel(FEATURE_LABELS["temperature"])
    for axes in panels[1:]:
        axes.tick_params(labelleft=False)
    figure.colorbar(image, cax=scale).set_label("probability of demixing")
    handles = [
        legend_line(
            edge if edge != "white" else "0.3", "none", phase, marker=marker, markersize=4, markerfacecolor=face
        )
        for phase, (marker, face, edge) in _PHASE_MARKS.items()
    ]
    handles.append(legend_line(_DISAGREE, "none", "starts disagree", marker="x", markersize=4))
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    letter_panels(panels)
    return figure


def _mark(axes: Axes, rows: pd.DataFrame, marker: str, **style: Any) -> None:
    """Mark states, whole also at the edge; what has no point is not drawn, since the layout would make room for it."""
    if len(rows):
        style = {"markersize": 4, "markeredgewidth": 0.7, "clip_on": False, "zorder": 4} | style
        axes.plot(rows["epsilon_ab"], rows["temperature"], marker, linestyle="none", **style)


@journal_figure
def plot_posterior(samples: pd.DataFrame, truth: Mapping[str, float] | None = None, level: float = 0.95) -> Figure:
    """What curves say of their mixture: each number alone, and each two together.

    Parameters
    ----------
    samples : pandas.DataFrame
        One column a number, named as in `ljmix.state.PARAMETERS` (or `length`).
    truth : mapping, optional
        True values.
    level : float
        Of the shaded interval.

    Returns
    -------
    matplotlib.figure.Figure
        On the diagonal densities with the interval of a share `level`; below, samples of two numbers; lines are true.

    Raises
    ------
    ValueError
        If there is no sample, or a single number.
    """
    names = list(samples.columns)
    need_columns(samples, names, "samples")
    n = len(names)
    side = min(PAGE_MM, 30.0 + 30 * n)
    figure = new_figure(side, side * 0.86)
    panels = figure.subplots(n, n, squeeze=False, sharex="col")
    for place, axes in enumerate(panels.ravel()):
        i, k = divmod(place, n)
        if k > i:
            axes.set_axis_off()
            continue
        x = samples[names[k]].to_numpy(dtype=float)
        if i == k:
            low, high = np.quantile(x, [(1 - level) / 2, (1 + level) / 2])
            counts, edges = np.histogram(x, 40)
            axes.stairs(counts, edges, color="black", linewidth=0.8)
            axes.axvspan(low, high, color="0.9", linewidth=0, zorder=0)
            axes.set(yticks=[], ylim=(0, None))
        else:
            axes.plot(x[::7], samples[names[i]].to_numpy(dtype=float)[::7], ".", color="#0072B2", markersize=0.9,
                      alpha=0.35, rasterized=True)  # fmt: skip
        for name, draw in ((names[k], axes.axvline), (names[i], axes.axhline)):
            if truth is not None and name in truth and not (i == k and draw == axes.axhline):
                draw(truth[name], color="#D55E00", linewidth=0.9)
        if i == n - 1:
            axes.set_xlabel(FEATURE_LABELS.get(names[k], names[k]))
            axes.locator_params(axis="x", nbins=3)
        if 0 < k < i:
            axes.tick_params(labelleft=False)
        if k == 0 and i:
            axes.set_ylabel(FEATURE_LABELS.get(names[i], names[i]))
    return figure


@journal_figure
def plot_proposals(known: pd.DataFrame, proposals: Mapping[str, pd.DataFrame]) -> Figure:
    """Where new simulations are proposed, among those that are there.

    Parameters
    ----------
    known : pandas.DataFrame
        Simulated states: the four numbers.
    proposals : mapping
        Likewise, by criterion.

    Returns
    -------
    matplotlib.figure.Figure
        A: in the plane of ε_AB and T*. B: of C_B and S.

    Raises
    ------
    ValueError
        If a column is missing.
    """
    planes = (("epsilon_ab", "temperature"), ("fraction_b", "size_ratio"))
    columns = [name for plane in planes for name in plane]
    need_columns(known, columns, "known")
    figure = new_figure(PAGE_MM, 72)
    panels = figure.subplots(1, 2)
    for axes, (x, y) in zip(panels, planes, strict=True):
        axes.plot(known[x], known[y], ".", color="0.75", markersize=3, linestyle="none", label="simulated")
        for (name, rows), (marker, color) in zip(proposals.items(), _MARKS, strict=False):
            need_columns(rows, columns, name)
            axes.plot(rows[x], rows[y], marker, color=color, markersize=4.5, markerfacecolor="none", linestyle="none",
                      label=name)  # fmt: skip
        axes.set(xlabel=FEATURE_LABELS[x], ylabel=FEATURE_LABELS[y])
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    letter_panels(panels)
    return figure
