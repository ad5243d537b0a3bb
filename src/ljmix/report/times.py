"""How long notebooks take: read from executed copies, written into the notebooks' first cells and the page on profiles.

::

    make all && python -m ljmix.report.times --profile reference
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
from joblib import cpu_count  # type: ignore[import-untyped]

from ljmix._util.atomic import write_text
from ljmix._util.command import one_sentence
from ljmix._util.markdown import markdown_table
from ljmix.report.readme import insert_block
from ljmix.simulation.profiles import PROFILES

__all__ = ["describe_times", "read_times", "times_table", "write_times"]

RECORD, PAGE, NOTEBOOKS = Path("docs/times.json"), Path("docs/profiles.md"), Path("notebooks")
_ROW = re.compile(r"^\| run time [^\n]*$", re.MULTILINE)

Times = dict[str, dict[str, dict[str, float]]]
"""Seconds by notebook, profile and part: `first plot` and `all`."""


def read_times(executed: Path) -> dict[str, float]:
    """Wall time of an executed notebook, s: until its first figure is there, and in all.

    Parameters
    ----------
    executed : Path
        A copy that `ljmix._util.notebooks` wrote.

    Returns
    -------
    dict
        `all`, and `first plot` where there is a figure.

    Raises
    ------
    ValueError
        If the notebook was not executed by papermill.
    """
    notebook = nbformat.read(executed, as_version=4)  # type: ignore[no-untyped-call]
    whole = notebook.metadata.get("papermill", {}).get("duration")
    if whole is None:
        raise ValueError(f"{executed} holds no times; make all writes copies that do")
    passed = whole - sum(_duration(cell) for cell in notebook.cells)  # the kernel's start
    for cell in notebook.cells:
        passed += _duration(cell)
        if any("image/png" in output.get("data", {}) for output in cell.get("outputs", [])):
            return {"first plot": round(passed, 1), "all": round(whole, 1)}
    return {"all": round(whole, 1)}


def _duration(cell: Mapping[str, Any]) -> float:
    return float(cell["metadata"].get("papermill", {}).get("duration") or 0.0)


def describe_times(of_profiles: Mapping[str, Mapping[str, float]]) -> str:
    """Say how long one notebook takes, in words."""
    parts = [f"`{profile}` {_words(times['all'])}" for profile, times in of_profiles.items()]
    first = max((times["first plot"] for times in of_profiles.values() if "first plot" in times), default=None)
    return " · ".join(([] if first is None else [f"first plot {_words(first)}"]) + parts)


def _words(seconds: float) -> str:
    return f"{max(1, round(seconds))} s" if seconds < 90 else f"{seconds / 60:.0f} minutes"


def times_table(record: Mapping[str, Any]) -> str:
    """Times of all notebooks as a Markdown table."""
    times: Times = record["seconds"]
    profiles = [name for name in PROFILES if any(name in of_one for of_one in times.values())]
    rows = []
    for name, of_one in times.items():
        first = max((part["first plot"] for part in of_one.values() if "first plot" in part), default=None)
        cells = [_words(of_one[profile]["all"]) if profile in of_one else "–" for profile in profiles]
        rows.append([f"`{name}`", "–" if first is None else _words(first), *cells])
    return markdown_table(["notebook", "first plot", *profiles], rows)


def write_times(results: Path, profile: str, root: Path = Path()) -> list[str]:
    """Put the times of a profile's executed notebooks into the record, the notebooks and the page on profiles.

    Parameters
    ----------
    results : Path
        Folder with the executed copies.
    profile : str
    root : Path
        Of the repository.

    Returns
    -------
    list of str
        Notebooks whose times were read.

    Raises
    ------
    FileNotFoundError
        If the folder holds no executed notebook.
    """
    found = {path.stem: read_times(path) for path in sorted(results.glob("[0-9][0-9]-*.ipynb"))}
    if not found:
        raise FileNotFoundError(f"{results} holds no executed notebook; run make all PROFILE={profile} first")
    record = root / RECORD
    known: dict[str, Any] = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {"seconds": {}}
    for name, times in found.items():
        of_one = known["seconds"].get(name, {}) | {profile: times}
        known["seconds"][name] = {key: of_one[key] for key in PROFILES if key in of_one}
    known["seconds"] = dict(sorted(known["seconds"].items()))
    known["cores"] = int(cpu_count())
    write_text(record, json.dumps(known, indent=1) + "\n")
    page = root / PAGE
    write_text(page, insert_block(page.read_text(encoding="utf-8"), f"{times_table(known)}\n", "times"))
    for name, of_one in known["seconds"].items():
        path = root / NOTEBOOKS / f"{name}.ipynb"
        notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
        row = f"| run time on {known['cores']} cores | {describe_times(of_one)} |"
        notebook.cells[0].source = _ROW.sub(lambda _, row=row: row, notebook.cells[0].source)  # type: ignore[misc]
        write_text(path, nbformat.writes(notebook) + "\n")  # type: ignore[no-untyped-call]
    return list(found)


def main() -> None:
    """Write the times of a profile, from the command line."""
    parser = argparse.ArgumentParser(description="Write how long notebooks take into their first cells and the docs.")
    parser.add_argument("--profile", choices=PROFILES, default="reference")
    parser.add_argument("--results", type=Path, help="folder of the executed copies; by default results/<profile>")
    options = parser.parse_args()
    with one_sentence(parser):
        results = options.results or Path("results", options.profile)
        print(f"times of {', '.join(write_times(results, options.profile))}")


if __name__ == "__main__":
    main()
