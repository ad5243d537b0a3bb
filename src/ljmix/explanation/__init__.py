"""What decides the structure of a mixture: a map of all curves, its clusters, and what drives the models.

`embedding` makes one map, `maps` many, `stability` says what they agree on. `attribution` splits predictions into
Shapley values, `exact` does so without a model, `sensitivity` checks by other means, `ensemble` does all of it for
several models and seeds, `descriptors` for what one reads off the curves. `ranking` compares the methods, and
`summary` holds every number for ``metrics.json``.
"""

from ljmix.explanation.attribution import (
    PLAYERS,
    Attribution,
    explain_predictor,
    explain_trees,
    row_attributions,
    sample_rows,
)
from ljmix.explanation.descriptors import (
    describe_curves,
    explain_descriptors,
    interaction_curves,
    interaction_shares,
    share_of_descriptors,
)
from ljmix.explanation.embedding import (
    best_k,
    curve_vectors,
    elbow_k,
    embed,
    entropy_table,
    mixing_entropy,
    scan_clusters,
)
from ljmix.explanation.ensemble import explain_models, held_out_errors, label_effect
from ljmix.explanation.exact import complete_grid, distance_profile, grid_shapley, missing_states
from ljmix.explanation.maps import View, common_k, list_views, study_maps, typical_run
from ljmix.explanation.ranking import (
    PAPER_ORDER,
    agreement_table,
    entropy_draws,
    grid_draws,
    importance_table,
    model_draws,
    order_table,
    share_table,
)
from ljmix.explanation.sensitivity import permutation_importance, sobol_indices
from ljmix.explanation.stability import (
    agreement,
    cluster_counts,
    entropy_runs,
    null_entropy,
    order_counts,
    quality,
)
from ljmix.explanation.summary import attribution_metrics, dataset_metrics, embedding_metrics, whole_maps
from ljmix.state import PARAMETERS

__all__ = [
    "PAPER_ORDER", "PARAMETERS", "PLAYERS", "Attribution", "View", "agreement", "agreement_table",
    "attribution_metrics", "best_k", "cluster_counts", "common_k", "complete_grid",
    "curve_vectors", "dataset_metrics", "describe_curves", "distance_profile", "elbow_k", "embed", "embedding_metrics",
    "entropy_draws", "entropy_runs", "entropy_table", "explain_descriptors", "explain_models",
    "explain_predictor", "explain_trees", "grid_draws", "grid_shapley", "held_out_errors", "importance_table",
    "interaction_curves", "interaction_shares", "label_effect", "list_views", "missing_states",
    "mixing_entropy", "model_draws", "null_entropy", "order_counts", "order_table", "permutation_importance",
    "quality", "row_attributions", "sample_rows", "scan_clusters", "share_of_descriptors", "share_table",
    "sobol_indices", "study_maps", "typical_run", "whole_maps",
]  # fmt: skip
