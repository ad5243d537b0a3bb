"""What a user asks instead of simulating: `Surrogate.predict`, and its `Answer`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from ljmix._util.arrays import FloatArray
from ljmix._util.checks import require_float, require_int, shorten
from ljmix.data.dataset import Dataset, state_distances
from ljmix.data.identity import identify
from ljmix.models.questions import BINS, question_distances, question_points, tabulate_points
from ljmix.state import PARAMETERS, StatePoint
from ljmix.surrogate.bands import BRANCHES, Bands, band_width
from ljmix.surrogate.folds import Kept
from ljmix.surrogate.learned.branches import NUMBERS, Prediction, Source, predict_branches
from ljmix.surrogate.learned.emulator import Emulator
from ljmix.surrogate.learned.parts import Parts
from ljmix.surrogate.reasons import reasons_against
from ljmix.surrogate.store import read_surrogate, write_surrogate

__all__ = ["MOST_DISTANCE", "Answer", "Surrogate"]

MOST_DISTANCE = 5.0
"""Range of the curves, σ_AA."""
_EDGES = (10.0, 100.0)
"""Box edges that may be asked for, σ_AA: below, two domains find no room; above, no box was simulated by far."""
_BLOCK = 500
"""States answered at once; their curves and theory fill some hundred megabytes."""


@dataclass(frozen=True)
class Answer:
    """What the surrogate says of states.

    Attributes
    ----------
    points : list of StatePoint
        As asked.
    r : (n_bins,) array
        Distances, σ_AA.
    box_edge : (n_states,) array
        σ_AA.
    phase : (n_states,) array of str
        The likelier of "mixed" and "demixed"; the other one where only that has an answer, as `out_of_range` then says.
    demixing : (n_states,) array
        Probability of two liquids, calibrated on states that were left out.
    prediction : Prediction
        Both branches.
    out_of_range : list of str
        Why not to trust a state's numbers, one sentence each; empty where nothing speaks against it.
    emulated : (n_states,) array of bool
        Whether theory was emulated for a state, or solved.
    """

    points: list[StatePoint]
    r: FloatArray
    box_edge: FloatArray
    phase: npt.NDArray[np.str_]
    demixing: FloatArray
    prediction: Prediction
    out_of_range: list[str]
    emulated: npt.NDArray[np.bool_]
    surrogate: Surrogate

    @cached_property
    def states(self) -> pd.DataFrame:
        """The five numbers of each state asked for, and `state_id`."""
        return tabulate_points(self.points)

    @property
    def g(self) -> FloatArray:
        """Curves of AA, AB, BB on the branch of `phase`, (n_states, 3, n_bins); NaN where there is no answer."""
        return self.prediction.told(self.prediction.g)

    def branch(self, name: str) -> FloatArray:
        """Curves as one liquid ("mixed") or as two ("demixed"); NaN where that is less likely than 5 %, or unknown."""
        if name not in BRANCHES:
            raise ValueError(f"branch = {shorten(name)} is unknown; choose one of {', '.join(BRANCHES)}")
        return np.asarray(self.prediction.g[BRANCHES.index(name)])

    def band(self, level: float = 0.9) -> tuple[FloatArray, FloatArray]:
        """Lower and upper limits between which all three curves lie with a probability, on the branch of `phase`.

        Parameters
        ----------
        level : float
            Share of states whose curves lie within everywhere.

        Returns
        -------
        lower, upper : (n_states, 3, n_bins) arrays
        """
        g = self.g
        width = band_width(g, self.prediction.told(self.prediction.deviation))
        factors = {name: self.surrogate.require_bands().factor(level, name) for name in set(self.phase.tolist())}
        half = np.array([factors[name] for name in self.phase])[:, None, None] * width
        return np.maximum(g - half, 0.0), g + half

    @property
    def density(self) -> tuple[FloatArray, FloatArray]:
        """Number density and its error, σ_AA⁻³, (n_states,) each."""
        return self._quantity("density", self.prediction.density, self.prediction.density_deviation)

    @property
    def potential_energy(self) -> tuple[FloatArray, FloatArray]:
        """Potential energy a particle and its error, ε_AA, (n_states,) each."""
        return self._quantity("potential_energy", *self.prediction.quantities["potential_energy"])

    @property
    def compressibility(self) -> tuple[FloatArray, FloatArray]:
        """Isothermal compressibility and its error, σ_AA³/ε_AA, (n_states,) each."""
        return self._quantity("compressibility", *self.prediction.quantities["compressibility"])

    @property
    def diffusion(self) -> tuple[FloatArray, FloatArray]:
        """Self-diffusion of A and of B in a box as simulated, and its error, σ_AA²/τ, (n_states, 2) each."""
        names = ("diffusion_a", "diffusion_b")
        found = [self._quantity(name, *self.prediction.quantities[name]) for name in names]
        value, error = (np.stack(part, axis=1) for part in zip(*found, strict=True))
        return value, error

    def nearest(self, n: int = 5) -> pd.DataFrame:
        """Simulated states next to each state asked for, the nearest first.

        Parameters
        ----------
        n : int
            How many for each.

        Returns
        -------
        pandas.DataFrame
            `asked`, `state_id`, the four numbers, `phase`, `converged`, and `distance`, 1 from one end of what was
            simulated to the other in one number.
        """
        known = self.surrogate.states
        n = require_int("n", n, 1, len(known))
        parts = []
        for state_id, distance in zip(self.states["state_id"], state_distances(known, self.states), strict=True):
            first = np.argsort(distance, kind="stable")[:n]
            parts.append(known.iloc[first].assign(asked=state_id, distance=distance[first]))
        table = pd.concat(parts, ignore_index=True)
        return table[["asked", *(name for name in table if name != "asked")]]

    def _quantity(self, name: str, value: FloatArray, deviation: FloatArray) -> tuple[FloatArray, FloatArray]:
        bands = self.surrogate.bands
        factor = 1.0 if bands is None else bands.error_factor(name)
        return self.prediction.told(value), factor * self.prediction.told(deviation)


@dataclass
class Surrogate:
    """Trained on a dataset, to be asked for any mixture.

    Attributes
    ----------
    parts : Parts
    bands : Bands or None
        None where the surrogate was fitted without calibration.
    states : pandas.DataFrame
        States of the dataset: `state_id`, the four numbers, `phase`, `converged`.
    about : dict
        Which dataset: profile, version, `sha256`.
    emulator : Emulator or None
        For answers in milliseconds, see `emulate`; its `errors` say how far they are off.
    """

    parts: Parts
    bands: Bands | None
    states: pd.DataFrame
    about: dict[str, str]
    emulator: Emulator | None = None

    @classmethod
    def fit(cls, dataset: Dataset, *, calibrate: bool = True, kept: Kept | None = None, progress: bool = False) -> Self:
        """Learn from a dataset.

        Parameters
        ----------
        dataset : Dataset
        calibrate : bool
            Leave groups out in turn, for bands and errors: takes as often as long as there are groups, 14 for the
            reference set.
        kept : Kept, optional
            Where fits are kept, so that an interrupted call goes on.
        progress : bool
            Show a bar while groups are left out.

        Returns
        -------
        Surrogate
        """
        kept = kept or Kept()
        bands = Bands.fit(dataset, kept, progress=progress) if calibrate else None
        states = dataset.states[["state_id", *PARAMETERS, "phase", "converged"]].reset_index(drop=True)
        return cls(kept.parts(dataset), bands, states, identify(dataset))

    def predict(
        self,
        states: StatePoint | Sequence[StatePoint] | pd.DataFrame,
        r: npt.ArrayLike | None = None,
        box_edge: npt.ArrayLike = 15.0,
        *,
        exact: bool = True,
    ) -> Answer:
        """Predict curves, phase and thermodynamics.

        Parameters
        ----------
        states : StatePoint, sequence of them, or pandas.DataFrame
            A table has the columns `temperature`, `fraction_b`, `size_ratio`, `epsilon_ab`.
        r : (n_bins,) array_like, optional
            Distances, σ_AA, increasing, at most 5; by default the bin centres of the reference dataset.
        box_edge : float or (n_states,) array_like
            Edge of the box, σ_AA, 10 to 100: curves of two liquids depend on it.
        exact : bool
            Solve theory; otherwise emulate it where it can be, in a fiftieth of the time: `emulator.errors` says how
            far curves are off by that. Outside the box of the simulated states, or at another pressure, nothing has
            taught the emulator; such states are solved all the same, and `emulated` of the answer says which.

        Returns
        -------
        Answer

        Raises
        ------
        ValueError
            If an argument is not of these kinds, or a value is out of range.
        """
        points = question_points(states)
        distances = BINS if r is None else question_distances(r)
        if (np.diff(distances) <= 0).any():
            raise ValueError(f"r = {shorten(r)}: distances must increase")
        if distances[-1] > MOST_DISTANCE:
            raise ValueError(f"r = {distances[-1]:g}: must be at most {MOST_DISTANCE:g}, the range of what is learned")
        edges = _require_edges(box_edge, len(points))
        if not exact and self.emulator is None:
            raise ValueError("exact = False: this surrogate has no emulator; `emulate()` fits one")
        numbers = np.array([(*(getattr(point, name) for name in NUMBERS),) for point in points])
        emulated = np.zeros(len(points), dtype=bool)
        if self.emulator is not None and not exact:
            emulated = self.emulator.covers(numbers)
        found, order = [], []
        for source, rows in ((self.fast_source(), emulated), (self.parts, ~emulated)):
            places = np.flatnonzero(rows)
            for start in range(0, len(places), _BLOCK):
                some = places[start : start + _BLOCK]
                order.append(some)
                found.append(predict_branches(source, numbers[some], distances, edges[some]))
        prediction = Prediction.join(found)
        if len(found) > 1:
            prediction = prediction.take(np.argsort(np.concatenate(order)))
        phase = np.array(BRANCHES)[prediction.chosen]
        reasons = reasons_against(numbers, prediction, *self._box)
        return Answer(points, distances, edges, phase, prediction.demixing, prediction, reasons, emulated, self)

    def emulate(self, n: int = 2048, seed: int = 0) -> Self:
        """Fit an emulator on n liquids, two minutes for 2048, and keep it."""
        self.emulator = Emulator.fit(self.parts, self.states, require_int("n", n, 64, 8192), seed)
        return self

    def fast_source(self) -> Source:
        """Who tells of single liquids without solving theory, or by solving it where there is no emulator."""
        return self.parts if self.emulator is None else self.emulator

    def require_bands(self) -> Bands:
        """Bands, or a ValueError where the surrogate was fitted without."""
        if self.bands is None:
            raise ValueError("this surrogate was fitted with calibrate=False and has no bands; fit it with True")
        return self.bands

    def save(self, folder: Path | str) -> Path:
        """Write two files, ``surrogate.json`` and ``surrogate.npz``, without pickle; older ones are replaced."""
        arrays, single = self.parts.numbers()
        arrays |= {} if self.emulator is None else self.emulator.arrays()
        scores = None if self.bands is None else self.bands.scores
        return write_surrogate(folder, arrays, single, self.states, scores, self.about)

    @classmethod
    def load(cls, folder: Path | str, data: str | None = None) -> Self:
        """Read what `save` has written.

        Parameters
        ----------
        folder : Path
        data : str, optional
            `ljmix.data.identity.checksum` of the dataset that it must have been trained on.

        Raises
        ------
        FileNotFoundError, ValueError
            If there is none, or it is damaged, of another version or from other data.
        """
        arrays, single, states, scores, about = read_surrogate(folder, data)
        bands = None if scores is None else Bands(scores)
        parts = Parts.from_numbers(arrays, single)
        return cls(parts, bands, states, about, Emulator.from_arrays(arrays, parts))

    def __str__(self) -> str:
        trained = f"surrogate trained on {len(self.states)} states of profile {self.about.get('profile', 'unknown')}"
        if self.bands is None:
            return f"{trained}, without bands."
        told = self.bands.describe()
        return f"{trained}.{' ' if told else ''}{told}"

    @cached_property
    def _box(self) -> tuple[FloatArray, FloatArray]:
        """Lowest and highest of the four numbers that were simulated."""
        numbers = self.states[list(PARAMETERS)].to_numpy(dtype=float)
        return numbers.min(axis=0), numbers.max(axis=0)


def _require_edges(box_edge: npt.ArrayLike, count: int) -> FloatArray:
    if np.ndim(box_edge) == 0:
        return np.full(count, require_float("box_edge", box_edge, *_EDGES))
    edges = [require_float("box_edge", value, *_EDGES) for value in np.ravel(np.asarray(box_edge)).tolist()]
    if np.ndim(box_edge) != 1 or len(edges) != count:
        raise ValueError(f"box_edge has shape {np.shape(box_edge)}: must be one number, or {count}, one for each state")
    return np.array(edges)
