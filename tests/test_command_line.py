"""The commands that a user needs, each with a help that a newcomer understands."""

import subprocess
import sys

import pandas as pd
import pytest

from ljmix.__main__ import _COMMANDS, main


def run(*arguments, cwd=None):
    return subprocess.run([sys.executable, "-m", "ljmix", *arguments], capture_output=True, text=True, cwd=cwd)


def test_without_a_command_all_are_listed():
    for arguments in ([], ["--help"]):
        done = run(*arguments)
        assert done.returncode == 0
        for name, (_, what) in _COMMANDS.items():
            assert f"  {name}" in done.stdout
            assert what in done.stdout


@pytest.mark.parametrize("command", _COMMANDS)
def test_each_command_explains_itself(command, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["ljmix"])
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert f"usage: ljmix {command}" in capsys.readouterr().out


def test_a_terminal_without_greek_letters_is_served(monkeypatch):
    """In a locale of Latin-1 or ASCII, σ cannot be written."""
    for encoding in ("latin-1", "ascii"):
        monkeypatch.setenv("PYTHONIOENCODING", encoding)
        done = run("simulate", "--help")
        assert done.returncode == 0, done.stderr
        assert "S = ?_BB / ?_AA" in done.stdout
        done = run("simulate", "0.9", "0.2", "-1", "0.5")
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)


def test_an_unknown_command_is_one_sentence():
    done = run("similate")
    assert done.returncode == 2
    assert done.stderr == (
        "ljmix: command 'similate' is unknown; choose one of simulate, predict, campaign, collect, report, doctor, "
        "speed\n"
    )


def test_a_mixture_is_simulated_and_predicted(tmp_path):
    mixture = ("1.2", "0.4", "1.1", "0.8")
    done = run("simulate", *mixture, "--profile", "smoke", "--output", "curves.csv", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "writes to" in done.stdout
    simulated = pd.read_csv(tmp_path / "curves.csv")
    assert set(simulated["pair"]) == {"AA", "AB", "BB"}
    done = run("predict", *mixture, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "highest point of each curve" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("simulate", "0", "0.4", "1.1", "0.8"), "temperature = 0: must be above 0"),
        (("simulate", "1", "1.4", "1.1", "0.8"), "fraction_b = 1.4: must lie between 0 and 1"),
        (("simulate", "1", "0.4", "1.1", "0.8", "--profile", "huge"), "profile 'huge' is unknown"),
        (("predict", "1", "0.4", "nan", "0.8"), "size_ratio = nan is not a finite number"),
        (("predict", "1", "0.4", "1", "0.8", "--model", "oracle"), "model 'oracle' is not shipped"),
        (("collect", "--profile", "smoke", "--results", "nowhere"), "nowhere holds no campaign"),
    ],
)
def test_bad_input_is_one_sentence_and_writes_nothing(arguments, message, tmp_path):
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())
