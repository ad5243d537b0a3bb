"""Kirkwood-Buff integrals: limits with exact answers, noise with known variance, and what must be refused."""

import numpy as np
import pytest

from ljmix import compute_rdf
from ljmix.properties.extrapolation import fit_structure_factors, route_covariance, wave_weights
from ljmix.properties.kirkwood_buff import (
    correct_closed_box,
    derive,
    integrals_from_inverse,
    integrals_from_rdf,
    integrate_rdf,
    inverse_from_integrals,
    jackknife,
)
from ljmix.state import PAIRS

EDGE, R_MAX, N_BINS = 12.0, 4.0, 80
R = (np.arange(N_BINS) + 0.5) * R_MAX / N_BINS


def ideal_functions(n_a, n_b, n_frames, seed):
    rng = np.random.default_rng(seed)
    sums = dict.fromkeys(PAIRS, 0.0)
    for _ in range(n_frames):
        a, b = (EDGE * (rng.random((n, 3)) - 0.5) for n in (n_a, n_b))
        sums["AA"] += compute_rdf(a, None, EDGE, R_MAX, N_BINS) / n_frames
        sums["AB"] += compute_rdf(a, b, EDGE, R_MAX, N_BINS) / n_frames
        sums["BB"] += compute_rdf(b, None, EDGE, R_MAX, N_BINS) / n_frames
    return sums


def test_an_ideal_gas_has_no_integrals():
    """Pairs are independent, each in the weighted sphere by chance: the variance of G is that of a binomial count."""
    n_a, n_b, n_frames = 400, 100, 60
    g = ideal_functions(n_a, n_b, n_frames, seed=1)
    found = integrals_from_rdf(R, g, n_a, n_b, EDGE**3)
    fine = np.linspace(0, R_MAX, 20001)
    weight = 1 - (fine / R_MAX) ** 3
    mean, square = (np.trapezoid(w * 4 * np.pi * fine**2, fine) / EDGE**3 for w in (weight, weight**2))
    pairs = np.array([n_a * (n_a - 1) / 2, n_a * n_b, n_b * (n_b - 1) / 2])
    # The correction for the closed box divides deviations by the share of the box outside, (1 - ball): at most this.
    ball = 4 / 3 * np.pi * R_MAX**3 / EDGE**3
    expected = EDGE**3 * np.sqrt((square - mean**2) / (pairs * n_frames)) / (1 - ball)
    z = found / expected
    print("G", found, "expected 0 ±", expected)
    assert np.all(np.abs(z) < 3.5)
    ideal = derive(inverse_from_integrals(found, 0.2, 500 / EDGE**3), 0.2, 500 / EDGE**3, 1.0)
    # Γ = 1 + x_A x_B ρ (2 G_AB − G_AA − G_BB) to first order.
    error = 0.16 * 500 / EDGE**3 * np.sqrt(expected[0] ** 2 + 4 * expected[1] ** 2 + expected[2] ** 2)
    assert abs(ideal.factor - 1) < 3.5 * error


def test_hard_cores_at_vanishing_density_leave_their_volume_out():
    sigma = 1.0
    g = (sigma < R).astype(float)
    exact = -4 * np.pi / 3 * sigma**3 + 4 * np.pi / 6 * sigma**6 / R_MAX**3
    # The midpoint of a bin stands for r³ in it: off by the square of its width.
    assert integrate_rdf(R, g) == pytest.approx(exact, rel=(R[1] - R[0]) ** 2)
    assert integrate_rdf(R, g, truncated=True) == pytest.approx(-4 * np.pi / 3, rel=1e-12)


def test_a_closed_box_of_an_ideal_gas_needs_no_correction():
    np.testing.assert_allclose(correct_closed_box(R, np.ones(N_BINS), 99, EDGE**3), 1.0, rtol=1e-3)


def test_excluded_partners_are_given_back():
    """One partner less inside leaves one more outside: the corrected tail is 1 where the raw one is not."""
    n, volume = 50, EDGE**3
    inside, outside = R < 1.0, R >= 1.0
    core = 4 / 3 * np.pi / volume
    raw = np.where(inside, 0.0, 1 / (1 - core))  # n partners spread over what is left
    corrected = correct_closed_box(R, raw, n, volume)
    np.testing.assert_allclose(corrected[outside], 1.0, atol=2e-4)


def test_integrals_and_inverse_are_one_matrix():
    integrals = np.array([-1.2, 0.4, -3.0])
    inverse = inverse_from_integrals(integrals, 0.3, 0.6)
    np.testing.assert_allclose(integrals_from_inverse(inverse, 0.3, 0.6), integrals, rtol=1e-12)


