"""Theory without solving it: a process that has learned ln y of HMSA from states drawn all over the box.

A solution takes some 60 ms of CPU time, which is most of what a prediction takes; a process answers thousands at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.interpolate import make_interp_spline
from scipy.stats import qmc

from ljmix._util.arrays import FloatArray, interpolate, interpolate_rows
from ljmix.state import PARAMETERS
from ljmix.surrogate.learned.description import Description, describe, exchange
from ljmix.surrogate.learned.parts import Parts
from ljmix.surrogate.learned.process import Process
from ljmix.theory.cavity import boltzmann_factors, pair_constants
from ljmix.theory.liquid import DISTANCES, theory_log_cavity

__all__ = ["Emulator"]

_GRID: FloatArray = np.concatenate([np.arange(0.7, 3.0, 0.025), np.arange(3.0, 10.01, 0.05)])
"""Distances in σ_ij."""
_TYPICAL = (0.95, 3.3)
_ERROR = 1e-4
"""Of a solution: the tolerance of its iteration, and the interpolation between its distances."""
_MOST_ROWS = 400
"""Solutions, and mirrored ones, that choose the lengths."""
_TESTED = 8
"""One state in so many tests the emulator and does not teach it."""
_BINS = np.arange(0.525, 5.0, 0.05)


@dataclass
class Emulator:
    """Emulated theory; called as `ljmix.surrogate.learned.curves.solve_theory`.

    Attributes
    ----------
    like, unlike : Process
    error : float
        Root mean square error of g from emulated instead of solved theory, over states that did not teach.
    worst : float
        Largest error of any bin of them.
    """

    like: Process
    unlike: Process
    error: float
    worst: float

    @classmethod
    def fit(cls, parts: Parts, states: pd.DataFrame, n: int = 512, seed: int = 0) -> Self:
        """Solve theory for states drawn over the box of `states`, and learn the solutions.

        Parameters
        ----------
        parts : Parts
            Their densities are those at which theory is solved.
        states : pandas.DataFrame
            Simulated states. C_B is drawn from 0 to 1: coexisting liquids may be nearly pure.
        n : int
            How many states, rounded up to a power of 2.
        seed : int
            Of the draw.
        """
        drawn = _draw(states, n, seed)
        described = describe(drawn, parts.densities.strength)
        density, _ = parts.densities.predict(described)
        theory = theory_log_cavity(drawn, density)
        solved = np.flatnonzero(np.isfinite(theory).all(axis=(1, 2)))
        tested = solved[::_TESTED]
        taught = np.setdiff1d(solved, tested)
        values, errors = _on_grid(theory[taught], pair_constants(drawn.iloc[taught])[0])
        inputs = described.inputs[taught]
        both = np.concatenate([inputs, exchange(inputs)])
        typical = (_TYPICAL[0] < _GRID) & (_TYPICAL[1] > _GRID)
        processes = []
        for first, second in ((0, 2), (1, 1)):
            value, error = (np.concatenate([part[:, first], part[:, second]]) for part in (values, errors))
            processes.append(Process.fit(both, value, error, typical, centred=True, most_rows=_MOST_ROWS))
        like, unlike = processes
        found = cls(like, unlike, np.nan, np.nan)
        part = drawn.iloc[tested].reset_index(drop=True)
        some = Description(*(value[tested] for value in vars(described).values()))
        factor = boltzmann_factors(part, _BINS, parts.curves.width)
        truth = factor * np.exp(interpolate(_BINS, DISTANCES, theory[tested]))
        miss = np.abs(factor * np.exp(found(part, some, density[tested], _BINS)) - truth)
        return cls(like, unlike, float(np.sqrt(np.mean(miss**2))), float(miss.max()))

    def __call__(self, states: pd.DataFrame, described: Description, density: FloatArray, r: FloatArray) -> FloatArray:
        """Ln y of theory, (n_states, 3, n_bins); NaN where the equation of state has no liquid."""
        inputs = np.where(described.known[:, None], described.inputs, 0.0)
        values = np.stack(
            [self.like.predict(inputs), self.unlike.predict(inputs), self.like.predict(exchange(inputs))], axis=1
        )
        values[~described.known] = np.nan
        return interpolate_rows(r / pair_constants(states)[0][..., None], _GRID, values)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """All numbers by name, for a file."""
        errors = {"emulator/error": np.array(self.error), "emulator/worst": np.array(self.worst)}
        return {**self.like.arrays("emulator/like/"), **self.unlike.arrays("emulator/unlike/"), **errors}

    @classmethod
    def from_arrays(cls, arrays: dict[str, npt.NDArray[Any]]) -> Self | None:
        """Read what `arrays` has written; None where there is none."""
        if "emulator/error" not in arrays:
            return None
        like, unlike = (Process.from_arrays(f"emulator/{name}/", arrays) for name in ("like", "unlike"))
        return cls(like, unlike, float(arrays["emulator/error"]), float(arrays["emulator/worst"]))


def _draw(states: pd.DataFrame, n: int, seed: int) -> pd.DataFrame:
    values = states[list(PARAMETERS)].to_numpy(dtype=float)
    lowest, highest = values.min(axis=0), values.max(axis=0)
    unit = qmc.Sobol(len(PARAMETERS), scramble=True, seed=np.random.default_rng(seed)).random_base2(
        max(3, int(np.ceil(np.log2(n))))
    )
    table = pd.DataFrame(lowest + (highest - lowest) * unit, columns=list(PARAMETERS))
    # Denser towards both pure liquids, where coexisting ones lie.
    share = (1 - np.cos(np.pi * unit[:, PARAMETERS.index("fraction_b")])) / 2
    return table.assign(fraction_b=np.clip(share, 1e-4, 1 - 1e-4))


def _on_grid(theory: FloatArray, sigma: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Solutions at `_GRID`; the error is infinite beyond their range."""
    values, errors = np.zeros((*theory.shape[:2], len(_GRID))), np.full((*theory.shape[:2], len(_GRID)), np.inf)
    for n, pair in np.ndindex(*theory.shape[:2]):
        at = _GRID * sigma[n, pair]
        inside = at <= DISTANCES[-1]
        values[n, pair, inside] = make_interp_spline(DISTANCES, theory[n, pair], k=3)(at[inside])
        errors[n, pair, inside] = _ERROR
    return values, errors
