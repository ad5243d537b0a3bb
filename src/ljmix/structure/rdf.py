"""Radial distribution functions of single frames, by counting and from forces, and averages with errors.

At constant pressure the box changes from frame to frame, so g(r) is normalised in each frame with that
frame's own volume and averaged afterwards.
"""

from __future__ import annotations

import math

import freud
import numpy as np

from ljmix._util.arrays import FloatArray
from ljmix._util.checks import require_float, require_int, shorten

__all__ = ["MOST_FORCE_SAMPLED", "block_average", "combine_force_rdf", "compute_rdf", "force_rdf", "split_blocks"]

MOST_BINS = 1_000_000
"""Bins of a curve, at most."""
MOST_FORCE_SAMPLED = 100
"""Up to so many B particles the force-sampled BB function is measured beside the counted one."""


def compute_rdf(
    positions: FloatArray, others: FloatArray | None, box_edge: float, r_max: float, n_bins: int
) -> FloatArray:
    """Radial distribution function of one frame, by counting pairs (freud).

    Parameters
    ----------
    positions : (n_i, 3) array
        Particles of species i, σ_AA, in a cubic box centred at the origin.
    others : (n_j, 3) array or None
        Particles of species j; None for a like pair.
    box_edge, r_max : float
        σ_AA.
    n_bins : int
        Bins between 0 and r_max.

    Returns
    -------
    (n_bins,) array
        g(r), averaged over the volume of each bin, since pairs are counted in it; 1 for an ideal gas, for like and
        unlike pairs and any n.

    Raises
    ------
    ValueError
        If r_max is not below half the box edge, a species has too few particles for a pair, or an argument is no number
        in its range.
    """
    positions = _require_points("positions", positions)
    others = None if others is None else _require_points("others", others)
    box_edge, n_bins = require_float("box_edge", box_edge, 0, above=True), require_int("n_bins", n_bins, 1, MOST_BINS)
    r_max = require_float("r_max", r_max, 0, above=True)
    if r_max >= box_edge / 2:
        raise ValueError(f"r_max = {r_max:g}: must be below half the box edge, {box_edge / 2:.3f}")
    if len(positions) < 2 or (others is not None and len(others) < 1):
        raise ValueError(f"a radial distribution function needs two particles; there are {len(positions)}")
    # n(n-1) like pairs against n_i n_j unlike ones: the finite-size factor is right for the former only.
    mode = "finite_size" if others is None else "exact"
    rdf = freud.density.RDF(n_bins, r_max, normalization_mode=mode)
    # freud answers each query point with a tree look-up: ask for the rarer species.
    points, queries = positions, others
    if others is not None and len(others) > len(positions):
        points, queries = others, positions
    rdf.compute((freud.box.Box.cube(box_edge), points), query_points=queries)
    return np.asarray(rdf.rdf, dtype=float)


def _require_points(name: str, values: FloatArray) -> FloatArray:
    try:
        points = np.asarray(values, dtype=float)
    except (ValueError, TypeError, OverflowError):
        raise ValueError(f"{name} = {shorten(values)}: must be numbers of shape (n, 3)") from None
    if points.ndim != 2 or points.shape[1] != 3:
        raise ValueError(f"{name} has shape {points.shape}: must be (n, 3)")
    if not np.isfinite(points).all():
        raise ValueError(f"{name}: a coordinate is not finite")
    return points


