"""Starting configurations: how many particles, in what box, where, how fast. The same for every engine."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from ljmix.configuration import Configuration
from ljmix.simulation.profiles import Profile
from ljmix.state import PAIRS, StatePoint
from ljmix.theory.density import estimate_density

__all__ = [
    "STARTS",
    "build_configuration",
    "draw_velocities",
    "place_particles",
    "push_apart",
    "start_seed",
    "system_size",
]

STARTS = ("random", "separated", "exchanged", "stable", "stable_exchanged")
EXCHANGED = 0.25
"""Share of the minority that starts on the wrong side where the start is called exchanged."""
MAX_PARTICLES = 1_000_000

# No pair starts closer than this, in σ_ij: 1.4 ε of potential at most, which the thermostat takes up.
_CLOSEST = 0.96
# Start a little dilute: particles find room, and the barostat compresses within a few τ.
DILUTION = 0.9
_SHRINKING = 1.05
"""How much larger than needed a box must be at first: the edge of none of the 500 reference states settled more than
3.4 % below its estimate, and it fluctuates by half a per cent."""
_NEIGHBOUR_SKIN = 0.4
"""Largest skin an engine adds to the cut-off when it looks for neighbours, σ_AA."""


def system_size(state: StatePoint, profile: Profile) -> tuple[int, int]:
    """Number of particles, and of B particles among them.

    Returns
    -------
    n_particles, n_b : int

    Raises
    ------
    ValueError
        If a species has fewer than two particles, or the box is too small for the cut-off or for r_max.
    """
    density = profile.number_density or estimate_density(state)
    n = max(profile.n_particles, round(density * profile.box_edge**3))
    if state.fraction_b > 0:
        n = max(n, math.ceil(profile.min_particles_b / state.fraction_b))
    if n > MAX_PARTICLES:
        raise ValueError(f"{state.state_id}: {n} particles are needed; at most {MAX_PARTICLES} are allowed")
    n_b = round(state.fraction_b * n)
    if min(n_b, n - n_b) < 2:
        raise ValueError(
            f"{state.state_id}: n_particles = {n} gives {n - n_b} A and {n_b} B particles; "
            "two of each are needed for AA, AB and BB functions"
        )
    edge = (n / density) ** (1 / 3)
    cutoff = max(map(state.cutoff, PAIRS))
    shrinking = 1.0 if profile.number_density else _SHRINKING
    needed = 2 * max(profile.r_max, cutoff + _NEIGHBOUR_SKIN) * shrinking
    if edge < needed:
        raise ValueError(
            f"{state.state_id}: n_particles = {n} fills a box of edge {edge:.1f} σ; "
            f"r_max = {profile.r_max:g} and the largest cut-off {cutoff:g} need at least {needed:.1f} σ"
            f"{' before the barostat has shrunk it' if shrinking > 1 else ''}; "
            f"set box_edge = {needed:.1f} or more, or more n_particles"
        )
    return n, n_b


def build_configuration(
    state: StatePoint,
    n_particles: int,
    n_b: int,
    start: str = "random",
    replica: int = 0,
    number_density: float = 0.0,
    lever_share: float | None = None,
) -> Configuration:
    """Build a start without overlaps at the state's temperature.

    Parameters
    ----------
    state : StatePoint
    n_particles, n_b : int
        As from `system_size`.
    start : {"random", "separated", "exchanged", "stable", "stable_exchanged"}
        Species scattered at random; or B in one domain, the sphere, cylinder or slab that has the least
        surface for B's share of the volume (sphere below 4π/81, slab above 1/π); or the same with a quarter
        of the minority exchanged for as many of the others. The last two are as the two before, with the shape that has
        the least surface for `lever_share`.
    replica : int
        Another number, another independent start of the same kind.
    number_density : float
        1/σ_AA³; 0 for a box a little larger than the estimate of `ljmix.theory.density`, which the barostat shrinks.
    lever_share : float, optional
        Share of the volume that the B-rich liquid fills at equilibrium, of the stable starts.

    Returns
    -------
    Configuration
        The same for the same arguments; total momentum zero, kinetic temperature exactly T*.

    Raises
    ------
    ValueError
        If `start` is unknown, or a stable one lacks its share.
    """
    edge = (n_particles / (number_density or DILUTION * estimate_density(state))) ** (1 / 3)
    positions, types = place_particles(state, n_particles, n_b, start, edge, replica, lever_share)
    positions = push_apart(positions, types, state, edge) - edge / 2
    seed = start_seed(state, f"velocities/{n_particles}", replica)
    return Configuration(positions, draw_velocities(state.temperature, n_particles, seed), types, edge)


def place_particles(
    state: StatePoint,
    n_particles: int,
    n_b: int,
    start: str,
    edge: float,
    replica: int = 0,
    lever_share: float | None = None,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Place the particles of a start at random, overlaps and all; see `build_configuration`.

    Returns
    -------
    positions : (n_particles, 3) array
        Between 0 and `edge`, σ_AA.
    types : (n_particles,) array
    """
    if start not in STARTS:
        raise ValueError(f"start = {start!r} is unknown; choose one of {', '.join(STARTS)}")
    if start.startswith("stable") and lever_share is None:
        raise ValueError(f"start = {start!r} needs lever_share, the share of the volume that the B-rich liquid fills")
    rng = np.random.default_rng(start_seed(state, f"positions/{start}/{n_particles}", replica))
    types = np.repeat([0, 1], [n_particles - n_b, n_b])
    positions = rng.random((n_particles, 3)) * edge
    if start != "random":
        exchanged = int(EXCHANGED * min(n_b, n_particles - n_b)) if start.endswith("exchanged") else 0
        in_domain = types == 1
        for kind in (0, 1) if exchanged else ():
            members = np.flatnonzero(types == kind)
            in_domain[rng.choice(members, exchanged, replace=False)] ^= True
        volumes = np.array([1.0, state.size_ratio**3])[types]
        shaping = float(volumes[types == 1].sum() / volumes.sum())
        if start.startswith("stable") and lever_share is not None:
            shaping = lever_share
        inside = _domain(float(volumes[in_domain].sum() / volumes.sum()), edge, shaping)
        wrong = inside(positions) != in_domain
        while wrong.any():
            positions[wrong] = rng.random((int(wrong.sum()), 3)) * edge
            wrong = inside(positions) != in_domain
    return positions, types


