"""Finished states of a long campaign as small files: what one holds, and how it is written and read."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ljmix._util.arrays import FloatArray
from ljmix._util.atomic import replace_when_whole
from ljmix._util.provenance import describe_provenance
from ljmix._util.reading import read_arrays
from ljmix.configuration import Configuration
from ljmix.data.state_rows import AnalysedRun, analyse_runs, summarise_runs
from ljmix.simulation.profiles import Profile
from ljmix.simulation.protocol import needs_stable_shape
from ljmix.simulation.sampling import choose_runs, runs_that_decide
from ljmix.simulation.shapes import read_lever_share
from ljmix.simulation.workspace import read_identity
from ljmix.state import PAIRS, PARAMETERS, StatePoint
from ljmix.structure.convergence import SERIES, count_independent, count_waves, inefficiency, mean_and_error
from ljmix.structure.phase import crystal_shares, domain_shape, measure_domains, sorted_waves
from ljmix.structure.rdf import split_blocks
from ljmix.structure.scattering import concentration_fluctuation

__all__ = [
    "FinishedState",
    "is_kept",
    "lacks_second_bracket",
    "plain_value",
    "read_part",
    "round_to_bits",
    "write_part",
]

FORMAT = 2
N_BLOCKS = 5
"""Blocks of a run that a part keeps, for jackknife errors of what is derived from curves."""
N_TIMES = 40
"""Points that a series is thinned to: means over windows of the whole run."""
WAVES = ("wave_x", "wave_y", "wave_z")
_BY_START = ("g", "g_sem", "blocks", "bb_counted", "s", "s_sem", "s_blocks", "series")
_BLOCK_SCALE = 6.0
"""Blocks are kept as whole numbers, in units of their expected spread over this: rounding adds 0.2 % to its square."""


@dataclass(frozen=True)
class FinishedState:
    """One part as it is read.

    Attributes
    ----------
    header : dict
        ``state``, ``n_particles``, ``n_b``, ``profile``, ``engine``, ``provenance``; ``starts``, one dict a run with
        its averages and counts; ``counted``, which of them are averaged; ``agreed``, ``converged``; ``lever_share``,
        from which a second bracket has its shape, None where there was none (not in parts of earlier versions).
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
    bb_counted : (n_starts, 2, n_bins) array
        Counted g_BB and its standard error, where another estimator is in `g`; else zeros.
    s_blocks : (n_starts, 5, 3, n_shells) array
        Structure factors of the same blocks.
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
    bb_counted: FloatArray
    s_blocks: FloatArray
    time: FloatArray
    series: FloatArray


