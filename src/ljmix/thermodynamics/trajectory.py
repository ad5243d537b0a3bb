"""Kirkwood-Buff thermodynamics of anyone's trajectory: GSD, or any format that MDAnalysis reads.

>>> from ljmix.thermodynamics.trajectory import analyse_frames, read_frames
>>> frames = read_frames("run.gsd", species_b="B")  # doctest: +SKIP
>>> analyse_frames(frames, temperature=1.2, r_max=7.0)  # doctest: +SKIP
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import gsd.hoomd
import numpy as np
import pandas as pd

from ljmix._util.arrays import FloatArray
from ljmix.configuration import Configuration
from ljmix.properties.extrapolation import Extrapolation, fit_structure_factors
from ljmix.properties.kirkwood_buff import derive, integrals_from_rdf, inverse_from_integrals, jackknife
from ljmix.properties.reach import integrals_by_end, require_reach
from ljmix.state import PAIRS
from ljmix.structure.rdf import compute_rdf
from ljmix.structure.scattering import average_waves, structure_factors, wave_numbers
from ljmix.thermodynamics.states import QUANTITIES

__all__ = ["analyse_frames", "read_frames"]


def read_frames(path: Path | str, species_b: str, topology: Path | str | None = None) -> Iterator[Configuration]:
    """Read the frames of a trajectory in a cubic box.

    Parameters
    ----------
    path : path
        A GSD file; or, if MDAnalysis is installed, any file that it reads.
    species_b : str
        Type of the particles that count as B; all others are A.
    topology : path, optional
        File with the types, where a trajectory has none (MDAnalysis).

    Yields
    ------
    Configuration

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it has no particle of that type, a box is missing or not cubic, or the format needs MDAnalysis, which is not
        there.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist")
    frames = _gsd_frames(path) if path.suffix == ".gsd" else _other_frames(path, topology)
    for types, positions, edges in frames:
        kinds = (np.asarray(types) == species_b).astype(np.int64)
        if not kinds.any():
            known = ", ".join(sorted(set(map(str, types))))
            raise ValueError(f"{path} has no particle of type {species_b!r}; it has {known}")
        if not np.allclose(edges[:3], edges[0], rtol=1e-5):
            raise ValueError(f"{path}: a box of {', '.join(f'{e:g}' for e in edges[:3])} is not cubic")
        positions = np.asarray(positions, dtype=float)
        yield Configuration(positions, np.zeros_like(positions), kinds, float(edges[0]))


def _gsd_frames(path: Path) -> Iterator[tuple[Any, Any, Any]]:
    with gsd.hoomd.open(path, "r") as trajectory:
        for frame in trajectory:
            names = np.array(frame.particles.types)
            yield names[frame.particles.typeid], frame.particles.position, frame.configuration.box


def _other_frames(path: Path, topology: Path | str | None) -> Iterator[tuple[Any, Any, Any]]:
    try:
        import MDAnalysis  # type: ignore[import-not-found, unused-ignore]
    except ImportError as error:
        raise ValueError(f"{path}: formats other than GSD need MDAnalysis; pip install MDAnalysis") from error
    universe = MDAnalysis.Universe(str(topology or path), str(path))
    for step in universe.trajectory:
        if step.dimensions is None:
            raise ValueError(f"{path} has no box; a format that holds one is needed")
        yield universe.atoms.types, universe.atoms.positions, step.dimensions


