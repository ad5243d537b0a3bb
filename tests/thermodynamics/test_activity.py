"""Activities from thermodynamic factors whose free energy is known, and the line through points with two errors."""

import numpy as np
import pytest

from ljmix.thermodynamics.activity import fit_isotherm
from ljmix.thermodynamics.gibbs_helmholtz import fit_line_through_origin

X = np.array([0.01, 0.1, 0.2, 0.35, 0.5])


def margules(x, a, b):
    """g^E = x(1−x)(a + b(1−2x)): its factor, and ln γ_B."""
    bend = -2 * a + b * (12 * x - 6)
    slope = a * (1 - 2 * x) + b * (1 - 6 * x + 6 * x**2)
    excess = x * (1 - x) * (a + b * (1 - 2 * x))
    return 1 + x * (1 - x) * bend, excess + (1 - x) * slope


def test_a_known_free_energy_comes_back():
    factor, log_activity = margules(X, 1.1, -0.4)
    isotherm = fit_isotherm(X, factor, np.full(5, 1e-4))
    value, sem = isotherm.log_activity_b(X, dilute=False)
    limit = margules(np.zeros(1), 1.1, -0.4)[1][0]
    dilute, dilute_sem = isotherm.log_activity_b(X)
    assert np.all(np.abs(value - log_activity) < 4 * sem + 1e-4)
    assert np.all(np.abs(dilute - (log_activity - limit)) < 4 * dilute_sem + 1e-4)
    assert isotherm.chi2 < 5


def test_activities_of_both_species_belong_together():
    """Gibbs and Duhem: x_A dln γ_A + x_B dln γ_B = 0, for any coefficients."""
    isotherm = fit_isotherm(X, np.array([1.0, 0.9, 0.7, 0.6, 0.5]), np.full(5, 0.05))
    x = np.linspace(0.05, 0.95, 19)
    step = 1e-5
    slope_a, slope_b = (
        (of(x + step)[0] - of(x - step)[0]) / (2 * step) for of in (isotherm.log_activity_a, isotherm.log_activity_b)
    )
    np.testing.assert_allclose((1 - x) * slope_a + x * slope_b, 0.0, atol=1e-7)
    np.testing.assert_allclose(1 + x * slope_b, isotherm.factor(x)[0], atol=1e-7)
    assert isotherm.log_activity_a(np.zeros(1))[0][0] == 0.0


def test_errors_of_activities_are_those_of_repeated_measurements():
    rng = np.random.default_rng(11)
    factor, log_activity = margules(X, 0.8, 0.3)
    z = []
    for _ in range(300):
        error = 0.04 * factor
        isotherm = fit_isotherm(X, factor + rng.normal(size=5) * error, error)
        value, sem = isotherm.log_activity_b(np.array([0.5]))
        z.append(float((value - (log_activity[-1] - margules(np.zeros(1), 0.8, 0.3)[1][0]))[0] / sem[0]))
    z = np.array(z)
    print(f"z {z.mean():.2f} ± {1 / np.sqrt(300):.2f}, spread {z.std():.2f}")
    # The prior pulls towards zero and adds to the error: the spread is at most one.
    assert abs(z.mean()) < 0.5
    assert 0.5 < z.std() < 1 + 4 / np.sqrt(600)


def test_a_mirror_image_counts():
    """A mixture that is its own image has the same activities from either end."""
    factor, _ = margules(X, 1.2, 0.0)
    isotherm = fit_isotherm(X, factor, np.full(5, 0.01), symmetric=True)
    x = np.linspace(0, 1, 11)
    np.testing.assert_allclose(
        isotherm.log_activity_a(x)[0], isotherm.log_activity_b(1 - x, dilute=False)[0], atol=1e-12
    )
    assert isotherm.x_max == 1.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((X[:1], np.ones(1), np.ones(1)), "1 state: an isotherm needs two or more"),
        ((np.array([0.0, 0.5]), np.ones(2), np.ones(2)), "pure liquids have Γ = 1 by definition"),
        ((X, np.ones(5), np.zeros(5)), "needs a standard error above 0"),
    ],
)
def test_bad_input_is_told_in_one_sentence(arguments, message):
    with pytest.raises(ValueError, match=message):
        fit_isotherm(*arguments)


def test_a_slope_with_errors_on_both_axes():
    """Ordinary least squares would find it too flat; here true values scatter as widely as the errors."""
    rng = np.random.default_rng(4)
    slopes, errors = [], []
    for _ in range(200):
        truth = rng.normal(size=80) * 2
        x, y = truth + rng.normal(size=80), truth + rng.normal(size=80)
        line = fit_line_through_origin(x, y, np.ones(80), np.ones(80))
        slopes.append(line.slope)
        errors.append(line.sem)
    mean, spread = np.mean(slopes), np.std(slopes)
    print(f"slope {mean:.3f} ± {spread / np.sqrt(200):.3f}, spread {spread:.3f}, error given {np.mean(errors):.3f}")
    assert abs(mean - 1) < 4 * spread / np.sqrt(200) + 0.01
    # χ² a degree of freedom is scaled up only, which adds a few per cent to the mean error.
    assert 0.85 < np.mean(errors) / spread < 1.25
    with pytest.raises(ValueError, match="2 points: a line with an error needs three or more"):
        fit_line_through_origin(*np.ones((4, 2)))
