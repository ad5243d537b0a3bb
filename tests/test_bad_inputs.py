"""Whatever a user hands to a public function or command by mistake: one sentence, and nothing is written."""

import contextlib
import io
import math
import sys
from dataclasses import fields
from functools import cache
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import ljmix
from ljmix.__main__ import _COMMANDS, main
from ljmix.configuration import Configuration
from ljmix.models.shipped import TrainedModel, load_trained
from ljmix.simulation.profiles import PROFILES

STATE = ljmix.StatePoint(0.9, 0.3, 1.2, 0.7)
PROFILE = ljmix.load_profile("smoke")
MANY = settings(
    max_examples=100, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip

SINGLE = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.complex_numbers(), st.text(max_size=20),
    st.binary(max_size=8), st.sampled_from([
        math.nan, math.inf, -math.inf, 10**400, -1, 0, "", " ", "\0", "a\nb", "..", "/", "x" * 5000, "1", "日本",
        np.int64(-3), np.float32("nan"), np.bool_(True), np.array(1.0), np.array([]), np.datetime64("NaT"), Ellipsis,
        int,
        Path(), Path("x" * 300), pd.DataFrame(), pd.Series([1]), object(), lambda: None,
    ]),
)  # fmt: skip
JUNK = st.one_of(SINGLE, st.lists(SINGLE, max_size=3), st.dictionaries(st.text(max_size=3), SINGLE, max_size=2))


class WorkBegins(BaseException):
    """A call that got as far as the engine: its arguments were good."""


def begin(*arguments, **more):
    raise WorkBegins


@pytest.fixture(autouse=True)
def nothing_is_written(tmp_path, monkeypatch):
    """In a folder of its own, which stays empty; and no simulation runs."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    for module in ("simulation.campaign", "data.one_state", "simulation.sampling", "engine_validation.speed"):
        monkeypatch.setattr(f"ljmix.{module}.load_engine", begin, raising=False)
    monkeypatch.setattr("ljmix.simulation.campaign._Campaign.run", begin)
    monkeypatch.setattr("ljmix.report.doctor.CHECKS", ())
    monkeypatch.setattr("ljmix.load_model", load_quickly)
    yield
    assert not list(here.iterdir())


def call(function, *arguments, **more):
    """Call; what is wrong is one sentence of one of the errors that a user can mend."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            function(*arguments, **more)
    except WorkBegins:
        return
    except (ValueError, OSError) as error:
        said = str(error)
    else:
        return
    assert said
    assert "\n" not in said, said
    assert len(said) < 700, said


@MANY
@given(name=st.sampled_from([field.name for field in fields(ljmix.StatePoint)]), value=JUNK)
@example(name="temperature", value=10**400)
@example(name="pressure", value=np.bool_(True))
def test_state_points(name, value):
    call(ljmix.StatePoint, **(STATE.as_dict() | {name: value}))


@MANY
@given(name=st.one_of(st.sampled_from([f.name for f in fields(PROFILE)]), st.text(max_size=5)), value=JUNK)
def test_profiles(name, value):
    call(ljmix.load_profile, value)
    call(ljmix.load_profile, "smoke", **{name: value} if name != "name" else {})


@MANY
@given(name=st.sampled_from(["state", "profile", "seed", "engine", "device", "folder", "density"]), value=JUNK)
def test_simulate(name, value):
    call(ljmix.simulate, **({"state": STATE, "profile": PROFILE} | {name: value}))


@MANY
@given(name=st.sampled_from(["states", "profile", "root", "engine", "device", "workers", "executor"]), value=JUNK)
def test_campaigns(name, value):
    good = {"states": [STATE], "profile": PROFILE, "root": "/proc/nowhere"}
    call(ljmix.run_campaign, **(good | {name: value}))


@MANY
@given(name=st.sampled_from(["root", "profile", "states"]), value=JUNK)
def test_collect(name, value):
    call(ljmix.collect_dataset, **({"root": "nowhere", "profile": PROFILE} | {name: value}))


@MANY
@given(value=JUNK)
@example(value="x" * 5000)
@example(value=Path("x" * 300))
def test_read_dataset_load_model_and_units(value):
    call(ljmix.read_dataset, value)
    call(ljmix.load_model, value)
    call(ljmix.real_units, value)


