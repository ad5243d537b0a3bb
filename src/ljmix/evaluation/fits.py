"""Fit models to one training set; those that are made of one another learn once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import pandas as pd

from ljmix._util.threads import cpu_seconds
from ljmix.data.dataset import Dataset
from ljmix.evaluation.contestants import make_contestant
from ljmix.evaluation.parallel import run_in_parallel
from ljmix.evaluation.refits import Fit, Refits
from ljmix.models.processes.gaussian_process import CurveProcess, slope_states
from ljmix.models.theory import (
    Solutions,
    clear_solution_cache,
    expected_log_cavity,
    known_solutions,
    remember_solutions,
)
from ljmix.models.theory_guided import TheoryGuided
from ljmix.theory.liquid import clear_theory_cache

__all__ = ["fit_group", "group_names", "solve_theory"]

_WHOLE = "theory-guided"
_ONE_LIQUID, _TWO_LIQUIDS = "theory-difference", "gaussian-process"
"""The model that two others make, and these: one on the residual of theory, and one that knows of two liquids."""
_PARTS = 20
"""Jobs into which the states are parted that theory is solved for."""


def group_names(names: Sequence[str]) -> list[tuple[str, ...]]:
    """Names of models, those together that share what they learn.

    The theory-guided model consists of the other two processes, and solving the equations of theory is what takes
    longest: alone, each of the three would do again what another has done.
    """
    if _WHOLE not in names:
        return [(name,) for name in names]
    shared = tuple(name for name in names if name in (_WHOLE, _ONE_LIQUID, _TWO_LIQUIDS))
    groups = [shared if name in shared else (name,) for name in names]
    return list(dict.fromkeys(groups))


def fit_group(
    group: Sequence[str],
    train: Dataset,
    seed: int,
    options: Mapping[str, Any],
    *,
    task: str = "",
    refits: Refits | None = None,
    timed: bool = False,
) -> dict[str, Fit]:
    """Fit the models of a group.

    Parameters
    ----------
    group : sequence of str
        One of `group_names`.
    train : Dataset
    seed : int
    options : mapping
        Of `ljmix.evaluation.contestants.make_contestant`.
    task : str
        By which `refits` knows the fit.
    refits : Refits, optional
        What is taken from the shipped fits; nothing unless given.
    timed : bool
        Measure the CPU time. What a fit solves belongs to it, so that nothing is remembered from fits before.

    Returns
    -------
    dict of Fit
        By name.
    """

    def fit(name: str) -> Fit:
        model = make_contestant(name, seed, **options)
        taken = refits.take_network(task, model, seed) if refits else None
        if taken is not None:
            return taken
        if not timed:
            return Fit(model.fit(train))
        before = known_solutions()
        clear_solution_cache()
        clear_theory_cache()
        seconds = cpu_seconds(lambda: model.fit(train))
        remember_solutions(before)
        return Fit(model, seconds=seconds)

    if _WHOLE not in group:
        return {name: fit(name) for name in group}
    # The one that solves equations comes last: clearing caches for another's time would lose what it solved.
    found = {name: fit(name) for name in (_TWO_LIQUIDS, _ONE_LIQUID)}
    whole = cast(TheoryGuided, make_contestant(_WHOLE, seed, **options))
    whole.join(*(cast(CurveProcess, found[name].model) for name in (_ONE_LIQUID, _TWO_LIQUIDS)))
    # Learning it alone would take the time of both.
    found[_WHOLE] = Fit(whole, seconds=sum(fit.seconds or 0.0 for fit in found.values()) if timed else None)
    return {name: found[name] for name in group}


def solve_theory(dataset: Dataset, known: Solutions, workers: int, progress: bool) -> Solutions:
    """Solve the equations of theory for all that models may ask of the states of a dataset, each once.

    Parameters
    ----------
    dataset : Dataset
    known : dict
        What is solved already.
    workers : int
        Processes side by side; -1 for one a core.
    progress : bool
        Show a bar.

    Returns
    -------
    dict
        What is known, and the rest: `ljmix.models.theory.remember_solutions` takes it in any process.
    """
    r, _ = dataset.curve_array()
    asked = pd.concat(slope_states(dataset.states), ignore_index=True)

    def solve(part: pd.DataFrame) -> Solutions:
        remember_solutions(known)
        expected_log_cavity(part, r)
        return {key: curves for key, curves in known_solutions().items() if key not in known}

    # Neighbours in the table are alike, and so is what they cost.
    parts = [(asked.iloc[k::_PARTS],) for k in range(min(_PARTS, len(asked)))]
    solved = dict(known)
    for found in run_in_parallel(solve, parts, "theory", workers, progress):
        solved.update(found)
    return solved
