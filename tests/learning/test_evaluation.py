"""Scores, and the three experiments that use them."""

import json

import numpy as np
import pytest
from sklearn.metrics import r2_score

from ljmix.dataset import Dataset, learning_table, split_by_temperature
from ljmix.learning.evaluation import evaluate_extrapolation, evaluate_interpolation, score
from ljmix.learning.models import RowModel
from ljmix.learning.scaling import data_size_scaling, draw_rows

BASELINES = ("nearest-temperature", "linear-in-temperature")


@pytest.fixture(scope="module")
def small(dataset):
    """Two compositions and every fifth bin: 10 states, 600 rows."""
    states = dataset.states[(dataset.states["fraction_b"] == 0.5) & (dataset.states["epsilon_ab"] == 0.2)]
    r = np.unique(dataset.rdf["r"])[::5]
    rdf = dataset.rdf[dataset.rdf["state_id"].isin(states["state_id"]) & dataset.rdf["r"].isin(r)]
    return Dataset(states.reset_index(drop=True), rdf.reset_index(drop=True), {})


# -- score ---------------------------------------------------------------------------------------------------


def test_score_is_r2_of_each_group(small):
    _, g = small.curves()
    predicted = g + np.random.default_rng(1).normal(scale=0.3, size=g.shape) * [[[0.2], [1], [2]]]
    scores = score(small, predicted)
    assert set(scores) == {"r2", "r2_T0.6", "r2_T0.8", "r2_T1", "r2_T1.2", "r2_T1.4"}
    assert list(scores["r2"]) == ["all", "AA", "AB", "BB"]
    assert scores["r2"]["all"] == pytest.approx(r2_score(g.ravel(), predicted.ravel()))
    for k, pair in enumerate(("AA", "AB", "BB")):
        truth, guess = g[:, k], predicted[:, k]
        expected = 1 - ((truth - guess) ** 2).sum() / ((truth - truth.mean()) ** 2).sum()
        assert scores["r2"][pair] == pytest.approx(expected)
    for temperature in (0.6, 1.0, 1.4):
        rows = np.isclose(small.states["temperature"], temperature)
        expected = r2_score(g[rows].ravel(), predicted[rows].ravel())
        assert scores[f"r2_T{temperature:g}"] == pytest.approx(expected)


def test_score_knows_perfect_and_empty_knowledge(small):
    _, g = small.curves()
    assert score(small, g)["r2"] == {"all": 1, "AA": 1, "AB": 1, "BB": 1}
    assert score(small, np.full_like(g, g.mean()))["r2"]["all"] == pytest.approx(0, abs=1e-12)


def test_score_refuses_what_does_not_fit(small):
    _, g = small.curves()
    with pytest.raises(ValueError, match=r"shape \(10, 3, 19\): must be \(10, 3, 20\)"):
        score(small, g[..., 1:])
    with pytest.raises(ValueError, match="not finite"):
        score(small, np.where(g > 1, np.nan, g))
    with pytest.raises(ValueError, match="R² is undefined where g does not vary: 200 points at g = 2"):
        score(Dataset(small.states, small.rdf.assign(g=2.0), {}), g)


# -- extrapolation -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def extrapolation(small):
    return evaluate_extrapolation(small, ["mlp", "xgboost", *BASELINES], 2, epochs=3)


def test_baseline_metrics_are_those_of_their_curves(small, extrapolation):
    train, test = split_by_temperature(small)
    _, g = train.curves()
    copied = np.stack([
        g[
            np.isclose(train.states["temperature"], 0.8 if state.temperature < 1 else 1.2)
            & (train.states["size_ratio"] == state.size_ratio)
        ][0]
        for state in test.states.itertuples()
    ])  # fmt: skip
    expected, found = score(test, copied), extrapolation.metrics["nearest-temperature"]
    assert found["r2"] == pytest.approx(expected["r2"])
    assert found["r2_T0.6"] == pytest.approx(expected["r2_T0.6"])
    assert found["r2_T1.4"] == pytest.approx(expected["r2_T1.4"])
    assert found["r2_train"] == {"all": 1, "AA": 1, "AB": 1, "BB": 1}
    assert found["r2_std"] == {"all": 0, "AA": 0, "AB": 0, "BB": 0}


