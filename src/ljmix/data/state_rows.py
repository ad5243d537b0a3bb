"""One finished state point as rows of the tables: averages over the runs that count, each with its error."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ljmix._util.arrays import FloatArray
from ljmix.configuration import Configuration
from ljmix.properties.fluctuations import response_functions, temperature_derivative
from ljmix.simulation.analysis import Analysis, analyse_run, bin_centres
from ljmix.simulation.engine import TIME_STEP
from ljmix.simulation.initial import place_particles, start_seed
from ljmix.simulation.profiles import Profile
from ljmix.simulation.run import Run
from ljmix.simulation.sampling import choose_runs, open_runs, runs_that_decide
from ljmix.simulation.workspace import read_identity
from ljmix.state import PAIRS, StatePoint
from ljmix.structure.convergence import find_series
from ljmix.structure.diffusion import diffusion_coefficient, is_diffusive
from ljmix.structure.phase import crystal_order, demixing_order, label_phase, segregation
from ljmix.structure.rdf import block_average
from ljmix.structure.scattering import average_waves, concentration_fluctuation, wave_lifetimes, wave_numbers

__all__ = ["RARE", "AnalysedRun", "analyse_runs", "pool", "summarise_runs", "summarise_state"]


_CRYSTAL_FRAMES = 4
RARE = 0.01
"""Share of a curve's largest value below which a bin is rare."""
"""Configurations of a run, the last ones, in which crystals are looked for: they grow slowly and do not flicker."""


@dataclass(frozen=True)
class AnalysedRun:
    """A run that counts: what was measured in it after equilibration."""

    run: Run
    analysis: Analysis
    measured: Mapping[str, npt.NDArray[Any]]

    @property
    def late(self) -> npt.NDArray[np.bool_]:
        """Frames after equilibration."""
        return np.asarray(self.measured["step"] > self.analysis.start_step)

    def after(self, name: str) -> FloatArray:
        """Measurements of one name, frame by frame, after equilibration."""
        return np.asarray(self.measured[name][self.late], dtype=float)

    def first_shell(self, pair: str) -> FloatArray:
        """Population of the first shell in the frames in which a function was measured, the whole run."""
        series = find_series(self.measured, self.run.state, bin_centres(self.run.profile), dict.fromkeys(PAIRS, 0.0))
        return series[pair].value

    def enthalpy(self, n_particles: int) -> FloatArray:
        """Enthalpy without its kinetic part, of the whole system, after equilibration."""
        return n_particles * self.after("potential_energy") + self.run.state.pressure * self.after("volume")


def summarise_state(
    folder: Path, state: StatePoint, profile: Profile
) -> tuple[dict[str, Any], pd.DataFrame, pd.DataFrame]:
    """Average the runs of one state that count.

    Returns
    -------
    row : dict
        The state's row of ``states``.
    rdf, structure_factors : pandas.DataFrame
        Its rows of the other two tables.
    """
    everything = analyse_runs(folder, state, profile)
    analyses = [part.analysis for part in everything]
    runs = [part.run for part in everything]
    measured = [part.measured for part in everything]
    chosen, agreed = choose_runs(analyses, [run.start for run in runs])
    parts = [everything[k] for k in chosen]
    job = read_identity(folder)
    n_particles, n_b = int(job["n_particles"]), int(job["n_b"])
    averages, rdf, structure_factors = summarise_runs(parts, n_particles, n_b)
    deciding = runs_that_decide([run.start for run in runs], [analysis.settled for analysis in analyses])
    settled, precise = (all(getattr(analyses[k], name) for k in deciding) for name in ("settled", "precise"))
    row = {
        "state_id": state.state_id,
        **state.as_dict(),
        "n_particles": n_particles,
        "n_b": n_b,
        **averages,
        "settled": settled,
        "precise": precise,
        "starts_agree": agreed,
        "converged": settled and precise and agreed,
        "steps_equilibration": sum(part.analysis.start_step for part in parts),
        "steps_production": sum(part.analysis.end_step - part.analysis.start_step for part in parts),
        "starts": "+".join(part.run.start for part in parts),
        "seed": start_seed(state, f"positions/{runs[0].start}/{n_particles}", int(job["replica"])),
        "engine": job["engine"],
        # What was spent counts every run, also one that does not count for the averages.
        "engine_version": _join_names(measured, "engine_version"),
        "device": _join_names(measured, "device"),
        "wall_seconds": float(sum(m["seconds_all"].sum() for m in measured)),
        "rdf_seconds": float(sum((m["seconds_all"] - m["seconds_engine"]).sum() for m in measured)),
    }
    if len(analyses) == 2:
        rdf["g_starts"] = _difference_of_starts(*analyses)
    return row, rdf, structure_factors


def _difference_of_starts(first: Analysis, second: Analysis) -> FloatArray:
    """What the second start adds to the functions of the first one, in the order of the rows of ``rdf``."""
    return np.concatenate([second.g[pair] - first.g[pair] for pair in PAIRS])


