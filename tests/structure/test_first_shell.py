import numpy as np
import pytest

from ljmix.structure.first_shell import peak_bin


def test_peak_lies_in_the_first_shell():
    r = (np.arange(100) + 0.5) * 0.05
    g = 1 + 2 * np.exp(-(((r - 1.63) / 0.2) ** 2)) + 5 * np.exp(-(((r - 3.2) / 0.2) ** 2)) + 9 * (r < 0.5)
    assert r[peak_bin(r, g, 1.5)] == pytest.approx(1.625)


def test_a_curve_that_ends_too_early_has_no_first_peak():
    with pytest.raises(ValueError, match=r"ends at 1\.2 σ_AA, before the first shell, 1\.6 to 3"):
        peak_bin(np.array([0.4, 0.8, 1.2]), np.ones(3), 2.0)
