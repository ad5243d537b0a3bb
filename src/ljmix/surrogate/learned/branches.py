"""Both branches of a state, one liquid and two side by side, from what is told of single liquids.

Who tells is left open: `ljmix.surrogate.learned.parts.Parts` solves equations for it, and
`ljmix.surrogate.learned.emulator.Emulator` has learned the solutions.

Of two liquids: nothing but what is known of one. A pair of places r apart lies in the lean liquid, in the rich one, or
one in each; how often follows from the shape of the domain (`ljmix.theory.splitting.overlap`). In a liquid of
concentrations c_i there are c_i c_j y(r) e^(-βu) pairs per volume squared, with the y of that liquid; across the
interface the mean of both y.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import qmc

from ljmix._util.arrays import FloatArray
from ljmix.state import PAIRS, PARAMETERS, as_simulated
from ljmix.structure.phase import lever_rule
from ljmix.surrogate.learned.curves import HIGHEST
from ljmix.surrogate.learned.thermodynamics import QUANTITIES
from ljmix.theory.cavity import boltzmann_factors
from ljmix.theory.splitting import Splitting, overlap

__all__ = [
    "NUMBERS", "OPEN", "Liquids", "Prediction", "Source", "draw_states", "predict_branches", "state_columns",
    "state_numbers",
]  # fmt: skip

NUMBERS = (*PARAMETERS, "pressure")
"""What is told of a state, in the order of the columns of `state_numbers`."""
OPEN = 0.05
"""Probability from which a branch is computed: less likely ones are not worth the time of their theory."""
_FRACTION = NUMBERS.index("fraction_b")
_TWO_LIQUIDS_ERROR = 0.1
"""Relative width of the band of demixed curves before it is calibrated; they come without a process."""


class Liquids(Protocol):
    """What is told of states as one liquid each; NaN where there is none."""

    @property
    def density(self) -> FloatArray:
        """Number density, σ_AA⁻³, (n,)."""

    @property
    def deviation(self) -> FloatArray:
        """Its standard deviation, (n,)."""

    @property
    def known(self) -> npt.NDArray[np.bool_]:
        """False where there is no liquid, (n,)."""

    def take(self, rows: npt.NDArray[np.int64]) -> Self:
        """Some of the states."""

    def quantities(self) -> dict[str, tuple[FloatArray, FloatArray]]:
        """Value and standard deviation by the names of `QUANTITIES`, (n,) each."""

    def log_cavity(self, r: FloatArray) -> FloatArray:
        """Ln y of AA, AB, BB at distances r (n_bins,) in σ_AA, (n, 3, n_bins)."""

    def curves(self, r: FloatArray) -> tuple[FloatArray, FloatArray]:
        """G(r) and its standard deviation, (n, 3, n_bins) each."""


class Source(Protocol):
    """Who tells of single liquids."""

    @property
    def width(self) -> float:
        """Width of the bins of g(r), σ_AA."""

    def liquids(self, states: FloatArray) -> Liquids:
        """Of each state, (n, 5), as one liquid."""

    def separate(self, states: FloatArray, box_edge: FloatArray) -> tuple[Splitting, FloatArray]:
        """Two liquids that each state may split into, and the probability that it does, (n,)."""


def state_numbers(states: pd.DataFrame) -> FloatArray:
    """Numbers of the states of a table as they are simulated, (n, 5), columns `NUMBERS`; P* = 1 where it tells none."""
    states = as_simulated(states)
    columns = [states[name].to_numpy(dtype=float) for name in PARAMETERS]
    pressure = states["pressure"].to_numpy(dtype=float) if "pressure" in states else np.ones(len(states))
    return np.stack([*columns, pressure], axis=1)


def draw_states(lowest: FloatArray, highest: FloatArray, n: int, seed: int) -> FloatArray:
    """States all over a box, (n, 5), n rounded up to a power of 2."""
    power = max(3, int(np.ceil(np.log2(n))))
    unit = qmc.Sobol(4, scramble=True, seed=np.random.default_rng(seed)).random_base2(power)
    return np.column_stack([lowest + (highest - lowest) * unit, np.ones(len(unit))])


def state_columns(numbers: FloatArray) -> dict[str, FloatArray]:
    """Columns of a table of states by name; a table itself takes as long to make as the rest of an emulated answer."""
    return dict(zip(NUMBERS, numbers.T, strict=True))


@dataclass(frozen=True)
class Prediction:
    """Both branches of each state: one liquid, and two; NaN where one does not exist, or was not asked for.

    Attributes
    ----------
    demixing : (n,) array
        Probability of two liquids.
    g, deviation : (2, n, 3, n_bins) arrays
        Curves of one liquid and of two, and the width of their bands before calibration.
    density, density_deviation : (2, n) arrays
    quantities : dict
        Value and deviation, (2, n) each, by the names of `ljmix.surrogate.learned.thermodynamics.QUANTITIES`.
    known : (n,) array of bool
        False where the equation of state has no liquid.
    """

    demixing: FloatArray
    g: FloatArray
    deviation: FloatArray
    density: FloatArray
    density_deviation: FloatArray
    quantities: dict[str, tuple[FloatArray, FloatArray]]
    known: npt.NDArray[np.bool_]

    @cached_property
    def answered(self) -> npt.NDArray[np.bool_]:
        """Whether a branch has curves, (2, n)."""
        return np.asarray(np.isfinite(self.g).all(axis=(2, 3)))

    @cached_property
    def likely(self) -> npt.NDArray[np.int64]:
        """The likelier branch of each state, 0 for one liquid and 1 for two, (n,)."""
        return np.asarray(self.demixing >= 0.5, dtype=np.int64)

    @cached_property
    def chosen(self) -> npt.NDArray[np.int64]:
        """The branch that is told, (n,): the likelier one, or the other one where only that has curves."""
        answered, at = self.answered, np.arange(len(self.demixing))
        only_other = ~answered[self.likely, at] & answered[1 - self.likely, at]
        return np.asarray(np.where(only_other, 1 - self.likely, self.likely))

    def told(self, both: FloatArray) -> FloatArray:
        """Values of the branch that is told, (n, …) of (2, n, …)."""
        return np.asarray(both[self.chosen, np.arange(len(self.demixing))])

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """All numbers by name, for a file."""
        plain = ("demixing", "g", "deviation", "density", "density_deviation", "known")
        quantities = {f"quantities/{name}": np.stack(pair) for name, pair in self.quantities.items()}
        return {name: getattr(self, name) for name in plain} | quantities

    @classmethod
    def from_arrays(cls, arrays: dict[str, npt.NDArray[Any]]) -> Self:
        """Read what `arrays` has written."""
        quantities = {name: (arrays[f"quantities/{name}"][0], arrays[f"quantities/{name}"][1]) for name in QUANTITIES}
        return cls(quantities=quantities, **{k: v for k, v in arrays.items() if not k.startswith("quantities/")})

    @classmethod
    def join(cls, found: list[Self]) -> Self:
        """Put predictions of several sets of states one behind the other."""
        if len(found) == 1:
            return found[0]
        columns = {name: np.concatenate([getattr(part, name) for part in found], axis=-1)
                   for name in ("demixing", "density", "density_deviation", "known")}  # fmt: skip
        curves = {name: np.concatenate([getattr(part, name) for part in found], axis=1) for name in ("g", "deviation")}
        quantities = {}
        for name in QUANTITIES:
            value, deviation = (np.concatenate([part.quantities[name][k] for part in found], axis=-1) for k in (0, 1))
            quantities[name] = value, deviation
        return cls(quantities=quantities, **curves, **columns)

    def take(self, rows: npt.NDArray[np.int64]) -> Self:
        """States in another order, or some of them."""
        quantities = {name: (value[:, rows], width[:, rows]) for name, (value, width) in self.quantities.items()}
        curves = {name: getattr(self, name)[:, rows] for name in ("g", "deviation", "density", "density_deviation")}
        return type(self)(demixing=self.demixing[rows], known=self.known[rows], quantities=quantities, **curves)


def predict_branches(
    source: Source,
    states: FloatArray,
    r: FloatArray,
    box_edge: FloatArray,
    also: npt.NDArray[np.bool_] | None = None,
) -> Prediction:
    """Predict both branches.

    Parameters
    ----------
    source : Source
    states : (n, 5) array
        Columns `NUMBERS`.
    r : (n_bins,) array
        Distances, σ_AA.
    box_edge : (n,) array
        Of the box in which the state is asked for, σ_AA.
    also : (n, 2) array of bool, optional
        Where the curves of one and of two liquids are computed though they are less likely than `OPEN`.

    Returns
    -------
    Prediction
    """
    splitting, demixing = source.separate(states, box_edge)
    wanted = np.stack([1 - demixing >= OPEN, demixing >= OPEN], axis=1)
    if also is not None:
        wanted |= also
    one = source.liquids(states)
    g, spread = np.full((2, 2, len(states), len(PAIRS), len(r)), np.nan)
    rows = np.flatnonzero(wanted[:, 0])
    if len(rows):
        g[0, rows], spread[0, rows] = one.take(rows).curves(r)
    density, deviation = np.full((2, 2, len(states)), np.nan)
    density[0], deviation[0] = one.density, one.deviation
    quantities = {name: np.full((2, 2, len(states)), np.nan) for name in QUANTITIES}
    for name, found in one.quantities().items():
        quantities[name][:, 0] = found
    rows = np.flatnonzero(splitting.found)
    if len(rows):
        two = _TwoLiquids.tell(source, states[rows], splitting.fraction_b[rows])
        density[1, rows] = (two.volumes * two.density).sum(axis=1)
        # Errors of the two liquids count as one: they come from the same process.
        deviation[1, rows] = (two.volumes * two.deviation).sum(axis=1)
        for name, found in two.quantities().items():
            quantities[name][:, 1, rows] = found
        drawn = np.flatnonzero(wanted[rows, 1])
        if len(drawn):
            places = rows[drawn]
            g[1, places] = two.curves(drawn, r, box_edge[places], source.width)
            spread[1, places] = _TWO_LIQUIDS_ERROR * g[1, places]
    pairs = {name: (found[0], found[1]) for name, found in quantities.items()}
    return Prediction(demixing, g, spread, density, deviation, pairs, one.known)


@dataclass(frozen=True)
class _TwoLiquids:
    """Both liquids of each state.

    Attributes
    ----------
    states : (n, 5) array
        Of the whole.
    both : Liquids
        All lean ones, and behind them all rich ones.
    fraction_b, density, deviation, volumes : (n, 2) arrays
        C_B, number density and its standard deviation (σ_AA⁻³), and share of the volume of the lean and of the rich
        liquid.
    """

    states: FloatArray
    both: Liquids
    fraction_b: FloatArray
    density: FloatArray
    deviation: FloatArray
    volumes: FloatArray

    @classmethod
    def tell(cls, source: Source, states: FloatArray, fraction_b: FloatArray) -> Self:
        """Ask for both liquids at once."""
        insides = np.concatenate([states, states])
        insides[:, _FRACTION] = fraction_b.T.ravel()
        both = source.liquids(insides)
        density, deviation = (part.reshape(2, -1).T for part in (both.density, both.deviation))
        volumes = lever_rule(states[:, _FRACTION], fraction_b, density)
        return cls(states, both, fraction_b, density, deviation, volumes)

    def quantities(self) -> dict[str, tuple[FloatArray, FloatArray]]:
        """Means over both liquids: over particles, volumes, or particles of the species."""
        number = self.volumes * self.density
        weights = {
            "potential_energy": number,
            "compressibility": self.volumes,
            "diffusion_a": number * (1 - self.fraction_b),
            "diffusion_b": number * self.fraction_b,
        }
        answer = {}
        for name, found in self.both.quantities().items():
            share = weights[name] / weights[name].sum(axis=1, keepdims=True)
            value, deviation = ((part.reshape(2, -1).T * share).sum(axis=1) for part in found)
            answer[name] = value, deviation
        return answer

    def curves(self, rows: npt.NDArray[np.int64], r: FloatArray, box_edge: FloatArray, width: float) -> FloatArray:
        """Curves of some states in boxes of these edges, (n, 3, n_bins); NaN where theory has no solution."""
        both = self.both.take(np.concatenate([rows, rows + len(self.states)]))
        y = np.exp(np.minimum(both.log_cavity(r), HIGHEST)).reshape(2, len(rows), len(PAIRS), -1)
        fractions, volumes = self.fraction_b[rows], self.volumes[rows]
        # Concentrations by state, liquid, species.
        c = self.density[rows][:, :, None] * np.stack([1 - fractions, fractions], axis=2)
        mean = (volumes[..., None] * c).sum(axis=1)
        across = 2 * volumes.min(axis=1)[:, None] * (1 - overlap(volumes[:, 1], box_edge, r))
        within = volumes[:, :, None] - across[:, None] / 2
        factors = boltzmann_factors(state_columns(self.states[rows]), r, width)
        g = np.empty_like(factors)
        for pair, (i, j) in enumerate(((0, 0), (0, 1), (1, 1))):
            pairs = [within[:, k] * (c[:, k, i] * c[:, k, j])[:, None] * y[k][:, pair] for k in (0, 1)]
            mixed = (c[:, 0, i] * c[:, 1, j] + c[:, 1, i] * c[:, 0, j])[:, None] / 2
            pairs.append(across * mixed * (y[0][:, pair] + y[1][:, pair]) / 2)
            g[:, pair] = factors[:, pair] * sum(pairs) / (mean[:, i] * mean[:, j])[:, None]
        return g
