"""A trained surrogate in two files: arrays, and JSON that says what they are; with checksums, without pickle."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ljmix._util.atomic import replace_when_whole, require_writable, write_text
from ljmix._util.checks import require_path
from ljmix._util.reading import read_arrays, read_json, require_size
from ljmix.state import PARAMETERS, StatePoint

__all__ = ["FORMAT", "read_surrogate", "write_surrogate"]

FORMAT = 3
"""Version of the files; raised when older ones can no longer be read."""
_JSON, _ARRAYS = "surrogate.json", "surrogate.npz"
_MOST_BYTES = 64 * 2**20
_NUMBERS = list(PARAMETERS)
_SCORES_TEXT = ("kind", "group", "state_id", "branch")

Arrays = dict[str, npt.NDArray[Any]]


def write_surrogate(
    folder: Path | str,
    arrays: Arrays,
    single: dict[str, float],
    states: pd.DataFrame,
    scores: pd.DataFrame | None,
    about: dict[str, str],
) -> Path:
    """Write a surrogate's numbers.

    Parameters
    ----------
    folder : Path
    arrays, single : dict
        As from `ljmix.surrogate.learned.parts.Parts.numbers`.
    states : pandas.DataFrame
        That it was trained on.
    scores : pandas.DataFrame or None
        Of `ljmix.surrogate.bands.Bands`.
    about : dict
        Identity of the dataset.

    Returns
    -------
    Path
        The folder.
    """
    folder = require_path("folder", folder)
    require_writable(folder)
    arrays = arrays | {
        "states/numbers": states[_NUMBERS].to_numpy(dtype=float),
        "states/phase": states["phase"].to_numpy(dtype=str),
        "states/converged": states["converged"].to_numpy(dtype=bool),
    }
    if scores is not None:
        arrays |= {f"scores/{name}": _plain(scores[name], name) for name in scores}
    with replace_when_whole(folder / _ARRAYS) as part:
        np.savez_compressed(part, **arrays)  # type: ignore[arg-type]
    digest = hashlib.sha256((folder / _ARRAYS).read_bytes()).hexdigest()
    description = {"format": FORMAT, "arrays_sha256": digest, "dataset": about, "numbers": single}
    write_text(folder / _JSON, json.dumps(description, indent=1, sort_keys=True) + "\n")
    return folder


def read_surrogate(
    folder: Path | str, data: str | None = None
) -> tuple[Arrays, dict[str, float], pd.DataFrame, pd.DataFrame | None, dict[str, str]]:
    """Read what `write_surrogate` has written: arrays, single numbers, states, scores, identity of the dataset.

    Raises
    ------
    FileNotFoundError
        If the folder holds no surrogate.
    ValueError
        If it is damaged, of another version, or was trained on other data than `data` says.

    Notes
    -----
    Nothing in the files is executed.
    """
    folder = require_path("folder", folder)
    path = folder / _JSON
    if not path.is_file() or not (folder / _ARRAYS).is_file():
        raise FileNotFoundError(f"{folder} holds no surrogate; Surrogate.fit(dataset).save(folder) writes one")
    description = read_json(path)
    try:
        version, digest = description["format"], str(description["arrays_sha256"])
        about = {str(name): str(value) for name, value in description["dataset"].items()}
        single = {str(name): float(value) for name, value in description["numbers"].items()}
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"{path} does not describe a surrogate ({type(error).__name__}: {error})") from error
    if version != FORMAT:
        raise ValueError(f"{path} has format {version!r}, this ljmix reads format {FORMAT}; fit the surrogate anew")
    if data is not None and about.get("sha256") != data:
        trained = about.get("sha256", "")[:12]
        raise ValueError(f"{folder} was trained on other data, SHA-256 {trained}…, not {data[:12]}…")
    require_size(folder / _ARRAYS, _MOST_BYTES)
    if hashlib.sha256((folder / _ARRAYS).read_bytes()).hexdigest() != digest:
        raise ValueError(f"{folder / _ARRAYS} is not what {_JSON} describes: its SHA-256 differs; save it anew")
    arrays = read_arrays(folder / _ARRAYS)
    try:
        numbers = arrays.pop("states/numbers")
        states = pd.DataFrame(numbers, columns=_NUMBERS)
        states.insert(0, "state_id", [StatePoint(*row).state_id for row in numbers.tolist()])
        states["phase"] = arrays.pop("states/phase").astype(object)
        states["converged"] = arrays.pop("states/converged")
    except (KeyError, ValueError, TypeError) as error:
        raise ValueError(f"{folder / _ARRAYS} holds no states of a surrogate ({error})") from error
    names = [name for name in arrays if name.startswith("scores/")]
    table = {name.removeprefix("scores/"): arrays.pop(name) for name in names}
    columns = {name: value.astype(object) if name in _SCORES_TEXT else value for name, value in table.items()}
    return arrays, single, states, pd.DataFrame(columns) if table else None, about


def _plain(column: pd.Series, name: str) -> npt.NDArray[Any]:
    return np.asarray(column.to_numpy(dtype=str) if name in _SCORES_TEXT else column.to_numpy())
