"""Files from elsewhere: bounded in size before they are read whole, never executed, and named when they are damaged.

What a header promises is compared with what there is room for before anything is unpacked: a file of a kilobyte may
promise a terabyte. No reader here unpickles.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

__all__ = ["read_arrays", "read_json", "read_parquet", "require_size"]

MOST_JSON = 64 * 2**20
"""Bytes of a JSON file. The largest of ours, the metrics, has a quarter of a megabyte."""
MOST_ARRAYS = 4 * 2**30
"""Bytes of a file of arrays, unpacked. A segment of the largest profile has a hundredth of it."""
MOST_TABLE = 4 * 2**30
"""Bytes of a table, unpacked. The largest of ours has a hundredth of it."""


def require_size(path: Path, most: int) -> None:
    """Raise a ValueError if a file is larger than anything that ljmix writes of its kind."""
    size = path.stat().st_size
    if size > most:
        raise ValueError(f"{path} has {size / 2**20:.0f} MiB; at most {most / 2**20:.0f} MiB are read")


def read_json(path: Path | str) -> dict[str, Any]:
    """Read a JSON file that holds one object.

    Raises
    ------
    FileNotFoundError
        If it is not there.
    ValueError
        If it is damaged, holds anything but an object, or is too large; the message names the file.
    """
    path = Path(path)
    require_size(path, MOST_JSON)
    try:
        text = path.read_text(encoding="utf-8")
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        conflict = path.is_file() and b"<<<<<<<" in path.read_bytes()
        reason = "it holds the marks of a merge conflict" if conflict else error
        raise ValueError(f"{path} is not readable JSON: {reason}") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path} holds a {type(content).__name__}; an object of names and values is expected")
    return content


def read_arrays(path: Path | str) -> dict[str, npt.NDArray[Any]]:
    """Read a NumPy archive (``.npz``) of plain arrays.

    Raises
    ------
    FileNotFoundError
        If it is not there.
    ValueError
        If it is damaged, holds Python objects, or is too large once unpacked; the message names the file.
    """
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
        if unpacked > MOST_ARRAYS:
            raise ValueError(f"unpacked it has {unpacked / 2**30:.0f} GiB; at most {MOST_ARRAYS / 2**30:.0f} are read")
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
        # A member that is no array comes as bytes.
        strange = [name for name, array in arrays.items() if not isinstance(array, np.ndarray)]
        if strange:
            raise ValueError(f"its member {strange[0]} is no array")
        return arrays
    except (EOFError, ValueError, KeyError, MemoryError, zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
        raise ValueError(f"{path} is damaged ({error or type(error).__name__})") from error


def read_parquet(path: Path | str) -> tuple[pd.DataFrame, Mapping[str, Any]]:
    """Read a table and the provenance that it carries.

    Returns
    -------
    table : pandas.DataFrame
    provenance : dict
        Empty where the file carries none.

    Raises
    ------
    FileNotFoundError
        If it is not there.
    ValueError
        If it is no parquet file, damaged, or too large once unpacked; the message names the file.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist")
    try:
        with pq.ParquetFile(path) as file:
            about = file.metadata
            unpacked = sum(about.row_group(k).total_byte_size for k in range(about.num_row_groups))
            # Repeated values take no room in the file, and eight bytes each in memory.
            unpacked = max(unpacked, 8 * about.num_rows * about.num_columns)
            if unpacked > MOST_TABLE:
                raise ValueError(
                    f"unpacked it has {unpacked / 2**30:.0f} GiB; at most {MOST_TABLE / 2**30:.0f} are read"
                )
            table = file.read()
        provenance = json.loads((table.schema.metadata or {}).get(b"ljmix", b"{}"))
        if not isinstance(provenance, dict):
            raise ValueError("its provenance is no object of names and values")
        return table.to_pandas(), provenance
    except (pa.ArrowException, OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise ValueError(f"{path} is not a readable parquet file: {_first_line(error)}") from error


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n")[0] or type(error).__name__
