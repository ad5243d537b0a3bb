"""The long runs behind `09-learned-potential`: ``python -m ljmix.potentials.campaign``, resumable.

A run is one file in the folder of the work, and is not repeated where its file is there: stop at any moment, call
again. Potentials are fitted anew from the shipped frames, which takes milliseconds; a draw is a set of frames that no
other draw has. At the end the files are joined into three tables: `runs` (a row a run), `curves` (g(r)), `series`.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from ljmix._util.atomic import replace_when_whole
from ljmix._util.command import one_sentence
from ljmix.engines.engine import Engine, load_engine
from ljmix.potentials import inversion, pod, spline
from ljmix.potentials.committee import learn_actively
from ljmix.potentials.frames import Frame, sample_frames
from ljmix.potentials.linear import Weights
from ljmix.potentials.pair import Potential
from ljmix.potentials.runs import Measured, PlainLennardJones, compare_speeds, run_long
from ljmix.potentials.shipped import FOLDER, MIXTURE, draw_training, load_frames
from ljmix.potentials.studies import pod_table
from ljmix.potentials.worlds import WORLDS, load_world
from ljmix.state import StatePoint

__all__ = ["DEMIXING", "STUDIES", "fit_draw", "join", "run_studies"]

DRAWS = 5
FRAMES_A_DRAW = 4
DENSITY = {"lennard-jones": 1.0075, "three-body": 0.655}
"""Number densities at which the composition that no fit sees is held, near P* = 1."""
DEMIXING = StatePoint(1.0, 0.5, 1.0, 0.3)
"""A mixture that separates."""
ALL = Weights(1.0, 1.0)

Tables = dict[str, pd.DataFrame]


@cache
def _frames(world: str) -> list[Frame]:
    return load_frames(world)


@cache
def fit_draw(world: str, kind: str, draw: int, n_frames: int = FRAMES_A_DRAW) -> Potential:
    """Potential of one draw of training frames: `kind` is "pair" or "many-body"."""
    frames = draw_training(_frames(world), draw, n_frames)
    return spline.PairSpline(ALL).fit(frames) if kind == "pair" else pod.Pod().fit(frames)


def _tables(measured: Measured, **more: object) -> Tables:
    named = {"n": measured.n_particles} | more
    thinned = measured.series.iloc[9::10]
    return {
        "runs": pd.DataFrame([named | measured.averages]),
        "curves": measured.curves.assign(**named),
        "series": thinned.assign(**named),
    }


Unit = tuple[str, Callable[[], Tables]]


def _liquid(world: str, n_truth: int, kinds: dict[str, int], steps: int) -> Iterator[Unit]:
    """Runs at the composition that no fit sees, at one density: those of the truth, and one of each draw."""
    runs: list[tuple[str, int, Callable[[], Engine]]] = [
        ("truth", k, lambda: load_world(world, MIXTURE)) for k in range(n_truth)
    ]
    for kind, n_draws in kinds.items():
        n_frames = FRAMES_A_DRAW if kind == "pair" else 12
        runs += [
            (kind, k, lambda kind=kind, k=k, n=n_frames: fit_draw(world, kind, k, n).engine("lammps"))  # type: ignore[misc]
            for k in range(n_draws)
        ]
    for potential, k, make in runs:
        small = (
            {"n_particles": 300, "steps": 4_000, "settle": 1000, "r_max": 3.8, "n_bins": 76}
            if potential == "many-body"
            else {}
        )

        def unit(
            potential: str = potential, k: int = k, make: Callable[[], Engine] = make, small: dict[str, Any] = small
        ) -> Tables:
            setting = {"steps": steps, "density": DENSITY[world], "replica": k + 20 * (potential != "truth")} | small
            return _tables(
                run_long(make(), MIXTURE, **setting), study="liquid", world=world, potential=potential, draw=k
            )

        yield f"liquid-{world}-{potential}-{k}", unit


def _pair_engine(potential: str, draw: int) -> Engine:
    """Engine of the Lennard-Jones truth, or of the pair spline of a draw."""
    if potential == "truth":
        return load_engine("lammps")
    return fit_draw("lennard-jones", "pair", draw).engine("lammps")


def _pressure() -> Iterator[Unit]:
    """Density and energy at P* = 1."""
    for potential in ("truth", "pair"):
        for k in range(3):

            def unit(potential: str = potential, k: int = k) -> Tables:
                replica = 40 + k + 20 * (potential != "truth")
                found = run_long(
                    _pair_engine(potential, k), MIXTURE, steps=16_000, replica=replica, r_max=3.5, n_bins=70
                )
                return _tables(found, study="pressure", world="lennard-jones", potential=potential, draw=k)

            yield f"pressure-{potential}-{k}", unit


def _diffusion() -> Iterator[Unit]:
    """A second, smaller box: the correction of Yeh and Hummer is the slope against 1/L."""
    for potential in ("truth", "pair"):
        for k in range(3):

            def unit(potential: str = potential, k: int = k) -> Tables:
                found = run_long(
                    _pair_engine(potential, k), MIXTURE, n_particles=250, density=DENSITY["lennard-jones"],
                    steps=40_000, replica=80 + k + 20 * (potential != "truth"), r_max=3.0, n_bins=60,
                )  # fmt: skip
                return _tables(found, study="diffusion", world="lennard-jones", potential=potential, draw=k)

            yield f"diffusion-{potential}-{k}", unit


def _demixing() -> Iterator[Unit]:
    """A mixture that separates, from the same random starts; fitted to frames that have hardly begun to."""

    @cache
    def fitted() -> Potential:
        frames = sample_frames(DEMIXING, 6, n_particles=500, interval=100, settle=500, density=0.72, replica=7)
        return spline.PairSpline(ALL).fit(frames)

    for potential in ("truth", "pair"):
        for k in range(3):

            def unit(potential: str = potential, k: int = k) -> Tables:
                engine = load_engine("lammps") if potential == "truth" else fitted().engine("lammps")
                found = run_long(engine, DEMIXING, n_particles=1000, density=0.72, steps=10_000, settle=0, replica=k)
                return _tables(found, study="demixing", world="lennard-jones", potential=potential, draw=k)

            yield f"demixing-{potential}-{k}", unit


def _inversion() -> Iterator[Unit]:
    """A potential from g(r) alone, iterated, and its pressure at every step."""
    for k in range(3):
        yield f"inversion-{k}", lambda k=k: inversion.invert(MIXTURE, DENSITY["lennard-jones"], k)  # type: ignore[misc]


def _active() -> Iterator[Unit]:
    """Learning from one's own trajectories: hot and dense in B, from frames that are neither."""
    for k in range(5):
        yield f"active-{k}", lambda k=k: learn_actively(_frames("lennard-jones"), k)  # type: ignore[misc]


