"""One damaged file of each kind in a workspace: the rest is collected, the file is named, and the way out leads out."""

import itertools
import re
import shutil
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ljmix.data.collect import collect_dataset, find_finished
from ljmix.data.configurations import write_configurations
from ljmix.simulation.campaign import run_campaign
from ljmix.simulation.workspace import find_jobs
from tests.simulation.test_campaign import ENGINE, PROFILE, InProcess, results_of

REBUILT = (
    "finished.json",
    "signac_statepoint.json",
    "random/trajectory.gsd",
    "random/thermo.parquet",
    "random/initial.gsd",
)
"""What follows from the rest."""
LOST = ("random/0000.npz", "random/0003.npz", "random/0003.gsd")
"""What nothing else knows."""
DAMAGES = {
    "empty": lambda whole: b"",
    "half": lambda whole: whole[: len(whole) // 2],
    "garbage": lambda whole: b"\x00\xff<<<<<<< HEAD\n" * 40,
    "missing": None,
    "null": lambda whole: b"null",
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    root = tmp_path_factory.mktemp("whole")
    assert not run_campaign(PROFILE.states(), PROFILE, root, ENGINE, executor=InProcess()).failed
    return root


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        *itertools.product(REBUILT, ("empty", "half", "missing")),
        *itertools.product(LOST, ("half", "missing")),
        ("finished.json", "garbage"),
        ("finished.json", "null"),
    ],
)
def test_one_damaged_file(whole, tmp_path, name, damage):
    root = tmp_path / "run"
    shutil.copytree(whole, root)
    folder, state, _ = find_jobs(root, PROFILE)[0]
    path = folder / name
    if DAMAGES[damage] is None:
        path.unlink()
    else:
        path.write_bytes(DAMAGES[damage](path.read_bytes()))

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        collected = collect_dataset(root, PROFILE, executor=ThreadPoolExecutor(1))
        write_configurations(collected, find_finished(root, PROFILE), PROFILE, tmp_path / "last")
    said = "\n".join(str(warning.message) for warning in caught)
    assert len(collected.states) in (1, 2)
    # What is left out is named with its place.
    if len(collected.states) == 1 and not (name == "finished.json" and damage == "missing"):
        assert str(folder) in said
    if len(collected.states) == 2:
        assert (tmp_path / "last" / f"{state.state_id}.gsd").exists() or str(folder) in said

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report = run_campaign(PROFILE.states(), PROFILE, root, ENGINE, executor=InProcess())
        for reason in report.failed.values():
            (remedy,) = re.findall(r"delete (\S+), and the state is simulated again", reason)
            shutil.rmtree(remedy)
            assert Path(remedy) == folder
        if not report.failed and name in LOST:
            # Only its own content tells that a segment is damaged, and only collecting looks at it.
            assert f"delete {folder}, and the state is simulated again" in said
            shutil.rmtree(folder)
        assert not run_campaign(PROFILE.states(), PROFILE, root, ENGINE, executor=InProcess()).failed
        write_configurations(collected, find_finished(root, PROFILE), PROFILE, tmp_path / "again")
    assert len(list((tmp_path / "again").glob("*.gsd"))) == 2
    found, expected = results_of(root), results_of(whole)
    assert found.keys() == expected.keys() - ({path.relative_to(root)} if not path.exists() else set())
    different = {found_path for found_path in found if found[found_path] != expected[found_path]}
    # A table for other tools and a start that nobody needs any more are made again only when they are asked for.
    assert different <= {path.relative_to(root)} & {
        (folder / f"random/{n}").relative_to(root) for n in ("thermo.parquet", "initial.gsd")
    }


@pytest.mark.parametrize("content", ["", "schema_version =", "\x00\xff", "<<<<<<< HEAD\n"])
def test_damaged_settings_of_the_project(whole, tmp_path, content):
    root = tmp_path / "run"
    shutil.copytree(whole, root)
    (root / ".signac" / "config").write_text(content, encoding="latin-1")
    assert not run_campaign(PROFILE.states(), PROFILE, root, ENGINE, executor=InProcess()).failed
    assert len(collect_dataset(root, PROFILE, executor=ThreadPoolExecutor(1)).states) == 2
    (root / ".signac" / "config").write_text("schema_version = 7")
    with pytest.raises(RuntimeError, match="config is of another version of signac"):
        run_campaign(PROFILE.states(), PROFILE, root, ENGINE, executor=InProcess())


def test_strangers_in_a_workspace_are_passed_over(whole, tmp_path):
    """Files and folders of other programs, and jobs of another signac project."""
    import signac

    root = tmp_path / "run"
    shutil.copytree(whole, root)
    (root / "workspace" / ".DS_Store").write_bytes(b"\x00")
    signac.get_project(root).open_job({"another": "program"}).init()
    assert len(collect_dataset(root, PROFILE, executor=ThreadPoolExecutor(1)).states) == 2
    assert len(run_campaign(PROFILE.states(), PROFILE, root, ENGINE, executor=InProcess()).finished) == 2
