"""The questions that frames answer without a run: how few, from where, for where, and what small errors are worth."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.interpolate import BSpline
from scipy.stats import spearmanr

from ljmix.potentials.committee import disagreement, fit_committee, force_errors
from ljmix.potentials.frames import Frame, select
from ljmix.potentials.linear import Moments, Weights, add_moments
from ljmix.potentials.pair import PairFunction, PairPotential, Potential
from ljmix.potentials.pod import Pod, PodBasis
from ljmix.potentials.pod import measure_frame as describe_frame
from ljmix.potentials.shipped import MIXTURE, TRAINING, draw_training, label_of, training_state
from ljmix.potentials.spline import PairSpline, SplineMoments, SplinePotential, measure_frame
from ljmix.state import PAIRS, StatePoint

__all__ = [
    "WEIGHTS", "compare_doubt", "learn_energies", "learning_curve", "pod_table", "score", "stretch", "transfer_table",
]  # fmt: skip

WEIGHTS = {"forces": Weights(), "forces, energy": Weights(1.0, 0.0), "forces, energy, virial": Weights(1.0, 1.0)}


def score(potential: Potential, frames: Sequence[Frame]) -> dict[str, float]:
    """Errors of a potential on frames.

    Returns
    -------
    dict
        `force_error`, root mean square of the components (ε_AA/σ_AA); `force_size`, that of the true forces;
        `energy_bias` (a particle, ε_AA) and `pressure_bias` (P*), means over the frames.
    """
    found = [potential.evaluate(frame) for frame in frames]
    pairs = list(zip(found, frames, strict=True))
    return {
        "force_error": float(np.sqrt(np.mean([np.mean((one.forces - true.forces) ** 2) for one, true in pairs]))),
        "force_size": float(np.sqrt(np.mean([np.mean(true.forces**2) for true in frames]))),
        "energy_bias": float(np.mean([(one.energy - true.energy) / true.n_particles for one, true in pairs])),
        "pressure_bias": float(np.mean([(one.virial - true.virial) / (3 * true.volume) for one, true in pairs])),
    }


def learning_curve(
    frames: Sequence[Frame],
    sizes: Iterable[int],
    draws: int = 5,
    weights: Weights | None = None,
    fractions: tuple[float, ...] = TRAINING,
    state: StatePoint = MIXTURE,
) -> pd.DataFrame:
    """Score pair splines of few and of many frames at a composition that none of them saw.

    Parameters
    ----------
    frames : sequence of Frame
        Shipped ones; see `ljmix.potentials.shipped.draw_training`.
    sizes : iterable of int
        Numbers of frames.
    draws : int
        Sets of frames of each size, none of which has a frame of another; as many as there are.
    weights : Weights, optional
        By default forces alone.
    fractions : tuple of float
        Compositions to learn from.
    state : StatePoint
        Of the test frames.

    Returns
    -------
    pandas.DataFrame
        `n_frames`, `draw` and what `score` gives; NaN where frames are too few, and `reason` says why.
    """
    test, fitter, rows = select(frames, label_of(state)), PairSpline(weights or Weights()), []
    basis = fitter.basis(frames[0].size_ratio)
    # Each frame is reduced once, whatever the number of draws that it is in.
    measured: dict[int, SplineMoments] = {}
    for n in sizes:
        for draw in range(draws):
            row: dict[str, Any] = {"n_frames": n, "draw": draw, "reason": ""}
            try:
                chosen = draw_training(list(frames), draw, n, fractions)
            except ValueError:
                break  # no more frames for another draw
            try:
                for frame in chosen:
                    if id(frame) not in measured:
                        measured[id(frame)] = measure_frame(basis, frame)
                parts = [measured[id(frame)] for frame in chosen]
                rows.append(row | score(fitter.fit_moments(basis, parts), test))
            except ValueError as error:
                rows.append(row | {"reason": str(error)})
    return pd.DataFrame(rows)


def stretch(potential: SplinePotential, size_ratio: float) -> PairPotential:
    """Potential of B of another size, if u depends on r/σ_ij alone: the same functions, stretched."""
    functions = {}
    for pair in PAIRS:
        old, factor = potential.functions[pair], replace(MIXTURE, size_ratio=size_ratio).sigma(pair)
        factor /= potential.basis.sigma(pair)
        spline = BSpline(old.spline.t * factor, old.spline.c, old.spline.k)
        functions[pair] = PairFunction(spline, old.wall * factor, old.cutoff * factor)
    return PairPotential(functions)


def transfer_table(
    frames: Sequence[Frame], states: Iterable[StatePoint], draws: int = 5, n_frames: int = 4
) -> pd.DataFrame:
    """Score potentials of four frames (forces, energies, virials at T* = 1, C_B 0.1 and 0.5) at other states.

    Where the size ratio is another one, both ways: as they are, and stretched by `stretch`.
    """
    fitter, rows = PairSpline(WEIGHTS["forces, energy, virial"]), []
    for draw in range(draws):
        potential = fitter.fit(draw_training(list(frames), draw, n_frames))
        for state in states:
            test = select(frames, label_of(state))
            ways: dict[str, Potential] = {"as it is": potential}
            if state.size_ratio != MIXTURE.size_ratio:
                ways["stretched"] = stretch(potential, state.size_ratio)
            for way, used in ways.items():
                rows.append(state.as_dict() | {"draw": draw, "way": way} | score(used, test))
    return pd.DataFrame(rows)


def learn_energies(frames: Sequence[Frame], draws: int = 5, n_frames: int = 8) -> pd.DataFrame:
    """Fit energies of single particles too, from one composition and from two, and score them at a third.

    Every fit has the same forces to learn from; only those of two compositions tell e_A from e_B. Of frames that do not
    allow a fit `reason` says why.
    """
    test, fitter, rows = select(frames, label_of(MIXTURE)), PairSpline(WEIGHTS["forces, energy"], one_body=True), []
    for fractions in ((0.1,), (0.5,), TRAINING):
        for draw in range(draws):
            chosen = draw_training(list(frames), draw, min(n_frames, 6 * len(fractions)), fractions)
            row = {"compositions": " and ".join(f"{fraction:g}" for fraction in fractions), "draw": draw, "reason": ""}
            try:
                potential = fitter.fit(chosen)
            except ValueError as error:
                rows.append(row | {"reason": str(error)})
                continue
            basis, c = potential.basis, potential.solution.coefficients
            moments = add_moments([measure_frame(basis, frame).moments for frame in test])
            rows.append(row | {
                "force_error": score(potential, test)["force_error"],
                "energy_bias": float(moments.energy_errors(c).mean()), "e_a": float(c[-2]), "e_b": float(c[-1]),
            })  # fmt: skip
    return pd.DataFrame(rows)


def pod_table(
    world: str, frames: Sequence[Frame], sizes: Iterable[int] = (1, 2, 4, 6, 12, 24, 60), draws: int = 5, most: int = 15
) -> pd.DataFrame:
    """Score POD and pair splines on the same frames, with and without energies and virials; minutes.

    Parameters
    ----------
    world : str
    frames : sequence of Frame
    sizes : iterable of int
        Numbers of frames.
    draws : int
        Sets of frames of each size, as many as there are.
    most : int
        Frames of each composition that POD sees at most: its descriptors take half a second a frame.

    Returns
    -------
    pandas.DataFrame
        `world`, `potential`, `weights`, `compositions`, `n_frames`, `draw`, `force_error`, `force_size`, `energy_bias`,
        `pressure_bias`.
    """
    bases = {"POD, pairs": PodBasis(three_radial=0), "POD, triplets": PodBasis()}
    test, rows = select(frames, label_of(MIXTURE)), []
    for name, basis in bases.items():
        of_test = add_moments([describe_frame(basis, frame) for frame in test])
        described = {
            fraction: [
                describe_frame(basis, frame)
                for frame in select(frames, label_of(training_state(fraction), True))[:most]
            ]
            for fraction in TRAINING
        }
        for fractions in (TRAINING, (0.1,)):
            for n in sizes:
                share = n // len(fractions)
                for draw in range(draws):
                    parts = [part for f in fractions for part in described[f][draw * share : (draw + 1) * share]]
                    if share < 1 or len(parts) < share * len(fractions):
                        continue
                    for label, weights in WEIGHTS.items():
                        c = Pod(basis, weights).fit_moments(parts).solution.coefficients
                        rows.append(_row(world, name, label, fractions, n, draw) | _scores(of_test, c))
    for fractions in (TRAINING, (0.1,)):
        for label, weights in WEIGHTS.items():
            curve = learning_curve(frames, sizes, draws, weights, fractions)
            curve = curve[curve["reason"] == ""].drop(columns="reason")
            known = _row(world, "pair spline", label, fractions, 0, 0)
            rows += [known | {str(name): value for name, value in row.items()} for row in curve.to_dict("records")]
    return pd.DataFrame(rows)


def _row(world: str, potential: str, weights: str, fractions: tuple[float, ...], n: int, draw: int) -> dict[str, Any]:
    compositions = " and ".join(f"{fraction:g}" for fraction in fractions)
    return {
        "world": world, "potential": potential, "weights": weights, "compositions": compositions, "n_frames": n,
        "draw": draw,
    }  # fmt: skip


def _scores(moments: Moments, coefficients: Any) -> dict[str, Any]:
    return {
        "force_error": moments.force_error(coefficients),
        "force_size": moments.force_size(),
        "energy_bias": float(moments.energy_errors(coefficients).mean()),
        "pressure_bias": float(moments.pressure_errors(coefficients).mean()),
    }


def compare_doubt(
    frames: Sequence[Frame], states: Iterable[StatePoint], draws: int = 5, n_frames: int = 4
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Hold the disagreement of a committee against the true error, particle by particle.

    Returns
    -------
    ranks, particles : pandas.DataFrame
        `draw`, `state_id`, `rank` (Spearman's ρ of doubt and error over particles), `ratio` (root mean square
        error over that of the doubt); and of the first draw `state_id`, `doubt`, `error`, a row a particle.
    """
    ranks, particles = [], []
    for draw in range(draws):
        chosen = draw_training(list(frames), draw, n_frames)
        potential, members = PairSpline().fit(chosen), fit_committee(chosen, seed=draw)
        for state in states:
            test = select(frames, label_of(state))
            doubt = np.concatenate([disagreement(members, frame) for frame in test])
            error = np.concatenate([force_errors(potential, frame) for frame in test])
            rank = float(spearmanr(doubt, error).statistic)
            ratio = float(np.sqrt(np.mean(error**2) / np.mean(doubt**2)))
            ranks.append({"draw": draw, "state_id": state.state_id, "rank": rank, "ratio": ratio})
            if draw == 0:
                particles.append(pd.DataFrame({"state_id": state.state_id, "doubt": doubt, "error": error}))
    return pd.DataFrame(ranks), pd.concat(particles, ignore_index=True)
