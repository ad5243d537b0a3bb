from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from ljmix.engine_validation.speed import measure_engine_speed
from ljmix.simulation.engine import load_engine


def test_two_states_share_the_cpu():
    table = measure_engine_speed([2], device="cpu", n_particles=600, steps=40)
    assert list(table["states"]) == [2]
    row = table.iloc[0]
    assert row["total_steps_per_second"] == pytest.approx(2 * row["steps_per_second"])
    assert row["million_atom_steps_per_second"] == pytest.approx(600 * row["total_steps_per_second"] / 1e6)
    # No machine makes more than a million steps a second of 600 particles.
    assert 0 < row["steps_per_second"] < 1e6
    assert row["device"] == load_engine("auto", "cpu").device_name


class LastOneFails:
    """An engine whose second process runs out of memory."""

    name, version, device, device_name = "fake", "0", "cpu", "one CPU core"

    def advance(self, mixture, segment):
        if segment.frames.parent.name == "2-1":
            raise RuntimeError("out of memory")


def test_the_cause_is_told_not_its_consequence(monkeypatch):
    """The first process only ever hears that the other one is gone."""

    @contextmanager
    def lend(executor, workers):
        with ThreadPoolExecutor(workers) as pool:
            yield pool

    monkeypatch.setattr("ljmix.engine_validation.speed.lend_pool", lend)
    monkeypatch.setattr("ljmix.engine_validation.speed.load_engine", lambda engine, device: LastOneFails())
    with pytest.raises(RuntimeError, match="out of memory"):
        measure_engine_speed([2], n_particles=600, steps=40)


def test_bad_numbers_and_devices_fail_before_any_work():
    with pytest.raises(ValueError, match="states = 0: must be at least 1"):
        measure_engine_speed([0])
    with pytest.raises(RuntimeError, match="runs on the CPU only"):
        measure_engine_speed([1], "lammps", "gpu")
