"""Ten telling states at the paper's size, N = 10 000: what changes with the size of the box, and why.

::

    python -m ljmix.release.large list
    python -m ljmix.release.large simulate --results results/large      # some five core-hours; resumable
    python -m ljmix.release.large compare --results results/large

The rule, from the shipped tables: for each S the mixed state with C_B of at least 0.1 whose longest wave is strongest
(near the consolute line, where a wave that the box cuts off is missed most), and the demixed one with C_B from 0.1 to
0.35 and the highest first peak of BB (a domain whose height depends on the box); and the two mixtures of the paper's
Fig. 5, whose one drop holds all B that the box has.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from ljmix._util.command import one_sentence
from ljmix.data.dataset import Dataset, write_table
from ljmix.data.reference import load_reference
from ljmix.release.part_files import FinishedState, read_part
from ljmix.release.part_rows import part_row, part_tables
from ljmix.release.parts import simulate_parts
from ljmix.simulation.profiles import load_profile
from ljmix.state import PAIRS, StatePoint, state_points
from ljmix.structure.first_shell import peak_bin

__all__ = ["PARTICLES", "compare_sizes", "large_states"]

PARTICLES = 10_000
_DROPS = (StatePoint(0.6, 0.01, 1.5, 0.2), StatePoint(0.8, 0.01, 1.5, 0.2))


def large_states(dataset: Dataset) -> list[StatePoint]:
    """Ten states, by the rule of the module.

    Parameters
    ----------
    dataset : Dataset
        The reference set.
    """
    states = dataset.states.set_index("state_id")
    peaks = dataset.rdf[dataset.rdf["pair"] == "BB"].groupby("state_id")["g"].max()
    chosen = []
    for _, of in states[states["fraction_b"] >= 0.1].groupby("size_ratio"):
        mixed = of[of["phase"] == "mixed"]
        demixed = of[(of["phase"] == "demixed") & (of["fraction_b"] <= 0.35)]
        chosen += [mixed["concentration_fluctuation"].idxmax(), peaks[demixed.index].idxmax()]
    return [*state_points(states.loc[chosen]), *_DROPS]


def compare_sizes(small: Dataset, parts: Iterable[FinishedState]) -> pd.DataFrame:
    """First peaks at two sizes.

    Returns
    -------
    pandas.DataFrame
        One row a state and pair: numbers of particles, `peak` and `peak_sem` of the smaller and (`_large`) of the
        larger system, `sigmas`, their difference in standard errors, and `rms`, root mean square difference of the
        curves over r < 5 σ_AA; `shape`, `shape_large` of the domain, where known.
    """
    rows = []
    for part in parts:
        row, (rdf, _) = part_row(part), part_tables(part)
        state = StatePoint(**part.header["state"])
        curves, of = small.curves(state), small.states.set_index("state_id").loc[state.state_id]
        for pair in PAIRS:
            one, other = (table[table["pair"] == pair].reset_index(drop=True) for table in (curves, rdf))
            r = one["r"].to_numpy(dtype=float)
            peak = peak_bin(r, other["g"].to_numpy(), state.sigma(pair))
            error = float(np.hypot(one["g_sem"][peak], other["g_sem"][peak]))
            near = r < 5
            rows.append(
                {
                    "state_id": state.state_id,
                    "pair": pair,
                    "n_particles": int(of["n_particles"]),
                    "n_particles_large": row["n_particles"],
                    "peak": float(one["g"][peak]),
                    "peak_sem": float(one["g_sem"][peak]),
                    "peak_large": float(other["g"][peak]),
                    "peak_sem_large": float(other["g_sem"][peak]),
                    "sigmas": float((other["g"][peak] - one["g"][peak]) / error) if error > 0 else np.nan,
                    "rms": float(np.sqrt(np.mean((other["g"] - one["g"])[near] ** 2))),
                    "shape": str(of.get("shape", "")),
                    "shape_large": row["shape"],
                }
            )
    return pd.DataFrame(rows)


def main(arguments: Iterable[str] | None = None) -> None:
    """List, simulate or compare the large systems, from the command line."""
    parser = argparse.ArgumentParser(description=f"Ten states at N = {PARTICLES}.")
    parser.add_argument("step", choices=("list", "simulate", "compare"))
    parser.add_argument("--results", type=Path, default=Path("results", "large"), help="folder of the runs")
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--workers", type=int, help="processes; by default one a core")
    options = parser.parse_args(None if arguments is None else list(arguments))
    parts = options.results / "parts"
    with one_sentence(parser):
        shipped = load_reference()
        states = large_states(shipped)
        if options.step == "list":
            print(*(state.state_id for state in states), sep="\n")
        elif options.step == "simulate":
            profile = load_profile("equilibrium", n_particles=PARTICLES)
            simulate_parts(states, profile, options.results, parts, options.engine, options.device, options.workers)
        else:
            paths = sorted(parts.glob("*.npz"))
            if not paths:
                raise ValueError(f"{parts} holds no part; simulate first")
            table = compare_sizes(shipped, (read_part(path) for path in paths))
            write_table(table, options.results / "sizes.parquet", {})
            print(table.round(3).to_string(index=False))


if __name__ == "__main__":
    main()
