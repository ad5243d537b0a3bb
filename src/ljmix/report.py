"""The numbers of `metrics.json` as text: README's table, the answers of `05-explain`, the captions of the figures.

::

    python -m ljmix.report    # put the table into README.md
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ljmix.files import replace_when_whole
from ljmix.metrics import read_metrics

__all__ = ["answers", "gallery", "insert_table", "results_table"]

BEGIN, END = "<!-- results: begin -->\n", "<!-- results: end -->\n"

_MODELS = {
    "mlp": "network",
    "xgboost": "XGBoost",
    "theory-guided": "theory-guided",
    "nearest-temperature": "nearest temperature",
    "linear-in-temperature": "straight line in T*",
}
_METHODS = {
    f"{method} {model}": f"{method}, {_MODELS[model]}"
    for method in ("SHAP", "permutation", "Sobol")
    for model in ("mlp", "xgboost")
} | {"grid simulation": "simulation without a model", "map entropy": "entropy of the maps"}
_NAMES = {"size_ratio": "S", "epsilon_ab": "ε_AB", "fraction_b": "C_B", "temperature": "T*"}


def results_table(metrics: Mapping[str, Any]) -> str:
    """Markdown table of our numbers beside the paper's, mean ± standard deviation over seeds.

    Raises
    ------
    KeyError
        If `metrics` lacks a section.
    """
    rows = [["", "paper", *_MODELS.values(), "second simulation"], ["---"] * (3 + len(_MODELS))]
    interpolation, extrapolation = metrics["interpolation"], metrics["extrapolation"]
    ceiling = metrics["noise_ceiling"]["extrapolation"]["replicate"]
    rows.append(_row("random rows held out, R²", "0.99", interpolation, {}, "r2", "all"))
    for pair, paper in (("all", "0.89"), ("AA", "0.97"), ("AB", "0.98"), ("BB", "0.83")):
        label = "unseen temperatures, R²" if pair == "all" else f"… {pair}"
        rows.append(_row(label, paper, extrapolation, ceiling, "r2", pair))
    for temperature in ("0.6", "1.4"):
        rows.append(_row(f"… T* = {temperature}", "–", extrapolation, ceiling, f"r2_T{temperature}"))
    rows.append(_row("CPU seconds a fit", "≈ 40 (100 curves)", extrapolation, {}, "fit_cpu_seconds", digits=1))
    return "\n".join("| " + " | ".join(row) + " |" for row in rows) + "\n\n" + _explanation(metrics) + "\n"


def _row(
    label: str, paper: str, section: Mapping[str, Any], ceiling: Mapping[str, Any], *keys: str, digits: int = 3
) -> list[str]:
    cells = [_value(section.get(model), keys, digits) for model in _MODELS]
    return [label, paper, *cells, _ceiling(ceiling, keys, digits)]


def _ceiling(ceiling: Mapping[str, Any], keys: tuple[str, ...], digits: int) -> str:
    """What a second simulation of the same states would score."""
    value = ceiling.get(keys[0])
    if isinstance(value, Mapping):
        value = value.get(keys[1])
    return "–" if value is None else f"{value:.{digits}f}"


def _value(values: Mapping[str, Any] | None, keys: tuple[str, ...], digits: int) -> str:
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
    entropies = ", ".join(f"{_NAMES[f]} {entropy[f]:.2f}" for f in sorted(entropy, key=entropy.get))
    rankings = [
        f"{_MODELS[model]} {_credits(attribution[model], attribution['interval'][model])}"
        for model in ("mlp", "xgboost")
    ]
    share = embedding["share_k4"]
    return (
        f"Four clusters, as in the paper, in {_percent(share['silhouette'])} of {embedding['maps']} maps of all curves "
        f"by silhouette and {_percent(share['elbow'])} by elbow; most often {embedding['best_k']}. "
        f"Normalised mixing entropy, lowest first (paper: S lowest, T* highest): {entropies}. "
        f"Mean absolute SHAP value with 95 % interval (paper: S, then ε_AB): {'; '.join(rankings)}."
    )


def _credits(values: Mapping[str, float], intervals: Mapping[str, Sequence[float]]) -> str:
    """Mean |SHAP| of the four parameters, largest first, with intervals."""
    ordered = sorted(_NAMES, key=lambda feature: -values[feature])
    low, high = 0, 1
    return ", ".join(
        f"{_NAMES[f]} {values[f]:.3f} ({intervals[f][low]:.3f} to {intervals[f][high]:.3f})" for f in ordered
    )


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _order(features: Sequence[str], between: str = " > ") -> str:
    return between.join(_NAMES[feature] for feature in features)


def _verdict(share: float) -> str:
    """Put in words how often a claim holds; `share` of the repetitions."""
    words = ((0.95, "yes"), (0.8, "likely"), (0.2, "undecided"), (0.05, "unlikely"))
    return next((word for least, word in words if share >= least), "no")


def answers(metrics: Mapping[str, Any]) -> str:
    """Markdown table: what the paper claims, what we find, and how sure we are.

    Parameters
    ----------
    metrics : mapping
        Sections `embedding` and `attribution` of ``metrics.json``.

    Returns
    -------
    str
        A claim a row. "yes" stands for at least 95 % of the repetitions (maps, or bootstrap draws over states
        and seeds), "likely" for 80 %, "undecided" for 20 %, "unlikely" for 5 %, "no" for less. T* is not called highest
        while another parameter, too, has the entropy of shuffled clusters. Below the table, every method's order.

    Raises
    ------
    KeyError
        If `metrics` lacks a section.
    """
    embedding, attribution = metrics["embedding"], metrics["attribution"]
    maps, four = embedding["maps"], embedding["share_k4"]
    rows = [["the paper", "we find", "does it hold?"], ["---"] * 3]
    counts = ", ".join(f"{k} in {n}" for k, n in embedding["best_k_counts"].items())
    rows.append(
        [
            "four clusters",
            f"best k by silhouette: {counts} of {maps} maps; four in {_percent(four['silhouette'])}, "
            f"by elbow in {_percent(four['elbow'])}",
            _verdict(four["silhouette"]),
        ]
    )
    entropy, null = embedding["mixing_entropy_normalised"], embedding["mixing_entropy_null"]
    lowest = min(entropy, key=entropy.get)
    chance = null[lowest]
    rows.append(
        [
            "lowest mixing entropy: S",
            f"lowest {_NAMES[lowest]}, {entropy[lowest]:.2f}, against {chance['null_low']:.2f} to "
            f"{chance['null_high']:.2f} for shuffled clusters; S lowest in "
            f"{_percent(embedding['size_ratio_lowest'])} of {maps} maps",
            _verdict(embedding["size_ratio_lowest"]),
        ]
    )
    order = ", ".join(f"{_NAMES[f]} {entropy[f]:.2f}" for f in sorted(entropy, key=entropy.get))
    alike = [f for f in entropy if entropy[f] >= null[f]["null_low"]]
    others = ", ".join(_NAMES[f] for f in alike if f != "temperature")
    rows.append(
        [
            "highest mixing entropy: T*",
            f"{order}; T* highest in {_percent(embedding['temperature_highest'])} of the maps"
            + (f", but {others} and T* are not told apart from shuffled clusters" if others else ""),
            "undecided" if others else _verdict(embedding["temperature_highest"]),
        ]
    )
    for model in ("mlp", "xgboost"):
        found = attribution["methods"][f"SHAP {model}"]
        rows.append(
            [
                f"SHAP: S first, then ε_AB ({_MODELS[model]})",
                f"{_credits(attribution[model], attribution['interval'][model])}; S first in "
                f"{_percent(found['size_first'])}, then ε_AB in {_percent(found['size_then_epsilon'])} of the draws",
                _verdict(found["size_then_epsilon"]),
            ]
        )
    table = "\n".join("| " + " | ".join(row) + " |" for row in rows)
    return f"{table}\n\n{_method_orders(attribution['methods'])}\n"


def _method_orders(methods: Mapping[str, Any]) -> str:
    """Every method's order, in words."""
    first = [name for name, found in methods.items() if found["order"][0] == "size_ratio"]
    second = [name for name in first if methods[name]["order"][1] == "epsilon_ab"]
    sure = [name for name in first if methods[name]["size_first"] >= 0.95]
    last = [name for name, found in methods.items() if found["order"][-1] == "temperature"]
    orders = "; ".join(
        f"{_METHODS.get(name, name)} {_order(found['order'])} (τ = {found['kendall']:.2f}, "
        f"{found['kendall_low']:.2f} to {found['kendall_high']:.2f})"
        for name, found in methods.items()
    )
    return (
        f"Of {len(methods)} methods {len(first)} put S first ({len(sure)} of them in at least 95 % of the draws), "
        f"{len(second)} S first and ε_AB second, {len(last)} T* last. Orders, and Kendall's τ with the paper's "
        f"S > ε_AB > C_B > T* (its last two places are read from the entropies): {orders}."
    )


