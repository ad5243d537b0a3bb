"""What an auditor asks of the benchmark, computed from the tables and from the predictions of a run.

::

    python -m ljmix.evaluation.audit --data data/reference --results results/reference
    python -m ljmix.evaluation.audit --data data/reference --results results/reference --starts gaussian-process

Each line has a question and its number: how models score where states, and those that they are predicted from, have
converged; how few mixtures decide; how far the network was trained; what a repetition of the simulations would score,
by the error bars and by the other start. `--starts` fits models again with each start in the tables, a minute each.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ljmix._util.command import one_sentence
from ljmix._util.markdown import markdown_table
from ljmix._util.reading import read_parquet
from ljmix.data.curves import Curves, curves_of
from ljmix.data.dataset import Dataset, read_dataset, split_by_temperature
from ljmix.data.identity import require_same_data
from ljmix.evaluation.starts import SIDES, STARTS, with_start
from ljmix.models.features import composition_keys
from ljmix.models.registry import make_model
from ljmix.scoring.bootstrap import weigh_curves
from ljmix.scoring.convergence import convergence_groups
from ljmix.scoring.curve_errors import relative_errors
from ljmix.scoring.intervals import ClusterSums, median_interval, r2_interval
from ljmix.scoring.scores import Group, score_curves
from ljmix.state import PAIRS

__all__ = ["COLUMNS", "audit", "audit_starts", "read_predictions"]

COLUMNS = ["question", "model", "states", "r2", "r2_low", "r2_high", "median_error", "median_low", "median_high"]
_LEAST_COMPOSITIONS = 5


def read_predictions(rows: pd.DataFrame, truth: Curves) -> dict[str, list[np.ndarray]]:
    """Predicted curves of the test states, of every model and seed.

    Parameters
    ----------
    rows : pandas.DataFrame
        As `ljmix.evaluation.run.Evaluation.predictions` of the temperature task.
    truth : Curves
        The test states.

    Returns
    -------
    dict of list of (n_states, 3, n_bins) arrays
        By model, one a seed. NaN for states without a prediction.
    """
    test = rows[rows["part"] == "test"]
    index = pd.MultiIndex.from_product([truth.states["state_id"], PAIRS])
    found: dict[str, list[np.ndarray]] = {}
    for (model, _), part in test.groupby(["model", "seed"], observed=True):
        wide = (
            part.astype({"state_id": str, "pair": str}).set_index(["state_id", "pair", "r"])["predicted"].unstack("r")
        )
        found.setdefault(str(model), []).append(wide.reindex(index).to_numpy(dtype=float).reshape(truth.g.shape))
    return found


def audit(dataset: Dataset, rows: pd.DataFrame, models: Sequence[str], *, draws: int = 2000) -> pd.DataFrame:
    """Answer every question that the tables and the predictions of a run can answer.

    Parameters
    ----------
    dataset : Dataset
    rows : pandas.DataFrame
        Predictions of the temperature task, test and training parts.
    models : sequence of str
        Whose scores are asked for.
    draws : int
        Of bootstraps.

    Returns
    -------
    pandas.DataFrame
        `COLUMNS`. `r2` is the pooled one, mean over seeds, with a studentized 95 % interval over compositions
        (`ljmix.scoring.intervals`); `median_error` the median over curves of the error in units of the curve's own
        spread, with its interval. Lines about one number only have it in `r2`, and say in `question` what it is.

    Raises
    ------
    ValueError
        If a model is not among the predictions.
    """
    train, test = split_by_temperature(dataset)
    truth = curves_of(test)
    guesses = read_predictions(rows, truth)
    missing = [name for name in models if name not in guesses]
    if missing:
        raise ValueError(f"{missing[0]!r} is not among the predictions: {', '.join(sorted(guesses))}")
    every = Group("r2", "all", np.ones(len(test.states), dtype=bool), list(range(len(PAIRS))))
    groups = {"all test states": every}
    if "starts_agree" in test.states:
        agree = test.states["starts_agree"].to_numpy(dtype=bool)
        groups["starts agree"] = Group("r2_starts_agree", "yes", agree, every.pairs)
        both = {group.label: group for group in convergence_groups(test.states, train.states)}
        names = {"agree": "… and of the nearest training state", "settled": "… and both have settled"}
        groups |= {names.get(label, "both have converged"): group for label, group in both.items()}
    lines = [
        {"question": question, "model": model, **_score(truth, guesses[model], group, draws)}
        for question, group in groups.items()
        if group.states.any()
        for model in models
    ]
    lines += _single_numbers(truth, rows, guesses, models)
    return pd.DataFrame(lines, columns=COLUMNS)


def _score(truth: Curves, seeds: Sequence[np.ndarray], group: Group, draws: int) -> dict[str, float]:
    """Pooled R² and median relative error of one group, over the states that every seed predicts."""
    answered = group.states & np.isfinite(seeds).all(axis=(0, 2, 3))
    if not answered.any():
        return {"states": 0}
    g = truth.g[answered]
    member, keys = pd.factorize(pd.Series(composition_keys(truth.states[answered])))
    error = np.mean([((g - guess[answered]) ** 2).sum(axis=(1, 2)) for guess in seeds], axis=0)
    parts = (error, np.full(len(g), float(g[0].size)), g.sum(axis=(1, 2)), (g**2).sum(axis=(1, 2)))
    sums = ClusterSums(*(np.asarray(np.bincount(member, part, len(keys)), dtype=float) for part in parts))
    relative = np.mean([relative_errors(truth, guess)[answered] for guess in seeds], axis=0)
    known = np.isfinite(relative)
    row = {
        "states": int(answered.sum()),
        "r2": float(1 - error.sum() / ((g - g.mean()) ** 2).sum()),
        "median_error": float(np.median(relative[known])),
    }
    if len(keys) >= _LEAST_COMPOSITIONS:
        row["r2_low"], row["r2_high"] = r2_interval(sums, draws=draws)
        curve_member = np.repeat(member, len(PAIRS)).reshape(relative.shape)
        low, high = median_interval(relative[known], curve_member[known], draws=draws)
        row["median_low"], row["median_high"] = low, high
    return row


def _single_numbers(
    truth: Curves, rows: pd.DataFrame, guesses: dict[str, list[np.ndarray]], models: Sequence[str]
) -> Iterator[dict[str, object]]:
    keys = pd.Series(composition_keys(truth.states))
    variation = ((truth.g - truth.g.mean()) ** 2).sum()
    for model in models:
        square = np.nanmean([((truth.g - guess) ** 2).sum(axis=(1, 2)) for guess in guesses[model]], axis=0)
        shares = pd.Series(square / np.nansum(square)).groupby(keys).sum().sort_values(ascending=False)
        fraction, size, epsilon = shares.index[0]
        heaviest = f"share of the squared error in C_B {fraction:g}, S {size:g}, ε_AB {epsilon:g}, the most of all"
        yield {"question": heaviest, "model": model, "r2": float(shares.iloc[0])}
    weights = weigh_curves(truth)["share"]
    yield {
        "question": f"equally heavy curves that {len(weights)} curves are worth",
        "r2": 1 / float((weights**2).sum()),
    }
    learned = rows[(rows["part"] == "train") & rows["model"].isin(list(models))]
    for (model, seed), part in learned.groupby(["model", "seed"], observed=True):
        g, guess = part["g"].to_numpy(dtype=float), part["predicted"].to_numpy(dtype=float)
        r2 = float(1 - ((g - guess) ** 2).sum() / ((g - g.mean()) ** 2).sum())
        yield {"question": f"on its training rows, seed {seed}", "model": str(model), "r2": r2}
    yield {
        "question": "a repetition of the simulations, by the error bars",
        "states": len(truth.g), "r2": float(1 - 2 * (truth.g_sem**2).sum() / variation),
    }  # fmt: skip
    if truth.starts is not None:
        other = np.where(np.isfinite(truth.starts), truth.starts**2, 2 * truth.g_sem**2)
        yield {
            "question": "the other start, where two disagree; elsewhere a repetition",
            "states": len(truth.g), "r2": float(1 - other.sum() / variation),
        }  # fmt: skip


def audit_starts(
    dataset: Dataset, models: Sequence[str], runs: pd.DataFrame | None = None, *, seed: int = 0
) -> pd.DataFrame:
    """Scores on unseen temperatures with each start in the place of every curve, learned and asked for alike.

    Parameters
    ----------
    dataset : Dataset
    models : sequence of str
        See `ljmix.models.registry.make_model`.
    runs : pandas.DataFrame, optional
        As of `ljmix.evaluation.starts.with_start`. With them the two sides from which runs approach equilibrium take
        the place of the two starts of version 1.
    seed : int

    Returns
    -------
    pandas.DataFrame
        `COLUMNS`, without intervals.
    """
    lines = []
    for start in STARTS if runs is None else SIDES:
        train, test = split_by_temperature(with_start(dataset, start, runs))
        truth = curves_of(test)
        for model in models:
            guess = make_model(model, seed).fit(train).predict(test.states, truth.r)
            errors = relative_errors(truth, guess)
            name = start if start in SIDES else f"{start} start"
            lines.append({
                "question": f"the {name} everywhere", "model": model, "states": len(truth.g),
                "r2": score_curves(truth, guess)["r2"]["all"], "median_error": float(np.nanmedian(errors)),
            })  # fmt: skip
    return pd.DataFrame(lines, columns=COLUMNS)


def main(arguments: Iterable[str] | None = None) -> None:
    """Print the audit as a Markdown table, from the command line."""
    parser = argparse.ArgumentParser(description="Recompute what an auditor asks of the benchmark.")
    parser.add_argument("--data", type=Path, required=True, help="folder with states.parquet and rdf.parquet")
    parser.add_argument("--results", type=Path, required=True, help="folder with predictions-extrapolation.parquet")
    parser.add_argument("--models", nargs="+", default=["gaussian-process", "nearest-temperature", "mlp"])
    parser.add_argument("--starts", nargs="*", default=["nearest-temperature"], help="models to fit with each start")
    parser.add_argument("--runs", type=Path, help="starts.parquet of version 2: every run of every state")
    options = parser.parse_args(None if arguments is None else list(arguments))
    with one_sentence(parser):
        dataset = read_dataset(options.data)
        path = options.results / "predictions-extrapolation.parquet"
        rows, provenance = read_parquet(path)
        require_same_data(dataset, provenance, path, "give the folder of a run on these data")
        runs = None if options.runs is None else read_parquet(options.runs)[0]
        table = audit(dataset, rows, options.models)
        if options.starts:
            table = pd.concat([table, audit_starts(dataset, options.starts, runs)], ignore_index=True)
        print(markdown_table(COLUMNS, ([_show(value) for value in row] for row in table.itertuples(index=False))))


def _show(value: object) -> str:
    if isinstance(value, float):
        return "–" if np.isnan(value) else f"{value:.4g}"
    return str(value)


if __name__ == "__main__":
    main()
