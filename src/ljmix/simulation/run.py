"""One run of a state point, from one start: a folder of segments.

A segment is finished when its ``.npz`` is there, since that file is written last. Nothing else is trusted. Where runs
live is told in `ljmix.simulation.workspace`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gsd.hoomd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ljmix._util.atomic import replace_when_whole
from ljmix._util.reading import read_arrays
from ljmix.configuration import (
    THERMO,
    Configuration,
    open_frames,
    parse_frame,
    read_configuration,
    write_configuration,
)
from ljmix.simulation.engine import Engine, Segment
from ljmix.simulation.engines.moves import Moves
from ljmix.simulation.initial import build_configuration, start_seed
from ljmix.simulation.profiles import Profile
from ljmix.simulation.protocol import choose_protocol
from ljmix.state import StatePoint

__all__ = ["Run"]


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
