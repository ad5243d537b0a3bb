"""POD and the three-body truth; both run under LAMMPS only."""

import numpy as np
import pytest

from ljmix.potentials.frames import evaluate, sample_frames
from ljmix.potentials.linear import Weights, add_moments
from ljmix.potentials.pod import Pod, PodBasis, measure_frame
from ljmix.potentials.spline import PairSpline
from ljmix.potentials.worlds import ThreeBody, load_world
from ljmix.simulation.engine import load_engine
from tests.potentials.conftest import MIXTURE

pytest.importorskip("lammps")


@pytest.fixture(scope="module")
def many_body_frames():
    return sample_frames(MIXTURE, 6, load_world("three-body", MIXTURE), interval=200, settle=4000)


@pytest.fixture(scope="module")
def moments(many_body_frames):
    return [measure_frame(PodBasis(), frame) for frame in many_body_frames]


def test_three_body_forces_are_a_fifth_of_all(many_body_frames):
    pairs = evaluate(load_engine("lammps"), MIXTURE, many_body_frames)
    rest = [a.forces - b.forces for a, b in zip(many_body_frames, pairs, strict=True)]
    share = np.sqrt(np.mean(np.square(rest)) / np.mean([frame.forces**2 for frame in many_body_frames]))
    print(f"three-body forces are {share:.3f} of all, root mean square")
    assert share > 0.2


def test_forces_of_the_three_body_truth_are_the_slope_of_its_energy(many_body_frames):
    engine, frame, h = load_world("three-body", MIXTURE), many_body_frames[0], 1e-3
    shifted = []
    for sign in (1, -1):
        positions = frame.positions.copy()
        positions[7, 0] += sign * h
        shifted.append(type(frame)(positions, *list(vars(frame).values())[1:]))
    up, down, here = evaluate(engine, MIXTURE, [*shifted, frame])
    # Energies are logged in double, positions in single precision: 4e-7/1e-3 of the force, and the third derivative.
    assert -(up.energy - down.energy) / (2 * h) == pytest.approx(here.forces[7, 0], rel=1e-2, abs=0.1)


def test_moments_are_those_of_the_running_potential(many_body_frames, moments):
    """Forces, energy and virial of LAMMPS' pair_style pod are linear in the rows that we take of its descriptors."""
    potential = Pod().fit_moments(moments[:5])
    found = potential.evaluate(many_body_frames[5])
    c, own = potential.solution.coefficients, moments[5]
    error = np.sqrt(np.mean((found.forces - many_body_frames[5].forces) ** 2))
    assert own.force_error(c) == pytest.approx(error, rel=1e-3)
    assert float((own.energy_rows @ c)[0]) == pytest.approx(found.energy, abs=0.01)
    assert float((own.virial_rows @ c)[0]) == pytest.approx(found.virial, abs=0.5)


def test_many_body_potentials_win_where_forces_are_not_of_pairs(many_body_frames, moments):
    pair = PairSpline().fit(many_body_frames[:5]).evaluate(many_body_frames[5])
    pair_error = np.sqrt(np.mean((pair.forces - many_body_frames[5].forces) ** 2))
    pod_error = moments[5].force_error(Pod().fit_moments(moments[:5]).solution.coefficients)
    print(f"pair spline {pair_error:.3f}, POD {pod_error:.3f}")
    assert pod_error < 0.85 * pair_error


def test_the_virial_decides_the_pressure(moments):
    """A small force error does not: without virials the pressure is off by a tenth and more."""
    errors = {
        name: np.abs(moments[5].pressure_errors(Pod(weights=weights).fit_moments(moments[:5]).solution.coefficients))
        for name, weights in (("without", Weights(1.0, 0.0)), ("with", Weights(1.0, 1.0)))
    }
    assert errors["with"] < errors["without"]
    assert errors["with"] < 0.1


def test_what_hoomd_cannot_run_is_told(moments):
    potential = Pod().fit_moments(moments)
    with pytest.raises(RuntimeError, match="POD potentials run under LAMMPS only"):
        potential.engine("hoomd")
    with pytest.raises(RuntimeError, match="the three-body truth runs under LAMMPS only"):
        ThreeBody(MIXTURE).hoomd_force(None, None)
    with pytest.raises(ValueError, match="world = 'water' is unknown; choose one of lennard-jones, three-body"):
        load_world("water", MIXTURE)


def test_sizes(moments):
    assert PodBasis().size == 192 == len(add_moments(moments).product)
    assert PodBasis(three_radial=0).size == 42
