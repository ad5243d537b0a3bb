import numpy as np
import pytest

from ljmix.structure.first_shell import highest_points, peak_bin


def test_peak_lies_in_the_first_shell():
    r = (np.arange(100) + 0.5) * 0.05
    g = 1 + 2 * np.exp(-(((r - 1.63) / 0.2) ** 2)) + 5 * np.exp(-(((r - 3.2) / 0.2) ** 2)) + 9 * (r < 0.5)
    assert r[peak_bin(r, g, 1.5)] == pytest.approx(1.625)


def test_a_curve_that_ends_too_early_has_no_first_peak():
    with pytest.raises(ValueError, match=r"ends at 1\.2 σ_AA, before the first shell, 1\.6 to 3"):
        peak_bin(np.array([0.4, 0.8, 1.2]), np.ones(3), 2.0)


def test_peaks_are_found_between_bins():
    """A parabola of height 2.5 at 1.13, on bins of 0.05: its top is not a bin centre."""
    r = (np.arange(100) + 0.5) * 0.05
    g = np.clip(2.5 - 40 * (r - 1.13) ** 2, 0, None)[None, None]
    height, position = highest_points(r, np.repeat(g, 3, axis=1), np.ones((1, 3)))
    np.testing.assert_allclose(height, 2.5)
    np.testing.assert_allclose(position, 1.13)
