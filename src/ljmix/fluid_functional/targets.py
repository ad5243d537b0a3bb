"""What profiles, pressures, energies and structure factors ask of the learned term of the fluid, with errors."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ljmix._util.arrays import FloatArray
from ljmix.data.dataset import Dataset
from ljmix.external_fields.fields import BINS, CRITICAL
from ljmix.external_fields.tables import FunctionalTables
from ljmix.functional.grid import SPACING, Grid
from ljmix.functional.theory import TheoryTerm, mayer_transform, theory_energy
from ljmix.functional.training import BulkTargets, PairTargets, ProfileTargets

__all__ = ["REFERENCE", "bulk_targets", "colour_states", "energy_targets", "pair_targets", "profile_targets"]

REFERENCE = 1.5
"""T₀: temperature enters the network as 1/T − 1/T₀."""
GRID = Grid((BINS,), SPACING)
_LEAST = 0.02
"""Density, 1/σ³, below which ln ρ is not used."""
_LEAST_VAPOUR, _LEAST_KNOWN = 0.004, 0.2
"""Below the critical temperature a vapour counts as well, where its density is known to a fifth."""
_FLOORS = {"profile": 0.01, "pressure": 0.003, "energy": 0.002, "structure": 0.01}
"""Relative errors allowed beside those of the simulation."""
_MAGNIFIED = 8.0
"""Variance of ln ρ + βV − c1 over that of ln ρ: c1 sees the noise in ρ as well, magnified by 1/S(k).

