"""Curves of one liquid: theory with a process on what is left of it."""

import numpy as np
import pytest

from ljmix._util.arrays import interpolate
from ljmix.data.reference import load_reference
from ljmix.surrogate.learned.curves import MixedCurves, curve_errors
from ljmix.surrogate.learned.description import describe
from ljmix.surrogate.learned.thermodynamics import DensityModel
from ljmix.theory.cavity import boltzmann_factors
from ljmix.theory.liquid import DISTANCES, theory_log_cavity


@pytest.fixture(scope="module")
def learned():
    """Learned from S = 1 and 1.5 without every fifth composition; what was left out."""
    data = load_reference()
    data = data.select((data.states["phase"] == "mixed") & data.states["converged"])
    data = data.select(data.states["size_ratio"].isin([1.0, 1.5]) & (data.states["fraction_b"] >= 0.1))
    out = (data.states.groupby(["fraction_b", "size_ratio", "epsilon_ab"]).ngroup() % 5 == 0).to_numpy()
    train = data.select(~out)
    strength = DensityModel.fit(train.states).strength
    return MixedCurves.fit(train, strength), strength, data.select(out)


def r_squared(truth, predicted):
    return 1 - ((truth - predicted) ** 2).sum() / ((truth - truth.mean()) ** 2).sum()


def test_curves_of_compositions_that_were_left_out(learned):
    curves, strength, test = learned
    r, g = test.curve_array()
    density = test.states["number_density"].to_numpy()
    predicted, deviation = curves.predict(test.states, describe(test.states, strength), density, r)
    theory = np.exp(interpolate(r, DISTANCES, theory_log_cavity(test.states, density)))
    theory *= boltzmann_factors(test.states, r, 0.05)
    scores = r_squared(g, predicted), r_squared(g, theory)
    print(f"{len(g)} states: R² {scores[0]:.5f}, theory alone {scores[1]:.4f}")
    assert scores[0] > 0.999 > scores[1]
    assert (deviation >= 0).all()


def test_exchanged_names_give_exchanged_curves(learned):
    """At S = 1 the mixture of 1 − C_B is the same with its names exchanged; only the iteration's tolerance remains."""
    curves, strength, _ = learned
    r = np.arange(0.825, 5, 0.05)
    states = (
        load_reference().states.iloc[:1].assign(temperature=[1.0], fraction_b=[0.3], size_ratio=[1.0], epsilon_ab=[0.8])
    )
    one, other = (
        curves.predict(table, describe(table, strength), np.array([0.7]), r)[0][0]
        for table in (states, states.assign(fraction_b=[0.7]))
    )
    np.testing.assert_allclose(one, other[::-1], atol=2e-3)


def test_errors_of_runs_that_have_not_settled_are_larger():
    data = load_reference()
    data = data.select(data.states["temperature"] == 0.8)
    error, told = curve_errors(data), data.curve_array("g_sem", r_max=7.0)[1]
    settled = (data.states["settled"] & data.states["starts_agree"]).to_numpy()
    np.testing.assert_array_equal(error[settled], told[settled])
    assert (error[~settled] >= told[~settled]).all()
    assert (error[~settled] > told[~settled]).any(axis=(1, 2)).all()
