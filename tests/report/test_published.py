"""Predictions that are shipped: what figures show, from a run's tables, and found where no run is."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image

from ljmix._util.reading import read_json
from ljmix.data.dataset import write_dataset, write_table
from ljmix.data.identity import describe_identity, identify, require_same_data
from ljmix.data.reference import find_dataset, load_reference
from ljmix.plotting.style import save_figure
from ljmix.report import published
from ljmix.report.metrics import read_metrics, update_metrics
from ljmix.simulation.profiles import load_profile

ROOT = Path(__file__).parents[2]
SMOKE = load_profile("smoke")


@pytest.fixture
def results(tmp_path, dataset):
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
    for name in (*published._TABLES, *published._FITS):
        table = predictions if name.startswith("predictions") else pd.DataFrame({"model": ["mlp"], "rows": [5]})
        write_table(table, tmp_path / "run" / f"{name}.parquet", {"dataset": identify(dataset)})
    update_metrics(
        tmp_path / "run" / "metrics.json",
        {"extrapolation": {"mlp": {"r2": {"all": 0.5}}}},
        {"dataset": identify(dataset)},
    )
    return tmp_path / "run"


def test_shipped_predictions_are_those_of_the_figures(results, tmp_path, dataset):
    published.publish_predictions(results, tmp_path / "shipped", dataset)
    before, after = (pd.read_parquet(d / "predictions-extrapolation.parquet") for d in (results, tmp_path / "shipped"))
    assert set(after["model"]) == set(published.DRAWN)
    kept = before[before["model"].isin(published.DRAWN)].sort_values("r", kind="stable")
    np.testing.assert_allclose(after["predicted"], kept["predicted"], atol=0.51e-4)
    scaling = [pd.read_parquet(folder / "scaling.parquet") for folder in (results, tmp_path / "shipped")]
    assert scaling[0].equals(scaling[1])
    for name in published._FITS:
        assert (tmp_path / "shipped" / f"{name}.parquet").is_file()
    assert read_metrics(tmp_path / "shipped" / "metrics.json") == read_metrics(results / "metrics.json")


def test_own_predictions_come_before_shipped_ones(results, tmp_path, dataset, monkeypatch):
    monkeypatch.setattr(published, "shipped_directory", lambda profile: tmp_path / "data")
    with pytest.raises(FileNotFoundError, match="holds no predictions, and the repository ships none"):
        published.find_predictions(SMOKE, tmp_path / "none", dataset)
    shipped = tmp_path / "data" / "predictions"
    published.publish_predictions(results, shipped, dataset)
    assert published.find_predictions(SMOKE, tmp_path / "none", dataset) == shipped
    assert published.find_predictions(SMOKE, results, dataset) == results


@pytest.mark.parametrize("name", ["losses.parquet", "networks.parquet", "metrics.json"])
def test_a_missing_table_is_named_before_anything_is_written(results, tmp_path, dataset, name):
    (results / name).unlink()
    with pytest.raises(FileNotFoundError, match=f"{name} does not exist; 03-extrapolate and 04-data-scaling"):
        published.publish_predictions(results, tmp_path / "shipped", dataset)
    assert not (tmp_path / "shipped").exists()


def test_predictions_of_another_dataset_are_not_drawn(results, dataset, tmp_path):
    """A table, or the metrics beside it: one sentence with the way out, and no figure."""
    other = dataset.select(dataset.states["size_ratio"] == 0.5)
    with pytest.raises(ValueError, match=r"was made from another dataset \(profile synthetic, SHA-256 .*run 03"):
        published.find_predictions(SMOKE, results, other)
    with pytest.raises(ValueError, match="was made from another dataset"):
        published.publish_predictions(results, tmp_path / "shipped", other)
    assert not (tmp_path / "shipped").exists()
    record = {"scaling": {"mlp": [1]}}
    update_metrics(results / "metrics.json", record, {"dataset": identify(other)})
    with pytest.raises(ValueError, match=r"metrics\.json, scaling was made from another dataset"):
        published.find_predictions(SMOKE, results, dataset)
    write_table(pd.DataFrame({"model": ["mlp"]}), results / "losses.parquet", {})
    with pytest.raises(ValueError, match=r"losses\.parquet was made from another dataset \(it does not say which\)"):
        published.find_predictions(SMOKE, results, dataset)


def test_a_results_folder_holds_one_profile(dataset, tmp_path):
    write_dataset(dataset, tmp_path)
    with pytest.raises(ValueError, match="holds the dataset of profile synthetic, not of smoke; give that profile, or"):
        find_dataset(SMOKE, tmp_path)
    update_metrics(tmp_path / "metrics.json", {"a": {}}, {"profile": "smoke"})
    before = (tmp_path / "metrics.json").read_bytes()
    with pytest.raises(ValueError, match="holds numbers of profile smoke, these are of quick; give another results"):
        update_metrics(tmp_path / "metrics.json", {"b": {}}, {"profile": "quick"})
    assert (tmp_path / "metrics.json").read_bytes() == before


def test_what_is_shipped_comes_from_one_dataset():
    """Tables to draw from, and the model, name the shipped dataset."""
    reference, profile = load_reference(), load_profile("reference")
    folder = published.find_predictions(profile, ROOT / "nowhere", reference)
    assert folder == ROOT / "data" / "reference" / "predictions"
    description = read_json(ROOT / "data" / "models" / "gaussian-process" / "model.json")
    assert description["data_sha256"] == identify(reference)["sha256"]
    assert description["provenance"]["profile"] == identify(reference)["profile"]


def test_figures_name_their_dataset(dataset, tmp_path):
    figure = Figure()
    png, svg = save_figure(figure, tmp_path, "one", describe_identity(dataset))
    with Image.open(png) as picture:
        assert picture.text["Description"] == describe_identity(dataset)
    assert identify(dataset)["sha256"] in svg.read_text()
    require_same_data(dataset, {"dataset": identify(dataset)}, "it", "")


# Drawn from tables of their own: data/validation, data/potentials, data/functional.
OTHERS = ("validation", "learned", "functional")
OURS = [path for path in sorted((ROOT / "figures").glob("*.svg")) if not path.stem.startswith(OTHERS)]


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.stem)
def test_published_figures_name_the_shipped_dataset(path):
    with Image.open(path.with_suffix(".png")) as picture:
        assert picture.text["Description"] == describe_identity(load_reference())
    assert describe_identity(load_reference()) in path.read_text(encoding="utf-8")
