"""Groups of test states: both the state and the one it is predicted from must be good."""

import numpy as np
import pytest

from ljmix.data.dataset import split_by_temperature
from ljmix.scoring.convergence import CONVERGENCE, convergence_groups, nearest_training_states


@pytest.fixture(scope="module")
def parts(dataset):
    states = dataset.states.assign(starts_agree=True, settled=True, converged=True)
    return tuple(states[states["state_id"].isin(part.states["state_id"])].reset_index(drop=True)
                 for part in split_by_temperature(dataset))  # fmt: skip


def test_nearest_is_the_same_mixture_at_the_nearest_temperature(parts):
    train, test = parts
    found = nearest_training_states(test, train)
    expected = np.where(test["temperature"] < 1, 0.8, 1.2)
    np.testing.assert_allclose(found["temperature"], expected)
    for column in ("fraction_b", "size_ratio", "epsilon_ab"):
        np.testing.assert_array_equal(found[column], test[column])
    halfway = nearest_training_states(test.assign(temperature=0.9), train)
    assert set(halfway["temperature"]) == {0.8}


def test_a_mixture_that_was_never_seen_has_the_nearest_one(parts):
    train, test = parts
    asked = test.assign(epsilon_ab=test["epsilon_ab"] + 0.01)
    found = nearest_training_states(asked, train)
    np.testing.assert_array_equal(found["epsilon_ab"], test["epsilon_ab"])
    with pytest.raises(ValueError, match="no training state"):
        nearest_training_states(test, train.iloc[:0])


def test_one_bad_state_on_either_side_takes_its_pair_out(parts):
    train, test = parts
    cold = int(np.flatnonzero(test["temperature"] < 1)[0])
    source = int(np.flatnonzero(train["state_id"] == nearest_training_states(test, train)["state_id"][cold])[0])
    whole = {group.label: group.states for group in convergence_groups(test, train)}
    assert {label: states.sum() for label, states in whole.items()} == dict.fromkeys(CONVERGENCE, len(test))
    for column, labels in (
        ("starts_agree", {"agree", "settled"}),
        ("settled", {"settled"}),
        ("converged", {"converged"}),
    ):
        for table, row in ((test, cold), (train, source)):
            bad = table.assign(**{column: np.arange(len(table)) != row})
            groups = convergence_groups(*((bad, train) if table is test else (test, bad)))
            lost = {group.label for group in groups if not group.states[cold]}
            assert lost == labels
            assert all(group.states.sum() == len(test) - (group.label in labels) for group in groups)


def test_a_missing_column_is_named(parts):
    train, test = parts
    with pytest.raises(
        ValueError, match="train: column 'settled' is missing; needed are converged, settled, starts_agree"
    ):
        convergence_groups(test, train.drop(columns="settled"))
