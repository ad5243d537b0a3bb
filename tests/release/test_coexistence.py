"""Slabs as a table: which ones, and what two synthetic runs become."""

from concurrent.futures import Future
from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from ljmix.data.reference import load_reference
from ljmix.release import coexistence
from ljmix.release.coexistence import collect_slabs, describe_slab, main, read_slab, slab_states, write_slab
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
        (["ship", "--parts", "nowhere", "--states", "T1_C0.5_S1_E0.6_P1"], "nowhere holds no finished slab"),
    ],
)
def test_bad_input_gets_one_sentence(arguments, message, capsys):
    with pytest.raises(SystemExit):
        main(arguments)
    assert message in capsys.readouterr().err


def _slab(state_id, liquids):
    row = {"state_id": state_id, "liquids": liquids, "steps": 60_000, "tension": 0.3 if liquids == 2 else np.nan}
    r = np.round((np.arange(99) + 0.5) * 0.05, 9)
    curves = [
        pd.DataFrame({"state_id": state_id, "liquid": liquid, "pair": pair, "r": r, "g": k + r, "g_sem": 0.01})
        for k, (liquid, pair) in enumerate((of, pair) for of in ("lean", "rich") for pair in ("AA", "AB", "BB"))
    ]
    return row, pd.concat(curves, ignore_index=True) if liquids == 2 else pd.DataFrame()


def test_tables_are_made_from_parts_alone(tmp_path):
    states = slab_states(load_reference().states)[:3]
    for state, liquids in zip(states, (2, 1), strict=False):  # the third is not finished
        write_slab(tmp_path / f"{state.state_id}.npz", *_slab(state.state_id, liquids))
    table, rdf = collect_slabs(tmp_path, states)
    row, curves = _slab(states[0].state_id, 2)
    assert table["state_id"].tolist() == [state.state_id for state in states[:2]]
    assert table.loc[0, "tension"] == row["tension"]
    assert np.isnan(table.loc[1, "tension"])
    pd.testing.assert_frame_equal(rdf, curves, check_dtype=False, rtol=1e-6)


def test_a_finished_slab_is_not_simulated_again_unless_it_is_to_be_longer(tmp_path, monkeypatch, capsys):
    state = slab_states(load_reference().states)[0]
    path = tmp_path / f"{state.state_id}.npz"
    write_slab(path, *_slab(state.state_id, 2))
    before = path.read_bytes()
    monkeypatch.setattr(coexistence, "load_engine", lambda *_: SimpleNamespace(name="lammps", device_name="one core"))
    known = ["--states", state.state_id, "--parts", str(tmp_path), "--results", str(tmp_path / "runs")]
    main(["simulate", *known])
    assert "0 of 1 slabs to go" in capsys.readouterr().out
    assert path.read_bytes() == before
    asked = []

    class Pool:
        def submit(self, _, *arguments):
            asked.append(arguments[3])
            done = Future()
            done.set_result(None)
            return done

    monkeypatch.setattr(coexistence, "lend_pool", lambda *_: nullcontext(Pool()))
    main(["simulate", *known, "--steps", "120000"])
    assert asked == [120_000]


@pytest.mark.parametrize("content", [b"", b"nonsense"])
def test_a_damaged_part_is_named(tmp_path, content):
    state = slab_states(load_reference().states)[0]
    path = tmp_path / f"{state.state_id}.npz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"{path} is not a slab's part.*restore or delete it"):
        read_slab(path)
    part = np.frombuffer(b"{}", dtype=np.uint8)
    np.savez(path, header=part)
    with pytest.raises(ValueError, match=f"{path} is not a slab's part"):
        collect_slabs(tmp_path, [state])
