"""Scores, and the three experiments that use them."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import r2_score

from ljmix.data.curves import curves_of
from ljmix.data.dataset import Dataset, learning_table, split_by_temperature
from ljmix.evaluation.run import evaluate, evaluate_interpolation
from ljmix.evaluation.scaling import (
    as_table,
    describe_jump,
    draw_rows,
    draw_training_states,
    scale_data,
    score_at_half,
)
from ljmix.models.base import RowModel
from ljmix.models.registry import make_model
from ljmix.scoring.scores import score_curves
from ljmix.scoring.tables import epoch_range, score_rows, score_table

BASELINES = ("nearest-temperature", "linear-in-temperature")


@pytest.fixture(scope="module")
def small(dataset):
    """Two compositions and every fifth bin: 10 states, 600 rows."""
    states = dataset.states[(dataset.states["fraction_b"] == 0.5) & (dataset.states["epsilon_ab"] == 0.2)]
    r = np.unique(dataset.rdf["r"])[::5]
    rdf = dataset.rdf[dataset.rdf["state_id"].isin(states["state_id"]) & dataset.rdf["r"].isin(r)]
    return Dataset(states.reset_index(drop=True), rdf.reset_index(drop=True), {})


# -- extrapolation -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def extrapolation(small):
    return evaluate(small, "extrapolation", ["mlp", "xgboost", *BASELINES], 2, epochs=3)


def test_baseline_metrics_are_those_of_their_curves(small, extrapolation):
    train, test = split_by_temperature(small)
    _, g = train.curve_array()
    copied = np.stack([
        g[
            np.isclose(train.states["temperature"], 0.8 if state.temperature < 1 else 1.2)
            & (train.states["size_ratio"] == state.size_ratio)
        ][0]
        for state in test.states.itertuples()
    ])  # fmt: skip
    expected, found = score_curves(curves_of(test), copied), extrapolation.metrics["nearest-temperature"]
    assert found["r2"] == pytest.approx(expected["r2"])
    assert found["r2_T0.6"] == pytest.approx(expected["r2_T0.6"])
    assert found["r2_T1.4"] == pytest.approx(expected["r2_T1.4"])
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
    for name, model in stored.items():
        assert {
            "r2", "r2_std", "r2_T0.6", "r2_T0.6_std", "r2_T1.4", "r2_T1.4_std", "r2_phase", "r2_converged",
            "r2_mixed_converged", "error_in_sem", "fit_cpu_seconds", "fit_cpu_seconds_std", "seeds", "answered",
        } <= set(model)  # fmt: skip
        assert ("r2_train" in model) == (name in ("mlp", "xgboost"))
        assert set(model["r2"]) == set(model["r2_std"]) == {"all", "AA", "AB", "BB"}


def test_predictions_hold_every_point_of_every_run(small, extrapolation):
    """Baselines draw nothing and run once; training points are kept of row-wise models."""
    table = extrapolation.predictions
    assert list(table) == [
        "state_id", "pair", "r", "g", "g_sem", "temperature", "part", "model", "seed", "predicted", "spread",
        "source",
    ]  # fmt: skip
    assert table["source"].isna().all()
    counts = table.groupby(["part", "model"], observed=True)["seed"].agg(["size", "nunique"])
    n = len(small.rdf) // 5
    assert counts.loc["test"].loc["mlp"].tolist() == [2 * 2 * n, 2]
    assert counts.loc["test"].loc["nearest-temperature"].tolist() == [2 * n, 1]
    assert counts.loc["train"].index.tolist() == ["mlp", "xgboost"]
    assert set(counts.loc["train"]["size"]) == {2 * 3 * n}
    test = table[table["part"] == "test"]
    assert set(test["temperature"]) == {0.6, 1.4}
    truth = table.merge(small.rdf, on=["state_id", "pair", "r"], suffixes=("", "_true"))
    assert len(truth) == len(table)
    assert (truth["g"] == truth["g_true"]).all()


def test_a_model_that_falls_back_says_where(small):
    """Theory-guided predicts from data where Percus-Yevick has no solution; both kinds are among these states."""
    result = evaluate(small, "extrapolation", ["theory-difference", "theory-guided"], 1)
    of_state = result.predictions.groupby(["model", "state_id"], observed=True)
    solved = of_state["predicted"].apply(lambda g: g.notna().all())["theory-difference"]
    source = of_state["source"].agg(["nunique", "first"]).loc["theory-guided"]
    assert set(source["nunique"]) == {1}
    assert set(source["first"]) == {"theory", "data"}
    assert ((source["first"] == "theory") == solved).all()


def test_a_theory_without_answer_is_recorded(small):
    """At ε_AB = 0.2 most of these states have no solution: scored on the others, and said."""
    result = evaluate(small, "extrapolation", ["percus-yevick"], 1)
    answered = result.predictions.groupby("state_id", observed=True)["predicted"].apply(lambda g: g.notna().all())
    assert result.metrics["percus-yevick"]["answered"] == pytest.approx(answered.mean())
    assert answered.mean() < 1


def test_folds_of_a_task_are_scored_together(small):
    result = evaluate(small, "unseen-size-ratio", ["xgboost"], 1)
    assert len(result.predictions) == len(small.rdf)
    assert result.metrics["xgboost"]["r2"]["all"] == pytest.approx(
        score_rows(result.predictions)["r2"]["all"], abs=1e-5
    )


def test_spread_goes_into_the_predictions(small):
    result = evaluate(small, "extrapolation", ["gaussian-process"], 2)
    assert (result.predictions["spread"] > 0).any()
    metrics = result.metrics["gaussian-process"]
    assert (metrics["seeds"], metrics["r2_std"]["all"]) == (2, 0.0)


def test_models_fitted_side_by_side_are_those_fitted_alone(small):
    """The first seed's are kept, to be filed."""
    train, test = split_by_temperature(small)
    r, _ = test.curve_array()
    fitted = evaluate(small, "extrapolation", ["xgboost", "gaussian-process"], 2, workers=2).models
    assert list(fitted) == ["xgboost", "gaussian-process"]
    for name, model in fitted.items():
        alone = make_model(name, 0).fit(train)
        np.testing.assert_array_equal(model.predict(test.states, r), alone.predict(test.states, r))


