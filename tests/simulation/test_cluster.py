"""A campaign on Dask: a real scheduler and two worker processes, of which one is killed in mid-run."""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from distributed import Client, LocalCluster

from ljmix.simulation.campaign import run_campaign
from ljmix.simulation.engine import load_engine
from ljmix.simulation.profiles import load_profile
from ljmix.simulation.workspace import find_jobs
from tests.processes import find_files

PROFILE = load_profile(
    "smoke", box_edge=7.5, r_max=2.5, min_particles_b=2, steps_equilibration=200, steps_production=3_800,
    steps_max=4_000, segment_steps=200, frame_interval=20, trajectory_interval=100, temperature=[0.8, 1.0, 1.4],
    fraction_b=[0.5], size_ratio=[1.0], epsilon_ab=[1.0],
)  # fmt: skip
ENGINE = load_engine("auto", "cpu").name


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dask")
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, local_directory=str(folder)
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


def test_a_killed_worker_costs_at_most_a_segment(client, tmp_path):
    killed, ended = [], []

    def kill_one():
        while not (begun := find_files(tmp_path, "0003.npz")):
            assert not ended, "the campaign ended before it was disturbed"
            time.sleep(0.05)
        busy = {worker: tasks for worker, tasks in client.processing().items() if tasks}
        pids = client.run(os.getpid)
        worker = next(iter(busy))
        os.kill(pids[worker], signal.SIGKILL)
        killed.append({path: path.stat().st_mtime_ns for path in begun})

    with ThreadPoolExecutor(1) as killer:
        done = killer.submit(kill_one)
        report = run_campaign(PROFILE.states(), PROFILE, tmp_path, ENGINE, "cpu", client.get_executor())
        ended.append(True)
        done.result()
    assert len(killed) == 1
    assert not report.failed
    assert len(report.finished) == 3
    # What was finished before the kill was not simulated again.
    assert all(path.stat().st_mtime_ns == before for path, before in killed[0].items())
    for folder, _, _ in find_jobs(tmp_path, PROFILE):
        steps = np.concatenate([np.load(path)["step"] for path in sorted(folder.glob("random/0*.npz"))])
        assert steps.tolist() == list(range(20, 4_001, 20))
        assert not list(folder.rglob(".part-*"))
