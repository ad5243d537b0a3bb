"""Sections `dataset`, `embedding`, `attribution` of ``metrics.json``: the numbers that captions and claims quote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from ljmix._util.arrays import FloatArray
from ljmix.data.dataset import Dataset
from ljmix.evaluation.splits import complete_compositions
from ljmix.explanation.descriptors import DescriptorStudy, interaction_shares, share_of_descriptors
from ljmix.explanation.embedding import best_k, elbow_k
from ljmix.explanation.ensemble import Explanation
from ljmix.explanation.maps import MapRun
from ljmix.explanation.ranking import agreement_table, importance_table, order_table, share_table
from ljmix.explanation.stability import order_counts
from ljmix.report.metrics import plain
from ljmix.simulation.profiles import Profile
from ljmix.state import PARAMETERS

__all__ = ["attribution_metrics", "dataset_metrics", "embedding_metrics", "whole_maps"]


def dataset_metrics(dataset: Dataset, profile: Profile) -> dict[str, Any]:
    """Section `dataset`: how much of its profile a dataset holds.

    Returns
    -------
    dict
        `states`; `planned`, those of the profile; `complete`, those whose composition has every temperature, which
        models learn from; `phases`, for each label how many `states` have it, how many of them are `converged`, and
        of how many the `starts_disagree`.
    """
    states = dataset.states
    agree = states["starts_agree"] if "starts_agree" in states else pd.Series(True, index=states.index)
    by_phase = states.assign(disagree=~agree.astype(bool)).groupby("phase")
    phases = by_phase.agg(states=("phase", "size"), converged=("converged", "sum"), starts_disagree=("disagree", "sum"))
    return {
        "states": len(dataset.states),
        "planned": len(profile.states()),
        "complete": len(complete_compositions(dataset).states),
        "phases": {str(phase): {name: int(n) for name, n in row.items()} for phase, row in phases.iterrows()},
    }


def whole_maps(runs: Sequence[MapRun]) -> list[MapRun]:
    """Maps that differ from the first view in the neighbourhood alone: what the paper's map is one of."""
    return [run for run in runs if run.view == replace(runs[0].view, size=run.view.size)]


def embedding_metrics(
    runs: Sequence[MapRun], k: int, entropies: pd.DataFrame, null: pd.DataFrame, rated: pd.DataFrame
) -> dict[str, Any]:
    """Section `embedding`.

    Parameters
    ----------
    runs : sequence of MapRun
        The default view first.
    k : int
        Number of clusters of all entropies and agreements.
    entropies, null, rated : pandas.DataFrame
        As of `entropy_runs`, `null_entropy` (of the map that is drawn) and `quality`.

    Returns
    -------
    dict
        `best_k` (`k`), `best_k_by_seed`, `elbow_k_by_seed`, `mixing_entropy`, `mixing_entropy_normalised` and
        `…_std` for the default view (mean and standard deviation over seeds), `mixing_entropy_null`;
        for UMAP of all pairs over seeds and neighbourhoods `maps` (their number), `share_k4`, `best_k_counts`,
        `elbow_k_counts`, `orders`, and the shares `size_ratio_lowest`, `temperature_highest` (alone: of equals
        none is the lowest or the highest); `n_values` of each feature; `views`, one entry a view.
    """
    default = [run for run in runs if run.view == runs[0].view]
    whole = whole_maps(runs)
    of_default = entropies[entropies["view"] == runs[0].view.label].groupby("feature")
    of_whole = entropies[entropies["view"].isin({run.view.label for run in whole})]
    ranks = of_whole.pivot_table(index=["view", "seed"], columns="feature", values="rank")
    best = {"silhouette": [best_k(run.scan) for run in whole], "elbow": [elbow_k(run.scan) for run in whole]}
    n_features = entropies["feature"].nunique()
    wanted = {"size_ratio_lowest": ("size_ratio", 1), "temperature_highest": ("temperature", n_features)}
    shares = {
        key: float((ranks[feature] == rank).mean()) if feature in ranks else 0.0
        for key, (feature, rank) in wanted.items()
    }
    section = {
        "best_k": k,
        "best_k_by_seed": [best_k(run.scan) for run in default],
        "elbow_k_by_seed": [elbow_k(run.scan) for run in default],
        "mixing_entropy": of_default["entropy"].mean().to_dict(),
        "mixing_entropy_normalised": of_default["entropy_normalised"].mean().to_dict(),
        "mixing_entropy_normalised_std": of_default["entropy_normalised"].std().to_dict(),
        "mixing_entropy_null": null.set_index("feature").to_dict("index"),
        "maps": len(whole),
        "seeds": len(default),
        "share_k4": {criterion: float(np.mean(np.array(values) == 4)) for criterion, values in best.items()},
        "best_k_counts": pd.Series(best["silhouette"]).value_counts().sort_index().to_dict(),
        "elbow_k_counts": pd.Series(best["elbow"]).value_counts().sort_index().to_dict(),
        "orders": order_counts(of_whole).head(5).to_dict("records"),
        "features": n_features,
        "n_values": of_whole.groupby("feature")["n_values"].first().to_dict(),
        **shares,
        "views": rated.set_index("view").to_dict("index"),
    }
    result: dict[str, Any] = plain(section)
    return result


