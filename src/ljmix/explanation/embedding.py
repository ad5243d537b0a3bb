"""A map of all structures: curves as vectors, UMAP to the plane, k-means clusters, and what they share.

Follows Hashmi et al. 2025 (doi:10.1039/D5SM00198F): clusters of the map are compared with the state points'
parameters by the mixing entropy. A parameter with a low entropy decides the cluster.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import entropy
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from ljmix._util.arrays import FloatArray
from ljmix.data.dataset import LEARNING_RANGE, Dataset
from ljmix.state import PAIRS, PARAMETERS

__all__ = [
    "CLUSTER_NUMBERS", "best_k", "curve_vectors", "elbow_k", "embed", "entropy_table",
    "mixing_entropy", "scan_clusters",
]  # fmt: skip

CLUSTER_NUMBERS = range(2, 11)
"""Numbers of clusters that are tried, as in the paper."""

_STARTS = 10
_DECIMALS = 6
"""State points hold rounded decimals (`StatePoint`), so values that agree to six places are the same."""


def curve_vectors(
    dataset: Dataset, r_min: float = 0.9, r_max: float = LEARNING_RANGE, pairs: Sequence[str] = PAIRS
) -> FloatArray:
    """Describe each state by its curves, one behind the other.

    Parameters
    ----------
    dataset : Dataset
    r_min, r_max : float
        Bins whose centre lies between the two are taken, σ_AA.
    pairs : sequence of {"AA", "AB", "BB"}
        Curves to take, in this order.

    Returns
    -------
    (n_states, n_pairs n_bins) array
        By default g_AA, then g_AB, then g_BB; states in the order of ``dataset.states``. The paper's
        0.9 … 5 σ with bins of 0.05 σ give 3 × 82 numbers.

    Raises
    ------
    ValueError
        If no bin lies in the range, a pair is unknown, or the states do not share their bins.
    """
    unknown = [pair for pair in pairs if pair not in PAIRS]
    if unknown or not pairs:
        raise ValueError(f"pairs = {list(pairs)}: must be one or more of {', '.join(PAIRS)}")
    r, g = dataset.curve_array(r_max=r_max)
    inside = r > r_min
    if not inside.any():
        raise ValueError(f"r_min = {r_min:g}, r_max = {r_max:g}: no bin centre lies between the two")
    chosen = [PAIRS.index(pair) for pair in pairs]
    vectors = g[:, chosen][:, :, inside].reshape(len(g), -1)
    if not np.isfinite(vectors).all():
        row = int(np.argmax(~np.isfinite(vectors).all(axis=1)))
        raise ValueError(f"state {dataset.states['state_id'].iloc[row]} lacks bins that other states have")
    return vectors


def embed(vectors: FloatArray, seed: int, n_neighbors: int = 15) -> FloatArray:
    """Map vectors to the plane by UMAP so that neighbours stay neighbours.

    Parameters
    ----------
    vectors : (n_states, n_numbers) array
    seed : int
        The same seed gives the same map on the same machine; compare neighbourhoods, not coordinates,
        between machines.
    n_neighbors : int
        Size of the neighbourhood to keep, at least 2 and below the number of states.

    Returns
    -------
    (n_states, 2) array
        Centred at the origin; axes have no unit.

    Raises
    ------
    ValueError
        If there are too few states for the neighbourhood.

    Notes
    -----
    McInnes, Healy, Melville 2018, doi:10.48550/arXiv.1802.03426. The map starts from the two leading
    principal components, which keeps its coarse layout meaningful (Kobak, Linderman 2021,
    doi:10.1038/s41587-020-00809-z) and, unlike the spectral start, does not depend on whether the graph of
    neighbours is connected.
    """
    vectors = np.asarray(vectors, dtype=float)
    if vectors.ndim != 2 or not np.isfinite(vectors).all():
        raise ValueError(f"vectors of shape {vectors.shape}: must be finite numbers, one row a state")
    if n_neighbors < 2:
        raise ValueError(f"n_neighbors = {n_neighbors}: must be at least 2")
    if len(vectors) <= n_neighbors:
        raise ValueError(
            f"{len(vectors)} states are too few for n_neighbors = {n_neighbors}; "
            "lower n_neighbors or simulate a larger grid"
        )
    # By a tree, since brute force takes distances from products, which are inexact for vectors that are close.
    distances, indices = NearestNeighbors(n_neighbors=n_neighbors, algorithm="kd_tree").fit(vectors).kneighbors(vectors)
    with warnings.catch_warnings():
        # It says that maps without an index of neighbours cannot place new points; none is asked to.
        warnings.filterwarnings("ignore", "precomputed_knn", UserWarning)
        points = _umap(n_neighbors, seed, (indices, distances.astype(np.float32))).fit_transform(vectors)
    return np.asarray(points - points.mean(axis=0), dtype=float)


def _umap(n_neighbors: int, seed: int, nearest: tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]) -> Any:
    with warnings.catch_warnings():
        # umap-learn says on import that Tensorflow is absent; only its parametric variant needs it. Imported
        # here because it compiles for some seconds, which users of the entropy alone need not wait for.
        warnings.simplefilter("ignore", ImportWarning)
        import umap
    return umap.UMAP(
        n_components=2,
        n_neighbors=n_neighbors,
        init="pca",
        random_state=seed,
        n_jobs=1,  # a seeded UMAP runs on one anyway and warns if it was asked for more
        # Of few vectors it measures the distances itself, a pair at a time, which takes as long as the map.
        precomputed_knn=nearest,
        force_approximation_algorithm=True,  # or it warns that it measures none
    )


def _fit_clusters(points: FloatArray, k: int, seed: int) -> tuple[npt.NDArray[np.int64], float]:
    """Labels by k-means (best of ten starts), 0 for the largest cluster, and the inertia."""
    # One thread: a few hundred points are done before a second one has started, and sums keep their order.
    with threadpool_limits(1):
        fitted = KMeans(n_clusters=k, n_init=_STARTS, random_state=seed).fit(points)
    order = np.argsort(-np.bincount(fitted.labels_, minlength=k), kind="stable")
    rank = np.empty(k, dtype=np.int64)
    rank[order] = np.arange(k)
    return rank[fitted.labels_], float(fitted.inertia_)


def scan_clusters(
    points: FloatArray, ks: Sequence[int] = CLUSTER_NUMBERS, seed: int = 0
) -> tuple[pd.DataFrame, dict[int, npt.NDArray[np.int64]]]:
    """Cluster by k-means for several numbers of clusters, and rate each division.

    Parameters
    ----------
    points : (n_points, n_dimensions) array
    ks : sequence of int
        Numbers of clusters, each at least 2 and below the number of distinct points.
    seed : int

    Returns
    -------
    scan : pandas.DataFrame
        Columns `k`, `inertia` (sum of squared distances to the cluster's centre, in the points' units
        squared) and `silhouette` (mean over points, from -1 to 1; Rousseeuw 1987,
        doi:10.1016/0377-0427(87)90125-7).
    labels : dict of (n_points,) arrays of int
        By number of clusters; label 0 is the largest cluster, 1 the next, and so on.

    Raises
    ------
    ValueError
        If `ks` is empty or a number of clusters is out of range.
    """
    distinct = len(np.unique(np.asarray(points), axis=0))
    if len(ks) == 0:
        raise ValueError("ks is empty; give at least one number of clusters")
    for k in ks:
        if not 2 <= k < distinct:
            raise ValueError(
                f"k = {k} clusters of {distinct} distinct points: the silhouette needs 2 <= k < {distinct}; "
                "shorten ks or simulate a larger grid"
            )
    rows, labels = [], {}
    for k in ks:
        labels[k], inertia = _fit_clusters(points, k, seed)
        rows.append({"k": k, "inertia": inertia, "silhouette": float(silhouette_score(points, labels[k]))})
    return pd.DataFrame(rows), labels


def best_k(scan: pd.DataFrame) -> int:
    """Number of clusters with the largest silhouette in a table of `scan_clusters`; the least of equals."""
    ordered = scan.sort_values("k")
    return int(ordered["k"].iloc[int(np.argmax(ordered["silhouette"]))])


def elbow_k(scan: pd.DataFrame) -> int:
    """Number of clusters at the elbow of the inertia in the table of `scan_clusters`.

    The elbow is the point farthest below the chord from the first to the last number of clusters, both axes
    scaled to 0 … 1 (Satopaa et al. 2011, doi:10.1109/ICDCSW.2011.20, without smoothing).

    Raises
    ------
    ValueError
        If fewer than three numbers of clusters were tried, or the inertia does not fall.
    """
    ordered = scan.sort_values("k")
    k = ordered["k"].to_numpy(dtype=float)
    inertia = ordered["inertia"].to_numpy(dtype=float)
    if len(k) < 3:
        raise ValueError(f"{len(k)} numbers of clusters: an elbow needs at least three")
    if inertia[0] <= inertia[-1]:
        raise ValueError(f"inertia goes from {inertia[0]:g} to {inertia[-1]:g}: it must fall")
    across = (k - k[0]) / (k[-1] - k[0])
    down = (inertia[0] - inertia) / (inertia[0] - inertia[-1])
    return int(k[int(np.argmax(down - across))])


def mixing_entropy(labels: npt.ArrayLike, values: npt.ArrayLike) -> float:
    """How evenly the values of a feature mix in the clusters.

    E = mean over clusters of -Σ p_i ln p_i, where p_i is the share of a cluster's points with the feature's
    i-th value (Hashmi et al. 2025, doi:10.1039/D5SM00198F).

    Parameters
    ----------
    labels : (n_points,) array
        Cluster of each point.
    values : (n_points,) array of float
        The feature of each point; values that agree to six decimals count as equal.

    Returns
    -------
    float
        0 if each cluster holds one value only; at most ln(number of values).

    Raises
    ------
    ValueError
        If the arrays are empty or differ in length, or a value is not finite.
    """
    labels = np.asarray(labels)
    values = np.asarray(values, dtype=float).round(_DECIMALS)
    if labels.shape != values.shape or labels.ndim != 1 or not len(labels):
        raise ValueError(f"labels {labels.shape} and values {values.shape}: need one of each for every point")
    if not np.isfinite(values).all():
        raise ValueError(f"value of point {int(np.argmax(~np.isfinite(values)))} is not a finite number")
    counts = pd.crosstab(labels, values)
    return float(entropy(counts, axis=1).mean())


def entropy_table(labels: npt.ArrayLike, states: pd.DataFrame, features: Sequence[str] = PARAMETERS) -> pd.DataFrame:
    """Mixing entropy of each feature of the states.

    Parameters
    ----------
    labels : (n_states,) array
        Cluster of each state.
    states : pandas.DataFrame
        Holds the columns `features`; rows in the order of `labels`.
    features : sequence of str
        Features with a single value say nothing and are left out.

    Returns
    -------
    pandas.DataFrame
        Columns `feature`, `n_values`, `entropy`, `entropy_normalised` (over ln(number of values), the entropy of an
        even mixture, so that features with different numbers of values compare); lowest normalised entropy, hence
        the feature that decides the clusters, first.
    """
    columns = ["feature", "n_values", "entropy", "entropy_normalised"]
    rows = []
    for feature in features:
        n_values = len(np.unique(states[feature].to_numpy(dtype=float).round(_DECIMALS)))
        if n_values > 1:
            mixing = mixing_entropy(labels, states[feature])
            rows.append((feature, n_values, mixing, mixing / math.log(n_values)))
    table = pd.DataFrame(rows, columns=columns)
    return table.sort_values("entropy_normalised", kind="stable", ignore_index=True)
