"""Doubt, how much potentials disagree that learned from the same frames drawn again; and learning where it is large."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ljmix._util.arrays import FloatArray
from ljmix.potentials.frames import Frame, check_frames, evaluate, sample_frames
from ljmix.potentials.pair import Potential
from ljmix.potentials.shipped import draw_training
from ljmix.potentials.spline import PairSpline, SplinePotential, measure_frame
from ljmix.simulation.engine import load_engine
from ljmix.state import StatePoint

__all__ = ["TARGET", "THRESHOLD", "disagreement", "fit_committee", "force_errors", "learn_actively"]


def fit_committee(frames: Sequence[Frame], n_members: int = 6, seed: int = 0) -> list[SplinePotential]:
    """Fit pair splines to bootstrap samples of the particles of frames.

    Members see other close pairs, so that their walls differ: they disagree most where hardly a pair was seen.

    Parameters
    ----------
    frames : sequence of Frame
    n_members, seed : int

    Returns
    -------
    list of SplinePotential

    Raises
    ------
    ValueError
        As `PairSpline.fit`.
    """
    check_frames(frames)
    rng, fitter = np.random.default_rng(seed), PairSpline()
    basis = fitter.basis(frames[0].size_ratio)
    members = []
    for _ in range(n_members):
        counts = [rng.poisson(1.0, frame.n_particles).astype(float) for frame in frames]
        parts = [measure_frame(basis, frame, of) for frame, of in zip(frames, counts, strict=True)]
        members.append(fitter.fit_moments(basis, parts))
    return members


def disagreement(members: Sequence[Potential], frame: Frame) -> FloatArray:
    """Doubt of each particle: standard deviation of its force over the members, (n_particles,), ε_AA/σ_AA."""
    forces = np.array([member.evaluate(frame).forces for member in members])
    spread: FloatArray = np.sqrt(forces.var(axis=0, ddof=1).sum(axis=1))
    return spread


def force_errors(potential: Potential, frame: Frame) -> FloatArray:
    """Error of the force on each particle, (n_particles,), ε_AA/σ_AA."""
    errors: FloatArray = np.linalg.norm(potential.evaluate(frame).forces - frame.forces, axis=1)
    return errors


TARGET = StatePoint(1.4, 0.35, 0.5, 0.6)
"""Where the potential shall hold: hotter than where it begins, and of another composition."""
THRESHOLD = 1.0
"""Doubt of a particle that is low enough, ε_AA/σ_AA; forces are some 20, root mean square."""
_ROUNDS, _FRAMES = 8, 10


def learn_actively(
    frames: Sequence[Frame], draw: int, policies: Sequence[str] = ("doubtful", "random")
) -> dict[str, pd.DataFrame]:
    """Begin with one frame at T* = 1 and C_B = 0.5; add one frame of one's own trajectory at `TARGET` a round.

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
        known = draw_training(list(frames), draw, 1, (0.5,))
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
