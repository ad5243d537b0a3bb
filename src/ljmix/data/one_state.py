"""One mixture, simulated: the shortest way from four numbers to curves with error bars."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
from tqdm import tqdm

from ljmix._util.checks import require_float, require_path, shorten
from ljmix._util.command import Interrupted, way_on
from ljmix.configuration import Configuration, read_configuration
from ljmix.data.state_rows import summarise_state
from ljmix.simulation.analysis import analyse_run
from ljmix.simulation.engine import Engine, check_names, load_engine
from ljmix.simulation.initial import system_size
from ljmix.simulation.profiles import Profile, load_profile
from ljmix.simulation.run import Run
from ljmix.simulation.sampling import choose_runs, choose_starts, open_runs, sample_state
from ljmix.state import StatePoint

__all__ = ["Simulation", "simulate"]

FOLDER = "ljmix-runs"
"""Where runs go if nothing else is said, in the folder one works in."""


@dataclass(frozen=True)
class Simulation:
    """A finished simulation of one state; what is asked for is read from its folder.

    Attributes
    ----------
    state : StatePoint
    profile : Profile
        How it was simulated.
    folder : Path
        Its job: a folder for each start, with trajectory and measurements.
    """

    state: StatePoint
    profile: Profile
    folder: Path

    @cached_property
    def _tables(self) -> tuple[dict[str, Any], pd.DataFrame, pd.DataFrame]:
        return summarise_state(self.folder, self.state, self.profile)

    @cached_property
    def _counted(self) -> Run:
        """The run to show: the last of those that count for the averages."""
        runs = open_runs(self.folder, self.state, self.profile)
        return runs[choose_runs([analyse_run(run) for run in runs], [run.start for run in runs])[0][-1]]

    def rdf(self) -> pd.DataFrame:
        """Radial distribution functions, averaged over all runs that count.

        Returns
        -------
        pandas.DataFrame
            One row a bin: `pair` (AA, AB, BB), `r` (bin centre, σ_AA), `g`, `g_sem` (standard error), and ∂g/∂β at
            constant pressure with its error (`g_dbeta`, `g_dbeta_sem`, ε_AA).
        """
        return self._tables[1].drop(columns="state_id")

    @property
    def averages(self) -> pd.Series:
        """Averages with standard errors, phase and whether the run has converged: a row of the table `states`."""
        return pd.Series(self._tables[0])

    @property
    def converged(self) -> bool:
        """Whether the run is stationary, precise, and agrees with its other start where it has one."""
        return bool(self._tables[0]["converged"])

    @property
    def thermo(self) -> pd.DataFrame:
        """Temperature, pressure, potential energy a particle, volume and density, frame by frame, of one run."""
        return pd.read_parquet(self._counted.joined("thermo.parquet"))

    @property
    def trajectory(self) -> Path:
        """GSD file of kept configurations of one run, for freud, OVITO and VMD."""
        return self._counted.joined("trajectory.gsd")

    def configuration(self) -> Configuration:
        """Last configuration."""
        return read_configuration(self.trajectory)

    def __str__(self) -> str:
        row = self._tables[0]
        verdict = "converged" if self.converged else "not converged"
        return (
            f"{self.state.state_id}: {row['n_particles']} particles, {row['steps_production']} steps averaged, "
            f"{row['phase']}, {verdict} (profile {self.profile.name}); {self.folder}"
        )


def simulate(
    state: StatePoint,
    profile: str | Profile = "quick",
    *,
    seed: int = 0,
    engine: str | Engine = "auto",
    device: str = "auto",
    folder: str | Path | None = None,
    density: float | None = None,
) -> Simulation:
    """Simulate one mixture, any four numbers, on the grid of the reference dataset or off it.

    Interrupted, the same call goes on where it was. Called again, it returns what is there.

    Parameters
    ----------
    state : StatePoint
    profile : str or Profile
        How much: ``"smoke"`` for a look, ``"quick"`` for minutes, ``"reference"`` until averages have settled,
        ``"equilibrium"`` with Monte Carlo moves, for mixtures that separate, ``"paper"`` for GPUs; see
        `ljmix.load_profile`, which also changes single settings.
    seed : int
        Another number, another independent run.
    engine : {"auto", "hoomd", "lammps"} or Engine
        HOOMD-blue where it is installed, else the embedded LAMMPS; or an engine with forces of its own, such as
        ``Potential.engine()`` of `ljmix.potentials`, whose mixture must be the state's.
    device : {"auto", "cpu", "gpu"} or "gpu:<index>"
    folder : str or Path, optional
        Where to write; by default ``ljmix-runs`` in the folder one works in. It is printed.
    density : float, optional
        Hold this number density, 1/σ_AA³ (NVT), in place of the pressure (NPT).

    Returns
    -------
    Simulation

    Raises
    ------
    ValueError
        If a value is out of range, or the system too small for its potential or for the range of g(r).
    RuntimeError
        If the engine fails or is not installed, or another process works on the same run.
    PermissionError
        If the folder cannot be written.
    Interrupted
        On Ctrl-C; the message says what is kept.
    """
    if not isinstance(state, StatePoint):
        raise ValueError(
            f"state = {shorten(state)}: must be a ljmix.StatePoint, for instance StatePoint(1.0, 0.3, 1.2, 0.7)"
        )
    chosen = profile if isinstance(profile, Profile) else load_profile(profile)
    if density is not None:
        density = require_float("density", density, 0, above=True)
    if isinstance(engine, str):
        check_names(engine, device)
    chosen = replace(chosen, replica=seed, number_density=float(density or 0.0))
    system_size(state, chosen)  # before anything is written
    root = require_path("folder", FOLDER if folder is None else folder).resolve()
    loaded = load_engine(engine, device)
    print(f"{loaded.name} {loaded.version} on {loaded.device_name}, profile {chosen.name}; writes to {root}")
    starts = choose_starts(state, chosen)
    least = chosen.segment_steps * -(-(chosen.steps_equilibration + chosen.steps_production) // chosen.segment_steps)
    done = dict.fromkeys(starts, 0)
    with tqdm(total=least * len(starts), unit="step", unit_scale=True, desc=state.state_id) as bar:

        def report(start: str, steps: int) -> None:
            done[start] = steps
            # A run that has not settled yet takes longer than the least.
            bar.total = sum(max(least, of_run) for of_run in done.values())
            bar.update(sum(done.values()) - bar.n)

        try:
            job = sample_state(root, state, chosen, loaded, loaded.device, report)
        except KeyboardInterrupt:
            raise Interrupted(
                f"{sum(done.values())} steps are kept in {root}; {way_on('the same call')} goes on"
            ) from None
        bar.update(bar.total - bar.n)
    return Simulation(state, chosen, job)
