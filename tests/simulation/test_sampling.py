from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from ljmix.simulation import analysis as analysing
from ljmix.simulation import sampling
from ljmix.simulation.analysis import Analysis, _compare_estimators, _least_production
from ljmix.simulation.profiles import load_profile
from ljmix.simulation.sampling import _run_until_good, choose_runs
from ljmix.state import StatePoint
from ljmix.structure.convergence import SERIES, Series
from ljmix.structure.rdf import block_average

STATE = StatePoint(1.0, 0.2, 1.0, 0.2)
PROFILE = load_profile(
    "smoke", steps_equilibration=1000, steps_production=4000, steps_production_slow=20_000, steps_max=25_000,
    segment_steps=1000, frame_interval=100, trajectory_interval=1000,
)  # fmt: skip


THREE = ("random", "separated", "exchanged")


def analysis(density=0.8, settled=True, precise=True):
    """A run of 200 frames without memory: its density is known to 1e-4 of itself, all else is the same in each."""
    noise = 1e-3 * np.random.default_rng(round(1e6 * density)).normal(size=200)
    step = np.arange(100, 20_001, 100)
    series = {name: Series(step, (density if name == "density" else 1.0) * (1 + noise), 0.002) for name in SERIES}
    return Analysis(0, 20_000, series, {}, 20, {}, {}, settled, precise)


@pytest.mark.parametrize(
    ("random", "separated", "chosen"),
    [
        ({}, {"density": 0.8001}, ([0, 1], True)),
        # Runs that agree are pooled, whatever else is wrong with them.
        ({"settled": False}, {"density": 0.8001, "settled": False}, ([0, 1], True)),
        ({}, {"density": 0.82}, ([1], False)),
        ({"settled": False}, {"density": 0.82}, ([1], False)),
        ({}, {"density": 0.82, "settled": False}, ([0], False)),
        ({"settled": False}, {"density": 0.82, "settled": False}, ([0], False)),
        # Precision decides nothing here.
        ({}, {"density": 0.82, "precise": False}, ([1], False)),
    ],
)
def test_two_starts_are_pooled_or_the_settled_separated_one_counts(random, separated, chosen):
    assert choose_runs([analysis(**random), analysis(**separated)]) == chosen


@pytest.mark.parametrize(
    ("random", "separated", "exchanged", "chosen"),
    [
        ({}, {"density": 0.8001}, {"density": 0.8001}, ([0, 1, 2], True)),
        # A random start that is stuck in many domains does not count against a bracket that meets.
        ({"density": 0.82, "settled": False}, {}, {"density": 0.8001}, ([1, 2], True)),
        # One that has settled elsewhere does: the mixture may be one liquid, and the bracket a drop that lives long.
        ({"density": 0.82}, {}, {"density": 0.8001}, ([1], False)),
        ({"density": 0.8001}, {}, {"density": 0.82}, ([1], False)),
        ({}, {"settled": False}, {"density": 0.82}, ([2], False)),
    ],
)
def test_a_bracket_counts_without_the_random_start(random, separated, exchanged, chosen):
    analyses = [analysis(**random), analysis(**separated), analysis(**exchanged)]
    assert choose_runs(analyses, THREE) == chosen


def test_without_a_random_start_the_bracket_alone_decides():
    assert choose_runs([analysis(), analysis(0.8001)], THREE[1:]) == ([0, 1], True)
    assert choose_runs([analysis(settled=False), analysis(0.82)], THREE[1:]) == ([1], False)


@pytest.mark.parametrize(
    ("stable", "stable_exchanged", "chosen"),
    [
        ({}, {"density": 0.8001}, ([2, 3], True)),
        ({}, {"density": 0.82}, ([2], False)),
        ({"settled": False}, {"density": 0.82}, ([3], False)),
    ],
)
def test_a_second_bracket_decides_alone(stable, stable_exchanged, chosen):
    """Whatever the first runs say, which disagree."""
    starts = ("random", "separated", "stable", "stable_exchanged")
    first = [analysis(), analysis(0.9)]
    assert choose_runs([*first, analysis(**stable), analysis(**stable_exchanged)], starts) == chosen


@pytest.mark.parametrize("settled", [True, False])
def test_a_single_start_counts_always(settled):
    assert choose_runs([analysis(settled=settled)]) == ([0], True)


@pytest.mark.parametrize(("size", "least"), [(0.99, 4000), (1.01, 20_000)])
def test_slow_waves_ask_for_longer_runs(size, least):
    """On both sides of the threshold; only the longest wave after equilibration is looked at."""
    x_b, x_a = STATE.fraction_b, 1 - STATE.fraction_b
    step = np.arange(100, 5001, 100)
    wave = size * analysing._SLOW * x_a * x_b
    other = analysing._SLOW * x_a * x_b / size**2
    # Opposite waves of A and B that leave the total density alone: S_AA = S_BB = -S_AB = S_cc.
    rows = np.column_stack([np.where(step > 1000, wave, 100 * other), np.full(len(step), other)])
    measured = {"step": step, "s_AA": rows, "s_AB": -rows, "s_BB": rows}
    run = SimpleNamespace(state=STATE, profile=PROFILE)
    assert _least_production(run, measured, 1000) == least


