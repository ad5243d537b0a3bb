"""Locks hold between processes, on file systems that know none too."""

import errno
import fcntl
import os
import socket
import subprocess
import sys
import time
import uuid

import pytest

from ljmix._util import locks
from ljmix._util.locks import LockedError, hold_lock

HOLDER = """
import sys
from pathlib import Path
{prepare}
from ljmix._util.locks import hold_lock
with hold_lock(Path({path!r})):
    print("held", flush=True)
    sys.stdin.read(1)
"""
BROKEN = """
import errno, fcntl, warnings
def flock(*arguments):
    raise OSError(errno.ENOLCK, "No locks available")
fcntl.flock = flock
warnings.simplefilter("ignore")
"""


def refuse(number):
    def flock(*arguments):
        raise OSError(number, os.strerror(number))

    return flock


@pytest.fixture
def hold_elsewhere(tmp_path):
    """Another process that holds the lock until it is told to let go, or killed."""
    running = []

    def hold(prepare=""):
        code = HOLDER.format(prepare=prepare, path=str(tmp_path / ".lock"))
        other = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        running.append(other)
        assert other.stdout.readline() == "held\n"
        return other

    yield hold
    for other in running:
        other.kill()
        other.communicate()


@pytest.mark.parametrize("broken", [False, True], ids=["locks", "no locks"])
@pytest.mark.parametrize("how", ["end", "kill"])
def test_a_lock_keeps_others_out_and_ends_with_its_process(tmp_path, hold_elsewhere, monkeypatch, broken, how):
    other = hold_elsewhere(BROKEN if broken else "")
    if broken:
        monkeypatch.setattr(fcntl, "flock", refuse(errno.ENOLCK))
    with pytest.raises(LockedError, match="another process holds"), hold_quietly(tmp_path / ".lock"):
        pass
    if how == "kill":
        other.kill()
    else:
        other.stdin.write("g")
        other.stdin.flush()
    other.wait()
    with hold_quietly(tmp_path / ".lock"):
        assert (tmp_path / ".lock-file").exists() == broken
    assert not list(tmp_path.glob(".lock-file*"))


def hold_quietly(path):
    import warnings
    from contextlib import contextmanager

    @contextmanager
    def hold():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with hold_lock(path):
                yield

    return hold()


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_named_and_works(tmp_path, monkeypatch, number):
    monkeypatch.setattr(fcntl, "flock", refuse(number))
    with pytest.warns(UserWarning, match=f"the file system of {tmp_path} has no locks"), hold_lock(tmp_path / ".lock"):
        assert (tmp_path / ".lock-file").read_text().startswith(f"{socket.gethostname()} {os.getpid()} ")


def test_a_lock_of_another_host_is_taken_over_when_nobody_renews_it(tmp_path, monkeypatch):
    monkeypatch.setattr(fcntl, "flock", refuse(errno.ENOLCK))
    path = tmp_path / ".lock-file"
    path.write_text(f"another-host 1 {uuid.uuid4().hex}")
    with pytest.raises(LockedError), hold_quietly(tmp_path / ".lock"):
        pass
    long_ago = time.time() - 2 * locks._ABANDONED
    os.utime(path, (long_ago, long_ago))
    with hold_quietly(tmp_path / ".lock"):
        assert path.read_text().startswith(socket.gethostname())


def test_a_lock_that_is_a_file_is_renewed_while_it_is_held(tmp_path, monkeypatch):
    monkeypatch.setattr(fcntl, "flock", refuse(errno.ENOLCK))
    monkeypatch.setattr(locks, "_RENEWED", 0.01)
    path = tmp_path / ".lock-file"
    with hold_quietly(tmp_path / ".lock"):
        os.utime(path, (1, 1))
        while path.stat().st_mtime == 1:
            time.sleep(0.01)


def test_other_trouble_is_passed_on(tmp_path, monkeypatch):
    monkeypatch.setattr(fcntl, "flock", refuse(errno.ENOSPC))
    with pytest.raises(OSError, match="No space left"), hold_lock(tmp_path / ".lock"):
        pass