@MANY
@given(name=st.sampled_from(["positions", "others", "box_edge", "r_max", "n_bins"]), value=JUNK)
def test_compute_rdf(name, value):
    positions = np.random.default_rng(0).random((20, 3)) - 0.5
    good = {"positions": positions, "others": None, "box_edge": 1.0, "r_max": 0.4, "n_bins": 10}
    call(ljmix.compute_rdf, **(good | {name: value}))


@cache
def reference():
    return ljmix.load_reference()


@cache
def few():
    return reference().near(STATE, 2)


class Flat:
    """A model whose every curve is one: its arguments are what is tried."""

    def predict(self, states, r):
        return np.ones((len(states), 3, len(r)))


MODEL = TrainedModel("flat", Flat(), {}, 0)


@MANY
@given(value=JUNK)
def test_questions_to_a_dataset(value):
    call(few().curves, value)
    call(few().near, value)
    call(few().near, STATE, value)
    call(few().select, value)
    call(few().curve_array, value)
    call(few().curve_array, r_max=value)


@MANY
@given(name=st.sampled_from(["states", "rdf", "provenance", "structure_factors"]), value=JUNK)
def test_datasets(name, value):
    good = {"states": few().states, "rdf": few().rdf, "provenance": {}}
    call(ljmix.Dataset, **(good | {name: value}))


@MANY
@given(value=JUNK)
@example(value=np.array(1.0))
def test_questions_to_a_model(value):
    call(MODEL.predict, value)
    call(MODEL.predict, STATE, value)


@MANY
@given(value=JUNK)
def test_drawing(value):
    call(ljmix.plot_rdf, value)
    call(ljmix.plot_snapshot, value, 1.0)
    positions = np.zeros((3, 3))
    call(ljmix.plot_snapshot, Configuration(positions, positions, np.array([0, 0, 1]), 5.0), value)


def load_quickly(name):
    return MODEL if name == "gaussian-process" else load_trained(name)


OPTIONS = {
    "simulate": ["--profile", "--seed", "--engine", "--device", "--folder", "--density", "--output"],
    "predict": ["--model", "--output"],
    "campaign": ["--profile", "--results", "--engine", "--device", "--workers"],
    "collect": ["--profile", "--results", "--output"],
    "report": ["--unknown"],
    "speed": ["--engine", "--device", "--states", "--workers"],
    "doctor": ["--unknown"],
}
NUMBERS = {"simulate": 4, "predict": 4, "report": 1}
WORDS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=12),
    st.integers().map(str), st.floats().map(str),
    st.sampled_from(["", "nan", "inf", "-1", "1e400", "..", "x" * 300, "0x10", "１", "--", "a=b", "auto", "gpu:99"]),
)  # fmt: skip


@pytest.mark.parametrize("command", sorted(_COMMANDS))
@settings(MANY, max_examples=100)
@given(data=st.data())
def test_commands(command, data):
    """Exit status 2 and one sentence, after the usage that argparse prints; or the work begins."""
    words = data.draw(st.lists(WORDS, min_size=0, max_size=NUMBERS.get(command, 0)))
    if command in NUMBERS and data.draw(st.booleans()):
        words = ["0.9", "0.3", "1.2", "0.7"][: NUMBERS[command]]
    option, value = data.draw(st.sampled_from(OPTIONS[command])), data.draw(WORDS)
    if option == "--output":
        value = "/proc/nowhere/curves.csv"
    said = io.StringIO()
    status = 0
    try:
        with (
            contextlib.redirect_stderr(said),
            contextlib.redirect_stdout(said),
            mock.patch.object(sys, "argv", ["ljmix"]),
        ):
            main([command, *words, option, value])
    except WorkBegins:
        return
    except SystemExit as ended:
        status = ended.code
    lines = [line for line in said.getvalue().split("\n") if line.startswith("ljmix")]
    if status and command != "doctor":
        assert status == 2, said.getvalue()
        assert len(lines) == 1, said.getvalue()
        assert lines[0].startswith(f"ljmix {command}: "), said.getvalue()
    assert "Traceback" not in said.getvalue()


def test_each_command_is_tried():
    assert set(OPTIONS) == set(_COMMANDS)
    assert "smoke" in PROFILES
