"""What the surrogate knows of a state: the same liquid under two names, and densities by a scaled equation of state."""

import numpy as np
import pandas as pd
import pytest

from ljmix.data.reference import load_reference
from ljmix.state import StatePoint
from ljmix.surrogate.learned.description import INPUTS, _liquid, describe, exchange
from ljmix.surrogate.learned.process import Process
from ljmix.surrogate.learned.thermodynamics import DensityModel
from ljmix.theory.eos import equation_of_state


@pytest.mark.parametrize("state", [StatePoint(0.8, 0.2, 1.5, 0.7), StatePoint(1.2, 0.35, 0.5, 0.9)])
def test_exchanged_names_are_the_same_liquid(state):
    """Seen from B, lengths are in σ_BB and the pressure is P* S³; rounding of state points allows 1e-5."""
    s = state.size_ratio
    other = StatePoint(state.temperature, 1 - state.fraction_b, 1 / s, state.epsilon_ab, state.pressure * s**3)
    here, there = (describe(pd.DataFrame([point.as_dict()]), 0.7) for point in (state, other))
    np.testing.assert_allclose(there.inputs, exchange(here.inputs), atol=2e-5)
    np.testing.assert_allclose(there.density, here.density * s**3, rtol=2e-5)


def test_a_state_without_a_liquid_is_unknown_and_spoils_no_neighbour(monkeypatch):
    def ask(point, strength):
        if point.temperature == 5:
            raise ValueError("no liquid")
        return equation_of_state(point, strength)

    monkeypatch.setattr("ljmix.surrogate.learned.description.equation_of_state", ask)
    monkeypatch.setattr("ljmix.surrogate.learned.description._liquid", _liquid.__wrapped__)
    table = pd.DataFrame([StatePoint(5.0, 0.2, 1.5, 0.7, 0.0).as_dict(), StatePoint(0.8, 0.2, 1.5, 0.7).as_dict()])
    found = describe(table, 0.7)
    assert found.known.tolist() == [False, True]
    assert np.isnan(found.density[0])
    assert np.isfinite(found.inputs[1]).all()


def test_densities_of_compositions_that_were_left_out():
    """At S = 1: learned from four compositions in five, the rest is met far better than by the equation of state
    alone."""
    states = load_reference().states
    states = states[(states["phase"] == "mixed") & (states["size_ratio"] == 1)].reset_index(drop=True)
    out = (states.groupby(["fraction_b", "epsilon_ab"]).ngroup() % 5 == 0).to_numpy()
    model = DensityModel.fit(states[~out])
    predicted, deviation = model.predict(describe(states[out], model.strength))
    alone = describe(states[out], 1.0).density
    truth = states["number_density"][out].to_numpy()
    rms = [float(np.sqrt(np.mean((p / truth - 1) ** 2))) for p in (predicted, alone)]
    print(f"rms {rms[0]:.2%} learned, {rms[1]:.2%} by the equation of state, strength {model.strength:.2f}")
    assert rms[0] < min(0.01, rms[1] / 5)
    assert (deviation > 0).all()


# -- the process ----------------------------------------------------------------------------------------


def smooth(x):
    return np.stack([np.sin(x[:, 0]) * x[:, 1], x[:, 0] * 0.5 + np.cos(x[:, 1])], axis=1)


def test_process_meets_a_smooth_function_within_its_own_deviation():
    rng = np.random.default_rng(3)
    x, new = rng.uniform(-1.5, 1.5, (80, 2)), rng.uniform(-1.4, 1.4, (200, 2))
    noise = 0.01
    found = Process.fit(x, smooth(x) + noise * rng.normal(size=(80, 2)), np.full((80, 2), noise))
    error, deviation = found.predict(new) - smooth(new), found.ask(new)[1]
    z = float(np.sqrt(np.mean((error / deviation) ** 2)))
    print(f"rms error {error.std():.4f} with noise {noise}, rms of error over deviation {z:.2f}")
    assert error.std() < noise
    # 400 values that hang together: 1 within a factor of two.
    assert 0.5 < z < 2


def test_an_output_that_was_not_observed_teaches_nothing():
    rng = np.random.default_rng(4)
    x = rng.uniform(-1.5, 1.5, (40, 2))
    values, errors = smooth(x), np.full((40, 2), 0.01)
    whole = Process.fit(x[:30], values[:30], errors[:30])
    spoilt, errors[30:] = values.copy(), np.inf
    spoilt[30:] = 1e6
    masked = Process.fit(x, spoilt, errors)
    new = rng.uniform(-1, 1, (50, 2))
    # Inputs are scaled by all rows, so that the two differ a little.
    np.testing.assert_allclose(masked.predict(new), whole.predict(new), atol=0.02)


def test_arrays_of_a_process_are_all_of_it():
    rng = np.random.default_rng(5)
    x = rng.uniform(-1.5, 1.5, (20, len(INPUTS)))
    found = Process.fit(x, smooth(x), np.full((20, 2), 0.01))
    again = Process.from_arrays("a/", found.arrays("a/"))
    np.testing.assert_array_equal(again.predict(x), found.predict(x))
    np.testing.assert_array_equal(again.ask(x)[1], found.ask(x)[1])
