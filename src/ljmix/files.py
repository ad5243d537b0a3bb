"""Files that appear whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["replace_when_whole"]


@contextmanager
def replace_when_whole(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, and rename it to `path` when the block ends well.

    Raises
    ------
    PermissionError
        If the directory cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # The suffix stays last, because some writers choose the format by it.
        part = path.with_name(f".part-{path.name}")
        part.unlink(missing_ok=True)
    except PermissionError as error:
        raise PermissionError(f"{path.parent} cannot be written; choose a directory of your own") from error
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
