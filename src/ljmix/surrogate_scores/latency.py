"""How long an answer takes, in time of the processor, theory solved and emulated; and what emulation costs in error."""

from __future__ import annotations

from typing import Any

import numpy as np

from ljmix._util.arrays import FloatArray
from ljmix._util.checks import require_int
from ljmix._util.threads import cpu_seconds
from ljmix.state import StatePoint
from ljmix.surrogate.bands import BRANCHES, band_width
from ljmix.surrogate.learned.branches import OPEN, draw_states, state_numbers
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
        `emulation`: `mixed` and `demixed`, each with `all` and, of states where the phase is open, `open`: `states`
        (with both answers), `rms` and `worst` (error of g), `of_band` and `of_band_worst` (rms and worst in units of
        half the width of the 90 % band there; None where there is none), and of the curves of one state `typical` (the
        median of their worst, in these units); `lost` and `new`: branches that only one of both answers gives.

    Raises
    ------
    ValueError
        If there is no emulator, or `many` is below 1.
    """
    many = require_int("many", many, 1)
    if surrogate.emulator is None:
        raise ValueError("this surrogate has no emulator; `emulate()` fits one")
    known = state_numbers(surrogate.states)[:, :4]
    drawn = draw_states(known.min(axis=0), known.max(axis=0), 2 * (many + _ONE + _WARM), seed)
    points = [StatePoint(*row) for row in drawn[: 2 * (many + _ONE + _WARM), :4].round(4).tolist()]
    answer: dict[str, Any] = {}
    said: dict[str, Answer] = {}
    for name, exact in (("exact", True), ("emulated", False)):
        # Caches of the equation of state and of theory do not know these: each state is asked for once in either way.
        mine = points[(0 if exact else 1) :: 2]
        one = [
            cpu_seconds(lambda k=k: surrogate.predict(mine[k], exact=exact))  # type: ignore[misc]  # noqa: B023
            for k in range(_ONE + _WARM)
        ][_WARM:]
        rest = mine[_ONE + _WARM :]
        seconds = cpu_seconds(lambda: said.update({name: surrogate.predict(rest, exact=exact)}))  # noqa: B023
        answer[name] = {
            "one_ms": 1000 * float(np.median(one)), "one_ms_worst": 1000 * max(one),
            "many": len(rest), "thousand_s": 1000 * seconds / len(rest),
        }  # fmt: skip
    return answer | {"emulation": _compare(surrogate, said["exact"])}


def _compare(surrogate: Surrogate, exact: Answer) -> dict[str, Any]:
    """Emulated against exact curves of the same states, branch by branch."""
    fast = surrogate.predict(exact.points, exact=False)
    unsure = (exact.demixing >= OPEN) & (exact.demixing <= 1 - OPEN)
    answer: dict[str, Any] = {}
    for k, branch in enumerate(BRANCHES):
        off, known = fast.prediction.g[k] - exact.prediction.g[k], exact.prediction.answered[k]
        both = known & fast.prediction.answered[k]
        half = _half_width(surrogate, branch, exact.prediction.g[k], exact.prediction.deviation[k])
        answer[branch] = {
            name: _errors(off[both & rows], None if half is None else half[both & rows])
            for name, rows in (("all", np.ones(len(both), dtype=bool)), ("open", unsure))
            if (both & rows).any()
        }
        answer[branch] |= {"lost": int((known & ~both).sum()), "new": int((fast.prediction.answered[k] & ~known).sum())}
    return answer


def _half_width(surrogate: Surrogate, branch: str, g: FloatArray, deviation: FloatArray) -> FloatArray | None:
    """Half the width of the 90 % band; None where there are too few left-out states for one."""
    if surrogate.bands is None:
        return None
    try:
        factor = surrogate.bands.factor(0.9, branch)
    except ValueError:
        return None
    return np.asarray(factor * band_width(g, deviation)) if np.isfinite(factor) else None


def _errors(off: FloatArray, half: FloatArray | None) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "states": len(off), "rms": float(np.sqrt((off**2).mean())), "worst": float(np.abs(off).max()),
        "of_band": None, "of_band_worst": None, "typical": None,
    }  # fmt: skip
    if half is not None:
        share = np.abs(off) / half
        answer |= {"of_band": float(np.sqrt((share**2).mean())), "of_band_worst": float(share.max())}
        answer |= {"typical": float(np.median(share.max(axis=(1, 2))))}
    return answer
