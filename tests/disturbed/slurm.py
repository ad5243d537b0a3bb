"""Run the script of docs/clusters.md on a SLURM of one node, cancel its jobs at random, and compare the tables.

::

    python -m tests.disturbed.slurm --cancels 20     # or make slurm, as root

Needs Debian's ``slurm-wlm`` and ``munge``, and ``dask-jobqueue``. Starts munged, slurmctld and slurmd with settings of
their own in a temporary folder, beside any that run, and stops them at the end.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tqdm import tqdm

from ljmix.data.collect import collect_dataset
from ljmix.simulation.profiles import load_profile
from tests.disturbed.chaos import finish, require_equal

PAGE = Path(__file__).parents[2] / "docs" / "clusters.md"
DAEMONS = ("munged", "slurmctld", "slurmd")
SETTINGS = """
ClusterName=ljmix
SlurmctldHost={host}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
SlurmUser=root
SlurmdUser=root
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
ReturnToService=2
KillWait=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
NodeName={host} CPUs={cores} RealMemory={memory} State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE OverSubscribe=NO State=UP
"""


def read_script() -> str:
    """The script that the page on clusters shows."""
    found = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    if found is None:
        raise ValueError(f"{PAGE} shows no script")
    return found[1]


def free_ports(n: int) -> list[int]:
    """Ports that nobody listens on."""
    sockets = [socket.create_server(("", 0)) for _ in range(n)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


@contextmanager
def one_node(folder: Path) -> Iterator[dict[str, str]]:
    """Start the daemons of a SLURM of one node; yield the environment in which its commands find it."""
    host = socket.gethostname().partition(".")[0]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    for name in ("state", "spool"):
        (folder / name).mkdir()
    (folder / "key").write_bytes(secrets.token_bytes(1024))
    (folder / "key").chmod(0o400)
    cores = max(2, len(os.sched_getaffinity(0)))
    settings = SETTINGS.format(host=host, folder=folder, ports=free_ports(2), cores=cores, memory=int(0.9 * memory))
    (folder / "slurm.conf").write_text(settings.lstrip())
    (folder / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")
    environment = {**os.environ, "SLURM_CONF": str(folder / "slurm.conf")}
    places = {name: f"--{name}-file={folder}/munge.{name}" for name in ("pid", "log", "seed")}
    munged = [
        "munged", "--foreground", "--force", f"--key-file={folder}/key", f"--socket={folder}/munge.socket",
        *places.values(),
    ]  # fmt: skip
    commands = [munged, ["slurmctld", "-D", "-c"], ["slurmd", "-D", "-N", host]]
    running = []
    try:
        for command in commands:
            with (folder / f"{command[0]}.out").open("w") as said:
                running.append(subprocess.Popen(command, env=environment, stdout=said, stderr=said))
            wait_for(folder, running, environment, ready=command[0])
        yield environment
    finally:
        for daemon in reversed(running):
            daemon.terminate()
            try:
                daemon.wait(20)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()


def wait_for(folder: Path, running: list[subprocess.Popen[bytes]], environment: dict[str, str], ready: str) -> None:
    """Wait until a daemon answers."""
    asked = {
        "munged": ["munge", "-n", f"--socket={folder}/munge.socket"],
        "slurmctld": ["scontrol", "ping"],
        "slurmd": ["sinfo", "--noheader", "--format=%t"],
    }[ready]
    while True:
        for daemon in running:
            if daemon.poll() is not None:
                name = Path(str(daemon.args[0])).name
                raise RuntimeError(f"{name} ended:\n{(folder / f'{name}.out').read_text()[-2000:]}")
        answer = subprocess.run(asked, env=environment, capture_output=True, text=True, check=False)
        good = {"munged": "MUNGE", "slurmctld": "UP", "slurmd": "idle"}[ready]
        if answer.returncode == 0 and good in answer.stdout:
            return
        time.sleep(0.2)


def list_jobs(environment: dict[str, str]) -> list[str]:
    """Numbers of the jobs that run."""
    command = ["squeue", "--noheader", "--states=RUNNING", "--format=%A"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.split()


def run_disturbed(
    folder: Path, turn: int, environment: dict[str, str], cancels: int, rng: random.Random, bar: tqdm
) -> int:
    """Run the page's script to its end, and cancel jobs while it runs; return how many."""
    script, root, log = folder / "campaign.py", folder / f"disturbed-{turn}", folder / f"log-{turn}"
    script.write_text(read_script())
    done = 0
    with log.open("wb") as said:
        command = [sys.executable, script, "smoke", root]
        campaign = subprocess.Popen(command, cwd=folder, env=environment, stdout=said, stderr=said)
    try:
        while campaign.poll() is None:
            try:
                campaign.wait(rng.uniform(3, 12))
            except subprocess.TimeoutExpired:
                jobs = list_jobs(environment)
                if jobs and done < cancels:
                    subprocess.run(["scancel", rng.choice(jobs)], env=environment, check=True)
                    done += 1
                    bar.update()
    finally:
        if campaign.poll() is None:
            campaign.kill()
            campaign.wait()
    if campaign.returncode or " 0 failed" not in log.read_text(errors="replace"):
        raise AssertionError(f"campaign {turn} failed:\n{log.read_text(errors='replace')[-3000:]}")
    return done


def main() -> None:
    """Start, disturb, compare, stop."""
    parser = argparse.ArgumentParser(description="Run a campaign on a SLURM of one node, and cancel jobs at random.")
    parser.add_argument("--cancels", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    missing = [name for name in DAEMONS if shutil.which(name) is None]
    if missing or os.geteuid():
        reason = f"{missing[0]} is not installed (apt-get install slurm-wlm munge)" if missing else "be root"
        parser.exit(2, f"{parser.prog}: {reason}; one node of SLURM is started for this\n")
    rng, done, turn = random.Random(options.seed), 0, 0
    with tempfile.TemporaryDirectory(prefix="ljmix-slurm-", dir="/tmp") as place:
        folder = Path(place)
        undisturbed = finish(folder / "undisturbed", folder / "log")
        (folder / "slurm").mkdir(mode=0o700)
        with one_node(folder / "slurm") as environment, tqdm(total=options.cancels, unit="cancel") as bar:
            while done < options.cancels:
                done += run_disturbed(folder, turn, environment, options.cancels - done, rng, bar)
                disturbed = collect_dataset(folder / f"disturbed-{turn}", load_profile("smoke"))
                require_equal(undisturbed, disturbed, f"campaign {turn}")
                turn += 1
    print(f"{done} jobs of {turn} campaigns cancelled: every state finished, tables equal the undisturbed run's")


if __name__ == "__main__":
    main()
