"""Finished states of a long campaign as small files: what one holds, and how it is written and read."""

from __future__ import annotations

import json
import math
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ljmix._util.arrays import FloatArray
from ljmix._util.atomic import replace_when_whole
from ljmix._util.provenance import describe_provenance
from ljmix.data.state_rows import AnalysedRun, analyse_runs, summarise_runs
from ljmix.simulation.profiles import Profile
from ljmix.simulation.sampling import choose_runs
from ljmix.simulation.workspace import read_identity
from ljmix.state import PAIRS, StatePoint
from ljmix.structure.convergence import SERIES, count_independent
from ljmix.structure.phase import domain_share
from ljmix.structure.rdf import split_blocks

__all__ = ["FinishedState", "read_part", "write_part"]

FORMAT = 1
N_BLOCKS = 5
"""Blocks of a run that a part keeps, for jackknife errors of what is derived from curves."""
N_TIMES = 40
"""Points that a series is thinned to: means over windows of the whole run."""
WAVES = ("wave_x", "wave_y", "wave_z")
_BLOCK_SCALE = 6.0
"""Blocks are kept as whole numbers, in units of their expected spread over this: rounding adds 0.2 % to its square."""


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
    r: FloatArray
    g: FloatArray
    g_sem: FloatArray
    blocks: FloatArray
    g_dbeta: FloatArray
    g_dbeta_sem: FloatArray
    k: FloatArray
    s: FloatArray
    s_sem: FloatArray
    time: FloatArray
    series: FloatArray


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
    r: FloatArray = np.round((np.arange(n_bins) + 0.5) * header["bin_width"], 9)
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


def _by_pair(table: pd.DataFrame, column: str) -> FloatArray:
    """Column of a table whose rows are the bins of AA, of AB, of BB, as (3, n) array."""
    values: FloatArray = table[column].to_numpy(dtype=float).reshape(len(PAIRS), -1)
    return values


def _round(values: FloatArray, bits: int) -> npt.NDArray[np.float32]:
    """Round to a number of significant bits, so that what is noise does not fill the file."""
    mantissa, exponent = np.frexp(values)
    rounded: FloatArray = np.ldexp(np.round(mantissa * 2**bits) / 2**bits, exponent)
    return rounded.astype(np.float32)


def _pack_blocks(part: AnalysedRun, g: FloatArray, g_sem: FloatArray) -> npt.NDArray[np.int8]:
    blocks = np.stack([split_blocks(part.analysis.samples[pair], N_BLOCKS) for pair in PAIRS], axis=1)
    scale = _round(g_sem, 8).astype(np.float16).astype(float) * np.sqrt(N_BLOCKS) / _BLOCK_SCALE
    units = np.divide(blocks - g, scale, out=np.zeros_like(blocks), where=scale > 0)
    clipped: FloatArray = np.clip(np.round(units), -127, 127)
    return clipped.astype(np.int8)


def _thin_series(part: AnalysedRun, n_particles: int) -> FloatArray:
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
