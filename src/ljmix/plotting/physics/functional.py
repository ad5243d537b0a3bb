"""Figures of the density functional: rods, profiles, the uniform fluid, what learning takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from ljmix._util.arrays import FloatArray
from ljmix.plotting.style import (
    BAND_SIGMAS,
    PAGE_MM,
    journal_figure,
    letter_panels,
    need_columns,
    new_figure,
)

__all__ = ["LINES", "plot_coexistence", "plot_field_profiles", "plot_learning_curve", "plot_rods", "plot_uniform_fluid"]

LINES: dict[str, dict[str, Any]] = {
    "simulation": {"color": "0.6", "linestyle": "none", "marker": "o", "markersize": 2, "label": "simulation"},
    "theory": {"color": "#D55E00", "linestyle": (0, (4, 1.5)), "label": "theory"},
    "learned": {"color": "#0072B2", "linestyle": "-", "label": "theory + learned"},
    "PeTS": {"color": "#009E73", "linestyle": (0, (5, 1.2, 1, 1.2)), "label": "PeTS"},
}
_NOISE_COLORS = ("black", "#0072B2", "#E69F00")


@journal_figure
def plot_rods(
    z: FloatArray, rho: FloatArray, exact: FloatArray, learned: Mapping[str, FloatArray], curve: pd.DataFrame
) -> Figure:
    """Hard rods: c1 of one unseen profile, exact and learned, and the error against the number of profiles.

    Parameters
    ----------
    z, rho, exact : (bins,) arrays
        Place, density and exact c1 of the profile.
    learned : mapping of (bins,) arrays
        c1 by label.
    curve : pandas.DataFrame
        Columns `profiles`, `configurations` (0: exact profiles), `draw` and `c1_error`.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If a column is missing.
    """
    need_columns(curve, ["profiles", "configurations", "draw", "c1_error"], "curve")
    figure = new_figure(PAGE_MM, 58)
    panels = figure.subplots(1, 3)
    panels[0].plot(z, rho, color="black")
    panels[0].set(xlabel=r"$z\,/\,\sigma$", ylabel=r"$\rho\,\sigma$", ylim=(0, None))
    panels[1].plot(z, exact, color="0.7", linewidth=3, label="exact")
    for (label, values), color in zip(learned.items(), _NOISE_COLORS[:: len(_NOISE_COLORS) - 1], strict=False):
        panels[1].plot(z, values, color=color, linewidth=0.9, label=label)
    panels[1].set(xlabel=r"$z\,/\,\sigma$", ylabel=r"$c_1(z)$")
    panels[1].set_ylim(top=panels[1].get_ylim()[1] + 0.5 * np.ptp(exact))
    panels[1].legend(fontsize=6, loc="upper right")
    order = sorted(curve["configurations"].unique(), key=lambda n: -n if n else -np.inf)
    for configurations, color in zip(order, _NOISE_COLORS, strict=False):
        part = curve[curve["configurations"] == configurations]
        label = f"{configurations} configurations" if configurations else "exact profiles"
        _draw_spread(panels[2], part, "profiles", "c1_error", color, label)
    panels[2].set(xlabel="profiles", ylabel=r"error of $c_1$", xscale="log", yscale="log")
    sizes = sorted(curve["profiles"].unique())
    panels[2].set_xticks(sizes, [str(size) for size in sizes])
    panels[2].xaxis.set_minor_locator(NullLocator())
    panels[2].legend(fontsize=6)
    letter_panels(panels)
    return figure


def _draw_spread(axes: Axes, table: pd.DataFrame, x: str, y: str, color: str, label: str) -> None:
    """Every draw as a point, their median as a line."""
    axes.plot(table[x], table[y], "o", color=color, markersize=2.5, alpha=0.5)
    middle = table.groupby(x)[y].median()
    axes.plot(middle.index, middle.to_numpy(), "-", color=color, label=label)


@journal_figure
def plot_field_profiles(profiles: pd.DataFrame, titles: Mapping[str, str]) -> Figure:
    """Simulated profiles with what theory and the learned functional predict.

    Parameters
    ----------
    profiles : pandas.DataFrame
        Columns `field`, `z`, `rho`, `rho_sem`, `theory` and `learned`.
    titles : mapping of str
        Title by field, in the order of the panels.

    Returns
    -------
    matplotlib.figure.Figure
        Bands are two standard errors.

    Raises
    ------
    ValueError
        If a column is missing.
    """
    need_columns(profiles, ["field", "z", "rho", "rho_sem", "theory", "learned"], "profiles")
    columns = min(3, len(titles))
    rows = -(-len(titles) // columns)
    figure = new_figure(PAGE_MM, 46 * rows + 6)
    panels = figure.subplots(rows, columns, squeeze=False)
    for axes, (name, title) in zip(panels.flat, titles.items(), strict=False):
        part = profiles[profiles["field"] == name]
        z, rho, sem = (part[column].to_numpy(dtype=float) for column in ("z", "rho", "rho_sem"))
        axes.fill_between(z, rho - BAND_SIGMAS * sem, rho + BAND_SIGMAS * sem, color="0.75", label="simulation")
        for kind in ("theory", "learned"):
            axes.plot(z, part[kind], linewidth=0.9, **LINES[kind])
        axes.set_title(title, fontsize=7)
        filled = z[rho > 0.002 * rho.max()]
        axes.set(xlim=(filled[0] - 0.5, filled[-1] + 0.5), ylim=(0, None))
        axes.set(xlabel=r"$z\,/\,\sigma$", ylabel=r"$\rho\,\sigma^3$")
    for axes in panels.flat[len(titles) :]:
        axes.set_axis_off()
    panels.flat[0].legend(fontsize=6, loc="lower center")
    letter_panels(panels.flat[: len(titles)])
    return figure


@journal_figure
def plot_uniform_fluid(
    errors: pd.DataFrame, structure: pd.DataFrame, g: Mapping[str, tuple[FloatArray, FloatArray]]
) -> Figure:
    """Pressure, structure factor and g(r) of the uniform fluid.

    Parameters
    ----------
    errors : pandas.DataFrame
        Columns `model`, `density`, `error` (relative, of the pressure) and `noise`.
    structure : pandas.DataFrame
        Columns `density`, `k`, `s`, `theory` and `learned`.
    g : mapping of (r, g)
        By model or "simulation".

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If a column is missing.
    """
    need_columns(errors, ["model", "density", "error", "noise"], "errors")
    need_columns(structure, ["density", "k", "s", "theory", "learned"], "structure")
    figure = new_figure(PAGE_MM, 62)
    panels = figure.subplots(1, 3)
    for model, part in errors.groupby("model", sort=False):
        panels[0].errorbar(
            part["density"], 100 * part["error"], 100 * BAND_SIGMAS * part["noise"], marker="o", markersize=2.5,
            elinewidth=0.6, **LINES[str(model)],
        )  # fmt: skip
    panels[0].axhspan(-1, 1, color="0.9", zorder=0)
    panels[0].set(xlabel=r"$\rho\,\sigma^3$", ylabel="error of the pressure / %")
    panels[0].legend(fontsize=6, loc="upper left")
    for offset, (density, part) in enumerate(structure.groupby("density")):
        panels[1].plot(part["k"], part["s"] + offset, color="0.7", marker="o", markersize=1.5, linestyle="none")
        for kind in ("theory", "learned"):
            line = {key: value for key, value in LINES[kind].items() if key != "label"}
            panels[1].plot(part["k"], part[kind] + offset, linewidth=0.9, **line)
        last = part["s"].iloc[-1] + offset
        panels[1].annotate(rf"$\rho^*$ = {density:.1f}", (8.9, last + 0.15), ha="right", fontsize=6)
    panels[1].set(xlabel=r"$k\,\sigma$", ylabel=r"$S(k)$, each one higher")
    for kind, (r, values) in g.items():
        panels[2].plot(r, values, linewidth=0.9, **LINES[kind])
    panels[2].set(xlabel=r"$r\,/\,\sigma$", ylabel=r"$g(r)$")
    panels[2].legend(fontsize=6)
    letter_panels(panels)
    return figure


@journal_figure
def plot_learning_curve(curve: pd.DataFrame, targets: Mapping[str, float]) -> Figure:
    """Scores on the test set against the number of profiles, every draw a point.

    Parameters
    ----------
    curve : pandas.DataFrame
        Columns `case` (what was learned from), `fields` and the scores.
    targets : mapping of float
        Aim by score; these scores are drawn.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If a column is missing.
    """
    need_columns(curve, ["case", "fields", *targets], "curve")
    labels = {
        "profile_median": "profile error, median / %", "profile_worst": "profile error, worst / %",
        "pressure_worst": "pressure error, worst / %", "structure_rms": "r.m.s. error of S(k)",
    }  # fmt: skip
    figure = new_figure(PAGE_MM, 62)
    panels = figure.subplots(1, len(targets))
    cases = list(dict.fromkeys(curve["case"]))
    colors = dict(zip(cases, ("#D55E00", "#009E73", "#E69F00", "#0072B2", "black"), strict=False))
    for axes, (score, aim) in zip(panels, targets.items(), strict=True):
        factor = 1 if score == "structure_rms" else 100
        for case in cases:
            part = curve[curve["case"] == case].assign(shown=lambda t, score=score, factor=factor: factor * t[score])
            _draw_spread(axes, part, "fields", "shown", colors[case], case)
        axes.axhline(factor * aim, color="0.6", linewidth=0.7, linestyle=(0, (2, 2)))
        axes.set(xlabel="profiles", ylabel=labels.get(score, score), yscale="log", xlim=(-2, None))
    panels[0].legend(fontsize=5.5)
    letter_panels(panels)
    return figure


@journal_figure
def plot_coexistence(
    binodals: pd.DataFrame,
    simulated: pd.DataFrame,
    critical: Mapping[str, tuple[float, float]],
    z: FloatArray,
    rho: FloatArray,
) -> Figure:
    """Coexisting densities, critical points, and an interface.

    Parameters
    ----------
    binodals : pandas.DataFrame
        Columns `model`, `temperature`, `vapour` and `liquid`.
    simulated : pandas.DataFrame
        Columns `temperature` and `liquid`.
    critical : mapping of (temperature, density)
        By model.
    z, rho : arrays
        Profile of an interface.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If a column is missing.
    """
    need_columns(binodals, ["model", "temperature", "vapour", "liquid"], "binodals")
    need_columns(simulated, ["temperature", "liquid"], "simulated")
    figure = new_figure(PAGE_MM, 66)
    panels = figure.subplots(1, 2)
    for model, part in binodals.groupby("model", sort=False):
        line = LINES[str(model)]
        panels[0].plot(part["liquid"], part["temperature"], **line)
        panels[0].plot(part["vapour"], part["temperature"], **{**line, "label": ""})
        temperature, density = critical[str(model)]
        panels[0].plot(density, temperature, "*", color=line["color"], markersize=6)
    panels[0].plot(simulated["liquid"], simulated["temperature"], "ko", markersize=3, label="simulation")
    panels[0].plot(0.319, 1.078, "k*", markersize=6)
    panels[0].set(xlabel=r"$\rho\,\sigma^3$", ylabel=r"$T^*$", xlim=(0, 0.85))
    panels[0].legend(fontsize=6)
    panels[1].plot(z, rho, **LINES["learned"])
    panels[1].set(xlabel=r"$z\,/\,\sigma$", ylabel=r"$\rho\,\sigma^3$", ylim=(0, None))
    letter_panels(panels)
    return figure
