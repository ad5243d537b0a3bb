"""The search: inside the training temperatures, repeatable, and its result in the package."""

import json
from dataclasses import asdict

import numpy as np
import pytest
from optuna.trial import FixedTrial

from ljmix.data.dataset import split_by_temperature, write_dataset
from ljmix.evaluation import tuning
from ljmix.evaluation.selection import median_error, validate
from ljmix.evaluation.splits import validation_splits
from ljmix.models.processes.ingredients import Scales
from ljmix.models.registry import TUNED, make_model
from ljmix.models.store import checksum
from ljmix.models.tuned import TUNED_FILE, tuned_settings

VERSION_1 = "ed0c31594969"
"""How the checksum of the training states of version 1 begins."""


@pytest.fixture(scope="module")
def train(dataset):
    return split_by_temperature(dataset.select(dataset.states["fraction_b"] == 0.5))[0]


def test_search_repeats_and_finds_no_worse_than_its_first_trial(train):
    first, again, one = (tuning.tune(train, "xgboost", trials=trials, seed=3, lengths=(5, 15)) for trials in (3, 3, 1))
    assert first == again
    assert first["trials"] == 3
    assert first["validation_error"] <= one["validation_error"]
    make_model("xgboost", settings=first["settings"])


def test_few_trials_go_on_and_the_best_length_is_kept(train):
    found = tuning.tune(train, "xgboost", trials=9, seed=1, lengths=(2, 6, 18))
    print(found)
    short, middle, long = found["went_on"]
    assert short == 9
    assert 1 <= long <= middle <= 6
    errors = {
        rounds: median_error(
            validation_splits(train),
            lambda rounds=rounds: make_model("xgboost", settings=found["settings"] | {"rounds": rounds}, seed=1),
        )
        for rounds in (2, 6, 18)
    }
    assert found["settings"]["rounds"] == min(errors, key=errors.get)
    assert found["validation_error"] == pytest.approx(min(errors.values()), abs=5e-5)


def test_a_network_is_searched_in_updates(train):
    found = tuning.tune(train, "mlp-tuned", trials=2, lengths=(20, 60))
    assert found["settings"]["most_updates"] in (20, 60)
    assert 0 < found["validation_error"] < 2


def test_the_criterion_is_the_median_over_curves_of_both_ends(train):
    """Copying 0.8 from 1.0 and 1.2 from 1.0."""
    _, g = train.curve_array()
    temperature = train.states["temperature"].to_numpy()
    middle, *ends = (g[np.isclose(temperature, t)] for t in (1.0, 0.8, 1.2))
    errors = [
        np.sqrt(((end - middle) ** 2).sum(axis=2) / ((end - end.mean(axis=2, keepdims=True)) ** 2).sum(axis=2))
        for end in ends
    ]
    found = median_error(validation_splits(train), lambda: make_model("nearest-temperature"))
    assert found == pytest.approx(np.median(errors))


def test_validation_is_the_score_of_both_ends(train):
    """Copying 0.8 from 1.0 and 1.2 from 1.0."""
    _, g = train.curve_array()
    temperature = train.states["temperature"].to_numpy()
    middle = g[np.isclose(temperature, 1.0)]
    ends = [g[np.isclose(temperature, t)] for t in (0.8, 1.2)]
    truth, copied = np.concatenate(ends), np.concatenate([middle, middle])
    expected = 1 - ((truth - copied) ** 2).sum() / ((truth - truth.mean()) ** 2).sum()
    (row,) = validate(train, ["nearest-temperature"]).to_dict("records")
    assert (row["model"], row["r2"], row["behind"]) == ("nearest-temperature", pytest.approx(expected), 0)


