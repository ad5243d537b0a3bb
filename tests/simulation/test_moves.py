"""Monte Carlo moves: the energy they book, the distribution they keep, and engines that go on as if started anew."""

import itertools

import gsd.hoomd
import numpy as np
import pytest

from ljmix.configuration import write_configuration
from ljmix.simulation.engine import Segment
from ljmix.simulation.engines.moves import Moves, apply_moves
from ljmix.simulation.initial import build_configuration
from ljmix.state import StatePoint
from ljmix.structure.convergence import mean_and_error
from ljmix.structure.energies import tabulate_flips
from tests.direct_sum import reference_energy_and_forces

CASES = {
    "uniform": (StatePoint(1.0, 0.4, 1.0, 0.4), Moves(10, swap_uniform=3000), 300),
    "uniform, sizes differ": (StatePoint(1.4, 0.4, 1.1, 0.8), Moves(10, swap_uniform=3000), 300),
    "informed": (StatePoint(1.0, 0.3, 1.5, 0.4), Moves(10, swap_informed=200), 250),
    "informed, small B": (StatePoint(1.0, 0.3, 0.8, 0.4), Moves(10, swap_informed=200), 300),
    "teleport of small B": (StatePoint(1.0, 0.3, 0.5, 0.4), Moves(10, teleport_b=20_000), 400),
    "teleport of small A": (StatePoint(1.0, 0.4, 2.0, 0.4), Moves(10, teleport_a=20_000), 250),
    "both": (StatePoint(1.0, 0.3, 0.5, 0.9), Moves(10, teleport_b=20_000, swap_informed=100), 400),
}


@pytest.mark.parametrize("case", CASES)
def test_booked_energy_is_the_systems_and_composition_stays(case):
    state, moves, n = CASES[case]
    start = build_configuration(state, n, round(state.fraction_b * n))
    positions, types = start.positions.copy(), start.types.copy()
    before, _ = reference_energy_and_forces(state, positions, types, start.box_edge)
    tally = apply_moves(moves, state, positions, types, start.box_edge, np.random.default_rng(1))
    after, _ = reference_energy_and_forces(state, positions, types, start.box_edge)
    print(f"{case}: accepted {tally.accepted}, booked {tally.energy:.9f}, observed {(after - before) * n:.9f}")
    assert tally.accepted.keys() == tally.attempted.keys() == {k for k, m in moves.attempts().items() if m}
    assert sum(tally.accepted.values()) > 0
    # Some hundred sums of double precision, of energies of some hundred.
    assert tally.energy == pytest.approx((after - before) * n, abs=1e-8)
    assert types.sum() == start.types.sum()
    moved = (positions != start.positions).any(axis=1)
    if "teleport" not in case and case != "both":
        assert not moved.any()
        assert (types != start.types).any()
    elif case != "both":
        assert set(start.types[moved]) == {1 if moves.teleport_b else 0}
        np.testing.assert_array_equal(types, start.types)


def enumerate_species(state, positions, n_b, edge):
    """Every way to choose the B among frozen particles: types and energies of the whole system."""
    n = len(positions)
    ways, energies = [], []
    for chosen in itertools.combinations(range(n), n_b):
        types = np.zeros(n, dtype=np.int64)
        types[list(chosen)] = 1
        ways.append(types)
        energies.append(n * reference_energy_and_forces(state, positions, types, edge)[0])
    return np.array(ways), np.array(energies)


def cluster(spacing, edge, seed):
    """Ten particles, loosely packed, in a box where each has one image of every other."""
    rng = np.random.default_rng(seed)
    corners = np.array(list(itertools.product((0, 1, 2), (0, 1), (0, 1))), dtype=float)[:10]
    return spacing * corners + 0.1 * rng.normal(size=(10, 3)) - edge / 4


