"""Campaigns: in parallel, resumable, every failure named. On systems of some 300 particles."""

import hashlib
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import gsd.hoomd
import numpy as np
import pandas as pd
import pytest

from ljmix._util.locks import hold_lock
from ljmix.data.collect import collect_dataset, find_finished
from ljmix.data.configurations import write_configurations
from ljmix.simulation.campaign import run_campaign
from ljmix.simulation.engine import load_engine
from ljmix.simulation.pool import Outcome, attempt
from ljmix.simulation.profiles import load_profile
from ljmix.simulation.protocol import choose_protocol
from ljmix.simulation.sampling import BusyError, choose_starts, is_finished, open_runs, sample_state
from ljmix.simulation.workspace import find_jobs, make_workspace, open_job
from ljmix.state import StatePoint, state_points
from tests.processes import find_files, processes_of

CHANGES = dict(
    box_edge=7.5, r_max=2.5, min_particles_b=2, steps_equilibration=200, steps_production=600, steps_max=800,
    segment_steps=200, frame_interval=20, trajectory_interval=100, temperature=[1.0, 1.4], fraction_b=[0.5],
    size_ratio=[1.0], epsilon_ab=[1.0],
)  # fmt: skip
PROFILE = load_profile("smoke", **CHANGES)
ENGINE = load_engine("auto", "cpu").name
"""The engine of this environment: campaigns are the same with each."""


class InProcess(Executor):
    """Runs at once, in this process."""

    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def results_of(root):
    """Bytes of everything a campaign leaves, except how long it took."""
    digests = {}
    for path in sorted(root.rglob("*")):
        if path.suffix in (".gsd", ".parquet", ".checkpoint"):
            digests[path.relative_to(root)] = hashlib.sha256(path.read_bytes()).hexdigest()
        elif path.suffix == ".npz":
            arrays = {k: v.tobytes() for k, v in np.load(path).items() if not k.startswith("seconds")}
            digests[path.relative_to(root)] = hashlib.sha256(repr(arrays).encode()).hexdigest()
    return digests


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    root = tmp_path_factory.mktemp("undisturbed")
    report = run_campaign(PROFILE.states(), PROFILE, root, ENGINE, executor=InProcess())
    assert len(report.finished) == 2
    assert not report.failed
    return root


def test_each_state_leaves_one_trajectory_and_one_table(undisturbed):
    for folder, state, engine in find_jobs(undisturbed, PROFILE):
        assert engine == ENGINE
        assert is_finished(folder, PROFILE)
        with gsd.hoomd.open(folder / "random" / "trajectory.gsd") as trajectory:
            assert [frame.configuration.step for frame in trajectory] == list(range(100, 801, 100))
            assert trajectory[0].particles.types == ["A", "B"]
            np.testing.assert_array_equal(np.unique(trajectory[-1].particles.typeid), [0, 1])
            # Each engine's; what a frame inherits from the first one counts as its own.
            assert not any(frame.particles.velocity.any() or frame.particles.image.any() for frame in trajectory)
            volumes = [float(frame.configuration.box[0]) ** 3 for frame in trajectory]
            n = trajectory[0].particles.N
        thermo = pd.read_parquet(folder / "random" / "thermo.parquet")
        assert list(thermo["step"]) == list(range(20, 801, 20))
        assert set(thermo) >= {"temperature", "pressure", "number_density", "potential_energy"}
        # Of the same frames: a box in single precision, whose cube is off by some 3e-7.
        np.testing.assert_allclose(thermo["number_density"].iloc[4::5], n / np.array(volumes), rtol=1e-6)
        # Both starts still give off heat while they compress; the thermostat takes it out within some 5 τ.
        assert 0.8 < thermo["temperature"].iloc[20:].mean() / state.temperature < 1.4


def test_a_second_call_does_nothing(undisturbed):
    before = {path: path.stat().st_mtime_ns for path in undisturbed.rglob("*.gsd")}
    report = run_campaign(PROFILE.states(), PROFILE, undisturbed, ENGINE, executor=InProcess())
    assert len(report.finished) == 2
    assert {path: path.stat().st_mtime_ns for path in undisturbed.rglob("*.gsd")} == before


