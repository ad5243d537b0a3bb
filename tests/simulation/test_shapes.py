"""A second bracket of the stable shape: when it is run, how it goes on, and what it leaves in a part."""

import json

import numpy as np
import pytest

from ljmix.configuration import read_configuration
from ljmix.release.part_files import lacks_second_bracket, read_part, write_part
from ljmix.simulation import sampling
from ljmix.simulation.profiles import load_profile
from ljmix.simulation.sampling import is_finished, open_runs, sample_state
from ljmix.simulation.shapes import read_lever_share, write_lever_share
from ljmix.state import StatePoint
from ljmix.structure.phase import sorted_waves
from ljmix.structure.scattering import concentration_waves

STATE = StatePoint(0.8, 0.35, 1.0, 0.2)
PROFILE = load_profile(
    "equilibrium", box_edge=9.0, r_max=3.0, min_particles_b=2, steps_equilibration=400, steps_production=1200,
    steps_production_slow=1200, steps_max=1600, segment_steps=400, frame_interval=100, trajectory_interval=400,
)  # fmt: skip
ALL = ["random", "separated", "stable", "stable_exchanged"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A small state that separates within a few steps; its two slabs are taken for different shapes."""
    with pytest.MonkeyPatch.context() as patch:
        asked = []
        patch.setattr(sampling, "needs_stable_shape", lambda *given: asked.append(given) or True)
        made = sample_state(tmp_path_factory.mktemp("campaign"), STATE, PROFILE, "lammps", "cpu")
    ((labels, waves, _),) = asked
    assert labels == ("demixed", "demixed")
    assert all(of_run[2] > 10 * of_run[1] for of_run in waves)
    return made


def test_the_second_bracket_has_the_stable_shape(folder):
    runs = open_runs(folder, STATE, PROFILE)
    assert [run.start for run in runs] == ALL
    assert all(run.count_segments() == 4 for run in runs)
    share = read_lever_share(folder)
    print(f"share of the B-rich liquid: {share:.3f}; B's own: 0.35")
    assert 0.3 < share < 0.42
    shapes = {}
    for run in runs[1:]:
        start = read_configuration(run.initial)
        waves = sorted_waves(concentration_waves(start.positions / start.box_edge, start.types)[None])
        shapes[run.start] = waves[1] < waves[2] / 4
    assert shapes == dict.fromkeys(ALL[1:], True)


def test_a_part_keeps_all_starts_and_the_second_bracket_decides(folder, tmp_path):
    part = read_part(write_part(STATE, folder, tmp_path, PROFILE))
    assert [start["start"] for start in part.header["starts"]] == ALL
    assert part.header["deciding"] == [2, 3]
    assert set(part.header["counted"]) <= {2, 3}
    assert part.header["lever_share"] == read_lever_share(folder)
    assert part.g.shape[0] == part.series.shape[0] == 4


def test_a_part_from_before_second_brackets_is_replaced_once(folder, tmp_path):
    path = write_part(STATE, folder, tmp_path, PROFILE)
    with np.load(path) as file:
        arrays = dict(file)
    whole = json.loads(arrays["header"].tobytes())
    old = {name: value for name, value in whole.items() if name != "lever_share"}
    old |= {"starts": whole["starts"][:2], "deciding": [0, 1], "agreed": False}
    assert lacks_second_bracket(old)
    assert not lacks_second_bracket(old | {"agreed": True, "starts": [whole["starts"][1]] * 2})
    arrays["header"] = np.frombuffer(json.dumps(old).encode(), dtype=np.uint8)
    np.savez_compressed(path, **arrays)
    for _ in range(2):
        write_part(STATE, folder, tmp_path, PROFILE)
        assert read_part(path).header == whole
        written = path.stat().st_mtime_ns
    write_part(STATE, folder, tmp_path, PROFILE)
    assert path.stat().st_mtime_ns == written


def test_an_interrupted_second_bracket_goes_on(folder, monkeypatch):
    """The first runs are not touched again, and the share is not measured again."""
    assert is_finished(folder, PROFILE)
    root = folder.parents[1]
    (folder / "finished.json").unlink()
    last = open_runs(folder, STATE, PROFILE)[-1]
    for suffix in ("npz", "gsd"):
        (last.folder / f"0003.{suffix}").unlink()
    # As a killed process leaves it: the checkpoint of the segment that is missing is the one that the last one wrote.
    (last.folder / "0004.checkpoint").rename(last.folder / "0003.checkpoint")
    monkeypatch.setattr(sampling, "measure_lever_share", lambda *_: pytest.fail("measured again"))
    sample_state(root, STATE, PROFILE, "lammps", "cpu")
    assert [run.count_segments() for run in open_runs(folder, STATE, PROFILE)] == [4, 4, 4, 4]
    assert is_finished(folder, PROFILE)


def test_a_damaged_share_is_named(tmp_path):
    assert read_lever_share(tmp_path) is None
    write_lever_share(tmp_path, 0.25)
    assert read_lever_share(tmp_path) == json.loads((tmp_path / "lever_rule.json").read_text())["share"] == 0.25
    (tmp_path / "lever_rule.json").write_text("{")
    with pytest.raises(
        ValueError, match=r"lever_rule\.json is damaged .*; delete .*, and the state is simulated again"
    ):
        read_lever_share(tmp_path)
