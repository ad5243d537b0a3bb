import itertools
import math

import numpy as np
import pandas as pd
import pytest

from ljmix.explanation.exact import complete_grid, distance_profile, grid_shapley, missing_states
from ljmix.state import PARAMETERS

LEVELS = {
    "temperature": (0.6, 1.0, 1.4),
    "fraction_b": (0.1, 0.5),
    "size_ratio": (0.5, 1.0, 2.0),
    "epsilon_ab": (0.2, 1.0),
}


@pytest.fixture(scope="module")
def states() -> pd.DataFrame:
    rows = list(itertools.product(*LEVELS.values()))
    return pd.DataFrame(rows, columns=list(LEVELS)).sample(frac=1, random_state=0).reset_index(drop=True)


def test_values_add_up_to_the_distance_from_the_mean(states):
    values = np.random.default_rng(1).standard_normal((len(states), 3, 2))
    contributions = grid_shapley(states, values)
    assert contributions.shape == (4, *values.shape)
    np.testing.assert_allclose(contributions.sum(axis=0), values - values.mean(axis=0), atol=1e-13)


def test_a_sum_of_single_effects_is_taken_apart(states):
    effects = {name: np.sin(3 * states[name].to_numpy()) for name in PARAMETERS}
    contributions = grid_shapley(states, sum(effects.values()))
    for found, name in zip(contributions, PARAMETERS, strict=True):
        np.testing.assert_allclose(found, effects[name] - effects[name].mean(), atol=1e-13)


def test_an_interaction_is_shared_evenly(states):
    size, epsilon = (states[name] - states[name].mean() for name in ("size_ratio", "epsilon_ab"))
    product = (size * epsilon).to_numpy()
    temperature, fraction, of_size, of_epsilon = grid_shapley(states, product)
    np.testing.assert_allclose(of_size, product / 2, atol=1e-13)
    np.testing.assert_allclose(of_epsilon, product / 2, atol=1e-13)
    np.testing.assert_allclose([temperature, fraction], 0, atol=1e-13)


def test_values_are_those_of_the_definition(states):
    """Against the sum over all orders in which parameters become known, one state at a time."""
    values = np.random.default_rng(2).standard_normal(len(states))
    row = 7
    expected = np.zeros(4)
    for order in itertools.permutations(range(4)):
        known = np.ones(len(states), bool)
        before = values.mean()
        for i in order:
            known &= (states[PARAMETERS[i]] == states[PARAMETERS[i]].iloc[row]).to_numpy()
            after = values[known].mean()
            expected[i] += (after - before) / math.factorial(4)
            before = after
    np.testing.assert_allclose(grid_shapley(states, values)[:, row], expected, atol=1e-13)


def test_a_grid_with_a_hole_is_refused(states):
    assert missing_states(states).empty
    assert len(complete_grid(states)) == 36
    assert len(missing_states(states.drop(index=5))) == 1
    with pytest.raises(ValueError, match="the grid lacks 1 states, among them temperature ="):
        grid_shapley(states.drop(index=5), np.zeros(35))
    with pytest.raises(ValueError, match="each may occur once"):
        grid_shapley(pd.concat([states, states.head(1)]), np.zeros(37))
    with pytest.raises(ValueError, match="3 values for 36 states"):
        grid_shapley(states, np.zeros(3))


def test_profiles_are_means_over_states(states):
    curves = np.zeros((len(states), 3, 2))
    curves[:, 2, 1] = states["size_ratio"]
    profile = distance_profile(states, curves, [0.5, 1.5], "simulation")
    assert len(profile) == 4 * 3 * 2
    acting = profile[profile["mean_abs"] > 1e-12]
    assert acting[["source", "pair", "feature", "r"]].to_numpy().tolist() == [["simulation", "BB", "size_ratio", 1.5]]
    expected = (states["size_ratio"] - states["size_ratio"].mean()).abs().mean()
    assert acting["mean_abs"].iloc[0] == pytest.approx(expected, rel=1e-13)
