"""Training the learned part, in JAX: the optional extra `dft`."""

from __future__ import annotations

import importlib.util
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from ljmix._util.arrays import FloatArray
from ljmix.functional.grid import Grid
from ljmix.functional.learned import (
    LearnedTerm,
    Network,
    evaluate_network,
    kernel_transforms,
    learned_c1,
    network_curvature,
)

__all__ = ["BulkTargets", "Fit", "PairTargets", "ProfileTargets", "fit_term", "has_jax", "import_jax"]

_CHECK_EVERY = 10


@dataclass(frozen=True)
class ProfileTargets:
    """Profiles on one grid, and what c1 must be there up to a constant: ln ρ + βV − c1 of the theory.

    Attributes
    ----------
    rho, target, weight : (n, bins) arrays
        The weight is zero where ρ is too small to be known, else one over the variance of the target.
    tau : (n,) array
        1/T − 1/T₀.
    grid : Grid
    """

    rho: FloatArray
    target: FloatArray
    weight: FloatArray
    tau: FloatArray
    grid: Grid

    def __len__(self) -> int:
        return len(self.rho)

    def take(self, chosen: npt.ArrayLike) -> ProfileTargets:
        """Some of the profiles."""
        index = np.asarray(chosen)
        return replace(
            self, rho=self.rho[index], target=self.target[index], weight=self.weight[index], tau=self.tau[index]
        )


@dataclass(frozen=True)
class BulkTargets:
    """Uniform fluids, and what the learned part must add to βP, or to the energy of a particle; (n,) arrays."""

    rho: FloatArray
    tau: FloatArray
    target: FloatArray
    error: FloatArray


@dataclass(frozen=True)
class PairTargets:
    """What the learned part must add to ĉ(k), in rows of k, each of one of few uniform fluids.

    Attributes
    ----------
    rho, tau : (n_fluids,) arrays
    fluid : (n_rows,) array of int
    k, target, error : (n_rows,) arrays
    """

    rho: FloatArray
    tau: FloatArray
    fluid: npt.NDArray[np.int64]
    k: FloatArray
    target: FloatArray
    error: FloatArray


@dataclass(frozen=True)
class Fit:
    """A trained term.

    Attributes
    ----------
    term : LearnedTerm
    loss, validation : float
        Mean squared error in units of the weights; the second of the profiles held out, NaN without any.
    iterations : int
    cpu_seconds : float
    """

    term: LearnedTerm
    loss: float
    validation: float
    iterations: int
    cpu_seconds: float


def has_jax() -> bool:
    """Whether JAX is installed, the optional extra `dft`."""
    return importlib.util.find_spec("jax") is not None


def import_jax() -> tuple[Any, Any]:
    """Load JAX in double precision on one core.

    Returns
    -------
    jax, jax.numpy : modules

    Raises
    ------
    RuntimeError
        If it is not installed.
    """
    # Read when JAX starts; two cores of a laptop are better used by two runs.
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    try:
        import jax
        import jax.numpy as jnp
    except ImportError as error:
        raise RuntimeError("training needs JAX: pip install 'ljmix[dft]'; shipped weights work without it") from error
    jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call,unused-ignore]
    return jax, jnp


def fit_term(
    term: LearnedTerm,
    profiles: ProfileTargets | None,
    *,
    held_out: ProfileTargets | None = None,
    bulk: BulkTargets | None = None,
    energies: BulkTargets | None = None,
    pairs: PairTargets | None = None,
    smoothing: float = 1e-4,
    iterations: int = 400,
) -> Fit:
    """Train a term by L-BFGS.

    The loss is the sum of up to four means of squares, each in units of its errors, and a penalty on rough kernels and
    large weights:

    - of profiles, the weighted variance along z of ln ρ + βV − c1, which is βμ and so a constant for the true c1;
    - of uniform fluids, the error of the pressure;
    - and that of their potential energy, the slope of βF/N in 1/T, which joins one temperature to the next;
    - of the pair direct correlation function, the error at each wave number.

    Parameters
    ----------
    term : LearnedTerm
        To begin from.
    profiles, held_out : ProfileTargets, optional
        To learn from, and to choose the best iterate by.
    bulk, energies : BulkTargets, optional
    pairs : PairTargets, optional
    smoothing : float
        Weight of the penalty.
    iterations : int

    Returns
    -------
    Fit

    Raises
    ------
    ValueError
        If there is nothing to learn from.
    RuntimeError
        Without JAX.
    """
    if profiles is None and bulk is None and energies is None and pairs is None:
        raise ValueError("nothing to learn from; give profiles, bulk, energies or pairs")
    jax, jnp = import_jax()
    from jax.flatten_util import ravel_pytree

    start, unravel = ravel_pytree(
        {"kernels": jnp.asarray(term.coefficients), "net": Network(*map(jnp.asarray, term.network))}
    )

    def loss(x: Any) -> Any:
        parameters = unravel(x)
        total = smoothing * _penalty(jnp, parameters)
        if profiles is not None:
            total = total + _profile_loss(jnp, term, parameters, profiles)
        if bulk is not None:
            total = total + _bulk_loss(jnp, term, parameters, bulk)
        if energies is not None:
            total = total + _energy_loss(jnp, term, parameters, energies)
        if pairs is not None:
            total = total + _pair_loss(jnp, term, parameters, pairs)
        return total

    value_and_slope = jax.jit(jax.value_and_grad(loss))
    check = None
    if held_out is not None:
        check = jax.jit(lambda x: _profile_loss(jnp, term, unravel(x), held_out))
    begin = time.process_time()
    x, value, validation, done = _descend(value_and_slope, check, np.asarray(start), iterations)
    best = unravel(jnp.asarray(x))
    trained = replace(term, coefficients=np.asarray(best["kernels"]), network=Network(*map(np.asarray, best["net"])))
    return Fit(trained, value, validation, done, time.process_time() - begin)


