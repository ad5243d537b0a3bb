"""A surrogate of eighty simulated states, which takes half a minute to learn and to calibrate."""

import pytest

from ljmix.data.reference import load_reference
from ljmix.surrogate.surrogate import Surrogate


@pytest.fixture(scope="session")
def part_of_reference():
    """Sizes 1 and 1.5, two temperatures, no dilute states."""
    data = load_reference()
    states = data.states
    return data.select(
        states["size_ratio"].isin([1.0, 1.5]) & states["temperature"].isin([0.8, 1.2]) & (states["fraction_b"] >= 0.1)
    )


@pytest.fixture(scope="session")
def surrogate(part_of_reference):
    return Surrogate.fit(part_of_reference).emulate(128)
