"""Simulate the validation systems with one engine, and write what was measured.

::

    python -m ljmix.engine_validation.runs --engine hoomd --work results/validation --output data/validation

Two tables appear in ``<output>/<engine>/``. ``blocks.parquet`` holds block averages in order of time: `system` (a
state's identity, or a name), `quantity` (``density``, ``energy``, … or a pair label), `r` (bin centre of a pair's
function, σ_AA; missing for others), `block`, `value`. ``series.parquet`` holds the runs whose distributions are
checked: `system`, `n_particles`, `temperature_set`, `pressure_set`, and by frame `step`, `temperature`, `volume`
and `potential_energy` (a particle).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import freud
import gsd.hoomd
import numpy as np
import pandas as pd

from ljmix._util.arrays import FloatArray
from ljmix._util.atomic import replace_when_whole
from ljmix._util.command import one_sentence
from ljmix._util.places import results_folder
from ljmix._util.provenance import describe_provenance
from ljmix.configuration import THERMO, Configuration, parse_frame, write_configuration
from ljmix.data.dataset import write_table
from ljmix.data.reference import shipped_folder
from ljmix.engine_validation.bench import bench_start
from ljmix.engine_validation.systems import (
    AGREEMENT_STATES,
    BENCH,
    ENSEMBLE_STATES,
    LIQUID,
    N_WINDOWS,
    SIMPLE_CUBIC,
    TIME_STEPS,
    KobAndersen,
    agreement_profile,
    ensemble_profile,
    place_on_lattice,
)
from ljmix.simulation.analysis import bin_centres
from ljmix.simulation.campaign import run_campaign
from ljmix.simulation.engine import Engine, Mixture, Segment, load_engine
from ljmix.simulation.initial import build_configuration
from ljmix.simulation.pool import lend_pool
from ljmix.simulation.sampling import open_runs
from ljmix.state import CUTOFF, PAIRS, StatePoint
from ljmix.structure.measure import measure_functions, open_trajectory

__all__ = ["N_BLOCKS", "simulate_all"]

N_BLOCKS = 10
"""Blocks of a run, or of each window of 100 τ in the states of the grid."""


def simulate_all(
    engine: str,
    device: str,
    work: Path,
    output: Path,
    shipped: Path = Path("data/validation"),
    workers: int | None = None,
) -> Path:
    """Run everything with one engine; goes on where an earlier call was interrupted.

    Parameters
    ----------
    engine, device : str
        See `ljmix.simulation.engine.load_engine`.
    work : Path
        Folder for the runs.
    output : Path
        The tables go to ``<output>/<engine>/``.
    shipped : Path
        Folder of the bench's velocities.
    workers : int, optional
        Processes for the states of the grid; by default one a core.

    Returns
    -------
    Path
        Folder of the tables.

    Raises
    ------
    FileNotFoundError, RuntimeError
        If the bench's velocities or the engine are missing, or a state fails.
    """
    loaded = load_engine(engine, device)
    freud.parallel.set_num_threads(1)
    # Runs of another version, or on another device, are other runs: they must not be taken for these.
    root, start = work / loaded.name / f"{loaded.version}-{loaded.device.replace(':', '-')}", bench_start(shipped)
    with lend_pool(None, workers) as executor:
        blocks = [_sample_states(loaded, root / "agreement", executor)]
        series = _sample_ensembles(loaded, root / "ensembles", executor)
    blocks += [_sample_kob_andersen(loaded, root / "kob-andersen"), _run_bench(loaded, start, root / "bench")]
    blocks.append(_vary_time_step(loaded, root / "time-steps"))
    folder = output / loaded.name
    provenance = describe_provenance(
        "validation", engine=loaded.name, engine_version=loaded.version, device=loaded.device_name
    )
    write_table(pd.concat(blocks, ignore_index=True), folder / "blocks.parquet", provenance)
    write_table(series, folder / "series.parquet", provenance)
    return folder


def _sample_states(engine: Engine, root: Path, executor: Executor) -> pd.DataFrame:
    """Density, energy and functions of the states of the grid, from the campaign's own code."""
    profile, n_blocks = agreement_profile(), N_WINDOWS * N_BLOCKS
    parts = []
    for state, measured in _run_states(AGREEMENT_STATES, profile, engine, root, executor):
        late = measured["step"] > profile.steps_equilibration
        parts.append(_blocks(state.state_id, "density", _density(measured)[late], n_blocks=n_blocks))
        parts.append(_blocks(state.state_id, "energy", measured["potential_energy"][late], n_blocks=n_blocks))
        for pair in PAIRS:
            late = measured[f"step_{pair}"] > profile.steps_equilibration
            parts.append(_blocks(state.state_id, pair, measured[f"g_{pair}"][late], bin_centres(profile), n_blocks))
    return pd.concat(parts)


