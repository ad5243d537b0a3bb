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
from typing import Any, cast

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from ljmix._util.atomic import replace_when_whole
from ljmix._util.command import one_sentence
from ljmix.potentials import inversion, pod, spline
from ljmix.potentials.committee import learn_actively
from ljmix.potentials.frames import Frame, sample_frames
from ljmix.potentials.linear import Weights
from ljmix.potentials.pair import Potential
from ljmix.potentials.runs import Measured, PlainLennardJones, compare_speeds, measure_transport, run_long
from ljmix.potentials.shipped import FOLDER, MIXTURE, draw_training, load_frames
from ljmix.potentials.studies import pod_table
from ljmix.potentials.worlds import WORLDS, load_world
from ljmix.simulation.engine import Engine, load_engine
from ljmix.simulation.engines.lammps import LammpsEngine
from ljmix.state import StatePoint

__all__ = ["DEMIXING", "STUDIES", "fit_draw", "join", "run_studies"]

DRAWS = 5
LEGS = 10
"""Parts of the longest runs, each a unit of its own that goes on where the one before has ended."""
FRAMES_A_DRAW = {"pair": 4, "many-body": 12}
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
def fit_draw(world: str, kind: str, draw: int) -> Potential:
    """Potential of one draw of training frames: `kind` is "pair" or "many-body"."""
    frames = draw_training(_frames(world), draw, FRAMES_A_DRAW[kind])
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


def _liquid(world: str, n_truth: int, steps: int) -> Iterator[Unit]:
    """Runs at the composition that no fit sees, at one density: those of the truth, and one of each draw."""
    for potential, n_runs in (("truth", n_truth), ("pair", DRAWS)):
        for k in range(n_runs):

            def unit(potential: str = potential, k: int = k) -> Tables:
                engine = (
                    load_world(world, MIXTURE)
                    if potential == "truth"
                    else fit_draw(world, potential, k).engine("lammps")
                )
                replica = k + 20 * (potential != "truth")
                found = run_long(engine, MIXTURE, steps=steps, density=DENSITY[world], replica=replica)
                return _tables(found, study="liquid", world=world, potential=potential, draw=k)

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


def _transport() -> Iterator[Unit]:
    """Viscosity, and diffusion from the same runs: what the correction for the box needs."""
    for k in range(3):
        for potential in ("truth", "pair"):

            def unit(potential: str = potential, k: int = k) -> Tables:
                engine = cast(LammpsEngine, _pair_engine(potential, k))
                density, replica = DENSITY["lennard-jones"], 120 + k + 20 * (potential != "truth")
                found = measure_transport(engine, MIXTURE, density, 500, 80_000, replica)
                named = {"study": "transport", "world": "lennard-jones", "potential": potential, "draw": k}
                return {"runs": pd.DataFrame([{"n": 500, **named, **found}])}

            yield f"transport-{potential}-{k}", unit


def _engines() -> Iterator[Unit]:
    """One pair potential under both engines, and its speed under HOOMD-blue."""
    for name in ("lammps", "hoomd"):
        for k in range(3):

            def unit(name: str = name, k: int = k) -> Tables:
                engine = fit_draw("lennard-jones", "pair", 0).engine(name, "cpu")
                density, replica = DENSITY["lennard-jones"], 160 + k + 10 * (name == "hoomd")
                found = run_long(engine, MIXTURE, density=density, steps=8_000, settle=3000, replica=replica)
                return _tables(found, study="engines", world="lennard-jones", potential="pair", draw=k, engine=name)

            yield f"engines-{name}-{k}", unit

    def speed() -> Tables:
        engines = {
            "HOOMD-blue: Lennard-Jones": load_engine("hoomd", "cpu"),
            "HOOMD-blue: pair spline": fit_draw("lennard-jones", "pair", 0).engine("hoomd", "cpu"),
        }
        return {"speed": compare_speeds(engines, MIXTURE, DENSITY["lennard-jones"])}

    yield "engines-speed", speed


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


def _stability(work: Path) -> Iterator[Unit]:
    """Runs of a million steps with pair potentials, of a hundred thousand with a slow one, in ten legs each."""
    large, small = {"n_particles": 500}, {"n_particles": 200, "r_max": 2.8, "n_bins": 56}
    for world, potential, steps, box in (
        ("lennard-jones", "pair", 100_000, small),
        ("three-body", "pair", 100_000, small),
        ("three-body", "many-body", 10_200, large),  # for two pieces of 25 τ, whose scatter is the error of D
    ):
        names = [f"stability-{world}-{potential}-{leg}" for leg in range(LEGS)]
        for leg, name in enumerate(names):

            def unit(
                world: str = world, potential: str = potential, steps: int = steps, box: dict[str, Any] = box,
                leg: int = leg, before: str = names[leg - 1], name: str = name,
            ) -> Tables:  # fmt: skip
                engine = fit_draw(world, potential, 0).engine("lammps")
                source = work / "checkpoints" / before if leg else None
                # Whole before the leg counts as made: what comes after it begins here.
                with replace_when_whole(work / "checkpoints" / name) as part:
                    found = run_long(
                        engine, MIXTURE, density=DENSITY[world], steps=steps, settle=2000, replica=99, source=source,
                        checkpoint=part, **box,
                    )  # fmt: skip
                return _tables(found, study="stability", world=world, potential=potential, draw=0, leg=leg)

            yield name, unit


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
        slow = {"three-body truth": 0.2, "POD, triplets": 0.01}
        return {"speed": compare_speeds(engines, MIXTURE, DENSITY["lennard-jones"], shares=slow)}

    yield "speed", unit


STUDIES: dict[str, Callable[[Path], Iterator[Unit]]] = {
    "liquid": lambda _: _liquid("lennard-jones", 6, 40_000),
    "active": lambda _: _active(),
    "learning": lambda _: _learning(),
    "three-body": lambda _: _liquid("three-body", 5, 12_000),
    "speed": lambda _: _speed(),
    "demixing": lambda _: _demixing(),
    "inversion": lambda _: _inversion(),
    "diffusion": lambda _: _diffusion(),
    "pressure": lambda _: _pressure(),
    "transport": lambda _: _transport(),
    "stability": _stability,
    "engines": lambda _: _engines(),
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
    units = [unit for name in names for unit in STUDIES[name](work)]
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
    # What needs HOOMD-blue is made where it is, by name.
    parser.add_argument(
        "--studies", nargs="*", default=[name for name in STUDIES if name != "engines"],
        help=f"among {', '.join(STUDIES)}; engines needs HOOMD-blue beside LAMMPS, and is left out unless named",
    )  # fmt: skip
    parser.add_argument("--work", type=Path, default=Path("results/potentials"), help="folder for the runs")
    parser.add_argument("--output", type=Path, default=FOLDER, help="folder for the tables")
    options = parser.parse_args()
    with one_sentence(parser):
        run_studies(options.studies, options.work)
        print(*join(options.work, options.output))


if __name__ == "__main__":
    main()