def analyse_frames(
    frames: Iterable[Configuration], temperature: float, r_max: float, bin_width: float = 0.05, n_blocks: int = 10
) -> pd.DataFrame:
    """Both Kirkwood-Buff routes of a binary trajectory, with errors by jackknife over its blocks.

    Parameters
    ----------
    frames : iterable of Configuration
        In order of time, equilibrated; any unit of length, which r_max and results share.
    temperature : float
        k_B T in the unit of energy that results shall have.
    r_max : float
        End of g(r), below half the box edge.
    bin_width : float
        Of g(r).
    n_blocks : int
        Blocks of the run: each should be longer than what changes most slowly.

    Returns
    -------
    pandas.DataFrame
        Index: Γ (`factor`), κ_T (`compressibility`), partial volumes and ∂ln γ_B/∂x_B (`slope`). Columns `waves`,
        `waves_sem` from S(k→0), `rdf`, `rdf_sem` from the integral of g, and `z` of the difference of the two. The
        errors of `rdf` include how far the integral swings over the last diameter.

    Raises
    ------
    ValueError
        If there are fewer frames than blocks, one component only, or g(r) is too short.

    Warns
    -----
    UserWarning
        Where g(r) holds too few correlation lengths to be integrated; `rdf` and `z` are then NaN.
    """
    n_bins = round(r_max / bin_width)
    r = np.asarray((np.arange(n_bins) + 0.5) * bin_width, dtype=float)
    curves, waves, volumes, sizes = [], [], [], set()
    for frame in frames:
        kinds = [frame.positions[frame.types == kind] for kind in (0, 1)]
        if min(map(len, kinds)) < 2:
            raise ValueError(f"{len(kinds[0])} A and {len(kinds[1])} B particles: two of each are needed")
        couples = ((kinds[0], None), (kinds[0], kinds[1]), (kinds[1], None))
        curves.append([compute_rdf(one, other, frame.box_edge, n_bins * bin_width, n_bins) for one, other in couples])
        factors = structure_factors(frame.positions / frame.box_edge, frame.types)
        waves.append([factors[pair] for pair in PAIRS])
        volumes.append(frame.box_edge**3)
        sizes.add((len(kinds[0]), len(kinds[1])))
    if len(curves) < n_blocks or n_blocks < 2:
        raise ValueError(f"{len(curves)} frames: at least n_blocks = {n_blocks}, two or more, are needed")
    if len(sizes) > 1:
        raise ValueError("the number of A or B particles changes from frame to frame")
    ((n_a, n_b),) = sizes
    g, s, volume = np.array(curves), np.array(waves), np.array(volumes)
    k = wave_numbers(float(np.mean(volume ** (1 / 3))))
    columns = {pair: s[:, place] for place, pair in enumerate(PAIRS)}
    _, sem = average_waves(columns, np.full(len(k), np.nan))

    def extrapolate(kept: Any) -> Extrapolation:
        return fit_structure_factors(k, dict(zip(PAIRS, s[kept].mean(axis=0), strict=True)), sem, k_max=float(k[-1]))

    def functions(kept: Any) -> dict[str, FloatArray]:
        return dict(zip(PAIRS, g[kept].mean(axis=0), strict=True))

    def follow(inverse: FloatArray, mean: float) -> list[float]:
        found = derive(inverse, n_b / (n_a + n_b), (n_a + n_b) / mean, temperature)
        return [float(getattr(found, name)) for name in QUANTITIES]

    def by_integrals(integrals: FloatArray, mean: float) -> list[float]:
        return follow(inverse_from_integrals(integrals, n_b / (n_a + n_b), (n_a + n_b) / mean), mean)

    def both(kept: Any) -> FloatArray:
        mean = float(volume[kept].mean())
        integrals = integrals_from_rdf(r, functions(kept), n_a, n_b, mean)
        return np.array([follow(extrapolate(kept).inverse, mean), by_integrals(integrals, mean)])

    every, mean = np.arange(len(g)), float(volume.mean())
    # Whatever the unit of length: the first peak of the larger particles is at their diameter, nearly.
    peak = max(float(r[np.argmax(curve)]) for pair, curve in functions(every).items() if pair != "AB")
    ends = integrals_by_end(r, functions(every), n_a, n_b, mean, min(peak, r_max / 2))
    swing = np.std([by_integrals(integrals, mean) for integrals in ends], axis=0, ddof=1)
    waves_now, rdf_now = both(every)
    left = np.array([both(np.setdiff1d(every, block)) for block in np.array_split(every, n_blocks)])
    waves_sem, rdf_sem = jackknife(left)
    rdf_sem, difference = np.hypot(rdf_sem, swing), np.hypot(jackknife(left[:, 0] - left[:, 1]), swing)
    try:
        require_reach(extrapolate(every).correlation_length, float(r[-1] + bin_width / 2))
    except ValueError as error:
        warnings.warn(f"no values from the integral of g: {error}", stacklevel=2)
        rdf_now, rdf_sem = np.full_like(rdf_now, np.nan), np.full_like(rdf_sem, np.nan)
    return pd.DataFrame(
        {
            "waves": waves_now, "waves_sem": waves_sem, "rdf": rdf_now, "rdf_sem": rdf_sem,
            "z": (waves_now - rdf_now) / difference,
        },
        index=list(QUANTITIES),
    )  # fmt: skip
