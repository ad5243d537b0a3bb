"""Finished states of a long campaign as small files that can be committed while it goes on.

A part holds all that the tables need of one state, and both starts, so that the tables can be made from parts alone, by
other rules too: curves with errors and blocks, averages, structure factors, and the series that show whether the starts
meet. It is written once and never changed::

    python -m ljmix.data.parts simulate --results DIR     # what data/parts lacks; resumable
    python -m ljmix.data.parts list                       # what there is, and what it says

"""

from __future__ import annotations

import argparse
import json
import math
import sys
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ljmix._util.atomic import replace_when_whole
from ljmix._util.command import one_sentence
from ljmix._util.provenance import describe_provenance
from ljmix.data.dataset import read_dataset
from ljmix.data.reference import shipped_directory, shipped_folder
from ljmix.data.state_rows import AnalysedRun, analyse_runs, summarise_runs
from ljmix.simulation.campaign import run_campaign
from ljmix.simulation.profiles import Profile, load_profile
from ljmix.simulation.sampling import choose_runs
from ljmix.simulation.workspace import read_identity
from ljmix.state import DILUTE, PAIRS, StatePoint, state_points
from ljmix.structure.convergence import SERIES, count_independent
from ljmix.structure.phase import domain_share
from ljmix.structure.rdf import split_blocks

__all__ = ["FinishedState", "read_part", "states_to_repeat", "write_part"]

FORMAT = 1
N_BLOCKS = 5
"""Blocks of a run that a part keeps, for jackknife errors of what is derived from curves."""
N_TIMES = 40
"""Points that a series is thinned to: means over windows of the whole run."""
WAVES = ("wave_x", "wave_y", "wave_z")
_BLOCK_SCALE = 6.0
"""Blocks are kept as whole numbers, in units of their expected spread over this: rounding adds 0.2 % to its square."""
_SLOW_WAVE = 100.0
"""Lifetime of the longest concentration wave, τ, above which a mixed state is simulated again though it counted as
converged: its run held too few samples of that wave."""

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class FinishedState:
    """One part as it is read.

    Attributes
    ----------
    header : dict
        ``state``, ``n_particles``, ``n_b``, ``profile``, ``engine``, ``provenance``; ``starts``, one dict a run with
        its averages and counts; ``counted``, which of them are averaged; ``agreed``, ``converged``.
    r : (n_bins,) array
        Bin centres, σ_AA.
    g, g_sem : (n_starts, 3, n_bins) arrays
        For AA, AB, BB.
    blocks : (n_starts, 5, 3, n_bins) array
        Curves of five consecutive blocks of each run.
    g_dbeta, g_dbeta_sem : (3, n_bins) arrays
        ∂g/∂β of the runs that count.
    k : (n_shells,) array
        1/σ_AA.
    s, s_sem : (n_starts, 3, n_shells) arrays
    time : (40,) array
        Middles of the windows of a run, as shares of its length.
    series : (n_starts, 8, 40) array
        Density, energy, first shells of AA, AB, BB, and S_cc of the longest wave along x, y, z; NaN where a window
        holds no measurement.
    """

    header: dict[str, Any]
    r: Array
    g: Array
    g_sem: Array
    blocks: Array
    g_dbeta: Array
    g_dbeta_sem: Array
    k: Array
    s: Array
    s_sem: Array
    time: Array
    series: Array


def write_part(state: StatePoint, folder: Path, directory: Path, profile: Profile) -> Path:
    """Write the part of a finished state; leave it as it is where it exists.

    Parameters
    ----------
    state : StatePoint
    folder : Path
        Of its finished job.
    directory : Path
        Where parts lie.
    profile : Profile
        It was simulated with.

    Returns
    -------
    Path
    """
    path = directory / f"{state.state_id}.npz"
    if path.exists():
        return path
    runs = analyse_runs(folder, state, profile)
    identity = read_identity(folder)
    n_particles, n_b = int(identity["n_particles"]), int(identity["n_b"])
    counted, agreed = choose_runs([part.analysis for part in runs], [part.run.start for part in runs])
    good = [part.analysis.settled and part.analysis.precise for part in runs]
    _, pooled, _ = summarise_runs([runs[k] for k in counted], n_particles, n_b)
    header = {
        "format": FORMAT,
        "state": state.as_dict(),
        "n_particles": n_particles,
        "n_b": n_b,
        "engine": identity["engine"],
        "moves": identity.get("moves"),
        "replica": identity["replica"],
        "counted": counted,
        "agreed": agreed,
        "converged": agreed and all(good[k] for k in counted),
        "bin_width": profile.bin_width,
        "provenance": dict(describe_provenance(profile.name)),
        "starts": [],
    }
    rows: dict[str, list[npt.NDArray[Any]]] = {name: [] for name in ("g", "g_sem", "blocks", "s", "s_sem", "series")}
    for part in runs:
        averages, rdf, waves = summarise_runs([part], n_particles, n_b)
        header["starts"].append(_describe_run(part, averages))
        g, g_sem = (_by_pair(rdf, name) for name in ("g", "g_sem"))
        rows["g"].append(_round(g, 13))
        rows["g_sem"].append(_round(g_sem, 8).astype(np.float16))
        rows["blocks"].append(_pack_blocks(part, g, g_sem))
        rows["s"].append(_round(_by_pair(waves, "s"), 14))
        rows["s_sem"].append(_round(_by_pair(waves, "s_sem"), 8).astype(np.float16))
        rows["series"].append(_round(_thin_series(part, n_particles), 12))
    arrays = {name: np.stack(values) for name, values in rows.items()}
    arrays |= {name: _round(_by_pair(pooled, name), 9).astype(np.float16) for name in ("g_dbeta", "g_dbeta_sem")}
    arrays["k"] = waves["k"].to_numpy(dtype=np.float32)[: arrays["s"].shape[-1]]
    arrays["header"] = np.frombuffer(json.dumps(header, allow_nan=False).encode(), dtype=np.uint8)
    with replace_when_whole(path) as whole:
        np.savez_compressed(whole, allow_pickle=False, **arrays)
    return path


