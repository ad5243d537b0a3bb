"""What is simulated to validate the engines: state points of the grid, and three systems with published numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ljmix.configuration import Configuration
from ljmix.simulation.initial import draw_velocities
from ljmix.simulation.profiles import Profile, load_profile
from ljmix.state import CUTOFF, StatePoint

__all__ = [
    "AGREEMENT_STATES", "BENCH", "COLOUR_STATES", "ENSEMBLE_STATES", "FCC", "KOB_ANDERSEN_PEAKS", "LIQUID",
    "N_WINDOWS", "SIMPLE_CUBIC", "TIME_STEPS", "KobAndersen", "agreement_profile", "ensemble_profile",
    "place_on_lattice",
]  # fmt: skip

WINDOW_STEPS = 20_000
N_WINDOWS = 3
"""Windows of 100 τ in each run: an engine is compared with itself too."""

COLOUR_STATES = (
    StatePoint(0.6, 0.5, 1.0, 1.0), StatePoint(0.8, 0.35, 1.0, 1.0), StatePoint(1.0, 0.2, 1.0, 1.0),
    StatePoint(1.2, 0.1, 1.0, 1.0), StatePoint(1.4, 0.5, 1.0, 1.0),
)  # fmt: skip
"""Species that differ in name only: the pure fluid, whose equation of state is known."""

AGREEMENT_STATES = (
    *COLOUR_STATES,
    StatePoint(0.6, 0.2, 0.5, 1.0), StatePoint(0.8, 0.1, 0.5, 0.2), StatePoint(1.4, 0.5, 0.5, 0.2),
    StatePoint(0.6, 0.5, 2.0, 1.0), StatePoint(1.4, 0.5, 2.0, 0.2), StatePoint(0.6, 0.01, 1.5, 1.0),
    StatePoint(1.4, 0.01, 0.5, 0.2),
)  # fmt: skip
"""States that span the grid and stay one liquid, so that a short run samples all there is: both ends of
temperature, size ratio, cross energy and fraction."""

ENSEMBLE_STATES = (StatePoint(1.2, 0.5, 1.0, 1.0, 1.0), StatePoint(1.2, 0.5, 1.0, 1.0, 1.2))
"""Two pressures whose volume distributions overlap: 0.7 standard deviations apart at 420 particles."""

LIQUID = StatePoint(1.0, 0.5, 1.0, 1.0)
"""Where the conservation of energy is measured."""

BENCH = StatePoint(1.44, 0.0, 1.0, 1.0)
"""LAMMPS' bench/in.lj: one species (all particles are A), cut at 2.5 σ, on an fcc lattice of density 0.8442."""

KOB_ANDERSEN_PEAKS = {"AA": (1.008, 2.80), "AB": (0.844, 3.31), "BB": (1.62, 1.29)}
"""Published position (σ_AA) and height of the highest peaks at ρ* = 1.2, T* = 2 (RUMD's data in gamdpy)."""

TIME_STEPS = (0.002, 0.004, 0.008)
"""Steps at which the conservation of energy is measured, each twice the one before, τ."""

FCC = ((0.0, 0.0, 0.0), (0.5, 0.5, 0.0), (0.5, 0.0, 0.5), (0.0, 0.5, 0.5))
SIMPLE_CUBIC = ((0.0, 0.0, 0.0),)


@dataclass(frozen=True)
class KobAndersen:
    """The Kob-Andersen mixture, each pair cut at 2.5 σ_ij and shifted (doi:10.1103/PhysRevE.51.4626).

    Parameters
    ----------
    temperature : float
        T*.
    """

    temperature: float
    pressure: float = 0.0

    def sigma(self, pair: str) -> float:
        """Diameter σ_ij, σ_AA."""
        return {"AA": 1.0, "AB": 0.8, "BB": 0.88}[pair]

    def epsilon(self, pair: str) -> float:
        """Well depth ε_ij, ε_AA."""
        return {"AA": 1.0, "AB": 1.5, "BB": 0.5}[pair]

    def cutoff(self, pair: str) -> float:
        """Distance r_c = 2.5 σ_ij, σ_AA."""
        return CUTOFF * self.sigma(pair)


def agreement_profile() -> Profile:
    """Return how the states of `AGREEMENT_STATES` are run: 25 τ discarded, windows of 100 τ kept, small boxes."""
    production = N_WINDOWS * WINDOW_STEPS
    return load_profile(
        "quick", box_edge=11.5, n_particles=330, min_particles_b=12, steps_equilibration=5000,
        steps_production=production, steps_max=5000 + production, segment_steps=5000,
        frame_interval=200, trajectory_interval=5000,
    )  # fmt: skip


def ensemble_profile() -> Profile:
    """Return how the states of `ENSEMBLE_STATES` are run: small, for wide distributions, and long."""
    return load_profile(
        "quick", box_edge=0.0, n_particles=420, r_max=3.0, min_particles_b=12, steps_equilibration=5000,
        steps_production=100000, steps_max=105000, segment_steps=5000, frame_interval=50, trajectory_interval=5000,
        max_pairs_per_particle=1,
    )  # fmt: skip


def place_on_lattice(
    basis: tuple[tuple[float, float, float], ...], cells: int, density: float, fraction_b: float, temperature: float
) -> Configuration:
    """Place particles on a cubic lattice, species at random, velocities at a temperature.

    Parameters
    ----------
    basis : tuple of triples
        `FCC` or `SIMPLE_CUBIC`, in units of the cell.
    cells : int
        Cells along each edge.
    density : float
        Number density, σ_AA⁻³.
    fraction_b, temperature : float

    Returns
    -------
    Configuration
        The same for the same arguments; A first, cells x fastest.
    """
    cell = (len(basis) / density) ** (1 / 3)
    z, y, x = np.meshgrid(*[np.arange(cells)] * 3, indexing="ij")
    corners = np.stack([x.ravel(), y.ravel(), z.ravel()], axis=1)
    # A quarter of a cell off the wall, where rounding would decide the side a particle lies on.
    positions = ((corners[:, None] + np.array(basis)).reshape(-1, 3) + 0.25 - cells / 2) * cell
    n = len(positions)
    n_b = round(fraction_b * n)
    order = np.random.default_rng(n).permutation(n) if n_b else np.arange(n)
    types = np.repeat([0, 1], [n - n_b, n_b])
    return Configuration(positions[order], draw_velocities(temperature, n, n), types, cells * cell)
