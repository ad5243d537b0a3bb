"""Figures of thermodynamics out of structure: Kirkwood-Buff integrals, activities, dissolved particles, all routes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ljmix._util.arrays import FloatArray
from ljmix.plotting.style import (
    BAND_SIGMAS,
    FEATURE_LABELS,
    PAGE_MM,
    PAIR_COLORS,
    PAIR_LINES,
    journal_figure,
    letter_panels,
    need_columns,
    new_figure,
)
from ljmix.state import PAIRS

__all__ = ["plot_activity", "plot_kirkwood_buff", "plot_routes", "plot_solutes"]

_SIZE_STYLES: dict[float, dict[str, Any]] = {
    0.5: {"color": "#56B4E9", "marker": "v"}, 1.0: {"color": "black", "marker": "o"},
    1.5: {"color": "#E69F00", "marker": "s"}, 2.0: {"color": "#AA4499", "marker": "^"},
}  # fmt: skip
"""Colour and marker of each size ratio, in every figure of thermodynamics."""
_ROUTE_STYLES: dict[str, dict[str, Any]] = {
    "insertion": {"marker": "o", "color": "#0072B2"}, "soft": {"marker": "s", "color": "#D55E00"},
    "growth": {"marker": "^", "color": "#009E73"},
}  # fmt: skip
_NORMAL = np.linspace(-4, 4, 200)


def size_style(size_ratio: float) -> dict[str, Any]:
    """Colour and marker of a size ratio; grey diamonds for one off the grid."""
    return _SIZE_STYLES.get(float(size_ratio), {"color": "0.5", "marker": "D"})


@journal_figure
def plot_kirkwood_buff(
    running: pd.DataFrame, limits: Mapping[str, tuple[float, float]], derived: pd.DataFrame
) -> Figure:
    """Running integrals of one state, and both routes to Γ of all.

    Parameters
    ----------
    running : pandas.DataFrame
        `pair`, `r_max`, `raw` (sharp end, uncorrected) and `corrected` (closed box and weight), G in σ_AA³.
    limits : mapping
        By pair, G from S(k→0) and its standard error.
    derived : pandas.DataFrame
        As from `ljmix.thermodynamics.states.derive_states`.

    Returns
    -------
    matplotlib.figure.Figure
        A: integrals against their upper end. B: Γ by both routes. C: their difference in standard errors.

    Raises
    ------
    ValueError
        If a column is missing.
    """
    need_columns(running, ["pair", "r_max", "raw", "corrected"], "running")
    names = ["factor_waves", "factor_rdf", "factor_waves_sem", "factor_rdf_sem", "factor_difference_sem", "size_ratio"]
    need_columns(derived, names, "derived")
    figure = new_figure(PAGE_MM, 58)
    integrals, parity, spread = figure.subplots(1, 3, width_ratios=(1.15, 1, 0.9))
    for pair in PAIRS:
        rows = running[running["pair"] == pair]
        integrals.plot(rows["r_max"], rows["raw"], color=PAIR_COLORS[pair], linewidth=0.6, alpha=0.45)
        integrals.plot(
            rows["r_max"], rows["corrected"], color=PAIR_COLORS[pair], linestyle=PAIR_LINES[pair], label=pair
        )
        value, sem = limits[pair]
        integrals.errorbar(
            rows["r_max"].max() + 0.35, value, yerr=BAND_SIGMAS * sem, color=PAIR_COLORS[pair], marker="D", markersize=3
        )
    integrals.set(xlabel=r"$R\,/\,\sigma_\mathrm{AA}$", ylabel=r"$G_{ij}(R)\,/\,\sigma_\mathrm{AA}^3$")
    ends = np.concatenate([running["corrected"], [value for value, _ in limits.values()]])
    room = 0.35 * float(np.ptp(ends))
    integrals.set_ylim(ends.min() - room, ends.max() + room)
    integrals.legend(loc="upper left", ncols=3, columnspacing=0.8)
    for size_ratio, rows in derived.groupby("size_ratio"):
        style = size_style(size_ratio)
        parity.errorbar(
            rows["factor_waves"], rows["factor_rdf"], xerr=rows["factor_waves_sem"], yerr=rows["factor_rdf_sem"],
            linestyle="none", markersize=2.2, linewidth=0.3, alpha=0.8, label=f"$S$ {size_ratio:g}", **style,
        )  # fmt: skip
    ends = np.array([0.05, 3.0])
    parity.plot(ends, ends, color="0.5", linewidth=0.6, zorder=0)
    parity.set(xscale="log", yscale="log", xlabel=r"$\Gamma$ from $S(k\to0)$", ylabel=r"$\Gamma$ from $g(r)$")
    parity.set(xlim=ends, ylim=ends)
    parity.legend(loc="upper left", handletextpad=0.2)
    z = (derived["factor_waves"] - derived["factor_rdf"]) / derived["factor_difference_sem"]
    draw_z(spread, z.to_numpy(dtype=float))
    letter_panels((integrals, parity, spread))
    return figure


def draw_z(axes: Axes, z: FloatArray) -> None:
    """Histogram of differences in standard errors, with what chance would give."""
    axes.hist(np.clip(z, -4, 4), bins=np.arange(-4, 4.01, 0.5).tolist(), density=True, color="0.75")
    axes.plot(_NORMAL, np.exp(-(_NORMAL**2) / 2) / np.sqrt(2 * np.pi), color="black", linewidth=0.8)
    axes.set(xlabel="difference / standard error", ylabel="probability density", xlim=(-4, 4))


@journal_figure
def plot_activity(curves: pd.DataFrame, slopes: pd.DataFrame, line: tuple[float, float]) -> Figure:
    """Activity coefficients along isotherms, and Gibbs and Helmholtz' relation.

    Parameters
    ----------
    curves : pandas.DataFrame
        `label`, `size_ratio`, `fraction_b`, `log_activity`, `log_activity_sem` and `theory` (PeTS, may be missing), one
        row a point.
    slopes : pandas.DataFrame
        As from `ljmix.thermodynamics.gibbs_helmholtz.compare_slopes`.
    line : (float, float)
        Slope through the origin and its standard error.

    Returns
    -------
    matplotlib.figure.Figure
        A: ln γ_B against C_B, referred to infinite dilution, with bands of two standard errors; dashes: theory.
        B: ∂[Γ/(x_A x_B)]/∂β against ∂²h/∂x².

    Raises
    ------
    ValueError
        If a column is missing.
    """
    need_columns(curves, ["label", "size_ratio", "fraction_b", "log_activity", "log_activity_sem", "theory"], "curves")
    names = ["from_enthalpy", "from_factor", "from_enthalpy_sem", "from_factor_sem", "size_ratio"]
    need_columns(slopes, names, "slopes")
    figure = new_figure(PAGE_MM, 68)
    activity, helmholtz = figure.subplots(1, 2, width_ratios=(1.2, 1))
    for label, rows in curves.groupby("label", sort=False):
        color = size_style(rows["size_ratio"].iloc[0])["color"]
        x, y, sem = (rows[name].to_numpy(dtype=float) for name in ("fraction_b", "log_activity", "log_activity_sem"))
        activity.fill_between(x, y - BAND_SIGMAS * sem, y + BAND_SIGMAS * sem, color=color, alpha=0.2, linewidth=0)
        activity.plot(x, y, color=color, label=str(label))
        activity.plot(x, rows["theory"], color=color, linestyle=(0, (4, 2)), linewidth=0.7)
    activity.axhline(0, color="0.5", linewidth=0.5)
    activity.set(xlabel=FEATURE_LABELS["fraction_b"], ylabel=r"$\ln(\gamma_\mathrm{B}/\gamma_\mathrm{B}^\infty)$")
    activity.legend(loc="best")
    for size_ratio, rows in slopes.groupby("size_ratio"):
        helmholtz.errorbar(
            rows["from_enthalpy"], rows["from_factor"], xerr=rows["from_enthalpy_sem"], yerr=rows["from_factor_sem"],
            linestyle="none", markersize=2.2, linewidth=0.35, label=f"$S$ {size_ratio:g}", **size_style(size_ratio),
        )  # fmt: skip
    ends = np.array([slopes["from_enthalpy"].min(), slopes["from_enthalpy"].max()])
    helmholtz.plot(ends, ends, color="0.5", linewidth=0.6, zorder=0)
    helmholtz.plot(
        ends, line[0] * ends, color="black", linestyle=(0, (4, 2)), label=f"slope {line[0]:.2f} ± {line[1]:.2f}"
    )
    low, high = np.quantile(slopes["from_factor"], [0.01, 0.99])
    helmholtz.set(ylim=(min(low, ends[0]) - 4, max(high, ends[1]) + 4))
    helmholtz.set(xlabel=r"$\partial^2 h/\partial x^2\,/\,\varepsilon$")
    helmholtz.set(ylabel=r"$\partial[\Gamma/(x_\mathrm{A}x_\mathrm{B})]/\partial\beta\,/\,\varepsilon$")
    helmholtz.legend(loc="upper left", handletextpad=0.3)
    letter_panels((activity, helmholtz))
    return figure


@journal_figure
def plot_solutes(values: pd.DataFrame, theory: pd.DataFrame) -> Figure:
    """Chemical potential of a dissolved B by each route, beside an equation of state.

    Parameters
    ----------
    values : pandas.DataFrame
        `temperature`, `size_ratio`, `epsilon_ab`, `route`, `mu`, `mu_sem`.
    theory : pandas.DataFrame
        `temperature`, `size_ratio`, `epsilon_ab`, `mu`, `mu_scaled`: PeTS as it is, and with a scaled k.

    Returns
    -------
    matplotlib.figure.Figure
        A: μ_ex against ε_AB at one temperature, the one with most sizes. B: PeTS minus simulation, all temperatures;
        open symbols with the scaled k.

    Raises
    ------
    ValueError
        If a column is missing.
    """
    need_columns(values, ["temperature", "size_ratio", "epsilon_ab", "route", "mu", "mu_sem"], "values")
    need_columns(theory, ["temperature", "size_ratio", "epsilon_ab", "mu", "mu_scaled"], "theory")
    figure = new_figure(PAGE_MM, 64)
    routes, against = figure.subplots(1, 2)
    counts = values.groupby("temperature")["size_ratio"].nunique()
    shown = float(counts[counts == counts.max()].index.max())
    here = values[values["temperature"] == shown]
    for route, rows in here.groupby("route"):
        style = _ROUTE_STYLES[str(route)]
        shift = {"insertion": -0.008, "soft": 0.008, "growth": 0.0}[str(route)]
        routes.errorbar(
            rows["epsilon_ab"] + shift, rows["mu"], yerr=BAND_SIGMAS * rows["mu_sem"], linestyle="none", markersize=3,
            markerfacecolor="none", label=str(route), **style,
        )  # fmt: skip
    for size_ratio, rows in theory[theory["temperature"] == shown].groupby("size_ratio"):
        if size_ratio not in set(here["size_ratio"]):
            continue
        color = size_style(size_ratio)["color"]
        rows = rows.sort_values("epsilon_ab")
        routes.plot(rows["epsilon_ab"], rows["mu"], color=color, linewidth=0.8, linestyle=(0, (4, 2)))
        last = here[here["size_ratio"] == size_ratio].sort_values("epsilon_ab").iloc[0]
        routes.annotate(f"$S$ {size_ratio:g}", (last["epsilon_ab"], last["mu"]), xytext=(-4, 4), color=color,
                        textcoords="offset points", ha="right")  # fmt: skip
    routes.set(xlabel=FEATURE_LABELS["epsilon_ab"], ylabel=r"$\mu_\mathrm{ex}\,/\,\varepsilon$")
    routes.set_title(f"$T^*$ {shown:g}", loc="right")
    routes.set_xlim(0.08, 1.05)
    routes.legend(loc="upper right")
    both = theory.merge(values, on=["temperature", "size_ratio", "epsilon_ab"], suffixes=("", "_measured"))
    for size_ratio, rows in both.groupby("size_ratio"):
        style = size_style(size_ratio)
        for name, face in (("mu", style["color"]), ("mu_scaled", "none")):
            against.errorbar(
                rows["epsilon_ab"] + 0.006 * (rows["temperature"] - 1), rows[name] - rows["mu_measured"],
                yerr=rows["mu_sem"], linestyle="none", markersize=2.6, markerfacecolor=face, linewidth=0.4,
                label=f"$S$ {size_ratio:g}" if name == "mu" else None, **style,
            )  # fmt: skip
    against.axhline(0, color="0.5", linewidth=0.5)
    against.set(xlabel=FEATURE_LABELS["epsilon_ab"], ylabel=r"$\mu_\mathrm{PeTS}-\mu_\mathrm{ex}\,/\,\varepsilon$")
    against.legend(loc="upper right")
    letter_panels((routes, against))
    return figure


@journal_figure
def plot_routes(truths: pd.DataFrame, order: Sequence[tuple[str, str, str]]) -> Figure:
    """Differences of all routes in standard errors, one row a comparison.

    Parameters
    ----------
    truths : pandas.DataFrame
        As from `ljmix.thermodynamics.truth.collect_truths`.
    order : sequence of (str, str, str)
        Quantity, first and second route of each row, from the top.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If a column is missing.
    """
    need_columns(truths, ["quantity", "first_route", "second_route", "z"], "truths")
    figure = new_figure(PAGE_MM, 12 + 6.5 * len(order))
    axes = figure.subplots()
    axes.axvspan(-2, 2, color="0.92", zorder=0)
    rng = np.random.default_rng(0)
    labels = []
    for row, (quantity, first, second) in enumerate(order):
        of = (truths["quantity"] == quantity) & (truths["first_route"] == first) & (truths["second_route"] == second)
        z = truths.loc[of, "z"].to_numpy(dtype=float)
        far = np.abs(z) > 6
        height = row + rng.uniform(-0.28, 0.28, len(z))
        axes.plot(z[~far], height[~far], linestyle="none", marker="o", markersize=1.5, color="#0072B2", alpha=0.5,
                  rasterized=True)  # fmt: skip
        axes.plot(np.clip(z[far], -6.3, 6.3), height[far], linestyle="none", marker="D", markersize=2, color="#D55E00")
        axes.plot([z.mean()] * 2, [row - 0.35, row + 0.35], color="black", linewidth=1.2)
        labels.append(f"{quantity}: {first} | {second} ({len(z)})")
    axes.set_yticks(range(len(order)), labels)
    axes.set(xlim=(-6.6, 6.6), ylim=(len(order) - 0.5, -0.5), xlabel="difference / standard error")
    axes.tick_params(axis="y", length=0)
    return figure
