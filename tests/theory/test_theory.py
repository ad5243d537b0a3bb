"""Integral equations and coexistence: held against what is known without them."""

import numpy as np
import pandas as pd
import pytest

from ljmix.models.registry import make_model
from ljmix.models.theory import liquid_parts
from ljmix.potential import lj_potential
from ljmix.state import StatePoint
from ljmix.structure.phase import CONSOLUTE
from ljmix.theory import closures
from ljmix.theory.cavity import boltzmann_factors, estimated_density, log_cavity, packing_fraction, volume_fraction
from ljmix.theory.coexistence import _miscibility_gap, coexisting_liquids, enrichment
from ljmix.theory.integral_equations import CLOSURES, Mixtures, solve_mixtures

# Truncated and shifted fluid at P* = 1: density and potential energy a particle by the equation of state of
# Thol et al. 2015 (doi:10.1007/s10765-014-1764-4), and how far off in energy our solver finds Percus-Yevick, % (written
# down when it was written: a change of the solver shows here).
PURE = {0.6: (0.8931, -5.594, -4.4), 1.4: (0.6094, -3.418, -0.6)}


def mixtures(temperature, density, fraction_b, sigma=(1.0, 1.0, 1.0), epsilon=(1.0, 1.0, 1.0)):
    n = len(temperature)
    arrays = (np.array(values, dtype=float) for values in (temperature, density, [fraction_b] * n))
    return Mixtures(*arrays, np.tile(sigma, (n, 1)), np.tile(epsilon, (n, 1)))


def table(*points):
    return pd.DataFrame([StatePoint(*point).as_dict() for point in points])


@pytest.fixture(scope="module", params=CLOSURES)
def colour(request):
    """Pure fluid, three in ten of its particles painted, at both ends of the temperatures."""
    found = solve_mixtures(mixtures(list(PURE), [rho for rho, _, _ in PURE.values()], 0.3), request.param)
    assert found.converged.all()
    return request.param, found


def test_painting_particles_changes_nothing(colour):
    _, found = colour
    # All three functions solve one equation, to the tolerance of the iteration.
    np.testing.assert_allclose(found.g[:, 1], found.g[:, 0], atol=1e-4)
    np.testing.assert_allclose(found.g[:, 2], found.g[:, 0], atol=1e-4)


def test_energy_of_the_pure_fluid_is_off_by_what_is_known(colour):
    closure, found = colour
    u = lj_potential(found.r, np.array(1.0), np.array(1.0))
    for k, (rho, energy, known) in enumerate(PURE.values()):
        shell = np.where(found.g[k, 0] > 1e-12, found.g[k, 0] * u, 0.0) * found.r**2
        off = 100 * (2 * np.pi * rho * np.trapezoid(shell, found.r) / energy - 1)
        print(f"{closure}: energy off by {off:.2f} %, Percus-Yevick known for {known} %")
        if closure == "percus-yevick":
            assert off == pytest.approx(known, abs=0.1)
        elif closure == "hmsa":
            assert abs(off) < abs(known)  # what it was made for
        else:
            assert off < known - 1  # HNC is known to be the worse of the two for short ranges


def test_the_core_is_empty_and_far_away_is_one(colour):
    _, found = colour
    assert np.abs(found.g[..., found.r < 0.8]).max() < 1e-6
    # Oscillations of the cold, dense fluid die out over some diameters.
    assert np.abs(found.g[..., found.r > 15] - 1).max() < 1e-3
    assert np.isfinite(found.cavity[..., found.r < 0.8]).all()


@pytest.mark.parametrize("closure", [name for name in CLOSURES if name != "hmsa"])
def test_a_dilute_gas_has_boltzmann_factors(closure):
    found = solve_mixtures(mixtures([1.4], [1e-6], 0.4, (1, 1.25, 1.5), (1, 0.6, 1)), closure)
    u = lj_potential(found.r, np.array([[1], [1.25], [1.5]]), np.array([[1], [0.6], [1]]))
    # The first correction is of the order of the density times the volume of a well, 20 σ³.
    np.testing.assert_allclose(found.g[0], np.exp(-u / 1.4), atol=1e-3)