def _density(measured: Mapping[str, Any]) -> FloatArray:
    density: FloatArray = measured["n_particles"] / measured["volume"]
    return density


def _sample_ensembles(engine: Engine, root: Path, executor: Executor) -> pd.DataFrame:
    profile = ensemble_profile()
    parts = []
    for state, measured in _run_states(ENSEMBLE_STATES, profile, engine, root, executor):
        late = measured["step"] > profile.steps_equilibration
        columns = {name: measured[name][late] for name in ("step", "temperature", "volume", "potential_energy")}
        constants = {
            "system": state.state_id, "n_particles": measured["n_particles"], "temperature_set": state.temperature,
            "pressure_set": state.pressure,
        }  # fmt: skip
        parts.append(pd.DataFrame(constants | columns))
    return pd.concat(parts, ignore_index=True)


def _run_states(
    states: tuple[StatePoint, ...], profile: Any, engine: Engine, root: Path, executor: Executor
) -> Iterator[tuple[StatePoint, dict[str, Any]]]:
    report = run_campaign(states, profile, root, engine.name, engine.device, executor)
    if report.failed:
        raise RuntimeError(str(report))
    for state in states:
        (run,) = open_runs(report.finished[state], state, profile)
        with gsd.hoomd.open(run.initial, "r") as start:
            yield state, run.read_measurements() | {"n_particles": start[0].particles.N}


def _sample_kob_andersen(engine: Engine, folder: Path) -> pd.DataFrame:
    """Energy, pressure and functions of the Kob-Andersen mixture at ρ* = 1.2, T* = 2, N 1000, over 60 τ."""
    mixture, r_max, n_bins = KobAndersen(2.0), 2.5, 250
    start = place_on_lattice(SIMPLE_CUBIC, 10, density=1.2, fraction_b=0.2, temperature=2.0)
    source = _write_start(folder, start, mixture.sigma("BB"))
    # Half the usual step: thermal averages are off by a multiple of its square.
    settled = _settle(engine, mixture, source, 0.0025, duration=15.0)
    frames = _run_once(engine, mixture, settled, "NVT", 0.0025, 24000, 80)
    measured = [measure_functions(frame, PAIRS, mixture.temperature, r_max, n_bins) for frame in frames]
    r = (np.arange(n_bins) + 0.5) * r_max / n_bins
    parts = [_blocks("kob-andersen", pair, np.array([sample[f"g_{pair}"] for sample in measured]), r) for pair in PAIRS]
    parts += [
        _blocks("kob-andersen", quantity, _logged(frames, name))
        for quantity, name in (("energy", "potential_energy"), ("pressure", "pressure"))
    ]
    return pd.concat(parts)


def _run_bench(engine: Engine, start: Configuration, folder: Path) -> pd.DataFrame:
    """Energy, pressure and temperature of LAMMPS' bench at steps 0 and 100, from its own start."""
    source = _write_start(folder, start, 1.0)
    parts = []
    # A step of no length leaves everything in place and logs it.
    for name, steps, time_step in (("bench step 0", 1, 1e-12), ("bench step 100", 100, 0.005)):
        (frame,) = _run_once(engine, BENCH, source, "NVE", time_step, steps, steps)
        values = {quantity: float(_logged([frame], quantity)[0]) for quantity in ("temperature", "pressure")}
        values["energy"] = float(_logged([frame], "potential_energy")[0]) + _unshift(parse_frame(frame))
        parts += [_blocks(name, quantity, np.array([value])) for quantity, value in values.items()]
    return pd.concat(parts)


