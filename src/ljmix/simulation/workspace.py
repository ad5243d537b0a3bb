"""Where a state point's runs live: one signac job a state point, one folder in it a start.

::

    <campaign>/workspace/<job id>/signac_statepoint.json
                         random/initial.gsd
                                0000.gsd, 0000.npz, 0001.gsd, …     segments: kept frames, measurements
                                0001.checkpoint                     where the next segment begins
                                trajectory.gsd, thermo.parquet      all segments joined, for other tools
                         separated/…
                         lever_rule.json, stable/…                   a second stage, where two domains differ in shape
                         finished.json                              settings under which the state is done

What is in a run's folder is the matter of `ljmix.simulation.run`.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import signac
from signac.errors import IncompatibleSchemaVersion

from ljmix._util.atomic import require_writable
from ljmix._util.reading import read_json
from ljmix.simulation.initial import system_size
from ljmix.simulation.profiles import Profile
from ljmix.simulation.protocol import choose_protocol
from ljmix.state import StatePoint

__all__ = [
    "find_jobs",
    "has_identity",
    "identify_job",
    "job_folder",
    "make_workspace",
    "open_job",
    "read_identity",
]

_IDENTITY = "signac_statepoint.json"


def identify_job(state: StatePoint, profile: Profile) -> dict[str, Any]:
    """Everything but the engine that decides the bytes of a state's segments.

    How long to run is not part of it, so that a longer run goes on where a shorter one ended.

    Raises
    ------
    ValueError
        As `system_size`.
    """
    n_particles, n_b = system_size(state, profile)
    names = (
        "segment_steps", "frame_interval", "trajectory_interval", "r_max", "bin_width", "max_pairs_per_particle",
        "replica",
    )  # fmt: skip
    identity = {**state.as_dict(), "n_particles": n_particles, "n_b": n_b} | {n: getattr(profile, n) for n in names}
    moves = choose_protocol(state).moves if profile.equilibrate else None
    identity |= {"moves": asdict(moves)} if moves else {}
    return identity | ({"number_density": profile.number_density} if profile.number_density else {})


def make_workspace(root: Path) -> Any:
    """Make a folder a campaign's, if it is not one yet, and open it; several processes may do so at once.

    Returns
    -------
    signac.Project

    Raises
    ------
    PermissionError, NotADirectoryError
        If the folder cannot be written.
    """
    require_writable(root)
    settings = root / ".signac"
    if not _is_whole(settings / "config"):
        # signac writes its folder, then the file in it: in between another process would find an older version's. So
        # it is made elsewhere and moved here in one step. What comes second finds the folder there and leaves it.
        elsewhere = Path(tempfile.mkdtemp(prefix=".part-", dir=root))
        try:
            signac.init_project(elsewhere)
            if settings.exists() and not _is_whole(settings / "config"):
                os.replace(elsewhere / ".signac" / "config", settings / "config")  # a killed process left it empty
            else:
                (elsewhere / ".signac").rename(settings)
        except OSError:
            if not _is_whole(settings / "config"):
                raise
        finally:
            shutil.rmtree(elsewhere, ignore_errors=True)
    try:
        return signac.get_project(root, search=False)
    except IncompatibleSchemaVersion as error:
        raise RuntimeError(f"{settings / 'config'} is of another version of signac: {error}") from error
    except (signac.errors.Error, ValueError):
        # The file is damaged, by its syntax or its value: all that we write there is the version of the schema.
        (settings / "config").unlink()
        return signac.init_project(root)


def _is_whole(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


def job_folder(root: Path, state: StatePoint, profile: Profile, engine_name: str) -> Path:
    """Folder of a state point's job, whether it is there or not; nothing is made.

    Raises
    ------
    ValueError
        As `system_size`.
    """
    identity = identify_job(state, profile) | {"engine": engine_name}
    return root / "workspace" / str(signac.job.calc_id(identity))


def open_job(root: Path, state: StatePoint, profile: Profile, engine_name: str) -> Any:
    """Open (and make) the signac job of a state point; a damaged file of its identity is written anew.

    Returns
    -------
    signac.job.Job

    Raises
    ------
    PermissionError
        If the folder cannot be written.
    ValueError
        As `system_size`.
    """
    identity = identify_job(state, profile) | {"engine": engine_name}
    job = make_workspace(root).open_job(identity)
    folder = Path(job.path)
    if (folder / _IDENTITY).is_file() and not has_identity(folder):
        # The folder's name is a hash of what the file held, and we know what it held.
        (folder / _IDENTITY).unlink(missing_ok=True)
    job.init()
    return job


def has_identity(folder: Path) -> bool:
    """Whether the file that says what a job is is there, whole, and of this folder."""
    try:
        return str(signac.job.calc_id(read_identity(folder))) == folder.name
    except (ValueError, OSError):
        return False


def read_identity(folder: Path) -> dict[str, Any]:
    """Read what decides the bytes of a job's segments, with its engine; see `identify_job`.

    Raises
    ------
    ValueError
        If the file is damaged.
    """
    return read_json(folder / _IDENTITY)


def find_jobs(root: Path | str, profile: Profile) -> list[tuple[Path, StatePoint, str]]:
    """List the jobs in a campaign's folder that have the settings of a profile: folder, state point, engine of each.

    Returns
    -------
    list
        In the order of the profile's states; others, off its grid, after them. Of one state that was simulated with
        several numbers of moves, the job with those of `ljmix.simulation.protocol` comes last.

    Raises
    ------
    FileNotFoundError
        If there is no campaign in the folder.

    Warns
    -----
    UserWarning
        Where a job has lost its identity; it is left out, and the rest is listed.
    """
    root = Path(root)
    if not (root / "workspace").is_dir():
        raise FileNotFoundError(f"{root} holds no campaign; run one first (`make data`)")
    found = []
    for folder in sorted(path for path in (root / "workspace").iterdir() if path.is_dir()):
        if not has_identity(folder):
            warnings.warn(
                f"{folder} is left out: its {_IDENTITY} is damaged or lost; the campaign, called again, writes it anew",
                stacklevel=2,
            )
            continue
        identity = read_identity(folder)
        if not {"engine", *(field.name for field in fields(StatePoint))} <= set(identity):
            continue  # a job of another program
        engine = identity.pop("engine")
        state = StatePoint(**{field.name: identity[field.name] for field in fields(StatePoint)})
        if _belongs(identity, state, profile):
            found.append((folder, state, engine))
    order = {state: place for place, state in enumerate(profile.states())}

    def turn(job: tuple[Path, StatePoint, str]) -> tuple[int, StatePoint, str, bool]:
        folder, state, engine = job
        return order.get(state, len(order)), state, engine, folder == job_folder(root, state, profile, engine)

    return sorted(found, key=turn)


def _belongs(identity: Mapping[str, Any], state: StatePoint, profile: Profile) -> bool:
    """Tell whether a job has the settings of a profile; one whose state the profile could not run has not.

    How many moves are tried changes the path of a run, not what it samples: a job of another number counts too.
    """
    try:
        wanted = identify_job(state, profile)
    except ValueError:
        return False
    moves = "moves"
    same = {**identity, moves: None} == {**wanted, moves: None}
    return same and (identity.get(moves) is None) == (wanted.get(moves) is None)
