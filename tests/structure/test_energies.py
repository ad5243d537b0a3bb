import numpy as np
import pytest

from ljmix.simulation.initial import build_configuration
from ljmix.state import StatePoint
from ljmix.structure.energies import tabulate_flips
from tests.direct_sum import reference_energy_and_forces


@pytest.mark.parametrize(("size_ratio", "n"), [(0.5, 400), (1.0, 300), (1.5, 250), (2.0, 250)])
def test_table_is_the_sum_over_pairs(size_ratio, n):
    """The energy of each particle as A and as B against a plain double sum, before and after flipping it."""
    state = StatePoint(1.0, 0.4, size_ratio, 0.3)
    start = build_configuration(state, n, round(0.4 * n))
    table = tabulate_flips(start.positions, start.types, start.box_edge, state)
    now = np.where(start.types == 0, table.as_a, table.as_b)
    energy, _ = reference_energy_and_forces(state, start.positions, start.types, start.box_edge)
    # Sums of some 1e4 pair energies in double precision.
    assert now.sum() / 2 == pytest.approx(energy * n, rel=1e-11)
    for i in (0, n // 2, n - 1):
        flipped = start.types.copy()
        flipped[i] = 1 - flipped[i]
        other, _ = reference_energy_and_forces(state, start.positions, flipped, start.box_edge)
        change = table.as_b[i] - table.as_a[i] if start.types[i] == 0 else table.as_a[i] - table.as_b[i]
        # An overlap after the flip costs up to 1e5 in the table, and more in the double sum.
        if (other - energy) * n < 1e4:
            assert change == pytest.approx((other - energy) * n, rel=1e-9, abs=1e-8)
        else:
            assert change > 9e3


@pytest.mark.parametrize("edges", [(10.0, 10.0, 10.0), (12.4, 12.4, 12.4), (17.0, 17.0, 17.0), (10.1, 12.6, 31.0)])
def test_each_pair_is_listed_from_both_ends(edges):
    """Boxes of two cut-offs, where five cells are all there are, and of more, cubes or not."""
    state = StatePoint(1.0, 0.5, 2.0, 1.0)
    box, rng = np.array(edges), np.random.default_rng(3)
    positions, types = (rng.random((400, 3)) - 0.5) * 1.2 * box, np.arange(400) % 2
    table = tabulate_flips(positions, types, box, state)
    ends = np.repeat(np.arange(400), np.diff(table.first))
    separation = positions[:, None] - positions[None]
    separation -= box * np.rint(separation / box)
    near = (np.linalg.norm(separation, axis=2) < state.cutoff("BB")) & ~np.eye(400, dtype=bool)
    found = np.zeros_like(near)
    found[ends, table.neighbour] = True
    assert len(ends) == near.sum()
    np.testing.assert_array_equal(found, near)


def test_a_box_below_two_cutoffs_is_refused():
    state = StatePoint(1.0, 0.5, 2.0, 1.0)
    with pytest.raises(ValueError, match=r"must not be above half the box edge, 4\.5"):
        tabulate_flips(np.zeros((2, 3)), np.array([0, 1]), 9.0, state)
