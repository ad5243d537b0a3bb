"""From the tables of the engines to one list: what was observed, what was expected, and what to think of it.

Every line has `check`, `engine`, `system`, `quantity`, `observed`, `expected`, `error`, `sigmas`, `p` and
`verdict`. `p` is the probability of a deviation at least as large if nothing is wrong; `sigmas` is the same as the
standard deviations of a normal variable. A line with p below 0.01 is doubtful: chance alone makes one in a hundred of
them. It is off if p times the number of lines is below 0.01 (Bonferroni), which chance makes in one list of a hundred.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from ljmix._util.arrays import FloatArray
from ljmix.data.consistency import EQUATION_ERROR, PURE_FLUID
from ljmix.engine_validation.agreement import check_agreement, compare_functions
from ljmix.engine_validation.ensembles import check_ensembles
from ljmix.engine_validation.lines import Line, make_line
from ljmix.engine_validation.systems import COLOUR_STATES, KOB_ANDERSEN_PEAKS, TIME_STEPS
from ljmix.engine_validation.tables import Tables, read_tables
from ljmix.state import PAIRS

__all__ = [
    "KOB_ANDERSEN",
    "Tables",
    "check_engines",
    "compare_functions",
    "energy_errors",
    "engine_curves",
    "read_tables",
]  # fmt: skip


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
        lines += check_agreement(tables, bins)
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


def engine_curves(tables: Mapping[str, Tables], system: str) -> pd.DataFrame:
    """Functions of one system by engine: columns `engine`, `pair`, `r`, `g`."""
    parts = []
    for engine, measured in tables.items():
        for pair in PAIRS:
            columns = {"r": measured.bins(system, pair), "g": measured.values(system, pair).mean(axis=0)}
            parts.append(pd.DataFrame({"engine": engine, "pair": pair} | columns))
    return pd.concat(parts, ignore_index=True)


def _error(blocks: FloatArray) -> FloatArray:
    error: FloatArray = blocks.std(axis=0, ddof=1) / np.sqrt(len(blocks))
    return error


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


def _peak(r: FloatArray, blocks: FloatArray) -> tuple[float, float]:
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
