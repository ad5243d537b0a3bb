"""The benchmark: every model on every task, mean and spread over seeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ljmix._util.threads import cpu_seconds
from ljmix.data.curves import curves_of, join_curves
from ljmix.data.dataset import Dataset, learning_table
from ljmix.evaluation.contestants import draws_nothing, make_contestant
from ljmix.evaluation.fits import fit_group, group_names
from ljmix.evaluation.parallel import run_in_parallel
from ljmix.evaluation.refits import MAKE_ALL, Fit, Refits, table_networks
from ljmix.evaluation.splits import Split, make_splits
from ljmix.models.base import Model, RowModel, SourcedModel, UncertainModel
from ljmix.models.features import layout_table
from ljmix.models.networks.network import Network
from ljmix.models.registry import ROW_MODELS, VARIANTS, make_row_model
from ljmix.models.theory import Solutions, known_solutions, remember_solutions
from ljmix.scoring.scores import noise_ceiling, score_curves
from ljmix.scoring.tables import score_rows, summarise
from ljmix.state import PAIRS

__all__ = ["Evaluation", "evaluate", "evaluate_interpolation", "list_runs"]

_PARTS = ("train", "test")
_SOURCES = ("theory", "data")
_PREDICTIONS = [
    "state_id", "pair", "r", "g", "g_sem", "temperature", "part", "model", "seed", "predicted", "spread", "source",
]  # fmt: skip
_LOSSES = ["model", "split", "seed", "epoch", "loss"]
_RANDOM_TASKS = ("interpolation-states", "compositions", "compositions-temperatures")
_FILED = ("extrapolation", 0)
"""Task and seed of the models that are filed."""


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
    networks : pandas.DataFrame
        Every network that a task with one split has trained, `ljmix.evaluation.refits.table_networks`.
    models : dict of Model
        Of the temperature task, the fitted model of seed 0 by name.
    solutions : dict
        Of theory, what the fits have solved.
    """

    metrics: dict[str, dict[str, Any]]
    ceiling: dict[str, dict[str, Any]]
    predictions: pd.DataFrame
    losses: pd.DataFrame
    networks: pd.DataFrame
    models: dict[str, Model]
    solutions: Solutions


@dataclass(frozen=True)
class _Result:
    scores: dict[str, Any]
    predictions: list[pd.DataFrame]
    losses: list[float]
    fit: Fit | None


