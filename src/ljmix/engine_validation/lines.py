"""The lines of the list of checks: how one is made, and how all are written down."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from ljmix._util.markdown import markdown_table
from ljmix.engine_validation.statistics import sigmas_of

__all__ = ["Line", "format_lines", "make_line", "summarise_lines"]

Line = dict[str, Any]


def make_line(
    check: str,
    engine: str,
    system: str,
    quantity: str,
    observed: float,
    expected: float,
    error: float,
    degrees: float = np.inf,
    p: float | None = None,
) -> Line:
    """Make a line; its p-value is that of Student's t unless one is given.

    Parameters
    ----------
    check, engine, system, quantity : str
    observed, expected, error : float
        The error is the standard error of their difference.
    degrees : float
        Degrees of freedom of the error.
    p : float, optional
        p-value of a test of its own.

    Returns
    -------
    dict
        The arguments, `sigmas` and `p`.

    Raises
    ------
    ValueError
        If a number is not finite, or the error is not above zero.
    """
    if not np.all(np.isfinite([observed, expected, error])) or error <= 0:
        raise ValueError(
            f"{check}, {engine}, {system}, {quantity}: observed {observed}, expected {expected}, error {error}: "
            "must be finite, with an error above 0"
        )
    deviation = (observed - expected) / error
    if p is None:
        p = float(2 * stats.t.sf(abs(deviation), degrees))
    return {
        "check": check, "engine": engine, "system": system, "quantity": quantity, "observed": float(observed),
        "expected": float(expected), "error": float(error), "sigmas": sigmas_of(p, deviation), "p": p,
    }  # fmt: skip


_COLUMNS = ("engine", "system", "quantity", "observed", "expected", "error", "σ", "p", "verdict")


def format_lines(lines: pd.DataFrame) -> str:
    """Write the lines as a Markdown page, one table a check."""
    off, doubtful = (int((lines["verdict"] == verdict).sum()) for verdict in ("off", "doubtful"))
    parts = [
        f"# Validation\n\n{len(lines)} lines: {off} off, {doubtful} doubtful where chance alone makes about one in a "
        "hundred.\nWhat each column means is in [`06-validate`](../notebooks/06-validate.ipynb).\n"
    ]
    for check, rows in lines.groupby("check", sort=False):
        table = []
        for row in rows.itertuples():
            # To the second digit of the error.
            digits = max(0, 1 - math.floor(math.log10(row.error)))
            numbers = [f"{value:.{digits}f}" for value in (row.observed, row.expected, row.error)]
            numbers.append(f"{row.sigmas:+.1f}")
            table.append([row.engine, row.system, row.quantity, *numbers, f"{row.p:.3f}", row.verdict])
        parts.append(f"## {check}\n\n{markdown_table(_COLUMNS, table)}\n")
    return "\n".join(parts)


def summarise_lines(lines: pd.DataFrame) -> dict[str, Any]:
    """Return the numbers of `metrics.json`: lines and how many are off, by check; the lines on all states together."""
    summary: dict[str, Any] = {"lines": len(lines)}
    summary |= {verdict: int((lines["verdict"] == verdict).sum()) for verdict in ("off", "doubtful")}
    for check, rows in lines.groupby("check", sort=False):
        summary[str(check)] = {
            "lines": len(rows),
            "off": int((rows["verdict"] == "off").sum()),
            "largest_sigmas": float(rows["sigmas"].abs().max()),
            "mean_absolute_sigmas": float(rows["sigmas"].abs().mean()),
        }
    together = lines[lines["system"] == "all states"]
    columns = ["observed", "expected", "error", "p"]
    summary["all states"] = {row["quantity"]: {name: row[name] for name in columns} for _, row in together.iterrows()}
    return summary
