"""Figures of the surrogate: on the page, drawn from what they are given, and what they refuse."""

import numpy as np
import pandas as pd
import pytest

from ljmix.plotting import (
    plot_demixing_probability,
    plot_posterior,
    plot_proposals,
    plot_surrogate_curves,
    plot_trust,
)
from ljmix.state import PAIRS, PARAMETERS
from ljmix.surrogate_scores.views import coverage_points
from tests.plotting.checks import assert_nothing_is_clipped

RNG = np.random.default_rng(5)
R = (np.arange(100) + 0.5) * 0.05


def curves(*states):
    parts = [
        pd.DataFrame({"state_id": state, "pair": pair, "r": R, "g": 1 + np.exp(-R), "g_sem": 0.01})
        for state in states
        for pair in PAIRS
    ]
    return pd.concat(parts, ignore_index=True)


def test_curves_with_and_without_a_surrogate():
    alone = plot_surrogate_curves(curves("one"))
    assert_nothing_is_clipped(alone)
    assert len(alone.axes) == 3
    table = curves("one", "two")
    table = table.assign(theory=table["g"], predicted=table["g"] + 0.05, lower=table["g"], upper=table["g"] + 0.1)
    figure = plot_surrogate_curves(table, {"one": "a mixture"})
    assert_nothing_is_clipped(figure)
    assert len(figure.axes) == 6
    assert figure.subfigs[0].get_suptitle() == "a mixture"
    drawn = [line.get_ydata() for line in figure.axes[0].lines if len(line.get_xdata()) == 100]
    assert any(np.allclose(y, table["predicted"][:100]) for y in drawn)
    with pytest.raises(ValueError, match="curves: column 'g_sem' is missing"):
        plot_surrogate_curves(table.drop(columns="g_sem"))


def left_out(n=60):
    parts = []
    for task in ("compositions", "extrapolation", "unseen-size-ratio"):
        demixed = RNG.random(n) < 0.3
        parts.append(pd.DataFrame({
            "task": task, "phase": np.where(demixed, "demixed", "mixed"), "converged": RNG.random(n) < 0.5,
            "decided": True, "demixing": np.clip(demixed + RNG.normal(0, 0.2, n), 0, 1),
            **{f"error_{pair}": np.exp(RNG.normal(-3, 1, n)) for pair in PAIRS},
            "density": 0.8 + RNG.normal(0, 0.01, n), "density_simulated": 0.8,
        }))  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def test_trust():
    counts = {kind: {"mixed": {"states": 300}} for kind in ("composition", "size_ratio", "temperature")}
    points = coverage_points({kind: {"mixed": {"0.5": 0.45, "0.9": 0.88}} for kind in counts}, counts)
    assert points["held"].tolist() == [0.45, 0.88] * 3
    figure = plot_trust(left_out(), points)
    assert_nothing_is_clipped(figure)
    shares = [line.get_ydata()[-1] for line in figure.axes[0].lines]
    assert shares == [1.0] * 6
    with pytest.raises(ValueError, match="coverage: column 'held' is missing"):
        plot_trust(left_out(), points.drop(columns="held"))


def test_the_boundary():
    grid = pd.DataFrame(
        [(s, e, t, 1 / (1 + np.exp(8 * (t + e - 1.6)))) for s in (0.5, 1.0, 1.5, 2.0) for e in np.linspace(0.2, 1, 9)
         for t in np.linspace(0.6, 1.4, 9)], columns=["size_ratio", "epsilon_ab", "temperature", "demixing"],
    )  # fmt: skip
    states = grid[::5].assign(phase=np.where(grid["demixing"][::5] > 0.5, "demixed", "mixed"), starts_agree=True)
    states.iloc[3, states.columns.get_loc("starts_agree")] = False
    assert_nothing_is_clipped(plot_demixing_probability(grid, states))
    with pytest.raises(ValueError, match="grid: the table has no row"):
        plot_demixing_probability(grid[:0], states)


@pytest.mark.parametrize("n", [2, 4])
def test_a_posterior(n):
    samples = pd.DataFrame(RNG.normal(size=(2000, n)), columns=list(PARAMETERS)[:n])
    figure = plot_posterior(samples, {"temperature": 0.0})
    shown = [axes for axes in figure.axes if axes.axison]
    assert len(shown) == n * (n + 1) // 2
    with pytest.raises(ValueError, match="samples: the table has no row"):
        plot_posterior(samples[:0])


def test_proposals():
    known = pd.DataFrame(RNG.random((40, 4)), columns=list(PARAMETERS))
    figure = plot_proposals(known, {"boundary": known[:5], "random": known[5:9]})
    assert_nothing_is_clipped(figure)
    with pytest.raises(ValueError, match="boundary: column 'size_ratio' is missing"):
        plot_proposals(known, {"boundary": known.drop(columns="size_ratio")})
