import re
from dataclasses import replace

import gsd.hoomd
import numpy as np
import pytest

from ljmix.potentials.frames import (
    check_frames,
    evaluate,
    find_pairs,
    parse_trajectory,
    read_frames,
    rescale,
    sample_frames,
    select,
    write_frames,
)
from ljmix.simulation.engine import load_engine
from ljmix.state import PAIRS
from tests.direct_sum import shifted_lj
from tests.potentials.conftest import MIXTURE


def sum_pairs(frame):
    """Energy, virial and forces of the truncated and shifted potential, straight from its definition."""
    energy, virial, forces = 0.0, 0.0, np.zeros_like(frame.positions)
    for pair, found in find_pairs(frame, {pair: MIXTURE.cutoff(pair) for pair in PAIRS}).items():
        u, push = shifted_lj(found.distance, MIXTURE.epsilon(pair), MIXTURE.sigma(pair), MIXTURE.cutoff(pair))
        energy += u.sum()
        virial += (push * found.distance**2).sum()
        pull = (push * found.distance)[:, None] * found.direction
        np.add.at(forces, found.first, pull)
        np.subtract.at(forces, found.second, pull)
    return energy, virial, forces


def test_frames_of_either_engine_hold_forces_energy_and_virial(engine):
    for frame in sample_frames(MIXTURE, 2, engine, interval=50, settle=500):
        energy, virial, forces = sum_pairs(frame)
        # Positions are in single precision, some 4e-7 σ; a contact is as stiff as u'' = 6000 at most, most are less.
        np.testing.assert_allclose(frame.forces, forces, atol=1e-2)
        assert frame.energy / 400 == pytest.approx(energy / 400, abs=2e-5)
        # Forces and pressure of HOOMD-blue's frames are in single precision, too.
        assert frame.virial / (3 * frame.volume) == pytest.approx(virial / (3 * frame.volume), abs=1e-3)
        assert frame.size_ratio == 0.5
        assert frame.label == MIXTURE.state_id


def test_forces_are_renewed_in_the_order_of_the_particles(engine, frames):
    shuffled = np.random.default_rng(1).permutation(400)
    mixed = replace(
        frames[0], positions=frames[0].positions[shuffled], types=frames[0].types[shuffled],
        forces=np.zeros((400, 3)), energy=0.0, virial=0.0,
    )  # fmt: skip
    (renewed,) = evaluate(engine, MIXTURE, [mixed])
    np.testing.assert_allclose(renewed.forces, frames[0].forces[shuffled], atol=1e-2)
    assert renewed.virial / (3 * renewed.volume) == pytest.approx(frames[0].virial / (3 * renewed.volume), abs=1e-3)


def test_a_strained_frame_has_another_virial(frames):
    (tight,) = evaluate(load_engine("lammps"), MIXTURE, [rescale(frames[0], 0.98)])
    assert tight.volume == pytest.approx(frames[0].volume * 0.98**3)
    assert tight.virial > frames[0].virial + 100


def test_a_table_of_frames_comes_back(frames, tmp_path):
    path = tmp_path / "frames.npz"
    write_frames(frames, path)
    back = read_frames(path)
    assert len(back) == len(frames)
    for one, other in zip(frames, back, strict=True):
        np.testing.assert_allclose(other.positions, one.positions, atol=1e-6)
        np.testing.assert_allclose(other.forces, one.forces, rtol=1e-6, atol=1e-6)
        assert (other.energy, other.virial, other.box_edge) == (one.energy, one.virial, one.box_edge)
        assert (other.label, other.size_ratio) == (one.label, one.size_ratio)
        assert (other.types == one.types).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"forces": np.zeros((0, 3))}, "frame 1 (here) has forces of shape (0, 3); (400, 3) is needed"),
        ({"energy": np.nan}, "frame 1 (here) holds a number that is not finite"),
        ({"size_ratio": 0.6}, "frame 1 (here) has size ratio 0.6, frame 0 has 0.5; a potential is that of one mixture"),
    ],
)
def test_what_cannot_be_learned_from_is_told(frames, change, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        check_frames([frames[0], replace(frames[1], label="here", **change)])


def test_nothing_and_one_species_are_told(frames):
    with pytest.raises(ValueError, match="there is none"):
        check_frames([])
    pure = replace(frames[0], types=np.zeros(400, dtype=int))
    with pytest.raises(ValueError, match="no frame holds a particle of B; nothing can be learned about its pairs"):
        check_frames([pure])
    with pytest.raises(ValueError, match=r"label = 'cold': no frame has it; there are T1_"):
        select(frames, "cold")


def test_files_without_forces_are_told(frames, tmp_path):
    path = tmp_path / "bare.gsd"
    with gsd.hoomd.open(path, "w") as file:
        frame = gsd.hoomd.Frame()
        frame.particles.N = 1
        file.append(frame)
    with pytest.raises(ValueError, match=r"bare\.gsd: its frames have no forces"):
        parse_trajectory(path)
    np.savez(tmp_path / "bare.npz", position=np.zeros((1, 3)))
    with pytest.raises(ValueError, match=r"bare\.npz has no column 'force'"):
        read_frames(tmp_path / "bare.npz")
    (tmp_path / "torn.npz").write_bytes(b"PK\x03\x04")
    with pytest.raises(ValueError, match=r"torn\.npz is not a readable table of frames"):
        read_frames(tmp_path / "torn.npz")
    with pytest.raises(FileNotFoundError, match="does not exist"):
        read_frames(tmp_path / "none.npz")
