"""Liquid-state theory: the Ornstein-Zernike equation of a binary mixture with a closure.

    h_ij(k) = c_ij(k) + Σ_l c_il(k) ρ_l h_lj(k)

(Hansen and McDonald, Theory of Simple Liquids, 4th ed. 2013, doi:10.1016/C2010-0-66723-X, chapters 3 and 4),
closed by Percus-Yevick, c = (e^(-βu) - 1)(1 + γ), by hypernetted chains, c = e^(-βu + γ) - 1 - γ, where γ = h - c, or
by one of `ljmix.theory.closures`. Many state points are solved at once: each step is one set of sine transforms for all
of them.

pyPRISM solves the same equations, one state at a time, and rounds diameters to its grid. So the few lines are here.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
from scipy.fft import dst
from scipy.interpolate import make_interp_spline

from ljmix._util.arrays import FloatArray
from ljmix.potential import lj_potential
from ljmix.theory.closures import hmsa_cavity, weeks_attraction

__all__ = ["CLOSURES", "Mixtures", "Solution", "solve_mixtures"]


CLOSURES = ("percus-yevick", "hypernetted-chain", "hmsa")

GRID_POINTS, GRID_STEP = 1023, 0.02
"""Distances of the solution: up to 20 σ_AA in steps of 0.02. Half the step moves g(r) by less than 0.01."""

_PAIRS = ((0, 0), (0, 1), (1, 1))
_RAMP = (0.1, 0.25, 0.4, 0.55, 0.65, 0.75, 0.82, 0.88, 0.92, 0.96, 1.0)
"""β of the stages over the final one: the first lies above the Boyle temperature, where no correlation at all
is a start, the last are close. The density is kept: lowering it at low temperature would cross the
vapour-liquid spinodal, where there is no solution to follow."""
_STEPS, _TOLERANCE = 150, 1e-5
_HISTORY, _MIXING = 6, 0.4
_TRUST = 3.0
"""Largest change of γ in a step: far from the solution an extrapolated step may leave its basin."""


@dataclass(frozen=True)
class Mixtures:
    """State points of binary mixtures at given density; arrays of one length, reduced units of species A.

    Attributes
    ----------
    temperature, density, fraction_b : (n,) arrays
        k_B T, number density of all particles, number fraction of B.
    sigma, epsilon : (n, 3) arrays
        Diameter and well depth of AA, AB, BB.
    """

    temperature: FloatArray
    density: FloatArray
    fraction_b: FloatArray
    sigma: FloatArray
    epsilon: FloatArray

    def __getitem__(self, rows: slice | npt.NDArray[np.int64]) -> Mixtures:
        """Some of the state points."""
        return Mixtures(*(getattr(self, field.name)[rows] for field in fields(self)))


@dataclass(frozen=True)
class Solution:
    """What a closure says.

    Attributes
    ----------
    r : (n_r,) array
        Distances, σ_AA.
    cavity : (n, 3, n_r) array
        Cavity function y = g e^(βu) of AA, AB, BB, finite in the core too; NaN where not converged.
    g : (n, 3, n_r) array
        Radial distribution functions; NaN where not converged.
    converged : (n,) array of bool
        False where the iteration found no solution: mostly mixtures that demix, which have none.
    """

    r: FloatArray
    cavity: FloatArray
    g: FloatArray
    converged: npt.NDArray[np.bool_]


def solve_mixtures(mixtures: Mixtures, closure: str, *, steps: int = _STEPS, coarse: int = 1) -> Solution:
    """Solve the Ornstein-Zernike equation for many mixtures of truncated and shifted Lennard-Jones particles.

    Parameters
    ----------
    mixtures : Mixtures
    closure : {"percus-yevick", "hypernetted-chain", "hmsa"}
        The last is `ljmix.theory.closures.hmsa_cavity`.
    steps : int
        Most iterations in each of the stages of rising β.
    coarse : int
        Take the stages on a grid that is so many times coarser, a divisor of 1024, and refine its solution: with 8 some
        three times faster. Where the coarse grid has no solution none is sought on the fine one; of 96 mixtures drawn
        at random both had one for the same 90.

    Returns
    -------
    Solution

    Raises
    ------
    ValueError
        If the closure is unknown, or 1024 is no multiple of `coarse`.

    Notes
    -----
    Anderson mixing (Anderson 1965, doi:10.1145/321296.321305) of γ over the last steps. A state whose
    structure factor is not positive definite has stepped past the spinodal, and goes half the way back.
    """
    if closure not in CLOSURES:
        raise ValueError(f"closure = {closure!r} is unknown; choose one of {', '.join(CLOSURES)}")
    if (GRID_POINTS + 1) % coarse:
        raise ValueError(f"coarse = {coarse}: must be a divisor of {GRID_POINTS + 1}")
    r = _distances(1)
    gamma, converged = _climb(mixtures, closure, steps, coarse)
    if coarse > 1:
        gamma, converged = _refine(gamma, np.flatnonzero(converged), mixtures, closure, steps)
    u, attraction = _energies(mixtures, r)
    beta_u = u / mixtures.temperature[:, None, None]
    cavity = _cavity(gamma, attraction / mixtures.temperature[:, None, None], closure)
    cavity[~converged] = np.nan
    return Solution(r, cavity, cavity * np.exp(-beta_u), converged)


def _distances(coarse: int) -> FloatArray:
    return GRID_STEP * coarse * np.arange(1, (GRID_POINTS + 1) // coarse, dtype=float)


def _energies(mixtures: Mixtures, r: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Pair energies and their attractive part, ε_AA."""
    arguments = r, mixtures.sigma[:, :, None], mixtures.epsilon[:, :, None]
    return lj_potential(*arguments), weeks_attraction(*arguments)


