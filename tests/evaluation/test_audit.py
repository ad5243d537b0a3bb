"""The audit's lines on small data: against the scores of the benchmark, and known differences between starts."""

import numpy as np
import pandas as pd
import pytest

from ljmix.data.curves import curves_of
from ljmix.data.dataset import Dataset, learning_table, split_by_temperature
from ljmix.evaluation import audit, plateau, starts
from ljmix.evaluation.run import evaluate
from ljmix.evaluation.starts import with_start
from ljmix.models.registry import make_model
from ljmix.scoring.scores import score_curves


@pytest.fixture(scope="module")
def two_starts(dataset):
    """Every second state from the random start, others from the separated one, which is 0.5 higher."""
    random = np.arange(len(dataset.states)) % 2 == 0
    states = dataset.states.assign(
        starts=np.where(random, "random", "separated"), starts_agree=random, settled=True, converged=random
    )
    return Dataset(states, dataset.rdf.assign(g_starts=0.5), {})


def test_lines_are_the_benchmarks_scores(two_starts):
    names = ["nearest-temperature", "xgboost"]
    run = evaluate(two_starts, "extrapolation", names, 1)
    table = audit.audit(two_starts, run.predictions, names, draws=200).set_index(["question", "model"])
    for name in names:
        line = table.loc[("all test states", name)]
        assert line["r2"] == pytest.approx(run.metrics[name]["r2"]["all"], abs=1e-6)
        assert line["r2_low"] < line["r2"] < line["r2_high"]
        assert line["median_low"] <= line["median_error"] <= line["median_high"]
        assert table.loc[("starts agree", name), "r2"] == pytest.approx(
            run.metrics[name]["r2_starts_agree"]["yes"], abs=1e-6
        )
    trained = table.loc[("on its training rows, seed 0", "xgboost"), "r2"]
    assert trained == pytest.approx(run.metrics["xgboost"]["r2_train"]["all"], abs=1e-6)
    other = table.xs("the other start, where two disagree; elsewhere a repetition", level="question")["r2"].iloc[0]
    assert other == pytest.approx(run.ceiling["replicate"]["r2"]["all"], abs=1e-6)
    with pytest.raises(ValueError, match="'mlp' is not among the predictions: nearest-temperature, xgboost"):
        audit.audit(two_starts, run.predictions, ["mlp"])


def test_a_start_everywhere_moves_the_other_states_only(two_starts):
    _, g = two_starts.curve_array()
    random = (two_starts.states["starts"] == "random").to_numpy()[:, None, None]
    np.testing.assert_allclose(with_start(two_starts, "random").curve_array()[1], g - 0.5 * ~random)
    np.testing.assert_allclose(with_start(two_starts, "separated").curve_array()[1], g + 0.5 * random)
    both = Dataset(two_starts.states.assign(starts="random+separated"), two_starts.rdf, {})
    np.testing.assert_allclose(with_start(both, "separated").curve_array()[1], g + 0.25)
    with pytest.raises(ValueError, match="start = 'stable' is unknown; choose one of random, separated"):
        with_start(two_starts, "stable")
    with pytest.raises(ValueError, match="g_starts of rdf and starts of states are needed"):
        with_start(Dataset(two_starts.states, two_starts.rdf.drop(columns="g_starts"), {}), "random")


def test_runs_of_version_2_take_their_places(two_starts):
    """In their own order; a state without such a run keeps its curve."""
    few = two_starts.rdf[two_starts.rdf["state_id"].isin(two_starts.states["state_id"][:3])]
    runs = few[["state_id", "pair", "r"]].assign(start="separated", g=7.0, g_sem=np.nan, counted=False)
    moved = with_start(two_starts, "separated", runs.sample(frac=1, random_state=0))
    _, g = two_starts.curve_array()
    np.testing.assert_array_equal(moved.curve_array()[1][:3], 7.0)
    np.testing.assert_array_equal(moved.curve_array()[1][3:], g[3:])
    np.testing.assert_array_equal(moved.curve_array("g_sem")[1], two_starts.curve_array("g_sem")[1])
    with pytest.raises(ValueError, match="start = 'random' is unknown; choose one of separated"):
        with_start(two_starts, "random", runs)