def test_hmsa_is_made_for_liquids():
    """Of a dilute gas it knows e^(-βu) to first order in the attraction, times f/2 beyond: it is told, not hidden."""
    found = solve_mixtures(mixtures([1.4], [1e-6], 0.4), "hmsa")
    attraction = closures.weeks_attraction(found.r, np.array(1.0), np.array(1.0)) / 1.4
    repulsion = lj_potential(found.r, 1.0, 1.0) / 1.4 - attraction
    expected = np.exp(-repulsion) * (1 + np.expm1(-0.2 * attraction) / 0.2)
    np.testing.assert_allclose(found.g[0], np.tile(expected, (3, 1)), atol=1e-3)


def test_names_of_species_may_be_exchanged():
    there = solve_mixtures(mixtures([1.2], [0.6], 0.2, (1, 1.1, 1.2), (1, 0.9, 1)), "percus-yevick")
    back = solve_mixtures(mixtures([1.2], [0.6], 0.8, (1.2, 1.1, 1), (1, 0.9, 1)), "percus-yevick")
    np.testing.assert_allclose(there.g, back.g[:, ::-1], atol=1e-4)


def test_peaks_of_kob_andersen():
    """Simulated first peaks at T* 2.0 (RUMD): AA 2.80, AB 3.31, BB 1.29; PY is known to be 7 % too high."""
    found = solve_mixtures(mixtures([2.0], [1.2], 0.2, (1, 0.8, 0.88), (1, 1.5, 0.5)), "percus-yevick")
    peaks, places = found.g[0].max(axis=1), found.r[found.g[0].argmax(axis=1)]
    np.testing.assert_allclose(peaks, [2.80, 3.31, 1.29], rtol=0.08)
    np.testing.assert_allclose(places, [1.008, 0.844, 1.62], atol=0.04)


def test_hmsa_lies_between_its_limits(monkeypatch):
    """All of f = 1 is hypernetted chains, for any split of the potential."""
    rng = np.random.default_rng(1)
    gamma, attraction = rng.normal(size=(2, 50))
    monkeypatch.setattr(closures, "SWITCH", 1.0)
    np.testing.assert_allclose(closures.hmsa_cavity(gamma, attraction), np.exp(gamma), rtol=1e-12)
    monkeypatch.setattr(closures, "SWITCH", 1e-9)
    soft = np.exp(attraction) * (1 + gamma - attraction)
    np.testing.assert_allclose(closures.hmsa_cavity(gamma, attraction), soft, rtol=1e-6, atol=1e-6)


def test_parts_of_the_potential_add_up():
    """Repulsion is none beyond the minimum and the rest of u within; the attraction is level there."""
    r = np.linspace(0.85, 4, 64)
    u, attraction = lj_potential(r, 1.5, 0.7), closures.weeks_attraction(r, np.array(1.5), np.array(0.7))
    beyond = r >= 2 ** (1 / 6) * 1.5
    np.testing.assert_array_equal(attraction[beyond], u[beyond])
    np.testing.assert_allclose(attraction[~beyond], u.min(), atol=1e-2)


def test_no_solution_is_an_answer():
    """Far inside the demixing region there is none; it is NaN and says so, and spoils no neighbour."""
    both = mixtures([0.6, 1.4], [0.85, 0.6], 0.5)
    found = solve_mixtures(
        Mixtures(**(vars(both) | {"epsilon": np.array([[1, 0.2, 1], [1, 1, 1.0]])})), "percus-yevick"
    )
    assert found.converged.tolist() == [False, True]
    assert np.isnan(found.g[0]).all()
    assert np.isfinite(found.g[1]).all()


@pytest.mark.parametrize("closure", CLOSURES)
def test_a_coarse_grid_leads_to_the_same_solution(closure):
    """Both end with changes below 1e-5 in γ; that is 1e-4 in the first peak of a cold liquid."""
    both = mixtures([0.8, 1.4], [0.85, 0.6], 0.3, (1, 1.25, 1.5), (1, 0.9, 1))
    both = Mixtures(**(vars(both) | {"density": np.array([0.45, 0.3])}))
    fine, coarse = (solve_mixtures(both, closure, coarse=step) for step in (1, 8))
    np.testing.assert_array_equal(fine.converged, coarse.converged)
    assert fine.converged.any()
    np.testing.assert_allclose(coarse.g, fine.g, atol=1e-4)
    none = Mixtures(*(part[:1] for part in vars(mixtures([0.6], [0.85], 0.5, epsilon=(1, 0.2, 1))).values()))
    assert not solve_mixtures(none, closure, coarse=8).converged.any()
    with pytest.raises(ValueError, match="coarse = 3: must be a divisor of 1024"):
        solve_mixtures(both, closure, coarse=3)


