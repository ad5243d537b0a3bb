"""Structure factors extrapolated to k = 0, and how two routes to the same integrals share the noise of the box's waves.

Both routes of `ljmix.properties.kirkwood_buff` see the same waves with other weights, so that their errors are
correlated. `Extrapolation` and `wave_weights` say how each answers to a wave, `route_covariance` what that makes of
both together.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ljmix._util.arrays import FloatArray
from ljmix.properties.kirkwood_buff import fractions_of, inverse_from_integrals
from ljmix.state import PAIRS

__all__ = ["K_MAX", "Extrapolation", "fit_structure_factors", "route_covariance", "wave_weights"]

K_MAX = 1.3
"""Wave numbers up to here are extrapolated, 1/σ_AA: eight shells of a box of 15 σ. In colour mixtures, where the answer
is known, Γ − 1 over its error has the spread 1.03 with them, and lines fit no worse than with fewer."""
_MOST_STEPS, _EXACT = 100, 1e-10
"""Newton steps of the fit, and the gain in likelihood that ends them."""


@dataclass(frozen=True)
class Extrapolation:
    """Inverse of the structure factors at k = 0, and how it answers to each wave.

    Attributes
    ----------
    inverse : (3,) array
        P_AA, P_AB, P_BB at k = 0.
    covariance : (3, 3) array
        Of these.
    misfit : float
        Deviance a degree of freedom; about 1 for a good fit with true errors, less where errors are overestimated.
    used : (n_shells,) array of bool
        Wave numbers that the fit used.
    response : (3, n_shells, 3) array
        Derivative of P by S_AA, S_AB, S_BB of each shell; zero for shells that are not used.
    noise : (n_shells, 3, 3) array
        Covariance of S_AA, S_AB, S_BB of each shell.
    correlation_length : float
        ξ of the softest mode v, that of the smallest eigenvalue of P(0), σ_AA: vᵀ P(k) v = vᵀ P(0) v (1 + ξ² k²). Zero
        where vᵀ P(k) v falls with k, infinite where P(0) is not positive: correlations then outgrow the box.
    """

    inverse: FloatArray
    covariance: FloatArray
    misfit: float
    used: npt.NDArray[np.bool_]
    response: FloatArray
    noise: FloatArray
    correlation_length: float


def fit_structure_factors(
    k: FloatArray, s: Mapping[str, FloatArray], s_sem: Mapping[str, FloatArray], k_max: float = K_MAX
) -> Extrapolation:
    """Extrapolate the inverse of the structure factors to k = 0, P(k) = P(0) + P₂ k² (Ornstein and Zernike).

    The amplitudes ρ_i(k) of long waves are Gaussian, so that a mean over n of them has a Wishart distribution. P(0) and
    P₂ are those of largest likelihood, Σ n (ln det P − tr P S) over the shells: nothing noisy is inverted, which would
    bias P by 3/n. n follows from the given errors, Var S_ij = (S_ii S_jj + S_ij²) / 2n.

    Parameters
    ----------
    k : (n_shells,) array
        1/σ_AA.
    s, s_sem : mapping of (n_shells,) arrays by pair
        S_ij(k) = Re ρ_i(k) ρ_j(−k) / N and standard errors, as from `ljmix.structure.scattering`.
    k_max : float
        Largest wave number used, 1/σ_AA.

    Returns
    -------
    Extrapolation

    Raises
    ------
    ValueError
        If fewer than three shells lie below k_max, a shell has no positive definite S, or an error is not above 0.
    """
    used = np.asarray(k) <= k_max
    if used.sum() < 3:
        raise ValueError(f"{used.sum()} wave numbers up to {k_max:g}: three are needed for a line")
    aa, ab, bb = (np.asarray(s[pair], dtype=float) for pair in PAIRS)
    if np.any(aa * bb - ab**2 <= 0):
        raise ValueError("structure factors of one shell are not positive definite; average more frames")
    variances = np.stack([aa**2, (aa * bb + ab**2) / 2, bb**2])
    errors = np.stack([np.asarray(s_sem[pair], dtype=float) for pair in PAIRS])
    if not np.all(errors > 0):
        raise ValueError("every structure factor needs a standard error above 0")
    every = (variances / errors**2).min(axis=0)
    counts, square = every[used], k[used] ** 2
    aa, ab, bb = aa[used], ab[used], bb[used]
    # From a constant P; the function is convex, so that Newton's method with shortened steps always arrives.
    mean = np.array([aa, ab, bb]) @ counts / counts.sum()
    best = np.concatenate([[mean[2], -mean[1], mean[0]] / (mean[0] * mean[2] - mean[1] ** 2), np.zeros(3)])
    value = _likelihood(best, square, counts, (aa, ab, bb))[0]
    for _ in range(_MOST_STEPS):
        _, slope, information = _likelihood(best, square, counts, (aa, ab, bb))
        step = np.linalg.solve(information, slope)
        gain, length = float(slope @ step), 1.0
        if gain < _EXACT:
            break
        while not (trial := _likelihood(best - length * step, square, counts, (aa, ab, bb))[0]) < value:
            length /= 2
        best, value = best - length * step, trial
    else:
        raise ValueError(f"no inverse of the structure factors was found in {_MOST_STEPS} steps")
    free = max(3 * len(square) - 6, 1)
    saturated = float(np.sum(counts * (2 + np.log(aa * bb - ab**2))))
    covariance = np.linalg.inv(information)
    # At the optimum the gradient stays zero: dP = -information⁻¹ d(gradient)/dS dS.
    response = np.zeros((3, len(k), 3))
    pull = np.diag([1.0, 2.0, 1.0])
    for place, (shell, k_square) in enumerate(zip(np.flatnonzero(used), square, strict=True)):
        design = np.concatenate([np.eye(3), np.eye(3) * k_square], axis=1)
        response[:, shell] = -(covariance @ design.T @ pull)[:3] * counts[place]
    p = best[:3, None] + best[3:, None] * np.asarray(k) ** 2
    # Waves beyond the fit have the scatter of what was measured.
    modelled = np.stack([p[2], -p[1], p[0]]) / (p[0] * p[2] - p[1] ** 2)
    measured = np.stack([np.asarray(s[pair], dtype=float) for pair in PAIRS])
    waves = np.where(used, modelled, measured)
    noise = np.stack([_scatter(waves[:, shell]) / every[shell] for shell in range(len(k))])
    misfit = 2 * (value - saturated) / free
    length = _correlation_length(best[:3], best[3:])
    return Extrapolation(best[:3], np.asarray(covariance[:3, :3], float), misfit, used, response, noise, length)


def _correlation_length(constant: FloatArray, square: FloatArray) -> float:
    at_zero, rises = (np.array([[aa, ab], [ab, bb]]) for aa, ab, bb in (constant, square))
    values, modes = np.linalg.eigh(at_zero)
    if values[0] <= 0:
        return math.inf
    return math.sqrt(max(float(modes[:, 0] @ rises @ modes[:, 0] / values[0]), 0.0))


def _scatter(s: FloatArray) -> FloatArray:
    """Covariance of S_AA, S_AB, S_BB of one wave."""
    aa, ab, bb = s
    return np.array([[aa**2, aa * ab, ab**2], [aa * ab, (aa * bb + ab**2) / 2, ab * bb], [ab**2, ab * bb, bb**2]])


def _likelihood(
    parameters: FloatArray, square: FloatArray, counts: FloatArray, s: tuple[FloatArray, FloatArray, FloatArray]
) -> tuple[float, FloatArray, FloatArray]:
    """Σ n (tr P S − ln det P) over the shells, its gradient and its curvature; infinite where P is not positive."""
    aa, ab, bb = s
    p = parameters[:3, None] + parameters[3:, None] * square
    determinant = p[0] * p[2] - p[1] ** 2
    if np.any(determinant <= 0) or np.any(p[0] <= 0):
        return np.inf, np.zeros(6), np.eye(6)
    value = float(np.sum(counts * (p[0] * aa + 2 * p[1] * ab + p[2] * bb - np.log(determinant))))
    inside = np.stack([p[2], -p[1], p[0]]) / determinant
    pull = np.stack([aa - inside[0], 2 * (ab - inside[1]), bb - inside[2]]) * counts
    slope = np.concatenate([pull.sum(axis=1), (pull * square).sum(axis=1)])
    information = np.zeros((6, 6))
    for shell, k_square in enumerate(square):
        design = np.concatenate([np.eye(3), np.eye(3) * k_square], axis=1)
        information += counts[shell] * design.T @ _wishart(inside[:, shell]) @ design
    return value, slope, information


def _wishart(s: FloatArray) -> FloatArray:
    """Curvature of −ln det P by P_AA, P_AB, P_BB, where S = P⁻¹."""
    aa, ab, bb = s
    return np.array(
        [
            [aa**2, 2 * aa * ab, ab**2],
            [2 * aa * ab, 2 * (aa * bb + ab**2), 2 * ab * bb],
            [ab**2, 2 * ab * bb, bb**2],
        ]
    )


def wave_weights(k: FloatArray, directions: FloatArray, volume: float, r_max: float) -> FloatArray:
    """How the integral of g, weighted as in `integrate_rdf`, answers to the waves of the box.

    In a periodic box ∫ h w d³r = Σ_k H(k) ŵ(k) / V over its wave vectors, with ŵ the transform of the weight
    1 − (r/R)³. H(k) = (S_ij − x_i δ_ij) / (ρ x_i x_j), so that noise of S passes to G with these weights.

    Parameters
    ----------
    k : (n_shells,) array
        1/σ_AA.
    directions : (n_shells,) array
        Wave vectors of each shell, k and −k counted once.
    volume : float
        σ_AA³.
    r_max : float
        R, σ_AA.

    Returns
    -------
    (n_shells,) array
        dG/dH.
    """
    r = (np.arange(2000) + 0.5) * r_max / 2000
    wave = np.sin(np.outer(k, r)) / np.asarray(k)[:, None]
    transform = 4 * np.pi * (wave * r * (1 - (r / r_max) ** 3)).sum(axis=1) * r_max / 2000
    return np.asarray(2 * directions * transform / volume)


def route_covariance(
    extrapolation: Extrapolation, integrals: FloatArray, weights: FloatArray, fraction_b: float, number_density: float
) -> FloatArray:
    """Covariance of P by both routes, from the noise of the waves that both see.

    Parameters
    ----------
    extrapolation : Extrapolation
    integrals : (3,) array
        G_AA, G_AB, G_BB of the other route, σ_AA³.
    weights : (n_shells,) array
        As from `wave_weights`.
    fraction_b, number_density : float

    Returns
    -------
    (6, 6) array
        P_AA, P_AB, P_BB by extrapolation, then by integration.
    """
    x_a, x_b = fractions_of(fraction_b)
    share = weights[:, None] / (number_density * np.array([x_a**2, x_a * x_b, x_b**2]))
    step = 1e-4 * np.maximum(np.abs(integrals), 1.0)
    slopes = np.stack(
        [
            (inverse_from_integrals(integrals + move, fraction_b, number_density)
             - inverse_from_integrals(integrals - move, fraction_b, number_density)) / (2 * move[which])
            for which, move in enumerate(np.diag(step))
        ],
        axis=1,
    )  # fmt: skip
    other = slopes[:, None, :] * share[None]
    both = np.concatenate([extrapolation.response, other])
    return np.asarray(np.einsum("isa,sab,jsb->ij", both, extrapolation.noise, both))
