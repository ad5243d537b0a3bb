"""Slabs as a table: which ones, and what two synthetic runs become."""

import numpy as np
import pytest

from ljmix.data.reference import load_reference
from ljmix.release import coexistence
from ljmix.release.coexistence import describe_slab, main, slab_states
from ljmix.simulation.slab import SlabRun, slab_profile_settings
from ljmix.state import StatePoint
from tests.structure.test_slab_profile import EDGE, LENGTH, X, draw_frames

STATE = StatePoint(1.0, 0.5, 1.0, 0.6)


def test_slabs_are_chosen_by_the_demixed_states_of_the_reference_set():
    states = load_reference().states
    chosen = slab_states(states)
    assert len(chosen) == len(set(chosen)) >= 60
    demixed = states[states["phase"] == "demixed"]
    for (size_ratio, epsilon_ab), of in demixed.groupby(["size_ratio", "epsilon_ab"]):
        mine = sorted(s.temperature for s in chosen if (s.size_ratio, s.epsilon_ab) == (size_ratio, epsilon_ab))
        assert mine[0] == 0.6
        assert mine[-1] == of["temperature"].max()
        np.testing.assert_allclose(np.diff(mine), 0.1)
    # Both species fill half of the volume.
    for state in chosen:
        volume_b = state.fraction_b * state.size_ratio**3
        assert volume_b / (volume_b + 1 - state.fraction_b) == pytest.approx(0.5, abs=2e-4)


def test_two_runs_become_a_row_with_both_liquids(monkeypatch, tmp_path):
    rng = np.random.default_rng(4)

    def measure(run):
        counts, lengths = draw_frames(300, seed=len(run.start))
        tensor = np.array([0.9, 0.9, 1.0]) + 0.1 * rng.normal(size=(300, 3))
        names = dict(zip(("pressure_xx", "pressure_yy", "pressure_zz"), tensor.T, strict=True))
        return names | {
            "step": np.arange(300) * 100 + 10_100, "edge": np.full(300, EDGE), "length": lengths, "counts": counts,
            "engine_version": np.array(["1"]), "seconds_all": np.array([1.0]),
        }  # fmt: skip

    monkeypatch.setattr(SlabRun, "read_measurements", measure)
    monkeypatch.setattr(SlabRun, "read_configurations", lambda *_: [None])
    monkeypatch.setattr(coexistence, "crystal_shares", lambda *_: (0.0, 0.4))
    monkeypatch.setattr(coexistence, "rdf_inside", lambda *_: dict.fromkeys(("AA", "AB", "BB"), (np.ones(99),) * 2))
    row, rdf = describe_slab(tmp_path, STATE, slab_profile_settings(50_000))
    print(row)
    assert row["liquids"] == 2
    assert row["starts_agree"]
    assert row["metastable"]
    for liquid, x_b in X.items():
        assert abs(row[f"x_b_{liquid}"] - x_b) < 4 * row[f"x_b_{liquid}_sem"] + 0.0025 * 0.85
    expected = 0.1 * LENGTH / 2
    assert abs(row["tension"] - expected) < 4 * row["tension_sem"]
    assert len(rdf) == 2 * 3 * 99


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["list", "--states", "T9_C0.5_S1_E0.2_P1"], "T9_C0.5_S1_E0.2_P1 is no slab by the rule"),
        (["ship", "--results", "nowhere", "--states", "T1_C0.5_S1_E0.6_P1"], "holds no finished slab of 60000 steps"),
    ],
)
def test_bad_input_gets_one_sentence(arguments, message, capsys):
    with pytest.raises(SystemExit):
        main(arguments)
    assert message in capsys.readouterr().err
