"""Derivatives with respect to temperature, from fluctuations of a single run."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ljmix.structure.rdf import block_average

__all__ = ["temperature_derivative"]

Array = npt.NDArray[np.float64]

N_BLOCKS = 10
"""A product of two fluctuations is noisy: few long blocks, and an error known to a quarter."""


def temperature_derivative(samples: Array, enthalpy: Array) -> tuple[Array, Array]:
    """Derivative of a mean with respect to β = 1/T* at constant pressure.

    ∂⟨g⟩/∂β = −⟨δg δH⟩ with H = U + P V, for a quantity g of the configuration alone (Allen and Tildesley,
    Computer Simulation of Liquids, 2nd ed. 2017, section 2.5).

    Parameters
    ----------
    samples : (n, n_bins) array
        g(r) of single frames, in order of time.
    enthalpy : (n,) array
        H of the same frames, of the whole system, ε_AA; the kinetic part does not matter.

    Returns
    -------
    derivative, sem : (n_bins,) arrays
        In ε_AA; the standard error is from blocks.

    Raises
    ------
    ValueError
        If the two have different lengths, or fewer than two frames.
    """
    if len(samples) != len(enthalpy):
        raise ValueError(f"{len(samples)} samples and {len(enthalpy)} enthalpies: must be as many")
    product = -(samples - samples.mean(axis=0)) * (enthalpy - enthalpy.mean())[:, None]
    return block_average(product, N_BLOCKS)
