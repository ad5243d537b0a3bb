"""Settings found by search inside the training temperatures.

::

    python -m ljmix.evaluation.tuning --data data/reference

Networks and trees get the same budget. Each trial is scored as the temperature task scores, but on training
data only: the lowest and the highest training temperature are predicted in turn from the other two
(`ljmix.evaluation.splits.validation_splits`). The search is Optuna's tree-structured Parzen estimator.

A Gaussian process needs no data held out: its scales are the most probable ones given the training curves that a
search finds (Rasmussen and Williams 2006, doi:10.7551/mitpress/3206.001.0001, section 5.4). On the pooled R² of some
dozens of states, which a few high peaks decide, a search finds what fits those by chance.

What is found goes to ``models/tuned.json``, with the checksum of the data.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from scipy.optimize import minimize
from tqdm import tqdm

from ljmix._util.arrays import FloatArray
from ljmix._util.atomic import write_text
from ljmix._util.command import one_sentence
from ljmix._util.reading import read_json
from ljmix._util.threads import one_thread
from ljmix.data.dataset import Dataset, read_dataset, split_by_temperature
from ljmix.evaluation.selection import score_splits
from ljmix.evaluation.splits import TRAIN_TEMPERATURES, validation_splits
from ljmix.models.processes.gaussian_process import CurveProcess
from ljmix.models.processes.ingredients import Scales
from ljmix.models.registry import TUNED, make_model
from ljmix.models.store import checksum
from ljmix.models.tuned import TUNED_FILE, tuned_settings

__all__ = ["SPACES", "find_scales", "tune"]

TRIALS = 30
"""Trials per model."""
EVALUATIONS = 500
"""Scales of the Gaussian process that are tried: twice through its fifteen."""
_BINS_ALIKE = 20
"""Neighbouring bins, mostly of 0.05 σ, that say the same: ln y of a liquid changes over about σ."""
_DEMIXING_WIDTH = 0.15
_FARTHEST = 4.0
"""Standard deviations from the usual value that the search may go."""

Space = Callable[[optuna.Trial], dict[str, Any]]


def _network(trial: optuna.Trial) -> dict[str, Any]:
    layers = {"paper": [112, 56, 28, 14, 7], "wide": [256, 128], "even": [64, 64, 64], "two": [128, 128]}
    return {
        "hidden_layers": layers[trial.suggest_categorical("layers", sorted(layers))],
        "learning_rate": trial.suggest_float("learning_rate", 3e-4, 5e-3, log=True),
        "weight_decay": trial.suggest_float("weight_decay", 1e-6, 1e-1, log=True),
        "batch": trial.suggest_categorical("batch", [100, 200, 400]),
        # 5000 steps take some twelve seconds with those of the other starts; the paper's network takes twice as long.
        "most_updates": trial.suggest_categorical("most_updates", [1000, 2500, 5000]),
    }


def _trees(trial: optuna.Trial) -> dict[str, Any]:
    # 200 trees of depth 8 predict a thousand states in a second.
    return {
        "rounds": trial.suggest_int("rounds", 50, 200),
        "learning_rate": trial.suggest_float("learning_rate", 0.03, 0.5, log=True),
        "max_depth": trial.suggest_int("max_depth", 4, 8),
        "min_child_weight": trial.suggest_float("min_child_weight", 0.1, 20.0, log=True),
        "subsample": trial.suggest_float("subsample", 0.5, 1.0),
        "reg_lambda": trial.suggest_float("reg_lambda", 0.01, 10.0, log=True),
    }


SPACES: Mapping[str, Space] = {"mlp-tuned": _network, "xgboost": _trees, "xgboost-physics": _trees}
"""What is searched, by model."""

_FIRST: Mapping[str, dict[str, Any]] = {
    "mlp-tuned": {
        "layers": "paper", "learning_rate": 0.001, "weight_decay": 1e-6, "batch": 200, "most_updates": 5000,
    },
    "xgboost": {
        "rounds": 200, "learning_rate": 0.1, "max_depth": 8, "min_child_weight": 5.0, "subsample": 0.7,
        "reg_lambda": 1.0,
    },
}  # fmt: skip
"""Where the search begins: the settings as printed (within the steps allowed) or usual; it ends with none worse on
validation."""


def tune(
    train: Dataset, name: str, *, trials: int = TRIALS, seed: int = 0, progress: bool = False, **options: Any
) -> dict[str, Any]:
    """Search the settings of a model.

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
        As of `ljmix.models.registry.make_model`.

    Returns
    -------
    dict
        `settings`, `validation_r2` (pooled), `trials`, `seed`.

    Raises
    ------
    ValueError
        If the model is not searched by trials, `trials` is below 1, or the training set has too few temperatures.
    """
    if name not in SPACES:
        raise ValueError(f"{name!r} is not searched by trials; choose one of {', '.join(SPACES)}")
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

    study.optimize(score, n_trials=trials, show_progress_bar=progress)
    best = study.best_trial
    return {
        "settings": best.user_attrs["settings"], "validation_r2": round(float(study.best_value), 4),
        "trials": trials, "seed": seed,
    }  # fmt: skip


def find_scales(train: Dataset, *, evaluations: int = EVALUATIONS, progress: bool = False) -> dict[str, Any]:
    """Most probable scales of the Gaussian process, given the training curves.

    Before any curve is seen, each scale is thought to be right to a factor of e, the strength of demixing, which
    the consolute temperature of the literature fixes, to 15 %.

    Parameters
    ----------
    train : Dataset
        Training temperatures only; nothing else may be seen here.
    evaluations : int
        Scales tried, at most; the search (Powell's) ends before where it gains nothing.
    progress : bool
        Show a bar, one step an evaluation.

    Returns
    -------
    dict
        `settings`, `log_probability` (up to a constant), `trials`, `finished`: whether the search ended because it
        gained no more; otherwise the settings are the most probable ones of those tried.

    Raises
    ------
    ValueError
        If `evaluations` is below 1.
    """
    if evaluations < 1:
        raise ValueError(f"evaluations = {evaluations}: must be at least 1")
    usual = asdict(Scales())
    width = np.array([_DEMIXING_WIDTH if name == "demixing" else 1.0 for name in usual])
    best: dict[str, Any] = {"log_probability": -np.inf}

    def negative_log_posterior(shift: FloatArray) -> float:
        settings = {name: value * float(np.exp(x)) for (name, value), x in zip(usual.items(), shift, strict=True)}
        evidence = CurveProcess(scales=Scales(**settings)).fit(train).log_marginal_likelihood_ / _BINS_ALIKE
        log_posterior = evidence - 0.5 * float(((shift / width) ** 2).sum())
        if log_posterior > best["log_probability"]:
            best.update(settings=settings, log_probability=log_posterior)
        bar.update()
        return -log_posterior

    with tqdm(total=evaluations, desc="gaussian-process", unit="trial", disable=not progress, mininterval=1) as bar:
        options = {"maxfev": evaluations, "xtol": 0.05, "ftol": 1e-5}
        bounds = np.stack([-_FARTHEST * width, _FARTHEST * width], axis=1)
        optimum = minimize(
            negative_log_posterior, np.zeros(len(width)), method="Powell", bounds=bounds, options=options
        )
    best["log_probability"] = round(best["log_probability"], 2)
    return best | {"trials": int(optimum.nfev), "finished": bool(optimum.success)}


def main(arguments: Iterable[str] | None = None) -> None:
    """Search the settings of the tuned models and write them to the package."""
    parser = argparse.ArgumentParser(description="Search the settings of the tuned models.")
    parser.add_argument("--data", type=Path, required=True, help="folder with states.parquet and rdf.parquet")
    parser.add_argument("--models", nargs="+", choices=TUNED, default=TUNED)
    parser.add_argument("--trials", type=int, default=TRIALS, help="of networks and trees")
    parser.add_argument("--evaluations", type=int, default=EVALUATIONS, help="of the Gaussian process")
    parser.add_argument("--output", type=Path, default=TUNED_FILE)
    chosen = parser.parse_args(None if arguments is None else list(arguments))
    # One thread: on matrices this small a second one only waits, on a busy machine many times longer than work takes.
    with one_sentence(parser), one_thread():
        dataset = read_dataset(chosen.data)
        train, _ = split_by_temperature(dataset, TRAIN_TEMPERATURES)
        stored = read_json(chosen.output) if chosen.output.exists() else {}
        source = {
            "profile": dataset.provenance.get("profile", "unknown"), "states": len(train.states),
            "sha256": checksum(dataset),
        }  # fmt: skip
        for name in chosen.models:
            if name in SPACES:
                tuned = tune(train, name, trials=chosen.trials, progress=True)
            else:
                tuned = find_scales(train, evaluations=chosen.evaluations, progress=True)
            stored[name] = tuned | {"data": source}
            write_text(chosen.output, json.dumps(stored, indent=1, sort_keys=True) + "\n")
        tuned_settings.cache_clear()


if __name__ == "__main__":
    main()
