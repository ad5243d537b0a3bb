"""What is asked of the cross term, and that training finds a term that gives it."""

import numpy as np
import pytest

from ljmix.data.reference import load_reference
from ljmix.functional.learned import initial_term
from ljmix.mixture_functional.cross import initial_cross
from ljmix.mixture_functional.learning import choose_states, curves_to_structure, mixture_targets
from ljmix.mixture_functional.model import MixtureFunctional


@pytest.fixture(scope="module")
def dataset():
    return load_reference()


def test_curves_give_the_structure_factors_that_they_came_from():
    r = (np.arange(140) + 0.5) * 0.05
    k = np.array([2.0, 4.0, 6.0])
    # h(r) = exp(−r²/2) has the transform (2π)^(3/2) exp(−k²/2).
    h = np.exp(-(r**2) / 2)
    exact = (2 * np.pi) ** 1.5 * np.exp(-(k**2) / 2)
    x = np.array([0.7, 0.3])
    s = curves_to_structure(r, 1 + np.array([1.0, -0.5, 2.0])[:, None] * h, k, 0.6, x)
    np.testing.assert_allclose(s[:, 0, 0], 0.7 + 0.49 * 0.6 * exact, atol=2e-3)
    np.testing.assert_allclose(s[:, 0, 1], -0.5 * 0.21 * 0.6 * exact, atol=2e-3)
    np.testing.assert_allclose(s[:, 1, 0], s[:, 0, 1])
    np.testing.assert_allclose(s[:, 1, 1], 0.3 + 2 * 0.09 * 0.6 * exact, atol=2e-3)


def test_only_mixed_states_are_learned_from(dataset):
    states = choose_states(dataset, (0.8, 1.5))
    assert set(states["phase"]) == {"mixed"}
    assert set(states["size_ratio"]) == {1.0}
    assert states["temperature"].min() == 0.8
    assert states["epsilon_ab"].max() < 1


def test_a_term_misses_nothing_of_what_it_gives_itself(dataset):
    """The loss in JAX and the functional in NumPy are the same physics: targets from one are met by the other."""
    pytest.importorskip("jax", reason="the optional extra dft is not installed")
    from dataclasses import replace

    from ljmix.functional.learned import Network
    from ljmix.functional.training import import_jax
    from ljmix.mixture_functional.training import _losses, fit_cross

    _, jnp = import_jax()
    pure = initial_term(3, 2.5, 0.125, 3, 6, 1.5, seed=1)
    cross = initial_cross(3, 2.5, 0.125, 6, 1.5, seed=2)
    states = choose_states(dataset, (1.2, 1.4)).iloc[[0, 12]]
    data = mixture_targets(dataset, states, pure, mayer=False)
    pressure, energy, pair = [], [], []
    for number, (_, state) in enumerate(states.iterrows()):
        rho = data.rho[number]
        both, alone = (MixtureFunctional(state["temperature"], state["epsilon_ab"], pure, c) for c in (cross, None))
        pressure.append((both.pressure(*rho) - alone.pressure(*rho)) / state["temperature"])
        energy.append(both.potential_energy(*rho) - alone.potential_energy(*rho))
        k = data.k[data.mixture == number]
        pair.append((both.c2(k, *rho) - alone.c2(k, *rho)).T)
    own = replace(data, pressure=np.array(pressure), energy=np.array(energy), pair=np.concatenate(pair))
    parameters = {"kernels": jnp.asarray(cross.coefficients), "net": Network(*map(jnp.asarray, cross.network))}
    losses = {name: float(value) for name, value in _losses(jnp, cross, parameters, own).items()}
    print(losses)
    assert max(losses.values()) < 1e-14
    fit = fit_cross(initial_cross(3, 2.5, 0.125, 6, 1.5, seed=3), own, iterations=30)
    first = fit_cross(initial_cross(3, 2.5, 0.125, 6, 1.5, seed=3), own, iterations=1)
    assert sum(fit.losses.values()) < 0.5 * sum(first.losses.values())
