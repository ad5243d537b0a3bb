"""States off the grid: drawn once, half of them open to development, half closed until the end.

::

    python -m ljmix.release.off_grid list                     # all states, one a line
    python -m ljmix.release.off_grid list --half development  # those that may be looked at
    python -m ljmix.release.off_grid simulate                 # both halves, by the protocol of version 2; resumable
    python -m ljmix.release.off_grid ship                     # their tables, when all are finished
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from string import Template

import numpy as np
import pandas as pd
from scipy.stats import qmc

from ljmix._util.atomic import write_text
from ljmix._util.command import one_sentence
from ljmix._util.markdown import markdown_table
from ljmix._util.provenance import describe_provenance
from ljmix.data.dataset import Dataset, write_dataset, write_table
from ljmix.data.reference import shipped_folder
from ljmix.release.part_files import read_part
from ljmix.release.parts import simulate_parts
from ljmix.release.tables import join_tables, tables_of_parts
from ljmix.simulation.profiles import load_profile
from ljmix.state import PARAMETERS, StatePoint, state_points

__all__ = ["BOX", "COUNT", "HALVES", "off_grid_states", "ship_half"]

BOX = {"temperature": (0.6, 1.4), "fraction_b": (0.02, 0.5), "size_ratio": (0.5, 2.0), "epsilon_ab": (0.2, 1.0)}
"""What is drawn from; each number by itself uniform, ln S for S, so that S and 1/S are as likely."""
COUNT = 120
HALVES = ("development", "closed")
_SEED = 20260
"""Of the scrambling. A changed seed would be another benchmark."""
_DECIMALS = 4


def off_grid_states() -> pd.DataFrame:
    """States of the benchmark, always the same.

    A scrambled Sobol sequence (Owen 1998, doi:10.1006/jcom.1998.0487) over `BOX`. A hash of each state's name puts half
    of them into either half, so that neither is a pattern of the sequence.

    Returns
    -------
    pandas.DataFrame
        `state_id`, the four numbers, `half`; in the order of the sequence.
    """
    # A generator, not its seed: SciPy makes different ones of a seed in different versions.
    rng = np.random.default_rng(_SEED)
    unit = qmc.Sobol(len(PARAMETERS), scramble=True, seed=rng).random_base2(7)[:COUNT]
    lows, highs = zip(*(BOX[name] for name in PARAMETERS), strict=True)
    values = pd.DataFrame(qmc.scale(unit, lows, highs), columns=list(PARAMETERS))
    low, high = BOX["size_ratio"]
    values["size_ratio"] = low * (high / low) ** unit[:, PARAMETERS.index("size_ratio")]
    states = [StatePoint(*row) for row in values.round(_DECIMALS).to_numpy().tolist()]
    order = sorted(range(COUNT), key=lambda k: states[k].seed("half of the off-grid benchmark"))
    first = set(order[: COUNT // 2])
    rows = [
        {
            "state_id": state.state_id,
            **{name: getattr(state, name) for name in PARAMETERS},
            "half": HALVES[k not in first],
        }
        for k, state in enumerate(states)
    ]
    return pd.DataFrame(rows)


def ship_half(half: str, parts: Path, output: Path) -> Dataset:
    """Write the tables of one half into a folder of its name: curves, averages, structure factors, and both starts.

    Parameters
    ----------
    half : str
        One of `HALVES`.
    parts : Path
        Folder of the finished states.
    output : Path
        Folder of the benchmark.

    Returns
    -------
    Dataset

    Raises
    ------
    ValueError
        If a state of the half is not finished.
    """
    states = off_grid_states()
    order = states.loc[states["half"] == half, "state_id"].tolist()
    missing = [name for name in order if not (parts / f"{name}.npz").exists()]
    if missing:
        raise ValueError(
            f"{parts} lacks {len(missing)} of {len(order)} states ({missing[0]} first); simulate them first"
        )
    finished = [read_part(parts / f"{name}.npz") for name in order]
    profile = load_profile("equilibrium")
    provenance = dict(describe_provenance(profile.name, settings=profile.as_dict())) | {"half": half}
    pieces = [tables_of_parts(finished, order, "the off-grid benchmark")]
    dataset, starts, _ = join_tables(pieces, order, provenance)
    write_dataset(dataset, output / half)
    write_table(starts.astype({"pair": "category", "start": "category"}), output / half / "starts.parquet", provenance)
    return dataset


def _card(datasets: Mapping[str, Dataset]) -> str:
    everything = pd.concat(dataset.states.assign(half=half) for half, dataset in datasets.items())
    counts = everything.assign(demixed=everything["phase"] == "demixed").groupby("half", sort=False)
    halves = counts.agg(states=("state_id", "size"), converged=("converged", "sum"), demixed=("demixed", "sum"))
    text = resources.files("ljmix.release").joinpath("off_grid.md").read_text(encoding="utf-8")
    return Template(text).substitute(
        count=len(everything),
        box="; ".join(f"`{name}` {low:g} to {high:g}" for name, (low, high) in BOX.items()),
        halves=markdown_table(["half", *halves], [[f"`{half}`", *map(str, row)] for half, *row in halves.itertuples()]),
        hours=f"{everything['wall_seconds'].sum() / 3600:.1f}",
        commit=datasets[HALVES[0]].provenance["commit"],
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """List, simulate or ship the states, from the command line."""
    parser = argparse.ArgumentParser(prog="python -m ljmix.release.off_grid", description="States off the grid.")
    parser.add_argument("step", choices=("list", "simulate", "ship"))
    parser.add_argument("--half", choices=HALVES, help="list or simulate one half alone")
    parser.add_argument("--results", type=Path, default=Path("results", "off-grid"), help="folder of the runs")
    parser.add_argument(
        "--parts", type=Path, help="folder of the finished states; by default parts/ in that of the runs"
    )
    parser.add_argument("--output", type=Path, help="folder of the tables; by default data/off-grid")
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--workers", type=int, help="processes; by default one a core")
    options = parser.parse_args(arguments)
    parts = options.parts or options.results / "parts"
    with one_sentence(parser):
        states = off_grid_states()
        if options.half:
            states = states[states["half"] == options.half]
        if options.step == "list":
            print(states.to_string())
        elif options.step == "simulate":
            simulate_parts(
                state_points(states), load_profile("equilibrium"), options.results, parts,
                options.engine, options.device, options.workers,
            )  # fmt: skip
        else:
            output = options.output or shipped_folder() / "off-grid"
            datasets = {half: ship_half(half, parts, output) for half in HALVES}
            write_text(output / "README.md", _card(datasets))


if __name__ == "__main__":
    main()
