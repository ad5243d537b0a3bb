"""Liquid and vapour: coexisting densities, the critical point, and the interface between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import brentq

from ljmix._util.arrays import FloatArray
from ljmix.functional.grid import Grid
from ljmix.functional.model import DENSEST, Functional

__all__ = ["SIMULATED", "Interface", "coexisting_densities", "critical_point", "make_interface"]

SIMULATED = pd.DataFrame(
    {
        "temperature": [0.70, 0.79, 0.91, 1.00], "pressure": [0.00479, 0.01241, 0.0336, 0.0606],
        "liquid": [0.7866, 0.7361, 0.6556, 0.5712],
    }
)  # fmt: skip
"""Liquid at coexistence by simulation, with the pressure: Vrabec et al. 2006 (doi:10.1080/00268970600556774).

Their critical point is T* = 1.078, ρ* = 0.319.
"""
_DENSITIES = np.concatenate([np.geomspace(1e-4, 0.02, 60), np.linspace(0.021, DENSEST, 450)])


@dataclass(frozen=True)
class Interface:
    """A flat interface.

    Attributes
    ----------
    z, rho : (bins,) arrays
        From the middle of the liquid to that of the vapour.
    tension : float
        Excess grand potential for each area, γ, ε/σ².
    """

    z: FloatArray
    rho: FloatArray
    tension: float


def coexisting_densities(functional: Functional) -> tuple[float, float] | None:
    """Densities of vapour and liquid with the same pressure and chemical potential.

    Parameters
    ----------
    functional : Functional

    Returns
    -------
    (vapour, liquid) : tuple of float, or None
        None above the critical temperature.
    """
    mu = functional.chemical_potential(_DENSITIES)
    falling = np.flatnonzero(np.diff(mu) < 0)
    if len(falling) == 0:
        return None
    # The longest stretch where μ falls with ρ lies between the spinodals.
    runs = np.split(falling, np.flatnonzero(np.diff(falling) > 1) + 1)
    stretch = max(runs, key=len)
    low, high = stretch[0], stretch[-1] + 1

    def densities(potential: float) -> tuple[float, float]:
        def off(rho: float) -> float:
            return float(functional.chemical_potential(rho)) - potential

        return float(brentq(off, 1e-7, _DENSITIES[low])), float(brentq(off, _DENSITIES[high], DENSEST))

    def unequal(potential: float) -> float:
        vapour, liquid = densities(potential)
        return float(functional.pressure(liquid) - functional.pressure(vapour))

    bottom = max(mu[high], float(functional.chemical_potential(1e-7))) + 1e-10
    return densities(float(brentq(unequal, bottom, min(mu[low], mu[-1]) - 1e-10, xtol=1e-12)))


def critical_point(make: Callable[[float], Functional], low: float, high: float) -> tuple[float, float]:
    """Temperature and density where vapour and liquid become one: the least slope of the pressure is zero.

    Parameters
    ----------
    make : callable
        Functional at a temperature.
    low, high : float
        Temperatures below and above.

    Returns
    -------
    temperature, density : float

    Raises
    ------
    ValueError
        If the fluid separates at both temperatures or at neither.
    """
    rho = np.linspace(0.1, 0.6, 501)

    def least(temperature: float) -> float:
        return float(np.gradient(make(temperature).pressure(rho), rho).min())

    if not least(low) < 0 < least(high):
        raise ValueError(f"the critical temperature does not lie between {low:g} and {high:g}")
    temperature = float(brentq(least, low, high, xtol=1e-5))
    slope = np.gradient(make(temperature).pressure(rho), rho)
    return temperature, float(rho[int(np.argmin(slope))])


def make_interface(functional: Functional, length: float = 30.0, spacing: float = 0.05) -> Interface:
    """Solve for a slab of liquid in its vapour; half of it is one interface.

    Parameters
    ----------
    functional : Functional
    length : float
        Of the periodic box, σ.
    spacing : float
        σ.

    Returns
    -------
    Interface

    Raises
    ------
    ValueError
        If the fluid does not separate at this temperature.
    RuntimeError
        If the profile does not converge.
    """
    found = coexisting_densities(functional)
    if found is None:
        raise ValueError(f"at T* = {functional.temperature:g} liquid and vapour are one fluid")
    vapour, liquid = found
    bins = round(length / spacing / 2) * 2
    z = (np.arange(bins) + 0.5) * spacing - length / 2
    start = vapour + (liquid - vapour) / 2 * (1 - np.tanh(np.abs(z) - length / 4))
    # At fixed N the slab neither grows nor shrinks on the way.
    rho = functional.profile(
        np.zeros(bins), n=float(start.sum() * spacing), spacing=spacing, start=start, mixing=0.05, tolerance=1e-7
    )
    mu, pressure = float(functional.chemical_potential(liquid)), float(functional.pressure(liquid))
    energy = functional.temperature * (
        (rho * (np.log(rho) - 1)).sum() * spacing + functional.excess_energy(rho, Grid((bins,), spacing))
    )
    tension = (energy - mu * rho.sum() * spacing + pressure * bins * spacing) / 2
    half = bins // 2
    return Interface(z[half:].astype(np.float64), rho[half:], float(tension))
