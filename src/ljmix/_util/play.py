"""Copies of the notebooks to play with: they write beside themselves, and the published ones stay as they are.

::

    python -m ljmix._util.play notebooks results/play
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import nbformat

from ljmix._util.atomic import replace_when_whole
from ljmix._util.command import one_sentence

__all__ = ["copy_notebooks"]

_FOLDERS = {"results": '"."', "figures": '"figures"'}
"""Parameters that name a folder to write to, and what they are in a copy."""


def copy_notebooks(source: Path, target: Path) -> list[Path]:
    """Copy the notebooks that are not in `target` yet, with results and figures written beside the copies.

    Parameters
    ----------
    source, target : Path

    Returns
    -------
    list of Path
        What was copied; a copy that is there already, and perhaps changed, is left alone.

    Raises
    ------
    FileNotFoundError
        If `source` holds no notebook.
    """
    found = sorted(source.glob("*.ipynb"))
    if not found:
        raise FileNotFoundError(f"{source} holds no notebook")
    copied = []
    for path in found:
        copy = target / path.name
        if copy.exists():
            continue
        notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
        for cell in notebook.cells:
            if "parameters" in cell.metadata.get("tags", []):
                for name, folder in _FOLDERS.items():
                    cell.source = re.sub(rf'(?m)^{name} = "[^"]*"', f"{name} = {folder}", cell.source)
        with replace_when_whole(copy) as part:
            nbformat.write(notebook, part)  # type: ignore[no-untyped-call]
        copied.append(copy)
    return copied


def main() -> None:
    """Copy the notebooks from the command line."""
    parser = argparse.ArgumentParser(description="Copy the notebooks to a folder where they may be changed.")
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    options = parser.parse_args()
    with one_sentence(parser):
        copied = copy_notebooks(options.source, options.target)
        print(f"{options.target}: {len(copied)} notebooks copied; delete one there to have it back as it was")


if __name__ == "__main__":
    main()
