"""Pair potentials as penalised splines: a linear fit to forces, with error bars on u(r)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
import scipy.sparse as sp
from scipy.interpolate import BSpline

from ljmix._util.arrays import FloatArray
from ljmix.potentials.frames import Frame, Pairs, check_frames, find_pairs
from ljmix.potentials.linear import Moments, Solution, Weights, add_moments, solve
from ljmix.potentials.pair import PairFunction, PairPotential
from ljmix.state import CUTOFF, PAIRS

__all__ = ["PairSpline", "SplineBasis", "SplineMoments", "SplinePotential", "find_walls", "measure_frame"]

_DEGREE = 3
_FIRST = 0.7
"""First knot, σ_ij; no pair of a liquid comes so close."""
_LEAST = 3
"""Pairs that must have been seen closer than a distance for the spline to hold there; the wall begins below."""
_CONTACT = 2 ** (1 / 6)
"""Distance below which a pair must have been seen `_LEAST` times, σ_ij: the minimum of the Lennard-Jones potential."""


@dataclass(frozen=True)
class SplineBasis:
    """Cubic B-splines of the three pairs, zero at the cut-off; knots are denser where potentials are steeper.

    Parameters
    ----------
    size_ratio : float
        S; knots scale with σ_ij.
    spacing : float
        Distance between knots at r = 0.8 σ_ij, in σ_ij; it grows as r^1.5.
    reach : float
        Cut-off, σ_ij.
    one_body : bool
        Add an energy of each particle of A and of B, which has no force.
    """

    size_ratio: float
    spacing: float = 0.02
    reach: float = CUTOFF
    one_body: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.spacing < 0.5:
            raise ValueError(f"spacing = {self.spacing}: must lie between 0 and 0.5 σ_ij")
        if not self.reach > 1.2:
            raise ValueError(f"reach = {self.reach}: must be above 1.2 σ_ij")

    def sigma(self, pair: str) -> float:
        """Diameter σ_ij, σ_AA."""
        return {"AA": 1.0, "AB": (1 + self.size_ratio) / 2, "BB": self.size_ratio}[pair]

    @cached_property
    def scaled_knots(self) -> FloatArray:
        """Knots of every pair, in σ_ij."""
        x = np.linspace(_FIRST, self.reach, 20001)
        passed = np.concatenate([[0.0], np.cumsum(1 / (self.spacing * (x[1:] / 0.8) ** 1.5)) * (x[1] - x[0])])
        inner = np.interp(np.linspace(0, passed[-1], int(np.ceil(passed[-1])) + 1), passed, x)
        knots: FloatArray = np.concatenate([[_FIRST] * _DEGREE, inner, [self.reach] * _DEGREE])
        return knots

    def knots(self, pair: str) -> FloatArray:
        """Knots of a pair, σ_AA."""
        return self.scaled_knots * self.sigma(pair)

    @property
    def cutoffs(self) -> dict[str, float]:
        """Cut-off of each pair, σ_AA."""
        return {pair: self.reach * self.sigma(pair) for pair in PAIRS}

    @property
    def per_pair(self) -> int:
        """Coefficients of one pair: the last one, u at the cut-off, is zero and left out."""
        return len(self.scaled_knots) - _DEGREE - 2

    @property
    def size(self) -> int:
        """Number of coefficients of all pairs."""
        return 3 * self.per_pair + (2 if self.one_body else 0)

    def columns(self, pair: str) -> slice:
        """Where the coefficients of a pair stand."""
        first = PAIRS.index(pair) * self.per_pair
        return slice(first, first + self.per_pair)

    def values(self, pair: str, r: FloatArray) -> sp.csr_array:
        """Basis functions at distances, (n, per_pair)."""
        return BSpline.design_matrix(r, self.knots(pair), _DEGREE)[:, : self.per_pair]

    def slopes(self, pair: str, r: FloatArray) -> sp.csr_array:
        """Their derivatives."""
        knots = self.knots(pair)
        lower = BSpline.design_matrix(r, knots[1:-1], _DEGREE - 1)
        n = len(knots) - _DEGREE - 1
        # d B_i,k = k [B_i,k-1 / (t_i+k - t_i) - B_i+1,k-1 / (t_i+k+1 - t_i+1)]: differences of coefficients.
        span = _DEGREE / (knots[_DEGREE + 1 : _DEGREE + n] - knots[1:n])
        differences = sp.diags_array([-span, span], offsets=[0, 1], shape=(n - 1, n))
        return sp.csr_array(lower @ differences)[:, : self.per_pair]

    @cached_property
    def roughness(self) -> FloatArray:
        """Penalty c'Rc: squared third differences of the coefficients, less where potentials are steep."""
        n, total = self.per_pair, self.size
        third = np.diff(np.eye(n + 1), 3, axis=0)[:, :n]
        centres = np.convolve(self.scaled_knots[1:-1], np.ones(_DEGREE) / _DEGREE, "valid")[1:-2]
        third *= np.minimum(1.0, centres[: len(third)] ** 10)[:, None]
        r = 1e-9 * np.eye(total)
        for pair in PAIRS:
            r[self.columns(pair), self.columns(pair)] += third.T @ third
        return r


