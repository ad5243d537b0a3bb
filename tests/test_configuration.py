"""GSD files of ours, and of others: what is no cube of A and B is one sentence with the file's name."""

import struct

import gsd.hoomd
import numpy as np
import pytest

from ljmix.configuration import (
    Configuration,
    make_frame,
    parse_frame,
    read_configuration,
    write_configuration,
)

POSITIONS = np.random.default_rng(0).uniform(-2, 2, (10, 3))
TYPES = np.repeat([0, 1], 5)
CUBE = Configuration(POSITIONS, np.zeros((10, 3)), TYPES, 5.0)


def write_frame(path, **changes):
    frame = make_frame(0, POSITIONS, TYPES, 5.0, 1.0)
    for name, value in changes.items():
        section, _, field = name.partition("_")
        setattr(getattr(frame, section), field, value)
    with gsd.hoomd.open(path, "w") as file:
        file.append(frame)
    return path


def complaint(path, otherwise):
    """What is said of a file that cannot be read."""
    try:
        read_configuration(path)
    except ValueError as error:
        return str(error)
    return otherwise


@pytest.mark.parametrize("kind", [str, lambda path: path])
def test_a_file_is_named_by_text_or_path(tmp_path, kind):
    write_configuration(CUBE, 1.0, kind(tmp_path / "i.gsd"))
    found = read_configuration(kind(tmp_path / "i.gsd"))
    np.testing.assert_allclose(found.positions, POSITIONS, atol=1e-6)


def test_a_name_without_a_folder_is_written_where_one_stands(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_configuration(CUBE, 1.0, "i.gsd")
    assert read_configuration("i.gsd").box_edge == 5.0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"configuration_box": [5, 5, 5, 0.1, 0, 0]}, r"the box is tilted by 0\.1, 0, 0; a cube is expected"),
        ({"configuration_box": [5, 6, 5, 0, 0, 0]}, "the box has edges 5, 6, 5; a cube is expected"),
        ({"configuration_box": [5, 5, 0, 0, 0, 0]}, "is two-dimensional; a cube in three dimensions"),
        ({"configuration_box": [5, 5, 5, 0, 0, 0], "configuration_dimensions": 2}, "is two-dimensional"),
        ({"configuration_box": [np.nan, 5, 5, 0, 0, 0]}, "edges nan, 5, 5; a cube is expected"),
        ({"configuration_box": [-5, -5, -5, 0, 0, 0]}, "edges -5, -5, -5; a cube is expected"),
        ({"particles_types": ["A", "B", "C"]}, r"holds particles of types \['A', 'B', 'C'\]; A and B are expected"),
        ({"particles_position": np.full((10, 3), np.inf)}, "a position is not finite"),
    ],
)
def test_what_is_no_cube_of_two_species_is_named(tmp_path, changes, message):
    path = write_frame(tmp_path / "other.gsd", **changes)
    with pytest.raises(ValueError, match=rf"other\.gsd.*{message}"):
        read_configuration(path)


@pytest.mark.parametrize("content", [b"", b"GSD", b"\x00" * 4096, b"<<<<<<< HEAD\n" * 100])
def test_what_is_no_gsd_file_is_named(tmp_path, content):
    (tmp_path / "x.gsd").write_bytes(content)
    with pytest.raises(ValueError, match=r"x\.gsd is not a readable GSD file"):
        read_configuration(tmp_path / "x.gsd")


def test_a_cut_or_missing_file_is_named(tmp_path):
    path = write_frame(tmp_path / "cut.gsd")
    whole = path.read_bytes()
    for length in range(0, len(whole), 97):
        path.write_bytes(whole[:length])
        assert "cut.gsd" in complaint(path, "cut.gsd")
    with pytest.raises(FileNotFoundError, match=r"none\.gsd does not exist"):
        read_configuration(tmp_path / "none.gsd")


def test_a_claim_of_too_many_particles_is_refused_before_they_are_read(tmp_path):
    path = write_frame(tmp_path / "huge.gsd")
    whole, small, huge = path.read_bytes(), struct.pack("<I", 10), struct.pack("<I", 4_000_000_000)
    with gsd.hoomd.open(path) as file:
        assert file.file.read_chunk(frame=0, name="particles/N")[0] == 10
    # The number of particles is one of the few places that hold these four bytes.
    for place in range(len(whole) - 3):
        if whole[place : place + 4] != small:
            continue
        path.write_bytes(whole[:place] + huge + whole[place + 4 :])
        said = complaint(path, "huge.gsd")
        assert "huge.gsd" in said
        if "claims 4000000000 particles" in said:
            return
    pytest.fail("the claim was not found")


def test_a_frame_of_single_precision_is_a_cube():
    frame = make_frame(0, POSITIONS, TYPES, 1 / 3, 1.0)
    frame.particles.velocity = POSITIONS
    frame.configuration.box = np.array([1 / 3, 1 / 3 * (1 + 1e-7), 1 / 3, 0, 0, 0], dtype=np.float32)
    assert parse_frame(frame).box_edge == pytest.approx(1 / 3)
