"""The shipped dataset: what it lacks is simulated, what is finished joins it, and its package says what it is."""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import frictionless
import numpy as np
import pytest

from ljmix.configuration import read_configuration, write_configuration
from ljmix.data.card import write_data_card
from ljmix.data.collect import collect_dataset, find_finished
from ljmix.data.configurations import read_configurations, write_configurations
from ljmix.data.dataset import Dataset, read_dataset, write_dataset
from ljmix.data.reference import (
    add_states,
    draw_states,
    merge_datasets,
    repeated_states,
    shipped_directory,
    unshipped_states,
)
from ljmix.simulation.campaign import run_campaign
from ljmix.simulation.initial import build_configuration
from ljmix.simulation.profiles import load_profile
from ljmix.simulation.sampling import open_runs
from ljmix.state import StatePoint
from tests.conftest import synthetic_dataset

PROFILE = load_profile(
    "smoke", box_edge=7.5, r_max=2.5, min_particles_b=2, steps_equilibration=200, steps_production=600,
    steps_max=800, segment_steps=200, frame_interval=20, trajectory_interval=100, temperature=[1.0, 1.4],
    fraction_b=[0.5], size_ratio=[1.0], epsilon_ab=[1.0],
)  # fmt: skip
SHIPPED = shipped_directory(load_profile("reference"))


@pytest.fixture(scope="module")
def campaign(tmp_path_factory):
    root = tmp_path_factory.mktemp("campaign")
    with ThreadPoolExecutor(1) as executor:
        report = run_campaign(PROFILE.states(), PROFILE, root, "auto", "cpu", executor)
        assert not report.failed, report
        return root, collect_dataset(root, PROFILE, executor)


def test_states_join_in_two_parts_as_in_one(campaign, tmp_path):
    _, whole = campaign
    cold = (whole.states["temperature"] == 1.0).to_numpy()
    assert unshipped_states(PROFILE, tmp_path) == PROFILE.states()
    first = merge_datasets(None, whole.select(~cold), PROFILE)
    write_dataset(first, tmp_path)
    assert [state.temperature for state in unshipped_states(PROFILE, tmp_path)] == [1.0]
    both = merge_datasets(read_dataset(tmp_path), whole.select(cold), PROFILE)
    at_once = merge_datasets(None, whole, PROFILE)
    for name in ("states", "rdf", "structure_factors"):
        assert getattr(both, name).equals(getattr(at_once, name))
    assert [part["states"] for part in both.provenance["parts"]] == [1, 1]
    assert both.provenance["states_missing"] == 0
    # What is in both is replaced, not doubled.
    again = merge_datasets(both, whole.select(cold), PROFILE)
    assert len(again.states) == 2
    assert [(part["states"], part["remade"]) for part in again.provenance["parts"]] == [(1, 0), (1, 0), (0, 1)]
    # A column that the shipped states lack takes its place, and is empty there.
    without = replace(first, states=first.states.drop(columns="virial_pressure_std"))
    late = merge_datasets(without, whole.select(cold), PROFILE).states
    assert list(late.columns) == list(at_once.states.columns)
    assert late["virial_pressure_std"].isna().tolist() == (late["temperature"] != 1.0).tolist()


def test_card_says_which_commit_made_the_tables(campaign, tmp_path):
    _, whole = campaign
    cold = (whole.states["temperature"] == 1.0).to_numpy()

    def at(commit, rows):
        return replace(whole.select(rows), provenance={**whole.provenance, "commit": commit})

    def write_card(dataset):
        write_dataset(dataset, tmp_path)
        write_data_card(dataset, tmp_path)
        return " ".join((tmp_path / "README.md").read_text().split())

    first = merge_datasets(None, at("first", ~cold), PROFILE)
    # A campaign that holds the new state only; one that holds both.
    apart = write_card(merge_datasets(first, at("second", cold), PROFILE))
    assert "the tables of 1 states were made, for some again, by commit second; those of the other 1 by" in apart
    assert "| first | 1 | 0 |" in apart
    assert "| second | 1 | 0 |" in apart
    together = write_card(merge_datasets(first, at("second", cold | ~cold), PROFILE))
    assert "all tables were made, for some states again, by commit second" in together
    assert "| second | 1 | 1 |" in together
    # What was shipped before this was counted.
    old = {name: value for name, value in first.provenance["parts"][0].items() if name != "remade"}
    earlier = replace(first, provenance={**first.provenance, "parts": [old]})
    assert "| first | 1 | not recorded |" in write_card(merge_datasets(earlier, at("second", cold), PROFILE))


