"""Green and Kubo's integrals of a process whose correlations are known, and the correction for a finite box."""

import numpy as np
import pytest

from ljmix.properties.time_correlation import (
    autocorrelation,
    finite_box_correction,
    integrate_correlation,
    shear_stresses,
)


def test_the_integral_of_an_exponential_correlation():
    """v(t+1) = φ v(t) + noise: ⟨v v⟩ = φ^k, whose trapezoidal integral to infinity is (1 + φ)/(2(1 − φ))."""
    phi, n, n_blocks = 0.8, 20000, 16
    rng = np.random.default_rng(7)
    series = np.zeros((n_blocks, n))
    noise = rng.normal(size=(n_blocks, n)) * np.sqrt(1 - phi**2)
    series[:, 0] = rng.normal(size=n_blocks)
    for t in range(1, n):
        series[:, t] = phi * series[:, t - 1] + noise[:, t]
    correlations = np.array([autocorrelation(block, 121) for block in series])
    value, sem = integrate_correlation(correlations, 1.0, (60.0, 120.0))
    exact = (1 + phi) / (1 - phi) / 2
    print(f"integral {value:.3f} ± {sem:.3f}, expected {exact:.3f}")
    assert abs(value - exact) < 4 * sem
    assert sem < 0.1 * exact


def test_autocorrelation_is_the_plain_sum():
    a = np.random.default_rng(0).normal(size=(50, 2))
    plain = [np.mean(a[: 50 - k] * a[k:]) for k in range(5)]
    np.testing.assert_allclose(autocorrelation(a, 5), plain, rtol=1e-10)


def test_five_shears_have_one_variance_in_an_isotropic_liquid():
    """Rotations of one symmetric traceless tensor: all five components share its norm evenly."""
    rng = np.random.default_rng(1)
    rotations = np.linalg.qr(rng.normal(size=(20000, 3, 3)))[0]
    tensor = rotations @ np.diag([1.0, -0.2, -0.8]) @ np.swapaxes(rotations, 1, 2)
    columns = [tensor[:, i, j] for i, j in ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))]
    five = shear_stresses(np.stack(columns, axis=1))
    # Tr P² = 2 Σ of the squares of the five; 20 000 rotations give each variance to 1 %.
    np.testing.assert_allclose((five**2).mean(axis=0), (1 + 0.04 + 0.64) / 10, rtol=0.04)
    np.testing.assert_allclose(np.corrcoef(five.T), np.eye(5), atol=4 / np.sqrt(20000))


def test_the_correction_is_that_of_yeh_and_hummer():
    assert finite_box_correction(1.0, 1.0, 1.0) == pytest.approx(2.837297 / (6 * np.pi))
    assert finite_box_correction(1.2, 2.0, 10.0) == pytest.approx(2.837297 * 1.2 / (6 * np.pi * 20))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: autocorrelation(np.ones(9), 5), "9 samples: 5 lags need at least 10"),
        (lambda: integrate_correlation(np.ones((1, 9)), 1.0, (1, 2)), "one block"),
        (
            lambda: integrate_correlation(np.ones((2, 9)), 1.0, (1, 20)),
            "lags end at 8 τ, before the window's end",
        ),
        (lambda: finite_box_correction(1.0, 0.0, 9.0), "viscosity = 0: must be above 0"),
    ],
)
def test_bad_input_is_told_in_one_sentence(call, message):
    with pytest.raises(ValueError, match=message):
        call()
