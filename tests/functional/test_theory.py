"""Theory alone: derivatives of one energy, known pressures, sum rules at walls, and exact limits."""

import numpy as np
import pytest

from ljmix.functional.fundamental_measure import HardSpheres, _third_term
from ljmix.functional.grid import Grid, ball_transforms
from ljmix.functional.model import Functional
from ljmix.functional.solve import bin_field
from ljmix.functional.theory import TheoryTerm, attraction_transform, effective_diameter, mayer_transform
from ljmix.potential import lj_potential

GRIDS = [Grid((300,), 0.05), Grid((40, 64), 0.1)]


def wavy(grid, seed=0):
    rng = np.random.default_rng(seed)
    place = np.arange(grid.shape[-1]) / grid.shape[-1]
    return 0.4 + 0.2 * np.sin(6 * np.pi * place) + 0.03 * rng.normal(size=grid.shape)


@pytest.mark.parametrize("grid", GRIDS, ids=["slab", "channel"])
def test_c1_is_the_derivative_of_the_energy(grid):
    term, rho = TheoryTerm(1.5), wavy(grid)
    change = 1e-5 * np.random.default_rng(1).normal(size=grid.shape)
    by_difference = (term.energy(rho + change, grid) - term.energy(rho - change, grid)) / 2
    by_c1 = -(term.c1(rho, grid) * change).sum() * grid.bin_volume
    # Rounding of energies of some 10 over a difference of 1e-5: parts in 1e10.
    assert by_difference == pytest.approx(by_c1, rel=1e-7)


def test_a_channel_that_does_not_vary_along_x_is_a_slab():
    slab, channel = Grid((64,), 0.1), Grid((40, 64), 0.1)
    rho = wavy(slab)
    c1 = TheoryTerm(1.2).c1(np.tile(rho, (40, 1)), channel)
    np.testing.assert_allclose(c1, np.tile(TheoryTerm(1.2).c1(rho, slab), (40, 1)), atol=1e-10)


@pytest.mark.parametrize("rho", [0.1, 0.5, 0.8])
def test_c2_is_the_response_of_c1(rho):
    grid, term = GRIDS[0], TheoryTerm(1.5)
    z = (np.arange(300) + 0.5) * grid.spacing
    for k in grid.wave_number[[1, 7, 25]]:
        wave = np.cos(k * z)
        response = (term.c1(rho + 1e-5 * wave, grid) - term.c1(rho - 1e-5 * wave, grid)) / 2e-5
        assert (response * wave).sum() / (wave**2).sum() == pytest.approx(term.c2(np.array([k]), rho)[0], abs=1e-7)


@pytest.mark.parametrize("packing", [0.05, 0.2, 0.4, 0.49])
def test_uniform_hard_spheres_have_the_pressure_of_carnahan_and_starling(packing):
    rho = np.array(6 * packing / np.pi)
    energy, c1 = HardSpheres(1.0).bulk(rho)
    expected = rho * (1 + packing + packing**2 - packing**3) / (1 - packing) ** 3
    assert rho - rho * c1 - energy == pytest.approx(expected, rel=1e-12)


def test_few_hard_spheres_see_the_mayer_function():
    """At vanishing density the pair function is −1 inside the diameter: exact."""
    k = np.linspace(0, 30, 50)
    np.testing.assert_allclose(HardSpheres(1.1).c2(k, 1e-9), -ball_transforms(k, 1.1)[0], atol=1e-7)


def test_the_compressibility_is_that_of_the_pressure():
    """1/S(0) = β ∂P/∂ρ: two routes to one number."""
    fluid = Functional(1.5)
    for rho in (0.1, 0.4, 0.8):
        slope = (fluid.pressure(rho + 1e-5) - fluid.pressure(rho - 1e-5)) / 2e-5 / 1.5
        assert 1 / fluid.structure_factor(0.0, rho) == pytest.approx(slope, rel=1e-7)
        mu = (fluid.chemical_potential(rho + 1e-5) - fluid.chemical_potential(rho - 1e-5)) / 2e-5
        assert mu * rho / 1.5 == pytest.approx(slope, rel=1e-7)


def test_the_third_term_has_no_seam_where_its_series_ends():
    x = np.array([0.05 - 1e-9, 0.05 + 1e-9])
    for part in _third_term(x):
        # The function changes by 2e-9 times its slope; rounding in the closed form costs parts in 1e12.
        assert part[1] == pytest.approx(part[0], rel=1e-7)
    assert _third_term(np.zeros(1))[0][0] == pytest.approx(1 / (24 * np.pi))


