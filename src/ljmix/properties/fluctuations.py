"""Derivatives from fluctuations of a single run: of any mean by temperature, of the volume, of the enthalpy."""

from __future__ import annotations

from ljmix._util.arrays import FloatArray
from ljmix.structure.rdf import block_average

__all__ = ["response_functions", "temperature_derivative"]


N_BLOCKS = 10
"""A product of two fluctuations is noisy: few long blocks, and an error known to a quarter."""


def temperature_derivative(samples: FloatArray, enthalpy: FloatArray) -> tuple[FloatArray, FloatArray]:
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


def response_functions(
    volume: FloatArray, enthalpy: FloatArray, temperature: float, n_particles: int
) -> dict[str, tuple[float, float]]:
    """Compressibility, expansion and heat capacity from the fluctuations of volume and enthalpy.

    κ_T = ⟨δV²⟩ / (T* V), α_P = ⟨δV δH⟩ / (T*² V), c_P = 3/2 + ⟨δH²⟩ / (N T*²), where H is the enthalpy
    without its kinetic part (Allen and Tildesley, Computer Simulation of Liquids, 2nd ed. 2017, section 2.5).

    Parameters
    ----------
    volume, enthalpy : (n,) arrays
        Of the same frames, in order of time, σ_AA³ and ε_AA (H = U + P V of the whole system).
    temperature : float
        T*.
    n_particles : int

    Returns
    -------
    dict
        Value and standard error (blocks) of `isothermal_compressibility` (σ_AA³/ε_AA), `thermal_expansion`
        (1/T*) and `heat_capacity` (a particle, at constant pressure).
    """
    dv, dh = volume - volume.mean(), enthalpy - enthalpy.mean()
    # The means cost one of the n_eff independent samples; with block errors of 10 % and more nobody sees it.
    products = {
        "isothermal_compressibility": (0.0, dv * dv / (temperature * volume.mean())),
        "thermal_expansion": (0.0, dv * dh / (temperature**2 * volume.mean())),
        "heat_capacity": (1.5, dh * dh / (n_particles * temperature**2)),
    }
    responses = {}
    for name, (ideal, product) in products.items():
        mean, error = block_average(product, N_BLOCKS)
        responses[name] = (ideal + float(mean), float(error))
    return responses
