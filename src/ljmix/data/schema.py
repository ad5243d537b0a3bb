"""Columns of the tables: type, range, unit and meaning. Checked on reading, and shipped with the data."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ljmix.state import PAIRS

__all__ = ["KEYS", "PHASES", "STARTS_TABLE", "TABLES", "Field", "check_table"]

PHASES = ("mixed", "demixed", "crystal")

_ABOVE_ZERO = 1e-9


@dataclass(frozen=True)
class Field:
    """One column.

    Attributes
    ----------
    name : str
    kind : {"string", "float", "int", "bool"}
    meaning : str
        One clause, with the unit; reduced units of species A.
    low, high : float
        Range of a number.
    allowed : tuple of str
        Values of a string; empty for any.
    required : bool
        Whether every dataset has it. The others describe how a state was simulated, and can be missing (as a
        column or as single values) from tables of other origin.
    """

    name: str
    kind: str
    meaning: str
    low: float = -math.inf
    high: float = math.inf
    allowed: tuple[str, ...] = ()
    required: bool = True


def _measured(name: str, meaning: str, low: float = -math.inf, required: bool = True) -> tuple[Field, Field]:
    """Return a quantity and its standard error."""
    error = Field(f"{name}_sem", "float", f"standard error of {name}", 0, required=required)
    return Field(name, "float", meaning, low, required=required), error


_STATE = Field("state_id", "string", "name of the state point, for instance T0.6_C0.01_S1.5_E0.2_P1")
_PAIR = Field("pair", "string", "species of the two particles", allowed=PAIRS)

TABLES: dict[str, tuple[Field, ...]] = {
    "states": (
        _STATE,
        Field("temperature", "float", "T* = k_B T / ε_AA", _ABOVE_ZERO),
        Field("fraction_b", "float", "C_B, share of B among the particles", 0, 1),
        Field("size_ratio", "float", "S = σ_BB / σ_AA", _ABOVE_ZERO),
        Field("epsilon_ab", "float", "ε_AB / ε_AA", _ABOVE_ZERO),
        Field("pressure", "float", "P* that the barostat holds, ε_AA/σ_AA³", 0),
        Field("n_particles", "int", "number of particles", 4),
        Field("n_b", "int", "number of B particles", 2),
        Field("n_frames", "int", "frames after equilibration, all runs that count", 1),
        *_measured("number_density", "N/V, 1/σ_AA³", _ABOVE_ZERO),
        *_measured("potential_energy", "potential energy per particle, ε_AA"),
        *_measured("virial_pressure", "pressure measured, ε_AA/σ_AA³; must agree with pressure", required=False),
        Field(
            "virial_pressure_std",
            "float",
            "standard deviation of the pressure from frame to frame, ε_AA/σ_AA³",
            0,
            required=False,
        ),
        *_measured("isothermal_compressibility", "κ_T from volume fluctuations, σ_AA³/ε_AA", 0, required=False),
        *_measured("thermal_expansion", "α_P from fluctuations of volume and enthalpy, 1/T*", required=False),
        *_measured("heat_capacity", "c_P per particle from enthalpy fluctuations, k_B", 0, required=False),
        *_measured(
            "diffusion_a",
            "self-diffusion of A, not corrected for the finite box, σ_AA²/τ; missing where particles stay caged",
            required=False,
        ),
        *_measured("diffusion_b", "self-diffusion of B, likewise", required=False),
        Field(
            "diffusion_from",
            "string",
            "which run they are from: the state's own, a plain run from where one with moves ended, or version 1 where "
            "it held the same liquid",
            required=False,
            allowed=("own run", "plain run", "version 1", ""),
        ),
        Field(
            "concentration_fluctuation",
            "float",
            "S_cc / (C_A C_B) of the longest wave: 1 in an ideal mixture",
            0,
            required=False,
        ),
        Field("wave_lifetime", "float", "lifetime of that wave, by Darken's relation, τ", 0, required=False),
        Field("phase", "string", "label from the three numbers that follow", allowed=PHASES),
        Field("demixing", "float", "longest concentration wave relative to complete separation", 0, required=False),
        Field("segregation", "float", "composition around B minus that around A", -1, 1, required=False),
        Field("crystal", "float", "largest share of a species in crystalline surroundings", 0, 1, required=False),
        Field(
            "force_gain",
            "float",
            "variance of counted over that of force-sampled g_BB, where B is rare; above 1 the latter is used",
            0,
            required=False,
        ),
        Field("force_deviation", "float", "root mean square of their difference over its error", 0, required=False),
        Field("virtual_gain", "float", "the same gain of g_BB from virtual B particles", 0, required=False),
        Field("virtual_deviation", "float", "root mean square of that difference over its error", 0, required=False),
        Field("settled", "bool", "all runs stationary, and long enough to tell", required=False),
        Field("precise", "bool", "every first peak as well known as the settings ask", required=False),
        Field("starts_agree", "bool", "runs from different starts agree; true of a single one", required=False),
        Field("converged", "bool", "settled, precise, and the starts agree"),
        Field("steps_equilibration", "int", "steps discarded, sum over the runs that count", 0),
        Field("steps_production", "int", "steps averaged over, sum over the runs that count", 1),
        Field("starts", "string", "starts of the runs that count: random, separated or both", required=False),
        Field("seed", "int", "seed of the random start", 0),
        Field("engine", "string", "simulation engine"),
        Field("engine_version", "string", "its version"),
        Field("device", "string", "what it ran on", required=False),
        Field("wall_seconds", "float", "time of all runs on that device, s", 0),
        Field("version", "int", "version of the dataset that the state was simulated for", 1, required=False),
        Field("simulated_fraction_b", "float", "N_B / N as simulated: C_B up to rounding", 0, 1, required=False),
        Field("moves", "string", "Monte Carlo moves between the steps; empty for none", required=False),
        Field("acceptance", "float", "share of them that was accepted, in the runs that count", 0, 1, required=False),
        Field("shape", "string", "of the domain, in the runs that count; empty for one liquid", required=False),
        Field("lever_share", "float", "volume share of the B-rich liquid by the lever rule", 0, 1, required=False),
        Field(
            "x_b_lean",
            "float",
            "number fraction of B inside the A-rich liquid, where there are two",
            0,
            1,
            required=False,
        ),
        Field("x_b_rich", "float", "the same inside the B-rich liquid", 0, 1, required=False),
        Field("density_lean", "float", "number density inside the A-rich liquid, 1/σ_AA³", 0, required=False),
        Field("density_rich", "float", "the same inside the B-rich liquid", 0, required=False),
        Field(
            "metastable", "bool", "a liquid of nine tenths A, or B, is denser than its melt would be", required=False
        ),
        Field("n_blocks", "int", "blocks of each run, for standard errors", 2, required=False),
        Field(
            "wave_samples",
            "float",
            "independent samples of the longest S_cc along an axis, sum over the runs that "
            "count; none where a domain fills the box",
            0,
            required=False,
        ),
        Field("rdf_seconds", "float", "part of it spent on measurements, s", 0, required=False),
    ),
    "rdf": (
        _STATE,
        _PAIR,
        Field("r", "float", "centre of the bin, σ_AA", 0),
        *_measured("g", "radial distribution function, averaged over the bin"),
        *_measured("g_dbeta", "∂g/∂β at constant pressure from fluctuations, ε_AA", required=False),
        Field("g_starts", "float", "g from the separated start minus g from the random one", required=False),
    ),
    "structure_factors": (
        _STATE,
        _PAIR,
        Field("k", "float", "wave number, 1/σ_AA", _ABOVE_ZERO),
        *_measured("s", "partial structure factor Re ρ_i(k) ρ_j(-k) / N"),
    ),
}
"""Columns by table, in the order of the files."""

KEYS = {"states": ["state_id"], "rdf": ["state_id", "pair", "r"], "structure_factors": ["state_id", "pair", "k"]}
"""Columns that together name a row."""

STARTS_TABLE = (
    _STATE,
    Field("start", "string", "random, separated, exchanged, stable or stable_exchanged"),
    _PAIR,
    Field("r", "float", "centre of the bin, σ_AA", 0),
    Field("g", "float", "radial distribution function of the run from that start, averaged over the bin"),
    Field("g_sem", "float", "its standard error from blocks, without the term for waves; none where not known", 0),
    Field("counted", "bool", "whether the run counts in `rdf`"),
)
"""Columns of the second table of version 2, `starts`: every run of every state."""


def check_table(name: str, table: pd.DataFrame) -> None:
    """Raise a ValueError of one sentence where a table is not what its fields say.

    Parameters
    ----------
    name : str
        One of `TABLES`.
    table : pandas.DataFrame
    """
    fields = TABLES[name]
    missing = [field.name for field in fields if field.required and field.name not in table.columns]
    if missing:
        needed = ", ".join(field.name for field in fields if field.required)
        raise ValueError(f"{name}: column {missing[0]!r} is missing; columns are {needed}")
    if table.empty:
        raise ValueError(f"{name}: the table is empty; at least one state is needed")
    for field in fields:
        if field.name in table.columns:
            _check_column(f"{name}.{field.name}", table[field.name], field)
    if table.duplicated(KEYS[name]).any():
        row = table.loc[table.duplicated(KEYS[name]), KEYS[name]].iloc[0].to_dict()
        raise ValueError(f"{name}: duplicate row for {row}; each may occur once")


def _check_column(name: str, column: pd.Series, field: Field) -> None:
    values = column.dropna()
    if field.required and len(values) < len(column):
        raise ValueError(f"{name}: value missing (NaN) in row {int(np.argmax(column.isna()))}; all must be given")
    if values.empty:
        return
    types = pd.api.types
    fits = {
        "string": lambda: types.is_string_dtype(values),
        "float": lambda: types.is_float_dtype(values),
        "int": lambda: types.is_integer_dtype(values),
        "bool": lambda: types.is_bool_dtype(values),
    }[field.kind]()
    if not fits:
        raise ValueError(f"{name}: type {values.dtype}: must be {field.kind}")
    if field.kind in ("float", "int"):
        good = np.isfinite(values) & (values >= field.low) & (values <= field.high)
        if not good.all():
            row = int(np.flatnonzero(column.notna())[int(np.argmin(good))])
            allowed = f"finite, from {field.low:g} to {field.high:g}"
            raise ValueError(f"{name} = {column.iloc[row]:g} in row {row}: must be {allowed}")
    elif field.allowed:
        strange = sorted(set(values.unique()) - set(field.allowed))
        if strange:
            raise ValueError(f"{name} = {strange[0]!r}: must be one of {', '.join(field.allowed)}")
