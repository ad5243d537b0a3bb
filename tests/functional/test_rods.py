"""Hard rods: the exact functional is what it claims, and what is learned from its profiles comes close."""

import numpy as np
import pytest

from ljmix.functional.learned import LearnedTerm, initial_term
from ljmix.functional.rods import ROD_GRID, count_particles, draw_rod_profiles, percus_bulk, percus_c1
from ljmix.functional.solve import bin_field, solve_profile


def test_uniform_rods_are_tonks_gas():
    for rho in (0.1, 0.5, 0.8):
        np.testing.assert_allclose(percus_c1(np.full(200, rho)), percus_bulk(rho), rtol=1e-12)


def test_the_pressure_on_a_wall_is_that_of_tonks():
    """Rods between hard walls: the density at contact is βP = ρ/(1 − ρ) of the middle."""
    field = np.where(np.arange(200) < 24, np.inf, 0.0)  # thicker than a rod, so that none reaches through
    beta_mu = float(np.log(0.4) - percus_bulk(0.4))
    rho = solve_profile(percus_c1, field, 0.05, beta_mu=beta_mu, mixing=0.05, most=20000)
    # Bins average over 0.05: the contact value follows by extrapolation, to the grid's own error, some tenths of 1 %.
    contact = 1.5 * rho[24] - 0.5 * rho[25]
    print(f"contact {contact:.4f}, expected {0.4 / 0.6:.4f}")
    assert contact == pytest.approx(0.4 / 0.6, rel=0.02)


def test_the_exact_profiles_solve_their_equation():
    drawn = draw_rod_profiles(3, seed=1)
    rest = np.log(drawn.rho) + drawn.beta_field - percus_c1(drawn.rho)
    np.testing.assert_allclose(rest, np.broadcast_to(drawn.beta_mu[:, None], rest.shape), atol=1e-4)
    again = draw_rod_profiles(3, seed=1)
    np.testing.assert_array_equal(drawn.rho, again.rho)


def test_counts_are_poisson_numbers_of_the_profile():
    rho = np.full((50, 200), 0.4)
    counted = count_particles(rho, 500, seed=3)
    # 10 000 bins with a mean of 10 each: mean and variance are known to 0.03 and 0.2.
    numbers = counted * 500 * 0.05
    print(f"mean {numbers.mean():.3f}, variance {numbers.var():.3f}, expected 10 ± 0.03 and 10 ± 0.15")
    assert numbers.mean() == pytest.approx(10, abs=4 * 0.032)
    assert numbers.var() == pytest.approx(10, abs=4 * 0.15)


def test_a_learned_term_is_the_derivative_of_one_energy():
    term, rho = initial_term(5, 1.0, 0.05, 1, 8, 1.5, seed=0), draw_rod_profiles(1, seed=2).rho[0]
    term = LearnedTerm(term.coefficients, term.network._replace(last=5 * term.network.last), 0.05, 1, 1.5)
    change = 1e-5 * np.random.default_rng(0).normal(size=200)
    difference = (term.energy(rho + change, ROD_GRID, 1.2) - term.energy(rho - change, ROD_GRID, 1.2)) / 2
    assert difference == pytest.approx(-(term.c1(rho, ROD_GRID, 1.2) * change).sum() * 0.05, rel=1e-7)
    z = (np.arange(200) + 0.5) * 0.05
    for k in ROD_GRID.wave_number[[2, 9]]:
        wave = np.cos(k * z)
        response = (term.c1(0.5 + 1e-5 * wave, ROD_GRID, 1.2) - term.c1(0.5 - 1e-5 * wave, ROD_GRID, 1.2)) / 2e-5
        assert (response * wave).sum() / 100 == pytest.approx(term.c2(np.array([k]), 0.5, 1.2)[0], abs=1e-8)
    energy, c1 = term.bulk(np.array([0.2, 0.5]), 1.2)
    assert c1[1] == pytest.approx(term.c1(np.full(200, 0.5), ROD_GRID, 1.2)[0], abs=1e-10)
    assert energy[1] * 10 == pytest.approx(term.energy(np.full(200, 0.5), ROD_GRID, 1.2), abs=1e-10)


def test_a_learned_term_vanishes_with_the_density():
    term = initial_term(5, 1.0, 0.05, 1, 8, 1.5, seed=0)
    assert np.abs(term.c1(np.full(200, 1e-9), ROD_GRID, 0.9)).max() < 1e-8


def test_the_field_of_a_bin_averages_boltzmann_factors():
    slope = 40.0
    field = bin_field(lambda z: slope * z, 10, 0.05, 2.0)
    edges = np.exp(-slope * np.arange(11) * 0.05 / 2.0)
    np.testing.assert_allclose(np.exp(-field / 2.0), -np.diff(edges) / (slope / 2.0 * 0.05), rtol=1e-9)
    wall = bin_field(lambda z: np.where(z < 0.1, np.inf, 1.0), 10, 0.05, 1.0)
    assert np.isinf(wall[:2]).all()
    np.testing.assert_allclose(wall[2:], 1.0)


def test_a_profile_that_does_not_converge_is_told():
    with pytest.raises(RuntimeError, match="did not converge in 3 iterations"):
        solve_profile(percus_c1, np.sin(np.arange(200)), 0.05, beta_mu=3.0, most=3)
