"""Parts of a campaign: written once, small, and whole enough to make the tables from."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from ljmix.data.dataset import read_dataset
from ljmix.data.reference import shipped_directory
from ljmix.data.state_rows import analyse_runs, summarise_runs
from ljmix.release.part_files import read_part, write_part
from ljmix.release.parts import main, states_to_repeat
from ljmix.release.wave_term import expected_lifetimes, wave_terms
from ljmix.simulation.campaign import run_campaign
from ljmix.simulation.profiles import load_profile
from ljmix.state import PAIRS, StatePoint

STATE = StatePoint(1.0, 0.5, 1.0, 0.6)
PROFILE = load_profile(
    "equilibrium", box_edge=8.0, r_max=3.0, min_particles_b=2, steps_equilibration=400, steps_production=4000,
    steps_production_slow=4000, steps_max=4400, segment_steps=400, frame_interval=100, trajectory_interval=400,
)  # fmt: skip


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A small state from two starts with swaps, and its part."""
    root = tmp_path_factory.mktemp("campaign")
    written = []

    def write(state, folder):
        written.append((folder, write_part(state, folder, root / "parts", PROFILE)))

    report = run_campaign([STATE], PROFILE, root, workers=1, then=write)
    assert not report.failed, report
    return written[0]


def test_a_part_holds_what_the_tables_need(finished):
    folder, path = finished
    part = read_part(path)
    runs = analyse_runs(folder, STATE, PROFILE)
    assert StatePoint(**part.header["state"]) == STATE
    assert [start["start"] for start in part.header["starts"]] == ["random", "separated"]
    for k, run in enumerate(runs):
        averages, rdf, waves = summarise_runs([run], part.header["n_particles"], part.header["n_b"])
        shape = (len(PAIRS), -1)
        g, g_sem = (rdf[name].to_numpy().reshape(shape) for name in ("g", "g_sem"))
        # Rounded to 13 and 8 bits, far below the errors.
        np.testing.assert_allclose(part.g[k], g, rtol=2**-13)
        np.testing.assert_allclose(part.g_sem[k], g_sem, rtol=2**-7, atol=1e-6)
        np.testing.assert_allclose(part.s[k], waves["s"].to_numpy().reshape(shape), rtol=2**-13)
        np.testing.assert_allclose(part.r, rdf["r"].to_numpy()[: len(part.r)])
        start = part.header["starts"][k]
        assert start["number_density"] == pytest.approx(averages["number_density"], rel=1e-7)
        assert start["diffusion_a"] is None
        assert 0 < start["accepted_swap_uniform"] < start["attempted_swap_uniform"]
        for pair, samples in run.analysis.samples.items():
            blocks = np.array([block.mean(axis=0) for block in np.array_split(samples, 5)])
            at = PAIRS.index(pair)
            # Half a unit of rounding, a sixth of their expected spread; none lies beyond what eight bits hold.
            unit = part.g_sem[k, at] * np.sqrt(5) / 6
            assert np.all(np.abs(part.blocks[k, :, at] - blocks) <= 0.51 * unit + 1e-3 * g[at] + 1e-6)


def test_series_of_a_part_show_the_whole_run(finished):
    folder, path = finished
    part = read_part(path)
    assert part.series.shape == (2, 8, 40)
    for k, run in enumerate(analyse_runs(folder, STATE, PROFILE)):
        # 44 frames into 40 windows of 110 steps: frame 1 is in the first, frames 10 and 11 (step 1100) in the tenth.
        density = part.header["n_particles"] / run.measured["volume"]
        assert run.measured["step"][-1] == 4400
        np.testing.assert_allclose(part.series[k, 0, [0, 9]], [density[0], density[9:11].mean()], rtol=2**-12)
        np.testing.assert_allclose(part.series[k, 5:, 0], run.measured["waves"][0], rtol=2**-12)


def test_a_part_is_written_once(finished):
    folder, path = finished
    before = path.read_bytes(), path.stat().st_mtime_ns
    assert write_part(STATE, folder, path.parent, PROFILE) == path
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


