"""The learned part of a functional: weighted densities with learned kernels, and a small network of them.

βF = ∫ ρ(r) a(n₁(r), …, n_K(r); 1/T) dr with n_k(r) = ∫ w_k(|r − r'|) ρ(r') dr' and a(0; 1/T) = 0. From this one number
per density all else follows by differentiation: c1, the pressure, the pair correlation function. A network of c1 itself
would be quicker to train, but would have no free energy behind it.

The functions take the module of arrays, NumPy or jax.numpy, so that training and evaluation share every line.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from ljmix._util.arrays import FloatArray
from ljmix.functional.grid import Grid

__all__ = [
    "KernelTerm", "LearnedTerm", "Network", "evaluate_network", "initial_term", "kernel_transforms", "learned_c1",
    "network_curvature",
]  # fmt: skip


class Network(NamedTuple):
    """Weights of a network with two hidden layers, softplus(x) − ln 2 each, and one output without a bias."""

    first: Any
    first_bias: Any
    second: Any
    second_bias: Any
    last: Any


def kernel_transforms(xp: Any, coefficients: Any, k: Any, knot: float, order: int) -> Any:
    """Transforms of even kernels that are B-splines along any direction.

    A kernel's integral over planes, w(z) = Σ_j c_j B((z − z_j)/δ), has the transform δ sinc(kδ/2)^(order + 1) times
    c_0 + 2 Σ_j c_j cos(k j δ). In three dimensions ŵ(|k|) is the same function.

    Parameters
    ----------
    xp : module
        numpy or jax.numpy.
    coefficients : (n_kernels, n_knots) array
        c_0, c_1, …; from the second on each stands for two knots.
    k : (n,) array
        Wave numbers.
    knot : float
        δ, σ.
    order : int
        1: straight pieces; 3: cubic ones.

    Returns
    -------
    (n_kernels, n) array
    """
    places = knot * np.arange(coefficients.shape[1])
    waves = xp.cos(xp.multiply(places[:, None], xp.reshape(k, (1, -1))))
    twice = np.where(places > 0, 2.0, 1.0)
    shape = xp.sinc(xp.reshape(k, (1, -1)) * knot / (2 * np.pi)) ** (order + 1)
    return knot * shape * ((coefficients * twice) @ waves)


def evaluate_network(xp: Any, net: Network, x: Any) -> tuple[Any, Any]:
    """Value and gradient of a network.

    Parameters
    ----------
    xp : module
    net : Network
    x : (..., n_inputs) array

    Returns
    -------
    value : (...) array
    gradient : (..., n_inputs) array
    """
    inner = x @ net.first + net.first_bias
    outer = _softplus(xp, inner) @ net.second + net.second_bias
    value = _softplus(xp, outer) @ net.last
    back = ((net.last * _sigmoid(xp, outer)) @ net.second.T) * _sigmoid(xp, inner)
    return value, back @ net.first.T


def network_curvature(xp: Any, net: Network, x: Any) -> Any:
    """Second derivatives of a network, (..., n_inputs, n_inputs)."""
    inner = x @ net.first + net.first_bias
    outer = _softplus(xp, inner) @ net.second + net.second_bias
    slope, last = _sigmoid(xp, inner), net.last * _sigmoid(xp, outer)
    bend = (last @ net.second.T) * slope * (1 - slope)
    bend_outer = last * (1 - _sigmoid(xp, outer))
    through = slope[..., :, None] * net.second
    core = xp.einsum("...ij,...j,...kj->...ik", through, bend_outer, through)
    core = core + bend[..., :, None] * np.eye(net.first.shape[1])
    return net.first @ core @ net.first.T


def learned_c1(xp: Any, net: Network, kernels: Any, rho: Any, inverse_temperature: Any) -> Any:
    """c1 of densities on a line.

    Parameters
    ----------
    xp : module
    net : Network
    kernels : (n_kernels, n_waves) array
        Transforms at the wave numbers of the grid.
    rho : (..., bins) array
    inverse_temperature : (...) array
        1/T − 1/T₀ of each.

    Returns
    -------
    array like `rho`
    """
    bins = rho.shape[-1]
    weighted = xp.fft.irfft(kernels * xp.fft.rfft(rho)[..., None, :], bins)
    a, slopes = _local(xp, net, xp.moveaxis(weighted, -2, -1), inverse_temperature)
    back = xp.fft.rfft(rho[..., None, :] * xp.moveaxis(slopes, -1, -2))
    return -a - xp.fft.irfft((kernels * back).sum(axis=-2), bins)


def _local(xp: Any, net: Network, weighted: Any, inverse_temperature: Any) -> tuple[Any, Any]:
    """a(n) − a(0) and its derivatives by n, for weighted densities in the last axis of (..., points, n_kernels)."""
    tau = xp.reshape(xp.asarray(inverse_temperature), (*np.shape(inverse_temperature), 1, 1))
    tau = xp.broadcast_to(tau, (*weighted.shape[:-1], 1))
    value, gradient = evaluate_network(xp, net, xp.concatenate([weighted, tau], axis=-1))
    empty = xp.concatenate([xp.zeros_like(weighted[..., :1, :]), tau[..., :1, :]], axis=-1)
    return value - evaluate_network(xp, net, empty)[0], gradient[..., :-1]


def _softplus(xp: Any, x: Any) -> Any:
    return xp.logaddexp(x, 0.0) - np.log(2.0)


def _sigmoid(xp: Any, x: Any) -> Any:
    return 0.5 * (1 + xp.tanh(x / 2))


@dataclass(frozen=True)
class KernelTerm:
    """What every learned part of the excess free energy has, evaluated in NumPy: kernels, and a network behind them.

    Parameters
    ----------
    coefficients : (n_kernels, n_knots) array
        Of the kernels, see `kernel_transforms`.
    network : Network
    knot : float
        Distance of the kernels' knots, σ.
    order : int
        Of the kernels' splines.
    reference : float
        T₀.
    """

    coefficients: FloatArray
    network: Network
    knot: float
    order: int
    reference: float

    @cached_property
    def _transforms(self) -> dict[Grid, FloatArray]:
        return {}

    def kernels(self, k: FloatArray) -> FloatArray:
        """Transforms of the kernels, (n_kernels, …)."""
        flat = kernel_transforms(np, self.coefficients, np.ravel(k), self.knot, self.order)
        return np.asarray(flat.reshape(len(flat), *np.shape(k)))

    def _on(self, grid: Grid) -> FloatArray:
        if grid not in self._transforms:
            self._transforms[grid] = self.kernels(grid.wave_number)
        return self._transforms[grid]

    def _tau(self, temperature: float) -> float:
        return 1 / temperature - 1 / self.reference


class LearnedTerm(KernelTerm):
    """A learned part of the free energy of one species: a network of n_kernels + 1 inputs, the last 1/T − 1/T₀."""

    def _weighted(self, rho: FloatArray, grid: Grid) -> FloatArray:
        """Weighted densities, (points, n_kernels)."""
        fields = grid.back(self._on(grid) * grid.transform(rho))
        return np.asarray(fields.reshape(len(fields), -1).T)

    def energy(self, rho: FloatArray, grid: Grid, temperature: float) -> float:
        """βF of a density on a grid, for each unit of the directions left out."""
        a, _ = _local(np, self.network, self._weighted(rho, grid), self._tau(temperature))
        return float((np.ravel(rho) * a).sum() * grid.bin_volume)

    def c1(self, rho: FloatArray, grid: Grid, temperature: float) -> FloatArray:
        """−δβF/δρ on a grid."""
        a, slopes = _local(np, self.network, self._weighted(rho, grid), self._tau(temperature))
        fields = rho * slopes.T.reshape(-1, *grid.shape)
        return np.asarray(-a.reshape(grid.shape) - grid.back((self._on(grid) * grid.transform(fields)).sum(axis=0)))

    def bulk(self, rho: FloatArray, temperature: float) -> tuple[FloatArray, FloatArray]:
        """βF/V and c1 of the uniform fluid."""
        rho = np.asarray(rho, dtype=float)
        norms = self.kernels(np.zeros(1))[:, 0]
        a, slopes = _local(np, self.network, rho[..., None, None] * norms, self._tau(temperature))
        a, slopes = a[..., 0], slopes[..., 0, :]
        return rho * a, -a - rho * (slopes @ norms)

    def potential_energy(self, rho: FloatArray, temperature: float) -> FloatArray:
        """What a particle of the uniform fluid has more of potential energy, ∂(βF/N)/∂β; ε."""
        norms = self.kernels(np.zeros(1))[:, 0]
        x = np.multiply.outer(np.asarray(rho, dtype=float), np.append(norms, 0.0))
        x[..., -1] = self._tau(temperature)
        empty = np.append(np.zeros_like(norms), self._tau(temperature))
        slopes = [evaluate_network(np, self.network, at)[1][..., -1] for at in (x, empty)]
        return np.asarray(slopes[0] - slopes[1])

    def c2(self, k: FloatArray, rho: float, temperature: float) -> FloatArray:
        """Transform of the pair direct correlation function of the uniform fluid."""
        kernels, norms = self.kernels(k), self.kernels(np.zeros(1))[:, 0]
        x = np.append(rho * norms, self._tau(temperature))
        slopes = evaluate_network(np, self.network, x)[1][:-1]
        curvature = network_curvature(np, self.network, x)[:-1, :-1]
        return np.asarray(
            -2 * np.tensordot(slopes, kernels, 1) - rho * np.einsum("i...,ij,j...->...", kernels, curvature, kernels)
        )


def initial_term(
    kernels: int, reach: float, knot: float, order: int, hidden: int, reference: float, seed: int
) -> LearnedTerm:
    """Draw a term to begin training from: bells at growing distances for kernels, a network of small random weights.

    Parameters
    ----------
    kernels, hidden : int
        Number of kernels, and width of both hidden layers.
    reach, knot : float
        Where kernels end, and the distance of their knots, σ.
    order : int
        Of the splines.
    reference : float
        T₀.
    seed : int

    Returns
    -------
    LearnedTerm
    """
    rng = np.random.default_rng(seed)
    places = np.arange(round(reach / knot)) * knot
    centres, width = np.linspace(0, 0.85 * reach, kernels), reach / kernels
    bells = np.exp(-0.5 * ((places[None] - centres[:, None]) / width) ** 2)
    bells /= knot * (2 * bells.sum(axis=1) - bells[:, 0])[:, None]
    inputs = kernels + 1
    network = Network(
        rng.normal(size=(inputs, hidden)) / np.sqrt(inputs), np.zeros(hidden),
        rng.normal(size=(hidden, hidden)) / np.sqrt(hidden), np.zeros(hidden),
        rng.normal(size=hidden) * 0.1 / np.sqrt(hidden),
    )  # fmt: skip
    return LearnedTerm(bells, network, knot, order, reference)
