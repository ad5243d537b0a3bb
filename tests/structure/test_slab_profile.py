import numpy as np
import pytest

from ljmix.configuration import Configuration
from ljmix.structure.slab_profile import centred_counts, find_interface, plateau_series, rdf_inside, tension_series

LENGTH, EDGE, BINS = 34.0, 10.0, 170
X = {"lean": 0.05, "rich": 0.9}


def draw_frames(n_frames, seed=3, half=8.0, tangent=0.8, density=0.8):
    """Ideal gas whose composition has a tanh profile, shifted at random: counts frame by frame."""
    rng = np.random.default_rng(seed)
    counts = []
    for _ in range(n_frames):
        n = rng.poisson(density * EDGE**2 * LENGTH)
        z = (rng.random(n) - 0.5) * LENGTH
        share = X["lean"] + (X["rich"] - X["lean"]) * (1 + np.tanh((half - np.abs(z)) / tangent)) / 2
        types = (rng.random(n) < share).astype(int)
        counts.append(centred_counts((z + rng.random() * LENGTH) / LENGTH % 1.0, types, BINS))
    return np.array(counts, dtype=float), np.full(n_frames, LENGTH)


def test_plateaus_and_interface_of_a_known_profile_are_found():
    counts, lengths = draw_frames(400)
    found = find_interface(counts, lengths, EDGE, 1.0)
    print(f"position {found.position:.3f} (8), width {found.width:.3f} ({2 * np.arctanh(0.8) * 0.8:.3f})")
    assert found.position == pytest.approx(8.0, abs=0.05)
    # The middle of each frame is known to 0.1 σ or so from its particles, which widens the mean profile a little.
    assert found.width == pytest.approx(2 * np.arctanh(0.8) * 0.8, rel=0.06)
    for liquid in ("lean", "rich"):
        values = plateau_series(counts, lengths, EDGE, getattr(found, liquid))
        (x_b, error), (density, density_error) = values["x_b"], values["density"]
        print(f"{liquid}: x_B {x_b:.4f} ± {error:.4f} ({X[liquid]}), density {density:.4f} ± {density_error:.4f} (0.8)")
        # 0.25 % of the contrast is left at the margin.
        assert abs(x_b - X[liquid]) < 4 * error + 0.0025 * 0.85
        assert abs(density - 0.8) < 4 * density_error
        inside = getattr(found, liquid)
        particles = 0.8 * EDGE**2 * 2 * (inside[1] - inside[0]) * len(counts)
        assert error == pytest.approx(np.sqrt(X[liquid] * (1 - X[liquid]) / particles), rel=0.25)


def test_one_liquid_has_no_interface():
    rng = np.random.default_rng(1)
    counts = []
    for _ in range(200):
        along, types = rng.random(2500), (rng.random(2500) < 0.5).astype(int)
        counts.append(centred_counts(along, types, BINS))
    found = find_interface(np.array(counts, dtype=float), np.full(200, LENGTH), EDGE, 1.0)
    # Frames are turned to their own longest wave, of √(2/N) or so: no contrast to speak of, and no sharp border.
    assert found is None


def test_a_liquid_too_thin_for_an_inside_has_none():
    counts, lengths = draw_frames(200, half=3.0, tangent=1.0)
    assert find_interface(counts, lengths, EDGE, 1.0) is None


def test_tension_is_half_the_length_times_the_difference_of_pressures():
    rng = np.random.default_rng(7)
    tensor = np.array([0.94, 0.94, 1.0]) + 0.1 * rng.normal(size=(5000, 3))
    tension, error = tension_series(np.full(5000, LENGTH), tensor)
    expected_error = LENGTH / 2 * 0.1 * np.sqrt(1.5 / 5000)
    print(f"γ = {tension:.3f} ± {error:.3f}, expected {0.06 * LENGTH / 2:.3f} ± {expected_error:.3f}")
    assert abs(tension - 0.06 * LENGTH / 2) < 4 * expected_error
    assert error == pytest.approx(expected_error, rel=0.15)


@pytest.mark.parametrize("rich", [True, False])
def test_inside_an_ideal_gas_all_functions_are_one(rich):
    """Both liquids are ideal gases of one density: pairs inside a layer, all distances up to its thickness."""
    rng = np.random.default_rng(9)
    frames = []
    for _ in range(120):
        n = 2700
        z = (rng.random(n) - 0.5) * LENGTH
        share = np.where(np.abs(z) < LENGTH / 4, 0.7, 0.3)
        types = (rng.random(n) < share).astype(int)
        positions = np.column_stack([(rng.random((n, 2)) - 0.5) * EDGE, z])
        frames.append(Configuration(positions, np.zeros_like(positions), types, EDGE, LENGTH))
    inside = (0.0, 4.0) if rich else (LENGTH / 2 - 4.0, LENGTH / 2)
    functions = rdf_inside(frames, inside, rich, 4.9, 49)
    for pair, (g, g_sem) in functions.items():
        far = slice(5, None)
        z = (g[far] - 1) / g_sem[far]
        print(f"{pair}: mean {g[far].mean():.4f}, rms z {np.sqrt(np.mean(z**2)):.2f}")
        # 44 bins, nearly independent: rms z within 1 ± 4/√90.
        assert np.sqrt(np.mean(z**2)) < 1.45
        assert g[far].mean() == pytest.approx(1.0, abs=0.01)


def test_beyond_its_thickness_a_layer_has_no_function():
    rng = np.random.default_rng(2)
    positions = (rng.random((500, 3)) - 0.5) * np.array([EDGE, EDGE, LENGTH])
    types = (np.abs(positions[:, 2]) < LENGTH / 4).astype(int)
    frame = Configuration(positions, np.zeros_like(positions), types, EDGE, LENGTH)
    g, _ = rdf_inside([frame, frame], (0.0, 1.0), True, 4.9, 49)["BB"]
    assert np.isfinite(g[:20]).all()
    assert np.isnan(g[20:]).all()
