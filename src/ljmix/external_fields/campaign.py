"""The simulations that teach and test the functional: what is planned, run one after the other, resumable.

::

    python -m ljmix.external_fields.campaign --results results/functional
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ljmix._util.arrays import FloatArray
from ljmix._util.atomic import replace_when_whole, require_writable
from ljmix._util.command import one_sentence
from ljmix._util.threads import cpu_seconds
from ljmix.external_fields.bulk_runs import BulkRun, run_bulk
from ljmix.external_fields.field_engines import ENGINES, PairTable
from ljmix.external_fields.field_runs import FieldRun, run_field
from ljmix.external_fields.fields import AREA, BINS, PlanarField, draw_field, is_connected, make_slit
from ljmix.functional.grid import SPACING, Grid
from ljmix.functional.solve import bin_field, solve_profile
from ljmix.functional.theory import TheoryTerm

__all__ = [
    "BULK", "SETS", "STARTS", "BulkSet", "FieldSet", "find_field", "find_temperature", "plan_fields", "read_field_runs",
    "run_campaign",
]  # fmt: skip

STARTS = 2
_MOST_ATTEMPTS = 20


@dataclass(frozen=True)
class FieldSet:
    """Random fields of one purpose at one temperature, and the steps of each start."""

    temperature: float
    fields: int
    steps: int
    equilibration: int = 8000
    slits: tuple[tuple[float, float, int], ...] = ()
    """Width (σ), strength (ε) and number of particles of each slit, beside the random fields."""
    least: float = 0.05
    """Least mean density; below the critical temperature so much that the liquid is a film, not a drop."""


SETS: dict[str, FieldSet] = {
    "train-T1.5": FieldSet(1.5, 32, 24000),
    "test-T1.5": FieldSet(1.5, 6, 60000, 10000, ((4.0, 1.0, 80), (6.0, 2.0, 150), (8.0, 0.5, 240), (10.0, 1.5, 300))),
    "train-T0.95": FieldSet(0.95, 3, 24000, least=0.25),
    "train-T1.1": FieldSet(1.1, 5, 24000),
}
"""Drawn by name before any of it was simulated."""


@dataclass(frozen=True)
class BulkSet:
    """Uniform fluids of one purpose at one temperature, and the steps of each."""

    temperature: float
    densities: tuple[float, ...]
    steps: int = 20000
    equilibration: int = 4000


BULK: dict[str, BulkSet] = {
    "train-T1.5": BulkSet(1.5, (0.05, 0.15, 0.25, 0.35, 0.45, 0.55, 0.65, 0.75, 0.85)),
    "test-T1.5": BulkSet(1.5, (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)),
    "train-T0.8": BulkSet(0.8, (0.75, 0.8)),
    "train-T0.95": BulkSet(0.95, (0.68, 0.75)),
    "train-T1.1": BulkSet(1.1, (0.1, 0.2, 0.5, 0.65, 0.8)),
    "train-T1.25": BulkSet(1.25, (0.1, 0.25, 0.4, 0.55, 0.7)),
    "train-critical-T1.1": BulkSet(1.1, (0.3, 0.4), 60000, 10000),
    "held-critical-T1.1": BulkSet(1.1, (0.35,), 40000, 10000),
}
"""Uniform fluids, outside the region where liquid and vapour coexist. `held-…` choose among recipes."""


def find_field(name: str, planned: FieldSet) -> tuple[PlanarField, FloatArray]:
    """Draw fields for a name until the theory's profile is in one piece.

    Returns
    -------
    field : PlanarField
    rho : (BINS,) array
        The theory's profile, by which particles are placed.

    Raises
    ------
    RuntimeError
        If none of twenty draws is in one piece.
    """
    for attempt in range(_MOST_ATTEMPTS):
        field = draw_field(name, planned.temperature, attempt, planned.least)
        try:
            rho = theory_profile(field)
        except RuntimeError:
            # Where the theory finds no profile, particles cannot be placed by it: the next draw, as for wells.
            continue
        if is_connected(rho):
            return field, rho
    raise RuntimeError(f"{name}: none of {_MOST_ATTEMPTS} fields keeps the fluid in one piece")


def theory_profile(field: PlanarField) -> FloatArray:
    """Profile of a field's particles by theory alone."""
    grid, term = Grid((BINS,), SPACING), TheoryTerm(field.temperature)
    beta_field = bin_field(field.energy, BINS, SPACING, field.temperature) / field.temperature
    return solve_profile(lambda rho: term.c1(rho, grid), beta_field, SPACING, amount=field.n_particles / AREA)


def plan_fields(name: str) -> Iterator[tuple[PlanarField, FloatArray]]:
    """Fields of a set with their theory's profiles, in order."""
    planned = SETS[name]
    for number, (width, strength, count) in enumerate(planned.slits):
        field = make_slit(f"{name}-slit{number}", planned.temperature, width, strength, count)
        yield field, theory_profile(field)
    for number in range(planned.fields):
        yield find_field(f"{name}-{number:03d}", planned)


