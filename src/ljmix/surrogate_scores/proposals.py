"""Does it pay to choose what is simulated next? Proposals against chance and against filling space, on what is hard.

Nothing is simulated: states of a dataset are hidden, and a criterion chooses among them. In each repetition a quarter
of the liquid states is known, half can be chosen from, and a quarter tests. Each criterion chooses as many states as
are known already, in rounds: after each the surrogate is trained anew. What is compared are the hard states of the
test quarter.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from tqdm import tqdm

from ljmix._util.checks import require_int
from ljmix.data.curves import curves_of
from ljmix.data.dataset import Dataset, state_distances
from ljmix.scoring.curve_errors import relative_errors
from ljmix.surrogate.bands import BRANCHES
from ljmix.surrogate.design import CRITERIA, propose
from ljmix.surrogate.folds import Kept
from ljmix.surrogate.learned.phase import decided
from ljmix.surrogate.surrogate import Surrogate

__all__ = ["HARD", "MEASURES", "hard_states", "score_proposals", "summarise_proposals"]

HARD = {
    "boundary": "starts disagree, or one of the six nearest states has the other phase",
    "droplets": "demixed, C_B at most 0.1",
    "cold": "the lowest temperature",
}
"""What is hard, decided before any result was seen."""
MEASURES = ("error", "brier", "density")
"""Median error of a curve in units of its own spread (1 without an answer), Brier score of the phase, and root mean
square relative error of the density of mixed states."""
_NEIGHBOURS, _DILUTE = 6, 0.1
_PARTS = 4
"""One state in so many is known at the start, and one tests."""


def hard_states(states: pd.DataFrame) -> dict[str, npt.NDArray[np.bool_]]:
    """Which states are hard, by the names of `HARD`, (n_states,) each."""
    demixed = (states["phase"] == "demixed").to_numpy()
    nearest = np.argsort(state_distances(states, states), axis=1, kind="stable")[:, 1 : _NEIGHBOURS + 1]
    liquid = states["phase"].isin(BRANCHES).to_numpy()
    other = ((demixed[nearest] != demixed[:, None]) & liquid[nearest]).any(axis=1)
    return {
        "boundary": liquid & (other | ~decided(states)),
        "droplets": demixed & (states["fraction_b"] <= _DILUTE).to_numpy(),
        "cold": liquid & np.isclose(states["temperature"], states["temperature"].min()),
    }


def score_proposals(
    dataset: Dataset, kept: Kept, repetitions: int = 10, *, rounds: int = 1, progress: bool = False
) -> tuple[dict[str, Any], pd.DataFrame]:
    """Let each criterion choose, and score what is learned then.

    Parameters
    ----------
    dataset : Dataset
    kept : Kept
        Where fits and predictions are.
    repetitions : int
        Each with other known, hidden and test states.
    rounds : int
        Trainings on the way.
    progress : bool
        Show a bar.

    Returns
    -------
    scores : dict
        Of `summarise_proposals`.
    table : pandas.DataFrame
        One row a repetition, criterion ("start" before any choice) and kind of hard states: `repetition`, `criterion`,
        `hard`, `states`, `known` (states that were learned from) and `MEASURES`.

    Raises
    ------
    ValueError
        If a number is below 1, or too few states are known to learn from.
    """
    repetitions, rounds = require_int("repetitions", repetitions, 1), require_int("rounds", rounds, 1)
    dataset = dataset.select(dataset.states["phase"].isin(BRANCHES))
    hard = hard_states(dataset.states)
    rows = []
    with tqdm(total=repetitions * (len(CRITERIA) + 1), desc="propose", unit="fit", disable=not progress) as bar:
        for k in range(repetitions):
            part = np.random.default_rng(k).permutation(np.arange(len(dataset.states)) % _PARTS)
            known, test = part == 0, part == 1
            asked = test & np.any(list(hard.values()), axis=0)
            for criterion in ("start", *CRITERIA):
                learned = known if criterion == "start" else _choose(dataset, kept, known, test, criterion, rounds, k)
                said = _score(dataset, kept, learned, asked, hard)
                rows += [{"repetition": k, "criterion": criterion, "known": int(learned.sum())} | row for row in said]
                bar.update()
    table = pd.DataFrame(rows)
    return summarise_proposals(table), table


def summarise_proposals(table: pd.DataFrame) -> dict[str, Any]:
    """Means over repetitions, and how much better or worse than chance and than filling space, pair by pair.

    Returns
    -------
    dict
        `repetitions`; `hard`, by kind, measure and criterion: `mean`, `sem`, and `against` "random" and
        "space-filling": `difference` (mean, negative where the criterion is better), its `sem`, and `better` (number of
        repetitions).
    """
    answer: dict[str, Any] = {}
    for kind, part in table.groupby("hard", sort=False):
        for measure in MEASURES:
            wide = part.pivot(index="repetition", columns="criterion", values=measure).dropna(axis=0)
            if wide.empty:
                continue
            found: dict[str, dict[str, Any]] = {}
            for criterion in wide:
                found[criterion] = {"mean": float(wide[criterion].mean()), "sem": _sem(wide[criterion])}
                against: dict[str, Any] = {}
                for other in ("random", "space-filling"):
                    if criterion not in (other, "start"):
                        change = wide[criterion] - wide[other]
                        against[other] = {
                            "difference": float(change.mean()), "sem": _sem(change), "better": int((change < 0).sum()),
                        }  # fmt: skip
                if against:
                    found[criterion]["against"] = against
            answer.setdefault(kind, {})[measure] = found
    return {"repetitions": int(table["repetition"].nunique()), "hard": answer}


def _sem(values: pd.Series) -> float | None:
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None


def _choose(
    dataset: Dataset,
    kept: Kept,
    known: npt.NDArray[np.bool_],
    test: npt.NDArray[np.bool_],
    criterion: str,
    rounds: int,
    seed: int,
) -> npt.NDArray[np.bool_]:
    learned, wanted = known.copy(), int(known.sum())
    for each in np.array_split(np.arange(wanted), rounds):
        surrogate = Surrogate.fit(dataset.select(learned), calibrate=False, kept=kept)
        left = dataset.states[~learned & ~test]
        chosen = propose(len(each), criterion, surrogate=surrogate, candidates=left, seed=seed)
        learned |= dataset.states["state_id"].isin([state.state_id for state in chosen]).to_numpy()
    return learned


def _score(
    dataset: Dataset,
    kept: Kept,
    learned: npt.NDArray[np.bool_],
    asked: npt.NDArray[np.bool_],
    hard: dict[str, npt.NDArray[np.bool_]],
) -> list[dict[str, Any]]:
    test = dataset.select(asked)
    found = kept.prediction(dataset.select(learned), test)
    truth = curves_of(test)
    curves = relative_errors(truth, found.told(found.g))
    demixed, mixed = ((test.states["phase"] == name).to_numpy() for name in ("demixed", "mixed"))
    sure = decided(test.states)
    off = found.density[0] / test.states["number_density"].to_numpy(dtype=float) - 1
    square = (found.demixing - demixed) ** 2
    rows = []
    for kind, members in hard.items():
        some = members[asked]
        errors = np.nan_to_num(curves[some], nan=1.0)
        rows.append({
            "hard": kind, "states": int(some.sum()),
            "error": float(np.median(errors)) if some.any() else np.nan,
            "brier": float(square[some & sure].mean()) if (some & sure).any() else np.nan,
            "density": float(np.sqrt((off[some & mixed] ** 2).mean())) if (some & mixed).any() else np.nan,
        })  # fmt: skip
    return rows
