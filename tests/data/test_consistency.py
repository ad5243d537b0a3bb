from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ljmix.data.consistency import (
    PURE_FLUID,
    check_colour_mixture,
    check_colour_waves,
    check_derivatives,
    check_pair_integrals,
    colour_differences,
    move_thresholds,
)
from ljmix.potential import lj_potential, lj_slope
from ljmix.state import PARAMETERS, StatePoint
from ljmix.theory.density import estimate_density
from tests.conftest import synthetic_dataset

TEMPERATURES = (0.6, 0.8, 1.0, 1.2, 1.4)


def boltzmann_dataset(compositions=((0.5, 1.0, 1.0), (0.2, 1.5, 0.6)), noise=0.0):
    """Dilute gases: g = exp(-β u), whose derivative with respect to β is -u g."""
    rng = np.random.default_rng(20261121)
    base = synthetic_dataset([StatePoint(t, *c) for t in TEMPERATURES for c in compositions])
    rdf = base.rdf.copy()
    for (name, pair), rows in rdf.groupby(["state_id", "pair"]):
        row = base.states.set_index("state_id").loc[name]
        state = StatePoint(*row[list(PARAMETERS)])
        fine = rows["r"].to_numpy()[:, None] + 0.05 * ((np.arange(100) + 0.5) / 100 - 0.5)
        u = lj_potential(fine, state.sigma(pair), state.epsilon(pair))
        g = np.exp(-np.clip(u / state.temperature, None, 500))
        for column, value in (("g", g), ("g_dbeta", -u * g)):
            mean = (value * fine**2).sum(axis=1) / (fine**2).sum(axis=1)
            rdf.loc[rows.index, column] = mean + noise * rng.normal(size=len(mean))
    rdf["g_sem"] = rdf["g_dbeta_sem"] = noise or 1e-6
    return replace(base, rdf=rdf)


def test_derivative_of_a_boltzmann_factor():
    table = check_derivatives(boltzmann_dataset())
    assert len(table) == 2 * 3 * 4 * 100
    # Trapezoid rule: off by Δβ² ∂³g/∂β³ / 12, which is u³ g Δβ² / 12: at the bottom of the wells, u = -1, at most
    # 0.417² · exp(1/0.6) / 12 = 0.08.
    outside = table["r"] > 1.2
    assert (table["derivative"] - table["difference"])[outside].abs().max() < 0.08
    assert table["difference"].abs().max() > 1


def test_derivatives_are_taken_along_an_isobar():
    """The same states at a second pressure, where all curves differ: twice the pairs, and nothing between them."""
    low = boltzmann_dataset()
    ids = {name: name.replace("_P1", "_P2") for name in low.states["state_id"]}
    states = low.states.assign(pressure=2.0, state_id=low.states["state_id"].map(ids))
    rdf = low.rdf.assign(g=3 * low.rdf["g"], g_dbeta=3 * low.rdf["g_dbeta"], state_id=low.rdf["state_id"].map(ids))
    both = [pd.concat(tables, ignore_index=True) for tables in ((low.states, states), (low.rdf, rdf))]
    table, alone = check_derivatives(replace(low, states=both[0], rdf=both[1])), check_derivatives(low)
    assert len(table) == 2 * len(alone)
    high = table["state_id"].str.endswith("_P2")
    # The tables are sorted alike, but the pressure names the group last.
    keys = ["state_id", "pair", "r"]
    for part, factor in ((table[~high], 1), (table[high], 3)):
        part = part.assign(state_id=part["state_id"].str.replace("_P2", "_P1")).set_index(keys)
        expected = factor * alone.set_index(keys)["difference"]
        assert part["difference"].loc[expected.index].to_numpy() == pytest.approx(expected.to_numpy())


def test_derivatives_with_noise_have_errors_of_their_size():
    z = check_derivatives(boltzmann_dataset(noise=0.05))["z"]
    print(f"z: mean {z.mean():.3f} (expected 0), standard deviation {z.std():.3f} (expected 1), n {len(z)}")
    assert abs(z.mean()) < 0.1
    assert abs(z.std() - 1) < 0.1


def test_derivatives_need_neighbours_that_converged():
    dataset = boltzmann_dataset()
    lonely = replace(dataset, states=dataset.states.assign(converged=dataset.states["temperature"] == 1.0))
    assert check_derivatives(lonely).empty
    with pytest.raises(ValueError, match="'g_dbeta' is missing"):
        check_derivatives(synthetic_dataset([StatePoint(1, 0.5, 1, 1)]))


def test_a_dataset_without_colour_mixtures_has_nothing_to_compare():
    dataset = boltzmann_dataset([(0.2, 1.5, 0.6)])
    assert check_colour_mixture(dataset.states).empty
    differences = colour_differences(dataset)
    assert list(differences.columns) == ["AA - AB", "AB - BB", "AA - BB"]
    assert (differences.describe().loc["count"] == 0).all()