def _stability() -> Iterator[Unit]:
    """A million steps with the pair potential of four frames."""

    def unit() -> Tables:
        engine = fit_draw("lennard-jones", "pair", 0).engine("lammps")
        found = run_long(
            engine,
            MIXTURE,
            n_particles=200,
            density=DENSITY["lennard-jones"],
            steps=1_000_000,
            replica=99,
            r_max=2.8,
            n_bins=56,
        )
        tables = _tables(found, study="stability", world="lennard-jones", potential="pair", draw=0)
        tables["series"] = tables["series"].iloc[9::10]
        return tables

    yield "stability-pair", unit


def _learning() -> Iterator[Unit]:
    """Pair splines and POD on the same frames, in both worlds."""
    for world in WORLDS:

        def unit(world: str = world) -> Tables:
            return {"learning": pod_table(world, _frames(world))}

        yield f"learning-{world}", unit


def _speed() -> Iterator[Unit]:
    """Lennard-Jones and the learned potentials side by side, interleaved."""

    def unit() -> Tables:
        engines = {
            "Lennard-Jones": load_engine("lammps"),
            "Lennard-Jones, plain": load_engine("lammps", force_field=PlainLennardJones(MIXTURE)),
            "pair spline": _pair_engine("pair", 0),
            "three-body truth": load_world("three-body", MIXTURE),
            "POD, triplets": fit_draw("three-body", "many-body", 0).engine("lammps"),
        }
        return {"speed": compare_speeds(engines, MIXTURE, DENSITY["lennard-jones"])}

    yield "speed", unit


STUDIES: dict[str, Callable[[], Iterator[Unit]]] = {
    "liquid": lambda: _liquid("lennard-jones", 6, {"pair": 5}, 40_000),
    "active": _active,
    "learning": _learning,
    "three-body": lambda: _liquid("three-body", 5, {"pair": 5}, 12_000),
    "speed": _speed,
    "demixing": _demixing,
    "inversion": _inversion,
    "diffusion": _diffusion,
    "pressure": _pressure,
    "stability": _stability,
    "many-body": lambda: _liquid("three-body", 0, {"many-body": 1}, 4_000),
}


def run_studies(names: list[str], work: Path) -> None:
    """Make the runs of some studies that are not there yet.

    Raises
    ------
    ValueError
        If a study is unknown.
    """
    unknown = [name for name in names if name not in STUDIES]
    if unknown:
        raise ValueError(f"study = {unknown[0]!r} is unknown; choose among {', '.join(STUDIES)}")
    units = [unit for name in names for unit in STUDIES[name]()]
    due = [(name, make) for name, make in units if not (work / f"{name}.json").exists()]
    for name, make in tqdm(due, unit="run"):
        began = time.process_time()
        tables = make()
        for table, rows in tables.items():
            with replace_when_whole(work / table / f"{name}.parquet") as part:
                rows.to_parquet(part, index=False)
        # Written last: what it names is whole.
        with replace_when_whole(work / f"{name}.json") as part:
            part.write_text(json.dumps({"tables": list(tables), "cpu_seconds": time.process_time() - began}))


def join(work: Path, output: Path) -> list[Path]:
    """Join the files of finished runs into one table of each kind."""
    written = []
    for folder in sorted(path for path in work.iterdir() if path.is_dir()):
        finished = [path for path in sorted(folder.glob("*.parquet")) if (work / f"{path.stem}.json").exists()]
        if not finished:
            continue
        rows = pd.concat([pd.read_parquet(path) for path in finished], ignore_index=True)
        floats = rows.select_dtypes("float64").columns
        rows[floats] = rows[floats].astype(np.float32)
        with replace_when_whole(output / f"{folder.name}.parquet") as part:
            rows.to_parquet(part, index=False)
        written.append(output / f"{folder.name}.parquet")
    return written


def main() -> None:
    """Make the runs from the command line, and join their tables."""
    parser = argparse.ArgumentParser(description="Make the long runs of notebook 09, and join their tables.")
    parser.add_argument("--studies", nargs="*", default=list(STUDIES), help=f"among {', '.join(STUDIES)}")
    parser.add_argument("--work", type=Path, default=Path("results/potentials"), help="folder for the runs")
    parser.add_argument("--output", type=Path, default=FOLDER, help="folder for the tables")
    options = parser.parse_args()
    with one_sentence(parser):
        run_studies(options.studies, options.work)
        print(*join(options.work, options.output))


if __name__ == "__main__":
    main()
