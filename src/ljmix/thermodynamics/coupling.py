"""Free energy of a dissolved particle by stages: it grows, or is switched on, and every stage is a run.

Two paths lead from no solute to a B in pure A. They share no run, and so check each other:

`soft`
    The solute has its size; a soft core lets particles through it at first (``lj/cut/soft`` of LAMMPS, after Beutler
    et al. 1994, doi:10.1016/0009-2614(94)00397-1),
    u(r, λ) = 4 λ ε [1/(½(1−λ)² + (r/σ)⁶)² − 1/(½(1−λ)² + (r/σ)⁶)], cut at 2.5 σ and shifted.
`growth`
    The solute has its attraction; its σ_AB grows from that of a small B, which random insertion finds room for.

All frames of a path are weighed together by MBAR (Shirts and Chodera 2008, doi:10.1063/1.2978177; pymbar). The energy
of the solute needs its distances to the solvent only, so that these are all that is kept, and other attractions ε_AB
follow from the same frames.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ljmix._util.arrays import FloatArray
from ljmix.state import CUTOFF

# pymbar announces on import that it found no JAX, which a dozen stages do not need.
logging.getLogger("pymbar").setLevel(logging.ERROR)
from pymbar import MBAR, timeseries  # noqa: E402

__all__ = ["Stage", "free_energies", "growth_path", "soft_path", "solute_energy"]

_ALPHA = 0.5
"""Softness of the core, the customary value."""
_COUPLINGS = (0.19, 0.22, 0.25, 0.28, 0.32, 0.38, 0.48, 0.7, 1.0)
"""λ of the stages. Random places in the solvent sample softer ones well enough; a cavity opens at 0.2 to 0.3, where
the core is some 10 ε high and frames are correlated longest, and later stages may lie far apart."""
_COUPLINGS_SMALL = (0.3, 1.0)
"""The same for a solute that random insertion finds room for."""
_GROWTH = 0.05
"""Step of ln σ_AB from stage to stage of a growing solute."""
_SMALLEST = 0.9
"""σ_AB of the first stage: for smaller solutes random insertion finds room in every liquid of the grid."""


@dataclass(frozen=True)
class Stage:
    """One Hamiltonian of the solute.

    Attributes
    ----------
    sigma, epsilon : float
        σ_AB and ε_AB.
    coupling : float
        λ; 0 is no solute, 1 the Lennard-Jones particle.
    """

    sigma: float
    epsilon: float
    coupling: float = 1.0


def soft_path(size_ratio: float, epsilon_ab: float) -> list[Stage]:
    """Stages of a solute that is switched on, the last one whole; without the first, which is no solute."""
    sigma = (1 + size_ratio) / 2
    couplings = _COUPLINGS if sigma > _SMALLEST else _COUPLINGS_SMALL
    return [Stage(sigma, epsilon_ab, coupling) for coupling in couplings]


def growth_path(size_ratio: float, epsilon_ab: float) -> list[Stage]:
    """Stages of a solute that grows to a size; without the first, which is no solute.

    Raises
    ------
    ValueError
        If the solute is no larger than the small one that the path begins with.
    """
    sigma = (1 + size_ratio) / 2
    if sigma <= _SMALLEST:
        raise ValueError(f"size_ratio = {size_ratio:g}: must be above {2 * _SMALLEST - 1:g}; random insertion does it")
    n = int(np.ceil(np.log(sigma / _SMALLEST) / _GROWTH))
    return [Stage(float(value), epsilon_ab) for value in np.geomspace(_SMALLEST, sigma, n + 1)]


def solute_energy(distances: FloatArray, stage: Stage) -> FloatArray:
    """Energy of the solute with the solvent.

    Parameters
    ----------
    distances : (..., n_neighbours) array
        To the solvent's particles, σ_AA; infinite where there is none.
    stage : Stage

    Returns
    -------
    (...) array
        ε_AA.
    """
    if stage.coupling == 0:
        return np.zeros(distances.shape[:-1])
    softness = _ALPHA * (1 - stage.coupling) ** 2
    with np.errstate(divide="ignore", over="ignore"):
        inside = 1 / (softness + (np.asarray(distances, dtype=float) / stage.sigma) ** 6)
        edge = 1 / (softness + CUTOFF**6)
        pairs = np.where(distances < CUTOFF * stage.sigma, inside**2 - inside - edge**2 + edge, 0.0)
        total = 4 * stage.coupling * stage.epsilon * pairs.sum(axis=-1)
    # A weight of zero, and no infinity for MBAR to trip over.
    return np.asarray(np.minimum(total, 1e4))


def free_energies(
    stages: Sequence[Stage], distances: Sequence[FloatArray], targets: Sequence[Stage], temperature: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Excess chemical potentials of solutes, from the frames of all stages together.

    Parameters
    ----------
    stages : sequence of Stage
        The first is no solute (coupling 0): random places in the pure solvent, frames weighed by their volume.
    distances : sequence of (n_frames, n_neighbours) arrays
        To the solvent, one array a stage, in order of time.
    targets : sequence of Stage
        Solutes that are asked for; they need not be among the stages.
    temperature : float
        T*.

    Returns
    -------
    mu, sem : (n_targets,) arrays
        ε_AA; the standard error is MBAR's, on frames thinned to independent ones (statistical inefficiency of the
        energy of the stage, and of its derivative along the path by difference to its neighbours; pymbar.timeseries).
    overlap : (n_targets,) array
        Number of frames that carry a target's weight, 1/Σ w²: below some 30 neither value nor error can be trusted.

    Raises
    ------
    ValueError
        If the first stage is not the solvent alone, or stages and arrays are not as many.
    """
    if len(stages) != len(distances):
        raise ValueError(f"{len(stages)} stages and {len(distances)} arrays of distances: must be as many")
    if stages[0].coupling != 0:
        raise ValueError("the first stage must be the solvent alone, coupling = 0")
    kept = [distances[0]]
    for k, frames in enumerate(distances[1:], 1):
        g = _inefficiency(k, stages, frames, temperature)
        thin = timeseries.subsample_correlated_data(np.arange(len(frames)), g=g)
        kept.append(frames[thin])
    counts = [len(frames) for frames in kept]
    every = (*stages, *targets)
    energies = [np.concatenate([solute_energy(frames, stage) for frames in kept]) for stage in every]
    reduced = np.array(energies) / temperature
    mbar = MBAR(reduced, [*counts, *[0] * len(targets)], solver_protocol="robust")
    result = mbar.compute_free_energy_differences()
    n = len(stages)
    weights = mbar.weights()[:, n:]
    return (
        temperature * np.asarray(result["Delta_f"][0, n:]),
        temperature * np.asarray(result["dDelta_f"][0, n:]),
        1 / np.sum(weights**2, axis=0),
    )


def _inefficiency(k: int, stages: Sequence[Stage], frames: FloatArray, temperature: float) -> float:
    """Statistical inefficiency of what carries the path: the steps of energy to the neighbouring stages."""
    own = solute_energy(frames, stages[k])
    found = [1.0]
    for near in {max(k - 1, 1), min(k + 1, len(stages) - 1)} - {k}:
        # A weight, not an energy: it stays finite where the neighbour's core overlaps.
        weight = np.tanh((solute_energy(frames, stages[near]) - own) / temperature / 4)
        found.append(float(timeseries.statistical_inefficiency(weight)))
    return max(found)
