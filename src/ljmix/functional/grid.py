"""Periodic grids in one or two dimensions, and convolutions with kernels that depend on distance only."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ljmix._util.arrays import FloatArray

__all__ = ["SPACING", "Grid", "ball_transforms"]

SPACING = 0.05
"""Width of a bin of simulated profiles, σ."""

ComplexArray = npt.NDArray[np.complex128]


@dataclass(frozen=True)
class Grid:
    """A periodic box cut into bins of equal width; the density does not vary along the directions left out.

    A kernel w(|r|) of three dimensions, convolved with such a density, acts through its transform ŵ(k) alone, at the
    wave numbers of the grid. So one set of transforms serves slabs, where ρ depends on z, and channels, where it
    depends on x and z.

    Parameters
    ----------
    shape : tuple of int
        Bins along each direction that is kept, one or two of them.
    spacing : float
        Width of a bin, σ.

    Raises
    ------
    ValueError
        If there are not one or two directions of at least eight bins, or the width is not positive.
    """

    shape: tuple[int, ...]
    spacing: float

    def __post_init__(self) -> None:
        if len(self.shape) not in (1, 2) or min(self.shape) < 8:
            raise ValueError(f"shape = {self.shape}: must be one or two numbers of bins, each at least 8")
        if not (math.isfinite(self.spacing) and self.spacing > 0):
            raise ValueError(f"spacing = {self.spacing}: must be a positive number of σ")

    @property
    def axes(self) -> tuple[int, ...]:
        """Axes of an array, from its end, that run over the grid."""
        return tuple(range(-len(self.shape), 0))

    @property
    def bin_volume(self) -> float:
        """Width of a bin to the power of the directions kept."""
        return self.spacing ** len(self.shape)

    @cached_property
    def waves(self) -> tuple[FloatArray, ...]:
        """Components of the wave vectors, 1/σ, each shaped to broadcast over a transform."""
        last: FloatArray = 2 * np.pi * np.fft.rfftfreq(self.shape[-1], self.spacing).astype(np.float64)
        if len(self.shape) == 1:
            return (last,)
        first: FloatArray = 2 * np.pi * np.fft.fftfreq(self.shape[0], self.spacing).astype(np.float64)
        return (first[:, None], last[None, :])

    @cached_property
    def wave_number(self) -> FloatArray:
        """Size of the wave vectors, 1/σ, in the shape of a transform."""
        size: FloatArray = np.sqrt(sum(wave**2 for wave in self.waves))
        return size

    def transform(self, values: FloatArray) -> ComplexArray:
        """Fourier transform of values on the grid."""
        hat: ComplexArray = np.fft.rfftn(values, axes=self.axes)
        return hat

    def back(self, hat: ComplexArray) -> FloatArray:
        """Values on the grid of a transform."""
        values: FloatArray = np.fft.irfftn(hat, self.shape, axes=self.axes)
        return values


def ball_transforms(k: FloatArray, radius: float) -> tuple[FloatArray, FloatArray]:
    """Transforms of the ball Θ(R − r) and of its surface δ(R − r).

    Parameters
    ----------
    k : array
        Wave numbers, 1/σ.
    radius : float
        R, σ.

    Returns
    -------
    ball, surface : arrays like `k`
        4π (sin kR − kR cos kR) / k³, which tends to 4πR³/3, and 4πR sin(kR) / k.
    """
    x = np.asarray(k, dtype=float) * radius
    small = np.abs(x) < 1e-2
    safe = np.where(small, 1.0, x)
    ball = np.where(small, 1 / 3 - x**2 / 30 + x**4 / 840, (np.sin(safe) - safe * np.cos(safe)) / safe**3)
    return 4 * np.pi * radius**3 * ball, 4 * np.pi * radius**2 * np.sinc(x / np.pi)
