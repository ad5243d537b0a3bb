"""Figures of runs with learned potentials: what they are worth in a liquid."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ljmix.plotting.physics.potentials import WORLD_TITLES
from ljmix.plotting.style import (
    BAND_SIGMAS,
    PAGE_MM,
    R_LABEL,
    journal_figure,
    legend_line,
    letter_panels,
    need_columns,
    new_figure,
    pair_line,
)
from ljmix.state import PAIRS

__all__ = ["plot_demixing", "plot_drift", "plot_inversion", "plot_learned_mean_force", "plot_long_runs"]

_RUN_LABELS = {"truth": "truth", "pair": "pair spline", "many-body": "POD, triplets"}


@journal_figure
def plot_learned_mean_force(table: pd.DataFrame) -> Figure:
    """Draw potentials of mean force of long runs, and what learned ones differ by from the truth.

    Parameters
    ----------
    table : pandas.DataFrame
        `ljmix.potentials.comparisons.mean_force`: `world`, `potential`, `pair`, `r`, `w`, `w_sem`.

    Returns
    -------
    matplotlib.figure.Figure
        A row a world. First column: w(r) of the truth. Others: a learned potential − truth, in bands of two standard
        errors.
    """
    need_columns(table, ["world", "potential", "pair", "r", "w", "w_sem"], "table")
    worlds = list(dict.fromkeys(table["world"]))
    figure = new_figure(PAGE_MM, 48 * len(worlds) + 6)
    panels = figure.subplots(len(worlds), 2, squeeze=False, sharex=True)
    for row, world in zip(panels, worlds, strict=True):
        of_world = table[table["world"] == world]
        truth = of_world[of_world["potential"] == "truth"]
        learned = of_world[of_world["potential"] == "pair"].merge(truth, on=["pair", "r"], suffixes=("", "_true"))
        for pair, rows in truth.groupby("pair"):
            row[0].plot(rows["r"], rows["w"], label=str(pair), **pair_line(str(pair)))
        for pair, rows in learned.groupby("pair"):
            style, away = pair_line(str(pair)), rows["w"] - rows["w_true"]
            band = BAND_SIGMAS * np.hypot(rows["w_sem"], rows["w_sem_true"])
            row[1].plot(rows["r"], away, **style)
            row[1].fill_between(rows["r"], away - band, away + band, color=style["color"], alpha=0.2, lw=0)
        row[0].set(ylabel=r"$w(r)\,/\,\varepsilon_\mathrm{AA}$", title=WORLD_TITLES[world], ylim=(None, 1.5))
        row[1].set(ylabel="pair spline − truth")
        for axes in row:
            axes.axhline(0, color="0.6", linewidth=0.5, zorder=0)
    for axes in panels[-1]:
        axes.set_xlabel(R_LABEL)
    panels[0, 0].legend()
    letter_panels(panels.ravel())
    return figure


@journal_figure
def plot_long_runs(misfits: pd.DataFrame, values: pd.DataFrame) -> Figure:
    """Draw g(r), pressure and diffusion of long runs with learned potentials beside those of the truth.

    Parameters
    ----------
    misfits : pandas.DataFrame
        `world`, `potential`, `misfit` = 1 − R² of g against a run of the truth; "truth" for pairs of its own runs.
    values : pandas.DataFrame
        `world`, `potential`, `pressure`, `d_a`, `d_b`, a row a run.

    Returns
    -------
    matplotlib.figure.Figure
        A column a world: misfit of g, pressure, diffusion; a marker a run.
    """
    need_columns(misfits, ["world", "potential", "misfit"], "misfits")
    need_columns(values, ["world", "potential", "pressure", "d_a", "d_b"], "values")
    worlds = list(dict.fromkeys(values["world"]))
    figure = new_figure(PAGE_MM, 42 * len(worlds) + 14)
    panels = figure.subplots(len(worlds), 4, squeeze=False)
    for row, world in zip(panels, worlds, strict=True):
        columns = ((misfits, "misfit", r"$1 - R^2$ of $g$"), (values, "pressure", "$P^*$"),
                   (values, "d_a", r"$D_\mathrm{A}$"), (values, "d_b", r"$D_\mathrm{B}$"))  # fmt: skip
        for axes, (table, column, label) in zip(row, columns, strict=True):
            of_world = table[table["world"] == world]
            kinds = [kind for kind in _RUN_LABELS if kind in set(of_world["potential"])]
            for place, kind in enumerate(kinds):
                found = of_world.loc[of_world["potential"] == kind, column].to_numpy()
                spread = np.linspace(-0.18, 0.18, len(found)) if len(found) > 1 else np.zeros(1)
                color = "0.35" if kind == "truth" else "#0072B2" if kind == "pair" else "#CC79A7"
                axes.plot(place + spread, found, "o", color=color, markersize=3, markeredgewidth=0)
                axes.plot([place - 0.3, place + 0.3], [np.mean(found)] * 2, color=color, linewidth=1)
            axes.set_xticks(range(len(kinds)), ["truth", "pair", "POD"][: len(kinds)])
            axes.set(xlim=(-0.6, len(kinds) - 0.4), ylabel=label)
            if column == "misfit":
                axes.set_yscale("log")
        row[0].set_title(WORLD_TITLES[world].removeprefix("with ").removesuffix(" forces"), loc="right")
    letter_panels(panels.ravel())
    return figure


@journal_figure
def plot_inversion(curves: pd.DataFrame, runs: pd.DataFrame, truth: pd.DataFrame) -> Figure:
    """Draw potentials found from g(r) alone beside the true one, and how well they do, iteration by iteration.

    Parameters
    ----------
    curves : pandas.DataFrame
        `draw`, `iteration`, `pair`, `r`, `u`.
    runs : pandas.DataFrame
        `draw`, `iteration`, `misfit`, `pressure`; the truth is iteration −1.
    truth : pandas.DataFrame
        `pair`, `r`, `u`.
    """
    need_columns(curves, ["draw", "iteration", "pair", "r", "u"], "curves")
    need_columns(runs, ["draw", "iteration", "misfit", "pressure"], "runs")
    figure = new_figure(PAGE_MM, 62)
    panels = figure.subplots(1, 3)
    last = curves[curves["iteration"] == curves["iteration"].max()]
    for pair, rows in truth.groupby("pair"):
        panels[0].plot(rows["r"], rows["u"], color="0.75", linewidth=3)
        for _, found in last[last["pair"] == pair].groupby("draw"):
            panels[0].plot(found["r"], found["u"], **pair_line(str(pair)))
    panels[0].set(ylim=(-1.6, 1.5), xlim=(0.4, 2.5), xlabel=R_LABEL, ylabel=r"$u(r)\,/\,\varepsilon_\mathrm{AA}$")
    for _, run in runs[runs["iteration"] >= 0].groupby("draw"):
        panels[1].plot(run["iteration"], run["misfit"], color="#0072B2", marker="o", markersize=2.5)
        panels[2].plot(run["iteration"], run["pressure"], color="#0072B2", marker="o", markersize=2.5)
    panels[1].set(yscale="log", xlabel="iteration", ylabel="$1 - R^2$ of $g$")
    target = runs.loc[runs["iteration"] == -1, "pressure"].mean()
    panels[2].axhline(target, color="0.75", linewidth=3, zorder=0)
    panels[2].set(xlabel="iteration", ylabel="$P^*$")
    styles = [pair_line(pair) for pair in PAIRS]
    handles = [legend_line("0.75", label="truth", linewidth=3)]
    handles += [legend_line(line["color"], line["linestyle"], pair) for pair, line in zip(PAIRS, styles, strict=True)]
    panels[0].legend(handles=handles)
    letter_panels(panels)
    return figure


@journal_figure
def plot_demixing(series: pd.DataFrame) -> Figure:
    """Draw the growth of the longest concentration waves of a mixture that separates.

    Parameters
    ----------
    series : pandas.DataFrame
        `potential`, `draw`, `step`, `waves`.
    """
    need_columns(series, ["potential", "draw", "step", "waves"], "series")
    figure = new_figure(PAGE_MM / 2, 60)
    axes = figure.subplots()
    colors = {"truth": "0.35", "pair": "#0072B2"}
    for (potential, _), rows in series.groupby(["potential", "draw"]):
        axes.plot(rows["step"] * 0.005, rows["waves"], color=colors[str(potential)], linewidth=0.9)
    axes.set(xlabel=r"time / $\tau$", ylabel="longest concentration waves, $\\sum S_{cc}$", yscale="log")
    axes.legend(handles=[legend_line(color, "-", _RUN_LABELS[name]) for name, color in colors.items()])
    return figure


@journal_figure
def plot_drift(legs: pd.DataFrame, truth: pd.DataFrame) -> Figure:
    """Draw energy and pressure of the longest runs, leg by leg, as differences to the truth.

    Parameters
    ----------
    legs : pandas.DataFrame
        `world`, `potential`, `leg`, `n`, `atom_steps`, `energy`, `energy_sem`, `pressure`, `pressure_sem`.
    truth : pandas.DataFrame
        Runs of the truth: `world`, `energy`, `pressure`.

    Returns
    -------
    matplotlib.figure.Figure
        A: energy a particle. B: pressure; a marker a leg, at the steps made by its end, with two standard errors.
    """
    need_columns(legs, ["world", "potential", "leg", "n", "atom_steps", "energy", "energy_sem", "pressure"], "legs")
    need_columns(truth, ["world", "energy", "pressure"], "truth")
    figure = new_figure(PAGE_MM, 62)
    panels = figure.subplots(1, 2)
    styles = {("lennard-jones", "pair"): ("#0072B2", "o"), ("three-body", "pair"): ("#56B4E9", "s"),
              ("three-body", "many-body"): ("#CC79A7", "^")}  # fmt: skip
    handles = []
    for (world, potential), rows in legs.sort_values("leg").groupby(["world", "potential"]):
        color, marker = styles[str(world), str(potential)]
        steps = (rows["atom_steps"] / rows["n"]).cumsum()
        for axes, quantity in zip(panels, ("energy", "pressure"), strict=True):
            away = rows[quantity] - truth.loc[truth["world"] == world, quantity].mean()
            axes.errorbar(
                steps, away, BAND_SIGMAS * rows[f"{quantity}_sem"], color=color, marker=marker, markersize=3,
                linewidth=0.8, elinewidth=0.6,
            )  # fmt: skip
        label = f"{_RUN_LABELS[str(potential)]}, {WORLD_TITLES[str(world)]}"
        handles.append(legend_line(color, "-", label, marker=marker, markersize=3))
    for axes, label in zip(panels, ("$U/N$ − truth", "$P^*$ − truth"), strict=True):
        axes.axhline(0, color="0.6", linewidth=0.5, zorder=0)
        axes.set(xscale="log", xlabel="steps", ylabel=label)
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    letter_panels(panels)
    return figure
