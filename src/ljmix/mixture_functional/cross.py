"""What unlike particles do to one another beyond theory: a learned free energy that knows which limits are exact.

    βF = (1 − ε_AB) ∫ [ρ_A h(n_A, n_B) + ρ_B h(n_B, n_A)] dr,   h(x, y) = a(x, y) − a(x, 0),

with the weighted densities n_i = w * ρ_i of each species, the same kernels w for both, and one network a of both, of
1/T and of 1 − ε_AB. By its shape, whatever the weights: exchanging A and B changes nothing; where one species is absent
the other is the pure fluid; and at ε_AB = 1, where A and B differ in name only, so is the mixture.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ljmix._util.arrays import FloatArray
from ljmix.functional.grid import Grid
from ljmix.functional.learned import KernelTerm, Network, evaluate_network, initial_term, network_curvature

__all__ = ["CrossTerm", "Curvature", "Slopes", "curvature", "initial_cross", "pair_function", "slopes"]


class Slopes(NamedTuple):
    """h and its derivatives by the own and the other species' weighted densities, and by 1/T."""

    value: Any
    own: Any
    other: Any
    by_tau: Any


class Curvature(NamedTuple):
    """Second derivatives of the local free energy Φ = ρ_A h(n_A, n_B) + ρ_B h(n_B, n_A).

    `mixed` holds ∂²Φ/∂ρ_i∂n_j for (A, A), (A, B), (B, A), (B, B); `local` holds ∂²Φ/∂n_i∂n_j for AA, AB, BB.
    """

    mixed: tuple[Any, Any, Any, Any]
    local: tuple[Any, Any, Any]


def _inputs(xp: Any, own: Any, other: Any, tau: Any, weakness: Any) -> tuple[Any, Any]:
    """Input of the network, and the same without the other species; tau and weakness of one point each."""
    both = [xp.broadcast_to(xp.asarray(x)[..., None], (*own.shape[:-1], 1)) for x in (tau, weakness)]
    with_other = xp.concatenate([own, other, *both], axis=-1)
    return with_other, xp.concatenate([own, xp.zeros_like(other), *both], axis=-1)


def slopes(xp: Any, net: Network, own: Any, other: Any, tau: Any, weakness: Any) -> Slopes:
    """Value and derivatives of h at weighted densities, (..., K) each.

    Parameters
    ----------
    xp : module
        numpy or jax.numpy.
    net : Network
        Of 2K + 2 inputs.
    own, other : (..., K) arrays
    tau, weakness : (...) arrays
        1/T − 1/T₀ and 1 − ε_AB.
    """
    count = own.shape[-1]
    with_other, alone = (evaluate_network(xp, net, x) for x in _inputs(xp, own, other, tau, weakness))
    change = with_other[1] - alone[1]
    # The second argument of a(x, 0) is a constant: its slope does not count.
    return Slopes(
        with_other[0] - alone[0], change[..., :count], with_other[1][..., count : 2 * count], change[..., 2 * count]
    )


def curvature(
    xp: Any, net: Network, rho: tuple[Any, Any], weighted: tuple[Any, Any], tau: Any, weakness: Any
) -> Curvature:
    """Second derivatives at densities (...) and weighted densities (..., K) of A and of B."""
    count = weighted[0].shape[-1]
    first, second = (slopes(xp, net, *pair, tau, weakness) for pair in (weighted, weighted[::-1]))
    own, mixed, other = [], [], []
    for x, y in (weighted, weighted[::-1]):
        with_other, alone = (network_curvature(xp, net, z) for z in _inputs(xp, x, y, tau, weakness))
        own.append((with_other - alone)[..., :count, :count])
        mixed.append(with_other[..., :count, count : 2 * count])
        other.append(with_other[..., count : 2 * count, count : 2 * count])
    a, b = (value[..., None, None] for value in rho)
    transposed = xp.swapaxes(mixed[1], -1, -2)
    return Curvature(
        (first.own, first.other, second.other, second.own),
        (a * own[0] + b * other[1], a * mixed[0] + b * transposed, a * other[0] + b * own[1]),
    )


def pair_function(xp: Any, bent: Curvature, kernels: Any, weakness: Any) -> tuple[Any, Any, Any]:
    """ĉ_AA, ĉ_AB and ĉ_BB of uniform mixtures at wave numbers where the kernels' transforms are (K, n).

    Second derivatives are those of one mixture for each wave number, (n, K) and (n, K, K), or broadcast to them.
    """
    w = xp.swapaxes(kernels, 0, 1)
    aa, ab, ba, bb = ((part * w).sum(axis=-1) for part in bent.mixed)
    local = [xp.einsum("...i,...ij,...j->...", w, part, w) for part in bent.local]
    return (
        -weakness * (2 * aa + local[0]),
        -weakness * (ab + ba + local[1]),
        -weakness * (2 * bb + local[2]),
    )


