"""Two liquids side by side along z: density profiles, plateaus, interfacial tension and width, and g(r) inside each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import freud
import numpy as np
import numpy.typing as npt
from scipy.optimize import curve_fit

from ljmix._util.arrays import FloatArray
from ljmix.configuration import Configuration
from ljmix.state import PAIRS
from ljmix.structure.convergence import mean_and_error

__all__ = ["Interface", "centred_counts", "find_interface", "plateau_series", "rdf_inside", "tension_series"]

_TEN_NINETY = 2 * np.arctanh(0.8)
"""Distance between 10 and 90 % of a hyperbolic tangent, in units of its length."""
_MARGIN = 3.0
"""Lengths of the tangent between an interface and what counts as inside: 0.25 % of the contrast is left there."""
_THINNEST = 2.0
"""Least thickness of what counts as inside, σ_AA."""


@dataclass(frozen=True)
class Interface:
    """Where the two interfaces of a slab lie, by a fit.

    Attributes
    ----------
    position : float
        Distance from the middle of the B-rich liquid, σ_AA; mean of both sides.
    width : float
        Distance over which the profile goes from 10 to 90 %, σ_AA. It grows with the cross-section (capillary waves).
    lean, rich : tuple of float
        Ranges of the distance from the middle that lie inside the liquids, σ_AA.
    """

    position: float
    width: float
    lean: tuple[float, float]
    rich: tuple[float, float]


def centred_counts(along: FloatArray, types: npt.NDArray[np.integer], n_bins: int) -> npt.NDArray[np.int32]:
    """Particles of each species in bins along z, with the B-rich liquid in the middle.

    Parameters
    ----------
    along : (n_particles,) array
        z over the length of the box.
    types : (n_particles,) array
        0 for A, 1 for B.
    n_bins : int

    Returns
    -------
    (2, n_bins) array
        The middle is where the longest wave of B − A has its crest.
    """
    wave = np.exp(2j * np.pi * along)
    is_b = types == 1
    crest = np.angle(wave[is_b].mean() - wave[~is_b].mean()) / (2 * np.pi)
    bins = ((along - crest + 0.5) % 1.0 * n_bins).astype(int) % n_bins
    return np.stack([np.bincount(bins[types == kind], minlength=n_bins) for kind in (0, 1)]).astype(np.int32)


def _profile(z: FloatArray, middle: float, contrast: float, position: float, length: float) -> FloatArray:
    return np.asarray(middle + contrast * np.tanh((position - np.abs(z)) / length))


def find_interface(counts: FloatArray, lengths: FloatArray, edge: float, size_ratio: float) -> Interface | None:
    """Fit a hyperbolic tangent to the mean profile of S³ ρ_B − ρ_A.

    Parameters
    ----------
    counts : (n_frames, 2, n_bins) array
        As from `centred_counts`.
    lengths : (n_frames,) array
        Of the box, σ_AA.
    edge : float
        Of its cross-section, σ_AA.
    size_ratio : float

    Returns
    -------
    Interface or None
        None where there are no two liquids thick enough to have an inside.
    """
    length, n_bins = float(lengths.mean()), counts.shape[-1]
    z = ((np.arange(n_bins) + 0.5) / n_bins - 0.5) * length
    density = counts.mean(axis=0) / (edge**2 * length / n_bins)
    order = size_ratio**3 * density[1] - density[0]
    guess = (order.mean(), np.ptp(order) / 2, length / 4, 1.0)
    try:
        (_, contrast, position, tangent), _ = curve_fit(
            _profile, z, order, guess, bounds=([-np.inf, 0, 0, 0.05], [np.inf, np.inf, length / 2, length])
        )
    except RuntimeError:
        return None
    margin = _MARGIN * tangent
    rich, lean = (0.0, position - margin), (position + margin, length / 2)
    if contrast < 0.05 or 2 * min(rich[1] - rich[0], lean[1] - lean[0]) < _THINNEST:
        return None
    return Interface(float(position), float(_TEN_NINETY * tangent), lean, rich)


def plateau_series(
    counts: FloatArray, lengths: FloatArray, edge: float, inside: tuple[float, float]
) -> dict[str, tuple[float, float]]:
    """Composition and density inside a liquid, with standard errors.

    Parameters
    ----------
    counts, lengths, edge
        As of `find_interface`.
    inside : tuple of float
        Range of the distance from the middle, σ_AA.

    Returns
    -------
    dict
        `x_b` and `density` (1/σ_AA³), mean and standard error from the statistical inefficiency.
    """
    n_bins = counts.shape[-1]
    share = np.abs((np.arange(n_bins) + 0.5) / n_bins - 0.5)
    low, high = inside[0] / lengths.mean(), inside[1] / lengths.mean()
    members = (share >= low) & (share < high)
    held = counts[:, :, members].sum(axis=2).astype(float)
    total, volume = held.sum(axis=1), edge**2 * lengths * members.sum() / n_bins
    x_b = held[:, 1].sum() / total.sum()
    # Ratios of sums, linearised in the fluctuations of both.
    fluctuating = x_b + (held[:, 1] - x_b * total) / total.mean()
    return {"x_b": mean_and_error(fluctuating), "density": mean_and_error(total / volume)}


def tension_series(lengths: FloatArray, tensor: FloatArray) -> tuple[float, float]:
    """Interfacial tension from the pressure tensor, γ = L_z (P_zz − (P_xx + P_yy) / 2) / 2 for two interfaces.

    (Kirkwood and Buff 1949, doi:10.1063/1.1747248.)

    Parameters
    ----------
    lengths : (n_frames,) array
        σ_AA.
    tensor : (n_frames, 3) array
        P_xx, P_yy, P_zz, ε_AA/σ_AA³.

    Returns
    -------
    tension, sem : float
        ε_AA/σ_AA².
    """
    return mean_and_error(lengths / 2 * (tensor[:, 2] - tensor[:, :2].mean(axis=1)))


def rdf_inside(
    configurations: Sequence[Configuration], inside: tuple[float, float], rich: bool, r_max: float, n_bins: int
) -> dict[str, tuple[FloatArray, FloatArray]]:
    """Radial distribution functions of the particles inside one liquid.

    Both particles of a pair lie inside, in a layer of thickness h, of which a sphere of radius r about a particle at a
    random place has the share 1 − r/(2h) of its surface (r ≤ h): that normalises the counts.

    Parameters
    ----------
    configurations : sequence of Configuration
    inside : tuple of float
        Range of the distance from the middle of the B-rich liquid, σ_AA.
    rich : bool
        Whether that is the B-rich one, a single layer; the other one reaches through the ends of the box.
    r_max : float
        σ_AA; functions end earlier where the layer is thinner.
    n_bins : int

    Returns
    -------
    dict
        By pair g and its standard error over the frames taken as independent, (n_bins,) each; NaN beyond the
        thickness, and everywhere where a species is missing.
    """
    edges = np.linspace(0, r_max, n_bins + 1)
    thickness = 2 * (inside[1] - inside[0])
    shells = 4 / 3 * np.pi * np.diff(edges**3) - np.pi / (2 * thickness) * np.diff(edges**4)
    shells[edges[1:] > thickness] = np.nan
    counted = {pair: np.zeros((len(configurations), n_bins)) for pair in PAIRS}
    ideal = {pair: np.zeros(len(configurations)) for pair in PAIRS}
    for row, frame in enumerate(configurations):
        length = frame.box[2]
        along = frame.positions[:, 2] / length
        wave = np.exp(2j * np.pi * along)
        is_b = frame.types == 1
        crest = np.angle(wave[is_b].mean() - wave[~is_b].mean()) / (2 * np.pi)
        distance = np.abs((along - crest + 0.5) % 1.0 - 0.5) * length
        # The lean layer ends at the ends of the box as it is now, the rich one begins in its middle.
        members = distance < inside[1] if rich else distance > length / 2 - (inside[1] - inside[0])
        positions, types = frame.positions[members], frame.types[members]
        if len(positions) < 2:
            continue
        query = freud.locality.AABBQuery(freud.box.Box(*frame.box), positions)
        near = query.query(positions, {"r_max": r_max, "exclude_ii": True}).toNeighborList()
        kinds = types[near.query_point_indices] + types[near.point_indices]
        number = np.bincount(types, minlength=2).astype(float)
        volume = frame.box[0] * frame.box[1] * thickness
        for kind, pair in enumerate(PAIRS):
            # Each unlike pair is met from both ends.
            counted[pair][row] = np.histogram(near.distances[kinds == kind], edges)[0] / (2 if kind == 1 else 1)
            first, second = (number["AB".index(species)] for species in pair)
            ideal[pair][row] = (first * (first - 1) if pair[0] == pair[1] else first * second) / volume
    functions = {}
    for pair in PAIRS:
        mean = ideal[pair].mean()
        g = counted[pair].mean(axis=0) / mean / shells if mean > 0 else np.full(n_bins, np.nan)
        scatter = (counted[pair] / shells - g * ideal[pair][:, None]) / mean if mean > 0 else counted[pair] * np.nan
        functions[pair] = (g, scatter.std(axis=0, ddof=1) / np.sqrt(len(configurations)))
    return functions
