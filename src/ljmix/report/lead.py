"""The lines that lead the tables of results: medians over curves, and states whose predictors have converged.

They are there where the section `audit` is, which comes with version 2 of the dataset.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["lead_rows", "start_rows"]

_GROUPS = {
    "both have converged": "state and predictor converged",
    "… and both have settled": "both settled, starts agree",
    "all test states": "all states",
}
"""Groups of the audit that lead, the surest first, by what the table calls them."""

Row = list[str]


def lead_rows(metrics: Mapping[str, Any], columns: Sequence[str], groups: int = len(_GROUPS)) -> list[Row]:
    """Rows of medians over curves and of pooled R², group by group, and of R² on the training rows.

    Parameters
    ----------
    metrics : mapping
    columns : sequence of str
        Models.
    groups : int
        How many of the groups, the surest first and all states last.

    Returns
    -------
    list of list of str
        Label, the paper's value, one cell a model, and a dash for the second simulation. Empty without the section
        `audit`.
    """
    lines = {(line["question"], line["model"]): line for line in metrics.get("audit", ())}
    if not lines:
        return []
    chosen = [*list(_GROUPS)[: groups - 1], list(_GROUPS)[-1]]
    rows = []
    for question in chosen:
        found = [lines.get((question, model), {}) for model in columns]
        states = max((line.get("states") or 0 for line in found), default=0)
        if not states:
            continue
        label = f"{_GROUPS[question]} ({states:.0f} states)"
        rows.append([f"{label}: median error of a curve", "–", *map(_median, found), "–"])
        rows.append(["… pooled R²", "0.89" if question == chosen[-1] else "–", *map(_pooled, found), "–"])
    scores = metrics["extrapolation"]
    trained = [scores.get(model, {}).get("r2_train", {}).get("all") for model in columns]
    rows.append(["R² on the training rows", "0.99", *("–" if r2 is None else f"{r2:.3f}" for r2 in trained), "–"])
    return rows


def start_rows(metrics: Mapping[str, Any], columns: Sequence[str]) -> list[Row]:
    """Rows of scores with the runs from either side in the place of every curve; empty without the section `starts`."""
    lines = {(line["question"], line["model"]): line for line in metrics.get("starts", ())}
    rows = []
    for question in dict.fromkeys(question for question, _ in lines):
        found = [lines.get((question, model), {}) for model in columns]
        rows.append([f"runs from {question}: median error of a curve", "–", *map(_median, found), "–"])
        rows.append(["… pooled R²", "–", *map(_pooled, found), "–"])
    return rows


def _median(line: Mapping[str, Any]) -> str:
    if line.get("median_error") is None:
        return "–"
    text = f"{line['median_error']:.3f}"
    if line.get("median_low") is None:
        return text
    return f"{text} ({line['median_low']:.3f} to {line['median_high']:.3f})"


def _pooled(line: Mapping[str, Any]) -> str:
    if line.get("r2") is None:
        return "–"
    text = f"{line['r2']:.3f}"
    return text if line.get("r2_low") is None else f"{text} ({line['r2_low']:.2f} to {line['r2_high']:.2f})"
