"""The benchmark: every model on every task, mean and spread over seeds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed  # type: ignore[import-untyped]
from tqdm import tqdm

from ljmix._util.command import Interrupted, hold_interrupts, way_on
from ljmix._util.threads import count_workers, cpu_seconds
from ljmix.data.curves import curves_of, join_curves
from ljmix.data.dataset import Dataset, learning_table
from ljmix.evaluation.splits import Split, make_splits
from ljmix.models.base import Model, RowModel, SourcedModel, UncertainModel
from ljmix.models.features import layout_table
from ljmix.models.registry import DETERMINISTIC, ROW_MODELS, make_model, make_row_model
from ljmix.models.theory import clear_solution_cache
from ljmix.scoring.scores import noise_ceiling, score_curves
from ljmix.scoring.tables import score_rows, summarise
from ljmix.state import PAIRS

__all__ = ["Evaluation", "evaluate", "evaluate_interpolation", "fit_models", "list_runs", "run_in_parallel"]

_PARTS = ("train", "test")
_SOURCES = ("theory", "data")
_PREDICTIONS = [
    "state_id", "pair", "r", "g", "g_sem", "temperature", "part", "model", "seed", "predicted", "spread", "source",
]  # fmt: skip
_LOSSES = ["model", "split", "seed", "epoch", "loss"]
_RANDOM_TASKS = ("interpolation-states", "compositions", "compositions-temperatures")


@dataclass(frozen=True)
class Evaluation:
    """What one task says about its models.

    Attributes
    ----------
    metrics : dict
        For each model the section of ``metrics.json``: the keys of `ljmix.scoring.scores.score_curves`,
        `r2_train` with `all`, `AA`, `AB`, `BB` where the model was asked for its training curves, and, on the
        temperature task and for split rows, `fit_cpu_seconds`. Each is the mean over seeds, and has beside it
        `<key>_std`, the standard deviation (n - 1 in the denominator; None for a single seed, whose spread nobody
        knows; 0 for a model that draws nothing on a split that is not drawn). `seeds` is their number.
    ceiling : dict
        `ljmix.scoring.scores.noise_ceiling` of all states that are asked for; empty for split rows.
    predictions : pandas.DataFrame
        One row a point, model, seed and part: `state_id, pair, r, g, g_sem, temperature, part` ("train" or
        "test"), `model, seed, predicted, spread` (NaN where the model gives none), `source` (of a model that predicts
        in more than one way: "theory", or "data" where theory does not converge). Labels are categorical to keep
        millions of rows small. Training points are kept for row-wise models on the temperature task.
    losses : pandas.DataFrame
        Loss curves: `model, split, seed, epoch, loss`; `split` is the task, `epoch` counts from 1 (rounds of
        boosting for trees), `loss` is the mean squared error of g over the training rows.
    """

    metrics: dict[str, dict[str, Any]]
    ceiling: dict[str, dict[str, Any]]
    predictions: pd.DataFrame
    losses: pd.DataFrame


@dataclass(frozen=True)
class _Result:
    scores: dict[str, Any]
    predictions: list[pd.DataFrame]
    losses: list[float]


def evaluate(
    dataset: Dataset,
    task: str,
    names: Sequence[str],
    seeds: int,
    *,
    workers: int = 1,
    progress: bool = False,
    **options: int,
) -> Evaluation:
    """Let models learn the training part of a task and predict its test part.

    Where a task has several splits, the test parts of all are pooled before they are scored. Random splits
    are another one for each seed.

    Parameters
    ----------
    dataset : Dataset
    task : str
        One of `ljmix.evaluation.splits.TASKS`.
    names : sequence of str
        Models, see `ljmix.models.registry.make_model`.
    seeds : int
        Repetitions, with seeds 0, 1, … A model that draws nothing runs once where the split is the same.
    workers : int
        Processes that fit side by side; -1 for one a core, fewer where memory is small.
    progress : bool
        Show a bar, one step a fit.
    **options
        `epochs`, `patience`, `n_jobs` of `make_model`.

    Returns
    -------
    Evaluation

    Raises
    ------
    ValueError
        If a split is empty, a name unknown, `seeds` below 1 or an option not allowed.
    """
    runs = list_runs(names, seeds, make_model, options)
    fixed = task not in _RANDOM_TASKS
    runs = [(name, seed) for name, seed in runs if seed == 0 or not (fixed and name in DETERMINISTIC)]
    make_splits(dataset, task)  # what the dataset is too small for stops the work here

    def run(name: str, seed: int) -> _Result:
        return _evaluate_once(make_splits(dataset, task, seed), task, name, seed, options)

    results: dict[str, list[_Result]] = {name: [] for name in names}
    for (name, _), result in zip(runs, run_in_parallel(run, runs, task, workers, progress), strict=True):
        results[name].append(result)
    metrics = {
        name: summarise([result.scores for result in repeats], fixed and name in DETERMINISTIC) | {"seeds": seeds}
        for name, repeats in results.items()
    }
    splits = [split for seed in range(1 if fixed else seeds) for split in make_splits(dataset, task, seed)]
    asked = pd.unique(np.concatenate([split.test.states["state_id"] for split in splits]))
    ceiling = noise_ceiling(curves_of(dataset.select(dataset.states["state_id"].isin(asked))))
    tables = [table for repeats in results.values() for result in repeats for table in result.predictions]
    losses = {run: result.losses for run, result in zip(runs, (r for f in results.values() for r in f), strict=True)}
    return Evaluation(metrics, ceiling, _join(tables, dataset, names), _loss_table(losses, task))


def _evaluate_once(splits: Sequence[Split], task: str, name: str, seed: int, options: Mapping[str, Any]) -> _Result:
    """One model, one seed, every fold."""
    tests, guesses, spreads, tables, losses = [], [], [], [], []
    extra: dict[str, Any] = {}
    timed = task == "extrapolation"
    if timed:
        # What a fit solves belongs to its time. Elsewhere the process may remember: solving is what takes longest.
        clear_solution_cache()
    for split in splits:
        model = make_model(name, seed, **options)
        seconds = cpu_seconds(lambda model=model, split=split: model.fit(split.train))  # type: ignore[misc]
        if timed:
            extra["fit_cpu_seconds"] = seconds
        tests.append(curves_of(split.test))
        guesses.append(model.predict(split.test.states, tests[-1].r))
        if isinstance(model, UncertainModel):
            spreads.append(model.predict_spread(split.test.states, tests[-1].r))
        source = None
        if isinstance(model, SourcedModel):
            of_state = model.predict_source(split.test.states, tests[-1].r)
            source = np.repeat(of_state, guesses[-1][0].size)
        tables.append(
            layout_table(split.test).assign(
                predicted=guesses[-1].ravel(), spread=spreads[-1].ravel() if spreads else np.nan, part="test",
                model=name, seed=seed, source=source,
            )
        )  # fmt: skip
        if task == "extrapolation" and name in ROW_MODELS:
            training = layout_table(split.train)
            predicted = model.predict(split.train.states, tests[-1].r).ravel()
            training = training.assign(predicted=predicted, spread=np.nan, part="train", model=name, seed=seed)
            training = training.assign(source=None)
            extra["r2_train"] = score_rows(training)["r2"]
            tables.append(training)
            losses = list(getattr(model, "loss_curve_", []))
    truth = join_curves(tests)
    scores = score_curves(truth, np.concatenate(guesses), np.concatenate(spreads) if spreads else None)
    return _Result(scores | extra, tables, losses)


def fit_models(
    names: Sequence[str], train: Dataset, *, seed: int = 0, workers: int = 1, **options: Any
) -> dict[str, Model]:
    """Fit models side by side.

    Parameters
    ----------
    names, workers, **options
        As in `evaluate`.
    train : Dataset
    seed : int

    Returns
    -------
    dict
        Fitted model by name.
    """

    def fit(name: str) -> Model:
        return make_model(name, seed, **options).fit(train)

    fitted = run_in_parallel(fit, [(name,) for name in names], "models", workers, progress=False)
    return dict(zip(names, fitted, strict=True))


def evaluate_interpolation(
    dataset: Dataset,
    names: Sequence[str],
    seeds: int,
    *,
    test_share: float = 0.2,
    workers: int = 1,
    progress: bool = False,
    **options: int,
) -> Evaluation:
    """Train on a random part of all rows, test on the rest, as the paper does.

    Each seed draws its own split. Rows of one curve fall into both parts, so a high score means little more
    than that the model can draw a curve through neighbouring points. Only row-wise models can take part.

    Parameters
    ----------
    dataset, names, seeds, workers, progress, **options
        As in `evaluate`; names of row-wise models.
    test_share : float
        Share of the rows held out.

    Returns
    -------
    Evaluation

    Raises
    ------
    ValueError
        If `test_share` leaves a part empty, a model is not row-wise, or a number is not allowed.
    """
    runs = list_runs(names, seeds, make_row_model, options)
    table = learning_table(dataset)
    n_test = round(test_share * len(table))
    if not 0 < n_test < len(table):
        raise ValueError(f"test_share = {test_share:g}: must lie between 0 and 1, with rows in both parts")

    def run(name: str, seed: int) -> _Result:
        model: RowModel = make_row_model(name, seed, **options)
        order = np.random.default_rng(seed).permutation(len(table))
        part = np.full(len(table), "train")
        part[order[:n_test]] = "test"
        training = table.iloc[np.sort(order[n_test:])]
        seconds = cpu_seconds(lambda: model.fit_rows(training))
        rows = table.assign(predicted=model.predict_rows(table), spread=np.nan, part=part, model=name, seed=seed)
        rows = rows.assign(source=None)
        train, test = (rows[rows["part"] == label] for label in _PARTS)
        scores = score_rows(test) | {"r2_train": score_rows(train)["r2"], "fit_cpu_seconds": seconds}
        return _Result(scores, [rows], list(getattr(model, "loss_curve_", [])))

    results: dict[str, list[_Result]] = {name: [] for name in names}
    losses: dict[tuple[str, int], list[float]] = {}
    for pair, result in zip(runs, run_in_parallel(run, runs, "interpolation", workers, progress), strict=True):
        results[pair[0]].append(result)
        losses[pair] = result.losses
    metrics = {name: summarise([r.scores for r in repeats]) | {"seeds": seeds} for name, repeats in results.items()}
    tables = [table for repeats in results.values() for result in repeats for table in result.predictions]
    return Evaluation(metrics, {}, _join(tables, dataset, names), _loss_table(losses, "interpolation"))


def list_runs(
    names: Sequence[str], seeds: int, make: Callable[..., object], options: Mapping[str, int]
) -> list[tuple[str, int]]:
    """Every model with every seed; what is not allowed stops the work here, before the first fit."""
    if seeds < 1:
        raise ValueError(f"seeds = {seeds}: must be at least 1")
    if isinstance(names, str) or not names or len(set(names)) < len(names):
        raise ValueError(f"names = {names!r}: must be a list of at least one model, each named once")
    for name in names:
        make(name, **options)
    return [(name, seed) for name in names for seed in range(seeds)]


def run_in_parallel(
    run: Callable[..., Any], runs: Sequence[tuple[Any, ...]], task: str, workers: int, progress: bool
) -> Iterator[Any]:
    """Results of all runs in their order; one single-threaded fit a process.

    Raises
    ------
    Interrupted
        On Ctrl-C.
    """
    done = 0
    try:
        with hold_interrupts():
            jobs = Parallel(n_jobs=count_workers(workers), return_as="generator")(
                delayed(run)(*arguments) for arguments in runs
            )
        for result in tqdm(jobs, desc=task, total=len(runs), unit="fit", disable=not progress, mininterval=1):
            done += 1
            yield result
    except KeyboardInterrupt:
        raise Interrupted(
            f"{task}: {done} of {len(runs)} fits were done, and none is kept; what was simulated is, and "
            f"{way_on('the same call')} begins the fits again"
        ) from None


def _join(tables: Sequence[pd.DataFrame], dataset: Dataset, names: Sequence[str]) -> pd.DataFrame:
    labels = {"state_id": dataset.states["state_id"], "pair": PAIRS, "part": _PARTS, "model": names, "source": _SOURCES}
    kinds = {column: pd.CategoricalDtype(list(values)) for column, values in labels.items()}
    kinds |= {"predicted": np.float32, "spread": np.float32}  # more exact than any simulation, half the size
    return pd.concat([table.astype(kinds)[_PREDICTIONS] for table in tables], ignore_index=True)


def _loss_table(losses: Mapping[tuple[str, int], Sequence[float]], task: str) -> pd.DataFrame:
    tables = [
        pd.DataFrame(
            {"model": name, "split": task, "seed": seed, "epoch": np.arange(1, len(values) + 1), "loss": values}
        )
        for (name, seed), values in losses.items()
        if values
    ]
    return pd.concat(tables, ignore_index=True)[_LOSSES] if tables else pd.DataFrame(columns=_LOSSES)
