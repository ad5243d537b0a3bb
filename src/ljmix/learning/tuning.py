"""Settings found by search inside the training temperatures: the same budget for every contestant.

::

    python -m ljmix.learning.tuning --data results/quick

Each trial is scored as the temperature task scores, but on training data only: the lowest and the highest
training temperature are predicted in turn from the other two (`ljmix.learning.tasks.validation_splits`). The
search is Optuna's tree-structured Parzen estimator. What it finds goes to ``learning/tuned.json``, with the
checksum of the data.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import optuna
from tqdm import tqdm

from ljmix.dataset import Dataset, read_dataset, split_by_temperature
from ljmix.files import replace_when_whole
from ljmix.learning.ingredients import Scales
from ljmix.learning.models import make_model
from ljmix.learning.store import checksum
from ljmix.learning.tasks import TRAIN_TEMPERATURES, validation_splits
from ljmix.learning.tuned import TUNED_FILE, tuned_settings
from ljmix.learning.validation import score_splits

__all__ = ["SPACES", "tune"]

TRIALS = 30
"""Trials a contestant."""

Space = Callable[[optuna.Trial], dict[str, Any]]


def _network(trial: optuna.Trial) -> dict[str, Any]:
    layers = {"paper": [112, 56, 28, 14, 7], "wide": [256, 128], "even": [64, 64, 64], "two": [128, 128]}
    return {
        "hidden_layers": layers[trial.suggest_categorical("layers", sorted(layers))],
        "learning_rate": trial.suggest_float("learning_rate", 3e-4, 5e-3, log=True),
        "weight_decay": trial.suggest_float("weight_decay", 1e-6, 1e-1, log=True),
        "batch": trial.suggest_categorical("batch", [100, 200, 400]),
        "most_updates": trial.suggest_categorical("most_updates", [1000, 3000, 10_000, None]),
    }


def _trees(trial: optuna.Trial) -> dict[str, Any]:
    # 200 trees of depth 8 answer for a thousand states in a second.
    return {
        "rounds": trial.suggest_int("rounds", 50, 200),
        "learning_rate": trial.suggest_float("learning_rate", 0.03, 0.5, log=True),
        "max_depth": trial.suggest_int("max_depth", 4, 8),
        "min_child_weight": trial.suggest_float("min_child_weight", 0.1, 20.0, log=True),
        "subsample": trial.suggest_float("subsample", 0.5, 1.0),
        "reg_lambda": trial.suggest_float("reg_lambda", 0.01, 10.0, log=True),
    }


def _process(trial: optuna.Trial) -> dict[str, Any]:
    # Three numbers, not eleven: some dozens of states cannot decide more, and what fits the validation
    # temperatures by chance fails beyond them.
    usual = Scales()
    reach = trial.suggest_float("reach", 0.5, 4.0, log=True)
    own = trial.suggest_float("own", 0.1, 10.0, log=True)
    return {
        **{name: reach * getattr(usual, name) for name in ("fraction", "size", "epsilon", "packing")},
        **{name: own * getattr(usual, name) for name in ("own", "own_line", "own_bend")},
        "enrichment": trial.suggest_float("enrichment", 0.5, 6.0, log=True),
    }


SPACES: Mapping[str, Space] = {
    "mlp-tuned": _network, "xgboost": _trees, "xgboost-physics": _trees, "gaussian-process": _process,
}  # fmt: skip
"""What is searched, by contestant."""

_FIRST: Mapping[str, dict[str, Any]] = {
    "mlp-tuned": {
        "layers": "paper", "learning_rate": 0.001, "weight_decay": 1e-6, "batch": 200, "most_updates": None,
    },
    "xgboost": {
        "rounds": 200, "learning_rate": 0.1, "max_depth": 8, "min_child_weight": 5.0, "subsample": 0.7,
        "reg_lambda": 1.0,
    },
    "gaussian-process": {"reach": 1.0, "own": 1.0, "enrichment": 1.5},
}  # fmt: skip
"""Where the search begins: the settings as printed or usual, so that it ends with none worse on validation."""


def tune(
    train: Dataset, name: str, *, trials: int = TRIALS, seed: int = 0, progress: bool = False, **options: Any
) -> dict[str, Any]:
    """Search the settings of a contestant.

    Parameters
    ----------
    train : Dataset
        Training temperatures only; nothing else may be seen here.
    name : str
        One of `SPACES`.
    trials, seed : int
    progress : bool
        Show a bar, one step a trial.
    **options
        As of `ljmix.learning.models.make_model`.

    Returns
    -------
    dict
        `settings`, `validation_r2` (pooled), `trials`, `seed`.

    Raises
    ------
    ValueError
        If the contestant has nothing to tune, `trials` is below 1, or the training set has too few temperatures.
    """
    if name not in SPACES:
        raise ValueError(f"{name!r} has nothing to tune; choose one of {', '.join(SPACES)}")
    if trials < 1:
        raise ValueError(f"trials = {trials}: must be at least 1")
    splits = validation_splits(train)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    study.enqueue_trial(_FIRST[name if name in _FIRST else "xgboost"])

    def score(trial: optuna.Trial) -> float:
        settings = SPACES[name](trial)
        trial.set_user_attr("settings", settings)
        return score_splits(splits, lambda: make_model(name, seed, settings=settings, **options))

    for _ in tqdm(range(trials), desc=name, unit="trial", disable=not progress, mininterval=1):
        study.optimize(score, n_trials=1)
    best = study.best_trial
    return {
        "settings": best.user_attrs["settings"], "validation_r2": round(float(study.best_value), 4),
        "trials": trials, "seed": seed,
    }  # fmt: skip


def main(arguments: Iterable[str] | None = None) -> None:
    """Search the settings of contestants and write them to the package."""
    parser = argparse.ArgumentParser(description="Search the settings of the contestants.")
    parser.add_argument("--data", type=Path, required=True, help="folder with states.parquet and rdf.parquet")
    parser.add_argument("--models", nargs="+", choices=list(SPACES), default=list(SPACES))
    parser.add_argument("--trials", type=int, default=TRIALS)
    parser.add_argument("--output", type=Path, default=TUNED_FILE)
    chosen = parser.parse_args(None if arguments is None else list(arguments))
    dataset = read_dataset(chosen.data)
    train, _ = split_by_temperature(dataset, TRAIN_TEMPERATURES)
    found = json.loads(chosen.output.read_text(encoding="utf-8")) if chosen.output.exists() else {}
    source = {
        "profile": dataset.provenance.get("profile", "unknown"), "states": len(train.states),
        "sha256": checksum(dataset),
    }  # fmt: skip
    for name in chosen.models:
        found[name] = tune(train, name, trials=chosen.trials, progress=True) | {"data": source}
        with replace_when_whole(chosen.output) as part:
            part.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    tuned_settings.cache_clear()


if __name__ == "__main__":
    main()
