"""Long runs of learned potentials beside those of the truth, and beside one another."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import linregress

from ljmix.potentials.runs import compare_curves
from ljmix.properties.time_correlation import finite_box_correction

__all__ = [
    "QUANTITIES", "compare_engines", "compare_runs", "correct_diffusion", "describe_stability", "gather_liquid",
    "mean_force",
    "rdf_misfits",
]  # fmt: skip

QUANTITIES = ("pressure", "energy", "density", "d_a", "d_b")


def rdf_misfits(curves: pd.DataFrame) -> pd.DataFrame:
    """1 − R² of g of each run against each run of the truth in the same world; of two different runs of the truth once.

    Parameters
    ----------
    curves : pandas.DataFrame
        Of one study: `world`, `potential`, `draw`, `pair`, `r`, `g`.

    Returns
    -------
    pandas.DataFrame
        `world`, `potential`, `draw`, `other` (draw of the truth), `misfit`.
    """
    rows = []
    for world, of_world in curves.groupby("world"):
        runs = {key: run for key, run in of_world.groupby(["potential", "draw"])}
        truths = [key for key in runs if key[0] == "truth"]
        pairs = list(itertools.combinations(truths, 2))
        pairs += [(key, truth) for key in runs if key[0] != "truth" for truth in truths]
        for key, truth in pairs:
            one, other = runs[key], runs[truth]
            # Runs of fewer particles reach less far.
            reach = min(one["r"].max(), other["r"].max()) + 1e-6
            columns = {"world": world, "potential": key[0], "draw": key[1], "other": truth[1]}
            near = (_resample(one, reach), _resample(other, reach))
            rows.append(columns | {"misfit": compare_curves(*near)})
    return pd.DataFrame(rows)


def _resample(curves: pd.DataFrame, reach: float) -> pd.DataFrame:
    """Curves at common distances up to `reach`, by linear interpolation: bins of runs may differ a little."""
    r = np.arange(0.3, reach, 0.05)
    parts = [
        pd.DataFrame({"pair": pair, "r": r, "g": np.interp(r, rows["r"], rows["g"])})
        for pair, rows in curves.groupby("pair")
    ]
    return pd.concat(parts, ignore_index=True)


def compare_runs(runs: pd.DataFrame) -> pd.DataFrame:
    """Means over the runs of a study, and their difference to the truth in standard errors from the scatter of runs.

    Returns
    -------
    pandas.DataFrame
        `world`, `potential`, `quantity`, `runs`, `mean`, `sem`, `truth`, `truth_sem`, `difference`, `error`, `sigmas`.
    """
    rows = []
    for world, of_world in runs.groupby("world"):
        truth = of_world[of_world["potential"] == "truth"]
        for potential, found in of_world.groupby("potential"):
            if potential == "truth":
                continue
            for quantity in QUANTITIES:
                (mean, sem), (true, true_sem) = _mean(found, quantity), _mean(truth, quantity)
                if math.isnan(mean) or math.isnan(true):
                    continue
                error = math.hypot(sem, true_sem)
                rows.append(
                    {
                        "world": world, "potential": potential, "quantity": quantity, "runs": len(found), "mean": mean,
                        "sem": sem, "truth": true, "truth_sem": true_sem, "difference": mean - true, "error": error,
                        "sigmas": (mean - true) / error if error > 0 else math.nan,
                    }
                )  # fmt: skip
    return pd.DataFrame(rows)


def _mean(rows: pd.DataFrame, quantity: str) -> tuple[float, float]:
    """Mean of runs; its error from their scatter, of a single run from its own blocks."""
    values = rows[quantity].dropna().to_numpy(dtype=float)
    if not len(values):
        return math.nan, math.nan
    if len(values) == 1:
        return float(values[0]), float(rows[f"{quantity}_sem"].iloc[0])
    return float(values.mean()), float(values.std(ddof=1) / math.sqrt(len(values)))


def correct_diffusion(runs: pd.DataFrame, temperature: float = 1.0) -> pd.DataFrame:
    """Diffusion in an infinite box: D∞ = D + 2.837 kT/(6π η L), with the viscosity η that was measured.

    Yeh and Hummer 2004 (doi:10.1021/jp0477147). The truth and a learned potential have each its own η.

    Parameters
    ----------
    runs : pandas.DataFrame
        Runs of one world, in boxes of one size or more: `potential`, `n`, `density`, `d_a`, `d_b`; in some of them
        `viscosity` with `viscosity_sem`, which holds for all boxes.
    temperature : float

    Returns
    -------
    pandas.DataFrame
        `potential`, `species`, `n`, `runs`, `box_edge`, `d`, `d_sem` (of this box), `viscosity`, `viscosity_sem`,
        `infinite`, `infinite_sem`; errors from the scatter of runs.

    Raises
    ------
    ValueError
        If no run of a potential has a viscosity.
    """
    rows = []
    for potential, found in runs.groupby("potential"):
        eta, eta_sem = _mean(found[found["viscosity"].notna()], "viscosity")
        if math.isnan(eta):
            raise ValueError(f"no run of {potential!r} has a viscosity; diffusion cannot be corrected for the box")
        for n, box in found.groupby("n"):
            edge = float(np.cbrt(box["n"] / box["density"]).mean())
            shift = finite_box_correction(temperature, eta, edge)
            for species in "AB":
                d, d_sem = _mean(box, f"d_{species.lower()}")
                rows.append(
                    {
                        "potential": potential, "species": species, "n": n, "runs": len(box), "box_edge": edge, "d": d,
                        "d_sem": d_sem, "viscosity": eta, "viscosity_sem": eta_sem, "infinite": d + shift,
                        "infinite_sem": math.hypot(d_sem, shift * eta_sem / eta),
                    }
                )  # fmt: skip
    return pd.DataFrame(rows)


def gather_liquid(tables: dict[str, pd.DataFrame]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Runs at one density and their curves; the legs of the slow many-body potential are one run.

    Returns
    -------
    runs, curves : pandas.DataFrame
    """
    runs, curves = tables["runs"], tables["curves"]
    found = [table[table["study"] == "liquid"] for table in (runs, curves)]
    of_legs = [table[(table["study"] == "stability") & (table["potential"] == "many-body")] for table in (runs, curves)]
    for place, (legs, keys) in enumerate(zip(of_legs, ([], ["pair", "r"]), strict=True)):
        if len(legs):
            named = ["n", "study", "world", "potential", "draw", *keys]
            numbers = legs.groupby(named, as_index=False, sort=False).mean(numeric_only=True)
            found[place] = pd.concat([found[place], numbers.assign(study="liquid")], ignore_index=True)
    return found[0], found[1]


