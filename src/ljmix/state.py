"""State points of a binary Lennard-Jones mixture, and what follows from them."""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from numbers import Real
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

__all__ = [
    "COMPOSITION", "CUTOFF", "DILUTE", "PAIRS", "PAPER_GRID", "PARAMETERS", "TEST_TEMPERATURES", "TRAIN_TEMPERATURES",
    "StatePoint", "as_simulated", "grid", "simulated_fractions", "state_points",
]  # fmt: skip

PAIRS = ("AA", "AB", "BB")
COMPOSITION = ("fraction_b", "size_ratio", "epsilon_ab")
"""What a mixture is, apart from its temperature."""
PARAMETERS = ("temperature", *COMPOSITION)
"""The four numbers of a state point that are varied, in the order of `StatePoint` and of its name."""
CUTOFF = 2.5
"""Cut-off of the pair potential in units of the pair's own diameter."""
DILUTE = 0.02
"""C_B up to which few B particles are in a box: their g_BB is noisy, and a single drop of them can weigh more than
all other curves together."""

PAPER_GRID: dict[str, tuple[float, ...]] = {
    "temperature": (0.6, 0.8, 1.0, 1.2, 1.4),
    "fraction_b": (0.01, 0.1, 0.2, 0.35, 0.5),
    "size_ratio": (0.5, 1.0, 1.5, 2.0),
    "epsilon_ab": (0.2, 0.4, 0.6, 0.8, 1.0),
}
"""The paper's grid as we read it.

The paper prints ranges and examples only. Its counts (900 training and 600 test curves, three a state
point, five temperatures) fix 100 compositions a temperature, 500 states in all; the values of `fraction_b`
between 0.01 and 0.5 and `size_ratio` = 1.0 are our reading.
"""

TRAIN_TEMPERATURES, TEST_TEMPERATURES = (0.8, 1.0, 1.2), (0.6, 1.4)
"""The paper's extrapolation task: temperatures that models learn from, and those that they are asked for."""


@dataclass(frozen=True, order=True)
class StatePoint:
    """One thermodynamic state of one mixture, in reduced units of species A.

    Parameters
    ----------
    temperature : float
        T* = k_B T / ε_AA, above 0.
    fraction_b : float
        Number fraction of B particles, from 0 to 1.
    size_ratio : float
        S = σ_BB / σ_AA, above 0.
    epsilon_ab : float
        Cross energy ε_AB / ε_AA, above 0.
    pressure : float
        P* = P σ_AA³ / ε_AA, at least 0.

    Raises
    ------
    ValueError
        If a value is not a finite number in its range.

    Notes
    -----
    Values are rounded to six decimals, so that 0.1 + 0.2 and 0.3 name the same state.
    """

    temperature: float
    fraction_b: float
    size_ratio: float
    epsilon_ab: float
    pressure: float = 1.0

    def __post_init__(self) -> None:
        for field in fields(self):
            object.__setattr__(self, field.name, round(_finite(field.name, getattr(self, field.name)), 6))
        for name in ("temperature", "size_ratio", "epsilon_ab"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} = {getattr(self, name):g}: must be above 0")
        if not 0 <= self.fraction_b <= 1:
            raise ValueError(f"fraction_b = {self.fraction_b:g}: must lie between 0 and 1")
        if self.pressure < 0:
            raise ValueError(f"pressure = {self.pressure:g}: must not be negative")

    @property
    def state_id(self) -> str:
        """Readable name, the key of every table: ``T0.6_C0.01_S1.5_E0.2_P1``."""
        values = zip("TCSEP", asdict(self).values(), strict=True)
        return "_".join(f"{letter}{value:.10g}" for letter, value in values)

    def sigma(self, pair: str) -> float:
        """Diameter σ_ij in σ_AA; unlike pairs by the arithmetic mean."""
        return {"AA": 1.0, "AB": (1.0 + self.size_ratio) / 2, "BB": self.size_ratio}[_known(pair)]

    def epsilon(self, pair: str) -> float:
        """Well depth ε_ij in ε_AA."""
        return {"AA": 1.0, "AB": self.epsilon_ab, "BB": 1.0}[_known(pair)]

    def cutoff(self, pair: str) -> float:
        """Distance r_c = 2.5 σ_ij, in σ_AA, where the potential is cut and shifted to zero."""
        return CUTOFF * self.sigma(pair)

    def seed(self, stage: str) -> int:
        """Seed of one stage (``"positions"``, ``"velocities"``, …): a 31-bit hash of state and stage."""
        digest = hashlib.sha256(f"{self.state_id}/{stage}".encode()).digest()
        return int.from_bytes(digest[:4], "big") >> 1

    def as_dict(self) -> dict[str, float]:
        """The five numbers by name."""
        return asdict(self)