def _climb(mixtures: Mixtures, closure: str, steps: int, coarse: int) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """γ by stages of rising β, and whether there is a solution; exact at the end, but for a coarse grid."""
    r = _distances(coarse)
    u, attraction = _energies(mixtures, r)
    n = len(mixtures.temperature)
    gamma, converged = np.zeros((n, 3, len(r))), np.ones(n, dtype=bool)
    before, last = gamma, 0.0
    for stage, share in enumerate(_RAMP):
        beta = (share / mixtures.temperature)[:, None, None]
        # From the second stage on, start where a straight line in β leads.
        slope = (share - last) / (last - _RAMP[stage - 2]) if stage > 1 else 0.0
        start, before, last = gamma + slope * (gamma - before), gamma, share
        tolerance = _TOLERANCE if share == 1 and coarse == 1 else 1e-3
        # A state without a solution at some β was never seen to have one at a larger β.
        rows = np.flatnonzero(converged)
        gamma = start
        energies = (beta * u)[rows], (beta * attraction)[rows]
        gamma[rows], converged[rows] = _iterate(start[rows], *energies, mixtures[rows], closure, steps, tolerance)
    return gamma, converged


def _refine(
    rough: FloatArray, solved: npt.NDArray[np.intp], mixtures: Mixtures, closure: str, steps: int
) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """γ on the fine grid from those that a coarse one has solved, and whether there is a solution."""
    r, n = _distances(1), len(rough)
    gamma, converged = np.zeros((n, 3, len(r))), np.zeros(n, dtype=bool)
    if not len(solved):
        return gamma, converged
    points = rough.shape[-1]
    knots = GRID_STEP * (GRID_POINTS + 1) / (points + 1) * np.arange(points + 2)
    # γ is smooth; at the origin it is level, at the far end zero.
    values = np.concatenate([rough[solved][..., :1], rough[solved], np.zeros((len(solved), 3, 1))], axis=2)
    start, some = make_interp_spline(knots, values, k=3, axis=2)(r), mixtures[solved]
    beta = (1 / some.temperature)[:, None, None]
    u, attraction = _energies(some, r)
    gamma[solved], converged[solved] = _iterate(start, beta * u, beta * attraction, some, closure, steps, _TOLERANCE)
    left = solved[~converged[solved]]
    if len(left):  # the coarse solution did not lead there
        gamma[left], converged[left] = _climb(mixtures[left], closure, steps, 1)
    return gamma, converged


def _cavity(gamma: FloatArray, beta_attraction: FloatArray, closure: str) -> FloatArray:
    """Cavity function by a closure; the attractive part of βu matters to HMSA alone."""
    if closure == "percus-yevick":
        return 1 + gamma
    if closure == "hypernetted-chain":
        return np.asarray(np.exp(np.minimum(gamma, 50.0)))
    return hmsa_cavity(gamma, beta_attraction)


