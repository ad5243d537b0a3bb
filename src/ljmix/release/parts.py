"""Finished states of a long campaign as small files that can be committed while it goes on.

A part holds all that the tables need of one state, and both starts, so that the tables can be made from parts alone, by
other rules too: curves with errors and blocks, averages, structure factors, and the series that show whether the starts
meet. It is written once and never changed, except where it is from before second brackets and needs one::

    python -m ljmix.release.parts simulate --results DIR     # what data/parts lacks; resumable
    python -m ljmix.release.parts list                       # what there is, and what it says

"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ljmix._util.command import one_sentence
from ljmix._util.places import results_folder
from ljmix.data.dataset import Dataset, read_dataset
from ljmix.data.reference import shipped_directory, shipped_folder
from ljmix.release.part_files import is_kept, read_part, write_part
from ljmix.release.tables import is_precise
from ljmix.release.wave_term import expected_lifetimes, wave_terms
from ljmix.simulation.campaign import run_campaign
from ljmix.simulation.profiles import Profile, load_profile
from ljmix.state import DILUTE, StatePoint, state_points

__all__ = ["simulate_parts", "states_to_repeat"]

_SLOW_WAVE = 100.0
"""Lifetime of the longest concentration wave, τ, above which a mixed state is simulated again though it counted as
converged: its run held too few samples of that wave."""


def states_to_repeat(dataset: Dataset) -> list[StatePoint]:
    """States of a dataset that plain runs have not brought to equilibrium, the most telling first.

    Those that have not converged, and those whose concentration waves are slow: the longest lives for more than 100 τ,
    by the sampled S_cc or by the expected one (`ljmix.release.wave_term.expected_lifetimes`), or the term for waves
    makes a first peak imprecise. In the order S = 1, S = 1.5, C_B = 0.01, S = 0.5, those with slow waves, S = 2; inside
    each, isobar by isobar.

    Parameters
    ----------
    dataset : Dataset
        With structure factors.
    """
    states = dataset.states
    longest = np.fmax(states["wave_lifetime"], expected_lifetimes(dataset))
    with_waves = dataset.rdf.assign(g_sem=np.hypot(dataset.rdf["g_sem"], wave_terms(dataset)))
    slow = states["converged"] & ((longest > _SLOW_WAVE) | ~is_precise(states, with_waves))
    classes = [
        slow,
        states["fraction_b"] <= DILUTE,
        states["size_ratio"] == 1.0,
        states["size_ratio"] == 1.5,
        states["size_ratio"] < 1.0,
        states["size_ratio"] > 1.5,
    ]
    turn = pd.Series(np.select(classes, [4, 2, 0, 1, 3, 5]), index=states.index)
    again = states[~states["converged"] | slow]
    return state_points(again.loc[turn[again.index].sort_values(kind="stable").index])


def simulate_parts(
    states: Iterable[StatePoint],
    profile: Profile,
    results: Path,
    parts: Path,
    engine: str = "auto",
    device: str = "auto",
    workers: int | None = None,
) -> None:
    """Simulate the states that a folder of parts lacks, and keep each as soon as it is finished; resumable.

    Parameters
    ----------
    states : iterable of StatePoint
    profile : Profile
    results, parts : Path
        Folders of the runs, and of the parts.
    engine, device, workers
        As of `ljmix.simulation.campaign.run_campaign`.

    Raises
    ------
    RuntimeError
        If a state failed; the campaign has said why.
    ValueError
        If a part is damaged.
    """
    missing = [state for state in states if not is_kept(parts / f"{state.state_id}.npz")]
    if not missing:
        print(f"{parts} holds all of them")
        return
    keep = partial(write_part, directory=parts, profile=profile)
    report = run_campaign(missing, profile, results, engine, device, workers=workers, then=keep)
    if report.failed:
        raise RuntimeError(f"{len(report.failed)} of {len(missing)} states failed, as said above; the others are kept")


def _simulate(options: argparse.Namespace, parts: Path) -> None:
    longer = {"steps_max": options.steps_max, "steps_production": options.steps_production}
    profile = load_profile("equilibrium", **{name: steps for name, steps in longer.items() if steps is not None})
    asked = states_to_repeat(read_dataset(options.data or shipped_directory(load_profile("reference"))))
    known = set(profile.states())
    chosen = [
        state
        for state in asked
        if state in known
        and state.size_ratio in (options.size_ratio or [state.size_ratio])
        and state.temperature in (options.temperature or [state.temperature])
        and state.fraction_b >= (options.least_b or 0.0)
    ]
    results = results_folder(profile.name, options.results)
    simulate_parts(chosen, profile, results, parts, options.engine, options.device, options.workers)


def _list(parts: Path) -> None:
    paths = sorted(parts.glob("*.npz"))
    if not paths:
        raise ValueError(f"{parts} holds no part")
    rows = []
    for path in paths:
        header = read_part(path).header
        starts: Sequence[dict[str, Any]] = header["starts"]
        rows.append(
            {
                "state": path.stem,
                "converged": header["converged"],
                "agreed": header["agreed"],
                "settled": "".join("01"[start["settled"]] for start in starts),
                "precise": "".join("01"[start["precise"]] for start in starts),
                "steps": max(start["end_step"] for start in starts),
                "waves": min(min(start["independent_waves"]) for start in starts),
                "phase": "/".join(start["phase"] for start in starts),
                "shape": "/".join(start["shape"] for start in starts),
                "hours": sum(start["wall_seconds"] for start in starts) / 3600,
            }
        )
    table = pd.DataFrame(rows)
    print(table.round(2).to_string(index=False))
    print(f"{len(table)} states, {int(table.converged.sum())} converged, {table.hours.sum():.1f} core-hours")


def main(arguments: Iterable[str] | None = None) -> None:
    """Simulate what is missing, or list what there is, from the command line."""
    parser = argparse.ArgumentParser(description="Campaign for version 2 of the reference dataset, part by part.")
    parser.add_argument("step", choices=("simulate", "list"))
    parser.add_argument("--results", type=Path, help="folder of the campaign; by default results/equilibrium")
    parser.add_argument("--parts", type=Path, help="folder of the parts; by default data/parts")
    parser.add_argument("--data", type=Path, help="dataset whose states are looked at; by default the reference")
    parser.add_argument("--size-ratio", type=float, nargs="+", help="only these size ratios")
    parser.add_argument("--temperature", type=float, nargs="+", help="only these temperatures")
    parser.add_argument("--steps-max", type=int, help="another cap than the profile's, for states that need longer")
    parser.add_argument("--steps-production", type=int, help="keep at least so many steps")
    parser.add_argument("--least-b", type=float, help="only states with at least this fraction of B")
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--workers", type=int, help="processes; by default one a core")
    options = parser.parse_args(None if arguments is None else list(arguments))
    parts = options.parts or shipped_folder() / "parts"
    with one_sentence(parser):
        if options.step == "simulate":
            _simulate(options, parts)
        else:
            _list(parts)


if __name__ == "__main__":
    main()
