"""Bistable states, plain runs for diffusion, and large systems: their rules, and what they make of finished runs."""

import copy
import json
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ljmix.configuration import read_configuration
from ljmix.data.configurations import read_last
from ljmix.data.reference import load_reference, shipped_folder
from ljmix.release import diffusion
from ljmix.release.bistable import bistable_states, judge_ladder
from ljmix.release.diffusion import fill_diffusion, run_plainly, settle_again
from ljmix.release.large import compare_sizes, large_states
from ljmix.release.part_files import read_part, write_part
from ljmix.release.version2 import build_version2
from ljmix.simulation.engine import load_engine
from ljmix.simulation.profiles import load_profile
from ljmix.simulation.sampling import sample_state
from ljmix.state import StatePoint

PATHS = sorted((shipped_folder() / "parts").glob("*.npz"))


def test_a_state_is_bistable_where_deciding_runs_end_in_different_phases():
    part = read_part(PATHS[0])

    def with_header(agreed, *phases):
        header = copy.deepcopy(part.header)
        header |= {"agreed": agreed, "deciding": [0, 1]}
        for run, phase in zip(header["starts"], phases, strict=False):
            run["phase"] = phase
        return replace(part, header=header)

    state = StatePoint(**part.header["state"])
    assert bistable_states([with_header(False, "mixed", "demixed")]) == [state]
    assert bistable_states([with_header(True, "mixed", "demixed"), with_header(False, "demixed", "demixed")]) == []
    assert bistable_states([with_header(False, "demixed", "crystal")]) == []


def test_the_share_of_a_drop_is_weighted_by_the_rung():
    """A drop for 60 % of the time on rung 1, in frames without memory."""
    rng = np.random.default_rng(3)
    n = 5000
    drop = rng.random(n) < 0.6
    weight = rng.random(n)
    table = pd.DataFrame({"largest": np.where(drop, 30, 2), "rung": rng.integers(0, 3, n), "p1": weight})
    found = judge_ladder(table, 1, 3)
    expected = np.sqrt(0.24 * np.mean(weight**2) / np.mean(weight) ** 2 / (0.8 * n))
    print(f"share {found['drop']:.3f} ± {found['drop_sem']:.3f}, expected 0.6 ± {expected:.3f}")
    assert abs(found["drop"] - 0.6) < 4 * expected
    assert found["drop_sem"] == pytest.approx(expected, rel=0.2)
    assert found["free_energy"] == pytest.approx(-math.log(0.6 / 0.4), abs=4 * expected / 0.24)
    assert found["round_trips"] > 100
    assert judge_ladder(table.assign(largest=2), 1, 3)["free_energy"] == math.inf


def test_ten_states_are_large_by_the_rule():
    dataset = load_reference()
    states = large_states(dataset)
    assert len(set(states)) == 10
    rows = dataset.states.set_index("state_id").loc[[state.state_id for state in states]]
    for size_ratio in (0.5, 1.0, 1.5, 2.0):
        of = rows[(rows["size_ratio"] == size_ratio) & (rows["fraction_b"] >= 0.1)]
        assert sorted(of["phase"]) == ["demixed", "mixed"]
        mixed = dataset.states[(dataset.states["phase"] == "mixed") & (dataset.states["size_ratio"] == size_ratio)]
        strongest = mixed.loc[mixed["fraction_b"] >= 0.1, "concentration_fluctuation"].max()
        assert of.loc[of["phase"] == "mixed", "concentration_fluctuation"].item() == strongest


def test_two_sizes_are_compared_by_their_peaks():
    dataset = load_reference()
    part = next(read_part(path) for path in PATHS if path.stem == "T1.2_C0.5_S1_E0.6_P1")
    table = compare_sizes(dataset, [part])
    assert table["pair"].tolist() == ["AA", "AB", "BB"]
    print(table.to_string())
    # The same state and size by two protocols.
    assert (table["n_particles"] == table["n_particles_large"]).all()
    assert (table["rms"] < 0.05).all()
    np.testing.assert_allclose(table["peak_large"], table["peak"], rtol=0.05)


@pytest.fixture(scope="module")
def swapped(tmp_path_factory):
    """A small state that was simulated with swaps: its profile and folder, and the header of its part."""
    state, root = StatePoint(1.4, 0.5, 1.0, 1.0), tmp_path_factory.mktemp("campaign")
    profile = load_profile(
        "equilibrium", box_edge=8.0, r_max=3.0, min_particles_b=2, steps_equilibration=400, steps_production=3600,
        steps_production_slow=3600, steps_max=4000, segment_steps=4000, frame_interval=200, trajectory_interval=4000,
    )  # fmt: skip
    folder = sample_state(root, state, profile, "lammps", "cpu")
    return state, profile, folder, read_part(write_part(state, folder, root / "parts", profile)).header


