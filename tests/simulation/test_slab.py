"""Elongated boxes: moves and engines in them, slabs as starts, and runs that go on where they were."""

import gsd.hoomd
import numpy as np
import pytest

from ljmix.configuration import Configuration, parse_frame, read_configuration, write_configuration
from ljmix.simulation import slab
from ljmix.simulation.engine import Segment
from ljmix.simulation.engines.moves import Moves, apply_moves
from ljmix.simulation.initial import draw_velocities, push_apart
from ljmix.simulation.profiles import load_profile
from ljmix.simulation.slab import SLAB_STARTS, build_slab, half_and_half, sample_slab, slab_size
from ljmix.state import PAIRS, StatePoint
from ljmix.structure.energies import tabulate_flips
from ljmix.structure.measure import measure_frames
from tests.direct_sum import reference_energy_and_forces

BOX = np.array([6.2, 6.2, 13.0])
CASES = {
    "uniform": (StatePoint(1.0, 0.5, 1.0, 0.4), Moves(20, swap_uniform=3000)),
    "informed": (StatePoint(1.0, 0.3, 1.2, 0.4), Moves(20, swap_informed=200)),
    "teleport": (StatePoint(1.0, 0.5, 0.5, 0.4), Moves(20, teleport_b=20_000)),
}


def elongated(state, n=300):
    rng = np.random.default_rng(4)
    types = np.repeat([0, 1], [n - round(state.fraction_b * n), round(state.fraction_b * n)])
    positions = push_apart(rng.random((n, 3)) * BOX, types, state, BOX) - BOX / 2
    return Configuration(positions, draw_velocities(state.temperature, n, 1), types, BOX[0], BOX[2])


@pytest.mark.parametrize("case", CASES)
def test_moves_book_the_energy_of_an_elongated_box(case):
    state, moves = CASES[case]
    start = elongated(state)
    positions, types = start.positions.copy(), start.types.copy()
    n = len(types)
    before, _ = reference_energy_and_forces(state, positions, types, BOX)
    tally = apply_moves(moves, state, positions, types, start.box, np.random.default_rng(1))
    after, _ = reference_energy_and_forces(state, positions, types, BOX)
    print(f"{case}: accepted {tally.accepted}, booked {tally.energy:.9f}, observed {(after - before) * n:.9f}")
    assert sum(tally.accepted.values()) > 0
    assert tally.energy == pytest.approx((after - before) * n, abs=1e-8)
    assert types.sum() == start.types.sum()


def test_a_cube_may_be_given_by_its_edge_or_its_edges():
    state, _ = CASES["uniform"]
    rng = np.random.default_rng(2)
    positions, types = rng.random((200, 3)) * 6.0, np.repeat([0, 1], 100)
    one, three = (tabulate_flips(positions, types, box, state) for box in (6.0, np.full(3, 6.0)))
    for first, second in zip(one, three, strict=True):
        np.testing.assert_array_equal(first, second)


def test_an_elongated_configuration_survives_a_file(tmp_path):
    start = elongated(CASES["uniform"][0])
    write_configuration(start, 1.0, tmp_path / "slab.gsd")
    read = read_configuration(tmp_path / "slab.gsd", elongated=True)
    np.testing.assert_allclose(read.box, BOX, rtol=1e-7)
    np.testing.assert_allclose(read.positions, start.positions, atol=1e-5)
    with pytest.raises(ValueError, match="a cube is expected"):
        read_configuration(tmp_path / "slab.gsd")


@pytest.mark.parametrize("case", ["uniform", "teleport"])
def test_engines_keep_the_cross_section_and_the_potential(engine, case, tmp_path):
    """Energy and forces of each frame against a double sum; the tensor's trace is the pressure."""
    state, moves = CASES[case]
    source = tmp_path / "initial.gsd"
    write_configuration(elongated(state), state.size_ratio, source)
    lengths = []
    for k in range(2):
        segment = Segment(
            source, tmp_path / f"{k}.gsd", tmp_path / f"{k}.checkpoint", 60, 20, "NPZT", moves=moves, seed=3
        )
        tally = engine.advance(state, segment)
        assert sum(tally.accepted.values()) > 0
        source = segment.checkpoint
        with gsd.hoomd.open(segment.frames) as frames:
            for frame in frames:
                box = frame.configuration.box[:3].astype(float)
                np.testing.assert_allclose(box[:2], BOX[:2], rtol=1e-6)
                lengths.append(box[2])
                configuration = parse_frame(frame, elongated=True)
                energy, forces = reference_energy_and_forces(state, configuration.positions, configuration.types, box)
                assert frame.log["thermo/potential_energy"][0] == pytest.approx(energy, abs=5e-5)
                scale = np.abs(forces).max()
                np.testing.assert_allclose(frame.log["particles/force"], forces, atol=1e-4 * scale + 1e-2)
                trace = np.mean([frame.log[f"thermo/pressure_{axis}"][0] for axis in ("xx", "yy", "zz")])
                assert frame.log["thermo/pressure"][0] == pytest.approx(trace, rel=1e-5, abs=1e-5)
                assert frame.log["thermo/volume"][0] == pytest.approx(np.prod(box), rel=1e-5)
    assert np.ptp(lengths) > 0.01