def write_part(state: StatePoint, folder: Path, directory: Path, profile: Profile) -> Path:
    """Write the part of a finished state; leave it as it is where it exists, unless it lacks a second bracket.

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
    if path.exists() and not lacks_second_bracket(read_part(path).header):
        return path
    runs = analyse_runs(folder, state, profile)
    identity = read_identity(folder)
    n_particles, n_b = int(identity["n_particles"]), int(identity["n_b"])
    counted, agreed = choose_runs([part.analysis for part in runs], [part.run.start for part in runs])
    starts = [part.run.start for part in runs]
    deciding = runs_that_decide(starts, [part.analysis.settled for part in runs])
    good = all(runs[k].analysis.settled and runs[k].analysis.precise for k in deciding)
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
        "deciding": deciding,
        "lever_share": read_lever_share(folder) if profile.equilibrate else None,
        "converged": agreed and good,
        "settings": {name: value for name, value in profile.as_dict().items() if name not in PARAMETERS},
        "bin_width": profile.bin_width,
        "provenance": dict(describe_provenance(profile.name)),
        "starts": [],
    }
    rows: dict[str, list[npt.NDArray[Any]]] = {name: [] for name in _BY_START}
    for part in runs:
        averages, rdf, waves = summarise_runs([part], n_particles, n_b)
        header["starts"].append(_describe_run(part, averages))
        g, g_sem = (_by_pair(rdf, name) for name in ("g", "g_sem"))
        rows["g"].append(round_to_bits(g, 13))
        rows["g_sem"].append(round_to_bits(g_sem, 8).astype(np.float16))
        rows["blocks"].append(_pack_blocks(part, g, g_sem))
        rows["bb_counted"].append(round_to_bits(np.stack(_counted(part, g, g_sem)), 13))
        rows["s_blocks"].append(_structure_blocks(part).astype(np.float16))
        rows["s"].append(round_to_bits(_by_pair(waves, "s"), 14))
        rows["s_sem"].append(round_to_bits(_by_pair(waves, "s_sem"), 8).astype(np.float16))
        rows["series"].append(round_to_bits(_thin_series(part, n_particles), 12))
    arrays = {name: np.stack(values) for name, values in rows.items()}
    arrays |= {name: round_to_bits(_by_pair(pooled, name), 9).astype(np.float16) for name in ("g_dbeta", "g_dbeta_sem")}
    arrays["k"] = waves["k"].to_numpy(dtype=np.float32)[: arrays["s"].shape[-1]]
    arrays["header"] = np.frombuffer(json.dumps(header, allow_nan=False).encode(), dtype=np.uint8)
    with replace_when_whole(path) as whole:
        np.savez_compressed(whole, **arrays)  # type: ignore[arg-type]
    return path


def lacks_second_bracket(header: Mapping[str, Any]) -> bool:
    """Tell whether a part is from before second brackets and its state needs one; see `ljmix.simulation.protocol`.

    Parameters
    ----------
    header : mapping
        Of a `FinishedState`.
    """
    if "lever_share" in header:
        return False
    runs = [header["starts"][k] for k in header["deciding"]]
    waves = [np.array(run["sorted_waves"]) for run in runs]
    return needs_stable_shape([run["phase"] for run in runs], waves, header["agreed"])


def read_part(path: Path) -> FinishedState:
    """Read a part.

    Raises
    ------
    ValueError
        If the file is damaged, foreign, or of a newer format.
    """
    try:
        arrays = read_arrays(path)
        header = json.loads(arrays.pop("header").tobytes())
        found = header["format"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"{path} is not a part of a campaign (damaged or foreign): {error}") from error
    if found != FORMAT:
        raise ValueError(f"{path} has format {found}; this version of ljmix reads format {FORMAT}")
    values = {name: array.astype(float) for name, array in arrays.items()}
    n_bins = values["g"].shape[-1]
    scale = values["g_sem"][:, None] * np.sqrt(N_BLOCKS) / _BLOCK_SCALE
    values["blocks"] = values["g"][:, None] + values["blocks"] * scale
    r: FloatArray = np.round((np.arange(n_bins) + 0.5) * header["bin_width"], 9)
    return FinishedState(header, r, time=(np.arange(N_TIMES) + 0.5) / N_TIMES, **values)


def is_kept(path: Path) -> bool:
    """Tell whether a part is there and needs no second bracket.

    Raises
    ------
    ValueError
        If it is damaged: nothing tells whether what it held can be had again.
    """
    if not path.exists():
        return False
    try:
        part = read_part(path)
    except ValueError as error:
        raise ValueError(
            f"{error}; restore it (git checkout), or delete it, and its state is simulated again"
        ) from error
    return not lacks_second_bracket(part.header)


def _describe_run(part: AnalysedRun, averages: dict[str, Any]) -> dict[str, Any]:
    analysis, measured, state = part.analysis, part.measured, part.run.state
    waves = part.after("waves")
    means = {name: mean_and_error(series.value) for name, series in analysis.series.items()}
    return {
        "start": part.run.start,
        "start_step": analysis.start_step,
        "end_step": analysis.end_step,
        "at_cap": part.run.count_segments() >= part.run.profile.most_segments,
        "n_blocks": analysis.n_blocks,
        "settled": analysis.settled,
        "precise": analysis.precise,
        "estimator": analysis.estimator,
        "independent": {name: round(count_independent(series), 1) for name, series in analysis.series.items()},
        "independent_waves": [round(count, 1) for count in count_waves(waves)],
        "series_means": {name: [plain_value(float(value)) for value in pair] for name, pair in means.items()},
        "samples": {pair: len(samples) for pair, samples in analysis.samples.items()},
        "shape": domain_shape(waves),
        "sorted_waves": [plain_value(float(value)) for value in sorted_waves(waves)],
        "s_cc": _concentration_factors(part),
        "domains": _describe_domains(part.run.read_configurations(analysis.start_step), state),
        **_thin_moves(measured),
        **{name: plain_value(value) for name, value in averages.items()},
        "wall_seconds": round(float(measured["seconds_all"].sum()), 1),
        "rdf_seconds": round(float((measured["seconds_all"] - measured["seconds_engine"]).sum()), 1),
        "engine_version": str(measured["engine_version"][-1]),
        "device": str(measured["device"][-1]),
    }


def _concentration_factors(part: AnalysedRun) -> dict[str, list[Any]]:
    """S_cc / (C_A C_B) of each shell of wave vectors: mean, standard error, and the samples that it rests on."""
    frames = concentration_fluctuation({pair: part.after(f"s_{pair}") for pair in PAIRS}, part.run.state.fraction_b)
    columns = [(*mean_and_error(column), len(column) / inefficiency(column)) for column in frames.T]
    names = ("mean", "sem", "samples")
    return {name: [plain_value(float(f"{row[k]:.5g}")) for row in columns] for k, name in enumerate(names)}


def _describe_domains(configurations: Sequence[Configuration], state: StatePoint) -> dict[str, Any]:
    """Mean, and scatter from frame to frame, of what the two domains hold, in the early and in the late half."""
    measured = pd.DataFrame([measure_domains(configuration, state) for configuration in configurations])
    crystal = pd.DataFrame([crystal_shares(c, state) for c in configurations], columns=["crystal_a", "crystal_b"])
    rows = pd.concat([measured, crystal], axis=1)
    halves = {"early": rows.iloc[: len(rows) // 2], "late": rows.iloc[len(rows) // 2 :]}

    def of(values: pd.Series) -> list[Any]:
        return [plain_value(float(f"{value:.5g}")) for value in (values.mean(), values.std())]

    return {"frames": len(rows)} | {name: {half: of(part[name]) for half, part in halves.items()} for name in rows}


def _thin_moves(measured: Mapping[str, npt.NDArray[Any]]) -> dict[str, Any]:
    """Attempted and accepted moves, in all and over eight parts of the run: acceptance falls where a liquid freezes."""
    counts = {name: values for name, values in measured.items() if name.startswith(("attempted_", "accepted_"))}
    totals: dict[str, Any] = {name: int(values.sum()) for name, values in counts.items()}
    parts = {f"{name}_parts": [int(p.sum()) for p in np.array_split(v, 8)] for name, v in counts.items()}
    return totals | parts


def _counted(part: AnalysedRun, g: FloatArray, g_sem: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Counted g_BB with its error where it is not the one in the curves; zeros, which cost nothing, where it is."""
    counted = part.analysis.counted
    if counted is None or part.analysis.estimator == "counted":
        return np.zeros_like(g[-1]), np.zeros_like(g_sem[-1])
    return counted


