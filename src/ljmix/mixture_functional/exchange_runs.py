"""What one B is worth among A: particles of a run change their names, and the energies of the changes are averaged.

In a uniform mixture, c1_A − c1_B is βΔF of turning a tagged A into a B, by the exponential average of the change of
energy over all A of a run. It is Widom's insertion without the cavity: A and B are equally large here, so that a change
of name always fits. Where there are B, the way back is averaged too, and Bennett's ratio joins both (1976,
doi:10.1016/0021-9991(76)90078-4).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
from pymbar.other_estimators import bar

from ljmix._util.arrays import FloatArray
from ljmix.potential import lj_potential
from ljmix.simulation.engines.boxes import open_box, start_uniform
from ljmix.state import CUTOFF

__all__ = ["BLOCKS", "PARTICLES", "ExchangeRun", "exchange_energy", "run_exchange", "unlike_energy"]

PARTICLES, BLOCKS = 500, 10
_SAMPLE_EVERY, _PRESSURE_EVERY = 100, 20


@dataclass(frozen=True)
class ExchangeRun:
    """What a run measured, in blocks.

    Attributes
    ----------
    a, b : (BLOCKS, samples) arrays
        For each A, and for each B, of each frame: what its neighbours A give it of energy if it is an A, less what
        its neighbours B do if it is a B; ε. Of pure A the energy of a particle with all others.
    pressure : (BLOCKS,) array
        P*.
    """

    a: FloatArray
    b: FloatArray
    pressure: FloatArray


def unlike_energy(places: FloatArray, is_b: FloatArray, edge: float) -> FloatArray:
    """Σ_j s_j φ(r_ij) of each particle, with s = 1 for A and −1 for B and φ of like particles; ε.

    Turning i from A into B changes the energy by −(1 − ε_AB) times it, and from B into A by as much the other way.

    Parameters
    ----------
    places : (N, 3) array
        σ, in a periodic cube.
    is_b : (N,) array of bool
    edge : float
        Of the cube, at least two cut-offs.
    """
    apart = places[:, None] - places[None]
    apart -= edge * np.round(apart / edge)
    squared = (apart**2).sum(axis=2)
    np.fill_diagonal(squared, np.inf)
    near = squared < CUTOFF**2
    energy = np.zeros_like(squared)
    energy[near] = lj_potential(np.sqrt(squared[near]), 1.0, 1.0)
    return np.asarray(energy @ np.where(is_b, -1.0, 1.0))


def run_exchange(
    temperature: float, density: float, count_b: int, epsilon_ab: float, seed: int, equilibration: int, steps: int
) -> ExchangeRun:
    """Simulate a uniform mixture at constant N, V and T, with LAMMPS on one core.

    Parameters
    ----------
    temperature, density : float
        T*, ρ* of both species.
    count_b : int
        How many of the 500 particles are B.
    epsilon_ab : float
        ε; without B it does not matter.
    seed : int
    equilibration, steps : int
        Steps of 0.005 τ before and during the measurement.

    Raises
    ------
    ValueError
        If the steps do not fill the blocks, the box is too small, or `count_b` is out of range.
    """
    if steps < 1 or steps % (_SAMPLE_EVERY * BLOCKS):
        raise ValueError(f"steps = {steps}: must be a positive multiple of {_SAMPLE_EVERY * BLOCKS}")
    if not 0 <= count_b < PARTICLES:
        raise ValueError(f"count_b = {count_b}: must lie between 0 and {PARTICLES - 1}")
    edge = (PARTICLES / density) ** (1 / 3)
    if edge < 2 * CUTOFF:
        raise ValueError(f"density = {density:g}: the box of {PARTICLES} particles must be two cut-offs wide")
    rng = np.random.default_rng(seed)
    side = int(np.ceil(PARTICLES ** (1 / 3)))
    sites = np.array(list(itertools.product(range(side), repeat=3))) * (edge / side)
    places = rng.permutation(sites)[:PARTICLES] + rng.uniform(0, 0.1 * edge / side, (PARTICLES, 3))
    types = np.where(np.arange(PARTICLES) < count_b, 2, 1)
    interactions = [
        f"pair_style lj/cut {CUTOFF}", "pair_modify shift yes", "pair_coeff * * 1 1", f"pair_coeff 1 2 {epsilon_ab} 1",
    ]  # fmt: skip
    with ExitStack() as stack:
        lmp = open_box(stack, [edge] * 3, places, types.tolist(), interactions, n_types=2)
        start_uniform(lmp, temperature, seed, equilibration, _PRESSURE_EVERY)
        frames = steps // _SAMPLE_EVERY // BLOCKS
        energies: dict[bool, list[FloatArray]] = {False: [], True: []}
        pressure = np.zeros((BLOCKS, frames * (_SAMPLE_EVERY // _PRESSURE_EVERY)))
        for sample in range(pressure.size):
            lmp.command(f"run {_PRESSURE_EVERY} pre no post no")
            pressure.flat[sample] = density * temperature + lmp.extract_compute("forces", 0, 0)
            if (sample + 1) % (_SAMPLE_EVERY // _PRESSURE_EVERY) == 0:
                is_b = lmp.numpy.extract_atom("type")[:PARTICLES] == 2
                energy = unlike_energy(lmp.numpy.extract_atom("x")[:PARTICLES], is_b, edge)
                for name in energies:
                    energies[name].append(energy[is_b == name])
    a, b = (np.reshape(energies[name], (BLOCKS, -1)) for name in (False, True))
    return ExchangeRun(a, b, pressure.mean(axis=1))


def exchange_energy(run: ExchangeRun, temperature: float, epsilon_ab: float) -> tuple[float, float, float]:
    """c1_A − c1_B, which is βΔF of turning a tagged A into a B, with its standard error.

    Without B by the exponential average, else by Bennett's acceptance ratio of both ways; errors by leaving out one
    block at a time.

    Returns
    -------
    value, sem : float
    samples : float
        Changes that carry the average of the way from A to B, (Σw)²/Σw².
    """
    scale = (1 - epsilon_ab) / temperature

    def estimate(blocks: Sequence[int]) -> float:
        forward = -scale * run.a[blocks].ravel()
        if run.b.size == 0:
            low = forward.min()
            return float(low - np.log(np.exp(low - forward).mean()))
        found = bar(forward, scale * run.b[blocks].ravel(), compute_uncertainty=False)
        return float(found["Delta_f"])

    everything = list(range(BLOCKS))
    left_out = np.array([estimate([block for block in everything if block != out]) for out in everything])
    sem = np.sqrt((BLOCKS - 1) / BLOCKS * ((left_out - left_out.mean()) ** 2).sum())
    weight = np.exp(scale * (run.a - run.a.max()))
    return estimate(everything), float(sem), float(weight.sum() ** 2 / (weight**2).sum())
