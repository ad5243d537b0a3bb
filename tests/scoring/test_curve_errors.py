"""Errors in units of a curve's own spread."""

import numpy as np
import pytest
from sklearn.metrics import r2_score

from ljmix.data.curves import curves_of
from ljmix.scoring.curve_errors import relative_errors, score_medians
from ljmix.scoring.scores import Group, score_curves


@pytest.fixture(scope="module")
def truth(dataset):
    return curves_of(dataset)


def test_error_is_the_root_of_what_r2_misses(truth):
    guess = truth.g + 0.2 * np.random.default_rng(0).normal(size=truth.g.shape)
    errors = relative_errors(truth, guess)
    assert errors[3, 1] == pytest.approx(np.sqrt(1 - r2_score(truth.g[3, 1], guess[3, 1])))
    every = Group("r2", "all", np.ones(len(errors), dtype=bool), [0, 1, 2])
    median = score_medians(errors, [every]).set_index("pair")["median"]
    assert median["all"] == pytest.approx(
        np.sqrt(1 - score_curves(truth, guess)["r2_curve_median"]["all"]), rel=1e-4
    )  # the median of an even number of curves is the mean of two, which a root does not leave one
    assert relative_errors(truth, np.broadcast_to(truth.g.mean(axis=2, keepdims=True), truth.g.shape)) == pytest.approx(
        1
    )


def test_one_high_curve_moves_the_pooled_score_and_not_the_median(truth):
    guess = truth.g + 0.1 * np.random.default_rng(0).normal(size=truth.g.shape)
    wild = guess.copy()
    wild[0, 2] += 100
    every = Group("r2", "all", np.ones(len(guess), dtype=bool), [0, 1, 2])
    calm, moved = (score_medians(relative_errors(truth, one), [every])["median"][0] for one in (guess, wild))
    assert score_curves(truth, wild)["r2"]["all"] < 0 < score_curves(truth, guess)["r2"]["all"]
    assert moved == pytest.approx(calm, rel=0.02)


def test_no_prediction_and_a_flat_curve_do_not_count(truth):
    guess = truth.g.copy()
    guess[1] = np.nan
    errors = relative_errors(truth, guess)
    assert np.isnan(errors[1]).all()
    table = score_medians(errors, [Group("r2", "all", np.ones(len(guess), dtype=bool), [0, 1, 2])])
    assert table["curves"][0] == 3 * (len(guess) - 1)
    with pytest.raises(ValueError, match="prediction has shape"):
        relative_errors(truth, guess[:2])
