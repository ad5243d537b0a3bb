"""Settings found by search inside the training temperatures.

::

    python -m ljmix.evaluation.tuning --data data/reference

Networks and trees get the same budget of trials. Each trial is scored as the temperature task scores, but on training
data only: the lowest and the highest training temperature are predicted in turn from the other two
(`ljmix.evaluation.splits.validation_splits`). The criterion is the median over all curves predicted of the error in
units of the curve's own spread (`ljmix.scoring.curve_errors`), which no high peak decides; it was written down before
any search by it was run. The search is Optuna's tree-structured Parzen estimator.

How long a model trains is not drawn: every trial begins short, and the best third of those so far goes on to three to
four times that, twice (successive halving; Li et al. 2018, arXiv:1603.06560). So the longest training is that of the
paper, 75 000 updates, and trials that promise nothing do not pay for it. The length that scored best is kept.

A Gaussian process needs no data held out: its scales are the most probable ones given the training curves that a
search finds (Rasmussen and Williams 2006, doi:10.7551/mitpress/3206.001.0001, section 5.4).

What is found goes to ``models/tuned.json``, with the checksum of the data. (Of version 1 the networks and trees there
were found by an earlier search: by the pooled R², in trainings of 5000 updates or 200 rounds at most.)
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
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
from ljmix.evaluation.selection import median_error
from ljmix.evaluation.splits import TRAIN_TEMPERATURES, validation_splits
from ljmix.models.processes.gaussian_process import CurveProcess
from ljmix.models.processes.ingredients import Scales
from ljmix.models.registry import EPOCHS, TUNED, make_model
from ljmix.models.store import checksum
from ljmix.models.tuned import TUNED_FILE, tuned_settings

__all__ = ["LENGTHS", "SPACES", "find_scales", "tune"]

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
        "batch": trial.suggest_categorical("batch", [200, 400, 1200]),
    }


def _trees(trial: optuna.Trial) -> dict[str, Any]:
    return {
        "learning_rate": trial.suggest_float("learning_rate", 0.03, 0.5, log=True),
        "max_depth": trial.suggest_int("max_depth", 4, 8),
        "min_child_weight": trial.suggest_float("min_child_weight", 0.1, 20.0, log=True),
        "subsample": trial.suggest_float("subsample", 0.5, 1.0),
        "reg_lambda": trial.suggest_float("reg_lambda", 0.01, 10.0, log=True),
    }


SPACES: Mapping[str, Space] = {"mlp-tuned": _network, "xgboost": _trees, "xgboost-physics": _trees}
"""What is searched, by model."""

LENGTHS: Mapping[str, tuple[str, tuple[int, ...]]] = {
    "mlp-tuned": ("most_updates", (5000, 20_000, 75_000)),
    "xgboost": ("rounds", (100, 300, 1000)),
    "xgboost-physics": ("rounds", (100, 300, 1000)),
}
"""The setting that says how long a model trains, and the lengths that are tried, by model."""

_FIRST: Mapping[str, dict[str, Any]] = {
    "mlp-tuned": {"layers": "paper", "learning_rate": 0.001, "weight_decay": 1e-6, "batch": 1200},
    "xgboost": {"learning_rate": 0.1, "max_depth": 8, "min_child_weight": 5.0, "subsample": 0.7, "reg_lambda": 1.0},
}
"""Where the search begins: the settings as printed or usual; it ends with none worse on validation."""
_GO_ON = 3
"""One trial of so many goes on to the next length."""


def tune(
    train: Dataset,
    name: str,
    *,
    trials: int = TRIALS,
    seed: int = 0,
    progress: bool = False,
    lengths: Sequence[int] | None = None,
    **options: Any,
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
    lengths : sequence of int, optional
        Instead of those of `LENGTHS`.
    **options
        As of `ljmix.models.registry.make_model`.

    Returns
    -------
    dict
        `settings`, `validation_error` (median over curves), `trials`, `went_on` (how many trials reached each length),
        `seed`.

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
    length, usual = LENGTHS[name]
    steps = tuple(lengths or usual)
    went_on = [0] * len(steps)
    # Without early stopping: the lengths say where training ends.
    options = {"plateau": EPOCHS} | options
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    pruner = optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=_GO_ON)
    study = optuna.create_study(direction="minimize", sampler=optuna.samplers.TPESampler(seed=seed), pruner=pruner)
    study.enqueue_trial(_FIRST[name if name in _FIRST else "xgboost"])

    def score(trial: optuna.Trial) -> float:
        settings, least = SPACES[name](trial), np.inf
        for step, most in enumerate(steps):
            tried = settings | {length: most}
            went_on[step] += 1
            error = median_error(splits, lambda tried=tried: make_model(name, seed, settings=tried, **options))  # type: ignore[misc]
            if error < least:
                least = error
                trial.set_user_attr("settings", tried)
            # Resources of the pruner are counted in powers of its factor.
            trial.report(error, _GO_ON**step)
            if step + 1 < len(steps) and trial.should_prune():
                raise optuna.TrialPruned
        return float(least)

    study.optimize(score, n_trials=trials, show_progress_bar=progress)
    best = study.best_trial
    return {
        "settings": best.user_attrs["settings"], "validation_error": round(float(study.best_value), 4),
        "trials": trials, "went_on": went_on, "seed": seed,
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
