"""How well a functional predicts what it has not seen: profiles, pressures, structure factors, coexistence."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from ljmix._util.arrays import FloatArray
from ljmix.external_fields.fields import AREA, BINS, PlanarField
from ljmix.external_fields.tables import FunctionalTables
from ljmix.functional.grid import SPACING
from ljmix.functional.model import Functional

__all__ = [
    "predict_profiles",
    "score_middle",
    "score_pressure",
    "score_profiles",
    "score_structure",
    "summarise_scores",
]

_LARGEST_WAVE = 9.0


def predict_profiles(functional: Functional, tables: FunctionalTables, fields: pd.DataFrame) -> FloatArray:
    """Profiles of fields for the number of particles that was simulated, (n_fields, bins).

    A profile that does not converge is NaN.
    """
    return _solve_all(functional, tables.column("energy", fields), fields)


def _solve_all(functional: Functional, energies: FloatArray, fields: pd.DataFrame) -> FloatArray:
    found = []
    for count, energy in zip(fields["n_particles"], energies, strict=True):
        try:
            found.append(functional.profile(energy, n=count / AREA, spacing=SPACING, tolerance=1e-6))
        except RuntimeError:
            # Scored as missing, and counted by `summarise_scores`.
            found.append(np.full(len(energy), np.nan))
    return np.array(found)


def score_profiles(functional: Functional, tables: FunctionalTables, name: str) -> pd.DataFrame:
    """Hold predicted profiles against simulated ones whose starts agree.

    Parameters
    ----------
    functional : Functional
    tables : FunctionalTables
    name : str
        A set.

    Returns
    -------
    pandas.DataFrame
        `field`, `error` (Σ|ρ − ρ_sim| / Σρ_sim, with ρ_sim at the reservoir's ensemble; NaN: not converged), `noise`
        (what error bars lead one to expect of it) and `fixed_n` (the same error without the step to that ensemble).

    Raises
    ------
    ValueError
        If the set has no field.
    """
    fields = tables.fields[(tables.fields["set"] == name) & tables.fields["starts_agree"]]
    if fields.empty:
        raise ValueError(f"set {name!r} has no field; there are {', '.join(tables.fields['set'].unique())}")
    predicted = predict_profiles(functional, tables, fields)
    fixed = tables.column("rho", fields)
    simulated = fixed - tables.column("shift", fields)
    amount = fixed.sum(axis=1)
    return pd.DataFrame(
        {
            "field": fields["field"].to_numpy(),
            "error": np.abs(predicted - simulated).sum(axis=1) / amount,
            "noise": fields["noise"].to_numpy(dtype=float),
            "fixed_n": np.abs(predicted - fixed).sum(axis=1) / amount,
        }
    )


def score_middle(functional: Functional, tables: FunctionalTables, name: str) -> FloatArray:
    """Errors of the profiles of a set, if the field of a bin were the one at its middle.

    See `ljmix.functional.solve.bin_field` for what is right.
    """
    fields = tables.fields[(tables.fields["set"] == name) & tables.fields["starts_agree"]]
    middle = (np.arange(BINS, dtype=np.float64) + 0.5) * SPACING
    values = [PlanarField.from_json(text).energy(middle) for text in fields["definition"]]
    predicted = _solve_all(functional, np.array(values), fields)
    rho = tables.column("rho", fields)
    return np.asarray(np.abs(predicted - (rho - tables.column("shift", fields))).sum(axis=1) / rho.sum(axis=1))


def score_pressure(pressure: Callable[[FloatArray], FloatArray], table: pd.DataFrame) -> pd.DataFrame:
    """Hold pressures against simulated ones.

    Parameters
    ----------
    pressure : callable
        P of an array of densities.
    table : pandas.DataFrame
        Rows of the table of uniform fluids, all at one temperature.

    Returns
    -------
    pandas.DataFrame
        `density`, `error` (P/P_sim − 1) and `noise` (its standard error).
    """
    rho, simulated, sem = (table[name].to_numpy(dtype=float) for name in ("density", "pressure", "pressure_sem"))
    return pd.DataFrame({"density": rho, "error": pressure(rho) / simulated - 1, "noise": sem / simulated})


def score_structure(functional: Functional, table: pd.DataFrame) -> pd.DataFrame:
    """Hold structure factors against simulated ones up to k = 9/σ.

    Returns
    -------
    pandas.DataFrame
        `density`, `error` (root mean square of S − S_sim) and `noise` (of the standard errors).
    """
    rows = []
    for density, group in table[table["k"] < _LARGEST_WAVE].groupby("density"):
        k, s, sem = (group[name].to_numpy(dtype=float) for name in ("k", "s", "s_sem"))
        off = functional.structure_factor(k, float(density)) - s
        rows.append({"density": density, "error": np.sqrt(np.mean(off**2)), "noise": np.sqrt(np.mean(sem**2))})
    return pd.DataFrame(rows)


def summarise_scores(functional: Functional, tables: FunctionalTables, name: str = "test-T1.5") -> dict[str, float]:
    """All scores of one test set as numbers.

    Returns
    -------
    dict
        `profile_median` and `profile_worst`; `pressure_worst`, the largest |P/P_sim − 1|; `structure_rms`, over all
        densities and wave numbers; `unconverged`, the number of profiles.
    """
    profiles = score_profiles(functional, tables, name)
    bulk, structure = (table[table["set"] == name] for table in (tables.bulk, tables.structure))
    scores = {
        "profile_median": float(profiles["error"].median()),
        "profile_worst": float(profiles["error"].max()),
        "unconverged": float(profiles["error"].isna().sum()),
    }
    if len(bulk):
        scores["pressure_worst"] = float(score_pressure(functional.pressure, bulk)["error"].abs().max())
        scores["structure_rms"] = float(np.sqrt((score_structure(functional, structure)["error"] ** 2).mean()))
    return scores
