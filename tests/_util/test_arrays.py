import numpy as np
from scipy.interpolate import make_interp_spline

from ljmix._util.arrays import cubic_rows, interpolate, interpolate_rows, spline_rows


def test_many_curves_are_interpolated_as_one_is():
    rng = np.random.default_rng(0)
    x, curves = np.sort(rng.uniform(0, 5, 20)), rng.normal(size=(4, 3, 20))
    at = np.concatenate([rng.uniform(-1, 6, 50), x])
    expected = np.array([np.interp(at, x, curve) for curve in curves.reshape(-1, 20)]).reshape(4, 3, -1)
    np.testing.assert_allclose(interpolate(at, x, curves), expected, rtol=0, atol=1e-12)


def test_curves_at_points_of_their_own():
    """As scipy's spline and numpy's straight lines give for one curve after the other; NaN spoils no neighbour."""
    rng = np.random.default_rng(1)
    x, curves = np.sort(rng.uniform(0, 5, 20)), rng.normal(size=(4, 3, 20))
    at = rng.uniform(-0.5, 5.5, (4, 3, 30))
    curves[2, 1] = np.nan
    splines, lines = np.full((2, *at.shape), np.nan)
    for place in np.ndindex(4, 3):
        lines[place] = np.interp(at[place], x, curves[place])
        if np.isfinite(curves[place]).all():
            splines[place] = make_interp_spline(x, curves[place], k=3)(np.clip(at[place], x[0], x[-1]))
    scale = np.nanmax(np.abs(splines))
    np.testing.assert_allclose(spline_rows(at, x, curves), splines, rtol=0, atol=1e-10 * scale)
    np.testing.assert_allclose(interpolate_rows(at, x, curves), lines, rtol=0, atol=1e-12)


def test_cubic_rows_meet_cubics_and_are_level_beyond():
    rng = np.random.default_rng(4)
    x, powers = 0.7 + 0.05 * np.arange(40), rng.normal(size=(5, 4))
    at = rng.uniform(0.7, 0.7 + 0.05 * 39, (5, 30))
    curves = np.stack([np.polyval(row, x) for row in powers])
    expected = np.stack([np.polyval(row, places) for row, places in zip(powers, at, strict=True)])
    np.testing.assert_allclose(cubic_rows(at, 0.7, 0.05, curves), expected, rtol=1e-9, atol=1e-9)
    beyond = cubic_rows(np.tile([0.1, 9.0], (5, 1)), 0.7, 0.05, curves)
    np.testing.assert_allclose(beyond, curves[:, [0, -1]], rtol=1e-9)
