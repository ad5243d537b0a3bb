"""The numbers of `metrics.json` as text: two tables of results, and what they share with claims and captions.

::

    python -m ljmix.report.readme results/reference/metrics.json    # into README.md and docs/results.md
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ljmix._util.atomic import write_text
from ljmix._util.command import one_sentence
from ljmix._util.markdown import markdown_table
from ljmix._util.places import clone_folder
from ljmix.report.lead import lead_rows, start_rows
from ljmix.report.metrics import read_metrics
from ljmix.report.names import EXPLAINED, MODEL_NAMES, PARAMETER_SYMBOLS
from ljmix.state import DILUTE

__all__ = [
    "PAGES", "describe_extent", "describe_training", "describe_views", "format_ceiling", "format_interval",
    "format_score", "format_share", "insert_block", "interval_words", "list_credits", "lowest_features",
    "pooled_certainty", "results_table", "share_by_neighbours", "short_table",
]  # fmt: skip


_FEW = 2
"""States below which a cluster is an outlier."""
_EQUAL = 0.01
"""Mean entropies this near are called equal: seeds move them by as much."""

_SECTIONS = (
    "dataset", "interpolation", "extrapolation", "noise_ceiling", "certainty", "embedding", "attribution",
)  # fmt: skip
_GROUPS = (
    ("T* = 0.6", "r2_T0.6"), ("T* = 1.4", "r2_T1.4"), (f"C_B above {DILUTE:g}", "r2_dilute", "no"),
    ("starts agree", "r2_starts_agree", "yes"), ("mixed", "r2_phase", "mixed"),
    ("mixed, converged", "r2_mixed_converged", "all"), ("demixed", "r2_phase", "demixed"),
)  # fmt: skip
"""States that are scored by themselves: what they are called, and the keys of their scores."""
_COLUMNS = ("mlp", "xgboost", "xgboost-physics", "gaussian-process", "theory-guided", "nearest-temperature")
_SHORT_COLUMNS = ("mlp", "gaussian-process", "nearest-temperature")
_SHORT_GROUPS = (
    ("unseen temperatures", "r2", "all"), ("… starts agree", "r2_starts_agree", "yes"),
    ("… mixed, converged", "r2_mixed_converged", "all"),
)  # fmt: skip
"""Likewise for README."""


def results_table(metrics: Mapping[str, Any]) -> str:
    """Markdown table of our numbers beside the paper's, mean ± standard deviation over seeds.

    Raises
    ------
    KeyError
        If `metrics` lacks a section.
    """
    rows = [_header("", _COLUMNS), *lead_rows(metrics, _COLUMNS), *start_rows(metrics, _COLUMNS)]
    interpolation, extrapolation = metrics["interpolation"], metrics["extrapolation"]
    ceiling = metrics["noise_ceiling"]["extrapolation"]["replicate"]
    rows.append(_row("random rows held out, R²", "0.99", interpolation, {}, "r2", "all"))
    for pair, paper in (("all", "0.89"), ("AA", "0.97"), ("AB", "0.98"), ("BB", "0.83")):
        label = "unseen temperatures, R²" if pair == "all" else f"… {pair}"
        rows.append(_row(label, paper, extrapolation, ceiling, "r2", pair))
        if pair == "all":
            rows.append([f"… {interval_words(metrics)}", "–", *_intervals(metrics, _COLUMNS), "–"])
    numbers = _group_sizes(metrics)
    for label, *keys in _GROUPS:
        if keys[0] in ceiling and (len(keys) == 1 or keys[1] in ceiling[keys[0]]):
            group = f"… {label} ({numbers[keys[0], ''.join(keys[1:])]} states)"
            rows.append(_row(group, "–", extrapolation, ceiling, *keys))
    source = f"From {describe_extent(metrics)}. Mean ± standard deviation over seeds."
    if "audit" in metrics:
        source += (
            " The *median error of a curve* is that of $\\sqrt{1 - R^2}$ of each curve by itself, in units of its own "
            "spread: 0 is perfect, 1 as good as a constant. The *predictor* of a state is the training state of its "
            f"composition at the nearest temperature. In brackets: {interval_words(metrics)}; of a median over curves, "
            "the same draws of mixtures."
        )
    return f"{source}\n\n{markdown_table(rows[0], rows[1:])}\n\n{_explanation(metrics)}\n"


def short_table(metrics: Mapping[str, Any]) -> str:
    """Markdown table of five rows for README, with its caveat in a line.

    Raises
    ------
    KeyError
        If `metrics` lacks a section.
    """
    extrapolation, ceiling = metrics["extrapolation"], metrics["noise_ceiling"]["extrapolation"]["replicate"]
    numbers, columns = _group_sizes(metrics), _SHORT_COLUMNS
    rows = [
        _header("" if "audit" in metrics else "R²", columns),
        *lead_rows(metrics, columns, 2),
        _row("random rows held out", "0.99", metrics["interpolation"], {}, "r2", "all", columns=columns),
    ]
    for label, *keys in _SHORT_GROUPS:
        if (states := numbers.get((keys[0], keys[1]))) is None:
            continue
        paper = "0.89" if keys == ["r2", "all"] else "–"
        rows.append(_row(f"{label} ({states} states)", paper, extrapolation, ceiling, *keys, columns=columns))
        if paper != "–":
            rows.append([f"… {interval_words(metrics)}", "–", *_intervals(metrics, columns), "–"])
    states = metrics["dataset"]["states"]
    unsettled = states - sum(phase["converged"] for phase in metrics["dataset"]["phases"].values())
    caveat = (
        f"{unsettled} of the {states} states have not converged, so that scores over all states depend on which of two "
        "starts is in the dataset ([how to read this](docs/results.md))."
    )
    return f"{markdown_table(rows[0], rows[1:])}\n\n{caveat}\n"


def _header(corner: str, columns: Sequence[str]) -> list[str]:
    return [corner, "paper", *(MODEL_NAMES[model] for model in columns), "second simulation"]


def _group_sizes(metrics: Mapping[str, Any]) -> dict[tuple[str, str], int]:
    """Count the states behind each score on unseen temperatures, by the keys of the score."""
    rows = metrics["certainty"]["scores"]
    return {(row["score"], row["label"]): row["states"] for row in rows if row["model"] == "nearest-temperature"}


def describe_extent(metrics: Mapping[str, Any]) -> str:
    """Say in words which states the numbers rest on, by the section `dataset`."""
    dataset, profile = metrics["dataset"], metrics["profiles"]["dataset"]
    states, planned, complete = (dataset[name] for name in ("states", "planned", "complete"))
    converged = sum(phase["converged"] for phase in dataset["phases"].values())
    settled = f"runs of {converged} have converged"
    if states == planned:
        return f"the {states} states of the profile `{profile}` ({settled})"
    return (
        f"{states} of the {planned} states of the profile `{profile}`, which still grows ({settled}); models learn "
        f"from, and are tested on, the {complete} whose composition has every temperature"
    )


def _row(
    label: str,
    paper: str,
    section: Mapping[str, Any],
    ceiling: Mapping[str, Any],
    *keys: str,
    digits: int = 3,
    columns: Sequence[str] = _COLUMNS,
) -> list[str]:
    cells = [format_score(section.get(model), keys, digits) for model in columns]
    return [label, paper, *cells, format_ceiling(ceiling, keys, digits)]


def pooled_certainty(metrics: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Give the row of each model's pooled R² in the section `certainty`."""
    scores = metrics["certainty"]["scores"]
    return {row["model"]: row for row in scores if (row["score"], row["label"]) == ("r2", "all")}


