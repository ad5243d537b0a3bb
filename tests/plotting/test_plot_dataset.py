import numpy as np
import pandas as pd
import pytest
from matplotlib.patches import Rectangle

from ljmix.plotting import plot_phase_map, plot_phase_order, plot_sigmas


@pytest.fixture
def states(dataset):
    table = dataset.states.copy()
    cold = (table["temperature"] < 0.9) & (table["epsilon_ab"] < 0.5)
    table["phase"] = np.where(cold, "demixed", "mixed")
    table["converged"] = ~cold
    rng = np.random.default_rng(5)
    for name in ("demixing", "segregation", "crystal"):
        table[name] = rng.random(len(table))
    return table


def test_phase_map_has_a_cell_a_state(states):
    figure = plot_phase_map(states.drop(index=0))
    assert len(figure.axes) == 2 * 5
    cells = [p for axes in figure.axes for p in axes.patches if isinstance(p, Rectangle)]
    crosses = [line for axes in figure.axes for line in axes.get_lines()]
    assert len(cells) == 39
    assert len(crosses) == (~states["converged"].drop(index=0)).sum() == 7
    assert [axes.get_title() for axes in figure.axes[:5]] == [f"$T^*$ = {t:g}" for t in (0.6, 0.8, 1, 1.2, 1.4)]
    assert figure.axes[0].get_ylabel().startswith("$S$ = 1.5")
    assert len({cell.get_facecolor() for cell in cells}) == 2
    assert {line.get_marker() for line in crosses} == {"x"}


def test_a_label_that_depends_on_the_start_has_a_mark_of_its_own(states):
    disagree = ~states["converged"] & (states["fraction_b"] < 0.3)
    figure = plot_phase_map(states.assign(starts_agree=~disagree))
    marks = [line.get_marker() for axes in figure.axes for line in axes.get_lines()]
    assert marks.count("o") == disagree.sum() > 0
    assert marks.count("x") == (~states["converged"] & ~disagree).sum() > 0
    named = [text.get_text() for text in figure.legends[0].get_texts()]
    assert named[-2:] == ["not settled or precise", "starts disagree"]


def test_phase_order_shows_states_and_thresholds(states):
    left, right = plot_phase_order(states).axes
    points = [line for line in left.get_lines() if line.get_linestyle() == "None"]
    assert sum(len(line.get_xdata()) for line in points) == 40
    assert {line.get_markerfacecolor() == "none" for line in points} == {True, False}
    dashed = [line for axes in (left, right) for line in axes.get_lines() if len(line.get_xdata()) == 2]
    assert len(dashed) >= 3
    assert left.get_xscale() == "log"
    assert right.get_ylim()[1] >= 40


def test_sigmas_against_the_normal_distribution():
    rng = np.random.default_rng(20261121)
    rows = [
        pd.DataFrame({"pair": p, "r": np.repeat(np.arange(50) / 10, 40), "z": rng.normal(size=2000)})
        for p in ("AA", "BB")
    ]
    left, right = plot_sigmas(pd.concat(rows)).axes
    assert left.get_yscale() == "log"
    assert [text.get_text() for text in left.get_legend().get_texts()] == ["AA", "BB", "normal"]
    for line in right.get_lines()[:2]:
        assert len(line.get_xdata()) == 50
        # Root mean square of 40 normal numbers: 1 within 11 %; the farthest of 50 within 4.5 of these.
        assert np.abs(line.get_ydata() - 1).max() < 4.5 * 0.112
    with pytest.raises(ValueError, match="no row; nothing to draw"):
        plot_sigmas(pd.DataFrame(columns=["pair", "r", "z"]))