def test_the_best_comes_first_and_others_are_behind_it(dataset):
    training = split_by_temperature(dataset)[0]
    table = validate(training, ["nearest-temperature", "linear-in-beta", "gaussian-process"], workers=1)
    assert list(table["r2"]) == sorted(table["r2"], reverse=True)
    assert set(table["model"]) == {"nearest-temperature", "linear-in-beta", "gaussian-process"}
    np.testing.assert_allclose(table["behind"], table["r2"].iloc[0] - table["r2"], atol=1e-12)
    assert table.loc[0, ["behind", "behind_low", "behind_high"]].eq(0).all()
    last = table.iloc[-1]
    # Made-up curves are nearly straight in 1/T: copying them is worse for every mixture, and so in every draw.
    assert last["model"] == "nearest-temperature"
    assert 0 < last["behind_low"] <= last["behind"] <= last["behind_high"]


def test_scales_found_are_no_less_probable_than_the_usual_ones(train):
    """The first scales tried are the usual ones, and what was thought of those before costs nothing."""
    found = tuning.find_scales(train, evaluations=20)
    usual = tuning.find_scales(train, evaluations=1)
    assert found == tuning.find_scales(train, evaluations=20)
    assert found["log_probability"] > usual["log_probability"]
    assert usual["settings"] == pytest.approx(asdict(Scales()))
    make_model("gaussian-process", settings=found["settings"])
    with pytest.raises(ValueError, match="evaluations = 0: must be at least 1"):
        tuning.find_scales(train, evaluations=0)


def test_what_is_not_tuned_is_refused(train):
    with pytest.raises(ValueError, match="'mlp' is not searched by trials; choose one of mlp-tuned, xgboost"):
        tuning.tune(train, "mlp")
    with pytest.raises(ValueError, match="'mlp' takes no settings; tuned are xgboost"):
        make_model("mlp", settings={})
    with pytest.raises(ValueError, match=r"tuned\.json has no settings of 'mlp'"):
        tuned_settings("mlp")


def test_settings_in_the_package_say_where_they_come_from():
    found = json.loads(TUNED_FILE.read_text())
    assert set(found) == set(TUNED) == {*tuning.SPACES, "gaussian-process"}
    for name, entry in found.items():
        score = {"log_probability", "finished"}
        if name in tuning.SPACES:
            score = {"validation_error", "went_on", "seed"}
            if entry["data"]["sha256"].startswith(VERSION_1):  # by the search before this one
                score = {"validation_r2", "seed"}
        assert set(entry) == {"settings", "trials", "data"} | score
        assert set(entry["data"]) == {"profile", "states", "sha256"}
        make_model(name)


@pytest.mark.parametrize("name", list(tuning.SPACES))
def test_settings_in_the_package_are_some_that_the_search_may_find(name):
    entry = json.loads(TUNED_FILE.read_text())[name]
    length, usual = tuning.LENGTHS[name]
    settings = {key: value for key, value in entry["settings"].items() if key != length}
    drawn = [
        tuning.SPACES[name](FixedTrial(settings | {"layers": layers})) for layers in ("paper", "wide", "even", "two")
    ]
    assert settings in drawn
    of_version_1 = entry["data"]["sha256"].startswith(VERSION_1)
    assert of_version_1 or entry["settings"][length] in usual


def test_command_writes_settings_of_the_training_temperatures(dataset, train, tmp_path, monkeypatch):
    monkeypatch.setattr(tuning, "LENGTHS", {"xgboost": ("rounds", (5,))})
    few = dataset.select(dataset.states["fraction_b"] == 0.5)
    write_dataset(few, tmp_path)
    output = tmp_path / "tuned.json"
    names = ["gaussian-process", "xgboost"]
    few_trials = ["--trials", "1", "--evaluations", "1"]
    tuning.main(["--data", str(tmp_path), "--models", *names, *few_trials, "--output", str(output)])
    found = json.loads(output.read_text())
    assert sorted(found) == names
    for entry in found.values():
        assert entry["data"]["states"] == len(train.states)
        assert entry["data"]["sha256"] == checksum(few)