def _intervals(metrics: Mapping[str, Any], columns: Sequence[str]) -> list[str]:
    """Intervals of the pooled R² over mixtures, by column."""
    pooled = pooled_certainty(metrics)
    return [format_interval(pooled[model]["low"], pooled[model]["high"], 2) for model in columns]


def interval_words(metrics: Mapping[str, Any], score: str = "r2") -> str:
    """Call an interval over mixtures what it is: of 95 %, or nominally so where its coverage has been simulated.

    Parameters
    ----------
    metrics : mapping
    score : {"r2", "gain"}
        Whether it is one of a score, or of what a model gains over copying.
    """
    shares = [found[score] for found in metrics["certainty"].get("coverage", {}).values() if score in found]
    if not shares:
        return "95 % interval over mixtures"
    low, high = format_share(min(shares)), format_share(max(shares))
    span = low if low == high else f"{low.removesuffix(' %')} to {high}"
    return f"interval over mixtures, nominally of 95 %, which holds the truth in {span} of simulated sets, by model"


def describe_training(scores: Mapping[str, Any], epochs: Sequence[int]) -> str:
    """Say how well a model learns its own training rows, and after how many epochs it stops.

    Parameters
    ----------
    scores : mapping
        Of one model and task, with `r2_train`.
    epochs : (least, most)
        Over seeds, see `ljmix.scoring.tables.epoch_range`.
    """
    least, most = epochs
    span = f"{least}" if least == most else f"{least} to {most}"
    return f"R² {format_score(scores, ('r2_train', 'all'), 3)} on the rows it learned from, after {span} epochs"


