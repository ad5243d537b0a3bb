"""Predictions that are shipped: what figures show, from a run's tables, and found where no run is."""

import numpy as np
import pandas as pd
import pytest

from ljmix.data.dataset import write_table
from ljmix.report import published
from ljmix.report.metrics import read_metrics, update_metrics
from ljmix.simulation.profiles import load_profile

SMOKE = load_profile("smoke")


@pytest.fixture
def results(tmp_path):
    """Tables as the notebooks leave them."""
    rng = np.random.default_rng(0)
    models = [*published.DRAWN, "gaussian-process"]
    predictions = pd.DataFrame(
        {
            "state_id": "a", "pair": "BB", "r": np.tile(np.arange(50) / 10, len(models)), "g": 1.0,
            "model": pd.Categorical(np.repeat(models, 50)), "predicted": rng.normal(1, 1, 50 * len(models)),
            "spread": np.nan,
        }
    )  # fmt: skip
    for name in published._TABLES:
        table = predictions if name.startswith("predictions") else pd.DataFrame({"model": ["mlp"], "rows": [5]})
        write_table(table, tmp_path / "run" / f"{name}.parquet", {"seeds": 3})
    update_metrics(tmp_path / "run" / "metrics.json", {"extrapolation": {"mlp": {"r2": {"all": 0.5}}}}, {})
    return tmp_path / "run"


def test_shipped_predictions_are_those_of_the_figures(results, tmp_path):
    published.publish_predictions(results, tmp_path / "shipped")
    before, after = (pd.read_parquet(d / "predictions-extrapolation.parquet") for d in (results, tmp_path / "shipped"))
    assert set(after["model"]) == set(published.DRAWN)
    kept = before[before["model"].isin(published.DRAWN)].sort_values("r", kind="stable")
    np.testing.assert_allclose(after["predicted"], kept["predicted"], atol=0.51e-4)
    scaling = [pd.read_parquet(folder / "scaling.parquet") for folder in (results, tmp_path / "shipped")]
    assert scaling[0].equals(scaling[1])
    assert read_metrics(tmp_path / "shipped" / "metrics.json") == read_metrics(results / "metrics.json")


def test_own_predictions_come_before_shipped_ones(results, tmp_path, monkeypatch):
    monkeypatch.setattr(published, "shipped_directory", lambda profile: tmp_path / "data")
    with pytest.raises(FileNotFoundError, match="holds no predictions, and the repository ships none"):
        published.find_predictions(SMOKE, tmp_path / "none")
    shipped = tmp_path / "data" / "predictions"
    published.publish_predictions(results, shipped)
    assert published.find_predictions(SMOKE, tmp_path / "none") == shipped
    assert published.find_predictions(SMOKE, results) == results


@pytest.mark.parametrize("name", ["losses.parquet", "metrics.json"])
def test_a_missing_table_is_named_before_anything_is_written(results, tmp_path, name):
    (results / name).unlink()
    with pytest.raises(FileNotFoundError, match=f"{name} does not exist; 03-extrapolate and 04-data-scaling"):
        published.publish_predictions(results, tmp_path / "shipped")
    assert not (tmp_path / "shipped").exists()
