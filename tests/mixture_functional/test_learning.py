"""What is asked of the cross term, and that training finds a term that gives it."""

import numpy as np
import pandas as pd
import pytest

from ljmix.data.reference import load_reference
from ljmix.functional.learned import initial_term
from ljmix.mixture_functional.cross import initial_cross
from ljmix.mixture_functional.learning import curves_to_structure, mixture_targets
from ljmix.mixture_functional.model import MixtureFunctional
from ljmix.mixture_functional.states import choose_states


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
    exchange = pd.DataFrame(
        [(1.3, 0.6, 0, 500, 0.3, 2.0, 0.05, 1.1, 0.01), (1.1, 0.7, 40, 500, 0.5, 1.0, 0.02, 0.9, 0.02)],
        columns=["temperature", "density", "count_b", "n_particles", "epsilon_ab", "exchange", "exchange_sem",
                 "pressure", "pressure_sem"],
    )  # fmt: skip
    data = mixture_targets(dataset, states, pure, exchange, mayer=False)
    # A run without B teaches no pressure; half a B among 500 is what turning one A into a B leads to.
    assert np.isinf(data.pressure_error).tolist() == [False, False, True, False]
    assert data.rho[2] == pytest.approx([0.6 * 0.999, 0.6 * 0.001])
    pressure, energy, swap, pair = [], [], [], []
    for number, rho in enumerate(data.rho):
        t = 1 / (data.tau[number] + 1 / 1.5)
        both, alone = (MixtureFunctional(t, 1 - data.weakness[number], pure, c) for c in (cross, None))
        pressure.append((both.pressure(*rho) - alone.pressure(*rho)) / t)
        energy.append(both.potential_energy(*rho) - alone.potential_energy(*rho))
        potentials = (both.chemical_potentials(*rho) - alone.chemical_potentials(*rho)) / t
        swap.append(potentials[1] - potentials[0])
        k = data.k[data.mixture == number]
        if len(k):
            pair.append((both.c2(k, *rho) - alone.c2(k, *rho)).T)
    own = replace(
        data, pressure=np.array(pressure), energy=np.array(energy), exchange=np.array(swap), pair=np.concatenate(pair)
    )
    parameters = {"kernels": jnp.asarray(cross.coefficients), "net": Network(*map(jnp.asarray, cross.network))}
    losses = {name: float(value) for name, value in _losses(jnp, cross, parameters, own).items()}
    print(losses)
    assert max(losses.values()) < 1e-14
    fit = fit_cross(initial_cross(3, 2.5, 0.125, 6, 1.5, seed=3), own, iterations=30)
    first = fit_cross(initial_cross(3, 2.5, 0.125, 6, 1.5, seed=3), own, iterations=1)
    assert sum(fit.losses.values()) < 0.5 * sum(first.losses.values())