def run_campaign(
    root: Path,
    sets: Iterable[str] = tuple(SETS),
    bulk: Iterable[str] = tuple(BULK),
    *,
    first: int | None = None,
    engine: str = "lammps",
    pair: PairTable | None = None,
) -> None:
    """Simulate what is not there yet; call again to go on. An interruption costs the run at hand, some seconds.

    Parameters
    ----------
    root : Path
        Folder to write to, a file each run.
    sets, bulk : iterable of str
        Names in `SETS` and `BULK`.
    first : int, optional
        Only so many fields of each set, from its first on.
    engine : {"lammps", "hoomd"}
        Of the fields; uniform fluids are simulated with LAMMPS. A folder holds the runs of one engine.
    pair : PairTable, optional
        Instead of the truncated and shifted Lennard-Jones potential. A folder holds the runs of one potential.

    Raises
    ------
    ValueError
        If a name is unknown.
    """
    sets, bulk = list(sets), list(bulk)
    fields = {name: SETS[name].fields + len(SETS[name].slits) for name in sets if name in SETS}
    if first is not None:
        fields = {name: min(first, count) for name, count in fields.items()}
    for names, known in ((sets, SETS), (bulk, BULK)):
        for name in names:
            if name not in known:
                raise ValueError(f"set {name!r} is unknown; choose from {', '.join(known)}")
    require_writable(root)
    total = sum(STARTS * count for count in fields.values())
    total += sum(len(BULK[name].densities) for name in bulk)
    with tqdm(total=total, unit="run", file=sys.stdout, mininterval=5, smoothing=0.1) as bar:
        for name in sets:
            for field, rho in itertools.islice(plan_fields(name), fields[name]):
                for start in range(STARTS):
                    _keep_field(root, field, start, rho, SETS[name], engine, pair)
                    bar.update()
        for name in bulk:
            for density in BULK[name].densities:
                _keep_bulk(root, name, density, pair)
                bar.update()


def _keep_field(
    root: Path,
    field: PlanarField,
    start: int,
    rho: FloatArray,
    planned: FieldSet,
    engine: str,
    pair: PairTable | None,
) -> None:
    path = root / f"{field.name}-start{start}.npz"
    if path.exists():
        return
    measured: list[FieldRun] = []
    steps = (planned.equilibration, planned.steps)
    seconds = cpu_seconds(lambda: measured.append(run_field(field, start, rho, *steps, engine, pair)))
    with replace_when_whole(path) as part:
        np.savez_compressed(
            part, counted=measured[0].counted, forced=measured[0].forced, seconds=seconds,
            field=json.dumps(field.as_dict()),
        )  # fmt: skip


def _keep_bulk(root: Path, name: str, density: float, pair: PairTable | None) -> None:
    planned, temperature = BULK[name], BULK[name].temperature
    path = root / f"bulk-{name}-{density:g}.npz"
    if path.exists():
        return
    measured: list[BulkRun] = []
    seed = round(1e6 * density + 1e3 * temperature) + 1
    steps = (planned.equilibration, planned.steps)
    seconds = cpu_seconds(lambda: measured.append(run_bulk(temperature, density, seed, *steps, pair)))
    run = measured[0]
    with replace_when_whole(path) as part:
        np.savez_compressed(
            part, pressure=run.pressure, k=run.k, structure=run.structure, seconds=seconds,
            temperature=temperature, density=density,
        )  # fmt: skip


def read_field_runs(root: Path, name: str) -> tuple[list[FieldRun], float]:
    """Read the finished starts of a field, and the CPU time that they took.

    Raises
    ------
    FileNotFoundError
        If a start is missing.
    """
    runs, seconds = [], 0.0
    for start in range(STARTS):
        path = root / f"{name}-start{start}.npz"
        if not path.exists():
            raise FileNotFoundError(f"{path} is missing; run python -m ljmix.external_fields.campaign --results {root}")
        with np.load(path) as file:
            runs.append(FieldRun(file["counted"], file["forced"]))
            seconds += float(file["seconds"])
    return runs, seconds


def find_temperature(root: Path, name: str) -> float:
    """Temperature of a field, from the file of its first start."""
    with np.load(root / f"{name}-start0.npz") as file:
        return PlanarField.from_json(str(file["field"])).temperature


def main() -> None:
    """Run the campaign from the command line."""
    parser = argparse.ArgumentParser(description="Simulate fluids in external fields; call again to go on.")
    parser.add_argument("--results", type=Path, default=Path("results/functional"), help="folder to write to")
    parser.add_argument("--sets", nargs="*", default=list(SETS), help=f"of {', '.join(SETS)}")
    parser.add_argument("--bulk", nargs="*", default=list(BULK), help=f"of {', '.join(BULK)}")
    parser.add_argument("--first", type=int, help="only so many fields of each set")
    parser.add_argument("--engine", default="lammps", choices=ENGINES, help="of the fields")
    parser.add_argument("--pair", type=Path, help="table of another pair potential, as LAMMPS reads it")
    arguments = parser.parse_args()
    with one_sentence(parser):
        pair = PairTable(arguments.pair) if arguments.pair else None
        run_campaign(
            arguments.results, arguments.sets, arguments.bulk, first=arguments.first, engine=arguments.engine, pair=pair
        )


if __name__ == "__main__":
    main()
