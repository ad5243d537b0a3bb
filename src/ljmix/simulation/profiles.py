"""How much to run: `smoke`, `quick`, `reference`, `equilibrium` and `paper`, read from commented TOML files."""

from __future__ import annotations

import math
import tomllib
from dataclasses import asdict, dataclass, fields, replace
from importlib import resources
from numbers import Integral, Real
from typing import Any

from ljmix._util.checks import shorten
from ljmix.state import StatePoint, grid

__all__ = ["PROFILES", "Profile", "load_profile"]

PROFILES = ("smoke", "quick", "reference", "equilibrium", "paper")

_MINIMUM = {
    "box_edge": 0, "n_particles": 0, "min_particles_b": 2, "number_density": 0, "steps_equilibration": 0,
    "steps_production": 1, "steps_production_slow": 1, "steps_max": 1, "segment_steps": 1, "frame_interval": 1,
    "trajectory_interval": 1, "peak_error": 0, "peak_error_dilute": 0, "r_max": 0, "bin_width": 0,
    "max_pairs_per_particle": 1, "replica": 0, "seeds": 1, "independent_samples": 0,
}  # fmt: skip


@dataclass(frozen=True)
class Profile:
    """One size of the compendium; the comment on each field is in ``profiles/<name>.toml``.

    Lengths are in σ_AA, durations in time steps of 0.005 τ.

    Raises
    ------
    ValueError
        If a field has the wrong type, lies out of range or contradicts another.
    """

    name: str
    box_edge: float
    n_particles: int
    min_particles_b: int
    number_density: float
    steps_equilibration: int
    steps_production: int
    steps_production_slow: int
    steps_max: int
    segment_steps: int
    frame_interval: int
    trajectory_interval: int
    peak_error: float
    peak_error_dilute: float
    independent_samples: int
    separated_start: bool
    equilibrate: bool
    replica: int
    r_max: float
    bin_width: float
    max_pairs_per_particle: int
    temperature: tuple[float, ...]
    fraction_b: tuple[float, ...]
    size_ratio: tuple[float, ...]
    epsilon_ab: tuple[float, ...]
    seeds: int

    def __post_init__(self) -> None:
        for field in fields(self):
            self._check_type(field.name, str(field.type))
        for name, low in _MINIMUM.items():
            if getattr(self, name) < low:
                raise ValueError(f"profile {self.name}: {name} = {getattr(self, name)}: must be at least {low}")
        if not (self.n_particles or self.box_edge):
            raise ValueError(f"profile {self.name}: box_edge and n_particles are both 0; set at least one")
        for name, divisor in (
            ("segment_steps", "frame_interval"), ("segment_steps", "trajectory_interval"),
            ("trajectory_interval", "frame_interval"), ("steps_equilibration", "frame_interval"),
        ):  # fmt: skip
            if getattr(self, name) % getattr(self, divisor):
                raise ValueError(
                    f"profile {self.name}: {name} = {getattr(self, name)}: must be a multiple of "
                    f"{divisor} = {getattr(self, divisor)}"
                )
        if self.steps_max < self.steps_equilibration + self.steps_production:
            raise ValueError(
                f"profile {self.name}: steps_max = {self.steps_max}: must be at least steps_equilibration + "
                f"steps_production = {self.steps_equilibration + self.steps_production}"
            )
        if self.bin_width <= 0 or abs(self.r_max / self.bin_width - self.n_bins) > 1e-6 or self.n_bins < 1:
            raise ValueError(
                f"profile {self.name}: r_max = {self.r_max:g}: must be a whole number of bins of "
                f"bin_width = {self.bin_width:g}"
            )
        self.states()

    def _check_type(self, name: str, declared: str) -> None:
        value = getattr(self, name)
        if declared == "tuple[float, ...]" and isinstance(value, (list, tuple)):
            object.__setattr__(self, name, tuple(value))
            return
        # Numbers of NumPy are as good as Python's, and a truth value is none.
        if declared == "float" and isinstance(value, Real) and not isinstance(value, bool):
            try:
                value = float(value)
            except OverflowError:
                raise ValueError(f"profile {self.name}: {name} is too large for a number") from None
            object.__setattr__(self, name, value)
        elif declared == "int" and isinstance(value, Integral) and not isinstance(value, bool):
            value = int(value)
            object.__setattr__(self, name, value)
        if type(value).__name__ != declared:
            raise ValueError(f"profile {self.name}: {name} = {shorten(value)}: must be of type {declared}")
        # No comparison with a limit would find NaN.
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"profile {self.name}: {name} = {value}: must be finite")

    @property
    def n_bins(self) -> int:
        """Number of bins of a radial distribution function."""
        return round(self.r_max / self.bin_width)

    @property
    def most_segments(self) -> int:
        """Number of segments of a run at the cap."""
        return -(-self.steps_max // self.segment_steps)

    def as_dict(self) -> dict[str, Any]:
        """Fields by name, with lists for tuples, so that they compare equal before and after a file."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    def states(self) -> list[StatePoint]:
        """Return the state points of the profile's grid, one composition after the other.

        Compositions come in a fixed random order, so that the finished part of a campaign is a fair sample
        that has every temperature.
        """
        states = grid(self.temperature, self.fraction_b, self.size_ratio, self.epsilon_ab)
        return sorted(states, key=lambda state: (replace(state, temperature=1.0).seed("order"), state))


def load_profile(name: str, **changes: Any) -> Profile:
    """Read a profile by name, with single fields changed.

    Parameters
    ----------
    name : {"smoke", "quick", "reference", "equilibrium", "paper"}
    **changes
        Fields of `Profile` that take another value than in the file.

    Raises
    ------
    ValueError
        If the name or a field is unknown, or a value is not allowed.
    """
    if not isinstance(name, str) or name not in PROFILES:
        raise ValueError(f"profile {shorten(name)} is unknown; choose one of {', '.join(PROFILES)}")
    text = resources.files("ljmix.simulation").joinpath("profiles", f"{name}.toml").read_text(encoding="utf-8")
    known = {field.name for field in fields(Profile)} - {"name"}
    unknown = sorted(set(changes) - known)
    if unknown:
        raise ValueError(
            f"profile {name}: no field named {', '.join(map(shorten, unknown))}; fields are {', '.join(sorted(known))}"
        )
    return Profile(name=name, **(tomllib.loads(text) | changes))
