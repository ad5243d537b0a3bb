"""How well models do it: splits, scores, intervals, selection, ablation, scaling, failures, tuning."""
