import numpy as np
import pytest

from ljmix.structure.fluctuations import temperature_derivative


def test_derivative_of_an_einstein_crystal():
    """Independent harmonic oscillators, H = Σ x²/2: ⟨x²⟩ = 1/β and its derivative -1/β²."""
    rng = np.random.default_rng(11)
    beta, n, oscillators = 0.8, 60_000, 6
    x = rng.normal(scale=beta**-0.5, size=(n, oscillators))
    derivative, sem = temperature_derivative(x**2, (x**2).sum(axis=1) / 2)
    sigmas = (derivative + 1 / beta**2) / sem
    print("observed", derivative, "expected", -1 / beta**2, "sigmas", sigmas)
    # Six values, each with a t distribution of 19 degrees of freedom: 4.5 is exceeded once in 600 runs.
    assert np.abs(sigmas).max() < 4.5
    # The error itself is right: its relative uncertainty with 20 blocks is 16 %, over six values 7 %.
    spread = np.std((x**2 - 1 / beta) * ((x**2).sum(axis=1) / 2 - oscillators / beta / 2)[:, None]) / np.sqrt(n)
    assert sem.mean() == pytest.approx(spread, rel=0.25)


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="3 samples and 2 enthalpies"):
        temperature_derivative(np.zeros((3, 4)), np.zeros(2))
