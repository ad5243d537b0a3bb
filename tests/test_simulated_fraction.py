"""Models and theory are told the share of B that was simulated; the nominal one names a composition."""

import numpy as np
import pandas as pd
import pytest

from ljmix.data.dataset import Dataset, learning_table, split_by_temperature
from ljmix.models.features import composition_keys, input_matrix, layout_table
from ljmix.models.registry import make_model
from ljmix.models.store import checksum, load_model, save_model
from ljmix.state import as_simulated, simulated_fractions
from ljmix.theory.cavity import packing_fraction, volume_fraction


@pytest.fixture(scope="module")
def rounded(dataset):
    """As version 2 has it: boxes of whole particles; of one state it is not known."""
    rng = np.random.default_rng(0)
    share = dataset.states["fraction_b"] + rng.uniform(-0.004, 0.004, len(dataset.states))
    share.iloc[3] = np.nan
    return Dataset(dataset.states.assign(simulated_fraction_b=share), dataset.rdf, {})


def test_where_it_is_known_it_takes_the_place_of_the_nominal_one(rounded):
    known = rounded.states["simulated_fraction_b"].notna().to_numpy()
    expected = np.where(known, rounded.states["simulated_fraction_b"], rounded.states["fraction_b"])
    np.testing.assert_array_equal(simulated_fractions(rounded.states), expected)
    table = as_simulated(rounded.states)
    np.testing.assert_array_equal(table["fraction_b"], expected)
    assert "simulated_fraction_b" not in table
    assert simulated_fractions(table) is not table["fraction_b"]


def test_features_and_theory_see_it_and_compositions_do_not(rounded, dataset):
    exact = Dataset(as_simulated(rounded.states), rounded.rdf, {})
    r = np.unique(rounded.rdf["r"])
    np.testing.assert_array_equal(input_matrix(rounded.states, r), input_matrix(exact.states, r))
    np.testing.assert_array_equal(layout_table(rounded)["fraction_b"], input_matrix(exact.states, r)[:, 1])
    pd.testing.assert_frame_equal(learning_table(rounded), learning_table(exact))
    for number in (volume_fraction, packing_fraction):
        np.testing.assert_array_equal(number(rounded.states), number(exact.states))
        assert not np.array_equal(number(rounded.states), number(dataset.states))
    assert composition_keys(rounded.states) == composition_keys(dataset.states)


@pytest.mark.parametrize("name", ["gaussian-process", "curve-network", "xgboost-physics"])
def test_a_model_learns_from_it_and_keeps_it_in_its_file(rounded, dataset, tmp_path, name):
    train, test = split_by_temperature(rounded)
    r, _ = test.curve_array()
    model = make_model(name, epochs=2).fit(train)
    predicted = model.predict(test.states, r)
    nominal = test.states.drop(columns="simulated_fraction_b")
    assert np.abs(predicted - model.predict(nominal, r)).max() > 0
    save_model(model, tmp_path / name, checksum(train), {})
    np.testing.assert_array_equal(load_model(tmp_path / name).predict(test.states, r), predicted)


def test_a_baseline_finds_the_composition_by_its_name(rounded):
    train, test = split_by_temperature(rounded)
    r, _ = test.curve_array()
    copied = make_model("nearest-temperature").fit(train).predict(test.states, r)
    assert np.isfinite(copied).all()
