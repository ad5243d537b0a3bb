import numpy as np
import pytest

from ljmix.structure.scattering import SHELLS, wave_numbers
from ljmix.structure.wave_errors import mean_variance, smooth_fluctuation, unseen_variance, wave_errors

VECTORS = np.array([6, 12, 8, 6, 24, 24, 12, 30])


@pytest.mark.parametrize("lifetime", [2.0, 20.0, 200.0])
def test_blocks_see_of_a_wave_what_theory_says(lifetime):
    """Complex amplitudes that forget exponentially, |φ|² = 1 on average, runs of 200 steps in 10 blocks."""
    rng = np.random.default_rng(11)
    runs, steps, blocks = 4000, 200, 10
    decay = np.exp(-1 / lifetime)
    amplitude = (rng.normal(size=runs) + 1j * rng.normal(size=runs)) / np.sqrt(2)
    squares = np.empty((steps, runs))
    for step in range(steps):
        squares[step] = np.abs(amplitude) ** 2
        noise = (rng.normal(size=runs) + 1j * rng.normal(size=runs)) / np.sqrt(2)
        amplitude = decay * amplitude + np.sqrt(1 - decay**2) * noise
    means = squares.mean(axis=0)
    observed = means.var()
    seen = squares.reshape(blocks, -1, runs).mean(axis=1).var(axis=0, ddof=1) / blocks
    whole, unseen = mean_variance(np.array(lifetime), steps), unseen_variance(np.array(lifetime), steps, blocks)
    # Fourth moments of an exponential variable: its variance is known to √(8 / runs) at worst.
    error = whole * np.sqrt(8 / runs)
    print(f"variance of the mean {observed:.4f}, expected {whole:.4f} ± {error:.4f}")
    print(f"unseen by blocks {observed - seen.mean():.4f}, expected {unseen:.4f}")
    # The sum over steps is not quite the integral: 2 % for a lifetime of two steps.
    assert abs(observed - whole) < 3 * error + 0.03 * whole
    assert abs(observed - seen.mean() - unseen) < 3 * error + 0.03 * whole


def test_what_blocks_see_in_the_limits():
    assert unseen_variance(np.array(1e-3), 100.0, 10) < 1e-3 * mean_variance(np.array(1e-3), 100.0)
    assert unseen_variance(np.array(1e6), 100.0, 10) == pytest.approx(1.0, rel=1e-3)


@pytest.mark.parametrize(("a", "b"), [(1.0, 0.0), (0.05, 1.5), (1.2, -0.1)])
def test_a_fluctuation_of_that_form_is_found_exactly(a, b):
    k = wave_numbers(15.0)
    expected = 1 / (a + b * k**2)
    np.testing.assert_allclose(smooth_fluctuation(k, expected), expected, rtol=1e-8)


def test_waves_near_a_consolute_point_are_expected_as_high_as_they_are():
    """1 / S_cc of T* 1, C_B 0.35, S 0.5, ε_AB 0.2 bends upwards: a line through its short waves would be negative."""
    k = wave_numbers(15.0)
    sampled = np.array([81.6, 56.2, 37.41, 25.84, 18.04, 12.32, 6.3, 4.69])
    ratio = smooth_fluctuation(k, sampled) / sampled
    print(ratio)
    assert np.all(np.abs(ratio - 1) < 0.35)
    # Neither a line nor a parabola: what was sampled is all that is known.
    strange = np.array([40.3, 0.135, 9.19, 13.2, 0.318, 0.595, 0.144, 0.230])
    np.testing.assert_array_equal(smooth_fluctuation(k, strange), strange)


def test_smoothing_knows_more_of_a_long_wave_than_its_own_sample():
    """S_cc = 1 from n_k k² waves: the longest shell alone has a relative error of 1/√samples."""
    rng = np.random.default_rng(5)
    k = wave_numbers(15.0)
    samples = VECTORS / 2 * np.array(SHELLS) * 0.7
    drawn = rng.gamma(samples, 1 / samples, size=(400, len(k)))
    smooth = np.array([smooth_fluctuation(k, row)[0] for row in drawn])
    print(f"scatter of the longest wave: sampled {drawn[:, 0].std():.3f}, smooth {smooth.std():.3f}")
    assert smooth.std() < 0.5 * drawn[:, 0].std()
    assert abs(np.median(smooth) - 1) < 4 * 1.25 * smooth.std() / np.sqrt(400)


def test_waves_move_like_and_unlike_pairs_by_their_weights():
    """A colour mixture without waves of density: S_ij = ± x_A x_B, so that AA, AB, BB move as x_B/x_A, 1, x_A/x_B."""
    n, n_b, edge, time = 2000, 400, 15.0, 300.0
    x_b, r = 0.2, (np.arange(100) + 0.5) * 0.05
    s = {pair: np.full(8, sign * x_b * (1 - x_b)) for pair, sign in (("AA", 1), ("AB", -1), ("BB", 1))}
    g = dict.fromkeys(s, np.ones_like(r))
    lives = 250.0 / np.array(SHELLS)
    errors = wave_errors(r, g, s, n, n_b, edge, lives, time, 20)
    np.testing.assert_allclose(errors["AA"] / errors["AB"], 0.25, rtol=1e-9)
    np.testing.assert_allclose(errors["BB"] / errors["AB"], 4.0, rtol=1e-9)
    # Directly, for the shells that are measured; those beyond add little, and nothing is seen twice.
    k = wave_numbers(edge)
    shape = VECTORS[:, None] * np.sin(k[:, None] * r) / (k[:, None] * r) / n
    direct = np.sqrt((shape**2 * (unseen_variance(lives, time, 20) / (VECTORS / 2))[:, None]).sum(axis=0))
    assert np.all(errors["AB"] >= direct)
    far = r > 2
    assert np.mean(errors["AB"][far]) < 1.15 * np.mean(direct[far])
    halved = wave_errors(r, g, s, n, n_b, edge, lives, time, 20, n_runs=4)
    np.testing.assert_allclose(halved["AB"], errors["AB"] / 2)


def test_a_wave_that_never_forgets_is_refused():
    g = dict.fromkeys(("AA", "AB", "BB"), np.ones(3))
    with pytest.raises(ValueError, match="must be above 0 and at least 2"):
        wave_errors(np.ones(3), g, dict.fromkeys(g, np.ones(8)), 100, 50, 8.0, np.full(8, np.nan), 10.0, 5)
