"""Figures of learned potentials: what was learned, from how little, and for where."""

from __future__ import annotations

from collections.abc import Mapping

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

__all__ = [
    "WORLD_TITLES", "plot_compositions", "plot_doubt", "plot_learned_potential", "plot_learning", "plot_lessons",
    "plot_transfer",
]  # fmt: skip

_KINDS = {
    "pair spline": ("#0072B2", "o"),
    "POD, pairs": ("#E69F00", "s"),
    "POD, triplets": ("#CC79A7", "^"),
}
WORLD_TITLES = {"lennard-jones": "Lennard-Jones", "three-body": "with three-body forces"}
"""The two truths, as titles."""


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
        row[0].set_title(f"   {WORLD_TITLES[str(world)]}", loc="center")
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
        axes.set_title(WORLD_TITLES[world].removeprefix("with "), loc="right")
    handles = [
        legend_line(color, "none", kind, marker=marker, markersize=4) for kind, (color, marker) in _KINDS.items()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    letter_panels(panels)
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
        axes.set(xscale="log", yscale="log", xlabel="force error / force", title=WORLD_TITLES[str(world)])
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
        axes.set_title(WORLD_TITLES[world])
    styles = {"doubtful": ("#D55E00", "o"), "random": ("#56B4E9", "s")}
    for policy, (color, marker) in styles.items():
        rows = active[active["policy"] == policy]
        for _, run in rows.groupby("draw"):
            panels[2].plot(run["n_frames"], run["error"], color=color, linewidth=0.6, marker=marker, markersize=2.5)
    # Room for the legend below the best run.
    lowest = active["error"].min() / 5
    panels[2].set(
        yscale="log", ylim=(lowest, None), xlabel="frames learned from", ylabel="largest force error in own run"
    )
    panels[2].legend(
        handles=[legend_line(color, "-", f"adds the {name} frame" if name == "doubtful" else "adds a random frame",
                             marker=marker, markersize=3) for name, (color, marker) in styles.items()],
        loc="lower left",
    )  # fmt: skip
    letter_panels(panels)
    return figure
