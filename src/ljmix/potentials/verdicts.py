"""What long runs say about a potential: differences to the truth, beside those of the truth to itself."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ljmix.potentials.runs import compare_curves
from ljmix.potentials.shipped import FOLDER

__all__ = [
    "QUANTITIES",
    "compare_runs",
    "correct_diffusion",
    "load_tables",
    "rdf_misfits",
    "summarise",
    "table_targets",
]

QUANTITIES = ("pressure", "energy", "density", "d_a", "d_b")
_YEH_HUMMER = 2.837297
_NEEDED = ("runs", "curves", "series", "learning", "active", "speed")


def load_tables(folder: Path = FOLDER) -> dict[str, pd.DataFrame]:
    """Tables of the long runs: shipped ones, or those of ``python -m ljmix.potentials.campaign``.

    Returns
    -------
    dict of str to pandas.DataFrame
        `runs`, `curves`, `series`, `learning`, `active`, `speed`, and what else has been run.

    Raises
    ------
    FileNotFoundError
        If one of those named is missing.
    """
    missing = [name for name in _NEEDED if not (folder / f"{name}.parquet").exists()]
    if missing:
        raise FileNotFoundError(
            f"{folder / missing[0]}.parquet does not exist; python -m ljmix.potentials.campaign makes it, in an hour"
        )
    return {path.stem: pd.read_parquet(path) for path in sorted(folder.glob("*.parquet"))}


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
    """Diffusion in an infinite box: the intercept of D against 1/L (Yeh and Hummer 2004, doi:10.1021/jp0477147).

    D(L) = D∞ − 2.837 kT/(6π η L), so that the slope gives the viscosity η, too.

    Parameters
    ----------
    runs : pandas.DataFrame
        Runs in boxes of several sizes: `potential`, `n`, `density`, `d_a`, `d_b`.
    temperature : float

    Returns
    -------
    pandas.DataFrame
        `potential`, `species`, `d`, `d_sem`, `viscosity` (NaN where the slope has the wrong sign).
    """
    rows = []
    for potential, found in runs.groupby("potential"):
        for species in "ab":
            inverse = np.cbrt(found["density"] / found["n"]).to_numpy(dtype=float)
            d = found[f"d_{species}"].to_numpy(dtype=float)
            design = np.column_stack([np.ones_like(inverse), inverse])
            (intercept, slope), *_ = np.linalg.lstsq(design, d, rcond=None)
            variance = np.sum((d - design @ [intercept, slope]) ** 2) / (len(d) - 2)
            covariance = variance * np.linalg.inv(design.T @ design)
            viscosity = _YEH_HUMMER * temperature / (6 * math.pi * -slope) if slope < 0 else math.nan
            row: dict[str, Any] = {"potential": potential, "species": species.upper(), "d": intercept}
            rows.append(row | {"d_sem": math.sqrt(covariance[0, 0]), "viscosity": viscosity})
    return pd.DataFrame(rows)


def table_targets(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """What is asked of the pair spline of four frames, and what is measured.

    Returns
    -------
    pandas.DataFrame
        `target`, `aim`, `measured` (a median), `spread` (the worst draw; of g 97.5 % of the pairs of runs; of D its
        error), `met`.
    """
    runs, curves = tables["runs"], tables["curves"]
    liquid = curves[(curves["study"] == "liquid") & (curves["world"] == "lennard-jones")]
    misfits = rdf_misfits(liquid)
    own = misfits.loc[misfits["potential"] == "truth", "misfit"]
    learned = misfits.loc[misfits["potential"] == "pair", "misfit"]
    limit = float(own.quantile(0.975))
    learning = tables["learning"]
    fits = learning[
        (learning["world"] == "lennard-jones") & (learning["potential"] == "pair spline") & (learning["n_frames"] == 4)
        & (learning["weights"] == "forces, energy, virial") & (learning["compositions"] == "0.1 and 0.5")
    ]  # fmt: skip
    speed = tables["speed"]
    relative = speed.loc[speed["engine"] == "pair spline", "relative"]
    rows = [
        ("1 − R² of g, unseen composition", f"< {limit:.2e} (97.5 % of {len(own)} pairs of truth runs)",
         float(learned.median()), float(learned.quantile(0.975)), bool(learned.quantile(0.975) <= limit)),
        ("|bias of pressure|", "< 0.005", *_largest(fits["pressure_bias"], 0.005)),
        ("|bias of energy a particle|", "< 0.001", *_largest(fits["energy_bias"], 0.001)),
        ("speed relative to Lennard-Jones", "≥ 0.9", float(relative.median()), float(relative.min()),
         bool(relative.median() >= 0.9)),
    ]  # fmt: skip
    # In one box for both, so that its correction, the same for equal viscosities, cancels.
    compared = compare_runs(runs[(runs["study"] == "liquid") & (runs["world"] == "lennard-jones")])
    for species in "ab":
        (row,) = compared[compared["quantity"] == f"d_{species}"].to_dict("records")
        off, error = abs(row["difference"]) / row["truth"], row["error"] / row["truth"]
        met = off < 0.05 and error <= 0.03
        rows.append((f"relative error of D_{species.upper()}, one box", "< 0.05, its error ≤ 0.03", off, error, met))
    return pd.DataFrame(rows, columns=["target", "aim", "measured", "spread", "met"])


def _largest(values: pd.Series, limit: float) -> tuple[float, float, bool]:
    sizes = values.abs()
    return float(sizes.median()), float(sizes.max()), bool(sizes.max() < limit)


def summarise(tables: dict[str, pd.DataFrame], ranks: pd.DataFrame) -> dict[str, Any]:
    """Numbers that captions quote.

    Parameters
    ----------
    tables : dict of pandas.DataFrame
        `load_tables`.
    ranks : pandas.DataFrame
        `world`, `rank` and `ratio` of `ljmix.potentials.studies.compare_doubt`, a row a draw and state.

    Returns
    -------
    dict
        `force_error` and `pressure_bias` by world, potential, weights and number of frames; `misfit` of g by world and
        potential; `doubt` by world; `active` by policy; `studies` that have been run; `targets`.
    """
    learning = tables["learning"]
    learning = learning[learning["compositions"] == "0.1 and 0.5"]
    learning = learning.assign(
        force_error=learning["force_error"] / learning["force_size"], pressure_bias=learning["pressure_bias"].abs()
    )
    keys = ["world", "potential", "weights", "n_frames"]
    medians = learning.groupby(keys)[["force_error", "pressure_bias"]].median().reset_index()
    runs, curves = tables["runs"], tables["curves"]
    misfits = rdf_misfits(curves[curves["study"] == "liquid"]).groupby(["world", "potential"])["misfit"]
    active = tables["active"].sort_values("round").groupby(["policy", "draw"]).last()
    targets = table_targets(tables)
    return {
        **{name: _nest(medians[[*keys, name]]) for name in ("force_error", "pressure_bias")},
        "misfit": _nest(misfits.median().reset_index()),
        "doubt": {
            str(world): {"rank": float(rows["rank"].mean()), "ratio": float(rows["ratio"].mean())}
            for world, rows in ranks.groupby("world")
        },
        "active": {
            str(policy): {"frames": float(rows["n_frames"].median()), "error": float(rows["error"].max())}
            for policy, rows in active.groupby("policy")
        },
        "studies": sorted({*runs["study"], *(name for name in ("inversion",) if name in tables)}),
        "targets": {
            str(row["target"]): {name: row[name] for name in ("aim", "measured", "spread", "met")}
            for row in targets.to_dict("records")
        },
    }


def _nest(rows: pd.DataFrame) -> Any:
    """Turn a table whose last column is a value into dictionaries within dictionaries."""
    first = rows.columns[0]
    if rows.shape[1] == 1:
        return float(rows[first].iloc[0])
    return {f"{key}": _nest(part.drop(columns=first)) for key, part in rows.groupby(first)}
