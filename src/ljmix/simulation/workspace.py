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

A segment is finished when its ``.npz`` is there, since that file is written last. Nothing else is trusted.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import gsd.hoomd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import signac
from signac.errors import IncompatibleSchemaVersion

from ljmix._util.atomic import replace_when_whole, require_writable
from ljmix._util.reading import read_arrays, read_json
from ljmix.configuration import (
    THERMO,
    Configuration,
    open_frames,
    parse_frame,
    read_configuration,
    write_configuration,
)
from ljmix.simulation.engine import Engine, Segment
from ljmix.simulation.initial import build_configuration, start_seed, system_size
from ljmix.simulation.moves import Moves
from ljmix.simulation.profiles import Profile
from ljmix.simulation.protocol import choose_protocol
from ljmix.state import StatePoint

__all__ = [
    "Run",
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
    except Exception:
        # Whatever its parser says of a damaged file: all that we write there is the version of the schema.
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
        In the order of the profile's states; others, off its grid, after them.

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
    return sorted(found, key=lambda job: (order.get(job[1], len(order)), job[1], job[2]))


def _belongs(identity: Mapping[str, Any], state: StatePoint, profile: Profile) -> bool:
    """Tell whether a job has the settings of a profile; one whose state the profile could not run has not."""
    try:
        return dict(identity) == identify_job(state, profile)
    except ValueError:
        return False


@dataclass(frozen=True)
class Run:
    """One run of a state point, from one start, as a folder of segments.

    Attributes
    ----------
    folder : Path
    state : StatePoint
    profile : Profile
    """

    folder: Path
    state: StatePoint
    profile: Profile

    @property
    def start(self) -> str:
        """Kind of start, one of `ljmix.simulation.initial.STARTS`."""
        return self.folder.name

    @property
    def moves(self) -> Moves | None:
        """Monte Carlo moves between its steps."""
        return choose_protocol(self.state).moves if self.profile.equilibrate else None

    @property
    def ensemble(self) -> str:
        """What is kept constant; see `ljmix.simulation.engine.Segment`."""
        return "NVT" if self.profile.number_density else "NPT"

    @property
    def initial(self) -> Path:
        """File of the starting configuration."""
        return self.folder / "initial.gsd"

    def prepare(self, n_particles: int, n_b: int, lever_share: float | None = None) -> None:
        """Write the starting configuration, unless it is there, and clear what an interrupted run left.

        Parameters
        ----------
        n_particles, n_b, lever_share
            As of `ljmix.simulation.initial.build_configuration`.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        for left in self.folder.glob(".part-*"):
            left.unlink()
        if not (self.initial.exists() and (self.count_segments() or _is_readable(self.initial))):
            configuration = build_configuration(
                self.state, n_particles, n_b, self.start, self.profile.replica, self.profile.number_density,
                lever_share,
            )  # fmt: skip
            write_configuration(configuration, self.state.size_ratio, self.initial)

    def count_segments(self) -> int:
        """Count the finished segments, up to the first gap."""
        n = 0
        while self._file(n, "npz").exists() and self._file(n, "gsd").exists():
            n += 1
        return n

    def advance(self, engine: Engine, measure: Callable[[Path], dict[str, npt.NDArray[Any]]]) -> None:
        """Simulate and measure the next segment; its files appear whole, the measurements last.

        Parameters
        ----------
        engine : Engine
        measure : callable
            ``measure(path of the frames) -> dict of arrays``.
        """
        n = self.count_segments()
        source = self._file(n, "checkpoint") if n else self.initial
        if not source.exists():
            raise RuntimeError(f"{source} is missing, so the run cannot go on; delete {self.folder} to run it again")
        steps, interval = self.profile.segment_steps, self.profile.frame_interval
        seed = start_seed(self.state, f"moves/{self.start}", self.profile.replica)
        with (
            replace_when_whole(self._file(n, "npz")) as measured,
            replace_when_whole(self._file(n, "gsd")) as kept,
            replace_when_whole(self._file(n + 1, "checkpoint")) as checkpoint,
        ):
            frames = self.folder / f".part-frames-{n:04d}.gsd"
            try:
                begin = time.perf_counter()
                segment = Segment(
                    source, frames, checkpoint, steps, interval, self.ensemble, moves=self.moves, seed=seed
                )  # fmt: skip
                tally = engine.advance(self.state, segment)
                seconds_engine = time.perf_counter() - begin
                arrays = measure(frames)
                _thin(frames, kept, self.profile.trajectory_interval)
                arrays |= {
                    "engine_version": np.array(engine.version),
                    "device": np.array(engine.device_name),
                    **{f"attempted_{kind}": np.array(n) for kind, n in tally.attempted.items()},
                    **{f"accepted_{kind}": np.array(n) for kind, n in tally.accepted.items()},
                    "seconds_engine": np.array(seconds_engine),
                    "seconds_all": np.array(time.perf_counter() - begin),
                }
                np.savez(measured, **arrays)  # type: ignore[arg-type]
            finally:
                frames.unlink(missing_ok=True)
        if n:
            source.unlink()

    def read_measurements(self) -> dict[str, npt.NDArray[Any]]:
        """Join the measurements of the finished segments, up to the cap of the profile.

        Raises
        ------
        ValueError
            If a file is damaged.
        """
        segments = [self._read_segment(n) for n in self._used_segments()]
        joined = {}
        for name in segments[0]:
            parts = [segment[name] for segment in segments if segment[name].size]
            joined[name] = np.stack(parts) if parts[0].ndim == 0 else np.concatenate(parts)
        return joined

    def _read_segment(self, n: int) -> dict[str, npt.NDArray[Any]]:
        try:
            arrays = read_arrays(self._file(n, "npz"))
            missing = sorted({"step", "engine_version", *THERMO} - set(arrays))
            if missing:
                raise ValueError(f"{self._file(n, 'npz')} is damaged (it lacks {missing[0]})")
        except ValueError as error:
            raise self._damaged(error) from error
        return arrays

    def _damaged(self, error: Exception) -> ValueError:
        # The file alone would not do: the checkpoint that its segment began from is gone, and the state may count as
        # finished.
        return ValueError(f"{error}; delete {self.folder.parent}, and the state is simulated again")

    def join(self) -> None:
        """Write ``trajectory.gsd`` and ``thermo.parquet`` from all segments, for freud, OVITO and VMD."""
        with replace_when_whole(self.folder / "trajectory.gsd") as path, gsd.hoomd.open(path, "w") as joined:
            for frame in self._kept_frames():
                joined.append(frame)
        measured = self.read_measurements()
        table = pd.DataFrame({name: measured[name] for name in ("step", *THERMO)})
        table["number_density"] = frame.particles.N / table["volume"]
        with replace_when_whole(self.folder / "thermo.parquet") as path:
            table.to_parquet(path, index=False)

    def joined(self, name: str) -> Path:
        """Path of ``trajectory.gsd`` or ``thermo.parquet``, made again from the segments if it is lost or damaged."""
        path = self.folder / name
        if not (_is_readable(path) if path.suffix == ".gsd" else _is_table(path)):
            self.join()
        return path

    def read_configurations(self, start_step: int) -> list[Configuration]:
        """Read the kept configurations later than a step."""
        frames = self._kept_frames()
        elongated = self.ensemble == "NPZT"
        return [parse_frame(frame, elongated) for frame in frames if frame.configuration.step > start_step]

    def _kept_frames(self) -> Iterator[gsd.hoomd.Frame]:
        for n in self._used_segments():
            try:
                with open_frames(self._file(n, "gsd")) as segment:
                    yield from segment
            except ValueError as error:
                raise self._damaged(error) from error

    def _used_segments(self) -> range:
        """Finished segments up to the profile's cap: what a longer profile left does not count."""
        return range(min(self.count_segments(), self.profile.most_segments))

    def _file(self, n: int, suffix: str) -> Path:
        return self.folder / f"{n:04d}.{suffix}"


def _is_readable(path: Path) -> bool:
    """Whether a GSD file has a last frame of ours."""
    try:
        read_configuration(path)
    except (ValueError, OSError):
        return False
    return True


def _is_table(path: Path) -> bool:
    try:
        pq.read_metadata(path)
    except (OSError, pa.ArrowException):
        return False
    return True


def _thin(frames: Path, kept: Path, interval: int) -> None:
    """Keep the frames at multiples of `interval` steps, without the forces, which fill the disk.

    Nor velocities and images: HOOMD-blue writes them with its first frame only, and later frames would inherit them.
    """
    with gsd.hoomd.open(frames, "r") as full, gsd.hoomd.open(kept, "w") as thin:
        for frame in full:
            if frame.configuration.step % interval == 0:
                frame.log.pop("particles/force")
                frame.particles.velocity = frame.particles.image = None
                thin.append(frame)
