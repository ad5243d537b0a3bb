"""Two liquids in a box: geometry against sampling, free energy against its definition."""

import numpy as np
import pandas as pd
import pytest

from ljmix.state import StatePoint
from ljmix.theory.eos import equation_of_state, separate
from ljmix.theory.splitting import overlap, smallest_area, split


@pytest.mark.parametrize("share", [0.02, 0.1, 0.2, 0.29, 0.4, 0.5, 0.8])
def test_overlap_of_a_domain_with_itself_moved(share):
    """Places of a sphere, a cylinder or a slab in a box, moved by r: how many are still inside, within counting
    errors."""
    rng = np.random.default_rng(1)
    edge, n, m = 15.0, 40_000, min(share, 1 - share)
    r = np.array([0.5, 2.0, 4.5])
    expected = overlap(np.array([share]), np.array([edge]), r)[0]
    for k, distance in enumerate(r):
        places = rng.uniform(-edge / 2, edge / 2, (20 * n, 3))
        shape = 3 if m < 4 * np.pi / 81 else 2 if m < 1 / np.pi else 1
        radius = edge * {3: (3 * m / 4 / np.pi) ** (1 / 3), 2: (m / np.pi) ** 0.5, 1: m / 2}[shape]
        inside = places[(places[:, :shape] ** 2).sum(axis=1) < radius**2][:n]
        steps = rng.normal(size=inside.shape)
        moved = inside + distance * steps / np.linalg.norm(steps, axis=1, keepdims=True)
        observed = ((moved[:, :shape] ** 2).sum(axis=1) < radius**2).mean()
        sigma = max(np.sqrt(expected[k] * (1 - expected[k]) / len(inside)), 1 / len(inside))
        print(f"share {share}, r {distance}: {observed:.4f}, expected {expected[k]:.4f} ± {sigma:.4f}")
        assert abs(observed - expected[k]) < 4 * sigma


def test_overlap_begins_as_porod_says():
    """1 − A r / (4 V): the slope is that of the smallest interface, for all three shapes."""
    share, r = np.array([0.1, 0.25, 0.45]), np.array([1e-4])
    slope = (1 - overlap(share, np.full(3, 15.0), r)[:, 0]) / r
    np.testing.assert_allclose(slope, smallest_area(share) / (4 * 15 * share), rtol=1e-3)


def test_gain_of_splitting_is_a_difference_of_free_energies():
    """g(C_B) − Σ n_k g(x_k), with g = Σ x μ; fractions of state points are rounded to six decimals."""
    state = StatePoint(1.0, 0.4, 1.2, 0.4)
    found = separate(state, 0.8)

    def free_energy(x):
        liquid = equation_of_state(StatePoint(1.0, x, 1.2, 0.4), 0.8)
        parts = np.array([1 - x, x])
        return float(parts @ (liquid.chemical_potential + np.log(liquid.density * parts)))

    lean, rich = found.fraction_b
    number = (0.4 - lean) / (rich - lean)
    expected = free_energy(0.4) - (1 - number) * free_energy(round(lean, 6)) - number * free_energy(round(rich, 6))
    assert found.gain == pytest.approx(expected, abs=1e-5)
    assert found.gain > 0
    assert 0 < found.share < 1


def test_a_stable_liquid_gains_nothing():
    states = pd.DataFrame([StatePoint(1.2, 0.3, 1.0, x).as_dict() for x in (1.0, 0.2)])
    found = split(states, 0.8)
    assert found.found.tolist() == [False, True]
    assert found.gain[0] == 0 < found.gain[1]
    assert np.isnan(found.share[0])
