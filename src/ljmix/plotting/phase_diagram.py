"""Phase diagrams: which compositions coexist, from slabs, over the line of a mean field."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ljmix.plotting.style import (
    BAND_SIGMAS,
    FEATURE_LABELS,
    PAGE_MM,
    journal_figure,
    legend_line,
    letter_panels,
    need_columns,
    new_figure,
)
from ljmix.theory.coexistence import coexisting_liquids

__all__ = ["plot_phase_diagrams"]

_COLOURS = ("#0072B2", "#009E73", "#E69F00", "#D55E00", "#CC79A7")
_MARKERS = ("o", "s", "^", "D", "v")
_STEPS = 60


@journal_figure
def plot_phase_diagrams(coexistence: pd.DataFrame) -> Figure:
    """Binodals in the plane of composition and temperature, one panel a size ratio.

    Parameters
    ----------
    coexistence : pandas.DataFrame
        Of slabs: columns `temperature`, `size_ratio`, `epsilon_ab`, `fraction_b` (of the whole slab), `liquids`,
        `starts_agree`, `x_b_lean`, `x_b_rich` and their `_sem`, as from `ljmix.release.coexistence`.

    Returns
    -------
    matplotlib.figure.Figure
        Points with bars of two standard errors, open where the two starts disagree; crosses at the composition of the
        slab where it holds one liquid; lines of the regular solution of `ljmix.theory.coexistence`.

    Raises
    ------
    ValueError
        If a column is missing or the table is empty.
    """
    columns = ["temperature", "size_ratio", "epsilon_ab", "fraction_b", "liquids", "starts_agree"]
    columns += [f"x_b_{liquid}{suffix}" for liquid in ("lean", "rich") for suffix in ("", "_sem")]
    need_columns(coexistence, columns, "coexistence")
    sizes, energies = (sorted(coexistence[name].unique()) for name in ("size_ratio", "epsilon_ab"))
    figure = new_figure(PAGE_MM, 70 if len(sizes) <= 2 else 125)
    panels = figure.subplots(-(-len(sizes) // 2), min(2, len(sizes)), squeeze=False, sharey=True).ravel()
    top = coexistence["temperature"].max() + 0.25
    for axes, size_ratio in zip(panels, sizes, strict=False):
        of_size = coexistence[coexistence["size_ratio"] == size_ratio]
        for place, epsilon_ab in enumerate(energies):
            of_energy = of_size[of_size["epsilon_ab"] == epsilon_ab]
            if not of_energy.empty:
                _draw_binodal(axes, of_energy, place, top)
        axes.set(xlim=(-0.02, 1.02), xlabel=r"$x_\mathrm{B}$", title=f"{FEATURE_LABELS['size_ratio']} = {size_ratio:g}")
    for axes in panels[:: min(2, len(sizes))]:
        axes.set_ylabel(FEATURE_LABELS["temperature"])
    for axes in panels[len(sizes) :]:
        axes.set_axis_off()
    handles = [
        legend_line(_COLOURS[place % 5], label=f"{value:g}", marker=_MARKERS[place % 5])
        for place, value in enumerate(energies)
    ]
    panels[0].legend(handles=handles, title=FEATURE_LABELS["epsilon_ab"], title_fontsize=6, loc="best")
    if len(sizes) > 1:
        letter_panels(panels[: len(sizes)])
    return figure


def _draw_binodal(axes: Axes, rows: pd.DataFrame, place: int, top: float) -> None:
    colour, marker = _COLOURS[place % 5], _MARKERS[place % 5]
    first = rows.iloc[0]
    line = _mean_field(first, np.linspace(0.5, top, _STEPS))
    axes.plot(line["lean"], line["temperature"], color=colour, linewidth=0.8)
    axes.plot(line["rich"], line["temperature"], color=colour, linewidth=0.8)
    for agree, of in rows[rows["liquids"] == 2].groupby("starts_agree"):
        for liquid in ("lean", "rich"):
            axes.errorbar(
                of[f"x_b_{liquid}"], of["temperature"], xerr=BAND_SIGMAS * of[f"x_b_{liquid}_sem"], fmt=marker,
                color=colour, markersize=3, markerfacecolor=colour if agree else "white", elinewidth=0.6, capsize=1.5,
                linestyle="none",
            )  # fmt: skip
    one = rows[rows["liquids"] == 1]
    axes.plot(one["fraction_b"], one["temperature"], "x", color=colour, markersize=3)


def _mean_field(row: pd.Series, temperatures: np.ndarray) -> pd.DataFrame:
    """Number fractions of B in both liquids of the regular solution, where it separates."""
    states = pd.DataFrame({"temperature": temperatures, "pressure": 1.0})
    states = states.assign(**{name: float(row[name]) for name in ("fraction_b", "size_ratio", "epsilon_ab")})
    liquids = coexisting_liquids(states)
    volume = float(row["size_ratio"]) ** 3
    lean, rich = (phi / (phi + volume * (1 - phi)) for phi in (liquids.lean, liquids.rich))
    two = liquids.share > 0
    return pd.DataFrame({"temperature": temperatures[two], "lean": lean[two], "rich": rich[two]})
