"""Processes that tests start, and kill, and the files that they write meanwhile."""

import os
from pathlib import Path


def processes_of(session: int) -> list[int]:
    """Living processes of a session, from /proc."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            fields = (path / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended while we looked
        if int(fields[3]) == session and fields[0] != "Z":
            found.append(int(path.name))
    return found


def find_files(root: Path, name: str) -> list[Path]:
    """Files of a name below a folder that is being written to: `rglob` fails where a folder has just gone."""
    return [Path(place, name) for place, _, names in os.walk(root) if name in names]