def attribution_metrics(
    explanations: Sequence[Explanation],
    draws: Mapping[str, FloatArray],
    study: DescriptorStudy,
    errors: pd.DataFrame,
    labels: pd.DataFrame,
    by_pair: pd.DataFrame,
) -> dict[str, Any]:
    """Section `attribution`.

    Parameters
    ----------
    explanations : sequence of Explanation
    draws : mapping of (n_draws, 4) arrays
        Importances by method, see `ljmix.explanation.ranking`.
    study : DescriptorStudy
    errors, labels : pandas.DataFrame
        As of `held_out_errors` and `label_effect`.
    by_pair : pandas.DataFrame
        Columns `model`, `pair`, `feature`, `mean_abs`.

    Returns
    -------
    dict
        For each model its features' mean |Shapley value|; beside them `std` (over seeds), `interval` (95 %, over
        states and seeds), `by_pair`, `methods` (order, agreement with the paper, shares), `agreement`
        (Kendall's τ), `descriptors`, `held_out`, `labels`, `sobol` (first and total indices, mean over seeds)
        and `seeds`.
    """
    importance = importance_table(explanations, seed=0).set_index("feature").groupby("model", sort=False)
    section: dict[str, Any] = {model: rows["mean_abs"].to_dict() for model, rows in importance}
    section["std"] = {model: rows["mean_abs_std"].to_dict() for model, rows in importance}
    section["interval"] = {
        model: dict(zip(rows.index, rows[["mean_abs_low", "mean_abs_high"]].to_numpy(), strict=True))
        for model, rows in importance
    }
    section["seeds"] = len({explanation.seed for explanation in explanations})
    section["by_pair"] = {
        model: {pair: part.set_index("feature")["mean_abs"].to_dict() for pair, part in rows.groupby("pair")}
        for model, rows in by_pair.groupby("model")
    }
    columns = ["value", "value_low", "value_high", "share", "share_low", "share_high", "rank", "rank_low", "rank_high"]
    shares = share_table(draws).set_index("feature").groupby("method")
    orders = order_table(draws).set_index("method")
    orders["order"] = orders["order"].str.split(" > ")
    section["methods"] = {
        method: row | {"features": shares.get_group(method)[columns].to_dict("index")}
        for method, row in orders.to_dict("index").items()
    }
    section["agreement"] = agreement_table(draws).to_dict()
    section["descriptors"] = _descriptor_metrics(study)
    section["held_out"] = {
        model: rows.set_index("group").drop(columns="model").to_dict("index") for model, rows in errors.groupby("model")
    }
    section["labels"] = {
        model: rows.set_index("feature").drop(columns="model").to_dict("index")
        for model, rows in labels.groupby("model")
    }
    indices = pd.concat(explanation.sobol.indices.assign(model=explanation.model) for explanation in explanations)
    means = indices.groupby(["model", "feature"])[["first", "total"]].mean()
    section["sobol"] = {model: means.loc[model].to_dict("index") for model in means.index.unique("model")}
    result: dict[str, Any] = plain(section)
    return result


def _descriptor_metrics(study: DescriptorStudy) -> dict[str, Any]:
    shares = share_of_descriptors(study, seed=0)
    together = interaction_shares(study, seed=0)
    together["both"] = together["feature"] + " × " + together["other"]
    section = {}
    for name, r2 in zip(study.names, study.r2, strict=True):
        of_name = shares[shares["descriptor"] == name].set_index("feature")
        pairs = together[together["descriptor"] == name].set_index("both")
        columns = ["share", "share_low", "share_high"]
        section[name] = {
            "r2": r2,
            "features": of_name.loc[list(PARAMETERS), columns].to_dict("index"),
            "interactions": pairs[columns].to_dict("index"),
        }
    return section
