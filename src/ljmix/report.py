"""The numbers of `metrics.json` as text: README's table and the answers of `05-explain`.

::

    python -m ljmix.report results/reference/metrics.json    # put the table into README.md
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ljmix.command import one_sentence
from ljmix.files import write_text
from ljmix.learning.failures import PAPER_FAILURE
from ljmix.learning.features import COMPOSITION
from ljmix.metrics import read_metrics
from ljmix.names import CONTESTANTS, EXPLAINED, METHODS, PARAMETERS
from ljmix.statepoint import DILUTE, PAPER_GRID

__all__ = [
    "answers", "describe_extent", "describe_failure", "format_ceiling", "format_interval", "format_score",
    "format_share", "insert_table", "papers_failure", "pooled_certainty", "results_table",
]  # fmt: skip

BEGIN, END = "<!-- results: begin -->\n", "<!-- results: end -->\n"

_MISSED = 0.5
"""R² of a curve below which it is called missed."""

_SECTIONS = ("dataset", "interpolation", "extrapolation", "noise_ceiling", "certainty", "embedding", "attribution")
_COLUMNS = ("mlp", "xgboost", "xgboost-physics", "gaussian-process", "theory-guided", "nearest-temperature")


def results_table(metrics: Mapping[str, Any]) -> str:
    """Markdown table of our numbers beside the paper's, mean ± standard deviation over seeds.

    Raises
    ------
    KeyError
        If `metrics` lacks a section.
    """
    rows = [
        ["", "paper", *(CONTESTANTS[model] for model in _COLUMNS), "second simulation"],
        ["---"] * (3 + len(_COLUMNS)),
    ]
    interpolation, extrapolation = metrics["interpolation"], metrics["extrapolation"]
    ceiling = metrics["noise_ceiling"]["extrapolation"]["replicate"]
    rows.append(_row("random rows held out, R²", "0.99", interpolation, {}, "r2", "all"))
    for pair, paper in (("all", "0.89"), ("AA", "0.97"), ("AB", "0.98"), ("BB", "0.83")):
        label = "unseen temperatures, R²" if pair == "all" else f"… {pair}"
        rows.append(_row(label, paper, extrapolation, ceiling, "r2", pair))
        if pair == "all":
            rows.append(["… 95 % interval over mixtures", "–", *_intervals(metrics), "–"])
    for temperature in ("0.6", "1.4"):
        rows.append(_row(f"… T* = {temperature}", "–", extrapolation, ceiling, f"r2_T{temperature}"))
    if "r2_dilute" in ceiling:
        rows.append(_row(f"… C_B above {DILUTE:g}", "–", extrapolation, ceiling, "r2_dilute", "no"))
    rows.append(_row("… mixed, converged states", "–", extrapolation, ceiling, "r2_mixed_converged", "all"))
    rows.append(_row("… demixed states", "–", extrapolation, ceiling, "r2_phase", "demixed"))
    rows.append(_row("CPU seconds a fit", "≈ 40 (100 curves)", extrapolation, {}, "fit_cpu_seconds", digits=1))
    table = "\n".join("| " + " | ".join(row) + " |" for row in rows)
    source = f"From {describe_extent(metrics)}. Mean ± standard deviation over seeds."
    return f"{source}\n\n{table}\n\n{_explanation(metrics)}\n"


def describe_extent(metrics: Mapping[str, Any]) -> str:
    """Say in words which states the numbers rest on, by the section `dataset`."""
    dataset, profile = metrics["dataset"], metrics["provenance"]["dataset"]["profile"]
    states, planned, complete = (dataset[name] for name in ("states", "planned", "complete"))
    if states == planned:
        return f"the {states} states of the profile `{profile}`"
    return (
        f"{states} of the {planned} states of the profile `{profile}`, which still grows; models learn from, and are "
        f"tested on, the {complete} whose composition has every temperature"
    )


def _row(
    label: str, paper: str, section: Mapping[str, Any], ceiling: Mapping[str, Any], *keys: str, digits: int = 3
) -> list[str]:
    cells = [format_score(section.get(model), keys, digits) for model in _COLUMNS]
    return [label, paper, *cells, format_ceiling(ceiling, keys, digits)]


def pooled_certainty(metrics: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Give the row of each contestant's pooled R² in the section `certainty`."""
    scores = metrics["certainty"]["scores"]
    return {row["model"]: row for row in scores if (row["score"], row["label"]) == ("r2", "all")}


