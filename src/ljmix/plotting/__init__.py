"""One function a figure: takes tables, returns a matplotlib Figure, reads and writes no file.

`save_figure` writes any of them. `plot_…` gives a whole figure, `draw_…` one panel into given axes.
"""

from ljmix.plotting.curves import PREDICTION_COLUMNS, draw_prediction, plot_failure, plot_temperatures
from ljmix.plotting.dataset import plot_phase_map, plot_phase_order, plot_sigmas
from ljmix.plotting.models.attribution import plot_descriptors, plot_distance, plot_ranking
from ljmix.plotting.models.benchmark import plot_ablation, plot_scores, plot_state_scaling
from ljmix.plotting.models.explanation import plot_explanation
from ljmix.plotting.models.learning import plot_extrapolation, plot_interpolation, plot_scaling
from ljmix.plotting.models.stability import plot_stability
from ljmix.plotting.models.surrogate import (
    plot_demixing_probability,
    plot_posterior,
    plot_proposals,
    plot_surrogate_curves,
    plot_trust,
)
from ljmix.plotting.overview import plot_overview
from ljmix.plotting.phase_diagram import plot_phase_diagrams
from ljmix.plotting.physics.functional import (
    plot_coexistence,
    plot_field_profiles,
    plot_learning_curve,
    plot_rods,
    plot_uniform_fluid,
)
from ljmix.plotting.physics.functional_uses import plot_channel, plot_cost, plot_two_liquids
from ljmix.plotting.physics.learned_runs import (
    plot_demixing,
    plot_drift,
    plot_inversion,
    plot_learned_mean_force,
    plot_long_runs,
)
from ljmix.plotting.physics.potentials import (
    plot_compositions,
    plot_doubt,
    plot_learned_potential,
    plot_learning,
    plot_lessons,
    plot_transfer,
)
from ljmix.plotting.physics.thermodynamics import plot_activity, plot_kirkwood_buff, plot_routes, plot_solutes
from ljmix.plotting.physics.transport import plot_mean_force, plot_transport
from ljmix.plotting.snapshot import draw_snapshot, plot_snapshot
from ljmix.plotting.structure import draw_rdfs, plot_potential, plot_rdf, plot_rdfs, plot_thermo_series
from ljmix.plotting.style import (
    COLUMN_MM,
    FEATURE_LABELS,
    PAGE_MM,
    PAIR_COLORS,
    PAIR_LINES,
    PAIR_MARKERS,
    journal_figure,
    journal_style,
    model_style,
    save_figure,
)
from ljmix.plotting.validation import plot_agreement, plot_references

__all__ = [
    "COLUMN_MM", "FEATURE_LABELS", "PAGE_MM", "PAIR_COLORS", "PAIR_LINES", "PAIR_MARKERS", "PREDICTION_COLUMNS",
    "draw_prediction", "draw_rdfs", "draw_snapshot", "journal_figure", "journal_style", "model_style", "plot_ablation",
    "plot_activity", "plot_agreement", "plot_channel", "plot_coexistence", "plot_compositions", "plot_cost",
    "plot_demixing", "plot_demixing_probability", "plot_descriptors", "plot_distance", "plot_doubt", "plot_drift",
    "plot_explanation", "plot_extrapolation", "plot_failure", "plot_field_profiles", "plot_interpolation",
    "plot_inversion", "plot_kirkwood_buff", "plot_learned_mean_force", "plot_learned_potential", "plot_learning",
    "plot_learning_curve", "plot_lessons", "plot_long_runs", "plot_mean_force", "plot_overview", "plot_phase_diagrams",
    "plot_phase_map", "plot_phase_order", "plot_posterior", "plot_potential", "plot_proposals", "plot_ranking",
    "plot_rdf", "plot_rdfs", "plot_references", "plot_rods", "plot_routes", "plot_scaling", "plot_scores",
    "plot_sigmas", "plot_snapshot", "plot_solutes", "plot_stability", "plot_state_scaling", "plot_surrogate_curves",
    "plot_temperatures", "plot_thermo_series", "plot_transfer", "plot_transport", "plot_trust", "plot_two_liquids",
    "plot_uniform_fluid", "save_figure",
]  # fmt: skip