def test_thermodynamics_of_an_equation_of_state_comes_back():
    """P = ρ ∂βμ_i/∂ρ_j by an equation of state: its own Γ, κ_T and partial volumes must follow."""
    feos = pytest.importorskip("feos")
    import si_units as si

    from ljmix.state import StatePoint
    from ljmix.theory import eos

    state = StatePoint(1.2, 0.35, 1.5, 0.9)
    found = eos._solve(state, 0.35, 1.0)
    slopes = np.array(found.n_dmu_dni(feos.Contributions.Total) / (si.RGAS * 120 * si.KELVIN))
    liquid = eos.equation_of_state(state)
    inverse = np.array([slopes[0, 0], slopes[0, 1], slopes[1, 1]])
    derived = derive(inverse, 0.35, liquid.density, 1.2)
    assert derived.factor == pytest.approx(liquid.thermodynamic_factor, rel=1e-6)
    assert derived.compressibility == pytest.approx(liquid.compressibility, rel=1e-6)
    np.testing.assert_allclose([derived.volume_a, derived.volume_b], liquid.partial_volume, rtol=1e-6)


def draw_waves(rng, p0, p2, k, counts):
    """Mean S of Gaussian amplitudes, and the standard errors that theory gives them."""
    s, sem = (dict.fromkeys(PAIRS) for _ in range(2))
    columns = []
    for wave, n in zip(k, counts, strict=True):
        p = p0 + p2 * wave**2
        covariance = np.linalg.inv(np.array([[p[0], p[1]], [p[1], p[2]]]))
        root = np.linalg.cholesky(covariance)
        amplitude = root @ (rng.normal(size=(2, n)) + 1j * rng.normal(size=(2, n))) / np.sqrt(2)
        found = (amplitude @ amplitude.conj().T).real / n
        columns.append([found[0, 0], found[0, 1], found[1, 1]])
    columns = np.array(columns).T
    for pair, values in zip(PAIRS, columns, strict=True):
        s[pair] = values
    sem["AA"], sem["BB"] = columns[0] / np.sqrt(counts), columns[2] / np.sqrt(counts)
    sem["AB"] = np.sqrt((columns[0] * columns[2] + columns[1] ** 2) / 2 / counts)
    return s, sem


def test_the_extrapolation_is_unbiased_and_knows_its_error():
    rng = np.random.default_rng(5)
    k = 0.42 * np.sqrt([1, 2, 3, 4, 5, 6, 8, 9])
    counts = np.array([3, 6, 4, 3, 12, 12, 6, 15]) * 12
    p0, p2 = np.array([8.0, 6.0, 9.0]), np.array([1.0, -0.5, 0.8])
    repeats = 300
    z = []
    for _ in range(repeats):
        fit = fit_structure_factors(k, *draw_waves(rng, p0, p2, k, counts))
        truth, found = (float(derive(p, 0.4, 0.7, 1.0).factor) for p in (p0, fit.inverse))
        slope = np.array([
            float(derive(fit.inverse + d, 0.4, 0.7, 1.0).factor - derive(fit.inverse - d, 0.4, 0.7, 1.0).factor) / 2e-4
            for d in np.eye(3) * 1e-4
        ])  # fmt: skip
        z.append((found - truth) / np.sqrt(slope @ fit.covariance @ slope))
    z = np.array(z)
    print(f"z of Γ: {z.mean():.3f} ± {1 / np.sqrt(repeats):.3f}, spread {z.std():.3f} (expected 1)")
    # Largest likelihood has a bias of order 1/n in Γ, here below a third of its error.
    assert abs(z.mean()) < 3 / np.sqrt(repeats) + 0.33
    assert abs(z.std() - 1) < 4 / np.sqrt(2 * repeats) + 0.1


@pytest.mark.parametrize(("p0", "length"), [([3.0, 1.0, 3.0], 1.5), ([3.0, 3.1, 3.0], np.inf), ([3.0, 0.0, 9.0], 0.8)])
def test_the_correlation_length_is_that_of_the_softest_mode(p0, length):
    """The mode (1, −1)/√2 of the first has P = 2 (1 + ξ² k²); of the second −0.1 at k = 0; the third's is A alone."""
    k = 0.42 * np.sqrt([1, 2, 3, 4, 5, 6, 8, 9])
    p2 = np.array({1.5: [4.5, 0.0, 4.5], np.inf: [1.0, 0.0, 1.0], 0.8: [3 * 0.64, 0.0, 1.0]}[length])
    p = np.array(p0)[:, None] + p2[:, None] * k**2
    determinant = p[0] * p[2] - p[1] ** 2
    s = dict(zip(PAIRS, np.stack([p[2], -p[1], p[0]]) / determinant, strict=True))
    fit = fit_structure_factors(k, s, {pair: 1e-2 * np.abs(values) + 1e-3 for pair, values in s.items()})
    assert fit.correlation_length == pytest.approx(length, rel=1e-4)


