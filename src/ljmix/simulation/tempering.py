"""Tempering in ε_AB: one run that wanders over a ladder of cross energies, for droplets that are there or not.

A few dilute mixtures at the edge of demixing hold one drop of B in one run and none in another, and no run goes from
one to the other. At a neighbouring ε_AB the barrier is low. The energy is linear in it, U = U₀ + ε_AB X, so that a
change of rung at frozen positions costs nothing to judge: with weights f_k the rung is drawn with probability ∝
exp(f_k − ε_k X / T*) (heat bath), and the run goes on with that ε_AB (simulated tempering; Marinari and Parisi 1992,
doi:10.1209/0295-5075/19/6/002). Rungs are visited evenly where f_k is the free energy of rung k over T*, which follows
from a short run on each: f_k = ∫ ⟨X⟩ dε_AB / T* (thermodynamic integration). Weights that are a little off change how
often a rung is visited, and nothing else: averages on each rung stay right.

Above the engines: a stretch with moves, a few steps without (so that the frame read is the one that goes on), a draw,
and the next stretch from the checkpoint with another ε_AB.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gsd.hoomd
import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from ljmix._util.arrays import FloatArray
from ljmix._util.atomic import replace_when_whole, write_text
from ljmix.configuration import Configuration, parse_frame, write_configuration
from ljmix.simulation.engine import Engine, Segment
from ljmix.simulation.initial import build_configuration, start_seed
from ljmix.simulation.protocol import choose_protocol
from ljmix.state import StatePoint
from ljmix.structure.energies import tabulate_flips

__all__ = ["RUNGS", "Ladder", "cross_energy", "draw_rung", "integrate_weights", "largest_cluster", "make_ladder"]

RUNGS = 9
_CONTACT = 1.5
"""Distance below which two B belong to one drop, σ_BB: between the first and the second shell."""
_SETTLE = 20
"""Steps without moves before a rung is drawn."""


def make_ladder(state: StatePoint, lowest: float, highest: float, rungs: int = RUNGS) -> list[StatePoint]:
    """States of the rungs: ε_AB equally spaced, the asked one among them as nearly as the spacing allows.

    Raises
    ------
    ValueError
        If the range is empty or does not hold the state.
    """
    if not lowest < highest or not lowest <= state.epsilon_ab <= highest or rungs < 2:
        raise ValueError(
            f"ladder of {rungs} rungs from ε_AB {lowest:g} to {highest:g}: must rise, have two rungs, and hold the "
            f"state's {state.epsilon_ab:g}"
        )
    values = np.linspace(lowest, highest, rungs)
    values[np.argmin(np.abs(values - state.epsilon_ab))] = state.epsilon_ab
    return [replace(state, epsilon_ab=float(value)) for value in values]


def cross_energy(configuration: Configuration, state: StatePoint) -> float:
    """X = ∂U/∂ε_AB: energy of all unlike pairs at ε_AB = 1, of the whole system, ε_AA."""
    table = tabulate_flips(
        configuration.positions, configuration.types, configuration.box, replace(state, epsilon_ab=1.0)
    )  # fmt: skip
    is_b = configuration.types == 1
    unlike = is_b[np.repeat(np.arange(len(is_b)), np.diff(table.first))] != is_b[table.neighbour]
    # Each pair occurs twice.
    return float(table.energies[unlike, 1].sum() / 2)


def largest_cluster(configuration: Configuration, state: StatePoint) -> int:
    """B particles in the largest drop: neighbours within 1.5 σ_BB belong together."""
    places = configuration.positions[configuration.types == 1] + configuration.box_edge / 2
    tree = cKDTree(places % configuration.box_edge, boxsize=configuration.box_edge * (1 + 1e-12))
    owner = np.arange(len(places))

    def root(i: int) -> int:
        while owner[i] != i:
            owner[i] = owner[owner[i]]
            i = int(owner[i])
        return i

    for first, second in tree.query_pairs(_CONTACT * state.size_ratio):
        owner[root(first)] = root(second)
    return int(np.bincount([root(i) for i in range(len(places))]).max())


def integrate_weights(epsilon_ab: FloatArray, mean_x: FloatArray, temperature: float) -> FloatArray:
    """Weights of the rungs, f_k = ∫ ⟨X⟩ dε_AB / T* from the first rung, by the trapezoidal rule."""
    steps = np.diff(epsilon_ab) * (mean_x[1:] + mean_x[:-1]) / 2
    return np.concatenate([[0.0], np.cumsum(steps)]) / temperature


def draw_rung(
    x: float, epsilon_ab: FloatArray, weights: FloatArray, temperature: float, rng: np.random.Generator
) -> tuple[int, FloatArray]:
    """Draw the next rung at frozen positions, and give the probabilities of all, which average with less noise."""
    exponent = weights - epsilon_ab * x / temperature
    probabilities = np.exp(exponent - exponent.max())
    probabilities /= probabilities.sum()
    return int(rng.choice(len(probabilities), p=probabilities)), probabilities


@dataclass(frozen=True)
class Ladder:
    """A tempering run in a folder; each call goes on where the last one ended.

    Attributes
    ----------
    folder : Path
    states : sequence of StatePoint
        Rungs, as from `make_ladder`.
    n_particles, n_b : int
    stretch : int
        Steps with moves between two draws of the rung; a multiple of 100.
    start : str
        See `ljmix.simulation.initial.build_configuration`.
    """

    folder: Path
    states: Sequence[StatePoint]
    n_particles: int
    n_b: int
    stretch: int = 500
    start: str = "random"

    @property
    def epsilon_ab(self) -> FloatArray:
        """Cross energies of the rungs."""
        return np.array([state.epsilon_ab for state in self.states])

    def integrate(self, engine: Engine, stretches: int) -> FloatArray:
        """Weights by thermodynamic integration, from a short run on each rung, one after the other.

        Parameters
        ----------
        engine : Engine
        stretches : int
            On each rung; the first third does not count.

        Returns
        -------
        (n_rungs,) array
            Read from ``weights.json`` where it is there.
        """
        known = self.folder / "weights.json"
        if not known.exists():
            means = []
            for k in range(len(self.states)):
                values = [self._advance(engine, k, f"integration-{k}", n)["x"] for n in range(stretches)]
                means.append(float(np.mean(values[stretches // 3 :])))
            weights = integrate_weights(self.epsilon_ab, np.array(means), self.states[0].temperature)
            write_text(known, json.dumps({"mean_x": means, "weights": weights.tolist()}))
        return np.array(json.loads(known.read_text(encoding="utf-8"))["weights"])

    def sample(
        self, engine: Engine, stretches: int, weights: FloatArray, report: Callable[[], object] | None = None
    ) -> pd.DataFrame:
        """Wander over the rungs.

        Parameters
        ----------
        engine : Engine
        stretches : int
            In all, those of earlier calls among them.
        weights : (n_rungs,) array
        report : callable, optional
            Called after each stretch.

        Returns
        -------
        pandas.DataFrame
            One row a stretch: `rung` it was simulated on, `x`, `largest` (B in the largest drop), `density`, and
            `next_rung`; `p0` … the probabilities of the rungs at its last frame.
        """
        rows: list[dict[str, Any]] = []
        rung = len(self.states) // 2
        temperature = self.states[0].temperature
        seed = start_seed(self.states[0], f"rungs/{self.start}/{len(self.states)}", 0)
        for n in range(stretches):
            row = self._advance(engine, rung, "tempering", n)
            rng = np.random.default_rng([seed, n])
            following, probabilities = draw_rung(row["x"], self.epsilon_ab, weights, temperature, rng)
            row |= {"rung": rung, "next_rung": following} | {f"p{k}": p for k, p in enumerate(probabilities)}
            rows.append(row)
            rung = following
            if report is not None:
                report()
        return pd.DataFrame(rows)

    def _advance(self, engine: Engine, rung: int, stage: str, n: int) -> dict[str, Any]:
        """Stretch n of a stage on a rung: from disk where it is finished, else simulated, its result written last."""
        folder = self.folder / stage
        result = folder / f"{n:05d}.json"
        if result.exists():
            found: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
            if found.pop("rung") != rung:
                raise ValueError(f"{result} is of another rung: weights or ladder have changed; delete {self.folder}")
            return found
        folder.mkdir(parents=True, exist_ok=True)
        state = self.states[rung]
        moves = choose_protocol(state).moves
        source = folder / f"{n - 1:05d}.checkpoint" if n else self._first(stage)
        middle, frames = folder / ".part-middle.checkpoint", folder / ".part-frames.gsd"
        seed = start_seed(state, f"tempering/{stage}/{self.start}", 0)
        with replace_when_whole(folder / f"{n:05d}.checkpoint") as checkpoint:
            engine.advance(
                state, Segment(source, frames, middle, self.stretch, self.stretch, moves=moves, seed=seed)
            )  # fmt: skip
            engine.advance(state, Segment(middle, frames, checkpoint, _SETTLE, _SETTLE))
            with gsd.hoomd.open(frames, "r") as file:
                last = parse_frame(file[-1])
        row = {
            "x": cross_energy(last, state),
            "largest": largest_cluster(last, state),
            "density": self.n_particles / float(np.prod(last.box)),
        }
        write_text(result, json.dumps({"rung": rung} | row))
        for left in (middle, frames):
            left.unlink()
        if n:
            source.unlink()
        return row

    def _first(self, stage: str) -> Path:
        """Where a stage begins: the ladder's start, or the end of the rung before, of the integration."""
        place = int(stage.rpartition("-")[2]) if stage.startswith("integration") else len(self.states) // 2 + 1
        ended = sorted((self.folder / f"integration-{place - 1}").glob("*.checkpoint"))
        if place and ended:
            return ended[-1]
        initial = self.folder / "initial.gsd"
        if not initial.exists():
            state = self.states[0]
            made = build_configuration(state, self.n_particles, self.n_b, self.start)
            write_configuration(made, state.size_ratio, initial)
        return initial
