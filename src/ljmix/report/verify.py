"""Was a published result reproduced: every number, figure and fitted network of a run against the committed ones.

::

    python -m ljmix.report.verify     # or make verify
"""

from __future__ import annotations

import argparse
import io
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import image

from ljmix._util.command import one_sentence
from ljmix._util.places import clone_folder
from ljmix._util.provenance import run_git
from ljmix._util.reading import read_parquet
from ljmix.evaluation.refits import NETWORKS, ROUNDING, SCALING_FITS, SPREADS, compare_fits, describe_fits
from ljmix.report.metrics import read_metrics

__all__ = ["Verdict", "compare_figures", "compare_numbers", "verify"]

_PIXELS = 0.02
"""Root mean square difference of two pictures, 0 to 1, that counts as the same figure drawn by another library."""


@dataclass
class Verdict:
    """How many results were compared, and how far they are.

    Attributes
    ----------
    identical, close : int
        Equal; different within the spread over seeds, or by rounding.
    different : list of tuple
        Name, published and reproduced value, and how many tolerances apart they are; the worst first.
    """

    identical: int = 0
    close: int = 0
    different: list[tuple[str, Any, Any, float]] = field(default_factory=list)

    @property
    def compared(self) -> int:
        """How many."""
        return self.identical + self.close + len(self.different)

    def describe(self, what: str) -> str:
        """Write the verdict in a line, and the five worst below."""
        lines = [
            f"{self.compared} {what} compared: {self.identical} identical, {self.close} within their spread, "
            f"{len(self.different)} different"
        ]
        for name, published, found, _ in sorted(self.different, key=lambda row: -row[3])[:5]:
            lines.append(f"  {name}: published {published}, found {found}")
        return "\n".join(lines)


def compare_numbers(published: Mapping[str, Any], found: Mapping[str, Any]) -> Verdict:
    """Compare two files of metrics, number by number.

    A number may differ from the published one by three of the standard deviations that stand beside it (``<key>_std``),
    or by one part in a million where none is. A number that only one of them has is different.

    Returns
    -------
    Verdict
    """
    verdict = Verdict()
    ours, theirs = dict(_leaves(published)), dict(_leaves(found))
    for path in sorted({*ours, *theirs}):
        one, other = ours.get(path), theirs.get(path)
        if one == other and path in ours and path in theirs:
            verdict.identical += 1
            continue
        apart = _tolerances_apart(path, one, other, ours)
        if apart <= 1:
            verdict.close += 1
        else:
            verdict.different.append((".".join(map(str, path)), one, other, apart))
    return verdict