def test_a_label_without_its_numbers_is_kept(campaign):
    _, whole = campaign
    foreign = whole.states.assign(phase="demixed", demixing=[0.0, np.nan])
    assert merge_datasets(None, replace(whole, states=foreign), PROFILE).states["phase"].tolist() == [
        "mixed",
        "demixed",
    ]
    bare = whole.states.assign(phase="demixed").drop(columns="crystal")
    assert set(merge_datasets(None, replace(whole, states=bare), PROFILE).states["phase"]) == {"demixed"}


def test_states_of_other_settings_are_refused(campaign):
    _, whole = campaign
    shipped = merge_datasets(None, whole, PROFILE)
    settings = whole.provenance["settings"] | {"steps_max": 1000}
    longer = replace(whole, provenance={**whole.provenance, "settings": settings})
    with pytest.raises(ValueError, match="settings differ: steps_max = 1000 in the new states, 800 in the shipped"):
        merge_datasets(shipped, longer, PROFILE)
    with pytest.raises(ValueError, match="is not a state of profile"):
        merge_datasets(None, whole, load_profile("smoke", temperature=[0.6]))


def test_states_off_the_grid_are_added_whatever_their_settings(dataset):
    """One that is in both comes from the addition; bins beyond the shorter range are left out."""
    one = StatePoint(0.9, 0.3, 1.2, 0.7)
    known = StatePoint(*dataset.states[["temperature", "fraction_b", "size_ratio", "epsilon_ab"]].iloc[0])
    fresh = synthetic_dataset([one, known], r_max=7.0)
    fresh = Dataset(fresh.states.assign(number_density=0.5, extra=1.0), fresh.rdf, {"profile": "quick"})
    larger = add_states(dataset, fresh)
    assert len(larger.states) == len(dataset.states) + 1
    assert larger.rdf["r"].max() == dataset.rdf["r"].max()
    densities = larger.states.set_index("state_id")["number_density"]
    assert densities[[one.state_id, known.state_id]].tolist() == [0.5, 0.5]
    assert "extra" not in larger.states
    assert larger.provenance["added"] == sorted([one.state_id, known.state_id])
    with pytest.raises(ValueError, match=r"bins of g\(r\) differ, or end at 2.975"):
        add_states(dataset, synthetic_dataset([one], r_max=3.0))


def test_shipped_configurations_are_positions_without_velocities(campaign, tmp_path):
    root, dataset = campaign
    state = PROFILE.states()[0]
    run = open_runs(find_finished(root, PROFILE)[state], state, PROFILE)[0]
    trajectory = run.folder / "trajectory.gsd"
    kept = trajectory.read_bytes()
    last = read_configuration(trajectory)
    try:
        # As from a run whose frames inherit velocities.
        write_configuration(replace(last, velocities=np.ones_like(last.positions)), state.size_ratio, trajectory)
        write_configurations(dataset, find_finished(root, PROFILE), PROFILE, tmp_path, [state])
    finally:
        trajectory.write_bytes(kept)
    shipped = read_configuration(tmp_path / f"{state.state_id}.gsd")
    assert not shipped.velocities.any()
    np.testing.assert_array_equal(shipped.positions, last.positions)


def test_package_describes_every_file(campaign, tmp_path):
    root, whole = campaign
    dataset = merge_datasets(None, whole, PROFILE)
    write_dataset(dataset, tmp_path)
    chosen, finished = [PROFILE.states()[0], StatePoint(1, 0.1, 1, 1)], find_finished(root, PROFILE)
    write_configurations(dataset, finished, PROFILE, tmp_path / "configurations", chosen)
    write_data_card(dataset, tmp_path)
    assert len(list((tmp_path / "configurations").glob("*.gsd"))) == 1
    check_package(tmp_path)
    card = (tmp_path / "README.md").read_text()
    assert "$" not in card.split("```toml")[0]
    path = tmp_path / "rdf.parquet"
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(AssertionError, match=r"rdf.parquet"):
        check_package(tmp_path)


