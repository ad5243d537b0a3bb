"""Which device HOOMD-blue runs on, and what is said where it cannot: with a stand-in for the module.

The messages are those of hoomd/ExecutionConfiguration.cc (version 4.8.2): the scan of the GPUs leaves its reasons
behind, and the constructor of a GPU raises RuntimeError.
"""

import sys
import types
import warnings

import pytest

from ljmix.simulation.engine import load_engine

NO_DRIVER = "Failed to get GPU device count: CUDA driver version is insufficient for CUDA runtime version"
TWO_GPUS = ["[0] NVIDIA A100 108 SM_8.0 @ 1.41 GHz", "[1] NVIDIA A100 108 SM_8.0 @ 1.41 GHz"]


def fake_hoomd(monkeypatch, version="7.1.0", gpu_enabled=True, gpus=(), reasons=(), error=None):
    class Device:
        def __init__(self, notice_level):
            self.device = type(self).__name__

    class GPU(Device):
        def __init__(self, gpu_id=None, notice_level=2):
            if error:
                raise RuntimeError(error)
            self.device = f"GPU {gpu_id}"

        @staticmethod
        def get_available_devices():
            return list(gpus)

        @staticmethod
        def get_unavailable_device_reasons():
            return list(reasons)

    class CPU(Device):
        pass

    module = types.ModuleType("hoomd")
    module.version = types.SimpleNamespace(version=version, gpu_enabled=gpu_enabled)
    module.device = types.SimpleNamespace(GPU=GPU, CPU=CPU)
    monkeypatch.setitem(sys.modules, "hoomd", module)
    monkeypatch.setitem(sys.modules, "hoomd.md", types.ModuleType("hoomd.md"))


@pytest.mark.parametrize(
    ("asked", "recorded", "name"),
    [("auto", "gpu", "GPU None"), ("gpu", "gpu", "GPU None"), ("gpu:1", "gpu:1", "GPU 1"), ("cpu", "cpu", "CPU")],
)
def test_the_device_asked_for_is_taken_and_recorded(monkeypatch, asked, recorded, name):
    fake_hoomd(monkeypatch, gpus=TWO_GPUS)
    engine = load_engine("hoomd", asked)
    assert (engine.device, engine.device_name) == (recorded, name)


def test_auto_says_why_it_falls_back_to_the_cpu(monkeypatch):
    fake_hoomd(monkeypatch, reasons=[NO_DRIVER])
    with pytest.warns(UserWarning, match=f"no usable GPU .{NO_DRIVER}., so it runs on the CPU; update the driver"):
        assert load_engine("hoomd", "auto").device == "cpu"


@pytest.mark.parametrize(("device", "gpu_enabled"), [("auto", False), ("cpu", True)])
def test_a_cpu_that_was_to_be_expected_is_not_worth_a_word(monkeypatch, device, gpu_enabled):
    fake_hoomd(monkeypatch, gpu_enabled=gpu_enabled, reasons=[NO_DRIVER])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load_engine("hoomd", device).device == "cpu"


@pytest.mark.parametrize(
    ("device", "settings", "message"),
    [
        ("gpu", {"gpu_enabled": False}, "was built without GPU support; update the driver"),
        ("gpu", {"reasons": [NO_DRIVER]}, f"finds no usable GPU .{NO_DRIVER}.; .*choose device = 'cpu'"),
        ("gpu:2", {"gpus": TWO_GPUS}, r"there are 2 GPUs, numbered from 0: \[0\] NVIDIA"),
        ("gpu", {"gpus": TWO_GPUS, "error": "CUDA Error: out of memory before /hoomd/x.cc:1\n"}, "out of memory"),
        ("auto", {"version": "6.1.0"}, "6.1.0 may write empty trajectories .*; install another version"),
    ],
)
def test_a_device_that_cannot_be_had_is_one_sentence_with_a_way_out(monkeypatch, device, settings, message):
    fake_hoomd(monkeypatch, **settings)
    with pytest.raises(RuntimeError, match=message) as caught:
        load_engine("hoomd", device)
    assert "\n" not in str(caught.value)


def test_a_library_that_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "hoomd", None)
    with pytest.raises(RuntimeError, match=r"engine hoomd cannot be loaded .*; install it from conda-forge"):
        load_engine("hoomd")
