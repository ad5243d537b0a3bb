"""The dataset that the repository ships: which states it lacks, how finished ones join it, and its package.

::

    python -m ljmix.data.reference simulate --results results/reference   # what data/reference lacks; resumable
    python -m ljmix.data.reference ship --results results/reference       # add what is finished to data/reference
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ljmix._util.command import one_sentence
from ljmix._util.places import results_folder
from ljmix._util.reading import read_parquet
from ljmix.data.card import write_data_card
from ljmix.data.collect import collect_dataset, find_finished
from ljmix.data.configurations import write_configurations
from ljmix.data.dataset import LEARNING_RANGE, Dataset, read_dataset, write_dataset
from ljmix.data.identity import read_provenance
from ljmix.data.schema import TABLES
from ljmix.simulation.campaign import run_campaign
from ljmix.simulation.profiles import Profile, load_profile
from ljmix.state import StatePoint, state_points
from ljmix.structure.phase import label_phase

__all__ = [
    "REPETITION",
    "SHIPPED_CONFIGURATIONS",
    "add_states",
    "draw_states",
    "find_dataset",
    "load_reference",
    "merge_datasets",
    "read_runs",
    "repeated_states",
    "shipped_directory",
    "shipped_folder",
    "unshipped_states",
]

SHIPPED_CONFIGURATIONS = (
    # equal numbers of small A and large B, strongly mixing: figures 1 and 4
    StatePoint(0.6, 0.5, 2.0, 1.0), StatePoint(1.0, 0.5, 2.0, 1.0), StatePoint(1.4, 0.5, 2.0, 1.0),
    # the paper's failure case, where the paper finds a transition: figure 5
    StatePoint(0.6, 0.01, 1.5, 0.2), StatePoint(0.8, 0.01, 1.5, 0.2),
    # two liquids side by side; near the consolute point; the colour mixture, supercooled
    StatePoint(1.0, 0.5, 1.0, 0.2), StatePoint(1.0, 0.5, 1.0, 0.6), StatePoint(0.6, 0.5, 1.0, 1.0),
    # small B: cold and demixed, warm and mixed
    StatePoint(0.6, 0.2, 0.5, 0.2), StatePoint(1.0, 0.2, 0.5, 1.0),
    # large B: cold and demixed, hot and mixed
    StatePoint(0.6, 0.5, 1.5, 0.4), StatePoint(1.4, 0.2, 1.5, 0.6),
)  # fmt: skip
"""States whose last configuration is shipped."""

SHIPPED_PROFILES = ("reference",)
"""Profiles whose dataset every installation holds."""

REPETITION: dict[str, int] = {"replica": 1}
"""Changes to a profile under which its states are simulated again, independently."""

_LONGEST = 300
"""Most seconds, by the clock of the machine that made the dataset, of a state that is repeated."""

_SINGLE = ["g", "g_sem", "g_dbeta", "g_dbeta_sem", "g_starts", "s", "s_sem"]
"""Columns kept in single precision: their errors are far above it."""


def load_reference() -> Dataset:
    """Load the dataset that ljmix ships: curves with error bars of the 500 states of the paper's grid.

    Returns
    -------
    Dataset
        ``states``, one row a state point, with `converged` telling which have reached equilibrium; ``rdf``, one row a
        bin; ``structure_factors``. ``curves(state)`` and ``near(state)`` look states up.

    Raises
    ------
    FileNotFoundError
        If the installation lacks it.
    """
    return read_dataset(shipped_directory(load_profile("reference")))


def shipped_directory(profile: Profile) -> Path:
    """Folder that holds the shipped tables of a profile, whether it is there or not."""
    return shipped_folder() / profile.name


def shipped_folder() -> Path:
    """Folder of all that is shipped: inside an installed package, or ``data/`` of a clone."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "shipped"
    return installed if installed.is_dir() else package.parents[1] / "data"


def find_dataset(profile: Profile, results: Path) -> Path:
    """Folder of the tables to learn from: those of a run of one's own where there are any, else the shipped ones.

    Raises
    ------
    FileNotFoundError
        If there are neither.
    ValueError
        If a run of another profile wrote into the folder.
    """
    results = Path(results)
    for directory in (results, shipped_directory(profile)):
        if (directory / "states.parquet").exists():
            about = read_provenance(directory / "states.parquet")
            # Version 2 is a dataset of version 1's profile, though another one says how its states were run.
            found = about.get("version1", about).get("profile")
            if found != profile.name:
                raise ValueError(
                    f"{directory} holds the dataset of profile {found}, not of {profile.name}; give that profile, or "
                    "another results folder"
                )
            return directory
    raise FileNotFoundError(
        f"{results} holds no tables, and the repository ships none for profile {profile.name}; "
        f"`make data PROFILE={profile.name}` simulates them"
    )