def _descend(
    value_and_slope: Callable[[Any], Any], check: Callable[[Any], Any] | None, start: FloatArray, iterations: int
) -> tuple[FloatArray, float, float, int]:
    """Minimise; with profiles held out, return the iterate that is best on them."""
    best, best_x, done = np.inf, start, 0

    def follow(x: FloatArray) -> None:
        nonlocal best, best_x, done
        done += 1
        if check is not None and done % _CHECK_EVERY == 0:
            value = float(check(x))
            if value < best:
                best, best_x = value, x.copy()

    found = minimize(
        lambda x: tuple(np.asarray(part, dtype=float) for part in value_and_slope(x)), start, jac=True,
        method="L-BFGS-B", callback=follow,
        options={"maxiter": iterations, "maxfun": 2 * iterations, "maxcor": 30, "ftol": 1e-11, "gtol": 1e-9},
    )  # fmt: skip
    chosen = found.x if check is None else best_x
    return chosen, float(found.fun), best if check is not None else float("nan"), done


def _penalty(jnp: Any, parameters: Any) -> Any:
    kernels, net = parameters["kernels"], parameters["net"]
    bend = kernels[:, 2:] - 2 * kernels[:, 1:-1] + kernels[:, :-2]
    return 10 * jnp.mean(bend**2) + jnp.mean(kernels[:, -1] ** 2) + sum(jnp.mean(w**2) for w in net[::2])


def _profile_loss(jnp: Any, term: LearnedTerm, parameters: Any, data: ProfileTargets) -> Any:
    kernels = kernel_transforms(jnp, parameters["kernels"], data.grid.wave_number, term.knot, term.order)
    rest = data.target - learned_c1(jnp, parameters["net"], kernels, jnp.asarray(data.rho), data.tau)
    weight = data.weight
    mean = (weight * rest).sum(axis=1, keepdims=True) / weight.sum(axis=1, keepdims=True)
    return (weight * (rest - mean) ** 2).sum() / (weight > 0).sum()


def _norms(jnp: Any, term: LearnedTerm, parameters: Any) -> Any:
    return kernel_transforms(jnp, parameters["kernels"], np.zeros(1), term.knot, term.order)[:, 0]


def _inputs(jnp: Any, norms: Any, rho: FloatArray, tau: FloatArray) -> Any:
    return jnp.concatenate([rho[:, None] * norms, jnp.asarray(tau)[:, None]], axis=1)


def _bulk_loss(jnp: Any, term: LearnedTerm, parameters: Any, data: BulkTargets) -> Any:
    norms = _norms(jnp, term, parameters)
    slopes = evaluate_network(jnp, parameters["net"], _inputs(jnp, norms, data.rho, data.tau))[1][:, :-1]
    return jnp.mean(((data.rho**2 * (slopes @ norms) - data.target) / data.error) ** 2)


def _energy_loss(jnp: Any, term: LearnedTerm, parameters: Any, data: BulkTargets) -> Any:
    norms = _norms(jnp, term, parameters)
    at, empty = (
        evaluate_network(jnp, parameters["net"], _inputs(jnp, norms, rho, data.tau))[1][:, -1]
        for rho in (data.rho, np.zeros_like(data.rho))
    )
    return jnp.mean(((at - empty - data.target) / data.error) ** 2)


def _pair_loss(jnp: Any, term: LearnedTerm, parameters: Any, data: PairTargets) -> Any:
    net, norms = parameters["net"], _norms(jnp, term, parameters)
    inputs = _inputs(jnp, norms, data.rho, data.tau)
    slopes = evaluate_network(jnp, net, inputs)[1][:, :-1][data.fluid]
    curvature = network_curvature(jnp, net, inputs)[:, :-1, :-1]
    kernels = kernel_transforms(jnp, parameters["kernels"], data.k, term.knot, term.order)
    through = jnp.einsum("rij,jr->ir", curvature[data.fluid], kernels)
    c2 = -2 * (slopes.T * kernels).sum(axis=0) - data.rho[data.fluid] * (kernels * through).sum(axis=0)
    return jnp.mean(((c2 - data.target) / data.error) ** 2)
