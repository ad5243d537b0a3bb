"""From a functional and a field to the profile: the Euler-Lagrange equation by mixed iteration."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ljmix._util.arrays import FloatArray

__all__ = ["bin_field", "solve_profile"]

_MEMORY = 6
_FORBIDDEN = 80.0
"""βV from which a bin counts as empty."""
_CLIMB = 3.0
"""Largest ln ρ of an iterate."""


def bin_field(field: Callable[[FloatArray], FloatArray], bins: int, spacing: float, temperature: float) -> FloatArray:
    """Field of a bin such that exp(−βV) is the bin's average.

    A histogram averages ρ over a bin. Near a wall ρ changes by a factor within one, and V at its centre would be wrong
    by more than the noise; c1 is smooth, so that the average is one of exp(−βV).

    Parameters
    ----------
    field : callable
        V(z), ε.
    bins : int
    spacing : float
        Width of a bin, σ; the first begins at z = 0.
    temperature : float
        T*.

    Returns
    -------
    (bins,) array
        V, ε.
    """
    x, weight = np.polynomial.legendre.leggauss(8)
    z = (np.arange(bins)[:, None] + (x[None] + 1) / 2) * spacing
    energy = np.asarray(field(z), dtype=float) / temperature
    lowest = energy.min(axis=1)
    inside = np.isfinite(lowest)
    safe = np.where(inside, lowest, 0.0)
    average = np.exp(-(energy - safe[:, None])) @ (weight / 2)
    with np.errstate(divide="ignore"):
        return np.where(inside, temperature * (safe - np.log(average)), np.inf)


def solve_profile(
    c1: Callable[[FloatArray], FloatArray],
    beta_field: FloatArray,
    bin_volume: float,
    *,
    beta_mu: float | None = None,
    amount: float | None = None,
    start: FloatArray | None = None,
    mixing: float = 0.1,
    tolerance: float = 1e-7,
    most: int = 4000,
) -> FloatArray:
    """Solve ρ = exp(βμ − βV + c1[ρ]), at a chemical potential or for a number of particles.

    Picard steps with Anderson mixing over the last six iterates.

    Parameters
    ----------
    c1 : callable
        One-body direct correlation function of a density on the grid.
    beta_field : array
        βV; infinite where no particle may be.
    bin_volume : float
        Volume of a bin in the directions kept.
    beta_mu : float, optional
        βμ, with the thermal wavelength set to σ.
    amount : float, optional
        Particles in the grid for each unit of the directions left out; exactly one of the two is given.
    start : array, optional
        Density to begin from.
    mixing : float
        Share of a Picard step.
    tolerance : float
        Largest change of ρ at the solution, 1/σ³.
    most : int
        Number of iterations after which it gives up.

    Returns
    -------
    array
        ρ, 1/σ³.

    Raises
    ------
    ValueError
        If not exactly one of `beta_mu` and `amount` is given, or a value is not finite.
    RuntimeError
        If it does not converge.
    """
    if (beta_mu is None) == (amount is None):
        raise ValueError("give either a chemical potential or a number of particles")
    if amount is not None and not amount > 0:
        raise ValueError(f"number of particles = {amount}: must be positive")
    field = np.asarray(beta_field, dtype=float)
    if np.isnan(field).any() or (field == -np.inf).any():
        raise ValueError("the external field must be a number or +infinity everywhere")
    open_bins = field < _FORBIDDEN + np.min(field, initial=np.inf)
    if not np.isfinite(field[open_bins]).any():
        raise ValueError("the external field leaves no room for a particle")
    field = np.where(open_bins, field, 0.0)

    def step(rho: FloatArray) -> FloatArray:
        exponent = c1(rho) - field
        if beta_mu is not None:
            new = np.exp(np.minimum(exponent + beta_mu, _CLIMB))
        else:
            new = np.exp(exponent - exponent[open_bins].max())
        new = np.where(open_bins, new, 0.0)
        return new if amount is None else new * (amount / (new.sum() * bin_volume))

    rho = _first_guess(field, open_bins, bin_volume, beta_mu, amount) if start is None else np.array(start, dtype=float)
    rho = np.where(open_bins, np.maximum(rho, 1e-30), 0.0)
    past: list[tuple[FloatArray, FloatArray]] = []
    best, share = np.inf, mixing
    for iteration in range(most):
        change = step(rho) - rho
        size = float(np.abs(change).max())
        if size < tolerance:
            return rho
        if not np.isfinite(size):
            break
        if size > 4 * best and iteration > 20:
            # Anderson's guess led astray: forget, and go on with short plain steps.
            past, share, best = [], max(share / 2, mixing / 16), size
        best = min(best, size)
        past = [*past[-(_MEMORY - 1) :], (rho, change)]
        rho = np.where(open_bins, _mix(past, share, iteration), 0.0)
    raise RuntimeError(
        f"the profile did not converge in {iteration + 1} iterations (largest change {size:.1e}, allowed "
        f"{tolerance:.0e}); begin from a nearby profile (start) or take shorter steps (mixing, now {mixing:g})"
    )


def _first_guess(
    field: FloatArray, open_bins: FloatArray, bin_volume: float, beta_mu: float | None, amount: float | None
) -> FloatArray:
    """Ideal gas, cut at a liquid's density."""
    boltzmann = np.where(open_bins, np.exp(-(field - field[open_bins.astype(bool)].min())), 0.0)
    if amount is None:
        return np.minimum(boltzmann * 0.3, 0.3)
    mean = amount / (open_bins.sum() * bin_volume)
    rho: FloatArray = np.minimum(boltzmann, 1.0) + 0.02 * open_bins
    rho *= amount / (rho.sum() * bin_volume)
    return np.asarray(np.minimum(rho, max(0.7, mean)))


def _mix(past: list[tuple[FloatArray, FloatArray]], share: float, iteration: int) -> FloatArray:
    """Next iterate: a plain step at first and in every fourth place, else Anderson's."""
    rho, change = past[-1]
    plain = np.maximum(rho + share * change, 1e-30)
    if iteration < 15 or len(past) < 3 or iteration % 4 == 0:
        return plain
    changes = np.array([(change - other).ravel() for _, other in past[:-1]]).T
    moves = np.array([(rho - other).ravel() for other, _ in past[:-1]]).T
    weights = np.linalg.lstsq(changes, change.ravel(), rcond=1e-8)[0]
    guess = (rho.ravel() - moves @ weights + share * (change.ravel() - changes @ weights)).reshape(rho.shape)
    return np.where(guess > 0, np.minimum(guess, rho + 0.5), rho / 2)