@dataclass(frozen=True)
class SplineMoments:
    """A frame in a spline basis: what `solve` needs, and its closest pairs.

    Attributes
    ----------
    moments : Moments
    closest : dict
        The three smallest distances of each pair, σ_AA.
    """

    moments: Moments
    closest: dict[str, FloatArray]


@dataclass(frozen=True)
class SplinePotential(PairPotential):
    """A fitted pair spline.

    Attributes
    ----------
    basis : SplineBasis
    solution : Solution
    """

    basis: SplineBasis = field(kw_only=True)
    solution: Solution = field(kw_only=True)

    def error_bars(self, r: FloatArray) -> pd.DataFrame:
        """Standard errors of u and of the force, from the covariance of the coefficients.

        They are those of independent errors; what the spline cannot bend to, or a force that is not of pairs, is in
        them only as the variance of the residuals.

        Parameters
        ----------
        r : (n,) array
            Distances, σ_AA; left out are those below a pair's wall or beyond its cut-off.

        Returns
        -------
        pandas.DataFrame
            Columns `pair`, `r`, `u`, `u_sem`, `f`, `f_sem`.
        """
        parts = []
        for pair in PAIRS:
            function, columns = self.functions[pair], self.basis.columns(pair)
            inside = r[(r >= function.wall) & (r < function.cutoff)]
            covariance = self.solution.covariance[columns, columns]
            sems = []
            for rows in (self.basis.values(pair, inside), self.basis.slopes(pair, inside)):
                dense = rows.toarray()
                sems.append(np.sqrt(np.maximum(0.0, np.einsum("ij,jk,ik->i", dense, covariance, dense))))
            values = {"u": function(inside), "u_sem": sems[0], "f": -function.slope(inside), "f_sem": sems[1]}
            parts.append(pd.DataFrame({"pair": pair, "r": inside, **values}))
        return pd.concat(parts, ignore_index=True)


@dataclass(frozen=True)
class PairSpline:
    """Fitter of pair splines: ``PairSpline().fit(frames)``.

    Parameters
    ----------
    weights : Weights
        By default forces alone.
    penalty : float, optional
        By default by cross-validation; see `ljmix.potentials.linear.solve`.
    spacing, reach, one_body
        See `SplineBasis`.
    """

    weights: Weights = field(default_factory=Weights)
    penalty: float | None = None
    spacing: float = 0.02
    reach: float = CUTOFF
    one_body: bool = False

    def fit(self, frames: Sequence[Frame]) -> SplinePotential:
        """Fit frames.

        Raises
        ------
        ValueError
            If there is no frame, a frame has no forces, a species is missing, frames are of different mixtures, or
            fewer than three pairs of a kind have been seen in contact.
        """
        check_frames(frames)
        basis = self.basis(frames[0].size_ratio)
        return self.fit_moments(basis, [measure_frame(basis, frame) for frame in frames])

    def basis(self, size_ratio: float) -> SplineBasis:
        """Basis for a mixture."""
        return SplineBasis(size_ratio, self.spacing, self.reach, self.one_body)

    def fit_moments(self, basis: SplineBasis, parts: Sequence[SplineMoments]) -> SplinePotential:
        """Fit frames that `measure_frame` has reduced to their normal equations."""
        walls = find_walls(basis, [part.closest for part in parts])
        solution = solve(add_moments([part.moments for part in parts]), basis.roughness, self.weights, self.penalty)
        functions = {}
        for pair in PAIRS:
            coefficients = np.append(solution.coefficients[basis.columns(pair)], 0.0)
            spline = BSpline(basis.knots(pair), coefficients, _DEGREE)
            try:
                functions[pair] = PairFunction(spline, walls[pair], basis.cutoffs[pair])
            except ValueError as error:
                raise ValueError(f"{pair}: {error}") from None
        return SplinePotential(functions, basis=basis, solution=solution)


