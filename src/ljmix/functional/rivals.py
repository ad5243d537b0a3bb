"""What is held against the functional for the uniform fluid: the equation of state PeTS, by feos.

Heier, Stephan, Liu, Chapman, Hasse, Langenbach 2018 (doi:10.1080/00268976.2018.1447153), fitted to simulations of this
very fluid; feos (https://github.com/feos-org/feos) is loaded when it is asked for.
"""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np

from ljmix._util.arrays import FloatArray

__all__ = ["has_feos", "pets_coexistence", "pets_pressure"]

# Any values do: results are divided by the units that follow from them.
_SIGMA, _EPSILON = 3.7, 100.0


def has_feos() -> bool:
    """Whether feos is installed."""
    return importlib.util.find_spec("feos") is not None


def _load() -> tuple[Any, Any, Any]:
    if not has_feos():
        raise RuntimeError("PeTS needs feos: pip install feos")
    import feos
    import si_units

    record = feos.PureRecord(feos.Identifier(name="fluid"), molarweight=40.0, sigma=_SIGMA, epsilon_k=_EPSILON)
    return feos, si_units, feos.EquationOfState.pets(feos.Parameters.new_pure(record))


def pets_pressure(rho: FloatArray, temperature: float) -> FloatArray:
    """Pressure of the uniform fluid by PeTS, ε/σ³.

    Parameters
    ----------
    rho : array
        1/σ³.
    temperature : float
        T*.

    Raises
    ------
    RuntimeError
        Without feos.
    """
    feos, si, fluid = _load()
    volume = (_SIGMA * si.ANGSTROM) ** 3
    unit = _EPSILON * si.KELVIN * si.KB / volume
    return np.array(
        [
            feos.State(
                fluid, temperature=temperature * _EPSILON * si.KELVIN, density=float(density) / (si.NAV * volume)
            ).pressure() / unit
            for density in np.ravel(rho)
        ]
    ).reshape(np.shape(rho))  # fmt: skip


def pets_coexistence(temperature: float) -> tuple[float, float]:
    """Densities of vapour and liquid by PeTS, 1/σ³.

    Raises
    ------
    RuntimeError
        Without feos, or above the critical temperature.
    """
    feos, si, fluid = _load()
    found = feos.PhaseEquilibrium.pure(fluid, temperature * _EPSILON * si.KELVIN)
    volume = si.NAV * (_SIGMA * si.ANGSTROM) ** 3
    return float(found.vapor.density * volume), float(found.liquid.density * volume)