def read_runs(directory: Path) -> pd.DataFrame | None:
    """Every run of every state, which version 2 of a dataset tells beside the curves that count.

    Parameters
    ----------
    directory : Path
        Of the tables.

    Returns
    -------
    pandas.DataFrame or None
        Columns `ljmix.data.schema.STARTS_TABLE`; None where there is no such table.

    Raises
    ------
    ValueError
        If it was not written together with the others.
    """
    path = Path(directory) / "starts.parquet"
    if not path.is_file():
        return None
    table, provenance = read_parquet(path)
    if provenance != read_provenance(Path(directory) / "states.parquet"):
        raise ValueError(f"{path} and states.parquet were not written together (their provenance differs)")
    return table


def unshipped_states(profile: Profile, directory: Path) -> list[StatePoint]:
    """State points of a profile that a dataset lacks, in the order of the profile.

    Parameters
    ----------
    profile : Profile
    directory : Path
        Of the tables; all states are missing where there are none.
    """
    if not (directory / "states.parquet").exists():
        return profile.states()
    known = set(read_dataset(directory).states["state_id"])
    return [state for state in profile.states() if state.state_id not in known]


def repeated_states(profile: Profile, sample: int) -> int:
    """Number of states to repeat: `sample` where the repository ships the dataset of a profile, elsewhere none.

    Raises
    ------
    FileNotFoundError
        If the profile's dataset is one that is shipped, and this installation has lost it: repeating five states was
        asked for, not simulating five hundred.
    """
    there = (shipped_directory(profile) / "states.parquet").exists()
    if sample and profile.name in SHIPPED_PROFILES and not there:
        raise FileNotFoundError(
            f"{shipped_directory(profile)} does not hold the shipped tables of profile {profile.name}, of which "
            f"{sample} states were to be repeated; install ljmix anew, or give sample = 0 to simulate all states"
        )
    return sample if there else 0


def draw_states(dataset: Dataset, n: int, seed: int) -> list[StatePoint]:
    """Draw converged states at random, to simulate them again; different temperatures first.

    Only states that took five minutes at most are drawn: nobody waits for one of 4000 particles to see it repeated.

    Raises
    ------
    ValueError
        If there are fewer of them than asked for.
    """
    states = dataset.states[dataset.states["converged"] & (dataset.states["wall_seconds"] <= _LONGEST)]
    if not 1 <= n <= len(states):
        raise ValueError(
            f"n = {n}: must lie between 1 and the {len(states)} states of the dataset that converged in "
            f"{_LONGEST} seconds at most"
        )
    shuffled = states.sample(frac=1, random_state=np.random.default_rng(seed))
    # The first of every temperature, then the second of every temperature, and so on.
    turn = shuffled.groupby("temperature").cumcount().sort_values(kind="stable").index[:n]
    return state_points(shuffled.loc[turn])


def merge_datasets(shipped: Dataset | None, fresh: Dataset, profile: Profile) -> Dataset:
    """Add freshly simulated states to a dataset; a state that is in both is replaced.

    Phases are labelled anew from their numbers, where a state has them, so that one set of thresholds holds for all.

    Returns
    -------
    Dataset
        States in the order of the profile. `provenance` is that of `fresh`, with one entry for each addition
        under ``parts``: its commit, how many states it added (`states`), and of how many that were there it made the
        tables again (`remade`). A state's rows come from the newest part whose campaign held its runs.

    Raises
    ------
    ValueError
        If the two were simulated under different settings, or a state is not of the profile.
    """
    part = {name: fresh.provenance[name] for name in ("commit", "freud-analysis", "gsd")}
    new = set(fresh.states["state_id"])
    added = new - (set(shipped.states["state_id"]) if shipped is not None else set())
    engines = fresh.states[["engine", "engine_version"]].drop_duplicates().agg(" ".join, axis=1)
    part |= {"states": len(added), "remade": len(new - added), "engines": sorted(engines)}
    parts: list[dict[str, Any]] = []
    tables = {"states": fresh.states, "rdf": fresh.rdf, "structure_factors": fresh.structure_factors}
    if shipped is not None:
        ours, theirs = (data.provenance["settings"] for data in (fresh, shipped))
        different = [name for name in ours if ours[name] != theirs.get(name) and name != "seeds"]
        if different:
            name = different[0]
            raise ValueError(
                f"settings differ: {name} = {ours[name]} in the new states, {theirs.get(name)} in the shipped ones"
            )
        parts = list(shipped.provenance["parts"])
        for name, table in tables.items():
            old = getattr(shipped, name)
            tables[name] = pd.concat([old[~old["state_id"].isin(new)], table], ignore_index=True)
    order = {state.state_id: place for place, state in enumerate(profile.states())}
    strange = sorted(set(tables["states"]["state_id"]) - set(order))
    if strange:
        raise ValueError(f"{strange[0]} is not a state of profile {profile.name}")
    for name, table in tables.items():
        sorted_table = table.sort_values("state_id", key=lambda ids: ids.map(order), kind="stable", ignore_index=True)
        kinds = {column: "float32" for column in _SINGLE if column in table.columns}
        # A column that older states lack came last.
        columns = [field.name for field in TABLES[name] if field.name in sorted_table.columns]
        tables[name] = sorted_table.astype(kinds)[columns]
    _label_anew(tables["states"])
    missing = len(order) - len(tables["states"])
    provenance = {**fresh.provenance, "states_missing": missing, "parts": [*parts, part]}
    return Dataset(tables["states"], tables["rdf"], provenance, tables["structure_factors"])


