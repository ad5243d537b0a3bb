import numpy as np
import pytest

from ljmix.simulation.initial import STARTS
from ljmix.simulation.profiles import load_profile
from ljmix.simulation.protocol import choose_protocol, needs_stable_shape
from ljmix.state import StatePoint

THREE = ("random", "separated", "exchanged")


@pytest.mark.parametrize(
    ("temperature", "fraction_b", "size_ratio", "epsilon_ab", "kind", "starts"),
    [
        (0.6, 0.3, 0.5, 0.4, "teleport_b", THREE[1:]),
        (0.6, 0.3, 1.0, 0.4, "swap_uniform", THREE[:2]),
        (0.6, 0.3, 1.5, 0.4, "swap_informed", THREE[1:]),
        (0.6, 0.3, 1.5, 0.8, "swap_informed", THREE[:2]),
        (0.8, 0.3, 1.5, 0.4, "swap_informed", THREE[1:]),
        (0.8, 0.3, 1.5, 0.6, "swap_informed", THREE),
        (1.2, 0.3, 1.5, 0.6, "swap_informed", THREE[:2]),
        (1.4, 0.3, 2.0, 0.2, "teleport_a", THREE),
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


@pytest.mark.parametrize(
    ("labels", "waves", "agreed", "again"),
    [
        # As measured at T* 0.6, C_B 0.35, S 1: a tilted slab of higher energy; a cylinder beside a slab.
        (["demixed"] * 2, [[12.2, 15.1, 212.2], [0.1, 0.3, 254.4]], False, True),
        (["demixed"] * 2, [[0.3, 106.4, 117.1], [0.1, 0.4, 248.7]], False, True),
        # A cylinder and a slab do not count together, even if the curves hardly tell.
        (["demixed"] * 2, [[0.3, 106.4, 117.1], [0.1, 0.4, 248.7]], True, True),
        # Near the consolute point one domain trembles between the names of shapes.
        (["demixed"] * 2, [[7.2, 21.7, 79.9], [5.9, 27.4, 75.3]], True, False),
        # One drop or mixed, and a liquid that freezes, are other questions.
        (["demixed", "mixed"], [[0.1, 0.3, 254.4], [0.1, 0.3, 2.0]], False, False),
        (["demixed", "crystal"], [[0.3, 106.4, 117.1], [0.1, 0.4, 248.7]], False, False),
        (["demixed"], [[0.1, 0.4, 248.7]], True, False),
    ],
)
def test_a_second_bracket_follows_where_domains_differ_in_shape(labels, waves, agreed, again):
    assert needs_stable_shape(labels, [np.array(row) for row in waves], agreed) is again
