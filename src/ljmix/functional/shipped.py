"""Trained terms in files, without pickle: an npz of arrays and a JSON beside it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ljmix._util.arrays import FloatArray
from ljmix._util.atomic import replace_when_whole, write_text
from ljmix.functional.learned import LearnedTerm, Network
from ljmix.functional.model import Functional

__all__ = [
    "find_tables", "load_functional", "read_term", "read_weights", "require_range", "write_term", "write_weights",
]  # fmt: skip


def find_tables() -> Path:
    """Folder of the shipped tables, in the clone.

    Raises
    ------
    FileNotFoundError
        If the package is not in a clone.
    """
    folder = Path(__file__).parents[3] / "data" / "functional"
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} does not exist; tables of the functional are in a clone of the repository")
    return folder


def write_term(term: LearnedTerm, folder: Path, name: str, described: Mapping[str, Any]) -> None:
    """Write ``<name>.npz`` and ``<name>.json``.

    Parameters
    ----------
    term : LearnedTerm
    folder : Path
    name : str
    described : mapping
        JSON-able: what it was trained on; `temperatures` gives the lowest and the highest it answers for.
    """
    settings = {"knot": term.knot, "order": term.order, "reference": term.reference}
    write_weights(folder, name, term.coefficients, term.network, {"settings": settings, **described})


def write_weights(
    folder: Path, name: str, coefficients: FloatArray, network: Network, described: Mapping[str, Any]
) -> None:
    """Write kernels and a network to ``<name>.npz``, and what is said of them to ``<name>.json``."""
    arrays: dict[str, Any] = {"coefficients": coefficients, **network._asdict()}
    with replace_when_whole(folder / f"{name}.npz") as part:
        np.savez_compressed(part, **arrays)
    write_text(folder / f"{name}.json", json.dumps(described, indent=1, sort_keys=True) + "\n")


def read_term(folder: Path, name: str) -> tuple[LearnedTerm, dict[str, Any]]:
    """Read a trained term, and what is said of it.

    Raises
    ------
    FileNotFoundError
        If there is none of this name.
    ValueError
        If its files do not belong together.
    """
    kernels, network, described = read_weights(folder, name, lambda count: count + 1)
    return LearnedTerm(kernels, network, **described["settings"]), described


def read_weights(folder: Path, name: str, inputs: Callable[[int], int]) -> tuple[FloatArray, Network, dict[str, Any]]:
    """Read what `write_weights` wrote.

    Parameters
    ----------
    folder : Path
    name : str
    inputs : callable
        Number of the network's inputs for a number of kernels.

    Raises
    ------
    FileNotFoundError
        If there is none of this name.
    ValueError
        If its files do not belong together.
    """
    paths = [folder / f"{name}.{suffix}" for suffix in ("npz", "json")]
    for path in paths:
        if not path.is_file():
            known = sorted(found.stem for found in folder.glob("*.npz"))
            raise FileNotFoundError(f"{path} does not exist; there are {', '.join(known) or 'no trained terms'}")
    described = json.loads(paths[1].read_text(encoding="utf-8"))
    with np.load(paths[0], allow_pickle=False) as file:
        if set(file.files) != {"coefficients", *Network._fields}:
            raise ValueError(f"{paths[0]} holds {', '.join(sorted(file.files))}; it is no trained term")
        arrays = {key: file[key] for key in file.files}
    kernels = arrays.pop("coefficients")
    if arrays["first"].shape[0] != inputs(len(kernels)):
        raise ValueError(f"{paths[0]}: {len(kernels)} kernels do not fit a network of {len(arrays['first'])} inputs")
    return kernels, Network(**arrays), described


def require_range(value: float, allowed: Sequence[float], what: str, name: str) -> None:
    """Refuse a state outside the range that a term was trained for.

    Raises
    ------
    ValueError
        If the value is outside.
    """
    low, high = allowed
    if not low - 1e-9 <= value <= high + 1e-9:
        symbol = {"temperature": "T*", "epsilon_ab": "ε_AB"}[what]
        raise ValueError(f"{what} = {value:g}: {name} was trained for {symbol} from {low:g} to {high:g}")


def load_functional(temperature: float = 1.5, name: str = "fluid", folder: Path | None = None) -> Functional:
    """Load the shipped functional of the fluid at a temperature.

    Parameters
    ----------
    temperature : float
        T*, within the range of its training.
    name : str
        ``fluid``; ``fluid-T1.5`` and ``fluid-fields``, trained on other data; ``theory`` for theory alone.
    folder : Path, optional
        Where the trained terms lie; by default ``data/functional``.

    Returns
    -------
    Functional

    Raises
    ------
    ValueError
        If the temperature is outside the range of its training.
    FileNotFoundError
        If there is none of this name.
    """
    if name == "theory":
        return Functional(temperature)
    term, described = read_term(find_tables() if folder is None else folder, name)
    require_range(temperature, described["temperatures"], "temperature", name)
    return Functional(temperature, term)
