"""Equation of state of the mixture: PeTS, a perturbation theory of Lennard-Jones cut at 2.5 σ and shifted.

Heier et al. 2018 (doi:10.1080/00268976.2018.1447153), by the library feos (Rehner et al. 2023,
doi:10.1021/acs.iecr.2c04561). It was fitted to the pure fluid. Of mixtures it knows σ_AB = (σ_A + σ_B)/2 and
ε_AB = (1 − k) √(ε_A ε_B) in a one-fluid mixing rule, so that k = 1 − ε_AB here. Simulations say how far that holds:
the notebook on thermodynamics compares both, and `strength` scales k.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import feos
import numpy as np
import si_units as si

from ljmix._util.arrays import FloatArray
from ljmix.state import StatePoint
from ljmix.structure.phase import lever_rule

__all__ = ["Liquid", "Separation", "coexisting_fractions", "equation_of_state", "separate"]

# Reduced units need some scale in a library that computes in SI units; it cancels.
_SIGMA, _EPSILON = 3.7, 100.0
_LENGTH, _TEMPERATURE = _SIGMA * si.ANGSTROM, _EPSILON * si.KELVIN
_ENERGY = _TEMPERATURE * si.KB
_PRESSURE = _ENERGY / _LENGTH**3
_MOLAR_ENERGY, _MOLAR_VOLUME = si.RGAS * _TEMPERATURE, si.NAV * _LENGTH**3
_TRACE = 1e-9
"""Fraction that stands for infinite dilution."""


@dataclass(frozen=True)
class Liquid:
    """A liquid by the equation of state, in reduced units of species A.

    Attributes
    ----------
    density : float
        N/V, 1/σ_AA³.
    chemical_potential : (2,) array
        μ_ex of A and B beyond the ideal gas at the same density, ε_AA: μ = T* ln(ρ_i Λ³) + μ_ex.
    partial_volume : (2,) array
        ∂V/∂N_i at constant pressure, σ_AA³.
    compressibility : float
        κ_T, σ_AA³/ε_AA.
    enthalpy : float
        U/N + P/ρ, potential part only, ε_AA.
    thermodynamic_factor : float
        Γ = 1 + x_B ∂ln γ_B/∂x_B at constant temperature and pressure; below zero where one liquid is unstable.
    """

    density: float
    chemical_potential: FloatArray
    partial_volume: FloatArray
    compressibility: float
    enthalpy: float
    thermodynamic_factor: float


@lru_cache(maxsize=200)
def _mixture(size_ratio: float, epsilon_ab: float, strength: float) -> Any:
    records = [
        feos.PureRecord(feos.Identifier(name=name), molarweight=40.0, sigma=_SIGMA * sigma, epsilon_k=_EPSILON)
        for name, sigma in (("A", 1.0), ("B", size_ratio))
    ]
    parameters = feos.Parameters.new_binary(records, k_ij=strength * (1 - epsilon_ab))
    return feos.EquationOfState.pets(parameters)


def equation_of_state(state: StatePoint, strength: float = 1.0) -> Liquid:
    """Liquid of a state point, at its temperature, pressure and composition.

    Parameters
    ----------
    state : StatePoint
        A pure liquid stands for itself with a trace of the other species, whose chemical potential and partial volume
        are those at infinite dilution.
    strength : float
        Factor of k = 1 − ε_AB in the combining rule.

    Returns
    -------
    Liquid

    Raises
    ------
    ValueError
        If the equation of state has no liquid there.
    """
    return _describe(state, min(max(state.fraction_b, _TRACE), 1 - _TRACE), strength)


def _describe(state: StatePoint, fraction: float, strength: float) -> Liquid:
    found = _solve(state, fraction, strength)
    density = float(found.density * _MOLAR_VOLUME)
    residual = feos.Contributions.Residual
    # The library's residual chemical potential is at the same volume: μ_ex, as insertion measures it.
    enthalpy = float(found.molar_enthalpy(residual) / _MOLAR_ENERGY) + state.temperature
    return Liquid(
        density=density,
        chemical_potential=np.asarray(found.chemical_potential(residual) / _MOLAR_ENERGY, dtype=float),
        partial_volume=np.asarray(found.partial_molar_volume() / _MOLAR_VOLUME, dtype=float),
        compressibility=float(found.isothermal_compressibility() * _PRESSURE),
        enthalpy=enthalpy,
        thermodynamic_factor=float(np.ravel(found.thermodynamic_factor())[0]),
    )


def _solve(state: StatePoint, fraction: float, strength: float) -> Any:
    try:
        return feos.State(
            _mixture(state.size_ratio, state.epsilon_ab, strength),
            temperature=state.temperature * _TEMPERATURE,
            pressure=state.pressure * _PRESSURE,
            # A list: of an array feos writes the text first, which takes ten times as long.
            composition=[1 - fraction, fraction],
            density_initialization="liquid",
        )
    except RuntimeError as error:
        raise ValueError(f"{state.state_id}: the equation of state has no liquid there ({error})") from error


@dataclass(frozen=True)
class Separation:
    """Two liquids that a state splits into, by the equation of state.

    Attributes
    ----------
    fraction_b, density : (2,) arrays
        C_B and N/V (1/σ_AA³) of the lean and of the rich liquid.
    share : float
        Share of the rich liquid in the volume.
    gain : float
        Gibbs free energy a particle of one liquid over that of two, without their interface, ε_AA; positive.
    """

    fraction_b: FloatArray
    density: FloatArray
    share: float
    gain: float


def separate(state: StatePoint, strength: float = 1.0) -> Separation | None:
    """Say what a state gains by splitting into two liquids.

    Parameters
    ----------
    state : StatePoint
    strength : float
        As in `equation_of_state`.

    Returns
    -------
    Separation or None
        None where one liquid is stable.

    Raises
    ------
    ValueError
        As `coexisting_fractions`.
    """
    found = coexisting_fractions(state, strength)
    if found is None:
        return None
    one, lean, rich = (_describe(state, x, strength) for x in (state.fraction_b, *found))
    fractions, density = np.array(found), np.array([lean.density, rich.density])
    # In equilibrium μ is the same in both liquids.
    excess = _potentials(one, state.fraction_b, state.temperature) - _potentials(lean, found[0], state.temperature)
    gain = float((1 - state.fraction_b) * excess[0] + state.fraction_b * excess[1])
    return Separation(fractions, density, float(lever_rule(state.fraction_b, fractions, density)[1]), gain)


def _potentials(liquid: Liquid, fraction: float, temperature: float) -> FloatArray:
    """μ of A and B without the thermal wavelengths, ε_AA."""
    return liquid.chemical_potential + temperature * np.log(liquid.density * np.array([1 - fraction, fraction]))


_FEEDS = (0.5, 0.3, 0.7, 0.4, 0.6, 0.2, 0.8, 0.1, 0.9)
"""Compositions from which the flash starts where the one asked for does not converge."""


def coexisting_fractions(state: StatePoint, strength: float = 1.0) -> tuple[float, float] | None:
    """Fractions of B in the two liquids that a state point splits into, by the equation of state.

    Parameters
    ----------
    state : StatePoint
        Its composition is that of the whole.
    strength : float
        As in `equation_of_state`.

    Returns
    -------
    (float, float) or None
        C_B of the lean and of the rich liquid; None where one liquid is stable.

    Raises
    ------
    ValueError
        If the state is pure, or the two liquids are not found.
    """
    if not 0 < state.fraction_b < 1:
        raise ValueError(f"fraction_b = {state.fraction_b:g}: a pure liquid has nothing to separate from")
    mixture = _mixture(state.size_ratio, state.epsilon_ab, strength)
    error: RuntimeError | None = None
    # Coexisting liquids do not depend on how much there is of each: where the search fails for the state's own
    # composition, as it does for one state in a hundred, another one finds the same pair.
    for feed in (state.fraction_b, *_FEEDS):
        try:
            if _solve(state, feed, strength).is_stable():
                if feed == state.fraction_b:
                    return None
                continue
            moles = np.array([1 - feed, feed]) * si.MOL
            split = feos.PhaseEquilibrium.tp_flash(
                mixture, state.temperature * _TEMPERATURE, state.pressure * _PRESSURE, moles
            )
        except RuntimeError as failed:
            error = failed
            continue
        lean, rich = sorted(float(phase.molefracs[1]) for phase in (split.liquid, split.vapor))
        return (lean, rich) if lean < state.fraction_b < rich else None
    raise ValueError(f"{state.state_id}: the two liquids of the equation of state are not found") from error
