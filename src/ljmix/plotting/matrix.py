"""Tables of numbers as shaded squares, each with its number: what matrices and points with ranges share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from ljmix.plotting.style import FEATURE_COLORS, FEATURE_LABELS, FEATURE_MARKERS, legend_line, need_columns

__all__ = ["SHADES", "draw_matrix", "draw_shares", "feature_legend"]

SHADES = "magma_r"
"""Pale for little, dark for much; its lightness falls evenly, so that a print in grey says the same."""

_SPREAD = 0.17


def draw_matrix(
    axes: Axes,
    table: pd.DataFrame,
    *,
    limits: tuple[float, float],
    labels: Mapping[str, str] | None = None,
    number: str = "{:.2f}",
    errors: pd.DataFrame | None = None,
) -> None:
    """Draw a table as shaded squares with their numbers.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    table : pandas.DataFrame
        Index and columns name the rows and columns; NaN leaves a square empty.
    limits : tuple of float
        Values of the lightest and the darkest shade.
    labels : mapping, optional
        What is written for a name of the index or the columns; others are written as they are.
    number : str
        Format of the numbers.
    errors : pandas.DataFrame, optional
        Written below the numbers; rows and columns of `table`.
    """
    names = dict(labels or {})
    text = table.map(number.format)
    if errors is not None:
        text += errors.map("\n±{:.2f}".format)
    seaborn.heatmap(
        table.astype(float), ax=axes, cmap=SHADES, vmin=limits[0], vmax=limits[1], cbar=False, annot=text, fmt="",
        annot_kws={"fontsize": 7, "linespacing": 1.0}, linewidths=1, linecolor="white",
        xticklabels=[names.get(str(name), str(name)) for name in table.columns],
        yticklabels=[names.get(str(name), str(name)) for name in table.index],
    )  # fmt: skip
    axes.set(xlabel="", ylabel="")
    axes.tick_params(length=0, labelrotation=0)


def draw_shares(
    axes: Axes, table: pd.DataFrame, rows: Sequence[str], columns: tuple[str, str, str, str], labels: Mapping[str, str]
) -> None:
    """Draw one line of points a row: a number of each parameter, with its range.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    table : pandas.DataFrame
        Column `feature` and those named in `columns`.
    rows : sequence of str
        Rows from top to bottom.
    columns : tuple of str
        Names of the columns that hold the row, the value, and the ends of its range.
    labels : mapping
        What is written for a row; its name if it is not in there.
    """
    row, value, low, high = columns
    need_columns(table, ["feature", *columns], "shares")
    features = [name for name in FEATURE_MARKERS if name in set(table["feature"])]
    for k, feature in enumerate(features):
        part = table[table["feature"] == feature].set_index(row).reindex(rows)
        place = np.arange(len(rows)) + (k - (len(features) - 1) / 2) * _SPREAD
        color = FEATURE_COLORS[feature]
        axes.hlines(place, part[low], part[high], color=color, linewidth=0.8)
        axes.plot(part[value], place, linestyle="none", marker=FEATURE_MARKERS[feature], color=color, markersize=3.5)
    axes.set_yticks(range(len(rows)), [labels.get(name, name) for name in rows])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    for edge in range(1, len(rows)):
        axes.axhline(edge - 0.5, color="0.88", linewidth=0.5, zorder=0)


def feature_legend(features: Sequence[str] = tuple(FEATURE_MARKERS)) -> list[Line2D]:
    """Legend entries of `draw_shares`."""
    return [
        legend_line(
            FEATURE_COLORS[name], "none", FEATURE_LABELS[name], marker=FEATURE_MARKERS[name], markersize=3.5
        )
        for name in features
    ]  # fmt: skip
