"""How well the models learn: losses, parity and the amount of data; figures 2, 3 and 6."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PolyCollection
from matplotlib.colorbar import Colorbar
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.markers import CARETDOWN
from matplotlib.ticker import MaxNLocator
from sklearn.metrics import r2_score

from ljmix.plotting.curves import curve_legend, draw_prediction
from ljmix.plotting.structure import state_title
from ljmix.plotting.style import (
    PAGE_MM,
    PAIR_COLORS,
    R_LABEL,
    g_label,
    journal_figure,
    letter_panels,
    model_style,
    need_columns,
    new_figure,
    tint,
)
from ljmix.state import PARAMETERS

__all__ = ["draw_losses", "draw_parity", "plot_extrapolation", "plot_interpolation", "plot_scaling"]

_CELLS = 55
_LISTED_SEEDS = 5
_LEGEND_ROOM = 0.35
_R2_FLOOR = -0.5
"""Scores below this are drawn at the edge, or one bad fit would flatten all others."""


def draw_losses(axes: Axes, losses: pd.DataFrame) -> None:
    """Draw the training loss of one model against epochs, a line a seed.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    losses : pandas.DataFrame
        Columns `seed`, `epoch`, `loss` (mean squared error of g over the training rows).
    """
    need_columns(losses, ["seed", "epoch", "loss"], "losses")
    shades = np.linspace(0, 0.6, losses["seed"].nunique())
    for shade, (seed, run) in zip(shades, losses.sort_values("epoch").groupby("seed"), strict=True):
        axes.plot(run["epoch"], run["loss"], color=str(shade), linewidth=0.8, label=f"seed {seed}")
    axes.set(xlabel="epoch", ylabel="mean squared error", yscale="log", xlim=(0, losses["epoch"].max()))
    axes.set_title("training")
    if 1 < len(shades) <= _LISTED_SEEDS:
        # Room above the curves, which start high and end low.
        low, high = axes.get_ylim()
        axes.set_ylim(low, high * (high / low) ** _LEGEND_ROOM)
        axes.legend(loc="upper right", ncols=2, handlelength=1.4, columnspacing=0.8)


def draw_parity(axes: Axes, rows: pd.DataFrame, limits: tuple[float, float], color: str = "black") -> PolyCollection:
    """Draw predicted against simulated g as cells shaded by the number of points, and print R².

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    rows : pandas.DataFrame
        Columns `g`, `predicted`, `seed`.
    limits : (float, float)
        Of both axes.
    color : str
        Of the fullest cells.

    Returns
    -------
    matplotlib.collections.PolyCollection
        The cells; raster even in vector files.
    """
    axes.plot(limits, limits, color="0.5", linewidth=0.6, zorder=1)
    cells = axes.hexbin(
        rows["g"],
        rows["predicted"],
        gridsize=_CELLS,
        extent=(*limits, *limits),
        mincnt=1,
        cmap=_shades(color),
        norm=LogNorm(1, 10),
        linewidths=0.1,
        rasterized=True,
        zorder=2,
    )
    axes.text(0.04, 0.96, _score_text(rows), transform=axes.transAxes, ha="left", va="top", fontsize=7, zorder=3)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.set(xlim=limits, ylim=limits, aspect="equal", xlabel=r"simulated $g(r)$", ylabel=r"predicted $g(r)$")
    return cells


def _shades(color: str) -> LinearSegmentedColormap:
    # The palest still stands out from the paper, because single points are what a reader looks for.
    return LinearSegmentedColormap.from_list("shades", [tint(color, 0.78), tint(color, 0.4), tint(color, 0)])


def _score_text(rows: pd.DataFrame) -> str:
    """R² as mean and standard deviation over seeds."""
    scores = [r2_score(part["g"], part["predicted"]) for _, part in rows.groupby("seed")]
    spread = rf" \pm {np.std(scores, ddof=1):.3f}" if len(scores) > 1 else ""
    return rf"$R^2 = {np.mean(scores):.3f}{spread}$"


@journal_figure
def plot_interpolation(predictions: pd.DataFrame, losses: pd.DataFrame, model: str = "mlp") -> Figure:
    """Figure 2: a random split. A: loss. B, C: parity on the rows the model was trained on, and on the rest.

    Parameters
    ----------
    predictions : pandas.DataFrame
        Columns `g`, `predicted`, `model`, `seed`, `part` ("train" or "test").
    losses : pandas.DataFrame
        Columns `model`, `seed`, `epoch`, `loss`.
    model : str

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If a column, the model or a part is missing.
    """
    rows, losses = _of_model(predictions, losses, model)
    figure = new_figure(PAGE_MM, 57)
    panels = figure.subplots(1, 3)
    draw_losses(panels[0], losses)
    panels[0].set_box_aspect(1)
    _draw_parts(panels[1:], rows, _limits(rows))
    letter_panels(panels)
    return figure


@journal_figure
def plot_extrapolation(predictions: pd.DataFrame, losses: pd.DataFrame, model: str = "mlp") -> Figure:
    """Figure 3: unseen temperatures. A: loss. B, C: parity, training and test. D-F: test by pair.

    Parameters
    ----------
    predictions : pandas.DataFrame
        Columns `pair`, `g`, `predicted`, `model`, `seed`, `part` ("train" or "test").
    losses : pandas.DataFrame
        Columns `model`, `seed`, `epoch`, `loss`.
    model : str

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If a column, the model or a part is missing.
    """
    need_columns(predictions, ["pair"], "predictions")
    rows, losses = _of_model(predictions, losses, model)
    figure = new_figure(PAGE_MM, 112)
    panels = figure.subplots(2, 3)
    draw_losses(panels[0, 0], losses)
    panels[0, 0].set_box_aspect(1)
    _draw_parts(panels[0, 1:], rows, _limits(rows))
    test = rows[rows["part"] == "test"]
    cells = []
    for axes, (pair, color) in zip(panels[1], PAIR_COLORS.items(), strict=True):
        of_pair = test[test["pair"] == pair]
        if of_pair.empty:
            raise ValueError(f"predictions: no test row of pair {pair}")
        cells.append(draw_parity(axes, of_pair, _limits(of_pair), color))
        axes.set_title(f"test, {pair}", color=color)
        axes.set(xlabel=f"simulated {g_label(pair)}", ylabel=f"predicted {g_label(pair)}")
    norm = _share_norm(cells)
    for axes, color in zip(panels[1], PAIR_COLORS.values(), strict=True):
        _draw_bar(axes, norm, color, label="points a cell" if axes is panels[1, -1] else "")
    letter_panels(panels.ravel())
    return figure


def _of_model(predictions: pd.DataFrame, losses: pd.DataFrame, model: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    need_columns(predictions, ["g", "predicted", "model", "seed", "part"], "predictions")
    need_columns(losses, ["model", "seed", "epoch", "loss"], "losses")
    rows, losses_of_model = predictions[predictions["model"] == model], losses[losses["model"] == model]
    for name, table in (("predictions", rows), ("losses", losses_of_model)):
        if table.empty:
            raise ValueError(f"{name}: no row of model {model!r}")
    for part in ("train", "test"):
        if part not in set(rows["part"]):
            raise ValueError(f"predictions: no row of part {part!r}; there are {sorted(set(rows['part']))}")
    return rows, losses_of_model


def _draw_parts(panels: Sequence[Axes], rows: pd.DataFrame, limits: tuple[float, float]) -> None:
    cells = []
    for axes, (part, title) in zip(panels, (("train", "training"), ("test", "test")), strict=True):
        cells.append(draw_parity(axes, rows[rows["part"] == part], limits))
        axes.set_title(title)
    _draw_bar(panels[-1], _share_norm(cells), "black", "points a cell")


def _share_norm(cells: Sequence[PolyCollection]) -> LogNorm:
    """Give the cells of several panels one scale of shades."""
    counts = np.concatenate([np.asarray(drawn.get_array(), dtype=float) for drawn in cells])
    norm = LogNorm(1, max(10.0, float(counts.max(initial=0))))
    for drawn in cells:
        drawn.set_norm(norm)
    return norm


def _draw_bar(axes: Axes, norm: LogNorm, color: str, label: str) -> None:
    """Draw a bar of the panel's own shades at its right; without numbers where a bar further right has them."""
    bar = Colorbar(axes.inset_axes((1.03, 0, 0.04, 1)), ScalarMappable(norm, _shades(color)))
    bar.set_label(label)
    if not label:
        bar.ax.tick_params(which="both", length=0, labelright=False)
    bar.outline.set_visible(False)


