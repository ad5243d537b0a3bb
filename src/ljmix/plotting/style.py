"""What all figures share: sizes, palette, labels, panel letters, and the one way to save."""

from __future__ import annotations

import functools
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any, ParamSpec

import numpy as np
import pandas as pd
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D

from ljmix._util.atomic import replace_when_whole

__all__ = [
    "BAND_SIGMAS", "COLUMN_MM", "FEATURE_COLORS", "FEATURE_LABELS", "FEATURE_MARKERS",
    "PAGE_MM", "PAIR_COLORS", "PAIR_LINES", "PAIR_MARKERS",
    "journal_figure", "journal_style", "model_style", "save_figure",
]  # fmt: skip

P = ParamSpec("P")

COLUMN_MM = 85.0
PAGE_MM = 170.0
"""Widths of a journal's column and page."""

BAND_SIGMAS = 2
"""Half width of the bands around simulated values, in standard errors: about 95 %."""

# Three colours of Okabe and Ito (https://jfly.uni-koeln.de/color/), which colour-blind readers tell apart.
# Dashes and markers say the same in grey.
PAIR_COLORS = {"AA": "#0072B2", "AB": "#009E73", "BB": "#D55E00"}
PAIR_LINES = {"AA": "-", "AB": (0, (4, 1.5)), "BB": (0, (5, 1.2, 1, 1.2))}
PAIR_MARKERS = {"AA": "o", "AB": "s", "BB": "^"}

FEATURE_LABELS = {
    "temperature": r"$T^*$",
    "fraction_b": r"$C_\mathrm{B}$",
    "size_ratio": r"$S$",
    "epsilon_ab": r"$\varepsilon_\mathrm{AB}$",
    "has_a": "label A",
    "has_b": "label B",
    "r": r"$r$",
}
# The parameters, wherever they are drawn as points side by side: not a colour of a pair, and markers for grey.
FEATURE_COLORS = {"temperature": "#E69F00", "fraction_b": "#56B4E9", "size_ratio": "black", "epsilon_ab": "#AA4499"}
FEATURE_MARKERS = {"temperature": "^", "fraction_b": "D", "size_ratio": "o", "epsilon_ab": "s"}
R_LABEL = r"$r\,/\,\sigma_\mathrm{AA}$"

_KNOWN_MODELS: dict[str, dict[str, Any]] = {
    "mlp": {"color": "black", "linestyle": (0, (3, 1.2)), "linewidth": 1.1, "label": "network"},
    "xgboost": {"color": "#CC79A7", "linestyle": (0, (1, 0.8)), "linewidth": 1.4, "label": "XGBoost"},
}
_OTHER_LINES = ((0, (6, 1.5, 1, 1.5, 1, 1.5)), "-", (0, (8, 2)), (0, (2, 2)))


def g_label(pair: str | None = None) -> str:
    """Axis label of a radial distribution function, of one pair or of any."""
    return rf"$g_\mathrm{{{pair}}}(r)$" if pair else r"$g(r)$"


def model_style(model: str, models: Sequence[str]) -> dict[str, Any]:
    """Line of a model: the network and XGBoost keep theirs in every figure, others are thin and grey.

    Parameters
    ----------
    model : str
    models : sequence of str
        All models of the figure; those unknown take a grey dash in this order.

    Returns
    -------
    dict
        `color`, `linestyle`, `linewidth` and `label`, for ``Axes.plot``.
    """
    if model in _KNOWN_MODELS:
        return dict(_KNOWN_MODELS[model])
    others = [name for name in models if name not in _KNOWN_MODELS]
    dashes = _OTHER_LINES[others.index(model) % len(_OTHER_LINES)]
    return {
        "color": "#7F7F7F",
        "linestyle": dashes,
        "linewidth": 0.8,
        "label": model.replace("-", " ").replace("_", " "),
    }


def pair_line(pair: str) -> dict[str, Any]:
    """Colour and dash of a pair, for ``Axes.plot``."""
    return {"color": PAIR_COLORS[pair], "linestyle": PAIR_LINES[pair]}


@contextmanager
def journal_style() -> Iterator[None]:
    """Use matplotlib's defaults and ``ljmix.mplstyle``, whatever the reader's own settings, in this block."""
    with (
        resources.as_file(resources.files("ljmix.plotting").joinpath("ljmix.mplstyle")) as path,
        style.context(["default", path]),
    ):
        yield


