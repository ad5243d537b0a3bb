"""Kill a campaign at random until it has been killed often enough, and compare its tables with an undisturbed one's.

::

    python -m tests.disturbed.chaos --kills 200     # or make chaos KILLS=200

A round starts the campaign as a user does, waits for a random time, and kills (signal 9) the parent, one worker, or all
of them. When a campaign has ended by itself, the next round starts in a new folder. At the end each folder is finished
undisturbed, and the files of its tables are compared byte for byte, without the columns of times.
"""

from __future__ import annotations

import argparse
import io
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tqdm import tqdm

from ljmix.data.collect import collect_dataset
from ljmix.data.dataset import Dataset
from ljmix.simulation.profiles import load_profile
from tests.processes import processes_of

WAYS = ("parent", "worker", "all")
TIMES = ("wall_seconds", "rdf_seconds")
"""Columns that two equal runs do not share."""


def start(root: Path, log: Path) -> subprocess.Popen[bytes]:
    """Start the smoke campaign in a session of its own."""
    command = [sys.executable, "-m", "ljmix", "campaign", "--profile", "smoke", "--results", root]
    with log.open("ab") as said:
        return subprocess.Popen(command, start_new_session=True, stdout=said, stderr=said)


def kill(campaign: subprocess.Popen[bytes], way: str, rng: random.Random) -> bool:
    """Kill a part of a campaign; tell whether there was one to kill."""
    workers = [number for number in processes_of(campaign.pid) if number != campaign.pid]
    victims = {"parent": [campaign.pid], "worker": workers, "all": [campaign.pid, *workers]}[way]
    if campaign.poll() is not None or not victims:
        return False
    for number in [rng.choice(victims)] if way == "worker" else victims:
        try:
            os.kill(number, signal.SIGKILL)
        except ProcessLookupError:
            return False
    return True


def wait_until_gone(campaign: subprocess.Popen[bytes]) -> None:
    """Wait for the parent and for workers that have noticed its end."""
    campaign.wait()
    while processes_of(campaign.pid):
        time.sleep(0.1)


def finish(root: Path, log: Path) -> Dataset:
    """Go on with a campaign undisturbed, and collect it."""
    done = start(root, log)
    try:
        done.wait()
    finally:
        for number in processes_of(done.pid):
            os.kill(number, signal.SIGKILL)
    if done.returncode:
        raise RuntimeError(f"the campaign in {root} did not finish:\n{log.read_text(errors='replace')[-2000:]}")
    return collect_dataset(root, load_profile("smoke"))


def require_equal(one: Dataset, other: Dataset, what: str) -> None:
    """Compare all tables byte for byte, times excepted."""
    for name in ("states", "rdf", "structure_factors"):
        files = []
        for data in (one, other):
            files.append(io.BytesIO())
            getattr(data, name).drop(columns=list(TIMES), errors="ignore").to_parquet(files[-1], index=False)
        if files[0].getvalue() != files[1].getvalue():
            raise AssertionError(f"{what}: the bytes of {name} differ from the undisturbed run's")


def main() -> None:
    """Kill and compare."""
    parser = argparse.ArgumentParser(description="Kill a campaign at random and compare its tables.")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--longest", type=float, default=20.0, help="longest time before a kill, s")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng, done = random.Random(options.seed), Counter[str]()
    with tempfile.TemporaryDirectory(prefix="ljmix-chaos-") as place, tqdm(total=options.kills, unit="kill") as bar:
        folder, turn = Path(place), 0
        log = folder / "log"
        undisturbed = finish(folder / "undisturbed", log)
        root = folder / "disturbed-0"
        while done.total() < options.kills:
            campaign = start(root, log)
            try:
                while campaign.poll() is None and done.total() < options.kills:
                    try:
                        campaign.wait(rng.uniform(0.5, options.longest))
                    except subprocess.TimeoutExpired:
                        way = rng.choice(WAYS)
                        if kill(campaign, way, rng):
                            done[way] += 1
                            bar.update()
                        if way != "worker":
                            wait_until_gone(campaign)
            finally:
                if campaign.poll() is None:
                    os.kill(campaign.pid, signal.SIGKILL)
                wait_until_gone(campaign)
            if campaign.returncode == 0 and done.total() < options.kills:
                turn += 1
                root = folder / f"disturbed-{turn}"
        for k in range(turn + 1):
            disturbed = finish(folder / f"disturbed-{k}", log)
            require_equal(undisturbed, disturbed, f"campaign {k}")
            left = [path for path in (folder / f"disturbed-{k}" / "workspace").rglob(".part-*")]
            if left:
                raise AssertionError(f"{left[0]} is left")
        print(f"{done.total()} kills ({dict(done)}) of {turn + 1} campaigns: tables equal the undisturbed run's")


if __name__ == "__main__":
    main()