class FakeRun:
    """Counts its segments; what `looks` says of it, one after the other, the last one for ever."""

    def __init__(self, *looks):
        self.state, self.profile, self.segments, self.looks = STATE, PROFILE, 0, list(looks)
        self.moves, self.start = None, "random"

    def prepare(self, n_particles, n_b, lever_share):
        pass

    def count_segments(self):
        return self.segments

    def advance(self, engine, measure):
        self.segments += 1

    def look(self):
        return self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]


@pytest.mark.parametrize(
    ("random", "separated", "segments"),
    [
        # Equilibration and production are five segments, the cap is at 25, and between two looks lie two.
        ([analysis()], [analysis()], (5, 5)),
        ([analysis(settled=False), analysis()], [analysis()], (7, 5)),
        ([analysis()], [analysis(precise=False), analysis(precise=False), analysis()], (5, 9)),
        # Good runs that disagree both go on, until they agree or to the cap.
        ([analysis()], [analysis(0.82), analysis(0.8001)], (7, 7)),
        ([analysis()], [analysis(0.82)], (25, 25)),
        ([analysis(settled=False)], [analysis()], (25, 5)),
    ],
)
def test_runs_go_on_until_they_are_good_and_agree(monkeypatch, random, separated, segments):
    monkeypatch.setattr(sampling, "analyse_run", FakeRun.look)
    runs = [FakeRun(*random), FakeRun(*separated)]
    _run_until_good(runs, 1000, 200, None)
    assert tuple(run.segments for run in runs) == segments


@pytest.mark.parametrize(
    ("random", "separated", "exchanged", "segments"),
    [
        # The bracket is good at once: what the random start says does not matter.
        ([analysis(0.82, settled=False)], [analysis()], [analysis()], 5),
        # All keep pace until the bracket is good, or meets.
        ([analysis()], [analysis()], [analysis(precise=False), analysis()], 7),
        ([analysis()], [analysis(0.82), analysis(0.82), analysis(0.8001)], [analysis()], 9),
    ],
)
def test_a_bracket_decides_and_a_random_start_keeps_pace(monkeypatch, random, separated, exchanged, segments):
    monkeypatch.setattr(sampling, "analyse_run", FakeRun.look)
    runs = [FakeRun(*looks) for looks in (random, separated, exchanged)]
    for run, start in zip(runs, THREE, strict=True):
        run.start = start
    _run_until_good(runs, 1000, 200, None)
    assert [run.segments for run in runs] == [segments] * 3


def test_a_lone_run_stops_when_it_is_good(monkeypatch):
    monkeypatch.setattr(sampling, "analyse_run", FakeRun.look)
    run = FakeRun(replace(analysis(), precise=False), analysis())
    _run_until_good([run], 1000, 200, None)
    assert run.segments == 7


def test_the_estimator_with_less_noise_is_recognised():
    """Two estimators of one function, the second with half the noise: a gain of four, and no deviation."""
    rng = np.random.default_rng(20261121)
    n, n_bins, blocks = 400, 120, 20
    truth = 1 + np.sin(np.linspace(0, 6, n_bins))
    counted, sampled = (block_average(truth + noise * rng.normal(size=(n, n_bins)), blocks) for noise in (1.0, 0.5))
    beyond = np.arange(n_bins) >= 20
    gain, deviation = _compare_estimators(counted, sampled, beyond)
    # Mean squares over 100 bins with 19 degrees of freedom each: known to √(2 / 1900) = 3 % each.
    print(f"gain: observed {gain:.2f}, expected 4; deviation: observed {deviation:.2f}, expected 1")
    assert gain == pytest.approx(4, rel=5 * 0.046)
    assert deviation == pytest.approx(1, rel=5 / np.sqrt(2 * 100))
    biased = (sampled[0] + 5 * sampled[1], sampled[1])
    assert _compare_estimators(counted, biased, beyond)[1] > 2


def test_a_wrong_first_peak_is_seen_among_many_right_bins():
    """Virtual particles whose first shell is off, all else right: the mean over the bins hardly notices."""
    rng = np.random.default_rng(8)
    r = (np.arange(140) + 0.5) * 0.05
    shell = r < 1.5
    counted = np.where(r > 0.9, 1.0, 0.0) + 0.2 * rng.normal(size=(200, 140)) * (r > 0.9)
    right = np.where(r > 0.9, 1.0, 0.0) + 0.02 * rng.normal(size=(200, 140)) * (r > 0.9)
    wrong = right + 0.15 * ((r > 1.0) & (r < 1.2))
    assert analysing._same_shell(counted, right, r, shell, 20)
    assert not analysing._same_shell(counted, wrong, r, shell, 20)
    averages = [block_average(series, 20) for series in (counted, wrong)]
    assert _compare_estimators(*averages, r > 1.0)[1] < analysing._TRUSTED + 1


def test_a_domain_is_told_from_a_fluctuation():
    """A slab of both species in equal numbers, and the strongest fluctuation of a near-critical mixture."""
    state, n = StatePoint(1.0, 0.5, 1.0, 0.2), 2700
    slab = np.tile([4 / np.pi**2 * n / 4, 0.1, 0.1], (50, 1))
    fluctuation = np.full((50, 3), 16 / 4)
    for waves, domain in ((slab, True), (fluctuation, False)):
        measured = {"step": np.arange(50) + 1, "waves": waves}
        assert analysing._is_domain(measured, 0, state, n) == domain
