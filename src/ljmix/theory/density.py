"""How dense a mixture is, before anything is simulated."""

from __future__ import annotations

import math

import numpy as np

from ljmix.state import StatePoint

__all__ = ["estimate_density"]

# Hard spheres of diameter _CORE σ with a mean attraction -_ATTRACTION ρ: two numbers fitted to the five
# densities of the truncated and shifted fluid at P* = 1 (Thol et al. 2015, doi:10.1007/s10765-014-1764-4),
# which it meets within 2 %. It only sizes the first box; the barostat finds the true density.
_CORE = 1.055
_ATTRACTION = 11.4


def estimate_density(state: StatePoint) -> float:
    """Number density of the mixture, N σ_AA³ / V, from a van der Waals picture.

    Carnahan-Starling spheres with a mean-field attraction mixed by the one-fluid rule,
    a = Σ x_i x_j ε_ij σ_ij³; where the mixture is predicted less dense than its two liquids side by side,
    the latter's density is returned.

    Returns
    -------
    float
        Good to some 10 %.
    """
    x_b = state.fraction_b
    volume_fraction = (1 - x_b) + x_b * state.size_ratio**3
    weights = {"AA": (1 - x_b) ** 2, "AB": 2 * x_b * (1 - x_b), "BB": x_b**2}
    attraction = sum(weights[p] * state.epsilon(p) * state.sigma(p) ** 3 for p in weights)
    mixed = _van_der_waals_density(state, volume_fraction, attraction)
    volume_a = 1 / _van_der_waals_density(state, 1.0, 1.0)
    volume_b = 1 / _van_der_waals_density(state, state.size_ratio**3, state.size_ratio**3)
    return max(mixed, 1 / ((1 - x_b) * volume_a + x_b * volume_b))


def _van_der_waals_density(state: StatePoint, core_volume: float, attraction: float) -> float:
    core = math.pi / 6 * _CORE**3 * core_volume
    packing = np.linspace(1e-4, 0.62, 4000)
    rho = packing / core
    compressibility = (1 + packing + packing**2 - packing**3) / (1 - packing) ** 3
    pressure = rho * state.temperature * compressibility - _ATTRACTION * attraction * rho**2
    # Below the critical temperature the loop gives several solutions; the densest one is the liquid.
    above = pressure > state.pressure
    return float(rho[int(np.flatnonzero(~above).max(initial=0))])
