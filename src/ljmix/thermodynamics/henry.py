"""Chemical potential of a B at infinite dilution in A, by routes that share no run.

Henry's constant, the fugacity of B over its fraction, is H = ρ T* exp(β μ_ex), with the density ρ of pure A (Shing,
Gubbins and Lucas 1988, doi:10.1080/00268978800101811).
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ljmix.properties.insertion import excess_chemical_potential, ghost_energies
from ljmix.state import CUTOFF, PAPER_GRID, StatePoint
from ljmix.thermodynamics.coupling import Stage, free_energies, growth_path, soft_path
from ljmix.thermodynamics.solute_runs import (
    EVERY,
    N_SOLVENT,
    SETTLING,
    SOLVENT_EVERY,
    SOLVENT_SETTLING,
    place_ghosts,
    run_path,
    run_solvent,
)  # fmt: skip

__all__ = ["ROUTES", "best_values", "measure_insertion", "measure_path", "pool_replicas"]

ROUTES = ("insertion", "soft", "growth")
_EPSILONS = PAPER_GRID["epsilon_ab"]
_RUN_EPSILON = 0.6
"""ε_AB of the runs; the others follow from the same frames, since the energy is proportional to it."""
_GHOST_FRAMES, _GHOST_PLACES = 400, 150
_INSERTIONS = 4000
"""Random places in a frame: 1.6 million in a run."""


def measure_insertion(
    temperature: float, size_ratio: float, work: Path, replica: int = 0, pressure: float = 1.0
) -> pd.DataFrame:
    """Insert B at random into stored configurations of pure A, for every ε_AB of the grid.

    Parameters
    ----------
    temperature, size_ratio : float
        T* and S.
    work : Path
        Folder for the runs.
    replica : int
        Another number, other runs.
    pressure : float
        P*. A particle of S = 1 at P* = S³ is a B in pure B at P* = 1, in units of B.

    Returns
    -------
    pandas.DataFrame
        One row an ε_AB: `temperature`, `pressure`, `size_ratio`, `epsilon_ab`, `route`, `replica`, `mu`, `mu_sem`
        (ε_AA), `samples` (places or frames that carry the weight), `density` (of A, 1/σ_AA³), `density_sem`,
        `n_solvent`, `steps` (of all runs of the route), `seconds` (of a core).
    """
    began = time.process_time()
    solute = StatePoint(temperature, 0.0, size_ratio, 1.0, pressure)
    solvent = _solvent("insertion", solute, work, replica)
    rng = np.random.default_rng(solute.seed(f"insertion/{replica}"))
    types = np.zeros(N_SOLVENT, dtype=np.int64)
    energies = np.array([
        ghost_energies(positions.astype(float), types, float(edge), solute, "B", _INSERTIONS, rng)
        for positions, edge in zip(solvent["positions"], solvent["box_edge"], strict=True)
    ])  # fmt: skip
    volumes = solvent["box_edge"] ** 3
    found = [excess_chemical_potential(epsilon * energies, volumes, temperature) for epsilon in _EPSILONS]
    weights = np.exp(-np.multiply.outer(np.array(_EPSILONS), energies) / temperature)
    samples = weights.sum(axis=(1, 2)) ** 2 / (weights**2).sum(axis=(1, 2))
    return _rows("insertion", solute, replica, found, samples, solvent, 0, time.process_time() - began)


def measure_path(
    route: str, temperature: float, size_ratio: float, work: Path, n_samples: int = 1000, replica: int = 0,
    pressure: float = 1.0,
) -> pd.DataFrame:  # fmt: skip
    """Couple B to pure A in stages, for every ε_AB of the grid; columns as from `measure_insertion`.

    Raises
    ------
    ValueError
        If the route is neither ``"soft"`` nor ``"growth"``.
    """
    if route not in ROUTES[1:]:
        raise ValueError(f"route = {route!r}: must be {' or '.join(ROUTES[1:])}")
    began = time.process_time()
    solute = StatePoint(temperature, 0.0, size_ratio, _RUN_EPSILON, pressure)
    solvent = _solvent(route, solute, work, replica)
    stages = (soft_path if route == "soft" else growth_path)(size_ratio, _RUN_EPSILON)
    folder = work / f"{route}-{solute.state_id}-{replica}"
    pure = StatePoint(temperature, 0.0, 1.0, 1.0, pressure)
    distances = run_path(stages, pure, solvent, folder, n_samples, 3 * replica + ROUTES.index(route))
    sigma = solute.sigma("AB")
    ghosts = place_ghosts(
        solvent, CUTOFF * sigma, _GHOST_FRAMES, _GHOST_PLACES, solute.seed(f"ghosts/{route}/{replica}")
    )
    targets = [Stage(sigma, epsilon) for epsilon in _EPSILONS]
    mu, sem, samples = free_energies([Stage(sigma, 1.0, 0.0), *stages], [ghosts, *distances], targets, temperature)
    steps = len(stages) * (SETTLING + n_samples * EVERY)
    found = list(zip(mu.tolist(), sem.tolist(), strict=True))
    return _rows(route, solute, replica, found, samples, solvent, steps, time.process_time() - began)


def _solvent(route: str, solute: StatePoint, work: Path, replica: int) -> Any:
    """Frames of pure A that no other route and replica uses."""
    pure = StatePoint(solute.temperature, 0.0, 1.0, 1.0, solute.pressure)
    return run_solvent(
        pure, work / f"solvent-{pure.state_id}-{route}-{replica}.npz", replica=3 * replica + ROUTES.index(route)
    )


def _rows(
    route: str, solute: StatePoint, replica: int, found: Any, samples: Any, solvent: Any, steps: int, seconds: float
) -> pd.DataFrame:
    density = N_SOLVENT / solvent["box_edge"] ** 3
    blocks = np.array([part.mean() for part in np.array_split(density, 10)])
    mu, mu_sem = np.array(found).T
    return pd.DataFrame(
        {
            "temperature": solute.temperature,
            "pressure": solute.pressure,
            "size_ratio": solute.size_ratio,
            "epsilon_ab": _EPSILONS,
            "route": route,
            "replica": replica,
            "mu": mu,
            "mu_sem": mu_sem,
            "samples": samples,
            "density": density.mean(),
            "density_sem": blocks.std(ddof=1) / np.sqrt(len(blocks)),
            "n_solvent": N_SOLVENT,
            "steps": steps + SOLVENT_SETTLING + SOLVENT_EVERY * len(density),
            "seconds": seconds,
        }
    )


def pool_replicas(henry: pd.DataFrame) -> pd.DataFrame:
    """Average the replicas of each route, weighted by their errors.

    Returns
    -------
    pandas.DataFrame
        `temperature`, `pressure`, `size_ratio`, `epsilon_ab`, `route`, `mu`, `mu_sem`, `density`, `replicas`,
        `samples` (of the poorest replica).
    """
    key = ["temperature", "pressure", "size_ratio", "epsilon_ab", "route"]
    rows = []
    for values, of in henry.groupby(key):
        weight = of["mu_sem"].to_numpy() ** -2.0
        rows.append(
            dict(zip(key, values, strict=True))
            | {
                "mu": float(np.average(of["mu"], weights=weight)), "mu_sem": float(weight.sum() ** -0.5),
                "density": float(of["density"].mean()), "replicas": len(of), "samples": float(of["samples"].min()),
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def best_values(henry: pd.DataFrame) -> pd.DataFrame:
    """One value a state: all routes and replicas together, weighted by their errors; columns of `pool_replicas`."""
    return pool_replicas(pool_replicas(henry).assign(route="all"))
