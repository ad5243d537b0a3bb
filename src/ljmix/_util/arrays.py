"""Arrays: their type, and what lies between the points of curves."""

import numpy as np
import numpy.typing as npt

__all__ = ["FloatArray", "interpolate"]

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
