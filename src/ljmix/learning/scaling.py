"""How the score on unseen temperatures grows with the number of training rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ljmix.dataset import Dataset, learning_table, split_by_temperature
from ljmix.learning.evaluation import list_runs, pooled_r2, run_in_parallel, spread
from ljmix.learning.models import make_row_model

__all__ = ["data_size_scaling", "draw_rows"]


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


def data_size_scaling(
    dataset: Dataset,
    names: Sequence[str],
    sizes: Sequence[int],
    seeds: int,
    *,
    train: Sequence[float] = (0.8, 1.0, 1.2),
    test: Sequence[float] = (0.6, 1.4),
    workers: int = 1,
    progress: bool = False,
    **options: int,
) -> dict[str, list[dict[str, float | int | None]]]:
    """R² on the temperature task against the number of training rows, drawn at random as in the paper.

    Parameters
    ----------
    dataset, seeds, train, test, workers, progress, **options
        As in `evaluate_extrapolation`; the test part is always whole.
    names : sequence of str
        Contestants from `ljmix.learning.models.ROW_MODELS`.
    sizes : sequence of int
        Numbers of training rows.

    Returns
    -------
    dict
        For each model a list of ``{"rows", "r2_mean", "r2_std"}`` in the order of `sizes`; `r2_std` (n - 1 in
        the denominator) is None for a single seed.

    Raises
    ------
    ValueError
        If a size or another number is not allowed, a split is empty or a model is not row-wise.
    """
    training, held_out = split_by_temperature(dataset, train, test)
    table, target = learning_table(training), learning_table(held_out)
    if not len(sizes):
        raise ValueError("sizes is empty: give at least one number of training rows")
    for rows in sizes:
        draw_rows(table, rows, seed=0)  # a size that is not allowed stops the work before it starts
    runs = [(*run, rows) for run in list_runs(names, seeds, make_row_model, options) for rows in sizes]
    r2: dict[tuple[str, int], list[float]] = {}

    def run(name: str, seed: int, rows: int) -> float:
        model = make_row_model(name, seed, **options).fit_rows(draw_rows(table, rows, seed))
        return pooled_r2(target.assign(predicted=model.predict_rows(target)))

    for (name, _, rows), value in zip(runs, run_in_parallel(run, runs, "scaling", workers, progress), strict=True):
        r2.setdefault((name, rows), []).append(value)

    def point(name: str, rows: int) -> dict[str, float | int | None]:
        return {"rows": int(rows), "r2_mean": float(np.mean(r2[name, rows])), "r2_std": spread(r2[name, rows])}

    return {name: [point(name, rows) for rows in sizes] for name in names}
