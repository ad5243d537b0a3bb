"""Tables as two engines would leave them, drawn from known distributions."""

import numpy as np
import pandas as pd
import pytest

from ljmix.data.consistency import PURE_FLUID
from ljmix.engine_validation.checks import BENCH, Tables
from ljmix.engine_validation.systems import AGREEMENT_STATES, ENSEMBLE_STATES, KOB_ANDERSEN_PEAKS, N_WINDOWS, TIME_STEPS
from ljmix.state import PAIRS

N_BLOCKS = 10
R = np.round((np.arange(250) + 0.5) * 0.01, 3)


def rows(system, quantity, blocks, r=None):
    blocks = np.asarray(blocks, dtype=float).reshape(len(blocks), -1)
    return pd.DataFrame(
        {
            "system": system,
            "quantity": quantity,
            "r": np.tile(np.nan if r is None else r, len(blocks)),
            "block": np.repeat(np.arange(len(blocks)), blocks.shape[1]),
            "value": blocks.ravel(),
        }
    )


def draw_tables(seed, bias=0.0, exponent=2.0):
    """One engine's tables; `bias` is added to the density and the functions, in standard deviations of a block."""
    rng = np.random.default_rng(seed)
    parts = []
    for state in AGREEMENT_STATES:
        density, energy = PURE_FLUID[state.temperature]
        n_blocks = N_BLOCKS * N_WINDOWS
        parts.append(rows(state.state_id, "density", density + 0.002 * (rng.normal(size=n_blocks) + bias)))
        parts.append(rows(state.state_id, "energy", energy + 0.01 * rng.normal(size=n_blocks)))
        for pair in PAIRS:
            blocks = 1 + 0.05 * (rng.normal(size=(n_blocks, 40)) + bias)
            blocks[:, :5] = 0.0
            parts.append(rows(state.state_id, pair, blocks, R[:40]))
    parts.append(rows("kob-andersen", "energy", -4.6539 + 0.01 * rng.normal(size=N_BLOCKS)))
    parts.append(rows("kob-andersen", "pressure", 19.318 + 0.1 * rng.normal(size=N_BLOCKS)))
    for pair, (top, height) in KOB_ANDERSEN_PEAKS.items():
        curve = height - 40 * (R - top) ** 2
        parts.append(rows("kob-andersen", pair, curve + 0.02 * rng.normal(size=(N_BLOCKS, len(R))), R))
    for (system, quantity), (value, error) in BENCH.items():
        parts.append(rows(system, quantity, [value + 0.3 * error]))
    for step in TIME_STEPS:
        squares = (step**exponent) ** 2 * (1 + 0.05 * rng.normal(size=N_BLOCKS))
        parts.append(rows(f"time step {step:g}", "energy_change", squares))
    return Tables(pd.concat(parts, ignore_index=True), draw_series(rng), {"engine_version": "0"})


def draw_series(rng, n_frames=2000, width=11.0):
    """Gaussian volumes whose mean moves with the pressure as their width demands, and gamma kinetic energies."""
    n, parts = 420, []
    for state in ENSEMBLE_STATES:
        degrees = 3 * n - 3
        parts.append(
            pd.DataFrame(
                {
                    "system": state.state_id,
                    "n_particles": n,
                    "temperature_set": state.temperature,
                    "pressure_set": state.pressure,
                    "step": np.arange(n_frames),
                    "temperature": rng.gamma(degrees / 2, state.temperature, n_frames) * 2 / degrees,
                    "volume": rng.normal(620 - state.pressure / state.temperature * 11.0**2, width, n_frames),
                    "potential_energy": rng.normal(-4, 0.1, n_frames),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="session")
def two_engines():
    return {"hoomd": draw_tables(1), "lammps": draw_tables(2)}