class CrossTerm(KernelTerm):
    """The learned free energy of unlike particles, evaluated in NumPy; its network has 2K + 2 inputs."""

    def _slopes(self, n_a: FloatArray, n_b: FloatArray, temperature: float, weakness: float) -> tuple[Slopes, Slopes]:
        tau = np.full(n_a.shape[:-1], self._tau(temperature))
        of = np.full(n_a.shape[:-1], weakness)
        return slopes(np, self.network, n_a, n_b, tau, of), slopes(np, self.network, n_b, n_a, tau, of)

    def _weighted(self, rho: FloatArray, grid: Grid) -> tuple[FloatArray, FloatArray]:
        n_a, n_b = (grid.back(self._on(grid) * grid.transform(species)) for species in rho)
        return np.moveaxis(n_a, 0, -1), np.moveaxis(n_b, 0, -1)

    def energy(self, rho: FloatArray, grid: Grid, temperature: float, weakness: float) -> float:
        """βF of densities (2, …) on a grid, for each unit of the directions left out."""
        first, second = self._slopes(*self._weighted(rho, grid), temperature, weakness)
        return float(weakness * (rho[0] * first.value + rho[1] * second.value).sum() * grid.bin_volume)

    def c1(self, rho: FloatArray, grid: Grid, temperature: float, weakness: float) -> FloatArray:
        """−δβF/δρ_i of densities (2, …) on a grid."""
        first, second = self._slopes(*self._weighted(rho, grid), temperature, weakness)
        found = []
        for value, own, other, mine, theirs in (
            (first.value, first.own, second.other, rho[0], rho[1]),
            (second.value, second.own, first.other, rho[1], rho[0]),
        ):
            fields = np.moveaxis(mine[..., None] * own + theirs[..., None] * other, -1, 0)
            found.append(-value - grid.back((self._on(grid) * grid.transform(fields)).sum(axis=0)))
        return np.asarray(weakness * np.array(found))

    def bulk(self, rho: FloatArray, temperature: float, weakness: float) -> tuple[FloatArray, FloatArray, FloatArray]:
        """βF/V, c1 of both species, (2, …), and potential energy for each volume of uniform mixtures (2, …)."""
        norms = self.kernels(np.zeros(1))[:, 0]
        n_a, n_b = (species[..., None] * norms for species in rho)
        first, second = self._slopes(n_a, n_b, temperature, weakness)
        energy = rho[0] * first.value + rho[1] * second.value
        potential = rho[0] * first.by_tau + rho[1] * second.by_tau
        c1 = [
            -first.value - (rho[0][..., None] * first.own + rho[1][..., None] * second.other) @ norms,
            -second.value - (rho[1][..., None] * second.own + rho[0][..., None] * first.other) @ norms,
        ]
        return weakness * energy, weakness * np.array(c1), weakness * potential

    def c2(self, k: FloatArray, rho: FloatArray, temperature: float, weakness: float) -> FloatArray:
        """Transforms of the pair direct correlation functions AA, AB and BB of a uniform mixture, (3, …)."""
        norms = self.kernels(np.zeros(1))[:, 0]
        tau = np.array(self._tau(temperature))
        bent = curvature(
            np, self.network, (np.array(rho[0]), np.array(rho[1])), (rho[0] * norms, rho[1] * norms), tau,
            np.array(weakness),
        )  # fmt: skip
        found = pair_function(np, bent, self.kernels(np.ravel(k)), weakness)
        return np.array([part.reshape(np.shape(k)) for part in found])


def initial_cross(kernels: int, reach: float, knot: float, hidden: int, reference: float, seed: int) -> CrossTerm:
    """Draw a term to begin training from; kernels and sizes as in `ljmix.functional.learned.initial_term`."""
    bells = initial_term(kernels, reach, knot, 3, hidden, reference, seed).coefficients
    rng = np.random.default_rng(seed)
    inputs = 2 * kernels + 2
    network = Network(
        rng.normal(size=(inputs, hidden)) / np.sqrt(inputs), np.zeros(hidden),
        rng.normal(size=(hidden, hidden)) / np.sqrt(hidden), np.zeros(hidden),
        rng.normal(size=hidden) * 0.1 / np.sqrt(hidden),
    )  # fmt: skip
    return CrossTerm(bells, network, knot, 3, reference)
