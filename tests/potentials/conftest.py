"""Frames of a small mixture, from either engine."""

import pytest

from ljmix.potentials.frames import sample_frames
from ljmix.state import StatePoint

MIXTURE = StatePoint(1.0, 0.5, 0.5, 0.6)


@pytest.fixture(scope="session")
def frames():
    """Six frames of 400 particles with Lennard-Jones forces, under LAMMPS."""
    return sample_frames(MIXTURE, 6, interval=150, settle=3000)


@pytest.fixture(scope="session")
def dilute():
    """One frame of the same mixture with eight B particles."""
    return sample_frames(StatePoint(1.0, 0.02, 0.5, 0.6), 1, interval=100, settle=1000)
