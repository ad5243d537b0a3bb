import math

import numpy as np
import pytest

from ljmix.structure.diffusion import diffusion_coefficient, is_diffusive, mean_squared_displacements


def test_random_walk_has_its_diffusion_coefficient():
    """Gaussian steps of variance 2 D Δt an axis, across the faces of the box, in segments of 25 frames."""
    rng = np.random.default_rng(20261121)
    expected, interval, edge = 0.05, 1.0, 8.0
    rows = []
    for _ in range(30):
        steps = rng.normal(scale=math.sqrt(2 * expected * interval), size=(25, 200, 3)) / edge
        rows.append(mean_squared_displacements(np.cumsum(steps, axis=0) % 1.0, edge))
    observed, sem = diffusion_coefficient(np.array(rows), interval)
    sigmas = (observed - expected) / sem
    print(f"observed {observed:.5f} ± {sem:.5f}, expected {expected}, sigmas {sigmas:.2f}")
    assert abs(sigmas) < 4
    # Steps are 0.55 σ long and the boxes 8 σ: no walk may be cut where it crosses a face.
    assert rows[0][1] == pytest.approx(6 * expected * interval, rel=4 * math.sqrt(2 / (3 * 24 * 200)))


def test_a_drifting_crystal_moves_as_one():
    fractional = (np.random.default_rng(1).random((50, 3)) + np.arange(4)[:, None, None] * [0.02, 0, 0]) % 1.0
    assert mean_squared_displacements(fractional, 10.0) == pytest.approx([0, 0.04, 0.16, 0.36], abs=1e-6)


def test_short_segments_have_no_slope():
    assert all(math.isnan(x) for x in diffusion_coefficient(np.ones((5, 5)), 1.0))
    assert all(math.isnan(x) for x in diffusion_coefficient(np.ones((1, 25)), 1.0))


def test_cages_are_told_from_diffusion():
    lag = np.arange(25.0)
    assert is_diffusive(np.array([0.02 + 0.3 * lag]), 1.0)
    # A crystal: rattling, and a little creep.
    assert not is_diffusive(np.array([0.05 + 0.003 * lag]), 1.0)
    assert not is_diffusive(np.array([0.3 * lag[:5]]), 1.0), "too short to tell"
