"""One line of the list of checks."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats

from ljmix.validation.statistics import sigmas_of

__all__ = ["Line", "make_line"]

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
