"""How the score on unseen temperatures grows with the number of training rows, and of training states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ljmix._util.arrays import FloatArray
from ljmix.data.dataset import Dataset, learning_table, split_by_temperature
from ljmix.evaluation.run import list_runs, run_in_parallel
from ljmix.models.features import layout_table
from ljmix.models.registry import make_model, make_row_model
from ljmix.scoring.tables import pooled_r2, spread
from ljmix.state import COMPOSITION, TEST_TEMPERATURES, TRAIN_TEMPERATURES

__all__ = [
    "HALF", "as_table", "data_size_scaling", "describe_jump", "draw_rows", "draw_training_states", "predict_from_draws",
    "score_at_half", "state_scaling",
]  # fmt: skip

Scaling = dict[str, list[dict[str, float | int | None]]]

HALF = 5 / 9
"""The share of all training rows at which the paper scores 0.1: 50 000 of 90 000."""

_JUMP = 0.5
"""Rise of R² within a factor of two in rows that deserves the name of a jump; the paper's is 0.8."""


def draw_rows(table: pd.DataFrame, rows: int, seed: int) -> pd.DataFrame:
    """Draw random rows of a learning table, without repetition.

    For one seed a smaller draw is a part of every larger one, so that a score changes with the amount of data
    and not with the luck of the draw.

    Raises
    ------
    ValueError
        If `rows` is below 1 or above the length of the table.
    """
    if not 1 <= rows <= len(table):
        raise ValueError(f"rows = {rows}: must lie between 1 and the {len(table)} rows for training")
    return table.iloc[np.sort(np.random.default_rng(seed).permutation(len(table))[:rows])]


def draw_training_states(dataset: Dataset, states: int, seed: int) -> Dataset:
    """Draw compositions with all their temperatures, until there are `states` states.

    As for rows, smaller draws are parts of larger ones. The last composition is cut if need be, its highest
    temperatures first.

    Raises
    ------
    ValueError
        If `states` is below 1 or above the number there is.
    """
    if not 1 <= states <= len(dataset.states):
        raise ValueError(f"states = {states}: must lie between 1 and the {len(dataset.states)} for training")
    table = dataset.states.reset_index()
    groups = [part.sort_values("temperature")["index"].to_numpy() for _, part in table.groupby(list(COMPOSITION))]
    order = np.random.default_rng(seed).permutation(len(groups))
    chosen = np.concatenate([groups[k] for k in order])[:states]
    return dataset.select(dataset.states.index.isin(chosen))


def data_size_scaling(
    dataset: Dataset,
    names: Sequence[str],
    sizes: Sequence[int],
    seeds: int,
    *,
    train: Sequence[float] = TRAIN_TEMPERATURES,
    test: Sequence[float] = TEST_TEMPERATURES,
    workers: int = 1,
    progress: bool = False,
    **options: int,
) -> Scaling:
    """R² on the temperature task against the number of training rows, drawn at random as in the paper.

    Parameters
    ----------
    dataset, seeds, workers, progress, **options
        As in `ljmix.evaluation.run.evaluate`; the test part is always whole.
    names : sequence of str
        Row-wise models.
    sizes : sequence of int
        Numbers of training rows.
    train, test : sequence of float
        Temperatures T*.

    Returns
    -------
    dict
        For each model a list of points in the order of `sizes`: `rows`; `r2_median`, `r2_low` and `r2_high`, median,
        lowest and highest R² of the seeds; `r2_mean` and `r2_std` (n - 1 in the denominator; None for a single seed).
        R² has no lower end, and one fit far below zero takes mean and standard deviation along: draw the others.

    Raises
    ------
    ValueError
        If a size or another number is not allowed, a split is empty or a model is not row-wise.
    """
    training, held_out = split_by_temperature(dataset, train, test)
    table, target = learning_table(training), learning_table(held_out)
    for rows in _checked_sizes(sizes, "rows"):
        draw_rows(table, rows, seed=0)  # a size that is not allowed stops the work before it starts
    runs = [(*run, rows) for run in list_runs(names, seeds, make_row_model, options) for rows in sizes]

    def run(name: str, seed: int, rows: int) -> float:
        model = make_row_model(name, seed, **options).fit_rows(draw_rows(table, rows, seed))
        return pooled_r2(target.assign(predicted=model.predict_rows(target)))

    scores = run_in_parallel(run, runs, "rows", workers, progress)
    return _summary(dict(zip(runs, scores, strict=True)), names, sizes, "rows")


def state_scaling(
    dataset: Dataset,
    names: Sequence[str],
    sizes: Sequence[int],
    seeds: int,
    *,
    workers: int = 1,
    progress: bool = False,
    **options: int,
) -> Scaling:
    """R² on the temperature task against the number of training states, whole compositions at a time.

    The test part is always whole, so that few training states mean compositions never seen; that is what less
    simulation would mean. Parameters and result as of `data_size_scaling`, for any model that predicts unseen
    compositions, with the key `states` in place of `rows`.
    """
    training, held_out = split_by_temperature(dataset)
    target = layout_table(held_out)
    r = np.unique(target["r"])
    for states in _checked_sizes(sizes, "states"):
        draw_training_states(training, states, seed=0)
    runs = [(*run, states) for run in list_runs(names, seeds, make_model, options) for states in sizes]

    def run(name: str, seed: int, states: int) -> float:
        model = make_model(name, seed, **options).fit(draw_training_states(training, states, seed))  # type: ignore[arg-type]
        return pooled_r2(target.assign(predicted=model.predict(held_out.states, r).ravel()))

    scores = run_in_parallel(run, runs, "states", workers, progress)
    return _summary(dict(zip(runs, scores, strict=True)), names, sizes, "states")


