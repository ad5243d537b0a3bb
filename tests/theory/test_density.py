import pytest

from ljmix.state import StatePoint
from ljmix.theory.density import estimate_density


def test_density_estimate_meets_the_equation_of_state():
    """Truncated and shifted fluid at P* = 1 (Thol et al. 2015); the estimate only sizes a box."""
    table = {0.6: 0.8931, 0.8: 0.8216, 1.0: 0.7509, 1.2: 0.6797, 1.4: 0.6094}
    for temperature, density in table.items():
        state = StatePoint(temperature, 0.3, 1.0, 1.0)
        assert estimate_density(state) == pytest.approx(density, rel=0.02)
