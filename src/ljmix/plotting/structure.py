"""Radial distribution functions with their errors, and the run of density and energy behind them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ljmix.data.dataset import Dataset
from ljmix.data.one_state import Simulation
from ljmix.plotting.style import (
    BAND_SIGMAS,
    COLUMN_MM,
    FEATURE_LABELS,
    PAGE_MM,
    PAIR_MARKERS,
    R_LABEL,
    g_label,
    journal_figure,
    legend_line,
    letter_panels,
    need_columns,
    new_figure,
    pair_line,
)
from ljmix.potential import lj_potential
from ljmix.state import PAIRS, StatePoint

__all__ = ["draw_rdfs", "plot_potential", "plot_rdf", "plot_rdfs", "plot_thermo_series", "state_title"]

_THERMO_LABELS = {
    "number_density": r"$\rho\,\sigma_\mathrm{AA}^3$",
    "potential_energy": r"$U\,/\,N\varepsilon$",
}
_MARKERS_PER_CURVE = 12
_SOURCE_LINES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1)))
_MOST_SOURCES = len(_SOURCE_LINES)


def state_title(state: pd.Series | Mapping[str, float], features: tuple[str, ...] = tuple(FEATURE_LABELS)[:4]) -> str:
    """Write a state's parameters, for a panel's title: ``T* = 0.6, C_B = 0.01, …``."""
    return ", ".join(f"{FEATURE_LABELS[name]} = {state[name]:g}" for name in features)


def draw_rdfs(axes: Axes, rdf: pd.DataFrame) -> None:
    """Draw the curves of one state with bands of two standard errors, each pair with its own line and marker.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    rdf : pandas.DataFrame
        Columns `pair`, `r` (σ_AA), `g`, `g_sem`; one state.

    Raises
    ------
    ValueError
        If a column is missing, the table is empty or holds a bin twice.
    """
    need_columns(rdf, ["pair", "r", "g", "g_sem"], "rdf")
    if rdf.duplicated(["pair", "r"]).any():
        raise ValueError("rdf: a bin of a pair occurs twice; select one state")
    for pair, curve in rdf.sort_values("r").groupby("pair", sort=True):
        r, g = curve["r"].to_numpy(), curve["g"].to_numpy()
        band = BAND_SIGMAS * curve["g_sem"].to_numpy()
        color = str(pair_line(pair)["color"])
        axes.fill_between(r, g - band, g + band, color=color, alpha=0.25, linewidth=0)
        # Markers sit on few bins, not the same for each pair, or they would hide the line and one another.
        every = max(1, len(r) // _MARKERS_PER_CURVE)
        start = ("AA", "AB", "BB").index(pair) * every // 3
        axes.plot(r, g, marker=PAIR_MARKERS[pair], markevery=(start, every), label=pair, **pair_line(pair))
    axes.axhline(1, color="0.6", linewidth=0.5, zorder=0)
    axes.set(xlabel=R_LABEL, ylabel=g_label(), xlim=(0, None), ylim=(min(0.0, float(rdf["g"].min())), None))


@journal_figure
def plot_rdfs(rdf: pd.DataFrame, states: pd.DataFrame | None = None) -> Figure:
    """Radial distribution functions of one state or several, one panel a state.

    Parameters
    ----------
    rdf : pandas.DataFrame
        Columns `state_id`, `pair`, `r`, `g`, `g_sem`.
    states : pandas.DataFrame, optional
        Columns `state_id`, `temperature`, `fraction_b`, `size_ratio`, `epsilon_ab`: titles the panels. With `converged`
        the title says which state has not.

    Returns
    -------
    matplotlib.figure.Figure
        One column wide for a single state, else a page.
    """
    need_columns(rdf, ["state_id", "pair", "r", "g", "g_sem"], "rdf")
    names = list(dict.fromkeys(rdf["state_id"]))
    n_columns = 1 if len(names) == 1 else 2 if len(names) in (2, 4) else 3
    n_rows = math.ceil(len(names) / n_columns)
    figure = new_figure(COLUMN_MM if n_columns == 1 else PAGE_MM, 60 * n_rows)
    panels = figure.subplots(n_rows, n_columns, squeeze=False, sharex=True).ravel()
    for place, (axes, name) in enumerate(zip(panels, names, strict=False)):
        draw_rdfs(axes, rdf[rdf["state_id"] == name])
        # The lowest panel of each column carries the distances, also where the last row is not full.
        lowest = place + n_columns >= len(names)
        axes.tick_params(labelbottom=lowest)
        if not lowest:
            axes.set_xlabel("")
        if states is not None:
            row = states.set_index("state_id").loc[name]
            title = state_title(row) + ("" if row.get("converged", True) else "\nnot converged")
            axes.set_title(title, fontsize=7 if n_columns < 3 else 6, loc="center" if n_columns == 1 else "right")
    for axes in panels[len(names) :]:
        axes.set_axis_off()
    panels[0].legend(title=rf"bands: $\pm${BAND_SIGMAS} s.e.", title_fontsize=6)
    if len(names) > 1:
        letter_panels(panels[: len(names)])
    return figure


@journal_figure
def plot_potential(state: StatePoint) -> Figure:
    """Pair potentials u_ij(r) of a mixture: truncated at 2.5 σ_ij and shifted to zero there.

    Parameters
    ----------
    state : StatePoint

    Returns
    -------
    matplotlib.figure.Figure
        One column wide.
    """
    figure = new_figure(COLUMN_MM, 60)
    axes = figure.subplots()
    r = np.linspace(0.4 * min(1.0, state.size_ratio), max(map(state.cutoff, PAIRS)) * 1.05, 600)
    for pair in PAIRS:
        axes.plot(r, lj_potential(r, state.sigma(pair), state.epsilon(pair)), label=pair, **pair_line(pair))
    axes.axhline(0, color="0.6", linewidth=0.5, zorder=0)
    axes.set(xlabel=R_LABEL, ylabel=r"$u(r)\,/\,\varepsilon$", xlim=(0, None), ylim=(-1.15, 2.0))
    axes.legend()
    return figure


@journal_figure
def plot_rdf(*sources: Simulation | Dataset | pd.DataFrame) -> Figure:
    """Curves of one mixture from several sources over one another: a panel each for AA, AB and BB.

    Parameters
    ----------
    *sources : Simulation, Dataset or pandas.DataFrame
        What `ljmix.simulate` returns; a dataset, of which every state is drawn (at most six); or a table with the
        columns `pair`, `r`, `g`, perhaps `g_sem` and `state_id`, such as a prediction. Bands are two standard errors.
        A state that has not converged is marked in the legend.

    Returns
    -------
    matplotlib.figure.Figure
        A page wide.

    Raises
    ------
    ValueError
        If there is nothing to draw, or more than can be told apart.
    """
    curves = [curve for source in sources for curve in _labelled_curves(source)]
    if not 1 <= len(curves) <= _MOST_SOURCES:
        raise ValueError(f"{len(curves)} states to draw; give between 1 and {_MOST_SOURCES}")
    figure = new_figure(PAGE_MM, 62)
    panels = figure.subplots(1, len(PAIRS))
    colors = matplotlib.colormaps["cividis"](np.linspace(0, 0.85, len(curves)))
    for axes, pair in zip(panels, PAIRS, strict=True):
        for (label, rdf), color, dashes in zip(curves, colors, _SOURCE_LINES, strict=False):
            curve = rdf[rdf["pair"] == pair].sort_values("r")
            r, g = curve["r"].to_numpy(), curve["g"].to_numpy()
            if "g_sem" in curve:
                band = BAND_SIGMAS * curve["g_sem"].to_numpy()
                axes.fill_between(r, g - band, g + band, color=color, alpha=0.25, linewidth=0)
            axes.plot(r, g, color=color, linestyle=dashes, label=label)
        axes.axhline(1, color="0.6", linewidth=0.5, zorder=0)
        axes.set(title=pair, xlabel=R_LABEL, xlim=(0, None), ylim=(0, None))
    panels[0].set_ylabel(g_label())
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=min(len(curves), 3))
    return figure


def _labelled_curves(source: Simulation | Dataset | pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Curves of one source, state by state, with what the legend calls them."""
    if isinstance(source, Simulation):
        yield f"simulated: {_state_label(source.averages)}", source.rdf()
    elif isinstance(source, Dataset):
        for _, row in source.states.iterrows():
            yield f"dataset: {_state_label(row)}", source.rdf[source.rdf["state_id"] == row["state_id"]]
    elif isinstance(source, pd.DataFrame):
        need_columns(source, ["pair", "r", "g"], "table of curves")
        if "state_id" in source:
            for state_id, rows in source.groupby("state_id", sort=False):
                yield f"table: {state_id}", rows
        else:
            yield "table", source
    else:
        raise ValueError(f"{type(source).__name__} cannot be drawn; give a simulation, a dataset or a table of curves")