def test_table_has_the_best_first_and_the_ceilings_last(extrapolation):
    table = score_table(extrapolation.metrics, extrapolation.ceiling)
    assert table.index[-2:].tolist() == ["truth", "replicate"]
    assert table["all"].iloc[:-2].is_monotonic_decreasing
    assert table.loc["mlp", "BB"] == extrapolation.metrics["mlp"]["r2"]["BB"]
    spread = score_table(extrapolation.metrics, spread=True)
    assert spread.loc["mlp", "T0.6"] == extrapolation.metrics["mlp"]["r2_T0.6_std"]


def test_losses_have_one_row_an_epoch(extrapolation):
    losses = extrapolation.losses
    assert list(losses) == ["model", "split", "seed", "epoch", "loss"]
    counts = losses.groupby(["model", "seed"])["epoch"].agg(["min", "max", "size"])
    assert counts.loc["mlp"].to_numpy().tolist() == [[1, 3, 3]] * 2
    assert set(losses["model"]) == {"mlp", "xgboost"}
    assert set(losses["split"]) == {"extrapolation"}


def test_baselines_alone_have_no_losses(small):
    result = evaluate(small, "extrapolation", BASELINES, 1)
    assert list(result.losses) == ["model", "split", "seed", "epoch", "loss"]
    assert result.losses.empty


def test_spread_of_a_single_seed_is_unknown(small):
    metrics = evaluate(small, "extrapolation", ["mlp"], 1, epochs=1).metrics["mlp"]
    assert metrics["r2_std"] == dict.fromkeys(("all", "AA", "AB", "BB"))
    assert metrics["r2_T0.6_std"] is None