@pytest.mark.parametrize(("lengths", "lacks"), [(8.0, 0.0452), (5.0, 0.1479)])
def test_an_integral_lacks_what_correlations_hold_beyond_it(lengths, lacks):
    """∫ u exp(−u) (1 − (u/x)³) du from 0 to x, where all distances give 1."""
    r = (np.arange(1400) + 0.5) * 0.005
    xi = 7.0 / lengths
    g = 1 + 0.01 * np.exp(-r / xi) / r
    assert integrate_rdf(r, g) == pytest.approx(4 * np.pi * 0.01 * xi**2 * (1 - lacks), rel=1e-3)


def test_covariance_of_the_extrapolation_is_what_the_waves_pass_on():
    rng = np.random.default_rng(3)
    k = 0.42 * np.sqrt([1, 2, 3, 4, 5, 6, 8, 9])
    counts = np.array([3, 6, 4, 3, 12, 12, 6, 15]) * 400
    fit = fit_structure_factors(k, *draw_waves(rng, np.array([8.0, 6.0, 9.0]), np.array([1.0, -0.5, 0.8]), k, counts))
    integrals = np.array([-1.0, 0.2, -1.5])
    both = route_covariance(fit, integrals, wave_weights(k, np.ones(8), 15.0**3, 7.0), 0.4, 0.7)
    # Exact for waves that obey the line; these are measured ones, 1/√n of a shell away from it.
    np.testing.assert_allclose(both[:3, :3], fit.covariance, rtol=0.02, atol=0.02 * np.abs(fit.covariance).max())
    assert np.all(np.linalg.eigvalsh(both) > -1e-9 * np.abs(both).max())


def test_weights_of_waves_add_up_to_an_integral():
    """∫ h w d³r = Σ_k H(k) ŵ(k)/V for a wave that the box holds, h = cos(k·x) averaged over three directions."""
    edge, r_max = 15.0, 7.0
    k = 2 * np.pi / edge
    weight = wave_weights(np.array([k]), np.array([3]), edge**3, r_max)[0]
    r = (np.arange(1400) + 0.5) * r_max / 1400
    h = np.sin(k * r) / (k * r)  # average of cos(k·r) over directions; H = V/6 at each of the six ±k
    assert integrate_rdf(r, 1 + h / 1e3, r_max) * 1e3 == pytest.approx(weight * edge**3 / 6, rel=1e-5)


def test_jackknife_of_a_mean_is_its_standard_error():
    values = np.random.default_rng(0).normal(size=12)
    left = np.array([np.delete(values, k).mean() for k in range(12)])
    assert jackknife(left) == pytest.approx(values.std(ddof=1) / np.sqrt(12), rel=1e-12)
    with pytest.raises(ValueError, match="1 block: an error by jackknife needs two or more"):
        jackknife(np.ones(1))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: derive(np.ones(3), 0.0, 0.7, 1.0), "fraction_b = 0: must lie between 0 and 1; one component alone"),
        (
            lambda: integrate_rdf(R, np.full(N_BINS, 2.0)),
            r"g\(r\) is 1 away from 1 in the last σ before 4 σ: it is",
        ),
        (lambda: integrate_rdf(R, np.ones(N_BINS), 9.0), "r_max = 9: the functions end at 4 σ"),
        (lambda: integrate_rdf(R**2, np.ones(N_BINS)), "bins must be equally wide, and the first begin at r = 0"),
        (lambda: correct_closed_box(R, np.ones(N_BINS), 9, 50.0), "where a sphere is larger than the box of 50 σ³"),
        (lambda: integrals_from_rdf(R, {"AA": R}, 9, 9, 1e3), "functions of AB, BB are missing"),
        (lambda: integrals_from_rdf(R, {}, 9, 1, 1e3), "9 A and 1 B particles: two of each are needed"),
        (
            lambda: fit_structure_factors(np.array([0.5, 2.0, 3.0]), *(dict.fromkeys(PAIRS, np.ones(3)),) * 2),
            "1 wave numbers up to 1.3: three are needed for a line",
        ),
        (
            lambda: fit_structure_factors(np.array([0.5, 0.6, 0.7]), *(dict.fromkeys(PAIRS, np.ones(3)),) * 2),
            "not positive definite",
        ),
    ],
)
def test_bad_input_is_told_in_one_sentence(call, message):
    with pytest.raises(ValueError, match=message):
        call()