def _intervals(metrics: Mapping[str, Any]) -> list[str]:
    """Intervals of the pooled R² over mixtures, by column."""
    pooled = pooled_certainty(metrics)
    return [format_interval(pooled[model]["low"], pooled[model]["high"], 2) for model in _COLUMNS]


def format_interval(low: float | None, high: float | None, digits: int) -> str:
    """Write an interval; a dash where there are too few mixtures for one."""
    return "–" if low is None or high is None else f"{low:.{digits}f} to {high:.{digits}f}"


def format_ceiling(ceiling: Mapping[str, Any], keys: tuple[str, ...], digits: int) -> str:
    """Write what a second simulation of the same states would score, by the noise ceiling of one task."""
    value = ceiling.get(keys[0])
    if isinstance(value, Mapping):
        value = value.get(keys[1])
    return "–" if value is None else f"{value:.{digits}f}"


def format_score(values: Mapping[str, Any] | None, keys: tuple[str, ...], digits: int) -> str:
    """Write a score as mean ± standard deviation over seeds.

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
    mean, spread = values[keys[0]], values[f"{keys[0]}_std"]
    if len(keys) == 2:
        mean, spread = mean[keys[1]], spread[keys[1]]
    # A baseline draws nothing, so its seeds agree to rounding; one seed has no spread (None).
    return f"{mean:.{digits}f} ± {spread:.{digits}f}" if spread and spread > 1e-9 else f"{mean:.{digits}f}"


def _explanation(metrics: Mapping[str, Any]) -> str:
    embedding, attribution = metrics["embedding"], metrics["attribution"]
    entropy = embedding["mixing_entropy_normalised"]
    entropies = ", ".join(f"{PARAMETERS[f]} {entropy[f]:.2f}" for f in sorted(entropy, key=entropy.get))
    rankings = [
        f"{name} {_credits(attribution[model], attribution['interval'][model])}" for model, name in EXPLAINED.items()
    ]
    share, counts = embedding["share_k4"], embedding["best_k_counts"]
    return (
        f"Four clusters, as in the paper, in {format_share(share['silhouette'])} of {embedding['maps']} maps of all "
        f"curves by silhouette and {format_share(share['elbow'])} by elbow; most often {max(counts, key=counts.get)}, "
        f"in a grid of {embedding['n_values'].get('size_ratio', 1)} size ratios. "
        f"Normalised mixing entropy, lowest first (paper: S lowest, T* highest): {entropies}. "
        f"Mean absolute SHAP value with 95 % interval (paper: S, then ε_AB): {'; '.join(rankings)}."
    )


def _credits(values: Mapping[str, float], intervals: Mapping[str, Sequence[float]]) -> str:
    """Mean |SHAP| of the four parameters, largest first, with intervals."""
    ordered = sorted(PARAMETERS, key=lambda feature: -values[feature])
    low, high = 0, 1
    return ", ".join(
        f"{PARAMETERS[f]} {values[f]:.3f} ({intervals[f][low]:.3f} to {intervals[f][high]:.3f})" for f in ordered
    )


def format_share(share: float) -> str:
    """Write a share as a whole percentage."""
    return f"{100 * share:.0f} %"


def _order(places: Sequence[str]) -> str:
    """Names in order; a place may hold several equals, joined by " = "."""
    return " > ".join(" = ".join(PARAMETERS[feature] for feature in place.split(" = ")) for place in places)


def _verdict(share: float) -> str:
    """Put in words how often a claim holds; `share` of the repetitions."""
    words = ((0.95, "yes"), (0.8, "likely"), (0.2, "undecided"), (0.05, "unlikely"))
    return next((word for least, word in words if share >= least), "no")


def describe_failure(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say in words what a state is, cold and warm, and who predicts its curve, by its rows of the section `failures`.

    The best three contestants are named, the paper's network and the copy of the nearest temperature.
    """
    scored = sorted((row for row in rows if row["r2"] is not None), key=lambda row: -row["r2"])
    named = [row for k, row in enumerate(scored) if k < 3 or row["model"] in ("mlp", "nearest-temperature")]
    scores = ", ".join(f"{CONTESTANTS.get(row['model'], row['model'])} {row['r2']:.2f}" for row in named)
    return (
        f"{rows[0]['phase_cold']} at T* = 0.6 and {rows[0]['phase_warm']} at 0.8; R² of the BB curve at 0.6: {scores}"
    )


