import pytest

from ljmix.simulation.initial import STARTS
from ljmix.simulation.profiles import load_profile
from ljmix.simulation.protocol import choose_protocol
from ljmix.state import StatePoint

THREE = ("random", "separated", "exchanged")


@pytest.mark.parametrize(
    ("temperature", "fraction_b", "size_ratio", "epsilon_ab", "kind", "starts"),
    [
        (0.6, 0.3, 0.5, 0.4, "teleport_b", THREE[1:]),
        (0.6, 0.3, 1.0, 0.4, "swap_uniform", THREE[:2]),
        (0.6, 0.3, 1.5, 0.4, "swap_informed", THREE[1:]),
        (0.6, 0.3, 1.5, 0.8, "swap_informed", THREE),
        (0.8, 0.3, 1.5, 0.4, "swap_informed", THREE),
        (0.8, 0.3, 2.0, 0.4, "teleport_a", THREE),
        (0.6, 0.3, 2.0, 0.4, None, THREE[1:]),
        (0.6, 0.01, 1.5, 0.2, "swap_informed", THREE[:2]),
        (0.6, 0.01, 2.0, 0.2, None, THREE[:2]),
    ],
)
def test_moves_follow_the_size_ratio_and_starts_bracket_what_is_expected(
    temperature, fraction_b, size_ratio, epsilon_ab, kind, starts
):
    protocol = choose_protocol(StatePoint(temperature, fraction_b, size_ratio, epsilon_ab))
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
