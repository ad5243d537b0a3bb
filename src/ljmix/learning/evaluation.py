"""How well a contestant predicts: R² over all points, by pair, by temperature, mean and spread over seeds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from joblib import Parallel, delayed  # type: ignore[import-untyped]
from sklearn.metrics import r2_score
from tqdm import tqdm

from ljmix.dataset import Dataset, learning_table, split_by_temperature
from ljmix.learning.features import layout_table
from ljmix.learning.models import Model, RowModel, make_model, make_row_model
from ljmix.statepoint import PAIRS

__all__ = [
    "Evaluation", "evaluate_extrapolation", "evaluate_interpolation", "list_runs", "pooled_r2",
    "run_in_parallel", "score", "score_rows", "spread",
]  # fmt: skip

FloatArray = npt.NDArray[np.float64]
_PARTS = ("train", "test")
_PREDICTIONS = ["state_id", "pair", "r", "g", "g_sem", "temperature", "part", "model", "seed", "predicted"]
_LOSSES = ["model", "split", "seed", "epoch", "loss"]
_Run = Callable[[str, int], tuple[Model | RowModel, float, pd.DataFrame]]


@dataclass(frozen=True)
class Evaluation:
    """What one task says about its contestants.

    Attributes
    ----------
    metrics : dict
        For each model the section of ``metrics.json``: `r2` and `r2_train` with `all`, `AA`, `AB`, `BB`;
        `r2_T<temperature>` for each temperature of the test part; `fit_cpu_seconds`. Each is the mean over
        seeds, and has beside it `<key>_std`, the standard deviation (n - 1 in the denominator; None for a
        single seed, whose spread nobody knows). `seeds` is their number.
    predictions : pandas.DataFrame
        One row a point, model, seed and part: `state_id, pair, r, g, g_sem, temperature, part` ("train" or
        "test"), `model, seed, predicted`. Labels are categorical to keep millions of rows small.
    losses : pandas.DataFrame
        Loss curves: `model, split, seed, epoch, loss`; `split` is the task, `epoch` counts from 1 (rounds of
        boosting for trees), `loss` is the mean squared error of g over the training rows.
    """

    metrics: dict[str, dict[str, Any]]
    predictions: pd.DataFrame
    losses: pd.DataFrame


def score(dataset: Dataset, prediction: npt.ArrayLike) -> dict[str, Any]:
    """R² of predicted curves against the curves of the dataset, points pooled as in the paper.

    Parameters
    ----------
    dataset : Dataset
    prediction : (n_states, 3, n_bins) array_like
        For ``dataset.states`` and the distances of ``dataset.curves()``.

    Returns
    -------
    dict
        As `score_rows`.

    Raises
    ------
    ValueError
        If the prediction has another shape than the curves, or as `score_rows`.
    """
    table = layout_table(dataset)
    predicted = np.asarray(prediction, dtype=float)
    shape = (len(dataset.states), len(PAIRS), len(table) // (len(dataset.states) * len(PAIRS)))
    if predicted.shape != shape:
        raise ValueError(f"prediction has shape {predicted.shape}: must be {shape}, states × pairs × bins")
    return score_rows(table.assign(predicted=predicted.ravel()))


def score_rows(table: pd.DataFrame) -> dict[str, Any]:
    """R² of a table of points.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns `pair`, `temperature`, `g`, `predicted`; any number of rows of any curves.

    Returns
    -------
    dict
        ``{"r2": {"all": …, "AA": …, "AB": …, "BB": …}, "r2_T0.6": …, …}``, one key a temperature. A pair that
        does not occur in the table is left out.

    Raises
    ------
    ValueError
        If the table is empty, a prediction is not finite, or g does not vary within a group.

    Notes
    -----
    R² = 1 - Σ (g - predicted)² / Σ (g - mean of g)², with sums over the points of the group.
    """
    if table.empty:
        raise ValueError("nothing to score: the table of predictions is empty")
    if not np.isfinite(table["predicted"]).all():
        raise ValueError("prediction holds a value that is not finite; every g must be a number")
    by_pair = {pair: pooled_r2(rows) for pair, rows in table.groupby("pair", observed=True)}
    by_temperature = {f"r2_T{t:g}": pooled_r2(rows) for t, rows in table.groupby("temperature")}
    return {"r2": {"all": pooled_r2(table)} | by_pair, **by_temperature}


def evaluate_extrapolation(
    dataset: Dataset,
    names: Sequence[str],
    seeds: int,
    *,
    train: Sequence[float] = (0.8, 1.0, 1.2),
    test: Sequence[float] = (0.6, 1.4),
    workers: int = 1,
    progress: bool = False,
    **options: int,
) -> Evaluation:
    """Train on some temperatures, test on others: the paper's main task.

    Parameters
    ----------
    dataset : Dataset
    names : sequence of str
        Contestants, see `ljmix.learning.models.make_model`.
    seeds : int
        Repetitions, with seeds 0, 1, …
    train, test : sequence of float
        Temperatures T*.
    workers : int
        Processes that fit side by side; -1 for one a core.
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
    parts = dict(zip(_PARTS, split_by_temperature(dataset, train, test), strict=True))
    tables = {part: layout_table(data) for part, data in parts.items()}
    r = np.unique(tables["train"]["r"])

    def run(name: str, seed: int) -> tuple[Model, float, pd.DataFrame]:
        model = make_model(name, seed, **options)
        seconds = _cpu_seconds(lambda: model.fit(parts["train"]))
        predicted = {part: model.predict(data.states, r).ravel() for part, data in parts.items()}
        scored = [tables[part].assign(predicted=predicted[part], part=part) for part in _PARTS]
        return model, seconds, pd.concat(scored, ignore_index=True)

    return _evaluate("extrapolation", dataset, runs, run, workers, progress)


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
    than that the model can draw a curve through neighbouring points. Baselines need whole curves and cannot
    take part.

    Parameters
    ----------
    dataset, names, seeds, workers, progress, **options
        As in `evaluate_extrapolation`; names from `ljmix.learning.models.ROW_MODELS`.
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

    def run(name: str, seed: int) -> tuple[RowModel, float, pd.DataFrame]:
        model = make_row_model(name, seed, **options)
        order = np.random.default_rng(seed).permutation(len(table))
        part = np.full(len(table), "train")
        part[order[:n_test]] = "test"
        training = table.iloc[np.sort(order[n_test:])]
        seconds = _cpu_seconds(lambda: model.fit_rows(training))
        return model, seconds, table.assign(predicted=model.predict_rows(table), part=part)

    return _evaluate("interpolation", dataset, runs, run, workers, progress)


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
    """Results of all runs in their order; one single-threaded fit a process."""
    jobs = Parallel(n_jobs=workers, return_as="generator")(delayed(run)(*arguments) for arguments in runs)
    yield from tqdm(jobs, desc=task, total=len(runs), unit="fit", disable=not progress, mininterval=1)


