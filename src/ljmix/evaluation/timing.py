"""How long models take: to learn a hundred curves, to predict one state, and to predict a thousand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ljmix._util.threads import cpu_seconds
from ljmix.data.dataset import Dataset
from ljmix.evaluation.scaling import draw_training_states
from ljmix.models.base import Model
from ljmix.models.registry import make_model
from ljmix.models.theory import clear_solution_cache
from ljmix.state import PAIRS

__all__ = ["measure_speed"]

_CURVES = 100
_MANY = 1000
_REPEATS = 10


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
