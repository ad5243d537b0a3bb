"""How the score on unseen temperatures grows with the number of training rows, and of training states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pandas as pd

from ljmix._util.arrays import FloatArray
from ljmix.data.dataset import Dataset, learning_table, split_by_temperature
from ljmix.evaluation.parallel import run_in_parallel
from ljmix.evaluation.refits import LEARNED_TASK, MAKE_ALL, Refits, table_scaling_fits
from ljmix.evaluation.run import list_runs
from ljmix.models.base import Model, RowModel
from ljmix.models.features import layout_table
from ljmix.models.networks.network import Network
from ljmix.models.registry import DETERMINISTIC, make_model, make_row_model
from ljmix.scoring.tables import pooled_r2, spread
from ljmix.state import COMPOSITION

__all__ = [
    "HALF", "DataScaling", "as_table", "describe_jump", "draw_rows", "draw_training_states", "scale_data",
    "score_at_half",
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


@dataclass(frozen=True)
class DataScaling:
    """What more data buy.

    Attributes
    ----------
    rows, states : dict
        For each model a list of points in the order of the sizes: `rows` or `states`; `r2_median`, `r2_low` and
        `r2_high`, median, lowest and highest R² of the seeds; `r2_mean` and `r2_std` (n - 1 in the denominator; None
        for a single seed). R² has no lower end, and one fit far below zero takes mean and standard deviation along:
        draw the others.
    curve : pandas.DataFrame
        Rows of the learning table of the curve that was asked for, with `predicted`, `model`, `seed` (0) and `rows`,
        the size of the draw: the fewest and the most.
    fits : pandas.DataFrame
        Scores of networks, `ljmix.evaluation.refits.table_scaling_fits`.
    """

    rows: Scaling
    states: Scaling
    curve: pd.DataFrame
    fits: pd.DataFrame


def scale_data(
    dataset: Dataset,
    seeds: int,
    *,
    rows: tuple[Sequence[str], Sequence[int]] = ((), ()),
    states: tuple[Sequence[str], Sequence[int]] = ((), ()),
    curve: tuple[str, str, Sequence[str]] | None = None,
    refits: Refits = MAKE_ALL,
    workers: int = 1,
    progress: bool = False,
    **options: int,
) -> DataScaling:
    """R² on the temperature task against the number of training rows, and against that of training states.

    Rows are drawn at random, as in the paper. States come as whole compositions: few of them mean compositions never
    seen; that is what less simulation would mean. The test part is always whole. A model that learns all rows, and all
    states, learns once.

    Parameters
    ----------
    dataset, seeds, workers, progress, **options
        As in `ljmix.evaluation.run.evaluate`.
    rows : (names, sizes)
        Row-wise models, and numbers of training rows.
    states : (names, sizes)
        Models that predict unseen compositions, and numbers of training states.
    curve : (state_id, pair, names), optional
        One curve of the test part, to be predicted by models of `rows` that saw the fewest rows and the most.
    refits : Refits
        Which networks are made anew; all unless given. Those that an earlier step of the run made are used.

    Raises
    ------
    ValueError
        If a size or another number is not allowed, a split is empty, a model not row-wise, or the curve not there.
    """
    training, held_out = split_by_temperature(dataset)
    table, target, layout = learning_table(training), learning_table(held_out), layout_table(held_out)
    r = np.unique(layout["r"])
    shown, ends = _asked_curve(target, curve), {min(rows[1], default=0), max(rows[1], default=0)}
    for size in _checked_sizes(*rows, "rows"):
        draw_rows(table, size, seed=0)  # a size that is not allowed stops the work before it starts
    for size in _checked_sizes(*states, "states"):
        draw_training_states(training, size, seed=0)
    wholes = {"rows": len(table), "states": len(training.states)}
    runs = _list_fits({"rows": rows, "states": states}, wholes, seeds, options)

    def run(name: str, seed: int, asked: Sized) -> _Scored:
        model = make_model(name, seed, **options)  # type: ignore[arg-type]
        known = {by: refits.take_score(by, model, seed, size) for by, size in asked}
        if all(score is not None for score in known.values()):
            return _Scored({by: float(score) for by, score in known.items() if score is not None}, model, False, None)
        (by, size), made = asked[0], True
        fit = refits.take_network(LEARNED_TASK, model, seed) if size == wholes[by] else None
        if fit is not None:
            model, made = fit.model, fit.made
        elif by == "rows":
            cast(RowModel, model).fit_rows(draw_rows(table, size, seed))
        else:
            model.fit(draw_training_states(training, size, seed))
        scores = {
            by: pooled_r2(
                target.assign(predicted=cast(RowModel, model).predict_rows(target))
                if by == "rows"
                else layout.assign(predicted=model.predict(held_out.states, r).ravel())
            )
            for by, _ in asked
        }
        drawn = None
        if curve and name in curve[2] and seed == 0 and by == "rows" and size in ends:
            predicted = cast(RowModel, model).predict_rows(shown)
            drawn = shown.assign(predicted=predicted, model=name, seed=0, rows=size)
        return _Scored(scores, model if isinstance(model, Network) else None, made, drawn)

    found = list(run_in_parallel(run, runs, "data", workers, progress))
    return _collect(runs, found, {"rows": rows, "states": states}, wholes, seeds, curve)


Sized = tuple[tuple[str, int], ...]
"""What a fit learned: ("rows", how many) or ("states", how many), or both where it learned everything."""


@dataclass(frozen=True)
class _Scored:
    scores: dict[str, float]
    network: Model | None
    made: bool
    curve: pd.DataFrame | None


def _list_fits(
    asked: Mapping[str, tuple[Sequence[str], Sequence[int]]],
    wholes: Mapping[str, int],
    seeds: int,
    options: Mapping[str, int],
) -> list[tuple[str, int, Sized]]:
    """Every fit once, by name, seed, and what it learns."""
    runs: list[tuple[str, int, Sized]] = []
    for by, (names, sizes) in asked.items():
        if not names:
            continue
        other = "states" if by == "rows" else "rows"
        for name, seed in list_runs(names, seeds, make_row_model if by == "rows" else make_model, options):
            for size in sizes:
                shared = size == wholes[by] and name in asked[other][0] and wholes[other] in asked[other][1]
                if shared and by == "states":
                    continue
                if by == "states" and size == wholes[by] and seed and name in DETERMINISTIC:
                    continue
                runs.append((name, seed, ((by, size), (other, wholes[other])) if shared else ((by, size),)))
    return runs


def _collect(
    runs: Sequence[tuple[str, int, Sized]],
    found: Sequence[_Scored],
    asked: Mapping[str, tuple[Sequence[str], Sequence[int]]],
    wholes: Mapping[str, int],
    seeds: int,
    curve: tuple[str, str, Sequence[str]] | None,
) -> DataScaling:
    r2: dict[str, dict[tuple[str, int, int], float]] = {"rows": {}, "states": {}}
    fits = []
    for (name, seed, sized), scored in zip(runs, found, strict=True):
        for by, size in sized:
            r2[by][name, seed, size] = scored.scores[by]
            if isinstance(scored.network, Network):
                fits.append(((by, name, seed, size), scored.network, scored.scores[by], scored.made))
    for name in set(asked["states"][0]) & set(DETERMINISTIC):
        # All states, and nothing is drawn: every seed gives what the first one does.
        whole = wholes["states"]
        if (name, 0, whole) in r2["states"]:
            r2["states"] |= {(name, seed, whole): r2["states"][name, 0, whole] for seed in range(seeds)}
    drawn = {
        (str(part["model"].iloc[0]), int(part["rows"].iloc[0])): part
        for part in (scored.curve for scored in found)
        if part is not None
    }
    order = [
        (name, size) for name in (curve[2] if curve else ()) for size in (min(asked["rows"][1]), max(asked["rows"][1]))
    ]
    parts = [drawn[key] for key in dict.fromkeys(order)]
    by_size = {by: _summary(scores, *asked[by], by) for by, scores in r2.items()}
    curves = pd.concat(parts) if parts else pd.DataFrame()
    return DataScaling(by_size["rows"], by_size["states"], curves, table_scaling_fits(fits))


def _asked_curve(target: pd.DataFrame, curve: tuple[str, str, Sequence[str]] | None) -> pd.DataFrame:
    if curve is None:
        return target.iloc[:0]
    state_id, pair, _ = curve
    rows = target[(target["state_id"] == state_id) & (target["pair"] == pair)]
    if rows.empty:
        raise ValueError(f"state {state_id!r}, pair {pair!r}: not among the states at the test temperatures")
    return rows


def as_table(scaling: Mapping[str, Sequence[Mapping[str, Any]]]) -> pd.DataFrame:
    """Points of all models below one another, with the column `model`."""
    return pd.concat([pd.DataFrame(points).assign(model=name) for name, points in scaling.items()])


def describe_jump(points: Sequence[Mapping[str, Any]], model: str) -> str:
    """Say in a sentence whether the score jumps with the number of rows, as the paper's does.

    The paper reports R² ≈ 0.1 at 50 000 rows and 0.9 at 90 000. A jump is a rise of at least 0.5 while the
    rows double at most, from half of the paper's five ninths of all rows on: networks on few rows start far below
    zero, and rise from there without having jumped. If two sizes lie further apart the rise between them is scaled
    down to a doubling. Scores are medians over seeds.

    Parameters
    ----------
    points : sequence of mapping
        One model's entry of `DataScaling.rows`.
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


def _checked_sizes(names: Sequence[str], sizes: Sequence[int], what: str) -> Sequence[int]:
    if len(names) and not len(sizes):
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
