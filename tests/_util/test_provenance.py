import shutil
import subprocess
import sys
from pathlib import Path

import ljmix
from ljmix._util.provenance import describe_provenance

CODE = "from ljmix._util.provenance import describe_provenance; print(describe_provenance('smoke')['commit'])"


def test_sources_inside_another_repository_have_no_commit(tmp_path):
    """A copy of the sources below a clone of something else: that one's commit is not theirs."""
    copy = tmp_path / "other" / "vendored" / "src"
    shutil.copytree(Path(ljmix.__file__).parent, copy / "ljmix", ignore=shutil.ignore_patterns("__pycache__"))
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "other"]):
        subprocess.run([*git, *command], cwd=tmp_path / "other", check=True, capture_output=True)
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(copy)!r}); {CODE}"],
        capture_output=True, text=True, check=True, cwd=tmp_path,
    )  # fmt: skip
    assert done.stdout.strip() == "unknown"


def test_a_hook_of_another_repository_does_not_lend_its_commit(tmp_path, monkeypatch):
    """Git sets GIT_DIR for its hooks, and it counts before the folder that git is asked about."""
    here = describe_provenance("smoke")["commit"]
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init", "-q"], ["commit", "-qm", "other", "--allow-empty"]):
        subprocess.run([*git, *command], cwd=tmp_path, check=True, capture_output=True)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / ".git"))
    assert describe_provenance("smoke")["commit"] == here


def test_provenance_names_versions():
    provenance = describe_provenance("smoke", seeds=3)
    assert provenance["ljmix"] == ljmix.__version__
    assert (provenance["profile"], provenance["seeds"]) == ("smoke", 3)
