"""Does free energy out of structure change with temperature as the enthalpies say: the relation of Gibbs and Helmholtz.

Γ/(x_A x_B) is the second derivative of βg by composition, and ∂(βg)/∂β = h at constant pressure and composition. So

    ∂/∂β [Γ/(x_A x_B)] = ∂²h/∂x²,

the left from structure factors at several temperatures, the right from energies and densities at several compositions.
Nothing in either knows of the other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import brentq, minimize_scalar

from ljmix._util.arrays import FloatArray

__all__ = ["Line", "compare_slopes", "fit_line_through_origin"]

_DEGREE = 3
"""Degree of the polynomial in x_B through the enthalpies of an isotherm; for S = 1 even powers of (x_A − x_B) to 4."""


@dataclass(frozen=True)
class Line:
    """Slope of y = b x with errors on both axes, its standard error, and χ² a degree of freedom."""

    slope: float
    sem: float
    chi2: float
    within_two: float


def compare_slopes(derived: pd.DataFrame, states: pd.DataFrame) -> pd.DataFrame:
    """Both sides of the relation, at every state that has mixed, converged neighbours in temperature.

    Parameters
    ----------
    derived : pandas.DataFrame
        As from `ljmix.thermodynamics.states.derive_states`.
    states : pandas.DataFrame
        The `states` table.

    Returns
    -------
    pandas.DataFrame
        `temperature`, `fraction_b`, `size_ratio`, `epsilon_ab`; `from_factor`, `from_enthalpy` and their `_sem`, ε_AA;
        `z`, their difference in standard errors. One row for three neighbouring temperatures, at the middle one.
    """
    enthalpy = _enthalpy_curvatures(states)
    rows = []
    for (fraction, size_ratio, epsilon), line in derived.groupby(["fraction_b", "size_ratio", "epsilon_ab"]):
        line = line.sort_values("temperature")
        t = line["temperature"].to_numpy()
        shares = line["share_b"].to_numpy()
        scale = 1 / (shares * (1 - shares))
        y, sem = line["factor_waves"].to_numpy() * scale, line["factor_waves_sem"].to_numpy() * scale
        for i in range(1, len(t) - 1):
            if not np.allclose(np.diff(t[i - 1 : i + 2]), 0.2):
                continue
            middle = enthalpy.get((t[i], size_ratio, epsilon))
            if middle is None:
                continue
            value, error = middle(float(shares[i]))
            slope, slope_sem = _slope(1 / t[i - 1 : i + 2], y[i - 1 : i + 2], sem[i - 1 : i + 2])
            rows.append(
                {
                    "temperature": t[i], "fraction_b": fraction, "size_ratio": size_ratio, "epsilon_ab": epsilon,
                    "from_factor": slope, "from_factor_sem": slope_sem, "from_enthalpy": value,
                    "from_enthalpy_sem": error, "z": (slope - value) / math.hypot(slope_sem, error),
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def _slope(beta: FloatArray, y: FloatArray, sem: FloatArray) -> tuple[float, float]:
    """Derivative at the middle of three points, of the parabola through them: uneven steps in β do not bias it."""
    (b0, b1, b2) = beta
    weights = np.array([
        (b1 - b2) / ((b0 - b1) * (b0 - b2)), 1 / (b1 - b0) + 1 / (b1 - b2), (b1 - b0) / ((b2 - b0) * (b2 - b1))
    ])  # fmt: skip
    return float(weights @ y), float(np.sqrt(weights**2 @ sem**2))


class _Curvature:
    """∂²h/∂x² of one isotherm, from a polynomial through its enthalpies and that of pure A."""

    def __init__(self, x: FloatArray, h: FloatArray, sem: FloatArray, symmetric: bool) -> None:
        self.symmetric = symmetric
        design = self._basis(x)
        weighted = design / sem[:, None] ** 2
        self.covariance = np.linalg.inv(weighted.T @ design)
        self.coefficients = self.covariance @ weighted.T @ h
        free = len(x) - design.shape[1]
        chi2 = float(np.sum(((h - design @ self.coefficients) / sem) ** 2))
        # A polynomial that does not fit says less than its formal errors.
        self.covariance = self.covariance * max(1.0, chi2 / max(free, 1))

    def _basis(self, x: FloatArray) -> FloatArray:
        if self.symmetric:
            return np.stack([(1 - 2 * x) ** n for n in (0, 2, 4)], axis=-1)
        return np.stack([x**n for n in range(_DEGREE + 1)], axis=-1)

    def __call__(self, x: float) -> tuple[float, float]:
        if self.symmetric:
            design = np.array([0.0, 8.0, 48.0 * (1 - 2 * x) ** 2])
        else:
            design = np.array([n * (n - 1) * x ** max(n - 2, 0) for n in range(_DEGREE + 1)])
        return float(design @ self.coefficients), float(np.sqrt(design @ self.covariance @ design))


def _enthalpy_curvatures(states: pd.DataFrame) -> dict[tuple[float, float, float], _Curvature]:
    good = states[states["converged"] & (states["phase"] == "mixed")]
    h = good["potential_energy"] + good["pressure"] / good["number_density"]
    sem = np.hypot(
        good["potential_energy_sem"], good["pressure"] / good["number_density"] ** 2 * good["number_density_sem"]
    )
    table = good[["temperature", "size_ratio", "epsilon_ab"]].assign(
        x=good["n_b"] / good["n_particles"], h=h, sem=sem
    )  # fmt: skip
    # The colour mixture is pure A, whatever its labels.
    colour = table[(table["size_ratio"] == 1) & (table["epsilon_ab"] == 1)]
    pure = {
        t: (float(np.average(p["h"], weights=p["sem"] ** -2.0)), float(np.sqrt(1 / np.sum(p["sem"] ** -2.0))))
        for t, p in colour.groupby("temperature")
    }
    found = {}
    for key, rows in table.groupby(["temperature", "size_ratio", "epsilon_ab"]):
        x, values, errors = (rows[name].to_numpy(dtype=float) for name in ("x", "h", "sem"))
        if key[0] in pure:
            value, error = pure[key[0]]
            x, values, errors = np.append(x, 0.0), np.append(values, value), np.append(errors, error)
        symmetric = key[1] == 1.0
        if len(x) > (3 if symmetric else _DEGREE + 1):
            found[key] = _Curvature(x, values, errors, symmetric)
    return found


def fit_line_through_origin(x: FloatArray, y: FloatArray, x_sem: FloatArray, y_sem: FloatArray) -> Line:
    """Slope of y = b x of largest likelihood, with errors on both axes (York 1966, doi:10.1139/p66-090).

    Minimises χ²(b) = Σ (y − b x)² / (σ_y² + b² σ_x²); the error is where χ² has grown by 1, scaled by √(χ²/ν) where
    that is above 1.

    Parameters
    ----------
    x, y, x_sem, y_sem : (n,) arrays

    Returns
    -------
    Line
        `within_two` is the share of points within two standard errors of y = x.

    Raises
    ------
    ValueError
        If there are fewer than three points.
    """
    if len(x) < 3:
        raise ValueError(f"{len(x)} points: a line with an error needs three or more")

    def chi2(slope: float) -> float:
        return float(np.sum((y - slope * x) ** 2 / (y_sem**2 + slope**2 * x_sem**2)))

    best = minimize_scalar(chi2, bounds=(0.0, 3.0), method="bounded", options={"xatol": 1e-6})
    least, free = float(best.fun), len(x) - 1
    grow = max(1.0, least / free)
    upper = brentq(lambda slope: chi2(slope) - least - grow, best.x, best.x + 10)
    lower = brentq(lambda slope: chi2(slope) - least - grow, best.x - 10, best.x)
    inside = np.abs(y - x) < 2 * np.hypot(x_sem, y_sem)
    return Line(float(best.x), (upper - lower) / 2, least / free, float(inside.mean()))
