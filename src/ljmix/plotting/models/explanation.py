"""What decides the structure: the map of all curves, its clusters, and the attributions; figure 7."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ljmix.plotting.style import (
    FEATURE_LABELS,
    PAGE_MM,
    journal_figure,
    legend_line,
    letter_panels,
    model_style,
    need_columns,
    new_figure,
)

__all__ = ["draw_clusters", "draw_entropy", "draw_importance", "draw_scan", "plot_explanation"]

# Paul Tol's muted scheme (https://sronpersonalpages.nl/~pault/), none of them a pair's.
_CLUSTER_COLORS = (
    "#332288", "#DDCC77", "#882255", "#88CCEE", "#117733",
    "#CC6677", "#44AA99", "#AA4499", "#999933", "#777777",
)  # fmt: skip
_CLUSTER_MARKERS = "osD^vPX*<>"
# Fill and hatch of a model's bars; like its line, they are the same in every figure.
_BARS = {"mlp": ("0.3", ""), "xgboost": ("white", "/////")}
_OTHER_BAR = ("white", ".....")


@journal_figure
def plot_explanation(
    points: pd.DataFrame,
    scan: pd.DataFrame,
    entropy: pd.DataFrame,
    importance: pd.DataFrame,
    k: int,
) -> Figure:
    """Figure 7: A: map of the structures. B: choice of k. C: mixing entropy. D: attributions.

    Parameters
    ----------
    points : pandas.DataFrame
        Columns `x`, `y` (the map) and `cluster` (0, 1, …); one row a state.
    scan : pandas.DataFrame
        Columns `k`, `inertia`, `silhouette`, as of `scan_clusters`; one row a number of clusters and map.
    entropy : pandas.DataFrame
        Columns `feature`, `entropy_normalised`, `error` (half width of the error bar), `null_low`, `null_high`
        (range for shuffled clusters).
    importance : pandas.DataFrame
        Columns `model`, `feature`, `mean_abs` (units of g), `mean_abs_low`, `mean_abs_high`.
    k : int
        Number of clusters in A, marked in B.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If a column is missing, a table is empty, or `k` is not among those tried.
    """
    figure = new_figure(PAGE_MM, 128)
    panels = figure.subplots(2, 2)
    draw_clusters(panels[0, 0], points)
    draw_scan(panels[0, 1], scan, k)
    draw_entropy(panels[1, 0], entropy)
    draw_importance(panels[1, 1], importance)
    letter_panels(panels.ravel())
    return figure


def draw_clusters(axes: Axes, points: pd.DataFrame) -> None:
    """Draw the map, each cluster with its colour and marker, and its name above it.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    points : pandas.DataFrame
        Columns `x`, `y`, `cluster` (0 … 9).
    """
    need_columns(points, ["x", "y", "cluster"], "points")
    for cluster, part in points.groupby("cluster", sort=True):
        color = _CLUSTER_COLORS[cluster % len(_CLUSTER_COLORS)]
        marker = _CLUSTER_MARKERS[cluster % len(_CLUSTER_MARKERS)]
        label = f"{cluster + 1} ({len(part)})"
        axes.scatter(part["x"], part["y"], s=9, color=color, marker=marker, linewidths=0, alpha=0.8, label=label)
        axes.annotate(
            str(cluster + 1),
            (part["x"].mean(), part["y"].max()),
            xytext=(0, 6),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontweight="bold",
            bbox={"boxstyle": "circle,pad=0.2", "facecolor": "white", "edgecolor": color, "alpha": 0.85},
        )
    axes.set(xlabel="UMAP 1", ylabel="UMAP 2", xticks=[], yticks=[])
    axes.margins(0.08, 0.18)
    axes.legend(
        title="cluster (states)",
        title_fontsize=7,
        loc="upper center",
        bbox_to_anchor=(0.5, -0.07),
        ncols=5,
        handletextpad=0.0,
        columnspacing=0.8,
    )


def draw_scan(axes: Axes, scan: pd.DataFrame, k: int) -> tuple[Axes, Axes]:
    """Draw inertia (left axis) and silhouette (right axis) against the number of clusters.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    scan : pandas.DataFrame
        Columns `k`, `inertia`, `silhouette`; mean and standard deviation of each k are drawn.
    k : int
        Marked by a line.

    Returns
    -------
    left, right : matplotlib.axes.Axes
    """
    need_columns(scan, ["k", "inertia", "silhouette"], "scan")
    if k not in set(scan["k"]):
        raise ValueError(f"k = {k} was not tried; the scan holds {sorted(set(scan['k']))}")
    by_k = scan.groupby("k")
    right = axes.twinx()
    right.spines["right"].set_visible(True)
    axes.axvline(k, color="0.6", linewidth=0.8, linestyle=(0, (1, 1)), zorder=0)
    looks: dict[str, tuple[Axes, dict[str, Any]]] = {
        "inertia": (axes, {"color": "black", "marker": "o"}),
        "silhouette": (right, {"color": "#882255", "marker": "s", "linestyle": (0, (4, 1.5))}),
    }
    for name, (side, look) in looks.items():
        mean, spread = by_k[name].mean(), by_k[name].std().fillna(0)
        side.errorbar(mean.index, mean, yerr=spread, elinewidth=0.8, **look)
    axes.set(xlabel=r"number of clusters $k$", ylabel="inertia (map units squared)", ylim=(0, None))
    axes.set_ylim(0, 1.15 * float(scan["inertia"].max()))
    right.set_ylabel("silhouette", color="#882255")
    low, high = float(scan["silhouette"].min()), float(scan["silhouette"].max())
    right.set_ylim(min(0.0, 1.15 * low), 1.15 * max(high, 0.1))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.ticklabel_format(axis="y", style="sci", scilimits=(-2, 4))
    axes.text(k, 0.98, f" $k$ = {k}", transform=axes.get_xaxis_transform(), ha="left", va="top", fontsize=7)
    axes.legend(
        handles=[legend_line(label=name, **look) for name, (_, look) in looks.items()],
        loc="lower right",
        bbox_to_anchor=(1.0, 1.0),
        ncols=2,
        borderaxespad=0.2,
    )
    return axes, right


def draw_entropy(axes: Axes, entropy: pd.DataFrame) -> None:
    """Draw the normalised mixing entropy of each feature as bars, the deciding feature first.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    entropy : pandas.DataFrame
        Columns `feature`, `entropy_normalised`, `error` (NaN for a single map), `null_low`, `null_high`: a band shows
        what a feature has that plays no part.
    """
    need_columns(entropy, ["feature", "entropy_normalised", "error", "null_low", "null_high"], "entropy")
    table = entropy.sort_values("entropy_normalised", kind="stable").fillna({"error": 0.0})
    place = np.arange(len(table))
    half = 0.42
    for x, low, high in zip(place, table["null_low"], table["null_high"], strict=True):
        axes.fill_between(
            [x - half, x + half], low, high, facecolor=("#E69F00", 0.45), edgecolor="#8A5A00", linewidth=0.8, zorder=3
        )
    bars = axes.bar(
        place,
        table["entropy_normalised"],
        yerr=table["error"],
        color="0.75",
        edgecolor="black",
        width=0.55,
        error_kw={"linewidth": 0.8, "zorder": 4},
    )
    for bar, value, error in zip(bars, table["entropy_normalised"], table["error"], strict=True):
        top = max(value + error, 0) if value < 0.7 else 1.02
        axes.text(bar.get_x() + bar.get_width() / 2, top + 0.02, f"{value:.2f}", ha="center", va="bottom", fontsize=7)
    handle = legend_line("#E69F00", linewidth=6, alpha=0.45, label="clusters shuffled, 95 %")
    axes.legend(handles=[handle], loc="lower right", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.2)
    axes.set_xticks(place, [FEATURE_LABELS[name] for name in table["feature"]])
    axes.tick_params(axis="x", length=0)
    axes.set(ylabel="normalised mixing entropy", ylim=(0, 1.12), xlim=(-0.6, len(table) - 0.4))


def draw_importance(axes: Axes, importance: pd.DataFrame) -> None:
    """Draw mean |Shapley value| of each feature, models side by side, the largest feature on top.

    The network comes first, then XGBoost, then others.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    importance : pandas.DataFrame
        Columns `model`, `feature`, `mean_abs`, `mean_abs_low`, `mean_abs_high`.
    """
    need_columns(importance, ["model", "feature", "mean_abs", "mean_abs_low", "mean_abs_high"], "importance")
    models = sorted(dict.fromkeys(importance["model"]), key=lambda name: (name not in _BARS, name != "mlp"))
    order = importance.groupby("feature")["mean_abs"].mean().sort_values(kind="stable").index
    thick = 0.8 / len(models)
    for row, model in enumerate(models):
        part = importance[importance["model"] == model].set_index("feature").reindex(order)
        place = np.arange(len(order)) + ((len(models) - 1) / 2 - row) * thick
        bars = axes.barh(place, part["mean_abs"], thick)
        # The interval is grey on a dark bar, to be seen there as well as on white paper.
        color = "0.6" if model == "mlp" else "black"
        axes.hlines(place, part["mean_abs_low"], part["mean_abs_high"], color=color, linewidth=0.8)
        line = model_style(model, models)
        bars.set_label(str(line["label"]))
        face, hatch = _BARS.get(model, _OTHER_BAR)
        for bar in bars:
            bar.set(edgecolor=face if model == "mlp" else str(line["color"]), facecolor=face, hatch=hatch)
    axes.set_yticks(np.arange(len(order)), [FEATURE_LABELS[name] for name in order])
    axes.tick_params(axis="y", length=0)
    axes.set(xlabel="mean |SHAP value| of $g(r)$, with 95 % interval", xlim=(0, None))
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=len(models), borderaxespad=0.2)
