"""Ctrl-C: one sentence that says what is kept and what goes on, and the next call begins where this one ended."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

from tests.processes import find_files

ROOT = Path(__file__).parents[2]
SLOW = (
    "from ljmix.simulation.campaign import run_campaign\n"
    "from ljmix.simulation.profiles import load_profile\n"
    'profile = load_profile("smoke", box_edge=7.5, r_max=2.5, min_particles_b=2, steps_equilibration=200, '
    "steps_production=600, steps_max={most}, segment_steps=200, frame_interval=20, trajectory_interval=100, "
    "peak_error=1e-9, temperature=[1.0, 1.2, 1.4], size_ratio=[1.0], epsilon_ab=[1.0])\n"
    "report = run_campaign(profile.states()[:{states}], profile, {root!r}, workers=1)\n"
)


def press_ctrl_c(command, when, **more):
    """Run a command in a session of its own, and interrupt all of it, as a terminal does, when a condition holds."""
    process = subprocess.Popen(
        command, start_new_session=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        # Where the tests run in the background the shell has them, and what they start, ignore it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL), **more,
    )  # fmt: skip
    while not when():
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    return process.communicate()[0], process.returncode


def test_an_interrupted_command_says_what_is_kept(tmp_path):
    command = [sys.executable, "-m", "ljmix", "campaign", "--profile", "smoke", "--results", tmp_path, "--workers", "1"]
    # Under make the sentence would name make's own command.
    environment = {name: value for name, value in os.environ.items() if name != "LJMIX_COMMAND"}
    said, status = press_ctrl_c(command, lambda: find_files(tmp_path, "finished.json"), env=environment)
    assert status == 130
    assert "Traceback" not in said, said
    assert re.search(r"interrupted; [1-9]\d* of 20 states are finished, the others kept up to their last segment", said)
    assert said.strip().endswith("the same call goes on")


def test_an_interrupted_notebook_says_what_is_kept_and_the_bar_begins_there(tmp_path):
    root = tmp_path / "run"
    cells = [
        nbformat.v4.new_code_cell("states = 3  # how many", metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell(
            SLOW.format(root=str(root), states="states", most=40_000).replace("'states'", "states")
        ),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "one.ipynb")
    command = [sys.executable, "-m", "ljmix._util.notebooks", "one.ipynb", "out.ipynb"]
    environment = {**os.environ, "LJMIX_COMMAND": "make all PROFILE=smoke"}
    said, status = press_ctrl_c(command, lambda: find_files(root, "0001.npz"), cwd=tmp_path, env=environment)
    assert status == 130
    assert "Traceback" not in said, said
    assert "one.ipynb interrupted; 0 of 3 states are finished" in said
    assert said.strip().endswith("`make all PROFILE=smoke` goes on")
    # What the notebook shows is the sentence too.
    (output,) = [o for c in nbformat.read(tmp_path / "out.failed.ipynb", 4).cells for o in c.get("outputs", [])
                 if o.output_type == "error"]  # fmt: skip
    assert len(output.traceback) == 1
    assert output.traceback[0].startswith("Interrupted: 0 of 3 states are finished")


def test_a_bar_begins_with_what_is_finished(tmp_path):
    shown = []
    for states in (1, 2):
        code = SLOW.format(root=str(tmp_path / "run"), states=states, most=800)
        (tmp_path / "mine.py").write_text(f'if __name__ == "__main__":\n    {code.replace(chr(10), chr(10) + "    ")}')
        done = subprocess.run([sys.executable, tmp_path / "mine.py"], capture_output=True, text=True, check=True)
        shown.append(re.findall(r"(\d/\d) \[", done.stdout))
    assert shown[0][0] == "0/1"
    assert (shown[1][0], shown[1][-1]) == ("1/2", "2/2")


def test_an_interrupted_fit_says_that_it_begins_again():
    from ljmix._util.command import Interrupted
    from ljmix.evaluation.parallel import run_in_parallel

    def press(number):
        if number:
            raise KeyboardInterrupt
        return number

    with pytest.raises(Interrupted, match="extrapolation: 1 of 2 fits were done, and none is kept; what was simulated"):
        list(run_in_parallel(press, [(0,), (1,)], "extrapolation", 1, False))