def test_dataset_of_a_campaign(undisturbed):
    dataset = collect_dataset(undisturbed, PROFILE, executor=ThreadPoolExecutor(1))
    assert set(dataset.states["temperature"]) == {1.0, 1.4}
    assert (dataset.states["n_frames"] == 30).all()
    assert dataset.states["engine"].unique() == [ENGINE]
    r, g = dataset.curve_array()
    assert g.shape == (2, 3, 50)
    assert np.all(g[:, :, r < 0.8] == 0)
    # A colour mixture: one curve, measured three times. Its peak near the contact is that of the liquid.
    peaks = g.max(axis=2)
    assert np.all((peaks > 1.7) & (peaks < 3.5))
    for folder, state, _ in find_jobs(undisturbed, PROFILE):
        (run,) = open_runs(folder, state, PROFILE)
        measured = run.read_measurements()
        late = measured["step"] > PROFILE.steps_equilibration
        row = dataset.states.set_index("state_id").loc[state.state_id]
        assert row["virial_pressure_std"] == pytest.approx(np.std(measured["pressure"][late], dtype=float), rel=1e-6)


def test_a_state_off_the_grid_is_collected(undisturbed, tmp_path):
    """One's own mixture: after those of the grid, whether it is asked for or not."""
    shutil.copytree(undisturbed, tmp_path / "run")
    mine = StatePoint(1.1, 0.4, 0.9, 0.8)
    assert run_campaign([mine], PROFILE, tmp_path / "run", workers=1).finished.keys() == {mine}
    everything = collect_dataset(tmp_path / "run", PROFILE, ThreadPoolExecutor(1))
    assert state_points(everything.states) == [*PROFILE.states(), mine]
    assert everything.provenance["states_missing"] == 0
    alone = collect_dataset(tmp_path / "run", PROFILE, ThreadPoolExecutor(1), [mine])
    assert state_points(alone.states) == [mine]


def test_states_are_missed_only_where_they_were_asked_for(undisturbed, capsys):
    cold, hot = sorted(PROFILE.states())
    other = StatePoint(1.0, 0.2, 1.0, 1.0)
    wide = replace(PROFILE, fraction_b=(0.2, 0.5))
    for states, missing, message in (
        (None, 2, "2 of 4 states are not finished and left out; `make data` goes on"),
        ([cold], 0, ""),
        ([hot, other], 1, "1 of 2 states are not finished and left out; the same campaign goes on"),
    ):
        dataset = collect_dataset(undisturbed, wide, ThreadPoolExecutor(1), states)
        assert set(state_points(dataset.states)) == {cold, hot} & set(states or wide.states())
        assert dataset.provenance["states_missing"] == missing
        said = capsys.readouterr().out
        assert message in said
        assert bool(message) == ("not finished" in said)
    with pytest.raises(ValueError, match="holds none of the 1 states asked for"):
        collect_dataset(undisturbed, wide, ThreadPoolExecutor(1), [other])


KILLED = """
import sys
from pathlib import Path
from ljmix.simulation.campaign import run_campaign
from ljmix.simulation.profiles import load_profile
if __name__ == "__main__":
    profile = load_profile("smoke", **{changes!r})
    run_campaign(profile.states(), profile, Path({root!r}), {engine!r})
"""


def start_campaign(tmp_path, root):
    script = tmp_path / "campaign.py"
    changes = CHANGES | {"steps_max": 40_000, "steps_production": 39_800}
    script.write_text(KILLED.format(changes=changes, root=str(root), engine=ENGINE))
    return subprocess.Popen([sys.executable, script], start_new_session=True, stdout=subprocess.DEVNULL)


def wait_for(condition, under_way=lambda: True):
    """Wait for an event, however slow the machine: only what can no longer happen is an error."""
    while not condition():
        assert under_way() or condition(), "the campaign ended before what was waited for"
        time.sleep(0.05)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to see the processes")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT], ids=["kill -9", "interrupt"])
