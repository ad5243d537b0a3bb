"""The table of aims: what was measured beside what was hoped for, and whether it was met."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ljmix._util.markdown import markdown_table

__all__ = ["AIMS", "Aim", "format_targets", "tabulate_targets"]


@dataclass(frozen=True)
class Aim:
    """One number and its aim.

    Attributes
    ----------
    label : str
    place : tuple of str
        Keys that lead to the number in the results; one that is missing has not been measured.
    low, high : float
        The aim; None where it has no such end.
    interval : (str, str)
        Keys, beside the last of `place`, of the ends of its interval; empty where it has none.
    """

    label: str
    place: tuple[str, ...]
    low: float | None = None
    high: float | None = None
    interval: tuple[str, str] = ("", "")


def _curves(task: str, group: str, label: str, low: float) -> Aim:
    return Aim(f"{label}, R²", (task, "curves", group, "r2"), low=low, interval=("r2_low", "r2_high"))


_OFF = ("off-grid", "closed")
AIMS = (
    _curves("unseen-size-ratio", "mixed, converged", "unseen S, mixed and converged", 0.996),
    _curves("unseen-size-ratio", "all", "unseen S, all states", 0.80),
    _curves("extrapolation", "all", "unseen temperatures, all states", 0.92),
    _curves("extrapolation", "starts agree", "unseen temperatures, starts agree", 0.98),
    Aim("off grid, closed half, mixed, R²", (*_OFF, "curves", "mixed, converged", "r2"), low=0.9985),
    Aim("off grid, closed half, mixed, worst state", (*_OFF, "curves", "mixed, converged", "worst_r2"), low=0.99),
    Aim("off grid, closed half, others, R²", (*_OFF, "curves", "not mixed or not converged", "r2"), low=0.92),
    Aim("density off grid, rms", (*_OFF, "density", "rms"), high=0.005),
    Aim(
        "phase, unseen S, starts agree", ("unseen-size-ratio", "phase", "starts agree", "accuracy"), low=0.975,
        interval=("accuracy_low", "accuracy_high"),
    ),
    Aim("… Brier score", ("unseen-size-ratio", "phase", "starts agree", "brier"), high=0.03),
    Aim(
        "90 % band in range, whole mixed states: chance of what it held",
        ("bands", "kinds", "composition", "mixed", "chance"), low=0.05,
    ),
    Aim("… share held", ("bands", "kinds", "composition", "mixed", "covered"), interval=("low", "high")),
    Aim("… worst left-out group", ("bands", "groups", "0", "covered"), low=0.80, interval=("low", "high")),
    Aim(
        "inverse, 95 % interval", ("inverse", "together", "coverage", "0.95", "covered"), low=0.90, high=0.98,
        interval=("low", "high"),
    ),
    Aim("one state, exact, ms", ("latency", "exact", "one_ms"), high=100),
    Aim("1000 states, exact, s", ("latency", "exact", "thousand_s"), high=60),
    Aim("one state, emulated, ms", ("latency", "emulated", "one_ms"), high=2),
    Aim("1000 states, emulated, s", ("latency", "emulated", "thousand_s"), high=1),
    Aim("… rms error of g by emulation, one liquid", ("latency", "emulation", "mixed", "all", "rms")),
    Aim("… in units of half the 90 % band, one liquid", ("latency", "emulation", "mixed", "all", "of_band")),
    Aim("… two liquids", ("latency", "emulation", "demixed", "all", "of_band")),
)  # fmt: skip
"""Aims that were set before the code was written."""


def tabulate_targets(measures: Mapping[str, Any], aims: Sequence[Aim] = AIMS) -> list[dict[str, Any]]:
    """Each aim with what was measured.

    Parameters
    ----------
    measures : mapping
        Results by measure.
    aims : sequence of Aim

    Returns
    -------
    list of dict
        `label`, `value`, `low`, `high` (of its 95 % interval), `aim` (in words), `met`: None where there is no aim or
        nothing was measured.
    """
    rows = []
    for aim in aims:
        value = _follow(measures, aim.place)
        ends = [_follow(measures, (*aim.place[:-1], key)) if key else None for key in aim.interval]
        met = None
        if value is not None and (aim.low is not None or aim.high is not None):
            met = (aim.low is None or value >= aim.low) and (aim.high is None or value <= aim.high)
        rows.append({"label": aim.label, "value": value, "low": ends[0], "high": ends[1], "aim": _words(aim),
                     "met": met})  # fmt: skip
    return rows


def format_targets(rows: Sequence[Mapping[str, Any]]) -> str:
    """Write the table in Markdown."""
    said = {True: "yes", False: "**no**", None: ""}
    lines = []
    for row in rows:
        value = "not measured" if row["value"] is None else f"{row['value']:.4g}"
        if row["low"] is not None and row["high"] is not None:
            value += f" ({row['low']:.4g} … {row['high']:.4g})"
        lines.append([row["label"], value, row["aim"], said[row["met"]]])
    return markdown_table(["measure", "measured (95 % interval)", "aim", "met"], lines)


def _follow(found: Any, place: Sequence[str]) -> Any:
    for key in place:
        if isinstance(found, Mapping) and key in found:
            found = found[key]
        elif isinstance(found, Sequence) and not isinstance(found, str) and key.isdigit() and int(key) < len(found):
            found = found[int(key)]
        else:
            return None
    return found


def _words(aim: Aim) -> str:
    if aim.low is not None and aim.high is not None:
        return f"{aim.low:g} to {aim.high:g}"
    if aim.low is not None:
        return f"at least {aim.low:g}"
    return "" if aim.high is None else f"at most {aim.high:g}"