def test_colour_mixture_is_held_against_the_equation_of_state():
    dataset = boltzmann_dataset()
    table = check_colour_mixture(dataset.states)
    assert list(table["temperature"]) == list(TEMPERATURES) * 2
    for quantity, place, value, sem in (("number_density", 0, 0.8, 0.001), ("potential_energy", 1, -5.0, 0.01)):
        found = table[table["quantity"] == quantity]
        known = np.array([pair[place] for pair in PURE_FLUID.values()])
        assert found["deviation_percent"].to_numpy() == pytest.approx(100 * (value / known - 1))
        assert found["sigmas"].to_numpy() == pytest.approx((value - known) / np.hypot(sem, 0.002 * known))
    differences = colour_differences(dataset)
    assert list(differences.columns) == ["AA - AB", "AB - BB", "AA - BB"]
    assert differences.abs().max().max() == pytest.approx(0, abs=1e-6)


def test_pair_integrals_of_states_whose_functions_reach_far_enough():
    dataset = boltzmann_dataset(compositions=((0.5, 1.0, 1.0), (0.5, 2.0, 1.0), (0.5, 2.5, 1.0)))
    table = check_pair_integrals(dataset)
    assert not table["state_id"].str.contains("S2.5").any(), "its potential ends at 6.25 σ, the functions at 5"
    assert len(table) == 10
    row = table[table["state_id"] == "T1_C0.5_S1_E1_P1"].iloc[0]
    # Second virial coefficient of the truncated and shifted potential at T* = 1, by quadrature; with n(n - 1) pairs.
    r = np.linspace(1e-3, 2.5, 200_001)
    u, du = lj_potential(r, 1, 1), lj_slope(r, 1, 1)
    g = np.exp(-np.clip(u, None, 500))
    pairs = 999 / 1000
    assert row["energy"] == pytest.approx(pairs * 0.8 / 2 * np.trapezoid(u * g * 4 * np.pi * r**2, r), rel=1e-3)
    virial = -pairs * 0.8**2 / 6 * np.trapezoid(r * du * g * 4 * np.pi * r**2, r)
    assert row["pressure"] == pytest.approx(0.8 + virial, abs=2e-3)
    assert row["pressure_difference"] == pytest.approx(row["pressure"] - 1)


def test_pressures_error_counts_the_frames_that_the_functions_rest_on():
    dataset = boltzmann_dataset([(0.5, 1.0, 1.0)])
    states = dataset.states.assign(virial_pressure_std=0.1, n_frames=100)
    # 250 000 pairs, as many as lie within 7 σ of one another in the estimated volume: 100 a particle are allowed.
    for allowed, stride in ((1e9, 1), (100.0, None)):
        settings = {"r_max": 7.0, "max_pairs_per_particle": allowed}
        table = check_pair_integrals(replace(dataset, states=states, provenance={"settings": settings}))
        factor = (table["pressure_difference"] / table["pressure_sigmas"] / 0.01) ** 2
        expected = []
        for temperature in TEMPERATURES:
            volume = 1000 / estimate_density(StatePoint(temperature, 0.5, 1.0, 1.0))
            expected.append(stride or np.ceil(500 * 500 * 4 / 3 * np.pi * 7**3 / volume / (allowed * 1000)))
        assert list(factor) == pytest.approx(expected)
    assert min(expected) > 1


def test_labels_that_hang_on_a_threshold_are_counted():
    # Far from all thresholds; within a factor of two below (demixing) and above (segregation, crystal) one.
    orders = [(0.0, 0.0, 0.0), (0.9, 0.7, 0.0), (0.12, 0.0, 0.0), (0.0, 0.5, 0.0), (0.0, 0.0, 0.4)]
    table = move_thresholds(pd.DataFrame(orders, columns=["demixing", "segregation", "crystal"])).set_index("order")
    assert table["halved"].to_dict() == {"demixing": 1, "segregation": 0, "crystal": 0}
    assert table["doubled"].to_dict() == {"demixing": 0, "segregation": 1, "crystal": 1}
    assert set(table["states"]) == {5}


def test_waves_of_a_colour_mixture_are_those_of_random_labels():
    dataset = boltzmann_dataset(((0.2, 1.0, 1.0), (0.2, 1.5, 0.6)))
    number = np.array([0.05, 0.06])  # S_NN of two shells
    exact = {"AA": 0.64 * number + 0.16, "AB": 0.16 * number - 0.16, "BB": 0.04 * number + 0.16}
    tables = [
        pd.DataFrame({"state_id": name, "pair": pair, "k": [0.4, 0.6], "s": s, "s_sem": 0.01})
        for name in dataset.states["state_id"]
        for pair, s in exact.items()
    ]
    waves = pd.concat(tables, ignore_index=True)
    table = check_colour_waves(replace(dataset, structure_factors=waves))
    assert set(table["state_id"]) == {f"T{t:g}_C0.2_S1_E1_P1" for t in TEMPERATURES}
    assert len(table) == 5 * 3 * 2
    assert table["z"].abs().max() < 1e-9
    # Too much BB by three errors: of that, C_B² C_A² and so on belong to S_NN.
    waves.loc[waves["pair"] == "BB", "s"] += 0.03
    moved = check_colour_waves(replace(dataset, structure_factors=waves)).groupby("pair")["z"].mean()
    assert moved.to_dict() == pytest.approx({"AA": -3 * 0.64, "AB": -3 * 0.16, "BB": 3 * 0.96})
    assert check_colour_waves(dataset).empty
