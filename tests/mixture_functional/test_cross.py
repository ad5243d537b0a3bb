"""The mixture's functional is one free energy, and knows its exact limits whatever the weights."""

import numpy as np
import pytest

from ljmix.functional.grid import Grid
from ljmix.functional.learned import initial_term
from ljmix.functional.model import Functional
from ljmix.mixture_functional.cross import CrossTerm, initial_cross
from ljmix.mixture_functional.model import MixtureFunctional

GRID = Grid((64,), 0.1)
PHASE = 2 * np.pi * np.arange(64) / 64
STEP = 1e-5


def make_mixture(temperature=1.2, epsilon_ab=0.4):
    """Random weights, large enough to matter."""
    drawn = initial_cross(3, 2.5, 0.125, 8, 1.5, seed=0)
    network = drawn.network._replace(last=10 * drawn.network.last)
    cross = CrossTerm(drawn.coefficients, network, drawn.knot, drawn.order, drawn.reference)
    return MixtureFunctional(temperature, epsilon_ab, initial_term(3, 2.5, 0.125, 3, 8, 1.5, seed=1), cross)


def make_waves():
    return np.array([0.4 + 0.2 * np.sin(PHASE), 0.3 + 0.1 * np.cos(2 * PHASE)])


def test_c1_is_the_slope_of_the_free_energy():
    mixture, rho = make_mixture(), make_waves()
    change = 0.3 * np.array([np.cos(PHASE), np.sin(3 * PHASE)])
    ends = [mixture.excess_energy(rho + sign * STEP * change, GRID) for sign in (1, -1)]
    slope = (ends[0] - ends[1]) / (2 * STEP)
    assert slope == pytest.approx(-(mixture.c1(rho, GRID) * change).sum() * GRID.spacing, rel=1e-7)


def test_c2_is_the_slope_of_c1():
    mixture, densities = make_mixture(), (0.4, 0.25)
    k, wave = 2 * np.pi * 2 / 6.4, np.cos(2 * PHASE)
    uniform = np.repeat(np.array(densities)[:, None], 64, axis=1)
    found = np.zeros((2, 2))
    for species in (0, 1):
        change = np.zeros((2, 64))
        change[species] = STEP * wave
        slope = (mixture.c1(uniform + change, GRID) - mixture.c1(uniform - change, GRID)) / (2 * STEP)
        found[:, species] = slope @ wave / (wave @ wave)
    aa, ab, bb = mixture.c2(np.array([k]), *densities)[:, 0]
    np.testing.assert_allclose(found, [[aa, ab], [ab, bb]], rtol=1e-6)
    assert abs(aa - bb) > 1e-4
    # Ornstein and Zernike: S is the inverse.
    s_aa, s_ab, s_bb = sum(densities) * mixture.structure_factors(np.array([k]), *densities)[:, 0]
    product = np.array([[s_aa, s_ab], [s_ab, s_bb]]) @ (np.diag(1 / np.array(densities)) - [[aa, ab], [ab, bb]])
    np.testing.assert_allclose(product, np.eye(2), atol=1e-12)


def test_the_uniform_mixture_is_the_mixture_on_a_grid():
    mixture, densities = make_mixture(), (0.4, 0.25)
    uniform = np.repeat(np.array(densities)[:, None], 64, axis=1)
    potentials = mixture.chemical_potentials(*densities)
    np.testing.assert_allclose(1.2 * (np.log(densities) - mixture.c1(uniform, GRID)[:, 0]), potentials, rtol=1e-10)
    # Gibbs and Duhem: ∂P/∂ρ_A = Σ ρ_i ∂μ_i/∂ρ_A.
    up, down = (mixture.chemical_potentials(0.4 + sign * STEP, 0.25) for sign in (1, -1))
    slope = float(mixture.pressure(0.4 + STEP, 0.25) - mixture.pressure(0.4 - STEP, 0.25)) / (2 * STEP)
    assert slope == pytest.approx(float(np.array(densities) @ (up - down)) / (2 * STEP), rel=1e-6)
    # The energy is the slope of βF/N in 1/T.
    ends = [make_mixture(1 / (1 / 1.2 + step)).excess_energy(uniform, GRID) / (0.65 * 6.4) for step in (1e-4, -1e-4)]
    assert (ends[0] - ends[1]) / 2e-4 == pytest.approx(float(mixture.potential_energy(*densities)), rel=1e-5)


def test_exchanging_species_changes_nothing():
    mixture, rho = make_mixture(), make_waves()
    np.testing.assert_allclose(mixture.c1(rho, GRID), mixture.c1(rho[::-1], GRID)[::-1], rtol=1e-12)
    assert mixture.excess_energy(rho, GRID) == pytest.approx(mixture.excess_energy(rho[::-1], GRID), rel=1e-12)


@pytest.mark.parametrize(("epsilon_ab", "densities"), [(1.0, (0.3, 0.2)), (0.2, (0.5, 0.0))])
def test_names_alone_or_a_species_alone_make_the_pure_fluid(epsilon_ab, densities):
    mixture = make_mixture(epsilon_ab=epsilon_ab)
    pure = Functional(1.2, mixture.fluid.learned)
    assert mixture.pressure(*densities) == pytest.approx(float(pure.pressure(0.5)), rel=1e-12)
    assert mixture.potential_energy(*densities) == pytest.approx(float(pure.potential_energy(0.5)), rel=1e-12)
    k = np.linspace(0, 9, 10)
    np.testing.assert_allclose(mixture.c2(k, *densities)[0], pure.c2(k, 0.5), rtol=1e-10)


def test_a_field_for_each_species_moves_it():
    mixture = MixtureFunctional(1.2, 0.4)
    mu = mixture.chemical_potentials(0.2, 0.2)
    repelled = (lambda z: 2 * np.exp(-((z - 3) ** 2)), lambda z: np.zeros_like(z))
    rho = mixture.profile(repelled, mu=(float(mu[0]), float(mu[1])), length=6.0, spacing=0.1)
    assert rho[0, 30] < 0.5 * rho[1, 30]
    potentials = 1.2 * (np.log(rho) - mixture.c1(rho, Grid((60,), 0.1)))
    np.testing.assert_allclose(potentials[1], mu[1], atol=1e-4)


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match=r"epsilon_ab = 1\.2: must lie between 0 and 1"):
        MixtureFunctional(1.0, 1.2)
    with pytest.raises(ValueError, match="must not be negative"):
        MixtureFunctional(1.0, 0.5).pressure(-0.1, 0.3)
    with pytest.raises(ValueError, match="one field for A and one for B"):
        MixtureFunctional(1.0, 0.5).profile(np.zeros(60), mu=(0.0, 0.0))
    with pytest.raises(ValueError, match="need the length of their box"):
        MixtureFunctional(1.0, 0.5).profile((np.zeros_like, np.zeros_like), mu=(0.0, 0.0))
