"""Does a state demix? What splitting gains per area of interface, and a calibrated probability."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from ljmix._util.arrays import FloatArray
from ljmix.surrogate.learned.description import describe
from ljmix.theory.splitting import Splitting, smallest_area, split

__all__ = ["PhaseModel", "box_edges", "decided", "splitting_score"]

STRENGTHS = (0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9)
"""Factors of k = 1 − ε_AB among which the training states choose."""
_SMALLEST = 0.03
"""Score over T* below which all is the same, 1/σ²: a tenth of a liquid's tension against another."""
_LEAST_MIXED = 1e-4
"""x_A x_B of what counts as pure."""
_PENALTY = 3.0
_FEWEST = 20


def box_edges(states: pd.DataFrame) -> FloatArray:
    """Edge of the simulated box of each state, σ_AA."""
    volume = states["n_particles"].to_numpy(dtype=float) / states["number_density"].to_numpy(dtype=float)
    return np.asarray(np.cbrt(volume))


def decided(states: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Liquid states whose runs from different starts agree: their phase is known."""
    agree = states["starts_agree" if "starts_agree" in states else "converged"].to_numpy(dtype=bool)
    return np.asarray(agree & states["phase"].isin(["mixed", "demixed"]).to_numpy())


def splitting_score(splitting: Splitting, density: FloatArray, box_edge: FloatArray) -> FloatArray:
    """N Δg over the area of the interface, ε_AA/σ_AA²; 0 where one liquid is stable, (n,)."""
    area = smallest_area(np.where(splitting.found, splitting.share, 0.5))
    return np.asarray(np.where(splitting.found, density * box_edge * splitting.gain / area, 0.0))


@dataclass
class PhaseModel:
    """Probability of demixing: logistic in ln(score / T* + 0.03), (ln S)² and ln(x_A x_B).

    The score over T* is held against a tension over kT. The equation of state errs with the difference of the sizes, at
    S = 1 to one side and at S = 0.5 and 2 to the other; S and 1/S are one difference, so that what holds at a size not
    seen follows from the others. The fewer particles a species has, the more a drop of it lacks of bulk.

    Attributes
    ----------
    strength : float
        Of the equation of state whose free energies separate the training states best.
    centre, scale, coefficients : (3,) arrays
    intercept : float
    """

    strength: float
    centre: FloatArray
    scale: FloatArray
    coefficients: FloatArray
    intercept: float

    @classmethod
    def fit(cls, states: pd.DataFrame, groups: npt.NDArray[Any]) -> Self:
        """Learn from states whose phase is known.

        Parameters
        ----------
        states : pandas.DataFrame
            With `phase`, `n_particles`, `number_density`.
        groups : (n_states,) array
            The strength is chosen by the likelihood of each group when the others teach.

        Returns
        -------
        PhaseModel

        Raises
        ------
        ValueError
            If fewer than 20 states have a known phase, or all the same.
        """
        rows = decided(states)
        labels = (states["phase"] == "demixed").to_numpy()[rows]
        if rows.sum() < _FEWEST or labels.all() or not labels.any():
            raise ValueError(
                f"{int(rows.sum())} states have a known phase, {int(labels.sum())} of them demixed: "
                f"at least {_FEWEST} are needed, and both phases among them"
            )
        known, groups = states[rows].reset_index(drop=True), np.asarray(groups)[rows]
        features = {strength: _features(known, strength) for strength in STRENGTHS}
        losses = {strength: _left_out_loss(found, labels, groups) for strength, found in features.items()}
        strength = min(losses, key=lambda each: losses[each])
        centre, scale, fitted = _fit(features[strength], labels)
        return cls(strength, centre, scale, fitted.coef_[0], float(fitted.intercept_[0]))

    def probability(
        self,
        states: Mapping[str, FloatArray] | pd.DataFrame,
        splitting: Splitting,
        density: FloatArray,
        box_edge: FloatArray,
    ) -> FloatArray:
        """Probability of demixing, (n,); NaN where the equation of state has no liquid.

        Parameters
        ----------
        states : pandas.DataFrame, or a mapping of its columns
            With `temperature`, `size_ratio`, `fraction_b`.
        splitting : Splitting
            With this model's `strength`.
        density : (n,) array
            σ_AA⁻³.
        box_edge : (n,) array
            σ_AA.
        """
        features = _columns(states, splitting, density, box_edge)
        logit = (features - self.centre) / self.scale @ self.coefficients + self.intercept
        return np.asarray(1 / (1 + np.exp(-logit)))


def _columns(
    states: Mapping[str, FloatArray] | pd.DataFrame, splitting: Splitting, density: FloatArray, box_edge: FloatArray
) -> FloatArray:
    temperature, size_ratio, x = (
        np.asarray(states[name], dtype=float) for name in ("temperature", "size_ratio", "fraction_b")
    )
    score = splitting_score(splitting, density, box_edge)
    mixing = np.log(np.maximum(x * (1 - x), _LEAST_MIXED))
    return np.stack([np.log(score / temperature + _SMALLEST), np.log(size_ratio) ** 2, mixing], axis=1)


def _features(states: pd.DataFrame, strength: float) -> FloatArray:
    return _columns(states, split(states, strength), describe(states, strength).density, box_edges(states))


def _fit(features: FloatArray, labels: npt.NDArray[np.bool_]) -> tuple[FloatArray, FloatArray, LogisticRegression]:
    centre, scale = features.mean(axis=0), np.maximum(features.std(axis=0), 1e-9)
    return centre, scale, LogisticRegression(C=_PENALTY).fit((features - centre) / scale, labels)


def _left_out_loss(features: FloatArray, labels: npt.NDArray[np.bool_], groups: npt.NDArray[Any]) -> float:
    """Negative log likelihood of each group when the others teach; of all by themselves where there is one group."""
    probability = np.empty(len(labels))
    for group in np.unique(groups):
        test = groups == group
        train = ~test if len(set(labels[~test])) == 2 else np.ones(len(labels), dtype=bool)
        centre, scale, fitted = _fit(features[train], labels[train])
        probability[test] = fitted.predict_proba((features[test] - centre) / scale)[:, 1]
    return float(log_loss(labels, probability, labels=[False, True]))