def gallery(metrics: Mapping[str, Any]) -> str:
    """Markdown page of all figures, with captions that quote `metrics`.

    Raises
    ------
    KeyError
        If `metrics` lacks a section.
    """
    extrapolation, scaling = metrics["extrapolation"], metrics["scaling"]["mlp"]
    embedding, attribution = metrics["embedding"], metrics["attribution"]
    interpolation, unseen = (
        _value(metrics[task]["mlp"], ("r2", "all"), 3) for task in ("interpolation", "extrapolation")
    )
    pairs = ", ".join(f"{pair} {_value(extrapolation['mlp'], ('r2', pair), 3)}" for pair in ("AA", "AB", "BB"))
    copy = _value(extrapolation["nearest-temperature"], ("r2", "all"), 3)
    ends = " and ".join(f"{point['r2_mean']:.2f} at {point['rows']} rows" for point in (scaling[0], scaling[-1]))
    captions = {
        "fig1": "A mixture, its three radial distribution functions, the simulated states, and the paper's network.",
        "fig2": f"Interpolation: rows held out at random, R² {interpolation} (paper 0.99).",
        "fig3": f"Unseen temperatures: R² {unseen} (paper 0.89), {pairs}; copying the nearest one gives {copy}.",
        "contest": _contest_caption(metrics),
        "ablation": _ablation_caption(metrics["ablation"]),
        "fig4": "One mixture at both unseen temperatures: simulation, models, and the copy of the nearest temperature.",
        "fig5": "Where extrapolation fails: a BB curve at the lowest temperature, and particles there and at the next.",
        "fig6": f"R² on unseen temperatures against training rows: {ends} for the network (paper 0.1 and 0.9).",
        "scaling-states": _states_caption(metrics["scaling_states"]),
        "fig7": f"The map of all curves with its {embedding['best_k']} clusters (paper 4), the mixing entropy of each "
        "parameter over them beside that of shuffled clusters, and SHAP values of both models.",
        "embedding-stability": _stability_caption(embedding),
        "attribution-distance": "Where each parameter matters: mean size of its exact contribution at each distance, "
        "pair by pair, in the simulation and in both models.",
        "attribution-descriptors": _descriptor_caption(attribution["descriptors"]),
        "attribution-ranking": _ranking_caption(attribution),
    }
    if "validation" in metrics:
        captions |= _validation_captions(metrics["validation"])
    profile = metrics["provenance"]["embedding"]["profile"]
    more = len(captions) - 7
    parts = [
        f"# Figures\n\nFrom the profile `{profile}`: the paper's seven figures from our data, and {more} more.\n",
        f"## What the paper claims, and what we find\n\n{answers(metrics)}",
    ]
    parts += [f"## {_heading(name)}\n\n![{_heading(name)}]({name}.png)\n\n{text}\n" for name, text in captions.items()]
    return "\n".join(parts)


