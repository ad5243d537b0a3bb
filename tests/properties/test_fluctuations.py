import numpy as np
import pytest

from ljmix.properties.fluctuations import response_functions, temperature_derivative


def test_derivative_of_an_einstein_crystal():
    """Independent harmonic oscillators, H = Σ x²/2: ⟨x²⟩ = 1/β and its derivative -1/β²."""
    rng = np.random.default_rng(11)
    beta, n, oscillators = 0.8, 60_000, 6
    x = rng.normal(scale=beta**-0.5, size=(n, oscillators))
    derivative, sem = temperature_derivative(x**2, (x**2).sum(axis=1) / 2)
    sigmas = (derivative + 1 / beta**2) / sem
    print("observed", derivative, "expected", -1 / beta**2, "sigmas", sigmas)
    # Six values, each with a t distribution of 9 degrees of freedom: 4.5 is exceeded by one of them once in 110 runs.
    assert np.abs(sigmas).max() < 4.5
    # The error itself is right: its relative uncertainty with 10 blocks is 24 %, over six values 10 %.
    spread = np.std((x**2 - 1 / beta) * ((x**2).sum(axis=1) / 2 - oscillators / beta / 2)[:, None]) / np.sqrt(n)
    assert sem.mean() == pytest.approx(spread, rel=0.25)


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="3 samples and 2 enthalpies"):
        temperature_derivative(np.zeros((3, 4)), np.zeros(2))


def test_responses_of_a_gaussian_volume():
    """A volume and an enthalpy that fluctuate together as a Gaussian with known second moments."""
    rng = np.random.default_rng(20261121)
    temperature, n, mean_volume = 1.3, 100, 150.0
    covariance = np.array([[9.0, 6.0], [6.0, 400.0]])
    volume, enthalpy = rng.multivariate_normal([mean_volume, -500.0], covariance, size=20_000).T
    found = response_functions(volume, enthalpy, temperature, n)
    expected = {
        "isothermal_compressibility": 9.0 / (temperature * mean_volume),
        "thermal_expansion": 6.0 / (temperature**2 * mean_volume),
        "heat_capacity": 1.5 + 400.0 / (n * temperature**2),
    }
    for name, (value, error) in found.items():
        sigmas = (value - expected[name]) / error
        print(f"{name}: observed {value:.5f} ± {error:.5f}, expected {expected[name]:.5f}, sigmas {sigmas:.1f}")
        # Student t with 9 degrees of freedom: beyond 6 once in 5000.
        assert abs(sigmas) < 6
    # The error of a variance is √(2/n) of it; ten blocks know it to a quarter.
    value, error = found["isothermal_compressibility"]
    assert error / value == pytest.approx(np.sqrt(2 / 20_000), rel=4 * 0.24)
