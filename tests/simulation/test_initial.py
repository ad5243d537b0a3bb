import numpy as np
import pytest
from scipy.spatial import cKDTree

from ljmix.data.dataset import read_dataset
from ljmix.data.reference import shipped_directory
from ljmix.simulation.initial import STARTS, _domain, build_configuration, place_particles, system_size
from ljmix.simulation.profiles import load_profile
from ljmix.state import StatePoint, state_points
from ljmix.structure.scattering import concentration_waves
from ljmix.theory.density import estimate_density

PROFILE = load_profile("smoke")
STATES = [
    StatePoint(0.6, 0.01, 0.5, 0.2),
    StatePoint(0.6, 0.5, 0.5, 1.0),
    StatePoint(1.0, 0.35, 1.0, 0.4),
    StatePoint(0.6, 0.5, 2.0, 1.0),
    StatePoint(1.4, 0.1, 2.0, 0.2),
]


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("state", STATES, ids=lambda s: s.state_id)
def test_no_overlaps_exact_fraction_right_temperature(state, start):
    n_particles, n_b = system_size(state, PROFILE)
    made = build_configuration(state, n_particles, n_b, start, lever_share=0.25)
    assert made.positions.shape == made.velocities.shape == (n_particles, 3)
    assert np.sum(made.types == 1) == n_b == round(state.fraction_b * n_particles)
    assert np.abs(made.positions).max() <= made.box_edge / 2
    pairs = cKDTree(made.positions + made.box_edge / 2, boxsize=made.box_edge * (1 + 1e-12)).query_pairs(
        max(1, state.size_ratio), output_type="ndarray"
    )
    separation = made.positions[pairs[:, 0]] - made.positions[pairs[:, 1]]
    separation -= made.box_edge * np.rint(separation / made.box_edge)
    diameters = np.array([1.0, state.size_ratio])[made.types]
    contact = diameters[pairs].mean(axis=1)
    assert np.all(np.linalg.norm(separation, axis=1) > 0.95 * contact)
    np.testing.assert_allclose(made.velocities.sum(axis=0), 0, atol=1e-9)
    kinetic = np.sum(made.velocities**2) / (3 * n_particles - 3)
    assert kinetic == pytest.approx(state.temperature, rel=1e-12)


def test_same_arguments_same_start():
    state = STATES[2]
    first, second = (build_configuration(state, 800, 280) for _ in range(2))
    np.testing.assert_array_equal(first.positions, second.positions)
    np.testing.assert_array_equal(first.velocities, second.velocities)


@pytest.mark.parametrize(("fraction_b", "dimensions"), [(0.05, 3), (0.2, 2), (0.5, 1), (0.8, 2), (0.97, 3)])
def test_separated_start_is_one_compact_domain(fraction_b, dimensions):
    """The domain of the minority spans the box in 3 - `dimensions` directions."""
    state = StatePoint(1.0, fraction_b, 1.0, 0.2)
    n = 3000
    made = build_configuration(state, n, round(fraction_b * n), "separated")
    minority = made.positions[made.types == (1 if fraction_b <= 0.5 else 0)]
    # Extent over the box: a full direction has standard deviation 1/sqrt(12).
    spread = np.sort(minority.std(axis=0) / made.box_edge)
    assert np.sum(spread < 0.27) == dimensions
    assert np.all(spread[dimensions:] == pytest.approx(1 / np.sqrt(12), rel=0.05))


