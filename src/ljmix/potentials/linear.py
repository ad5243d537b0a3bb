"""Linear fits of forces, energies and virials: normal equations of frames, added up and solved with a penalty.

A potential that is linear in its coefficients c predicts forces A c, an energy e·c and a virial w·c of each frame. What
a fit needs of a frame are A'A, A'f, f·f and these two rows: `Moments`. They add up, so that any draw of frames is
fitted, and scored on any other, in milliseconds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve, eigh

from ljmix._util.arrays import FloatArray

__all__ = ["Moments", "Solution", "Weights", "add_moments", "solve"]


@dataclass(frozen=True)
class Moments:
    """What a linear fit needs of one frame, or of several together.

    Attributes
    ----------
    gram : (n, n) array
        A'A.
    product : (n,) array
        A'f.
    square : float
        f·f.
    count : int
        Number of force components.
    energy_rows, virial_rows : (n_frames, n) arrays
    energies, virials, n_particles, volumes : (n_frames,) arrays
    """

    gram: FloatArray
    product: FloatArray
    square: float
    count: int
    energy_rows: FloatArray
    virial_rows: FloatArray
    energies: FloatArray
    virials: FloatArray
    n_particles: FloatArray
    volumes: FloatArray

    def force_error(self, coefficients: FloatArray) -> float:
        """Root mean square error of the force components, ε_AA/σ_AA."""
        c = coefficients
        squares = float(c @ self.gram @ c - 2 * self.product @ c) + self.square
        return math.sqrt(max(0.0, squares) / self.count)

    def force_size(self) -> float:
        """Root mean square of the force components, ε_AA/σ_AA."""
        return math.sqrt(self.square / self.count)

    def energy_errors(self, coefficients: FloatArray) -> FloatArray:
        """Error of the energy a particle of each frame, ε_AA."""
        errors: FloatArray = (self.energy_rows @ coefficients - self.energies) / self.n_particles
        return errors

    def pressure_errors(self, coefficients: FloatArray) -> FloatArray:
        """Error of the pressure of each frame, P*."""
        errors: FloatArray = (self.virial_rows @ coefficients - self.virials) / (3 * self.volumes)
        return errors


def add_moments(parts: Sequence[Moments]) -> Moments:
    """Moments of several frames together."""
    if not parts:
        raise ValueError("moments: there is none; give at least one frame")
    return Moments(
        np.sum([part.gram for part in parts], axis=0),
        np.sum([part.product for part in parts], axis=0),
        float(sum(part.square for part in parts)),
        sum(part.count for part in parts),
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("energy_rows", "virial_rows", "energies", "virials", "n_particles", "volumes")
        ),
    )


@dataclass(frozen=True)
class Weights:
    """How much energies and virials count beside forces: squared errors, divided by the number of particles.

    Attributes
    ----------
    energy, virial : float
        0 for forces alone.
    """

    energy: float = 0.0
    virial: float = 0.0


@dataclass(frozen=True)
class Solution:
    """Coefficients of a fit.

    Attributes
    ----------
    coefficients : (n,) array
    covariance : (n, n) array
        s² (H + λR)⁻¹: what the data and the penalty leave open, if errors are independent with the variance s² of the
        residuals.
    penalty : float
        λ.
    freedom : float
        Effective number of coefficients, tr[(H + λR)⁻¹ H].
    """

    coefficients: FloatArray
    covariance: FloatArray
    penalty: float
    freedom: float


_PENALTIES = 10.0 ** np.arange(-12.0, 3.1, 0.5)


def solve(
    moments: Moments, roughness: FloatArray, weights: Weights | None = None, penalty: float | None = None
) -> Solution:
    """Minimise ‖A c − f‖² + w_E Σ (e·c − E)²/N + w_W Σ (w·c − W)²/N + λ c'R c.

    Parameters
    ----------
    moments : Moments
    roughness : (n, n) array
        R, positive definite.
    weights : Weights, optional
        By default forces alone.
    penalty : float, optional
        λ; by default the one of least generalised cross-validation (Golub, Heath and Wahba 1979,
        doi:10.1080/00401706.1979.10489751), which looks at no frame but these.

    Returns
    -------
    Solution

    Raises
    ------
    ValueError
        If `penalty` is not above 0.
    """
    weights = weights or Weights()
    if penalty is not None and not penalty > 0:
        raise ValueError(f"penalty = {penalty}: must be above 0")
    h, b, square, count = moments.gram.copy(), moments.product.copy(), moments.square, moments.count
    for weight, rows, values in (
        (weights.energy, moments.energy_rows, moments.energies),
        (weights.virial, moments.virial_rows, moments.virials),
    ):
        if weight > 0:
            scale = weight / moments.n_particles
            h += (rows * scale[:, None]).T @ rows
            b += (rows * scale[:, None]).T @ values
            square += float(scale @ values**2)
            count += len(values)
    # H and R diagonal together: h = γ in the basis where R is one.
    gamma, basis = eigh(h, roughness)
    gamma, projected = np.maximum(gamma, 0.0), basis.T @ b
    largest = float(gamma.max())

    def residual(strength: float) -> tuple[float, float]:
        z = projected / (gamma + strength)
        return float(square - 2 * projected @ z + gamma @ z**2), float(np.sum(gamma / (gamma + strength)))

    if penalty is None:
        scores = []
        for strength in _PENALTIES * largest * 1e-3:
            left, freedom = residual(strength)
            scores.append(max(left, 1e-12 * square) / (count - min(freedom, count - 1)) ** 2)
        penalty = float((_PENALTIES * largest * 1e-3)[int(np.argmin(scores))])
    left, freedom = residual(penalty)
    factor = cho_factor(h + penalty * roughness)
    coefficients = cho_solve(factor, b)
    variance = max(left, 0.0) / max(count - freedom, 1.0)
    covariance = variance * cho_solve(factor, np.eye(len(b)))
    return Solution(coefficients, covariance, penalty, freedom)