def force_rdf(
    positions: FloatArray, forces: FloatArray, box_edge: float, r_max: float, n_bins: int, temperature: float
) -> FloatArray:
    """Radial distribution function of one frame and one species, from forces instead of counts.

    Every pair closer than r adds β V (F_j − F_i)·r_ij / (4π n (n−1) r_ij³), summed over unordered pairs:
    the integral of dg/dr = β g ⟨F⟩. Far less noisy than counting where pairs are few
    (Borgis et al. 2013, doi:10.1080/00268976.2013.838316).

    Parameters
    ----------
    positions, forces : (n, 3) arrays
        σ_AA and ε_AA/σ_AA.
    box_edge, r_max : float
        σ_AA.
    n_bins : int
    temperature : float
        T*.

    Returns
    -------
    (n_bins,) array
        g(r), averaged over each bin evenly in r.

    Notes
    -----
    `compute_rdf` averages over the volume of a bin, which gives its far side more weight. In bins of 0.05 σ_AA the two
    differ, for exp(-βu) at T* = 0.6, by 0.25 % at the first peak of σ = 0.5 and by 1.4 % of its height on its flank;
    by 0.01 % and 0.17 % for σ = 1.5.
    """
    i, j = np.triu_indices(len(positions), k=1)
    separation = positions[j] - positions[i]
    separation -= box_edge * np.rint(separation / box_edge)
    distance = np.linalg.norm(separation, axis=1)
    near = distance < r_max
    i, j, separation, distance = i[near], j[near], separation[near], distance[near]
    n = len(positions)
    scale = box_edge**3 / (temperature * 4 * math.pi * n * (n - 1))
    weight = scale * np.sum((forces[j] - forces[i]) * separation, axis=1) / distance**3
    # A pair lifts all bins above its own, and its own by the part of the bin that lies above it.
    place = distance * (n_bins / r_max)
    bins = place.astype(int)
    total = np.bincount(bins, weight, n_bins)
    own = np.bincount(bins, weight * (bins + 1 - place), n_bins)
    above = np.cumsum(total)
    return np.asarray(above - total + own, dtype=float)


def combine_force_rdf(force: FloatArray, counted: FloatArray, r: FloatArray) -> FloatArray:
    """Free force-sampled functions of the noise that they gather with distance.

    Summed from r = 0 outwards, a function's noise grows with r; summed inwards from r_max it grows the other
    way. The two differ by one number a frame: D, by how much the last 1 σ_AA of the force-sampled function lies
    above the counted one, which has the same mean and little noise where pairs are many. λ(r) D is subtracted
    with the λ that leaves the least variance (Coles et al. 2021, doi:10.1063/5.0053737).

    Parameters
    ----------
    force : (n, n_bins) array
        As from `force_rdf`, one row a frame.
    counted : (n, n_bins) array
        As from `compute_rdf`, the same frames.
    r : (n_bins,) array
        Bin centres, σ_AA.

    Returns
    -------
    (n, n_bins) array
    """
    tail = r > r[-1] - 1.0
    surplus = (force - counted)[:, tail].mean(axis=1)
    centred = surplus - surplus.mean()
    variance = np.mean(centred**2)
    if variance == 0:
        return force
    weight = centred @ (force - force.mean(axis=0)) / len(force) / variance
    combined: FloatArray = force - np.outer(surplus, weight)
    return combined


def split_blocks(samples: FloatArray, n_blocks: int) -> FloatArray:
    """Means of consecutive blocks of equal length; samples (n, ...) in order of time, result (n_blocks, ...)."""
    return np.array([block.mean(axis=0) for block in np.array_split(samples, n_blocks)])


def block_average(samples: FloatArray, n_blocks: int) -> tuple[FloatArray, FloatArray]:
    """Mean and standard error of a correlated series, from the scatter of block means.

    Parameters
    ----------
    samples : (n, ...) array
        In order of time.
    n_blocks : int
        Blocks of equal length, to one sample; fewer where n is smaller.

    Returns
    -------
    mean, sem : (...) arrays

    Raises
    ------
    ValueError
        If there are fewer than two samples.
    """
    n_blocks = min(n_blocks, len(samples))
    if n_blocks < 2:
        raise ValueError(f"{len(samples)} sample: a standard error needs two or more; run longer")
    blocks = split_blocks(samples, n_blocks)
    return samples.mean(axis=0), blocks.std(axis=0, ddof=1) / math.sqrt(n_blocks)
