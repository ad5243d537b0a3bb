"""Simulations that the reference dataset does not hold: solutes, small and large boxes, mixtures rich in B.

::

    python -m ljmix.thermodynamics.campaign simulate        # goes on where it was; --minutes 30 ends in time
    python -m ljmix.thermodynamics.campaign list
    python -m ljmix.thermodynamics.campaign card            # describes what is there in a README

The tasks are named here, in the order in which they are worth most. A task that is finished has rows in the shipped
tables of ``data/thermodynamics``, or a file in ``mixtures`` there, and is never repeated; one that was interrupted goes
on from its files in ``results/thermodynamics``.
"""

from __future__ import annotations

import argparse
import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from ljmix._util.atomic import replace_when_whole
from ljmix._util.command import one_sentence
from ljmix._util.provenance import describe_provenance
from ljmix.data.dataset import write_table
from ljmix.data.reference import shipped_folder
from ljmix.release.part_files import write_part
from ljmix.simulation.campaign import run_campaign
from ljmix.simulation.engines.lammps import LammpsEngine
from ljmix.simulation.profiles import load_profile
from ljmix.state import StatePoint
from ljmix.thermodynamics.henry import measure_insertion, measure_path
from ljmix.thermodynamics.tables import write_card
from ljmix.thermodynamics.transport_runs import measure_transport

__all__ = ["BOX_SIZES", "BOX_STATES", "RICH_FRACTIONS", "RICH_ISOTHERMS", "TASKS", "Task", "is_done", "run_tasks"]


@dataclass(frozen=True)
class Task:
    """One simulation, or one path of them, that ends in rows of a table.

    Attributes
    ----------
    table : str
        Name of the file, without its suffix.
    key : dict
        Values that its rows have in the table, and no other task's.
    measure : callable
        Takes the folder of runs, returns the rows; of a mixture, the file of the finished state.
    """

    table: str
    key: dict[str, Any]
    measure: Callable[[Path], pd.DataFrame | Path]

    def __str__(self) -> str:
        return f"{self.table}: " + ", ".join(f"{name} {value}" for name, value in self.key.items())


def _insertion(temperature: float, size_ratio: float, replica: int = 0, pressure: float = 1.0) -> Task:
    key = _key("insertion", temperature, size_ratio, replica, pressure)
    return Task("henry", key, lambda work: measure_insertion(temperature, size_ratio, work, replica, pressure))


def _path(route: str, temperature: float, size_ratio: float, replica: int = 0, pressure: float = 1.0) -> Task:
    key = _key(route, temperature, size_ratio, replica, pressure)
    return Task(
        "henry", key,
        lambda work: measure_path(route, temperature, size_ratio, work, replica=replica, pressure=pressure),
    )  # fmt: skip


def _key(route: str, temperature: float, size_ratio: float, replica: int, pressure: float) -> dict[str, Any]:
    return {
        "route": route, "temperature": temperature, "size_ratio": size_ratio, "replica": replica, "pressure": pressure,
    }  # fmt: skip


def _small_solutes() -> list[Task]:
    tasks = []
    for temperature in (1.0, 1.4, 1.2, 0.8):
        for size_ratio, other in ((0.5, "soft"), (1.0, "growth")):
            tasks += [_insertion(temperature, size_ratio), _path(other, temperature, size_ratio)]
    return tasks


def _large_solutes(size_ratio: float, temperatures: Iterable[float], replicas: Iterable[int] = (0,)) -> list[Task]:
    return [
        _path(route, temperature, size_ratio, replica)
        for replica in replicas for temperature in temperatures for route in ("growth", "soft")
    ]  # fmt: skip


def _transport(state: StatePoint, number_density: float, n_particles: int, n_blocks: int) -> Task:
    key = state.as_dict() | {"n_particles": n_particles}
    return Task("transport", key, lambda work: measure_transport(state, number_density, n_particles, n_blocks, work))


BOX_STATES = ((StatePoint(1.0, 0.5, 1.0, 1.0), 0.7509), (StatePoint(1.2, 0.5, 1.5, 0.8), 0.3549))
"""States simulated in boxes of three sizes, with the densities that they have at P* = 1."""
BOX_SIZES = ((256, 40), (700, 16), (2000, 6))
"""Particles of each box, and blocks of 20 τ that it runs: about the same work for each."""


def _boxes() -> list[Task]:
    return [_transport(state, rho, n, blocks) for state, rho in BOX_STATES for n, blocks in BOX_SIZES]


RICH_ISOTHERMS = ((1.4, 1.5, 0.8), (1.2, 1.5, 0.8), (1.4, 2.0, 0.8), (1.2, 2.0, 0.8))
"""T*, S and ε_AB of four isotherms that are mixed throughout. At S = 1 a mixture rich in B is one rich in A."""
RICH_FRACTIONS = (0.65, 0.8, 0.9, 0.99)