def test_progress_is_silent_unless_asked_for(small, capfd):
    evaluate(small, "extrapolation", BASELINES[:1], 1)
    assert capfd.readouterr() == ("", "")
    evaluate(small, "extrapolation", BASELINES[:1], 1, progress=True)
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
    scaling = scale_data(small, 2, rows=(["mlp"], [90, 360]), epochs=3).rows
    assert [point["rows"] for point in scaling["mlp"]] == [90, 360]
    metrics, whole = extrapolation.metrics["mlp"], scaling["mlp"][-1]
    assert whole["r2_mean"] == pytest.approx(metrics["r2"]["all"], abs=1e-6)
    assert whole["r2_std"] == pytest.approx(metrics["r2_std"]["all"], abs=1e-6)
    assert scaling["mlp"][0]["r2_mean"] != pytest.approx(whole["r2_mean"], abs=1e-6)
    assert whole["r2_low"] < whole["r2_median"] < whole["r2_high"]
    assert whole["r2_median"] == pytest.approx(whole["r2_mean"]), "as it is for two seeds"
    json.dumps(scaling, allow_nan=False)


def test_smaller_draws_are_parts_of_larger_ones(small):
    table = learning_table(small)
    draws = [set(draw_rows(table, rows, seed=7).index) for rows in (10, 100, 600)]
    assert draws[0] < draws[1] < draws[2]
    assert [len(draw) for draw in draws] == [10, 100, 600]
    assert draws[1] != set(draw_rows(table, 100, seed=8).index)


def test_second_run_gives_the_same_numbers(small):
    first, second = (scale_data(small, 2, rows=(["mlp", "xgboost"], [120]), epochs=2).rows for _ in range(2))
    assert first == second


# -- sentences -----------------------------------------------------------------------------------------------


def extrapolate(dataset, names, seeds, **options):
    return evaluate(dataset, "extrapolation", names, seeds, **options)


@pytest.mark.parametrize("experiment", [extrapolate, evaluate_interpolation])
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
    warm = small.select(~np.isclose(small.states["temperature"], 0.6) & ~np.isclose(small.states["temperature"], 1.4))
    with pytest.raises(ValueError, match=r"task extrapolation: no state at T\* = 0\.6 or 1\.4; there are 0\.8"):
        evaluate(warm, "extrapolation", ["mlp"], 1)
    with pytest.raises(ValueError, match="test_share = 1: must lie between 0 and 1"):
        evaluate_interpolation(small, ["mlp"], 1, test_share=1)


def test_baselines_cannot_learn_from_rows(small):
    with pytest.raises(ValueError, match="'nearest-temperature' needs whole curves, not rows"):
        evaluate_interpolation(small, BASELINES, 1)
    with pytest.raises(ValueError, match="'nearest-temperature' needs whole curves, not rows"):
        scale_data(small, 1, rows=(BASELINES, [100]))


@pytest.mark.parametrize(("sizes", "message"), [
    ([100, 361], "rows = 361: must lie between 1 and the 360 rows for training"),
    ([0], "rows = 0: must lie between 1 and the 360"),
    ([], "sizes is empty"),
])  # fmt: skip
def test_sizes_must_fit_the_training_rows(small, sizes, message):
    with pytest.raises(ValueError, match=message):
        scale_data(small, 1, rows=(["mlp"], sizes))


# -- states --------------------------------------------------------------------------------------------------


def test_states_are_drawn_by_composition(dataset):
    train, _ = split_by_temperature(dataset)
    draws = [set(draw_training_states(train, n, seed=2).states["state_id"]) for n in (3, 7, 24)]
    assert [len(draw) for draw in draws] == [3, 7, 24]
    assert draws[0] < draws[1] < draws[2]
    assert draw_training_states(train, 3, seed=2).states["temperature"].tolist() == [0.8, 1.0, 1.2]
    with pytest.raises(ValueError, match="states = 25: must lie between 1 and the 24 for training"):
        draw_training_states(train, 25, seed=0)