def test_a_state_with_swaps_goes_on_without_them_and_diffuses(swapped, tmp_path, monkeypatch):
    monkeypatch.setattr(diffusion, "SKIPPED", 400)
    monkeypatch.setattr(diffusion, "MEASURED", 8000)
    (state, profile, folder, _), engine = swapped, load_engine("lammps", "cpu")
    row = run_plainly(tmp_path, lambda: read_last(folder, state, profile), state, profile, engine)
    print(row)
    # D is 0.22 at this state in a box of 15 σ; a box of 8 σ slows it by 2.837 T / (6π η L), some 10 %.
    for species in "ab":
        assert 0.15 < row[f"diffusion_{species}"] < 0.27
        assert 0 < row[f"diffusion_{species}_sem"] < 0.03
    first = read_configuration(tmp_path / "initial.gsd")
    kinetic = np.sum(first.velocities**2) / (3 * len(first.types) - 3)
    assert kinetic == pytest.approx(1.4, rel=1e-6)
    monkeypatch.setattr(diffusion.PlainRun, "advance", lambda *_: pytest.fail("simulated again"))
    assert run_plainly(tmp_path, lambda: pytest.fail("begun again"), state, profile, engine) == row


def test_a_run_whose_files_are_gone_is_taken_again_as_it_was(swapped, tmp_path):
    _, profile, folder, header = swapped
    start = header["starts"][0]["start"]
    last = settle_again(tmp_path, header, profile, load_engine("lammps", "cpu"))
    assert (tmp_path / start / "0000.npz").exists()
    assert not (tmp_path / start / "0001.npz").exists()
    was = read_configuration(folder / start / "trajectory.gsd")
    np.testing.assert_array_equal(last.types, was.types)
    np.testing.assert_allclose(last.positions, was.positions, atol=1e-4)


def test_diffusion_is_taken_from_where_the_liquid_was_the_same(tmp_path):
    shipped = load_reference()
    # One liquid in both versions; in version 1 a start that never separated; a plain run of its own; not repeated.
    same, other, plain, old = (
        "T0.8_C0.01_S1_E0.8_P1", "T0.8_C0.2_S0.5_E0.2_P1", "T1.4_C0.5_S1_E0.2_P1", "T1_C0.5_S1_E1_P1",
    )  # fmt: skip
    parts = [read_part(path) for path in PATHS if path.stem in (same, other, plain)]
    assert len(parts) == 3
    few = shipped.select(shipped.states["state_id"].isin([same, other, plain, old]).to_numpy())
    dataset = build_version2(few, parts)[0]
    row = {"state_id": plain, "diffusion_a": 0.3, "diffusion_a_sem": 0.01, "diffusion_b": None, "diffusion_b_sem": None}
    (tmp_path / f"{plain}.json").write_text(json.dumps(row))
    filled = fill_diffusion(dataset, few, tmp_path).states.set_index("state_id")
    before = few.states.set_index("state_id")
    print(filled[["diffusion_a", "diffusion_b", "diffusion_from"]])
    assert filled.loc[[same, other, plain, old], "diffusion_from"].tolist() == [
        "version 1",
        "",
        "plain run",
        "version 1",
    ]
    for name in (same, old):
        assert filled.loc[name, "diffusion_a"] == before.loc[name, "diffusion_a"]
        assert filled.loc[name, "diffusion_b_sem"] == before.loc[name, "diffusion_b_sem"]
    assert np.isnan(filled.loc[other, "diffusion_a"])
    assert filled.loc[plain, "diffusion_a"] == 0.3
    assert np.isnan(filled.loc[plain, "diffusion_b"])
    (tmp_path / f"{plain}.json").write_text("{}")
    with pytest.raises(ValueError, match=r"is no plain run.s part .* diffusion_a.*; restore or delete it"):
        fill_diffusion(dataset, few, tmp_path)


def test_the_command_lists_what_needs_a_plain_run_and_needs_no_campaign(tmp_path, capsys):
    name = "T0.8_C0.2_S0.5_E0.2_P1"
    (tmp_path / f"{name}.npz").write_bytes((shipped_folder() / "parts" / f"{name}.npz").read_bytes())
    known = ["--parts", str(tmp_path), "--output", str(tmp_path / "diffusion"), "--results", str(tmp_path / "none")]
    diffusion.main(["list", *known])
    assert capsys.readouterr().out == f"{name}\n1 states need a plain run\n"
    (tmp_path / "diffusion").mkdir()
    (tmp_path / "diffusion" / f"{name}.json").write_text("{}")
    diffusion.main(["simulate", *known])
    (tmp_path / "none").mkdir()  # as an interrupted call leaves it
    diffusion.main(["simulate", *known])
    with pytest.raises(SystemExit):
        diffusion.main(["list", "--parts", str(tmp_path / "none")])
    assert "none holds no part; run the campaign first" in capsys.readouterr().err
