"""What liquid-state theory says of one liquid: ln y by Ornstein-Zernike with the HMSA closure."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ljmix._util.arrays import FloatArray
from ljmix.state import PAIRS, PARAMETERS
from ljmix.theory.cavity import pair_constants
from ljmix.theory.integral_equations import GRID_POINTS, GRID_STEP, Mixtures, solve_mixtures

__all__ = ["DISTANCES", "clear_theory_cache", "theory_log_cavity"]

DISTANCES: FloatArray = GRID_STEP * np.arange(1, min(GRID_POINTS, 360) + 1, dtype=float)
"""Distances of the solutions that are kept, σ_AA: up to 7.2, beyond which no curve is simulated or predicted."""

_BLOCK, _COARSE = 8, 8
"""States solved at once, few enough for a processor's cache, and how much coarser the grid is that is solved first."""
_TRACE = 1e-7
"""Fraction that stands for none: the equation divides by it."""
_SOLVED: dict[tuple[float, ...], FloatArray] = {}
_MOST_SOLVED = 10_000
"""Solutions kept, 9 kB each: folds of a benchmark ask for the same states again."""


def theory_log_cavity(states: pd.DataFrame, density: FloatArray) -> FloatArray:
    """Logarithm of the cavity function of AA, AB, BB at `DISTANCES`.

    Parameters
    ----------
    states : pandas.DataFrame, or a dictionary of its columns
    density : (n_states,) array
        Number density, σ_AA⁻³.

    Returns
    -------
    (n_states, 3, n_distances) array
        NaN for all of a state that has no solution, and where the density is NaN.
    """
    fractions = np.clip(np.asarray(states["fraction_b"], dtype=float), _TRACE, 1 - _TRACE)
    asked = pd.DataFrame(states).assign(fraction_b=fractions)
    numbers = np.column_stack([asked[list(PARAMETERS)].to_numpy(dtype=float), density])
    keys = [tuple(row) for row in numbers.round(9).tolist()]
    nothing = np.full((len(PAIRS), len(DISTANCES)), np.nan)
    wanted = {key: k for k, key in enumerate(keys) if key not in _SOLVED and np.isfinite(density[k])}
    known = {key: _SOLVED[key] for key in keys if key in _SOLVED}
    if len(_SOLVED) + len(wanted) > _MOST_SOLVED:
        _SOLVED.clear()
    rows = np.array(list(wanted.values()), dtype=np.int64)
    if len(rows):
        part = asked.iloc[rows]
        mixtures = Mixtures(numbers[rows, 0], density[rows], numbers[rows, 1], *pair_constants(part))
        for start in range(0, len(rows), _BLOCK):
            block = slice(start, start + _BLOCK)
            cavity = solve_mixtures(mixtures[block], "hmsa", coarse=_COARSE).cavity[..., : len(DISTANCES)]
            with np.errstate(invalid="ignore", divide="ignore"):  # a y of zero or below has no logarithm
                log_y = np.log(cavity)
            log_y[~np.isfinite(log_y).all(axis=(1, 2))] = np.nan
            known |= dict(zip(list(wanted)[block], log_y, strict=True))
    _SOLVED.update(known)
    return np.stack([known.get(key, nothing) for key in keys]) if keys else np.empty((0, *nothing.shape))


def clear_theory_cache() -> None:
    """Empty the cache of solutions: a measured time must not hang on what came before."""
    _SOLVED.clear()