def _limits(rows: pd.DataFrame) -> tuple[float, float]:
    both = rows[["g", "predicted"]].to_numpy()
    low, high = min(0.0, float(both.min())), float(both.max())
    margin = 0.04 * (high - low or 1.0)
    return low - margin, high + margin


@journal_figure
def plot_scaling(scaling: pd.DataFrame, curves: pd.DataFrame, models: Sequence[str], pair: str = "BB") -> Figure:
    """Figure 6: what more data buys. A: R² against training rows. B, C: a curve from few rows and from all.

    Parameters
    ----------
    scaling : pandas.DataFrame
        Columns `model`, `rows` (training rows), `r2_median`, `r2_low`, `r2_high` (over seeds), as of
        `ljmix.evaluation.scaling.DataScaling`.
    curves : pandas.DataFrame
        `ljmix.plotting.PREDICTION_COLUMNS`, `rows` and the four parameters; one state, at least two values of
        `rows`, of which the smallest and the largest are drawn.
    models : sequence of str
    pair : {"AA", "AB", "BB"}

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If a column is missing, or `curves` has only one value of `rows`.
    """
    need_columns(scaling, ["model", "rows", "r2_median", "r2_low", "r2_high"], "scaling")
    need_columns(curves, ["rows", "pair", *PARAMETERS], "curves")
    sizes = sorted(set(curves["rows"]))
    if len(sizes) < 2:
        raise ValueError(f"curves: rows = {sizes[0]} only; a small and a full training set are needed")
    figure = new_figure(PAGE_MM, 66)
    panels = figure.subplots(1, 3)
    _draw_scores(panels[0], scaling, models)
    for axes, size in zip(panels[1:], (sizes[0], sizes[-1]), strict=True):
        of_size = curves[(curves["rows"] == size) & (curves["pair"] == pair)]
        draw_prediction(axes, of_size, models)
        axes.set_title(f"{pair}, {_count(size)} rows", color=PAIR_COLORS[pair])
        axes.set(xlabel=R_LABEL, ylabel=g_label(pair))
    figure.suptitle(f"A: all test states. B, C: {state_title(curves.iloc[0])}")
    low, high = min(axes.get_ylim()[0] for axes in panels[1:]), max(axes.get_ylim()[1] for axes in panels[1:])
    for axes in panels[1:]:
        axes.set_ylim(low, high)
    handles = curve_legend(models, PAIR_COLORS[pair], curves["seed"].nunique())
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    letter_panels(panels)
    return figure


