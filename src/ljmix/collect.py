"""From finished runs to the dataset: one row a state, one row a bin, with errors and provenance."""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
from collections.abc import Iterable, Mapping
from concurrent.futures import Executor
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from tqdm import tqdm

from ljmix.campaign import lend_pool
from ljmix.dataset import Dataset, write_dataset
from ljmix.profiles import PROFILES, Profile, load_profile
from ljmix.sampling import Analysis, analyse_run, bin_centres, choose_runs, is_finished, open_runs
from ljmix.simulation.workspace import find_jobs
from ljmix.statepoint import PAIRS, StatePoint
from ljmix.structure.convergence import mean_and_error

__all__ = ["collect_dataset", "describe_provenance", "summarise_state"]

Array = npt.NDArray[np.float64]


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
    jobs = find_jobs(root)
    wanted = set(profile.states())
    finished = [(folder, state) for folder, state in jobs if state in wanted and is_finished(folder, profile)]
    if not finished:
        raise ValueError(f"{root} holds no finished state of profile {profile.name}; run the campaign first")
    order = {state: k for k, state in enumerate(profile.states())}
    finished.sort(key=lambda found: order[found[1]])
    folders, states = zip(*finished, strict=True)
    with lend_pool(executor) as pool:
        parts = list(
            tqdm(
                pool.map(summarise_state, folders, states, [profile] * len(states)),
                total=len(states), desc="collect", unit="state", mininterval=1,
            )
        )  # fmt: skip
    rows, curves = zip(*parts, strict=True)
    return Dataset(pd.DataFrame(list(rows)), pd.concat(curves, ignore_index=True), describe_provenance(profile.name))


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
    job = json.loads((folder / "signac_statepoint.json").read_text())
    density, density_sem = _pool_series(used, "density")
    energy, energy_sem = _pool_series(used, "energy")
    n_particles = int(job["n_particles"])
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
        "engine_version": ", ".join(sorted({str(v) for part in measured for v in part["engine_version"]})),
        "steps_equilibration": sum(found.start_step for found in used),
        "steps_production": sum(found.end_step - found.start_step for found in used),
        "seed": state.seed(f"positions/{runs[0].start}/{n_particles}"),
        "converged": converged,
        "phase": "unlabelled",
        "wall_seconds": float(sum(part["seconds_all"].sum() for part in measured)),
        "rdf_seconds": float(sum((part["seconds_all"] - part["seconds_engine"]).sum() for part in measured)),
        "starts": "+".join(runs[k].start for k in chosen),
    }
    r = bin_centres(profile)
    curves = []
    for pair in PAIRS:
        g, g_sem = _pool_functions(used, pair)
        curves.append(pd.DataFrame({"state_id": state.state_id, "pair": pair, "r": r, "g": g, "g_sem": g_sem}))
    return row, pd.concat(curves, ignore_index=True)


def _pool_series(used: list[Analysis], name: str) -> tuple[float, float]:
    values = [found.series[name].value for found in used]
    means, errors = zip(*(mean_and_error(part) for part in values), strict=True)
    weights = np.array([len(part) for part in values]) / sum(map(len, values))
    return float(weights @ means), float(np.linalg.norm(weights * errors))


def _pool_functions(used: list[Analysis], pair: str) -> tuple[Array, Array]:
    counts = np.array([len(found.samples[pair]) for found in used])
    weights = (counts / counts.sum())[:, None]
    g = np.sum(weights * [found.g[pair] for found in used], axis=0)
    g_sem = np.sqrt(np.sum((weights * [found.g_sem[pair] for found in used]) ** 2, axis=0))
    return g, g_sem


def describe_provenance(profile_name: str, **more: Any) -> Mapping[str, Any]:
    """Collect what an artifact comes from: profile, git commit, versions of Python and the main packages.

    Returns
    -------
    dict
        JSON-able; ``commit`` is "unknown" outside a git checkout.
    """
    git = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=12"],
        cwd=Path(__file__).parent, capture_output=True, text=True, check=False,
    )  # fmt: skip
    packages = ("ljmix", "numpy", "freud-analysis", "gsd", "scikit-learn", "umap-learn", "shap")
    return {
        "profile": profile_name,
        "commit": git.stdout.strip() or "unknown",
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
        **more,
    }


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
