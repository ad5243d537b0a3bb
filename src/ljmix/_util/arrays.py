"""Arrays: their type, and what lies between the points of curves."""

import numpy as np
import numpy.typing as npt
from scipy.interpolate import CubicSpline

__all__ = ["FloatArray", "cubic_rows", "interpolate", "interpolate_rows", "spline_rows"]

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


def cubic_rows(at: FloatArray, first: float, step: float, curves: FloatArray) -> FloatArray:
    """As `spline_rows` where distances of points are equal, by the cubic through four neighbours; it needs no fit.

    Parameters
    ----------
    at : (..., n_at) array
    first, step : float
        The first point, and the distance to the next.
    curves : (..., n_points) array
        At least four points.

    Returns
    -------
    (..., n_at) array
    """
    count = curves.shape[-1]
    flat = curves.reshape(-1, count)
    place = np.clip((at.reshape(-1, at.shape[-1]) - first) / step, 0, count - 1)
    left = np.clip(place.astype(np.int64) - 1, 0, count - 4)
    t = place - left
    index = left + count * np.arange(len(flat))[:, None]
    values = flat.ravel()
    a, b, c, d = t, t - 1, t - 2, t - 3
    found = values[index] * (-b * c * d / 6) + values[index + 1] * (a * c * d / 2)
    found += values[index + 2] * (-a * b * d / 2) + values[index + 3] * (a * b * c / 6)
    return np.asarray(found.reshape(at.shape))
