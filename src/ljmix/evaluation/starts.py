"""The dataset as it would be with one start for every state: what a score owes to the choice of a start.

Where runs from two starts disagree, one of them is in the tables. If it changes along an isobar, models learn a jump
that is none of physics.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ljmix.data.dataset import Dataset

__all__ = ["STARTS", "with_start"]

STARTS = ("random", "separated")


def with_start(dataset: Dataset, start: str, runs: pd.DataFrame | None = None) -> Dataset:
    """Put the run from one start into the place of every curve, where there is one.

    Parameters
    ----------
    dataset : Dataset
    start : str
        One of `STARTS`, or of those in `runs`.
    runs : pandas.DataFrame, optional
        Every run of every state, `ljmix.data.schema.STARTS_TABLE` of version 2. Without it the column `g_starts` of
        `rdf` tells the two runs of a state apart; of two that were averaged each had the same weight.

    Returns
    -------
    Dataset
        Standard errors are those of the run where they are known, else as they were. Columns that say how runs differ,
        and derivatives ∂g/∂β where the curve is another one, belong to what was in the tables: they are left out.

    Raises
    ------
    ValueError
        If the start is unknown, or the tables do not tell runs apart.
    """
    rdf, keys = dataset.rdf, ["state_id", "pair", "r"]
    if runs is not None:
        known = sorted(set(runs["start"]))
        if start not in known:
            raise ValueError(f"start = {start!r} is unknown; choose one of {', '.join(known)}")
        own = runs[runs["start"] == start]
        places = pd.MultiIndex.from_frame(own[keys].round({"r": 6}).astype({"state_id": str, "pair": str}))
        wanted = pd.MultiIndex.from_frame(rdf[keys].round({"r": 6}).astype({"state_id": str, "pair": str}))
        at = places.get_indexer(wanted)
        g, g_sem = (np.where(at >= 0, own[name].to_numpy(dtype=float)[at], np.nan) for name in ("g", "g_sem"))
    else:
        if start not in STARTS:
            raise ValueError(f"start = {start!r} is unknown; choose one of {', '.join(STARTS)}")
        if "g_starts" not in rdf or "starts" not in dataset.states:
            raise ValueError("the tables do not tell runs apart: g_starts of rdf and starts of states are needed")
        origin = rdf["state_id"].map(dataset.states.set_index("state_id")["starts"]).astype(str)
        mean = origin.str.contains("+", regex=False).to_numpy()
        # How much of the difference, separated minus random, leads from the table to the start.
        there = np.where(mean, 0.5, np.where((origin == start).to_numpy(), 0.0, 1.0))
        sign = 1 if start == "separated" else -1
        g = rdf["g"].to_numpy(dtype=float) + sign * there * rdf["g_starts"].to_numpy(dtype=float)
        g_sem = np.full(len(rdf), np.nan)
    new = rdf.assign(
        g=np.where(np.isfinite(g), g, rdf["g"]).astype(rdf["g"].dtype),
        g_sem=np.where(np.isfinite(g_sem), g_sem, rdf["g_sem"]).astype(rdf["g_sem"].dtype),
    )
    new = new.drop(columns=[name for name in ("g_starts", "g_dbeta", "g_dbeta_sem") if name in new])
    return Dataset(dataset.states, new, dataset.provenance, dataset.structure_factors)
