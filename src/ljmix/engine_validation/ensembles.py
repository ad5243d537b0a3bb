"""Whether runs sample the ensemble they claim: tests of the package physical_validation on our series.

Kinetic energies against their gamma distribution, and volumes at two pressures against
P(V | P_1) / P(V | P_2) ∝ exp(−β (P_1 − P_2) V), which needs no knowledge of the liquid
(Merz and Shirts 2018, doi:10.1371/journal.pone.0202764).
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from ljmix._util.arrays import FloatArray
from ljmix.engine_validation.lines import Line, make_line

# pymbar announces on import that it found no JAX, which nothing here would use.
logging.getLogger("pymbar").setLevel(logging.ERROR)
import physical_validation as pv  # noqa: E402
from pymbar import timeseries  # noqa: E402

__all__ = ["check_ensembles"]

_SEED = 20250218
_GROMACS_PV = 6.022140857e-2
"""physical_validation turns P V into energy with the factor for GROMACS' units; ours is one."""


def check_ensembles(engine: str, series: pd.DataFrame) -> Iterator[Line]:
    """Check the runs of one engine at two pressures.

    Parameters
    ----------
    engine : str
    series : pandas.DataFrame
        As in ``series.parquet``, see `ljmix.engine_validation.runs`.

    Yields
    ------
    dict
        A line for the mean, the width and the whole distribution of each run's kinetic energy, and one for the
        ratio of the two volume distributions.

    Raises
    ------
    ValueError
        If the table does not hold two runs of as many particles.
    """
    runs = [part.sort_values("step") for _, part in series.groupby("pressure_set", sort=True)]
    if len(runs) != 2:
        raise ValueError(f"series of {engine}: {len(runs)} pressures; two are compared")
    if len({int(run["n_particles"].iloc[0]) for run in runs}) != 1:
        raise ValueError(f"series of {engine}: the runs have different numbers of particles; they must have the same")
    for run in runs:
        yield from _kinetic_energy(engine, run)
    data = [_simulation_data(run) for run in runs]
    (deviation,) = pv.ensemble.check(*data, verbosity=0, bootstrap_seed=_SEED)
    pressures = " and ".join(f"{run['pressure_set'].iloc[0]:g}" for run in runs)
    yield make_line(
        "ensemble", engine, f"P* = {pressures}", "ratio of volume distributions, deviation in σ", deviation, 0.0, 1.0
    )


def _kinetic_energy(engine: str, run: pd.DataFrame) -> Iterator[Line]:
    system = f"P* = {run['pressure_set'].iloc[0]:g}"
    simulation = _simulation_data(run.iloc[:: _stride(run["temperature"].to_numpy())])
    deviations = pv.kinetic_energy.distribution(
        simulation, verbosity=0, bootstrap_seed=_SEED, data_is_uncorrelated=True
    )
    for name, deviation in zip(("mean", "width"), deviations, strict=True):
        yield make_line("ensemble", engine, system, f"kinetic energy: {name}, deviation in σ", deviation, 0.0, 1.0)
    p = float(pv.kinetic_energy.distribution(simulation, strict=True, verbosity=0, data_is_uncorrelated=True))
    # A p-value is uniform by chance: 1/2 on average, spread 1/√12.
    yield make_line("ensemble", engine, system, "kinetic energy: p of its distribution", p, 0.5, 12**-0.5, p=p)


def _stride(values: FloatArray) -> int:
    """Frames between independent values.

    A thermostat that swings makes a series alternate: to the correlation of its values, which physical_validation
    looks at, it is independent, while the strength of the swing lasts. The squares tell.
    """
    squares = (values - values.mean()) ** 2
    return math.ceil(max(float(timeseries.statistical_inefficiency(series)) for series in (values, squares)))


def _simulation_data(run: pd.DataFrame) -> pv.data.SimulationData:
    n = int(run["n_particles"].iloc[0])
    temperature, pressure = float(run["temperature_set"].iloc[0]), float(run["pressure_set"].iloc[0])
    kinetic = 0.5 * (3 * n - 3) * run["temperature"].to_numpy()
    potential = n * run["potential_energy"].to_numpy()
    return pv.data.SimulationData(
        units=pv.data.UnitData(
            kb=1.0, energy_conversion=1.0, length_conversion=1.0, volume_conversion=1.0, temperature_conversion=1.0,
            pressure_conversion=1 / _GROMACS_PV, time_conversion=1.0,
        ),
        dt=1.0,
        system=pv.data.SystemData(
            natoms=n, nconstraints=0, ndof_reduction_tra=3, ndof_reduction_rot=0, mass=np.ones(n)
        ),
        ensemble=pv.data.EnsembleData("NPT", natoms=n, pressure=pressure, temperature=temperature),
        observables=pv.data.ObservableData(
            kinetic_energy=kinetic, potential_energy=potential, total_energy=kinetic + potential,
            volume=run["volume"].to_numpy(), pressure=np.full(len(run), pressure),
            temperature=run["temperature"].to_numpy(), constant_of_motion=kinetic + potential,
        ),
    )  # fmt: skip
