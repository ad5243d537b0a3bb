"""One part of the campaign as rows of the tables of version 2."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ljmix._util.arrays import FloatArray
from ljmix.data.state_rows import pool
from ljmix.release.part_files import FinishedState
from ljmix.simulation.engine import TIME_STEP
from ljmix.simulation.initial import start_seed
from ljmix.simulation.protocol import STABLE
from ljmix.state import PAIRS, StatePoint
from ljmix.structure.phase import is_supercooled, label_phase, lever_rule
from ljmix.structure.wave_errors import wave_errors

__all__ = ["counted_runs", "part_row", "part_tables", "start_rows"]

_AVERAGES = (
    "number_density", "potential_energy", "virial_pressure", "isothermal_compressibility", "thermal_expansion",
    "heat_capacity", "diffusion_a", "diffusion_b",
)  # fmt: skip
_ESTIMATORS = ("force", "virtual")
_NEARLY_PURE = 0.9


def counted_runs(header: dict[str, Any]) -> list[int]:
    """Runs that are in the tables; the rule of `ljmix.release.version2`."""
    deciding: list[int] = header["deciding"]
    if header["agreed"]:
        return deciding
    names = [run["start"] for run in header["starts"]]
    wanted = STABLE[0] if STABLE[0] in names else "separated" if "separated" in names else names[0]
    return [names.index(wanted)]


def _value(run: dict[str, Any], name: str) -> float:
    return math.nan if run[name] is None else float(run[name])


def part_row(part: FinishedState) -> dict[str, Any]:
    """Row of `states`."""
    header = part.header
    state, n, n_b = StatePoint(**header["state"]), header["n_particles"], header["n_b"]
    runs = [header["starts"][k] for k in counted_runs(header)]
    deciding = [header["starts"][k] for k in header["deciding"]]
    weights = np.array([run["n_frames"] for run in runs], dtype=float)
    row: dict[str, Any] = {"state_id": state.state_id, **state.as_dict(), "n_particles": n, "n_b": n_b}
    row["n_frames"] = int(weights.sum())
    for name in _AVERAGES:
        mean, sem = pool([(run["n_frames"], _value(run, name), _value(run, f"{name}_sem")) for run in runs])
        row |= {name: float(mean), f"{name}_sem": float(sem)}
    spread = np.array([run["virial_pressure_std"] for run in runs])
    row["virial_pressure_std"] = float(np.sqrt(np.average(spread**2, weights=weights)))
    for name in ("concentration_fluctuation", "wave_lifetime", "demixing", "segregation", "crystal"):
        row[name] = float(np.average([_value(run, name) for run in runs], weights=weights))
    row["phase"] = label_phase(row["demixing"], row["segregation"], row["crystal"])
    for name in _ESTIMATORS:
        least = min(runs, key=lambda run: _value(run, f"{name}_gain"))
        row |= {f"{name}_{what}": _value(least, f"{name}_{what}") for what in ("gain", "deviation")}
    settled, precise = (all(run[name] for run in deciding) for name in ("settled", "precise"))
    row |= {
        "settled": settled,
        "precise": precise,
        "starts_agree": header["agreed"],
        "converged": settled and precise and header["agreed"],
        "steps_equilibration": sum(run["start_step"] for run in runs),
        "steps_production": sum(run["end_step"] - run["start_step"] for run in runs),
        "starts": "+".join(run["start"] for run in runs),
        "seed": start_seed(state, f"positions/{header['starts'][0]['start']}/{n}", int(header["replica"])),
        "engine": header["engine"],
        "engine_version": ", ".join(sorted({run["engine_version"] for run in header["starts"]})),
        "device": ", ".join(sorted({run["device"] for run in header["starts"]})),
        "wall_seconds": float(sum(run["wall_seconds"] for run in header["starts"])),
        "rdf_seconds": float(sum(run["rdf_seconds"] for run in header["starts"])),
    }
    return row | _describe_equilibrium(header, runs, row)


def _describe_equilibrium(
    header: dict[str, Any], runs: Sequence[dict[str, Any]], row: dict[str, Any]
) -> dict[str, Any]:
    """Columns that version 1 lacks."""
    kinds = [name.removeprefix("attempted_") for name in runs[0] if name.startswith("attempted_")]
    kinds = [kind for kind in kinds if not kind.endswith("_parts")]
    attempted, accepted = (
        sum(run[f"{what}_{kind}"] for run in runs for kind in kinds) for what in ("attempted", "accepted")
    )
    two = row["phase"] == "demixed"
    liquids = {
        name: _domain_mean(runs, name) if two else math.nan
        for name in ("x_b_lean", "x_b_rich", "density_lean", "density_rich")
    }
    held, density = (np.array([liquids[f"{name}_lean"], liquids[f"{name}_rich"]]) for name in ("x_b", "density"))
    share_b = header["n_b"] / header["n_particles"]
    # A domain's wave only trembles: counting samples of it says nothing.
    waves = math.nan if two else float(sum(min(run["independent_waves"]) for run in runs))
    return {
        "version": 2,
        "simulated_fraction_b": share_b,
        "moves": "+".join(kinds),
        "acceptance": accepted / attempted if attempted else math.nan,
        "shape": "+".join(sorted({run["shape"] for run in runs})) if two else "",
        "lever_share": float(lever_rule(share_b, held, density)[1]),
        **liquids,
        "metastable": _is_metastable(StatePoint(**header["state"]), runs, row),
        "n_blocks": min(run["n_blocks"] for run in runs),
        "wave_samples": waves,
    }


def _domain_mean(runs: Sequence[dict[str, Any]], name: str) -> float:
    """Mean over the late halves of runs of what their domains hold; NaN where one has no such domain."""
    values = [run["domains"][name]["late"][0] for run in runs]
    return math.nan if None in values else float(np.mean(values))


def _is_metastable(state: StatePoint, runs: Sequence[dict[str, Any]], row: dict[str, Any]) -> bool:
    """Whether a nearly pure liquid of the state lies below its melting line, or has frozen.

    A species' reduced density is N_i σ_i³ / V of the liquid; its reduced temperature is T*, since ε_AA = ε_BB.
    """
    if row["phase"] == "crystal":
        return True
    liquids = [(row["n_b"] / row["n_particles"], row["number_density"])]
    if row["phase"] == "demixed":
        liquids = []
        for run in runs:
            domains = run["domains"]
            for name in ("lean", "rich"):
                x_b, density = (domains[f"{what}_{name}"]["late"][0] for what in ("x_b", "density"))
                if x_b is not None and density is not None:
                    liquids.append((x_b, density))
    return any(
        is_supercooled(state.temperature, density * share * size**3)
        for x_b, density in liquids
        for share, size in ((1 - x_b, 1.0), (x_b, state.size_ratio))
        if share >= _NEARLY_PURE
    )


def _wave_terms(part: FinishedState, k: int) -> FloatArray:
    """What unseen waves add to the errors of one run, (3, n_bins); zero where the mixture is not one liquid."""
    header, run = part.header, part.header["starts"][k]
    if run["phase"] != "mixed":
        return np.zeros_like(part.g[k])
    time = (run["end_step"] - run["start_step"]) * TIME_STEP
    lifetimes = time / np.array(run["s_cc"]["samples"], dtype=float)
    g, s = (dict(zip(PAIRS, values[k], strict=True)) for values in (part.g, part.s))
    edge = float(2 * np.pi / part.k[0])
    errors = wave_errors(
        part.r, g, s, header["n_particles"], header["n_b"], edge, lifetimes, time, run["n_blocks"]
    )  # fmt: skip
    return np.stack([errors[pair] for pair in PAIRS])


def part_tables(part: FinishedState) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of `rdf` and of `structure_factors`: the runs that count, weighted by their samples.

    In `rdf` the column `from_blocks` is `g_sem` without the term for waves.
    """
    header = part.header
    state, chosen = StatePoint(**header["state"]), counted_runs(header)
    sems = {k: np.hypot(part.g_sem[k], _wave_terms(part, k)) for k in chosen}
    curves, factors = [], []
    for row, pair in enumerate(PAIRS):
        weights = {k: header["starts"][k]["samples"][pair] for k in chosen}
        g, g_sem = pool([(weights[k], part.g[k, row], sems[k][row]) for k in chosen])
        _, from_blocks = pool([(weights[k], part.g[k, row], part.g_sem[k, row]) for k in chosen])
        columns = {"r": part.r, "g": g, "g_sem": g_sem, "from_blocks": np.minimum(from_blocks, g_sem)}
        if chosen == header["counted"]:
            # ∂g/∂β was averaged over the runs that the campaign counted.
            columns |= {"g_dbeta": part.g_dbeta[row], "g_dbeta_sem": part.g_dbeta_sem[row]}
        curves.append(pd.DataFrame({"state_id": state.state_id, "pair": pair} | columns))
        frames = [header["starts"][k]["n_frames"] for k in chosen]
        s, s_sem = pool([(n, part.s[k, row], part.s_sem[k, row]) for n, k in zip(frames, chosen, strict=True)])
        table = {"state_id": state.state_id, "pair": pair, "k": part.k, "s": s, "s_sem": s_sem}
        factors.append(pd.DataFrame(table))
    return pd.concat(curves, ignore_index=True), pd.concat(factors, ignore_index=True)


def start_rows(part: FinishedState) -> pd.DataFrame:
    """Rows of `starts`: every run of the state."""
    header, chosen = part.header, counted_runs(part.header)
    name = StatePoint(**header["state"]).state_id
    tables = [
        pd.DataFrame(
            {
                "state_id": name,
                "start": run["start"],
                "pair": pair,
                "r": part.r,
                "g": part.g[k, row],
                "g_sem": part.g_sem[k, row],
                "counted": k in chosen,
            }
        )
        for k, run in enumerate(header["starts"])
        for row, pair in enumerate(PAIRS)
    ]
    return pd.concat(tables, ignore_index=True)
