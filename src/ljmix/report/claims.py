"""What the paper claims and what we find, with a verdict: the table of `05-explain` and of the gallery."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ljmix._util.markdown import markdown_table
from ljmix.evaluation.failures import PAPER_FAILURE
from ljmix.report.names import EXPLAINED, METHODS, MODEL_NAMES, PARAMETER_SYMBOLS
from ljmix.report.readme import describe_views, format_share, list_credits, lowest_features, share_by_neighbours
from ljmix.state import COMPOSITION, PAPER_GRID

__all__ = ["claims_table", "describe_failure", "papers_failure"]

_PAIR_BY_CHANCE = 1 / 12
"""How often one parameter is first and another second, if all orders of four are alike."""

_SCALE = (
    "The last column goes by the share of the repetitions in which a claim holds, maps or draws over states and "
    "seeds: _yes_ for 95 % and more, _likely_ for 80 %, _undecided_ for 20 %, _unlikely_ for 5 %, _no_ for less. One "
    "of the twelve pairs of first and second parameter comes about by chance in 8 %: that claim is _undecided_ down to "
    "4 % and _unlikely_ down to 1 %. T* is not called highest while another parameter, too, has the entropy of "
    "shuffled clusters. The transition is one if the phase changes and R² of the network's curve is below one half; "
    "_undecided_ where the phase may be that of a start."
)

_MISSED = 0.5
"""R² of a curve below which it is called missed."""


def claims_table(metrics: Mapping[str, Any]) -> str:
    """Markdown table: what the paper claims, what we find, and how sure we are.

    Parameters
    ----------
    metrics : mapping
        Sections `embedding`, `attribution` and `failures` of ``metrics.json``.

    Returns
    -------
    str
        A claim a row, with the words of `_SCALE`, which stands below the table; a grid whose number of size ratios is
        not the paper's is not asked for four clusters, one without the paper's failure not for that. Last, every
        method's order.

    Raises
    ------
    KeyError
        If `metrics` lacks a section.
    """
    embedding, attribution = metrics["embedding"], metrics["attribution"]
    maps, four = embedding["maps"], embedding["share_k4"]
    rows = []
    counts = ", ".join(f"{k} in {n}" for k, n in embedding["best_k_counts"].items())
    linear = embedding["views"]["PCA 2"]
    sizes = embedding["n_values"].get("size_ratio", 1)
    rows.append(
        [
            "four clusters",
            f"best k by silhouette: {counts} of {maps} maps; four in {format_share(four['silhouette'])}, an average "
            "over neighbourhoods that we chose and no probability (by neighbours: "
            f"{share_by_neighbours(embedding['views'])}); by elbow in {format_share(four['elbow'])}; on two principal "
            f"components in {format_share(linear['share_k4'])} of the seeds by silhouette, "
            f"{format_share(linear['share_k4_elbow'])} by elbow; the grid has {sizes} size ratios",
            # Where clusters are size ratios, a grid with another number of them cannot tell.
            _verdict(four["silhouette"]) if sizes == len(PAPER_GRID["size_ratio"]) else "not asked: another grid",
        ]
    )
    entropy, null = embedding["mixing_entropy_normalised"], embedding["mixing_entropy_null"]
    lowest = min(entropy, key=entropy.get)
    chance, geometry = null[lowest], describe_views(embedding["views"])
    verdict = _verdict(embedding["size_ratio_lowest"])
    elsewhere = [view for name, view in embedding["views"].items() if name.startswith("PCA") or name.endswith(" AA")]
    if verdict in ("yes", "likely") and any(lowest_features(view) != ["size_ratio"] for view in elsewhere):
        verdict += " on UMAP of all pairs, not in every view"
    rows.append(
        [
            "lowest mixing entropy: S",
            f"lowest {PARAMETER_SYMBOLS[lowest]}, {entropy[lowest]:.2f}, against {chance['null_low']:.2f} to "
            f"{chance['null_high']:.2f} for shuffled clusters; S lowest in "
            f"{format_share(embedding['size_ratio_lowest'])} of {maps} maps; {geometry}",
            verdict,
        ]
    )
    order = ", ".join(f"{PARAMETER_SYMBOLS[f]} {entropy[f]:.2f}" for f in sorted(entropy, key=entropy.get))
    alike = [f for f in entropy if entropy[f] >= null[f]["null_low"]]
    others = [PARAMETER_SYMBOLS[f] for f in alike if f != "temperature"]
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
        method = attribution["methods"][f"SHAP {model}"]
        rows.append(
            [
                f"SHAP: S first, then ε_AB ({name})",
                f"{list_credits(attribution[model], attribution['interval'][model])}; S first in "
                f"{format_share(method['size_first'])}, then ε_AB in {format_share(method['size_then_epsilon'])} of "
                f"the draws (by chance {format_share(_PAIR_BY_CHANCE)})",
                _verdict(method["size_then_epsilon"], _PAIR_BY_CHANCE),
            ]
        )
    rows.append(_failure_row(metrics["failures"]))
    table = markdown_table(["the paper", "we find", "does it hold?"], rows)
    return f"{table}\n\n{_SCALE}\n\n{_method_orders(attribution['methods'])}\n"


def _verdict(share: float, chance: float = 0.4) -> str:
    """Put in words how often a claim holds.

    Parameters
    ----------
    share : float
        Of the repetitions.
    chance : float
        What a toss-up would give: less than half of that is called unlikely, less than an eighth no.
    """
    words = ((0.95, "yes"), (0.8, "likely"), (chance / 2, "undecided"), (chance / 8, "unlikely"))
    return next((word for least, word in words if share >= least), "no")


def describe_failure(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say in words what a state is, cold and warm, and who predicts its curve, by its rows of the section `failures`.

    The best three models are named, the paper's network and the copy of the nearest temperature.
    """
    scored = sorted((row for row in rows if row["r2"] is not None), key=lambda row: -row["r2"])
    named = [row for k, row in enumerate(scored) if k < 3 or row["model"] in ("mlp", "nearest-temperature")]
    scores = ", ".join(f"{MODEL_NAMES.get(row['model'], row['model'])} {row['r2']:.2f}" for row in named)
    doubtful = [f"{t:g}" for t, which in ((0.6, "cold"), (0.8, "warm")) if rows[0][f"disagree_{which}"]]
    disagreement = f" (runs from two starts disagree at {' and '.join(doubtful)})" if doubtful else ""
    phases = f"{rows[0]['phase_cold']} at T* = 0.6 and {rows[0]['phase_warm']} at 0.8"
    return f"{phases}{disagreement}; R² of the BB curve at 0.6: {scores}"


