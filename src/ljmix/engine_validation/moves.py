"""Monte Carlo moves against plain dynamics: do they leave the averages where they were.

::

    python -m ljmix.engine_validation.moves --results results/moves      # some two core-hours; resumable

Fourteen states of the reference set that had converged without moves are simulated again by the protocol, from other
starts, and compared: density, energy and every bin of the curves. The comparison is written to
``data/validation/moves.parquet``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from ljmix._util.command import one_sentence
from ljmix._util.places import results_folder
from ljmix._util.provenance import describe_provenance
from ljmix.data.collect import collect_dataset
from ljmix.data.comparison import compare_states
from ljmix.data.dataset import Dataset, read_dataset, write_table
from ljmix.data.reference import shipped_folder
from ljmix.simulation.campaign import run_campaign
from ljmix.simulation.profiles import Profile, load_profile
from ljmix.state import PAIRS, StatePoint

__all__ = ["CONTROL_STATES", "compare_with_plain_runs", "summarise_comparison"]

CONTROL_STATES = (
    # small B teleport
    StatePoint(1.4, 0.2, 0.5, 0.4), StatePoint(1.0, 0.2, 0.5, 1.0),
    # species of one size exchange at random
    StatePoint(1.2, 0.1, 1.0, 0.8), StatePoint(1.4, 0.2, 1.0, 0.6), StatePoint(1.4, 0.35, 1.0, 0.8),
    StatePoint(1.0, 0.35, 1.0, 1.0), StatePoint(1.2, 0.35, 1.0, 0.2),
    # informed exchange
    StatePoint(1.4, 0.2, 1.5, 0.8), StatePoint(1.0, 0.2, 1.5, 1.0), StatePoint(1.2, 0.5, 1.5, 0.8),
    StatePoint(1.0, 0.2, 1.5, 0.2),
    # small A teleport
    StatePoint(1.4, 0.1, 2.0, 0.6), StatePoint(1.2, 0.2, 2.0, 1.0), StatePoint(1.4, 0.5, 2.0, 0.2),
)  # fmt: skip
"""States that converged without moves: twelve mixed ones whose waves of concentration live for less than 60 τ, and two
demixed ones (T* 1.2, S 1 and T* 1.0, S 1.5)."""


def compare_with_plain_runs(root: Path, profile: Profile, plain: Dataset) -> pd.DataFrame:
    """Compare the control states that are finished in a campaign's folder with plain runs.

    Parameters
    ----------
    root : Path
        Folder of the campaign.
    profile : Profile
        It was simulated with.
    plain : Dataset
        Runs without moves.

    Returns
    -------
    pandas.DataFrame
        As from `ljmix.data.comparison.compare_states`: `one` is the plain run, `other` the one with moves.
    """
    moved = collect_dataset(root, profile, states=CONTROL_STATES)
    return compare_states(plain.select(plain.states["state_id"].isin(moved.states["state_id"])), moved)


def summarise_comparison(comparison: pd.DataFrame) -> pd.DataFrame:
    """Deviations over all states: how many, mean and root mean square in standard errors, and the largest.

    For a curve one deviation is the root mean square over its bins, which chance makes about one.
    """
    rows = []
    for quantity in ("number_density", "potential_energy", *PAIRS):
        sigmas = comparison.loc[comparison["quantity"] == quantity, "sigmas"].to_numpy(dtype=float)
        rows.append(
            {
                "quantity": quantity,
                "states": len(sigmas),
                "mean": sigmas.mean(),
                "rms": float(np.sqrt(np.mean(sigmas**2))),
                "largest": float(np.abs(sigmas).max()),
            }
        )
    return pd.DataFrame(rows)


def main(arguments: Iterable[str] | None = None) -> None:
    """Simulate the control states with moves and compare them, from the command line."""
    parser = argparse.ArgumentParser(description="Compare runs with Monte Carlo moves with plain ones.")
    parser.add_argument("--results", type=Path, help="folder of the campaign; by default results/moves")
    parser.add_argument("--output", type=Path, help="table to write; by default data/validation/moves.parquet")
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--workers", type=int, help="processes; by default one a core")
    options = parser.parse_args(None if arguments is None else list(arguments))
    data, results = shipped_folder(), results_folder("moves", options.results)
    with one_sentence(parser):
        profile = load_profile("equilibrium")
        report = run_campaign(CONTROL_STATES, profile, results, options.engine, options.device, workers=options.workers)
        comparison = compare_with_plain_runs(results, profile, read_dataset(data / "reference"))
        output = options.output or data / "validation" / "moves.parquet"
        write_table(comparison, output, dict(describe_provenance(profile.name)))
        print(comparison.round(4).to_string(index=False))
        print(summarise_comparison(comparison).round(2).to_string(index=False))
        if report.failed or (comparison["sigmas"].abs() > comparison["limit"]).any():
            sys.exit(1)


if __name__ == "__main__":
    main()