@pytest.mark.parametrize(
    ("size_ratio", "epsilon_ab", "spacing", "moves"),
    [
        (1.0, 0.2, 1.1, Moves(1, swap_uniform=4)),
        (1.0, 0.2, 1.1, Moves(1, swap_informed=4)),
        (1.2, 0.5, 1.2, Moves(1, swap_uniform=4)),
        (1.2, 0.5, 1.2, Moves(1, swap_informed=4)),
    ],
    ids=["uniform", "informed", "uniform, sizes differ", "informed, sizes differ"],
)
def test_swaps_sample_the_exact_distribution(size_ratio, epsilon_ab, spacing, moves):
    """All 210 ways to choose four B among ten frozen particles, against their Boltzmann weights."""
    state, edge = StatePoint(0.8, 0.4, size_ratio, epsilon_ab), 7.0
    positions = cluster(spacing, edge, seed=3)
    ways, energies = enumerate_species(state, positions, 4, edge)
    weights = np.exp(-(energies - energies.min()) / state.temperature)
    weights /= weights.sum()
    number = {way.tobytes(): k for k, way in enumerate(ways)}
    types, rng = ways[0].copy(), np.random.default_rng(7)
    visited = []
    for _ in range(20_000):
        apply_moves(moves, state, positions, types, edge, rng)
        visited.append(number[types.tobytes()])
    mean, sem = mean_and_error(energies[visited])
    expected = float(weights @ energies)
    print(
        f"mean energy observed {mean:.4f} +- {sem:.4f}, expected {expected:.4f}, {(mean - expected) / sem:.1f} sigmas"
    )
    assert abs(mean - expected) < 4 * sem
    # The most likely ways one by one; each visit is worth as many independent ones as its own series says.
    for k in np.argsort(weights)[-5:]:
        share, error = mean_and_error((np.array(visited) == k).astype(float))
        print(f"way {k}: observed {share:.4f} +- {error:.4f}, expected {weights[k]:.4f}")
        assert abs(share - weights[k]) < 4 * error


def test_teleports_sample_the_exact_distribution():
    """One small B among four frozen A: its mean energy against an integral over the box, and where it is found."""
    state, edge = StatePoint(0.8, 0.2, 0.5, 1.0), 5.2
    positions = np.array([[0, 0, 0], [1.3, 0, 0], [0, 1.2, 0], [0.6, 0.6, 1.1], [2, 2, 2]], dtype=float)
    types = np.array([0, 0, 0, 0, 1])
    rng = np.random.default_rng(5)
    places = rng.uniform(-edge / 2, edge / 2, (400_000, 3))
    apart = places[:, None] - positions[None, :4]
    distance = np.linalg.norm(apart - edge * np.rint(apart / edge), axis=2)
    sixth = (state.sigma("AB") / distance) ** 6
    shift = 4 * state.epsilon("AB") * (2.5**-12 - 2.5**-6)
    pairs = 4 * state.epsilon("AB") * (sixth**2 - sixth) - shift
    energies = np.where(distance < state.cutoff("AB"), pairs, 0.0).sum(axis=1)
    weights = np.exp(-energies / state.temperature)
    expected = np.average(energies, weights=weights)
    expected_error = np.sqrt(np.sum((weights * (energies - expected)) ** 2)) / weights.sum()
    found = []
    for _ in range(4000):
        apply_moves(Moves(1, teleport_b=200), state, positions, types, edge, rng)
        found.append(5 * reference_energy_and_forces(state, positions, types, edge)[0])
    frozen = 4 * reference_energy_and_forces(state, positions[:4], types[:4], edge)[0]
    mean, sem = mean_and_error(np.array(found) - frozen)
    sigmas = (mean - expected) / np.hypot(sem, expected_error)
    print(f"observed {mean:.4f} +- {sem:.4f}, expected {expected:.4f} +- {expected_error:.4f}, {sigmas:.1f} sigmas")
    assert abs(sigmas) < 4


def test_table_stays_true_while_swaps_go_on():
    """A thousand exchanges later, the energies that the kernel kept are those of a fresh table."""
    state, moves, n = CASES["informed"]
    start = build_configuration(state, n, round(state.fraction_b * n))
    positions, types, rng = start.positions.copy(), start.types.copy(), np.random.default_rng(2)
    booked = 0.0
    energies = []
    for _ in range(20):
        booked += apply_moves(moves, state, positions, types, start.box_edge, rng).energy
        table = tabulate_flips(positions, types, start.box_edge, state)
        energies.append(np.where(types == 0, table.as_a, table.as_b).sum() / 2)
    first, _ = reference_energy_and_forces(state, start.positions, start.types, start.box_edge)
    assert first * n + booked == pytest.approx(energies[-1], abs=1e-7)


