import pytest

from ljmix.simulation.engine import load_engine
from ljmix.validation.speed import measure_speed


def test_two_states_share_the_cpu():
    table = measure_speed([2], device="cpu", n_particles=600, steps=40)
    assert list(table["states"]) == [2]
    row = table.iloc[0]
    assert row["total_steps_per_second"] == pytest.approx(2 * row["steps_per_second"])
    assert row["million_atom_steps_per_second"] == pytest.approx(600 * row["total_steps_per_second"] / 1e6)
    # No machine makes more than a million steps a second of 600 particles.
    assert 0 < row["steps_per_second"] < 1e6
    assert row["device"] == load_engine("auto", "cpu").device_name


def test_bad_numbers_and_devices_fail_before_any_work():
    with pytest.raises(ValueError, match="states = 0: must be at least 1"):
        measure_speed([0])
    with pytest.raises(RuntimeError, match="runs on the CPU only"):
        measure_speed([1], "lammps", "gpu")