def _known(pair: str) -> str:
    if not isinstance(pair, str) or pair not in PAIRS:
        raise ValueError(f"pair = {repr(pair)[:60]} is unknown; choose one of {', '.join(PAIRS)}")
    return pair


def _finite(name: str, value: object) -> float:
    """Value as a float: a number of Python or NumPy, not a truth value, not infinite."""
    if type(value) is float and math.isfinite(value):
        return value  # the usual case, in a tenth of the time
    number = math.nan
    # NumPy's truth value is no Real; its other numbers are.
    if isinstance(value, Real) and not isinstance(value, bool):
        with suppress(OverflowError):
            number = float(value)
    if not math.isfinite(number):
        shown = " ".join((str if isinstance(value, Real) else repr)(value).split())
        raise ValueError(f"{name} = {shown[:60]} is not a finite number")
    return number


def grid(
    temperature: Iterable[float],
    fraction_b: Iterable[float],
    size_ratio: Iterable[float],
    epsilon_ab: Iterable[float],
    pressure: float = 1.0,
) -> list[StatePoint]:
    """Every combination of the given values, temperature slowest.

    Returns
    -------
    list of StatePoint

    Raises
    ------
    ValueError
        If a list is empty or a value is out of range.
    """
    axes = {
        "temperature": list(temperature),
        "fraction_b": list(fraction_b),
        "size_ratio": list(size_ratio),
        "epsilon_ab": list(epsilon_ab),
    }
    for name, values in axes.items():
        if not values:
            raise ValueError(f"grid: {name} is empty; give at least one value")
    return [StatePoint(t, c, s, e, pressure) for t, c, s, e in itertools.product(*axes.values())]


def state_points(states: pd.DataFrame) -> list[StatePoint]:
    """State points of the rows of a table, or of its columns by name; the pressure is 1 where it has none."""
    names = list(PARAMETERS)
    if "pressure" in states:
        names.append("pressure")
    import numpy as np  # later: a state point alone needs it not

    columns = [np.asarray(states[name], dtype=float).tolist() for name in names]
    return [StatePoint(*row) for row in zip(*columns, strict=True)]


def simulated_fractions(states: pd.DataFrame) -> npt.NDArray[np.float64]:
    """Share of B among the particles as simulated, N_B / N, where the table tells it; else C_B.

    A box holds whole particles, so that the two differ by up to 1 / 2N. Models and theory are told the first; the
    second names a composition. Version 1 of the dataset does not tell it, nor do states that nobody has simulated.

    Returns
    -------
    (n_states,) array
    """
    import numpy as np

    return np.asarray(as_simulated(states)["fraction_b"], dtype=float)


def as_simulated(states: pd.DataFrame) -> pd.DataFrame:
    """Table of states whose `fraction_b` is that of `simulated_fractions`; the same table where it tells none."""
    if "simulated_fraction_b" not in states:
        return states
    simulated = states["simulated_fraction_b"].astype(float).fillna(states["fraction_b"])
    return states.assign(fraction_b=simulated).drop(columns="simulated_fraction_b")
