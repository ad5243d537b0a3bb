"""What models and parameters are called in figures, tables and captions."""

__all__ = ["EXPLAINED", "INGREDIENTS", "METHODS", "MODEL_NAMES", "PAPER_ORDER", "PARAMETER_SYMBOLS", "TASK_LABELS"]

MODEL_NAMES = {
    "mlp": "network (paper)", "mlp-early": "network, stopped early", "mlp-tuned": "network, tuned",
    "xgboost": "XGBoost", "xgboost-physics": "XGBoost + physics",
    "curve-network": "network, whole curves", "gaussian-process": "Gaussian process + physics",
    "surrogate": "surrogate",
    "nearest-temperature": "nearest temperature", "linear-in-temperature": "straight line in T*",
    "quadratic-in-temperature": "parabola in T*", "linear-in-beta": "line in 1/T*",
    "quadratic-in-beta": "parabola in 1/T*", "percus-yevick": "Percus-Yevick", "hypernetted-chain": "HNC",
    "two-liquids": "PY, two liquids", "theory-difference": "PY + Gaussian process",
    "theory-guided": "theory-guided",
}  # fmt: skip
"""Models by their name in `ljmix.evaluation.contestants`: learned ones first, then what needs no learning."""

EXPLAINED = {"mlp": "network", "xgboost": "XGBoost"}
"""The two explained models, where no other model is near."""

PARAMETER_SYMBOLS = {"size_ratio": "S", "epsilon_ab": "ε_AB", "fraction_b": "C_B", "temperature": "T*"}
"""Symbols of the parameters of a state by their column, in the order of the paper's ranking."""

PAPER_ORDER = tuple(PARAMETER_SYMBOLS)
"""The paper's order: S first and ε_AB second by SHAP, T* last by the mixing entropy; C_B is what is left."""

METHODS = {
    f"{method} {model}": f"{method}, {name}"
    for method in ("SHAP", "permutation", "Sobol")
    for model, name in EXPLAINED.items()
} | {"grid simulation": "exact, simulation", "map entropy": "1 − entropy, maps"}
"""Methods of attribution, by their name in `ljmix.explanation.ranking`."""

TASK_LABELS = {"extrapolation": "unseen temperatures", "compositions": "unseen compositions"}
"""Tasks of the ablation by their name in `ljmix.evaluation.splits`."""

INGREDIENTS = {
    "cavity": r"$\ln g + \beta u$ as target", "scaled_distance": r"$r / \sigma_{ij}$",
    "packing": "packing, volume fraction", "coexistence": "two liquids",
    "slopes": r"$\partial g / \partial \beta$", "down_weighting": "down-weighting",
    "sharing": "other mixtures", "all physics": "all physics",
    "cavity target": r"$\ln g + \beta u$ as target", "physical inputs": "physical inputs",
    "both": "inputs and target",
}  # fmt: skip
"""What the ablation leaves out, by the names of `ljmix.evaluation.ablation.variants`."""