def analyse_runs(folder: Path, state: StatePoint, profile: Profile) -> list[AnalysedRun]:
    """Read and analyse all runs of a state."""
    runs = open_runs(folder, state, profile)
    return [AnalysedRun(run, analyse_run(run), run.read_measurements()) for run in runs]


def summarise_runs(
    parts: Sequence[AnalysedRun], n_particles: int, n_b: int
) -> tuple[dict[str, Any], pd.DataFrame, pd.DataFrame]:
    """Average one or several runs of one state.

    Returns
    -------
    averages : dict
        The columns of ``states`` that are averages over frames.
    rdf, structure_factors : pandas.DataFrame
        Rows of the other two tables.
    """
    functions = {
        pair: pool([(len(p.analysis.samples[pair]), p.analysis.g[pair], p.analysis.g_sem[pair]) for p in parts])
        for pair in PAIRS
    }
    diffusion, mutual = _diffusion(parts, n_b / n_particles)
    structure_factors, longest = _structure_factors(parts, mutual, n_b / n_particles)
    averages = {
        "n_frames": sum(int(part.late.sum()) for part in parts),
        **_thermodynamics(parts, n_particles),
        **diffusion,
        **longest,
        **_phase(parts, {pair: g for pair, (g, _) in functions.items()}),
        **_estimators(parts),
    }
    return averages, _rdf_rows(parts, functions, n_particles), structure_factors


def _thermodynamics(parts: Sequence[AnalysedRun], n_particles: int) -> dict[str, float]:
    state = parts[0].run.state
    series = {
        # N/V of each frame, so that the mean is the mean density.
        "number_density": [n_particles / part.after("volume") for part in parts],
        "potential_energy": [part.after("potential_energy") for part in parts],
        "virial_pressure": [part.after("pressure") for part in parts],
    }
    row: dict[str, float] = {}
    for name, values in series.items():
        blocks = [block_average(value, part.analysis.n_blocks) for value, part in zip(values, parts, strict=True)]
        mean, error = pool([(len(value), *block) for value, block in zip(values, blocks, strict=True)])
        row |= {name: float(mean), f"{name}_sem": float(error)}
    # Mean square over the frames of all runs, each about its own mean.
    spread = [(len(values), np.var(values)) for values in series["virial_pressure"]]
    row["virial_pressure_std"] = float(np.sqrt(sum(n * v for n, v in spread) / sum(n for n, _ in spread)))
    responses = [
        response_functions(part.after("volume"), part.enthalpy(n_particles), state.temperature, n_particles)
        for part in parts
    ]
    for name in responses[0]:
        mean, error = pool(
            [(len(part.after("volume")), *response[name]) for part, response in zip(parts, responses, strict=True)]
        )
        row |= {name: float(mean), f"{name}_sem": float(error)}
    return row


def _diffusion(parts: Sequence[AnalysedRun], fraction_b: float) -> tuple[dict[str, float], float]:
    """D of each species, from the segments that lie wholly after equilibration, and C_B D_A + C_A D_B.

    A species that has not left its cages has no D to report; the bound that the slope gives still enters the sum. NaN
    where noise makes the sum negative or zero: nothing is known then of how fast the species mix.
    """
    if parts[0].run.moves is not None:
        # Particles that change species or jump do not diffuse.
        return dict.fromkeys(("diffusion_a", "diffusion_a_sem", "diffusion_b", "diffusion_b_sem"), math.nan), math.nan
    interval = parts[0].run.profile.frame_interval * TIME_STEP
    row: dict[str, float] = {}
    mutual = 0.0
    for species, weight in (("A", fraction_b), ("B", 1 - fraction_b)):
        rows = []
        for part in parts:
            first = math.ceil(part.analysis.start_step / part.run.profile.segment_steps)
            rows.append(part.measured[f"msd_{species}"][first:].astype(float))
        displacements = np.concatenate(rows)
        d, error = diffusion_coefficient(displacements, interval)
        mutual += weight * d
        if not is_diffusive(displacements, interval):
            d = error = math.nan
        row |= {f"diffusion_{species.lower()}": d, f"diffusion_{species.lower()}_sem": error}
    return row, mutual if mutual > 0 else math.nan


def _demixing(configurations: Sequence[Configuration], state: StatePoint) -> float:
    """Demixing order, against the separated start of the same particles."""
    types = configurations[0].types
    n_b = int(np.sum(types == 1))
    return demixing_order(configurations, place_particles(state, len(types), n_b, "separated", 1.0))


def _phase(parts: Sequence[AnalysedRun], g: Mapping[str, FloatArray]) -> dict[str, Any]:
    state, profile = parts[0].run.state, parts[0].run.profile
    by_run = [part.run.read_configurations(part.analysis.start_step) for part in parts]
    demixing = _demixing([c for of_run in by_run for c in of_run], state)
    segregated = segregation(bin_centres(profile), g, state)
    # Of every run alike, or the one that comes last would decide alone.
    last = [c for of_run in by_run for c in of_run[-_CRYSTAL_FRAMES:]]
    crystal = float(np.mean([crystal_order(c, state) for c in last]))
    label = label_phase(demixing, segregated, crystal)
    return {"phase": label, "demixing": demixing, "segregation": segregated, "crystal": crystal}