def test_unknown_closure_is_refused():
    with pytest.raises(ValueError, match="closure = 'msa' is unknown; choose one of percus-yevick"):
        solve_mixtures(mixtures([1.0], [0.5], 0.5), "msa")


# -- models ---------------------------------------------------------------------------------------------


def test_theory_asks_for_the_density(dataset):
    model = make_model("percus-yevick").fit(dataset)
    with pytest.raises(ValueError, match="column 'number_density' is missing"):
        model.predict(dataset.states.drop(columns="number_density"), [1.0])


def test_two_liquids_are_one_where_nothing_separates(dataset):
    states = table((1.4, 0.3, 1.0, 1.0), (1.2, 0.1, 1.0, 1.0))
    r = np.unique(dataset.rdf["r"])
    two = make_model("two-liquids").fit(dataset).predict(states, r)
    np.testing.assert_allclose(two[:, 0], two[:, 1], atol=1e-3)
    assert two[0, 0].max() == pytest.approx(2.2, abs=0.3)  # a dense simple liquid's first peak


def test_two_liquids_count_like_pairs_in_domains(dataset):
    """Cold and unlike, half and half: A sees twice the A that a mixture would show, and hardly any B."""
    cold = table((0.7, 0.5, 1.0, 0.2))
    r = np.unique(dataset.rdf["r"])
    g = make_model("two-liquids").fit(dataset).predict(cold, r)[0]
    far = r > 4
    np.testing.assert_allclose(g[[0, 2]][:, far].mean(axis=1), 2.0, rtol=0.05)
    assert g[1, far].mean() < 0.1


def test_two_liquids_hold_the_particles_of_the_state():
    """Unlike sizes pack unlike: only shares of the system's volume give back the fraction of B."""
    states = table((0.8, 0.35, 2.0, 0.4), (1.2, 0.2, 1.5, 0.2), (0.6, 0.5, 0.5, 0.2), (0.8, 0.5, 1.0, 0.2))
    numbers = np.zeros((2, len(states)))
    packing = []
    for share, inside in liquid_parts(states):
        assert len(inside) == len(states), "all of these separate"
        x_b, density = inside["fraction_b"].to_numpy(), estimated_density(inside)
        numbers += share * density * np.array([1 - x_b, x_b])
        packing.append(packing_fraction(inside))
    print("packing fractions of the liquids", *packing)
    assert np.abs(packing[0] / packing[1] - 1)[0] > 0.05
    np.testing.assert_allclose(numbers[1] / numbers.sum(axis=0), states["fraction_b"], rtol=1e-6)


# -- coexistence ---------------------------------------------------------------------------------------------


def test_equal_sizes_separate_below_the_consolute_temperature():
    """At the density of the state; for equal sizes and a half-and-half mixture the point is exact."""
    states = table((0.8, 0.5, 1.0, 0.6), (1.4, 0.5, 1.0, 0.6), (0.8, 0.5, 1.0, 1.0))
    liquids = coexisting_liquids(states)
    assert (liquids.share > 0).tolist() == [True, False, False]
    assert liquids.lean[0] == pytest.approx(1 - liquids.rich[0], abs=0.02)
    assert liquids.share[0] == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("size_ratio", [0.5, 1.0, 1.5])
def test_unequal_sizes_separate_above_the_critical_strength(size_ratio):
    """Flory-Huggins: χ = (1 + S^-3/2)² / 2 at the volume fraction 1 / (1 + S^3/2)."""
    phi = 1 / (1 + size_ratio**1.5)
    number_b = phi / size_ratio**3
    states = table((0.8, number_b / (number_b + 1 - phi), size_ratio, 0.5))
    density = packing_fraction(states)[0] * 6 / np.pi
    contacts = 1 / (max(size_ratio, 1) * min(size_ratio, 1) ** 2)
    critical = (1 + size_ratio**-1.5) ** 2 / 2 / (2 * CONSOLUTE * 0.5 * density * contacts / 0.8)
    below, above = (coexisting_liquids(states, factor * critical) for factor in (0.99, 1.01))
    assert below.share[0] == 0
    assert above.share[0] > 0
    # Close to the critical point the gap opens as the root of the distance from it.
    assert 0 < above.rich[0] - above.lean[0] < 0.3