def run_segments(engine, state, folder, lengths, moves, n):
    folder.mkdir()
    source = folder / "initial.gsd"
    write_configuration(build_configuration(state, n, round(state.fraction_b * n)), state.size_ratio, source)
    frames, tallies = [], []
    for k, steps in enumerate(lengths):
        segment = Segment(source, folder / f"{k}.gsd", folder / f"{k}.checkpoint", steps, 20, moves=moves, seed=11)
        tallies.append(engine.advance(state, segment))
        source = segment.checkpoint
        with gsd.hoomd.open(segment.frames) as file:
            frames += list(file)
    return frames, tallies


ENGINE_CASES = {
    "swaps": (StatePoint(1.0, 0.5, 1.0, 0.4), Moves(20, swap_uniform=3000), 400),
    "informed": (StatePoint(1.0, 0.3, 1.2, 0.4), Moves(20, swap_informed=200), 400),
    "teleports": (StatePoint(1.0, 0.4, 0.5, 0.4), Moves(20, teleport_b=20_000), 700),
}


@pytest.mark.parametrize("case", ENGINE_CASES)
def test_after_a_move_an_engine_goes_on_as_if_started_anew(engine, case, tmp_path):
    """An interruption in the middle of a segment, and a fresh engine from the checkpoint written after it.

    Forces, pressures or neighbours of the old species would carry over in the first and not in the second.
    """
    state, moves, n = ENGINE_CASES[case]
    whole, (tally,) = run_segments(engine, state, tmp_path / "whole", [40], moves, n)
    parts, tallies = run_segments(engine, state, tmp_path / "parts", [20, 20], moves, n)
    assert sum(tallies[0].accepted.values()) > 0
    assert tally.attempted == (tallies[0] + tallies[1]).attempted
    np.testing.assert_array_equal(whole[1].particles.typeid, parts[1].particles.typeid)
    assert (whole[0].particles.typeid != whole[1].particles.typeid).any() or case == "teleports"
    # Frames are in single precision; 20 steps after a common checkpoint nothing else differs.
    np.testing.assert_allclose(whole[1].particles.position, parts[1].particles.position, atol=2e-5)
    np.testing.assert_allclose(whole[1].log["particles/force"], parts[1].log["particles/force"], atol=2e-2, rtol=1e-4)
    for name in ("potential_energy", "pressure", "volume", "temperature"):
        key = f"thermo/{name}"
        assert whole[1].log[key][0] == pytest.approx(parts[1].log[key][0], rel=1e-5, abs=1e-5)


def test_frames_between_moves_have_the_papers_potential(engine, tmp_path):
    """Energy and forces of each frame, before and after moves, against a plain double sum over its positions."""
    state, moves, n = ENGINE_CASES["informed"]
    frames, _ = run_segments(engine, state, tmp_path / "run", [20, 20], moves, n)
    for frame in frames:
        edge = float(frame.configuration.box[0])
        energy, forces = reference_energy_and_forces(
            state, frame.particles.position.astype(float), frame.particles.typeid, edge
        )
        assert frame.log["thermo/potential_energy"][0] == pytest.approx(energy, abs=2e-5)
        np.testing.assert_allclose(frame.log["particles/force"], forces, atol=1e-2)


def test_same_seed_same_bytes(engine, tmp_path):
    state, moves, n = ENGINE_CASES["swaps"]
    for name in ("first", "second"):
        run_segments(engine, state, tmp_path / name, [40, 40], moves, n)
    for k in (0, 1):
        one, other = ((tmp_path / name / f"{k}.gsd").read_bytes() for name in ("first", "second"))
        assert one == other


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"interval": 0, "swap_uniform": 1}, "interval = 0: must be at least 1"),
        ({"interval": 10, "swap_informed": -1}, "swap_informed = -1: must not be negative"),
        ({"interval": 10}, "all of .* are 0"),
    ],
)
def test_impossible_moves_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Moves(**arguments)


def test_frames_fall_on_interruptions(tmp_path):
    with pytest.raises(ValueError, match="frame_interval = 30: must be a multiple of the interval of the moves, 20"):
        Segment(tmp_path, tmp_path, tmp_path, 60, 30, moves=Moves(20, swap_uniform=1))


def test_a_pure_fluid_has_nothing_to_exchange():
    state = StatePoint(1.0, 0.5, 1.0, 1.0)
    with pytest.raises(ValueError, match="all 300 particles are A"):
        apply_moves(
            Moves(1, swap_uniform=1), state, np.zeros((300, 3)), np.zeros(300, dtype=np.int64), 7.0,
            np.random.default_rng(0),
        )  # fmt: skip