def test_parts_are_listed(finished, capsys):
    main(["list", "--parts", str(finished[1].parent)])
    printed = capsys.readouterr().out
    assert STATE.state_id in printed
    assert "1 states" in printed


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 cut"])
def test_a_damaged_part_is_named(content, tmp_path):
    path = tmp_path / "broken.npz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"broken\.npz is not a part of a campaign"):
        read_part(path)


def test_a_part_of_another_format_is_refused(tmp_path):
    header = np.frombuffer(json.dumps({"format": 99}).encode(), dtype=np.uint8)
    np.savez(tmp_path / "new.npz", header=header)
    with pytest.raises(ValueError, match="has format 99; this version of ljmix reads format 2"):
        read_part(tmp_path / "new.npz")


def test_states_are_repeated_in_order_of_what_they_tell():
    dataset = read_dataset(shipped_directory(load_profile("reference")))
    states = dataset.states
    asked = states_to_repeat(dataset)
    rows = states.set_index("state_id").loc[[state.state_id for state in asked]]
    assert len(asked) == len(set(asked))
    # All that have not converged, and of the others only those whose waves are slow, or make a peak imprecise.
    assert set(states.loc[~states.converged, "state_id"]) <= set(rows.index)
    expected = expected_lifetimes(dataset).set_axis(states["state_id"])
    slow = rows.index[rows.converged]
    quick = slow[np.fmax(rows.loc[slow, "wave_lifetime"], expected[slow]) <= 100]
    assert len(quick) < len(slow) / 5
    rdf = dataset.rdf.assign(term=wave_terms(dataset))
    for name in quick:
        peaks = rdf.loc[rdf[rdf["state_id"] == name].groupby("pair", observed=True)["g"].idxmax()]
        print(peaks[["state_id", "pair", "r", "g", "g_sem", "term"]].to_string(header=False))
        assert (peaks["g_sem"] <= 0.05 * peaks["g"]).all()
        assert (np.hypot(peaks["g_sem"], peaks["term"]) > 0.0199 * peaks["g"]).any()
    # Sampled as 68 τ from too few waves, which is why it looked safe.
    assert "T0.8_C0.2_S1_E1_P1" in slow
    first = [state for state in asked if state.size_ratio == 1.0 and state.fraction_b > 0.02][:10]
    assert asked[:10] == first
    left = rows[~rows.converged & (rows.fraction_b > 0.02)]
    turn = {size: np.flatnonzero(rows.index.isin(left.index[left.size_ratio == size])) for size in (1.0, 1.5, 0.5, 2.0)}
    dilute = np.flatnonzero(~rows.converged & (rows.fraction_b < 0.02))
    for earlier, later in ((turn[1.0], turn[1.5]), (turn[1.5], dilute), (dilute, turn[0.5]), (turn[0.5], turn[2.0])):
        assert earlier.max() < later.min()


def test_a_campaign_is_narrowed_and_lengthened(monkeypatch, tmp_path):
    """S = 2 below T* 0.7, where no move helps: longer runs of those states alone."""
    asked = {}

    def run(states, profile, root, *_, **__):
        asked.update(states=states, profile=profile)
        return SimpleNamespace(failed={})

    monkeypatch.setattr("ljmix.release.parts.run_campaign", run)
    narrow = ["--size-ratio", "2", "--temperature", "0.6", "--least-b", "0.05"]
    longer = ["--steps-max", "240000", "--steps-production", "100000"]
    main(["simulate", "--results", str(tmp_path), "--parts", str(tmp_path), *narrow, *longer])
    assert {(state.size_ratio, state.temperature) for state in asked["states"]} == {(2.0, 0.6)}
    assert min(state.fraction_b for state in asked["states"]) == 0.1
    assert (asked["profile"].steps_max, asked["profile"].steps_production) == (240_000, 100_000)
    assert asked["profile"].peak_error == load_profile("equilibrium").peak_error