def _iterate(
    gamma: FloatArray, beta_u: FloatArray, beta_attraction: FloatArray, mixtures: Mixtures, closure: str, steps: int,
    tolerance: float,
) -> tuple[FloatArray, npt.NDArray[np.bool_]]:  # fmt: skip
    """Iterate every state until γ changes by less than the tolerance; those that settle drop out."""
    gamma = gamma.copy()
    x_b = mixtures.fraction_b
    root = np.sqrt(mixtures.density[:, None] * np.stack([1 - x_b, x_b], axis=1))
    weight = np.stack([root[:, i] * root[:, j] for i, j in _PAIRS], axis=1)
    boltzmann = np.exp(-np.minimum(beta_u, 700.0))
    active = np.arange(len(gamma))
    converged = np.zeros(len(gamma), dtype=bool)
    good = np.zeros_like(gamma)  # last γ of each state that gave a stable liquid; no correlation is always one
    old_gamma: list[FloatArray] = []
    old_change: list[FloatArray] = []
    for _ in range(steps):
        present = gamma[active]
        if closure == "percus-yevick":
            direct = (boltzmann[active] - 1) * (1 + present)
        else:
            direct = boltzmann[active] * _cavity(present, beta_attraction[active], closure) - 1 - present
        change = _indirect(direct, weight[active]) - present
        size = np.abs(change).max(axis=(1, 2))
        settled = size < tolerance
        converged[active[settled]] = True
        keep = ~settled
        if not keep.any():
            break
        active, present, change, stable = active[keep], present[keep], change[keep], np.isfinite(size[keep])
        old_gamma = [part[keep] for part in old_gamma][-_HISTORY:]
        old_change = [part[keep] for part in old_change][-_HISTORY:]
        good[active[stable]] = present[stable]
        # Past the spinodal: half the way back.
        gamma[active[~stable]] = (good[active[~stable]] + present[~stable]) / 2
        step = _anderson(present[stable], change[stable], *([p[stable] for p in h] for h in (old_gamma, old_change)))
        longest = np.abs(step).max(axis=(1, 2), keepdims=True)
        gamma[active[stable]] = present[stable] + step * np.minimum(1, _TRUST / np.maximum(longest, 1e-30))
        # A state that stepped back has learned nothing: NaN takes that step out of its history.
        old_gamma.append(present)
        old_change.append(change)
    return np.where(converged[:, None, None], gamma, good), converged


def _indirect(direct: FloatArray, weight: FloatArray) -> FloatArray:
    """γ = h - c from c by the Ornstein-Zernike equation, for all pairs; NaN where S(k) is not positive."""
    points = direct.shape[-1]
    step = GRID_STEP * (GRID_POINTS + 1) / (points + 1)
    r = step * np.arange(1, points + 1)
    k = np.pi / (GRID_STEP * (GRID_POINTS + 1)) * np.arange(1, points + 1)
    c_aa, c_ab, c_bb = np.moveaxis(weight[..., None] * dst(direct * r, type=1) * (2 * np.pi * step) / k, 1, 0)
    determinant = (1 - c_aa) * (1 - c_bb) - c_ab**2
    h = np.stack([c_aa * (1 - c_bb) + c_ab**2, c_ab, c_bb * (1 - c_aa) + c_ab**2], axis=1) / determinant[:, None]
    gamma_k = (h - np.stack([c_aa, c_ab, c_bb], axis=1)) / weight[..., None]
    dk = k[0]
    gamma: FloatArray = dst(gamma_k * k, type=1) * (dk / (4 * np.pi**2)) / r
    unstable = ((determinant <= 0) | (c_aa >= 1) | (c_bb >= 1)).any(axis=-1)
    gamma[unstable] = np.nan
    return gamma


def _anderson(
    present: FloatArray, change: FloatArray, old_gamma: list[FloatArray], old_change: list[FloatArray]
) -> FloatArray:
    """Step from the last few steps: the combination of them that leaves the least change, then mixing."""
    if not old_gamma:
        return _MIXING * change
    n, size = len(present), present.shape[1] * present.shape[2]
    d_gamma = np.stack([present - part for part in old_gamma], axis=1).reshape(n, len(old_gamma), size)
    d_change = np.stack([change - part for part in old_change], axis=1).reshape(n, len(old_change), size)
    unknown = ~np.isfinite(d_change).all(axis=2)
    d_gamma[unknown], d_change[unknown] = 0.0, 0.0
    flat = change.reshape(n, size, 1)
    normal = d_change @ d_change.transpose(0, 2, 1)
    # A little of the trace keeps the equations solvable when two steps point the same way.
    scale = np.trace(normal, axis1=1, axis2=2)[:, None, None] + 1e-300
    normal = normal + 1e-10 * scale * np.eye(len(old_gamma))
    share = np.linalg.solve(normal, d_change @ flat)
    best = flat - d_change.transpose(0, 2, 1) @ share
    step = _MIXING * best - d_gamma.transpose(0, 2, 1) @ share
    return step.reshape(present.shape)
