"""Answers to a grid of states, small enough for a page: what a reader's browser needs to play without Python."""

from __future__ import annotations

import base64
import itertools
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from tqdm import tqdm

from ljmix._util.arrays import FloatArray, interpolate
from ljmix.data.dataset import Dataset
from ljmix.explorer.snapshots import Snapshots, cut_slab
from ljmix.state import PAIRS, PARAMETERS
from ljmix.surrogate.bands import BRANCHES
from ljmix.surrogate.surrogate import Answer, Surrogate

__all__ = ["AXES", "DISTANCES", "QUANTITIES", "make_table"]

AXES: dict[str, tuple[float, ...]] = {
    "temperature": (0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4),
    "fraction_b": (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5),
    "size_ratio": (0.5, 0.65, 0.8, 1.0, 1.25, 1.5, 2.0),
    "epsilon_ab": (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0),
}
"""Values at which sliders of the page stop; curves between them would have to be guessed."""
DISTANCES: FloatArray = np.concatenate([np.arange(0.425, 2.5, 0.05), np.arange(2.525, 4.96, 0.1)])
"""σ_AA: bins of the dataset, beyond the second shell every other one."""
QUANTITIES = ("density", "potential_energy", "compressibility", "diffusion_a", "diffusion_b")
_LEVEL = 0.9
_BLOCK = 250
_STEP, _NONE = 6000.0, 65535
"""g is kept as round(6000 ln(1 + g)), to 0.02 % of 1 + g; the largest number stands for no answer."""
_HALF_STEP, _HALF_UNIT = 25.0, 100.0
"""Half the width of a band, w, is kept as round(25 ln(1 + 100 w)), to 2 %."""


def make_table(
    surrogate: Surrogate,
    dataset: Dataset,
    snapshots: Snapshots | None = None,
    *,
    exact: bool = True,
    progress: bool = False,
) -> dict[str, Any]:
    """Ask for all states of the grid, and pack answers and simulated curves.

    Parameters
    ----------
    surrogate : Surrogate
        With bands.
    dataset : Dataset
        Simulated states, to be drawn over the answers.
    snapshots : Snapshots, optional
        Of some of them, to be drawn beside the curves.
    exact : bool
        Solve theory, some minutes; otherwise emulate it.
    progress : bool
        Show a bar.

    Returns
    -------
    dict
        JSON-able: `axes`, `r`, `pairs`, `quantities`, `level`, the steps of the packing, `states` (count), and in
        base64 little-endian arrays: `g` (uint16), `half` (uint8), `demixing` (uint8, of 255), `branch` (uint8, place in
        `ljmix.surrogate.bands.BRANCHES`), `numbers` (float32; value and error of each quantity); `simulated` likewise:
        `parameters` (float32), `g`, `phase` (list), `settled` (list); `snapshots`, a list: `state` (place among the
        simulated ones), `edge`, and `x`, `y` (uint16, of the edge), `depth` (uint8) and `type` (uint8) of particles.
    """
    table = pd.DataFrame(itertools.product(*AXES.values()), columns=list(AXES))
    parts: dict[str, list[npt.NDArray[Any]]] = {}
    with tqdm(total=len(table), desc="table", unit="state", disable=not progress) as bar:
        for start in range(0, len(table), _BLOCK):
            block = table.iloc[start : start + _BLOCK]
            for name, values in _pack(surrogate.predict(block, DISTANCES, exact=exact)).items():
                parts.setdefault(name, []).append(values)
            bar.update(len(block))
    packed = {name: _encode(np.concatenate(values)) for name, values in parts.items()}
    return {
        "axes": {name: list(values) for name, values in AXES.items()},
        "r": DISTANCES.round(3).tolist(),
        "pairs": list(PAIRS),
        "branches": list(BRANCHES),
        "quantities": list(QUANTITIES),
        "level": _LEVEL,
        "step": _STEP,
        "half_step": _HALF_STEP,
        "half_unit": _HALF_UNIT,
        "none": _NONE,
        "states": len(table),
        **packed,
        "simulated": _simulated(dataset),
        "snapshots": [] if snapshots is None else _slabs(dataset, snapshots),
    }


def quantities_of(answer: Answer) -> dict[str, tuple[FloatArray, FloatArray]]:
    """Value and error of each of `QUANTITIES`, (n_states,) each."""
    value, error = answer.diffusion
    return {
        "density": answer.density,
        "potential_energy": answer.potential_energy,
        "compressibility": answer.compressibility,
        "diffusion_a": (value[:, 0], error[:, 0]),
        "diffusion_b": (value[:, 1], error[:, 1]),
    }


def _pack(answer: Answer) -> dict[str, npt.NDArray[Any]]:
    _, upper = answer.band(_LEVEL)
    half = np.nan_to_num(upper - answer.g)
    numbers = np.stack([part for pair in quantities_of(answer).values() for part in pair], axis=1)
    return {
        "g": _pack_curves(answer.g),
        "half": np.minimum(np.round(_HALF_STEP * np.log1p(_HALF_UNIT * half)), 255).astype("u1"),
        "demixing": np.round(255 * np.nan_to_num(answer.demixing, nan=1.0)).astype("u1"),
        "branch": (answer.phase == BRANCHES[1]).astype("u1"),
        "numbers": numbers.astype("<f4"),
    }


def _pack_curves(g: FloatArray) -> npt.NDArray[np.uint16]:
    known = np.isfinite(g)
    packed = np.minimum(np.round(_STEP * np.log1p(np.where(known, np.maximum(g, 0.0), 0.0))), _NONE - 1)
    return np.where(known, packed, _NONE).astype("<u2")


def _simulated(dataset: Dataset) -> dict[str, Any]:
    r, g = dataset.curve_array()
    states = dataset.states
    return {
        "parameters": _encode(states[list(PARAMETERS)].to_numpy(dtype=float).astype("<f4")),
        "g": _encode(_pack_curves(interpolate(DISTANCES, r, g))),
        "phase": states["phase"].tolist(),
        "settled": states["converged"].astype(bool).tolist(),
    }


def _slabs(dataset: Dataset, snapshots: Snapshots) -> list[dict[str, Any]]:
    packed = []
    for place, (name, size) in enumerate(zip(dataset.states["state_id"], dataset.states["size_ratio"], strict=True)):
        if name not in snapshots.configurations:
            continue
        slab = cut_slab(snapshots.configurations[name], float(size))
        x, y = (np.round(65535 * slab.plane / slab.edge)).astype("<u2").T
        packed.append({
            "state": place, "edge": round(slab.edge, 3), "x": _encode(x), "y": _encode(y),
            "depth": _encode(np.round(255 * slab.depth).astype("u1")), "type": _encode(slab.types.astype("u1")),
        })  # fmt: skip
    return packed


def _encode(values: npt.NDArray[Any]) -> str:
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode("ascii")
