"""The second bracket of a state whose first runs ended in domains of different shape: whether, and at which share.

The rule stands in `ljmix.simulation.protocol`; here are the measurements that it needs.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ljmix._util.arrays import FloatArray
from ljmix._util.atomic import write_text
from ljmix.simulation.analysis import Analysis, bin_centres
from ljmix.simulation.initial import place_particles
from ljmix.simulation.run import Run
from ljmix.structure.phase import crystal_order, label_phase, measure_domains, segregation, sorted_waves
from ljmix.structure.scattering import concentration_waves

__all__ = ["describe_run", "measure_lever_share", "read_lever_share", "write_lever_share"]

_FILE = "lever_rule.json"


def describe_run(run: Run, analysis: Analysis) -> tuple[str, FloatArray]:
    """Phase of a run after equilibration, and its longest waves along the three axes, smallest first.

    Parameters
    ----------
    run : Run
        With Monte Carlo moves or without, of a profile that equilibrates.
    analysis : Analysis

    Returns
    -------
    label : str
        From `ljmix.structure.phase.label_phase`.
    waves : (3,) array
    """
    measured = run.read_measurements()
    waves = sorted_waves(measured["waves"][measured["step"] > analysis.start_step].astype(float))
    last = run.read_configurations(analysis.start_step)[-1]
    types = last.types
    separated = place_particles(run.state, len(types), int(np.sum(types == 1)), "separated", 1.0)
    order = float(waves.sum() / concentration_waves(*separated).sum())
    segregated = segregation(bin_centres(run.profile), analysis.g, run.state)
    return label_phase(order, segregated, crystal_order(last, run.state)), waves


def measure_lever_share(runs: Sequence[Run], analyses: Sequence[Analysis]) -> float:
    """Share of the volume that the B-rich liquid fills: mean over the later half of the kept frames of all runs."""
    shares = []
    for run, analysis in zip(runs, analyses, strict=True):
        frames = run.read_configurations(analysis.start_step)
        shares += [measure_domains(frame, run.state)["share"] for frame in frames[len(frames) // 2 :]]
    return float(np.mean(shares))


def write_lever_share(folder: Path, share: float) -> None:
    """Open the second stage of a state: write down the share from which its starts take their shape."""
    write_text(folder / _FILE, json.dumps({"share": round(share, 6)}))


def read_lever_share(folder: Path) -> float | None:
    """Share that the second stage of a state began from; None where there is no second stage.

    Raises
    ------
    ValueError
        If the file is damaged.
    """
    path = folder / _FILE
    if not path.exists():
        return None
    try:
        return float(json.loads(path.read_text(encoding="utf-8"))["share"])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is damaged ({error}); delete {folder}, and the state is simulated again") from error
