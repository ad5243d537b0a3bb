"""How sure is the map? How often k = 4, which clusters stay, which feature decides them, and what chance gives."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.metrics import adjusted_rand_score

from ljmix.data.dataset import FEATURES
from ljmix.explanation.embedding import best_k, elbow_k, entropy_table
from ljmix.explanation.maps import MapRun

__all__ = ["agreement", "cluster_counts", "entropy_runs", "null_entropy", "order_counts", "quality"]

_DECIMALS = 9
"""Entropies that agree to so many places are equal: a balanced grid makes equal ones, and rounding orders them."""

_CRITERIA: dict[str, Callable[[pd.DataFrame], int]] = {"silhouette": best_k, "elbow": elbow_k}


def cluster_counts(runs: Sequence[MapRun]) -> pd.DataFrame:
    """Count how often each number of clusters is the best.

    Returns
    -------
    pandas.DataFrame
        Columns `view`, `criterion` ("silhouette", "elbow"), `k`, `count`, `share` (of the view's seeds).
    """
    rows = [(run.view.label, name, find(run.scan)) for run in runs for name, find in _CRITERIA.items()]
    table = pd.DataFrame(rows, columns=["view", "criterion", "k"])
    counts = table.groupby(["view", "criterion"], sort=False)["k"].value_counts().rename("count").reset_index()
    counts["share"] = counts["count"] / counts.groupby(["view", "criterion"])["count"].transform("sum")
    return counts.sort_values(["view", "criterion", "k"], ignore_index=True)


def agreement(runs: Sequence[MapRun], k: int) -> pd.DataFrame:
    """Adjusted Rand index of the clusters of two maps.

    Parameters
    ----------
    runs : sequence of MapRun
    k : int
        Number of clusters in each map.

    Returns
    -------
    pandas.DataFrame
        Columns `view`, `seed`, `other_view`, `other_seed`, `ari`: 1 for the same clusters, 0 on average for
        independent ones (Hubert, Arabie 1985, doi:10.1007/BF01908075). Every two seeds of a view, and every
        map beside the one of the first view that has its seed.
    """
    first = runs[0].view
    rows = [
        (one.view.label, one.seed, two.view.label, two.seed, float(adjusted_rand_score(one.labels[k], two.labels[k])))
        for one, two in itertools.combinations(runs, 2)
        if one.view == two.view or (one.view == first and one.seed == two.seed)
    ]
    return pd.DataFrame(rows, columns=["view", "seed", "other_view", "other_seed", "ari"])


def entropy_runs(runs: Sequence[MapRun], k: int, states: pd.DataFrame) -> pd.DataFrame:
    """Mixing entropy of each feature in each map.

    Parameters
    ----------
    runs : sequence of MapRun
    k : int
        Number of clusters.
    states : pandas.DataFrame
        The states of the maps, in their order.

    Returns
    -------
    pandas.DataFrame
        Columns `view`, `seed`, `feature`, `n_values`, `entropy`, `entropy_normalised`, `rank` (1 for the lowest;
        equal entropies share the mean of their ranks).
    """
    parts = []
    for run in runs:
        table = entropy_table(run.labels[k], states)
        table.insert(0, "view", run.view.label)
        table.insert(1, "seed", run.seed)
        parts.append(table.assign(rank=table["entropy_normalised"].round(_DECIMALS).rank(method="average")))
    return pd.concat(parts, ignore_index=True)


def order_counts(entropies: pd.DataFrame) -> pd.DataFrame:
    """Count in how many maps each order of the features occurs.

    Parameters
    ----------
    entropies : pandas.DataFrame
        As of `entropy_runs`, of any number of maps.

    Returns
    -------
    pandas.DataFrame
        Columns `order` (features from the lowest entropy to the highest, joined by " < ", equal ones by " = "),
        `count`, `share`; the most frequent first.
    """
    ordered = entropies.sort_values(["rank", "feature"], kind="stable")
    equal = ordered.groupby(["view", "seed", "rank"])["feature"].agg(" = ".join)
    orders = equal.groupby(["view", "seed"]).agg(" < ".join)
    table = orders.value_counts().rename_axis("order").rename("count").reset_index()
    table = table.sort_values(["count", "order"], ascending=[False, True], ignore_index=True)
    return table.assign(share=table["count"] / table["count"].sum())


def null_entropy(
    labels: npt.NDArray[np.int64], states: pd.DataFrame, seed: int, permutations: int = 500
) -> pd.DataFrame:
    """Mixing entropy that features have which play no part: clusters of the same sizes, drawn at random.

    It lies a little below 1, because few states in a cluster are never evenly mixed.

    Parameters
    ----------
    labels : (n_states,) array
    states : pandas.DataFrame
    seed : int
    permutations : int
        Number of times that the labels are shuffled, at least 2.

    Returns
    -------
    pandas.DataFrame
        Columns `feature`, `null_mean`, `null_low`, `null_high` (95 % of the shuffled labels lie between the
        two), all of the normalised entropy, and `p_value`: share of draws, the actual labels counted as one,
        that have an entropy as low as theirs.

    Raises
    ------
    ValueError
        If fewer than two permutations are asked for.
    """
    if permutations < 2:
        raise ValueError(f"permutations = {permutations}: must be at least 2")
    rng = np.random.default_rng(seed)
    column = "entropy_normalised"
    actual = entropy_table(labels, states).set_index("feature")[column]
    drawn = pd.DataFrame(
        [
            entropy_table(rng.permutation(labels), states).set_index("feature")[column].loc[actual.index]
            for _ in range(permutations)
        ]
    )
    table = pd.DataFrame(
        {
            "null_mean": drawn.mean(),
            "null_low": drawn.quantile(0.025),
            "null_high": drawn.quantile(0.975),
            # Rounding must not make a draw that equals the actual entropy lie above it.
            "p_value": ((drawn <= actual + 1e-12).sum() + 1) / (permutations + 1),
        }
    )
    return table.rename_axis("feature").reset_index()


def quality(runs: Sequence[MapRun], entropies: pd.DataFrame, agreements: pd.DataFrame, k: int) -> pd.DataFrame:
    """One row a view: what its maps have in common, and how they rate.

    Parameters
    ----------
    runs : sequence of MapRun
    entropies, agreements : pandas.DataFrame
        As of `entropy_runs` and `agreement`, of these runs and `k`.
    k : int

    Returns
    -------
    pandas.DataFrame
        Columns `view`, `share_k4` and `share_k4_elbow` (of the seeds), `silhouette` (at `k`), `smallest` (states
        in the smallest cluster, mean), `trustworthiness`, `ari_mean`, `ari_min` (between seeds; NaN for one seed),
        `ari_default` (mean, with the maps of the first view) and the mean normalised entropy of each feature.
    """
    labels = list(dict.fromkeys(run.view.label for run in runs))
    rows = []
    for label in labels:
        of_view = [run for run in runs if run.view.label == label]
        same = agreements[(agreements["view"] == label) & (agreements["other_view"] == label)]["ari"]
        first = agreements[(agreements["view"] == labels[0]) & (agreements["other_view"] == label)]["ari"]
        rows.append(
            {
                "view": label,
                "share_k4": float(np.mean([best_k(run.scan) == 4 for run in of_view])),
                "share_k4_elbow": float(np.mean([elbow_k(run.scan) == 4 for run in of_view])),
                "silhouette": float(np.mean([run.scan.set_index("k")["silhouette"][k] for run in of_view])),
                "smallest": float(np.mean([np.bincount(run.labels[k]).min() for run in of_view])),
                "trustworthiness": float(np.mean([run.trustworthiness for run in of_view])),
                "ari_mean": float(same.mean()),
                "ari_min": float(same.min()),
                "ari_default": float(first.mean()),
            }
        )
    wide = entropies.pivot_table(index="view", columns="feature", values="entropy_normalised")
    present = [feature for feature in FEATURES if feature in wide.columns]
    return pd.DataFrame(rows).join(wide[present], on="view")