Measured in a first fit; without it profiles would outweigh pressures and structure factors by as much.
"""
_WAVE_BIN = 0.2
_MEASURED = ("number_density_sem", "potential_energy_sem")
_MAYER_WAVES, _MAYER_ERROR = np.linspace(0, 20, 41), 0.03


def profile_targets(tables: FunctionalTables, fields: pd.DataFrame) -> ProfileTargets:
    """Targets of profiles: ln ρ + βV − c1 of the theory, at the density of the reservoir's ensemble.

    Parameters
    ----------
    tables : FunctionalTables
    fields : pandas.DataFrame
        Some rows of its table of fields.
    """
    temperatures = fields["temperature"].to_numpy(dtype=float)
    warm = temperatures[:, None] > CRITICAL
    rho = tables.column("rho", fields) - tables.column("shift", fields)
    field = tables.column("energy", fields) / temperatures[:, None]
    rho = np.maximum(rho, 1e-8)
    relative = tables.column("rho_sem", fields) / rho
    used = np.where(warm, rho > _LEAST, (rho > _LEAST_VAPOUR) & ((rho > _LEAST) | (relative < _LEAST_KNOWN)))
    weight = np.where(used, 1 / (relative**2 + _FLOORS["profile"] ** 2) / _MAGNIFIED, 0.0)
    theory = np.array([TheoryTerm(round(t, 6)).c1(r, GRID) for t, r in zip(temperatures, rho, strict=True)])
    return ProfileTargets(rho, np.log(rho) + field - theory, weight, 1 / temperatures - 1 / REFERENCE, GRID)


def bulk_targets(table: pd.DataFrame, gas_share: float = 1.0) -> BulkTargets:
    """Targets of pressures: what the learned part adds to βP = ρ − ρ c1 − βF/V of the theory.

    `gas_share` is explained in `ljmix.fluid_functional.learning.Recipe`.
    """
    rho, t = (table[name].to_numpy(dtype=float) for name in ("density", "temperature"))
    pressure, sem = (table[name].to_numpy(dtype=float) for name in ("pressure", "pressure_sem"))
    theory = []
    for density, temperature in zip(rho, t, strict=True):
        energy, c1 = TheoryTerm(round(temperature, 6)).bulk(density)
        theory.append(density - density * c1 - energy)
    floor = _FLOORS["pressure"] * np.abs(pressure) + np.minimum(0.002, gas_share * rho * t)
    error = np.hypot(sem, floor) / t
    return BulkTargets(rho, 1 / t - 1 / REFERENCE, pressure / t - np.array(theory), error)


def colour_states(dataset: Dataset) -> pd.DataFrame:
    """Shipped mixtures whose particles differ in name only, ε_AB = 1 and size ratio 1: the pure fluid at P* = 1.

    Returns
    -------
    pandas.DataFrame
        One row a temperature: `temperature`, `density`, `pressure` with its error from that of the density,
        `pressure_sem`, `energy` (potential, of a particle) and `energy_sem`; means over the compositions.
    """
    states = dataset.states
    pure = states[(states["size_ratio"] == 1) & (states["epsilon_ab"] == 1) & states["converged"]]
    rows = []
    for temperature, group in pure.groupby("temperature"):
        count = len(group)
        rho = group["number_density"].mean()
        # ∂P/∂ρ = 1/(ρ κ_T) turns an error of the density into one of the pressure.
        stiffness = 1 / (rho * group["isothermal_compressibility"].mean())
        sem, energy_sem = (np.sqrt((group[name] ** 2).sum()) / count for name in _MEASURED)
        rows.append((temperature, rho, 1.0, sem * stiffness, group["potential_energy"].mean(), energy_sem))
    names = ["temperature", "density", "pressure", "pressure_sem", "energy", "energy_sem"]
    return pd.DataFrame(rows, columns=names).astype(float)


def energy_targets(table: pd.DataFrame) -> BulkTargets:
    """Targets of potential energies: what the learned part adds to U/N of the theory."""
    names = ("density", "temperature", "energy", "energy_sem")
    rho, t, energy, sem = (table[name].to_numpy(dtype=float) for name in names)
    theory = np.array([float(theory_energy(np.array(d), x)) for d, x in zip(rho, t, strict=True)])
    error = np.hypot(sem, _FLOORS["energy"] * np.abs(energy) + 0.002)
    return BulkTargets(rho, 1 / t - 1 / REFERENCE, energy - theory, error)


def pair_targets(table: pd.DataFrame, temperatures: FloatArray) -> PairTargets:
    """Targets of the pair function: from structure factors, ρĉ = 1 − 1/S, and at vanishing density exactly.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns `temperature`, `density`, `k`, `s`, `s_sem`; may be empty.
    temperatures : array
        Where the exact limit, ĉ(k) = ∫[exp(−βu) − 1], is asked for.
    """
    rho: list[float] = []
    tau, rows = [], []
    for (t, density), group in table.groupby(["temperature", "density"]):
        # Neighbouring waves say nearly the same: their mean costs less and scatters less.
        places = (group["k"] / _WAVE_BIN).astype(int)
        joined = group.assign(s_sem=group["s_sem"] ** 2).groupby(places)[["k", "s", "s_sem"]]
        means, waves = joined.mean(), joined.size().to_numpy()
        k, s = means["k"].to_numpy(dtype=float), means["s"].to_numpy(dtype=float)
        sem = np.sqrt(means["s_sem"].to_numpy(dtype=float) / waves)
        temperature, density = round(float(t), 6), round(float(density), 6)
        theory = TheoryTerm(temperature).c2(k, density)
        error = np.hypot(sem / s**2, _FLOORS["structure"] / s) / density
        rows.append((np.full(len(k), len(rho)), k, (1 - 1 / s) / density - theory, error))
        rho.append(density)
        tau.append(1 / temperature - 1 / REFERENCE)
    for t in np.unique(temperatures):
        exact = mayer_transform(_MAYER_WAVES, float(t)) - TheoryTerm(round(float(t), 6)).c2(_MAYER_WAVES, 1e-9)
        rows.append((np.full(41, len(rho)), _MAYER_WAVES, exact, np.full(41, _MAYER_ERROR * 41**0.5 / 4)))
        rho.append(0.0)
        tau.append(1 / float(t) - 1 / REFERENCE)
    fluid, k, target, error = (np.concatenate(parts) for parts in zip(*rows, strict=True))
    return PairTargets(np.array(rho), np.array(tau), fluid.astype(np.int64), k, target, error)
