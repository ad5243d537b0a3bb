"""Density, energy, compressibility and diffusion of one liquid: a known reference, and a process on the difference.

The reference of the first three is the equation of state, its k scaled. That of diffusion is the scale of kinetic
theory, D_i ∝ √T* ρ^(-1/3) (Rosenfeld 1977, doi:10.1103/PhysRevA.15.2545). Mirrored mixtures teach too: energies a
particle are the same under both names, compressibilities over their reference as well, and D_B in units of σ_BB is D_A
of the mirrored mixture.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import minimize_scalar

from ljmix._util.arrays import FloatArray
from ljmix.surrogate.learned.description import Description, describe, exchange, with_mirrored
from ljmix.surrogate.learned.process import Process

__all__ = ["QUANTITIES", "DensityModel", "ThermodynamicModel"]

QUANTITIES = ("potential_energy", "compressibility", "diffusion_a", "diffusion_b")
"""ε_AA a particle; σ_AA³/ε_AA; σ_AA²/τ, in the finite box as simulated."""
_PARTS = ("potential_energy", "compressibility", "diffusion")
_COLUMN = {"compressibility": "isothermal_compressibility"}


_STRENGTHS = (0.4, 1.1)


@dataclass
class DensityModel:
    """Density of one liquid.

    Attributes
    ----------
    strength : float
        Factor of k = 1 − ε_AB with which the equation of state meets the simulated densities best.
    process : Process
        Of ln(ρ / ρ of the equation of state), over `ljmix.surrogate.learned.description.INPUTS`; mirrored mixtures have
        the same ratio and are learned too.
    """

    strength: float
    process: Process

    @classmethod
    def fit(cls, states: pd.DataFrame) -> Self:
        """Learn from the densities of mixed states.

        Parameters
        ----------
        states : pandas.DataFrame
            With `number_density` and `number_density_sem`.

        Returns
        -------
        DensityModel
        """
        target = np.log(states["number_density"].to_numpy(dtype=float))
        error = states["number_density_sem"].to_numpy(dtype=float) / states["number_density"].to_numpy(dtype=float)

        def miss(strength: float) -> float:
            return float(np.mean((target - np.log(describe(states, strength).density)) ** 2))

        strength = float(minimize_scalar(miss, bounds=_STRENGTHS, method="bounded", options={"xatol": 0.005}).x)
        described = describe(states, strength)
        ratio = (target - np.log(described.density))[:, None]
        both, errors = np.concatenate([ratio, ratio]), np.concatenate([error, error])[:, None]
        return cls(strength, Process.fit(with_mirrored(described.inputs), both, errors))

    def predict(self, described: Description) -> tuple[FloatArray, FloatArray]:
        """Density and its standard deviation, σ_AA⁻³, of states described with this `strength`.

        Returns
        -------
        density, deviation : (n,) arrays
            NaN where the equation of state has no liquid.
        """
        density = np.full(len(described.density), np.nan)
        deviation = density.copy()
        rows = described.known
        mean, spread = self.process.ask(described.inputs[rows])
        density[rows] = described.density[rows] * np.exp(mean[:, 0])
        deviation[rows] = density[rows] * spread[:, 0]
        return density, deviation

    def mean(self, described: Description) -> FloatArray:
        """Density of `predict` alone, in less time."""
        inputs = np.where(described.known[:, None], described.inputs, 0.0)
        return np.asarray(described.density * np.exp(self.process.predict(inputs)[:, 0]))


@dataclass
class ThermodynamicModel:
    """Processes of U/N − U/N of the equation of state, of ln(κ_T / κ_T of it), and of ln D over its scale.

    Attributes
    ----------
    processes : dict
        By name: `potential_energy`, `compressibility`, `diffusion`; what the dataset lacks is missing.
    """

    processes: dict[str, Process]

    @classmethod
    def fit(cls, states: pd.DataFrame, strength: float) -> Self:
        """Learn from mixed states.

        Parameters
        ----------
        states : pandas.DataFrame
            Columns as in a dataset; an empty cell teaches nothing.
        strength : float
            Of the equation of state.
        """
        described = describe(states, strength)
        reference = _references(states, described)
        both = with_mirrored(described.inputs)
        processes = {}
        for part in _PARTS[:2]:
            found = _observed(states, _COLUMN.get(part, part), reference[part], part == "compressibility")
            if found is not None:
                values, errors = (np.concatenate([column, column]) for column in found)
                processes[part] = _fit(both, values, errors)
        species = [_observed(states, f"diffusion_{name}", reference[f"diffusion_{name}"], True) for name in "ab"]
        if species[0] is not None and species[1] is not None:
            values, errors = (np.concatenate(pair) for pair in zip(*species, strict=True))
            processes["diffusion"] = _fit(both, values, errors, centred=True)
        return cls(processes)

    @property
    def told(self) -> list[str]:
        """Those of `QUANTITIES` that the dataset told of."""
        return [name for name in QUANTITIES if _part(name) in self.processes]

    def asked(self, inputs: FloatArray) -> dict[str, tuple[Process, FloatArray]]:
        """Process of each of `told`, and the inputs that it is asked for."""
        mirrored = exchange(inputs)
        return {
            name: (self.processes[_part(name)], mirrored if name == "diffusion_b" else inputs) for name in self.told
        }

    def predict(
        self, states: pd.DataFrame, described: Description, spreads: Mapping[str, FloatArray] | None = None
    ) -> dict[str, tuple[FloatArray, FloatArray]]:
        """Value and standard deviation of each of `QUANTITIES`, (n,) each; NaN where nothing is known.

        Parameters
        ----------
        states : pandas.DataFrame
        described : Description
            Of the same states.
        spreads : mapping, optional
            `Process.spread` of each of `told`, where it is known already.
        """
        reference = _references(states, described)
        nothing = np.full(len(described.density), np.nan)
        answer = dict.fromkeys(QUANTITIES, (nothing, nothing))
        inputs = np.where(described.known[:, None], described.inputs, 0.0)
        for name, (process, where) in self.asked(inputs).items():
            if spreads is None:
                mean, deviation = (part[:, 0] for part in process.ask(where))
            else:
                mean, deviation = process.predict(where)[:, 0], spreads[name] * np.sqrt(process.amplitude[0])
            deviation = np.where(described.known, deviation, np.nan)
            if name == "potential_energy":
                answer[name] = reference[name] + mean, deviation
            else:
                value = reference[name] * np.exp(mean)
                answer[name] = value, value * deviation
        return answer

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """All numbers by name, for a file."""
        return {k: v for part, process in self.processes.items() for k, v in process.arrays(f"{part}/").items()}

    @classmethod
    def from_arrays(cls, arrays: dict[str, npt.NDArray[Any]]) -> Self:
        """Read what `arrays` has written."""
        known = [part for part in _PARTS if f"{part}/weights" in arrays]
        return cls({part: Process.from_arrays(f"{part}/", arrays) for part in known})


def _part(name: str) -> str:
    """Process of a quantity."""
    return "diffusion" if name.startswith("diffusion") else name


def _references(states: pd.DataFrame, described: Description) -> dict[str, FloatArray]:
    temperature = np.asarray(states["temperature"], dtype=float)
    pressure = np.asarray(states["pressure"], dtype=float) if "pressure" in states else 1.0
    # D_B in its own units is smaller by S, and so is its scale, of the density ρ S³.
    scale = np.sqrt(temperature) * described.density ** (-1 / 3)
    return {
        "potential_energy": described.enthalpy - pressure / described.density,
        "compressibility": described.compressibility,
        "diffusion_a": scale,
        "diffusion_b": scale,
    }


def _observed(
    states: pd.DataFrame, column: str, reference: FloatArray, logarithm: bool
) -> tuple[FloatArray, FloatArray] | None:
    """Differences from the reference and their errors, infinite where nothing was measured; None without a column."""
    if column not in states or states[column].isna().all():
        return None
    value = states[column].to_numpy(dtype=float)
    error = states[f"{column}_sem"].to_numpy(dtype=float)
    with np.errstate(invalid="ignore", divide="ignore"):
        difference = np.log(value / reference) if logarithm else value - reference
        error = error / value if logarithm else error
    seen = np.isfinite(difference) & np.isfinite(error) & (error > 0)
    return np.where(seen, difference, 0.0), np.where(seen, error, np.inf)


def _fit(inputs: FloatArray, values: FloatArray, errors: FloatArray, centred: bool = False) -> Process:
    rows = np.isfinite(errors)
    return Process.fit(inputs[rows], values[rows, None], errors[rows, None], centred=centred)
