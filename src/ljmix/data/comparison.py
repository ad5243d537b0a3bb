"""Two simulations of the same states: whether they agree within their error bars."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ljmix._util.arrays import FloatArray
from ljmix.data.dataset import Dataset
from ljmix.state import PAIRS, state_points
from ljmix.structure.first_shell import peak_bin

__all__ = ["MOST_SIGMAS", "compare_bins", "compare_states", "require_agreement"]

_SCALARS = ("number_density", "potential_energy")

MOST_SIGMAS = 6.0
"""Largest deviation that chance is believed to make, in standard errors.

Errors come from few independent samples, so deviations follow Student's t, not a normal distribution: with the 8
degrees of freedom of twice five blocks 6 is exceeded by chance once in 3000 comparisons. The root mean square over the
bins of a curve is held to half of it: a curve has some ten independent bins, which do not all lie 3 off together."""


def compare_bins(one: Dataset, other: Dataset) -> pd.DataFrame:
    """Deviation of every bin of the states that two datasets share.

    Parameters
    ----------
    one, other : Dataset
        From independent runs.

    Returns
    -------
    pandas.DataFrame
        Columns `state_id`, `pair`, `r` (σ_AA), `g_one`, `g_other`, `error` (of the difference), `z`; bins
        that are empty in both are left out.

    Raises
    ------
    ValueError
        If the two share no state.
    """
    keys = ["state_id", "pair", "r"]
    bins = one.rdf.assign(r=one.rdf["r"].round(6)).merge(
        other.rdf.assign(r=other.rdf["r"].round(6)), on=keys, suffixes=("_one", "_other"), validate="1:1"
    )
    if bins.empty:
        raise ValueError("the two datasets share no state; give two with a state and bins in common")
    bins["error"] = np.hypot(bins["g_sem_one"], bins["g_sem_other"])
    bins = bins[bins["error"] > 0]
    bins["z"] = (bins["g_other"] - bins["g_one"]) / bins["error"]
    return bins[[*keys, "g_one", "g_other", "error", "z"]].reset_index(drop=True)


def compare_states(one: Dataset, other: Dataset) -> pd.DataFrame:
    """Deviation of the states that two datasets share: density, energy and the three curves as wholes.

    Parameters
    ----------
    one, other : Dataset
        From independent runs.

    Returns
    -------
    pandas.DataFrame
        Columns `state_id`, `quantity`, `one`, `other`, `error`, `sigmas`, `limit`. For a curve `one` and
        `other` are the heights of the first peak, `error` that of their difference, and `sigmas` is the root
        mean square of z over all bins.

    Raises
    ------
    ValueError
        As `compare_bins`.
    """
    bins = compare_bins(one, other)
    states = one.states.merge(other.states, on="state_id", suffixes=("_one", "_other"))
    points = dict(zip(one.states["state_id"], state_points(one.states), strict=True))
    rows = []
    for _, state in states.iterrows():
        for name in _SCALARS:
            first, second = state[f"{name}_one"], state[f"{name}_other"]
            error = float(np.hypot(state[f"{name}_sem_one"], state[f"{name}_sem_other"]))
            rows.append((state["state_id"], name, first, second, error, (second - first) / error, MOST_SIGMAS))
        for pair in PAIRS:
            curve = bins[(bins["state_id"] == state["state_id"]) & (bins["pair"] == pair)]
            sigma = points[state["state_id"]].sigma(pair)
            peak = curve.iloc[peak_bin(curve["r"].to_numpy(), curve["g_one"].to_numpy(), sigma)]
            heights = (peak["g_one"], peak["g_other"], peak["error"])
            rows.append((state["state_id"], pair, *heights, _root_mean_square(curve["z"]), MOST_SIGMAS / 2))
    return pd.DataFrame(rows, columns=["state_id", "quantity", "one", "other", "error", "sigmas", "limit"])


def _root_mean_square(values: pd.Series) -> float:
    array: FloatArray = values.to_numpy(dtype=float)
    return float(np.sqrt(np.mean(array**2)))


def require_agreement(comparison: pd.DataFrame) -> None:
    """Stop if a deviation is larger than chance makes it.

    Parameters
    ----------
    comparison : pandas.DataFrame
        As from `compare_states`.

    Raises
    ------
    RuntimeError
        Naming every state and quantity that disagrees.
    """
    off = comparison[~(comparison["sigmas"].abs() <= comparison["limit"])]
    if not off.empty:
        named = "; ".join(
            f"{row.state_id} {row.quantity}: {row.one:.5g} and {row.other:.5g}, {row.sigmas:.1f} standard errors"
            for row in off.itertuples()
        )
        raise RuntimeError(f"two simulations of the same states disagree: {named}")
