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
from ljmix.evaluation.failures import failure_table
from ljmix.evaluation.run import evaluate, evaluate_interpolation
from ljmix.evaluation.scaling import draw_training_states
from ljmix.evaluation.selection import validate
from ljmix.evaluation.splits import possible_tasks
from ljmix.models.base import Model
from ljmix.models.registry import BASELINES, LEARNED, MODELS, ROW_MODELS, make_model
from ljmix.models.theory import clear_solution_cache
from ljmix.scoring.bootstrap import resample_scores, weigh_curves
from ljmix.scoring.tables import epoch_range
from ljmix.state import PAIRS

__all__ = ["OTHER_TASKS", "Benchmark", "measure_speed", "run_benchmark"]

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
        `model_selection`, `ablation`, `failures`.
    tables : dict of pandas.DataFrame
        `predictions-interpolation`, `predictions-extrapolation`, `losses`, `ablation`, `failures`.
    """

    sections: dict[str, Any]
    tables: dict[str, pd.DataFrame]


def run_benchmark(
    dataset: Dataset, seeds: int, *, workers: int = 1, progress: bool = False, **options: Any
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
    workers : int
        Processes that fit side by side; -1 for one a core.
    progress : bool
        Show a bar a task.
    **options
        As of `ljmix.models.registry.make_model`.

    Returns
    -------
    Benchmark
    """
    parallel: dict[str, Any] = {"workers": workers, "progress": progress}
    rows = evaluate_interpolation(dataset, ROW_MODELS, seeds, **parallel, **options)
    unseen = evaluate(dataset, "extrapolation", MODELS, seeds, **parallel, **options)
    possible = possible_tasks(dataset)
    others = {
        task: evaluate(dataset, task, names, seeds, **parallel, **options)
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
        "model_selection": _select(train, workers, options),
        "ablation": ablation.to_dict("records"),
        "failures": failures.to_dict("records"),
    }
    tables = {
        "predictions-interpolation": rows.predictions,
        "predictions-extrapolation": unseen.predictions,
        "losses": pd.concat([rows.losses, unseen.losses]),
        "ablation": ablation,
        "failures": failures,
    }
    return Benchmark(sections, tables)


def _certainty(predictions: pd.DataFrame, dataset: Dataset, test: Dataset) -> dict[str, Any]:
    """Scores over redrawn mixtures, and how few curves carry them."""
    weights = weigh_curves(curves_of(test))
    return {
        "scores": resample_scores(predictions, dataset.states).to_dict("records"),
        "equal_curves": 1 / (weights["share"] ** 2).sum(),
        "curves": len(weights),
        "heaviest": weights.head(_HEAVIEST).to_dict("records"),
    }


def _select(train: Dataset, workers: int, options: Mapping[str, Any]) -> dict[str, Any]:
    """Choose the best model inside the training temperatures.

    Parabolas cannot take part, since two temperatures are left, nor can models that do not predict every state.
    """
    candidates = [*LEARNED, "theory-guided", *(name for name in BASELINES if not name.startswith("quadratic"))]
    validation = validate(train, candidates, workers=workers, **options)
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
