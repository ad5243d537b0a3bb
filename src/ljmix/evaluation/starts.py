"""The dataset as it would be with one start for every state: what a score owes to the choice of a start.

Where runs from two starts disagree, one of them is in the tables. If it changes along an isobar, models learn a jump
that is none of physics.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from ljmix._util.arrays import FloatArray
from ljmix.data.dataset import Dataset

__all__ = ["SIDES", "STARTS", "fill_differences", "with_start"]

STARTS = ("random", "separated")
"""Starts of version 1."""
SIDES: Mapping[str, Mapping[bool, tuple[str, ...]]] = {
    "mixed side": {True: ("stable_exchanged", "exchanged", "random"), False: ("random", "exchanged")},
    "separated side": dict.fromkeys((True, False), ("stable", "separated")),
}
"""Sides from which runs of version 2 approach equilibrium, and their starts, the one that tells most first; by whether
the state separates into two liquids (`ljmix.simulation.protocol`)."""


def with_start(dataset: Dataset, start: str, runs: pd.DataFrame | None = None) -> Dataset:
    """Put the run from one start into the place of every curve, where there is one.

    Parameters
    ----------
    dataset : Dataset
    start : str
        One of `STARTS`; with `runs`, one of theirs or of `SIDES`.
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
    rdf = dataset.rdf
    if runs is not None:
        known = sorted(set(runs["start"]))
        if start not in (*known, *SIDES):
            raise ValueError(f"start = {start!r} is unknown; choose one of {', '.join((*known, *SIDES))}")
        own = runs[runs["start"] == start] if start in known else _of_side(dataset.states, start, runs)
        g, g_sem = _in_place(rdf, own)
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


def fill_differences(dataset: Dataset, runs: pd.DataFrame) -> Dataset:
    """Tell in `g_starts` how runs from both sides differ, where the tables tell it in `runs` only.

    Parameters
    ----------
    dataset : Dataset
        Of version 2; the states that it repeats have no `g_starts`.
    runs : pandas.DataFrame
        As of `with_start`.

    Returns
    -------
    Dataset
        With g of the separated side minus g of the mixed side in `g_starts`, where it was not known and both sides
        are there. Without it a state whose runs disagree would pass for as well known as its error bars say.
    """
    one, other = (_in_place(dataset.rdf, _of_side(dataset.states, side, runs))[0] for side in SIDES)
    before = dataset.rdf["g_starts"].to_numpy(dtype=float) if "g_starts" in dataset.rdf else np.nan
    filled = np.where(np.isfinite(before), before, other - one).astype(np.float32)
    return replace(dataset, rdf=dataset.rdf.assign(g_starts=filled))


def _in_place(rdf: pd.DataFrame, own: pd.DataFrame) -> tuple[FloatArray, FloatArray]:
    """Values and errors of runs, one of each state, in the rows of `rdf`; NaN where there is none."""
    keys = ["state_id", "pair", "r"]
    places, wanted = (
        pd.MultiIndex.from_frame(table[keys].round({"r": 6}).astype({"state_id": str, "pair": str}))
        for table in (own, rdf)
    )
    at = places.get_indexer(wanted)
    g, g_sem = (np.where(at >= 0, own[name].to_numpy(dtype=float)[at], np.nan) for name in ("g", "g_sem"))
    return g, g_sem


def _of_side(states: pd.DataFrame, side: str, runs: pd.DataFrame) -> pd.DataFrame:
    """Of each state the run from a side that tells most."""
    demixed = states.set_index("state_id")["phase"] == "demixed"
    separates = runs["state_id"].astype(str).map(demixed).to_numpy(dtype=bool)
    names = runs["start"].astype(str)
    rank = pd.Series(np.inf, index=runs.index)
    for two_liquids, order in SIDES[side].items():
        places = names.map({name: place for place, name in enumerate(order)}).astype(float)
        rank = rank.where(separates != two_liquids, places)
    rank = rank.fillna(np.inf)
    first = rank.groupby(runs["state_id"].astype(str)).transform("min")
    return runs[np.isfinite(rank) & (rank == first)]
