"""Do bands hold whole states as often as they say? Each left-out group in bands from the other groups of its kind."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.stats import betabinom

from ljmix.surrogate.bands import BRANCHES, Bands
from ljmix.surrogate_scores.predictions import binomial_interval

__all__ = ["LEVELS", "chance_of_coverage", "score_bands"]

LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
"""Of the curve of stated against held."""


def chance_of_coverage(covered: int, n: int, calibration: int, level: float) -> float:
    """How likely a band that is right holds a number of states at least as far from what is expected, both sides.

    Parameters
    ----------
    covered, n : int
        States that were held, of how many.
    calibration : int
        States by which the band was calibrated.
    level : float
        Stated share.

    Returns
    -------
    float
        Small where the bands are wrong. A band from m scores holds a share drawn from a beta distribution,
        Beta(k, m + 1 − k) with k = ⌈(m + 1) level⌉ (Angelopoulos and Bates 2023, doi:10.1561/2200000101, section 3.2),
        so that counts are beta-binomial. States count as independent.
    """
    k = min(int(np.ceil((calibration + 1) * level)), calibration)
    law = betabinom(n, k, calibration + 1 - k)
    return float(min(1.0, 2 * min(law.cdf(covered), law.sf(covered - 1))))


def score_bands(bands: Bands, level: float = 0.9) -> dict[str, Any]:
    """Coverage of whole states by left-out groups, and pooled by kind of group.

    Parameters
    ----------
    bands : Bands
    level : float

    Returns
    -------
    dict
        `level`; `kinds`, by kind and branch: `states`, `covered` (share), its 95 % interval `low`, `high`, and `chance`
        of `chance_of_coverage`; `groups`, a list, the worst first: `kind`, `group`, `branch`, `n`, `covered`, `low`,
        `high`; `curves`, by kind and branch: the shares that are held at `LEVELS`.

    Notes
    -----
    Pooled over groups that calibrate one another the share comes close to the stated one whatever the bands are worth:
    one group is held too often where another is held too rarely. Groups by themselves tell, and states off the grid.
    """
    groups = bands.coverage(level).dropna()
    listed = []
    for row in groups.to_dict("records"):
        low, high = binomial_interval(round(row["covered"] * row["n"]), row["n"])
        listed.append(row | {"low": low, "high": high})
    kinds: dict[str, Any] = {}
    for (kind, branch), part in groups.groupby(["kind", "branch"]):
        n, held = int(part["n"].sum()), round(float((part["covered"] * part["n"]).sum()))
        low, high = binomial_interval(held, n)
        # Each group's band comes from the others: a band is calibrated by all but one share of the states.
        others = round(n * (1 - 1 / len(part))) if len(part) > 1 else n
        kinds.setdefault(kind, {})[branch] = {
            "states": n, "covered": held / n, "low": low, "high": high,
            "chance": chance_of_coverage(held, n, others, level),
        }  # fmt: skip
    curves: dict[str, Any] = {}
    for stated in LEVELS:
        for (kind, branch), part in bands.coverage(stated).dropna().groupby(["kind", "branch"]):
            share = float((part["covered"] * part["n"]).sum() / part["n"].sum())
            curves.setdefault(kind, {}).setdefault(branch, {})[f"{stated:g}"] = share
    return {"level": level, "branches": list(BRANCHES), "kinds": kinds, "groups": listed, "curves": curves}