def _state_label(row: pd.Series) -> str:
    return state_title(row) + ("" if row["converged"] else " (not converged)")


@journal_figure
def plot_thermo_series(thermo: pd.DataFrame, n_particles: int, discarded_steps: int) -> Figure:
    """Density and energy against time, with the equilibration that is thrown away shaded.

    Parameters
    ----------
    thermo : pandas.DataFrame
        Columns `step`, `volume` (σ_AA³) and `potential_energy` (ε a particle): the file ``thermo.parquet`` of
        a state.
    n_particles : int
    discarded_steps : int
        Steps before the averages begin.

    Returns
    -------
    matplotlib.figure.Figure
        Two panels over one another, one column wide; the line is the mean of what is kept, its band one
        standard deviation.

    Raises
    ------
    ValueError
        If a column is missing, or nothing is left to average.
    """
    need_columns(thermo, ["step", "volume", "potential_energy"], "thermo")
    series = thermo.assign(number_density=n_particles / thermo["volume"])
    kept = series[series["step"] >= discarded_steps]
    if kept.empty:
        raise ValueError(f"discarded_steps = {discarded_steps}: no step of the series is left")
    figure = new_figure(COLUMN_MM, 80)
    panels = figure.subplots(2, 1, sharex=True)
    for axes, (name, label) in zip(panels, _THERMO_LABELS.items(), strict=True):
        axes.plot(series["step"], series[name], color="black", linewidth=0.6)
        mean, spread = kept[name].mean(), kept[name].std(ddof=0)
        steps = [discarded_steps, kept["step"].max()]
        axes.fill_between(steps, mean - spread, mean + spread, color="#56B4E9", alpha=0.4, linewidth=0)
        axes.plot(steps, [mean, mean], color="#0072B2", linewidth=1.2)
        axes.set_ylabel(label)
        if discarded_steps > series["step"].min():
            axes.axvspan(series["step"].min(), discarded_steps, color="0.88", linewidth=0, zorder=0)
        axes.margins(x=0)
        axes.text(
            0.98,
            0.95,
            _with_spread(mean, spread),
            transform=axes.transAxes,
            ha="right",
            va="top",
            fontsize=7,
        )
        axes.set_ylim(*_headroom(*axes.get_ylim()))
    panels[-1].set_xlabel("time step")
    panels[-1].xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    panels[-1].ticklabel_format(axis="x", style="sci", scilimits=(-3, 5))
    handles = [
        legend_line("0.88", linewidth=6, label="discarded"),
        legend_line("#0072B2", label=r"mean $\pm$ s.d. of the rest"),
    ]
    figure.legend(handles=handles, loc="outside upper right", ncols=2)
    letter_panels(panels)
    return figure


def _with_spread(mean: float, spread: float) -> str:
    """Write a mean and its spread, both to the second digit of the spread."""
    digits = min(6, max(0, 1 - math.floor(math.log10(spread)))) if spread > 0 else 6
    return rf"${mean:.{digits}f} \pm {spread:.{digits}f}$"


def _headroom(low: float, high: float) -> tuple[float, float]:
    return low, high + 0.18 * (high - low)
