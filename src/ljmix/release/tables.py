"""Tables of a dataset from parts of a campaign, ordered and rounded for release."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from ljmix.data.dataset import Dataset
from ljmix.data.schema import TABLES
from ljmix.release.part_files import FinishedState, round_to_bits
from ljmix.release.part_rows import part_row, part_tables, start_rows
from ljmix.simulation.analysis import peak_tolerances
from ljmix.simulation.profiles import load_profile
from ljmix.state import PAIRS, state_points
from ljmix.structure.convergence import peak_errors

__all__ = ["Tables", "is_precise", "join_tables", "tables_of_parts"]

Tables = Mapping[str, pd.DataFrame]
"""`states`, `rdf` (with `from_blocks`, its errors without the term for waves), `structure_factors`, `starts`."""

_BITS = {"g": 13, "g_sem": 8, "g_dbeta": 9, "g_dbeta_sem": 8, "g_starts": 10, "s": 14, "s_sem": 8, "k": 24}
"""Significant bits that are kept: far above what the errors leave, so that noise does not fill the files."""


def tables_of_parts(parts: Iterable[FinishedState], known: Sequence[str], whose: str) -> Tables:
    """Build the tables of all parts.

    Parameters
    ----------
    parts : iterable of FinishedState
        One at least.
    known : sequence of str
        Names of the states that a part may be of.
    whose : str
        What they are states of, for the message.

    Raises
    ------
    ValueError
        If a part belongs to no known state, or two to one.
    """
    rows, curves, waves, starts = [], [], [], []
    seen: set[str] = set()
    for part in parts:
        row = part_row(part)
        name = str(row["state_id"])
        if name not in known or name in seen:
            raise ValueError(f"{name}: {'two parts of one state' if name in seen else f'no state of {whose}'}")
        seen.add(name)
        rdf, factors = part_tables(part)
        rows.append(row)
        curves.append(rdf)
        waves.append(factors)
        starts.append(start_rows(part))
    return {
        "states": pd.DataFrame(rows),
        "rdf": pd.concat(curves, ignore_index=True),
        "structure_factors": pd.concat(waves, ignore_index=True),
        "starts": pd.concat(starts, ignore_index=True),
    }


def join_tables(
    pieces: Sequence[Tables], order: Sequence[str], provenance: Mapping[str, Any]
) -> tuple[Dataset, pd.DataFrame, pd.Series]:
    """Join tables, states in the given order, values rounded to what their errors leave.

    What is precise is judged here: every first peak of the curves as published, their errors with the term for waves.
    A run by itself is judged before others are averaged with it, and without that term.

    Returns
    -------
    dataset : Dataset
    starts : pandas.DataFrame
        Every run of every state; see `ljmix.data.schema.STARTS_TABLE`.
    from_blocks : pandas.Series
        `g_sem` of each row of `rdf` without the term for waves.
    """
    place = {name: k for k, name in enumerate(order)}
    joined = {name: pd.concat([piece[name] for piece in pieces], ignore_index=True) for name in pieces[0]}
    # Version 1 does not tell: missing, not false or zero.
    kinds = {"metastable": "boolean", "n_blocks": "Int64"}
    states = joined["states"]
    joined["states"] = states.astype({name: kind for name, kind in kinds.items() if name in states})
    starts = _tidy(joined["starts"], place)
    from_blocks = _tidy(joined["rdf"][["state_id", "from_blocks"]], place)["from_blocks"]
    tables = {}
    for name, fields in TABLES.items():
        columns = [field.name for field in fields if field.name in joined[name].columns]
        tables[name] = _tidy(joined[name][columns], place)
    precise = is_precise(tables["states"], tables["rdf"])
    converged = tables["states"]["settled"] & tables["states"]["starts_agree"] & precise
    tables["states"] = tables["states"].assign(precise=precise, converged=converged)
    dataset = Dataset(tables["states"], tables["rdf"], dict(provenance), tables["structure_factors"])
    return dataset, starts, from_blocks


def is_precise(states: pd.DataFrame, rdf: pd.DataFrame) -> pd.Series:
    """Tell of which states every first peak is known as well as the campaign asks.

    Parameters
    ----------
    states, rdf : pandas.DataFrame
        Tables of a dataset. Errors count as they are in `g_sem`.

    Returns
    -------
    pandas.Series of bool
        With the index of `states`.
    """
    profile, curves = load_profile("equilibrium"), dict(list(rdf.groupby("state_id", sort=False)))
    precise = []
    for state, name in zip(state_points(states), states["state_id"], strict=True):
        by_pair = {pair: curves[name][curves[name]["pair"] == pair] for pair in PAIRS}
        g, g_sem = ({pair: of[column].to_numpy(float) for pair, of in by_pair.items()} for column in ("g", "g_sem"))
        errors = peak_errors(by_pair["AA"]["r"].to_numpy(float), g, g_sem, state)
        precise.append(all(errors[pair] <= most for pair, most in peak_tolerances(state, profile).items()))
    return pd.Series(precise, index=states.index)


def _tidy(table: pd.DataFrame, place: dict[str, int]) -> pd.DataFrame:
    table = table.sort_values("state_id", key=lambda ids: ids.map(place), kind="stable", ignore_index=True)
    bits = {name: most for name, most in _BITS.items() if name in table.columns}
    return table.assign(**{name: round_to_bits(table[name].to_numpy(dtype=float), bits[name]) for name in bits})
