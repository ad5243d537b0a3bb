"""Two engines against one another: density, energy and every bin of the functions, and what chance gives there.

Density and energy are compared by Student's t between blocks. Whether blocks of 10 τ are independent enough for that
is measured too. In the shipped tables they are: windows of 100 τ of one engine scatter by what their blocks predict.
So the sums of σ² over the twelve states, 25 for the density and 25 for the energy where chance makes 12 ± 5, are no
matter of errors that are too small; and since density and energy of a run go together (their blocks are
anti-correlated by 0.9), they are one improbable draw (p 0.015), not two.

For functions blocks do not do, and the yardstick is the same statistic between windows of one engine
(`ljmix.engine_validation.statistics`).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import stats

from ljmix._util.arrays import FloatArray
from ljmix.engine_validation.lines import Line, make_line
from ljmix.engine_validation.runs import N_BLOCKS
from ljmix.engine_validation.statistics import student_t
from ljmix.engine_validation.systems import AGREEMENT_STATES
from ljmix.engine_validation.tables import Tables
from ljmix.state import PAIRS

__all__ = ["check_agreement", "compare_functions"]


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


def _windows(measured: Tables, system: str, quantity: str) -> list[FloatArray]:
    """Blocks of each window of a run, (n_blocks, n_bins), or (n_blocks,) of a number."""
    blocks = measured.values(system, quantity)
    return np.array_split(blocks, len(blocks) // N_BLOCKS)


def check_agreement(tables: Mapping[str, Tables], bins: pd.DataFrame) -> Iterator[Line]:
    """HOOMD-blue (observed) against LAMMPS (expected), state by state, then all states together.

    Parameters
    ----------
    tables : mapping
        As from `read_tables`, of both engines.
    bins : pandas.DataFrame
        As from `compare_functions`.
    """
    deviations: dict[str, list[Line]] = {"density": [], "energy": []}
    for system in dict.fromkeys(bins["system"]):
        for quantity, lines in deviations.items():
            ours, theirs = (tables[engine].values(system, quantity) for engine in ("hoomd", "lammps"))
            t = float(student_t(ours[:, None], theirs[:, None])[0])
            difference, degrees = ours.mean() - theirs.mean(), len(ours) + len(theirs) - 2
            line = make_line(
                "agreement", "hoomd", system, quantity, ours.mean(), theirs.mean(), abs(difference / t), degrees
            )
            lines.append(line)
            yield line
    yield from _functions(bins)
    for name, lines in deviations.items():
        by_chance = stats.kstwo(len(lines))
        distance = stats.kstest([line["p"] for line in lines], "uniform").statistic
        yield make_line(
            "agreement", "hoomd", "all states", f"{name}: p-values, distance from uniform", distance,
            by_chance.mean(), by_chance.std(), p=float(by_chance.sf(distance)),
        )  # fmt: skip
        # Errors that are too small, or deviations of either sign.
        squares = float(np.sum([line["sigmas"] ** 2 for line in lines]))
        yield make_line(
            "agreement", "hoomd", "all states", f"{name}: sum of σ²", squares, len(lines), np.sqrt(2 * len(lines)),
            p=float(stats.chi2.sf(squares, len(lines))),
        )  # fmt: skip
        yield _scatter_of_windows(tables, [line["system"] for line in lines], name)
        # A bias too small to see in one state.
        mean = float(np.mean([line["sigmas"] for line in lines]))
        yield make_line("agreement", "hoomd", "all states", f"{name}: mean of σ", mean, 0.0, len(lines) ** -0.5)


def _scatter_of_windows(tables: Mapping[str, Tables], systems: Sequence[str], quantity: str) -> Line:
    """Are blocks independent? The scatter between windows of one run, from that of the blocks within them.

    The variance of window means, in units of what the blocks predict, follows F. One test an engine and state, all
    joined by Fisher's method: −2 Σ ln p is χ² with two degrees of freedom a test.
    """
    tests = [
        stats.f_oneway(*_windows(measured, system, quantity)) for measured in tables.values() for system in systems
    ]
    n_windows = len(_windows(next(iter(tables.values())), systems[0], quantity))
    by_chance = stats.f(n_windows - 1, n_windows * (N_BLOCKS - 1))
    return make_line(
        "agreement", "both", "all states", f"{quantity}: variance of an engine's windows over that of its blocks",
        float(np.mean([test.statistic for test in tests])), by_chance.mean(), by_chance.std() / np.sqrt(len(tests)),
        p=float(stats.combine_pvalues([test.pvalue for test in tests]).pvalue),
    )  # fmt: skip


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
