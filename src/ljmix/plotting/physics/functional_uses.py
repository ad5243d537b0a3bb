"""Figures of what a density functional is used for: two liquids, a long channel, and what it costs."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator, ScalarFormatter

from ljmix._util.arrays import FloatArray
from ljmix.plotting.physics.functional import LINES
from ljmix.plotting.style import BAND_SIGMAS, PAGE_MM, journal_figure, letter_panels, need_columns, new_figure

__all__ = ["plot_channel", "plot_cost", "plot_two_liquids"]

_DEPTH_COLORS = ("#0072B2", "#009E73", "#E69F00", "#D55E00", "black")
_START_COLORS = {"start0": "black", "start1": "0.55"}


@journal_figure
def plot_two_liquids(
    liquids: pd.DataFrame, observed: pd.DataFrame, z: FloatArray, rho: FloatArray, tensions: pd.DataFrame
) -> Figure:
    """Coexisting compositions of the symmetric mixture, an interface, and its tension.

    Parameters
    ----------
    liquids : pandas.DataFrame
        Columns `model`, `epsilon_ab`, `temperature` and `fraction_b`, of the liquid poor in B.
    observed : pandas.DataFrame
        Columns `epsilon_ab`, `temperature`, `fraction_b` and `fraction_b_sem`, from simulation, and `alike`: what the
        functional gives if it is measured as the simulation was; may be NaN.
    z : (bins,) array
        Place along the interface.
    rho : (2, bins) array
        Densities of A and B.
    tensions : pandas.DataFrame
        Columns `model`, `epsilon_ab` and `tension`.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If a column is missing.
    """
    need_columns(liquids, ["model", "epsilon_ab", "temperature", "fraction_b"], "liquids")
    need_columns(observed, ["epsilon_ab", "temperature", "fraction_b", "fraction_b_sem", "alike"], "observed")
    need_columns(tensions, ["model", "epsilon_ab", "tension"], "tensions")
    figure = new_figure(PAGE_MM, 62)
    panels = figure.subplots(1, 3)
    colors = dict(zip(sorted(liquids["epsilon_ab"].unique()), _DEPTH_COLORS, strict=False))
    for (model, epsilon), part in liquids.groupby(["model", "epsilon_ab"], sort=False):
        dashes = LINES[str(model)]["linestyle"]
        label = rf"$\varepsilon_{{AB}}$ = {epsilon:g}" if model == "learned" else ""
        panels[0].plot(part["fraction_b"], part["temperature"], linestyle=dashes, color=colors[epsilon], label=label)
    for epsilon, part in observed.groupby("epsilon_ab"):
        panels[0].errorbar(
            part["fraction_b"], part["temperature"], xerr=BAND_SIGMAS * part["fraction_b_sem"], fmt="o", markersize=3,
            color=colors.get(epsilon, "black"), elinewidth=0.8,
        )  # fmt: skip
        # A little below, so that both are seen.
        panels[0].plot(
            part["alike"], part["temperature"] - 0.018, "^", markersize=4, markerfacecolor="none",
            color=colors.get(epsilon, "black"),
        )  # fmt: skip
    panels[0].set(xlabel=r"$x_B$ of the liquid rich in A", ylabel=r"$T^*$", xscale="log")
    panels[0].legend(fontsize=6)
    for values, name, color in zip(rho, "AB", ("#0072B2", "#D55E00"), strict=True):
        panels[1].plot(z, values, color=color, label=name)
    panels[1].plot(z, rho.sum(axis=0), color="0.5", linewidth=0.9, label="both")
    panels[1].set(xlabel=r"$z\,/\,\sigma$", ylabel=r"$\rho\,\sigma^3$", ylim=(0, None))
    panels[1].legend(fontsize=6)
    for model, part in tensions.groupby("model", sort=False):
        style = {**LINES[str(model)], "marker": "o", "markersize": 2.5}
        panels[2].plot(part["epsilon_ab"], part["tension"], **style)
    panels[2].set(
        xlabel=r"$\varepsilon_{AB}\,/\,\varepsilon$", ylabel=r"$\gamma\,\sigma^2/\varepsilon$", ylim=(0, None)
    )
    panels[2].legend(fontsize=6)
    letter_panels(panels)
    return figure


@journal_figure
def plot_channel(
    channel: pd.DataFrame, along: pd.DataFrame, across: pd.DataFrame, stripes: tuple[tuple[float, float], ...]
) -> Figure:
    """Density in a channel between striped walls, and two lines through a piece of it that was simulated.

    Parameters
    ----------
    channel : pandas.DataFrame
        Columns `x`, `z` and `rho`, a full grid.
    along, across : pandas.DataFrame
        Columns `place` (σ), `learned`, `start0`, `start1` and `sem`, of the line along the channel and of that across.
    stripes : tuple of (float, float)
        Middle and width of the stripes, σ.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If a column is missing.
    """
    need_columns(channel, ["x", "z", "rho"], "channel")
    for name, table in (("along", along), ("across", across)):
        need_columns(table, ["place", "learned", "start0", "start1", "sem"], name)
    figure = new_figure(PAGE_MM, 92)
    layout = figure.add_gridspec(2, 2, height_ratios=(1, 1.5))
    top = figure.add_subplot(layout[0, :])
    wide = channel.pivot(index="z", columns="x", values="rho")
    x, z = wide.columns.to_numpy(dtype=float), wide.index.to_numpy(dtype=float)
    image = top.pcolormesh(x, z, wide.to_numpy(dtype=float), vmin=0, vmax=1.2, cmap="viridis", rasterized=True)
    for middle, width in stripes:
        for wall in (z[0], z[-1]):
            top.plot([middle - width / 2, middle + width / 2], [wall, wall], color="#D55E00", linewidth=3)
    top.set(xlabel=r"$x\,/\,\sigma$", ylabel=r"$z\,/\,\sigma$", aspect="equal")
    figure.colorbar(image, ax=top, label=r"$\rho\,\sigma^3$", shrink=0.6, fraction=0.03, pad=0.01, ticks=[0, 0.5, 1.0])
    below = [figure.add_subplot(layout[1, column]) for column in (0, 1)]
    for axes, table, label in zip(below, (along, across), (r"$x\,/\,\sigma$", r"$z\,/\,\sigma$"), strict=True):
        for start, color in _START_COLORS.items():
            axes.errorbar(
                table["place"], table[start], yerr=BAND_SIGMAS * np.sqrt(2) * table["sem"], fmt="o", markersize=2,
                color=color, elinewidth=0.6, capsize=0, label=f"simulation, start {start[-1]}",
            )  # fmt: skip
        axes.plot(table["place"], table["learned"], **LINES["learned"])
        axes.set(xlabel=label, ylabel=r"$\rho\,\sigma^3$", ylim=(0, None))
    below[1].legend(fontsize=6, loc="lower center")
    letter_panels([top, *below])
    return figure


@journal_figure
def plot_cost(cost: pd.DataFrame) -> Figure:
    """Errors of profiles against the CPU time that they take, by simulation and by the functional.

    Parameters
    ----------
    cost : pandas.DataFrame
        Columns `field`, `source` ("simulation" or "functional"), `cpu_seconds` and `error`.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If a column is missing.
    """
    need_columns(cost, ["field", "source", "cpu_seconds", "error"], "cost")
    figure = new_figure(PAGE_MM / 2, 62)
    axes = figure.subplots()
    for number, (field, group) in enumerate(cost.groupby("field")):
        color = _DEPTH_COLORS[number % len(_DEPTH_COLORS)]
        simulated, learned = (group[group["source"] == source] for source in ("simulation", "functional"))
        axes.plot(simulated["cpu_seconds"], 100 * simulated["error"], "o-", markersize=3, color=color)
        label = str(field).rsplit("-", 1)[-1]
        axes.plot(learned["cpu_seconds"], 100 * learned["error"], "*", markersize=7, color=color, label=label)
    axes.set(xlabel="CPU time of one profile, s", ylabel="error of the profile, %", xscale="log", yscale="log")
    axes.yaxis.set_major_locator(FixedLocator([0.5, 1, 2, 3]))
    axes.yaxis.set_major_formatter(ScalarFormatter())
    axes.yaxis.set_minor_locator(NullLocator())
    axes.legend(fontsize=6, title="functional (stars)", title_fontsize=6)
    return figure
