"""Configurations as pictures: shaded spheres of true relative size, seen along z without perspective."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.collections import EllipseCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ljmix._util.arrays import FloatArray
from ljmix._util.checks import require_float, shorten
from ljmix.plotting.style import COLUMN_MM, PAIR_COLORS, journal_figure, new_figure, tint

if TYPE_CHECKING:
    from ljmix.configuration import Configuration

__all__ = ["draw_snapshot", "periodic_centre", "plot_snapshot"]

# A is pale and B is dark with a dark rim, so that a print in grey tells them apart.
_SPHERES = np.array([tint(PAIR_COLORS["AA"], 0.58), to_rgb(PAIR_COLORS["BB"])])
_RIMS = np.array([tint(PAIR_COLORS["AA"], 0.05), (0.28, 0.10, 0.0)])
_GHOST_SPHERE, _GHOST_RIM = np.array(tint(PAIR_COLORS["AA"], 0.88)), np.array(tint(PAIR_COLORS["AA"], 0.72))
# A sphere is four discs: rim, body, and two lighter ones towards a lamp at the upper left.
_DISCS = ((1.0, 0.0), (0.9, 0.0), (0.6, 0.09), (0.24, 0.2))
_LIGHT = (0.0, 0.0, 0.3, 0.75)
_FOG = 0.5
_SIGHT = 2.5
_NONE_SHIPPED = "no snapshot\nis shipped"


@journal_figure
def plot_snapshot(configuration: Configuration, size_ratio: float) -> Figure:
    """Draw one configuration as a figure of its own, one column wide; parameters as for `draw_snapshot`."""
    figure = new_figure(COLUMN_MM, COLUMN_MM)
    draw_snapshot(figure.subplots(), configuration, size_ratio, scale_bar=5)
    return figure


def draw_snapshot(
    axes: Axes,
    configuration: Configuration | None,
    size_ratio: float,
    *,
    only_b: bool = False,
    scale_bar: float | None = None,
) -> EllipseCollection | None:
    """Draw the particles of a cubic box into `axes`, the nearest last.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Its ticks and frame are removed.
    configuration : Configuration
        `positions` (n_particles, 3), σ_AA; `types` (n_particles,), 0 for A and 1 for B; `box_edge`, σ_AA.
        Positions are wrapped into the box. None: say in its place that no snapshot is at hand.
    size_ratio : float
        S = σ_BB / σ_AA; spheres have the diameters 1 and S.
    only_b : bool
        Show A as a pale background, behind every B, and move the middle of B to the middle of the picture.
        For few B particles, which A would hide.
    scale_bar : float, optional
        Draw a bar of this length, σ_AA, and the names of the particles below the box.

    Returns
    -------
    matplotlib.collections.EllipseCollection
        Four discs a sphere; raster even in vector files, which would grow by megabytes. None without a configuration.

    Raises
    ------
    ValueError
        If shapes disagree, a position is not finite, or a type is neither 0 nor 1.
    """
    if configuration is None:
        axes.set_axis_off()
        axes.text(0.5, 0.5, _NONE_SHIPPED, transform=axes.transAxes, ha="center", va="center")
        return None
    positions, types, edge = _check(configuration)
    size_ratio = require_float("size_ratio", size_ratio, 0, above=True)
    if only_b and (types == 1).any():
        positions = positions - periodic_centre(positions[types == 1], edge) + edge / 2
    height = np.mod(positions[:, 2], edge)
    plane = np.mod(positions[:, :2], edge)
    diameters = np.where(types == 1, float(size_ratio), 1.0)
    plane, source = _with_images(plane, diameters / 2, edge)
    types, height, diameters = types[source], height[source], diameters[source]

    order = np.lexsort((height, types)) if only_b else np.argsort(height, kind="stable")
    plane, types, height, diameters = plane[order], types[order], height[order], diameters[order]
    # What a dense liquid shows lies within a few diameters of the front; behind, everything is equally pale.
    sight = edge if only_b else min(edge, _SIGHT * max(1.0, size_ratio))
    colors = _disc_colors(types, _FOG * np.minimum((edge - height) / sight, 1), only_b)
    sizes = diameters[:, None] * [size for size, _ in _DISCS]
    lamp = np.array([-1.0, 1.0]) / np.sqrt(2)
    offsets = plane[:, None, :] + diameters[:, None, None] * np.array([s for _, s in _DISCS])[:, None] * lamp

    spheres = EllipseCollection(
        sizes.ravel(),
        sizes.ravel(),
        np.zeros(sizes.size),
        units="xy",
        offsets=offsets.reshape(-1, 2),
        offset_transform=axes.transData,
        facecolors=colors.reshape(-1, 3),
        edgecolors="none",
        linewidths=0,
        rasterized=True,
    )
    axes.add_collection(spheres, autolim=False)
    frame = Rectangle((0, 0), edge, edge, fill=False, edgecolor="black", linewidth=0.6)
    axes.add_patch(frame)
    spheres.set_clip_path(frame)
    _finish(axes, edge)
    if scale_bar is not None:
        _draw_key(axes, edge, scale_bar, only_b)
    return spheres


def _check(configuration: Configuration) -> tuple[FloatArray, npt.NDArray[np.int64], float]:
    missing = [name for name in ("positions", "types", "box_edge") if not hasattr(configuration, name)]
    if missing:
        raise ValueError(f"configuration = {shorten(configuration)}: has no {missing[0]}; give a ljmix Configuration")
    positions = np.asarray(configuration.positions, dtype=float)
    types = np.asarray(configuration.types)
    if positions.ndim != 2 or positions.shape[1] != 3 or types.shape != positions.shape[:1] or not len(types):
        raise ValueError(f"positions {positions.shape} and types {types.shape}: must be (n, 3) and (n,), n > 0")
    if not np.isfinite(positions).all():
        raise ValueError(f"particle {int(np.argmax(~np.isfinite(positions).all(axis=1)))} has no finite position")
    if not np.isin(types, (0, 1)).all():
        raise ValueError(f"types hold {sorted(set(types.tolist()) - {0, 1})[0]}: must be 0 (A) or 1 (B)")
    if configuration.box_edge <= 0:
        raise ValueError(f"box_edge = {configuration.box_edge:g}: must be above 0")
    return positions, types.astype(np.int64), float(configuration.box_edge)


def periodic_centre(points: FloatArray, edge: float) -> FloatArray:
    """Centre of points in a periodic box, by mean angles (doi:10.1080/2151237X.2008.10129266)."""
    angle = 2 * np.pi * points / edge
    return np.asarray(np.arctan2(np.sin(angle).mean(axis=0), np.cos(angle).mean(axis=0)) * edge / (2 * np.pi))


def _with_images(plane: FloatArray, radii: FloatArray, edge: float) -> tuple[FloatArray, npt.NDArray[np.intp]]:
    """Add the periodic images that reach into the picture; return them with the index of their original."""
    images, sources = [], []
    for shift in np.array([(x, y) for x in (0, -1, 1) for y in (0, -1, 1)]) * edge:
        moved = plane + shift
        reaches = ((moved > -radii[:, None]) & (moved < edge + radii[:, None])).all(axis=1)
        images.append(moved[reaches])
        sources.append(np.flatnonzero(reaches))
    return np.concatenate(images), np.concatenate(sources)


def _disc_colors(types: npt.NDArray[np.int64], fog: FloatArray, only_b: bool) -> FloatArray:
    """Colours (n_spheres, 4, 3): rim, body and two lights, all paler with depth."""
    spheres, rims = _SPHERES.copy(), _RIMS.copy()
    if only_b:
        spheres[0], rims[0] = _GHOST_SPHERE, _GHOST_RIM
    bodies = np.stack([spheres[types] + (1 - spheres[types]) * light for light in _LIGHT], axis=1)
    bodies[:, 0] = rims[types]
    return np.asarray(bodies + (1 - bodies) * fog[:, None, None])


def _finish(axes: Axes, edge: float) -> None:
    axes.set_aspect("equal")
    axes.set_axis_off()
    margin = 0.01 * edge
    axes.set(xlim=(-margin, edge + margin), ylim=(-margin, edge + margin))


def _draw_key(axes: Axes, edge: float, length: float, only_b: bool) -> None:
    """Below the box: a bar of a known length, and a disc with the name of each species."""
    axes.set_ylim(-0.13 * edge, None)
    height = -0.06 * edge
    axes.plot([0, length], [height, height], color="black", linewidth=2, solid_capstyle="butt")
    label = rf"{length:g} $\sigma_\mathrm{{AA}}$"
    axes.text(length + 0.02 * edge, height, label, va="center", ha="left", fontsize=7)
    first = (_GHOST_SPHERE, _GHOST_RIM) if only_b else (_SPHERES[0], _RIMS[0])
    looks = {"A": first, "B": (_SPHERES[1], _RIMS[1])}
    for (name, (sphere, rim)), x in zip(looks.items(), (0.72, 0.9), strict=True):
        axes.plot(x * edge, height, "o", markersize=6, markerfacecolor=sphere, markeredgecolor=rim)
        axes.text((x + 0.045) * edge, height, name, va="center", ha="left", fontsize=7)
