"""One simulation of the uniform fluid: pressure and structure factor, in blocks."""

from __future__ import annotations

import itertools
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ljmix._util.arrays import FloatArray
from ljmix.external_fields.field_engines import PairTable, pair_commands
from ljmix.external_fields.field_runs import BLOCKS
from ljmix.simulation.engines.boxes import open_box, start_uniform

__all__ = ["BULK_PARTICLES", "BulkRun", "run_bulk", "structure_factor", "wave_vectors"]

BULK_PARTICLES = 500
_PRESSURE_EVERY, _WAVES_EVERY = 10, 200
_LARGEST_WAVE = 10.0
_DIRECTIONS = 4


@dataclass(frozen=True)
class BulkRun:
    """What a run measured.

    Attributes
    ----------
    pressure : (BLOCKS,) array
        P*.
    k : (n,) array
        Wave numbers that the box holds, up to 10/σ.
    structure : (BLOCKS, n) array
        S(k).
    """

    pressure: FloatArray
    k: FloatArray
    structure: FloatArray


def wave_vectors(edge: float, seed: int) -> npt.NDArray[np.int64]:
    """Up to four vectors, in units of 2π/L, for each length up to 10/σ."""
    reach = int(_LARGEST_WAVE * edge / (2 * np.pi))
    everything = np.array([n for n in itertools.product(range(-reach, reach + 1), repeat=3) if n > (0, 0, 0)])
    lengths = (everything**2).sum(axis=1)
    everything = everything[lengths <= reach**2]
    everything = np.random.default_rng(seed).permutation(everything)
    lengths = (everything**2).sum(axis=1)
    chosen = [everything[lengths == length][:_DIRECTIONS] for length in np.unique(lengths)]
    return np.concatenate(chosen)


def structure_factor(fractional: FloatArray, vectors: npt.NDArray[np.int64]) -> FloatArray:
    """S(k) = |Σ exp(ik·r)|²/N of one frame at each vector."""
    powers = np.arange(vectors.min(), vectors.max() + 1)
    phases = np.exp(2j * np.pi * powers[:, None, None] * fractional[None])
    x, y, z = (phases[vectors[:, axis] - powers[0], :, axis] for axis in range(3))
    amplitude = (x * y * z).sum(axis=1)
    return np.asarray(np.abs(amplitude) ** 2 / len(fractional))


def run_bulk(
    temperature: float, density: float, seed: int, equilibration: int, steps: int, pair: PairTable | None = None
) -> BulkRun:
    """Simulate the uniform fluid at constant N, V and T, with LAMMPS on one core.

    Parameters
    ----------
    temperature, density : float
        T*, ρ*.
    seed : int
    equilibration, steps : int
        Steps of 0.005 τ before and during the measurement.
    pair : PairTable, optional
        Instead of the truncated and shifted Lennard-Jones potential.

    Returns
    -------
    BulkRun

    Raises
    ------
    ValueError
        If the steps are not a multiple of the samples that fill the blocks.
    """
    if steps < 1 or steps % (_WAVES_EVERY * BLOCKS):
        raise ValueError(f"steps = {steps}: must be a positive multiple of {_WAVES_EVERY * BLOCKS}")
    count, t = BULK_PARTICLES, temperature
    edge = (count / density) ** (1 / 3)
    side = int(np.ceil(count ** (1 / 3)))
    sites = np.array(list(itertools.product(range(side), repeat=3)))[:, ::-1] * (edge / side)
    rng = np.random.default_rng(seed)
    places = rng.permutation(sites)[:count] + rng.uniform(0, 0.1 * edge / side, (count, 3))
    vectors = wave_vectors(edge, seed)
    lengths = (vectors**2).sum(axis=1)
    shells, where = np.unique(lengths, return_inverse=True)
    with ExitStack() as stack:
        lmp = open_box(stack, [edge] * 3, places, [1] * count, pair_commands(pair, stack))
        start_uniform(lmp, t, seed, equilibration, _PRESSURE_EVERY)
        pressures = np.zeros((BLOCKS, steps // BLOCKS // _PRESSURE_EVERY))
        structure = np.zeros((BLOCKS, steps // BLOCKS // _WAVES_EVERY, len(shells)))
        for block, frame in itertools.product(range(BLOCKS), range(structure.shape[1])):
            for sample in range(_WAVES_EVERY // _PRESSURE_EVERY):
                lmp.command(f"run {_PRESSURE_EVERY} pre no post no")
                place = frame * (_WAVES_EVERY // _PRESSURE_EVERY) + sample
                pressures[block, place] = density * t + lmp.extract_compute("forces", 0, 0)
            fractional = lmp.numpy.extract_atom("x")[:count] / edge
            values = structure_factor(fractional, vectors)
            structure[block, frame] = np.bincount(where, values) / np.bincount(where)
    return BulkRun(pressures.mean(axis=1), 2 * np.pi / edge * np.sqrt(shells), structure.mean(axis=1))