def _structure_blocks(part: AnalysedRun) -> FloatArray:
    return np.stack([split_blocks(part.after(f"s_{pair}"), N_BLOCKS) for pair in PAIRS], axis=1)


def plain_value(value: Any) -> Any:
    """Round a float to eight digits; None for NaN, which JSON does not know."""
    if isinstance(value, float):
        return float(f"{value:.8g}") if math.isfinite(value) else None
    return value


def _by_pair(table: pd.DataFrame, column: str) -> FloatArray:
    """Column of a table whose rows are the bins of AA, of AB, of BB, as (3, n) array."""
    values: FloatArray = table[column].to_numpy(dtype=float).reshape(len(PAIRS), -1)
    return values


def round_to_bits(values: FloatArray, bits: int) -> npt.NDArray[np.float32]:
    """Round to a number of significant bits, so that what is noise does not fill the file."""
    mantissa, exponent = np.frexp(values)
    rounded: FloatArray = np.ldexp(np.round(mantissa * 2**bits) / 2**bits, exponent)
    return rounded.astype(np.float32)


def _pack_blocks(part: AnalysedRun, g: FloatArray, g_sem: FloatArray) -> npt.NDArray[np.int8]:
    blocks = np.stack([split_blocks(part.analysis.samples[pair], N_BLOCKS) for pair in PAIRS], axis=1)
    scale = round_to_bits(g_sem, 8).astype(np.float16).astype(float) * np.sqrt(N_BLOCKS) / _BLOCK_SCALE
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