def _domain(share: float, edge: float, shaping: float):  # type: ignore[no-untyped-def]
    """Domain in the middle of the box that holds a share of the volume.

    Its shape is the one of least surface for the share `shaping`, whatever it holds: the starts of a bracket have one
    shape, since moves would not change it. The minority fills the compact domain; a majority surrounds it.
    """
    minority, inner = (shaping, share) if shaping <= 0.5 else (1 - shaping, 1 - share)
    if minority < 4 * math.pi / 81:
        axes, limit = 3, edge * (3 * inner / (4 * math.pi)) ** (1 / 3)
    elif minority < 1 / math.pi:
        axes, limit = 2, edge * math.sqrt(inner / math.pi)
    else:
        axes, limit = 1, edge * inner / 2

    def inside(positions: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        within: npt.NDArray[np.bool_] = np.linalg.norm(positions[:, :axes] - edge / 2, axis=1) < limit
        return within if shaping <= 0.5 else ~within

    return inside


def push_apart(
    positions: npt.NDArray[np.float64],
    types: npt.NDArray[np.int64],
    state: StatePoint,
    edge: float | npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """Move overlapping pairs apart, half the overlap each, until none is closer than `_CLOSEST` σ_ij.

    Parameters
    ----------
    positions : (n_particles, 3) array
        Between 0 and the edges, σ_AA; changed in place.
    types : (n_particles,) array
    state : StatePoint
    edge : float or (3,) array
        Of a cube, or the three of a box, σ_AA.
    """
    diameters = np.array([1.0, state.size_ratio])[types]
    for _ in range(5000):
        positions %= edge
        # `% edge` of a tiny negative number rounds up to edge itself, which the tree does not accept.
        positions[positions >= np.asarray(edge)] = 0.0
        pairs = cKDTree(positions, boxsize=edge).query_pairs(diameters.max(), output_type="ndarray")
        i, j = pairs.T
        separation = positions[i] - positions[j]
        separation -= edge * np.rint(separation / edge)
        distance = np.linalg.norm(separation, axis=1)
        contact = (diameters[i] + diameters[j]) / 2
        if np.all(distance > _CLOSEST * contact):
            return positions
        close = distance < contact
        i, j, separation = i[close], j[close], separation[close]
        push = 0.5 * (contact[close] / np.maximum(distance[close], 1e-9) - 1)[:, None] * separation
        # A particle in several overlaps takes their mean, or it would overshoot.
        shift, count = np.zeros_like(positions), np.ones(len(positions))
        np.add.at(shift, i, push)
        np.subtract.at(shift, j, push)
        np.add.at(count, np.concatenate([i, j]), 0.5)
        positions = positions + shift / np.sqrt(count)[:, None]
    raise RuntimeError(f"{state.state_id}: no start without overlaps found in a box of edge {edge} σ")


def start_seed(state: StatePoint, stage: str, replica: int) -> int:
    """Seed of one stage of a start, ``positions/…`` or ``velocities/…``; replicas start elsewhere."""
    return state.seed(f"{stage}/{replica}" if replica else stage)


def draw_velocities(temperature: float, n_particles: int, seed: int) -> npt.NDArray[np.float64]:
    """Draw velocities without total momentum, of kinetic temperature exactly T*.

    Returns
    -------
    (n_particles, 3) array
        σ_AA/τ.
    """
    velocities = np.random.default_rng(seed).normal(size=(n_particles, 3))
    velocities -= velocities.mean(axis=0)
    kinetic_temperature = np.sum(velocities**2) / (3 * n_particles - 3)
    scaled: npt.NDArray[np.float64] = velocities * math.sqrt(temperature / kinetic_temperature)
    return scaled
