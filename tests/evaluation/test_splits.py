"""Splits: by state, never by row, and nothing of the test part in training."""

import numpy as np
import pytest

from ljmix.evaluation.splits import FOLDS, TASKS, complete_compositions, make_splits, possible_tasks, validation_splits
from ljmix.models.features import composition_keys

LEFT_OUT = {"unseen-size-ratio": "size_ratio", "unseen-epsilon-ab": "epsilon_ab", "unseen-fraction-b": "fraction_b"}


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("seed", [0, 3])
def test_no_state_is_on_both_sides(dataset, task, seed):
    for split in make_splits(dataset, task, seed):
        train, test = (set(part.states["state_id"]) for part in (split.train, split.test))
        assert train
        assert test
        assert not train & test


@pytest.mark.parametrize("task", ["compositions", "compositions-temperatures"])
def test_seeds_hold_out_every_composition_once(dataset, task):
    """In five seeds; the eight compositions fall into folds of two and of one."""
    held_out = []
    for seed in range(FOLDS):
        (split,) = make_splits(dataset, task, seed)
        unseen, seen = (set(composition_keys(part.states)) for part in (split.test, split.train))
        assert not unseen & seen
        held_out += sorted(unseen)
    assert sorted(held_out) == sorted(set(composition_keys(dataset.states)))
    first, again = make_splits(dataset, task, 0)[0], make_splits(dataset, task, FOLDS)[0]
    assert set(first.test.states["state_id"]) != set(again.test.states["state_id"])


def test_unseen_compositions_at_unseen_temperatures(dataset):
    (split,) = make_splits(dataset, "compositions-temperatures")
    assert set(split.train.states["temperature"]) == {0.8, 1.0, 1.2}
    assert set(split.test.states["temperature"]) == {0.6, 1.4}


@pytest.mark.parametrize(("task", "column"), LEFT_OUT.items())
def test_one_value_is_left_out_at_a_time(dataset, task, column):
    splits = make_splits(dataset, task)
    assert len(splits) == 2
    for split in splits:
        (value,) = set(split.test.states[column])
        assert value not in set(split.train.states[column])


def test_one_temperature_of_each_composition_is_drawn(dataset):
    (split,) = make_splits(dataset, "interpolation-states", 1)
    assert len(split.test.states) == 8
    assert len(set(composition_keys(split.test.states))) == 8
    other = make_splits(dataset, "interpolation-states", 2)[0]
    assert set(other.test.states["state_id"]) != set(split.test.states["state_id"])


def test_validation_asks_beyond_both_ends_of_training(dataset):
    (split,) = make_splits(dataset, "extrapolation")
    cold, hot = validation_splits(split.train)
    assert (set(cold.test.states["temperature"]), set(cold.train.states["temperature"])) == ({0.8}, {1.0, 1.2})
    assert (set(hot.test.states["temperature"]), set(hot.train.states["temperature"])) == ({1.2}, {0.8, 1.0})
    with pytest.raises(ValueError, match="validation needs three training temperatures"):
        validation_splits(cold.train)


def test_what_a_dataset_lacks_is_said(dataset):
    one = dataset.select((dataset.states["fraction_b"] == 0.1) & (dataset.states["epsilon_ab"] == 0.2))
    assert possible_tasks(dataset) == list(TASKS)
    assert "unseen-epsilon-ab" not in possible_tasks(one)
    middle = dataset.select(dataset.states["temperature"] == 1.0)
    assert not {"extrapolation", "compositions-temperatures", "interpolation-states"} & set(possible_tasks(middle))
    for task in possible_tasks(middle):
        assert make_splits(middle, task)
    with pytest.raises(ValueError, match=r"compositions-temperatures: no state at T\* = 0.6 or 1.4; there are 1"):
        make_splits(middle, "compositions-temperatures")
    with pytest.raises(ValueError, match=r"task unseen-epsilon-ab: all states have epsilon_ab = 0\.2; two values"):
        make_splits(one, "unseen-epsilon-ab")
    single = one.select(one.states["size_ratio"] == 0.5)
    with pytest.raises(ValueError, match="task compositions: there is one composition; two are needed"):
        make_splits(single, "compositions")
    with pytest.raises(ValueError, match="task = 'rows' is unknown; choose one of interpolation-states"):
        make_splits(dataset, "rows")


def test_compositions_under_way_are_left_out(dataset):
    cut = dataset.select(np.arange(len(dataset.states)) != 3)
    kept = complete_compositions(cut)
    assert len(kept.states) == len(dataset.states) - 5
    assert set(kept.states.groupby(["fraction_b", "size_ratio", "epsilon_ab"]).size()) == {5}
    assert len(complete_compositions(dataset).states) == len(dataset.states)
