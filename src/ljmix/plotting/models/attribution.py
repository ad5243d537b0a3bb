"""Who gets the credit: by distance, by what one reads off the curves, and by every method."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ljmix.plotting.matrix import SHADES, draw_matrix, draw_shares, feature_legend
from ljmix.plotting.style import (
    FEATURE_LABELS,
    PAGE_MM,
    PAIR_COLORS,
    R_LABEL,
    journal_figure,
    leave_margin,
    letter_panels,
    model_style,
    need_columns,
    new_figure,
)
from ljmix.report.names import EXPLAINED, METHODS, PAPER_ORDER

__all__ = ["plot_descriptors", "plot_distance", "plot_ranking"]

_KINDS = {"height": "height", "position": "position", "neighbors": "neighb.", "demixing": r"$S_\mathrm{cc}$"}
_SHARE = ("share", "share_low", "share_high")
_LEVEL_MARKERS = "osD^v"
_FEWEST = 5
"""Groups of fewer states than this are not drawn."""


@journal_figure
def plot_distance(profiles: pd.DataFrame) -> Figure:
    """Where each parameter matters: mean size of its contribution against the distance.

    Parameters
    ----------
    profiles : pandas.DataFrame
        Columns `source` ("simulation", "mlp", "xgboost", …), `pair`, `feature`, `r` (σ_AA, equally spaced) and
        `mean_abs` (units of g).

    Returns
    -------
    matplotlib.figure.Figure
        One row of panels a source, columns AA, AB, BB; shades on one scale, the square root of the size.
    """
    need_columns(profiles, ["source", "pair", "feature", "r", "mean_abs"], "profiles")
    sources = list(dict.fromkeys(profiles["source"]))
    figure = new_figure(PAGE_MM, 18 + 28 * len(sources))
    panels = figure.subplots(len(sources), 3, squeeze=False, sharex=True, sharey=True)
    norm = PowerNorm(0.5, vmin=0, vmax=float(profiles["mean_abs"].max()))
    for row, source in zip(panels, sources, strict=True):
        for axes, (pair, color) in zip(row, PAIR_COLORS.items(), strict=True):
            part = profiles[(profiles["source"] == source) & (profiles["pair"] == pair)]
            table = part.pivot_table(index="feature", columns="r", values="mean_abs").reindex(PAPER_ORDER)
            r = table.columns.to_numpy(dtype=float)
            half = (r[1] - r[0]) / 2
            image = axes.imshow(
                table.to_numpy(), cmap=SHADES, norm=norm, aspect="auto", interpolation="none",
                extent=(r[0] - half, r[-1] + half, len(PAPER_ORDER) - 0.5, -0.5),
            )  # fmt: skip
            axes.set_yticks(range(len(PAPER_ORDER)), [FEATURE_LABELS[name] for name in PAPER_ORDER])
            axes.tick_params(axis="y", length=0)
            axes.set_title(f"{pair}, {EXPLAINED.get(source, source)}", color=color)
    for axes in panels[-1]:
        axes.set_xlabel(R_LABEL)
    bar = figure.colorbar(image, ax=panels, pad=0.01, aspect=40)
    bar.set_label("mean |Shapley value| of $g(r)$")
    bar.locator = MaxNLocator(5)
    bar.update_ticks()
    bar.outline.set_visible(False)
    letter_panels(panels.ravel())
    return figure


@journal_figure
def plot_descriptors(
    shares: pd.DataFrame,
    interactions: pd.DataFrame,
    dependence: pd.DataFrame,
    shown: Sequence[tuple[str, str]],
) -> Figure:
    """Which parameter makes the peaks, the neighbours and the demixing, alone and with another.

    Parameters
    ----------
    shares : pandas.DataFrame
        Columns `descriptor`, `r2`, `feature`, `share`, `share_low`, `share_high`.
    interactions : pandas.DataFrame
        Columns `descriptor`, `feature`, `other`, `share`, `share_low`, `share_high`.
    dependence : pandas.DataFrame
        Columns `descriptor`, `other`, `size_ratio`, `level` (value of `other`), `mean`, `sem`: interaction of S
        with another parameter, standard deviations of the descriptor.
    shown : sequence of (descriptor, other)
        The two cuts through `dependence` that are drawn.

    Returns
    -------
    matplotlib.figure.Figure
        A: share of each parameter, with half the width of its 95 % interval, and R² of the model on unseen
        states. B: share of each interaction.
        C, D: interaction against S, one line a level of the other parameter; mean and standard error over states.
    """
    need_columns(shares, ["descriptor", "r2", "feature", *_SHARE], "shares")
    need_columns(interactions, ["descriptor", "feature", "other", *_SHARE], "interactions")
    need_columns(dependence, ["descriptor", "other", "size_ratio", "level", "mean", "sem"], "dependence")
    names = list(dict.fromkeys(shares["descriptor"]))
    figure = new_figure(PAGE_MM, 176)
    grid = figure.add_gridspec(3, 2, height_ratios=[1, 1.15, 1.2])
    whole, pairs = figure.add_subplot(grid[0, :]), figure.add_subplot(grid[1, :])
    table = shares.pivot_table(index="feature", columns="descriptor", values="share").reindex(PAPER_ORDER)[names]
    quality = shares.drop_duplicates("descriptor").set_index("descriptor")["r2"]
    draw_matrix(whole, table, limits=(0, 1), labels=FEATURE_LABELS, errors=_half_widths(shares, "feature", table))
    whole.set_xticks(whole.get_xticks(), [f"{_descriptor_label(name)}\n$R^2$ {quality[name]:.2f}" for name in names])
    whole.set_title(r"share of each parameter in mean |Shapley value|; $R^2$ of the model on unseen states")
    labelled = interactions.assign(
        both=[
            f"{FEATURE_LABELS[one]} × {FEATURE_LABELS[two]}"
            for one, two in zip(interactions["feature"], interactions["other"], strict=True)
        ]
    )
    order = list(dict.fromkeys(labelled["both"]))
    table = labelled.pivot_table(index="both", columns="descriptor", values="share").reindex(order)[names]
    draw_matrix(pairs, table, limits=(0, 0.35), errors=_half_widths(labelled, "both", table))
    pairs.set_xticks(pairs.get_xticks(), [_descriptor_label(name) for name in names])
    pairs.set_title("share of each interaction in all effects")
    cuts = [figure.add_subplot(grid[2, k]) for k in range(2)]
    for axes, (name, other) in zip(cuts, shown, strict=True):
        _draw_dependence(axes, dependence, name, other)
    letter_panels([whole, pairs, *cuts])
    return figure


def _half_widths(rows: pd.DataFrame, index: str, like: pd.DataFrame) -> pd.DataFrame:
    """Half widths of the 95 % intervals, in the layout of `like`."""
    half = rows.assign(half=(rows["share_high"] - rows["share_low"]) / 2)
    return half.pivot_table(index=index, columns="descriptor", values="half").reindex_like(like)


def _descriptor_label(name: str) -> str:
    kind, _, pair = name.partition("_")
    return f"{_KINDS.get(kind, kind)}\n{pair}" if pair else f"{_KINDS.get(kind, kind)}\n"


def _draw_dependence(axes: Axes, dependence: pd.DataFrame, name: str, other: str) -> None:
    part = dependence[(dependence["descriptor"] == name) & (dependence["other"] == other)]
    if part.empty:
        raise ValueError(f"dependence: no row of descriptor {name!r} with {other!r}")
    levels = part["level"].nunique()
    for k, (level, line) in enumerate(part.groupby("level")):
        color, marker = colormaps["cividis"](0.9 * k / max(levels - 1, 1)), _LEVEL_MARKERS[k % len(_LEVEL_MARKERS)]
        axes.errorbar(
            line["size_ratio"], line["mean"], yerr=line["sem"], color=color, marker=marker, elinewidth=0.8,
            label=f"{level:g}",
        )  # fmt: skip
    axes.axhline(0, color="0.6", linewidth=0.5, zorder=0)
    axes.set_xlabel(FEATURE_LABELS["size_ratio"])
    axes.set_ylabel("interaction / s.d. of the descriptor")
    axes.set_title(
        f"{_descriptor_label(name).strip().replace(chr(10), ' ')}: "
        f"{FEATURE_LABELS['size_ratio']} × {FEATURE_LABELS[other]}"
    )
    axes.set_xticks(sorted(set(part["size_ratio"])))
    axes.legend(title=FEATURE_LABELS[other], title_fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5))


@journal_figure
def plot_ranking(shares: pd.DataFrame, agreement: pd.DataFrame, errors: pd.DataFrame) -> Figure:
    """Every method's ranking, how far they agree, and where the models that are explained are wrong.

    Parameters
    ----------
    shares : pandas.DataFrame
        Columns `method`, `feature`, `share`, `share_low`, `share_high`.
    agreement : pandas.DataFrame
        Square, methods and "paper": Kendall's τ.
    errors : pandas.DataFrame
        Columns `model`, `group`, `states`, `error`, `error_std`, `shap`.

    Returns
    -------
    matplotlib.figure.Figure
        A: share of each parameter with its 95 % interval. B: rank agreement. C: error on unseen states, with its
        standard deviation over fits, beside the mean size of the strongest parameter's Shapley values. Groups of fewer
        than five states are left out: one fit that misses one of them would set the scale.
    """
    need_columns(errors, ["model", "group", "states", "error", "error_std", "shap"], "errors")
    figure = leave_margin(new_figure(PAGE_MM, 150))
    grid = figure.add_gridspec(2, 2, width_ratios=[1, 1.15])
    first, square = figure.add_subplot(grid[0, 0]), figure.add_subplot(grid[0, 1])
    wrong = figure.add_subplot(grid[1, :])
    methods = list(dict.fromkeys(shares["method"]))
    columns = ("method", "share", "share_low", "share_high")
    draw_shares(first, shares, methods, columns, METHODS)
    first.set(xlabel="share of the credit, 95 % interval", xlim=(-0.03, 1.03))
    first.legend(handles=feature_legend(), loc="lower center", bbox_to_anchor=(0.55, 1.0), ncols=4,
                 columnspacing=0.8, handletextpad=0.3, handlelength=1.0)  # fmt: skip
    draw_matrix(square, agreement, limits=(-1, 1), labels=METHODS, number="{:.1f}")
    square.set_xticks(square.get_xticks(), [METHODS.get(name, name) for name in agreement], rotation=40,
                      ha="right", rotation_mode="anchor")  # fmt: skip
    square.set_title(r"Kendall's $\tau$ of the orders")
    _draw_errors(wrong, errors)
    letter_panels([first, square, wrong])
    return figure


def _draw_errors(axes: Axes, errors: pd.DataFrame) -> None:
    errors = errors[(errors["states"] >= _FEWEST) | (errors["group"] == "all")]
    groups = list(dict.fromkeys(errors["group"]))
    models = list(dict.fromkeys(errors["model"]))
    looks = dict(zip(models, ({"color": "0.3"}, {"color": "white", "hatch": "/////"}), strict=False))
    thick = 0.8 / len(models)
    for k, model in enumerate(models):
        part = errors[errors["model"] == model].set_index("group").reindex(groups)
        place = np.arange(len(groups)) + (k - (len(models) - 1) / 2) * thick
        style = model_style(model, models)
        edge = "black" if model == "mlp" else str(style["color"])
        error = {"linewidth": 0.8, "ecolor": "0.6" if model == "mlp" else "black"}
        axes.bar(place, part["error"], thick, yerr=part["error_std"], edgecolor=edge, error_kw=error,
                 label=f"error ± s.d., {style['label']}", **looks.get(model, {"color": "0.8"}))  # fmt: skip
        credit = "strongest parameter's credit" if k == 0 else None
        axes.plot(place, part["shap"], linestyle="none", marker="D", color="#E69F00", markeredgecolor="black",
                  markeredgewidth=0.5, label=credit)  # fmt: skip
    counts = errors.drop_duplicates("group").set_index("group")["states"].reindex(groups)
    names = [group.replace("C_B", FEATURE_LABELS["fraction_b"]) for group in groups]
    axes.set_xticks(range(len(groups)), [f"{name}\n({n:g} states)" for name, n in zip(names, counts, strict=True)])
    axes.tick_params(axis="x", length=0)
    axes.set(ylabel="mean absolute error of $g(r)$,\nstates not seen", ylim=(0, None))
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=3, borderaxespad=0.2)
