"""Maps of all structures, many times over: seeds, neighbourhoods, single pairs, and without UMAP.

The paper draws one map. Here every choice that it depends on is repeated; `ljmix.explanation.stability` counts
what the maps agree on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.decomposition import PCA
from sklearn.manifold import trustworthiness
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from ljmix._util.arrays import FloatArray
from ljmix.data.dataset import Dataset
from ljmix.evaluation.parallel import run_in_parallel
from ljmix.explanation.embedding import best_k, curve_vectors, embed, scan_clusters
from ljmix.state import PAIRS

__all__ = ["MapRun", "View", "common_k", "list_views", "study_maps", "typical_run"]

_TRUSTED_NEIGHBORS = 5
"""Neighbours whose survival in the map is counted by `trustworthiness`; scikit-learn's default."""


@dataclass(frozen=True)
class View:
    """One way to look at the curves.

    Attributes
    ----------
    method : {"UMAP", "PCA"}
    size : int
        `n_neighbors` of UMAP, number of components of PCA.
    pairs : tuple of {"AA", "AB", "BB"}
        Curves that are looked at.
    logarithmic : bool
        Look at ln(1 + g): the peaks of a few drops of B reach 200 and would be all that distances see.
    """

    method: str
    size: int
    pairs: tuple[str, ...] = PAIRS
    logarithmic: bool = False

    def __post_init__(self) -> None:
        if self.method not in ("UMAP", "PCA"):
            raise ValueError(f"method = {self.method!r}: must be UMAP or PCA")

    @property
    def label(self) -> str:
        """Name in tables, figures and metrics: ``UMAP 15``, ``PCA 2``, ``UMAP 15 BB``, ``PCA 2 log``."""
        parts = [self.method, str(self.size), *(self.pairs if self.pairs != PAIRS else ())]
        return " ".join([*parts, "log"] if self.logarithmic else parts)


@dataclass(frozen=True)
class MapRun:
    """One map and its clusters.

    Attributes
    ----------
    view : View
    seed : int
        Of UMAP and of k-means.
    points : (n_states, n_dimensions) array
    scan : pandas.DataFrame
        As of `ljmix.explanation.embedding.scan_clusters`.
    labels : dict of (n_states,) arrays
        Clusters by their number, 0 the largest.
    trustworthiness : float
        How far neighbours in the map are neighbours among the curves: 1 if all are, 0.5 for a random map
        (Venna, Kaski 2001, doi:10.1007/3-540-44668-0_68; five neighbours).
    """

    view: View
    seed: int
    points: FloatArray
    scan: pd.DataFrame
    labels: dict[int, npt.NDArray[np.int64]]
    trustworthiness: float


def list_views(
    n_states: int, neighbors: Sequence[int], default: int, components: Sequence[int] = (2, 3, 5, 10, 20)
) -> list[View]:
    """All views of the study: UMAP with each neighbourhood, of single pairs, and of ln(1 + g); PCA.

    Parameters
    ----------
    n_states : int
    neighbors : sequence of int
        `n_neighbors` of UMAP; those that are not below `n_states` are left out.
    default : int
        One of `neighbors`, with which single pairs and ln(1 + g) are mapped too.
    components : sequence of int
        Of PCA; those that are not below `n_states` are left out. The first one is used for ln(1 + g) too.

    Returns
    -------
    list of View
        The default first.

    Raises
    ------
    ValueError
        If `default` is not among `neighbors`, or there are too few states for it.
    """
    if default not in neighbors:
        raise ValueError(f"default = {default}: must be one of neighbors = {list(neighbors)}")
    if default >= n_states:
        raise ValueError(f"{n_states} states are too few for n_neighbors = {default}; simulate a larger grid")
    sizes = [default, *(size for size in neighbors if size != default and size < n_states)]
    return [
        *(View("UMAP", size) for size in sizes),
        *(View("UMAP", default, (pair,)) for pair in PAIRS),
        View("UMAP", default, logarithmic=True),
        *(View("PCA", size) for size in components if size < n_states),
        *(View("PCA", size, logarithmic=True) for size in components[:1] if size < n_states),
    ]


def study_maps(
    dataset: Dataset, views: Sequence[View], seeds: int, *, workers: int = 1, progress: bool = False
) -> list[MapRun]:
    """Map the states in every view with every seed, and cluster each map.

    Parameters
    ----------
    dataset : Dataset
    views : sequence of View
    seeds : int
        Repetitions, with seeds 0, 1, … PCA itself draws nothing: its seeds differ by k-means alone.
    workers : int
        Processes side by side; -1 for one a core.
    progress : bool

    Returns
    -------
    list of MapRun
        Views in their order, seeds within.

    Raises
    ------
    ValueError
        If `seeds` is below 1, a view occurs twice, or the dataset is too small for a view.
    """
    if seeds < 1:
        raise ValueError(f"seeds = {seeds}: must be at least 1")
    if not views or len(set(views)) < len(views):
        raise ValueError("views: must be a list of at least one view, each named once")
    vectors = {pairs: curve_vectors(dataset, pairs=pairs) for pairs in {view.pairs for view in views}}
    seen = {view: np.log1p(vectors[view.pairs]) if view.logarithmic else vectors[view.pairs] for view in views}
    runs = [(view, seed, seen[view]) for view in views for seed in range(seeds)]
    return list(run_in_parallel(_map_once, runs, "maps", workers, progress))


def _map_once(view: View, seed: int, vectors: FloatArray) -> MapRun:
    # One thread a process: sums keep their order, so that a seed gives the same clusters on any number of cores.
    with threadpool_limits(1):
        if view.method == "PCA":
            points = np.asarray(PCA(view.size, svd_solver="full").fit_transform(vectors), dtype=float)
        else:
            points = embed(vectors, seed, view.size)
        scan, labels = scan_clusters(points, seed=seed)
        trusted = float(trustworthiness(vectors, points, n_neighbors=_TRUSTED_NEIGHBORS))
    return MapRun(view, seed, points, scan, labels, trusted)


def common_k(runs: Sequence[MapRun]) -> int:
    """Number of clusters that the silhouette chooses most often; of equals the one with the higher mean."""
    best = [best_k(run.scan) for run in runs]
    mean = pd.concat([run.scan for run in runs]).groupby("k")["silhouette"].mean()
    return max(set(best), key=lambda k: (best.count(k), mean[k]))


def typical_run(runs: Sequence[MapRun], k: int) -> MapRun:
    """Map whose clusters agree best with those of the others: the one to draw."""
    if len(runs) == 1:
        return runs[0]
    indices = np.array([[adjusted_rand_score(a.labels[k], b.labels[k]) for b in runs] for a in runs])
    return runs[int(np.argmax(indices.sum(axis=1).round(9)))]
