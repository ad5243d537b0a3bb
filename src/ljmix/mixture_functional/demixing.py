"""Two liquids: coexisting compositions at a pressure, the temperature where they become one, and their interface."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from ljmix._util.arrays import FloatArray
from ljmix.functional.grid import Grid
from ljmix.functional.model import DENSEST
from ljmix.mixture_functional.model import MixtureFunctional

__all__ = ["LiquidInterface", "TwoLiquids", "find_liquids", "liquid_density", "make_liquid_interface"]

_COMPOSITIONS = np.concatenate([np.geomspace(1e-6, 0.02, 24), np.linspace(0.03, 0.499, 40)])


@dataclass(frozen=True)
class TwoLiquids:
    """Coexisting liquids; the second has A and B exchanged.

    Attributes
    ----------
    fraction_b : float
        Of the liquid that is poor in B.
    density : float
        Of both, 1/σ³.
    """

    fraction_b: float
    density: float


@dataclass(frozen=True)
class LiquidInterface:
    """A flat interface between two liquids.

    Attributes
    ----------
    z : (bins,) array
        From the middle of one to that of the other, σ.
    rho : (2, bins) array
    tension : float
        Excess grand potential for each area, ε/σ².
    width : float
        Of x_B(z): the difference of compositions over the largest slope, σ.
    """

    z: FloatArray
    rho: FloatArray
    tension: float
    width: float


def liquid_density(functional: MixtureFunctional, fraction_b: float, pressure: float = 1.0) -> float:
    """Density of the liquid of a composition at a pressure, 1/σ³.

    Raises
    ------
    ValueError
        If no liquid has this pressure.
    """

    def off(rho: float) -> float:
        return float(functional.pressure(rho * (1 - fraction_b), rho * fraction_b)) - pressure

    # From the densest liquid down, so that a vapour of the same pressure is not taken for it.
    grid = np.arange(DENSEST - 1e-6, 0.1, -0.02)
    above = functional.pressure(grid * (1 - fraction_b), grid * fraction_b) > pressure
    if not above[0] or above.all():
        raise ValueError(f"no liquid with fraction_b = {fraction_b:g} has the pressure {pressure:g}")
    first = int(np.argmin(above))
    return float(brentq(off, grid[first], grid[first - 1], xtol=1e-10))


def find_liquids(functional: MixtureFunctional, pressure: float = 1.0) -> TwoLiquids | None:
    """Coexisting liquids at a pressure: by symmetry those where a particle of A is worth as much as one of B.

    Exchanging A and B turns one liquid into the other. So μ_A(x) = μ_A(1 − x) means μ_A(x) = μ_B(x), at a composition
    other than ½.

    Parameters
    ----------
    functional : MixtureFunctional
    pressure : float
        P*.

    Returns
    -------
    TwoLiquids or None
        None where A and B mix in any proportion.
    """

    def unequal(fraction_b: float) -> float:
        rho = liquid_density(functional, fraction_b, pressure)
        a, b = functional.chemical_potentials(rho * (1 - fraction_b), rho * fraction_b)
        return float(b - a)

    # Rare B are worth little; with more of them μ_B − μ_A rises, and where it crosses zero before ½ lies the liquid.
    values = np.array([unequal(x) for x in _COMPOSITIONS])
    crossings = np.flatnonzero((values[:-1] < 0) & (values[1:] >= 0))
    if len(crossings) == 0:
        return None
    place = crossings[0]
    x = float(brentq(unequal, _COMPOSITIONS[place], _COMPOSITIONS[place + 1], xtol=1e-12, rtol=1e-8))
    return TwoLiquids(x, liquid_density(functional, x, pressure))


def make_liquid_interface(
    functional: MixtureFunctional, pressure: float = 1.0, length: float = 24.0, spacing: float = 0.1
) -> LiquidInterface:
    """Solve for two slabs of liquid side by side; half of the periodic box is one interface.

    Parameters
    ----------
    functional : MixtureFunctional
    pressure : float
        P*.
    length : float
        Of the box, σ.
    spacing : float
        σ.

    Returns
    -------
    LiquidInterface

    Raises
    ------
    ValueError
        If A and B mix.
    RuntimeError
        If the profile does not converge.
    """
    liquids = find_liquids(functional, pressure)
    if liquids is None:
        raise ValueError(
            f"at T* = {functional.temperature:g} and ε_AB = {functional.epsilon_ab:g} A and B are one liquid"
        )
    bins = round(length / spacing / 2) * 2
    z = (np.arange(bins) + 0.5) * spacing - length / 2
    x = liquids.fraction_b
    share = x + (1 - 2 * x) / 2 * (1 - np.tanh(np.abs(z) - length / 4))
    start = liquids.density * np.array([1 - share, share])
    mu = functional.chemical_potentials(liquids.density * (1 - x), liquids.density * x)
    rho = functional.profile(
        np.zeros((2, bins)), mu=(float(mu[0]), float(mu[1])), spacing=spacing, start=start, tolerance=1e-6
    )
    energy = functional.temperature * (
        (rho * (np.log(rho) - 1)).sum() * spacing + functional.excess_energy(rho, Grid((bins,), spacing))
    )
    tension = (energy - float(mu @ rho.sum(axis=1)) * spacing + pressure * bins * spacing) / 2
    half = bins // 2
    share = rho[1, half:] / rho[:, half:].sum(axis=0)
    slope = float(np.abs(np.gradient(share, spacing)).max())
    return LiquidInterface(z[half:].astype(np.float64), rho[:, half:], float(tension), (1 - 2 * x) / slope)
