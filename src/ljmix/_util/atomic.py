"""Files that appear whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["replace_when_whole", "require_writable", "write_text"]


def require_writable(folder: Path) -> None:
    """Make a folder if need be, and raise a PermissionError of one sentence if it cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        allowed = os.access(folder, os.W_OK)
    except PermissionError:
        allowed = False
    if not allowed:
        raise PermissionError(f"{folder} cannot be written; choose a folder of your own")


@contextmanager
def replace_when_whole(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, and rename it to `path` when the block ends well.

    Both file and name are on the disk before this returns: a machine that loses power leaves no name without content.

    Raises
    ------
    PermissionError
        If the directory cannot be written.
    """
    require_writable(path.parent)
    # The suffix stays last, because some writers choose the format by it.
    part = path.with_name(f".part-{path.name}")
    part.unlink(missing_ok=True)
    try:
        yield part
        _flush(part)
        part.replace(path)
        _flush(path.parent)
    finally:
        part.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    """Put a file's content, or the names in a folder, on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8 that appears whole."""
    with replace_when_whole(path) as part:
        part.write_text(text, encoding="utf-8")
