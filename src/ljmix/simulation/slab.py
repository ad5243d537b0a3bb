"""Two liquids in an elongated box, side by side along z: what a mixture separates into, without a curved interface.

A cubic box of some 15 σ has no plateau inside its domains. Here each liquid is some 17 σ thick, both fill half of the
volume, whatever the composition of the state that asks (the two liquids are the same all over the gap), and the
barostat changes the length only: the pressure along z, normal to both interfaces, is P*, and the interfaces show in
the two other pressures. Moves are those of `ljmix.simulation.protocol`; the two starts approach the compositions
from both sides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ljmix.configuration import TENSOR, THERMO, Configuration, write_configuration
from ljmix.simulation.engine import Engine
from ljmix.simulation.initial import DILUTION, EXCHANGED, draw_velocities, push_apart, start_seed
from ljmix.simulation.profiles import Profile, load_profile
from ljmix.simulation.run import Run
from ljmix.state import PAIRS, StatePoint
from ljmix.structure.measure import open_trajectory
from ljmix.structure.slab_profile import centred_counts
from ljmix.theory.density import estimate_density

__all__ = ["SLAB_STARTS", "SlabRun", "build_slab", "half_and_half", "sample_slab", "slab_profile_settings", "slab_size"]

SLAB_STARTS = ("separated", "exchanged")
EDGE, LENGTH = 10.0, 34.0
"""Cross-section and length of the box, σ_AA; the edge is longer where large particles need it. g(r) is measured up to
just below half the edge."""
_SKIN = 0.4
_BIN = 0.2


def half_and_half(state: StatePoint) -> StatePoint:
    """The state whose two species fill equal volumes: C_B = 1 / (1 + S³)."""
    return replace(state, fraction_b=round(1 / (1 + state.size_ratio**3), 4))


def slab_profile_settings(steps: int) -> Profile:
    """Settings of a slab's run: those of `equilibrium`, with a frame every 0.5 τ for the noisy pressures.

    Parameters
    ----------
    steps : int
        Length of a run; the first fifth does not count.
    """
    return load_profile(
        "equilibrium", steps_max=steps, steps_equilibration=steps // 5, steps_production=steps - steps // 5,
        segment_steps=5000, frame_interval=100, trajectory_interval=1000, r_max=4.95,
    )  # fmt: skip


def slab_size(state: StatePoint) -> tuple[int, int, float]:
    """Particles, B particles, and cross-section (σ_AA) of a state's slab."""
    edge = max(EDGE, 2 * (max(map(state.cutoff, PAIRS)) + _SKIN))
    n = round(estimate_density(state) * edge**2 * LENGTH)
    return n, round(state.fraction_b * n), edge


def build_slab(state: StatePoint, start: str, replica: int = 0) -> Configuration:
    """Build a slab of B between two halves of A, without overlaps, at the state's temperature.

    Parameters
    ----------
    state : StatePoint
        As from `half_and_half`, or any other.
    start : {"separated", "exchanged"}
        Pure liquids, or a quarter of the minority exchanged.
    replica : int

    Returns
    -------
    Configuration
        A little longer than `LENGTH`: the barostat compresses.

    Raises
    ------
    ValueError
        If `start` is unknown.
    """
    if start not in SLAB_STARTS:
        raise ValueError(f"start = {start!r} is unknown; choose one of {', '.join(SLAB_STARTS)}")
    n, n_b, edge = slab_size(state)
    box = np.array([edge, edge, n / (DILUTION * estimate_density(state) * edge**2)])
    rng = np.random.default_rng(start_seed(state, f"slab/{start}/{n}", replica))
    types = np.repeat([0, 1], [n - n_b, n_b])
    inside = types == 1
    for kind in (0, 1) if start == "exchanged" else ():
        members = np.flatnonzero(types == kind)
        inside[rng.choice(members, int(EXCHANGED * min(n_b, n - n_b)), replace=False)] ^= True
    volumes = np.array([1.0, state.size_ratio**3])[types]
    share = float(volumes[inside].sum() / volumes.sum())
    positions = rng.random((n, 3)) * box
    half = share / 2
    # Inside: within `half` of the middle, as shares of the length; outside: what is left, from the end on.
    along = rng.random(n)
    positions[:, 2] = np.where(inside, 0.5 + half * (2 * along - 1), (0.5 + half + along * (1 - share)) % 1) * box[2]
    positions = push_apart(positions, types, state, box) - box / 2
    velocities = draw_velocities(state.temperature, n, start_seed(state, f"slab velocities/{start}/{n}", replica))
    return Configuration(positions, velocities, types, edge, float(box[2]))


class SlabRun(Run):
    """One run of a slab: a `Run` whose box is elongated and changes its length only."""

    @property
    def ensemble(self) -> str:
        """Pressure along z."""
        return "NPZT"

    def prepare(self, n_particles: int = 0, n_b: int = 0, lever_share: float | None = None) -> None:
        """Write the starting configuration, unless it is there; its size follows from the state."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for left in self.folder.glob(".part-*"):
            left.unlink()
        if not self.initial.exists():
            write_configuration(
                build_slab(self.state, self.start, self.profile.replica), self.state.size_ratio, self.initial
            )


def _measure(path: Path) -> dict[str, npt.NDArray[Any]]:
    rows: dict[str, list[Any]] = {}
    with open_trajectory(path) as trajectory:
        for frame in trajectory:
            _, edge, length = frame.configuration.box[:3]
            values = {"step": int(frame.configuration.step), "edge": float(edge), "length": float(length)}
            values |= {name: float(frame.log[f"thermo/{name}"][0]) for name in (*THERMO, *TENSOR)}
            along = frame.particles.position[:, 2].astype(float) / float(length)
            counts = centred_counts(along, frame.particles.typeid, round(LENGTH / _BIN))
            for name, value in (values | {"counts": counts}).items():
                rows.setdefault(name, []).append(value)
    return {name: np.array(values) for name, values in rows.items()}


def sample_slab(
    folder: Path, state: StatePoint, profile: Profile, engine: Engine, report: Callable[[int], object] | None = None
) -> list[SlabRun]:
    """Run a state's slab from both starts to the cap of the profile; goes on where it was interrupted.

    Parameters
    ----------
    folder : Path
        Of the state; one folder in it a start.
    state : StatePoint
        As from `half_and_half`.
    profile : Profile
        As from `slab_profile_settings`.
    engine : Engine
    report : callable, optional
        Called with the steps of each segment that is done.

    Returns
    -------
    list of SlabRun
    """
    runs = [SlabRun(folder / start, state, profile) for start in SLAB_STARTS]
    for run in runs:
        run.prepare()
        while run.count_segments() < profile.most_segments:
            run.advance(engine, _measure)
            if report is not None:
                report(profile.segment_steps)
    return runs
