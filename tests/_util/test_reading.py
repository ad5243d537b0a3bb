"""Files from elsewhere: bounded before they are read whole, never executed, and named when they are damaged."""

import io
import json
import pickle
import zipfile

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ljmix._util import reading
from ljmix._util.reading import read_arrays, read_json, read_parquet


class Harm:
    """Its pickle would write a file."""

    def __reduce__(self):
        return open, ("harm", "w")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is not readable JSON"), ("{", "is not readable JSON"), ("[1]", "holds a list; an object"),
        ("null", "NoneType"),
        ("[" * 100_000, "is not readable JSON"), ('{"a": 1}\n<<<<<<< HEAD\n', "holds the marks of a merge conflict"),
        ("\xff", "is not readable JSON"),
    ],
)  # fmt: skip
def test_damaged_json_is_named(tmp_path, content, message):
    (tmp_path / "x.json").write_text(content, encoding="latin-1")
    with pytest.raises(ValueError, match=rf"x\.json.*{message}"):
        read_json(tmp_path / "x.json")


def test_large_json_is_refused_before_it_is_read(tmp_path):
    with (tmp_path / "x.json").open("wb") as file:
        file.truncate(reading.MOST_JSON + 1)  # takes no room on the disk
    with pytest.raises(ValueError, match=r"x\.json has 64 MiB; at most 64 MiB are read"):
        read_json(str(tmp_path / "x.json"))


def test_arrays_that_unpack_to_terabytes_are_refused(tmp_path, monkeypatch):
    """A header that promises them, with nothing behind it; and zeros that pack well."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (10**12,)})
    with zipfile.ZipFile(tmp_path / "promise.npz", "w") as archive:
        archive.writestr("a.npy", header.getvalue())
    with pytest.raises(ValueError, match=r"promise\.npz is damaged"):
        read_arrays(tmp_path / "promise.npz")
    np.savez_compressed(tmp_path / "zeros.npz", a=np.zeros(10_000))
    assert read_arrays(str(tmp_path / "zeros.npz"))["a"].shape == (10_000,)
    packed = bytearray((tmp_path / "zeros.npz").read_bytes())
    directory = packed.rfind(b"PK\x01\x02")
    packed[directory + 24 : directory + 28] = (2**32 - 2).to_bytes(4, "little")  # size once unpacked
    (tmp_path / "bomb.npz").write_bytes(packed)
    monkeypatch.setattr(reading, "MOST_ARRAYS", 2**30)
    with pytest.raises(ValueError, match=r"bomb\.npz is damaged \(unpacked it has 4 GiB; at most"):
        read_arrays(tmp_path / "bomb.npz")


def test_nothing_is_unpickled(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savez("objects.npz", a=np.array([Harm()], dtype=object))
    (tmp_path / "pickle.npz").write_bytes(pickle.dumps(Harm()))
    with zipfile.ZipFile("member.npz", "w") as archive:
        archive.writestr("a.npy", pickle.dumps(Harm()))
    for name in ("objects.npz", "pickle.npz", "member.npz"):
        with pytest.raises(ValueError, match=f"{name} is damaged"):
            read_arrays(name)
    table = pa.table({"a": [1]}).replace_schema_metadata(
        {"ARROW:extension:metadata": pickle.dumps(Harm()), "ljmix": "{}"}
    )
    pq.write_table(table, "extension.parquet")
    read_parquet("extension.parquet")
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + b"\x00" * 100 + b"PAR1", b"<<<<<<< HEAD\n"])
def test_damaged_tables_are_named(tmp_path, content):
    (tmp_path / "x.parquet").write_bytes(content)
    with pytest.raises(ValueError, match=r"x\.parquet is not a readable parquet file: .+"):
        read_parquet(tmp_path / "x.parquet")


def test_a_table_that_unpacks_to_gigabytes_is_refused(tmp_path, monkeypatch):
    """Repeated values take no room in the file."""
    pd.DataFrame({"a": np.zeros(1_000_000)}).to_parquet(tmp_path / "x.parquet")
    assert (tmp_path / "x.parquet").stat().st_size < 10_000
    monkeypatch.setattr(reading, "MOST_TABLE", 2**20)
    with pytest.raises(ValueError, match="unpacked it has 0 GiB; at most 0 are read"):
        read_parquet(tmp_path / "x.parquet")


def test_provenance_must_be_an_object(tmp_path):
    table = pa.table({"a": [1]})
    for about in ("[]", "{", "[" * 100_000):
        pq.write_table(table.replace_schema_metadata({"ljmix": about}), tmp_path / "x.parquet")
        with pytest.raises(ValueError, match=r"x\.parquet is not a readable parquet file"):
            read_parquet(tmp_path / "x.parquet")
    pq.write_table(table.replace_schema_metadata({"ljmix": json.dumps({"a": 1})}), tmp_path / "x.parquet")
    assert read_parquet(tmp_path / "x.parquet")[1] == {"a": 1}