def add_states(dataset: Dataset, fresh: Dataset) -> Dataset:
    """Add simulated states to a dataset, on its grid or off it, of any settings; one that is in both is replaced.

    For learning from more states; what is shipped joins by `merge_datasets`.

    Parameters
    ----------
    dataset, fresh : Dataset
        Of `fresh` the columns that both have are taken, and those that a dataset must have.

    Returns
    -------
    Dataset
        Without structure factors, where one of the two has none.

    Raises
    ------
    ValueError
        If the bins of g(r) differ within the range that models learn.
    """
    reach = min(float(data.rdf["r"].max()) for data in (dataset, fresh))
    first, second = (
        np.unique(data.rdf.loc[data.rdf["r"] <= reach, "r"].to_numpy(dtype=float).round(6)) for data in (dataset, fresh)
    )
    if reach < LEARNING_RANGE - 0.05 or not np.array_equal(first, second):
        raise ValueError(f"bins of g(r) differ, or end at {reach:g}: up to {LEARNING_RANGE:g} they must be the same")
    new = set(fresh.states["state_id"])

    def join(old: pd.DataFrame, more: pd.DataFrame) -> pd.DataFrame:
        shared = [name for name in old if name in more]
        return pd.concat([old[~old["state_id"].isin(new)], more[shared]], ignore_index=True)

    states, rdf = join(dataset.states, fresh.states), join(dataset.rdf, fresh.rdf)
    both = dataset.structure_factors, fresh.structure_factors
    waves = None if both[0] is None or both[1] is None else join(both[0], both[1])
    provenance = {**dataset.provenance, "added": sorted(new)}
    return Dataset(states, rdf[rdf["r"] <= reach].reset_index(drop=True), provenance, waves)


def _label_anew(states: pd.DataFrame) -> None:
    orders = ["demixing", "segregation", "crystal"]
    if set(orders) <= set(states.columns):
        known = states[orders].notna().all(axis=1)
        states.loc[known, "phase"] = [label_phase(*row) for row in states.loc[known, orders].to_numpy()]


def main(arguments: Iterable[str] | None = None) -> None:
    """Simulate what is missing, or ship what is finished, from the command line."""
    parser = argparse.ArgumentParser(description="Extend the shipped dataset: simulate what it lacks, then ship it.")
    parser.add_argument("step", choices=("simulate", "ship"))
    parser.add_argument("--profile", default="reference")
    parser.add_argument("--results", type=Path, help="folder of the campaign; by default results/<profile>")
    parser.add_argument("--data", type=Path, help="folder of the shipped tables; by default data/<profile>")
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--workers", type=int, help="processes; by default one a core")
    options = parser.parse_args(None if arguments is None else list(arguments))
    with one_sentence(parser):
        profile = load_profile(options.profile)
        results = results_folder(profile.name, options.results)
        data = options.data or shipped_directory(profile)
        if options.step == "simulate":
            states = unshipped_states(profile, data)
            if not states:
                print(f"{data} holds all {len(profile.states())} states")
                return
            report = run_campaign(states, profile, results, options.engine, options.device, workers=options.workers)
            if report.failed:
                sys.exit(1)
            return
        shipped = read_dataset(data) if (data / "states.parquet").exists() else None
        dataset = merge_datasets(shipped, collect_dataset(results, profile), profile)
        write_dataset(dataset, data)
        finished = find_finished(results, profile)
        write_configurations(dataset, finished, profile, data / "configurations", SHIPPED_CONFIGURATIONS)
        write_data_card(dataset, data)
        print(f"{data}: {len(dataset.states)} of {len(profile.states())} states")


if __name__ == "__main__":
    main()
