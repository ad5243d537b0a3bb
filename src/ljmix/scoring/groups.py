"""Groups of states that are compared."""

__all__ = ["GROUP_LABELS"]

GROUP_LABELS = {"r2": "all states", "r2_mixed_converged": "mixed, converged"}
"""States that the ablation compares, by their score in `ljmix.scoring.scores`."""