def _rich(state: StatePoint) -> Task:
    return Task("mixtures", {"state_id": state.state_id}, lambda work: _simulate_mixture(state, work))


def _simulate_mixture(state: StatePoint, work: Path) -> Path:
    """Simulate a state by the protocol of version 2 of the reference set, and keep it as one of its parts.

    Peaks of g need not be precise, which those of rare A never would be: waves are what is wanted.
    """
    profile = load_profile("equilibrium", n_particles=1500, peak_error=0.0, peak_error_dilute=0.0)
    report = run_campaign([state], profile, work / "mixtures", "lammps", workers=1)
    if report.failed:
        raise RuntimeError(str(report))
    return write_part(state, report.finished[state], work / "parts", profile)


TASKS: tuple[Task, ...] = (
    *_small_solutes(),
    *_large_solutes(1.5, (1.4, 1.2)),
    *_boxes(),
    *_large_solutes(1.5, (1.0,)),
    *_large_solutes(1.5, (1.4, 1.2), (1,)),
    # B in its own liquid at P* = 1, in units of B: what an absolute activity coefficient is referred to.
    _insertion(1.4, 1.0, pressure=3.375),
    _path("growth", 1.4, 1.0, pressure=3.375),
    *(_rich(StatePoint(t, x, s, e)) for t, s, e in RICH_ISOTHERMS[:1] for x in RICH_FRACTIONS),
    *_large_solutes(2.0, (1.4, 1.2)),
    *(_rich(StatePoint(t, x, s, e)) for t, s, e in RICH_ISOTHERMS[1:] for x in RICH_FRACTIONS),
    *_large_solutes(1.5, (1.4, 1.2, 1.0), (2, 3, 4)),
)


def is_done(task: Task, directory: Path) -> bool:
    """Tell whether a task has its rows in the table, or its file in the folder of mixtures."""
    if task.table == "mixtures":
        return (directory / "mixtures" / f"{task.key['state_id']}.npz").is_file()
    table = _read(directory / f"{task.table}.parquet")
    if table.empty:
        return False
    return bool(np.logical_and.reduce([table[name] == value for name, value in task.key.items()]).any())


def run_tasks(tasks: Iterable[Task], work: Path, directory: Path, minutes: float = float("inf")) -> int:
    """Run the tasks that are not done, one after the other; no new one begins after so many minutes.

    Returns
    -------
    int
        How many are left.
    """
    began = time.monotonic()
    todo = [task for task in tasks if not is_done(task, directory)]
    engine = LammpsEngine()
    for left, task in zip(range(len(todo), 0, -1), todo, strict=True):
        if time.monotonic() - began > 60 * minutes:
            return left
        print(f"{task} ({left} left)", flush=True)
        rows = task.measure(work)
        if isinstance(rows, Path):
            with replace_when_whole(directory / "mixtures" / rows.name) as part:
                shutil.copyfile(rows, part)
        else:
            path = directory / f"{task.table}.parquet"
            together = pd.concat([_read(path), rows], ignore_index=True)
            provenance = describe_provenance("thermodynamics", engine=engine.name, engine_version=engine.version)
            write_table(together, path, provenance)
        if all((directory / f"{name}.parquet").is_file() for name in ("henry", "transport")):
            write_card(directory)
    return 0


def _read(path: Path) -> pd.DataFrame:
    return pq.read_table(path).to_pandas() if path.is_file() else pd.DataFrame()


def main() -> None:
    """List, simulate or describe the tasks, from the command line."""
    parser = argparse.ArgumentParser(description="Simulate what thermodynamics needs beside the reference dataset.")
    parser.add_argument("what", choices=["list", "simulate", "card"])
    parser.add_argument("--work", type=Path, default=Path("results", "thermodynamics"), help="folder for the runs")
    parser.add_argument("--output", type=Path, help="folder of the tables; by default data/thermodynamics")
    parser.add_argument("--only", default="", help="only tasks whose description contains this")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no task after so many minutes")
    options = parser.parse_args()
    with one_sentence(parser):
        output = options.output or shipped_folder() / "thermodynamics"
        tasks = [task for task in TASKS if options.only in str(task)]
        if options.what == "list":
            for task in tasks:
                print(f"{'done' if is_done(task, output) else 'to do':6}{task}")
            return
        if options.what == "card":
            write_card(output)
            return
        left = run_tasks(tasks, options.work, output, options.minutes)
        print(f"{left} tasks left; the same command goes on" if left else "all tasks are done")


if __name__ == "__main__":
    main()
