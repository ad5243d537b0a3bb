"""The equation of state of the mixture: limits, identities, and the pure fluid of another equation of state."""

import numpy as np
import pytest

from ljmix.data.consistency import PURE_FLUID
from ljmix.state import StatePoint
from ljmix.theory.eos import coexisting_fractions, equation_of_state


@pytest.mark.parametrize("temperature", [0.8, 1.0, 1.2, 1.4])
def test_the_pure_fluid_agrees_with_its_own_equation_of_state(temperature):
    """Two equations fitted to simulations of one fluid: to half a per cent in density, to one in energy."""
    density, energy = PURE_FLUID[temperature]
    liquid = equation_of_state(StatePoint(temperature, 0.5, 1.0, 1.0))
    assert liquid.density == pytest.approx(density, rel=0.005)
    assert liquid.enthalpy == pytest.approx(energy + 1 / density, abs=0.01 * abs(energy))
    assert liquid.thermodynamic_factor == pytest.approx(1.0, abs=1e-9)
    assert liquid.chemical_potential[0] == pytest.approx(liquid.chemical_potential[1], abs=1e-9)


def test_derivatives_belong_to_the_chemical_potentials():
    """Γ by difference of μ, partial volumes that add up, and Gibbs and Duhem."""
    x, step = 0.3, 1e-4
    low, middle, high = (equation_of_state(StatePoint(1.2, x + d, 1.5, 0.9)) for d in (-step, 0.0, step))
    assert (1 - x) * middle.partial_volume[0] + x * middle.partial_volume[1] == pytest.approx(1 / middle.density)
    log_activity = [liquid.chemical_potential / 1.2 + np.log(liquid.density) for liquid in (low, high)]
    slope_a, slope_b = (log_activity[1] - log_activity[0]) / (2 * step)
    assert 1 + x * slope_b == pytest.approx(middle.thermodynamic_factor, abs=1e-4)
    assert (1 - x) * slope_a + x * slope_b == pytest.approx(0.0, abs=1e-4)


def test_a_thin_gas_is_ideal():
    gas = equation_of_state(StatePoint(5.0, 0.3, 1.5, 0.5, pressure=1e-4))
    assert gas.density == pytest.approx(1e-4 / 5, rel=1e-3)
    assert gas.enthalpy == pytest.approx(5.0, abs=1e-3)


def test_species_that_exchange_names_are_one_mixture():
    """S = 2 at P* = 1 is S = 1/2 at P* = 8, in units of the other species."""
    here = equation_of_state(StatePoint(1.2, 0.3, 2.0, 0.8))
    there = equation_of_state(StatePoint(1.2, 0.7, 0.5, 0.8, pressure=8.0))
    assert there.density == pytest.approx(8 * here.density, rel=1e-6)
    np.testing.assert_allclose(there.chemical_potential[::-1], here.chemical_potential, rtol=1e-6)
    assert there.thermodynamic_factor == pytest.approx(here.thermodynamic_factor, abs=1e-6)


def test_coexisting_liquids_have_equal_activities():
    lean, rich = coexisting_fractions(StatePoint(1.0, 0.5, 1.0, 0.5))
    assert lean == pytest.approx(1 - rich, abs=1e-6)
    liquids = [equation_of_state(StatePoint(1.0, round(x, 6), 1.0, 0.5)) for x in (lean, rich)]
    activity = [
        liquid.chemical_potential + np.log(liquid.density * np.array([1 - x, x]))
        for liquid, x in zip(liquids, (lean, rich), strict=True)
    ]
    # Fractions are rounded to six decimals, of a few thousandths.
    np.testing.assert_allclose(activity[0], activity[1], atol=2e-3)
    assert coexisting_fractions(StatePoint(1.0, 0.5, 1.0, 1.0)) is None


@pytest.mark.parametrize(("fraction_b", "separates"), [(0.2, True), (0.02, False), (0.98, False)])
def test_coexistence_is_found_from_another_composition(fraction_b, separates):
    """At C_B 0.2 the stability analysis does not converge; the pair of liquids is that of C_B 0.5, and symmetric."""
    found = coexisting_fractions(StatePoint(1.2, fraction_b, 1.0, 0.4), 0.73)
    if not separates:
        assert found is None
        return
    assert found == pytest.approx(coexisting_fractions(StatePoint(1.2, 0.5, 1.0, 0.4), 0.73), abs=1e-6)
    assert found[0] == pytest.approx(1 - found[1], abs=1e-6)


def test_two_liquids_that_no_search_finds_are_told():
    """Next to the critical point of the equation of state."""
    with pytest.raises(ValueError, match=r"T1\.4_C0\.5_S1_E0\.4_P1: the two liquids of the equation of state are not"):
        coexisting_fractions(StatePoint(1.4, 0.5, 1.0, 0.4), 0.73)


def test_a_pure_liquid_has_nothing_to_separate_from():
    with pytest.raises(ValueError, match="fraction_b = 0: a pure liquid has nothing to separate from"):
        coexisting_fractions(StatePoint(1.0, 0.0, 1.0, 0.5))
