import os
import subprocess
import sys
from pathlib import Path

import pytest

from ljmix._util.caches import lend_cache_folder

PACKAGE = Path("/opt/site-packages/ljmix")


@pytest.mark.parametrize(
    ("allowed", "home", "lent"),
    [
        # The package's own folder, the home, or neither can be written.
        (["/opt"], "/home/me", False),
        (["/home"], "/home/me", False),
        ([], "/home/me", True),
        ([], "/nonexistent", True),
    ],
)
def test_a_temporary_cache_only_where_nothing_else_can_be_written(allowed, home, lent, monkeypatch):
    monkeypatch.setenv("HOME", home)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setattr(Path, "exists", lambda path: len(path.parts) <= 2)
    monkeypatch.setattr(Path, "is_dir", lambda path: True)
    monkeypatch.setattr(os, "access", lambda path, mode: str(path) in allowed)
    lend_cache_folder(PACKAGE)
    assert ("NUMBA_CACHE_DIR" in os.environ) == lent
    os.environ.pop("NUMBA_CACHE_DIR", None)


def test_a_choice_of_ones_own_stands(monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", "/my/cache")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    lend_cache_folder(PACKAGE)
    assert os.environ["NUMBA_CACHE_DIR"] == "/my/cache"


def test_compiled_kernels_go_where_the_variable_says(tmp_path):
    """What `lend_cache_folder` sets is what numba reads, for it comes before numba."""
    code = (
        "import os\nfrom pathlib import Path\nimport ljmix._util.caches as caches\n"
        "caches._can_write = lambda folder: False\ncaches.lend_cache_folder(Path('/nowhere'))\nimport numpy as np\n"
        "from ljmix.structure.energies import squared_distance\n"
        "print(squared_distance(np.zeros(3), np.ones(3), np.full(3, 10.0)))"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    environment.pop("NUMBA_CACHE_DIR", None)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr[-800:]
    assert done.stdout.strip() == "3.0"
    assert list(tmp_path.rglob("energies.squared_distance*.nbi"))
