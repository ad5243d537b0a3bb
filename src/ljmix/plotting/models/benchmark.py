"""Who predicts what how well: scores beside the noise ceiling, ablation, and the need for states."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from ljmix.plotting.style import (
    COLUMN_MM,
    PAGE_MM,
    journal_figure,
    leave_margin,
    letter_panels,
    need_columns,
    new_figure,
)
from ljmix.report.names import INGREDIENTS, MODEL_NAMES, TASK_LABELS
from ljmix.scoring.groups import GROUP_LABELS

__all__ = ["plot_ablation", "plot_scores", "plot_state_scaling"]

# What Okabe and Ito's palette has left beside the colours of AA, AB and BB; kin share a colour, not a marker.
_COLORS = {
    "mlp": "#000000", "mlp-tuned": "#000000", "xgboost": "#CC79A7", "xgboost-physics": "#E69F00",
    "curve-network": "#7F7F7F", "gaussian-process": "#56B4E9", "theory-difference": "#56B4E9",
    "theory-guided": "#56B4E9",
}  # fmt: skip
_MARKERS = {
    "mlp": "o", "mlp-tuned": "s", "xgboost": "^", "xgboost-physics": "D", "curve-network": "v",
    "gaussian-process": "P", "theory-difference": "X", "theory-guided": "*",
}  # fmt: skip
_MOST, _EDGE = 1.0, 1.6
"""Above the first, 1 - R² is an arrow at the second, or one bad model would flatten all others."""
_FEWEST = 5
"""Scores of fewer states than this are not drawn: they are about those states, not about a model."""
_LOSS_EDGE = 0.5
_PANELS = {
    "all states": ("r2", "all"), "BB": ("r2", "BB"), "B not\ndilute": ("r2_dilute", "no"),
    "mixed,\nconverged": ("r2_mixed_converged", "all"), "demixed": ("r2_phase", "demixed"),
}  # fmt: skip


@journal_figure
def plot_scores(
    metrics: Mapping[str, Any],
    ceiling: Mapping[str, Any],
    certainty: pd.DataFrame,
    groups: Mapping[str, Sequence[str]] = _PANELS,
) -> Figure:
    """How far from R² = 1 every model is, a panel a group of states, with what noise allows.

    Parameters
    ----------
    metrics : mapping
        `ljmix.evaluation.run.Evaluation.metrics` of one task.
    ceiling : mapping
        Its `ceiling`.
    certainty : pandas.DataFrame
        Of `ljmix.scoring.bootstrap.resample_scores`: columns `model, score, label, states, low, high`.
    groups : mapping
        Title of each panel, and the keys that lead to its score, for instance ``("r2", "all")``; a group that no
        state belongs to is left out.

    Returns
    -------
    matplotlib.figure.Figure
        1 - R², the share of the variance that is missed, on a logarithmic scale: for each model a dot, a thick line for
        the standard deviation over seeds, and a thin one for the 95 % interval over mixtures; a band up to the noise
        ceiling, what a repetition of the simulations misses. An arrow at the right edge: R² below zero. A percentage
        and open symbols: the model converges on that share of the states only, and is scored on them. Below each panel
        the number of states; where a model converges on less than half of them, its own number stands in its row, and
        alone if there are fewer than five.

    Raises
    ------
    ValueError
        If no model has a score of any group, or a column is missing.
    """
    need_columns(certainty, ["model", "score", "label", "states", "low", "high"], "certainty")
    rows = certainty.set_index(["model", "score", "label"])[["states", "low", "high"]].astype(float)
    sizes = rows["states"].groupby(level=["score", "label"]).max()
    groups = {
        title: keys
        for title, keys in groups.items()
        if any(_value(m, keys) is not None for m in metrics.values()) and sizes.get((*keys, "")[:2], 0) >= _FEWEST
    }
    if not groups:
        raise ValueError("metrics hold no score of the groups asked for; nothing to draw")
    names = _in_order(metrics)[::-1]
    figure = leave_margin(new_figure(PAGE_MM, 26 + 4.6 * len(names)))
    panels = figure.subplots(1, len(groups), sharey=True, squeeze=False)[0]
    least = _least_missed(metrics, ceiling, list(groups.values()))
    for axes, (title, keys) in zip(panels, groups.items(), strict=True):
        group = (*keys, "")[:2]
        again = _value(ceiling["replicate"], keys)
        if again is not None:
            axes.axvspan(least, max(1 - again, least), color="0.85", linewidth=0)
        for place, name in enumerate(names):
            score, spread = _value(metrics[name], keys), _value(metrics[name], keys, "_std")
            states, low, high = rows.loc[(name, *group)] if (name, *group) in rows.index else (0, np.nan, np.nan)
            if score is None:
                _write(axes, place, "no answer")
                continue
            if states < _FEWEST:
                _write(axes, place, f"{states:.0f} state{'s' if states > 1 else ''}")
                continue
            if states < sizes[group] / 2:
                # On the side that the dot leaves free.
                _write(axes, place, f"{states:.0f}", right=bool(1 - score < np.sqrt(least * _EDGE)))
            if np.isfinite(low):
                _draw_line(axes, place, 1 - high, 1 - low, _color(name), 0.5, least)
            _draw_score(axes, place, score, spread, name, least, hollow=metrics[name].get("answered", 1.0) < 1)
        axes.set(xscale="log", xlim=(least, 1.35 * _EDGE), ylim=(-0.6, len(names) - 0.4))
        axes.set(title=title, xlabel=f"$1 - R^2$\n{sizes[group]:.0f} states")
        powers = [power for power in range(-5, 1) if 10.0**power > least]
        # Labels of four neighbouring powers would touch.
        shown = [f"$10^{{{power}}}$" if power % 2 == 0 or len(powers) < 4 else "" for power in powers]
        axes.set_xticks([10.0**power for power in powers], shown)
        axes.grid(axis="y", color="0.9", linewidth=0.5)
    panels[0].set_yticks(range(len(names)), [_with_share(name, metrics[name].get("answered", 1.0)) for name in names])
    letter_panels(panels)
    return figure


def _in_order(names: Iterable[str]) -> list[str]:
    """Learned models first, then what needs no learning; a name unknown here comes last."""
    order = list(MODEL_NAMES)
    return sorted(names, key=lambda name: order.index(name) if name in order else len(order))


def _label(name: str) -> str:
    return MODEL_NAMES.get(name, name).replace("T*", "$T^*$")


def _with_share(name: str, answered: float) -> str:
    """Label of a model, with the share of states it converges on where that is not all."""
    share = "" if answered == 1 else f" ({100 * answered:.0f} %)"
    return _label(name) + share


def _value(values: Mapping[str, Any], keys: Sequence[str], suffix: str = "") -> float | None:
    """Value under one key or two; None where the group is empty."""
    first = values.get(keys[0] + suffix)
    return first.get(keys[1]) if len(keys) == 2 and first is not None else first


def _least_missed(metrics: Mapping[str, Any], ceiling: Mapping[str, Any], groups: Sequence[Sequence[str]]) -> float:
    """Left end of the scale: half of the least that a model or a repetition of the simulations misses."""
    scores = [_value(values, keys) for keys in groups for values in (*metrics.values(), ceiling["replicate"])]
    return 0.5 * min(max(1 - score, 1e-5) for score in scores if score is not None)


def _write(axes: Axes, place: int, text: str, *, right: bool = False) -> None:
    """Write at the left of a row, or at its right."""
    x, side = (0.97, "right") if right else (0.03, "left")
    transform = axes.get_yaxis_transform()
    axes.text(x, place, text, transform=transform, fontsize=7, color="0.35", ha=side, va="center")


def _draw_score(
    axes: Axes, place: int, score: float, spread: float | None, name: str, least: float, *, hollow: bool
) -> None:
    color, missed = _color(name), 1 - score
    look: dict[str, Any] = {
        "color": color,
        "markersize": 4,
        "linestyle": "none",
        "markerfacecolor": "white" if hollow else color,
    }
    if missed > _MOST:
        axes.plot(_EDGE, place, marker=">", **look)
        return
    _draw_line(axes, place, missed - (spread or 0.0), missed + (spread or 0.0), color, 1.5, least)
    axes.plot(max(missed, least), place, marker=_MARKERS.get(name, "o"), **look)


def _draw_line(axes: Axes, place: int, start: float, end: float, color: str, width: float, least: float) -> None:
    axes.plot(np.clip([start, end], least, _EDGE), [place, place], color=color, linewidth=width)


def _color(name: str) -> str:
    return _COLORS.get(name, "0.45")


@journal_figure
def plot_ablation(ablation: pd.DataFrame) -> Figure:
    """What leaving out each piece of physics costs, a panel a task and group of states.

    Parameters
    ----------
    ablation : pandas.DataFrame
        As from `ljmix.evaluation.ablation.ablate`: columns `task, model, without, score, cost, cost_low, cost_high`.

    Returns
    -------
    matplotlib.figure.Figure
        Bars to the right: R² lost; to the left: gained; lines: 95 % intervals over mixtures. Bars and lines of more
        than a half are cut off: a cut bar is labelled, a cut line ends in an arrow.

    Raises
    ------
    ValueError
        If a column is missing.
    """
    need_columns(ablation, ["task", "model", "without", "score", "cost", "cost_low", "cost_high"], "ablation")
    # JSON knows no NaN: an interval that there is none of comes back as None.
    parts = ablation[ablation["without"] != "nothing"].astype({"cost_low": float, "cost_high": float})
    rows = list(dict.fromkeys(zip(parts["model"], parts["without"], strict=True)))[::-1]
    shown = list(dict.fromkeys(zip(parts["task"], parts["score"], strict=True)))
    figure = leave_margin(new_figure(PAGE_MM, 30 + 4.6 * len(rows)))
    panels = figure.subplots(1, len(shown), sharey=True, squeeze=False)[0]
    for axes, (task, score) in zip(panels, shown, strict=True):
        group = parts[(parts["task"] == task) & (parts["score"] == score)].set_index(["model", "without"])
        for place, row in enumerate(rows):
            if row in group.index:
                _draw_cost(axes, place, group.loc[row], _color(row[0]))
        axes.axvline(0, color="0.3", linewidth=0.6)
        axes.margins(x=0.17)
        axes.locator_params(axis="x", nbins=3)
        axes.set(xlabel=f"loss of $R^2$,\n{GROUP_LABELS[score]}", title=TASK_LABELS[task].replace(" ", "\n"))
    panels[0].set_yticks(range(len(rows)), [f"without {INGREDIENTS[name]}" for _, name in rows])
    models = list(dict.fromkeys(parts["model"]))
    handles = [Patch(color=_color(model), label=_label(model)) for model in models]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    letter_panels(panels)
    return figure


def _draw_cost(axes: Axes, place: int, row: pd.Series, color: str) -> None:
    """Bar and interval, cut off where one piece would flatten all others."""
    cost, low, high = (float(row[name]) for name in ("cost", "cost_low", "cost_high"))
    shown, low, high = np.clip([cost, low, high], -_LOSS_EDGE, _LOSS_EDGE)
    axes.barh(place, shown, height=0.65, color=color)
    axes.plot([low, high], [place, place], color="0.3", linewidth=0.8)
    for end, cut, marker in ((low, float(row["cost_low"]) < low, "<"), (high, float(row["cost_high"]) > high, ">")):
        if cut:
            axes.plot(end, place, marker=marker, markersize=3.5, color="0.3", linestyle="none")
    if shown != cost:
        side = 1 if shown > 0 else -1
        axes.annotate(f"{cost:.1f}", (shown, place), xytext=(5 * side, 0), textcoords="offset points", fontsize=7,
                      va="center", ha="left" if shown > 0 else "right")  # fmt: skip


@journal_figure
def plot_state_scaling(scaling: pd.DataFrame) -> Figure:
    """R² on unseen temperatures against the number of training states.

    Parameters
    ----------
    scaling : pandas.DataFrame
        Columns `model`, `states`, `r2_median`, `r2_low`, `r2_high`, as of `ljmix.evaluation.scaling.DataScaling`.

    Returns
    -------
    matplotlib.figure.Figure
        Lines: medians over seeds; bands: from the lowest seed to the highest. What lies below zero is cut off.

    Raises
    ------
    ValueError
        If a column is missing.
    """
    need_columns(scaling, ["model", "states", "r2_median", "r2_low", "r2_high"], "scaling")
    figure = new_figure(COLUMN_MM, 70)
    axes = figure.subplots()
    for model in _in_order(scaling["model"].unique()):
        part = scaling[scaling["model"] == model].sort_values("states")
        color = _color(model)
        axes.fill_between(part["states"], part["r2_low"], part["r2_high"], color=color, alpha=0.2, linewidth=0)
        style: dict[str, Any] = {
            "color": color,
            "marker": _MARKERS.get(model, "x"),
            "markersize": 3.5,
            "linewidth": 1.0,
        }
        axes.plot(part["states"], part["r2_median"], label=_label(model), **style)
    if scaling["states"].max() > 10 * scaling["states"].min():
        axes.set_xscale("log")
    bottom = max(float(scaling["r2_low"].min()) - 0.05, 0.0)
    axes.set(xlabel="training states", ylabel=r"$R^2$", ylim=(min(bottom, 0.9), 1.01))
    figure.legend(loc="outside lower center", ncols=2)
    return figure
