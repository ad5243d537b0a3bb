"""Figures of the potential of mean force and of transport."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ljmix.plotting.physics.thermodynamics import size_style
from ljmix.plotting.style import (
    BAND_SIGMAS,
    FEATURE_LABELS,
    PAGE_MM,
    R_LABEL,
    journal_figure,
    letter_panels,
    need_columns,
    new_figure,
)

__all__ = ["plot_mean_force", "plot_transport"]

_SHADES = ("#440154", "#3B528B", "#21918C", "#5EC962", "#C8B400")
_STATE = ["temperature", "fraction_b", "size_ratio", "epsilon_ab"]


@journal_figure
def plot_mean_force(curves: pd.DataFrame, wells: pd.DataFrame) -> Figure:
    """Potential of mean force between dilute B, and what of it is the solvent's.

    Parameters
    ----------
    curves : pandas.DataFrame
        `epsilon_ab`, `r`, `w`, `w_sem`, `direct` (pair potential), one row a bin; one mixture, several ε_AB.
    wells : pandas.DataFrame
        `size_ratio`, `epsilon_ab`, `depth`, `depth_sem`, `solvent`, `barrier`, `barrier_sem`, one row a state.

    Returns
    -------
    matplotlib.figure.Figure
        A: w(r), with the pair potential in grey. B: depth that the solvent adds. C: barrier behind the well.

    Raises
    ------
    ValueError
        If a column is missing.
    """
    need_columns(curves, ["epsilon_ab", "r", "w", "w_sem", "direct"], "curves")
    names = ["size_ratio", "epsilon_ab", "depth_sem", "solvent", "barrier", "barrier_sem"]
    need_columns(wells, names, "wells")
    figure = new_figure(PAGE_MM, 60)
    force, solvent, barrier = figure.subplots(1, 3, width_ratios=(1.3, 1, 1))
    for color, (epsilon, rows) in zip(_SHADES, curves.groupby("epsilon_ab"), strict=False):
        rows = rows.sort_values("r")
        low, high = (rows["w"] + sign * BAND_SIGMAS * rows["w_sem"] for sign in (-1, 1))
        force.fill_between(rows["r"], low, high, color=color, alpha=0.25, linewidth=0)
        force.plot(rows["r"], rows["w"], color=color, label=f"{epsilon:g}")
    direct = curves[curves["epsilon_ab"] == curves["epsilon_ab"].min()].sort_values("r")
    force.plot(direct["r"], direct["direct"], color="0.5", linewidth=1.2, label=r"$u_\mathrm{BB}$")
    force.axhline(0, color="0.5", linewidth=0.4)
    depth = float(min(curves["w"].min(), direct["direct"].min()))
    force.set(xlabel=R_LABEL, ylabel=r"$w_\mathrm{BB}\,/\,\varepsilon$", ylim=(depth - 0.3, 1.2))
    force.set_xlim(0.8 * direct.loc[direct["direct"].idxmin(), "r"], 3.2 * direct.loc[direct["direct"].idxmin(), "r"])
    force.legend(title=FEATURE_LABELS["epsilon_ab"], loc="lower right", ncols=2)
    for size_ratio, rows in wells.groupby("size_ratio"):
        rows, style = rows.sort_values("epsilon_ab"), size_style(size_ratio)
        for axes, name, sem in ((solvent, "solvent", "depth_sem"), (barrier, "barrier", "barrier_sem")):
            axes.errorbar(
                rows["epsilon_ab"], rows[name], yerr=rows[sem], markersize=3, linewidth=0.7,
                label=f"$S$ {size_ratio:g}", **style,
            )  # fmt: skip
    solvent.axhline(0, color="0.5", linewidth=0.5)
    solvent.set(xlabel=FEATURE_LABELS["epsilon_ab"], ylabel=r"depth by the solvent$\,/\,\varepsilon$")
    barrier.set(xlabel=FEATURE_LABELS["epsilon_ab"], ylabel=r"barrier$\,/\,\varepsilon$")
    solvent.legend(loc="best")
    letter_panels((force, solvent, barrier))
    return figure


@journal_figure
def plot_transport(corrected: pd.DataFrame, scaled: pd.DataFrame) -> Figure:
    """Diffusion in boxes of several sizes, and against the entropy of pairs.

    Parameters
    ----------
    corrected : pandas.DataFrame
        As from `ljmix.thermodynamics.transport.correct_boxes`; may have no row.
    scaled : pandas.DataFrame
        As from `ljmix.thermodynamics.transport.scale_by_entropy`.

    Returns
    -------
    matplotlib.figure.Figure
        A: D of each box (open) and corrected for it (full). B: reduced diffusion against s₂; A particles are open, B
        particles full.

    Raises
    ------
    ValueError
        If a column of `scaled` is missing.
    """
    need_columns(scaled, ["size_ratio", "species", "entropy", "reduced_diffusion"], "scaled")
    figure = new_figure(PAGE_MM, 66)
    boxes, entropy = figure.subplots(1, 2)
    shades = iter(_SHADES)
    for key, rows in corrected.groupby([*_STATE, "species"]) if len(corrected) else ():
        color, rows = next(shades, "0.4"), rows.sort_values("box_edge")
        label = f"$T^*$ {key[0]:g}, $S$ {key[2]:g}, {key[4]}"
        x = 1 / rows["box_edge"]
        boxes.errorbar(x, rows["diffusion"], yerr=rows["diffusion_sem"], color=color, marker="o", markersize=3,
                       markerfacecolor="none", linewidth=0.6, linestyle=(0, (2, 2)))  # fmt: skip
        boxes.errorbar(x, rows["infinite"], yerr=rows["infinite_sem"], color=color, marker="o", markersize=3,
                       linewidth=0.6, label=label)  # fmt: skip
    boxes.set(xlabel=r"$\sigma_\mathrm{AA}\,/\,L$", ylabel=r"$D\,\tau\,/\,\sigma_\mathrm{AA}^2$", xlim=(0, None))
    if len(corrected):
        boxes.legend(loc="best")
    for (size_ratio, species), rows in scaled.groupby(["size_ratio", "species"]):
        style = size_style(size_ratio)
        entropy.plot(
            -rows["entropy"], rows["reduced_diffusion"], linestyle="none", markersize=2.4, markeredgewidth=0.6,
            markerfacecolor=style["color"] if species == "B" else "none",
            label=f"$S$ {size_ratio:g}" if species == "B" else None, **style,
        )  # fmt: skip
    slope, level = np.polyfit(
        -scaled.loc[scaled["size_ratio"] == 1, "entropy"],
        np.log(scaled.loc[scaled["size_ratio"] == 1, "reduced_diffusion"]), 1,
    )  # fmt: skip
    x = np.array([-scaled["entropy"].max(), -scaled["entropy"].min()])
    entropy.plot(x, np.exp(level + slope * x), color="black", linewidth=0.8, label="fit to $S$ 1")
    entropy.set(yscale="log", xlabel=r"$-s_2\,/\,k_\mathrm{B}$", ylabel=r"$D\,\rho^{1/3}(m/k_\mathrm{B}T)^{1/2}$")
    entropy.legend(loc="lower left", handletextpad=0.3)
    letter_panels((boxes, entropy))
    return figure
