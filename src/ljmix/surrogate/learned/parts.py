"""All that is learned of mixtures, together: density, curves, phase, thermodynamics; theory is solved for them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from ljmix._util.arrays import FloatArray
from ljmix.data.dataset import Dataset
from ljmix.state import as_simulated
from ljmix.surrogate.learned.branches import Prediction, predict_branches, state_columns, state_numbers
from ljmix.surrogate.learned.curves import MixedCurves
from ljmix.surrogate.learned.description import Description, describe
from ljmix.surrogate.learned.phase import PhaseModel
from ljmix.surrogate.learned.process import Process
from ljmix.surrogate.learned.thermodynamics import DensityModel, ThermodynamicModel
from ljmix.theory.splitting import Splitting, split

__all__ = ["Parts", "SolvedLiquids"]


@dataclass(frozen=True)
class SolvedLiquids:
    """States as one liquid each, by solving the equations of theory when curves are asked for.

    Attributes
    ----------
    parts : Parts
    states : (n, 5) array
    described : Description
    density, deviation : (n,) arrays
    """

    parts: Parts
    states: FloatArray
    described: Description
    density: FloatArray
    deviation: FloatArray

    @property
    def known(self) -> npt.NDArray[np.bool_]:
        """False where the equation of state has no liquid."""
        return self.described.known

    def take(self, rows: npt.NDArray[np.int64]) -> SolvedLiquids:
        """Some of the states."""
        described = Description(*(value[rows] for value in vars(self.described).values()))
        return SolvedLiquids(self.parts, self.states[rows], described, self.density[rows], self.deviation[rows])

    def quantities(self) -> dict[str, tuple[FloatArray, FloatArray]]:
        """Value and standard deviation of each of `ljmix.surrogate.learned.thermodynamics.QUANTITIES`."""
        return self.parts.thermodynamics.predict(state_columns(self.states), self.described)

    def log_cavity(self, r: FloatArray) -> FloatArray:
        """Ln y, see `MixedCurves.log_cavity`."""
        return self.parts.curves.log_cavity(state_columns(self.states), self.described, self.density, r)

    def curves(self, r: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Curves and their standard deviation, see `MixedCurves.predict`."""
        return self.parts.curves.predict(state_columns(self.states), self.described, self.density, r)


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
        """Predict both branches of the states of a table, see `ljmix.surrogate.learned.branches.predict_branches`."""
        return predict_branches(self, state_numbers(states), r, box_edge, also)

    @property
    def width(self) -> float:
        """Width of the bins of g(r), σ_AA."""
        return self.curves.width

    def liquids(self, states: FloatArray) -> SolvedLiquids:
        """Of each state, (n, 5), as one liquid."""
        described = describe(state_columns(states), self.densities.strength)
        return SolvedLiquids(self, states, described, *self.densities.predict(described))

    def separate(self, states: FloatArray, box_edge: FloatArray) -> tuple[Splitting, FloatArray]:
        """Two liquids of each state, (n, 5), by the equation of state, and the probability of them, (n,)."""
        table = state_columns(states)
        described, splitting = describe(table, self.phases.strength), split(table, self.phases.strength)
        return splitting, self.phases.probability(table, splitting, described.density, box_edge)

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
