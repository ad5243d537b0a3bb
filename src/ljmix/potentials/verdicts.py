"""What long runs say about a potential: the targets, and the numbers that pages quote."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pandas as pd

from ljmix.potentials.comparisons import correct_diffusion, describe_stability, gather_liquid, rdf_misfits
from ljmix.potentials.shipped import FOLDER

__all__ = ["load_tables", "summarise", "table_targets"]

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


def table_targets(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """What is asked of the pair spline of four frames, and what is measured.

    Returns
    -------
    pandas.DataFrame
        `target`, `aim`, `measured` (a median), `spread` (the worst draw; of g 97.5 % of the pairs of runs; of the
        speed its lower quartile; of D its error), `met`.
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
        ("speed relative to Lennard-Jones", "≥ 0.9", float(relative.median()), float(relative.quantile(0.25)),
         bool(relative.median() >= 0.9)),
    ]  # fmt: skip
    large = runs[(runs["world"] == "lennard-jones") & runs["study"].isin(["liquid", "transport"]) & (runs["n"] == 500)]
    infinite = correct_diffusion(large).set_index(["species", "potential"])
    for species in "AB":
        truth, learned = (infinite.loc[(species, potential)] for potential in ("truth", "pair"))
        off = abs(learned["infinite"] - truth["infinite"]) / truth["infinite"]
        error = math.hypot(learned["infinite_sem"], truth["infinite_sem"]) / truth["infinite"]
        met = bool(off < 0.05 and error <= 0.03)
        rows.append((f"relative error of D_{species}, infinite box", "< 0.05, its error ≤ 0.03", off, error, met))
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
        potential; `doubt` by world; `active` by policy; `stability` by world and potential; `studies` that have been
        run; `targets`.
    """
    learning = tables["learning"]
    learning = learning[learning["compositions"] == "0.1 and 0.5"]
    learning = learning.assign(
        force_error=learning["force_error"] / learning["force_size"], pressure_bias=learning["pressure_bias"].abs()
    )
    keys = ["world", "potential", "weights", "n_frames"]
    medians = learning.groupby(keys)[["force_error", "pressure_bias"]].median().reset_index()
    runs = tables["runs"]
    misfits = rdf_misfits(gather_liquid(tables)[1]).groupby(["world", "potential"])["misfit"]
    active = tables["active"].sort_values("round").groupby(["policy", "draw"]).last()
    targets = table_targets(tables)
    return {
        **{name: _nest(medians[[*keys, name]]) for name in ("force_error", "pressure_bias")},
        "misfit": _nest(misfits.median().reset_index()),
        "doubt": {
            str(world): {name: float(rows[name].median()) for name in ("rank", "ratio")}
            for world, rows in ranks.groupby("world")
        },
        "active": {
            str(policy): {"frames": float(rows["n_frames"].median()), "error": float(rows["error"].max())}
            for policy, rows in active.groupby("policy")
        },
        "stability": {
            str(world): {
                str(run["potential"]): {"n": run["n"], "steps": run["steps"]} for run in rows.to_dict("records")
            }
            for world, rows in describe_stability(runs).groupby("world")
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
