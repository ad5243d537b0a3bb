import numpy as np
import pytest

from ljmix.state import StatePoint
from ljmix.structure.convergence import (
    Series,
    agree,
    count_independent,
    count_waves,
    find_equilibration,
    inefficiency,
    is_settled,
    mean_and_error,
    peak_errors,
)


def make_series(values, tolerance=0.0):
    return Series(np.arange(1, len(values) + 1) * 100, np.asarray(values, dtype=float), tolerance)


def noise(n, seed=0):
    return np.random.default_rng(seed).normal(size=n)


def test_relaxation_is_discarded():
    decay = 30 * np.exp(-np.arange(400) / 30)
    start = find_equilibration({"density": make_series(100 + decay + noise(400))}, at_least=0)
    # Noise hides the decay once it is below one standard deviation: after 30 ln 30 = 100 points.
    assert 6_000 <= start <= 16_000


def test_nothing_less_than_asked_is_discarded():
    assert find_equilibration({"density": make_series(noise(400))}, at_least=7_000) >= 7_000


def test_settled_series_and_drift_are_told_apart():
    flat = {"energy": make_series(-5 + 0.01 * noise(400))}
    drift = {"energy": make_series(-5 + 0.01 * noise(400) + np.linspace(0, 0.1, 400))}
    assert is_settled(flat)
    assert not is_settled(drift)
    # A drift within the tolerance is none.
    assert is_settled({"energy": make_series(drift["energy"].value, tolerance=0.05)})


def test_too_short_is_not_settled():
    assert not is_settled({"energy": make_series([1.0, 1.1, 1.0])})


def test_two_runs_agree_or_not():
    one, same, other = (make_series(m + noise(400, s)) for m, s in ((10, 1), (10, 2), (11, 3)))
    assert agree({"BB": one}, {"BB": same})
    assert not agree({"BB": one}, {"BB": other})


def test_error_of_a_correlated_mean():
    rng = np.random.default_rng(5)
    a, n = 0.8, 5000
    errors = []
    for _ in range(30):
        x = np.zeros(n)
        for k, e in enumerate(rng.normal(size=n - 1), 1):
            x[k] = a * x[k - 1] + e
        errors.append(mean_and_error(x)[1])
    expected = 1 / (1 - a) / np.sqrt(n)
    print(f"observed {np.mean(errors):.4f}, expected {expected:.4f}")
    # pymbar's estimate is known to 10 % here (sum over some 50 of 5000 lags), its mean over 30 runs to 2 %;
    # truncating the sum at its first negative term biases it low by a few per cent.
    assert np.mean(errors) == pytest.approx(expected, rel=0.08)


def test_peak_error_is_that_of_the_first_shell():
    state = StatePoint(1.0, 0.5, 2.0, 1.0)
    r = np.array([0.7, 1.1, 1.9, 2.1, 3.5, 4.1])
    # The highest bin of AB lies in its second shell, that of BB beyond; the core is no shell.
    g = {"AA": np.array([9.0, 2.0, 1.0, 1, 1, 1]), "AB": np.array([0, 0, 1.5, 1.6, 4, 1]), "BB": np.zeros(6)}
    g_sem = {"AA": np.array([9.0, 0.1, 9, 9, 9, 9]), "AB": np.array([9, 9, 9, 0.4, 9, 9]), "BB": np.zeros(6)}
    assert peak_errors(r, g, g_sem, state) == {"AA": 0.05, "AB": 0.25, "BB": float("inf")}


def test_independent_samples_of_a_correlated_series():
    """An autoregressive series of known inefficiency g = (1 + a) / (1 - a)."""
    rng = np.random.default_rng(20261121)
    a, n = 0.8, 20_000
    noise = rng.normal(size=n)
    values = np.empty(n)
    values[0] = noise[0]
    for k in range(1, n):
        values[k] = a * values[k - 1] + noise[k]
    expected = n * (1 - a) / (1 + a)
    observed = count_independent(Series(np.arange(n), values, 0.0))
    # The integrated correlation time is known to √(2 (2 window + 1) / n) with a window of about 6 g, here 10 %.
    print(f"observed {observed:.0f}, expected {expected:.0f}")
    assert observed == pytest.approx(expected, rel=0.3)
    assert count_independent(Series(np.arange(9), values[:9], 0.0)) == 0
    assert count_independent(Series(np.arange(50), np.ones(50), 0.0)) == 50


def test_samples_of_waves_are_counted_along_each_axis():
    """Three waves that take turns: each changes rarely, their mean not at all."""
    rng = np.random.default_rng(4)
    turn = np.repeat(rng.integers(0, 3, 40), 50)
    waves = np.eye(3)[turn] + 0.01 * rng.normal(size=(2000, 3))
    counts = count_waves(waves)
    together = 2000 / inefficiency(waves.mean(axis=1))
    print(f"along the axes {counts}, of their mean {together:.0f}")
    # Forty turns in all, known to a factor of two or so.
    assert max(counts) < 80
    assert together > 1000
