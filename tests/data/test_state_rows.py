from types import SimpleNamespace

import numpy as np
import pytest

from ljmix.data.state_rows import AnalysedRun, _difference_of_starts, _diffusion, _phase, _structure_factors, pool
from ljmix.simulation.engine import TIME_STEP
from ljmix.simulation.profiles import load_profile
from ljmix.state import PAIRS, StatePoint
from ljmix.structure.scattering import SHELLS

PROFILE = load_profile("smoke")


def test_runs_that_agree_are_averaged_by_their_lengths():
    mean, error = pool([(300, 1.0, 0.1), (100, 1.1, 0.2)])
    assert mean == pytest.approx(1.025)
    assert error == pytest.approx(np.hypot(0.75 * 0.1, 0.25 * 0.2))


def test_runs_farther_apart_than_their_errors_raise_the_error():
    """Two runs of equal length: half their distance is then the error of their mean."""
    assert pool([(10, 0.0, 0.1), (10, 1.0, 0.1)])[1] == pytest.approx(0.5)


def test_rare_particles_inside_a_core_say_nothing_of_the_whole_curve():
    """As two runs of T* 1.4, C_B 0.01, S 1, ε_AB 0.2 found g_BB, by virtual and by counted particles."""
    g = np.array([[0.003, 0.176, 3.422, 1.657], [0.0, 0.142, 3.558, 1.588]])
    error = np.array([[0.0002, 0.0121, 0.3809, 0.0449], [0.0, 0.0564, 0.2197, 0.1523]])
    mean, pooled = pool([(1, g[0], error[0]), (1, g[1], error[1])])
    np.testing.assert_allclose(mean, g.mean(axis=0))
    np.testing.assert_allclose(pooled, np.hypot(*error) / 2)


def test_errors_are_right_where_runs_differ_by_more_than_their_blocks_see():
    """Each run is off by a slow mode of size 1 that its own error of 0.1 misses."""
    rng = np.random.default_rng(20261121)
    n, n_bins = 4000, 200
    shape = rng.normal(size=n_bins)
    runs = rng.normal(size=(2, n, 1)) * shape + 0.1 * rng.normal(size=(2, n, n_bins))
    error = np.full(n_bins, 0.1)
    pooled = [pool([(50, a, error), (50, b, error)]) for a, b in zip(*runs, strict=True)]
    means, errors = (np.array(values) for values in zip(*pooled, strict=True))
    # The mean square error is that of the mean of two draws; a scale common to all bins gets it right on average
    # over the bins, not bin by bin.
    observed, expected = np.mean(errors**2), np.mean(means**2)
    sigma = expected * 2 * np.sqrt(2 / n)
    print(f"mean square error: claimed {observed:.4f}, true {expected:.4f} ± {sigma:.4f}")
    assert abs(observed - expected) < 5 * sigma


def test_difference_of_starts_is_separated_minus_random():
    random = SimpleNamespace(g={"AA": np.array([1.0, 2.0]), "AB": np.array([3.0, 4.0]), "BB": np.array([5.0, 6.0])})
    separated = SimpleNamespace(g={pair: g + 0.5 + 10 * (pair == "BB") for pair, g in random.g.items()})
    difference = _difference_of_starts(random, separated)
    assert difference.tolist() == [0.5, 0.5, 0.5, 0.5, 10.5, 10.5]


@pytest.mark.parametrize(("slope", "known"), [(0.06, True), (-1e-4, False), (0.0, False)])
def test_waves_of_unknown_diffusion_have_no_lifetime(slope, known):
    """Displacements that shrink, as noise makes those of a glass: nothing negative or infinite in the table."""
    rng = np.random.default_rng(20261122)
    n, interval, edge = 200, PROFILE.frame_interval * TIME_STEP, 11.0
    frames = np.arange(n)
    noise = rng.exponential(size=(3, n, len(SHELLS)))
    run = SimpleNamespace(state=StatePoint(0.6, 0.5, 1.0, 0.4), profile=PROFILE, moves=None)
    measured = {"step": (frames + 1) * PROFILE.frame_interval, "volume": np.full(n, edge**3)}
    measured |= {f"msd_{species}": np.tile(0.05 + slope * frames * interval, (2, 1)) for species in "AB"}
    measured |= {f"s_{pair}": 0.3 + noise[k] * (-1 if pair == "AB" else 1) for k, pair in enumerate(PAIRS)}
    part = AnalysedRun(run, SimpleNamespace(start_step=0), measured)
    _, mutual = _diffusion([part], 0.5)
    table, longest = _structure_factors([part], mutual, 0.5)
    assert np.isfinite(longest["wave_lifetime"]) == known
    assert np.isnan(longest["wave_lifetime"]) == (not known)
    assert not known or mutual == pytest.approx(slope / 6)
    assert np.isfinite(table[["s", "s_sem"]]).all(axis=None)


def test_crystals_are_looked_for_at_the_end_of_every_run(monkeypatch):
    """Two runs of six configurations, which crystallise one after the other; the last four of each count."""
    monkeypatch.setattr("ljmix.data.state_rows.crystal_order", lambda order, state: order)
    monkeypatch.setattr("ljmix.data.state_rows._demixing", lambda orders, state: float(len(orders)))
    parts = []
    for orders in ([0.0, 0.0, 0.1, 0.1, 0.1, 0.1], [0.9, 0.9, 0.5, 0.5, 0.5, 0.5]):
        run = SimpleNamespace(state=StatePoint(0.6, 0.5, 1.0, 0.4), profile=PROFILE)
        run.read_configurations = lambda start_step, orders=orders: orders
        parts.append(AnalysedRun(run, SimpleNamespace(start_step=0), {}))
    g = {pair: np.ones(PROFILE.n_bins) for pair in PAIRS}
    found = _phase(parts, g)
    assert found["crystal"] == pytest.approx(0.3)
    assert found["demixing"] == 12
    assert _phase(parts[:1], g)["crystal"] == pytest.approx(0.1)


def test_empty_bins_stay_empty():
    mean, error = pool([(10, np.zeros(3), np.zeros(3)), (10, np.zeros(3), np.zeros(3))])
    assert not mean.any()
    assert not error.any()
