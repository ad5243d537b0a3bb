"""How long an answer takes, in time of the processor: one state and many, theory solved and emulated."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import qmc

from ljmix._util.checks import require_int
from ljmix._util.threads import cpu_seconds
from ljmix.state import PARAMETERS
from ljmix.surrogate.surrogate import Answer, Surrogate

__all__ = ["measure_latency"]

_ONE = 15
"""Single states that are asked for."""
_WARM = 2


def measure_latency(surrogate: Surrogate, many: int = 1000, seed: int = 0) -> dict[str, Any]:
    """Time answers to states that nobody has asked for, so that no cache knows them.

    Parameters
    ----------
    surrogate : Surrogate
        With an emulator.
    many : int
        States asked for at once.
    seed : int
        Of the draw over the box of the simulated states.

    Returns
    -------
    dict
        `exact` and `emulated`: `one_ms` (median over single states), `one_ms_worst`, `many` (how many), `thousand_s`
        (for a thousand, at the rate of those many);
        `emulation`: `solutions` (rms and worst error of g of liquids that test the emulator), and of the many states
        that both answer on one branch: `states`, `rms`, `worst`, `median` (over curves of the rms error).

    Raises
    ------
    ValueError
        If there is no emulator, or `many` is below 1.
    """
    many = require_int("many", many, 1)
    if surrogate.emulator is None:
        raise ValueError("this surrogate has no emulator; `emulate()` fits one")
    drawn = _draw(surrogate.states, 2 * (many + _ONE + _WARM), seed)
    answer: dict[str, Any] = {}
    said: dict[str, Answer] = {}
    for name, exact in (("exact", True), ("emulated", False)):
        # Caches of the equation of state and of theory do not know these: each state is asked for once in either way.
        mine = drawn.iloc[(0 if exact else 1) :: 2].reset_index(drop=True)
        one = [
            cpu_seconds(lambda k=k: surrogate.predict(mine.iloc[[k]], exact=exact))  # type: ignore[misc]  # noqa: B023
            for k in range(_ONE + _WARM)
        ][_WARM:]
        rest = mine.iloc[_ONE + _WARM :]
        seconds = cpu_seconds(lambda: said.update({name: surrogate.predict(rest, exact=exact)}))  # noqa: B023
        answer[name] = {
            "one_ms": 1000 * float(np.median(one)), "one_ms_worst": 1000 * max(one),
            "many": len(rest), "thousand_s": 1000 * seconds / len(rest),
        }  # fmt: skip
    return answer | {"emulation": _compare(surrogate, said["exact"])}


def _draw(states: pd.DataFrame, n: int, seed: int) -> pd.DataFrame:
    values = states[list(PARAMETERS)].to_numpy(dtype=float)
    power = int(np.ceil(np.log2(n)))
    unit = qmc.Sobol(len(PARAMETERS), scramble=True, seed=np.random.default_rng(seed)).random_base2(power)[:n]
    low, high = values.min(axis=0), values.max(axis=0)
    return pd.DataFrame(low + (high - low) * unit, columns=list(PARAMETERS)).round(4)


def _compare(surrogate: Surrogate, exact: Answer) -> dict[str, Any]:
    """Emulated against exact curves of the same states."""
    emulator = surrogate.emulator
    assert emulator is not None
    fast = surrogate.predict(exact.states, exact=False)
    same = (fast.phase == exact.phase) & np.isfinite(exact.g).all(axis=(1, 2)) & np.isfinite(fast.g).all(axis=(1, 2))
    answer: dict[str, Any] = {"solutions": {"rms": emulator.error, "worst": emulator.worst}, "states": int(same.sum())}
    if same.any():
        off = fast.g[same] - exact.g[same]
        each = np.sqrt((off**2).mean(axis=2))
        answer |= {"rms": float(np.sqrt((off**2).mean())), "worst": float(np.abs(off).max())}
        answer |= {"median": float(np.median(each))}
    return answer
