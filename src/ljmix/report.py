"""The numbers of `metrics.json` as text: README's table and the captions of the figures.

::

    python -m ljmix.report    # put the table into README.md
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ljmix.files import replace_when_whole
from ljmix.metrics import read_metrics

__all__ = ["gallery", "insert_table", "results_table"]

BEGIN, END = "<!-- results: begin -->\n", "<!-- results: end -->\n"

_MODELS = {
    "mlp": "network",
    "xgboost": "XGBoost",
    "nearest-temperature": "nearest temperature",
    "linear-in-temperature": "straight line in T*",
}
_NAMES = {"size_ratio": "S", "epsilon_ab": "ε_AB", "fraction_b": "C_B", "temperature": "T*"}


def results_table(metrics: Mapping[str, Any]) -> str:
    """Markdown table of our numbers beside the paper's, mean ± standard deviation over seeds.

    Raises
    ------
    KeyError
        If `metrics` lacks a section.
    """
    rows = [["", "paper", *_MODELS.values()], ["---"] * (2 + len(_MODELS))]
    interpolation, extrapolation = metrics["interpolation"], metrics["extrapolation"]
    rows.append(_row("random rows held out, R²", "0.99", interpolation, "r2", "all"))
    for pair, paper in (("all", "0.89"), ("AA", "0.97"), ("AB", "0.98"), ("BB", "0.83")):
        label = "unseen temperatures, R²" if pair == "all" else f"… {pair}"
        rows.append(_row(label, paper, extrapolation, "r2", pair))
    for temperature in ("0.6", "1.4"):
        rows.append(_row(f"… T* = {temperature}", "–", extrapolation, f"r2_T{temperature}"))
    rows.append(_row("CPU seconds a fit", "≈ 40 (100 curves)", extrapolation, "fit_cpu_seconds", digits=1))
    return "\n".join("| " + " | ".join(row) + " |" for row in rows) + "\n\n" + _explanation(metrics) + "\n"


def _row(label: str, paper: str, section: Mapping[str, Any], *keys: str, digits: int = 3) -> list[str]:
    return [label, paper, *(_value(section.get(model), keys, digits) for model in _MODELS)]


def _value(values: Mapping[str, Any] | None, keys: tuple[str, ...], digits: int) -> str:
    if values is None:
        return "–"
    mean, spread = values[keys[0]], values[f"{keys[0]}_std"]
    if len(keys) == 2:
        mean, spread = mean[keys[1]], spread[keys[1]]
    # A baseline draws nothing, so its seeds agree to rounding.
    return f"{mean:.{digits}f} ± {spread:.{digits}f}" if spread > 1e-9 else f"{mean:.{digits}f}"


def _explanation(metrics: Mapping[str, Any]) -> str:
    embedding, attribution = metrics["embedding"], metrics["attribution"]
    entropy = embedding["mixing_entropy_normalised"]
    entropies = ", ".join(f"{_NAMES[f]} {entropy[f]:.2f}" for f in sorted(entropy, key=entropy.get))
    rankings = []
    for model in ("mlp", "xgboost"):
        values = {name: attribution[model][feature] for feature, name in _NAMES.items()}
        ordered = sorted(values, key=lambda name: -values[name])
        rankings.append(f"{_MODELS[model]} {', '.join(f'{name} {values[name]:.3f}' for name in ordered)}")
    clusters = ", ".join(str(k) for k in embedding["best_k_by_seed"])
    return (
        f"Clusters in the map of all curves (paper: 4), one number a seed: {clusters}. "
        f"Normalised mixing entropy, lowest first (paper: S lowest, T* highest): {entropies}. "
        f"Mean absolute SHAP value (paper: S, then ε_AB): {'; '.join(rankings)}."
    )


def gallery(metrics: Mapping[str, Any]) -> str:
    """Markdown page that shows the seven figures, with captions whose numbers come from `metrics`."""
    fits = metrics["interpolation"]["mlp"], metrics["extrapolation"]["mlp"]
    interpolation, extrapolation = (_value(fit, ("r2", "all"), 3) for fit in fits)
    pairs = ", ".join(f"{pair} {_value(fits[1], ('r2', pair), 3)}" for pair in ("AA", "AB", "BB"))
    copy = _value(metrics["extrapolation"]["nearest-temperature"], ("r2", "all"), 3)
    scaling = metrics["scaling"]["mlp"]
    ends = " and ".join(f"{point['r2_mean']:.2f} at {point['rows']} rows" for point in (scaling[0], scaling[-1]))
    captions = [
        "A mixture, its three radial distribution functions, the simulated states, and the paper's network.",
        f"Interpolation: rows held out at random, R² {interpolation} (paper 0.99).",
        f"Unseen temperatures: R² {extrapolation} (paper 0.89), {pairs}; copying the nearest one gives {copy}.",
        "One mixture at both unseen temperatures: simulation, models, and the copy of the nearest temperature.",
        "Where extrapolation fails: a BB curve at the lowest temperature, and the particles there and at the next.",
        f"R² on unseen temperatures against training rows: {ends} for the network (paper 0.1 and 0.9).",
        f"The map of all curves with its {metrics['embedding']['best_k']} clusters, the mixing entropy of each "
        "parameter over them, and SHAP values of both models.",
    ]
    profile = metrics["provenance"]["embedding"]["profile"]
    parts = [f"# Figures\n\nFrom the profile `{profile}`; the paper's seven figures from our data.\n"]
    parts += [f"## {k}\n\n![Figure {k}](fig{k}.png)\n\n{text}\n" for k, text in enumerate(captions, 1)]
    return "\n".join(parts)


def insert_table(readme: str, metrics: Mapping[str, Any]) -> str:
    """Return README's text with the table between its two markers replaced."""
    head, _, rest = readme.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not end:
        raise ValueError(f"README has no place for the table; it is marked by {BEGIN.strip()} and {END.strip()}")
    return head + BEGIN + results_table(metrics) + END + tail


def main() -> None:
    """Put the published numbers into README.md."""
    readme = Path("README.md")
    text = insert_table(readme.read_text(encoding="utf-8"), read_metrics(Path("results/quick/metrics.json")))
    with replace_when_whole(readme) as part:
        part.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
