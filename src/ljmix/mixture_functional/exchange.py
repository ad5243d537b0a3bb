"""Uniform mixtures whose particles change names: what is planned, run one after the other, and the table from it.

::

    python -m ljmix.mixture_functional.exchange --results results/exchange --output data/functional
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from ljmix._util.atomic import replace_when_whole, require_writable
from ljmix._util.command import one_sentence
from ljmix._util.threads import cpu_seconds
from ljmix.functional.shipped import find_tables
from ljmix.mixture_functional.exchange_runs import PARTICLES, ExchangeRun, exchange_energy, run_exchange

__all__ = ["TABLE", "ExchangeState", "plan_dilute", "plan_known", "read_exchange", "run_exchanges", "tabulate_exchange"]

TABLE = "exchange.parquet"
LIQUIDS = {0.8: 0.822, 0.9: 0.787, 1.1: 0.716, 1.3: 0.645, 1.5: 0.574}
"""Temperatures, and density of pure A at P* = 1 by its equation of state; 1.0, 1.2 and 1.4 are left to the test."""
_BESIDE = (-0.07, 0.0, 0.05)
"""Densities of pure A: that at P* = 1, and two beside it."""
DEPTHS = (0.1, 0.3, 0.5, 0.7, 0.9)
"""ε_AB of the changes of name; 0.2, 0.4 and 0.6 are left to the test."""
_SINGLE = ((0.8, 0.1), (0.8, 0.3), (0.9, 0.1))
"""T* and ε_AB where one B is rarer than one in 500, and pure A says too little of it: runs that hold one."""
_DILUTE_DEPTHS, _MOST_B = (0.3, 0.5, 0.7), 0.25
"""ε_AB of mixtures, and their largest share of B."""
_LEAST_SAMPLES = 200
"""Changes that must carry an exponential average; with fewer its tail decides, and it is not used."""
_STEPS = {"pure": (3000, 12000), "single": (3000, 20000), "dilute": (4000, 10000)}


@dataclass(frozen=True)
class ExchangeState:
    """A uniform mixture to simulate; `kind` is one of pure, single and dilute."""

    kind: str
    temperature: float
    density: float
    count_b: int
    epsilon_ab: float

    @property
    def name(self) -> str:
        """Name of its file."""
        return f"{self.kind}-T{self.temperature:g}-rho{self.density:.4f}-B{self.count_b}-E{self.epsilon_ab:g}"


def plan_known() -> list[ExchangeState]:
    """States that need nothing to be known before: pure A, and one B in A."""
    plan = [ExchangeState("pure", t, round(rho + step, 4), 0, 1.0) for t, rho in LIQUIDS.items() for step in _BESIDE]
    return plan + [ExchangeState("single", t, LIQUIDS[t], 1, epsilon) for t, epsilon in _SINGLE]


def plan_dilute(table: pd.DataFrame) -> list[ExchangeState]:
    """Mixtures of T* and ε_AB where B is found at most as often as its exchange with pure A allows.

    exp(−βΔF) at vanishing x_B is the ratio x_B/x_A at which a B would be worth as much among A as among B, if B did not
    meet. Real B do, and help each other: the liquid rich in A holds more of them. So up to there it is one liquid, and
    no demixed state is needed to know it.

    Parameters
    ----------
    table : pandas.DataFrame
        Of pure A and of single B, as from `tabulate_exchange`.
    """
    plan = []
    for (t, epsilon), group in table.groupby(["temperature", "epsilon_ab"]):
        here = group[np.isclose(group["density"], LIQUIDS.get(float(t), np.nan))]
        if here.empty or not np.isclose(epsilon, _DILUTE_DEPTHS).any():
            continue
        ratio = float(np.exp(-here["exchange"].mean()))
        share = ratio / (1 + ratio)
        count = round(min(share, _MOST_B) * PARTICLES)
        if count > 1:
            plan.append(ExchangeState("dilute", float(t), LIQUIDS[float(t)], count, float(epsilon)))
    return plan


def run_exchanges(root: Path, states: list[ExchangeState]) -> None:
    """Simulate what is not there yet; call again to go on. An interruption costs the run at hand, some seconds."""
    require_writable(root)
    for state in tqdm(states, unit="run", file=sys.stdout, mininterval=5):
        path = root / f"{state.name}.npz"
        if path.exists():
            continue
        seed = int(np.random.default_rng(list(state.name.encode())).integers(1, 10**8))
        measured: list[ExchangeRun] = []

        def measure(state: ExchangeState = state, seed: int = seed, into: list[ExchangeRun] = measured) -> None:
            into.append(
                run_exchange(
                    state.temperature, state.density, state.count_b, state.epsilon_ab, seed, *_STEPS[state.kind]
                )
            )

        seconds = cpu_seconds(measure)
        run = measured[0]
        with replace_when_whole(path) as part:
            np.savez_compressed(
                part, a=run.a.astype(np.float32), b=run.b.astype(np.float32), pressure=run.pressure, seconds=seconds
            )


def _rows(root: Path, states: list[ExchangeState]) -> Iterator[dict[str, object]]:
    for state in states:
        path = root / f"{state.name}.npz"
        if not path.is_file():
            raise FileNotFoundError(
                f"{path} is missing; run python -m ljmix.mixture_functional.exchange --results {root}"
            )
        with np.load(path) as file:
            run = ExchangeRun(file["a"].astype(float), file["b"].astype(float), file["pressure"])
            seconds = float(file["seconds"])
        sem = float(run.pressure.std(ddof=1) / np.sqrt(len(run.pressure)))
        for epsilon in DEPTHS if state.kind == "pure" else (state.epsilon_ab,):
            value, value_sem, samples = exchange_energy(run, state.temperature, epsilon)
            if state.count_b or samples > _LEAST_SAMPLES:
                yield {
                    **asdict(state), "epsilon_ab": epsilon, "n_particles": PARTICLES, "exchange": value,
                    "exchange_sem": value_sem, "samples": samples, "pressure": float(run.pressure.mean()),
                    "pressure_sem": sem, "cpu_seconds": seconds,
                }  # fmt: skip


def tabulate_exchange(root: Path, states: list[ExchangeState]) -> pd.DataFrame:
    """Turn finished runs into a table, one row a run and ε_AB.

    Returns
    -------
    pandas.DataFrame
        `kind`, `temperature`, `density` (1/σ³), `count_b`, `n_particles`, `epsilon_ab`; `exchange` (c1_A − c1_B),
        `exchange_sem` and `samples` as from `ljmix.mixture_functional.exchange_runs.exchange_energy`; `pressure`,
        `pressure_sem` and `cpu_seconds` of the run. Averages of pure A that fewer than 200 changes carry are left out.

    Raises
    ------
    FileNotFoundError
        If a run is missing.
    """
    return pd.DataFrame(_rows(root, states))


def read_exchange() -> pd.DataFrame:
    """Shipped table; columns as in `tabulate_exchange`."""
    return pd.read_parquet(find_tables() / TABLE)


def main() -> None:
    """Simulate and write the table from the command line."""
    parser = argparse.ArgumentParser(description="Turn A into B in uniform mixtures; call again to go on.")
    parser.add_argument("--results", type=Path, default=Path("results/exchange"), help="folder of the runs")
    parser.add_argument("--output", type=Path, default=Path("data/functional"), help="folder to write to")
    arguments = parser.parse_args()
    with one_sentence(parser):
        known = plan_known()
        run_exchanges(arguments.results, known)
        dilute = plan_dilute(tabulate_exchange(arguments.results, known))
        run_exchanges(arguments.results, dilute)
        table = tabulate_exchange(arguments.results, known + dilute)
        with replace_when_whole(arguments.output / TABLE) as part:
            table.to_parquet(part, index=False)
        print(f"{len(known) + len(dilute)} runs, {len(table)} exchange energies")


if __name__ == "__main__":
    main()
