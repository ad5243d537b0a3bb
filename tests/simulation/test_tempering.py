"""Tempering in ε_AB: weights, draws, and averages on each rung that are those of plain runs."""

from dataclasses import replace

import numpy as np
import pytest

from ljmix.configuration import Configuration
from ljmix.simulation.engine import load_engine
from ljmix.simulation.initial import build_configuration
from ljmix.simulation.tempering import (
    Ladder,
    cross_energy,
    draw_rung,
    integrate_weights,
    largest_cluster,
    make_ladder,
)
from ljmix.state import StatePoint
from ljmix.structure.convergence import mean_and_error
from tests.direct_sum import reference_energy_and_forces

STATE = StatePoint(1.2, 0.3, 1.0, 0.6)


def test_cross_energy_is_the_derivative_of_the_energy():
    made = build_configuration(STATE, 300, 90)
    energies = [
        300 * reference_energy_and_forces(replace(STATE, epsilon_ab=e), made.positions, made.types, made.box_edge)[0]
        for e in (0.5, 1.0)
    ]
    # Linear in ε_AB, so that a finite difference is exact.
    assert cross_energy(made, STATE) == pytest.approx((energies[1] - energies[0]) / 0.5, rel=1e-9)


def test_the_largest_drop_is_counted_across_the_border_of_the_box():
    places = np.array([[4.8, 0, 0], [-4.8, 0, 0], [-3.6, 0, 0], [0, 0, 0], [0, 1.2, 0], [2.5, 2.5, 2.5], [2.5, 2.5, 1]])
    types = np.array([1, 1, 1, 1, 1, 1, 0])
    drop = Configuration(places, np.zeros_like(places), types, 10.0)
    assert largest_cluster(drop, STATE) == 3
    assert largest_cluster(drop, replace(STATE, size_ratio=0.5)) == 2


def test_rungs_of_a_gaussian_model_are_visited_evenly_and_keep_their_averages():
    """States of density exp(-(X - m)² / 2s²): on each rung X is normal, of mean m - ε s² / T; its free energy is known.

    The X of each step is drawn afresh, so that the visits to a rung are counts of independent draws.
    """
    rng = np.random.default_rng(8)
    middle, spread, temperature = -400.0, 20.0, 1.2
    epsilon = np.linspace(0.2, 0.4, 9)
    means = middle - epsilon * spread**2 / temperature
    weights = integrate_weights(epsilon, means, temperature)
    # The trapezoidal rule is exact for a mean that is linear in ε.
    exact = (epsilon - 0.2) * middle / temperature - (epsilon**2 - 0.04) * spread**2 / (2 * temperature**2)
    np.testing.assert_allclose(weights, exact, atol=1e-9)
    rung, seen, expected, values = 4, np.zeros(9), np.zeros(9), [[] for _ in epsilon]
    draws = 20_000
    for _ in range(draws):
        x = means[rung] + spread * rng.normal()
        values[rung].append(x)
        rung, probabilities = draw_rung(x, epsilon, weights, temperature, rng)
        seen[rung] += 1
        expected += probabilities
    print("share of each rung, times nine:", (9 * seen / draws).round(3))
    # Neighbouring rungs overlap within a few draws: twenty of them make an independent one at most.
    assert np.abs(9 * seen / draws - 1).max() < 5 * np.sqrt(9 * 20 / draws)
    assert np.abs(9 * expected / draws - 1).max() < 5 * np.sqrt(9 * 20 / draws)
    for k, of_rung in enumerate(values):
        # The draw of the rung leaves the distribution on it as it is.
        assert abs(np.mean(of_rung) - means[k]) < 4 * spread / np.sqrt(len(of_rung))


@pytest.fixture(scope="module")
def ladder(tmp_path_factory):
    engine = load_engine("lammps", "cpu")
    states = make_ladder(STATE, 0.5, 0.7, 3)
    made = Ladder(tmp_path_factory.mktemp("ladder"), states, 250, 75, stretch=100)
    weights = made.integrate(engine, 12)
    return engine, made, weights, made.sample(engine, 60, weights)


def test_a_small_ladder_is_climbed_and_its_rungs_have_the_averages_of_plain_runs(ladder):
    """Of X on each rung, against the runs of the integration."""
    engine, made, weights, table = ladder
    assert weights[0] == 0
    visits = table["rung"].value_counts().reindex(range(3), fill_value=0)
    probabilities = table[["p0", "p1", "p2"]].mean()
    print("visits", visits.tolist(), "mean probabilities", probabilities.round(2).tolist())
    assert (visits >= 6).all()
    assert (table["next_rung"].to_numpy()[:-1] == table["rung"].to_numpy()[1:]).all()
    for rung in range(3):
        plain = np.array([made._advance(engine, rung, f"integration-{rung}", n)["x"] for n in range(12)])[4:]
        tempered = table.loc[table["rung"] == rung, "x"].to_numpy()
        (mean, error), (other, other_error) = mean_and_error(plain), mean_and_error(tempered)
        z = (other - mean) / np.hypot(error, other_error)
        print(f"rung {rung}: X {mean:.0f} ± {error:.0f} plain, {other:.0f} ± {other_error:.0f} tempered, z = {z:.1f}")
        # Errors from eight values are known to a quarter: five of them are four of a normal variable.
        assert abs(z) < 5
    # X falls on cooling the mixture of unlike pairs: more of them where they attract more.
    means = table.groupby("rung")["x"].mean()
    assert means[2] < means[0]


def test_a_ladder_goes_on_where_it_was(ladder):
    engine, made, weights, table = ladder
    again = Ladder(made.folder, made.states, 250, 75, stretch=100)
    assert again.integrate(None, 12).tolist() == weights.tolist()
    longer = again.sample(engine, 62, weights)
    assert longer.iloc[:60].equals(table)
    with pytest.raises(ValueError, match="is of another rung: weights or ladder have changed"):
        again.sample(engine, 62, weights + np.array([0.0, 500.0, 1000.0]))


@pytest.mark.parametrize(("lowest", "highest", "rungs"), [(0.7, 0.5, 3), (0.7, 0.9, 3), (0.5, 0.7, 1)])
def test_an_impossible_ladder_is_refused(lowest, highest, rungs):
    with pytest.raises(ValueError, match=r"must rise, have two rungs, and hold the state's 0\.6"):
        make_ladder(STATE, lowest, highest, rungs)
