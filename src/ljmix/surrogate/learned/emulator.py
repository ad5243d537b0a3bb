"""Answers without solving theory: processes that have learned curves and doubt of single liquids from `Parts`.

A solution of theory takes some 50 ms of CPU time, and the doubt of a Gaussian process a large matrix for each quantity.
Both are smooth functions of what describes a liquid, so that some thousand liquids teach them: ln y at equal r/σ_ij in
principal components, and the logarithms of standard deviations. All else is quick and is asked as ever: the equation of
state, phases, means of densities and thermodynamics, and how two liquids share a box
(`ljmix.surrogate.learned.branches`). So probabilities of demixing, shares and densities carry no error of emulation.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.spatial import cKDTree

from ljmix._util.arrays import FloatArray, cubic_rows
from ljmix.models.questions import BINS
from ljmix.surrogate.learned.branches import (
    Prediction,
    draw_states,
    predict_branches,
    state_columns,
    state_numbers,
)
from ljmix.surrogate.learned.curves import HIGHEST, SCALED_GRID
from ljmix.surrogate.learned.description import INPUTS, Description, describe, exchange
from ljmix.surrogate.learned.parts import Parts
from ljmix.surrogate.learned.process import Process
from ljmix.theory.cavity import boltzmann_factors, pair_constants
from ljmix.theory.splitting import Splitting

__all__ = ["EmulatedLiquids", "Emulator"]

_FIRST, _STEP, _LAST = 0.7, 0.025, 5.0
"""Distances in σ_ij at which ln y is learned; the last in σ_AA, of the smallest particles."""
_COMPONENTS, _TYPICAL = 120, 12
"""Principal components of ln y that are learned, and those that choose the lengths."""
_FLOOR = 0.1
"""ln(y + 0.1) is learned: between a few large particles y nearly vanishes, and spikes of ln y would spoil others."""
_LEAST = 1e-3
"""Least y that is told."""
_TESTED, _MOST_TESTED = 8, 128
"""One answer for so many liquids tests the emulator, and at most so many."""
_TRACE = 1e-5
_EDGE = 15.0
_FEWEST = 32
_BLOCK = 256
_SHARE = INPUTS.index("volume_share_b")
_DENSITY = 3
"""Column of doubt of the density: behind ln y of AA, AB and BB, before quantities."""
_PLAIN = ("components", "middle", "lowest", "highest", "holes")
"""Arrays that a file holds beside the processes."""


@dataclass(frozen=True)
class EmulatedLiquids:
    """States as one liquid each, see `ljmix.surrogate.learned.branches.Liquids`.

    Attributes
    ----------
    emulator : Emulator
    states : (n, 5) array
    described : Description
    inputs : (n, 6) array
    density : (n,) array
    spread : (n, n_columns) array
        Standard deviations in units of each output's amplitude.
    """

    emulator: Emulator
    states: FloatArray
    described: Description
    inputs: FloatArray
    density: FloatArray
    spread: FloatArray

    @property
    def known(self) -> npt.NDArray[np.bool_]:
        """False where the equation of state has no liquid."""
        return self.described.known

    @property
    def deviation(self) -> FloatArray:
        """Standard deviation of the density."""
        amplitude = self.emulator.parts.densities.process.amplitude
        return np.asarray(self.density * self.spread[:, _DENSITY] * np.sqrt(amplitude[0]))

    def take(self, rows: npt.NDArray[np.int64]) -> EmulatedLiquids:
        """Some of the states."""
        described = Description(*(value[rows] for value in vars(self.described).values()))
        arrays = (part[rows] for part in (self.inputs, self.density, self.spread))
        return EmulatedLiquids(self.emulator, self.states[rows], described, *arrays)

    def quantities(self) -> dict[str, tuple[FloatArray, FloatArray]]:
        """Value and standard deviation of each of `ljmix.surrogate.learned.thermodynamics.QUANTITIES`."""
        names = self.emulator.parts.thermodynamics.told
        spreads = {name: self.spread[:, _DENSITY + k] for k, name in enumerate(names, 1)}
        return self.emulator.parts.thermodynamics.predict(state_columns(self.states), self.described, spreads)

    def log_cavity(self, r: FloatArray) -> FloatArray:
        """Ln y of AA, AB, BB, (n, 3, n_bins)."""
        return self._log_cavity(r / self._sigma())

    def curves(self, r: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Curves and their standard deviation, (n, 3, n_bins) each."""
        scaled, curves = r / self._sigma(), self.emulator.parts.curves
        factors = boltzmann_factors(state_columns(self.states), r, curves.width)
        g = factors * np.exp(np.minimum(self._log_cavity(scaled), HIGHEST))
        # One liquid that is unstable has none; those that coexist are stable.
        g[~self.emulator.solvable(self.inputs)] = np.nan
        amplitudes = [np.sqrt(process.amplitude) for process in (curves.like, curves.unlike, curves.like)]
        each = [np.interp(scaled[:, k], SCALED_GRID, amplitude) for k, amplitude in enumerate(amplitudes)]
        return g, g * np.stack(each, axis=1) * self.spread[:, :_DENSITY, None]

    def _sigma(self) -> FloatArray:
        return pair_constants(state_columns(self.states))[0][..., None]

    def _log_cavity(self, scaled: FloatArray) -> FloatArray:
        emulator = self.emulator
        grid = emulator.middle + emulator.liquid.predict(self.inputs) @ emulator.components
        raised = cubic_rows(scaled, _FIRST, _STEP, grid.reshape(len(grid), 3, -1))
        raised[~self.known] = np.nan
        return np.log(np.maximum(np.exp(raised) - _FLOOR, _LEAST))