def _unshift(configuration: Configuration) -> float:
    """Energy a particle that the shift of the potential takes away: that of all pairs in range, at the cut-off."""
    box = freud.box.Box.cube(configuration.box_edge)
    query = freud.locality.AABBQuery(box, configuration.positions)
    pairs = query.query(configuration.positions, {"r_max": CUTOFF, "exclude_ii": True}).toNeighborList()
    return len(pairs) / 2 / len(configuration.positions) * 4 * (CUTOFF**-12 - CUTOFF**-6)


def _vary_time_step(engine: Engine, folder: Path) -> pd.DataFrame:
    """Fluctuation of the total energy a particle between times 0.04 τ apart, at constant energy, 30 τ each.

    Differences over a time much shorter than the run leave out the slow drift that the force's jump at the
    cut-off gives to any integrator.
    """
    n = 500
    source = _write_start(folder, build_configuration(LIQUID, n, n // 2), LIQUID.size_ratio)
    settled = _settle(engine, LIQUID, source, 0.0025, duration=20.0)
    parts = []
    for time_step in TIME_STEPS:
        every = round(0.04 / time_step)
        frames = _run_once(engine, LIQUID, settled, "NVE", time_step, 750 * every, every)
        total = _logged(frames, "potential_energy") + 1.5 * (n - 1) / n * _logged(frames, "temperature")
        parts.append(_blocks(f"time step {time_step:g}", "energy_change", np.diff(total) ** 2))
    return pd.concat(parts)


def _write_start(folder: Path, start: Configuration, size_ratio: float) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    write_configuration(start, size_ratio, folder / "initial.gsd")
    return folder / "initial.gsd"


def _settle(engine: Engine, mixture: Mixture, source: Path, time_step: float, duration: float) -> Path:
    """Run at constant volume and temperature; return the checkpoint."""
    steps = round(duration / time_step)
    _run_once(engine, mixture, source, "NVT", time_step, steps, steps)
    return source.parent / f"NVT-{time_step:g}-{steps}.checkpoint"


def _run_once(
    engine: Engine, mixture: Mixture, source: Path, ensemble: str, time_step: float, steps: int, every: int
) -> list[gsd.hoomd.Frame]:
    """Return the frames of a run; it is not repeated where its files are there already."""
    name = f"{ensemble}-{time_step:g}-{steps}"
    frames = source.parent / f"{name}.gsd"
    if not frames.exists():
        with (
            replace_when_whole(frames) as part,
            replace_when_whole(source.parent / f"{name}.checkpoint") as checkpoint,
        ):
            engine.advance(mixture, Segment(source, part, checkpoint, steps, every, ensemble, time_step))
    with open_trajectory(frames) as trajectory:
        return list(trajectory)


def _logged(frames: list[gsd.hoomd.Frame], name: str) -> FloatArray:
    if name not in THERMO:
        raise ValueError(f"{name!r} is not logged; {', '.join(THERMO)} are")
    return np.array([frame.log[f"thermo/{name}"][0] for frame in frames])


def _blocks(
    system: str, quantity: str, samples: FloatArray, r: FloatArray | None = None, n_blocks: int = N_BLOCKS
) -> pd.DataFrame:
    """Block averages of (n,) or (n, n_bins) samples in order of time, as rows of the table."""
    averages = np.array([part.mean(axis=0) for part in np.array_split(samples, min(n_blocks, len(samples)))])
    n_blocks, n_bins = len(averages), averages[0].size
    return pd.DataFrame(
        {
            "system": system,
            "quantity": quantity,
            "r": np.tile(np.nan if r is None else np.round(r, 9), n_blocks),
            "block": np.repeat(np.arange(n_blocks), n_bins).astype(np.int16),
            "value": averages.ravel(),
        }
    )


def main() -> None:
    """Simulate everything with one engine, from the command line."""
    parser = argparse.ArgumentParser(description="Simulate the validation systems with one engine.")
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--work", type=Path, help="folder for the runs; by default results/validation")
    parser.add_argument("--output", type=Path, help="folder for the tables; by default data/validation")
    parser.add_argument("--workers", type=int, help="processes for the states of the grid; by default one a core")
    options = parser.parse_args()
    work, output = results_folder("validation", options.work), options.output or shipped_folder() / "validation"
    with one_sentence(parser):
        print(simulate_all(options.engine, options.device, work, output, workers=options.workers))


if __name__ == "__main__":
    main()