def test_more_states_help(dataset):
    found = scale_data(dataset, 2, states=(["gaussian-process"], [3, 24])).states["gaussian-process"]
    assert [point["states"] for point in found] == [3, 24]
    assert found[1]["r2_mean"] > found[0]["r2_mean"]
    assert found[1]["r2_std"] == pytest.approx(0, abs=1e-12)  # all states, and nothing drawn


def test_a_jump_is_called_one():
    rows = [10_000, 50_000, 90_000]
    jump = [{"rows": n, "r2_median": r2} for n, r2 in zip(rows, (0.05, 0.1, 0.9), strict=True)]
    slope = [{"rows": n, "r2_median": r2} for n, r2 in zip(rows, (0.80, 0.88, 0.9), strict=True)]
    assert "paper jumps: its steepest rise is from 0.10 at 50000 rows to 0.90 at 90000" in describe_jump(jump, "paper")
    assert "at five ninths of all rows, where the paper has 0.1, it scores 0.10" in describe_jump(jump, "paper")
    assert score_at_half(jump) == pytest.approx(0.1)
    assert "ours does not jump as in the paper" in describe_jump(slope, "ours")
    rows = [500, 1050, 2200, 4600, 9700, 20_300, 46_500, 90_000]
    late = [
        {"rows": n, "r2_median": r2} for n, r2 in zip(rows, (-0.9, 0.05, 0.07, 0.08, 0.09, 0.1, 0.12, 0.9), strict=True)
    ]
    assert "late jumps: its steepest rise is from 0.12 at 46500 rows to 0.90 at 90000" in describe_jump(late, "late")
    early = [*late[:-1], {"rows": 90_000, "r2_median": 0.2}]
    assert "early does not jump as in the paper: its steepest rise is from -0.90 at 500" in describe_jump(
        early, "early"
    )
    with pytest.raises(ValueError, match="a jump needs two sizes at least; there is 1"):
        describe_jump(slope[:1], "ours")


def test_epochs_are_counted_by_seed():
    losses = pd.DataFrame({"model": ["mlp"] * 5 + ["xgboost"], "seed": [0, 0, 1, 1, 1, 0], "epoch": [1, 2, 1, 2, 3, 9]})
    assert epoch_range(losses) == [2, 3]
    with pytest.raises(ValueError, match="no row of model 'forest'"):
        epoch_range(losses, "forest")


def test_one_curve_is_predicted_from_few_rows_and_from_many(small):
    state_id = small.states.loc[small.states["temperature"] == 0.6, "state_id"].iloc[0]
    found = scale_data(small, 2, rows=(["xgboost"], [20, 70, 150]), curve=(state_id, "BB", ("xgboost",))).curve
    assert found["rows"].value_counts().tolist() == [small.rdf["r"].nunique()] * 2
    error = (found["predicted"] - found["g"]).abs().groupby(found["rows"]).mean()
    assert error[150] < error[20]
    with pytest.raises(ValueError, match="state 'nowhere', pair 'BB': not among the states at the test temperatures"):
        scale_data(small, 1, rows=(["xgboost"], [20]), curve=("nowhere", "BB", ("xgboost",)))


def test_all_rows_and_all_states_are_learned_once(small, monkeypatch):
    train, _ = split_by_temperature(small)
    fitted = []
    fit_rows = RowModel.fit_rows
    monkeypatch.setattr(RowModel, "fit_rows", lambda self, table: fitted.append(len(table)) or fit_rows(self, table))
    asked = {"rows": (["xgboost"], [90, 360]), "states": (["xgboost"], [3, len(train.states)])}
    together = scale_data(small, 1, **asked)
    assert sorted(fitted) == [90, 180, 360]
    for by, (names, sizes) in asked.items():
        assert getattr(scale_data(small, 1, **{by: (names, sizes)}), by) == getattr(together, by)


def test_points_of_all_models_make_one_table():
    table = as_table({"mlp": [{"rows": 10, "r2_median": 0.1}], "xgboost": [{"rows": 10, "r2_median": 0.2}]})
    assert table["model"].tolist() == ["mlp", "xgboost"]
    assert table["r2_median"].tolist() == [0.1, 0.2]