def test_metrics_are_mean_and_spread_of_the_predictions(extrapolation):
    rows = extrapolation.predictions
    rows = rows[(rows["model"] == "mlp") & (rows["part"] == "test") & (rows["pair"] == "BB")]
    values = [r2_score(run["g"], run["predicted"]) for _, run in rows.groupby("seed")]
    metrics = extrapolation.metrics["mlp"]
    assert metrics["seeds"] == len(values) == 2
    assert metrics["r2"]["BB"] == pytest.approx(np.mean(values))
    assert metrics["r2_std"]["BB"] == pytest.approx(np.std(values, ddof=1))
    assert metrics["r2_std"]["BB"] > 0
    assert metrics["fit_cpu_seconds"] > 0


def test_metrics_go_into_json_with_the_agreed_keys(extrapolation):
    stored = json.loads(json.dumps(extrapolation.metrics, allow_nan=False))
    assert list(stored) == ["mlp", "xgboost", *BASELINES]
    for model in stored.values():
        assert set(model) == {
            "r2", "r2_std", "r2_T0.6", "r2_T0.6_std", "r2_T1.4", "r2_T1.4_std", "r2_train", "r2_train_std",
            "fit_cpu_seconds", "fit_cpu_seconds_std", "seeds",
        }  # fmt: skip
        assert set(model["r2"]) == set(model["r2_std"]) == {"all", "AA", "AB", "BB"}


