"""Binary Lennard-Jones mixtures: simulate, measure g(r), learn, explain.

>>> import ljmix
>>> state = ljmix.StatePoint(temperature=0.9, fraction_b=0.3, size_ratio=1.5, epsilon_ab=0.7)
>>> run = ljmix.simulate(state, profile="quick")  # doctest: +SKIP
>>> run.rdf()  # doctest: +SKIP
>>> data = ljmix.load_reference()
>>> ljmix.plot_rdf(run, data.near(state))  # doctest: +SKIP
>>> ljmix.load_model("gaussian-process").predict(state)  # doctest: +SKIP

These names are the public face; each is loaded when it is first used. The rooms behind them, one above the other:
`ljmix.structure`, `ljmix.theory`, `ljmix.simulation`, `ljmix.data`, `ljmix.models`, `ljmix.surrogate`,
`ljmix.evaluation`, `ljmix.report`, `ljmix.explanation` and `ljmix.plotting`.
"""

from __future__ import annotations

import importlib
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ljmix._util.caches import lend_cache_folder

if TYPE_CHECKING:
    from ljmix.data.collect import collect_dataset
    from ljmix.data.dataset import Dataset, read_dataset
    from ljmix.data.one_state import Simulation, simulate
    from ljmix.data.reference import load_reference
    from ljmix.models.shipped import load_trained as load_model
    from ljmix.plotting.snapshot import plot_snapshot
    from ljmix.plotting.structure import plot_rdf
    from ljmix.potential import real_units
    from ljmix.simulation.campaign import run_campaign
    from ljmix.simulation.profiles import load_profile
    from ljmix.state import StatePoint
    from ljmix.structure.rdf import compute_rdf
    from ljmix.surrogate.design import propose
    from ljmix.surrogate.inverse import infer
    from ljmix.surrogate.shipped import load_surrogate

__version__ = version("ljmix")

lend_cache_folder(Path(__file__).parent)

_HOMES = {
    "Dataset": "data.dataset",
    "Simulation": "data.one_state",
    "StatePoint": "state",
    "collect_dataset": "data.collect",
    "compute_rdf": "structure.rdf",
    "infer": "surrogate.inverse",
    "load_model": "models.shipped:load_trained",
    "load_profile": "simulation.profiles",
    "load_reference": "data.reference",
    "load_surrogate": "surrogate.shipped",
    "plot_rdf": "plotting.structure",
    "plot_snapshot": "plotting.snapshot",
    "propose": "surrogate.design",
    "read_dataset": "data.dataset",
    "real_units": "potential",
    "run_campaign": "simulation.campaign",
    "simulate": "data.one_state",
}
"""Where each public name lives: a module, and after a colon its name there if that is another."""

__all__ = [
    "Dataset", "Simulation", "StatePoint", "__version__", "collect_dataset", "compute_rdf", "infer", "load_model",
    "load_profile", "load_reference", "load_surrogate", "plot_rdf", "plot_snapshot", "propose", "read_dataset",
    "real_units", "run_campaign", "simulate",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    # Loaded on first use: a worker that simulates needs neither matplotlib nor xgboost, and starts in half the time.
    if name not in _HOMES:
        raise AttributeError(f"module 'ljmix' has no attribute {name!r}; it has {', '.join(sorted(_HOMES))}")
    module, _, other = _HOMES[name].partition(":")
    value = getattr(importlib.import_module(f"ljmix.{module}"), other or name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
