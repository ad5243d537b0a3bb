"""Random insertion where the answer is exact: an ideal gas of scatterers."""

import numpy as np
import pytest

from ljmix.potential import lj_potential
from ljmix.properties.insertion import excess_chemical_potential, ghost_energies
from ljmix.state import StatePoint

STATE = StatePoint(1.2, 0.0, 1.0, 0.8)
EDGE = 8.0


def test_insertion_into_an_ideal_gas_meets_its_exact_value():
    """Particles at random: ⟨e^(−βΔU)⟩ = (1 + ∫ f d³r / V)^N with f = e^(−βu) − 1, whatever the density."""
    n, n_frames = 40, 200
    rng = np.random.default_rng(2)
    types = np.zeros(n, dtype=int)
    energies = np.array([
        ghost_energies(rng.random((n, 3)) * EDGE, types, EDGE, STATE, "B", 300, rng) for _ in range(n_frames)
    ])  # fmt: skip
    mu, sem = excess_chemical_potential(energies, np.full(n_frames, EDGE**3), STATE.temperature, n_blocks=20)
    r = np.linspace(1e-3, 2.5, 20001)
    f = np.exp(-np.minimum(lj_potential(r, 1.0, 0.8) / 1.2, 500)) - 1
    exact = -1.2 * n * np.log1p(np.trapezoid(4 * np.pi * r**2 * f, r) / EDGE**3)
    print(f"μ_ex {mu:.4f} ± {sem:.4f}, expected {exact:.4f}")
    assert abs(mu - exact) < 4 * sem
    assert sem < 0.1


def test_frames_count_by_their_volume():
    """Two volumes, one energy each: ⟨V e^(−βU)⟩ / ⟨V⟩ by hand."""
    energies, volumes = np.array([[0.0], [1.0]]), np.array([1.0, 3.0])
    mu, _ = excess_chemical_potential(energies, volumes, 1.0, n_blocks=2)
    assert mu == pytest.approx(-np.log((1 + 3 * np.exp(-1)) / 4), rel=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda rng: ghost_energies(np.zeros((2, 3)), np.zeros(2, int), 8.0, STATE, "C", 5, rng), "species = 'C'"),
        (lambda rng: ghost_energies(np.zeros((2, 3)), np.zeros(2, int), 4.0, STATE, "B", 5, rng), "half the box edge"),
        (lambda rng: excess_chemical_potential(np.zeros((3, 2)), np.ones(3), 1.0), "3 frames: at least n_blocks = 10"),
        (
            lambda rng: excess_chemical_potential(np.full((10, 2), 1e4), np.ones(10), 1.0),
            "no ghost of 20 fits",
        ),
    ],
)
def test_bad_input_is_told_in_one_sentence(call, message):
    with pytest.raises(ValueError, match=message):
        call(np.random.default_rng(0))
