"""From structure instead of forces: iterative Boltzmann inversion of g(r).

Reith, Pütz and Müller-Plathe 2003, doi:10.1002/jcc.10307.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.interpolate import make_interp_spline

from ljmix._util.arrays import FloatArray
from ljmix.potentials.pair import PairFunction, PairPotential
from ljmix.potentials.runs import compare_curves, run_long
from ljmix.simulation.engine import load_engine
from ljmix.state import PAIRS, StatePoint

__all__ = ["invert", "potential_of_curves"]

_R_MAX, _BINS = 3.0, 120
_SEEN = 0.05
"""g(r) from which a bin counts: below, hardly a pair is in it."""


def potential_of_curves(r: FloatArray, energies: dict[str, FloatArray], state: StatePoint) -> PairPotential:
    """Pair potential through the points of three curves, zero at the cut-off; bins without energy (NaN) become wall.

    Parameters
    ----------
    r : (n_bins,) array
        Bin centres, σ_AA.
    energies : dict of (n_bins,) arrays
        By pair, ε_AA.
    state : StatePoint
        Gives the cut-offs.
    """
    functions = {}
    for pair in PAIRS:
        cutoff, known = state.cutoff(pair), np.isfinite(energies[pair])
        points, values = r[known], energies[pair][known]
        # The wall begins where the curve falls for good.
        while len(points) > 8 and not values[0] > values[1]:
            points, values = points[1:], values[1:]
        spline = make_interp_spline(points, values, k=3)
        functions[pair] = PairFunction(spline, float(points[0]), cutoff).shifted()
    return PairPotential(functions)


def invert(
    state: StatePoint, density: float, draw: int, iterations: int = 5, steps: int = 6_000
) -> dict[str, pd.DataFrame]:
    """Find a pair potential that gives the g(r) of a run of the truth: u ← u + kT ln(g/g_target), from −kT ln g_target.

    Parameters
    ----------
    state : StatePoint
    density : float
        1/σ_AA³.
    draw : int
        Number of the run that is inverted.
    iterations, steps : int

    Returns
    -------
    dict
        Tables `inversion` (`draw`, `iteration`, `pair`, `r`, `u`, `g`, `g_target`) and `inversion_runs` (`draw`,
        `iteration`, `misfit` = 1 − R² of g, `pressure`, `energy`; the truth is iteration -1).
    """
    setting: dict[str, Any] = {"n_particles": 400, "density": density, "r_max": _R_MAX, "n_bins": _BINS}
    truth = run_long(load_engine("lammps"), state, steps=20_000, replica=200 + draw, **setting)
    of_pair = truth.curves.groupby("pair")
    r = of_pair.get_group("AA")["r"].to_numpy()
    target = {pair: of_pair.get_group(pair)["g"].to_numpy() for pair in PAIRS}
    with np.errstate(divide="ignore"):
        energies = {
            pair: np.where(target[pair] > _SEEN, -state.temperature * np.log(target[pair]), np.nan) for pair in PAIRS
        }
    runs = [{"draw": draw, "iteration": -1, "misfit": 0.0} | _thermo(truth.averages)]
    curves = []
    for number in range(iterations):
        potential = potential_of_curves(r, energies, state)
        found = run_long(
            potential.engine("lammps"), state, steps=steps, settle=3000, replica=300 + 20 * draw + number, **setting
        )
        runs.append(
            {"draw": draw, "iteration": number, "misfit": compare_curves(found.curves, truth.curves)}
            | _thermo(found.averages)
        )
        for pair in PAIRS:
            g = found.curves.loc[found.curves["pair"] == pair, "g"].to_numpy()
            columns = {"draw": draw, "iteration": number, "pair": pair, "r": r, "u": potential.functions[pair](r)}
            curves.append(pd.DataFrame(columns | {"g": g, "g_target": target[pair]}))
            with np.errstate(divide="ignore", invalid="ignore"):
                change = state.temperature * np.log(g / target[pair])
            known = np.isfinite(change) & np.isfinite(energies[pair]) & (g > _SEEN)
            energies[pair] = energies[pair] + np.where(known, change, 0.0)
    return {"inversion": pd.concat(curves, ignore_index=True), "inversion_runs": pd.DataFrame(runs)}


def _thermo(values: dict[str, float]) -> dict[str, float]:
    return {name: values[name] for name in ("pressure", "pressure_sem", "energy", "energy_sem")}
