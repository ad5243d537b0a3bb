"""Student's t and what goes with it, against scipy and by sampling."""

import numpy as np
import pytest
from scipy import stats

from ljmix.engine_validation.statistics import expected_absolute_t, sigmas_of, student_t


def test_t_is_that_of_scipy():
    rng = np.random.default_rng(1)
    first, second = rng.normal(size=(10, 30)), rng.normal(size=(8, 30))
    np.testing.assert_allclose(student_t(first, second), stats.ttest_ind(first, second).statistic, rtol=1e-12)


def test_a_bin_that_never_varies_has_no_t():
    rng = np.random.default_rng(2)
    blocks = rng.normal(size=(6, 2)) * [1, 0] + [0, 0.1]
    found = student_t(blocks, blocks[::-1] + np.array([1, 0]))
    assert np.isnan(found[1])
    assert np.isfinite(found[0])


@pytest.mark.parametrize("degrees", [4, 18, 100])
def test_mean_of_absolute_t(degrees):
    t = np.abs(np.random.default_rng(5).standard_t(degrees, 100_000))
    sigmas = (t.mean() - expected_absolute_t(degrees)) / (t.std() / np.sqrt(len(t)))
    print(f"observed {t.mean():.4f}, expected {expected_absolute_t(degrees):.4f}, {sigmas:.1f} sigmas")
    assert abs(sigmas) < 4


def test_sigmas_and_bad_blocks():
    assert sigmas_of(0.0026998, -3) == pytest.approx(-3, abs=1e-3)
    assert np.isfinite(sigmas_of(0.0))
    with pytest.raises(ValueError, match="two or more of each are needed"):
        student_t(np.ones((1, 3)), np.ones((5, 3)))
    with pytest.raises(ValueError, match="needs 2 or more"):
        expected_absolute_t(1)
