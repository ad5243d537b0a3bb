"""What theory predicts without any training: integral equations, for one liquid or for two."""

from __future__ import annotations

from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from ljmix._util.arrays import FloatArray, interpolate
from ljmix.data.dataset import Dataset
from ljmix.models.features import check_distances, input_matrix
from ljmix.state import PAIRS, PARAMETERS, as_simulated, simulated_fractions
from ljmix.theory.cavity import (
    boltzmann_factors,
    clear_density_cache,
    estimated_density,
    packing_fraction,
    pair_constants,
)
from ljmix.theory.coexistence import clear_gap_cache, coexisting_liquids
from ljmix.theory.integral_equations import Mixtures, solve_mixtures

__all__ = [
    "THEORIES",
    "IntegralEquation",
    "Solutions",
    "TwoLiquids",
    "clear_solution_cache",
    "expected_log_cavity",
    "known_solutions",
    "liquid_parts",
    "remember_solutions",
    "solve_cavity",
]  # fmt: skip

THEORIES = ("percus-yevick", "hypernetted-chain", "two-liquids")

Solutions = dict[tuple[object, ...], FloatArray]
"""Logarithms of cavity functions by state, density and distances."""

_SOLVED: Solutions = {}
_MOST_SOLVED = 20_000
"""Solutions kept, 2.4 kB each."""

_BLOCK = 50
"""States solved at once: enough to fill the transforms, few enough to stay in the cache."""


