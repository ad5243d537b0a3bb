"""Where a mixture separates: two liquids, each with its own composition, from a regular solution.

Free energy of mixing per volume of an A particle, with volume fraction φ of B, as of Flory and Huggins for
particles of unequal volume (Hansen and McDonald 2013, doi:10.1016/C2010-0-66723-X, section 3.10, for equal
ones):

    f = φ/S³ ln φ + (1 - φ) ln(1 - φ) + χ φ (1 - φ),    χ = 2 · 2.84 (1 - ε_AB) ρ / (L s² T*)

For equal sizes at density 1 this separates below the known consolute temperature, 2.84 (1 - ε_AB). A mean
field is proportional to the density ρ of particles (packing fraction over π/6). Unlike neighbours meet at
the surface of the larger species, 1/L of it in its volume, and the smaller one seats 1/s² particles on a
unit of it (L and s: the larger and the smaller of 1 and S); so A and B may change names. What it leaves out
makes it good for the order of things, not for the boundary to a few per cent.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from scipy.spatial import ConvexHull

from ljmix._util.arrays import FloatArray
from ljmix.state import PAIRS
from ljmix.structure.phase import CONSOLUTE
from ljmix.theory.cavity import packing_fraction, volume_fraction

__all__ = ["Coexistence", "clear_gap_cache", "coexisting_liquids", "enrichment", "log_levels"]

_PUREST = 12.0
"""Logit of the volume fraction beyond which a liquid counts as pure: six parts in a million."""
_GRID = 1 / (1 + np.exp(-np.linspace(-_PUREST, _PUREST, 481)))
"""Volume fractions at which the common tangent is first looked for; dense towards both pure liquids."""
_MOST_STEPS, _EXACT = 50, 1e-9
"""Newton steps to the tangent, and the change that ends them: six were enough for χ up to 14, S from 0.5 to 2."""
_LOWEST_LEVEL = 0.01


@dataclass(frozen=True)
class Coexistence:
    """Liquids of each state; where the mixture is one liquid, both are the mixture.

    Attributes
    ----------
    lean, rich : (n_states,) arrays
        Share of B in the volume of the particles of the A-rich and of the B-rich liquid.
    share : (n_states,) array
        Share of the B-rich liquid in the volume of all particles; 0 for one liquid.
    """

    lean: FloatArray
    rich: FloatArray
    share: FloatArray


def coexisting_liquids(states: pd.DataFrame, strength: float = 1.0) -> Coexistence:
    """Liquids that a regular solution splits into, by the common tangent of its free energy.

    Parameters
    ----------
    states : pandas.DataFrame
    strength : float
        Factor of χ: 1 for the consolute temperature of the literature.

    Returns
    -------
    Coexistence
    """
    phi = volume_fraction(states)
    density = packing_fraction(states) * 6 / np.pi
    sizes = states["size_ratio"].to_numpy(dtype=float)
    contacts = 1 / (np.maximum(sizes, 1) * np.minimum(sizes, 1) ** 2)
    mismatch = (1 - states["epsilon_ab"].to_numpy(dtype=float)) / states["temperature"].to_numpy(dtype=float)
    chi = 2 * strength * CONSOLUTE * density * contacts * mismatch
    gaps = [_miscibility_gap(round(x, 6), round(s, 6)) for x, s in zip(chi.tolist(), sizes.tolist(), strict=True)]
    lean, rich = np.array(gaps).T
    split = (phi > lean) & (phi < rich)
    lean, rich = np.where(split, lean, phi), np.where(split, rich, phi)
    share = np.where(split, (phi - lean) / np.where(split, rich - lean, 1), 0.0)
    return Coexistence(lean, rich, share)


def enrichment(states: pd.DataFrame, liquids: Coexistence) -> FloatArray:
    """Level of g far inside large domains: how much likelier a pair is than in the uniform mixture.

    Returns
    -------
    (n_states, 3) array
        Σ w c_i c_j / (C_i C_j) over the liquids, w their shares of the volume, as if both packed particles alike, and
        c concentrations; 1 for one liquid, up to 1/φ for like pairs of a separated one, towards 0 for unlike pairs.
    """
    phi = volume_fraction(states)
    level = np.zeros((len(states), len(PAIRS)))
    for share, inside in ((1 - liquids.share, liquids.lean), (liquids.share, liquids.rich)):
        a, b = (1 - inside) / (1 - phi), inside / phi
        level += share[:, None] * np.stack([a * a, a * b, b * b], axis=1)
    return level


def log_levels(states: pd.DataFrame, strength: float = 1.0) -> FloatArray:
    """Logarithm of `enrichment` where a regular solution separates, as models are told it, (n_states, 3).

    Not below ln 0.01: unlike pairs still meet at surfaces.
    """
    level = enrichment(states, coexisting_liquids(states, strength))
    return np.asarray(np.log(np.maximum(level, _LOWEST_LEVEL)))


@lru_cache(maxsize=10_000)
def _miscibility_gap(chi: float, size_ratio: float) -> tuple[float, float]:
    """Volume fractions of the two liquids; an empty gap (1, 0) if there is one liquid at any composition."""
    if chi <= (1 + size_ratio**-1.5) ** 2 / 2:  # up to its critical value f is convex
        return 1.0, 0.0
    phi = _GRID
    energy = phi / size_ratio**3 * np.log(phi) + (1 - phi) * np.log(1 - phi) + chi * phi * (1 - phi)
    # Points of the lower convex hull; the one long edge among them is the common tangent. Closed by a point
    # high above, so that all other edges belong to the lower side.
    points = np.append(np.stack([phi, energy], axis=1), [[0.5, energy.max() + 10.0]], axis=0)
    lower = np.sort(ConvexHull(points).vertices)
    lower = lower[lower < len(phi)]
    jumps = np.diff(lower)
    widest = int(jumps.argmax())
    if jumps[widest] <= 2:
        return 1.0, 0.0
    lean, rich = float(phi[lower[widest]]), float(phi[lower[widest + 1]])
    # Models take derivatives of the gap, to which a step of the grid would be a jump.
    for _ in range(_MOST_STEPS):
        before = lean, rich
        lean = _touch(lean, rich, chi, size_ratio)
        rich = _touch(rich, lean, chi, size_ratio)
        if max(abs(lean / before[0] - 1), abs((1 - rich) / (1 - before[1]) - 1)) < _EXACT:
            return lean, rich
    raise RuntimeError(f"no common tangent for chi = {chi:g}, size ratio {size_ratio:g} in {_MOST_STEPS} steps")


def clear_gap_cache() -> None:
    """Empty the cache of miscibility gaps."""
    _miscibility_gap.cache_clear()


def _touch(at: float, other: float, chi: float, size_ratio: float) -> float:
    """Move `at`, by a Newton step in its logit, to where a line through f(other) touches f."""
    volume = size_ratio**3

    def energy(phi: float) -> float:
        return phi / volume * math.log(phi) + (1 - phi) * math.log1p(-phi) + chi * phi * (1 - phi)

    slope = (math.log(at) + 1) / volume - math.log1p(-at) - 1 + chi * (1 - 2 * at)
    bend = 1 / (volume * at) + 1 / (1 - at) - 2 * chi
    step = (energy(other) - energy(at) - slope * (other - at)) / (bend * (other - at) * at * (1 - at))
    logit = math.log(at / (1 - at)) + min(max(step, -0.5), 0.5)
    return 1 / (1 + math.exp(-min(max(logit, -_PUREST), _PUREST)))
