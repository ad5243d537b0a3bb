"""The page of all figures, with captions whose numbers come from `metrics.json`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ljmix.evaluation.scaling import HALF, score_at_half
from ljmix.report.captions import CAPTIONS
from ljmix.report.claims import claims_table, describe_failure, papers_failure
from ljmix.report.names import INGREDIENTS, MODEL_NAMES, PARAMETER_SYMBOLS, TASK_LABELS
from ljmix.report.readme import (
    describe_extent,
    describe_training,
    describe_views,
    format_ceiling,
    format_interval,
    format_score,
    format_share,
    interval_words,
    pooled_certainty,
)
from ljmix.scoring.groups import GROUP_LABELS
from ljmix.state import COMPOSITION, DILUTE

__all__ = ["gallery"]


def gallery(metrics: Mapping[str, Any]) -> str:
    """Markdown page of all figures, with captions that quote `metrics`.

    Raises
    ------
    KeyError
        If `metrics` lacks a section.
    """
    extrapolation, embedding, attribution = (metrics[name] for name in ("extrapolation", "embedding", "attribution"))
    interpolation, unseen = (
        format_score(metrics[task]["mlp"], ("r2", "all"), 3) for task in ("interpolation", "extrapolation")
    )
    learned = {task: describe_training(metrics[task]["mlp"], span) for task, span in metrics["epochs_run"].items()}
    pairs = ", ".join(f"{pair} {format_score(extrapolation['mlp'], ('r2', pair), 3)}" for pair in ("AA", "AB", "BB"))
    copy = format_score(extrapolation["nearest-temperature"], ("r2", "all"), 3)
    source = "the simulation and in both models" if "grid simulation" in attribution["methods"] else "both models"
    captions = {
        "fig1": "A mixture, its three radial distribution functions, the simulated states, and the paper's network.",
        "phase-map": _phase_caption(metrics["dataset"]),
        "fig2": f"Interpolation: rows held out at random, R² {interpolation} (paper 0.99). The network scores "
        f"{learned['interpolation']}, where it gains no more or may go no further (paper: 0.99 after about 1000).",
        "fig3": f"Unseen temperatures: R² {unseen} (paper 0.89), {pairs}; copying the nearest one gives {copy}. The "
        f"network scores {learned['extrapolation']} (paper: 0.98 after about 1000). The panels of a row share one "
        "colour scale.",
        "contest": _benchmark_caption(metrics),
        "ablation": _ablation_caption(metrics["ablation"], "coverage" in metrics["certainty"]),
        "fig4": "One mixture at both unseen temperatures: simulation, network, and XGBoost, which mostly hides the "
        "copy of the nearest temperature, since trees repeat what they saw there.",
        "fig5": _failure_caption(metrics["failures"]),
        "fig6": _rows_caption(metrics["scaling"]["mlp"]),
        "scaling-states": _states_caption(metrics["scaling_states"]),
        "fig7": f"A, the map of all curves with its {embedding['best_k']} clusters (paper 4). B, inertia and "
        "silhouette against the number of clusters. C, the mixing entropy of each parameter over the clusters, beside "
        "that of shuffled ones. Whiskers are standard deviations over seeds of the map. D, mean size of the SHAP "
        "values of both models, with 95 % intervals over states and fits; distance and pair labels (label A: whether A "
        "is in the pair) say which number is meant, so that the ranking of interest is among the other four.",
        "embedding-stability": _stability_caption(embedding),
        "attribution-distance": "Where each parameter matters: mean size of its exact contribution at each distance, "
        f"pair by pair, in {source}. The colour scale is a square root, so that small contributions show.",
        "attribution-descriptors": _descriptor_caption(attribution["descriptors"]),
        "attribution-ranking": _ranking_caption(attribution),
    }
    for section, of_section in CAPTIONS.items():
        if section in metrics:
            captions |= of_section(metrics[section])
    more = len(captions) - 7
    parts = [
        f"# Figures\n\nThe paper's seven figures from our data, and {more} more. From {describe_extent(metrics)}.\n",
        f"## What the paper claims, and what we find\n\n{claims_table(metrics)}",
    ]
    parts += [f"## {_heading(name)}\n\n![{_heading(name)}]({name}.png)\n\n{text}\n" for name, text in captions.items()]
    return "\n".join(parts)


def _heading(name: str) -> str:
    return f"Figure {name[3:]}" if name.startswith("fig") else name.replace("-", ": ", 1).replace("-", " ").capitalize()


def _phase_caption(dataset: Mapping[str, Any]) -> str:
    counts = "; ".join(
        f"{numbers['states']} {phase}, of which {numbers['converged']} have converged and the starts of "
        f"{numbers['starts_disagree']} disagree"
        for phase, numbers in dataset["phases"].items()
    )
    white = " White: not simulated yet." if dataset["states"] < dataset["planned"] else ""
    return (
        f"Which mixtures mix: {counts}. A ring: two runs from different starts disagree, so that the label may depend "
        "on the start. A cross: not converged for another reason: not settled, or a first peak not known well enough."
        f"{white}"
    )


def _failure_caption(failures: Sequence[Mapping[str, Any]]) -> str:
    papers, worst = papers_failure(failures), [row for row in failures if row["worst"]]
    parts = []
    if papers:
        parts.append(
            "A, the case that the paper's network misses (C_B 0.01, S 1.5, ε_AB 0.2: B in a cluster at T* = 0.6, mixed "
            "at 0.8), with the particles at both temperatures (B, C); the copy of the nearest temperature lies under "
            f"XGBoost. Here it is {describe_failure(papers)}."
        )
    if worst and (not papers or worst[0]["state_id"] != papers[0]["state_id"]):
        mixture = ", ".join(f"{PARAMETER_SYMBOLS[key]} {worst[0][key]:g}" for key in COMPOSITION)
        parts.append(
            f"{'D, the' if papers else 'The'} BB curve at T* = 0.6 with the largest squared error of the network "
            f"({mixture}): {describe_failure(worst)}."
        )
    return " ".join(parts) or "A BB curve at the lowest temperature, and particles there and at the next."


def _benchmark_caption(metrics: Mapping[str, Any]) -> str:
    best, scores = metrics["model_selection"]["best"], metrics["extrapolation"]
    ceiling = metrics["noise_ceiling"]["extrapolation"]["replicate"]
    groups = {"all states": ("r2", "all"), "BB": ("r2", "BB")}
    if "r2_dilute" in ceiling:
        groups[f"C_B above {DILUTE:g}"] = ("r2_dilute", "no")
    best_scores = ", ".join(f"{format_score(scores[best], keys, 3)} ({group})" for group, keys in groups.items())
    certainty = metrics["certainty"]
    row, tied = pooled_certainty(metrics)[best], [MODEL_NAMES[name] for name in metrics["model_selection"]["tied"]]
    gain = f"{row['gain']:.3f} ({format_interval(row['gain_low'], row['gain_high'], 3)})"
    return (
        f"Unseen temperatures: what each of {len(scores)} models misses. Validation inside the training "
        f"temperatures names {MODEL_NAMES[best]} (not significantly worse: {', '.join(tied) or 'none'}), which scores "
        f"{best_scores}: {gain} above copying the nearest "
        f"temperature ({interval_words(metrics, 'gain')}). A repetition of the simulations would score "
        f"{format_ceiling(ceiling, ('r2', 'all'), 3)}. A few curves carry the scores: all {certainty['curves']} weigh "
        f"as much as {certainty['equal_curves']:.0f} equally heavy ones. The scale is logarithmic, and better is left. "
        f"Thick lines: standard deviation over seeds; thin ones: {interval_words(metrics)}. The grey band reaches "
        "up to the noise ceiling, what a repetition of the simulations would miss: by their error bars where the "
        "starts agree, by the other start where they do not; there models may do better. An arrow: R² below zero. "
        "A percentage and open symbols: scored on that share of the states, the only ones that the model converges "
        "on; where that is less than half of a panel, the number of states stands in the row. Scores of fewer "
        "than five states are left out. PY and HNC: the Percus-Yevick and hypernetted-chain equations at the "
        "simulated density; PY, two liquids: Percus-Yevick in the liquids that a regular solution separates into; "
        f"theory-guided: a Gaussian process on the residual of Percus-Yevick. B not dilute: C_B above {DILUTE:g}."
    )


def _ablation_caption(ablation: Sequence[Mapping[str, Any]], nominal: bool) -> str:
    left_out = [row for row in ablation if row["without"] != "nothing" and row["cost_low"] is not None]
    helps, harms = [row for row in left_out if row["cost_low"] > 0], [row for row in left_out if row["cost_high"] < 0]
    most = [
        max((row for row in helps if row["score"] == score), key=lambda row: row["cost"])
        for score in dict.fromkeys(row["score"] for row in helps)
    ]
    return (
        f"Ablation: R² lost when an ingredient is left out, with {'nominal ' * nominal}95 % intervals over mixtures. "
        "A label "
        "stands at a bar that is cut off, an arrow at an interval that is. Only intervals that exclude zero show that "
        f"an ingredient matters; of these the most is lost: {_list_costs(most)}. Scores rise without: "
        f"{_list_costs(harms)}. _Doubt in unsettled runs_: curves whose runs have not settled, or whose starts "
        "disagree, are down-weighted. _Other mixtures_: without them every composition is alone with its own "
        "temperatures. _All physics_: everything but these two, so that it learns g itself from the four numbers of a "
        "state. _Inputs and target_: without both it is XGBoost with the paper's inputs, and g for target."
    )


def _list_costs(rows: Sequence[Mapping[str, Any]]) -> str:
    parts = []
    for row in rows:
        low, high = sorted((abs(row["cost_low"]), abs(row["cost_high"])))
        parts.append(
            f"{abs(row['cost']):.2f} ({format_interval(low, high, 2)}) by {MODEL_NAMES[row['model']]} without "
            f"{INGREDIENTS[row['without']]} on {TASK_LABELS[row['task']]}, {GROUP_LABELS[row['score']]}"
        )
    return "; ".join(parts) or "none"


def _rows_caption(points: Sequence[Mapping[str, Any]]) -> str:
    whole = max(points, key=lambda point: point["rows"])
    return (
        f"R² on unseen temperatures against training rows. The network scores {score_at_half(points):.2f} with five "
        f"ninths of the rows, {HALF * whole['rows']:.0f} (paper: about 0.1 with 50 000 of 90 000), and "
        f"{whole['r2_median']:.2f} with all {whole['rows']} (paper: about 0.9). Lines are medians over seeds, bands "
        "reach from the lowest seed to the highest; a caret at the lower edge stands for a lower score. B and C, one "
        "curve from the smallest training set and from the largest."
    )


def _states_caption(scaling: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    ends = "; ".join(
        f"{MODEL_NAMES[name]} {first['r2_median']:.2f} with {first['states']} and {last['r2_median']:.2f} with "
        f"{last['states']}"
        for name, (first, *_, last) in scaling.items()
    )
    return (
        f"R² on unseen temperatures against the number of training states: {ends}. Lines are medians over seeds, bands "
        "reach from the lowest seed to the highest; scores below zero are cut off."
    )


def _stability_caption(embedding: Mapping[str, Any]) -> str:
    whole = {
        name: view for name, view in embedding["views"].items() if name.startswith("UMAP") and len(name.split()) == 2
    }
    agreement = [view["ari_mean"] for view in whole.values() if view["ari_mean"] is not None]
    between = (
        f"; clusters of two seeds agree with a mean adjusted Rand index of {min(agreement):.2f} to {max(agreement):.2f}"
    )
    return (
        "How sure the map is. UMAP 15: a map that keeps 15 neighbours; AA, AB, BB: of one pair alone; log: of "
        "ln(1 + g), in which high peaks do not outweigh all else; PCA 2: two principal components. A and B, best "
        "number of clusters by silhouette and by elbow. C, whether two seeds find the same clusters, and the same as "
        "the first row. D, mixing entropies; grey: shuffled clusters. Four clusters in "
        f"{format_share(embedding['share_k4']['silhouette'])} of {embedding['maps']} UMAP maps, on average over the "
        "neighbourhoods, which differ"
        f"{between if agreement else ''}. Lowest entropy: S in {format_share(embedding['size_ratio_lowest'])} of the "
        f"maps; {describe_views(embedding['views'])}."
    )


def _descriptor_caption(descriptors: Mapping[str, Any]) -> str:
    leaders = []
    for name, descriptor in descriptors.items():
        leader = max(descriptor["features"], key=lambda feature: descriptor["features"][feature]["share"])
        share = format_share(descriptor["features"][leader]["share"])
        leaders.append(f"{name.replace('_', ' ')} {PARAMETER_SYMBOLS[leader]} {share} (R² {descriptor['r2']:.2f})")
    return (
        "What decides the numbers that one reads off the curves: strongest parameter, its share, and R² of the model "
        f"on unseen states; where that is low, the share says little: {', '.join(leaders)}. A, share in the sum over "
        "the four parameters, ± half its 95 % interval over states. B, share of each interaction in the sum over all "
        "main effects and interactions; main effects are not shown, so that columns do not sum to one. C and D, "
        "interaction of S with another parameter in standard deviations of the descriptor; whiskers are standard "
        "errors over the states of a point."
    )


def _ranking_caption(attribution: Mapping[str, Any]) -> str:
    methods = attribution["methods"]
    first = sum(method["order"][0] == "size_ratio" for method in methods.values())
    # One minus an entropy is no part of a whole; its share would be next to everything over next to nothing.
    shares = [method["features"]["size_ratio"]["share"] for name, method in methods.items() if name != "map entropy"]
    errors = attribution["held_out"]["mlp"]
    where = f"; the network's mean error on unseen states is {errors['all']['error']:.3f}"
    if "demixed" in errors:
        where += f", and {errors['demixed']['error']:.3f} on demixed ones"
    return (
        f"Every method's ranking: {first} of {len(methods)} put S first; its credit is {format_share(min(shares))} to "
        f"{format_share(max(shares))} by all but the maps{where}. A, median share of the credit with its 95 % "
        "interval. B, Kendall's τ between the orders of these shares. C, whiskers are standard deviations over fits; "
        "groups of fewer than five states are left out."
    )
