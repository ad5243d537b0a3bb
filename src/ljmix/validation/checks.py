"""From the tables of the engines to one list: what was observed, what was expected, and what to think of it.

Every line has `check`, `engine`, `system`, `quantity`, `observed`, `expected`, `error`, `sigmas`, `p` and
`verdict`. `p` is the probability of a deviation at least as large if nothing is wrong; `sigmas` is the same as the
standard deviations of a normal variable. Some tens of lines are read at once, so the one in a hundred that chance
deserves is asked of the whole list: a line is off if its p, times the number of lines, is below 0.01 (Bonferroni).
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.parquet as pq
from scipy import stats

from ljmix.simulation.engine import ENGINES
from ljmix.statepoint import PAIRS
from ljmix.validation.ensembles import check_ensembles
from ljmix.validation.lines import Line, make_line
from ljmix.validation.statistics import neighbour_correlation, permute_t, rank_p, student_t
from ljmix.validation.systems import AGREEMENT_STATES, COLOUR_STATES, KOB_ANDERSEN_PEAKS, TIME_STEPS

__all__ = [
    "KOB_ANDERSEN", "Comparison", "Tables", "check_engines", "compare_functions", "curves_of",
    "energy_errors", "read_tables",
]  # fmt: skip

Array = npt.NDArray[np.float64]

LEVEL = 0.01
"""Chance of a false alarm in the whole list."""

N_PERMUTATIONS = 20_000
"""Ways to deal the blocks: more than lines / LEVEL, or none of them could be unlikely enough."""

_CHUNK = 1000

EQUATION_OF_STATE = {
    0.6: (0.8931, -5.594), 0.8: (0.8216, -4.992), 1.0: (0.7509, -4.434), 1.2: (0.6797, -3.908), 1.4: (0.6094, -3.418),
}  # fmt: skip
"""Density and energy a particle of the pure truncated and shifted fluid at P* = 1 (Thol et al. 2015,
doi:10.1007/s10765-014-1764-4), by temperature."""
_EQUATION_ERROR = 0.002
"""Relative error allowed to the equation of state and to boxes of some 1000 particles."""

KOB_ANDERSEN = {
    ("energy", "mean"): (-4.6539, 0.0002), ("pressure", "mean"): (19.318, 0.001),
    **{(pair, "peak"): (height, 0.005) for pair, (_, height) in KOB_ANDERSEN_PEAKS.items()},
}  # fmt: skip
"""ρ* = 1.2, T* = 2, N 4000: energy a particle, pressure and highest values of the functions, each with its error
(half a unit of the last digit where none is given). RUMD's data as distributed with gamdpy."""

BENCH = {
    ("bench step 0", "energy"): (-6.7733681, 1.3e-6), ("bench step 0", "pressure"): (-5.0197073, 6e-7),
    ("bench step 100", "energy"): (-5.7585055, 5.7e-6), ("bench step 100", "pressure"): (0.20726105, 3.9e-5),
    ("bench step 100", "temperature"): (0.7574531, 6.9e-6),
}  # fmt: skip
"""Log of LAMMPS' bench/in.lj, with errors.

Step 0: a start in GSD has its box in single precision, relative error 2⁻²⁴, which the derivatives of energy and
pressure with the logarithm of the edge, 22.2 and −9.9, turn into the errors. Step 100: the bench renews its
neighbour lists every 20 steps without a look at how far particles went, and misses pairs. LAMMPS with checked lists
gives −5.7584998, 0.2073000 and 0.7574600: the differences are the errors.
"""


