import numpy as np
import pytest

from ljmix.sampling import _compare_estimators
from ljmix.structure.rdf import block_average


def test_the_estimator_with_less_noise_is_recognised():
    """Two estimators of one function, the second with half the noise: a gain of four, and no deviation."""
    rng = np.random.default_rng(20261121)
    n, n_bins, blocks = 400, 120, 20
    truth = 1 + np.sin(np.linspace(0, 6, n_bins))
    counted, sampled = (block_average(truth + noise * rng.normal(size=(n, n_bins)), blocks) for noise in (1.0, 0.5))
    beyond = np.arange(n_bins) >= 20
    gain, deviation = _compare_estimators(counted, sampled, beyond)
    # Mean squares over 100 bins with 19 degrees of freedom each: known to √(2 / 1900) = 3 % each.
    print(f"gain: observed {gain:.2f}, expected 4; deviation: observed {deviation:.2f}, expected 1")
    assert gain == pytest.approx(4, rel=5 * 0.046)
    assert deviation == pytest.approx(1, rel=5 / np.sqrt(2 * 100))
    biased = (sampled[0] + 5 * sampled[1], sampled[1])
    assert _compare_estimators(counted, biased, beyond)[1] > 2
