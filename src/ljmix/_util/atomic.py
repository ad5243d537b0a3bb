"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import re
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["replace_when_whole", "require_writable", "write_text"]


_LEFT = 24 * 3600
"""Seconds after which an unfinished file is taken for one that a killed process has left."""


def require_writable(folder: Path | str) -> None:
    """Make a folder if need be, and raise an OSError of one sentence if it cannot be written.

    Raises
    ------
    PermissionError
        If it, or the folder it is to be made in, cannot be written.
    NotADirectoryError
        If a file has its name, or that of a folder above it.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        allowed = os.access(folder, os.W_OK)
    except PermissionError:
        allowed = False
    except (FileExistsError, NotADirectoryError) as error:
        raise NotADirectoryError(f"{folder} cannot be made: a file has this name, or one above it") from error
    except (OSError, ValueError) as error:
        # A name that is too long, holds a null character, or lies on a disk that is full or read-only.
        raise PermissionError(
            f"{str(folder)[:200]!r} cannot be made ({_reason(error)}); choose another folder"
        ) from error
    if not allowed:
        raise PermissionError(f"{folder} cannot be written; choose a folder of your own")


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


@contextmanager
def replace_when_whole(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path beside `path`, and rename it to `path` when the block ends well.

    Both file and name are on the disk before this returns: a machine that loses power leaves no name without content.
    Several processes may write the same file: each has a temporary one of its own, and the last to be whole stays.

    Raises
    ------
    PermissionError, NotADirectoryError
        As `require_writable`, of the folder.
    IsADirectoryError
        If a folder has the file's name.
    """
    path = Path(path)
    require_writable(path.parent)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; give the name of a file")
    _remove_left(path)
    # The suffix stays last, because some writers choose the format by it.
    part = path.with_name(f".part-{uuid.uuid4().hex[:8]}-{path.name}")
    try:
        yield part
        _flush(part)
        part.replace(path)
        _flush(path.parent)
    finally:
        part.unlink(missing_ok=True)


def _remove_left(path: Path) -> None:
    """Remove what killed processes have left of a file; what is younger may belong to one that still writes."""
    name = re.compile(rf"\.part-[0-9a-f]{{8}}-{re.escape(path.name)}")
    for left in path.parent.glob(".part-*"):
        with suppress(FileNotFoundError):
            if name.fullmatch(left.name) and time.time() - left.stat().st_mtime > _LEFT:
                left.unlink()


def _flush(path: Path) -> None:
    """Put a file's content, or the names in a folder, on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_text(path: Path | str, text: str) -> None:
    """Write a text file in UTF-8 that appears whole."""
    with replace_when_whole(path) as part:
        part.write_text(text, encoding="utf-8")
