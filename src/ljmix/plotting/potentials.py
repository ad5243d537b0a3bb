"""Figures of learned potentials: what was learned, from how little, and what it is worth in a run."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

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

__all__ = [
    "plot_compositions", "plot_demixing", "plot_doubt", "plot_drift", "plot_inversion", "plot_learned_mean_force",
    "plot_learned_potential", "plot_learning", "plot_lessons", "plot_long_runs", "plot_transfer",
]  # fmt: skip

_KINDS = {
    "pair spline": ("#0072B2", "o"),
    "POD, pairs": ("#E69F00", "s"),
    "POD, triplets": ("#CC79A7", "^"),
}
_WORLD_TITLES = {"lennard-jones": "Lennard-Jones", "three-body": "with three-body forces"}
_RUN_LABELS = {"truth": "truth", "pair": "pair spline", "many-body": "POD, triplets"}


def _draw_spread(axes: Axes, rows: pd.DataFrame, x: str, y: str, label: str, color: str, marker: str) -> None:
    """Median over the draws as a line, and every draw as a faint marker."""
    values = rows.assign(value=rows[y].abs())
    axes.plot(values[x], values["value"], marker, color=color, alpha=0.35, markersize=2.5, markeredgewidth=0)
    middle = values.groupby(x)["value"].median()
    axes.plot(middle.index, middle, color=color, marker=marker, markersize=4, linewidth=1, label=label)


@journal_figure
def plot_learned_potential(bars: pd.DataFrame, truth: pd.DataFrame) -> Figure:
    """Draw three learned functions beside the true ones, and the difference with its error bars.

    Parameters
    ----------
    bars : pandas.DataFrame
        `SplinePotential.error_bars`: `pair`, `r`, `u`, `u_sem`, `f`, `f_sem`.
    truth : pandas.DataFrame
        `pair`, `r`, `u`, `f` at the same distances.

    Returns
    -------
    matplotlib.figure.Figure
        A: u(r). B: learned − true u, in bands of two standard errors. C: the same of the force.
    """
    need_columns(bars, ["pair", "r", "u", "u_sem", "f", "f_sem"], "bars")
    need_columns(truth, ["pair", "r", "u", "f"], "truth")
    figure = new_figure(PAGE_MM, 62)
    panels = figure.subplots(1, 3)
    both = bars.merge(truth, on=["pair", "r"], suffixes=("", "_true"))
    for pair, rows in both.groupby("pair"):
        style = pair_line(str(pair))
        panels[0].plot(rows["r"], rows["u_true"], color="0.75", linewidth=3)
        panels[0].plot(rows["r"], rows["u"], label=str(pair), **style)
        for axes, name in ((panels[1], "u"), (panels[2], "f")):
            difference = rows[name] - rows[f"{name}_true"]
            axes.plot(rows["r"], difference, **style)
            band = BAND_SIGMAS * rows[f"{name}_sem"]
            axes.fill_between(rows["r"], difference - band, difference + band, color=style["color"], alpha=0.2, lw=0)
    panels[0].set(ylim=(-1.2, 1.5), ylabel=r"$u(r)\,/\,\varepsilon_\mathrm{AA}$")
    panels[1].set(ylim=(-0.002, 0.002), ylabel="learned − true $u$")
    panels[2].set(ylim=(-0.08, 0.08), ylabel="learned − true force")
    for axes in panels:
        axes.axhline(0, color="0.6", linewidth=0.5, zorder=0)
        axes.set(xlabel=R_LABEL, xlim=(0.4, 2.5))
    handles = [legend_line("0.75", label="truth", linewidth=3), *panels[0].get_legend_handles_labels()[0]]
    panels[0].legend(handles=handles)
    letter_panels(panels)
    return figure


@journal_figure
def plot_learning(table: pd.DataFrame) -> Figure:
    """Draw errors at an unseen composition against the number of frames, in both worlds.

    Parameters
    ----------
    table : pandas.DataFrame
        `world`, `potential`, `n_frames`, `draw`, `force_error`, `force_size`, `energy_bias`, `pressure_bias`.

    Returns
    -------
    matplotlib.figure.Figure
        A row a world; force error relative to the forces, and the sizes of the biases of energy and pressure.
    """
    need_columns(table, ["world", "potential", "n_frames", "force_error", "energy_bias", "pressure_bias"], "table")
    figure = new_figure(PAGE_MM, 105)
    panels = figure.subplots(2, 3, sharex=True)
    table = table.assign(relative=table["force_error"] / table["force_size"])
    labels = {
        "relative": "force error / force",
        "energy_bias": r"|bias of $U/N$|",
        "pressure_bias": "|bias of $P^*$|",
    }
    for row, (world, of_world) in zip(panels, table.groupby("world"), strict=False):
        for axes, (column, label) in zip(row, labels.items(), strict=True):
            for kind, (color, marker) in _KINDS.items():
                chosen = of_world[of_world["potential"] == kind]
                if len(chosen):
                    _draw_spread(axes, chosen, "n_frames", column, kind, color, marker)
            axes.set(xscale="log", yscale="log", ylabel=label)
        row[0].set_title(f"   {_WORLD_TITLES[str(world)]}", loc="center")
    for axes in panels[1]:
        axes.set_xlabel("frames of 400 particles")
    panels[0, 0].legend(loc="best")
    letter_panels(panels.ravel())
    return figure


@journal_figure
def plot_compositions(table: pd.DataFrame) -> Figure:
    """Draw what potentials of one composition, and of two, miss at a composition that they did not see.

    Parameters
    ----------
    table : pandas.DataFrame
        Fits of one number of frames: `world`, `potential`, `compositions`, `force_error`, `force_size`, `energy_bias`.

    Returns
    -------
    matplotlib.figure.Figure
        For each world the relative force error and the size of the bias of the energy; a marker a draw, a bar the
        median.
    """
    need_columns(table, ["world", "potential", "compositions", "force_error", "force_size", "energy_bias"], "table")
    worlds, places = list(dict.fromkeys(table["world"])), sorted(set(table["compositions"]))
    table = table.assign(relative=table["force_error"] / table["force_size"], energy=table["energy_bias"].abs())
    figure = new_figure(PAGE_MM, 66)
    panels = figure.subplots(1, 2 * len(worlds), squeeze=False)[0]
    shown = [(world, column) for world in worlds for column in ("relative", "energy")]
    for axes, (world, column) in zip(panels, shown, strict=True):
        for number, (kind, (color, marker)) in enumerate(_KINDS.items()):
            for place, compositions in enumerate(places):
                chosen = (table["world"] == world) & (table["potential"] == kind)
                values = table.loc[chosen & (table["compositions"] == compositions), column]
                x = place + 0.24 * (number - 1)
                axes.plot([x] * len(values), values, marker, color=color, markersize=3, alpha=0.6, markeredgewidth=0)
                axes.plot([x - 0.09, x + 0.09], [values.median()] * 2, color=color, linewidth=1)
        axes.set_xticks(range(len(places)), places)
        axes.set(xlim=(-0.5, len(places) - 0.5), xlabel=r"$C_\mathrm{B}$ of training", yscale="log")
        axes.set_ylabel("force error / force" if column == "relative" else r"|bias of $U/N$|")
        axes.set_title(_WORLD_TITLES[world].removeprefix("with "), loc="right")
    handles = [
        legend_line(color, "none", kind, marker=marker, markersize=4) for kind, (color, marker) in _KINDS.items()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    letter_panels(panels)
    return figure


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
        row[0].set(ylabel=r"$w(r)\,/\,\varepsilon_\mathrm{AA}$", title=_WORLD_TITLES[world], ylim=(None, 1.5))
        row[1].set(ylabel="pair spline − truth")
        for axes in row:
            axes.axhline(0, color="0.6", linewidth=0.5, zorder=0)
    for axes in panels[-1]:
        axes.set_xlabel(R_LABEL)
    panels[0, 0].legend()
    letter_panels(panels.ravel())
    return figure


@journal_figure
def plot_transfer(table: pd.DataFrame) -> Figure:
    """Draw what a potential of four frames misses elsewhere: other compositions, temperatures, size ratios.

    Parameters
    ----------
    table : pandas.DataFrame
        `ljmix.potentials.studies.transfer_table`.

    Returns
    -------
    matplotlib.figure.Figure
        Relative force error, and the sizes of the biases of energy and pressure; a marker a draw.
    """
    need_columns(table, ["temperature", "fraction_b", "size_ratio", "way", "force_error", "draw"], "table")
    names = [
        f"$T^*$ {row.temperature:g}, $C_\\mathrm{{B}}$ {row.fraction_b:g}, $S$ {row.size_ratio:g}"
        + (", stretched" if row.way == "stretched" else "")
        for row in table.itertuples()
    ]
    table = table.assign(name=names, relative=table["force_error"] / table["force_size"])
    order = {name: -place for place, name in enumerate(dict.fromkeys(names))}
    figure = new_figure(PAGE_MM, 62)
    panels = figure.subplots(1, 3, sharey=True)
    labels = ("force error / force", r"|bias of $U/N$|", "|bias of $P^*$|")
    for axes, column, label in zip(panels, ("relative", "energy_bias", "pressure_bias"), labels, strict=True):
        values = table[column].abs()
        axes.plot(values, table["name"].map(order), "o", color="#0072B2", alpha=0.5, markersize=3, markeredgewidth=0)
        middle = values.groupby(table["name"]).median()
        axes.plot(middle, middle.index.map(order), "|", color="black", markersize=9)
        axes.set(xscale="log", xlabel=label)
    panels[0].set_yticks(list(order.values()), list(order))
    letter_panels(panels)
    return figure


@journal_figure
def plot_lessons(table: pd.DataFrame) -> Figure:
    """Draw the bias of the pressure against the force error of every fit: the one does not follow from the other.

    Parameters
    ----------
    table : pandas.DataFrame
        As for `plot_learning`, with `weights`.
    """
    need_columns(table, ["world", "potential", "weights", "force_error", "force_size", "pressure_bias"], "table")
    figure = new_figure(PAGE_MM, 68)
    panels = figure.subplots(1, 2, sharey=True)
    fills = {"forces": "none", "forces, energy": "left", "forces, energy, virial": "full"}
    for axes, (world, of_world) in zip(panels, table.groupby("world"), strict=False):
        for (kind, weights), rows in of_world.groupby(["potential", "weights"]):
            color, marker = _KINDS[str(kind)]
            axes.plot(
                rows["force_error"] / rows["force_size"], rows["pressure_bias"].abs(), marker, color=color,
                fillstyle=fills[str(weights)], markersize=4, alpha=0.8,
            )  # fmt: skip
        axes.axhline(0.005, color="0.6", linewidth=0.5, linestyle="--")
        axes.set(xscale="log", yscale="log", xlabel="force error / force", title=_WORLD_TITLES[str(world)])
    panels[0].set_ylabel("|bias of $P^*$|")
    handles = [
        legend_line(color, "none", kind, marker=marker, markersize=4) for kind, (color, marker) in _KINDS.items()
    ]
    handles += [
        legend_line("0.35", "none", f"fitted to {name}", marker="o", markersize=4, fillstyle=fill)
        for name, fill in fills.items()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    letter_panels(panels)
    return figure


@journal_figure
def plot_doubt(particles: Mapping[str, pd.DataFrame], active: pd.DataFrame) -> Figure:
    """Draw doubt against true error of particles in both worlds, and what active learning does with it.

    Parameters
    ----------
    particles : mapping of str to pandas.DataFrame
        By world: `doubt`, `error`, a row a particle.
    active : pandas.DataFrame
        `policy`, `draw`, `n_frames`, `doubt`, `error`.
    """
    need_columns(active, ["policy", "draw", "n_frames", "doubt", "error"], "active")
    figure = new_figure(PAGE_MM, 66)
    panels = figure.subplots(1, 3)
    for axes, (world, rows) in zip(panels[:2], particles.items(), strict=True):
        need_columns(rows, ["doubt", "error"], "particles")
        axes.plot(rows["doubt"], rows["error"], ".", color="0.4", markersize=1.5, alpha=0.4, rasterized=True)
        low, high = rows[["doubt", "error"]].min().min(), rows[["doubt", "error"]].max().max()
        axes.plot([low, high], [low, high], color="#D55E00", linewidth=0.8)
        axes.set(xscale="log", yscale="log", xlabel="doubt of a particle's force", ylabel="its true error")
        axes.set_title(_WORLD_TITLES[world])
    styles = {"doubtful": ("#D55E00", "o"), "random": ("#56B4E9", "s")}
    for policy, (color, marker) in styles.items():
        rows = active[active["policy"] == policy]
        for _, run in rows.groupby("draw"):
            panels[2].plot(run["n_frames"], run["error"], color=color, linewidth=0.6, marker=marker, markersize=2.5)
    panels[2].set(yscale="log", xlabel="frames learned from", ylabel="largest force error in own run")
    panels[2].legend(
        handles=[legend_line(color, "-", f"adds the {name} frame" if name == "doubtful" else "adds a random frame",
                             marker=marker, markersize=3) for name, (color, marker) in styles.items()]
    )  # fmt: skip
    letter_panels(panels)
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
        row[0].set_title(_WORLD_TITLES[world].removeprefix("with ").removesuffix(" forces"), loc="right")
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
        label = f"{_RUN_LABELS[str(potential)]}, {_WORLD_TITLES[str(world)]}"
        handles.append(legend_line(color, "-", label, marker=marker, markersize=3))
    for axes, label in zip(panels, ("$U/N$ − truth", "$P^*$ − truth"), strict=True):
        axes.axhline(0, color="0.6", linewidth=0.5, zorder=0)
        axes.set(xscale="log", xlabel="steps", ylabel=label)
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    letter_panels(panels)
    return figure
