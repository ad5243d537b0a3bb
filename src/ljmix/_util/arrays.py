"""Arrays: their type, and what lies between the points of curves."""

import numpy as np
import numpy.typing as npt
from scipy.interpolate import CubicSpline

__all__ = ["FloatArray", "interpolate", "interpolate_rows", "spline_rows"]

FloatArray = npt.NDArray[np.float64]


def interpolate(at: FloatArray, x: FloatArray, curves: FloatArray) -> FloatArray:
    """Interpolate many curves linearly; beyond the outermost points they are level, as in `numpy.interp`.

    Parameters
    ----------
    at : (n_at,) array
    x : (n_points,) array
        Increasing.
    curves : (..., n_points) array
        `numpy.interp` takes one at a time.

    Returns
    -------
    (..., n_at) array
    """
    right = np.clip(np.searchsorted(x, at), 1, len(x) - 1)
    share = np.clip((at - x[right - 1]) / (x[right] - x[right - 1]), 0, 1)
    return np.asarray(curves[..., right - 1] * (1 - share) + curves[..., right] * share)


def spline_rows(at: FloatArray, x: FloatArray, curves: FloatArray) -> FloatArray:
    """Interpolate each curve at points of its own by a cubic spline; beyond the outermost points it is level.

    Parameters
    ----------
    at : (..., n_at) array
    x : (n_points,) array
        Increasing.
    curves : (..., n_points) array
        NaN for all of a curve makes its result NaN.

    Returns
    -------
    (..., n_at) array
    """
    flat, places = curves.reshape(-1, curves.shape[-1]), np.clip(at, x[0], x[-1]).reshape(-1, at.shape[-1])
    known = np.isfinite(flat).all(axis=1)
    answer = np.full(places.shape, np.nan)
    if known.any():
        # (4, n_points - 1, n_curves): all splines are fitted at once, and each is evaluated where it is asked.
        powers = CubicSpline(x, flat[known], axis=1).c
        left = np.clip(np.searchsorted(x, places[known], side="right") - 1, 0, len(x) - 2)
        step, rows = places[known] - x[left], np.arange(len(left))[:, None]
        a, b, c, d = (part[left, rows] for part in powers)
        answer[known] = ((a * step + b) * step + c) * step + d
    return answer.reshape(at.shape)


def interpolate_rows(at: FloatArray, x: FloatArray, curves: FloatArray) -> FloatArray:
    """As `spline_rows`, by straight lines."""
    flat, places = curves.reshape(-1, curves.shape[-1]), np.clip(at, x[0], x[-1]).reshape(-1, at.shape[-1])
    right, rows = np.clip(np.searchsorted(x, places), 1, len(x) - 1), np.arange(len(places))[:, None]
    share = (places - x[right - 1]) / (x[right] - x[right - 1])
    return np.asarray(flat[rows, right - 1] * (1 - share) + flat[rows, right] * share).reshape(at.shape)