def test_runs_of_a_side_are_those_that_tell_most(two_starts):
    """Of two liquids the one that began with wrong compositions, or the stable shape; of one liquid the random one."""
    names = two_starts.states["state_id"].tolist()
    dataset = Dataset(two_starts.states.assign(phase=["demixed", *["mixed"] * (len(names) - 1)]), two_starts.rdf, {})
    begun = {"random": 1.0, "separated": 2.0, "exchanged": 3.0, "stable": 4.0}
    keys = dataset.rdf[dataset.rdf["state_id"].isin(names[:2])][["state_id", "pair", "r"]]
    runs = pd.concat(keys.assign(start=start, g=g, g_sem=0.5, counted=True) for start, g in begun.items())
    runs = runs.astype({"start": "category"})[~((runs["start"] == "stable") & (runs["state_id"] == names[1]))]
    for side, expected in (("mixed side", (3.0, 1.0)), ("separated side", (4.0, 2.0))):
        moved = with_start(dataset, side, runs).curve_array()[1]
        np.testing.assert_array_equal(moved[0], expected[0])
        np.testing.assert_array_equal(moved[1], expected[1])
        np.testing.assert_array_equal(moved[2:], dataset.curve_array()[1][2:])
    lines = audit.audit_starts(dataset, ["nearest-temperature"], runs)
    assert lines["question"].tolist() == ["the mixed side everywhere", "the separated side everywhere"]


def test_how_sides_differ_is_told_where_it_was_not(two_starts):
    """A state that disagrees is otherwise as well known as its error bars say."""
    unknown = two_starts.rdf.assign(
        g_starts=two_starts.rdf["g_starts"].where(two_starts.rdf["state_id"] != two_starts.states["state_id"][1])
    )
    dataset = Dataset(two_starts.states, unknown, {})
    keys = unknown[unknown["state_id"] == two_starts.states["state_id"][1]][["state_id", "pair", "r"]]
    runs = pd.concat(
        keys.assign(start=s, g=g, g_sem=0.1, counted=True) for s, g in (("random", 1.0), ("separated", 3.0))
    )
    filled = starts.fill_differences(dataset, runs).curve_array("g_starts")[1]
    np.testing.assert_allclose(filled[1], 2.0)
    np.testing.assert_allclose(np.delete(filled, 1, axis=0), 0.5)
    assert np.isnan(curves_of(dataset).starts[1]).all()


def test_both_starts_are_scored_side_by_side(two_starts):
    table = audit.audit_starts(two_starts, ["nearest-temperature"])
    train, test = split_by_temperature(with_start(two_starts, "separated"))
    truth = curves_of(test)
    guess = make_model("nearest-temperature").fit(train).predict(test.states, truth.r)
    row = table[table["question"] == "the separated start everywhere"].iloc[0]
    assert row["r2"] == pytest.approx(score_curves(truth, guess)["r2"]["all"])
    assert len(table) == 2


def test_training_followed_is_training_as_ever(dataset):
    train, _ = split_by_temperature(dataset)
    rows = pd.DataFrame(plateau.follow_training(train, [4, 12, 15], batch=300, seed=1))
    assert list(rows.columns) == plateau.COLUMNS
    model = make_model("mlp", 1, epochs=15, patience=15)
    model.batch = 300
    table = curves_of(train)
    guess = model.fit(train).predict(train.states, table.r)
    assert rows["r2_train"].iloc[-1] == pytest.approx(score_curves(table, guess)["r2"]["all"])
    assert rows["epochs"].tolist() == [10, 12, 15], "three starts run for ten epochs before one is chosen"
    steps = -(-len(learning_table(train)) // 300)
    assert rows["steps"].tolist() == [10 * steps, 12 * steps, 15 * steps]
    for epochs in ([], [0, 1], [3, 2]):
        with pytest.raises(ValueError, match="must be ascending numbers of at least 1"):
            list(plateau.follow_training(train, epochs))
