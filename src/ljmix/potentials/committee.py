"""Doubt: how much potentials disagree that learned from the same frames, drawn again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ljmix._util.arrays import FloatArray
from ljmix.potentials.frames import Frame, check_frames
from ljmix.potentials.pair import Potential
from ljmix.potentials.spline import PairSpline, SplinePotential, measure_frame

__all__ = ["disagreement", "fit_committee", "force_errors"]


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