def test_predictions_hold_every_point_of_every_run(small, extrapolation):
    table = extrapolation.predictions
    assert list(table) == [
        "state_id", "pair", "r", "g", "g_sem", "temperature", "part", "model", "seed", "predicted",
    ]  # fmt: skip
    assert len(table) == len(small.rdf) * 4 * 2
    counts = table.groupby(["model", "seed", "part"]).size()
    assert set(counts.xs("train", level="part")) == {len(small.rdf) * 3 // 5}
    test = table[table["part"] == "test"]
    assert set(test["temperature"]) == {0.6, 1.4}
    truth = table.merge(small.rdf, on=["state_id", "pair", "r"], suffixes=("", "_true"))
    assert len(truth) == len(table)
    assert (truth["g"] == truth["g_true"]).all()


def test_losses_have_one_row_an_epoch(extrapolation):
    losses = extrapolation.losses
    assert list(losses) == ["model", "split", "seed", "epoch", "loss"]
    counts = losses.groupby(["model", "seed"])["epoch"].agg(["min", "max", "size"])
    assert counts.loc["mlp"].to_numpy().tolist() == [[1, 3, 3]] * 2
    assert set(losses["model"]) == {"mlp", "xgboost"}
    assert set(losses["split"]) == {"extrapolation"}


def test_baselines_alone_have_no_losses(small):
    result = evaluate_extrapolation(small, BASELINES, 1)
    assert list(result.losses) == ["model", "split", "seed", "epoch", "loss"]
    assert result.losses.empty


def test_spread_of_a_single_seed_is_unknown(small):
    metrics = evaluate_extrapolation(small, ["mlp"], 1, epochs=1).metrics["mlp"]
    assert metrics["r2_std"] == dict.fromkeys(("all", "AA", "AB", "BB"))
    assert metrics["r2_T0.6_std"] is None


def test_progress_is_silent_unless_asked_for(small, capfd):
    evaluate_extrapolation(small, BASELINES[:1], 1)
    assert capfd.readouterr() == ("", "")
    evaluate_extrapolation(small, BASELINES[:1], 1, progress=True)
    assert "extrapolation: 100%" in capfd.readouterr().err


# -- interpolation -------------------------------------------------------------------------------------------


def test_interpolation_splits_rows_anew_for_each_seed(small):
    result = evaluate_interpolation(small, ["mlp"], 2, epochs=1)
    table = result.predictions
    assert len(table) == 2 * len(small.rdf)
    held_out = [
        set(run[run["part"] == "test"][["state_id", "pair", "r"]].itertuples(index=False, name=None))
        for _, run in table.groupby("seed")
    ]
    assert [len(rows) for rows in held_out] == [120, 120]
    assert held_out[0] != held_out[1]
    assert set(result.losses["split"]) == {"interpolation"}


def test_interpolation_hides_the_test_rows(small):
    """Numbers that follow no rule can be learned by heart but not guessed."""
    noise = np.random.default_rng(2).normal(size=len(small.rdf))
    result = evaluate_interpolation(Dataset(small.states, small.rdf.assign(g=noise), {}), ["xgboost"], 1)
    assert result.metrics["xgboost"]["r2_train"]["all"] > 0.5
    assert result.metrics["xgboost"]["r2"]["all"] < 0.1


# -- data size -----------------------------------------------------------------------------------------------


def test_whole_training_set_scores_as_the_extrapolation_does(small, extrapolation):
    scaling = data_size_scaling(small, ["mlp"], [90, 360], 2, epochs=3)
    assert [point["rows"] for point in scaling["mlp"]] == [90, 360]
    metrics, whole = extrapolation.metrics["mlp"], scaling["mlp"][-1]
    assert whole["r2_mean"] == pytest.approx(metrics["r2"]["all"], abs=1e-6)
    assert whole["r2_std"] == pytest.approx(metrics["r2_std"]["all"], abs=1e-6)
    assert scaling["mlp"][0]["r2_mean"] != pytest.approx(whole["r2_mean"], abs=1e-6)
    json.dumps(scaling, allow_nan=False)


def test_smaller_draws_are_parts_of_larger_ones(small):
    table = learning_table(small)
    draws = [set(draw_rows(table, rows, seed=7).index) for rows in (10, 100, 600)]
    assert draws[0] < draws[1] < draws[2]
    assert [len(draw) for draw in draws] == [10, 100, 600]
    assert draws[1] != set(draw_rows(table, 100, seed=8).index)


def test_second_run_gives_the_same_numbers(small):
    first, second = (data_size_scaling(small, ["mlp", "xgboost"], [120], 2, epochs=2) for _ in range(2))
    assert first == second


# -- sentences -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("experiment", [evaluate_extrapolation, evaluate_interpolation])
def test_bad_requests_are_refused_before_any_work(small, experiment, monkeypatch):
    monkeypatch.setattr(RowModel, "fit_rows", lambda *_: pytest.fail("a model was fitted first"))
    with pytest.raises(ValueError, match="seeds = 0: must be at least 1"):
        experiment(small, ["mlp"], 0)
    with pytest.raises(ValueError, match="'forest' is unknown"):
        experiment(small, ["mlp", "forest"], 1)
    with pytest.raises(ValueError, match="each named once"):
        experiment(small, ["mlp", "mlp"], 1)
    with pytest.raises(ValueError, match="epochs = 0: must be at least 1"):
        experiment(small, ["mlp"], 1, epochs=0)


def test_empty_splits_are_refused(small):
    with pytest.raises(ValueError, match=r"training split is empty: no state at T\* = \[0\.7\]"):
        evaluate_extrapolation(small, ["mlp"], 1, train=[0.7])
    with pytest.raises(ValueError, match="test_share = 1: must lie between 0 and 1"):
        evaluate_interpolation(small, ["mlp"], 1, test_share=1)


def test_baselines_cannot_learn_from_rows(small):
    with pytest.raises(ValueError, match="'nearest-temperature' needs whole curves, not rows"):
        evaluate_interpolation(small, BASELINES, 1)
    with pytest.raises(ValueError, match="'nearest-temperature' needs whole curves, not rows"):
        data_size_scaling(small, BASELINES, [100], 1)


@pytest.mark.parametrize(("sizes", "message"), [
    ([100, 361], "rows = 361: must lie between 1 and the 360 rows for training"),
    ([0], "rows = 0: must lie between 1 and the 360"),
    ([], "sizes is empty"),
])  # fmt: skip
def test_sizes_must_fit_the_training_rows(small, sizes, message):
    with pytest.raises(ValueError, match=message):
        data_size_scaling(small, ["mlp"], sizes, 1)
