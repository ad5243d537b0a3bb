"""States beyond a phase boundary: found by their labels, scored by curve, flagged by a model's own spread."""

import numpy as np
import pandas as pd
import pytest

from ljmix.data.dataset import learning_table
from ljmix.evaluation.failures import PAPER_FAILURE, boundary_states, failure_table, worst_state
from ljmix.state import StatePoint

CROSSED = "T0.6_C0.1_S1.5_E0.2_P1"


@pytest.fixture(scope="module")
def states(dataset):
    """All mixed but one mixture, which is demixed at the lowest temperature."""
    return dataset.states.assign(phase=np.where(dataset.states["state_id"] == CROSSED, "demixed", "mixed"))


@pytest.fixture(scope="module")
def predictions(dataset):
    """A sure model that is right but for the crossed state, where its spread is wide; one that gives none."""
    table = learning_table(dataset)
    table = table[table["temperature"].isin([0.6, 1.4])].assign(part="test", seed=0)
    crossed = table["state_id"] == CROSSED
    knows = table.assign(
        model="knows", predicted=table["g"] * np.where(crossed, 0.5, 1), spread=np.where(crossed, 0.8, 0.01)
    )
    silent = table.assign(model="silent", predicted=table["g"], spread=np.nan)
    return pd.concat([knows, silent], ignore_index=True)


def test_boundary_is_where_labels_change(states):
    found = boundary_states(states)
    assert found["state_id"].tolist() == [CROSSED]
    assert found[["phase_cold", "phase_warm"]].iloc[0].tolist() == ["demixed", "mixed"]
    assert not found[["disagree_cold", "disagree_warm"]].any(axis=None)
    assert boundary_states(states.assign(phase="mixed")).empty


def test_unlike_particles_separate_in_theory_and_like_ones_do_not(states):
    alike = states.loc[(states["temperature"] == 0.6) & (states["epsilon_ab"] == 1.0), "state_id"].iloc[0]
    found = boundary_states(states, also=[alike]).set_index("state_id")
    assert found["separates"].to_dict() == {CROSSED: True, alike: False}


def test_labels_that_hang_on_the_start_are_marked(states):
    warm = CROSSED.replace("T0.6", "T0.8")
    found = boundary_states(states.assign(starts_agree=states["state_id"] != warm))
    assert found[["disagree_cold", "disagree_warm"]].iloc[0].tolist() == [False, True]


def test_the_papers_failure_is_always_listed(states):
    papers = [StatePoint(**(PAPER_FAILURE | {"temperature": t})) for t in (0.6, 0.8)]
    rows = pd.DataFrame([point.as_dict() | {"state_id": point.state_id, "phase": "mixed"} for point in papers])
    found = boundary_states(pd.concat([states.assign(phase="mixed"), rows], ignore_index=True))
    assert found["state_id"].tolist() == ["T0.6_C0.01_S1.5_E0.2_P1"]


def test_table_says_who_fails_and_who_knows(states, predictions):
    table = failure_table(predictions, states).set_index("model")
    truth = predictions[(predictions["state_id"] == CROSSED) & (predictions["pair"] == "BB")]["g"].iloc[:100]
    missed = 1 - (0.25 * truth**2).sum() / ((truth - truth.mean()) ** 2).sum()
    assert table.loc["knows", "r2"] == pytest.approx(missed)
    assert table.loc["knows", "peak_predicted"] == pytest.approx(table.loc["knows", "peak"] / 2)
    assert table.loc["knows", "expected_r2"] == pytest.approx(1 - 64 / ((truth - truth.mean()) ** 2).sum())
    assert table.loc["knows", "flagged"]
    assert table.loc["silent", "r2"] == 1
    assert table.loc["silent", "flagged"] is None


def test_the_curve_that_the_network_misses_most_is_listed(states, predictions):
    mixed = states.assign(phase="mixed")
    assert worst_state(predictions, mixed) is None, "the network took no part"
    network = predictions[predictions["model"] == "silent"].assign(model="mlp")
    missed = "T0.6_C0.5_S0.5_E1_P1"
    assert missed in set(network["state_id"])
    network["predicted"] += 5.0 * ((network["state_id"] == missed) & (network["pair"] == "BB"))
    network["predicted"] += 9.0 * (network["temperature"] == 1.4)
    assert worst_state(network, mixed) == missed, "of the cold ones"
    table = failure_table(pd.concat([predictions, network]), mixed)
    assert set(table["state_id"]) == {missed}
    assert table["worst"].all()
    assert set(table["model"]) == {"knows", "silent", "mlp"}


def test_no_boundary_no_table(states, predictions):
    assert failure_table(predictions, states.assign(phase="mixed")).empty
