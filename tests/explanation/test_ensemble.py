import numpy as np
import pandas as pd
import pytest

from ljmix.data.dataset import FEATURES, learning_table
from ljmix.explanation.attribution import PLAYERS, explain_predictor
from ljmix.explanation.ensemble import explain_models, held_out_errors, label_effect

N_ROWS = 12


@pytest.fixture(scope="module")
def found(dataset):
    return explain_models(dataset, ["xgboost"], 2, n_rows=N_ROWS, n_background=10)


def test_each_seed_holds_out_other_whole_states(dataset, found):
    unseen = [set(one.held_out["state_id"]) for one in found]
    assert [len(states) for states in unseen] == [8, 8]
    assert unseen[0] != unseen[1]
    assert all(len(one.held_out) == 8 * 300 for one in found)
    assert [(one.model, one.seed) for one in found] == [("xgboost", 0), ("xgboost", 1)]


def test_seeds_explain_other_rows_against_another_background(dataset, found):
    first, second = (one.attribution for one in found)
    assert len(first.rows) == len(second.rows) == N_ROWS
    assert not first.rows.equals(second.rows)
    # One model against the background of another seed has another mean prediction.
    (model,) = (one.predict_rows for one in found[:1])
    bases = [
        explain_predictor(model, learning_table(dataset), seed=seed, n_rows=1, n_background=10).base for seed in (0, 1)
    ]
    assert bases[0] == pytest.approx(first.base, abs=1e-5), "single precision"
    assert abs(bases[1] - bases[0]) > 0.01


def test_curves_cover_the_grid(dataset, found):
    assert found[0].curves.shape == (40, 3, 100)
    # The fitted model is the one that is explained: it predicts the held-out rows again.
    rows = found[0].held_out
    np.testing.assert_array_equal(found[0].predict_rows(rows), rows["predicted"])


def test_a_seed_repeats(dataset, found):
    (again,) = explain_models(dataset, ["xgboost"], 1, n_rows=N_ROWS, n_background=10)
    np.testing.assert_array_equal(again.attribution.contributions, found[0].attribution.contributions)
    pd.testing.assert_frame_equal(again.permutation, found[0].permutation)
    pd.testing.assert_frame_equal(again.sobol.indices, found[0].sobol.indices)


def test_errors_are_counted_on_unseen_states(dataset, found):
    cold = dataset.states["temperature"] < 0.7
    states = dataset.states.assign(phase=np.where(cold, "demixed", "mixed"))
    errors = held_out_errors(found, states).set_index("group")
    assert list(errors.index) == ["all", "mixed", "demixed", "C_B = 0.1", "C_B = 0.5"]
    expected = np.mean([(one.held_out["predicted"] - one.held_out["g"]).abs().mean() for one in found])
    assert errors.loc["all", "error"] == pytest.approx(expected, rel=1e-13)
    unseen = set(found[0].held_out["state_id"]) | set(found[1].held_out["state_id"])
    assert errors.loc["all", "states"] == len(unseen)
    assert errors.loc["demixed", "states"] == len(unseen & set(states["state_id"][cold]))
    assert errors.loc["mixed", "states"] + errors.loc["demixed", "states"] == len(unseen)


def test_labels_and_pair_are_compared_on_the_same_rows(dataset, found):
    effect = label_effect(found[:1], dataset, n_rows=2, n_background=3)
    assert effect["feature"].tolist() == list(PLAYERS)
    assert (effect[["two_labels", "one_pair"]] >= 0).all(axis=None)
    # The pair alone says nothing new about r: its credit hardly depends on how the labels are grouped.
    r = effect.set_index("feature").loc["r"]
    assert abs(r["two_labels"] - r["one_pair"]) < 0.5 * r["one_pair"]


def test_the_network_is_explained_by_asking(dataset):
    few = dataset.select(dataset.states["temperature"].isin([0.6, 1.4]))
    (one,) = explain_models(few, ["mlp"], 1, n_rows=4, n_background=5, epochs=2)
    assert one.attribution.contributions.shape == (4, len(FEATURES))
    total = one.attribution.base + one.attribution.contributions.sum(axis=1)
    # The network computes in single precision; 128 coalitions are added.
    np.testing.assert_allclose(total, one.attribution.predicted, atol=128 * np.finfo(np.float32).eps)
    assert len(learning_table(few)) == 16 * 300


@pytest.mark.parametrize(
    ("names", "options", "message"),
    [
        (["xgboost"], {"seeds": 0}, "seeds = 0"),
        ([], {"seeds": 1}, r"names = \[\]"),
        (["forest"], {"seeds": 1}, "'forest' is unknown"),
        (["xgboost"], {"seeds": 1, "test_share": 0.01}, "must leave two or more on both sides"),
    ],
)
def test_what_cannot_be_explained_is_refused_before_the_first_fit(dataset, names, options, message):
    with pytest.raises(ValueError, match=message):
        explain_models(dataset, names, **options)
