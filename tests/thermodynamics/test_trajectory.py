"""Trajectories of others: an ideal gas has Γ = 1 by both routes; what cannot be used is told."""

import sys

import gsd.hoomd
import numpy as np
import pytest

from ljmix.configuration import Configuration, make_frame
from ljmix.thermodynamics.trajectory import analyse_frames, read_frames

EDGE = 10.0


def ideal_frames(n_frames, n_a=300, n_b=150, seed=0):
    rng = np.random.default_rng(seed)
    types = np.repeat([0, 1], [n_a, n_b])
    for _ in range(n_frames):
        positions = EDGE * (rng.random((n_a + n_b, 3)) - 0.5)
        yield Configuration(positions, np.zeros_like(positions), types, EDGE)


def test_an_ideal_gas_is_an_ideal_mixture_by_both_routes():
    table = analyse_frames(ideal_frames(80), temperature=1.5, r_max=4.0)
    print(table.to_string())
    rho = 450 / EDGE**3
    expected = {
        "factor": 1.0,
        "compressibility": 1 / (rho * 1.5),
        "volume_a": 1 / rho,
        "volume_b": 1 / rho,
        "slope": 0.0,
    }
    # Ten blocks give an error to a quarter: 4 of it are 3 of the true one.
    for name, value in expected.items():
        for route in ("waves", "rdf"):
            assert abs(table.loc[name, route] - value) < 4 * table.loc[name, f"{route}_sem"], (name, route)
    assert (table["z"].abs() < 4).all()


def test_curves_too_short_for_the_correlations_are_not_integrated():
    """Composition waves as long as the box, of random phase, in an ideal gas: S_cc is large at the smallest k alone."""
    rng = np.random.default_rng(2)
    frames = []
    for frame in ideal_frames(60, n_a=600, n_b=600):
        wave = np.cos(2 * np.pi * (frame.positions / EDGE + rng.random(3))).sum(axis=1)
        weight = np.exp(0.4 * wave)
        types = np.zeros(len(wave), dtype=int)
        types[rng.choice(len(wave), 600, replace=False, p=weight / weight.sum())] = 1
        frames.append(Configuration(frame.positions, frame.velocities, types, EDGE))
    with pytest.warns(UserWarning, match="no values from the integral of g: correlations .* where they hold 8 ξ"):
        table = analyse_frames(frames, temperature=1.5, r_max=4.0)
    print(table.to_string())
    assert table[["rdf", "rdf_sem", "z"]].isna().all(axis=None)
    assert np.isfinite(table[["waves", "waves_sem"]]).all(axis=None)
    assert table.loc["factor", "waves"] < 0.5


def test_a_gsd_file_gives_the_frames_that_were_written(tmp_path):
    frames = list(ideal_frames(3))
    with gsd.hoomd.open(tmp_path / "run.gsd", "w") as file:
        for step, frame in enumerate(frames):
            file.append(make_frame(step, frame.positions, frame.types, EDGE, 1.5))
    for read, written in zip(read_frames(tmp_path / "run.gsd", "B"), frames, strict=True):
        np.testing.assert_allclose(read.positions, written.positions, atol=1e-5)
        np.testing.assert_array_equal(read.types, written.types)
        assert read.box_edge == EDGE
    with pytest.raises(ValueError, match="has no particle of type 'C'; it has A, B"):
        next(read_frames(tmp_path / "run.gsd", "C"))


def test_bad_input_is_told_in_one_sentence(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match=r"none.gsd does not exist"):
        next(read_frames(tmp_path / "none.gsd", "B"))
    with pytest.raises(ValueError, match="3 frames: at least n_blocks = 10"):
        analyse_frames(ideal_frames(3), 1.0, 4.0)
    with pytest.raises(ValueError, match="300 A and 0 B particles: two of each are needed"):
        analyse_frames(ideal_frames(3, n_b=0), 1.0, 4.0)
    with pytest.raises(ValueError, match="r_max = 6: must be below half the box edge"):
        analyse_frames(ideal_frames(3), 1.0, 6.0)
    (tmp_path / "run.xyz").write_text("")
    monkeypatch.setitem(sys.modules, "MDAnalysis", None)
    with pytest.raises(ValueError, match="formats other than GSD need MDAnalysis"):
        next(read_frames(tmp_path / "run.xyz", "B"))
