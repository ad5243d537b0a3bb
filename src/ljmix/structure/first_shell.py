"""The first shell of neighbours: how far it reaches, and where its peak is."""

from __future__ import annotations

import numpy as np

from ljmix._util.arrays import FloatArray

__all__ = ["CORE", "SHELL", "peak_bin"]

CORE = 0.8
"""Distance below which no two particles meet, σ_ij."""
SHELL = 1.5
"""Outer edge of the first shell, σ_ij. The first minimum of dense Lennard-Jones liquids lies near it; in the
curves of rare pairs the minimum itself drowns in noise."""


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