@pytest.mark.parametrize("size_ratio", [0.5, 1.0, 2.0])
def test_coexisting_liquids_share_a_tangent(size_ratio):
    """Slopes of the free energy in both are that of the line between them."""
    for chi in ((1 + size_ratio**-1.5) ** 2 / 2 + excess for excess in (0.05, 0.5, 2.0)):
        phi = np.array(_miscibility_gap(chi, size_ratio))
        energy = phi / size_ratio**3 * np.log(phi) + (1 - phi) * np.log(1 - phi) + chi * phi * (1 - phi)
        slope = (np.log(phi) + 1) / size_ratio**3 - np.log(1 - phi) - 1 + chi * (1 - 2 * phi)
        chord = np.full(2, (energy[1] - energy[0]) / (phi[1] - phi[0]))
        # Six parts in a million count as pure, and a pure liquid need not share the slope.
        inside = (phi > 1e-5) & (phi < 1 - 1e-5)
        assert inside.any()
        np.testing.assert_allclose(slope[inside], chord[inside], atol=1e-7)


def test_lever_rule_keeps_the_composition():
    states = table((0.6, 0.2, 1.5, 0.2), (0.8, 0.35, 0.5, 0.2), (1.0, 0.1, 1.0, 0.2))
    liquids = coexisting_liquids(states)
    mean = liquids.share * liquids.rich + (1 - liquids.share) * liquids.lean
    np.testing.assert_allclose(mean, volume_fraction(states), rtol=1e-9)


def test_enrichment_of_complete_separation_is_the_inverse_volume_fraction():
    states = table((0.3, 0.3, 1.0, 0.2))
    level = enrichment(states, coexisting_liquids(states))[0]
    np.testing.assert_allclose(level, [1 / 0.7, 0, 1 / 0.3], atol=0.01)
    one = table((1.4, 0.3, 1.0, 1.0))
    np.testing.assert_allclose(enrichment(one, coexisting_liquids(one)), 1.0)


def test_exchanging_names_exchanges_the_liquids():
    """B of 1.5 in A is A of 1/1.5 in B: in units of the other species the same mixture, temperature and ε."""
    there = coexisting_liquids(table((0.6, 0.3, 1.5, 0.2, 0.0)))
    back = coexisting_liquids(table((0.6, 0.7, 1 / 1.5, 0.2, 0.0)))
    np.testing.assert_allclose([back.lean, back.rich], [1 - there.rich, 1 - there.lean], atol=0.02)


# -- the target ----------------------------------------------------------------------------------------------


def test_boltzmann_factors_are_averages_over_bins():
    states = table((0.8, 0.2, 1.5, 0.4))
    narrow, wide = (boltzmann_factors(states, [0.975, 3.0, 4.9], width)[0] for width in (1e-6, 0.05))
    u = lj_potential(np.array([0.975, 3.0, 4.9]), np.array([[1.0], [1.25], [1.5]]), np.array([[1.0], [0.4], [1.0]]))
    np.testing.assert_allclose(narrow, np.exp(-u / 0.8), rtol=1e-4, atol=1e-300)
    r = np.linspace(0.95, 1.0, 20_001)
    exact = np.trapezoid(np.exp(-lj_potential(r, np.array(1.0), np.array(1.0)) / 0.8) * r**2, r) / np.trapezoid(r**2, r)
    assert wide[0, 0] == pytest.approx(exact, rel=0.005)  # eight points in a steep bin


def test_cavity_function_undoes_the_boltzmann_factor():
    factor = np.array([0.0, 0.1, 0.9, 1.2])
    y = np.array([5.0, 4.0, 2.0, 1.0])
    log_y, sem = log_cavity(factor * y, np.array([0.0, 0.01, 0.01, 0.5]), factor)
    np.testing.assert_allclose(log_y[1:3], np.log(y[1:3]))
    np.testing.assert_allclose(sem[1:3], [0.01 / 0.4, 0.01 / 1.8])
    # In the core, and where g is not three standard errors above zero, nothing is known.
    assert np.isnan(log_y[[0, 3]]).all()
    assert np.isinf(sem[[0, 3]]).all()