def as_table(scaling: Mapping[str, Sequence[Mapping[str, Any]]]) -> pd.DataFrame:
    """Points of all models below one another, with the column `model`."""
    return pd.concat([pd.DataFrame(points).assign(model=name) for name, points in scaling.items()])


def predict_from_draws(
    dataset: Dataset, state_id: str, pair: str, names: Sequence[str], sizes: Sequence[int], **options: int
) -> pd.DataFrame:
    """Predict one curve of the test part, by models that saw few rows and by models that saw many.

    Parameters
    ----------
    dataset, names, sizes, **options
        As of `data_size_scaling`.
    state_id : str
        A state at a test temperature.
    pair : {"AA", "AB", "BB"}

    Returns
    -------
    pandas.DataFrame
        Rows of the learning table with `predicted`, `model`, `seed` (0) and `rows` (the size of the draw).

    Raises
    ------
    ValueError
        If the state is not in the test part, or as `data_size_scaling`.
    """
    training, held_out = split_by_temperature(dataset)
    curve = learning_table(held_out)
    curve = curve[(curve["state_id"] == state_id) & (curve["pair"] == pair)]
    if curve.empty:
        raise ValueError(f"state {state_id!r}, pair {pair!r}: not among the states at the test temperatures")
    table = learning_table(training)
    parts = []
    for name in names:
        for rows in sizes:
            model = make_row_model(name, 0, **options).fit_rows(draw_rows(table, rows, 0))
            parts.append(curve.assign(predicted=model.predict_rows(curve), model=name, seed=0, rows=rows))
    return pd.concat(parts)


def describe_jump(points: Sequence[Mapping[str, Any]], model: str) -> str:
    """Say in a sentence whether the score jumps with the number of rows, as the paper's does.

    The paper reports R² ≈ 0.1 at 50 000 rows and 0.9 at 90 000. A jump is a rise of at least 0.5 while the
    rows double at most, from half of the paper's five ninths of all rows on: networks on few rows start far below
    zero, and rise from there without having jumped. If two sizes lie further apart the rise between them is scaled
    down to a doubling. Scores are medians over seeds.

    Parameters
    ----------
    points : sequence of mapping
        One model's entry of `data_size_scaling`.
    model : str
        How it is called in the sentence.
    """
    rows, r2 = _median_scores(points)
    if len(rows) < 2:
        raise ValueError(f"{model}: a jump needs two sizes at least; there is {len(rows)}")
    doublings = np.maximum(np.log2(rows[1:] / rows[:-1]), 1.0)
    rise = np.diff(r2) / doublings
    half = HALF * rows[-1]
    late = np.where(rows[:-1] >= half / 2, rise, -np.inf)
    jumps = late.max() >= _JUMP
    steepest = int((late if jumps else rise).argmax())
    span = f"from {r2[steepest]:.2f} at {rows[steepest]:.0f} rows to {r2[steepest + 1]:.2f} at {rows[steepest + 1]:.0f}"
    at_half = score_at_half(points)
    verdict = "jumps" if jumps else "does not jump as in the paper"
    return (
        f"{model} {verdict}: its steepest rise is {span}; at five ninths of all rows, where the paper has 0.1, it "
        f"scores {at_half:.2f}, with all {rows[-1]:.0f} rows {r2[-1]:.2f}."
    )


def score_at_half(points: Sequence[Mapping[str, Any]]) -> float:
    """Median R² of one model at the paper's five ninths of all rows, on a line in log rows between two sizes."""
    rows, r2 = _median_scores(points)
    return float(np.interp(np.log(HALF * rows[-1]), np.log(rows), r2))


def _median_scores(points: Sequence[Mapping[str, Any]]) -> tuple[FloatArray, FloatArray]:
    """Numbers of rows, the smallest first, and median R² of each."""
    ordered = sorted(points, key=lambda point: point["rows"])
    return np.array([float(point["rows"]) for point in ordered]), np.array([point["r2_median"] for point in ordered])


def _checked_sizes(sizes: Sequence[int], what: str) -> Sequence[int]:
    if not len(sizes):
        raise ValueError(f"sizes is empty: give at least one number of training {what}")
    return sizes


def _summary(
    r2: Mapping[tuple[str, int, int], float], names: Sequence[str], sizes: Sequence[int], what: str
) -> Scaling:
    def point(name: str, size: int) -> dict[str, float | int | None]:
        values = [value for (model, _, n), value in r2.items() if model == name and n == size]
        low, median, high = (float(value) for value in np.quantile(values, (0, 0.5, 1)))
        ranges = {"r2_median": median, "r2_low": low, "r2_high": high}
        return {what: int(size), "r2_mean": float(np.mean(values)), "r2_std": spread(values), **ranges}

    return {name: [point(name, size) for size in sizes] for name in names}
