import numpy as np
import pytest

from ljmix.structure.measure import measure_frames, measuring_strides, open_trajectory
from ljmix.structure.rdf import (
    block_average,
    combine_force_rdf,
    compute_rdf,
    force_rdf,
)

EDGE, R_MAX, BINS = 10.0, 4.9, 14


@pytest.mark.parametrize(("n_i", "n_j"), [(6, 0), (3, 0), (6, 3), (2, 5)])
def test_ideal_gas_is_one_within_poisson_error(n_i, n_j):
    """Few particles on purpose: a wrong finite-size factor would be off by 1/n."""
    rng = np.random.default_rng(20261121)
    frames = 20_000
    total = np.zeros(BINS)
    for _ in range(frames):
        positions = (rng.random((n_i, 3)) - 0.5) * EDGE
        others = (rng.random((n_j, 3)) - 0.5) * EDGE if n_j else None
        total += compute_rdf(positions, others, EDGE, R_MAX, BINS)
    edges = np.linspace(0, R_MAX, BINS + 1)
    pairs = n_i * n_j if n_j else n_i * (n_i - 1) / 2
    counts = frames * pairs * 4 / 3 * np.pi * np.diff(edges**3) / EDGE**3
    sigmas = (total / frames - 1) * np.sqrt(counts)
    print("observed", total / frames, "expected 1, sigmas", sigmas)
    # The chance that one of 56 bins over all cases exceeds 4.5 sigma is below 0.1 %.
    assert np.abs(sigmas).max() < 4.5


def test_pairs_fall_into_their_bins():
    """Three particles: two pairs in range, in the middle of their bins, and one of 5.7 σ beyond."""
    g = compute_rdf(np.array([[0, 0, 0], [4.85, 0, 0], [0, 3.05, 0]]) - 2.0, None, 20.0, 5.0, 50)
    assert np.flatnonzero(g).tolist() == [30, 48]
    edges = np.array([[3.0, 3.1], [4.8, 4.9]])
    # One pair where 3 pairs, spread over the box, would have their share of the shell.
    expected = 1 / (3 * 4 / 3 * np.pi * np.diff(edges**3)[:, 0] / 20**3)
    # freud counts in single precision.
    assert g[[30, 48]] == pytest.approx(expected, rel=1e-5)


def test_r_max_beyond_half_the_box_is_refused():
    with pytest.raises(ValueError, match=r"r_max = 5: must be below half the box edge, 4.5"):
        compute_rdf(np.zeros((3, 3)), None, 9.0, 5.0, 10)
    with pytest.raises(ValueError, match="needs two particles; there are 1"):
        compute_rdf(np.zeros((1, 3)), None, 20.0, 5.0, 10)


def harmonic_dimers(frames, temperature, rng):
    """Pairs alone in a large box, bound by u = k (d - 2)²/2: their g(r) is known in closed form."""
    stiffness, edge = 40.0, 20.0
    grid = np.linspace(0.8, 3.2, 4001)
    weight = grid**2 * np.exp(-stiffness * (grid - 2) ** 2 / (2 * temperature))
    distance = rng.choice(grid, size=frames, p=weight / weight.sum())
    direction = rng.normal(size=(frames, 3))
    direction /= np.linalg.norm(direction, axis=1)[:, None]
    expected = edge**3 * weight / grid**2 / (4 * np.pi * np.trapezoid(weight, grid))
    force = -stiffness * (distance - 2)
    for d, u, f in zip(distance, direction, force, strict=True):
        yield np.array([-d / 2 * u, d / 2 * u]), np.array([-f * u, f * u])
    yield edge, (grid, expected)


