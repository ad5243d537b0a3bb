"""From finished runs to the dataset: one row a state, one row a bin, with errors and provenance."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from tqdm import tqdm

from ljmix.campaign import lend_pool
from ljmix.dataset import Dataset, write_dataset
from ljmix.profiles import PROFILES, Profile, load_profile
from ljmix.provenance import describe_provenance
from ljmix.sampling import Analysis, analyse_run, bin_centres, choose_runs, is_finished, open_runs
from ljmix.simulation.initial import read_configuration, write_configuration
from ljmix.simulation.workspace import find_jobs
from ljmix.statepoint import PAIRS, StatePoint
from ljmix.structure.convergence import mean_and_error
from ljmix.structure.fluctuations import temperature_derivative
from ljmix.structure.phase import crystal_order, demixing_order, label_phase, segregation

__all__ = ["collect_dataset", "find_finished", "summarise_state", "write_configurations"]

Array = npt.NDArray[np.float64]

_CRYSTAL_FRAMES = 4
"""Configurations, the last ones, in which crystals are looked for: they grow slowly and do not flicker."""


def collect_dataset(root: Path, profile: Profile, executor: Executor | None = None) -> Dataset:
    """Build the dataset from every state of a profile that is finished in a campaign's folder.

    Parameters
    ----------
    root : Path
        Folder of the campaign.
    profile : Profile
    executor : concurrent.futures.Executor, optional
        By default one process a core.

    Returns
    -------
    Dataset
        States in the order of the profile.

    Raises
    ------
    ValueError
        If no state is finished.
    """
    finished = find_finished(root, profile)
    states, folders = list(finished), list(finished.values())
    missing = len(profile.states()) - len(states)
    if missing:
        tqdm.write(f"{missing} of {len(profile.states())} states are not finished and left out; `make data` goes on")
    with lend_pool(executor) as pool:
        parts = list(
            tqdm(
                pool.map(summarise_state, folders, states, [profile] * len(states)),
                total=len(states), desc="collect", unit="state", mininterval=1,
            )
        )  # fmt: skip
    rows, curves = zip(*parts, strict=True)
    provenance = describe_provenance(profile.name, settings=asdict(profile), states_missing=missing)
    return Dataset(pd.DataFrame(list(rows)), pd.concat(curves, ignore_index=True), provenance)


def find_finished(root: Path, profile: Profile) -> dict[StatePoint, Path]:
    """Folders of the states that a campaign has finished with the settings of a profile.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no campaign, no finished state, or a mixture of engines.
    """
    finished = [found for found in find_jobs(root, profile) if is_finished(found[0], profile)]
    if not finished:
        raise ValueError(f"{root} holds no finished state of profile {profile.name}; run the campaign first")
    engines = sorted({engine for _, _, engine in finished})
    if len(engines) > 1:
        raise ValueError(f"{root} holds states of the engines {' and '.join(engines)}; keep one, or use two folders")
    return {state: folder for folder, state, _ in finished}


def write_configurations(root: Path, profile: Profile, directory: Path) -> None:
    """Copy the last configuration of every finished state to ``<directory>/<state_id>.gsd``."""
    for state, folder in find_finished(root, profile).items():
        run = open_runs(folder, state, profile)[-1]
        configuration = read_configuration(run.folder / "trajectory.gsd")
        write_configuration(configuration, state.size_ratio, directory / f"{state.state_id}.gsd")


def summarise_state(folder: Path, state: StatePoint, profile: Profile) -> tuple[dict[str, Any], pd.DataFrame]:
    """Average the runs of one state that count.

    Returns
    -------
    row : dict
        The state's row of ``states``.
    rdf : pandas.DataFrame
        Its rows of ``rdf``.
    """
    runs = open_runs(folder, state, profile)
    analyses = [analyse_run(run) for run in runs]
    chosen, converged = choose_runs(analyses)
    used = [analyses[k] for k in chosen]
    measured = [run.read_measurements() for run in runs]
    configurations = [c for k in chosen for c in runs[k].read_configurations(analyses[k].start_step)]
    demixing = demixing_order(configurations, state)
    crystal = float(np.mean([crystal_order(c, state) for c in configurations[-_CRYSTAL_FRAMES:]]))
    job = json.loads((folder / "signac_statepoint.json").read_text())
    density, density_sem = _pool_series(used, "density")
    energy, energy_sem = _pool_series(used, "energy")
    n_particles = int(job["n_particles"])
    r = bin_centres(profile)
    counts = {pair: [len(found.samples[pair]) for found in used] for pair in PAIRS}
    functions = {pair: _pool(counts[pair], [(found.g[pair], found.g_sem[pair]) for found in used]) for pair in PAIRS}
    segregated = segregation(r, {pair: g for pair, (g, _) in functions.items()}, state)
    curves = []
    for pair, (g, g_sem) in functions.items():
        slopes = [_derivative(measured[k], pair, analyses[k].start_step, n_particles, state.pressure) for k in chosen]
        g_dbeta, g_dbeta_sem = _pool(counts[pair], slopes)
        columns = {"r": r, "g": g, "g_sem": g_sem, "g_dbeta": g_dbeta, "g_dbeta_sem": g_dbeta_sem}
        curves.append(pd.DataFrame({"state_id": state.state_id, "pair": pair} | columns))
    row = {
        "state_id": state.state_id,
        **state.as_dict(),
        "n_particles": n_particles,
        "n_b": int(job["n_b"]),
        "n_frames": sum(len(found.series["density"].value) for found in used),
        "number_density": density * n_particles,
        "number_density_sem": density_sem * n_particles,
        "potential_energy": energy,
        "potential_energy_sem": energy_sem,
        "engine": job["engine"],
        "engine_version": _join_names(measured, "engine_version"),
        "device": _join_names(measured, "device"),
        "steps_equilibration": sum(found.start_step for found in used),
        "steps_production": sum(found.end_step - found.start_step for found in used),
        "seed": state.seed(f"positions/{runs[0].start}/{n_particles}"),
        "converged": converged,
        "phase": label_phase(demixing, segregated, crystal),
        "demixing": demixing,
        "segregation": segregated,
        "crystal": crystal,
        "wall_seconds": float(sum(part["seconds_all"].sum() for part in measured)),
        "rdf_seconds": float(sum((part["seconds_all"] - part["seconds_engine"]).sum() for part in measured)),
        "starts": "+".join(runs[k].start for k in chosen),
    }
    return row, pd.concat(curves, ignore_index=True)


def _join_names(measured: Sequence[Mapping[str, Any]], key: str) -> str:
    return ", ".join(sorted({str(name) for part in measured for name in part[key]}))


def _pool_series(used: list[Analysis], name: str) -> tuple[float, float]:
    values = [found.series[name].value for found in used]
    mean, error = _pool([len(part) for part in values], [mean_and_error(part) for part in values])
    return float(mean), float(error)


def _pool(counts: Sequence[int], parts: Sequence[tuple[Any, Any]]) -> tuple[Any, Any]:
    """Mean of the runs' means, weighted by their numbers of samples, and its standard error."""
    weights = np.array(counts) / sum(counts)
    mean = sum(weight * mean for weight, (mean, _) in zip(weights, parts, strict=True))
    error = np.sqrt(sum((weight * error) ** 2 for weight, (_, error) in zip(weights, parts, strict=True)))
    return mean, error