def _estimators(parts: Sequence[AnalysedRun]) -> dict[str, float]:
    """What other estimators of g_BB than counting gain, of the run in which each pays least."""
    row: dict[str, float] = {}
    for name in ("force", "virtual"):
        least = min((part.analysis for part in parts), key=lambda analysis: getattr(analysis, f"{name}_gain"))
        row |= {f"{name}_{what}": getattr(least, f"{name}_{what}") for what in ("gain", "deviation")}
    return row


def _rdf_rows(
    parts: Sequence[AnalysedRun], functions: Mapping[str, tuple[FloatArray, FloatArray]], n_particles: int
) -> pd.DataFrame:
    state, r = parts[0].run.state, bin_centres(parts[0].run.profile)
    tables = []
    for pair, (g, g_sem) in functions.items():
        slope, slope_sem = pool([_derivative(part, pair, n_particles) for part in parts])
        columns = {"r": r, "g": g, "g_sem": g_sem, "g_dbeta": slope, "g_dbeta_sem": slope_sem}
        tables.append(pd.DataFrame({"state_id": state.state_id, "pair": pair} | columns))
    return pd.concat(tables, ignore_index=True)


def _derivative(part: AnalysedRun, pair: str, n_particles: int) -> tuple[int, FloatArray, FloatArray]:
    """∂g/∂β from the frames in which the function was measured."""
    steps = part.measured[f"step_{pair}"]
    counted = np.asarray(part.measured[f"g_{pair}"][steps > part.analysis.start_step], dtype=float)
    frames = np.isin(part.measured["step"][part.late], steps)
    return len(counted), *temperature_derivative(counted, part.enthalpy(n_particles)[frames])


def _structure_factors(
    parts: Sequence[AnalysedRun], mutual: float, fraction_b: float
) -> tuple[pd.DataFrame, dict[str, float]]:
    """Rows of ``structure_factors``, and what they say of the longest wave: its size and its lifetime."""
    state = parts[0].run.state
    averaged = []
    for part in parts:
        waves = {pair: part.after(f"s_{pair}") for pair in PAIRS}
        k = wave_numbers(np.cbrt(part.after("volume").mean()))
        lifetimes = wave_lifetimes({pair: s.mean(axis=0) for pair, s in waves.items()}, fraction_b, mutual, k)
        interval = part.run.profile.frame_interval * TIME_STEP
        averaged.append((int(part.late.sum()), k, *average_waves(waves, lifetimes / interval)))
    k = np.mean([k for _, k, _, _ in averaged], axis=0)
    pooled = {pair: pool([(n, s[pair], s_sem[pair]) for n, _, s, s_sem in averaged]) for pair in PAIRS}
    tables = [
        pd.DataFrame({"state_id": state.state_id, "pair": pair, "k": k, "s": s, "s_sem": s_sem})
        for pair, (s, s_sem) in pooled.items()
    ]
    means = {pair: s for pair, (s, _) in pooled.items()}
    longest = {
        "concentration_fluctuation": float(concentration_fluctuation(means, fraction_b)[0]),
        "wave_lifetime": float(wave_lifetimes(means, fraction_b, mutual, k)[0]),
    }
    return pd.concat(tables, ignore_index=True), longest


def pool(parts: Sequence[tuple[int, Any, Any]]) -> tuple[Any, Any]:
    """Mean of several runs' means, weighted by their numbers of samples, and its standard error.

    Where two runs lie farther apart than their errors say, the error grows by that ratio, root mean square over the
    pairs (Birge 1932, doi:10.1103/PhysRev.40.207): blocks of a run do not see what is slower than the run. Bins below
    1 % of a curve's largest value say nothing of it: what is rare, as particles inside a core are, comes in few events,
    from which its own error is not known.

    Parameters
    ----------
    parts : sequence of tuple
        Number of samples, mean and standard error of each run; numbers or arrays of one shape.

    Returns
    -------
    mean, sem : numbers or arrays
    """
    total = sum(count for count, _, _ in parts)
    mean = sum(count / total * mean for count, mean, _ in parts)
    error = np.sqrt(sum((count / total * error) ** 2 for count, _, error in parts))
    squares = []
    for (_, first, first_error), (_, second, second_error) in itertools.combinations(parts, 2):
        size, difference = np.atleast_1d(np.abs(mean)), np.atleast_1d(first - second)
        variance = np.atleast_1d(first_error**2 + second_error**2)
        known = (variance > 0) & (size >= RARE * size.max())
        if known.any():
            squares.append(np.mean(difference[known] ** 2 / variance[known]))
    ratio = np.sqrt(np.mean(squares)) if squares else 1.0
    return mean, error * max(1.0, float(ratio))


def _join_names(measured: Sequence[Mapping[str, Any]], key: str) -> str:
    return ", ".join(sorted({str(name) for part in measured for name in part[key]}))
