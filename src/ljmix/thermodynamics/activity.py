"""Activity coefficients and excess free energy along an isotherm, by integrating the thermodynamic factor.

The excess free energy a particle is a Redlich-Kister series, g^E/T* = x_A x_B Σ_n a_n (x_A − x_B)ⁿ (Redlich and Kister
1948, doi:10.1021/ie50458a036). Its second derivative by x_B is what is measured, (Γ − 1)/(x_A x_B), so that the
coefficients follow by linear least squares, with their covariance, and activities by

    ln γ_A = g^E/T* − x_B ∂(g^E/T*)/∂x_B,    ln γ_B = g^E/T* + x_A ∂(g^E/T*)/∂x_B.

Coefficients have a normal prior, wide at first order and narrower beyond: where nothing was measured, the error grows.
If species have one size and one self-attraction (S = 1), the mixture with A and B exchanged is the same mixture: only
even n occur, each state stands for its mirror image too, and both pure ends are reached. Elsewhere the
reference set ends at C_B = 0.5, and activities are referred to pure A and to B at infinite dilution.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ljmix._util.arrays import FloatArray
from ljmix.state import DILUTE

__all__ = ["Isotherm", "fit_isotherm", "fit_isotherms"]

_PRIOR = (6.0, 3.0, 1.5, 0.75)
"""Standard deviation of a_0, a_1, … before anything is measured."""
_PASSES = 4
"""Passes in which errors relative to the fit replace those relative to the measured value."""


@dataclass(frozen=True)
class Isotherm:
    """Redlich-Kister coefficients of one mixture at one temperature.

    Attributes
    ----------
    orders : (n,) array
    coefficients : (n,) array
    covariance : (n, n) array
    chi2 : float
        Σ ((Γ − fit) / error)².
    n_states : int
    x_max : float
        Largest fraction of B measured, or 1 where the mirror image was.
    """

    orders: FloatArray
    coefficients: FloatArray
    covariance: FloatArray
    chi2: float
    n_states: int
    x_max: float

    def _basis(self, x: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        return _redlich_kister(np.asarray(x, dtype=float), self.orders)

    def _evaluate(self, design: FloatArray) -> tuple[FloatArray, FloatArray]:
        value = design @ self.coefficients
        error = np.sqrt(np.maximum(np.einsum("...i,ij,...j->...", design, self.covariance, design), 0))
        return np.asarray(value), np.asarray(error)

    def excess(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """g^E/T* and its standard error; zero for both pure liquids."""
        return self._evaluate(self._basis(x)[0])

    def factor(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Γ and its standard error."""
        x = np.asarray(x, dtype=float)
        value, error = self._evaluate((x * (1 - x))[..., None] * self._basis(x)[2])
        return 1 + value, error

    def log_activity_a(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Ln γ_A, referred to pure A."""
        x = np.asarray(x, dtype=float)
        g, slope, _ = self._basis(x)
        return self._evaluate(g - x[..., None] * slope)

    def log_activity_b(self, x: FloatArray, dilute: bool = True) -> tuple[FloatArray, FloatArray]:
        """Ln γ_B, referred to B at infinite dilution in A, or with ``dilute=False`` to pure B."""
        x = np.asarray(x, dtype=float)
        g, slope, _ = self._basis(x)
        design = g + (1 - x[..., None]) * slope
        if dilute:
            g0, slope0, _ = self._basis(np.zeros(1))
            design = design - (g0 + slope0)[0]
        return self._evaluate(design)


def _redlich_kister(x: FloatArray, orders: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """x(1−x)(1−2x)ⁿ and its first and second derivative by x, (..., n)."""
    x, n = x[..., None], orders
    d = 1 - 2 * x
    q, q1, q2 = x * (1 - x), d, -2.0

    def power(of: FloatArray) -> FloatArray:
        return np.where(of >= 0, d ** np.maximum(of, 0), 0.0)

    p, p1, p2 = power(n), -2 * n * power(n - 1), 4 * n * (n - 1) * power(n - 2)
    return q * p, q1 * p + q * p1, q2 * p + 2 * q1 * p1 + q * p2


def fit_isotherm(x: FloatArray, factor: FloatArray, error: FloatArray, symmetric: bool = False) -> Isotherm:
    """Fit the excess free energy of an isotherm to thermodynamic factors.

    Parameters
    ----------
    x : (n,) array
        Fractions of B, between 0 and 1.
    factor, error : (n,) arrays
        Γ and its standard error.
    symmetric : bool
        The mixture is its own mirror image: even orders only.

    Returns
    -------
    Isotherm

    Raises
    ------
    ValueError
        If there are fewer than two states, one of them is pure, or an error is not above zero.

    Notes
    -----
    Waves make Γ uncertain by a share of itself. An error taken from a measured Γ is small where that happens to be low,
    and pulls a fit down; so errors are taken relative to the fit, in a few passes.
    """
    x, factor, error = (np.asarray(values, dtype=float) for values in (x, factor, error))
    if len(x) < 2:
        raise ValueError(f"{len(x)} state: an isotherm needs two or more")
    if np.any(x <= 0) or np.any(x >= 1):
        raise ValueError("fractions must lie between 0 and 1: pure liquids have Γ = 1 by definition")
    if not np.all(error > 0):
        raise ValueError("every thermodynamic factor needs a standard error above 0")
    orders = np.arange(len(_PRIOR), dtype=float) * (2 if symmetric else 1)
    prior = np.diag(1 / np.array(_PRIOR) ** 2)
    design = (x * (1 - x))[:, None] * _redlich_kister(x, orders)[2]
    sigma = error
    for _ in range(_PASSES):
        weighted = design / sigma[:, None] ** 2
        covariance = np.asarray(np.linalg.inv(weighted.T @ design + prior), dtype=float)
        coefficients = covariance @ weighted.T @ (factor - 1)
        fitted = 1 + design @ coefficients
        sigma = error * np.clip(fitted / factor, 0.2, 5.0)
    chi2 = float(np.sum(((factor - fitted) / sigma) ** 2))
    return Isotherm(orders, coefficients, covariance, chi2, len(x), 1.0 if symmetric else float(x.max()))


def fit_isotherms(
    derived: pd.DataFrame, states: pd.DataFrame, extra: pd.DataFrame | None = None
) -> dict[tuple[float, float, float], Isotherm]:
    """Fit every isotherm on which each simulated state is mixed, and converged if B is not rare.

    At C_B = 0.01 most states miss the precision that the dataset asks of g_BB; Γ is near 1 there whatever happens.

    Parameters
    ----------
    derived : pandas.DataFrame
        As from `ljmix.thermodynamics.states.derive_states`.
    states : pandas.DataFrame
        All states of the dataset, to tell which isotherms are mixed throughout.
    extra : pandas.DataFrame, optional
        More states of the same isotherms, with the columns of `derived`.

    Returns
    -------
    dict
        By temperature, size ratio and ε_AB.
    """
    names = ["temperature", "size_ratio", "epsilon_ab"]
    good = (states["phase"] == "mixed") & (states["converged"] | (states["fraction_b"] <= DILUTE))
    whole = good.groupby([states[name] for name in names]).all()
    found = {}
    together = derived if extra is None or extra.empty else pd.concat([derived, extra], ignore_index=True)
    for key, rows in together.groupby(names):
        if bool(whole.get(key, False)):
            found[key] = fit_isotherm(
                rows["share_b"].to_numpy(), rows["factor_waves"].to_numpy(), rows["factor_waves_sem"].to_numpy(),
                symmetric=key[1] == 1.0,
            )  # fmt: skip
    return found