def test_a_killed_campaign_goes_on_to_the_same_bytes(undisturbed, tmp_path, how):
    """Kill the parent in mid-run: its workers end too, and the next call finishes with the same bytes."""
    root = tmp_path / "killed"
    parent = start_campaign(tmp_path, root)
    wait_for(lambda: len(find_files(root, "0001.npz")) == 2, lambda: parent.poll() is None)
    os.kill(parent.pid, how)
    parent.wait()
    wait_for(lambda: not processes_of(parent.pid))
    for part in root.rglob("0*.npz"):
        np.load(part)  # what is there is whole
    # Only segments that the shorter, undisturbed campaign has too are compared.
    report = run_campaign(PROFILE.states(), PROFILE, root, ENGINE, executor=InProcess())
    assert not report.failed
    found, expected = results_of(root), results_of(undisturbed)
    segments = [path for path in expected if path.suffix in (".npz", ".gsd") and path.stem.isdigit()]
    assert len(segments) == 2 * 2 * 4
    assert {path: found[path] for path in segments} == {path: expected[path] for path in segments}
    assert not list(root.rglob(".part-*"))


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to see the processes")
def test_a_killed_worker_is_replaced(tmp_path):
    root = tmp_path / "worker"
    profile = replace(PROFILE, steps_max=4_000, steps_production=3_800)
    killed, ended = [], []

    def kill_one():
        wait_for(lambda: find_files(root, "0001.npz"), lambda: not ended)
        worker = next(p for p in multiprocessing.active_children() if p.name.startswith("Spawn"))
        os.kill(worker.pid, signal.SIGKILL)
        killed.append(worker.pid)

    with ThreadPoolExecutor(1) as killer:
        done = killer.submit(kill_one)
        report = run_campaign(profile.states(), profile, root, ENGINE)
        ended.append(True)
        done.result()
    assert killed
    assert len(report.finished) == 2
    assert not report.failed


def test_one_failure_is_listed_and_the_rest_goes_on(tmp_path, undisturbed):
    broken, whole = PROFILE.states()
    folder = Path(open_job(tmp_path, broken, PROFILE, ENGINE).path) / "random"
    folder.mkdir()
    # A finished segment without the checkpoint that the next one begins from.
    for name in ("0000.gsd", "0000.npz", "initial.gsd"):
        (folder / name).write_bytes(b"")
    report = run_campaign(PROFILE.states(), PROFILE, tmp_path, ENGINE, executor=InProcess())
    assert list(report.finished) == [whole]
    assert report.failed[broken].startswith(f"RuntimeError: {folder / '0001.checkpoint'} is missing, so the run cannot")
    assert broken.state_id in str(report)
    # The way out that was named leads out.
    shutil.rmtree(folder)
    assert not run_campaign(PROFILE.states(), PROFILE, tmp_path, ENGINE, executor=InProcess()).failed


def test_one_poisonous_state_does_not_take_the_rest_along(tmp_path, monkeypatch):
    """A state that kills its worker each time is found and named; the other one finishes."""
    monkeypatch.setenv("LJMIX_TEST_POISON", PROFILE.states()[0].state_id)
    monkeypatch.setattr("ljmix.simulation.campaign.sample_state", sample_or_die)
    report = run_campaign(PROFILE.states(), PROFILE, tmp_path, ENGINE)
    assert list(report.finished) == [PROFILE.states()[1]]
    assert report.failed == {PROFILE.states()[0]: "its worker process was killed 3 times"}


def test_an_early_kill_does_not_leave_one_worker_for_all(tmp_path, monkeypatch):
    """The first pool breaks before any state is done: the suspect runs alone, all others in parallel again."""
    lent = []

    class Pool(InProcess):
        def submit(self, fn, /, *args):
            if fn is not attempt:
                return super().submit(lambda: None)  # the engine starts
            future, (_, states) = Future(), lent[-1]
            _, _, root, state, *_ = args
            states.append(state)
            if len(lent) == 1:
                future.set_exception(BrokenProcessPool())
            else:
                future.set_result(Outcome(root / state.state_id))
            return future

    @contextmanager
    def lend(executor, workers=None):
        lent.append((workers, []))
        yield Pool()

    monkeypatch.setattr("ljmix.simulation.campaign.lend_pool", lend)
    states = load_profile("quick").states()
    report = run_campaign(states, load_profile("quick"), tmp_path, ENGINE, workers=64)
    assert [(workers, len(asked)) for workers, asked in lent] == [(64, 60), (1, 1), (64, 59)]
    assert set(report.finished) == set(states)
    assert not report.failed