def describe_stability(runs: pd.DataFrame) -> pd.DataFrame:
    """Drift of the longest runs over their legs, by a straight line.

    Parameters
    ----------
    runs : pandas.DataFrame
        `study`, `world`, `potential`, `n`, `leg`, `energy`, `pressure`, `atom_steps`.

    Returns
    -------
    pandas.DataFrame
        `world`, `potential`, `n`, `legs`, `steps`, and of energy and pressure the mean over legs, its `_sem`, and
        `_drift` from begin to end with `_drift_sem`, from the scatter of legs about the line (NaN for one or two).
    """
    rows = []
    for (world, potential), legs in runs[runs["study"] == "stability"].groupby(["world", "potential"]):
        legs = legs.sort_values("leg")
        row: dict[str, Any] = {
            "world": world, "potential": potential, "n": int(legs["n"].iloc[0]), "legs": len(legs),
            "steps": int((legs["atom_steps"] / legs["n"]).sum()),
        }  # fmt: skip
        for quantity in ("energy", "pressure"):
            row[quantity], row[f"{quantity}_sem"] = _mean(legs, quantity)
            values = legs[quantity].to_numpy(dtype=float)
            drift, error = math.nan, math.nan
            if len(values) > 2:
                fit = linregress(np.linspace(0, 1, len(values)), values)
                drift, error = float(fit.slope), float(fit.stderr)
            row |= {f"{quantity}_drift": drift, f"{quantity}_drift_sem": error}
        rows.append(row)
    return pd.DataFrame(rows)


def mean_force(curves: pd.DataFrame, temperature: float) -> pd.DataFrame:
    """Potential of mean force w(r) = −kT ln g(r), with its error from the scatter of runs.

    Parameters
    ----------
    curves : pandas.DataFrame
        Curves of several runs of each kind: `world`, `potential`, `draw`, `pair`, `r`, `g`.
    temperature : float

    Returns
    -------
    pandas.DataFrame
        `world`, `potential`, `pair`, `r`, `w`, `w_sem`, `runs`; where g is below 0.05 in a run, there is no row. The
        error of a single run is NaN.
    """
    least = curves.groupby(["world", "pair", "r"])["g"].transform("min")
    kept = curves[least > 0.05]
    kept = kept.assign(w=-temperature * np.log(kept["g"]))
    found = kept.groupby(["world", "potential", "pair", "r"])["w"].agg(w="mean", w_sem="sem", runs="count")
    return found.reset_index()


def compare_engines(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """One pair potential under LAMMPS and under HOOMD-blue: means over runs, and their difference in standard errors.

    Returns
    -------
    pandas.DataFrame
        `quantity` (pressure, energy, the highest value of each g), `lammps`, `lammps_sem`, `hoomd`,
        `hoomd_sem`, `difference`, `error`, `sigmas`.
    """
    runs, curves = (tables[name][tables[name]["study"] == "engines"] for name in ("runs", "curves"))
    peaks = curves.groupby(["engine", "draw", "pair"])["g"].max().unstack("pair")
    values = runs.set_index(["engine", "draw"])[["pressure", "energy", "d_a", "d_b"]].join(
        peaks.add_prefix("peak of g ")
    )
    mean, sem = values.groupby("engine").mean(), values.groupby("engine").sem()
    found = pd.DataFrame({"lammps": mean.loc["lammps"], "lammps_sem": sem.loc["lammps"]})
    found = found.assign(hoomd=mean.loc["hoomd"], hoomd_sem=sem.loc["hoomd"])
    found["difference"] = found["hoomd"] - found["lammps"]
    found["error"] = np.hypot(found["lammps_sem"], found["hoomd_sem"])
    found["sigmas"] = found["difference"] / found["error"]
    return found.rename_axis("quantity").reset_index()