def journal_figure(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Decorate a figure function: draw in the journal's style, then fix the layout.

    The layout is fixed because a constrained layout moves a little each time it is drawn, so that a figure
    saved twice would differ.
    """

    @functools.wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with journal_style():
            figure = draw(*args, **kwargs)
            engine = figure.get_layout_engine()
            if engine is not None:
                engine.execute(figure)
                figure.set_layout_engine("none")
        return figure

    return drawn


class NotebookFigure(Figure):
    """Figure that a notebook shows when it is the last value of a cell, without ``%matplotlib inline``.

    It does not belong to pyplot, so none is shown twice and none is left open.
    """

    def _repr_png_(self) -> bytes:
        shown = io.BytesIO()
        with journal_style():
            self.savefig(shown, dpi=self.dpi, metadata={"Software": None})
        return shown.getvalue()


def new_figure(width_mm: float, height_mm: float) -> Figure:
    """Empty figure of a size in mm that arranges its panels itself."""
    return NotebookFigure(figsize=(width_mm / 25.4, height_mm / 25.4), layout="constrained")


def leave_margin(figure: Figure) -> Figure:
    """Keep a strip at the left free: long labels take a little more room than the layout gives them."""
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.set(rect=(0.025, 0, 0.975, 1))  # type: ignore[call-arg]
    return figure


def letter_panels(panels: Iterable[Axes]) -> None:
    """Write A, B, C, … at the upper left of the panels."""
    for letter, axes in zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", panels, strict=False):
        axes.set_title(letter, loc="left", fontweight="bold")


def letter_subfigures(parts: Iterable[SubFigure]) -> None:
    """Write A, B, C, … at the upper left of subfigures, for panels whose axes do not fill their place."""
    for letter, part in zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", parts, strict=False):
        part.suptitle(letter, x=0.01, ha="left", fontweight="bold")


def legend_line(color: str = "0.35", linestyle: Any = "-", label: str = "", **properties: Any) -> Line2D:
    """Entry of a legend that stands for lines of several colours."""
    return Line2D([], [], color=color, linestyle=linestyle, label=label, **properties)


def tint(color: str, share: float) -> tuple[float, float, float]:
    """Mix a colour with white: 0 leaves it, 1 gives white."""
    red, green, blue = np.asarray(to_rgb(color)) * (1 - share) + share
    return float(red), float(green), float(blue)


def need_columns(table: pd.DataFrame, columns: Sequence[str], name: str) -> None:
    """Raise a ValueError if `table`, called `name` in the message, lacks a column or has no row."""
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise ValueError(f"{name}: column {missing[0]!r} is missing; needed are {', '.join(columns)}")
    if table.empty:
        raise ValueError(f"{name}: the table has no row; nothing to draw")


def save_figure(figure: Figure, directory: Path | str, name: str, source: str | None = None) -> tuple[Path, Path]:
    """Write ``name.png`` (300 dpi) and ``name.svg``; the same figure gives the same bytes.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    directory : path
        Created if need be.
    name : str
        File name without suffix.
    source : str, optional
        What it was drawn from (`ljmix.data.identity.describe_identity`), kept in both files under ``Description``.

    Returns
    -------
    png, svg : Path

    Raises
    ------
    PermissionError
        If the directory cannot be written.
    """
    png, svg = (Path(directory) / f"{name}.{kind}" for kind in ("png", "svg"))
    about: dict[str, str | None] = {"Description": source} if source else {}
    with journal_style():
        # Dates and versions in the metadata would change the bytes of an unchanged figure.
        with replace_when_whole(png) as part:
            figure.savefig(part, metadata={"Software": None} | about)
        with replace_when_whole(svg) as part:
            figure.savefig(part, metadata={"Date": None, "Creator": None} | about)
            part.write_text(number_ids(part.read_text(encoding="utf-8")), encoding="utf-8")
    return png, svg


def number_ids(svg: str) -> str:
    """Number the ids that matplotlib hashes, in the order of their first use.

    It hashes a memory address into those of clip paths, whatever ``svg.hashsalt`` is: the same figure would have other
    bytes in every run.
    """
    names: dict[str, str] = {}

    def rename(match: re.Match[str]) -> str:
        return names.setdefault(match[0], f"{match[0][0]}{len(names)}")

    # A letter for what it is (m marker, p clip path, …) and ten digits of the hash, as an id or a reference to one.
    return re.sub(r'(?<=id=")[a-z][0-9a-f]{10}(?=")|(?<=#)[a-z][0-9a-f]{10}(?=[")])', rename, svg)
