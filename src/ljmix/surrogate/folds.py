"""What is learned and asked once is kept: fits, and predictions of states that were left out.

A file's name follows from the training set, from the states that are asked for and from the code that learns. So a file
that is there is right whatever happened since, and training that was stopped goes on where it was.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from ljmix._util.atomic import replace_when_whole
from ljmix._util.reading import read_arrays
from ljmix.data.dataset import Dataset
from ljmix.data.identity import checksum
from ljmix.surrogate.learned.branches import Prediction
from ljmix.surrogate.learned.emulator import Emulator
from ljmix.surrogate.learned.parts import Parts
from ljmix.surrogate.learned.phase import box_edges

__all__ = ["Kept", "ask_left_out", "digest_files"]

Arrays = dict[str, npt.NDArray[Any]]

_HERE = Path(__file__).parent
_EMULATOR = _HERE / "learned" / "emulator.py"
_CODE = (_HERE / "learned", _HERE.parent / "theory")
"""Folders whose code, but for the emulator's, decides what is learned."""


@dataclass(frozen=True)
class Kept:
    """Fits and predictions in a folder; without one nothing is kept.

    Attributes
    ----------
    folder : Path or None
    """

    folder: Path | None = None

    def parts(self, train: Dataset) -> Parts:
        """What is learned from a training set."""

        def learn() -> Arrays:
            arrays, single = Parts.fit(train).numbers()
            return arrays | {f"single/{name}": np.array(value) for name, value in single.items()}

        arrays = self.once("fit", [train], learn)
        single = {k.removeprefix("single/"): float(v) for k, v in arrays.items() if k.startswith("single/")}
        return Parts.from_numbers(arrays, single)

    def emulator(self, train: Dataset, n: int) -> Emulator:
        """Emulator of what is learned from a training set, taught by n liquids."""
        settings, parts = f"{n} liquids, {digest_files([_EMULATOR])}", self.parts(train)
        arrays = self.once("emulator", [train], lambda: Emulator.fit(parts, train.states, n).arrays(), settings)
        found = Emulator.from_arrays(arrays, parts)
        if found is None:
            raise ValueError(f"{self.folder} holds a file of an emulator without one; remove the folder")
        return found

    def prediction(self, train: Dataset, test: Dataset) -> Prediction:
        """What a training set says of other states, see `ask_left_out`."""
        return Prediction.from_arrays(
            self.once("said", [train, test], lambda: ask_left_out(self.parts(train), test).arrays())
        )

    def once(self, kind: str, sets: Sequence[Dataset], make: Callable[[], Arrays], settings: str = "") -> Arrays:
        """Arrays from the file where they are kept; made, and kept, where they are not.

        Parameters
        ----------
        kind : str
            Begins the file's name.
        sets : sequence of Dataset
            What they come from.
        make : callable
        settings : str
            What else decides them.
        """
        if self.folder is None:
            return make()
        path = self.folder / f"{kind}-{_name(sets, settings)}.npz"
        if path.is_file():
            try:
                return read_arrays(path)
            except ValueError as error:
                tqdm.write(f"{error}; it is made again")
        arrays = make()
        with replace_when_whole(path) as part:
            np.savez_compressed(part, **arrays)  # type: ignore[arg-type]
        return arrays


def ask_left_out(parts: Parts, test: Dataset) -> Prediction:
    """Predict simulated states in boxes as simulated, on the likely branches and on the one that was simulated."""
    states = test.states.reset_index(drop=True)
    demixed = (states["phase"] == "demixed").to_numpy()
    r, _ = test.curve_array()
    return parts.predict(states, r, box_edges(states), np.stack([~demixed, demixed], axis=1))


def digest_files(paths: Iterable[Path]) -> str:
    """SHA-256 of files, names and contents."""
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _name(sets: Sequence[Dataset], settings: str) -> str:
    digest = hashlib.sha256(f"{_code()} {settings}".encode())
    for each in sets:
        digest.update(checksum(each).encode())
    return digest.hexdigest()[:24]


@cache
def _code() -> str:
    """SHA-256 of the code that decides what is learned."""
    return digest_files(path for folder in _CODE for path in folder.glob("*.py") if path != _EMULATOR)
