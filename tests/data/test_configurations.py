"""Last positions carry the identity of their dataset: those of another one are refused."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from ljmix.configuration import write_configuration
from ljmix.data.collect import collect_dataset, find_finished
from ljmix.data.configurations import RECORD, read_configurations, record_configurations, write_configurations
from ljmix.data.dataset import read_dataset, write_dataset
from ljmix.simulation.campaign import run_campaign
from ljmix.simulation.initial import build_configuration
from ljmix.state import state_points


@pytest.fixture
def kept(dataset, tmp_path):
    """Two states' positions, kept with the synthetic dataset."""
    states = state_points(dataset.states)[:2]
    for state in states:
        write_configuration(build_configuration(state, 50, 5), state.size_ratio, tmp_path / f"{state.state_id}.gsd")
    names = [state.state_id for state in states]
    record_configurations(dataset, tmp_path, names)
    return tmp_path, names


def test_positions_are_read_where_they_are_of_the_dataset(dataset, kept):
    folder, names = kept
    other = dataset.states["state_id"].iloc[-1]
    found = read_configurations(dataset, folder, [*names, other])
    assert [len(found[name].positions) for name in names] == [50, 50]
    assert found[other] is None
    assert read_configurations(dataset, folder / "none", names) == dict.fromkeys(names)


def test_positions_of_another_dataset_are_refused_in_a_sentence(dataset, kept):
    folder, names = kept
    states = dataset.states.assign(number_density=dataset.states["number_density"] + 0.001)
    other = replace(dataset, states=states)
    said = r"was made from another dataset \(profile synthetic, SHA-256 .*\) than the one at hand .*run 02-rdf again"
    with pytest.raises(ValueError, match=said):
        read_configurations(other, folder, names)
    record = folder / RECORD
    record.unlink()
    with pytest.raises(ValueError, match="it does not say which"):
        read_configurations(dataset, folder, names)
    record.write_text("{}")
    with pytest.raises(ValueError, match=r"dataset\.json holds no dataset with checksums"):
        read_configurations(dataset, folder, names)


def test_a_file_that_was_exchanged_added_or_lost_is_refused(dataset, kept):
    folder, names = kept
    first, second = (folder / f"{name}.gsd" for name in names)
    second.write_bytes(first.read_bytes())
    with pytest.raises(ValueError, match=r"gsd is not what .*dataset\.json says was kept with the dataset"):
        read_configurations(dataset, folder, names)
    second.unlink()
    with pytest.raises(FileNotFoundError, match="is gone, which was kept with the dataset"):
        read_configurations(dataset, folder, names)
    third = dataset.states["state_id"].iloc[2]
    (folder / f"{third}.gsd").write_bytes(first.read_bytes())
    with pytest.raises(ValueError, match="is not what"):
        read_configurations(dataset, folder, [third])


def test_a_campaigns_positions_belong_to_its_tables_and_an_addition_keeps_earlier_ones(tiny, tmp_path):
    root, last = tmp_path / "run", tmp_path / "last"
    profile = replace(tiny, temperature=(1.0, 1.2))
    with ThreadPoolExecutor(1) as executor:
        assert not run_campaign(profile.states(), profile, root, "auto", "cpu", executor).failed
        dataset = collect_dataset(root, profile, executor)
    finished = find_finished(root, profile)
    cold, warm = profile.states()
    write_configurations(dataset, finished, profile, last)
    write_dataset(dataset, tmp_path)
    read = read_configurations(read_dataset(tmp_path), last, [cold.state_id, warm.state_id])
    assert all(np.isfinite(found.positions).all() for found in read.values())
    # As where the repository's dataset grows: a campaign that holds the new state only.
    grown = replace(dataset, states=dataset.states.assign(wall_seconds=1.0))
    write_configurations(grown, {warm: finished[warm]}, profile, last)
    assert json.loads((last / RECORD).read_text())["sha256"].keys() == {cold.state_id, warm.state_id}
    read_configurations(grown, last, [cold.state_id, warm.state_id])
    # What is in nobody's record, or of a state that the dataset has not, is not taken over.
    write_configurations(grown.select(grown.states["temperature"] == 1.2), {}, profile, last)
    assert json.loads((last / RECORD).read_text())["sha256"].keys() == {warm.state_id}
