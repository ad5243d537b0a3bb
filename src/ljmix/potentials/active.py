"""Active learning: run with the potential, ask the truth where its committee disagrees, learn, run again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ljmix.potentials.committee import disagreement, fit_committee, force_errors
from ljmix.potentials.frames import Frame, evaluate, sample_frames
from ljmix.potentials.shipped import draw_training
from ljmix.potentials.spline import PairSpline
from ljmix.simulation.engine import load_engine
from ljmix.state import StatePoint

__all__ = ["TARGET", "THRESHOLD", "learn_actively"]

TARGET = StatePoint(1.4, 0.5, 0.5, 0.6)
"""Where the potential shall hold: hotter, and with five times more B than where it begins."""
THRESHOLD = 1.0
"""Doubt of a particle that is low enough, ε_AA/σ_AA; forces are some 20, root mean square."""
_ROUNDS, _FRAMES = 8, 10


def learn_actively(
    frames: Sequence[Frame], draw: int, policies: Sequence[str] = ("doubtful", "random")
) -> dict[str, pd.DataFrame]:
    """Begin with six frames at T* = 1 and C_B = 0.1; add one frame of one's own trajectory at `TARGET` a round.

    Parameters
    ----------
    frames : sequence of Frame
        Shipped ones of Lennard-Jones.
    draw : int
        Which frames to begin with.
    policies : sequence of str
        ``"doubtful"`` adds the frame of largest doubt, ``"random"`` any.

    Returns
    -------
    dict
        Table `active`: `policy`, `draw`, `round`, `n_frames`, `doubt` (largest of a particle in ten frames), `error`
        (largest true error of a particle in them), `rms_error`. A round that is not doubtful ends the loop, and is its
        last row.
    """
    truth, rows = load_engine("lammps"), []
    for policy in policies:
        rng = np.random.default_rng([draw, len(policy)])
        known = draw_training(list(frames), draw, 6, (0.1,))
        for number in range(_ROUNDS):
            potential = PairSpline().fit(known)
            members = fit_committee(known, seed=draw)
            own = sample_frames(
                TARGET, _FRAMES, potential.engine("lammps"), interval=200, settle=2000, replica=100 * draw + number
            )
            doubts = np.array([disagreement(members, frame).max() for frame in own])
            labelled = evaluate(truth, TARGET, own)
            errors = np.array([force_errors(potential, frame) for frame in labelled])
            rows.append(
                {
                    "policy": policy, "draw": draw, "round": number, "n_frames": len(known), "doubt": doubts.max(),
                    "error": errors.max(), "rms_error": float(np.sqrt(np.mean(errors**2) / 3)),
                }
            )  # fmt: skip
            if doubts.max() < THRESHOLD:
                break
            chosen = int(doubts.argmax()) if policy == "doubtful" else int(rng.integers(_FRAMES))
            known.append(labelled[chosen])
    return {"active": pd.DataFrame(rows)}
