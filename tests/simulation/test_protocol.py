import pytest

from ljmix.simulation.initial import STARTS
from ljmix.simulation.profiles import load_profile
from ljmix.simulation.protocol import choose_protocol
from ljmix.state import StatePoint


@pytest.mark.parametrize(
    ("temperature", "size_ratio", "kind", "starts"),
    [
        (0.6, 0.5, "teleport_b", ("separated", "exchanged")),
        (0.6, 1.0, "swap_uniform", ("random", "separated")),
        (0.6, 1.5, "swap_informed", ("separated", "exchanged")),
        (0.8, 1.5, "swap_informed", ("random", "separated", "exchanged")),
        (0.8, 2.0, "teleport_a", ("separated", "exchanged")),
        (0.6, 2.0, None, ("separated", "exchanged")),
    ],
)
def test_moves_follow_the_size_ratio(temperature, size_ratio, kind, starts):
    protocol = choose_protocol(StatePoint(temperature, 0.3, size_ratio, 0.4))
    made = [] if protocol.moves is None else [name for name, n in protocol.moves.attempts().items() if n]
    assert made == ([kind] if kind else [])
    assert protocol.starts == starts


def test_every_state_of_the_grid_has_a_protocol():
    profile = load_profile("equilibrium")
    for state in profile.states():
        protocol = choose_protocol(state)
        assert set(protocol.starts) <= set(STARTS)
        if protocol.moves:
            assert profile.frame_interval % protocol.moves.interval == 0
            assert protocol.wave_samples >= 10


def test_a_pure_fluid_has_none():
    with pytest.raises(ValueError, match="a pure fluid has no second species"):
        choose_protocol(StatePoint(1.0, 0.0, 1.0, 1.0))