@dataclass(frozen=True)
class Tables:
    """What one engine measured; see `ljmix.validation.runs`.

    Attributes
    ----------
    blocks, series : pandas.DataFrame
    origin : dict
        Version and device of the engine, and the commit of this package.
    """

    blocks: pd.DataFrame
    series: pd.DataFrame
    origin: dict[str, Any]

    @cached_property
    def _groups(self) -> dict[tuple[str, str], pd.DataFrame]:
        return {key: rows for key, rows in self.blocks.groupby(["system", "quantity"], sort=False)}

    def _rows(self, system: str, quantity: str) -> pd.DataFrame:
        if (system, quantity) not in self._groups:
            raise ValueError(f"the tables hold no {quantity} of {system}; simulate it again")
        return self._groups[system, quantity]

    def values(self, system: str, quantity: str) -> Array:
        """Blocks of a quantity, (n_blocks,) or (n_blocks, n_bins).

        Raises
        ------
        ValueError
            If the table does not hold it.
        """
        rows = self._rows(system, quantity)
        found = rows.sort_values(["block", "r"])["value"].to_numpy(dtype=float)
        per_block = found.reshape(rows["block"].nunique(), -1)
        values: Array = per_block if rows["r"].notna().any() else per_block[:, 0]
        return values

    def bins(self, system: str, pair: str) -> Array:
        """Bin centres of a pair's function, σ_AA."""
        return np.unique(self._rows(system, pair)["r"].to_numpy(dtype=float))


def read_tables(*directories: Path) -> dict[str, Tables]:
    """Read the tables of all engines; a later directory takes precedence.

    Raises
    ------
    FileNotFoundError
        If no directory holds the tables of an engine.
    """
    found = {}
    for directory in directories:
        for engine in ENGINES:
            folder = directory / engine
            if (folder / "blocks.parquet").is_file():
                blocks, series = (pq.read_table(folder / f"{name}.parquet") for name in ("blocks", "series"))
                provenance = json.loads(blocks.schema.metadata[b"ljmix"])
                origin = {name: provenance[name] for name in ("engine_version", "device", "commit")}
                found[engine] = Tables(blocks.to_pandas(), series.to_pandas(), origin)
    if not found:
        places = ", ".join(map(str, directories))
        raise FileNotFoundError(f"no tables in {places}; python -m ljmix.validation.runs writes them")
    return found


@dataclass(frozen=True)
class Comparison:
    """The functions of one state from two engines.

    Attributes
    ----------
    bins : pandas.DataFrame
        `system`, `pair`, `r`, `degrees` of freedom and `t`, HOOMD-blue minus LAMMPS; bins that never vary are left
        out.
    chi_square : dict of (1 + n_permutations,) arrays
        Mean square of a function's t, by pair: as observed, then with the blocks dealt out at random.
    absolute : (1 + n_permutations,) array
        Mean |t| of all bins, in the same way.
    """

    bins: pd.DataFrame
    chi_square: dict[str, Array]
    absolute: Array


def compare_functions(tables: Mapping[str, Tables]) -> list[Comparison]:
    """Compare the functions of all states between two engines; an empty list where there is one engine only."""
    if len(tables) < 2:
        return []
    return [_compare(tables, state.state_id) for state in AGREEMENT_STATES]


