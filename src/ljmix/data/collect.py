"""From a campaign's finished runs to the dataset, with provenance."""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Iterable
from concurrent.futures import Executor
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from ljmix._util.checks import require_kind, require_path
from ljmix._util.command import one_sentence
from ljmix._util.places import results_folder
from ljmix._util.provenance import describe_provenance
from ljmix.data.configurations import write_configurations
from ljmix.data.dataset import Dataset, write_dataset
from ljmix.data.state_rows import summarise_state
from ljmix.simulation.pool import lend_pool
from ljmix.simulation.profiles import PROFILES, Profile, load_profile
from ljmix.simulation.sampling import is_finished
from ljmix.simulation.workspace import find_jobs
from ljmix.state import StatePoint

__all__ = ["collect_dataset", "find_finished"]


def collect_dataset(
    root: Path | str, profile: Profile, executor: Executor | None = None, states: Iterable[StatePoint] | None = None
) -> Dataset:
    """Build the dataset from the states of a profile that are finished in a campaign's folder.

    Parameters
    ----------
    root : Path
        Folder of the campaign.
    profile : Profile
    executor : concurrent.futures.Executor, optional
        By default one process a core.
    states : iterable of StatePoint, optional
        Those that the campaign was to simulate, on the profile's grid or off it; others are left out. By default all
        of the grid, and whatever else is finished there.

    Returns
    -------
    Dataset
        States in the order of the profile.

    Raises
    ------
    ValueError
        If no state is finished, or all are damaged.

    Warns
    -----
    UserWarning
        Where a finished state is damaged: it is named with the way out and left out, and the rest is collected.
    """
    require_kind("profile", profile, Profile, 'ljmix.load_profile("quick")')
    root = require_path("root", root)
    chosen = None if states is None else [states] if not isinstance(states, Iterable) else list(states)
    for state in chosen or ():
        require_kind("states", state, StatePoint, "StatePoint(1.0, 0.3, 1.2, 0.7)")
    finished = find_finished(root, profile)
    asked = {*profile.states(), *finished} if chosen is None else set(chosen)
    finished = {state: folder for state, folder in finished.items() if state in asked}
    if not finished:
        raise ValueError(f"{root} holds none of the {len(asked)} states asked for; run the campaign first")
    missing = len(asked) - len(finished)
    if missing:
        way_on = "`make data` goes on" if states is None else "the same campaign goes on when it is called again"
        tqdm.write(f"{missing} of {len(asked)} states are not finished and left out; {way_on}")
    parts, damaged = [], []
    with lend_pool(executor) as pool, tqdm(total=len(finished), desc="collect", unit="state", mininterval=1) as bar:
        futures = {state: pool.submit(summarise_state, folder, state, profile) for state, folder in finished.items()}
        for state, future in futures.items():
            try:
                parts.append(future.result())
            except (ValueError, OSError) as error:
                damaged.append(f"{state.state_id} is left out: {error}")
                warnings.warn(damaged[-1], stacklevel=2)
            bar.update()
    if not parts:
        raise ValueError(f"{root}: no finished state is whole; {damaged[0]}")
    missing += len(damaged)
    rows, curves, waves = zip(*parts, strict=True)
    provenance = describe_provenance(profile.name, settings=profile.as_dict(), states_missing=missing)
    rdf, structure_factors = (pd.concat(tables, ignore_index=True) for tables in (curves, waves))
    return Dataset(pd.DataFrame(list(rows)), rdf, provenance, structure_factors)


def find_finished(root: Path | str, profile: Profile) -> dict[StatePoint, Path]:
    """Folders of the states that a campaign has finished with the settings of a profile.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no campaign, no finished state, or a mixture of engines.
    """
    finished = [job for job in find_jobs(root, profile) if is_finished(job[0], profile)]
    if not finished:
        raise ValueError(f"{root} holds no finished state of profile {profile.name}; run the campaign first")
    engines = sorted({engine for _, _, engine in finished})
    if len(engines) > 1:
        raise ValueError(f"{root} holds states of the engines {' and '.join(engines)}; keep one, or use two folders")
    return {state: folder for folder, state, _ in finished}


def main(arguments: Iterable[str] | None = None) -> None:
    """Build the tables of a profile from the command line."""
    parser = argparse.ArgumentParser(description="Build states.parquet and rdf.parquet from finished runs.")
    parser.add_argument("--profile", choices=PROFILES, default="quick")
    parser.add_argument("--results", type=Path, help="folder of the campaign; by default results/<profile>")
    parser.add_argument("--output", type=Path, help="folder to write to; by default the same")
    options = parser.parse_args(None if arguments is None else list(arguments))
    with one_sentence(parser):
        profile = load_profile(options.profile)
        results = results_folder(profile.name, options.results)
        dataset = collect_dataset(results, profile)
        output = options.output or results
        write_dataset(dataset, output)
        write_configurations(dataset, find_finished(results, profile), profile, output / "configurations")
        print(
            f"{len(dataset.states)} of {len(profile.states())} states, {int(dataset.states.converged.sum())} converged"
        )


if __name__ == "__main__":
    main()
