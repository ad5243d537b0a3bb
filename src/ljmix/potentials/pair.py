"""Pair potentials of any shape: evaluated here, and run by LAMMPS and HOOMD-blue from tables."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
from scipy.interpolate import BSpline

from ljmix._util.arrays import FloatArray
from ljmix._util.atomic import write_text
from ljmix.potentials.frames import Frame, find_pairs
from ljmix.simulation.engine import Engine, load_engine
from ljmix.state import PAIRS

__all__ = ["PairFunction", "PairPotential", "Potential"]

_POINTS = 5000
"""Points of HOOMD-blue's tables, equally spaced in r, between which it interpolates.

The energy of a pair is then off by u'' h²/8 with h = 2.1 σ/5000 and u'' of some 400 where pairs meet: 1e-5 ε."""
_SQUARED_POINTS = 1500
"""Points of LAMMPS' tables, equally spaced in r². Few, so that they stay in the processor's nearest cache.

On the shipped test frames this costs 0.001 ε/σ of force (r.m.s.), 2e-6 ε of energy a particle and 1e-5 of pressure."""
_INNERMOST = 0.4
"""Where tables begin, σ_ij. LAMMPS stops with an error where a pair comes closer, HOOMD-blue would feel nothing there:
at 0.4 σ the wall is as high as 10⁵ ε."""
_EXPONENTS = (8.0, 20.0)
"""Range of n in the wall a + b/rⁿ."""


class Potential(Protocol):
    """What every fitter returns."""

    @property
    def key(self) -> str:
        """Name that changes with any of its numbers."""
        ...

    def engine(self, name: str = "auto", device: str = "auto") -> Engine:
        """Engine that runs it, wherever `ljmix.simulate` takes one."""
        ...

    def evaluate(self, frame: Frame) -> Frame:
        """Frame with the forces, energy and virial of this potential."""
        ...


@dataclass(frozen=True)
class PairFunction:
    """One u(r): a cubic spline between a wall and a cut-off.

    Below `wall`, where hardly a pair was seen, it goes on as a + b/rⁿ with the spline's value, slope and curvature
    there (n between 8 and 20, whatever the curvature). Pairs come a little closer in every longer run, so that most
    of a force error on new frames is made here.

    Attributes
    ----------
    spline : scipy.interpolate.BSpline
        u(r), ε_AA.
    wall, cutoff : float
        σ_AA.

    Raises
    ------
    ValueError
        If the spline attracts at the wall: particles would fall through it.
    """

    spline: BSpline
    wall: float
    cutoff: float

    def __post_init__(self) -> None:
        if not self._push > 0:
            raise ValueError(
                f"the pair attracts at its closest distance seen, r = {self.wall:.3f}; frames with closer pairs are "
                "needed"
            )

    @cached_property
    def _derivative(self) -> BSpline:
        return self.spline.derivative()

    @cached_property
    def _push(self) -> float:
        return -float(self._derivative(self.wall))

    @cached_property
    def _exponent(self) -> float:
        curvature = float(self.spline.derivative(2)(self.wall))
        return float(np.clip(curvature * self.wall / self._push - 1, *_EXPONENTS))

    def __call__(self, r: FloatArray) -> FloatArray:
        """Energy of a pair at distance r, ε_AA; zero from the cut-off on."""
        inside = np.clip(r, self.wall, self.cutoff)
        values = np.asarray(self.spline(inside), dtype=float)
        n = self._exponent
        rise = self._push * self.wall / n * ((self.wall / np.minimum(r, self.wall)) ** n - 1)
        energy: FloatArray = np.where(r < self.cutoff, values + rise, 0.0)
        return energy

    def slope(self, r: FloatArray) -> FloatArray:
        """Derivative du/dr, ε_AA/σ_AA; zero from the cut-off on."""
        inside = np.clip(r, self.wall, self.cutoff)
        values = np.asarray(self._derivative(inside), dtype=float)
        steep = -self._push * (self.wall / np.minimum(r, self.wall)) ** (self._exponent + 1)
        slope: FloatArray = np.where(r < self.wall, steep, np.where(r < self.cutoff, values, 0.0))
        return slope

    def shifted(self) -> PairFunction:
        """Return the same function with a constant that makes it zero at the cut-off."""
        at_end = float(self.spline(self.cutoff))
        return replace(self, spline=BSpline(self.spline.t, self.spline.c - at_end, self.spline.k))


@dataclass(frozen=True)
class PairPotential:
    """A pair potential of a binary mixture: three functions, and what engines make of them.

    Attributes
    ----------
    functions : mapping
        A `PairFunction` for each of AA, AB and BB.
    """

    functions: Mapping[str, PairFunction]

    @property
    def key(self) -> str:
        """Name that changes with any of its numbers."""
        numbers = [np.concatenate([f.spline.t, f.spline.c, [f.wall, f.cutoff]]) for f in self._in_order()]
        return f"pair-{hashlib.sha256(np.concatenate(numbers).tobytes()).hexdigest()[:8]}"

    @property
    def cutoffs(self) -> dict[str, float]:
        """Cut-off of each pair, σ_AA."""
        return {pair: self.functions[pair].cutoff for pair in PAIRS}

    def _in_order(self) -> list[PairFunction]:
        return [self.functions[pair] for pair in PAIRS]

    def engine(self, name: str = "auto", device: str = "auto") -> Engine:
        """Engine that runs it, wherever `ljmix.simulate` takes one; see `ljmix.simulation.engine.load_engine`."""
        return load_engine(name, device, self)

    def evaluate(self, frame: Frame) -> Frame:
        """Frame with the forces, energy and virial of this potential.

        Raises
        ------
        ValueError
            If the box is too small for its cut-offs.
        """
        forces, energy, virial = np.zeros_like(frame.positions), 0.0, 0.0
        for pair, pairs in find_pairs(frame, self.cutoffs).items():
            function = self.functions[pair]
            slope = function.slope(pairs.distance)
            push = -slope[:, None] * pairs.direction
            for axis in range(3):
                forces[:, axis] += np.bincount(pairs.first, push[:, axis], frame.n_particles)
                forces[:, axis] -= np.bincount(pairs.second, push[:, axis], frame.n_particles)
            energy += float(function(pairs.distance).sum())
            virial -= float(slope @ pairs.distance)
        return replace(frame, forces=forces, energy=energy, virial=virial)

    def table(self, n_points: int = _POINTS) -> pd.DataFrame:
        """Return the three functions as numbers.

        Returns
        -------
        pandas.DataFrame
            Columns `pair`, `r` (σ_AA), `u` (ε_AA) and `f` = -du/dr (ε_AA/σ_AA), equally spaced up to the cut-off.
        """
        parts = []
        for pair in PAIRS:
            function = self.functions[pair]
            r = np.linspace(_INNERMOST * function.cutoff / 2.5, function.cutoff, n_points)
            # At the cut-off itself the values just inside: an engine's own cut-off decides.
            inside = np.minimum(r, function.cutoff * (1 - 1e-12))
            parts.append(pd.DataFrame({"pair": pair, "r": r, "u": function(inside), "f": -function.slope(inside)}))
        return pd.concat(parts, ignore_index=True)

    def write_lammps(self, path: Path, n_points: int = _SQUARED_POINTS) -> None:
        """Write the file of ``pair_style table linear``, for as many points; its sections are AA, AB and BB.

        Straight lines between points lie above a function that is curved upwards, by an eighth of the second difference
        in the middle and a twelfth on average. Each value is lowered by that twelfth, so that what is left has no sign.

        Parameters
        ----------
        path : Path
        n_points : int
            Of each pair, equally spaced in r² as LAMMPS keeps them: it takes them as they are, if asked for as many.
        """
        write_text(path, self._format_lammps(n_points))

    def _format_lammps(self, n_points: int) -> str:
        lines = ["# pair potential, units lj"]
        for pair in PAIRS:
            function = self.functions[pair]
            # Ends as LAMMPS will read them: it keeps the points if the last is at the cut-off to the last bit.
            low, high = (float(f"{r:.15g}") for r in (_INNERMOST * function.cutoff / 2.5, function.cutoff))
            r = np.sqrt(np.linspace(low**2, high**2, n_points))
            inside = np.minimum(r, high * (1 - 1e-12))
            # LAMMPS interpolates u and f/r.
            u, f_over_r = function(inside), -function.slope(inside) / r
            for values in (u, f_over_r):
                values[1:-1] -= np.diff(values, 2) / 12
            lines += [f"\n{pair}", f"N {n_points} RSQ {low:.15g} {high:.15g}", ""]
            lines += [
                f"{k} {x:.15g} {y:.15g} {z:.15g}" for k, (x, y, z) in enumerate(zip(r, u, f_over_r * r, strict=True), 1)
            ]
        return "\n".join(lines) + "\n"

    @cached_property
    def _lammps_text(self) -> str:
        """The default table: every segment of a run needs its file, and formatting it takes as long as three starts."""
        return self._format_lammps(_SQUARED_POINTS)

    def lammps_commands(self, folder: Path) -> list[str]:
        """Commands of ``pair_style table/omp``, with their file in `folder`."""
        path = folder / f"{self.key}.table"
        write_text(path, self._lammps_text)
        # The version for threads, on one thread: a tenth faster than the plain one.
        commands = [f"pair_style table/omp linear {_SQUARED_POINTS}"]
        for pair, types in zip(PAIRS, ("1 1", "1 2", "2 2"), strict=True):
            commands.append(f"pair_coeff {types} {path} {pair} {self.functions[pair].cutoff:.15g}")
        return commands

    def hoomd_force(self, hoomd: Any, neighbours: Any) -> Any:
        """Return the force ``hoomd.md.pair.Table`` on a neighbour list."""
        force = hoomd.md.pair.Table(nlist=neighbours)
        # HOOMD-blue interpolates in points r_min + k (r_cut - r_min)/n, and leaves the cut-off itself out.
        for pair, rows in self.table(_POINTS + 1).groupby("pair"):
            r, u, f = (rows[name].to_numpy()[:-1] for name in ("r", "u", "f"))
            force.params[tuple(pair)] = {"r_min": r[0], "U": u, "F": f}
            force.r_cut[tuple(pair)] = self.functions[pair].cutoff
        return force