class IntegralEquation(BaseEstimator):  # type: ignore[misc]
    """Ornstein-Zernike equation at the simulated density; knows nothing of the training curves.

    Parameters
    ----------
    name : {"percus-yevick", "hypernetted-chain"}
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def fit(self, dataset: Dataset) -> Self:
        """Take the width of the bins; there is nothing else to learn."""
        self.width_ = _bin_width(dataset)
        return self

    def predict(self, states: pd.DataFrame, r: npt.ArrayLike) -> FloatArray:
        """Predict the curves of state points; see `ljmix.models.base.Model.predict`.

        Parameters
        ----------
        states : pandas.DataFrame
            With `number_density` (σ_AA⁻³) beside the four numbers.
        r : (n_bins,) array_like

        Returns
        -------
        (n_states, 3, n_bins) array
            NaN for states where the equation has no solution that the solver finds.

        Raises
        ------
        ValueError
            If the density is missing.
        """
        distances = _checked(self, states, r)
        if "number_density" not in states:
            raise ValueError(f"{self.name}: column 'number_density' is missing; theory needs the density of a state")
        cavity = solve_cavity(states, states["number_density"].to_numpy(dtype=float), self.name, distances)
        return cavity * boltzmann_factors(states, distances, self.width_)


class TwoLiquids(BaseEstimator):  # type: ignore[misc]
    """Percus-Yevick in each of the liquids that a regular solution separates into; no simulation enters.

    Each liquid has the composition of `ljmix.theory.coexistence.coexisting_liquids` and the density that is
    estimated for it. Pairs are counted in both, weighed by their volumes; surfaces between them are left out,
    as in domains much larger than r. A mixture that does not separate is one liquid at its estimated density.
    """

    name = "two-liquids"

    def fit(self, dataset: Dataset) -> Self:
        """Take the width of the bins; there is nothing else to learn."""
        self.width_ = _bin_width(dataset)
        return self

    def predict(self, states: pd.DataFrame, r: npt.ArrayLike) -> FloatArray:
        """Predict the curves of state points; see `ljmix.models.base.Model.predict`.

        Returns
        -------
        (n_states, 3, n_bins) array
            NaN where one of the liquids has no solution.
        """
        distances = _checked(self, states, r)
        total = np.zeros((len(states), 2))
        pairs = np.zeros((len(states), len(PAIRS), len(distances)))
        parts = liquid_parts(states)
        for share, inside in parts:
            density = estimated_density(inside)
            x_b = inside["fraction_b"].to_numpy(dtype=float)
            concentration = density[:, None] * np.stack([1 - x_b, x_b], axis=1)
            cavity = solve_cavity(inside, density, "percus-yevick", distances)
            products = np.stack(
                [concentration[:, i] * concentration[:, j] for i, j in ((0, 0), (0, 1), (1, 1))], axis=1
            )
            there = share > 0
            total[there] += share[there, None] * concentration
            pairs[there] += share[there, None, None] * products[..., None] * cavity
        a, b = total.T
        g = pairs / np.stack([a * a, a * b, b * b], axis=1)[..., None]
        # A state is predicted as a whole: what one liquid lacks is missing in the sum.
        g[(parts[1][0] > 0) & np.isnan(g).any(axis=(1, 2))] = np.nan
        return g * boltzmann_factors(states, distances, self.width_)


def liquid_parts(states: pd.DataFrame) -> list[tuple[FloatArray, pd.DataFrame]]:
    """Return the A-rich liquid and the B-rich one that each state separates into.

    Returns
    -------
    list of (share, inside)
        For each liquid its share of the volume of the system, (n_states,), 0 where there is none, and its states:
        those of `states` where there is some, with the liquid's own `fraction_b`.
    """
    liquids = coexisting_liquids(states)
    volume_b = states["size_ratio"].to_numpy(dtype=float) ** 3
    volumes, insides = [], []
    for share, phi in ((1 - liquids.share, liquids.lean), (liquids.share, liquids.rich)):
        there = share > 0
        number_b = phi / volume_b
        inside = as_simulated(states).assign(fraction_b=number_b / (number_b + 1 - phi))[there]
        # The lever rule counts volume of particles; a liquid that packs them less densely takes more room.
        volume = np.zeros(len(states))
        volume[there] = share[there] / packing_fraction(inside)
        volumes.append(volume)
        insides.append(inside)
    return [(volume / sum(volumes), inside) for volume, inside in zip(volumes, insides, strict=True)]


def solve_cavity(states: pd.DataFrame, density: FloatArray, closure: str, r: FloatArray) -> FloatArray:
    """Cavity functions of AA, AB, BB by an integral equation, at given distances and densities.

    Parameters
    ----------
    states : pandas.DataFrame
    density : (n_states,) array
        Number density, σ_AA⁻³.
    closure : {"percus-yevick", "hypernetted-chain"}
    r : (n_bins,) array
        Distances, σ_AA.

    Returns
    -------
    (n_states, 3, n_bins) array
        NaN for states without a solution.
    """
    temperature = states["temperature"].to_numpy(dtype=float)
    mixtures = Mixtures(temperature, density, simulated_fractions(states), *pair_constants(states))
    cavity = np.empty((len(states), len(PAIRS), len(r)))
    for start in range(0, len(states), _BLOCK):
        rows = slice(start, start + _BLOCK)
        solution = solve_mixtures(mixtures[rows], closure)
        cavity[rows] = interpolate(r, solution.r, solution.cavity)
    return cavity


def clear_solution_cache() -> None:
    """Empty the caches of solutions, densities and gaps: a measured time must not hang on what came before."""
    _SOLVED.clear()
    clear_density_cache()
    clear_gap_cache()


def known_solutions() -> Solutions:
    """Give what `expected_log_cavity` has solved in this process, so that another one need not."""
    return dict(_SOLVED)


def remember_solutions(solutions: Solutions) -> None:
    """Take over what another process has solved, or this one before its caches were cleared."""
    _SOLVED.update(solutions)


def expected_log_cavity(states: pd.DataFrame, r: FloatArray) -> FloatArray:
    """Logarithm of the cavity function by Percus-Yevick at the estimated density.

    Solutions are kept for the life of the process: a benchmark asks for the same states in every fold.

    Returns
    -------
    (n_states, 3, n_bins) array
        NaN for all of a state that has no solution.
    """
    numbers = as_simulated(states)[list(PARAMETERS)].to_numpy(dtype=float).round(9)
    density = estimated_density(states)
    keys = [(*row, rho, r.tobytes()) for row, rho in zip(numbers.tolist(), density.tolist(), strict=True)]
    missing = [k for k, key in enumerate(keys) if key not in _SOLVED]
    if missing:
        asked = states.iloc[missing]
        with np.errstate(invalid="ignore"):  # a y below zero, as Percus-Yevick may give, has no logarithm
            log_y = np.log(solve_cavity(asked, density[missing], "percus-yevick", r))
        log_y[~np.isfinite(log_y).all(axis=(1, 2))] = np.nan
        known = {key: _SOLVED[key] for key in keys if key in _SOLVED}
        if len(_SOLVED) > _MOST_SOLVED:
            _SOLVED.clear()
        _SOLVED.update(known | {keys[k]: curves for k, curves in zip(missing, log_y, strict=True)})
    return np.stack([_SOLVED[key] for key in keys])


def _bin_width(dataset: Dataset) -> float:
    r = np.unique(dataset.rdf["r"].to_numpy())
    return float(np.diff(r).min())


def _checked(model: IntegralEquation | TwoLiquids, states: pd.DataFrame, r: npt.ArrayLike) -> FloatArray:
    check_is_fitted(model)
    distances = check_distances(r)
    input_matrix(states, distances[:1])  # checks the states as for every other model
    return distances
