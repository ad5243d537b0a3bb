"""Inputs of row-wise models: the layout is the one of the curves, the labels are the ones of the table."""

import numpy as np
import pytest

from ljmix.data.dataset import FEATURES, Dataset, learning_table
from ljmix.models.features import check_distances, input_matrix, layout_table, table_inputs


@pytest.fixture
def shuffled(dataset):
    """The same dataset with the rows of both tables in random order: no order may be relied upon."""
    return Dataset(
        dataset.states.sample(frac=1, random_state=1).reset_index(drop=True),
        dataset.rdf.sample(frac=1, random_state=2).reset_index(drop=True),
        dataset.provenance,
    )


def test_input_matrix_is_the_learning_table_in_the_order_of_the_curves(shuffled):
    r, g = shuffled.curve_array()
    table = layout_table(shuffled)
    np.testing.assert_array_equal(table["g"].to_numpy().reshape(g.shape), g)
    np.testing.assert_array_equal(input_matrix(shuffled.states, r), table_inputs(table))


def test_layout_table_keeps_every_row(shuffled):
    key = ["state_id", "pair", "r"]
    expected = learning_table(shuffled).sort_values(key).reset_index(drop=True)
    assert layout_table(shuffled).sort_values(key).reset_index(drop=True).equals(expected)


def test_labels_are_the_papers(dataset):
    inputs = input_matrix(dataset.states.head(1), [1.0, 2.0])
    labels = inputs[:, [FEATURES.index("has_a"), FEATURES.index("has_b")]]
    np.testing.assert_array_equal(labels, [[1, 0], [1, 0], [1, 1], [1, 1], [0, 1], [0, 1]])
    np.testing.assert_array_equal(inputs[:, -1], [1, 2] * 3)


@pytest.mark.parametrize(
    ("r", "message"),
    [
        ([-0.1, 1.0], "r = -0.1: must lie between 0 and 5"),
        ([1.0, 5.5], "r = 5.5: must lie between 0 and 5"),
        ([np.nan], "r = nan: must lie between 0 and 5"),
        ([], "at least one distance"),
        (1.0, "at least one distance"),
    ],
)
def test_distances_out_of_range_are_refused(dataset, r, message):
    with pytest.raises(ValueError, match=message):
        check_distances(r)
    with pytest.raises(ValueError, match=message):
        input_matrix(dataset.states, r)


def test_states_that_are_no_states_are_refused(dataset):
    states = dataset.states
    with pytest.raises(ValueError, match="column 'size_ratio' is missing"):
        input_matrix(states.drop(columns="size_ratio"), [1.0])
    with pytest.raises(ValueError, match="the table is empty"):
        input_matrix(states.head(0), [1.0])
    with pytest.raises(ValueError, match="epsilon_ab = inf in row 0"):
        input_matrix(states.assign(epsilon_ab=np.inf), [1.0])
    with pytest.raises(ValueError, match="r = 9: must lie between 0 and 5"):
        table_inputs(learning_table(dataset).assign(r=9.0))
