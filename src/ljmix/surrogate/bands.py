"""How far to trust it: bands for whole curves, from states of groups that were left out.

Split conformal prediction (Lei et al. 2018, doi:10.1080/01621459.2017.1307116). The score of a state is the largest
deviation over all bins of its three curves, in units of the width that the surrogate gives them there. The band of a
new state is so many widths that it would have held the stated share of the left-out states. They are left out by
composition, by size ratio and by temperature: a state between those simulated is nearer to its neighbours than a
left-out size ratio, and about as near as a left-out composition, so that pooled scores promise rather too little than
too much there. How each group fares with a band from the others alone is kept and told.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from tqdm import tqdm

from ljmix._util.arrays import FloatArray
from ljmix._util.checks import require_float
from ljmix.data.dataset import Dataset
from ljmix.state import COMPOSITION
from ljmix.surrogate.folds import Kept
from ljmix.surrogate.learned.branches import Prediction
from ljmix.surrogate.learned.curves import curve_errors
from ljmix.surrogate.learned.phase import decided
from ljmix.surrogate.learned.thermodynamics import QUANTITIES

__all__ = ["BRANCHES", "Bands", "band_width", "left_out_groups", "score_left_out"]

BRANCHES = ("mixed", "demixed")
FOLDS = 5
_RELATIVE, _SMALLEST = 0.01, 0.05
"""Least width of a band before calibration: this share of g, of g = 0.05 where it is smaller; one that is too small
would let a bin without a process decide everything."""
_TRUSTED = ("density", *QUANTITIES)


def band_width(g: FloatArray, deviation: FloatArray) -> FloatArray:
    """Width of a band before calibration."""
    return np.asarray(np.hypot(deviation, _RELATIVE * np.maximum(g, _SMALLEST)))


def left_out_groups(states: pd.DataFrame) -> Iterator[tuple[str, str, npt.NDArray[np.bool_]]]:
    """Groups that are left out in turn: kind, name, and which states belong to it.

    A fifth of the compositions at a time, each size ratio, and each temperature. The fifths are those of the task
    `compositions` of the benchmark, so that what is learned for either serves both.
    """
    number = states.groupby(list(COMPOSITION), sort=True).ngroup().to_numpy()
    # Shuffled: in order, every fifth composition of the grid has the same ε_AB.
    place = np.argsort(np.random.default_rng(0).permutation(number.max() + 1))
    folds = place[number] % min(FOLDS, len(place))
    kinds = {"composition": folds + 1, "size_ratio": states["size_ratio"].to_numpy(),
             "temperature": states["temperature"].to_numpy()}  # fmt: skip
    for kind, labels in kinds.items():
        values = np.unique(labels)
        if len(values) > 1:
            yield from ((kind, f"{value:g}", labels == value) for value in values)


@dataclass
class Bands:
    """Scores of states that were left out.

    Attributes
    ----------
    scores : pandas.DataFrame
        One row a state and kind of group: `kind`, `group`, `state_id`, `branch` (as simulated), `decided` (whether its
        starts agree), `demixing` (probability), `curves` (largest deviation in widths; infinite without an answer) and
        for density and thermodynamics the absolute deviation in its own standard deviations.
    """

    scores: pd.DataFrame

    @classmethod
    def fit(cls, dataset: Dataset, kept: Kept | None = None, *, progress: bool = False) -> Self:
        """Leave out one group after the other, and score what the others say of it.

        Parameters
        ----------
        dataset : Dataset
        kept : Kept, optional
            Where fits are kept, so that an interrupted call goes on.
        progress : bool
            Show a bar.
        """
        kept = kept or Kept()
        rows = []
        groups = list(left_out_groups(dataset.states))
        for kind, group, out in tqdm(groups, desc="groups left out", disable=not progress):
            test = dataset.select(out)
            scored = score_left_out(kept.prediction(dataset.select(~out), test), test)
            rows.append(scored.assign(kind=kind, group=group))
        return cls(pd.concat(rows, ignore_index=True))

    def factor(self, level: float, branch: str, without: tuple[str, str] | None = None) -> float:
        """Widths of a band that holds whole states with a probability.

        Parameters
        ----------
        level : float
            Above 0 and below 1.
        branch : {"mixed", "demixed"}
        without : (kind, group), optional
            Calibrate on the other groups of this kind alone.

        Raises
        ------
        ValueError
            If the level is out of range, or asks for more left-out states than there are.
        """
        found = self._curves[branch]
        if without is not None:
            rows = self.scores[self.scores["branch"] == branch]
            found = found[((rows["kind"] == without[0]) & (rows["group"] != without[1])).to_numpy()]
        return _quantile(found, level)

    @cached_property
    def _curves(self) -> dict[str, FloatArray]:
        """Deviations of curves by branch: to ask the table for each band takes as long as to predict a curve."""
        branch, curves = self.scores["branch"], self.scores["curves"].to_numpy(dtype=float)
        return {name: curves[branch == name] for name in BRANCHES}

    def error_factor(self, name: str) -> float:
        """Factor of a quantity's standard deviation that covers 95 % of the left-out mixed states within 1.96 of it."""
        found = self.scores.loc[self.scores["branch"] == "mixed", name].dropna().to_numpy(dtype=float)
        return _quantile(found, 0.95) / 1.96 if len(found) > 1 / 0.05 else 1.0

    def coverage(self, level: float = 0.9) -> pd.DataFrame:
        """How whole curves of each group fare in bands from the other groups of its kind.

        Returns
        -------
        pandas.DataFrame
            `kind`, `group`, `branch`, `n` (states), `covered` (share of them), worst first.
        """
        rows = []
        for (kind, group, branch), part in self.scores.groupby(["kind", "group", "branch"]):
            try:
                factor = self.factor(level, branch, (kind, group))
            except ValueError:
                factor = np.nan  # too few others: nothing can be said
            covered = float((part["curves"] <= factor).mean()) if np.isfinite(factor) else np.nan
            rows.append({"kind": kind, "group": group, "branch": branch, "n": len(part), "covered": covered})
        return pd.DataFrame(rows).sort_values("covered", ignore_index=True)

    def describe(self, level: float = 0.9) -> str:
        """How bands fare on whole states of groups that were left out, in a sentence; empty where there are too few."""
        found = self.coverage(level).dropna()
        if found.empty:
            return ""
        held = float((found["covered"] * found["n"]).sum() / found["n"].sum())
        worst = found.iloc[0]
        which = f"{worst['branch']} states of {worst['kind'].replace('_', ' ')} {worst['group']}"
        return (
            f"Its {level:.0%} bands, calibrated elsewhere, held {held:.0%} of the states that were left out whole; "
            f"worst {worst['covered']:.0%}, {which}."
        )

    def phase_scores(self) -> pd.DataFrame:
        """Accuracy and Brier score of the phase of left-out states whose starts agree, and of all, by kind of group."""
        rows = []
        for kind, part in self.scores.groupby("kind"):
            for name, some in (("starts agree", part[part["decided"]]), ("all", part)):
                truth = (some["branch"] == "demixed").to_numpy()
                p = some["demixing"].to_numpy(dtype=float)
                accuracy, brier = float(((p > 0.5) == truth).mean()), float(((p - truth) ** 2).mean())
                rows.append({"kind": kind, "states": name, "n": len(some), "accuracy": accuracy, "brier": brier})
        return pd.DataFrame(rows)