def sample_or_die(root, state, profile, engine, device):
    if state.state_id == os.environ["LJMIX_TEST_POISON"]:
        os.kill(os.getpid(), signal.SIGKILL)
    return sample_state(root, state, profile, engine, device)


def test_a_full_disk_loses_nothing_finished(tmp_path, monkeypatch):
    state = PROFILE.states()[0]
    monkeypatch.setattr("ljmix.simulation.run._thin", full_on_third_call())
    report = run_campaign([state], PROFILE, tmp_path, ENGINE, executor=InProcess())
    assert "No space left" in report.failed[state]
    monkeypatch.undo()
    ((folder, _, _),) = find_jobs(tmp_path, PROFILE)
    assert sorted(path.name for path in folder.rglob("0*.npz")) == ["0000.npz", "0001.npz"]
    assert not list(folder.rglob(".part-*"))
    assert run_campaign([state], PROFILE, tmp_path, ENGINE, executor=InProcess()).finished == {state: folder}


def full_on_third_call():
    from ljmix.simulation.run import _thin

    calls = []

    def thin(*arguments):
        calls.append(1)
        if len(calls) == 3:
            raise OSError(28, "No space left on device")
        _thin(*arguments)

    return thin


@pytest.mark.parametrize("cut", [lambda whole: b"", lambda whole: whole[: len(whole) // 2]], ids=["empty", "half"])
def test_a_damaged_file_is_named_with_a_way_out(undisturbed, tmp_path, cut):
    root = tmp_path / "damaged"
    shutil.copytree(undisturbed, root)
    (folder, state, _), _ = find_jobs(root, PROFILE)
    path = folder / "random" / "0003.npz"
    path.write_bytes(cut(path.read_bytes()))
    with pytest.warns(UserWarning, match=rf"0003.npz is damaged \(.*\); delete {folder}, and the state is simulated"):
        dataset = collect_dataset(root, PROFILE, executor=ThreadPoolExecutor(1))
    # The rest is collected.
    assert state_points(dataset.states) == [other for other in PROFILE.states() if other != state]
    assert dataset.provenance["states_missing"] == 1
    # The way out leads out.
    shutil.rmtree(folder)
    assert not run_campaign([state], PROFILE, root, ENGINE, executor=InProcess()).failed
    assert results_of(root) == results_of(undisturbed)


@pytest.mark.parametrize("lost", ["0000.npz", "0001.npz", "0002.gsd", "0003.npz"])
def test_a_lost_segment_is_named_not_averaged_over(undisturbed, tmp_path, lost):
    """Also the last one, which leaves no gap: the marker of the finished state knows how many there were."""
    root = tmp_path / "lost"
    shutil.copytree(undisturbed, root)
    (folder, state, _), _ = find_jobs(root, PROFILE)
    (folder / "random" / lost).unlink()
    number = lost.split(".")[0]
    with pytest.warns(
        UserWarning, match=rf"{state.state_id}: segment {number} of its run from the random start is lost"
    ):
        dataset = collect_dataset(root, PROFILE, executor=ThreadPoolExecutor(1))
    assert len(dataset.states) == 1


def test_a_damaged_marker_counts_for_nothing_and_is_written_anew(undisturbed, tmp_path):
    root = tmp_path / "marker"
    shutil.copytree(undisturbed, root)
    (folder, state, _), _ = find_jobs(root, PROFILE)
    (folder / "finished.json").write_text("")
    with pytest.warns(UserWarning, match="finished.json is damaged and counts for nothing; the campaign, called again"):
        assert len(collect_dataset(root, PROFILE, executor=ThreadPoolExecutor(1)).states) == 1
    with pytest.warns(UserWarning, match="is damaged"):
        assert not run_campaign([state], PROFILE, root, ENGINE, executor=InProcess()).failed
    assert results_of(root) == results_of(undisturbed)
    assert is_finished(folder, PROFILE)


def test_a_lost_trajectory_is_made_again(undisturbed, tmp_path):
    root = tmp_path / "trajectory"
    shutil.copytree(undisturbed, root)
    for path in root.rglob("trajectory.gsd"):
        path.unlink()
    dataset = collect_dataset(root, PROFILE, executor=InProcess())
    write_configurations(dataset, find_finished(root, PROFILE), PROFILE, tmp_path / "last")
    assert results_of(root) == results_of(undisturbed)


def test_a_longer_run_goes_on_where_the_shorter_one_ended(tmp_path):
    state = PROFILE.states()[0]
    folder = sample_state(tmp_path, state, PROFILE, ENGINE, "cpu")
    before = results_of(tmp_path)
    longer = replace(PROFILE, steps_max=1200, steps_production=1000)
    assert not is_finished(folder, longer)
    assert sample_state(tmp_path, state, longer, ENGINE, "cpu") == folder
    after = results_of(tmp_path)
    assert len([p for p in after if p.suffix == ".npz"]) == 6
    segments = [p for p in before if p.stem.isdigit() and p.suffix != ".checkpoint"]
    assert {p: after[p] for p in segments} == {p: before[p] for p in segments}


def test_a_state_of_another_process_is_waited_for(tmp_path, capsys):
    """Two campaigns share a folder: each does its part, and the second ends when the first lets go."""
    state = PROFILE.states()[0]
    job = open_job(tmp_path, state, PROFILE, ENGINE)
    with ThreadPoolExecutor(1) as other:
        with hold_lock(Path(job.path) / ".lock"):
            with pytest.raises(BusyError, match=f"{state.state_id}: another process works on it"):
                sample_state(tmp_path, state, PROFILE, ENGINE, "cpu")
            report = other.submit(run_campaign, [state], PROFILE, tmp_path, ENGINE, executor=InProcess())
            said = ""
            while "waiting for them" not in said:
                said += capsys.readouterr().out
                time.sleep(0.02)
        assert report.result().finished == {state: Path(job.path)}
    assert "1 states are simulated by another process" in said


@pytest.mark.parametrize("turn", range(3))
def test_two_campaigns_begin_at_once_in_a_new_folder(tmp_path, turn):
    """As signac makes a project, a second process would meet half of it."""
    code = (
        "import sys; from pathlib import Path; from ljmix.simulation.workspace import make_workspace\n"
        "sys.stdin.read(1); print(make_workspace(Path(sys.argv[1])).path)"
    )
    several = [
        subprocess.Popen(
            [sys.executable, "-c", code, tmp_path / "new"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
        )
        for _ in range(4)
    ]  # fmt: skip
    for one in several:
        one.stdin.write("g")
        one.stdin.flush()
    for one in several:
        said, trouble = one.communicate()
        assert said.strip() == str(tmp_path / "new"), trouble[-500:]
    assert {path.name for path in (tmp_path / "new").iterdir()} == {".signac", "workspace"}


def test_a_folder_whose_settings_a_killed_process_left_empty_is_mended(tmp_path):
    (tmp_path / ".signac").mkdir()
    make_workspace(tmp_path)
    (tmp_path / ".signac" / "config").write_text("")
    assert make_workspace(tmp_path).path == str(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {".signac", "workspace"}


def test_a_campaign_does_not_look_into_the_folders_above(tmp_path, undisturbed):
    """A project further up the path is another one's."""
    make_workspace(tmp_path)
    below = tmp_path / "below"
    shutil.copytree(undisturbed, below)
    shutil.rmtree(below / ".signac")
    assert {folder.parents[1] for folder, _, _ in find_jobs(below, PROFILE)} == {below}
    run_campaign(PROFILE.states(), PROFILE, below, ENGINE, executor=InProcess())
    assert not list((tmp_path / "workspace").iterdir())


def test_weakly_mixing_states_get_a_separated_start():
    profile = load_profile("reference")
    assert choose_starts(StatePoint(1.4, 0.5, 1.0, 0.4), profile) == ("random", "separated")
    assert choose_starts(StatePoint(0.6, 0.5, 1.0, 1.0), profile) == ("random",)
    assert choose_starts(StatePoint(0.6, 0.5, 1.0, 0.2), PROFILE) == ("random",)


def test_two_starts_that_agree_are_pooled(tmp_path):
    """A mixed state, so small that the separated start dissolves in the time given."""
    profile = load_profile(
        "smoke", **(CHANGES | dict(
            separated_start=True, temperature=[1.4], epsilon_ab=[0.6], steps_equilibration=10_000,
            steps_production=15_000, steps_max=60_000, segment_steps=5_000, frame_interval=100,
            trajectory_interval=5_000, peak_error=0.05,
        ))
    )  # fmt: skip
    (state,) = profile.states()
    run_campaign([state], profile, tmp_path, ENGINE, executor=InProcess())
    row = collect_dataset(tmp_path, profile, executor=ThreadPoolExecutor(1)).states.iloc[0]
    assert row["starts"] == "random+separated"
    assert row["converged"]


def test_two_engines_in_one_folder_are_not_mixed(tmp_path, undisturbed):
    root = tmp_path / "both"
    shutil.copytree(undisturbed, root)
    other = "hoomd" if ENGINE == "lammps" else "lammps"
    state = PROFILE.states()[0]
    folder = Path(open_job(root, state, PROFILE, other).path)
    own = shutil.ignore_patterns("signac_statepoint.json")
    shutil.copytree(open_job(root, state, PROFILE, ENGINE).path, folder, ignore=own, dirs_exist_ok=True)
    with pytest.raises(ValueError, match="holds states of the engines hoomd and lammps; keep one"):
        collect_dataset(root, PROFILE, executor=ThreadPoolExecutor(1))


@pytest.mark.parametrize("content", ["", "{", '{"temperature": 1.0}'])
def test_a_job_that_lost_its_identity_is_named_and_the_rest_collected(tmp_path, undisturbed, content):
    root = tmp_path / "damaged"
    shutil.copytree(undisturbed, root)
    broken, whole = (Path(open_job(root, state, PROFILE, ENGINE).path) for state in PROFILE.states())
    (broken / "signac_statepoint.json").write_text(content)
    with pytest.warns(
        UserWarning, match=f"{broken.name} is left out: its signac_statepoint.json is damaged or lost; the"
    ):
        found = find_jobs(root, PROFILE)
    assert [folder.name for folder, _, _ in found] == [whole.name]
    # The campaign knows what stood there, since the folder is named after it.
    assert not run_campaign(PROFILE.states(), PROFILE, root, ENGINE, executor=InProcess()).failed
    assert len(find_jobs(root, PROFILE)) == 2


def test_jobs_of_another_number_of_moves_belong_to_the_campaign(tmp_path, monkeypatch):
    """Moves that are tried more or less often sample the same; those of the protocol come last, and count."""
    profile, state = load_profile("equilibrium"), StatePoint(1.0, 0.35, 2.0, 0.6)
    protocol = choose_protocol(state)
    now = Path(open_job(tmp_path, state, profile, "lammps").path)
    more = replace(protocol, moves=replace(protocol.moves, teleport_a=4 * protocol.moves.teleport_a))
    monkeypatch.setattr("ljmix.simulation.workspace.choose_protocol", lambda _: more)
    earlier = Path(open_job(tmp_path, state, profile, "lammps").path)
    monkeypatch.undo()
    assert earlier != now
    assert [folder for folder, _, _ in find_jobs(tmp_path, profile)] == [earlier, now]
    # Plain dynamics is another thing.
    assert find_jobs(tmp_path, replace(profile, equilibrate=False)) == []


def test_other_bins_are_measured_anew(tmp_path):
    state = PROFILE.states()[0]
    finer = replace(PROFILE, bin_width=0.025)
    assert sample_state(tmp_path, state, PROFILE, ENGINE, "cpu") != sample_state(tmp_path, state, finer, ENGINE, "cpu")


def test_a_shorter_profile_does_not_use_what_a_longer_one_left(tmp_path):
    state = PROFILE.states()[0]
    only = replace(PROFILE, temperature=(state.temperature,))
    longer = replace(only, steps_max=1200, steps_production=1000)
    tables = []
    for profile in (only, longer, only):
        sample_state(tmp_path, state, profile, ENGINE, "cpu")
        tables.append(collect_dataset(tmp_path, profile, executor=ThreadPoolExecutor(1)).rdf)
    pd.testing.assert_frame_equal(tables[0], tables[2])
    assert not tables[0].equals(tables[1])


SCRIPT = """
from ljmix.simulation.campaign import run_campaign
from ljmix.simulation.profiles import load_profile
profile = load_profile("smoke", steps_production=500, steps_production_slow=500, steps_max=1000, box_edge=12.0)
states = [state for state in profile.states() if state.size_ratio == 1.0][:1]
{guard}print(run_campaign(states, profile, {folder!r}, workers=1))
"""


@pytest.mark.parametrize(
    ("guard", "piped", "said"),
    [
        ("", False, 'put this call under `if __name__ == "__main__":`; each worker process imports the script'),
        ("", True, "worker processes cannot import a program from <stdin>: save it as a file"),
        ('if __name__ == "__main__": ', False, "1 states done, 0 failed"),
    ],
)
def test_a_script_without_the_guard_is_told_at_once(guard, piped, said, tmp_path):
    source = SCRIPT.format(guard=guard, folder=str(tmp_path / "run"))
    (tmp_path / "mine.py").write_text(source)
    command = [sys.executable, "-"] if piped else [sys.executable, str(tmp_path / "mine.py")]
    done = subprocess.run(command, input=source, capture_output=True, text=True, timeout=300)
    assert said in done.stdout + done.stderr
    assert (done.returncode == 0) == bool(guard)
    assert guard or (done.stdout + done.stderr).count("\n") < 25


def test_bad_calls_fail_before_any_work(tmp_path):
    with pytest.raises(ValueError, match="workers = 0: must be at least 1"):
        run_campaign(PROFILE.states(), PROFILE, tmp_path, ENGINE, workers=0)
    with pytest.raises(ValueError, match="the campaign has no state"):
        run_campaign([], PROFILE, tmp_path)
    with pytest.raises(ValueError, match="engine = 'namd' is unknown"):
        run_campaign(PROFILE.states(), PROFILE, tmp_path, "namd")
    with pytest.raises(ValueError, match=r"need at least 6\.1"):
        run_campaign(PROFILE.states(), replace(PROFILE, box_edge=5.0), tmp_path)
    with pytest.raises(FileNotFoundError, match="holds no campaign"):
        collect_dataset(tmp_path, PROFILE)
    assert list(tmp_path.iterdir()) == []


class Forgetful(InProcess):
    """Runs what it is given, then loses the result: as Dask, whose worker is gone when it is asked for."""

    def submit(self, fn, /, *args):
        super().submit(fn, *args).result()
        future = Future()
        future.set_exception(TypeError("cannot unpack non-iterable PosixPath object"))
        return future


class Lossy(Executor):
    """Loses every worker before it has begun."""

    def submit(self, fn, /, *args):
        future = Future()
        future.set_exception(OSError("scheduler closed"))
        return future


def test_what_is_finished_on_disk_is_finished_whatever_the_executor_says(tmp_path):
    report = run_campaign(PROFILE.states(), PROFILE, tmp_path, ENGINE, executor=Forgetful())
    assert not report.failed
    assert set(report.finished) == set(PROFILE.states())
    assert all(is_finished(folder, PROFILE) for folder in report.finished.values())


def test_a_state_whose_workers_are_lost_fails_in_the_executors_words(tmp_path):
    report = run_campaign(PROFILE.states(), PROFILE, tmp_path, ENGINE, executor=Lossy())
    assert set(report.failed.values()) == {"its worker was lost (OSError: scheduler closed) 3 times"}


def test_an_executor_that_takes_no_work_is_named(tmp_path):
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    report = run_campaign(PROFILE.states(), PROFILE, tmp_path, ENGINE, executor=pool)
    assert all(reason.startswith("the executor takes no work: RuntimeError") for reason in report.failed.values())


def die(*arguments):
    os.abort()


def test_workers_that_die_before_any_work_end_the_campaign_at_once(tmp_path, monkeypatch):
    """As under a launcher whose MPI aborts: two are tried, not three for each state."""
    monkeypatch.setattr("ljmix.simulation.campaign.try_out", die)
    monkeypatch.setattr("ljmix.simulation.campaign.sample_state", die)
    with pytest.raises(RuntimeError, match=f"die as they start the engine {ENGINE}, before any work; .* doctor` looks"):
        run_campaign(PROFILE.states(), PROFILE, tmp_path, ENGINE, workers=1)
