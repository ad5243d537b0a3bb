"""Particles that change names: energies, averages with known answers, and what is planned from them."""

import numpy as np
import pandas as pd
import pytest

from ljmix.mixture_functional import exchange
from ljmix.mixture_functional.exchange import ExchangeState, plan_dilute, plan_known, run_exchanges, tabulate_exchange
from ljmix.mixture_functional.exchange_runs import (
    BLOCKS,
    PARTICLES,
    ExchangeRun,
    exchange_energy,
    run_exchange,
    unlike_energy,
)
from ljmix.potential import lj_potential


def total_energy(places, is_b, edge, epsilon_ab):
    apart = places[:, None] - places[None]
    apart -= edge * np.round(apart / edge)
    r = np.sqrt((apart**2).sum(axis=2))[np.triu_indices(len(places), 1)]
    unlike = (is_b[:, None] != is_b[None])[np.triu_indices(len(places), 1)]
    return float((np.where(unlike, epsilon_ab, 1.0) * lj_potential(r, 1.0, 1.0)).sum())


def test_a_change_of_name_changes_the_energy_by_as_much():
    rng = np.random.default_rng(3)
    sites = np.stack(np.meshgrid(*[np.arange(5.0)] * 3), axis=-1).reshape(-1, 3)
    places, is_b = 1.1 * sites + rng.uniform(-0.1, 0.1, (125, 3)), rng.random(125) < 0.3
    energy = unlike_energy(places, is_b, 5.5)
    before = total_energy(places, is_b, 5.5, 0.4)
    for particle in (0, 7, 60):
        after = is_b.copy()
        after[particle] = ~after[particle]
        sign = 1 if is_b[particle] else -1
        change = total_energy(places, after, 5.5, 0.4) - before
        assert change == pytest.approx(sign * 0.6 * energy[particle], abs=1e-10)


@pytest.mark.parametrize("with_b", [False, True])
def test_both_averages_find_a_known_free_energy(with_b):
    """Energies of a normal distribution: βΔF = −s m − s² v/2, and the way back is shifted by s v."""
    rng, scale, mean, variance = np.random.default_rng(1), 0.6 / 1.2, -8.0, 2.0
    a = rng.normal(mean, variance**0.5, (BLOCKS, 4000))
    b = rng.normal(mean + scale * variance, variance**0.5, (BLOCKS, 200 if with_b else 0))
    value, sem, samples = exchange_energy(ExchangeRun(a, b, np.zeros(BLOCKS)), 1.2, 0.4)
    exact = -scale * mean - scale**2 * variance / 2
    print(f"βΔF {value:.4f} ± {sem:.4f}, exact {exact:.4f}")
    assert abs(value - exact) < 4 * sem
    assert sem < 0.02
    # (Σw)²/Σw² of lognormal weights is N exp(−s² v).
    assert samples == pytest.approx(40000 * np.exp(-(scale**2) * variance), rel=0.05)


def test_a_name_that_means_nothing_costs_nothing():
    run = ExchangeRun(np.full((BLOCKS, 3), -7.0), np.full((BLOCKS, 2), -7.0), np.zeros(BLOCKS))
    assert exchange_energy(run, 1.0, 1.0)[0] == pytest.approx(0, abs=1e-12)


def test_pure_a_has_its_published_energy():
    """Every pair counts for both its particles: the mean is twice U* = −3.908 (Thol et al. 2015, P* = 1)."""
    run = run_exchange(1.2, 0.6797, 0, 1.0, 11, 2000, 4000)
    sem = run.a.mean(axis=1).std(ddof=1) / np.sqrt(BLOCKS)
    print(f"2U/N {run.a.mean():.3f} ± {sem:.3f}, published {-2 * 3.908:.3f}")
    assert run.b.size == 0
    # 2 % of the temperature is what short runs of 500 particles may be off on top: 0.02 ∂U/∂T at constant volume.
    assert abs(run.a.mean() + 2 * 3.908) < 4 * sem + 0.02


def test_bad_runs_are_refused():
    with pytest.raises(ValueError, match="multiple of 1000"):
        run_exchange(1.0, 0.7, 0, 1.0, 1, 10, 500)
    with pytest.raises(ValueError, match="count_b = 500: must lie between 0 and 499"):
        run_exchange(1.0, 0.7, PARTICLES, 1.0, 1, 10, 1000)
    with pytest.raises(ValueError, match="must be two cut-offs wide"):
        run_exchange(1.0, 4.1, 0, 1.0, 1, 10, 1000)


def test_no_state_of_the_test_is_planned():
    """The test's T* and ε_AB are those of demixed states."""
    plan = plan_known()
    assert len({state.name for state in plan}) == len(plan)
    assert not {state.temperature for state in plan} & {1.0, 1.2, 1.4}
    assert not set(exchange.DEPTHS) & {0.2, 0.4, 0.6}


def test_mixtures_are_planned_where_they_are_one_liquid():
    rho = exchange.LIQUIDS[1.1]
    table = pd.DataFrame(
        [(1.1, rho, 0.5, np.log(19)), (1.1, rho - 0.07, 0.5, 0.0), (1.1, rho, 0.1, 12.0), (1.1, rho, 0.7, -1.0)],
        columns=["temperature", "density", "epsilon_ab", "exchange"],
    )
    plan = plan_dilute(table)
    # One B on nineteen A is a share of 0.05. At ε_AB = 0.1 no B would be left; at 0.7 the most that is allowed.
    assert [(state.epsilon_ab, state.count_b) for state in plan] == [(0.5, 25), (0.7, 125)]
    assert all(state.density == rho for state in plan)


def test_runs_go_on_where_they_were(tmp_path, monkeypatch):
    monkeypatch.setitem(exchange._STEPS, "dilute", (200, 1000))
    states = [ExchangeState("dilute", 1.2, 0.6, 40, 0.5), ExchangeState("dilute", 1.2, 0.6, 20, 0.5)]
    run_exchanges(tmp_path, states[:1])
    stamp = (tmp_path / f"{states[0].name}.npz").stat().st_mtime_ns
    with pytest.raises(FileNotFoundError, match=r"B20-E0\.5\.npz is missing"):
        tabulate_exchange(tmp_path, states)
    run_exchanges(tmp_path, states)
    assert (tmp_path / f"{states[0].name}.npz").stat().st_mtime_ns == stamp
    table = tabulate_exchange(tmp_path, states)
    assert table["count_b"].tolist() == [40, 20]
    assert (table["exchange_sem"] > 0).all()
    assert (table["cpu_seconds"] > 0).all()