def _derivative(
    measured: Mapping[str, Any], pair: str, start: int, n_particles: int, pressure: float
) -> tuple[Array, Array]:
    steps = measured[f"step_{pair}"]
    frames = np.searchsorted(measured["step"], steps[steps > start])
    enthalpy = n_particles * measured["potential_energy"][frames] + pressure * measured["volume"][frames]
    return temperature_derivative(measured[f"g_{pair}"][steps > start].astype(float), enthalpy)


def main(arguments: Iterable[str] | None = None) -> None:
    """Build the tables of a profile from the command line."""
    parser = argparse.ArgumentParser(description="Build states.parquet and rdf.parquet from finished runs.")
    parser.add_argument("--profile", choices=PROFILES, default="quick")
    parser.add_argument("--results", type=Path, help="folder of the campaign; by default results/<profile>")
    parser.add_argument("--output", type=Path, help="folder to write to; by default the same")
    options = parser.parse_args(None if arguments is None else list(arguments))
    profile = load_profile(options.profile)
    results = options.results or Path("results", profile.name)
    dataset = collect_dataset(results, profile)
    write_dataset(dataset, options.output or results)
    print(f"{len(dataset.states)} of {len(profile.states())} states, {int(dataset.states.converged.sum())} converged")


if __name__ == "__main__":
    main()
