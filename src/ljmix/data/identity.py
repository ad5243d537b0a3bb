"""Which dataset a table, a figure or a model comes from: profile, version, checksum; and whether two are the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ljmix.data.dataset import Dataset

__all__ = ["checksum", "describe_identity", "identify", "read_provenance", "require_same_data"]


def checksum(dataset: Dataset) -> str:
    """SHA-256 of both tables' values, the same however they were written.

    Returns
    -------
    str
        Hexadecimal.
    """
    digest = hashlib.sha256()
    for table in (dataset.states, dataset.rdf):
        digest.update(",".join(table.columns).encode())
        digest.update(pd.util.hash_pandas_object(table, index=False).to_numpy().tobytes())
    return digest.hexdigest()


def identify(dataset: Dataset) -> dict[str, str]:
    """Profile of a dataset, version of ljmix that made it, and checksum."""
    about = dataset.provenance
    return {
        "profile": str(about.get("profile", "unknown")),
        "version": str(about.get("ljmix", "unknown")),
        "sha256": checksum(dataset),
    }


def describe_identity(dataset: Dataset) -> str:
    """Name a dataset in a line, for a figure's metadata."""
    about = identify(dataset)
    return f"ljmix {about['version']}, profile {about['profile']}, dataset SHA-256 {about['sha256']}"


def read_provenance(path: Path | str) -> dict[str, Any]:
    """Read what a table says of its origin, without the table.

    Raises
    ------
    FileNotFoundError, ValueError
        If the file is not there, or no parquet file.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist")
    try:
        found = json.loads((pq.read_metadata(path).metadata or {}).get(b"ljmix", b"{}"))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise ValueError(f"{path} is not a readable parquet file: {error}") from error
    return found if isinstance(found, dict) else {}


def require_same_data(dataset: Dataset, provenance: Mapping[str, Any], what: str | Path, way_out: str) -> None:
    """Stop where something was made from another dataset than the one at hand.

    Parameters
    ----------
    dataset : Dataset
    provenance : mapping
        What it says of its origin: the `identify` of its dataset under ``dataset``; what versions before 0.2 wrote has
        that dataset's whole provenance under ``data``.
    what : str or Path
        Its name.
    way_out : str
        What to do.

    Raises
    ------
    ValueError
        If it comes from another dataset, or does not say.
    """
    ours, theirs, whole = identify(dataset), provenance.get("dataset"), provenance.get("data")
    same = theirs == ours if theirs else whole == json.loads(json.dumps(dict(dataset.provenance)))
    if same:
        return
    other = theirs or ({"profile": whole.get("profile"), "sha256": ""} if whole else None)
    said = _short(other) if other else "it does not say which"
    raise ValueError(f"{what} was made from another dataset ({said}) than the one at hand ({_short(ours)}); {way_out}")


def _short(about: Mapping[str, Any]) -> str:
    digest = f", SHA-256 {about['sha256'][:12]}…" if about["sha256"] else ""
    return f"profile {about['profile']}{digest}"