def evaluate(
    dataset: Dataset,
    task: str,
    names: Sequence[str],
    seeds: int,
    *,
    refits: Refits = MAKE_ALL,
    solutions: Solutions | None = None,
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
        Models, see `ljmix.evaluation.contestants.make_contestant`.
    seeds : int
        Repetitions, with seeds 0, 1, … A model that draws nothing runs once where the split is the same.
    refits : Refits
        Which networks are made anew; all unless given.
    solutions : dict, optional
        Of theory, as from an `Evaluation`; what is not among them is solved, and in every process again.
    workers : int
        Processes that fit side by side; -1 for one a core, fewer where memory is small.
    progress : bool
        Show a bar, one step a fit.
    **options
        `epochs`, `patience`, `plateau`, `n_jobs` of `make_contestant`.

    Returns
    -------
    Evaluation

    Raises
    ------
    ValueError
        If a split is empty, a name unknown, `seeds` below 1 or an option not allowed.
    """
    list_runs(names, seeds, make_contestant, options)  # what is not allowed stops the work here
    fixed = task not in _RANDOM_TASKS
    make_splits(dataset, task)  # and what the dataset is too small for
    runs = [
        (group, seed)
        for group in group_names(names)
        for seed in range(seeds)
        if seed == 0 or not (fixed and draws_nothing(group[0]))
    ]

    def run(group: tuple[str, ...], seed: int) -> tuple[dict[str, _Result], Solutions]:
        remember_solutions(solutions or {})
        found = _evaluate_group(make_splits(dataset, task, seed), task, group, seed, options, refits)
        return found, {} if solutions else known_solutions()

    results: dict[str, dict[int, _Result]] = {name: {} for name in names}
    solved: Solutions = dict(solutions or {})
    for (_, seed), (found, new) in zip(runs, run_in_parallel(run, runs, task, workers, progress), strict=True):
        solved.update(new)
        for name, result in found.items():
            results[name][seed] = result
    metrics = {
        name: summarise([result.scores for result in repeats.values()], fixed and draws_nothing(name))
        | {"seeds": seeds}
        for name, repeats in results.items()
    }
    splits = [split for seed in range(1 if fixed else seeds) for split in make_splits(dataset, task, seed)]
    asked = pd.unique(np.concatenate([split.test.states["state_id"] for split in splits]))
    ceiling = noise_ceiling(curves_of(dataset.select(dataset.states["state_id"].isin(asked))))
    return _gather(results, dataset, task, ceiling, metrics, solved)


def _evaluate_group(
    splits: Sequence[Split], task: str, group: Sequence[str], seed: int, options: Mapping[str, Any], refits: Refits
) -> dict[str, _Result]:
    """Models that share what they learn, one seed, every fold."""
    timed = task == "extrapolation"
    folds = [fit_group(group, split.train, seed, options, task=task, refits=refits, timed=timed) for split in splits]
    return {name: _score_folds(splits, task, name, seed, [fold[name] for fold in folds]) for name in group}


def _score_folds(splits: Sequence[Split], task: str, name: str, seed: int, fits: Sequence[Fit]) -> _Result:
    tests, guesses, spreads, tables, losses = [], [], [], [], []
    extra: dict[str, Any] = {}
    for split, fit in zip(splits, fits, strict=True):
        model = fit.model
        if fit.seconds is not None:
            extra["fit_cpu_seconds"] = fit.seconds
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
        if task == "extrapolation" and name in (*ROW_MODELS, *VARIANTS):
            training = layout_table(split.train)
            predicted = model.predict(split.train.states, tests[-1].r).ravel()
            training = training.assign(predicted=predicted, spread=np.nan, part="train", model=name, seed=seed)
            training = training.assign(source=None)
            extra["r2_train"] = score_rows(training)["r2"]
            tables.append(training)
            losses = list(getattr(model, "loss_curve_", []))
    truth = join_curves(tests)
    scores = score_curves(truth, np.concatenate(guesses), np.concatenate(spreads) if spreads else None)
    # Of the temperature task one fit of each model goes into a file; of other tasks networks only.
    kept = fits[0] if len(splits) == 1 and (isinstance(fits[0].model, Network) or (task, seed) == _FILED) else None
    return _Result(scores | extra, tables, losses, kept)


def evaluate_interpolation(
    dataset: Dataset,
    names: Sequence[str],
    seeds: int,
    *,
    test_share: float = 0.2,
    refits: Refits = MAKE_ALL,
    workers: int = 1,
    progress: bool = False,
    **options: int,
) -> Evaluation:
    """Train on a random part of all rows, test on the rest, as the paper does.

    Each seed draws its own split. Rows of one curve fall into both parts, so a high score means little more
    than that the model can draw a curve through neighbouring points. Only row-wise models can take part.

    Parameters
    ----------
    dataset, names, seeds, refits, workers, progress, **options
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
        taken = refits.take_network("interpolation", model, seed)
        seconds = None if taken else cpu_seconds(lambda: model.fit_rows(training))
        rows = table.assign(predicted=model.predict_rows(table), spread=np.nan, part=part, model=name, seed=seed)
        rows = rows.assign(source=None)
        train, test = (rows[rows["part"] == label] for label in _PARTS)
        scores = score_rows(test) | {"r2_train": score_rows(train)["r2"]}
        scores |= {} if seconds is None else {"fit_cpu_seconds": seconds}
        kept = (taken or Fit(model, seconds=seconds)) if isinstance(model, Network) else None
        return _Result(scores, [rows], list(getattr(model, "loss_curve_", [])), kept)

    results: dict[str, dict[int, _Result]] = {name: {} for name in names}
    for (name, seed), result in zip(runs, run_in_parallel(run, runs, "interpolation", workers, progress), strict=True):
        results[name][seed] = result
    metrics = {
        name: summarise([r.scores for r in repeats.values()]) | {"seeds": seeds} for name, repeats in results.items()
    }
    return _gather(results, dataset, "interpolation", {}, metrics, {})


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


def _gather(
    results: Mapping[str, Mapping[int, _Result]], dataset: Dataset, task: str, ceiling: dict[str, Any],
    metrics: dict[str, Any], solutions: Solutions,
) -> Evaluation:  # fmt: skip
    """What all runs of a task give, models in their order, seeds ascending."""
    runs = {(name, seed): result for name, repeats in results.items() for seed, result in repeats.items()}
    kept = {key: result.fit for key, result in runs.items() if result.fit is not None}
    networks = table_networks(
        ((task, name, seed), fit.model, runs[name, seed].scores["r2"]["all"], fit.made)
        for (name, seed), fit in kept.items()
        if isinstance(fit.model, Network)
    )
    return Evaluation(
        metrics,
        ceiling,
        _join([table for result in runs.values() for table in result.predictions], dataset, list(results)),
        _loss_table({key: result.losses for key, result in runs.items()}, task),
        networks,
        {name: fit.model for (name, seed), fit in kept.items() if (task, seed) == _FILED},
        solutions,
    )


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
