"""Potentials of mean force and the entropy of pairs, where they are known."""

import numpy as np
import pytest

from ljmix.properties.mean_force import describe_well, direct_potential, mean_force_potential
from ljmix.state import PAIRS, StatePoint
from ljmix.structure.pair_integrals import pair_entropy

STATE = StatePoint(1.3, 0.1, 1.5, 0.6)
R = (np.arange(140) + 0.5) * 0.05


def test_alone_two_particles_feel_their_potential_only():
    """At vanishing density g is the Boltzmann factor: the solvent adds nothing."""
    direct = direct_potential(R, STATE, "BB")
    g = np.exp(-direct / STATE.temperature)
    well = describe_well(R, g, 1e-6 * np.ones_like(R), STATE, "BB")
    assert well.solvent == pytest.approx(0.0, abs=1e-9)
    assert well.depth == pytest.approx(-direct.min(), rel=1e-9)
    assert abs(well.distance - 2 ** (1 / 6) * 1.5) < 0.05
    w, _ = mean_force_potential(g, 1e-6 * np.ones_like(R), STATE.temperature)
    np.testing.assert_allclose(w[R > 1.4], direct[R > 1.4], atol=1e-9)


def test_errors_follow_the_logarithm_and_empty_bins_have_none():
    w, sem = mean_force_potential(np.array([0.0, 2.0, 0.01]), np.array([0.1, 0.1, 0.1]), 2.0)
    assert np.isnan(w[[0, 2]]).all()
    assert np.isnan(sem[[0, 2]]).all()
    assert w[1] == pytest.approx(-2 * np.log(2))
    assert sem[1] == pytest.approx(0.1)


def test_entropy_of_hard_cores_is_their_excluded_volume():
    """g = 0 inside the core, 1 outside: s₂ = −2πρ σ³/3, the second virial term."""
    g = {pair: (R > 1.0).astype(float) for pair in PAIRS}
    none = {pair: np.zeros_like(R) for pair in PAIRS}
    entropy, sem = pair_entropy(R, g, none, 0.3, 0.1)
    assert entropy == pytest.approx(-2 * np.pi * 0.1 / 3, rel=0.05**2)
    assert sem == 0.0


def test_bad_input_is_told_in_one_sentence():
    with pytest.raises(ValueError, match="temperature = 0: must be above 0"):
        mean_force_potential(np.ones(3), np.ones(3), 0.0)
    with pytest.raises(ValueError, match="BB: no pair was seen at contact"):
        describe_well(R, np.zeros_like(R), np.ones_like(R), STATE, "BB")
