"""A wheel, installed elsewhere, holds tables and models and does all that the public face promises."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
LINES = """
import ljmix
import ljmix.data.reference
state = ljmix.StatePoint(temperature=0.9, fraction_b=0.3, size_ratio=1.2, epsilon_ab=0.7)
run = ljmix.simulate(state, profile="smoke")
data = ljmix.load_reference()
ljmix.plot_rdf(run, data.near(state)).savefig("curves.png")
model = ljmix.load_model("gaussian-process")
# Five states are repeated where the tables are there; all 500 were simulated where they were not found.
assert ljmix.data.reference.repeated_states(ljmix.load_profile("reference"), 5) == 5
print(len(run.rdf()), len(data.states), len(model.predict(state)), ljmix.__file__)
"""

ASK = """
import ljmix
surrogate = ljmix.load_surrogate()
answer = surrogate.predict(ljmix.StatePoint(temperature=1.0, fraction_b=0.3, size_ratio=1.2, epsilon_ab=0.8))
lower, upper = answer.band(0.8)
print(answer.phase[0], (lower <= answer.g).all() and (answer.g <= upper).all(), len(ljmix.propose(3)))
"""


def test_a_wheel_does_it_all(tmp_path, surrogate, surrogate_folder):
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*build, "--wheel-dir", tmp_path, ROOT], check=True)
    (wheel,) = tmp_path.glob("ljmix-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        size = wheel.stat().st_size / 2**20
    print(f"{len(names)} files, {size:.1f} MiB")
    assert not (ROOT / "build").exists()
    assert not [name for name in names if name.startswith(("tests", "data", "notebooks")) or "__pycache__" in name]
    assert size < 12
    elsewhere = tmp_path / "elsewhere"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", elsewhere / "site", wheel]
    subprocess.run(install, check=True)
    # Before the clone on the path, and away from it.
    done = subprocess.run(
        [sys.executable, "-c", LINES], capture_output=True, text=True, cwd=elsewhere,
        env={"PYTHONPATH": str(elsewhere / "site"), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    points, states, predicted, where = done.stdout.splitlines()[-1].split()
    assert (int(points) % 3, int(states), int(predicted)) == (0, 500, 300)
    assert Path(where).is_relative_to(elsewhere)
    assert (elsewhere / "curves.png").stat().st_size > 10_000
    # A surrogate in data/models of the clone would lie here.
    shipped = elsewhere / "site" / "ljmix" / "shipped" / "models" / "surrogate"
    shipped.mkdir(parents=True, exist_ok=True)
    for name in ("surrogate.json", "surrogate.npz"):
        shutil.copy(surrogate_folder / name, shipped / name)
    done = subprocess.run(
        [sys.executable, "-c", ASK], capture_output=True, text=True, cwd=elsewhere,
        env={"PYTHONPATH": str(elsewhere / "site"), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "mixed True 3"
