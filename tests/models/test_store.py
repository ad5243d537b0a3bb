"""Model files: the same numbers in another process, portable, and tied to their data."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ljmix.data.dataset import split_by_temperature, write_dataset
from ljmix.evaluation.benchmark import measure_speed
from ljmix.models.registry import LEARNED, make_model
from ljmix.models.store import checksum, load_model, save_model

FRESH = """
import sys
from pathlib import Path
import numpy as np
from ljmix.data.dataset import read_dataset
from ljmix.models.store import checksum, load_model
folder = Path(sys.argv[1])
data = read_dataset(folder)
r, _ = data.curve_array()
for path in sorted((folder / "models").iterdir()):
    model = load_model(path, checksum(data))
    np.save(folder / f"{path.name}.npy", model.predict(data.states, r))
"""


@pytest.fixture(scope="module")
def stored(dataset, tmp_path_factory):
    """Every kind of model, trained a little on twelve states, and its predictions."""
    folder = tmp_path_factory.mktemp("store")
    train, _ = split_by_temperature(dataset.select(dataset.states["fraction_b"] == 0.5))
    write_dataset(train, folder)
    r, _ = train.curve_array()
    predictions = {}
    for name in (*LEARNED, "theory-guided"):
        model = make_model(name, 1, epochs=2).fit(train)
        save_model(model, folder / "models" / name, checksum(train), {"profile": "test"})
        predictions[name] = model.predict(train.states, r)
    return folder, predictions


def test_a_fresh_process_predicts_the_same_numbers(stored):
    folder, predictions = stored
    subprocess.run([sys.executable, "-c", FRESH, str(folder)], check=True, timeout=300)
    for name, expected in predictions.items():
        np.testing.assert_array_equal(np.load(folder / f"{name}.npy"), expected, err_msg=name)


def test_files_are_portable_and_small(stored):
    files = [path for path in (stored[0] / "models").rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".json", ".npz"}
    assert sum(path.stat().st_size for path in files) < 20e6


def test_other_data_are_refused(stored, dataset):
    folder = stored[0] / "models" / "xgboost"
    with pytest.raises(ValueError, match="was trained on other data, SHA-256"):
        load_model(folder, checksum(dataset))
    with pytest.raises(FileNotFoundError, match="does not exist; `make models` writes it"):
        load_model(Path("nowhere"))


def test_a_stored_model_can_be_trained_again_as_it_was(stored):
    for name in ("mlp-tuned", "curve-network"):
        asked, loaded = make_model(name, 1, epochs=2), load_model(stored[0] / "models" / name)
        for key, value in vars(asked).items():
            assert getattr(loaded, key) == value, (name, key)


def test_checksum_knows_every_value(dataset, stored):
    changed = dataset.rdf.copy()
    changed.loc[5, "g"] += 1e-12
    assert checksum(dataset) == checksum(dataset.select(np.ones(len(dataset.states), dtype=bool)))
    assert checksum(type(dataset)(dataset.states, changed, {})) != checksum(dataset)


def test_spread_is_stored_too(stored, dataset):
    train, test = split_by_temperature(dataset.select(dataset.states["fraction_b"] == 0.5))
    r, _ = train.curve_array()
    loaded = load_model(stored[0] / "models" / "gaussian-process")
    fitted = make_model("gaussian-process").fit(train)
    np.testing.assert_allclose(loaded.predict_spread(test.states, r), fitted.predict_spread(test.states, r))


def test_what_is_not_stored_is_said(dataset, tmp_path):
    model = make_model("nearest-temperature").fit(dataset)
    with pytest.raises(ValueError, match="TemperatureBaseline is not stored; stored are BoostedTrees"):
        save_model(model, tmp_path / "copy", "", {})
    assert list(tmp_path.iterdir()) == []


def test_speed_is_that_of_calls(dataset):
    found = measure_speed(make_model("xgboost").fit(dataset), dataset, "xgboost")
    assert set(found) == {"fit_100_curves_cpu_s", "one_state_ms", "thousand_states_s"}
    assert 0 < found["one_state_ms"] < 1000 * found["thousand_states_s"]
