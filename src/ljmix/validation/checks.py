"""From the tables of the engines to one list: what was observed, what was expected, and what to think of it.

Every line has `check`, `engine`, `system`, `quantity`, `observed`, `expected`, `error`, `sigmas`, `p` and
`verdict`. `p` is the probability of a deviation at least as large if nothing is wrong; `sigmas` is the same as the
standard deviations of a normal variable. A line with p below 0.01 is doubtful: chance alone makes one in a hundred of
them. It is off if p times the number of lines is below 0.01 (Bonferroni), which chance makes in one list of a hundred.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.parquet as pq
from scipy import stats

from ljmix.consistency import EQUATION_ERROR, PURE_FLUID
from ljmix.simulation.engine import ENGINES
from ljmix.statepoint import PAIRS
from ljmix.validation.ensembles import check_ensembles
from ljmix.validation.lines import Line, make_line
from ljmix.validation.runs import N_BLOCKS
from ljmix.validation.statistics import student_t
from ljmix.validation.systems import AGREEMENT_STATES, COLOUR_STATES, KOB_ANDERSEN_PEAKS, TIME_STEPS

__all__ = [
    "KOB_ANDERSEN", "Tables", "check_engines", "compare_functions", "curves_of",
    "energy_errors", "read_tables",
]  # fmt: skip

Array = npt.NDArray[np.float64]

LEVEL = 0.01
"""Chance that a sound line is doubtful, and that a sound list has a line that is off."""

KOB_ANDERSEN = {
    ("energy", "mean"): (-4.6539, 0.0002), ("pressure", "mean"): (19.318, 0.001),
    **{(pair, "peak"): (height, 0.01 * height) for pair, (_, height) in KOB_ANDERSEN_PEAKS.items()},
}  # fmt: skip
"""ρ* = 1.2, T* = 2, N 4000: energy a particle, pressure and highest values of the functions, each with its error.
RUMD's data as distributed with gamdpy. The functions come without errors: they are the highest bins of a histogram,
which noise lifts, and 1 % is our guess of it."""

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


def compare_functions(tables: Mapping[str, Tables]) -> pd.DataFrame:
    """Compare the functions of all states between the engines, and each with itself, bin by bin.

    Returns
    -------
    pandas.DataFrame
        Columns `system`, `pair`, `r`, `degrees` of freedom, `with_itself` (windows of one engine among themselves,
        else HOOMD-blue against LAMMPS), `comparison` (its number) and `t`; bins that never vary are left out.
        Empty where there is one engine only.
    """
    parts = []
    for state in AGREEMENT_STATES if len(tables) == 2 else ():
        for pair in PAIRS:
            ours, theirs = (_windows(tables[engine], state.state_id, pair) for engine in ("hoomd", "lammps"))
            couples = [(False, *couple) for couple in itertools.product(ours, theirs)]
            couples += [(True, *couple) for own in (ours, theirs) for couple in itertools.combinations(own, 2)]
            r = tables["lammps"].bins(state.state_id, pair)
            for k, (with_itself, first, second) in enumerate(couples):
                columns = {
                    "system": state.state_id, "pair": pair, "r": r, "degrees": len(first) + len(second) - 2,
                    "with_itself": with_itself, "comparison": k, "t": student_t(first, second),
                }  # fmt: skip
                parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True).dropna(subset="t") if parts else pd.DataFrame()


def _windows(measured: Tables, system: str, quantity: str) -> list[Array]:
    """Blocks of each window of a run, (n_blocks, n_bins)."""
    blocks = measured.values(system, quantity)
    return np.array_split(blocks, len(blocks) // N_BLOCKS)


def check_engines(tables: Mapping[str, Tables], bins: pd.DataFrame) -> pd.DataFrame:
    """Check every engine against theory and published numbers, and two engines against one another.

    Parameters
    ----------
    tables : mapping
        As from `read_tables`.
    bins : pandas.DataFrame
        As from `compare_functions`.

    Returns
    -------
    pandas.DataFrame
        One line a check; see the module's text for the columns.
    """
    lines: list[Line] = []
    if not bins.empty:
        lines += _agreement(tables, bins)
    for engine, measured in tables.items():
        lines += _equation_of_state(engine, measured)
        lines += _kob_andersen(engine, measured)
        lines += _bench(engine, measured)
        lines += check_ensembles(engine, measured.series)
        lines += _time_steps(engine, measured)
    table = pd.DataFrame(lines)
    verdicts = {"off": table["p"] * len(table) < LEVEL, "doubtful": table["p"] < LEVEL}
    table["verdict"] = np.select(list(verdicts.values()), list(verdicts), "agrees")
    return table


def curves_of(tables: Mapping[str, Tables], system: str) -> pd.DataFrame:
    """Functions of one system by engine: columns `engine`, `pair`, `r`, `g`."""
    parts = []
    for engine, measured in tables.items():
        for pair in PAIRS:
            columns = {"r": measured.bins(system, pair), "g": measured.values(system, pair).mean(axis=0)}
            parts.append(pd.DataFrame({"engine": engine, "pair": pair} | columns))
    return pd.concat(parts, ignore_index=True)


def _error(blocks: Array) -> Array:
    error: Array = blocks.std(axis=0, ddof=1) / np.sqrt(len(blocks))
    return error


def _agreement(tables: Mapping[str, Tables], bins: pd.DataFrame) -> Iterator[Line]:
    """HOOMD-blue (observed) against LAMMPS (expected), state by state, then all states together."""
    deviations: dict[str, list[Line]] = {"density": [], "energy": []}
    for system in dict.fromkeys(bins["system"]):
        for quantity, found in deviations.items():
            ours, theirs = (tables[engine].values(system, quantity) for engine in ("hoomd", "lammps"))
            t = float(student_t(ours[:, None], theirs[:, None])[0])
            difference, degrees = ours.mean() - theirs.mean(), len(ours) + len(theirs) - 2
            line = make_line(
                "agreement", "hoomd", system, quantity, ours.mean(), theirs.mean(), abs(difference / t), degrees
            )
            found.append(line)
            yield line
    yield from _functions(bins)
    for name, found in deviations.items():
        by_chance = stats.kstwo(len(found))
        distance = stats.kstest([line["p"] for line in found], "uniform").statistic
        yield make_line(
            "agreement", "hoomd", "all states", f"{name}: p-values, distance from uniform", distance,
            by_chance.mean(), by_chance.std(), p=float(by_chance.sf(distance)),
        )  # fmt: skip
        # A bias too small to see in one state.
        mean = float(np.mean([line["sigmas"] for line in found]))
        yield make_line("agreement", "hoomd", "all states", f"{name}: mean of σ", mean, 0.0, len(found) ** -0.5)


def _functions(bins: pd.DataFrame) -> Iterator[Line]:
    """χ² a bin of every function between the engines, against the same between windows of one engine.

    The logarithm of their ratio scatters alike for all functions; its scatter comes from the other states, since
    the three functions of one state move together.
    """
    square = bins.assign(square=bins["t"] ** 2).groupby(["system", "pair", "with_itself"], sort=False)["square"]
    table = square.mean().unstack("with_itself")
    ratio = np.log(table[False] / table[True])
    for (system, pair), value in ratio.items():
        others = ratio[ratio.index.get_level_values("system") != system]
        scatter = float(np.sqrt(np.mean(others**2)))
        degrees = others.index.get_level_values("system").nunique()
        p = float(2 * stats.t.sf(abs(value) / scatter, degrees))
        observed, expected = table.loc[(system, pair)]
        yield make_line("agreement", "hoomd", system, f"{pair}: χ² a bin", observed, expected, expected * scatter, p=p)
    absolute = bins.assign(absolute=bins["t"].abs()).groupby(["system", "with_itself"])["absolute"].mean().unstack()
    difference = absolute[False] - absolute[True]
    error = float(difference.std(ddof=1) / np.sqrt(len(difference)))
    observed, expected = absolute.mean()
    yield make_line(
        "agreement",
        "hoomd",
        "all states",
        "mean absolute t of all bins",
        observed,
        expected,
        error,
        len(difference) - 1,
    )


def _equation_of_state(engine: str, measured: Tables) -> Iterator[Line]:
    for state in COLOUR_STATES:
        for quantity, expected in zip(("density", "energy"), PURE_FLUID[state.temperature], strict=True):
            blocks = measured.values(state.state_id, quantity)
            error = float(np.hypot(_error(blocks), EQUATION_ERROR * abs(expected)))
            yield make_line("equation of state", engine, state.state_id, quantity, blocks.mean(), expected, error)


def _kob_andersen(engine: str, measured: Tables) -> Iterator[Line]:
    for (quantity, kind), (expected, error) in KOB_ANDERSEN.items():
        blocks = measured.values("kob-andersen", quantity)
        if kind == "peak":
            observed, own = _peak(measured.bins("kob-andersen", quantity), blocks)
        else:
            observed, own = float(blocks.mean()), float(_error(blocks))
        total = float(np.hypot(own, error))
        name = f"{quantity}: highest value" if kind == "peak" else quantity
        yield make_line("Kob-Andersen", engine, "T* = 2, ρ* = 1.2", name, observed, expected, total, len(blocks) - 1)


def _peak(r: Array, blocks: Array) -> tuple[float, float]:
    """Height of the highest peak and its error: a quartic through the bins within 6 % of where the mean is highest.

    Not the mean of the blocks' own peaks, which noise lifts; the error is that of the jackknife.
    """
    n = len(blocks)
    top = r[int(np.argmax(blocks.mean(axis=0)))]
    near = np.abs(r / top - 1) < 0.06
    without = (blocks.sum(axis=0) - blocks) / (n - 1)
    curves = np.vstack([blocks.mean(axis=0), without])[:, near]
    fits = np.polynomial.polynomial.polyfit(r[near] - top, curves.T, 4)
    fine = np.linspace(r[near].min(), r[near].max(), 500) - top
    heights = np.polynomial.polynomial.polyval(fine, fits).max(axis=1)
    return float(heights[0]), float(np.sqrt((n - 1) * np.mean((heights[1:] - heights[1:].mean()) ** 2)))


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
