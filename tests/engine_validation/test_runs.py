"""The systems that are simulated, and short runs of them with the engines that are installed."""

import numpy as np
import pytest

from ljmix.engine_validation import runs
from ljmix.engine_validation.bench import bench_start
from ljmix.engine_validation.systems import (
    AGREEMENT_STATES,
    ENSEMBLE_STATES,
    FCC,
    SIMPLE_CUBIC,
    TIME_STEPS,
    KobAndersen,
    agreement_profile,
    ensemble_profile,
    place_on_lattice,
)
from ljmix.simulation.engine import Segment
from ljmix.simulation.initial import system_size
from ljmix.state import PAIRS
from tests.direct_sum import reference_energy_and_forces
from tests.engine_validation.test_checks import SHIPPED


def test_states_span_the_grid_in_boxes_that_hold_them():
    for name, extremes in (("temperature", {0.6, 1.4}), ("size_ratio", {0.5, 2.0}), ("epsilon_ab", {0.2, 1.0})):
        assert {getattr(state, name) for state in AGREEMENT_STATES} >= extremes
    assert min(state.fraction_b for state in AGREEMENT_STATES) == 0.01
    assert len(set(AGREEMENT_STATES)) == len(AGREEMENT_STATES) >= 10
    for state in AGREEMENT_STATES:
        system_size(state, agreement_profile())
    # The same number of particles at both pressures, or their volumes could not be compared.
    assert len({system_size(state, ensemble_profile()) for state in ENSEMBLE_STATES}) == 1
    assert np.array_equal(np.array(TIME_STEPS[1:]), 2 * np.array(TIME_STEPS[:-1]))


@pytest.mark.parametrize(("basis", "per_cell"), [(FCC, 4), (SIMPLE_CUBIC, 1)])
def test_lattice_has_its_density_fraction_and_temperature(basis, per_cell):
    made = place_on_lattice(basis, 5, density=1.2, fraction_b=0.2, temperature=2.0)
    n = per_cell * 125
    assert len(made.positions) == n
    assert n / made.box_edge**3 == pytest.approx(1.2)
    assert np.sum(made.types == 1) == round(0.2 * n)
    assert np.abs(made.positions).max() < made.box_edge / 2
    assert np.sum(made.velocities**2) / (3 * n - 3) == pytest.approx(2.0)
    np.testing.assert_allclose(made.velocities.sum(axis=0), 0, atol=1e-9)
    distances = np.linalg.norm(made.positions[1:] - made.positions[0], axis=1)
    cell = made.box_edge / 5
    assert distances.min() == pytest.approx(cell * (0.5**0.5 if per_cell == 4 else 1.0))


def test_bench_start_has_the_published_temperature():
    start = bench_start(SHIPPED)
    n = len(start.positions)
    assert n == 32_000
    # Velocities are shipped in single precision.
    assert np.sum(start.velocities**2) / (3 * n - 3) == pytest.approx(1.44, rel=1e-7)
    with pytest.raises(FileNotFoundError, match=r"python -m ljmix.engine_validation.bench writes it"):
        bench_start(SHIPPED / "lammps")


def test_an_engine_runs_another_mixture_at_constant_volume(engine, tmp_path):
    """Kob and Andersen's potential against a plain double sum, and a settled run that goes on at constant energy."""
    mixture = KobAndersen(2.0)
    start = place_on_lattice(SIMPLE_CUBIC, 7, density=1.2, fraction_b=0.2, temperature=2.0)
    source = runs._write_start(tmp_path, start, mixture.sigma("BB"))
    settled = runs._settle(engine, mixture, source, 0.005, duration=1.0)
    frames = runs._run_once(engine, mixture, settled, "NVE", 0.001, 200, 20)
    assert [frame.configuration.step for frame in frames] == list(range(220, 401, 20))
    last, n = frames[-1], len(start.positions)
    energy, forces = reference_energy_and_forces(
        mixture, last.particles.position.astype(float), last.particles.typeid, float(last.configuration.box[0])
    )
    # Single-precision positions: see test_engine_has_the_papers_potential; forces are some ten times stiffer here.
    assert last.log["thermo/potential_energy"][0] == pytest.approx(energy, abs=2e-4)
    np.testing.assert_allclose(last.log["particles/force"], forces, atol=5e-2)
    assert last.log["thermo/volume"][0] == pytest.approx(start.box_edge**3, rel=1e-6)
    total = runs._logged(frames, "potential_energy") + 1.5 * (n - 1) / n * runs._logged(frames, "temperature")
    print(f"{engine.name}: total energy {total.mean():.5f}, spread {np.ptp(total):.2g}")
    assert np.ptp(total) < 1e-3
    # A second call reads what is there instead of running it again.
    assert [frame.configuration.step for frame in runs._run_once(None, mixture, settled, "NVE", 0.001, 200, 20)] == [
        frame.configuration.step for frame in frames
    ]


def test_unknown_ensembles_and_quantities_are_named(tmp_path):
    with pytest.raises(ValueError, match="ensemble = 'NPH' is unknown; choose one of NPT, NPZT, NVT, NVE"):
        Segment(tmp_path, tmp_path, tmp_path, 1, 1, "NPH")
    with pytest.raises(ValueError, match="'entropy' is not logged"):
        runs._logged([], "entropy")


def test_blocks_are_averages_in_order_of_time():
    samples = np.arange(20.0)
    table = runs._blocks("s", "energy", samples)
    assert table["value"].tolist() == [0.5 + 2 * k for k in range(10)]
    assert table["block"].tolist() == list(range(10))
    assert table["r"].isna().all()
    curve = runs._blocks("s", PAIRS[0], np.outer(samples, [1, 2]), np.array([0.1, 0.2]))
    assert len(curve) == 20
    assert curve[curve["r"] == 0.2]["value"].tolist() == [1 + 4 * k for k in range(10)]
    assert len(runs._blocks("s", "energy", samples[:3])) == 3