def papers_failure(failures: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Rows of the section `failures` about the paper's case; none where the grid does not hold it."""
    return [row for row in failures if all(row[key] == PAPER_FAILURE[key] for key in COMPOSITION)]


def _failure_row(failures: Sequence[Mapping[str, Any]]) -> list[str]:
    rows = papers_failure(failures)
    observed, verdict = "–", "not asked: another grid"
    if rows:
        network = next((row["r2"] for row in rows if row["model"] == "mlp"), None)
        observed = describe_failure(rows)
        crossed = rows[0]["phase_cold"] != rows[0]["phase_warm"]
        doubtful = rows[0]["disagree_cold"] or rows[0]["disagree_warm"]
        missed = network is not None and network < _MISSED
        verdict = "undecided" if doubtful or (crossed and not missed) else "yes" if crossed else "no"
    claim = "a transition between T* = 0.8 and 0.6 that training never shows (C_B 0.01, S 1.5, ε_AB 0.2)"
    return [claim, observed, verdict]


def _order(places: Sequence[str]) -> str:
    """Names in order; a place may hold several equals, joined by " = "."""
    return " > ".join(" = ".join(PARAMETER_SYMBOLS[feature] for feature in place.split(" = ")) for place in places)


def _method_orders(methods: Mapping[str, Any]) -> str:
    """Every method's order, in words."""
    first = [name for name, method in methods.items() if method["order"][0] == "size_ratio"]
    second = [name for name in first if methods[name]["order"][1:2] == ["epsilon_ab"]]
    sure = [name for name in first if methods[name]["size_first"] >= 0.95]
    last = [name for name, method in methods.items() if method["order"][-1] == "temperature"]
    orders = "; ".join(
        f"{METHODS.get(name, name)} {_order(method['order'])} (τ = {method['kendall']:.2f}, "
        f"{method['kendall_low']:.2f} to {method['kendall_high']:.2f})"
        for name, method in methods.items()
    )
    return (
        f"Of {len(methods)} methods {len(first)} put S first ({len(sure)} of them in at least 95 % of the draws), "
        f"{len(second)} S first and ε_AB second, {len(last)} T* last. Orders, and Kendall's τ with the paper's "
        f"S > ε_AB > C_B > T* (its last two places are read from the entropies): {orders}."
    )