def test_force_sampling_agrees_with_theory_and_counting():
    rng = np.random.default_rng(7)
    temperature, n_bins, r_max = 1.3, 45, 4.5
    *frames, (edge, (grid, expected)) = harmonic_dimers(4000, temperature, rng)
    force = np.array([force_rdf(x, f, edge, r_max, n_bins, temperature) for x, f in frames])
    counted = np.array([compute_rdf(x, None, edge, r_max, n_bins) for x, _ in frames])
    r = (np.arange(n_bins) + 0.5) * r_max / n_bins
    bins = [np.trapezoid(expected[(grid >= a) & (grid <= a + 0.1)], dx=grid[1] - grid[0]) / 0.1 for a in r - 0.05]
    near = (r > 1.4) & (r < 2.6)
    combined = combine_force_rdf(force, counted, r)
    error = {}
    for name, samples in (("force", force), ("combined", combined), ("counted", counted)):
        mean, sem = samples.mean(axis=0), samples.std(axis=0) / np.sqrt(len(frames))
        sigmas = (mean - bins)[near] / sem[near]
        print(name, "sigmas", sigmas, "mean error", sem[near].mean())
        # The theory curve is a bin average in r, counting weights a bin by r²: allow 1 % for that.
        assert np.all(np.abs((mean - bins)[near]) < 4.5 * sem[near] + 0.01 * np.max(bins))
        error[name] = sem[near].mean()
    assert error["combined"] <= error["force"]


def test_combining_keeps_the_mean_where_g_is_not_one_at_r_max():
    """A wave that has not decayed at r_max: the control variate must have mean zero all the same."""
    rng = np.random.default_rng(4)
    r = np.linspace(0.05, 4.95, 50)
    true = 1 + 0.4 * np.cos(5 * r)
    counted = true + 0.3 * rng.normal(size=(4000, 50)) / r
    force = true + 0.2 * np.cumsum(rng.normal(size=(4000, 50)), axis=1) / 7
    combined = combine_force_rdf(force, counted, r)
    sem = combined.std(axis=0) / np.sqrt(4000)
    sigmas = (combined.mean(axis=0) - true) / sem
    print("sigmas", sigmas)
    assert np.abs(sigmas).max() < 4.5
    assert combined.std(axis=0)[-1] < 0.5 * force.std(axis=0)[-1]


def test_strides_keep_the_cost_below_the_budget():
    strides = measuring_strides(1500, 1500, 3375.0, 7.0, 100)
    within = 4 / 3 * np.pi * 7.0**3 / 3375
    for pair in ("AA", "AB", "BB"):
        assert 1500**2 * within / strides[pair] <= 100 * 3000 < 1500**2 * within / (strides[pair] - 1)
    assert measuring_strides(3960, 40, 4900.0, 7.0, 100)["BB"] == 1


def test_block_error_of_a_correlated_series():
    """An AR(1) series: the naive error is too small by the square root of (1 + a)/(1 - a)."""
    rng = np.random.default_rng(3)
    a, n, series = 0.9, 20_000, 200
    x = np.zeros((n, series))
    noise = rng.normal(size=(n, series))
    for k in range(1, n):
        x[k] = a * x[k - 1] + noise[k]
    _, sem = block_average(x, 20)
    expected = np.sqrt(1 / (1 - a) ** 2 / n)
    # 20 blocks know their scatter to 1/sqrt(38); 200 series average that down. Blocks of 1000 >> 10.
    spread = expected / np.sqrt(38) / np.sqrt(series)
    sigmas = (np.sqrt(np.mean(sem**2)) - expected) / spread
    print(f"observed {np.sqrt(np.mean(sem**2)):.5f}, expected {expected:.5f}, sigmas {sigmas:.1f}")
    assert abs(sigmas) < 5
    with pytest.raises(ValueError, match="needs two or more"):
        block_average(x[:1], 20)


def test_truncated_and_foreign_files_are_refused(tmp_path):
    import gsd.hoomd

    foreign = tmp_path / "foreign.gsd"
    with gsd.hoomd.open(foreign, "w") as file:
        frame = gsd.hoomd.Frame()
        frame.particles.N = 1
        file.append(frame)
    with pytest.raises(ValueError, match="was not written by ljmix"):
        open_trajectory(foreign)
    truncated = tmp_path / "truncated.gsd"
    truncated.write_bytes(foreign.read_bytes()[:100])
    with pytest.raises(ValueError, match=r"truncated.gsd is not a readable GSD file"):
        open_trajectory(truncated)
    with pytest.raises(ValueError, match="is not a readable GSD file"):
        measure_frames(tmp_path / "nowhere.gsd", None, 5.0, 100, {}, 100)
