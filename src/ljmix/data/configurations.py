"""Last positions of a dataset's states, for figures: written beside its tables, with the identity of the dataset.

``configurations/<state_id>.gsd``, and ``configurations/dataset.json``, which says of which dataset they are and holds
their checksums. A file that another dataset left there is refused, not drawn.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ljmix._util.atomic import write_text
from ljmix._util.reading import read_json
from ljmix.configuration import Configuration, read_configuration, write_configuration
from ljmix.data.dataset import Dataset
from ljmix.data.identity import identify, require_same_data
from ljmix.simulation.analysis import analyse_run
from ljmix.simulation.profiles import Profile
from ljmix.simulation.sampling import choose_runs, open_runs
from ljmix.state import StatePoint

__all__ = ["RECORD", "read_configurations", "read_last", "record_configurations", "write_configurations"]

RECORD = "dataset.json"
"""File that says of which dataset the configurations beside it are."""
_AGAIN = "run 02-rdf again (make data), or restore what the repository ships (git checkout -- data)"


def write_configurations(
    dataset: Dataset,
    finished: dict[StatePoint, Path],
    profile: Profile,
    directory: Path | str,
    states: Iterable[StatePoint] | None = None,
) -> None:
    """Copy the last positions of finished states, of a run that counts, to ``<directory>/<state_id>.gsd``.

    Velocities are zero: trajectories do not keep them.

    Parameters
    ----------
    dataset : Dataset
        The tables that they belong to. What lies there of its other states, from an earlier addition, stays.
    finished : dict of StatePoint to Path
        Folders of their jobs, see `ljmix.data.collect.find_finished`.
    profile : Profile
    directory : Path
    states : iterable of StatePoint, optional
        Which ones, where they are finished; by default all.

    Warns
    -----
    UserWarning
        Where a state is damaged; the others are copied.
    """
    directory = Path(directory)
    earlier = _read_record(directory).get("sha256", {})
    others = set(dataset.states["state_id"]) - {state.state_id for state in finished}
    written = []
    for state in finished if states is None else finished.keys() & set(states):
        try:
            configuration = read_last(finished[state], state, profile)
        except (ValueError, OSError) as error:
            warnings.warn(f"{state.state_id} has no last configuration: {error}", stacklevel=2)
            continue
        # Runs of earlier versions can hold velocities, of another frame.
        configuration = replace(configuration, velocities=np.zeros_like(configuration.positions))
        write_configuration(configuration, state.size_ratio, directory / f"{state.state_id}.gsd")
        written.append(state.state_id)
    kept = [name for name in earlier if name in others and _checksum(directory / f"{name}.gsd") == earlier[name]]
    record_configurations(dataset, directory, [*kept, *written])


def read_last(folder: Path, state: StatePoint, profile: Profile) -> Configuration:
    """Read the last positions of a finished state, of a run that counts.

    Parameters
    ----------
    folder : Path
        Of its job.
    state : StatePoint
    profile : Profile
        It was simulated with.
    """
    runs = open_runs(folder, state, profile)
    chosen, _ = choose_runs([analyse_run(run) for run in runs], [run.start for run in runs])
    return read_configuration(runs[chosen[-1]].joined("trajectory.gsd"))


def record_configurations(dataset: Dataset, directory: Path | str, names: Iterable[str]) -> None:
    """Write down that the files of these states are of a dataset, with their checksums."""
    directory = Path(directory)
    sums = {name: _checksum(directory / f"{name}.gsd") for name in sorted(names)}
    write_text(directory / RECORD, json.dumps({"dataset": identify(dataset), "sha256": sums}, indent=1) + "\n")


def read_configurations(
    dataset: Dataset, directory: Path | str, names: Iterable[str]
) -> dict[str, Configuration | None]:
    """Read the last positions of states.

    Parameters
    ----------
    dataset : Dataset
        What is drawn beside them: they must be of the same.
    directory : Path
    names : iterable of str
        `state_id` of the states.

    Returns
    -------
    dict of str to Configuration, or None
        None where none was kept: a few are shipped, and `ljmix.simulate` makes others.

    Raises
    ------
    FileNotFoundError
        If one was kept and is gone.
    ValueError
        If one is of another dataset, or does not say of which, or is not the file that was written.
    """
    directory = Path(directory)
    record = _read_record(directory)
    sums = record.get("sha256", {})
    found: dict[str, Configuration | None] = {}
    for name in names:
        path = directory / f"{name}.gsd"
        if name not in sums and not path.is_file():
            found[name] = None
            continue
        require_same_data(dataset, record, directory, _AGAIN)
        if not path.is_file():
            raise FileNotFoundError(f"{path} is gone, which was kept with the dataset; {_AGAIN}")
        if _checksum(path) != sums.get(name):
            raise ValueError(f"{path} is not what {directory / RECORD} says was kept with the dataset; {_AGAIN}")
        found[name] = read_configuration(path)
    return found


def _read_record(directory: Path) -> dict[str, Any]:
    """Identity of the dataset, and checksums by state; nothing where versions before 0.2 wrote, or nobody."""
    path = directory / RECORD
    if not path.is_file():
        return {}
    record = read_json(path)
    if not isinstance(record.get("dataset"), dict) or not isinstance(record.get("sha256"), dict):
        raise ValueError(f"{path} holds no dataset with checksums; delete it and {_AGAIN}")
    return record


def _checksum(path: Path) -> str:
    """SHA-256 of a file; empty where it is gone."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
