"""The tests of the tests: on samples whose distribution is known."""

import numpy as np
import pytest
from scipy import stats

from ljmix.validation.statistics import (
    expected_absolute_t,
    neighbour_correlation,
    permute_t,
    rank_p,
    sigmas_of,
    student_t,
)


def correlated_blocks(rng, n_blocks, n_bins=60, shift=0.0):
    """Blocks whose bins move together over some ten bins."""
    noise = rng.normal(size=(n_blocks, n_bins + 20))
    kernel = np.ones(10) / np.sqrt(10)
    return np.array([np.convolve(row, kernel, "same")[10:-10] for row in noise]) + shift


def test_t_is_that_of_scipy():
    rng = np.random.default_rng(1)
    first, second = rng.normal(size=(10, 30)), rng.normal(size=(8, 30))
    np.testing.assert_allclose(student_t(first, second), stats.ttest_ind(first, second).statistic, rtol=1e-12)
    np.testing.assert_allclose(permute_t(first, second, 5, 0)[0], student_t(first, second), rtol=1e-12)


def test_a_bin_that_never_varies_has_no_t():
    rng = np.random.default_rng(2)
    blocks = rng.normal(size=(6, 2)) * [1, 0] + [0, 0.1]
    found = student_t(blocks, blocks[::-1] + np.array([1, 0]))
    assert np.isnan(found[1])
    assert np.isfinite(found[0])


def test_p_values_of_equal_engines_are_uniform_in_spite_of_correlated_bins():
    """A textbook chi-square of as many degrees of freedom as bins would not do."""
    rng = np.random.default_rng(3)
    p, textbook = [], []
    for k in range(150):
        t = permute_t(correlated_blocks(rng, 10), correlated_blocks(rng, 10), 199, k)
        p.append(rank_p(np.mean(t**2, axis=1)))
        textbook.append(stats.chi2.sf(np.sum(t[0] ** 2), t.shape[1]))
    ours, theirs = stats.kstest(p, "uniform"), stats.kstest(textbook, "uniform")
    print(f"KS distance from uniform {ours.statistic:.3f} (p {ours.pvalue:.2g}), textbook {theirs.statistic:.3f}")
    assert ours.pvalue > 1e-3
    assert theirs.pvalue < 1e-6


def test_a_small_bias_is_found():
    """Half a block's standard deviation: 1.1 sigmas a bin, but in 60 bins at once."""
    rng = np.random.default_rng(4)
    first = rng.normal(size=(10, 60))
    biased = permute_t(first, rng.normal(size=(10, 60)) + 0.5, 999, 0)
    assert rank_p(np.mean(biased**2, axis=1)) < 0.01
    same = permute_t(first, rng.normal(size=(10, 60)), 999, 0)
    assert rank_p(np.mean(same**2, axis=1)) > 0.01


@pytest.mark.parametrize("degrees", [4, 18, 100])
def test_mean_of_absolute_t(degrees):
    t = np.abs(np.random.default_rng(5).standard_t(degrees, 100_000))
    sigmas = (t.mean() - expected_absolute_t(degrees)) / (t.std() / np.sqrt(len(t)))
    print(f"observed {t.mean():.4f}, expected {expected_absolute_t(degrees):.4f}, {sigmas:.1f} sigmas")
    assert abs(sigmas) < 4


def test_independent_blocks_anticorrelate_by_one_over_their_number():
    blocks = np.random.default_rng(6).normal(size=(10, 4000))
    found, expected = neighbour_correlation(blocks)
    # A correlation of 10 blocks scatters by some 1/sqrt(10) a bin.
    sigmas = (found - expected) / (10**-0.5 / np.sqrt(4000))
    print(f"observed {found:.4f}, expected {expected:.4f}, {sigmas:.1f} sigmas")
    assert abs(sigmas) < 4
    slow = np.cumsum(np.random.default_rng(7).normal(size=(10, 100)), axis=0)
    assert neighbour_correlation(slow)[0] > 0.3


def test_sigmas_and_bad_blocks():
    assert sigmas_of(0.0026998, -3) == pytest.approx(-3, abs=1e-3)
    assert np.isfinite(sigmas_of(0.0))
    with pytest.raises(ValueError, match="two or more of each are needed"):
        student_t(np.ones((1, 3)), np.ones((5, 3)))
    with pytest.raises(ValueError, match="needs 2 or more"):
        expected_absolute_t(1)
