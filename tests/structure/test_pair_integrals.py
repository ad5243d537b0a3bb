import numpy as np
import pytest
from scipy.integrate import quad

from ljmix.potential import lj_potential, lj_slope
from ljmix.state import PAIRS, StatePoint
from ljmix.structure.pair_integrals import energy_and_pressure

STATE = StatePoint(0.8, 0.35, 1.5, 0.6)
WIDTH = 0.05
R = (np.arange(140) + 0.5) * WIDTH


def pair_potential(r, state, pair):
    return tuple(of(r, state.sigma(pair), state.epsilon(pair)) for of in (lj_potential, lj_slope))


def dilute_gas(r, pair):
    """g(r) of the dilute gas times a cavity function that, as a cold liquid's, falls steeply at contact."""
    cavity = 1 + 0.3 * np.exp(-r) * np.cos(6 * r) + 2 * np.exp(-8 * (r / STATE.sigma(pair) - 0.95))
    return np.exp(-pair_potential(r, STATE, pair)[0] / STATE.temperature) * cavity


def bin_average(pair):
    fine = R[:, None] + WIDTH * ((np.arange(2000) + 0.5) / 2000 - 0.5)
    return (dilute_gas(fine, pair) * fine**2).sum(axis=1) / (fine**2).sum(axis=1)


def test_integrals_from_bins_are_those_of_the_function():
    rho, n, n_b, volume = 0.6, 1000, 350, 1000 / 0.6
    counts = {"AA": 650 * 649 / 2, "AB": 650 * 350, "BB": 350 * 349 / 2}
    energy, pressure = 0.0, rho * STATE.temperature
    for pair in PAIRS:
        cutoff = STATE.cutoff(pair)

        def weight(r, pair=pair):
            return dilute_gas(r, pair) * 4 * np.pi * r**2 * counts[pair]

        def u(r, pair=pair):
            return pair_potential(np.array([r]), STATE, pair)

        energy += 1 / (n * volume) * quad(lambda r, u=u, w=weight: u(r)[0][0] * w(r), 0.3, cutoff, limit=200)[0]
        pressure -= (
            1 / (3 * volume**2) * quad(lambda r, u=u, w=weight: r * u(r)[1][0] * w(r), 0.3, cutoff, limit=200)[0]
        )
    found = energy_and_pressure(R, {pair: bin_average(pair) for pair in PAIRS}, STATE, rho, n, n_b)
    print(f"energy: observed {found[0]:.6f}, expected {energy:.6f}; pressure: {found[1]:.6f}, {pressure:.6f}")
    # Bin averages taken for values at the centres would miss by 2e-4 and 5e-3.
    assert found[0] == pytest.approx(energy, rel=2e-5)
    assert found[1] == pytest.approx(pressure, abs=5e-4)


def test_potential_against_its_definition():
    r = np.array([0.9, 1.25 * 2 ** (1 / 6), 2.0, 3.12, 3.13])
    u, du = pair_potential(r, STATE, "AB")
    x = 1.25 / r
    shift = 4 * 0.6 * (0.4**12 - 0.4**6)
    expected = np.where(r < 3.125, 4 * 0.6 * (x**12 - x**6) - shift, 0)
    assert u == pytest.approx(expected, rel=1e-12)
    assert du[1] == pytest.approx(0, abs=1e-12)
    step = 1e-6
    slope = (pair_potential(r + step, STATE, "AB")[0] - pair_potential(r - step, STATE, "AB")[0]) / (2 * step)
    assert du[:4] == pytest.approx(slope[:4], rel=1e-6, abs=1e-8)


def test_functions_that_end_early_are_refused():
    short = R[:60]
    with pytest.raises(ValueError, match=r"g\(r\) ends at 3 σ, the potential at 3.75 σ"):
        energy_and_pressure(short, {pair: short for pair in PAIRS}, STATE, 0.5, 100, 35)