def check_package(directory):
    """Sizes and checksums, and the columns by the standard's own library, which reads parquet but cannot hash it."""
    descriptor = json.loads((directory / "datapackage.json").read_text())
    present = {path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file()}
    assert present == {entry["path"] for entry in descriptor["resources"]} | {"README.md", "datapackage.json"}
    for entry in descriptor["resources"]:
        content = (directory / entry["path"]).read_bytes()
        found = (len(content), f"sha256:{hashlib.sha256(content).hexdigest()}")
        assert found == (entry.pop("bytes"), entry.pop("hash")), entry["path"]
    package = frictionless.Package.from_descriptor(descriptor, basepath=str(directory))
    report = package.validate(limit_rows=600)  # all rows of the larger tables would take minutes
    assert report.valid, report.flatten(["name", "rowNumber", "fieldName", "message"])


@pytest.mark.skipif(not SHIPPED.exists(), reason="this checkout has no data/reference")
def test_shipped_dataset():
    check_package(SHIPPED)
    profile = load_profile("reference")
    dataset = read_dataset(SHIPPED)
    kept = [path.stem for path in sorted((SHIPPED / "configurations").glob("*.gsd"))]
    assert len(kept) == 12
    assert None not in read_configurations(dataset, SHIPPED / "configurations", kept).values()
    assert dataset.provenance["states_missing"] == 0
    assert set(dataset.states["state_id"]) == {state.state_id for state in profile.states()}
    r, g = dataset.curve_array(r_max=profile.r_max)
    assert g.shape[1:] == (3, profile.n_bins)
    core = g[:, 0, r < 0.8]
    assert np.abs(core).max() == 0


def test_lost_tables_do_not_start_the_whole_campaign(monkeypatch, tmp_path):
    monkeypatch.setattr("ljmix.data.reference.shipped_folder", lambda: tmp_path)
    with pytest.raises(
        FileNotFoundError, match="does not hold the shipped tables of profile reference, of which 5 states"
    ):
        repeated_states(load_profile("reference"), 5)
    assert repeated_states(load_profile("reference"), 0) == 0
    assert repeated_states(load_profile("smoke"), 5) == 0


def test_handful_spans_the_temperatures(dataset):
    drawn = draw_states(dataset, 5, seed=3)
    assert sorted(state.temperature for state in drawn) == [0.6, 0.8, 1.0, 1.2, 1.4]
    assert drawn == draw_states(dataset, 5, seed=3)
    assert drawn != draw_states(dataset, 5, seed=4)
    with pytest.raises(ValueError, match=r"n = 0: must lie between 1 and the 40 states .* in 300 seconds at most"):
        draw_states(dataset, 0, seed=3)


def test_only_converged_states_of_five_minutes_are_repeated(dataset):
    converged, seconds = np.arange(40) % 2 == 0, np.arange(40) * 20.0
    kept = dataset.states["state_id"][converged & (seconds <= 300)]
    states = dataset.states.assign(converged=converged, wall_seconds=seconds)
    drawn = draw_states(Dataset(states, dataset.rdf, dataset.provenance), 8, seed=3)
    assert {state.state_id for state in drawn} == set(kept)
    with pytest.raises(ValueError, match="between 1 and the 8 states"):
        draw_states(Dataset(states, dataset.rdf, dataset.provenance), 9, seed=3)


def test_only_shipped_states_are_repeated():
    assert repeated_states(load_profile("smoke"), 5) == 0
    assert repeated_states(load_profile("reference"), 5) == (5 if SHIPPED.is_dir() else 0)
    assert repeated_states(load_profile("reference"), 0) == 0


def test_replicas_start_elsewhere():
    state = StatePoint(1.0, 0.5, 1.0, 1.0)
    first, second, same = (build_configuration(state, 300, 150, replica=replica) for replica in (0, 1, 1))
    assert np.array_equal(second.positions, same.positions)
    for name in ("positions", "velocities"):
        assert np.abs(getattr(first, name) - getattr(second, name)).min(axis=1).max() > 0.1
    assert np.sum(first.velocities**2) == pytest.approx(np.sum(second.velocities**2), rel=1e-9)
