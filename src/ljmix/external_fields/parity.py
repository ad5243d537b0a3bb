"""One field with two engines: whether their profiles agree within errors.

::

    python -m ljmix.external_fields.campaign --results results/hoomd --sets test-T1.5 --bulk --first 1 --engine hoomd
    python -m ljmix.external_fields.parity --lammps results/functional --hoomd results/hoomd --output data/functional
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from ljmix._util.atomic import replace_when_whole
from ljmix._util.command import one_sentence
from ljmix.external_fields.campaign import find_temperature, read_field_runs
from ljmix.external_fields.fields import BINS
from ljmix.external_fields.profiles import combine_runs, expected_deviation
from ljmix.functional.grid import SPACING
from ljmix.functional.shipped import find_tables

__all__ = ["TABLE", "compare_engines", "read_engines", "score_engines"]

TABLE = "engines.parquet"
_FIELD = "test-T1.5-slit0"


def compare_engines(lammps: Path, hoomd: Path, field: str = _FIELD) -> pd.DataFrame:
    """Profiles of one field from the runs of two folders, one row a bin.

    Returns
    -------
    pandas.DataFrame
        `z` (σ), and for each engine its density, `lammps` and `hoomd`, with the standard errors `lammps_sem` and
        `hoomd_sem` (1/σ³).

    Raises
    ------
    FileNotFoundError
        If a start is missing.
    """
    table = pd.DataFrame({"z": (np.arange(BINS) + 0.5) * SPACING})
    for name, root in (("lammps", lammps), ("hoomd", hoomd)):
        profile = combine_runs(read_field_runs(root, field)[0], find_temperature(root, field))
        table[name], table[f"{name}_sem"] = profile.rho, profile.sem
    return table


def score_engines(table: pd.DataFrame) -> dict[str, float]:
    """Difference of two profiles, and the one that their error bars lead one to expect.

    Returns
    -------
    dict
        `difference`, Σ|ρ − ρ'|/Σρ, and `expected`.
    """
    rho, other, sem, other_sem = (
        table[name].to_numpy(dtype=float) for name in ("lammps", "hoomd", "lammps_sem", "hoomd_sem")
    )
    return {
        "difference": float(np.abs(rho - other).sum() / rho.sum()),
        "expected": expected_deviation(np.hypot(sem, other_sem), rho),
    }


def read_engines() -> pd.DataFrame:
    """Shipped table; columns as in `compare_engines`."""
    return pd.read_parquet(find_tables() / TABLE)


def main() -> None:
    """Write the table from the command line."""
    parser = argparse.ArgumentParser(description="Compare a field's profiles by two engines.")
    parser.add_argument("--lammps", type=Path, default=Path("results/functional"), help="folder of LAMMPS' runs")
    parser.add_argument("--hoomd", type=Path, default=Path("results/hoomd"), help="folder of HOOMD-blue's runs")
    parser.add_argument("--field", default=_FIELD, help="name of a field that both have")
    parser.add_argument("--output", type=Path, default=Path("data/functional"), help="folder to write to")
    arguments = parser.parse_args()
    with one_sentence(parser):
        table = compare_engines(arguments.lammps, arguments.hoomd, arguments.field)
        with replace_when_whole(arguments.output / TABLE) as part:
            table.astype(np.float32).to_parquet(part, index=False)
        print({name: round(value, 4) for name, value in score_engines(table).items()})


if __name__ == "__main__":
    main()