def _compare(tables: Mapping[str, Tables], system: str) -> Comparison:
    first, second = (
        np.hstack([tables[engine].values(system, pair) for pair in PAIRS]) for engine in ("hoomd", "lammps")
    )
    r = tables["lammps"].bins(system, "AA")
    bins = pd.DataFrame({"system": system, "pair": np.repeat(PAIRS, len(r)), "r": np.tile(r, len(PAIRS))})
    bins["degrees"] = len(first) + len(second) - 2
    bins["t"] = student_t(first, second)
    own = {pair: np.asarray(bins["pair"] == pair) for pair in PAIRS}
    # One deal of the blocks serves all bins of the state, which move together. In chunks, to spare memory.
    chi_square: dict[str, list[Array]] = {pair: [] for pair in PAIRS}
    absolute = []
    for chunk in range(-(-N_PERMUTATIONS // _CHUNK)):
        t = permute_t(first, second, _CHUNK, zlib.crc32(f"{system}/{chunk}".encode()))
        # The observed deal opens every chunk; it counts once.
        t = t if chunk == 0 else t[1:]
        absolute.append(np.nanmean(np.abs(t), axis=1))
        for pair in PAIRS:
            chi_square[pair].append(np.nanmean(t[:, own[pair]] ** 2, axis=1))
    joined = {pair: np.concatenate(parts) for pair, parts in chi_square.items()}
    return Comparison(bins.dropna(subset="t"), joined, np.concatenate(absolute))


def check_engines(tables: Mapping[str, Tables], comparisons: Sequence[Comparison]) -> pd.DataFrame:
    """Check every engine against theory and published numbers, and two engines against one another.

    Parameters
    ----------
    tables : mapping
        As from `read_tables`.
    comparisons : sequence of Comparison
        As from `compare_functions`.

    Returns
    -------
    pandas.DataFrame
        One line a check; see the module's text for the columns.
    """
    lines: list[Line] = []
    if comparisons:
        lines += _agreement(tables, comparisons)
    for engine, measured in tables.items():
        lines += _equation_of_state(engine, measured)
        lines += _kob_andersen(engine, measured)
        lines += _bench(engine, measured)
        lines += check_ensembles(engine, measured.series)
        lines += _time_steps(engine, measured)
    table = pd.DataFrame(lines)
    table["verdict"] = np.where(table["p"] * len(table) < LEVEL, "off", "agrees")
    return table


def curves_of(tables: Mapping[str, Tables], system: str) -> pd.DataFrame:
    """Functions of one system by engine: columns `engine`, `pair`, `r`, `g`, `g_sem`."""
    parts = []
    for engine, measured in tables.items():
        for pair in PAIRS:
            blocks = measured.values(system, pair)
            columns = {"r": measured.bins(system, pair), "g": blocks.mean(axis=0), "g_sem": _error(blocks)}
            parts.append(pd.DataFrame({"engine": engine, "pair": pair} | columns))
    return pd.concat(parts, ignore_index=True)


def _error(blocks: Array) -> Array:
    error: Array = blocks.std(axis=0, ddof=1) / np.sqrt(len(blocks))
    return error


def _agreement(tables: Mapping[str, Tables], comparisons: Sequence[Comparison]) -> Iterator[Line]:
    """HOOMD-blue (observed) against LAMMPS (expected), state by state, then all states together."""
    absolute, correlations = [], []
    p_values: dict[str, list[float]] = {"density": [], "energy": [], "functions": []}
    for found in comparisons:
        system = str(found.bins["system"].iloc[0])
        for quantity in ("density", "energy"):
            ours, theirs = (tables[engine].values(system, quantity) for engine in ("hoomd", "lammps"))
            t = float(student_t(ours[:, None], theirs[:, None])[0])
            difference = ours.mean() - theirs.mean()
            degrees = len(ours) + len(theirs) - 2
            line = make_line(
                "agreement", "hoomd", system, quantity, ours.mean(), theirs.mean(), abs(difference / t), degrees
            )
            p_values[quantity].append(line["p"])
            yield line
        absolute.append(found.absolute)
        for pair in PAIRS:
            square = found.chi_square[pair]
            p_values["functions"].append(rank_p(square))
            yield _ranked(system, f"{pair}: χ² a bin", square)
            correlations += [neighbour_correlation(tables[engine].values(system, pair)) for engine in tables]
    yield _ranked("all states", "mean |t| of all bins", np.mean(absolute, axis=0))
    for name, values in p_values.items():
        # The three functions of a state move together: their p-values count as one state's worth of evidence.
        test = stats.kstest(values, "uniform")
        n = len(comparisons)
        p = float(stats.kstwo.sf(test.statistic, n))
        expected, spread = stats.kstwo.mean(n), stats.kstwo.std(n)
        yield make_line(
            "agreement", "hoomd", "all states", f"{name}: p-values, distance from uniform", test.statistic, expected,
            spread, p=p,
        )  # fmt: skip
    seen, expected_correlation = np.mean(correlations, axis=0)
    # Curves of a state and engine move together: as many independent values as states and engines.
    scatter = np.std([c for c, _ in correlations], ddof=1) / np.sqrt(2 * len(comparisons))
    yield make_line(
        "agreement", "both", "all states", "correlation of neighbouring blocks", seen, expected_correlation, scatter
    )


def _ranked(system: str, quantity: str, statistic: Array) -> Line:
    """Line of a statistic whose first entry is the observed one, and whose others say what chance gives."""
    by_chance = statistic[1:]
    return make_line(
        "agreement", "hoomd", system, quantity, statistic[0], by_chance.mean(), by_chance.std(ddof=1),
        p=rank_p(statistic),
    )  # fmt: skip


def _equation_of_state(engine: str, measured: Tables) -> Iterator[Line]:
    for state in COLOUR_STATES:
        for quantity, expected in zip(("density", "energy"), EQUATION_OF_STATE[state.temperature], strict=True):
            blocks = measured.values(state.state_id, quantity)
            error = float(np.hypot(_error(blocks), _EQUATION_ERROR * abs(expected)))
            yield make_line("equation of state", engine, state.state_id, quantity, blocks.mean(), expected, error)


def _kob_andersen(engine: str, measured: Tables) -> Iterator[Line]:
    for (quantity, kind), (expected, error) in KOB_ANDERSEN.items():
        blocks = measured.values("kob-andersen", quantity)
        if kind == "peak":
            blocks = _peaks(measured.bins("kob-andersen", quantity), blocks)
        total = float(np.hypot(_error(blocks), error))
        name = f"{quantity}: highest value" if kind == "peak" else quantity
        yield make_line(
            "Kob-Andersen", engine, "T* = 2, ρ* = 1.2", name, blocks.mean(), expected, total, len(blocks) - 1
        )


def _peaks(r: Array, blocks: Array) -> Array:
    """Height of the highest peak in every block: a cubic through the bins within 6 % of where the mean is highest."""
    top = r[int(np.argmax(blocks.mean(axis=0)))]
    near = np.abs(r / top - 1) < 0.06
    fine = np.linspace(r[near].min(), r[near].max(), 500)
    fits = np.polynomial.polynomial.polyfit(r[near] - top, blocks[:, near].T, 3)
    height: Array = np.polynomial.polynomial.polyval(fine - top, fits).max(axis=1)
    return height


def _bench(engine: str, measured: Tables) -> Iterator[Line]:
    for (system, quantity), (expected, error) in BENCH.items():
        observed = float(measured.values(system, quantity)[0])
        yield make_line("LAMMPS bench", engine, system, quantity, observed, expected, error)


def energy_errors(tables: Mapping[str, Tables]) -> pd.DataFrame:
    """Error of the conserved energy at each time step.

    Returns
    -------
    pandas.DataFrame
        Columns `engine`, `time_step` (τ), `error`, the root mean square change of the energy a particle within
        0.04 τ (ε_AA), and `sem`.
    """
    rows = []
    for engine, measured in tables.items():
        for time_step in TIME_STEPS:
            squares = measured.values(f"time step {time_step:g}", "energy_change")
            error = float(np.sqrt(squares.mean()))
            sem = float(_error(squares)) / (2 * error)
            rows.append({"engine": engine, "time_step": time_step, "error": error, "sem": sem})
    return pd.DataFrame(rows)


def _time_steps(engine: str, measured: Tables) -> Iterator[Line]:
    """Exponent with which the error of the conserved energy vanishes: 2 for velocity Verlet.

    Between steps h and 2h the exponent is log₂ of the ratio, 2 + O(h²): what it changes from one doubling to the
    next is the size of the terms left out.
    """
    errors = energy_errors({engine: measured})
    spans = np.diff(np.log(errors["time_step"]))
    slopes = np.diff(np.log(errors["error"])) / spans
    relative = (errors["sem"] / errors["error"]).to_numpy()
    noise = np.hypot(relative[0], relative[1]) / spans[0]
    error = float(np.hypot(noise, slopes[1] - slopes[0]))
    yield make_line("time step", engine, "constant energy", "exponent of the energy's error", slopes[0], 2.0, error)