@pytest.mark.parametrize("state", STATES[1:], ids=lambda s: s.state_id)
def test_exchanged_start_has_a_quarter_of_the_minority_on_the_wrong_side(state):
    """Each domain keeps the volume of what it holds: neither is packed more densely than the other."""
    n = 3000
    n_b = round(state.fraction_b * n)
    positions, types = place_particles(state, n, n_b, "exchanged", 15.0)
    moved = int(0.25 * min(n_b, n - n_b))
    volumes = np.array([1.0, state.size_ratio**3])[types]
    held_by_b = n_b * state.size_ratio**3 + moved * (1 - state.size_ratio**3)
    domain = _domain(held_by_b / volumes.sum(), 15.0, n_b * state.size_ratio**3 / volumes.sum())
    inside = domain(positions)
    assert np.sum(inside & (types == 0)) == np.sum(~inside & (types == 1)) == moved
    # Uniform in each domain: the share of its volume, from random points, is that of what it holds.
    points = np.random.default_rng(1).random((200_000, 3)) * 15.0
    share = domain(points).mean()
    expected = volumes[inside].sum() / volumes.sum()
    print(f"volume {share:.4f}, contents {expected:.4f}")
    assert abs(share - expected) < 4 * np.sqrt(expected * (1 - expected) / len(points))


@pytest.mark.parametrize("size_ratio", [0.5, 1.5, 2.0])
@pytest.mark.parametrize("fraction_b", [0.01, 0.1, 0.2, 0.35, 0.5])
def test_both_starts_of_a_bracket_have_one_shape(size_ratio, fraction_b):
    """Strong waves along the same axes of the box: three tell a sphere, two a cylinder, one a slab."""
    state, n = StatePoint(1.0, fraction_b, size_ratio, 0.2), 4000
    strong = []
    for start in ("separated", "exchanged"):
        positions, types = place_particles(state, n, round(fraction_b * n), start, 1.0)
        waves = concentration_waves(positions, types)
        strong.append((waves > waves.max() / 4).sum())
    assert strong[0] == strong[1]


@pytest.mark.parametrize(("lever_share", "directions"), [(0.1, 3), (0.25, 2), (0.4, 1), (0.75, 2)])
def test_a_stable_start_has_the_shape_of_the_lever_rule_and_the_volume_of_what_it_holds(lever_share, directions):
    """B's own share, 0.35, would be a slab."""
    state, n = StatePoint(1.0, 0.35, 1.0, 0.2), 4000
    n_b = round(0.35 * n)
    for start, wrong in (("stable", 0), ("stable_exchanged", int(0.25 * n_b))):
        positions, types = place_particles(state, n, n_b, start, 15.0, lever_share=lever_share)
        waves = concentration_waves(positions / 15.0, types)
        assert (waves > waves.max() / 4).sum() == directions
        inside = _domain(0.35, 15.0, lever_share)(positions)
        assert np.sum(inside & (types == 0)) == np.sum(~inside & (types == 1)) == wrong


def test_a_stable_start_without_its_share_is_refused():
    with pytest.raises(ValueError, match="'stable' needs lever_share, the share of the volume that the B-rich liquid"):
        build_configuration(STATES[0], 100, 10, "stable")


def test_a_box_has_room_to_shrink():
    """None of the reference states would have been too small for r_max after the barostat had its say."""
    state = StatePoint(1.4, 0.5, 1.0, 1.0)
    with pytest.raises(ValueError, match=r"before the barostat has shrunk it; set box_edge = 10\.5 or more"):
        system_size(state, load_profile("smoke", box_edge=10.1, r_max=5.0))
    held = load_profile("smoke", box_edge=10.1, r_max=5.0, number_density=0.6)
    assert system_size(state, held)[0] == round(0.6 * 10.1**3)
    dataset = read_dataset(shipped_directory(load_profile("reference")))
    estimates = np.array([estimate_density(state) for state in state_points(dataset.states)])
    shrunk = (dataset.states["number_density"] / estimates) ** (1 / 3)
    print(f"edges end between {1 / shrunk.max():.3f} and {1 / shrunk.min():.3f} of their estimates")
    assert shrunk.max() < 1.045


def test_unknown_start_is_named():
    with pytest.raises(ValueError, match="start = 'fcc' is unknown; choose one of random, separated, exchanged"):
        build_configuration(STATES[0], 100, 10, "fcc")
