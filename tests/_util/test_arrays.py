import numpy as np

from ljmix._util.arrays import interpolate


def test_many_curves_are_interpolated_as_one_is():
    rng = np.random.default_rng(0)
    x, curves = np.sort(rng.uniform(0, 5, 20)), rng.normal(size=(4, 3, 20))
    at = np.concatenate([rng.uniform(-1, 6, 50), x])
    expected = np.array([np.interp(at, x, curve) for curve in curves.reshape(-1, 20)]).reshape(4, 3, -1)
    np.testing.assert_allclose(interpolate(at, x, curves), expected, rtol=0, atol=1e-12)
