"""Thermodynamics of every mixed state of a dataset, by each route that its tables allow, with errors."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ljmix._util.arrays import FloatArray
from ljmix.data.dataset import Dataset
from ljmix.properties.extrapolation import fit_structure_factors, route_covariance, wave_weights
from ljmix.properties.kirkwood_buff import (
    derive,
    integrals_from_inverse,
    inverse_from_integrals,
)
from ljmix.properties.reach import LENGTHS, integrals_by_end, require_reach
from ljmix.release.part_files import FinishedState, read_part
from ljmix.state import PAIRS
from ljmix.structure.scattering import DIRECTIONS

__all__ = ["QUANTITIES", "derive_parts", "derive_states"]

QUANTITIES = ("factor", "compressibility", "volume_a", "volume_b", "slope")
"""Names of what `ljmix.properties.kirkwood_buff.derive` gives, as columns have them."""

_FEW_SHELLS = 4
"""Of eight: waves up to half of the largest k², by which the extrapolation is judged where ξ is long."""


def derive_states(dataset: Dataset, only_converged: bool = True) -> pd.DataFrame:
    """Kirkwood-Buff integrals and what follows, for the mixed states of a dataset.

    Parameters
    ----------
    dataset : Dataset
        With structure factors.
    only_converged : bool
        Leave out states that have not converged.

    Returns
    -------
    pandas.DataFrame
        One row a state: `state_id` and its numbers; `number_density`; by both routes (`_waves` from S(k), `_rdf` from
        g) `integral_aa`, `integral_ab`, `integral_bb` (G_ij, σ_AA³), and Γ (`factor`), κ_T (`compressibility`), v_A and
        v_B (`volume_a`, `volume_b`), ∂ln γ_B/∂x_B (`slope`), each with its standard error (`_sem`) and that of the
        difference of the routes (`_difference_sem`); `misfit` of the extrapolation, and its `correlation_length` ξ
        (σ_AA; NaN where they outgrow the box); `problem`, the reason where the route by g has no answer, else empty.

    Raises
    ------
    ValueError
        If the dataset has no structure factors.
    """
    if dataset.structure_factors is None:
        raise ValueError("the dataset has no structure factors; structure_factors.parquet is needed")
    states = dataset.states[dataset.states["phase"] == "mixed"]
    if only_converged:
        states = states[states["converged"]]
    waves = _by_state(dataset.structure_factors, "k", ("s", "s_sem"), states["state_id"])
    curves = _by_state(dataset.rdf, "r", ("g",), states["state_id"])
    rows = [_derive(row, waves[row["state_id"]], curves[row["state_id"]]) for row in states.to_dict("records")]
    return pd.DataFrame(rows)


def derive_parts(paths: Iterable[Path]) -> pd.DataFrame:
    """The same columns as `derive_states`, for finished states of a campaign that are mixed and have converged."""
    rows = []
    for path in paths:
        part = read_part(path)
        runs = _mixed_runs(part)
        if not runs:
            continue
        counted = part.header["counted"]
        g, s, sem = (
            dict(zip(PAIRS, getattr(part, name)[counted].mean(axis=0), strict=True)) for name in ("g", "s", "s_sem")
        )
        # The errors are of one run, the averages of so many.
        sem = {pair: values / np.sqrt(len(counted)) for pair, values in sem.items()}
        row = part.header["state"] | {
            "state_id": path.stem, "n_particles": part.header["n_particles"], "n_b": part.header["n_b"],
            "number_density": float(np.mean([run["number_density"] for run in runs])),
        }  # fmt: skip
        rows.append(_derive(row, (part.k, {"s": s, "s_sem": sem}), (part.r, {"g": g})))
    return pd.DataFrame(rows)


def _mixed_runs(part: FinishedState) -> list[dict[str, Any]]:
    """Runs that count, or none where the state has not converged or is not mixed."""
    runs = [part.header["starts"][number] for number in part.header["counted"]]
    return runs if part.header["converged"] and all(run["phase"] == "mixed" for run in runs) else []


def _by_state(
    table: pd.DataFrame, axis: str, columns: tuple[str, ...], wanted: Iterable[str]
) -> dict[str, tuple[FloatArray, dict[str, dict[str, FloatArray]]]]:
    found: dict[str, tuple[FloatArray, dict[str, dict[str, FloatArray]]]] = {}
    for state_id, rows in table[table["state_id"].isin(wanted)].groupby("state_id", observed=True):
        by_pair = {pair: part.sort_values(axis) for pair, part in rows.groupby("pair", observed=True)}
        values = {name: {pair: by_pair[pair][name].to_numpy(dtype=float) for pair in PAIRS} for name in columns}
        found[str(state_id)] = (by_pair["AA"][axis].to_numpy(dtype=float), values)
    return found


def _derive(row: dict[str, Any], waves: Any, curves: Any) -> dict[str, Any]:
    names = ("state_id", "temperature", "fraction_b", "size_ratio", "epsilon_ab", "pressure", "number_density")
    n, n_b, rho, temperature = (row[name] for name in ("n_particles", "n_b", "number_density", "temperature"))
    fraction, volume = n_b / n, n / rho
    k, s = waves
    fit = fit_structure_factors(k, s["s"], s["s_sem"])
    out: dict[str, Any] = {name: row[name] for name in names} | {"misfit": fit.misfit, "problem": ""}
    out["correlation_length"] = fit.correlation_length if math.isfinite(fit.correlation_length) else math.nan
    out["share_b"] = fraction
    r, g = curves
    reach = float(r[-1] + (r[1] - r[0]) / 2)
    try:
        require_reach(fit.correlation_length, reach)
        by_end = integrals_by_end(r, g["g"], n - n_b, n_b, volume, max(1.0, row["size_ratio"]))
    except ValueError as error:
        out["problem"] = str(error)
        by_end = np.tile(integrals_from_inverse(fit.inverse, fraction, rho), (2, 1))
    integrals = by_end[0]
    weights = wave_weights(k, DIRECTIONS[: len(k)], volume, reach)
    covariance = route_covariance(fit, integrals, weights, fraction, rho)
    covariance[3:, 3:] += np.cov(inverse_from_integrals(by_end, fraction, rho).T)
    if fit.correlation_length > reach / LENGTHS:
        # Near a consolute point P(k) is no line: what fewer waves say instead is an error of the extrapolation.
        shift = fit.inverse - fit_structure_factors(k, s["s"], s["s_sem"], float(k[_FEW_SHELLS - 1])).inverse
        covariance[:3, :3] += np.outer(shift, shift)
    routes = {"waves": fit.inverse, "rdf": inverse_from_integrals(integrals, fraction, rho)}
    out |= _compare(routes, covariance, fraction, rho, temperature)
    if out["problem"]:
        out |= {name: np.nan for name in out if "_rdf" in name or "_difference" in name}
    return out


def _compare(
    routes: dict[str, FloatArray], covariance: FloatArray, fraction: float, rho: float, temperature: float
) -> dict[str, float]:
    """Every quantity by both routes; errors by its slope in P."""
    out: dict[str, float] = {}
    slopes = {}
    for place, (route, inverse) in enumerate(routes.items()):
        values = _all(inverse, fraction, rho, temperature)
        step = 1e-5 * np.abs(inverse).max()
        moves = np.eye(3) * step
        slope = (
            _all(inverse + moves, fraction, rho, temperature) - _all(inverse - moves, fraction, rho, temperature)
        ) / (2 * step)  # (3, n): by P, of each quantity
        slopes[route] = slope
        block = covariance[3 * place : 3 * place + 3, 3 * place : 3 * place + 3]
        sem = np.sqrt(np.einsum("in,ij,jn->n", slope, block, slope))
        for name, value, error in zip(_NAMES, values, sem, strict=True):
            out[f"{name}_{route}"], out[f"{name}_{route}_sem"] = float(value), float(error)
    both = np.concatenate([slopes["waves"], -slopes["rdf"]])
    difference = np.sqrt(np.maximum(np.einsum("in,ij,jn->n", both, covariance, both), 0))
    return out | {f"{name}_difference_sem": float(error) for name, error in zip(_NAMES, difference, strict=True)}


_NAMES = (*QUANTITIES, "integral_aa", "integral_ab", "integral_bb")


def _all(inverse: FloatArray, fraction: float, rho: float, temperature: float) -> FloatArray:
    """All quantities of (..., 3) inverses, (..., 8)."""
    found = derive(inverse, fraction, rho, temperature)
    first = np.stack([getattr(found, name) for name in QUANTITIES], axis=-1)
    return np.concatenate([first, integrals_from_inverse(inverse, fraction, rho)], axis=-1)
