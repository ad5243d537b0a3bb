"""Bistable states, plain runs for diffusion, and large systems: their rules, and what they make of finished runs."""

import copy
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ljmix.configuration import read_configuration
from ljmix.data.reference import load_reference, shipped_folder
from ljmix.release import diffusion
from ljmix.release.bistable import bistable_states, judge_ladder
from ljmix.release.diffusion import continue_plainly
from ljmix.release.large import compare_sizes, large_states
from ljmix.release.part_files import read_part
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


def test_a_state_with_swaps_goes_on_without_them_and_diffuses(tmp_path, monkeypatch):
    monkeypatch.setattr(diffusion, "SKIPPED", 400)
    monkeypatch.setattr(diffusion, "MEASURED", 8000)
    state = StatePoint(1.4, 0.5, 1.0, 1.0)
    profile = load_profile(
        "equilibrium", box_edge=8.0, r_max=3.0, min_particles_b=2, steps_equilibration=400, steps_production=3600,
        steps_production_slow=3600, steps_max=4000, segment_steps=4000, frame_interval=200, trajectory_interval=4000,
    )  # fmt: skip
    folder = sample_state(tmp_path, state, profile, "lammps", "cpu")
    row = continue_plainly(folder, state, profile, "lammps", "cpu")
    print(row)
    # D is 0.22 at this state in a box of 15 σ; a box of 8 σ slows it by 2.837 T / (6π η L), some 10 %.
    for species in "ab":
        assert 0.15 < row[f"diffusion_{species}"] < 0.27
        assert 0 < row[f"diffusion_{species}_sem"] < 0.03
    first = read_configuration(folder / "diffusion" / "initial.gsd")
    kinetic = np.sum(first.velocities**2) / (3 * len(first.types) - 3)
    assert kinetic == pytest.approx(1.4, rel=1e-6)
    monkeypatch.setattr(diffusion.PlainRun, "advance", lambda *_: pytest.fail("simulated again"))
    assert continue_plainly(folder, state, profile, "lammps", "cpu") == row
