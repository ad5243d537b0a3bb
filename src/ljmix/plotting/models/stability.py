"""How sure the map is: number of clusters, agreement of the clusters, and their entropies, over many maps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from ljmix.plotting.matrix import draw_matrix, draw_shares, feature_legend
from ljmix.plotting.style import (
    FEATURE_MARKERS,
    PAGE_MM,
    journal_figure,
    legend_line,
    letter_panels,
    need_columns,
    new_figure,
)

__all__ = ["draw_agreement", "draw_counts", "plot_stability"]

_PAPER_K = 4


@journal_figure
def plot_stability(
    counts: pd.DataFrame, agreement: pd.DataFrame, entropies: pd.DataFrame, null: pd.DataFrame, views: Sequence[str]
) -> Figure:
    """Draw what many maps agree on.

    Parameters
    ----------
    counts : pandas.DataFrame
        Columns `view`, `criterion` ("silhouette", "elbow"), `k`, `share`.
    agreement : pandas.DataFrame
        Columns `view`, `other_view`, `ari`: adjusted Rand index of two maps.
    entropies : pandas.DataFrame
        Columns `view`, `seed`, `feature`, `entropy_normalised`.
    null : pandas.DataFrame
        Columns `null_low`, `null_high`: entropies of shuffled clusters, of the first view.
    views : sequence of str
        Rows from top to bottom.

    Returns
    -------
    matplotlib.figure.Figure
        A, B: how often each number of clusters is the best, by silhouette and by elbow; the paper's four is
        framed. C: agreement between seeds. D: mixing entropy of each feature, mean and range over seeds, and
        what shuffled clusters of the first view give.
    """
    need_columns(counts, ["view", "criterion", "k", "share"], "counts")
    need_columns(entropies, ["view", "seed", "feature", "entropy_normalised"], "entropies")
    need_columns(null, ["null_low", "null_high"], "null")
    figure = new_figure(PAGE_MM, 38 + 11.5 * len(views))
    panels = figure.subplots(2, 2, sharey="row", height_ratios=[1, 1.15])
    for axes, criterion in zip(panels[0], ("silhouette", "elbow"), strict=True):
        draw_counts(axes, counts[counts["criterion"] == criterion], views)
        axes.set_title(f"best $k$ by {criterion}, share of seeds")
    draw_agreement(panels[1, 0], agreement, views)
    ranges = entropies.groupby(["view", "feature"])["entropy_normalised"].agg(["mean", "min", "max"]).reset_index()
    axes = panels[1, 1]
    # Shuffled clusters of the first view: those of another view have other sizes.
    band = null["null_low"].min(), null["null_high"].max()
    axes.fill_betweenx([-0.5, 0.5], *band, color="0.88", linewidth=0, zorder=0)
    draw_shares(axes, ranges, views, ("view", "mean", "min", "max"), {})
    axes.set(xlabel="normalised mixing entropy (mean, range)", xlim=(-0.03, 1.06))
    present = [name for name in FEATURE_MARKERS if name in set(entropies["feature"])]
    handles = [*feature_legend(present), Patch(color="0.88", label="shuffled")]
    axes.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.45, -0.13), ncols=5, columnspacing=0.8,
                handletextpad=0.3)  # fmt: skip
    letter_panels(panels.ravel())
    return figure


def draw_counts(axes: Axes, counts: pd.DataFrame, views: Sequence[str]) -> None:
    """Draw the share of maps for which each number of clusters is the best, one row a view.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    counts : pandas.DataFrame
        Columns `view`, `k`, `share`; one criterion.
    views : sequence of str
    """
    table = counts.pivot_table(index="view", columns="k", values="share")
    table = table.reindex(index=list(views), columns=range(2, 11))
    draw_matrix(axes, table, limits=(0, 1), number="{:.0%}")
    axes.axvspan(_PAPER_K - 2, _PAPER_K - 1, facecolor="none", edgecolor="#117733", linewidth=1.4)
    axes.set_xlabel("number of clusters $k$ (framed: the paper's)")


def draw_agreement(axes: Axes, agreement: pd.DataFrame, views: Sequence[str]) -> None:
    """Draw the adjusted Rand index of every two seeds of a view, with their median.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    agreement : pandas.DataFrame
        Columns `view`, `other_view`, `ari`.
    views : sequence of str
    """
    need_columns(agreement, ["view", "other_view", "ari"], "agreement")
    for place, view in enumerate(views):
        same = np.sort(agreement.loc[(agreement["view"] == view) & (agreement["other_view"] == view), "ari"])
        # Points of equal value would hide one another: spread them evenly over the row's height.
        height = place + 0.3 * np.sin(2.399963 * np.arange(len(same)))
        axes.plot(same, height, ".", color="0.55", markersize=2.5, markeredgewidth=0, rasterized=True)
        if len(same):
            axes.plot([np.median(same)] * 2, [place - 0.32, place + 0.32], color="#882255", linewidth=1.6)
        other = agreement.loc[(agreement["view"] == views[0]) & (agreement["other_view"] == view), "ari"]
        if place and len(other):
            axes.plot(other.mean(), place, "D", color="#117733", markersize=3.5)
    axes.set_yticks(range(len(views)), views)
    axes.tick_params(axis="y", length=0)
    # Chance may give a little less than 0.
    axes.set(ylim=(len(views) - 0.4, -0.6), xlim=(min(0.0, float(agreement["ari"].min())) - 0.05, 1.05))
    axes.set(xlabel="adjusted Rand index of the clusters")
    handles = [
        legend_line("0.55", "none", "two seeds", marker="."),
        legend_line("#882255", linewidth=1.6, label="median"),
        legend_line("#117733", "none", f"mean, with {views[0]}", marker="D", markersize=3.5),
    ]
    axes.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.45, -0.13), ncols=3, columnspacing=0.8,
                handletextpad=0.3)  # fmt: skip
