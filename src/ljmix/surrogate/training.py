"""Train a surrogate on a dataset, from the command line.

::

    python -m ljmix.surrogate.training --data data/reference --output my-surrogate

It leaves groups of states out in turn, learns from all, and fits an emulator. What is finished is kept in ``folds`` of
the output: stopped, the same command goes on.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

from ljmix._util.atomic import require_writable
from ljmix._util.checks import require_int
from ljmix._util.command import one_sentence
from ljmix._util.reading import read_json
from ljmix.data.dataset import Dataset, read_dataset
from ljmix.data.identity import checksum
from ljmix.data.reference import load_reference
from ljmix.surrogate.folds import Kept
from ljmix.surrogate.surrogate import Surrogate

__all__ = ["EMULATED", "FOLDS", "require_own_surrogate", "select_few", "train_surrogate"]

EMULATED = 2048
"""Liquids that teach the emulator, for each of which theory is solved: two minutes of CPU time."""
FOLDS = "folds"
"""Folder beside a surrogate's files, for what is learned on the way."""


def train_surrogate(
    dataset: Dataset, folder: Path | str, *, emulated: int = EMULATED, progress: bool = False
) -> Surrogate:
    """Train a surrogate with bands and an emulator, and write it.

    Parameters
    ----------
    dataset : Dataset
    folder : Path
    emulated : int
        Liquids that teach the emulator, 64 to 8192.
    progress : bool
        Show a bar while groups are left out.

    Returns
    -------
    Surrogate

    Raises
    ------
    ValueError
        If the dataset is too small, see `ljmix.surrogate.learned.phase.PhaseModel.fit`, or the folder holds a surrogate
        of another one.
    PermissionError
        If the folder cannot be written.
    """
    folder = Path(folder)
    emulated = require_int("emulated", emulated, 64, 8192)
    require_writable(folder)
    require_own_surrogate(dataset, folder)
    kept = Kept(folder / FOLDS)
    found = Surrogate.fit(dataset, kept=kept, progress=progress)
    found.emulator = kept.emulator(dataset, emulated)
    found.save(folder)
    return found


def require_own_surrogate(dataset: Dataset, folder: Path | str) -> None:
    """Stop where a folder holds a surrogate that was trained on another dataset: it is not to be overwritten.

    Raises
    ------
    ValueError
        If it does, or holds something else under that name.
    """
    path = Path(folder) / "surrogate.json"
    if not path.is_file():
        return
    about = read_json(path).get("dataset")
    other = str(about.get("sha256", "")) if isinstance(about, dict) else ""
    if other != checksum(dataset):
        raise ValueError(
            f"{folder} holds a surrogate of another dataset, SHA-256 {other[:12]}…; give another folder, or remove it"
        )


def select_few(dataset: Dataset) -> Dataset:
    """Some eighty states of the reference set, two sizes and two temperatures, to learn from in a quarter of a minute.

    That is with 256 liquids for the emulator. It is for trying things out; what it says elsewhere is worth nothing.
    """
    states = dataset.states
    return dataset.select(
        states["size_ratio"].isin([1.0, 1.5]) & states["temperature"].isin([0.8, 1.2]) & (states["fraction_b"] >= 0.1)
    )


def main(arguments: Iterable[str] | None = None) -> None:
    """Train a surrogate from the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m ljmix.surrogate.training", description="Train a surrogate; stopped, the same command goes on."
    )
    parser.add_argument("--data", type=Path, help="folder of a dataset; by default the shipped reference set")
    parser.add_argument("--output", type=Path, required=True, help="folder to write to")
    parser.add_argument("--emulated", type=int, default=EMULATED, help="liquids that teach its emulator")
    options = parser.parse_args(None if arguments is None else list(arguments))
    with one_sentence(parser):
        dataset = load_reference() if options.data is None else read_dataset(options.data)
        print(train_surrogate(dataset, options.output, emulated=options.emulated, progress=True))
        print(f"{options.output}: dataset SHA-256 {checksum(dataset)[:12]}…")


if __name__ == "__main__":
    main()