@dataclass
class Emulator:
    """Emulates the slow part of `parts`, as a `ljmix.surrogate.learned.branches.Source`.

    Attributes
    ----------
    parts : Parts
    liquid : Process
        Principal components of ln(y + 0.1).
    doubt : Process
        Ln of standard deviations in units of each output's amplitude: of ln y of AA, AB, BB, of the density, and of
        each quantity that the dataset tells of.
    components : (n_components, 3 n_grid) array
    middle : (3 n_grid,) array
        Mean of ln(y + 0.1).
    lowest, highest : (4,) arrays
        The box that was taught, in the order of `ljmix.state.PARAMETERS`; and of coexisting liquids any C_B.
    holes : (n_holes, 6) array
        Inputs of liquids that theory has no solution for.
    errors : dict
        Of answers over the box that were solved too: `mixed_rms`, `mixed_worst`, `demixed_rms`, `demixed_worst`, of g
        over all bins.
    """

    parts: Parts
    liquid: Process
    doubt: Process
    components: FloatArray
    middle: FloatArray
    lowest: FloatArray
    highest: FloatArray
    holes: FloatArray
    errors: dict[str, float]

    @property
    def width(self) -> float:
        """Width of the bins of g(r), σ_AA."""
        return self.parts.width

    @classmethod
    def fit(cls, parts: Parts, states: pd.DataFrame, n: int, seed: int = 0) -> Self:
        """Ask `parts` for liquids drawn over the box of simulated states, and learn the answers.

        Parameters
        ----------
        parts : Parts
        states : pandas.DataFrame
            Simulated states.
        n : int
            How many liquids, rounded up to a power of 2.
        seed : int
            Of the draw.

        Raises
        ------
        ValueError
            If theory has a solution for fewer than 32 of them.
        """
        numbers = state_numbers(states)[:, :4]
        lowest, highest = numbers.min(axis=0), numbers.max(axis=0)
        drawn = _taught(lowest, highest, n, seed)
        described = describe(state_columns(drawn), parts.densities.strength)
        grid = np.arange(_FIRST, _LAST / min(lowest[2], 1.0) + _STEP, _STEP)
        log_y = np.concatenate([_solve(parts, drawn[k : k + _BLOCK], grid) for k in range(0, len(drawn), _BLOCK)])
        solved = np.isfinite(log_y).all(axis=1)
        if solved.sum() < _FEWEST:
            raise ValueError(
                f"theory has a solution for {solved.sum()} of {len(drawn)} liquids: {_FEWEST} are needed to emulate it"
            )
        curves = np.logaddexp(log_y[solved], np.log(_FLOOR))
        middle = curves.mean(axis=0)
        curves -= middle
        components = _principal(curves)
        inputs = _inputs(described)
        typical = np.arange(len(components)) < _TYPICAL
        found = cls(
            parts, _learn(inputs[solved], curves @ components.T, typical),
            _learn(inputs[described.known], _doubts(parts, described.inputs[described.known])), components, middle,
            lowest, highest, inputs[described.known & ~solved], {},
        )  # fmt: skip
        found.errors = found.compare(draw_states(lowest, highest, min(n // _TESTED, _MOST_TESTED), seed + 1))
        return found

    def covers(self, states: FloatArray) -> npt.NDArray[np.bool_]:
        """Whether states, (n, 5), lie in the box that was taught."""
        four = states[:, :4]
        inside = (four >= self.lowest - 1e-9) & (four <= self.highest + 1e-9)
        return np.asarray(inside.all(axis=1) & (states[:, 4] == 1))

    def predict(self, states: FloatArray, r: FloatArray, box_edge: FloatArray) -> Prediction:
        """Predict both branches, see `ljmix.surrogate.learned.branches.predict_branches`."""
        return predict_branches(self, states, r, box_edge)

    def liquids(self, states: FloatArray) -> EmulatedLiquids:
        """Of each state, (n, 5), as one liquid."""
        described = describe(state_columns(states), self.parts.densities.strength)
        inputs = np.where(described.known[:, None], _inputs(described), 0.0)
        density = self.parts.densities.mean(described)
        return EmulatedLiquids(self, states, described, inputs, density, np.exp(self.doubt.predict(inputs)))

    def separate(self, states: FloatArray, box_edge: FloatArray) -> tuple[Splitting, FloatArray]:
        """As `Parts.separate`."""
        return self.parts.separate(states, box_edge)

    def solvable(self, inputs: FloatArray) -> npt.NDArray[np.bool_]:
        """Whether theory has a solution for the nearest liquid that was drawn, (n,)."""
        if not len(self.holes):
            return np.ones(len(inputs), dtype=bool)
        asked = (inputs - self.liquid.centre) / self.liquid.scale / self.liquid.lengths
        solved, without = (tree.query(asked)[0] for tree in self._trees)
        return np.asarray(solved < without)

    @cached_property
    def _trees(self) -> tuple[cKDTree, cKDTree]:
        """Liquids that were drawn, in lengths of the process: those with a solution and those without."""
        holes = (self.holes - self.liquid.centre) / self.liquid.scale
        return cKDTree(self.liquid.known / self.liquid.lengths), cKDTree(holes / self.liquid.lengths)

    def compare(self, states: FloatArray) -> dict[str, float]:
        """Errors of emulated answers to states, (n, 5), against solved ones; as `errors`."""
        edges = np.full(len(states), _EDGE)
        fast, solved = (predict_branches(source, states, BINS, edges).g for source in (self, self.parts))
        off = np.abs(fast - solved)
        answer = {}
        for name, part in zip(("mixed", "demixed"), off, strict=True):
            known = part[np.isfinite(part)]
            answer[f"{name}_rms"] = float(np.sqrt((known**2).mean())) if known.size else np.nan
            answer[f"{name}_worst"] = float(known.max()) if known.size else np.nan
        return answer

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """All numbers by name, for a file."""
        return {
            **{f"emulator/{name}": getattr(self, name) for name in _PLAIN},
            **self.liquid.arrays("emulator/liquid/"),
            **self.doubt.arrays("emulator/doubt/"),
            **{f"emulator/errors/{name}": np.array(value) for name, value in self.errors.items()},
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, npt.NDArray[Any]], parts: Parts) -> Self | None:
        """Read what `arrays` has written; None where there is none."""
        if "emulator/components" not in arrays:
            return None
        liquid, doubt = (Process.from_arrays(f"emulator/{name}/", arrays) for name in ("liquid", "doubt"))
        start = "emulator/errors/"
        errors = {name.removeprefix(start): float(value) for name, value in arrays.items() if name.startswith(start)}
        plain = {name: arrays[f"emulator/{name}"] for name in _PLAIN}
        return cls(parts, liquid, doubt, **plain, errors=errors)


def _taught(lowest: FloatArray, highest: FloatArray, n: int, seed: int) -> FloatArray:
    """States to learn from: half with the fractions of the box, half with any that a coexisting liquid may have."""
    states = draw_states(lowest, highest, n, seed)
    # Each half of a Sobol sequence fills the box; every other point would fill half of it.
    rest = states[len(states) // 2 :]
    share = (1 - np.cos(np.pi * (rest[:, 1] - lowest[1]) / max(highest[1] - lowest[1], 1e-9))) / 2  # of the volume
    rest[:, 1] = share / (share + (1 - share) * rest[:, 2] ** 3)
    states[:, 1] = np.clip(states[:, 1], _TRACE, 1 - _TRACE)
    return states


def _inputs(described: Description) -> FloatArray:
    """Description with the angle of the volume share in its place: even where one species is a trace, (n, 6)."""
    inputs = described.inputs.copy()
    inputs[:, _SHARE] = np.arccos(np.clip(1 - 2 * inputs[:, _SHARE], -1.0, 1.0)) / np.pi
    return inputs


def _solve(parts: Parts, states: FloatArray, grid: FloatArray) -> FloatArray:
    """Ln y of all pairs at distances in σ_ij, (n, 3 n_grid)."""
    distances = grid * pair_constants(state_columns(states))[0][..., None]
    return parts.liquids(states).log_cavity(distances).reshape(len(states), -1)


def _principal(curves: FloatArray) -> FloatArray:
    """Orthogonal shapes that curves about their mean are sums of, the largest first, (n_components, n_points)."""
    _, axes = np.linalg.eigh(curves.T @ curves)
    return np.ascontiguousarray(axes[:, ::-1][:, : min(_COMPONENTS, len(curves))].T)


def _doubts(parts: Parts, inputs: FloatArray) -> FloatArray:
    """Outputs of the process `doubt`, (n, n_columns)."""
    curves = parts.curves
    asked = [(curves.like, inputs), (curves.unlike, inputs), (curves.like, exchange(inputs))]
    asked += [(parts.densities.process, inputs), *parts.thermodynamics.asked(inputs).values()]
    return np.stack([np.log(process.spread(where)) for process, where in asked], axis=1)


def _learn(inputs: FloatArray, values: FloatArray, typical: npt.NDArray[np.bool_] | None = None) -> Process:
    """A process of numbers that have no errors."""
    return Process.fit(inputs, values, np.zeros_like(values), typical, centred=True)
