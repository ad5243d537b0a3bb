"""The tables in ``data/functional``: profiles, pressures and structure factors of a campaign, read and written.

::

    python -m ljmix.external_fields.tables --runs results/functional --output data/functional
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ljmix._util.arrays import FloatArray
from ljmix._util.atomic import replace_when_whole
from ljmix._util.command import one_sentence
from ljmix.external_fields.campaign import BULK, SETS, STARTS, plan_fields, read_field_runs
from ljmix.external_fields.fields import AREA, BINS, CRITICAL, PlanarField
from ljmix.external_fields.profiles import MOST_APART, combine_runs, expected_deviation
from ljmix.functional.grid import SPACING, Grid
from ljmix.functional.shipped import find_tables
from ljmix.functional.solve import bin_field, solve_profile
from ljmix.functional.theory import TheoryTerm

__all__ = ["FunctionalTables", "canonical_shift", "read_tables", "write_tables"]

_NAMES = ("fields", "profiles", "bulk", "structure")


@dataclass(frozen=True)
class FunctionalTables:
    """The four tables.

    Attributes
    ----------
    fields : pandas.DataFrame
        One row a field: `field`, `set`, `temperature`, `n_particles`, `noise` (the mean |error| of its profile over the
        mean density that error bars lead one to expect), `apart` and `starts_agree` (see
        `ljmix.external_fields.profiles.combine_runs`), `finite_size` (mean |canonical shift| over the mean density),
        `cpu_seconds` and `definition` (JSON).
    profiles : pandas.DataFrame
        One row a bin: `field`, `z` (σ), `energy` (the field, ε; see `ljmix.functional.solve.bin_field`), `rho`,
        `rho_sem`, `counted`, `counted_sem`, `start0`, `start1`, `shift` (all 1/σ³).
    bulk : pandas.DataFrame
        One row a uniform fluid: `set`, `temperature`, `density`, `pressure`, `pressure_sem`, `cpu_seconds`.
    structure : pandas.DataFrame
        One row a wave number: `set`, `temperature`, `density`, `k`, `s`, `s_sem`.
    """

    fields: pd.DataFrame
    profiles: pd.DataFrame
    bulk: pd.DataFrame
    structure: pd.DataFrame

    def column(self, name: str, fields: pd.DataFrame) -> FloatArray:
        """Column of the profiles of some fields, (n_fields, bins)."""
        wide = self.profiles.set_index("field")[name]
        return np.array([wide.loc[field].to_numpy(dtype=float) for field in fields["field"]])


def canonical_shift(field: PlanarField, beta_field: FloatArray) -> FloatArray:
    """What a profile of fixed N differs by from that of the same mean N in contact with a reservoir, by theory.

    ρ_N − ρ_⟨N⟩ = −½ ⟨δN²⟩ ∂²ρ/∂N² to first order in 1/N (González, White, Román, Velasco, Evans 1997,
    doi:10.1103/PhysRevLett.79.2466), with ⟨δN²⟩ = ∂N/∂βμ.

    Parameters
    ----------
    field : PlanarField
    beta_field : (BINS,) array
        βV of the bins.

    Returns
    -------
    (BINS,) array
        1/σ³; zero below the critical temperature, where a change of N moves an interface and first order means nothing.
    """
    if field.temperature < CRITICAL:
        return np.zeros(BINS)
    grid, term = Grid((BINS,), SPACING), TheoryTerm(field.temperature)
    amount, step = field.n_particles / AREA, 0.02 * field.n_particles / AREA
    rho, potential = [], []
    for n in (amount - step, amount, amount + step):
        found = solve_profile(lambda density: term.c1(density, grid), beta_field, SPACING, amount=n, tolerance=1e-9)
        fullest = int(np.argmax(found))
        potential.append(np.log(found[fullest]) + beta_field[fullest] - term.c1(found, grid)[fullest])
        rho.append(found)
    spread = 2 * step / (potential[2] - potential[0]) / AREA
    return np.asarray(-0.5 * spread * (rho[2] - 2 * rho[1] + rho[0]) / step**2)


def write_tables(runs: Path, output: Path, partial: bool = False) -> FunctionalTables:
    """Turn the runs of a campaign into tables.

    Parameters
    ----------
    runs, output : Path
        Folders of the runs and of the tables.
    partial : bool
        Leave out what has not been simulated yet, instead of raising.

    Returns
    -------
    FunctionalTables

    Raises
    ------
    FileNotFoundError
        If a run is missing, or all are.
    """
    fields, profiles = [], []
    for name, planned in SETS.items():
        for field, _ in plan_fields(name):
            if partial and not all((runs / f"{field.name}-start{k}.npz").exists() for k in range(STARTS)):
                continue
            row, table = _tabulate_field(runs, name, field)
            fields.append(row)
            profiles.append(table)
            assert field.temperature == planned.temperature
    bulk, structure = [], []
    for name, planned_bulk in BULK.items():
        for density in planned_bulk.densities:
            path = runs / f"bulk-{name}-{density:g}.npz"
            if partial and not path.exists():
                continue
            row, table = _tabulate_bulk(path, name, planned_bulk.temperature, density)
            bulk.append(row)
            structure.append(table)
    if not fields or not bulk:
        raise FileNotFoundError(
            f"{runs} holds no finished field or uniform fluid; run ljmix.external_fields.campaign first"
        )
    tables = FunctionalTables(
        pd.DataFrame(fields), pd.concat(profiles, ignore_index=True), pd.DataFrame(bulk),
        pd.concat(structure, ignore_index=True),
    )  # fmt: skip
    for name in _NAMES:
        table = getattr(tables, name)
        small = {column: np.float32 for column in table.columns if table[column].dtype == np.float64}
        with replace_when_whole(output / f"{name}.parquet") as part:
            table.astype(small).to_parquet(part, index=False, compression="zstd")
    return read_tables(output)


def _tabulate_field(runs: Path, name: str, field: PlanarField) -> tuple[dict[str, object], pd.DataFrame]:
    measured, seconds = read_field_runs(runs, field.name)
    profile = combine_runs(measured, field.temperature)
    energy = bin_field(field.energy, BINS, SPACING, field.temperature)
    shift = canonical_shift(field, energy / field.temperature)
    table = pd.DataFrame(
        {
            "field": field.name, "z": (np.arange(BINS) + 0.5) * SPACING, "energy": energy,
            "rho": profile.rho, "rho_sem": profile.sem, "counted": profile.counted,
            "counted_sem": profile.counted_sem, "start0": profile.starts[0], "start1": profile.starts[1],
            "shift": shift,
        }
    )  # fmt: skip
    row = {
        "field": field.name, "set": name, "temperature": field.temperature, "n_particles": field.n_particles,
        "noise": expected_deviation(profile.sem, profile.rho), "apart": profile.apart,
        "starts_agree": profile.apart <= MOST_APART,
        "finite_size": float(np.abs(shift).sum() / profile.rho.sum()), "cpu_seconds": seconds,
        "definition": json.dumps(field.as_dict()),
    }  # fmt: skip
    return row, table


def _tabulate_bulk(path: Path, name: str, temperature: float, density: float) -> tuple[dict[str, object], pd.DataFrame]:
    if not path.exists():
        raise FileNotFoundError(
            f"{path} is missing; run python -m ljmix.external_fields.campaign --results {path.parent}"
        )
    with np.load(path) as file:
        pressure, k, structure, seconds = (file[key] for key in ("pressure", "k", "structure", "seconds"))
    blocks = len(pressure)
    table = pd.DataFrame(
        {
            "set": name, "temperature": temperature, "density": density, "k": k, "s": structure.mean(axis=0),
            "s_sem": structure.std(axis=0, ddof=1) / np.sqrt(blocks),
        }
    )  # fmt: skip
    row = {
        "set": name, "temperature": temperature, "density": density, "pressure": float(pressure.mean()),
        "pressure_sem": float(pressure.std(ddof=1) / np.sqrt(blocks)), "cpu_seconds": float(seconds),
    }  # fmt: skip
    return row, table


def read_tables(folder: Path | None = None) -> FunctionalTables:
    """Read the tables of a folder; by default the shipped ones.

    Raises
    ------
    FileNotFoundError
        If one is missing.
    """
    folder = find_tables() if folder is None else folder
    for name in _NAMES:
        if not (folder / f"{name}.parquet").is_file():
            raise FileNotFoundError(
                f"{folder / name}.parquet is missing; python -m ljmix.external_fields.tables writes it"
            )
    return FunctionalTables(*(_read_table(folder / f"{name}.parquet") for name in _NAMES))


def _read_table(path: Path) -> pd.DataFrame:
    """Read a table in double precision; what was chosen, not measured, is again the decimal number that it was."""
    table = pd.read_parquet(path)
    table = table.astype({name: np.float64 for name in table.columns if table[name].dtype == np.float32})
    chosen = {name: table[name].round(6) for name in ("temperature", "density") if name in table}
    return table.assign(**chosen)


def main() -> None:
    """Write the tables from the command line."""
    parser = argparse.ArgumentParser(description="Turn the runs of the functional's campaign into tables.")
    parser.add_argument("--runs", type=Path, default=Path("results/functional"), help="folder of the runs")
    parser.add_argument("--output", type=Path, default=Path("data/functional"), help="folder to write to")
    parser.add_argument("--partial", action="store_true", help="leave out what has not been simulated yet")
    arguments = parser.parse_args()
    with one_sentence(parser):
        tables = write_tables(arguments.runs, arguments.output, arguments.partial)
        agree = int(tables.fields["starts_agree"].sum())
        print(f"{len(tables.fields)} fields, {agree} with starts that agree; {len(tables.bulk)} uniform fluids")


if __name__ == "__main__":
    main()