def _heading(name: str) -> str:
    return f"Figure {name[3:]}" if name.startswith("fig") else name.replace("-", ": ").capitalize()


def _contest_caption(metrics: Mapping[str, Any]) -> str:
    best, scores = metrics["model_selection"]["best"], metrics["extrapolation"]
    ceiling = metrics["noise_ceiling"]["extrapolation"]["replicate"]
    groups = {"all states": ("r2", "all"), "BB": ("r2", "BB")}
    found = ", ".join(f"{_value(scores[best], keys, 3)} ({group})" for group, keys in groups.items())
    return (
        f"Unseen temperatures: what each of {len(scores)} contestants misses. Validation inside the training "
        f"temperatures names {_MODELS.get(best, best)}, which scores {found}; a second simulation of the same states "
        f"would score {_ceiling(ceiling, ('r2', 'all'), 3)}."
    )


def _ablation_caption(ablation: Sequence[Mapping[str, Any]]) -> str:
    left_out = [row for row in ablation if row["without"] != "nothing"]
    worst = max(left_out, key=lambda row: row["cost"])
    task = {"extrapolation": "unseen temperatures", "compositions": "unseen compositions"}[worst["task"]]
    return (
        "What each piece of physics is worth: R² lost when it is left out. "
        f"Most for {worst['model']} without {worst['without'].replace('_', ' ')} on {task}: {worst['cost']:.2f}."
    )


