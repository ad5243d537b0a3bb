import numpy as np
import pandas as pd
import pytest
import xgboost

from ljmix.data.dataset import FEATURES, learning_table
from ljmix.explanation.attribution import (
    PLAYERS,
    Attribution,
    explain_predictor,
    explain_trees,
    from_players,
    row_attributions,
    sample_rows,
    to_players,
)

N_TREES = 20


@pytest.fixture(scope="module")
def table(dataset):
    return learning_table(dataset)


@pytest.fixture(scope="module")
def trees(table):
    model = xgboost.XGBRegressor(n_estimators=N_TREES, max_depth=4, n_jobs=1, random_state=0)
    return model.fit(table[list(FEATURES)].to_numpy(), table["g"].to_numpy())


def predict_smooth(table: pd.DataFrame) -> np.ndarray:
    """A model in which inputs interact, so that credit has to be shared."""
    return (table["has_a"] * table["r"] / table["temperature"] + table["fraction_b"] ** 2).to_numpy()


def additivity_error(attribution: Attribution) -> np.ndarray:
    return attribution.base + attribution.contributions.sum(axis=1) - attribution.predicted


def mean_size(attribution: Attribution) -> pd.Series:
    return pd.Series(np.abs(attribution.contributions).mean(axis=0), index=list(attribution.features))


def single_precision(attribution: Attribution) -> float:
    """Rounding of a sum over the trees in single precision, as XGBoost adds them."""
    return float(N_TREES * np.finfo(np.float32).eps * np.abs(attribution.predicted).max())


def test_trees_add_up_to_the_prediction(trees, table):
    attribution = explain_trees(trees, table, seed=1, n_rows=30, n_background=10)
    np.testing.assert_allclose(additivity_error(attribution), 0, atol=single_precision(attribution))


def test_any_model_adds_up_to_its_prediction(table):
    attribution = explain_predictor(predict_smooth, table, seed=1, n_rows=10, n_background=10)
    scale = np.abs(attribution.predicted).max()
    # 2^7 coalitions of order `scale` are added in double precision.
    np.testing.assert_allclose(additivity_error(attribution), 0, atol=128 * np.finfo(float).eps * scale)


def test_both_explainers_agree_on_one_model(trees, table):
    walked = explain_trees(trees, table, seed=3, n_rows=8, n_background=10)
    asked = explain_predictor(lambda rows: trees.predict(rows.to_numpy()), table, seed=3, n_rows=8, n_background=10)
    pd.testing.assert_frame_equal(walked.rows, asked.rows)
    assert walked.base == pytest.approx(asked.base, abs=single_precision(walked))
    np.testing.assert_allclose(walked.contributions, asked.contributions, atol=4 * single_precision(walked))


@pytest.mark.parametrize("feature", ["size_ratio", "has_b"])
def test_a_model_of_one_feature_credits_it_alone(table, feature):
    attribution = explain_predictor(
        lambda rows: 3 * rows[feature].to_numpy() + 1, table, seed=2, n_rows=12, n_background=8
    )
    size = mean_size(attribution)
    assert size[feature] > 0.1
    assert size.drop(feature).max() < 128 * np.finfo(float).eps
    # For a linear model the value is the slope times the distance from the background's mean.
    expected = 3 * attribution.rows[feature] + 1 - attribution.base
    np.testing.assert_allclose(attribution.contributions[:, FEATURES.index(feature)], expected, atol=1e-13)


def test_trees_of_one_feature_credit_it_alone(table):
    model = xgboost.XGBRegressor(n_estimators=N_TREES, max_depth=2, n_jobs=1)
    model.fit(table[list(FEATURES)].to_numpy(), table["epsilon_ab"].to_numpy())
    size = mean_size(explain_trees(model, table, seed=0, n_rows=20, n_background=10))
    assert size.idxmax() == "epsilon_ab"
    assert (size.drop("epsilon_ab") == 0).all()


def test_seeds_decide_the_rows(table):
    pd.testing.assert_frame_equal(sample_rows(table, 5, seed=4), sample_rows(table, 5, seed=4))
    assert not sample_rows(table, 5, seed=4).equals(sample_rows(table, 5, seed=5))
    assert len(sample_rows(table.head(3), 10, seed=0)) == 3


def test_players_and_labels_say_the_same(table):
    players = to_players(table)
    assert list(players.columns) == list(PLAYERS)
    assert (players["pair"] == table["pair"].map({"AA": 0, "AB": 1, "BB": 2})).all()
    pd.testing.assert_frame_equal(from_players(players), table[list(FEATURES)])


def test_a_pair_as_one_player_is_never_no_pair(table):
    asked = []

    def predict(rows: pd.DataFrame) -> np.ndarray:
        asked.append(((rows["has_a"] == 0) & (rows["has_b"] == 0)).any())
        return predict_smooth(rows)

    together = explain_predictor(predict, table, seed=1, n_rows=10, n_background=10, features=PLAYERS)
    assert not any(asked)
    assert together.features == PLAYERS
    np.testing.assert_allclose(additivity_error(together), 0, atol=1e-13)
    explain_predictor(predict, table, seed=1, n_rows=10, n_background=10)
    assert any(asked), "two labels ask for (0, 0), which is what the one player avoids"
    with pytest.raises(ValueError, match="must be FEATURES or PLAYERS"):
        explain_predictor(predict, table, seed=1, features=("r",))


def test_rows_are_tidy(table):
    attribution = explain_predictor(predict_smooth, table, seed=1, n_rows=4, n_background=5)
    tidy = row_attributions(attribution, "smooth")
    assert list(tidy.columns) == ["model", "row", "feature", "shap", "r", "state_id", "pair"]
    assert len(tidy) == 4 * 7
    line = tidy[(tidy["row"] == 2) & (tidy["feature"] == "r")].iloc[0]
    assert line["r"] == attribution.rows["r"].iloc[2]
    assert line["shap"] == attribution.contributions[2, FEATURES.index("r")]


def test_clear_errors(trees, table):
    with pytest.raises(ValueError, match="lacks column 'has_a'"):
        explain_predictor(predict_smooth, table.drop(columns="has_a"), seed=0)
    with pytest.raises(ValueError, match="n_rows = 0"):
        sample_rows(table, 0, seed=0)
    with pytest.raises(ValueError, match="table is empty"):
        sample_rows(table.head(0), 5, seed=0)
    narrow = xgboost.XGBRegressor(n_estimators=1).fit(np.eye(3), np.arange(3.0))
    with pytest.raises(ValueError, match="has 3 inputs"):
        explain_trees(narrow, table, seed=0)
