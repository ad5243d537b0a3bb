"""Known cases: a random mixture, a slab, a droplet, an fcc lattice, a hot liquid."""

import numpy as np
import pytest

from ljmix.configuration import Configuration
from ljmix.simulation.initial import build_configuration, place_particles
from ljmix.simulation.profiles import load_profile
from ljmix.state import StatePoint
from ljmix.structure.phase import (
    CRYSTALLINE,
    DEMIXED,
    SEGREGATED,
    crystal_order,
    demixing_order,
    domain_shape,
    label_phase,
    measure_domains,
    segregation,
)
from ljmix.structure.scattering import concentration_waves

COLOUR = StatePoint(1.0, 0.5, 1.0, 1.0)


def fcc(cells, jitter=0.0, seed=0):
    basis = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
    corners = np.stack(np.meshgrid(*[np.arange(cells)] * 3), axis=-1).reshape(-1, 1, 3)
    spacing = (4 / 1.0) ** (1 / 3)
    positions = (corners + basis).reshape(-1, 3) * spacing
    rng = np.random.default_rng(seed)
    positions += jitter * rng.normal(size=positions.shape)
    edge = cells * spacing
    positions = (positions + edge / 2) % edge - edge / 2
    types = rng.permutation(np.arange(len(positions)) % 2)
    return Configuration(positions, np.zeros_like(positions), types, edge)


@pytest.mark.parametrize(
    ("fraction_b", "size_ratio", "shape"),
    [(0.5, 1.0, "slab"), (0.2, 1.0, "cylinder"), (0.08, 1.0, "sphere"), (0.2, 1.5, "slab"), (0.5, 0.5, "sphere")],
)
def test_domain_is_measured(fraction_b, size_ratio, shape):
    """Separated starts: the share of the volume is known, and the shape is that of least surface for it."""
    state, n = StatePoint(1.0, fraction_b, size_ratio, 0.2), 3000
    start = build_configuration(state, n, round(fraction_b * n), "separated")
    volume_b = fraction_b * size_ratio**3
    domains = measure_domains(start, state)
    share = domains["share"]
    found = domain_shape(concentration_waves(start.positions / start.box_edge, start.types)[None])
    print(f"share {share:.3f}, expected {volume_b / (volume_b + 1 - fraction_b):.3f}")
    # The boundary is known to about half the reach of a particle's surroundings; curved ones move most.
    assert share == pytest.approx(volume_b / (volume_b + 1 - fraction_b), abs=0.04)
    assert found == shape
    # Inside, each liquid is pure; Voronoi cells give the densities that fill the box together.
    for name, x_b in (("lean", 0.0), ("rich", 1.0)):
        assert domains[f"x_b_{name}"] == x_b or np.isnan(domains[f"x_b_{name}"])
    if not np.isnan(domains["density_lean"] + domains["density_rich"]):
        volume = (n - round(fraction_b * n)) / domains["density_lean"] + round(fraction_b * n) / domains["density_rich"]
        assert volume == pytest.approx(start.box_edge**3, rel=0.05)


def order_of(configurations, state):
    """Demixing order, against the separated start of the same particles."""
    types = configurations[0].types
    n_b = int(np.sum(types == 1))
    return demixing_order(configurations, place_particles(state, len(types), n_b, "separated", 1.0))


@pytest.mark.parametrize("fraction_b", [0.01, 0.1, 0.5])
def test_random_mixture_is_mixed(fraction_b):
    """|Σ w exp(ikr)|² of N independent particles is N C_A C_B, exponentially distributed: three waves."""
    state = StatePoint(1.0, fraction_b, 1.0, 1.0)
    n = 4000
    made = build_configuration(state, n, round(n * fraction_b))
    rng = np.random.default_rng(2)
    starts = [
        Configuration(made.positions, made.velocities, rng.permutation(made.types), made.box_edge) for _ in range(10)
    ]
    q = order_of(starts, state)
    print(f"demixing {q:.4f}")
    assert q < DEMIXED / 2
    assert label_phase(q, 0.0, 0.0) == "mixed"


