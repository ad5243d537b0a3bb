import itertools

import numpy as np
import pytest

from ljmix.simulation.engines.moves import Moves, apply_moves
from ljmix.simulation.initial import build_configuration
from ljmix.state import StatePoint
from ljmix.structure.rdf import block_average
from ljmix.structure.virtual_rdf import choose_virtual, flip_rdf, insertion_rdf, ratio_samples
from tests.direct_sum import reference_energy_and_forces, shifted_lj

R_MAX, N_BINS = 3.0, 6


def all_ways(n, n_b):
    for chosen in itertools.combinations(range(n), n_b):
        types = np.zeros(n, dtype=np.int64)
        types[list(chosen)] = 1
        yield types


@pytest.mark.parametrize("size_ratio", [1.0, 1.1])
def test_flips_give_the_function_of_one_more_particle_exactly(size_ratio):
    """Ten frozen particles, every way to choose two B: the ratio is g_BB of all ways to choose three."""
    state, edge = StatePoint(0.9, 0.2, size_ratio, 0.3), 7.0
    rng = np.random.default_rng(4)
    corners = np.array(list(itertools.product((0, 1, 2), (0, 1), (0, 1))), dtype=float)[:10]
    positions = 1.15 * corners + 0.08 * rng.normal(size=(10, 3)) - 1.5

    def weigh(types):
        return np.exp(-10 * reference_energy_and_forces(state, positions, types, edge)[0] / state.temperature)

    numerator, denominator = np.zeros(N_BINS), 0.0
    for types in all_ways(10, 2):
        a, b = flip_rdf(positions, types, edge, state, state.temperature, R_MAX, N_BINS)
        numerator, denominator = numerator + weigh(types) * a, denominator + weigh(types) * b
    separation = positions[:, None] - positions[None]
    distance = np.linalg.norm(separation - edge * np.rint(separation / edge), axis=2)
    shells = 4 / 3 * np.pi * np.diff(np.linspace(0, R_MAX, N_BINS + 1) ** 3)
    expected, total = np.zeros(N_BINS), 0.0
    for types in all_ways(10, 3):
        pairs = distance[np.ix_(types == 1, types == 1)][np.triu_indices(3, 1)]
        count = np.histogram(pairs, N_BINS, (0, R_MAX))[0]
        # As `compute_rdf`: n (n - 1) / 2 pairs.
        expected += weigh(types) * count / (3 / edge**3 * shells)
        total += weigh(types)
    assert np.count_nonzero(expected) >= 3
    np.testing.assert_allclose(numerator / denominator, expected / total, rtol=1e-9)


def test_insertions_weigh_places_by_their_energy():
    """A frozen frame with two small B among A: shells and box against a plain integral over random places."""
    state, n = StatePoint(1.0, 0.01, 0.5, 0.6), 300
    start = build_configuration(state, n, 2)
    positions, types, edge = start.positions, start.types, start.box_edge

    def weights(places):
        total = np.zeros(len(places))
        for chunk in np.array_split(np.arange(len(places)), 40):
            apart = places[chunk, None] - positions[None]
            distance = np.linalg.norm(apart - edge * np.rint(apart / edge), axis=2)
            for pair, kind in (("AB", 0), ("BB", 1)):
                near = distance[:, types == kind]
                total[chunk] += shifted_lj(near, state.epsilon(pair), state.sigma(pair), state.cutoff(pair))[0].sum(1)
        return np.exp(-total / state.temperature)

    found = np.array(
        [
            np.append(*insertion_rdf(positions, types, edge, state, 1.0, R_MAX, N_BINS, np.random.default_rng(seed)))
            for seed in range(400)
        ]
    )
    mean, error = found.mean(axis=0) / edge**3, found.std(axis=0, ddof=1) / np.sqrt(len(found)) / edge**3
    rng = np.random.default_rng(99)
    directions = rng.normal(size=(40_000, 3))
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    expected, doubt = [], []
    for k in range(N_BINS):
        low, high = (k * R_MAX / N_BINS) ** 3, ((k + 1) * R_MAX / N_BINS) ** 3
        r = np.cbrt(rng.uniform(low, high, len(directions)))
        values = np.concatenate([weights(positions[i] + r[:, None] * directions) for i in np.flatnonzero(types == 1)])
        expected.append(values.mean())
        doubt.append(values.std() / np.sqrt(len(values)))
    anywhere = weights(rng.uniform(-edge / 2, edge / 2, (80_000, 3)))
    expected.append(anywhere.mean())
    doubt.append(anywhere.std() / np.sqrt(len(anywhere)))
    sigmas = (mean - expected) / np.hypot(error, doubt)
    print(f"observed {mean}, expected {np.array(expected)}, sigmas {sigmas}")
    assert np.abs(sigmas).max() < 4


