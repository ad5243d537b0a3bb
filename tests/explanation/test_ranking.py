import numpy as np
import pandas as pd
import pytest

from ljmix.data.dataset import Dataset
from ljmix.explanation.exact import grid_shapley
from ljmix.explanation.ranking import (
    PAPER_ORDER,
    agreement_table,
    entropy_draws,
    grid_draws,
    order_table,
    share_table,
)
from ljmix.scoring.draws import resample_means
from ljmix.state import PARAMETERS


def draws_of(order, n=50, spread=0.0):
    """Draws whose means follow an order: 4, 3, 2, 1."""
    means = np.array([4.0 - order.index(name) for name in PARAMETERS])
    return means + spread * np.random.default_rng(0).standard_normal((n, 4))


def test_states_are_the_units_of_the_bootstrap():
    # 100 states with 5 equal rows each: the error is that of 100 observations, not of 500.
    values = np.random.default_rng(3).standard_normal(100)
    draws = resample_means([5 * values[:, None]], [np.full(100, 5.0)], seed=0, n=4000)
    expected = values.std() / np.sqrt(100)
    # The standard deviation of n draws has the relative error 1 / √(2n).
    sigma = expected / np.sqrt(2 * 4000)
    assert abs(draws.std() - expected) < 4 * sigma, f"{draws.std()} for {expected}, sigma {sigma}"
    assert abs(draws.mean() - values.mean()) < 4 * expected / np.sqrt(4000)


def test_draws_take_every_seed():
    parts = [np.full((10, 1), 1.0), np.full((10, 1), 3.0)]
    draws = resample_means(parts, [np.ones(10)] * 2, seed=0, n=400)
    assert set(draws.ravel()) == {1.0, 3.0}
    assert abs((draws == 3).mean() - 0.5) < 4 * np.sqrt(0.25 / 400)
    with pytest.raises(ValueError, match="at least one seed and two states"):
        resample_means([], [], seed=0)
    with pytest.raises(ValueError, match="two states"):
        resample_means([np.ones((1, 4))], [np.ones(1)], seed=0)


def with_errors(dataset, **columns):
    agree = dataset.states["state_id"] != dataset.states["state_id"][0]
    return Dataset(dataset.states.assign(starts_agree=agree), dataset.rdf.assign(**columns), dataset.provenance)


def test_simulated_curves_have_draws_of_their_own(dataset):
    draws = grid_draws(with_errors(dataset, g_sem=0.0), seed=0, n=200)
    expected = np.abs(grid_shapley(dataset.states, dataset.curve_array()[1])).mean(axis=(1, 2, 3))
    sigma = draws.std(axis=0)
    assert (np.abs(draws.mean(axis=0) - expected) < 4 * sigma / np.sqrt(200)).all()


def test_noise_of_the_simulations_widens_the_draws(dataset):
    """So it does where only the second start of one state tells of it."""
    loud = 40.0  # differences of states whose starts agree are not looked at
    quiet, noisy, disagreeing = (
        grid_draws(with_errors(dataset, **columns), seed=0).std(axis=0)
        for columns in ({"g_sem": 0.0}, {"g_sem": 3.0}, {"g_sem": 0.0, "g_starts": loud})
    )
    assert (noisy > 1.5 * quiet).all(), f"{noisy} with noise, {quiet} without"
    assert (disagreeing > 1.5 * quiet).all(), f"{disagreeing} with starts that disagree, {quiet} without"


def test_orders_are_compared_with_the_paper():
    same, reverse = list(PAPER_ORDER), list(PAPER_ORDER[::-1])
    swapped = [*PAPER_ORDER[:2], *PAPER_ORDER[:1:-1]]
    draws = {"same": draws_of(same), "reverse": draws_of(reverse), "swapped": draws_of(swapped)}
    table = order_table(draws).set_index("method")
    assert table["order"]["same"] == "size_ratio > epsilon_ab > fraction_b > temperature"
    # One exchange of neighbours undoes one of six pairs: (5 - 1) / 6.
    assert table["kendall"].tolist() == pytest.approx([1, -1, 4 / 6])
    assert table["size_then_epsilon"].tolist() == [1, 0, 1]
    assert table["temperature_last"].tolist() == [1, 0, 0]
    assert table["paper_order"].tolist() == [1, 0, 0]
    agreement = agreement_table(draws)
    assert agreement.loc["paper", "same"] == agreement.loc["reverse", "reverse"] == 1
    assert agreement.loc["same", "reverse"] == -1
    np.testing.assert_array_equal(agreement, agreement.T)


