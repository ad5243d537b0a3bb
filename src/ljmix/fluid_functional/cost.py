"""What a profile costs by simulation and by the functional, at the same accuracy.

::

    python -m ljmix.fluid_functional.cost --runs results/functional --output data/functional
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from ljmix._util.arrays import FloatArray
from ljmix._util.atomic import replace_when_whole
from ljmix._util.command import one_sentence
from ljmix._util.threads import cpu_seconds
from ljmix.external_fields.campaign import SETS, read_field_runs
from ljmix.external_fields.field_runs import BLOCKS, FieldRun
from ljmix.external_fields.fields import AREA
from ljmix.external_fields.profiles import combine_runs, expected_deviation
from ljmix.external_fields.tables import FunctionalTables, read_tables
from ljmix.functional.grid import SPACING
from ljmix.functional.model import Functional
from ljmix.functional.shipped import find_tables, load_functional

__all__ = ["TABLE", "equal_cost", "measure_cost", "read_cost"]

TABLE = "cost.parquet"
_PARTS = (2, 3, 5, 10)
"""Blocks of a run that are looked at, as if it had been as short."""


def _own_error(rho: FloatArray, other: FloatArray, noise: float) -> float:
    """Σ|ρ − ρ'|/Σρ', less what ρ' itself is not sure of; both in quadrature."""
    apart = float(np.abs(rho - other).sum() / other.sum())
    return float(np.sqrt(max(apart**2 - noise**2, 0.0)))


def measure_cost(runs: Path, tables: FunctionalTables, functional: Functional, name: str) -> pd.DataFrame:
    """Errors and CPU times of parts of runs, and of the functional, for the slits of a set.

    Each part of the first start is held against the whole second start, which knows nothing of it; the functional
    against both, at the ensemble of the reservoir.

    Parameters
    ----------
    runs : Path
        Folder of the campaign.
    tables : FunctionalTables
    functional : Functional
    name : str
        A set with slits.

    Returns
    -------
    pandas.DataFrame
        `field`, `source` ("simulation" or "functional"), `cpu_seconds`, `error` (Σ|ρ − ρ'|/Σρ', without that of ρ').
    """
    planned, rows = SETS[name], []
    fields = tables.fields[tables.fields["field"].str.startswith(f"{name}-slit")]
    for _, row in fields[fields["starts_agree"]].iterrows():
        field, t = str(row["field"]), float(row["temperature"])
        (first, second), seconds = read_field_runs(runs, field)
        known = combine_runs([second], t)
        for blocks in _PARTS:
            part = combine_runs([FieldRun(first.counted[:blocks], first.forced[:blocks])], t)
            steps = planned.equilibration + planned.steps * blocks / BLOCKS
            rows.append(
                {
                    "field": field, "source": "simulation",
                    "cpu_seconds": seconds / 2 * steps / (planned.equilibration + planned.steps),
                    "error": _own_error(part.rho, known.rho, expected_deviation(known.sem, known.rho)),
                }
            )  # fmt: skip
        one = fields[fields["field"] == field]
        energy, fixed = (tables.column(column, one)[0] for column in ("energy", "rho"))
        solved: list[FloatArray] = []

        def solve(energy: FloatArray = energy, row: pd.Series = row, into: list[FloatArray] = solved) -> None:
            into.append(functional.profile(energy, n=row["n_particles"] / AREA, spacing=SPACING, tolerance=1e-6))

        solve()  # once before the clock runs: the first call fills tables
        cost = cpu_seconds(solve)
        simulated = fixed - tables.column("shift", one)[0]
        error = _own_error(solved[-1], simulated, float(row["noise"]))
        rows.append({"field": field, "source": "functional", "cpu_seconds": cost, "error": error})
    return pd.DataFrame(rows)


def equal_cost(cost: pd.DataFrame) -> pd.DataFrame:
    """CPU time of a simulation that is as accurate as the functional, from a line through its measured errors.

    Errors fall as the root of the time that is measured: log error = a − ½ log time, with a the mean over parts.

    Returns
    -------
    pandas.DataFrame
        One row a field: `error` and `functional` (s) of the functional, `simulation` (s) at this error, and `ratio`.
    """
    rows = []
    for field, group in cost.groupby("field"):
        simulated = group[(group["source"] == "simulation") & (group["error"] > 0)]
        learned = group[group["source"] == "functional"].iloc[0]
        level = float(np.mean(np.log(simulated["error"]) + 0.5 * np.log(simulated["cpu_seconds"])))
        seconds = float(np.exp(2 * (level - np.log(learned["error"])))) if learned["error"] > 0 else np.inf
        rows.append(
            {
                "field": field, "error": learned["error"], "functional": learned["cpu_seconds"],
                "simulation": seconds, "ratio": seconds / learned["cpu_seconds"],
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def read_cost() -> pd.DataFrame:
    """Shipped table; columns as in `measure_cost`."""
    return pd.read_parquet(find_tables() / TABLE)


def main() -> None:
    """Write the table from the command line."""
    parser = argparse.ArgumentParser(description="Measure what a profile costs by simulation and by the functional.")
    parser.add_argument("--runs", type=Path, default=Path("results/functional"), help="folder of the runs")
    parser.add_argument("--output", type=Path, default=Path("data/functional"), help="folder to write to")
    arguments = parser.parse_args()
    with one_sentence(parser):
        cost = measure_cost(arguments.runs, read_tables(), load_functional(1.5, "fluid-T1.5"), "test-T1.5")
        with replace_when_whole(arguments.output / TABLE) as part:
            cost.to_parquet(part, index=False)
        print(cost.round(4).to_string(index=False))
        print(equal_cost(cost).round(4).to_string(index=False))


if __name__ == "__main__":
    main()