def test_flips_meet_the_counted_function():
    """Six B of one size among 250: Monte Carlo swaps at frozen positions draw the B, which are counted, or flipped."""
    state, n, n_b = StatePoint(1.4, 0.024, 1.0, 0.4), 250, 6
    start = build_configuration(state, n, n_b)
    positions, types, edge = start.positions, start.types.copy(), start.box_edge
    rng = np.random.default_rng(11)
    separation = positions[:, None] - positions[None]
    distance = np.linalg.norm(separation - edge * np.rint(separation / edge), axis=2)
    shells = 4 / 3 * np.pi * np.diff(np.linspace(0, R_MAX, N_BINS + 1) ** 3)
    counted, numerators, denominators = [], [], []
    for more in (0, 1):
        # Counted in the system that has one B more, which is what flips give.
        types[np.flatnonzero(types == 0)[:more]] = 1
        n_now = n_b + more
        for _ in range(3000):
            apply_moves(Moves(1, swap_uniform=60), state, positions, types, edge, rng)
            if more:
                pairs = distance[np.ix_(types == 1, types == 1)][np.triu_indices(n_now, 1)]
                count = np.histogram(pairs, N_BINS, (0, R_MAX))[0]
                counted.append(2 * count / (n_now * (n_now - 1) / edge**3 * shells))
            else:
                a, b = flip_rdf(positions, types, edge, state, state.temperature, R_MAX, N_BINS)
                numerators.append(a)
                denominators.append(b)
    direct, direct_sem = block_average(np.array(counted), 20)
    virtual, virtual_sem = block_average(ratio_samples(np.array(numerators), np.array(denominators)), 20)
    seen = direct_sem > 0
    sigmas = (virtual - direct)[seen] / np.hypot(direct_sem, virtual_sem)[seen]
    gain = np.mean(direct_sem[seen] ** 2) / np.mean(virtual_sem[seen] ** 2)
    print(f"counted {direct}, virtual {virtual}, sigmas {sigmas}, gain in variance {gain:.0f}")
    assert np.abs(sigmas).max() < 4
    assert gain > 3


def test_scatter_of_a_ratio_is_that_of_repetitions():
    rng = np.random.default_rng(2)
    ratios, claims = [], []
    for _ in range(500):
        b = 1 + 0.3 * rng.normal(size=200)
        a = (2 * b + 0.1 * rng.normal(size=200))[:, None]
        samples = ratio_samples(a, b)
        assert samples.mean() == pytest.approx(a.mean() / b.mean(), rel=1e-12)
        ratios.append(samples.mean())
        claims.append(samples.std(ddof=1) / np.sqrt(200))
    observed, expected = np.std(ratios, ddof=1), np.mean(claims)
    print(f"scatter observed {observed:.5f}, claimed {expected:.5f}")
    # A standard deviation of 500 draws is known to 3 %.
    assert observed == pytest.approx(expected, rel=4 / np.sqrt(2 * 500))


@pytest.mark.parametrize(
    ("size_ratio", "n_b", "kind"),
    [(0.5, 40, "insertions"), (1.0, 40, "flips"), (1.5, 40, None), (2.0, 40, None), (1.0, 400, None)],
)
def test_virtual_particles_are_chosen_by_size(size_ratio, n_b, kind):
    assert choose_virtual(StatePoint(1.0, 0.01, size_ratio, 0.4), n_b) == kind


def test_shells_must_fit_the_box():
    state = StatePoint(1.0, 0.01, 0.5, 0.6)
    with pytest.raises(ValueError, match=r"r_max = 5: must not be above half the box edge, 4\.000"):
        insertion_rdf(np.zeros((3, 3)), np.array([0, 0, 1]), 8.0, state, 1.0, 5.0, 10, np.random.default_rng(0))
