"""Locks that hold between processes, also where the file system knows none.

A lock of the operating system ends with its process, however that ends, so it is taken wherever it works. Some cluster
and network file systems refuse it ("No locks available"). There the lock is a file made in one step, whose holder
renews its time stamp while it lives; one that nobody renews belongs to a process that has died.

Our own, not filelock's: its versions take "No locks available" for a lock that another process holds, or fall back on a
file that outlives a killed process and keeps everyone out.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import threading
import time
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["LockedError", "has_locks", "hold_lock"]

_HELD = {errno.EAGAIN, errno.EACCES, errno.EWOULDBLOCK}
_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL, errno.EIO}
"""What a file system says that has no locks of the operating system."""
_RENEWED = 20.0
"""Seconds between two renewals of a lock that is a file."""
_ABANDONED = 10 * _RENEWED
"""Seconds without a renewal after which such a lock belongs to nobody: clocks of hosts may differ by some of it."""
_LOOK = 0.1
"""Seconds between two looks at a lock that another process holds."""


class LockedError(RuntimeError):
    """Another process holds the lock."""


@contextmanager
def hold_lock(path: Path, timeout: float = 0.0) -> Iterator[None]:
    """Hold a lock for a block.

    Parameters
    ----------
    path : Path
        File of the lock; it stays behind.
    timeout : float
        Seconds to wait for another holder; -1 for as long as it takes.

    Raises
    ------
    LockedError
        If another process holds it for longer.
    OSError
        If the file cannot be made.

    Warns
    -----
    UserWarning
        Where the file system has no locks; the path is named.
    """
    end = time.monotonic() + timeout
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        while (state := _lock(descriptor)) == "held":
            _wait(path, timeout, end)
        if state == "ours":
            yield
            return
    finally:
        os.close(descriptor)  # and with it the lock
    warnings.warn(
        f"the file system of {path.parent} has no locks; a file that is renewed every {_RENEWED:.0f} s takes their "
        "place",
        stacklevel=3,
    )
    with _hold_file(path.with_name(f"{path.name}-file"), timeout):
        yield


def has_locks(folder: Path) -> bool:
    """Whether the file system of a folder has locks of the operating system."""
    path = folder / f".lock-{uuid.uuid4().hex}"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
    try:
        return _lock(descriptor) == "ours"
    finally:
        os.close(descriptor)
        path.unlink()


def _lock(descriptor: int) -> str:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _HELD:
            return "held"
        if error.errno in _NO_LOCKS:
            return "unknown here"
        raise
    return "ours"


def _wait(path: Path, timeout: float, end: float) -> None:
    if timeout >= 0 and time.monotonic() >= end:
        raise LockedError(f"another process holds {path}")
    time.sleep(_LOOK)


@contextmanager
def _hold_file(path: Path, timeout: float) -> Iterator[None]:
    """Hold a lock that is a file: made if it is not there, which a file system does in one step, and renewed."""
    name = f"{socket.gethostname()} {os.getpid()} {uuid.uuid4().hex}"
    end = time.monotonic() + timeout
    while not _make(path, name):
        if _is_abandoned(path):
            _discard(path)
        else:
            _wait(path, timeout, end)
    ended = threading.Event()

    def renew() -> None:
        while not ended.wait(_RENEWED):
            with suppress(FileNotFoundError):
                os.utime(path)

    threading.Thread(target=renew, daemon=True).start()
    try:
        yield
    finally:
        ended.set()
        if _holder(path) == name:
            path.unlink(missing_ok=True)


def _make(path: Path, name: str) -> bool:
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "w") as file:
        file.write(name)
    return True


def _holder(path: Path) -> str | None:
    try:
        return path.read_text()
    except FileNotFoundError:
        return None


def _is_abandoned(path: Path) -> bool:
    """Whether the process that made a lock has died: seen at once on its own host, by its silence from another."""
    try:
        silent = time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return False
    host, _, rest = (_holder(path) or "").partition(" ")
    process = rest.partition(" ")[0]
    if host == socket.gethostname() and process.isdigit() and not _lives(int(process)):
        return True
    return silent > _ABANDONED


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _discard(path: Path) -> None:
    """Take an abandoned lock away; of several that try, one gets it, since a name is moved in one step."""
    taken = path.with_name(f"{path.name}-{uuid.uuid4().hex}")
    try:
        path.rename(taken)
    except FileNotFoundError:
        return
    if not _is_abandoned(taken):
        # Between look and move another process had taken the lock anew: give it back, unless a third one is faster.
        with suppress(FileExistsError):
            os.link(taken, path)
    taken.unlink(missing_ok=True)