def _evaluate(
    task: str, dataset: Dataset, runs: Sequence[tuple[str, int]], run: _Run, workers: int, progress: bool
) -> Evaluation:
    names = list(dict.fromkeys(name for name, _ in runs))
    labels = {"state_id": dataset.states["state_id"], "pair": PAIRS, "part": _PARTS, "model": names}
    kinds = {column: pd.CategoricalDtype(list(values)) for column, values in labels.items()}
    results: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    losses, predictions = [], []
    for (name, seed), (model, seconds, table) in zip(
        runs, run_in_parallel(run, runs, task, workers, progress), strict=True
    ):
        train, test = (table[table["part"] == part] for part in _PARTS)
        fitted = {"r2_train": score_rows(train)["r2"], "fit_cpu_seconds": seconds}
        results[name].append(score_rows(test) | fitted)
        loss = pd.DataFrame({"loss": list(getattr(model, "loss_curve_", []))})
        losses.append(loss.assign(model=name, split=task, seed=seed, epoch=loss.index + 1)[_LOSSES])
        predictions.append(table.assign(model=name, seed=seed).astype(kinds)[_PREDICTIONS])
    metrics = {name: dict(_summary(each)) | {"seeds": len(each)} for name, each in results.items()}
    filled = [table for table in losses if len(table)] or losses[:1]
    return Evaluation(metrics, *(pd.concat(tables, ignore_index=True) for tables in (predictions, filled)))


def _summary(runs: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Mean under each key and standard deviation under ``<key>_std``, over runs with the same keys."""
    for key, first in runs[0].items():
        values = [run[key] for run in runs]
        if isinstance(first, dict):
            yield key, {inner: _mean([value[inner] for value in values]) for inner in first}
            yield f"{key}_std", {inner: spread([value[inner] for value in values]) for inner in first}
        else:
            yield key, _mean(values)
            yield f"{key}_std", spread(values)


def pooled_r2(rows: pd.DataFrame) -> float:
    """R² of the column `predicted` against `g`; ValueError where g does not vary."""
    if rows["g"].nunique() < 2:
        g = rows["g"].iloc[0]
        raise ValueError(f"R² is undefined where g does not vary: {len(rows)} points at g = {g:g}")
    return float(r2_score(rows["g"], rows["predicted"]))


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


def spread(values: Sequence[float]) -> float | None:
    """Standard deviation, n - 1 in the denominator; None for a single value."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else None


def _cpu_seconds(work: Callable[[], object]) -> float:
    """CPU time of this process, all threads together, in seconds."""
    start = time.process_time()
    work()
    return time.process_time() - start