def _draw_scores(axes: Axes, scaling: pd.DataFrame, models: Sequence[str]) -> None:
    markers = "osD^v<>"
    for marker, model in zip(markers, models, strict=False):
        part = scaling[scaling["model"] == model].sort_values("rows")
        if part.empty:
            raise ValueError(f"scaling: no row of model {model!r}; there are {sorted(set(scaling['model']))}")
        line, rows = model_style(model, models), part["rows"].to_numpy()
        median, low, high = (part[f"r2_{name}"].to_numpy(dtype=float) for name in ("median", "low", "high"))
        shown, bottom, top = (np.maximum(values, _R2_FLOOR) for values in (median, low, high))
        axes.fill_between(rows, bottom, top, color=str(line["color"]), alpha=0.2, linewidth=0)
        axes.plot(rows, shown, marker=marker, markersize=3.5, markevery=list(median >= _R2_FLOOR), **line)
        # A caret at the edge: the score lies below.
        below = rows[median < _R2_FLOOR]
        axes.plot(
            below,
            np.full(len(below), _R2_FLOOR - 0.03),
            linestyle="none",
            marker=CARETDOWN,
            color=str(line["color"]),
        )
    if scaling["rows"].max() > 10 * scaling["rows"].min():
        axes.set_xscale("log")
    least = min(0.0, max(float(scaling["r2_low"].min()), _R2_FLOOR)) - 0.1
    axes.set(xlabel="training rows", ylabel=r"$R^2$", ylim=(least, 1.03))
    axes.axhline(1, color="0.6", linewidth=0.5, zorder=0)


def _count(number: int) -> str:
    """Thousands apart by a thin space."""
    return f"{number:,}".replace(",", "\u2009")
