from fractions import Fraction

import numpy as np
import pytest

from ljmix.state import PAIRS, PAPER_GRID, StatePoint, grid


def test_paper_grid_has_the_papers_counts():
    states = grid(**PAPER_GRID)
    assert len(set(states)) == 500
    training = [s for s in states if 0.8 <= s.temperature <= 1.2]
    assert 3 * len(training) == 900
    assert 3 * (len(states) - len(training)) == 600
    # The examples in its text.
    assert StatePoint(0.6, 0.01, 1.5, 0.2) in states
    assert all(s.pressure == 1 for s in states)


def test_mixing_rules_and_cutoffs():
    state = StatePoint(1.0, 0.5, size_ratio=2.0, epsilon_ab=0.4)
    assert [state.sigma(p) for p in PAIRS] == [1.0, 1.5, 2.0]
    assert [state.epsilon(p) for p in PAIRS] == [1.0, 0.4, 1.0]
    assert [state.cutoff(p) for p in PAIRS] == [2.5, 3.75, 5.0]


def test_rounding_noise_does_not_make_another_state():
    assert StatePoint(0.1 + 0.2, 0.5, 1.0, 1.0) == StatePoint(0.3, 0.5, 1.0, 1.0)
    assert StatePoint(0.6, 0.01, 1.5, 0.2).state_id == "T0.6_C0.01_S1.5_E0.2_P1"


def test_seeds_depend_on_state_and_stage_only():
    state = StatePoint(1.0, 0.5, 1.0, 1.0)
    assert state.seed("positions") == StatePoint(1, 0.5, 1, 1).seed("positions")
    assert state.seed("positions") != state.seed("velocities")
    assert 0 <= state.seed("positions") < 2**31


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((0, 0.5, 1, 1), "temperature = 0: must be above 0"),
        ((-1, 0.5, 1, 1), "temperature = -1"),
        ((1, 1.5, 1, 1), "fraction_b = 1.5: must lie between 0 and 1"),
        ((1, -0.1, 1, 1), "fraction_b = -0.1"),
        ((1, 0.5, 0, 1), "size_ratio = 0: must be above 0"),
        ((1, 0.5, 1, -0.2), "epsilon_ab = -0.2: must be above 0"),
        ((1, 0.5, 1, 1, -1), "pressure = -1: must not be negative"),
        ((float("nan"), 0.5, 1, 1), "temperature = nan is not a finite number"),
        (("hot", 0.5, 1, 1), "temperature = 'hot' is not a finite number"),
    ],
)
def test_bad_values_are_named(values, message):
    with pytest.raises(ValueError, match=message):
        StatePoint(*values)


def test_empty_axis_is_named():
    with pytest.raises(ValueError, match="fraction_b is empty"):
        grid([1.0], [], [1.0], [1.0])


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.int64, np.int8, Fraction])
def test_numbers_of_every_kind_name_the_same_state(kind):
    state = StatePoint(kind(1), 0.5, kind(2), kind(1))
    assert state == StatePoint(1, 0.5, 2, 1)
    assert all(type(value) is float for value in state.as_dict().values())
    assert state.state_id == "T1_C0.5_S2_E1_P1"


@pytest.mark.parametrize("value", [np.bool_(True), True, np.nan, 10**400, 1j, "1", None, np.array([1.0])])
def test_what_is_no_number_is_named(value):
    with pytest.raises(ValueError, match=r"size_ratio = .+ is not a finite number"):
        StatePoint(1.0, 0.5, value, 1.0)
