import math
import warnings

import numpy as np
import pandas as pd
import pytest

from ljmix.explanation.embedding import (
    best_k,
    curve_vectors,
    elbow_k,
    embed,
    entropy_table,
    mixing_entropy,
    scan_clusters,
)


def blobs(n_blobs: int, n_points: int = 30, spread: float = 0.05) -> np.ndarray:
    """Clouds of unequal size on the unit circle, far apart compared with their spread."""
    rng = np.random.default_rng(7)
    angle = 2 * np.pi * np.arange(n_blobs) / n_blobs
    centres = np.column_stack([np.cos(angle), np.sin(angle)])
    return np.concatenate([c + spread * rng.standard_normal((n_points - 5 * i, 2)) for i, c in enumerate(centres)])


def test_vectors_hold_the_three_curves_in_order(dataset):
    vectors = curve_vectors(dataset)
    r, g = dataset.curve_array()
    assert vectors.shape == (len(dataset.states), 3 * 82)
    np.testing.assert_array_equal(vectors[3], np.concatenate([g[3, i, r > 0.9] for i in range(3)]))


def test_vectors_take_the_range_asked_for(dataset):
    assert curve_vectors(dataset, r_min=1.0, r_max=2.0).shape[1] == 3 * 20
    with pytest.raises(ValueError, match=r"r_min = 4, r_max = 2"):
        curve_vectors(dataset, r_min=4.0, r_max=2.0)


def test_map_keeps_neighbours_and_repeats_with_its_seed(dataset):
    # Two compositions with five temperatures each, repeated with little noise: two families of curves.
    vectors = curve_vectors(dataset)
    families = dataset.states["size_ratio"].to_numpy()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        points = embed(vectors, seed=1, n_neighbors=6)
        again = embed(vectors, seed=1, n_neighbors=6)
    assert points.shape == (len(vectors), 2)
    np.testing.assert_array_equal(points, again)
    np.testing.assert_allclose(points.mean(axis=0), 0, atol=1e-5)
    distance = np.linalg.norm(points[:, None] - points, axis=-1) + np.diag(np.full(len(points), np.inf))
    assert (families[distance.argmin(axis=1)] == families).all()


@pytest.mark.parametrize(
    ("vectors", "n_neighbors", "message"),
    [
        (np.zeros((5, 4)), 5, "5 states are too few for n_neighbors = 5"),
        (np.zeros((5, 4)), 1, "n_neighbors = 1: must be at least 2"),
        (np.full((5, 4), np.nan), 2, "must be finite"),
        (np.zeros(5), 2, "one row a state"),
    ],
)
def test_map_refuses_what_it_cannot_embed(vectors, n_neighbors, message):
    with pytest.raises(ValueError, match=message):
        embed(vectors, seed=0, n_neighbors=n_neighbors)


def test_vectors_of_single_pairs_are_parts_of_the_whole(dataset):
    parts = [curve_vectors(dataset, pairs=(pair,)) for pair in ("AA", "AB", "BB")]
    np.testing.assert_array_equal(np.hstack(parts), curve_vectors(dataset))
    with pytest.raises(ValueError, match=r"pairs = \['BA'\]: must be one or more of AA, AB, BB"):
        curve_vectors(dataset, pairs=("BA",))


@pytest.mark.parametrize("n_blobs", [3, 4])
def test_silhouette_and_elbow_find_the_blobs(n_blobs):
    scan, _ = scan_clusters(blobs(n_blobs), seed=0)
    assert scan["k"].tolist() == list(range(2, 11))
    assert best_k(scan) == n_blobs
    assert elbow_k(scan) == n_blobs
    assert scan["inertia"].is_monotonic_decreasing


def test_labels_run_from_the_largest_cluster_to_the_smallest():
    _, labels = scan_clusters(blobs(3), [3], seed=5)
    np.testing.assert_array_equal(labels[3], np.repeat([0, 1, 2], [30, 25, 20]))


@pytest.mark.parametrize("ks", [[4], [1]])
def test_scan_refuses_more_clusters_than_points_allow(ks):
    with pytest.raises(ValueError, match=rf"k = {ks[0]} clusters of 4 distinct points"):
        scan_clusters(np.repeat(np.eye(4), 3, axis=0), ks)


def test_scan_needs_a_number_of_clusters():
    with pytest.raises(ValueError, match="ks is empty"):
        scan_clusters(blobs(2), [])


def test_elbow_needs_three_falling_inertias():
    with pytest.raises(ValueError, match="at least three"):
        elbow_k(pd.DataFrame({"k": [2, 3], "inertia": [2.0, 1.0]}))
    with pytest.raises(ValueError, match="it must fall"):
        elbow_k(pd.DataFrame({"k": [2, 3, 4], "inertia": [1.0, 1.0, 1.0]}))


def test_elbow_is_farthest_below_the_chord():
    # Chord from (2, 10) to (6, 0); at k = 3 the curve lies 7.5 - 2 below it, at k = 4 5 - 1.
    assert elbow_k(pd.DataFrame({"k": [2, 3, 4, 5, 6], "inertia": [10.0, 2.0, 1.0, 0.5, 0.0]})) == 3


def test_entropy_of_pure_clusters_is_zero():
    assert mixing_entropy([0, 0, 1, 1], [0.5, 0.5, 2.0, 2.0]) == 0.0


@pytest.mark.parametrize("n", [2, 4, 5])
def test_entropy_of_even_mixtures_is_ln_n(n):
    labels, values = np.divmod(np.arange(3 * n), n)
    # Sums of n terms of order one in double precision.
    tolerance = 4 * n * np.finfo(float).eps
    assert mixing_entropy(labels, values) == pytest.approx(math.log(n), abs=tolerance)
    (row,) = entropy_table(labels, pd.DataFrame({"S": values}), ["S"]).to_dict("records")
    assert (row["n_values"], row["entropy_normalised"]) == (n, pytest.approx(1, abs=tolerance))


def test_entropy_by_hand():
    # First cluster 3:1, second pure; the mean counts clusters, not points.
    labels, values = [0, 0, 0, 0, 1], [1, 1, 1, 2, 2]
    first = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert mixing_entropy(labels, values) == pytest.approx(first / 2, rel=1e-14)


def test_values_that_differ_by_rounding_are_equal():
    assert mixing_entropy([0, 0], [0.3, 0.1 + 0.2]) == 0.0


@pytest.mark.parametrize(
    ("labels", "values", "message"),
    [([0, 1], [1.0], "one of each"), ([], [], "one of each"), ([0, 1], [1.0, np.nan], "point 1 is not")],
)
def test_entropy_refuses_unequal_or_missing_values(labels, values, message):
    with pytest.raises(ValueError, match=message):
        mixing_entropy(labels, values)


def test_entropy_of_a_constant_is_left_out():
    assert entropy_table([0, 1], pd.DataFrame({"S": [0.5, 0.5]}), ["S"]).empty


def test_table_ranks_the_deciding_feature_first(dataset):
    states = dataset.states.assign(epsilon_ab=0.2)
    labels = (states["size_ratio"] > 1).to_numpy().astype(int)
    table = entropy_table(labels, states)
    assert table["feature"].tolist()[0] == "size_ratio"
    assert "epsilon_ab" not in set(table["feature"]), "a constant feature must be left out"
    assert table.set_index("feature").loc["temperature", "n_values"] == 5
    np.testing.assert_allclose(table["entropy_normalised"], [0, 1, 1], atol=1e-14)
