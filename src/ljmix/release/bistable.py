"""One drop or mixed? Tempering in ε_AB for the states whose starts end in different phases.

::

    python -m ljmix.release.bistable list
    python -m ljmix.release.bistable simulate --results results/bistable      # resumable

The rule: runs that decide disagree, and some are mixed while others are demixed. Each such state is tempered from a
random and from a separated start, over nine rungs of ε_AB about its own. On its rung the share p of the time with a
drop gives the free energy of the drop, ΔF / T* = −ln p/(1 − p), which decides: below zero the drop is stable.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from ljmix._util.command import one_sentence
from ljmix.data.dataset import write_table
from ljmix.data.reference import shipped_folder
from ljmix.release.part_files import FinishedState, read_part
from ljmix.simulation.engine import load_engine
from ljmix.simulation.initial import system_size
from ljmix.simulation.profiles import load_profile
from ljmix.simulation.tempering import Ladder, make_ladder
from ljmix.state import StatePoint
from ljmix.structure.convergence import inefficiency

__all__ = ["bistable_states", "judge_ladder"]

REACH = 0.2
"""Half the range of ε_AB over which rungs are spread."""
DROP = 15
"""B particles in one cluster from which they count as a drop."""
_STARTS = ("random", "separated")
_SETTLING = 0.2


def bistable_states(parts: Iterable[FinishedState]) -> list[StatePoint]:
    """States of which some deciding runs are mixed, others demixed, and which disagree."""
    found = []
    for part in parts:
        header = part.header
        phases = {header["starts"][k]["phase"] for k in header["deciding"]}
        if not header["agreed"] and phases == {"mixed", "demixed"}:
            found.append(StatePoint(**header["state"]))
    return found


def judge_ladder(table: pd.DataFrame, rung: int, rungs: int) -> dict[str, Any]:
    """What a tempering run says of one rung.

    Parameters
    ----------
    table : pandas.DataFrame
        As from `ljmix.simulation.tempering.Ladder.sample`.
    rung : int
        That of the state.
    rungs : int
        How many there are.

    Returns
    -------
    dict
        `drop`, share of the rung's weight with a drop, and `drop_sem`; `free_energy`, ΔF/T*; `round_trips` from end to
        end of the ladder and back; `visits` to the rung. Every frame counts by the rung's probability in it, the first
        fifth of the run not at all.
    """
    late = table.iloc[int(_SETTLING * len(table)) :]
    weight = late[f"p{rung}"].to_numpy()
    has_drop = (late["largest"] >= DROP).to_numpy(dtype=float)
    share = float((weight * has_drop).sum() / weight.sum())
    # The ratio linearised in the fluctuations of both.
    samples = weight * (has_drop - share) / weight.mean()
    error = float(samples.std(ddof=1) * np.sqrt(inefficiency(samples) / len(samples)))
    ends = late["rung"][late["rung"].isin([0, rungs - 1])].to_numpy()
    return {
        "drop": share,
        "drop_sem": error,
        "free_energy": -math.log(share / (1 - share)) if 0 < share < 1 else math.copysign(math.inf, 0.5 - share),
        "round_trips": int(np.sum(np.diff(ends) != 0)) // 2,
        "visits": int((late["rung"] == rung).sum()),
    }


def _temper(folder: Path, state: StatePoint, options: argparse.Namespace) -> list[dict[str, Any]]:
    engine = load_engine(options.engine, options.device)
    n_particles, n_b = system_size(state, load_profile("equilibrium"))
    states = make_ladder(state, max(0.05, state.epsilon_ab - REACH), state.epsilon_ab + REACH)
    rung = [rung.epsilon_ab for rung in states].index(state.epsilon_ab)
    rows = []
    for start in _STARTS:
        ladder = Ladder(folder / start, states, n_particles, n_b, start=start)
        weights = ladder.integrate(engine, options.integration)
        with tqdm(total=options.stretches, desc=f"{state.state_id} {start}", unit="stretch") as bar:
            table = ladder.sample(engine, options.stretches, weights, bar.update)
        rows.append({"state_id": state.state_id, "start": start} | judge_ladder(table, rung, len(states)))
    return rows


def main(arguments: Iterable[str] | None = None) -> None:
    """List the bistable states, or temper them, from the command line."""
    parser = argparse.ArgumentParser(description="Temper states whose starts end in different phases.")
    parser.add_argument("step", choices=("list", "simulate"))
    parser.add_argument("--parts", type=Path, help="folder of the parts; by default data/parts")
    parser.add_argument("--results", type=Path, default=Path("results", "bistable"), help="folder of the runs")
    parser.add_argument("--integration", type=int, default=20, help="stretches of 500 steps on each rung for weights")
    parser.add_argument("--stretches", type=int, default=1200, help="stretches of 500 steps in all; by default 1200")
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--device", default="auto")
    options = parser.parse_args(None if arguments is None else list(arguments))
    with one_sentence(parser):
        folder = options.parts or shipped_folder() / "parts"
        states = bistable_states(read_part(path) for path in sorted(folder.glob("*.npz")))
        print(*(state.state_id for state in states), f"{len(states)} bistable states", sep="\n")
        if options.step == "simulate" and states:
            rows = []
            for state in states:
                rows += _temper(options.results / state.state_id, state, options)
                write_table(pd.DataFrame(rows), options.results / "bistable.parquet", {})
            print(pd.DataFrame(rows).round(3).to_string(index=False))


if __name__ == "__main__":
    main()