def score_left_out(found: Prediction, test: Dataset) -> pd.DataFrame:
    """Score what is said of simulated liquids, on the branch on which each was simulated; columns as `Bands.scores`."""
    states = test.states.reset_index(drop=True)
    g = test.curve_array()[1]
    demixed = (states["phase"] == "demixed").to_numpy()
    branch = demixed.astype(int)
    at = np.arange(len(states))
    predicted, deviation = found.g[branch, at], found.deviation[branch, at]
    width = np.hypot(band_width(predicted, deviation), curve_errors(test, 5.0))
    with np.errstate(invalid="ignore"):
        score = (np.abs(predicted - g) / width).max(axis=(1, 2))
    table = pd.DataFrame({
        "state_id": states["state_id"], "branch": np.array(BRANCHES)[branch], "decided": decided(states),
        "demixing": found.demixing, "curves": np.where(np.isfinite(score), score, np.inf),
    })  # fmt: skip
    return table.assign(**_deviations(states, found, branch))[states["phase"].isin(BRANCHES).to_numpy()]


def _deviations(states: pd.DataFrame, found: Prediction, branch: npt.NDArray[np.int64]) -> dict[str, FloatArray]:
    at = np.arange(len(states))
    columns = {"density": "number_density", "compressibility": "isothermal_compressibility"}
    predicted = {"density": (found.density, found.density_deviation), **found.quantities}
    answer = {}
    for name in _TRUSTED:
        column = columns.get(name, name)
        if column not in states:
            answer[name] = np.full(len(states), np.nan)
            continue
        value, deviation = (part[branch, at] for part in predicted[name])
        error = np.hypot(deviation, states[f"{column}_sem"].to_numpy(dtype=float))
        answer[name] = np.abs(value - states[column].to_numpy(dtype=float)) / error
    return answer


def _quantile(scores: FloatArray, level: float) -> float:
    """Smallest score that leaves (n + 1) · level of n + 1 at or below it."""
    level = require_float("level", level, 0.0, 1.0, above=True)
    n = len(scores)
    rank = int(np.ceil((n + 1) * level))
    if level == 1 or rank > n:
        raise ValueError(f"level = {level:g}: {n} left-out states allow at most {n / (n + 1):.4g}")
    return float(np.sort(scores)[rank - 1])
