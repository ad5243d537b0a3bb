"""What decides the structure of a mixture: a map of all curves, its clusters, and what drives the models."""

from ljmix.explanation.attribution import (
    Attribution,
    explain_predictor,
    explain_trees,
    feature_importance,
    row_attributions,
    sample_rows,
)
from ljmix.explanation.embedding import (
    best_k,
    cluster_points,
    curve_vectors,
    elbow_k,
    embed,
    entropy_table,
    mixing_entropy,
    scan_clusters,
)

__all__ = [
    "Attribution", "best_k", "cluster_points", "curve_vectors", "elbow_k", "embed", "entropy_table",
    "explain_predictor", "explain_trees", "feature_importance", "mixing_entropy", "row_attributions",
    "sample_rows", "scan_clusters",
]  # fmt: skip