def test_kernels_at_zero_wave_number_are_their_integrals():
    r = np.linspace(1e-6, 2.5, 200_001)
    shell = 4 * np.pi * r**2
    well = np.where(r < 2 ** (1 / 6), lj_potential(np.array(2 ** (1 / 6)), 1, 1), lj_potential(r, 1, 1))
    # Trapezoids of 1e-5: the error is that of the kink, below 1e-6.
    assert attraction_transform(np.zeros(1))[0] == pytest.approx(np.trapezoid(shell * well, r), abs=1e-5)
    with np.errstate(over="ignore"):
        mayer = np.expm1(-lj_potential(r, 1, 1) / 1.5)
    assert mayer_transform(np.zeros(1), 1.5)[0] == pytest.approx(np.trapezoid(shell * mayer, r), abs=1e-5)
    assert 0.95 < effective_diameter(1.5) < effective_diameter(0.8) < 2 ** (1 / 6)


def push_on_wall(rho, c1, beta_mu, field, spacing, temperature):
    """Force for each area on the left wall, −∫ρ V' dz, from exp(−βV) at the edges of bins: c1 is smooth in each."""
    edges = np.exp(-field(np.arange(len(rho) + 1) * spacing) / temperature)
    half = len(rho) // 2
    return temperature * (np.exp(c1 + beta_mu) * np.diff(edges))[:half].sum()


@pytest.mark.parametrize(("temperature", "density"), [(1.5, 0.2), (1.5, 0.7), (1.0, 0.75)])
def test_the_wall_bears_the_pressure_of_the_fluid_far_from_it(temperature, density):
    """The contact theorem for a soft wall: P = −∫ ρ V' dz."""
    fluid, length, thick = Functional(temperature), 24.0, 1.3

    def field(z):
        # The walls are thick: no attraction from the fluid behind them, through the box's edge.
        d = np.maximum(np.minimum(z, length - z) - thick, 0.2)
        return np.minimum(1.5 * np.sqrt(3) * ((0.8 / d) ** 9 - (0.8 / d) ** 3), 40 * temperature)

    mu = float(fluid.chemical_potential(density))
    errors = []
    for spacing in (0.05, 0.025):
        rho = fluid.profile(field, mu=mu, length=length, spacing=spacing, tolerance=1e-9)
        c1 = fluid.c1(rho, Grid(rho.shape, spacing))
        # The wall's attraction still reaches the middle a little, where the fluid has the pressure P − ρV.
        local = -float(field(np.array([length / 2]))[0]) * rho[len(rho) // 2]
        push = push_on_wall(rho, c1, mu / temperature, field, spacing, temperature)
        errors.append(push - float(fluid.pressure(density)) - local)
    print(f"pressure {float(fluid.pressure(density)):.5f}, errors by spacing {errors}")
    # What is left is of the grid, and of the second order of V in the middle (3e-4 ε).
    assert max(np.abs(errors)) < 1e-5


def test_adsorption_is_the_slope_of_the_surface_tension():
    """Gibbs: −∂γ/∂μ = ∫(ρ − ρ_bulk) dz, at a wall."""
    fluid, grid = Functional(1.5), Grid((240,), 0.05)
    field = bin_field(lambda z: 6 * np.exp(-((np.minimum(z, 12 - z) / 0.6) ** 2)), 240, 0.05, 1.5)

    def tension(density):
        mu = float(fluid.chemical_potential(density))
        rho = fluid.profile(field, mu=mu, tolerance=1e-10)
        ideal = (rho * (np.log(rho) - 1)).sum() * grid.spacing
        energy = 1.5 * (ideal + fluid.excess_energy(rho, grid)) + ((field - mu) * rho).sum() * grid.spacing
        return energy + float(fluid.pressure(density)) * 12, mu, (rho - density).sum() * grid.spacing

    (low, mu_low, _), (_, _, adsorbed), (high, mu_high, _) = (tension(d) for d in (0.499, 0.5, 0.501))
    assert -(high - low) / (mu_high - mu_low) == pytest.approx(adsorbed, rel=1e-4)


def test_what_is_asked_amiss_is_told_in_a_sentence():
    fluid = Functional(1.5)
    with pytest.raises(ValueError, match="temperature = -1"):
        Functional(-1)
    with pytest.raises(ValueError, match=r"rho = 1\.2: densities .* up to 0\.92"):
        fluid.pressure(1.2)
    with pytest.raises(ValueError, match="either a chemical potential or a number"):
        fluid.profile(np.zeros(100))
    with pytest.raises(ValueError, match="needs the length"):
        fluid.profile(np.sin, n=1.0)
    with pytest.raises(ValueError, match="leaves no room"):
        fluid.profile(np.full(100, np.inf), n=1.0)
    with pytest.raises(ValueError, match="at least 8"):
        fluid.profile(np.zeros(4), n=1.0)
    with pytest.raises(ValueError, match="distances must be positive"):
        fluid.g([0.0, 1.0], 0.5)


def test_an_empty_field_holds_the_uniform_fluid():
    fluid = Functional(1.5)
    mu = float(fluid.chemical_potential(0.6))
    np.testing.assert_allclose(fluid.profile(np.zeros(64), mu=mu), 0.6, atol=1e-6)
    np.testing.assert_allclose(fluid.profile(np.zeros((16, 16)), n=0.6 * (16 * 0.05) ** 2), 0.6, atol=1e-6)
