"""Pairs of particles within reach of one another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from ljmix._util.arrays import FloatArray
from ljmix.potentials.frames import Frame
from ljmix.state import PAIRS

__all__ = ["Pairs", "find_pairs"]


@dataclass(frozen=True)
class Pairs:
    """Pairs of one kind in a frame.

    Attributes
    ----------
    first, second : (n_pairs,) arrays of int
    distance : (n_pairs,) array
        σ_AA.
    direction : (n_pairs, 3) array
        Unit vectors from the second to the first.
    """

    first: npt.NDArray[np.int64]
    second: npt.NDArray[np.int64]
    distance: FloatArray
    direction: FloatArray


def find_pairs(frame: Frame, cutoffs: Mapping[str, float]) -> dict[str, Pairs]:
    """Pairs of each kind closer than their cut-off, by minimum image.

    Raises
    ------
    ValueError
        If the box is too small for the largest cut-off.
    """
    edge, reach = frame.box_edge, max(cutoffs.values())
    if reach > edge / 2:
        raise ValueError(f"box_edge = {edge:.2f}: the cut-off {reach:.2f} reaches beyond half the box")
    positions = frame.positions % edge
    positions[positions >= edge] = 0.0
    i, j = cKDTree(positions, boxsize=edge).query_pairs(reach, output_type="ndarray").T.astype(np.int64)
    separation = positions[i] - positions[j]
    separation -= edge * np.rint(separation / edge)
    distance = np.linalg.norm(separation, axis=1)
    kind = frame.types[i] + frame.types[j]
    found = {}
    for number, pair in enumerate(PAIRS):
        of = (kind == number) & (distance < cutoffs[pair])
        found[pair] = Pairs(i[of], j[of], distance[of], separation[of] / distance[of, None])
    return found