def papers_failure(failures: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Rows of the section `failures` about the paper's case; none where the grid does not hold it."""
    return [row for row in failures if all(row[key] == PAPER_FAILURE[key] for key in COMPOSITION)]


def _failure_row(failures: Sequence[Mapping[str, Any]]) -> list[str]:
    rows = papers_failure(failures)
    found, verdict = "–", "not asked: another grid"
    if rows:
        (network,) = (row["r2"] for row in rows if row["model"] == "mlp")
        found = describe_failure(rows)
        crossed = rows[0]["phase_cold"] != rows[0]["phase_warm"]
        verdict = "no" if not crossed else "yes" if network < _MISSED else "undecided"
    claim = "a transition between T* = 0.8 and 0.6 that training never shows (C_B 0.01, S 1.5, ε_AB 0.2)"
    return [claim, found, verdict]


def answers(metrics: Mapping[str, Any]) -> str:
    """Markdown table: what the paper claims, what we find, and how sure we are.

    Parameters
    ----------
    metrics : mapping
        Sections `embedding`, `attribution` and `failures` of ``metrics.json``.

    Returns
    -------
    str
        A claim a row. "yes" stands for at least 95 % of the repetitions (maps, or bootstrap draws over states
        and seeds), "likely" for 80 %, "undecided" for 20 %, "unlikely" for 5 %, "no" for less. T* is not called highest
        while another parameter, too, has the entropy of shuffled clusters; a grid whose number of size ratios is not
        the paper's is not asked for four clusters. The paper's failure is one if the phase changes between the two
        temperatures and R² of the network's curve is below one half. Below the table, every method's order.

    Raises
    ------
    KeyError
        If `metrics` lacks a section.
    """
    embedding, attribution = metrics["embedding"], metrics["attribution"]
    maps, four = embedding["maps"], embedding["share_k4"]
    rows = [["the paper", "we find", "does it hold?"], ["---"] * 3]
    counts = ", ".join(f"{k} in {n}" for k, n in embedding["best_k_counts"].items())
    linear = embedding["views"]["PCA 2"]
    sizes = embedding["n_values"].get("size_ratio", 1)
    rows.append(
        [
            "four clusters",
            f"best k by silhouette: {counts} of {maps} maps; four in {format_share(four['silhouette'])}, by elbow in "
            f"{format_share(four['elbow'])}; on two principal components four in {format_share(linear['share_k4'])} "
            f"and {format_share(linear['share_k4_elbow'])} of the seeds; the grid has {sizes} size ratios",
            # Where clusters are size ratios, a grid with another number of them cannot tell.
            _verdict(four["silhouette"]) if sizes == len(PAPER_GRID["size_ratio"]) else "not asked: another grid",
        ]
    )
    entropy, null = embedding["mixing_entropy_normalised"], embedding["mixing_entropy_null"]
    lowest = min(entropy, key=entropy.get)
    chance = null[lowest]
    rows.append(
        [
            "lowest mixing entropy: S",
            f"lowest {PARAMETERS[lowest]}, {entropy[lowest]:.2f}, against {chance['null_low']:.2f} to "
            f"{chance['null_high']:.2f} for shuffled clusters; S lowest in "
            f"{format_share(embedding['size_ratio_lowest'])} of {maps} maps",
            _verdict(embedding["size_ratio_lowest"]),
        ]
    )
    order = ", ".join(f"{PARAMETERS[f]} {entropy[f]:.2f}" for f in sorted(entropy, key=entropy.get))
    alike = [f for f in entropy if entropy[f] >= null[f]["null_low"]]
    others = [PARAMETERS[f] for f in alike if f != "temperature"]
    tied = bool(others) and "temperature" in alike
    rows.append(
        [
            "highest mixing entropy: T*",
            f"{order}; T* highest in {format_share(embedding['temperature_highest'])} of the maps"
            + (f"; {', '.join(others)} and T* are mixed as evenly as by shuffled clusters, or more" if tied else ""),
            "undecided" if tied else _verdict(embedding["temperature_highest"]),
        ]
    )
    for model, name in EXPLAINED.items():
        found = attribution["methods"][f"SHAP {model}"]
        rows.append(
            [
                f"SHAP: S first, then ε_AB ({name})",
                f"{_credits(attribution[model], attribution['interval'][model])}; S first in "
                f"{format_share(found['size_first'])}, then ε_AB in {format_share(found['size_then_epsilon'])} of the "
                "draws",
                _verdict(found["size_then_epsilon"]),
            ]
        )
    rows.append(_failure_row(metrics["failures"]))
    table = "\n".join("| " + " | ".join(row) + " |" for row in rows)
    return f"{table}\n\n{_method_orders(attribution['methods'])}\n"


def _method_orders(methods: Mapping[str, Any]) -> str:
    """Every method's order, in words."""
    first = [name for name, found in methods.items() if found["order"][0] == "size_ratio"]
    second = [name for name in first if methods[name]["order"][1:2] == ["epsilon_ab"]]
    sure = [name for name in first if methods[name]["size_first"] >= 0.95]
    last = [name for name, found in methods.items() if found["order"][-1] == "temperature"]
    orders = "; ".join(
        f"{METHODS.get(name, name)} {_order(found['order'])} (τ = {found['kendall']:.2f}, "
        f"{found['kendall_low']:.2f} to {found['kendall_high']:.2f})"
        for name, found in methods.items()
    )
    return (
        f"Of {len(methods)} methods {len(first)} put S first ({len(sure)} of them in at least 95 % of the draws), "
        f"{len(second)} S first and ε_AB second, {len(last)} T* last. Orders, and Kendall's τ with the paper's "
        f"S > ε_AB > C_B > T* (its last two places are read from the entropies): {orders}."
    )


def insert_table(readme: str, metrics: Mapping[str, Any]) -> str:
    """Return README's text with the table between its two markers replaced."""
    head, _, rest = readme.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not end:
        raise ValueError(f"README has no place for the table; it is marked by {BEGIN.strip()} and {END.strip()}")
    return head + BEGIN + results_table(metrics) + END + tail


def main() -> None:
    """Put the published numbers into README.md."""
    parser = argparse.ArgumentParser(description="Put the published numbers into README.md.")
    parser.add_argument("metrics", type=Path, help="metrics.json of the published run")
    readme, numbers = Path("README.md"), parser.parse_args().metrics
    with one_sentence(parser):
        metrics = read_metrics(numbers)
        missing = set(_SECTIONS) - set(metrics)
        if missing:
            raise ValueError(f"{numbers} has no section {min(missing)!r}; run the notebooks first (make all)")
        write_text(readme, insert_table(readme.read_text(encoding="utf-8"), metrics))


if __name__ == "__main__":
    main()