@pytest.mark.parametrize("fraction_b", [0.01, 0.1, 0.2, 0.5])
def test_slab_and_droplet_are_demixed(fraction_b):
    state = StatePoint(1.0, fraction_b, 1.0, 0.2)
    made = build_configuration(state, 4000, round(4000 * fraction_b), "separated")
    # Wherever it sits: a wave's strength does not depend on the origin.
    edge = made.box_edge
    moved = (made.positions + np.array([1.0, 2.0, 3.0]) + edge / 2) % edge - edge / 2
    q = order_of([Configuration(moved, made.velocities, made.types, edge)], state)
    # The reference is drawn without a core: packing and the number of B leave a few per cent, and 10 % for 40 B.
    assert q == pytest.approx(1.0, abs=0.15)
    assert label_phase(q, 0.0, 0.0) == "demixed"


def test_partial_separation_is_the_square_of_the_contrast():
    """Exchange a share x of both sides of a slab: the contrast is 1 - 2x, the order its square."""
    state = StatePoint(1.0, 0.5, 1.0, 0.2)
    made = build_configuration(state, 4000, 2000, "separated")
    types = made.types.copy()
    rng = np.random.default_rng(1)
    for kind in (0, 1):
        exchanged = rng.choice(np.flatnonzero(made.types == kind), 500, replace=False)
        types[exchanged] = 1 - kind
    q = order_of([Configuration(made.positions, made.velocities, types, made.box_edge)], state)
    # The rest is noise of 1000 exchanged particles, a few per cent of the square root of the signal.
    assert q == pytest.approx(0.5**2, abs=0.04)


@pytest.mark.parametrize("size_ratio", [0.5, 1.0, 2.0])
def test_segregation_is_the_difference_in_surroundings(size_ratio):
    state = StatePoint(1.0, 0.3, size_ratio, 0.4)
    r = np.arange(0.025, 5, 0.05)
    random = {pair: np.ones_like(r) for pair in ("AA", "AB", "BB")}
    assert segregation(r, random, state) == pytest.approx(0.0, abs=1e-12)
    pure = random | {"AB": np.zeros_like(r) + 1e-12}
    assert segregation(r, pure, state) == pytest.approx(1.0)
    assert segregation(r, random | {"AB": 2 * random["AB"]}, state) < 0
    assert label_phase(0.0, SEGREGATED + 0.01, 0.0) == "demixed"


def test_lattice_is_crystal_and_liquid_is_not():
    perfect, warm = fcc(6), fcc(6, jitter=0.06)
    assert crystal_order(perfect, COLOUR) == 1
    assert crystal_order(warm, COLOUR) > 0.9
    n = len(perfect.types)
    dense = build_configuration(StatePoint(0.6, 0.5, 1.0, 1.0), n, n // 2)
    assert crystal_order(dense, COLOUR) < CRYSTALLINE / 3
    assert label_phase(0.0, 0.0, crystal_order(warm, COLOUR)) == "crystal"
    assert label_phase(1.0, 0.0, crystal_order(warm, COLOUR)) == "crystal"


def test_a_crystal_of_one_species_is_seen():
    """A lattice of large B beside disordered A: the share is that of B, not of all."""
    lattice = fcc(4)
    edge = 4 * 2 * (4 / 1.0) ** (1 / 3)
    b = (lattice.positions * 2 + edge / 2) * np.array([1, 1, 1]) - edge / 2
    rng = np.random.default_rng(0)
    a = (rng.random((600, 3)) - 0.5) * edge
    positions = np.concatenate([a + np.array([edge, 0, 0]), b])
    positions[:, 0] = (positions[:, 0] + edge / 2) % (2 * edge) - edge
    # Twice the box in x, but cubic is what a configuration is: pad y and z with vacuum.
    made = Configuration(positions, np.zeros_like(positions), np.repeat([0, 1], [600, len(b)]), 2 * edge)
    state = StatePoint(0.6, 0.3, 2.0, 0.2)
    # Surface particles of the lattice have too few bonds; the inside is crystal.
    assert crystal_order(made, state) > CRYSTALLINE
    assert load_profile("reference").min_particles_b >= 30
