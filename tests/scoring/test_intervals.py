"""Intervals: their coverage where it is known, their limits, and Student's t."""

import numpy as np
import pytest

from ljmix.scoring import coverage
from ljmix.scoring.intervals import KINDS, ClusterSums, gain_interval, median_interval, r2_interval


def draw(n, seed=0):
    rng = np.random.default_rng(seed)
    variation = rng.lognormal(0, 0.3, n)
    return ClusterSums(variation * rng.lognormal(-3, 0.3, n), np.ones(n), np.zeros(n), variation)


@pytest.mark.parametrize("kind", KINDS)
def test_intervals_of_even_compositions_are_the_normal_ones(kind):
    """Where nothing is heavy all kinds agree with θ ± 1.96 s."""
    sums = draw(400)
    ratio = sums.error.sum() / sums.square.sum()
    s = np.sqrt(((sums.error / sums.error.sum() - sums.square / sums.square.sum()) ** 2).sum())
    expected = 1 - ratio * np.exp(np.array([1, -1]) * 1.96 * s)
    low, high = r2_interval(sums, kind, draws=4000)
    print(f"{kind}: {low:.5f} to {high:.5f}, normal {expected[0]:.5f} to {expected[1]:.5f}")
    # Quantiles of 4000 draws are known to 1 % of the width, √(0.025 · 0.975 / 4000) over the density; skew adds more.
    assert [low, high] == pytest.approx(expected, abs=0.1 * np.ptp(expected))


def test_the_pooled_mean_counts():
    """The variation is about the mean of all g, also in each draw: points are the clusters here."""
    rng = np.random.default_rng(1)
    g, error = rng.normal(5, 1, 200), 0.1 * rng.random(200)
    raw = ClusterSums(error, np.ones(200), g, g**2)
    shifted = ClusterSums(error, np.ones(200), g - 100, (g - 100) ** 2)
    for kind in KINDS:
        assert r2_interval(raw, kind) == pytest.approx(r2_interval(shifted, kind), rel=1e-6)


def test_coverage_is_as_the_pages_say():
    """Heavy tails: studentized intervals hold the truth more often than percentiles; medians' as promised."""
    sets = 300
    found = coverage.simulate_coverage(coverage.CASES["nearest temperature"], sets, draws=400, seed=1)
    print(found)
    sigma = np.sqrt(0.95 * 0.05 / sets)
    assert abs(found["median"] - 0.95) < 4 * sigma
    assert found["studentized"] > found["percentile"] + 0.02
    even = coverage.simulate_coverage(coverage.CASES["even"], sets, draws=400, seed=1)
    print(even)
    assert all(abs(share - 0.95) < 4 * sigma for share in even.values())


def test_the_interval_of_a_gain_is_one_of_pairs():
    """The same on both sides of zero, far narrower than the intervals of two scores that move together."""
    own, rng = draw(100), np.random.default_rng(3)
    other = ClusterSums(own.error * rng.uniform(1.05, 1.15, 100), *own.rows()[1:])
    low, high = gain_interval(own, other)
    gain = (other.error - own.error).sum() / own.square.sum()
    assert low < gain < high
    assert gain_interval(other, own) == pytest.approx((-high, -low), rel=0.02)
    assert high - low < 0.2 * np.ptp(r2_interval(own))
    assert gain_interval(own, own) == (0.0, 0.0)


def test_few_compositions_have_finite_intervals():
    """One draw in 625 of five is of a single composition, which has no error of its own."""
    few, other = draw(5), draw(5, seed=1)
    other = ClusterSums(other.error, *few.rows()[1:])
    with np.errstate(all="raise"):
        for low, high in (r2_interval(few, draws=4000), gain_interval(few, other, draws=4000)):
            assert np.isfinite([low, high]).all()
            assert low < high


def test_coverage_of_models_is_simulated_from_their_own_compositions():
    """Even ones are covered as promised; heavy tails are not, and it shows."""
    rng, sets = np.random.default_rng(4), 200
    shares = {}
    for name, width in (("even", 0.3), ("heavy", 2.0)):
        variation = rng.lognormal(0, width, 100)
        own, other = (
            ClusterSums(variation * rng.lognormal(-3 + k, width, 100), np.ones(100), np.zeros(100), variation)
            for k in range(2)
        )
        shares[name] = coverage.simulate_models(own, other, sets=sets, draws=400)
    print(shares)
    assert all(abs(share - 0.95) < 4 * np.sqrt(0.95 * 0.05 / sets) for share in shares["even"].values())
    assert shares["heavy"]["r2"] < 0.85
    with pytest.raises(ValueError, match="sets = 0: must be at least 1"):
        coverage.simulate_models(own, other, sets=0)


def test_median_interval_draws_whole_compositions():
    """Ten curves of one composition that are all alike count as one."""
    rng = np.random.default_rng(2)
    values, members = rng.normal(size=30), np.arange(30)
    alone = median_interval(values, members)
    assert median_interval(values.repeat(10), members.repeat(10)) == alone
    assert alone[0] < np.median(values) < alone[1]


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="kind = 'normal' is unknown; choose one of percentile, bca, studentized"):
        r2_interval(draw(20), "normal")
    for call in (lambda: r2_interval(draw(4)), lambda: median_interval(np.zeros(4), np.arange(4))):
        with pytest.raises(ValueError, match="there are 4 compositions; an interval needs five at least"):
            call()