def _leaves(values: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    if isinstance(values, Mapping):
        for name, value in values.items():
            yield from _leaves(value, (*path, name))
    elif isinstance(values, list):
        for k, value in enumerate(values):
            yield from _leaves(value, (*path, k))
    else:
        yield path, values


def _tolerances_apart(path: tuple[Any, ...], one: Any, other: Any, published: Mapping[tuple[Any, ...], Any]) -> float:
    numbers = isinstance(one, (int, float)) and isinstance(other, (int, float))
    if not numbers or isinstance(one, bool) or isinstance(other, bool):
        return math.inf
    spreads = (published.get((*path[:k], f"{path[k]}_std", *path[k + 1 :])) for k in range(len(path)))
    spread = max((s for s in spreads if isinstance(s, (int, float))), default=0.0)
    tolerance = max(SPREADS * spread, ROUNDING * max(abs(one), abs(other)))
    return abs(one - other) / tolerance if tolerance > 0 else math.inf


def compare_figures(published: Mapping[str, bytes], found: Mapping[str, bytes]) -> Verdict:
    """Compare two sets of files of figures by name: bytes, and where those differ the pixels of PNGs.

    Returns
    -------
    Verdict
    """
    verdict = Verdict()
    for name in sorted({*published, *found}):
        if name not in published or name not in found:
            there = ["there" if name in files else "missing" for files in (published, found)]
            verdict.different.append((name, there[0], there[1], 0.0))
        elif published[name] == found[name]:
            verdict.identical += 1
        elif name.endswith(".png"):
            apart = _pixels_apart(published[name], found[name]) / _PIXELS
            if apart <= 1:
                verdict.close += 1
            else:
                verdict.different.append((name, "a picture", "another", apart))
        else:
            verdict.different.append((name, "a file", "another", 0.0))
    return verdict


def _pixels_apart(one: bytes, other: bytes) -> float:
    first, second = (np.asarray(image.imread(io.BytesIO(picture)), dtype=float) for picture in (one, other))
    return float(np.sqrt(np.mean((first - second) ** 2))) if first.shape == second.shape else math.inf


def verify(root: Path, metrics: str = "results/reference/metrics.json", figures: str = "figures") -> tuple[bool, str]:
    """Compare what lies in a clone with what is committed there.

    Parameters
    ----------
    root : Path
        Of the clone.
    metrics, figures : str
        File and folder to compare, from the root.

    Returns
    -------
    reproduced : bool
    text : str

    Raises
    ------
    FileNotFoundError
        If there are no metrics yet.
    RuntimeError
        If the folder is no clone with these files in its history.
    """
    if not (root / metrics).is_file():
        raise FileNotFoundError(f"{root / metrics} does not exist; `make all` writes it")
    numbers = compare_numbers(json.loads(_committed(root, metrics)), read_metrics(root / metrics))
    listed = _ask_git(root, "ls-tree", "--name-only", "HEAD", f"{figures}/").decode().split()
    names = [name for name in listed if name.endswith((".png", ".svg"))]
    pictures = compare_figures(
        {name: _committed(root, name) for name in names},
        {name: (root / name).read_bytes() for name in names if (root / name).is_file()},
    )
    fits, sound = _compare_fits(root, (root / metrics).parent)
    text = "\n".join([numbers.describe("numbers"), pictures.describe("figures"), *fits])
    return sound and not (numbers.different or pictures.different), text


def _compare_fits(root: Path, results: Path) -> tuple[list[str], bool]:
    """Networks that a run has fitted against the committed ones; nothing is said where there are none."""
    said, sound = [], True
    for name in (NETWORKS, SCALING_FITS):
        own, shipped = results / f"{name}.parquet", f"data/{results.name}/predictions/{name}.parquet"
        if not own.is_file() or not _ask_git(root, "ls-tree", "--name-only", "HEAD", shipped).strip():
            continue
        compared = compare_fits(pd.read_parquet(io.BytesIO(_committed(root, shipped))), read_parquet(own)[0], name)
        said.append(f"{name}: {describe_fits(compared)}")
        sound = sound and not (compared["verdict"] == "different").any()
    return said, sound


def _committed(root: Path, name: str) -> bytes:
    return _ask_git(root, "show", f"HEAD:{name}")


def _ask_git(root: Path, *arguments: str) -> bytes:
    try:
        done = run_git(root, *arguments)
    except FileNotFoundError as error:
        raise RuntimeError("git is not installed, so nothing is known of what is published") from error
    if done.returncode:
        reason = done.stderr.decode(errors="replace").strip()
        raise RuntimeError(f"{root} is not a clone with published results ({reason})")
    return done.stdout


def main(arguments: Iterable[str] | None = None) -> None:
    """Compare a run with what is published, from the command line."""
    parser = argparse.ArgumentParser(description="Compare the results in this clone with the published ones.")
    parser.add_argument("--root", type=Path, help="the clone; by default the one that these sources are in")
    options = parser.parse_args(None if arguments is None else list(arguments))
    with one_sentence(parser):
        reproduced, text = verify(options.root or clone_folder() or Path("."))
        print(text)
        if not reproduced:
            parser.exit(1)


if __name__ == "__main__":
    main()
