"""All that is learned of mixtures, together: density, curves of one liquid and of two, phase, thermodynamics."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from ljmix._util.arrays import FloatArray
from ljmix.data.dataset import Dataset
from ljmix.state import PAIRS, as_simulated
from ljmix.surrogate.learned.curves import MixedCurves, TwoLiquids, demixed_curves, two_liquids
from ljmix.surrogate.learned.description import Description, describe
from ljmix.surrogate.learned.phase import PhaseModel
from ljmix.surrogate.learned.process import Process
from ljmix.surrogate.learned.thermodynamics import QUANTITIES, DensityModel, ThermodynamicModel
from ljmix.theory.splitting import split

__all__ = ["OPEN", "Parts", "Prediction"]

OPEN = 0.05
"""Probability from which a branch is computed: less likely ones are not worth the time of their theory."""
_TWO_LIQUIDS_ERROR = 0.1
"""Relative width of the band of demixed curves before it is calibrated; they come without a process."""


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

    @property
    def answered(self) -> npt.NDArray[np.bool_]:
        """Whether a branch has curves, (2, n)."""
        return np.asarray(np.isfinite(self.g).all(axis=(2, 3)))

    @property
    def likely(self) -> npt.NDArray[np.int64]:
        """The likelier branch of each state, 0 for one liquid and 1 for two, (n,)."""
        return np.asarray(self.demixing >= 0.5, dtype=np.int64)

    @property
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


@dataclass
class Parts:
    """What `fit` learns from a dataset.

    Attributes
    ----------
    densities : DensityModel
    curves : MixedCurves
    phases : PhaseModel
    thermodynamics : ThermodynamicModel
    """

    densities: DensityModel
    curves: MixedCurves
    phases: PhaseModel
    thermodynamics: ThermodynamicModel

    @classmethod
    def fit(cls, dataset: Dataset) -> Self:
        """Learn everything from one dataset; no threshold and no scale comes from elsewhere.

        Parameters
        ----------
        dataset : Dataset
            Mixed states teach curves, densities and thermodynamics; those whose phase is known teach where it ends.

        Returns
        -------
        Parts

        Raises
        ------
        ValueError
            If the dataset is too small for it, see `ljmix.surrogate.learned.phase.PhaseModel.fit`.
        """
        dataset = replace(dataset, states=as_simulated(dataset.states))
        states = dataset.states
        phases = PhaseModel.fit(states, states["size_ratio"].to_numpy())
        mixed = dataset.select(states["phase"] == "mixed")
        densities = DensityModel.fit(mixed.states)
        curves = MixedCurves.fit(mixed, densities.strength)
        return cls(densities, curves, phases, ThermodynamicModel.fit(mixed.states, densities.strength))

    def predict(
        self,
        states: pd.DataFrame,
        r: FloatArray,
        box_edge: FloatArray,
        also: npt.NDArray[np.bool_] | None = None,
    ) -> Prediction:
        """Predict both branches.

        Parameters
        ----------
        states : pandas.DataFrame
        r : (n_bins,) array
            Distances, σ_AA.
        box_edge : (n_states,) array
            Of the box in which the state is asked for, σ_AA.
        also : (n_states, 2) array of bool, optional
            Where the curves of one and of two liquids are computed though they are less likely than `OPEN`.

        Returns
        -------
        Prediction
        """
        states = as_simulated(states).reset_index(drop=True)
        described = describe(states, self.densities.strength)
        density, deviation = self.densities.predict(described)
        stability = describe(states, self.phases.strength)
        splitting = split(states, self.phases.strength)
        demixing = self.phases.probability(splitting, stability, stability.density, box_edge)
        g, spread = np.full((2, 2, len(states), len(PAIRS), len(r)), np.nan)
        wanted = np.stack([1 - demixing >= OPEN, demixing >= OPEN], axis=1)
        if also is not None:
            wanted |= also
        one = np.flatnonzero(wanted[:, 0])
        if len(one):
            part = states.iloc[one].reset_index(drop=True)
            g[0, one], spread[0, one] = self.curves.predict(part, _some(described, one), density[one], r)
        two = np.flatnonzero(wanted[:, 1] & splitting.found)
        liquids = two_liquids(states, splitting, self.densities)
        if len(two):
            part = states.iloc[two].reset_index(drop=True)
            some = TwoLiquids(*(value[two] for value in vars(liquids).values()))
            edge = box_edge[two]
            g[1, two] = demixed_curves(part, some, self.curves, self.densities.strength, edge, r)
            spread[1, two] = _TWO_LIQUIDS_ERROR * g[1, two]
        return Prediction(
            demixing,
            g,
            spread,
            np.stack([density, liquids.mean_density]),
            np.stack([deviation, _mean_deviation(liquids)]),
            self._thermodynamics(states, described, liquids),
            described.known,
        )

    def _thermodynamics(
        self, states: pd.DataFrame, described: Description, liquids: TwoLiquids
    ) -> dict[str, tuple[FloatArray, FloatArray]]:
        """Quantities of one liquid, and means over two: over particles, volumes, or particles of the species."""
        one = self.thermodynamics.predict(states, described)
        number = np.full((len(states), 2), np.nan)
        values = {name: np.full((2, len(states), 2), np.nan) for name in QUANTITIES}
        rows = np.isfinite(liquids.share)
        volumes = np.stack([1 - liquids.share, liquids.share], axis=1)
        number[rows] = (volumes * liquids.density)[rows]
        for k in (0, 1):
            inside = states[rows].assign(fraction_b=liquids.fraction_b[rows, k])
            found = self.thermodynamics.predict(inside, describe(inside, self.densities.strength))
            for name in QUANTITIES:
                values[name][:, rows, k] = found[name]
        weights = {
            "potential_energy": number,
            "compressibility": volumes,
            "diffusion_a": number * (1 - liquids.fraction_b),
            "diffusion_b": number * liquids.fraction_b,
        }
        answer = {}
        for name in QUANTITIES:
            share = weights[name] / weights[name].sum(axis=1, keepdims=True)
            mean, spread = (values[name] * share).sum(axis=2)
            answer[name] = np.stack([one[name][0], mean]), np.stack([one[name][1], spread])
        return answer

    def numbers(self) -> tuple[dict[str, npt.NDArray[Any]], dict[str, float]]:
        """Arrays and single numbers, for a file."""
        arrays = {
            **self.densities.process.arrays("density/"),
            **self.curves.like.arrays("like/"),
            **self.curves.unlike.arrays("unlike/"),
            **self.thermodynamics.arrays(),
            "phase/centre": self.phases.centre,
            "phase/scale": self.phases.scale,
            "phase/coefficients": self.phases.coefficients,
        }
        single = {
            "density_strength": self.densities.strength,
            "phase_strength": self.phases.strength,
            "phase_intercept": self.phases.intercept,
            "width": self.curves.width,
        }
        return arrays, single

    @classmethod
    def from_numbers(cls, arrays: dict[str, npt.NDArray[Any]], single: dict[str, float]) -> Self:
        """Read what `numbers` has written."""
        density, like, unlike = (Process.from_arrays(f"{name}/", arrays) for name in ("density", "like", "unlike"))
        return cls(
            DensityModel(single["density_strength"], density),
            MixedCurves(like, unlike, single["width"]),
            PhaseModel(
                single["phase_strength"], arrays["phase/centre"], arrays["phase/scale"], arrays["phase/coefficients"],
                single["phase_intercept"],
            ),
            ThermodynamicModel.from_arrays(arrays),
        )  # fmt: skip


def _some(described: Description, rows: npt.NDArray[np.int64]) -> Description:
    return Description(*(value[rows] for value in vars(described).values()))


def _mean_deviation(liquids: TwoLiquids) -> FloatArray:
    """Deviation of the mean density; errors of the two liquids count as one: they come from the same process."""
    volumes = np.stack([1 - liquids.share, liquids.share], axis=1)
    return np.asarray((volumes * liquids.deviation).sum(axis=1))