def measure_frame(basis: SplineBasis, frame: Frame, counts: FloatArray | None = None) -> SplineMoments:
    """Reduce a frame to its normal equations in a basis.

    Parameters
    ----------
    basis : SplineBasis
    frame : Frame
    counts : (n_particles,) array, optional
        How often each particle's force counts: once by default, as drawn for a bootstrap. A pair is seen where one
        of its particles counts.

    Raises
    ------
    ValueError
        If a pair is closer than the first knot, or the box too small.
    """
    n = frame.n_particles
    design = [np.zeros((n, basis.size)) for _ in range(3)]
    energy_row, virial_row = np.zeros(basis.size), np.zeros(basis.size)
    closest = {}
    for pair, pairs in find_pairs(frame, basis.cutoffs).items():
        columns, first = basis.columns(pair), basis.knots(pair)[0]
        drawn = pairs.distance if counts is None else pairs.distance[counts[pairs.first] + counts[pairs.second] > 0]
        closest[pair] = np.sort(drawn)[:_LEAST]
        if not len(pairs.distance):
            continue
        if pairs.distance.min() < first:
            raise ValueError(
                f"{pair}: a pair is {pairs.distance.min():.3f} σ_AA apart, closer than the first knot at {first:.3f}; "
                "such a frame is not of the liquid"
            )
        slopes = basis.slopes(pair, pairs.distance)
        energy_row[columns] = basis.values(pair, pairs.distance).sum(axis=0)
        virial_row[columns] = -(slopes.T @ pairs.distance)
        for axis, matrix in enumerate(design):
            matrix[:, columns] += (_incidence(pairs, pairs.direction[:, axis], n) @ slopes).toarray()
    if basis.one_body:
        energy_row[-2:] = np.bincount(frame.types, minlength=2)
    a = np.concatenate(design)
    forces = frame.forces.T.ravel()
    if counts is not None:
        root = np.tile(np.sqrt(counts), 3)
        a, forces = a * root[:, None], forces * root
    moments = Moments(
        a.T @ a, a.T @ forces, float(forces @ forces), forces.size, energy_row[None], virial_row[None],
        np.array([frame.energy]), np.array([frame.virial]), np.array([float(n)]), np.array([frame.volume]),
    )  # fmt: skip
    return SplineMoments(moments, closest)


def _incidence(pairs: Pairs, weights: FloatArray, n: int) -> sp.csr_array:
    """Matrix that adds what pairs contribute, -weight to the first and +weight to the second, to particles."""
    places = np.arange(len(weights))
    values = np.concatenate([-weights, weights])
    rows = np.concatenate([pairs.first, pairs.second])
    return sp.csr_array(sp.coo_array((values, (rows, np.tile(places, 2))), shape=(n, len(weights))))


def find_walls(basis: SplineBasis, closest: Sequence[Mapping[str, FloatArray]]) -> dict[str, float]:
    """Distance of each pair below which fewer than three were seen in all frames together.

    Raises
    ------
    ValueError
        If three pairs were not even seen in contact, r < 2^(1/6) σ_ij.
    """
    walls = {}
    for pair in PAIRS:
        distances = np.sort(np.concatenate([of_frame[pair] for of_frame in closest]))
        contact = _CONTACT * basis.sigma(pair)
        seen = int(np.sum(distances < contact))
        if seen < _LEAST:
            raise ValueError(
                f"{pair}: only {seen} pairs are closer than r = {contact:.3f} σ_AA in all frames together; at least "
                f"{_LEAST} are needed to learn how they repel; give more frames, or some of another composition"
            )
        walls[pair] = float(distances[_LEAST - 1])
    return walls