def format_interval(low: float | None, high: float | None, digits: int) -> str:
    """Write an interval; a dash where there are too few mixtures for one."""
    return "–" if low is None or high is None else f"{low:.{digits}f} to {high:.{digits}f}"


def format_ceiling(ceiling: Mapping[str, Any], keys: tuple[str, ...], digits: int) -> str:
    """Write what a repetition of the simulations would score, by the noise ceiling of one task."""
    value = ceiling.get(keys[0])
    if isinstance(value, Mapping):
        value = value.get(keys[1])
    return "–" if value is None else f"{value:.{digits}f}"


def format_score(values: Mapping[str, Any] | None, keys: tuple[str, ...], digits: int) -> str:
    """Write a score as mean ± standard deviation over seeds, where it has one.

    Parameters
    ----------
    values : mapping or None
        Scores of one model; a dash is written where there are none.
    keys : tuple of str
        What leads to the score, for instance ``("r2", "all")``.
    digits : int
        Decimals.
    """
    if values is None:
        return "–"
    mean, spread = values[keys[0]], values.get(f"{keys[0]}_std")
    if len(keys) == 2:
        mean, spread = mean[keys[1]], spread and spread[keys[1]]
    # A baseline draws nothing, so its seeds agree to rounding; one seed has no spread (None).
    return f"{mean:.{digits}f} ± {spread:.{digits}f}" if spread and spread > 1e-9 else f"{mean:.{digits}f}"


def _explanation(metrics: Mapping[str, Any]) -> str:
    embedding, attribution = metrics["embedding"], metrics["attribution"]
    entropy = embedding["mixing_entropy_normalised"]
    entropies = ", ".join(f"{PARAMETER_SYMBOLS[f]} {entropy[f]:.2f}" for f in sorted(entropy, key=entropy.get))
    rankings = [
        f"{name} {list_credits(attribution[model], attribution['interval'][model])}"
        for model, name in EXPLAINED.items()
    ]
    share, counts = embedding["share_k4"], embedding["best_k_counts"]
    by_size = share_by_neighbours(embedding["views"])
    return (
        f"Four clusters, as in the paper, in {format_share(share['silhouette'])} of {embedding['maps']} maps of all "
        f"curves by silhouette (by neighbours of the map: {by_size}) and {format_share(share['elbow'])} by elbow; most "
        f"often {max(counts, key=counts.get)}, in a grid of {embedding['n_values'].get('size_ratio', 1)} size ratios. "
        f"Normalised mixing entropy, lowest first (paper: S lowest, T* highest): {entropies}; lowest "
        f"{describe_views(embedding['views'])}. "
        f"Mean absolute SHAP value with 95 % interval (paper: S, then ε_AB): {'; '.join(rankings)}."
    )


def list_credits(values: Mapping[str, float], intervals: Mapping[str, Sequence[float]]) -> str:
    """Mean |SHAP| of the four parameters, largest first, with intervals."""
    ordered = sorted(PARAMETER_SYMBOLS, key=lambda feature: -values[feature])
    low, high = 0, 1
    return ", ".join(
        f"{PARAMETER_SYMBOLS[f]} {values[f]:.3f} ({intervals[f][low]:.3f} to {intervals[f][high]:.3f})" for f in ordered
    )


