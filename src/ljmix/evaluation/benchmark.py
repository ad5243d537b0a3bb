"""The whole benchmark, every task from one dataset to tables and numbers; and how long models take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ljmix._util.threads import cpu_seconds
from ljmix.data.curves import curves_of
from ljmix.data.dataset import Dataset, split_by_temperature
from ljmix.evaluation.ablation import ablate
from ljmix.evaluation.audit import audit, audit_starts
from ljmix.evaluation.contestants import LISTED, SURROGATE, SURROGATE_TASKS
from ljmix.evaluation.failures import failure_table
from ljmix.evaluation.fits import solve_theory
from ljmix.evaluation.refits import MAKE_ALL, NETWORKS, Refits
from ljmix.evaluation.run import evaluate, evaluate_interpolation
from ljmix.evaluation.scaling import draw_training_states
from ljmix.evaluation.selection import validate
from ljmix.evaluation.splits import possible_tasks
from ljmix.evaluation.starts import fill_differences
from ljmix.models.base import Model
from ljmix.models.registry import BASELINES, LEARNED, MODELS, ROW_MODELS, VARIANTS, make_model
from ljmix.models.theory import Solutions, clear_solution_cache
from ljmix.scoring.bootstrap import cover_scores, interval_kind, resample_scores, weigh_curves
from ljmix.scoring.tables import epoch_range
from ljmix.state import PAIRS

__all__ = ["AUDITED", "BY_START", "FILED", "OTHER_TASKS", "Benchmark", "measure_speed", "run_benchmark"]

_GENERAL = (*(name for name in LEARNED if name != "mlp"), "theory-guided")
_QUICK_TO_FIT = ("xgboost", "xgboost-physics", "gaussian-process")
OTHER_TASKS = {
    "interpolation-states": (*_GENERAL, *BASELINES),
    "compositions": _GENERAL,
    "compositions-temperatures": _GENERAL,
    "unseen-size-ratio": _QUICK_TO_FIT,
    "unseen-epsilon-ab": _QUICK_TO_FIT,
    "unseen-fraction-b": _QUICK_TO_FIT,
}
"""What is asked beside unseen temperatures, and of which models."""

FILED = (*LEARNED, "theory-guided")
"""Models that go into files once they have learned the training temperatures."""

AUDITED = (
    "mlp", "xgboost", "xgboost-physics", "gaussian-process", "theory-guided", "nearest-temperature",
)  # fmt: skip
BY_START = ("gaussian-process", "nearest-temperature")
"""Models of the main table, and those that learn from the runs of either start."""

_ABLATED = ("extrapolation", "compositions")
_HEAVIEST = 5

_CURVES = 100
_MANY = 1000
_REPEATS = 10


@dataclass(frozen=True)
class Benchmark:
    """All that a benchmark gives.

    Attributes
    ----------
    sections : dict
        Sections of ``metrics.json``: `interpolation`, `extrapolation` and one for each other task, each the `metrics`
        of an `ljmix.evaluation.run.Evaluation`; `epochs_run`, `noise_ceiling` (by task), `certainty`,
        `model_selection`, `ablation`, `failures`; of version 2 also `audit` and, with `runs`, `starts`, the lines of
        `ljmix.evaluation.audit`.
    tables : dict of pandas.DataFrame
        `predictions-interpolation`, `predictions-extrapolation`, `losses`, `ablation`, `failures`, `networks`
        (`ljmix.evaluation.refits.table_networks`, of all tasks).
    models : dict of Model
        Of unseen temperatures, those of `FILED` with seed 0.
    """

    sections: dict[str, Any]
    tables: dict[str, pd.DataFrame]
    models: dict[str, Model]


def run_benchmark(
    dataset: Dataset,
    seeds: int,
    *,
    runs: pd.DataFrame | None = None,
    refits: Refits = MAKE_ALL,
    surrogate: bool = LISTED,
    workers: int = 1,
    progress: bool = False,
    **options: Any,
) -> Benchmark:
    """Let every model learn and predict every task.

    Random rows and unseen temperatures come first, then the other tasks that the dataset is large enough for, then
    what ingredients of physics are worth.

    Parameters
    ----------
    dataset : Dataset
        Every composition at every temperature, see `ljmix.evaluation.splits.complete_compositions`.
    seeds : int
        Repetitions of every fit.
    runs : pandas.DataFrame, optional
        Every run of every state, `ljmix.data.schema.STARTS_TABLE` of version 2: models are then scored with the runs
        from either side, too.
    refits : Refits
        Which networks are made anew; all unless given.
    surrogate : bool
        Let the surrogate take part in `ljmix.evaluation.contestants.SURROGATE_TASKS`; by default as published.
    workers : int
        Processes that fit side by side; -1 for one a core.
    progress : bool
        Show a bar a task.
    **options
        As of `ljmix.models.registry.make_model`. With `plateau` the paper's network is scored on unseen temperatures
        as it is when it stops early, too.

    Returns
    -------
    Benchmark
    """
    if runs is not None:
        dataset = fill_differences(dataset, runs)
    parallel: dict[str, Any] = {"workers": workers, "progress": progress}
    fitting = parallel | {"refits": refits} | options
    rows = evaluate_interpolation(dataset, ROW_MODELS, seeds, **fitting)
    variants = VARIANTS if options.get("plateau") else ()
    unseen = evaluate(dataset, "extrapolation", (*MODELS, *variants, *_above("extrapolation", surrogate)), seeds,
                      **fitting)  # fmt: skip
    possible = possible_tasks(dataset)
    # What theory says of a state is asked for in every task and fold.
    solutions = solve_theory(dataset, unseen.solutions, workers, progress)
    others = {
        task: evaluate(dataset, task, (*names, *_above(task, surrogate)), seeds, solutions=solutions, **fitting)
        for task, names in OTHER_TASKS.items()
        if task in possible
    }
    train, test = split_by_temperature(dataset)
    asked = [task for task in _ABLATED if task in possible]
    # Two seeds at most: every ingredient left out is another fit.
    ablation = ablate(dataset, asked, min(seeds, 2), **parallel)
    failures = failure_table(unseen.predictions, dataset.states)
    ceilings = {"extrapolation": unseen.ceiling} | {task: found.ceiling for task, found in others.items()}
    sections = {
        "interpolation": rows.metrics,
        "extrapolation": unseen.metrics,
        "epochs_run": {"interpolation": epoch_range(rows.losses), "extrapolation": epoch_range(unseen.losses)},
        **{task.replace("-", "_"): found.metrics for task, found in others.items()},
        "noise_ceiling": ceilings,
        "certainty": _certainty(unseen.predictions, dataset, test),
        "model_selection": _select(train, solutions, workers, options),
        "ablation": ablation.to_dict("records"),
        "failures": failures.to_dict("records"),
    }
    if "version" in dataset.states:
        # Version 1 was published without.
        sections["audit"] = audit(dataset, unseen.predictions, AUDITED).to_dict("records")
    if runs is not None:
        sections["starts"] = audit_starts(dataset, BY_START, runs).to_dict("records")
    tables = {
        "predictions-interpolation": rows.predictions,
        "predictions-extrapolation": unseen.predictions,
        "losses": pd.concat([rows.losses, unseen.losses]),
        "ablation": ablation,
        "failures": failures,
        NETWORKS: pd.concat([found.networks for found in (rows, unseen, *others.values())], ignore_index=True),
    }
    return Benchmark(sections, tables, {name: unseen.models[name] for name in FILED})


def _above(task: str, surrogate: bool) -> tuple[str, ...]:
    """Who takes part in a task beside the models of the registry."""
    return (SURROGATE,) if surrogate and task in SURROGATE_TASKS else ()


def _certainty(predictions: pd.DataFrame, dataset: Dataset, test: Dataset) -> dict[str, Any]:
    """Scores over redrawn mixtures, and how few curves carry them."""
    weights = weigh_curves(curves_of(test))
    certainty = {
        "scores": resample_scores(predictions, dataset.states).to_dict("records"),
        "equal_curves": 1 / (weights["share"] ** 2).sum(),
        "curves": len(weights),
        "heaviest": weights.head(_HEAVIEST).to_dict("records"),
    }
    if interval_kind(dataset.states) == "studentized":
        certainty["coverage"] = cover_scores(predictions, dataset.states)
    return certainty


def _select(train: Dataset, solutions: Solutions, workers: int, options: Mapping[str, Any]) -> dict[str, Any]:
    """Choose the best model inside the training temperatures.

    Parabolas cannot take part, since two temperatures are left, nor can models that do not predict every state.
    """
    candidates = [*LEARNED, "theory-guided", *(name for name in BASELINES if not name.startswith("quadratic"))]
    validation = validate(train, candidates, solutions=solutions, workers=workers, **options)
    return {
        "r2": validation.set_index("model")["r2"].to_dict(),
        "best": validation["model"][0],
        "tied": validation.loc[~(validation["behind_low"] > 0), "model"].iloc[1:].tolist(),
    }


def measure_speed(model: Model, train: Dataset, name: str, seed: int = 0, **options: Any) -> dict[str, float]:
    """Time a model on this machine, in one thread.

    Parameters
    ----------
    model : Model
        Fitted.
    train : Dataset
        What it was trained on.
    name : str
        See `ljmix.models.registry.make_model`; another one of the name learns 100 curves.
    seed : int
    **options
        As of `make_model`.

    Returns
    -------
    dict
        `fit_100_curves_cpu_s`: CPU seconds to learn 100 curves (fewer if there are fewer); `one_state_ms`:
        milliseconds for the three curves of one state; `thousand_states_s`: seconds for a thousand states. The
        last two are the shortest CPU time of several calls: what others do on the machine only adds.
    """
    states = min(-(-_CURVES // len(PAIRS)), len(train.states))
    few = draw_training_states(train, states, seed)
    r = np.unique(few.curve_array()[0])
    clear_solution_cache()
    fit = cpu_seconds(lambda: make_model(name, seed, **options).fit(few))
    # Mixtures that no cache has met: every state a little different, and in every call.
    many = pd.concat([train.states] * (_MANY // len(train.states) + 1), ignore_index=True).head(_MANY)
    first, second, third = (many.assign(temperature=np.linspace(0.6, 1.4, _MANY) + k * 1e-4) for k in range(3))
    one = [cpu_seconds(lambda k=k: model.predict(first.iloc[[k]], r)) for k in range(_REPEATS)]  # type: ignore[misc]
    return {
        "fit_100_curves_cpu_s": fit,
        "one_state_ms": 1000 * min(one[1:]),
        "thousand_states_s": min(
            cpu_seconds(lambda part=part: model.predict(part, r))  # type: ignore[misc]
            for part in (second, third)
        ),
    }
