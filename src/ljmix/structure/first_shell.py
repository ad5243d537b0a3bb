"""The first shell of neighbours: how far it reaches, and its peak in three ways, each for its use.

- `peak_bin`, the highest bin: for error bars, which a bin has and a fit through several has not.
- `highest_points`, a parabola through the highest bin and its two neighbours: for scores, many curves at once.
- `resolved_peak`, a parabola through all points near the top of the function resolved within its bins: for
  descriptors of a mixture, whose bins may be a tenth of σ_BB, so that an average lies up to a sixth too low.

The peaks of Kob and Andersen's mixture are fitted as the published ones were (`ljmix.engine_validation.checks`).
"""

from __future__ import annotations

import numpy as np

from ljmix._util.arrays import FloatArray
from ljmix.state import StatePoint
from ljmix.structure.pair_integrals import refine

__all__ = ["CORE", "SHELL", "highest_points", "peak_bin", "resolved_peak"]

CORE = 0.8
"""Distance below which no two particles meet, σ_ij."""
SHELL = 1.5
"""Outer edge of the first shell, σ_ij. The first minimum of dense Lennard-Jones liquids lies near it; in the
curves of rare pairs the minimum itself drowns in noise."""

_NEAR = 0.09
"""Half the width of what counts as the top of a peak, σ_ij; single points carry the noise of single bins. AA of the
colour mixtures in bins twice as wide then has the same peaks: heights within 0.4 %, places within 0.001 σ."""
_CENTRINGS = 3


def peak_bin(r: FloatArray, g: FloatArray, sigma: float) -> int:
    """Bin of the first peak: the highest one in the first shell.

    The highest bin of a whole curve may be another: the second shell of rare B that the solvent keeps apart, or
    the far end where A and B have separated.

    Parameters
    ----------
    r, g : (n_bins,) arrays
        Bin centres, σ_AA, and the curve of the pair ij.
    sigma : float
        σ_ij, σ_AA.

    Raises
    ------
    ValueError
        If the curve ends before the shell begins.
    """
    near = np.flatnonzero((r > CORE * sigma) & (r < SHELL * sigma))
    if not len(near):
        raise ValueError(f"g(r) ends at {r[-1]:g} σ_AA, before the first shell, {CORE * sigma:g} to {SHELL * sigma:g}")
    return int(near[np.argmax(g[near])])


def highest_points(r: FloatArray, g: FloatArray, sigma: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Height and position of the first peaks of many curves, by a parabola through the highest bin and its neighbours.

    Parameters
    ----------
    r : (n_bins,) array
        Bin centres, equally spaced, σ_AA.
    g : (n_states, 3, n_bins) array
    sigma : (n_states, 3) array
        σ_ij, σ_AA.

    Returns
    -------
    height, position : (n_states, 3) arrays
        g, and σ_AA. At the edge of the range, or on a plateau, those of the bin itself.
    """
    near = (r > CORE * sigma[..., None]) & (r < SHELL * sigma[..., None])
    inside = np.where(near, g, -np.inf)
    top = np.clip(inside.argmax(axis=2), 1, len(r) - 2)
    below, at, above = (np.take_along_axis(g, (top + k)[..., None], axis=2)[..., 0] for k in (-1, 0, 1))
    bend = below - 2 * at + above
    peaked = (bend < 0) & (at >= below) & (at >= above)
    shift = np.where(peaked, 0.5 * (below - above) / np.where(peaked, bend, 1), 0.0)
    return at - 0.25 * (below - above) * shift, r[top] + shift * (r[1] - r[0] if len(r) > 1 else 0.0)


def resolved_peak(r: FloatArray, g: FloatArray, state: StatePoint, pair: str) -> tuple[float, float]:
    """Height and position of the first peak, by a parabola through all points near its top.

    Parameters
    ----------
    r, g : (n_bins,) arrays
        Bin centres, equally spaced, σ_AA, and the curve; it is resolved within its bins
        (`ljmix.structure.pair_integrals.refine`).
    state : StatePoint
    pair : {"AA", "AB", "BB"}

    Returns
    -------
    height, position : float
        g, and σ_ij.
    """
    fine, resolved = refine(r, g, state, pair)
    scaled = fine / state.sigma(pair)
    shell = (scaled > CORE) & (scaled < SHELL)
    x, y = scaled[shell], resolved[shell]
    height, top = float(y.max()), float(x[np.argmax(y)])
    for _ in range(_CENTRINGS):
        near = np.abs(x - top) < _NEAR
        bend, slope, level = np.polyfit(x[near] - top, y[near], 2)
        if bend >= 0:  # no peak
            break
        height = float(level - slope**2 / (4 * bend))
        top += float(np.clip(-slope / (2 * bend), -_NEAR, _NEAR))
    return height, top
