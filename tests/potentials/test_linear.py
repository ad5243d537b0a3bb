"""The solver against plain least squares, and its error bars against repeated noise."""

import numpy as np
import pytest

from ljmix.potentials.linear import Moments, Weights, add_moments, solve


def moments_of(a, f, energy_rows=None, energies=(), n=10.0):
    rows = np.zeros((0, a.shape[1])) if energy_rows is None else energy_rows
    k = len(rows)
    return Moments(
        a.T @ a, a.T @ f, float(f @ f), f.size, rows, np.zeros_like(rows), np.array(energies), np.zeros(k),
        np.full(k, n), np.ones(k),
    )  # fmt: skip


@pytest.fixture
def rng():
    return np.random.default_rng(20261130)


def test_without_a_penalty_it_is_least_squares(rng):
    a, c = rng.normal(size=(60, 5)), np.arange(5.0)
    f = a @ c + 0.1 * rng.normal(size=60)
    rows, energies = rng.normal(size=(3, 5)), rng.normal(size=3)
    found = solve(moments_of(a, f, rows, energies), np.eye(5), Weights(energy=2.0), penalty=1e-9)
    stacked = np.concatenate([a, rows * np.sqrt(2.0 / 10)])
    expected = np.linalg.lstsq(stacked, np.concatenate([f, energies * np.sqrt(2.0 / 10)]), rcond=None)[0]
    np.testing.assert_allclose(found.coefficients, expected, atol=1e-8)
    assert found.freedom == pytest.approx(5)


def test_parts_add_up(rng):
    a, f = rng.normal(size=(60, 5)), rng.normal(size=60)
    whole, halves = moments_of(a, f), add_moments([moments_of(a[:30], f[:30]), moments_of(a[30:], f[30:])])
    np.testing.assert_allclose(halves.gram, whole.gram)
    c = rng.normal(size=5)
    assert halves.force_error(c) == pytest.approx(np.sqrt(np.mean((a @ c - f) ** 2)))


def test_error_bars_are_those_of_repeated_noise(rng):
    """100 repetitions of 200 numbers: z has variance one within sqrt(2/500) a coefficient."""
    a, c = rng.normal(size=(200, 5)), np.arange(1.0, 6.0)
    z = []
    for _ in range(100):
        found = solve(moments_of(a, a @ c + 0.3 * rng.normal(size=200)), np.eye(5), penalty=1e-6)
        z.append((found.coefficients - c) / np.sqrt(np.diag(found.covariance)))
    observed, sigma = np.mean(np.square(z)), np.sqrt(2 / 500)
    print(f"observed {observed:.3f}, expected 1, {(observed - 1) / sigma:.1f} sigmas")
    assert abs(observed - 1) < 4 * sigma


def test_the_penalty_is_chosen_by_cross_validation(rng):
    """Noise on top of a straight line: second differences are punished hard, and the fit is nearly straight."""
    rough = np.diff(np.eye(40), 2, axis=0)
    line, a = np.linspace(-1, 1, 40), np.tile(np.eye(40), (5, 1))
    found = solve(moments_of(a, a @ line + 0.4 * rng.normal(size=200)), rough.T @ rough + 1e-9 * np.eye(40))
    assert found.freedom < 12
    assert np.sqrt(np.mean((found.coefficients - line) ** 2)) < 0.12
    with pytest.raises(ValueError, match="penalty = 0: must be above 0"):
        solve(moments_of(np.eye(4), np.ones(4)), np.eye(4), penalty=0)
    with pytest.raises(ValueError, match="there is none"):
        add_moments([])