def read_part(path: Path) -> FinishedState:
    """Read a part.

    Raises
    ------
    ValueError
        If the file is damaged, foreign, or of a newer format.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
        header = json.loads(arrays.pop("header").tobytes())
        found = header["format"]
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{path} is not a part of a campaign (damaged or foreign): {error}") from error
    if found != FORMAT:
        raise ValueError(f"{path} has format {found}; this version of ljmix reads format {FORMAT}")
    values = {name: array.astype(float) for name, array in arrays.items()}
    n_bins = values["g"].shape[-1]
    scale = values["g_sem"][:, None] * np.sqrt(N_BLOCKS) / _BLOCK_SCALE
    values["blocks"] = values["g"][:, None] + values["blocks"] * scale
    r: Array = np.round((np.arange(n_bins) + 0.5) * header["bin_width"], 9)
    return FinishedState(header, r, time=(np.arange(N_TIMES) + 0.5) / N_TIMES, **values)


def _describe_run(part: AnalysedRun, averages: dict[str, Any]) -> dict[str, Any]:
    analysis, measured = part.analysis, part.measured
    share, shape = domain_share(part.run.read_configurations(analysis.start_step)[-4:], part.run.state)
    totals = {
        name: int(values.sum()) for name, values in measured.items() if name.startswith(("attempted_", "accepted_"))
    }
    return {
        "start": part.run.start,
        "start_step": analysis.start_step,
        "end_step": analysis.end_step,
        "n_blocks": analysis.n_blocks,
        "settled": analysis.settled,
        "precise": analysis.precise,
        "independent": {name: round(count_independent(series), 1) for name, series in analysis.series.items()},
        "domain_share": share,
        "domain_shape": shape,
        **totals,
        **{name: _plain(value) for name, value in averages.items()},
        "wall_seconds": round(float(measured["seconds_all"].sum()), 1),
        "rdf_seconds": round(float((measured["seconds_all"] - measured["seconds_engine"]).sum()), 1),
        "engine_version": str(measured["engine_version"][-1]),
        "device": str(measured["device"][-1]),
    }


def _plain(value: Any) -> Any:
    """Round a float to eight digits; None for NaN, which JSON does not know."""
    if isinstance(value, float):
        return float(f"{value:.8g}") if math.isfinite(value) else None
    return value


def _by_pair(table: pd.DataFrame, column: str) -> Array:
    """Column of a table whose rows are the bins of AA, of AB, of BB, as (3, n) array."""
    values: Array = table[column].to_numpy(dtype=float).reshape(len(PAIRS), -1)
    return values


def _round(values: Array, bits: int) -> npt.NDArray[np.float32]:
    """Round to a number of significant bits, so that what is noise does not fill the file."""
    mantissa, exponent = np.frexp(values)
    rounded: Array = np.ldexp(np.round(mantissa * 2**bits) / 2**bits, exponent)
    return rounded.astype(np.float32)


def _pack_blocks(part: AnalysedRun, g: Array, g_sem: Array) -> npt.NDArray[np.int8]:
    blocks = np.stack([split_blocks(part.analysis.samples[pair], N_BLOCKS) for pair in PAIRS], axis=1)
    scale = _round(g_sem, 8).astype(np.float16).astype(float) * np.sqrt(N_BLOCKS) / _BLOCK_SCALE
    units = np.divide(blocks - g, scale, out=np.zeros_like(blocks), where=scale > 0)
    clipped: Array = np.clip(np.round(units), -127, 127)
    return clipped.astype(np.int8)


def _thin_series(part: AnalysedRun, n_particles: int) -> Array:
    measured, end = part.measured, part.analysis.end_step
    columns = {
        "density": (measured["step"], n_particles / measured["volume"]),
        "energy": (measured["step"], measured["potential_energy"]),
    }
    columns |= {pair: (measured[f"step_{pair}"], part.first_shell(pair)) for pair in PAIRS}
    columns |= {name: (measured["step"], measured["waves"][:, axis]) for axis, name in enumerate(WAVES)}
    thinned = np.full((len(columns), N_TIMES), np.nan)
    for row, name in enumerate((*SERIES, *WAVES)):
        step, values = columns[name]
        window = np.minimum((step - 1) * N_TIMES // end, N_TIMES - 1)
        means = pd.Series(np.asarray(values, dtype=float)).groupby(window).mean()
        thinned[row, means.index.to_numpy()] = means.to_numpy()
    return thinned


def states_to_repeat(states: pd.DataFrame) -> list[StatePoint]:
    """States of a dataset that plain runs have not brought to equilibrium, the most telling first.

    Those that have not converged, and the mixed ones whose longest concentration wave lives for more than 100 τ, in the
    order S = 1, S = 1.5, C_B = 0.01, S = 0.5, mixed ones with slow waves, S = 2; inside each, isobar by isobar.

    Parameters
    ----------
    states : pandas.DataFrame
        The table `states` of the dataset.
    """
    slow = states["converged"] & (states["wave_lifetime"] > _SLOW_WAVE)
    classes = [
        slow,
        states["fraction_b"] <= DILUTE,
        states["size_ratio"] == 1.0,
        states["size_ratio"] == 1.5,
        states["size_ratio"] < 1.0,
        states["size_ratio"] > 1.5,
    ]
    turn = pd.Series(np.select(classes, [4, 2, 0, 1, 3, 5]), index=states.index)
    again = states[~states["converged"] | slow]
    return state_points(again.loc[turn[again.index].sort_values(kind="stable").index])


def _missing(profile: Profile, data: Path, parts: Path) -> list[StatePoint]:
    asked = states_to_repeat(read_dataset(data).states)
    known = set(profile.states())
    return [state for state in asked if state in known and not (parts / f"{state.state_id}.npz").exists()]


def _simulate(options: argparse.Namespace, parts: Path) -> None:
    profile = load_profile("equilibrium")
    missing = _missing(profile, options.data or shipped_directory(load_profile("reference")), parts)
    if options.size_ratio:
        missing = [state for state in missing if state.size_ratio in options.size_ratio]
    if options.least_b:
        missing = [state for state in missing if state.fraction_b >= options.least_b]
    if not missing:
        print(f"{parts} holds all of them")
        return
    report = run_campaign(
        missing, profile, options.results, options.engine, options.device, workers=options.workers,
        then=partial(write_part, directory=parts, profile=profile),
    )  # fmt: skip
    if report.failed:
        sys.exit(1)


def _list(parts: Path) -> None:
    paths = sorted(parts.glob("*.npz"))
    if not paths:
        raise ValueError(f"{parts} holds no part")
    rows = []
    for path in paths:
        header = read_part(path).header
        starts: Sequence[dict[str, Any]] = header["starts"]
        rows.append(
            {
                "state": path.stem,
                "converged": header["converged"],
                "agreed": header["agreed"],
                "settled": "".join("01"[start["settled"]] for start in starts),
                "precise": "".join("01"[start["precise"]] for start in starts),
                "steps": max(start["end_step"] for start in starts),
                "waves": min(start["independent"].get("waves", np.nan) for start in starts),
                "phase": "/".join(start["phase"] for start in starts),
                "shape": "/".join(start["domain_shape"] for start in starts),
                "hours": sum(start["wall_seconds"] for start in starts) / 3600,
            }
        )
    table = pd.DataFrame(rows)
    print(table.round(2).to_string(index=False))
    print(f"{len(table)} states, {int(table.converged.sum())} converged, {table.hours.sum():.1f} core-hours")


def main(arguments: Iterable[str] | None = None) -> None:
    """Simulate what is missing, or list what there is, from the command line."""
    parser = argparse.ArgumentParser(description="Campaign for version 2 of the reference dataset, part by part.")
    parser.add_argument("step", choices=("simulate", "list"))
    parser.add_argument("--results", type=Path, default=Path("results", "equilibrium"), help="folder of the campaign")
    parser.add_argument("--parts", type=Path, help="folder of the parts; by default data/parts")
    parser.add_argument("--data", type=Path, help="dataset whose states are looked at; by default the reference")
    parser.add_argument("--size-ratio", type=float, nargs="+", help="only these size ratios")
    parser.add_argument("--least-b", type=float, help="only states with at least this fraction of B")
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--workers", type=int, help="processes; by default one a core")
    options = parser.parse_args(None if arguments is None else list(arguments))
    parts = options.parts or shipped_folder() / "parts"
    with one_sentence(parser):
        if options.step == "simulate":
            _simulate(options, parts)
        else:
            _list(parts)


if __name__ == "__main__":
    main()
