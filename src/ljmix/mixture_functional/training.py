"""Training the cross term on uniform mixtures, in JAX: the optional extra `dft`."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from ljmix._util.arrays import FloatArray
from ljmix.functional.learned import Network, kernel_transforms
from ljmix.functional.training import import_jax
from ljmix.mixture_functional.cross import CrossTerm, Curvature, curvature, pair_function, slopes

__all__ = ["CrossFit", "MixtureTargets", "fit_cross", "score_targets"]


@dataclass(frozen=True)
class MixtureTargets:
    """Uniform mixtures, and what the cross term must add to what is known without it.

    Attributes
    ----------
    rho : (n, 2) array
        Densities of A and B.
    tau, weakness : (n,) arrays
        1/T − 1/T₀ and 1 − ε_AB.
    pressure, pressure_error, energy, energy_error, exchange, exchange_error : (n,) arrays
        Of βP, of the potential energy of a particle, and of c1_A − c1_B; an infinite error leaves one out.
    mixture : (rows,) array of int
        Which mixture a row of pair functions belongs to.
    k : (rows,) array
    pair, pair_error : (rows, 3) arrays
        Of ĉ_AA, ĉ_AB, ĉ_BB.
    """

    rho: FloatArray
    tau: FloatArray
    weakness: FloatArray
    pressure: FloatArray
    pressure_error: FloatArray
    energy: FloatArray
    energy_error: FloatArray
    exchange: FloatArray
    exchange_error: FloatArray
    mixture: npt.NDArray[np.int64]
    k: FloatArray
    pair: FloatArray
    pair_error: FloatArray


@dataclass(frozen=True)
class CrossFit:
    """A trained cross term.

    Attributes
    ----------
    term : CrossTerm
    losses : dict of float
        Mean squared error of `pressure`, `energy`, `exchange` and `pair` in units of the errors.
    iterations : int
    cpu_seconds : float
    """

    term: CrossTerm
    losses: dict[str, float]
    iterations: int
    cpu_seconds: float


def fit_cross(term: CrossTerm, data: MixtureTargets, *, smoothing: float = 1e-3, iterations: int = 400) -> CrossFit:
    """Train a cross term by L-BFGS.

    The loss is the sum of four means of squares, each in units of its errors: of pressures, potential energies,
    exchange energies c1_A − c1_B, and pair functions.

    Parameters
    ----------
    term : CrossTerm
        To begin from.
    data : MixtureTargets
    smoothing : float
        Weight of a penalty on rough kernels and large weights.
    iterations : int

    Returns
    -------
    CrossFit

    Raises
    ------
    RuntimeError
        Without JAX.
    """
    jax, jnp = import_jax()
    from jax.flatten_util import ravel_pytree

    start, unravel = ravel_pytree(
        {"kernels": jnp.asarray(term.coefficients), "net": Network(*map(jnp.asarray, term.network))}
    )

    def parts(x: Any) -> dict[str, Any]:
        return _losses(jnp, term, unravel(x), data)

    def loss(x: Any) -> Any:
        parameters = unravel(x)
        kernels, net = parameters["kernels"], parameters["net"]
        bend = kernels[:, 2:] - 2 * kernels[:, 1:-1] + kernels[:, :-2]
        rough = 10 * jnp.mean(bend**2) + jnp.mean(kernels[:, -1] ** 2) + sum(jnp.mean(w**2) for w in net[::2])
        return sum(parts(x).values()) + smoothing * rough

    value_and_slope = jax.jit(jax.value_and_grad(loss))
    begin = time.process_time()
    found = minimize(
        lambda x: tuple(np.asarray(part, dtype=float) for part in value_and_slope(x)), np.asarray(start), jac=True,
        method="L-BFGS-B",
        options={"maxiter": iterations, "maxfun": 2 * iterations, "maxcor": 30, "ftol": 1e-11, "gtol": 1e-9},
    )  # fmt: skip
    best = unravel(jnp.asarray(found.x))
    trained = replace(term, coefficients=np.asarray(best["kernels"]), network=Network(*map(np.asarray, best["net"])))
    return CrossFit(trained, score_targets(trained, data), int(found.nit), time.process_time() - begin)


def score_targets(term: CrossTerm, data: MixtureTargets) -> dict[str, float]:
    """Mean squared errors of a term on some targets, as in training; for those that were held out.

    Raises
    ------
    RuntimeError
        Without JAX.
    """
    _, jnp = import_jax()
    parameters = {"kernels": jnp.asarray(term.coefficients), "net": Network(*map(jnp.asarray, term.network))}
    return {name: float(value) for name, value in _losses(jnp, term, parameters, data).items()}


def _losses(jnp: Any, term: CrossTerm, parameters: Any, data: MixtureTargets) -> dict[str, Any]:
    net = parameters["net"]
    norms = kernel_transforms(jnp, parameters["kernels"], np.zeros(1), term.knot, term.order)[:, 0]
    a, b = data.rho[:, :1], data.rho[:, 1:]
    weighted = (a * norms, b * norms)
    first, second = (slopes(jnp, net, *pair, data.tau, data.weakness) for pair in (weighted, weighted[::-1]))
    # βP = Σ ρ_i ∂f/∂ρ_i − f, of which only the derivatives by the weighted densities are left.
    by_a, by_b = a * first.own + b * second.other, b * second.own + a * first.other
    pressure = data.weakness * ((a * by_a + b * by_b) @ norms)
    energy = data.weakness * (data.rho[:, 0] * first.by_tau + data.rho[:, 1] * second.by_tau) / data.rho.sum(axis=1)
    bent = curvature(jnp, net, (data.rho[:, 0], data.rho[:, 1]), weighted, data.tau, data.weakness)

    def of_rows(parts: Any) -> Any:
        return tuple(part[data.mixture] for part in parts)

    rows = Curvature(of_rows(bent.mixed), of_rows(bent.local))
    kernels = kernel_transforms(jnp, parameters["kernels"], data.k, term.knot, term.order)
    pair = jnp.stack(pair_function(jnp, rows, kernels, data.weakness[data.mixture]), axis=-1)
    exchange = -data.weakness * (first.value - second.value + (by_a - by_b) @ norms)

    def squares(off: Any, error: FloatArray) -> Any:
        return jnp.sum((off / error) ** 2) / max(1, int(np.isfinite(error).sum()))

    return {
        "pressure": squares(pressure - data.pressure, data.pressure_error),
        "energy": squares(energy - data.energy, data.energy_error),
        "exchange": squares(exchange - data.exchange, data.exchange_error),
        "pair": jnp.mean(((pair - data.pair) / data.pair_error) ** 2),
    }