def test_equal_importances_are_not_put_in_an_order():
    equal = np.array([[0.1, 0.1, 0.7, 0.1 + 1e-15]] * 3)
    row = order_table({"map": equal}).iloc[0]
    assert row["order"] == "size_ratio > temperature = fraction_b = epsilon_ab"
    assert (row["size_first"], row["size_then_epsilon"], row["temperature_last"], row["paper_order"]) == (1, 0, 0, 0)
    # Three of six pairs are in the paper's order, three in none (Kendall's tau-b): 3 / sqrt(3 * 6).
    assert row["kendall"] == pytest.approx(3 / np.sqrt(18))


def test_what_is_ranked_is_the_share_that_is_drawn():
    """Few draws with much credit for S make the largest mean, and not the largest median share."""
    draws = {"skewed": np.array([[1.0, 2.0, 0.5, 4.0]] * 9 + [[1.0, 2.0, 500.0, 4.0]])}
    shares, order = share_table(draws).set_index("feature"), order_table(draws).iloc[0]
    assert order["order"] == "epsilon_ab > fraction_b > temperature > size_ratio"
    assert " > ".join(shares["share"].sort_values(ascending=False).index) == order["order"]
    assert shares["rank"].sort_values().index.tolist() == order["order"].split(" > ")
    assert agreement_table(draws).loc["paper", "skewed"] == pytest.approx(order["kendall"])


def test_a_draw_without_credit_has_no_order():
    draws = {"permutation": np.array([[0.0, 0.0, 0.0, 0.0], *[[1.0, 2.0, 4.0, 3.0]] * 2])}
    row = order_table(draws).iloc[0]
    assert (row["kendall_low"], row["kendall"]) == (0, 1)
    equal = {"equal": np.ones((3, 4))}
    assert order_table(equal).iloc[0]["kendall"] == 0
    assert agreement_table(equal).loc["paper", "equal"] == 0


def test_shares_have_intervals_that_hold_them():
    table = share_table({"noisy": draws_of(list(PAPER_ORDER), 500, 0.8)}).set_index("feature")
    assert ((table["share_low"] <= table["share"]) & (table["share"] <= table["share_high"])).all()
    assert table["rank"].to_dict() == {name: k for k, name in enumerate(PAPER_ORDER, 1)}
    # Means one apart with a spread of 0.8: neighbours change places in some of the draws.
    assert table.loc["size_ratio", "rank_low"] == 1
    assert table.loc["size_ratio", "rank_high"] > 1
    with pytest.raises(ValueError, match="nothing: no draw credits any parameter"):
        share_table({"nothing": np.zeros((3, 4))})


def test_a_negative_importance_is_no_share():
    draws = np.array([[-1.0, 1.0, 2.0, 1.0]] * 3 + [[-1.0, 0.0, 0.0, -2.0]])
    assert share_table({"permutation": draws}).set_index("feature").loc["temperature", "share"] == 0


def test_low_entropy_is_much_importance():
    entropies = pd.DataFrame(
        {
            "view": "UMAP 15", "seed": [0, 0, 0, 1, 1, 1], "feature": ["size_ratio", "epsilon_ab", "temperature"] * 2,
            "entropy_normalised": [0.1, 0.5, 1.0, 0.2, 0.6, 0.9],
        }
    )  # fmt: skip
    draws = entropy_draws(entropies)
    # C_B is not in the table, hence does not vary: no importance.
    np.testing.assert_allclose(draws, [[0.0, 0.0, 0.9, 0.5], [0.1, 0.0, 0.8, 0.4]], atol=1e-15)