def format_share(share: float) -> str:
    """Write a share as a whole percentage."""
    return f"{100 * share:.0f} %"


def describe_views(views: Mapping[str, Mapping[str, Any]]) -> str:
    """Say which parameter has the lowest mixing entropy beside the maps of all pairs: on AA alone, on components."""
    alone = {name: view for name, view in views.items() if name.startswith("UMAP") and name.endswith(" AA")}
    linear = {name: view for name, view in views.items() if name.startswith("PCA") and len(name.split()) == 2}
    parts = []
    for view in alone.values():
        also = "" if "size_ratio" in lowest_features(view) else f", S {view['size_ratio']:.2f}"
        parts.append(f"on AA alone, where S moves no contact distance, {_list_lowest(view)}{also}")
    by_leaders: dict[str, list[int]] = {}
    for name, view in linear.items():
        # A cluster of one state has no entropy, whatever the parameter, and counts as much as a large one.
        alone_in_one = " (there a single state is a cluster)" if view["smallest"] < _FEW else ""
        by_leaders.setdefault(_list_lowest(view) + alone_in_one, []).append(int(name.split()[1]))
    parts += [
        f"on {', '.join(map(str, sorted(sizes)))} principal components {leaders}"
        for leaders, sizes in by_leaders.items()
    ]
    return "; ".join(parts)


def lowest_features(view: Mapping[str, Any]) -> list[str]:
    """Parameters whose mean entropy in a view is the lowest, or equal to it to two digits."""
    entropy = {name: view[name] for name in PARAMETER_SYMBOLS if view.get(name) is not None}
    return [name for name in entropy if entropy[name] - min(entropy.values()) < _EQUAL]


def _list_lowest(view: Mapping[str, Any]) -> str:
    lowest = lowest_features(view)
    leaders = " and ".join(f"{PARAMETER_SYMBOLS[name]} {view[name]:.2f}" for name in lowest)
    return f"{leaders}, which cannot be told apart" if len(lowest) > 1 else leaders


def share_by_neighbours(views: Mapping[str, Mapping[str, Any]]) -> str:
    """How often four clusters are best for each neighbourhood of UMAP."""
    whole = sorted((int(name.split()[1]), name) for name in views if name.startswith("UMAP") and len(name.split()) == 2)
    return ", ".join(f"{format_share(views[name]['share_k4'])} with {size}" for size, name in whole)


def insert_block(page: str, block: str, name: str = "results") -> str:
    """Return a page's text with what stands between the two markers of a name replaced."""
    first, last = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    head, _, rest = page.partition(f"{first}\n")
    _, end, tail = rest.partition(f"{last}\n")
    if not end:
        raise ValueError(f"the page has no place for the table; it is marked by {first} and {last}")
    return f"{head}{first}\n{block}{last}\n{tail}"


PAGES: dict[str, Callable[[Mapping[str, Any]], str]] = {"README.md": short_table, "docs/results.md": results_table}
"""Pages that quote the published numbers, and what writes their block."""


def main() -> None:
    """Put the published numbers into the pages that quote them."""
    parser = argparse.ArgumentParser(description=f"Put the published numbers into {' and '.join(PAGES)}.")
    parser.add_argument("metrics", type=Path, help="metrics.json of the published run")
    numbers = parser.parse_args().metrics
    with one_sentence(parser):
        metrics = read_metrics(numbers)
        missing = set(_SECTIONS) - set(metrics)
        if missing:
            raise ValueError(f"{numbers} has no section {min(missing)!r}; run the notebooks first (make all)")
        profiles = {str(name) for name in metrics.get("profiles", {}).values()}
        if len(profiles) > 1:
            raise ValueError(
                f"{numbers} mixes numbers of the profiles {', '.join(sorted(profiles))}; run the chain anew"
            )
        root = clone_folder() or Path(".")
        for name, write_block in PAGES.items():
            page = root / name
            write_text(page, insert_block(page.read_text(encoding="utf-8"), write_block(metrics)))


if __name__ == "__main__":
    main()
