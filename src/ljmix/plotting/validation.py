"""Figures of the validation: two engines against one another, and against what is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatterSciNotation, NullLocator

from ljmix.plotting.style import (
    PAGE_MM,
    PAIR_LINES,
    PAIR_MARKERS,
    R_LABEL,
    g_label,
    journal_figure,
    legend_line,
    letter_panels,
    need_columns,
    new_figure,
    pair_line,
)

__all__ = ["plot_agreement", "plot_references"]

_ENGINE_STYLES: dict[str, dict[str, Any]] = {
    "hoomd": {"color": "#CC79A7", "marker": "s", "label": "HOOMD-blue"},
    "lammps": {"color": "#56B4E9", "marker": "o", "label": "LAMMPS"},
}
_BINS = np.arange(-4.5, 4.51, 0.5)


@journal_figure
def plot_agreement(bins: pd.DataFrame, lines: pd.DataFrame) -> Figure:
    """Differences between two engines, in standard errors, beside those of one engine with itself.

    Parameters
    ----------
    bins : pandas.DataFrame
        Columns `system`, `pair`, `t` and `with_itself`, one row a bin:
        `ljmix.engine_validation.checks.compare_functions`.
    lines : pandas.DataFrame
        `ljmix.engine_validation.checks.check_engines`; the lines of `check` "agreement" are drawn.

    Returns
    -------
    matplotlib.figure.Figure
        A: all bins. B: density and energy of each state. C: χ² a bin of each function, between the engines and of
        an engine with itself.

    Raises
    ------
    ValueError
        If a column is missing, or no line compares two engines.
    """
    need_columns(bins, ["system", "pair", "t", "with_itself"], "bins")
    need_columns(lines, ["check", "system", "quantity", "sigmas"], "lines")
    each = lines[(lines["check"] == "agreement") & (lines["system"].str.startswith("T"))]
    if each.empty:
        raise ValueError("lines: none compares two engines; give the tables of both")
    figure = new_figure(PAGE_MM, 62)
    panels = figure.subplots(1, 3, width_ratios=(1, 1.25, 1))
    _draw_scores(panels[0], bins)
    _draw_states(panels[1], each)
    _draw_chi_squares(panels[2], bins)
    letter_panels(panels)
    return figure


def _draw_scores(axes: Axes, bins: pd.DataFrame) -> None:
    shapes: dict[bool, dict[str, Any]] = {
        False: {"label": "HOOMD-blue − LAMMPS", "color": "0.8", "edgecolor": "white"},
        True: {"label": "one engine, two windows", "color": "black", "histtype": "step"},
    }
    for with_itself, shape in shapes.items():
        t = np.clip(bins["t"][bins["with_itself"] == with_itself], _BINS[0], _BINS[-1])
        axes.hist(t, list(_BINS), density=True, **shape)
    axes.set(xlabel="difference of a bin / s.e.", ylabel="density of bins", xlim=(_BINS[0], _BINS[-1]))
    axes.set_ylim(0, 1.3 * axes.get_ylim()[1])
    axes.legend(loc="upper right", handlelength=1.2, fontsize=6)


def _draw_states(axes: Axes, each: pd.DataFrame) -> None:
    scalars = each[each["quantity"].isin(["density", "energy"])]
    names = list(dict.fromkeys(scalars["system"]))
    rows = scalars["system"].map({name: -k for k, name in enumerate(names)})
    for quantity, marker, color in (("density", "o", "black"), ("energy", "D", "#E69F00")):
        chosen = scalars["quantity"] == quantity
        axes.plot(scalars["sigmas"][chosen], rows[chosen], marker, color=color, label=quantity, markersize=3.5)
    axes.axvspan(-2, 2, color="0.92", linewidth=0, zorder=0)
    axes.axvline(0, color="0.6", linewidth=0.5, zorder=0)
    labels = [name.removesuffix("_P1").replace("_", " ") for name in names]
    axes.set_yticks([-k for k in range(len(names))], labels, fontsize=5.5)
    widest = max(3.2, 1.1 * scalars["sigmas"].abs().max())
    axes.set(xlabel="HOOMD-blue − LAMMPS, in σ", xlim=(-widest, widest), ylim=(0.5 - len(names), 2.2))
    axes.legend(loc="upper right", ncols=2, handletextpad=0.1)


def _draw_chi_squares(axes: Axes, bins: pd.DataFrame) -> None:
    squares = bins.assign(square=bins["t"] ** 2).groupby(["pair", "system", "with_itself"])["square"].mean()
    for pair, rows in squares.unstack("with_itself").groupby("pair"):
        style = {"color": pair_line(str(pair))["color"], "marker": PAIR_MARKERS[str(pair)]}
        axes.plot(rows[True], rows[False], linestyle="none", markersize=3.5, label=str(pair), **style)
    span = [0.9 * squares.min(), 1.1 * squares.max()]
    axes.plot(span, span, color="0.6", linewidth=0.5, zorder=0)
    axes.set(xscale="log", yscale="log", xlim=span, ylim=span)
    axes.set(xlabel="χ² a bin, one engine", ylabel="χ² a bin, two engines")
    ticks = [tick for tick in (0.5, 1, 2, 5, 10, 20) if span[0] < tick < span[1]]
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(ticks, [f"{tick:g}" for tick in ticks])
        axis.set_minor_locator(NullLocator())
    axes.legend(loc="lower right", handletextpad=0.1)


@journal_figure
def plot_references(
    curves: pd.DataFrame,
    peaks: Mapping[str, tuple[float, float]],
    series: Mapping[str, pd.DataFrame],
    energy_errors: pd.DataFrame,
) -> Figure:
    """Engines against what is known without them.

    Parameters
    ----------
    curves : pandas.DataFrame
        Columns `engine`, `pair`, `r` (σ_AA), `g`: the Kob-Andersen mixture.
    peaks : mapping
        Published position (σ_AA) and height of the highest peak, by pair.
    series : mapping of DataFrame
        By engine, columns `pressure_set`, `temperature_set`, `volume`: two runs.
    energy_errors : pandas.DataFrame
        Columns `engine`, `time_step` (τ), `error`, `sem` (ε_AA a particle).

    Returns
    -------
    matplotlib.figure.Figure
        A: functions of the Kob-Andersen mixture with the published peaks. B: logarithm of the ratio of the volume
        distributions at the two pressures, with the slope that the ensemble demands. C: error of the conserved
        energy, with the square of the time step.

    Raises
    ------
    ValueError
        If a column is missing.
    """
    need_columns(curves, ["engine", "pair", "r", "g"], "curves")
    need_columns(energy_errors, ["engine", "time_step", "error", "sem"], "energy_errors")
    figure = new_figure(PAGE_MM, 62)
    panels = figure.subplots(1, 3)
    _draw_kob_andersen(panels[0], curves, peaks)
    _draw_volume_ratio(panels[1], series)
    _draw_energy_errors(panels[2], energy_errors)
    letter_panels(panels)
    return figure


def _draw_kob_andersen(axes: Axes, curves: pd.DataFrame, peaks: Mapping[str, tuple[float, float]]) -> None:
    engines = list(dict.fromkeys(curves["engine"]))
    for (engine, pair), curve in curves.groupby(["engine", "pair"], sort=False):
        # The second engine as dots, or one line would hide the other.
        dotted = engine != engines[0]
        style = {"linestyle": "none", "marker": ".", "markersize": 2, "markevery": 4} if dotted else {}
        axes.plot(curve["r"], curve["g"], **(pair_line(str(pair)) | style))
    for r, height in peaks.values():
        axes.plot(r, height, "x", color="black", markersize=5, zorder=5)
    axes.set(xlabel=R_LABEL, ylabel=g_label(), xlim=(0.7, 2.5), ylim=(0, None))
    handles = [legend_line(pair_line(pair)["color"], PAIR_LINES[pair], pair) for pair in peaks]
    handles.append(legend_line("black", "none", "published", marker="x", markersize=5))
    for engine, shape in zip(engines, ({"linestyle": "-"}, {"linestyle": "none", "marker": "."}), strict=False):
        handles.append(legend_line(label=str(_ENGINE_STYLES[engine]["label"]), **shape))
    axes.legend(handles=handles, loc="upper right", handlelength=1.5)


def _draw_volume_ratio(axes: Axes, series: Mapping[str, pd.DataFrame]) -> None:
    expected = []
    for engine, runs in series.items():
        need_columns(runs, ["pressure_set", "temperature_set", "volume"], f"series of {engine}")
        low, high = sorted(runs["pressure_set"].unique())
        expected.append(-(high - low) / runs["temperature_set"].iloc[0])
        volumes = [runs["volume"][runs["pressure_set"] == pressure] for pressure in (low, high)]
        first, last = np.quantile(pd.concat(volumes), (0.02, 0.98))
        edges = np.linspace(first, last, 15)
        counts = [np.histogram(part, edges)[0] / len(part) for part in volumes]
        both = (counts[0] > 0.005) & (counts[1] > 0.005)
        centres = (edges[1:] + edges[:-1])[both] / 2
        style = _ENGINE_STYLES[engine]
        ratio = np.log(counts[1][both] / counts[0][both])
        axes.plot(centres, ratio, linestyle="none", markersize=3.5, **style)
        if len(expected) == 1:
            line = expected[0] * (centres - centres.mean()) + ratio.mean()
            axes.plot(centres, line, color="black", label=r"slope $-\Delta P/T$")
    axes.set(xlabel=r"$V\,/\,\sigma_\mathrm{AA}^3$", ylabel=f"ln P(V | P* = {high:g}) / P(V | P* = {low:g})")
    axes.legend(loc="upper right", handlelength=1.4)


def _draw_energy_errors(axes: Axes, errors: pd.DataFrame) -> None:
    for engine, rows in errors.groupby("engine", sort=False):
        style = _ENGINE_STYLES[str(engine)]
        axes.errorbar(
            rows["time_step"], rows["error"], rows["sem"], linestyle="none", markersize=3.5, capsize=2, **style
        )
    steps = np.sort(errors["time_step"].unique())
    first = errors[errors["time_step"] == steps[0]]["error"].mean()
    axes.plot(steps, first * (steps / steps[0]) ** 2, color="black", label=r"$\propto \Delta t^2$")
    axes.set(xscale="log", yscale="log", xlabel=r"$\Delta t\,/\,\tau$", ylabel=r"error of the energy $/\,N\varepsilon$")
    axes.set_xticks(steps, [f"{step:g}" for step in steps])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_minor_formatter(LogFormatterSciNotation(minor_thresholds=(2, 0.5)))
    axes.tick_params(axis="y", which="minor", labelsize=6)
    axes.legend(loc="upper left", handlelength=1.4)