def test_functions_of_a_cube_refuse_an_elongated_box(engine, tmp_path):
    state, _ = CASES["uniform"]
    write_configuration(elongated(state), 1.0, tmp_path / "initial.gsd")
    engine.advance(
        state, Segment(tmp_path / "initial.gsd", tmp_path / "f.gsd", tmp_path / "c", 20, 20, "NPZT")
    )  # fmt: skip
    with pytest.raises(ValueError, match="is not a cube, which these functions need"):
        measure_frames(tmp_path / "f.gsd", state, 2.5, 50, dict.fromkeys(PAIRS, 1), 20)


@pytest.mark.parametrize("size_ratio", [0.5, 1.0, 1.5, 2.0])
@pytest.mark.parametrize("start", SLAB_STARTS)
def test_a_slab_has_b_in_the_middle(size_ratio, start):
    state = half_and_half(StatePoint(1.0, 0.35, size_ratio, 0.2))
    made = build_slab(state, start)
    n, n_b, edge = slab_size(state)
    assert len(made.types) == n
    assert made.types.sum() == n_b
    assert edge >= 2 * max(map(state.cutoff, PAIRS))
    np.testing.assert_allclose(made.box[:2], edge)
    volumes = np.array([1.0, size_ratio**3])[made.types]
    moved = 0 if start == "separated" else int(0.25 * min(n_b, n - n_b))
    # The layer holds the volume of its particles, which is half of all where as many of one size are exchanged.
    held = ((n_b - moved) * size_ratio**3 + moved) / volumes.sum()
    middle = np.abs(made.positions[:, 2]) < made.length * held / 2
    share, expected = (made.types[middle] == 1).sum() / n_b, 1 - moved / n_b
    # Pushing overlaps apart carries some particles over the border.
    print(f"share of B in the middle layer: {share:.3f}, expected {expected:.3f}")
    assert share == pytest.approx(expected, abs=0.06)
    assert np.array_equal(build_slab(state, start).positions, made.positions)


def test_an_unknown_slab_is_named():
    with pytest.raises(ValueError, match="start = 'random' is unknown; choose one of separated, exchanged"):
        build_slab(StatePoint(1.0, 0.5, 1.0, 0.2), "random")


def test_a_slab_goes_on_where_it_was_and_ends_with_the_same_bytes(engine, tmp_path, monkeypatch):
    monkeypatch.setattr(slab, "EDGE", 6.2)
    monkeypatch.setattr(slab, "LENGTH", 13.0)
    state = StatePoint(1.0, 0.5, 1.0, 0.4)
    profile = load_profile(
        "equilibrium", box_edge=9.0, r_max=2.5, steps_equilibration=100, steps_production=100, steps_max=200,
        segment_steps=100, frame_interval=100, trajectory_interval=100,
    )  # fmt: skip
    seconds = []
    whole = sample_slab(tmp_path / "whole", state, profile, engine, seconds.append)
    assert seconds == [100] * 4
    short = load_profile(
        "equilibrium", box_edge=9.0, r_max=2.5, steps_equilibration=0, steps_production=100, steps_max=100,
        segment_steps=100, frame_interval=100, trajectory_interval=100,
    )  # fmt: skip
    sample_slab(tmp_path / "parts", state, short, engine)
    parts = sample_slab(tmp_path / "parts", state, profile, engine)
    for one, other in zip(whole, parts, strict=True):
        first, second = one.read_measurements(), other.read_measurements()
        assert first["counts"].shape == (2, 2, round(13.0 / 0.2))
        assert (first["counts"].sum(axis=(1, 2)) == slab_size(state)[0]).all()
        for name in ("counts", "pressure_zz", "length"):
            np.testing.assert_array_equal(first[name], second[name])