def _states_caption(scaling: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    ends = "; ".join(
        f"{name} {first['r2_mean']:.2f} with {first['states']} and {last['r2_mean']:.2f} with {last['states']}"
        for name, (first, *_, last) in scaling.items()
    )
    return f"R² on unseen temperatures against the number of training states: {ends}."


def _validation_captions(validation: Mapping[str, Any]) -> dict[str, str]:
    scores = validation["all states"]["mean absolute t of all bins"]
    others = {
        name: found for name, found in validation.items() if isinstance(found, Mapping) and "largest_sigmas" in found
    }
    outside = [found["largest_sigmas"] for name, found in others.items() if name != "agreement"]
    return {
        "validation-agreement": "HOOMD-blue against LAMMPS on twelve states, every bin of every curve: mean |t| "
        f"{scores['observed']:.2f}, where an engine with itself gives {scores['expected']:.2f} ± {scores['error']:.2f} "
        "([all lines](validation.md)).",
        "validation-references": "Both engines against published peaks, the ratio of volume distributions at two "
        f"pressures, and the order of the integrator; the largest deviation of {len(outside)} groups of checks is "
        f"{max(outside):.1f} standard errors.",
    }


def _stability_caption(embedding: Mapping[str, Any]) -> str:
    whole = {
        name: view for name, view in embedding["views"].items() if name.startswith("UMAP") and len(name.split()) == 2
    }
    agreement = [view["ari_mean"] for view in whole.values() if view["ari_mean"] is not None]
    between = (
        f"; clusters of two seeds agree with a mean adjusted Rand index of {min(agreement):.2f} to {max(agreement):.2f}"
    )
    linear = embedding["views"].get("PCA 2")
    flat = f"; S has entropy {linear['size_ratio']:.2f} on two principal components" if linear else ""
    return (
        f"How sure the map is: four clusters in {_percent(embedding['share_k4']['silhouette'])} of {embedding['maps']} "
        f"UMAP maps{between if agreement else ''}; S has the lowest entropy in "
        f"{_percent(embedding['size_ratio_lowest'])}{flat}."
    )


def _descriptor_caption(descriptors: Mapping[str, Any]) -> str:
    leaders = []
    for name, found in descriptors.items():
        leader = max(found["features"], key=lambda feature: found["features"][feature]["share"])
        leaders.append(f"{name.replace('_', ' ')} {_NAMES[leader]} {_percent(found['features'][leader]['share'])}")
    return f"What decides what one reads off the curves, strongest parameter and its share: {', '.join(leaders)}."


def _ranking_caption(attribution: Mapping[str, Any]) -> str:
    methods = attribution["methods"]
    first = sum(found["order"][0] == "size_ratio" for found in methods.values())
    shares = [found["features"]["size_ratio"]["share"] for found in methods.values()]
    errors = attribution["held_out"]["mlp"]
    where = f"; the network's mean error on unseen states is {errors['all']['error']:.3f}"
    if "demixed" in errors:
        where += f", and {errors['demixed']['error']:.3f} on demixed ones"
    return (
        f"Every method's ranking: {first} of {len(methods)} put S first, with {_percent(min(shares))} to "
        f"{_percent(max(shares))} of the credit{where}."
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
    readme = Path("README.md")
    text = insert_table(readme.read_text(encoding="utf-8"), read_metrics(Path("results/quick/metrics.json")))
    with replace_when_whole(readme) as part:
        part.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
