"""The whole chain: a potential learned from forces makes profiles, and profiles teach a functional.

::

    python -m ljmix.fluid_functional.chain --pair learned.table --results results/chain
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import pandas as pd

from ljmix._util.atomic import replace_when_whole
from ljmix._util.command import one_sentence
from ljmix.external_fields.campaign import run_campaign
from ljmix.external_fields.field_engines import PairTable
from ljmix.external_fields.tables import FunctionalTables, read_tables, write_tables
from ljmix.fluid_functional.learning import Recipe, learn_fluid
from ljmix.fluid_functional.scores import summarise_scores
from ljmix.functional.model import Functional
from ljmix.functional.shipped import find_tables

__all__ = ["FIELDS", "TABLE", "compare_chain", "read_chain"]

TABLE = "chain.parquet"
FIELDS, DRAWS = 4, 2
_SET = "train-T1.5"


def compare_chain(made: FunctionalTables, truth: FunctionalTables) -> pd.DataFrame:
    """Learn from profiles of two worlds by one recipe, and hold both against simulations of the true one.

    Parameters
    ----------
    made : FunctionalTables
        From runs with the learned potential.
    truth : FunctionalTables
        From runs with the true one; the same fields of it are learned from.

    Returns
    -------
    pandas.DataFrame
        `potential` ("learned" or "true"), `draw`, `fields` and the scores of
        `ljmix.fluid_functional.scores.summarise_scores` on the true test set.
    """
    known = set(made.fields["field"][made.fields["starts_agree"]])
    known &= set(truth.fields["field"][truth.fields["starts_agree"]])
    rows = []
    for draw in range(DRAWS):
        for name, tables in (("learned", made), ("true", truth)):
            same = replace(tables, fields=tables.fields[tables.fields["field"].isin(known)])
            fit = learn_fluid(same, Recipe(len(known), iterations=200), (_SET,), draw)
            scores = summarise_scores(Functional(1.5, fit.term), truth)
            rows.append({"potential": name, "draw": draw, "fields": len(known), **scores})
    return pd.DataFrame(rows)


def read_chain() -> pd.DataFrame:
    """Shipped table; columns as in `compare_chain`."""
    return pd.read_parquet(find_tables() / TABLE)


def main() -> None:
    """Simulate with a learned potential, learn from it and write the scores, from the command line."""
    parser = argparse.ArgumentParser(description="Learn a functional from runs with a learned potential.")
    parser.add_argument("--pair", type=Path, required=True, help="table of the potential, as LAMMPS reads it")
    parser.add_argument("--results", type=Path, default=Path("results/chain"), help="folder of the runs")
    parser.add_argument("--output", type=Path, default=Path("data/functional"), help="folder to write to")
    arguments = parser.parse_args()
    with one_sentence(parser):
        run_campaign(arguments.results, [_SET], [_SET], first=FIELDS, pair=PairTable(arguments.pair))
        made = write_tables(arguments.results, arguments.results, partial=True)
        chain = compare_chain(made, read_tables())
        with replace_when_whole(arguments.output / TABLE) as part:
            chain.to_parquet(part, index=False)
        print(chain.round(4).to_string(index=False))


if __name__ == "__main__":
    main()
