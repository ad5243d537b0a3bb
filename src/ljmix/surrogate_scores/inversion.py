"""Are intervals of inferred numbers honest? Ranks of the true numbers among samples, on left-out compositions.

Simulation-based calibration (Talts et al. 2018, arXiv:1804.06788): if truths are drawn from the prior and posteriors
are right, the rank of a truth among independent samples is uniform. Here truths are states of a grid. One that lies at
the end of what was simulated, say T* = 0.6, has all samples on one side whatever the posterior; so a number counts
only where its true value lies inside.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import chisquare
from tqdm import tqdm

from ljmix._util.arrays import FloatArray
from ljmix._util.checks import require_int
from ljmix.data.dataset import Dataset
from ljmix.evaluation.splits import Split
from ljmix.state import PARAMETERS, state_points
from ljmix.surrogate import bands as bands_module
from ljmix.surrogate import inverse as inverse_module
from ljmix.surrogate.bands import Bands
from ljmix.surrogate.folds import Kept, digest_files
from ljmix.surrogate.inverse import infer
from ljmix.surrogate.learned.phase import decided
from ljmix.surrogate.surrogate import Surrogate
from ljmix.surrogate.training import EMULATED
from ljmix.surrogate_scores.predictions import binomial_interval
from ljmix.surrogate_scores.tasks import task_splits
from ljmix.surrogate_scores.views import curves_to_infer

__all__ = ["LEVELS", "choose_states", "score_inversion", "summarise_inversion"]

LEVELS = (0.5, 0.9, 0.95)
_CODE = [Path(str(module.__file__)) for module in (bands_module, inverse_module)]
_MOST_BINS, _LEAST_IN_BIN = 10, 5


def choose_states(states: pd.DataFrame, n: int, seed: int = 0) -> npt.NDArray[np.int64]:
    """Places of n simulated states to infer: mixed, converged, starts agree; those with most numbers inside first.

    Parameters
    ----------
    states : pandas.DataFrame
    n : int
    seed : int
        Of the order among states with as many numbers inside.
    """
    good = decided(states) & (states["phase"] == "mixed").to_numpy() & states["converged"].to_numpy(dtype=bool)
    order = np.random.default_rng(seed).permutation(np.flatnonzero(good))
    count = _inside(states).sum(axis=1)[order]
    return np.asarray(order[np.argsort(-count, kind="stable")][:n])


def score_inversion(
    dataset: Dataset,
    kept: Kept,
    bands: Bands,
    n: int = 120,
    *,
    steps: int = 500,
    emulated: int = EMULATED,
    progress: bool = False,
) -> tuple[dict[str, Any], pd.DataFrame]:
    """Infer the numbers of states from their curves by surrogates that have not seen their compositions.

    Parameters
    ----------
    dataset : Dataset
    kept : Kept
        Where fits, emulators and what was inferred are.
    bands : Bands
        Those of the states that a surrogate has not seen are taken out before they widen its errors.
    n : int
        How many states; fewer where there are fewer.
    steps : int
        Of each walker.
    emulated : int
        Liquids that teach each emulator.
    progress : bool
        Show a bar.

    Returns
    -------
    scores : dict
        Of `summarise_inversion`.
    table : pandas.DataFrame
        One row a state and number: `state_id`, `number`, `truth`, `inside`, `median`, `best`, `rank` (share of samples
        below the truth), `recognised`, and the ends of intervals, `lower_0.95` and so on.

    Raises
    ------
    ValueError
        If n is below 1, or no state is mixed and converged.
    """
    chosen = choose_states(dataset.states, require_int("n", n, 1))
    if not len(chosen):
        raise ValueError("no state is mixed and converged, with starts that agree: there is nothing to infer")
    wanted = set(dataset.states["state_id"].iloc[chosen])
    tables = []
    with tqdm(total=len(wanted), desc="inverse", unit="state", disable=not progress) as bar:
        for split in task_splits(dataset, "compositions"):
            ids = [name for name in split.test.states["state_id"] if name in wanted]
            surrogate = _left_out(split, kept, bands, emulated) if ids else None
            for name in ids:
                test = split.test.select((split.test.states["state_id"] == name).to_numpy())
                tables.append(_infer_once(surrogate, split, test, kept, steps, emulated))
                bar.update()
    table = pd.concat(tables, ignore_index=True)
    inside = pd.DataFrame(_inside(dataset.states), columns=list(PARAMETERS), index=dataset.states["state_id"])
    table["inside"] = [bool(inside.loc[row.state_id, row.number]) for row in table.itertuples()]
    return summarise_inversion(table), table


def summarise_inversion(table: pd.DataFrame) -> dict[str, Any]:
    """Median errors, coverage of intervals and ranks, by number; coverage of all numbers together.

    Returns
    -------
    dict
        `states`, `recognised` (share); `numbers`, by name: `states`, `median_error` (of the posterior's median),
        `inside` (states that count for the rest), `coverage` by level (`covered`, and its binomial interval `low`,
        `high`), `ranks` (counts in equal bins), `chance` (of ranks at least as uneven, χ² test); `together`: `n`, and
        `coverage` likewise, of all numbers, which hang together within a state.
    """
    numbers = {}
    for name in [name for name in PARAMETERS if name in set(table["number"])]:
        part = table[table["number"] == name]
        some = part[part["inside"]]
        numbers[name] = {
            "states": len(part),
            "median_error": float((part["median"] - part["truth"]).abs().median()),
            "inside": len(some),
            "coverage": _coverage(some),
            **_rank_test(some["rank"].to_numpy(dtype=float)),
        }
    inside = table[table["inside"]]
    return {
        "states": int(table["state_id"].nunique()),
        "recognised": float(table.groupby("state_id")["recognised"].first().mean()),
        "numbers": numbers,
        "together": {"n": len(inside), "coverage": _coverage(inside)},
    }


def _inside(states: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Whether each of the four numbers lies between the ends of what was simulated, (n_states, 4)."""
    values = states[list(PARAMETERS)].to_numpy(dtype=float)
    return np.asarray((values > values.min(axis=0)) & (values < values.max(axis=0)))


def _left_out(split: Split, kept: Kept, bands: Bands, emulated: int) -> Surrogate:
    unseen = set(split.test.states["state_id"])
    others = Bands(bands.scores[~bands.scores["state_id"].isin(unseen)].reset_index(drop=True))
    fitted = Surrogate.fit(split.train, calibrate=False, kept=kept)
    return replace(fitted, bands=others, emulator=kept.emulator(split.train, emulated))


def _infer_once(
    surrogate: Surrogate | None, split: Split, test: Dataset, kept: Kept, steps: int, emulated: int
) -> pd.DataFrame:
    row = test.states.iloc[0]

    def compute() -> dict[str, npt.NDArray[Any]]:
        curves = curves_to_infer(test, state_points(test.states)[0])
        found = infer(*curves, surrogate=surrogate, steps=steps, seed=int(row["seed"]) % 2**31)
        ranks = found.rank({name: float(row[name]) for name in PARAMETERS})
        ends = {f"ends_{level:g}": found.summary(level)[["lower", "upper"]].to_numpy() for level in LEVELS}
        return ends | {
            "median": found.summary()["median"].to_numpy(),
            "best": np.array([found.best[name] for name in PARAMETERS]),
            "rank": np.array([ranks[name] for name in PARAMETERS]),
            "recognised": np.array(found.recognised),
        }

    settings = f"{steps} steps, {emulated} liquids, {digest_files(_CODE)}"
    found = kept.once("inferred", [split.train, test], compute, settings)
    table = pd.DataFrame({
        "state_id": row["state_id"], "number": PARAMETERS, "truth": [float(row[name]) for name in PARAMETERS],
        "median": found["median"], "best": found["best"], "rank": found["rank"],
        "recognised": bool(found["recognised"]),
    })  # fmt: skip
    for level in LEVELS:
        table[f"lower_{level:g}"], table[f"upper_{level:g}"] = found[f"ends_{level:g}"].T
    return table


def _coverage(rows: pd.DataFrame) -> dict[str, Any]:
    answer = {}
    for level in LEVELS:
        if len(rows):
            held = rows["truth"].between(rows[f"lower_{level:g}"], rows[f"upper_{level:g}"])
            low, high = binomial_interval(int(held.sum()), len(rows))
            answer[f"{level:g}"] = {"covered": float(held.mean()), "low": low, "high": high}
    return answer


def _rank_test(ranks: FloatArray) -> dict[str, Any]:
    bins = min(_MOST_BINS, len(ranks) // _LEAST_IN_BIN)
    if bins < 2:
        return {"ranks": [], "chance": None}
    counts = np.histogram(ranks, bins, (0, 1))[0]
    return {"ranks": counts.tolist(), "chance": float(chisquare(counts).pvalue)}
