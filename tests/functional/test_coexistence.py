"""Liquid and vapour of a functional: equal pressures and potentials, the critical point, the interface."""

import numpy as np
import pytest

from ljmix.functional import coexistence, rivals
from ljmix.functional.model import Functional


def test_vapour_and_liquid_have_one_pressure_and_one_chemical_potential():
    for temperature in (0.8, 1.0):
        fluid = Functional(temperature)
        vapour, liquid = coexistence.coexisting_densities(fluid)
        assert vapour < 0.3 < liquid
        assert fluid.pressure(vapour) == pytest.approx(float(fluid.pressure(liquid)), rel=1e-6)
        assert fluid.chemical_potential(vapour) == pytest.approx(float(fluid.chemical_potential(liquid)), abs=1e-8)
    assert coexistence.coexisting_densities(Functional(2.0)) is None


def test_the_critical_point_is_where_they_become_one():
    temperature, density = coexistence.critical_point(Functional, 0.9, 2.0)
    below = coexistence.coexisting_densities(Functional(temperature - 0.005))
    print(f"critical point {temperature:.4f}, {density:.3f}; just below {below}")
    assert below[0] < density < below[1]
    assert below[1] - below[0] < 0.25
    assert coexistence.coexisting_densities(Functional(temperature + 0.005)) is None
    with pytest.raises(ValueError, match=r"does not lie between 2 and 3"):
        coexistence.critical_point(Functional, 2.0, 3.0)


def test_an_interface_joins_the_coexisting_densities():
    fluid = Functional(0.9)
    vapour, liquid = coexistence.coexisting_densities(fluid)
    interface = coexistence.make_interface(fluid, length=24.0, spacing=0.1)
    assert interface.rho[0] == pytest.approx(liquid, abs=2e-3)
    assert interface.rho[-1] == pytest.approx(vapour, abs=2e-3)
    assert 0.1 < interface.tension < 1
    with pytest.raises(ValueError, match="are one fluid"):
        coexistence.make_interface(Functional(2.0))


def test_the_rival_has_the_published_coexistence():
    if not rivals.has_feos():
        pytest.skip("feos is not installed")
    # Heier et al. fitted it to this fluid: Vrabec's liquid at T* = 1 to a per cent.
    assert rivals.pets_coexistence(1.0)[1] == pytest.approx(0.5712, rel=0.01)
    assert rivals.pets_pressure(np.array([1e-4]), 1.5)[0] == pytest.approx(1.5e-4, rel=1e-3)
