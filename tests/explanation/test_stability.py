"""Many maps: what they agree on, and what chance gives. PCA stands in for UMAP where the map does not matter."""

import warnings

import numpy as np
import pandas as pd
import pytest

from ljmix.explanation.embedding import curve_vectors
from ljmix.explanation.maps import MapRun, View, common_k, list_views, study_maps, typical_run
from ljmix.explanation.stability import (
    agreement,
    cluster_counts,
    entropy_runs,
    null_entropy,
    order_counts,
    quality,
)


@pytest.fixture(scope="module")
def runs(dataset):
    return study_maps(dataset, [View("PCA", 2), View("PCA", 3), View("PCA", 2, ("BB",))], 3)


PCA_2 = View("PCA", 2)


def run_with(labels, seed=0, view=PCA_2):
    labels = np.asarray(labels)
    scan = pd.DataFrame({"k": [2, 3, 4], "inertia": [9.0, 2.0, 1.0], "silhouette": [0.1, 0.9, 0.5]})
    return MapRun(view, seed, np.zeros((len(labels), 2)), scan, {3: labels}, 1.0)


def test_views_hold_what_the_states_allow():
    labels = [view.label for view in list_views(40, [5, 15, 50], default=15)]
    assert labels[:5] == ["UMAP 15", "UMAP 5", "UMAP 15 AA", "UMAP 15 AB", "UMAP 15 BB"]
    assert labels[5:] == ["UMAP 15 log", "PCA 2", "PCA 3", "PCA 5", "PCA 10", "PCA 20", "PCA 2 log"]
    with pytest.raises(ValueError, match="default = 7: must be one of"):
        list_views(40, [5, 15], default=7)
    with pytest.raises(ValueError, match="15 states are too few"):
        list_views(15, [5, 15], default=15)
    with pytest.raises(ValueError, match="method = 'TSNE'"):
        View("TSNE", 2)


def test_runs_come_view_by_view_and_repeat(dataset, runs):
    assert [(run.view.label, run.seed) for run in runs] == [
        (label, seed) for label in ("PCA 2", "PCA 3", "PCA 2 BB") for seed in range(3)
    ]
    assert all(set(run.labels) == set(range(2, 11)) for run in runs)
    again = study_maps(dataset, [View("PCA", 3)], 2)
    for first, second in zip(runs[3:5], again, strict=True):
        np.testing.assert_array_equal(first.points, second.points)
        np.testing.assert_array_equal(first.labels[4], second.labels[4])
    centred = curve_vectors(dataset) - curve_vectors(dataset).mean(axis=0)
    # Principal components of full rank keep every distance: the map cannot be more trusted than 1.
    assert all(0.5 < run.trustworthiness <= 1 for run in runs)
    assert np.var(runs[0].points) * runs[0].points.size <= (centred**2).sum()


def test_a_study_maps_with_umap_too(dataset):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (run,) = study_maps(dataset, [View("UMAP", 6)], 1)
    assert run.points.shape == (40, 2)
    with pytest.raises(ValueError, match="seeds = 0"):
        study_maps(dataset, [View("PCA", 2)], 0)
    with pytest.raises(ValueError, match="each named once"):
        study_maps(dataset, [View("PCA", 2)] * 2, 1)


def test_counts_add_up_to_the_seeds(runs):
    counts = cluster_counts(runs)
    assert (counts.groupby(["view", "criterion"])["count"].sum() == 3).all()
    np.testing.assert_allclose(counts.groupby(["view", "criterion"])["share"].sum(), 1, rtol=1e-14)
    assert common_k([run_with([0, 1, 2])] * 2) == 3


def test_of_equally_frequent_numbers_of_clusters_the_clearer_one_is_common():
    three, two = run_with([0, 1, 2]), run_with([0, 1, 2])
    two.scan["silhouette"] = [0.85, 0.8, 0.5]
    assert common_k([three, two]) == common_k([two, three]) == 3
    assert common_k([three, two, two]) == 2


def test_agreement_is_one_for_the_same_clusters_whatever_their_names():
    same, renamed, other = [0, 0, 1, 1, 2, 2], [2, 2, 0, 0, 1, 1], [0, 1, 0, 1, 2, 2]
    view = View("PCA", 3)
    pairs = agreement([run_with(same, 0), run_with(renamed, 1), run_with(other, 0, view), run_with(same, 1, view)], 3)
    found = {(row.view, row.seed, row.other_view, row.other_seed): row.ari for row in pairs.itertuples()}
    assert set(found) == {
        ("PCA 2", 0, "PCA 2", 1), ("PCA 3", 0, "PCA 3", 1), ("PCA 2", 0, "PCA 3", 0), ("PCA 2", 1, "PCA 3", 1),
    }  # fmt: skip
    assert found["PCA 2", 0, "PCA 2", 1] == 1
    assert found["PCA 2", 0, "PCA 3", 0] < 0.5
    assert found["PCA 2", 1, "PCA 3", 1] == 1


def test_the_typical_map_is_the_one_most_agree_with():
    odd, usual = [0, 1, 0, 1, 2, 2], [0, 0, 1, 1, 2, 2]
    assert typical_run([run_with(odd, 0), run_with(usual, 1), run_with(usual, 2)], 3).seed == 1
    assert typical_run([run_with(odd, 5)], 3).seed == 5


def test_entropies_rank_the_feature_that_makes_the_clusters(dataset):
    states = dataset.states
    by_size = run_with((states["size_ratio"] > 1).to_numpy().astype(int))
    entropies = entropy_runs([by_size], 3, states)
    ranks = entropies.set_index("feature")["rank"]
    assert ranks["size_ratio"] == 1
    assert (ranks.drop("size_ratio") > 1).all()
    orders = order_counts(entropies)
    # The grid is balanced: the other three are mixed alike, and no order is made up among them.
    assert list(orders["order"]) == ["size_ratio < epsilon_ab = fraction_b = temperature"]
    assert set(ranks.drop("size_ratio")) == {3.0}
    assert orders["share"].sum() == 1


def test_shuffled_clusters_show_no_part(dataset):
    states = dataset.states
    labels = (states["size_ratio"] > 1).to_numpy().astype(int)
    null = null_entropy(labels, states, seed=0, permutations=99).set_index("feature")
    # No draw of 99 comes near a pure division: the smallest p-value there is.
    assert null.loc["size_ratio", "p_value"] == 0.01
    # The grid is balanced, so the other features are evenly mixed: no draw can lie above them.
    assert (null["p_value"].drop("size_ratio") == 1).all()
    assert ((null["null_low"] <= null["null_mean"]) & (null["null_mean"] <= null["null_high"])).all()
    assert (null["null_high"] <= 1 + 1e-12).all()
    with pytest.raises(ValueError, match="permutations = 1"):
        null_entropy(labels, states, seed=0, permutations=1)


def test_quality_has_one_row_a_view(dataset, runs):
    k = 4
    rated = quality(runs, entropy_runs(runs, k, dataset.states), agreement(runs, k), k).set_index("view")
    assert list(rated.index) == ["PCA 2", "PCA 3", "PCA 2 BB"]
    first = [run for run in runs if run.view.label == "PCA 2"]
    assert rated.loc["PCA 2", "share_k4"] == np.mean(
        [run.scan.set_index("k")["silhouette"].idxmax() == 4 for run in first]
    )
    assert rated.loc["PCA 2", "smallest"] == np.mean(
        [min(np.unique(run.labels[k], return_counts=True)[1]) for run in first]
    )
    assert {"temperature", "fraction_b", "size_ratio", "epsilon_ab"} <= set(rated.columns)
