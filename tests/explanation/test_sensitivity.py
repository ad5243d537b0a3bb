import numpy as np
import pandas as pd
import pytest

from ljmix.data.dataset import learning_table
from ljmix.explanation.sensitivity import permutation_importance, sobol_indices


def predict_sum(table: pd.DataFrame) -> np.ndarray:
    """No input interacts with another, and C_B has no part."""
    return (3 * table["temperature"] + 2 * table["size_ratio"] + table["has_b"] + 0.5 * table["r"]).to_numpy()


def test_indices_of_a_sum_are_shares_of_variance(dataset):
    found = sobol_indices(predict_sum, dataset.states, seed=0, n=1024)
    variances = {
        "temperature": 9 * np.var([0.6, 0.8, 1.0, 1.2, 1.4]), "fraction_b": 0.0,
        "size_ratio": 4 * np.var([0.5, 1.5]), "epsilon_ab": 0.0,
        "pair": np.var([0, 1, 1]), "r": 0.25 * 25 / 12,
    }  # fmt: skip
    table = found.indices.set_index("feature")
    for name, variance in variances.items():
        expected = variance / sum(variances.values())
        for kind in ("first", "total"):
            observed, sigma = table.loc[name, kind], table.loc[name, f"{kind}_conf"] / 1.96
            # A bootstrap of quasi-random points overstates the error, and the error of a zero is zero.
            assert abs(observed - expected) <= 4 * sigma + 1e-12, f"{name}: {observed} for {expected}, sigma {sigma}"
    assert found.draws.shape[1] == 6
    again = sobol_indices(predict_sum, dataset.states, seed=0, n=1024)
    np.testing.assert_array_equal(found.draws, again.draws)


def test_an_interaction_is_found(dataset):
    def predict(table):
        return ((table["size_ratio"] - 1) * (table["epsilon_ab"] - 0.6)).to_numpy()

    found = sobol_indices(predict, dataset.states, seed=0, n=512)
    table = found.indices.set_index("feature")
    for name in ("size_ratio", "epsilon_ab"):
        # Neither makes anything alone; without either nothing is left.
        assert abs(table.loc[name, "first"]) <= 3 * table.loc[name, "first_conf"] / 1.96
        assert table.loc[name, "total"] == pytest.approx(1, abs=3 * table.loc[name, "total_conf"] / 1.96)


def test_only_values_of_the_grid_are_asked_for(dataset):
    seen = []
    states = dataset.states.assign(fraction_b=0.5)
    sobol = sobol_indices(lambda table: seen.append(table) or predict_sum(table), states, seed=1, n=64)
    for name in ("temperature", "fraction_b", "size_ratio", "epsilon_ab"):
        assert set(seen[0][name]) == set(states[name])
    assert "fraction_b" not in set(sobol.indices["feature"]), "what does not vary has no index"
    assert not ((seen[0]["has_a"] == 0) & (seen[0]["has_b"] == 0)).any()


def test_sobol_refuses_what_it_cannot_divide(dataset):
    with pytest.raises(ValueError, match="n = 100: must be a power of two"):
        sobol_indices(predict_sum, dataset.states, seed=0, n=100)
    with pytest.raises(ValueError, match="predicts g = 1 everywhere"):
        sobol_indices(lambda table: np.ones(len(table)), dataset.states, seed=0, n=8)


def test_permuting_what_a_model_does_not_use_changes_nothing(dataset):
    table = learning_table(dataset)
    table = table.assign(g=3 * table["size_ratio"])
    found = permutation_importance(lambda rows: 3 * rows["size_ratio"].to_numpy(), table, seed=0)
    assert list(found.index) == sorted(table["state_id"].unique())
    assert (found.drop(columns="size_ratio") == 0).all(axis=None)
    # Half of the states change between two values that differ by 1: (3 x 1)^2 for those, 4.5 on average.
    # Each of 5 permutations of 40 states is hypergeometric: a share of 0.5 with a variance of 1/4/39.
    sigma = 9 * np.sqrt(0.25 / 39 / 5)
    observed = found["size_ratio"].mean()
    assert abs(observed - 4.5) < 4 * sigma, f"{observed} for 4.5, sigma {sigma}"


def test_states_keep_one_value_in_all_their_rows(dataset):
    table = learning_table(dataset)
    changed = []

    def predict(rows):
        changed.append(rows.groupby(table["state_id"].to_numpy())[["temperature", "size_ratio"]].nunique().max().max())
        assert not ((rows["has_a"] == 0) & (rows["has_b"] == 0)).any()
        return rows["temperature"].to_numpy()

    permutation_importance(predict, table, seed=0, repeats=1)
    assert set(changed) == {1}


def test_permutation_refuses_a_single_state(dataset):
    table = learning_table(dataset)
    with pytest.raises(ValueError, match="needs at least two"):
        permutation_importance(predict_sum, table[table["state_id"] == table["state_id"].iloc[0]], seed=0)
    with pytest.raises(ValueError, match="repeats = 0"):
        permutation_importance(predict_sum, table, seed=0, repeats=0)
