"""Figures of the benchmark: what is in them, and that nothing is lost at the edges."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from ljmix.plotting import COLUMN_MM, PAGE_MM, plot_ablation, plot_scores, plot_state_scaling
from tests.plotting.checks import assert_nothing_is_clipped

MODELS = ("mlp", "xgboost", "gaussian-process", "percus-yevick")
GROUPS = {"all states": ("r2", "all"), "cold": ("r2_T0.6",)}
CERTAINTY = pd.DataFrame(
    [
        {"model": model, "score": score, "label": label, "states": states, "low": np.nan, "high": np.nan}
        for model, states in (("mlp", 24), ("xgboost", 24), ("gaussian-process", 24), ("percus-yevick", 14))
        for score, label in (("r2", "all"), ("r2_T0.6", ""), ("r2_phase", "demixed"), ("r2_dilute", "yes"))
    ]
)
CERTAINTY.loc[CERTAINTY["model"] == "xgboost", ["low", "high"]] = [[0.85, 0.96], [0.7, 0.9], [0.1, 0.2], [0.1, 0.2]]
CERTAINTY.loc[CERTAINTY["score"] == "r2_dilute", "states"] = 4
CERTAINTY.loc[(CERTAINTY["model"] == "percus-yevick") & (CERTAINTY["score"] == "r2_phase"), "states"] = 1


@pytest.fixture(scope="module")
def metrics():
    scores = dict(zip(MODELS, (0.8, 0.93, 0.97, -3.0), strict=True))
    found = {
        name: {"r2": {"all": r2}, "r2_std": {"all": 0.01}, "r2_T0.6": r2 - 0.1, "r2_T0.6_std": None}
        for name, r2 in scores.items()
    }
    del found["percus-yevick"]["r2_T0.6"]
    found["percus-yevick"]["answered"] = 0.583
    return found


@pytest.fixture(scope="module")
def figures(metrics):
    ceiling = {kind: {"r2": {"all": r2}, "r2_T0.6": r2} for kind, r2 in (("truth", 0.996), ("replicate", 0.992))}
    ablation = pd.DataFrame(
        [
            {
                "task": task, "model": model, "without": without, "score": score, "cost": cost,
                "cost_low": cost - 0.03, "cost_high": cost + 0.05,
            }
            for task in ("extrapolation", "compositions")
            for score in ("r2", "r2_mixed_converged")
            for model, without, cost in (
                ("gaussian-process", "nothing", 0.0), ("gaussian-process", "coexistence", 0.08),
                ("gaussian-process", "sharing", 7.0), ("xgboost-physics", "both", -0.02),
            )
        ]
    )  # fmt: skip
    scaling = pd.DataFrame(
        [
            {"model": model, "states": n, "r2_median": 0.95 - 3 / n - 0.05 * k, "r2_low": 0.9 - 8 / n, "r2_high": 0.95}
            for k, model in enumerate(MODELS[:3])
            for n in (6, 40, 300)
        ]
    )
    return {
        "scores": plot_scores(metrics, ceiling, CERTAINTY, GROUPS), "ablation": plot_ablation(ablation),
        "states": plot_state_scaling(scaling),
    }  # fmt: skip


@pytest.mark.parametrize(("name", "width"), [("scores", PAGE_MM), ("ablation", PAGE_MM), ("states", COLUMN_MM)])
def test_figures_have_a_journals_width_and_nothing_is_clipped(figures, name, width):
    figure = figures[name]
    assert figure.get_size_inches()[0] * 25.4 == pytest.approx(width)
    assert_nothing_is_clipped(figure)


@pytest.mark.parametrize("name", ["scores", "ablation", "states"])
def test_text_can_be_read(figures, name):
    texts = [text for text in figures[name].findobj(Text) if text.get_text().strip()]
    assert {text.get_fontsize() for text in texts} <= {7, 8, 9}


def test_scores_show_what_is_missed_and_what_noise_misses(figures):
    first, second = figures["scores"].axes
    dots = {line.get_ydata()[0]: line.get_xdata()[0] for line in first.lines if len(line.get_xdata()) == 1}
    assert dots == {3: pytest.approx(0.2), 2: pytest.approx(0.07), 1: pytest.approx(0.03), 0: 1.6}  # 0: an arrow
    hollow = {line.get_ydata()[0] for line in first.lines if line.get_markerfacecolor() == "white"}
    assert hollow == {0}, "models that converge on a part of the states only"
    for axes, ends in ((first, (0.04, 0.15)), (second, (0.1, 0.3))):
        (thin,) = (line for line in axes.lines if line.get_linewidth() == 0.5 and len(line.get_xdata()) == 2)
        np.testing.assert_allclose(thin.get_xdata(), ends)
        assert set(thin.get_ydata()) == {2}
    band = first.patches[0].get_extents().transformed(first.transData.inverted())
    np.testing.assert_allclose([band.x0, band.x1], [0.004, 0.008], rtol=1e-6)  # from the left edge, half of 0.008
    assert first.get_xlim()[0] == pytest.approx(0.004)
    assert first.get_xlabel().endswith("24 states")
    assert [text.get_text() for text in second.texts] == ["no answer"]
    assert first.get_yticklabels()[0].get_text() == "Percus-Yevick (58 %)"


def test_powers_below_narrow_panels_keep_apart(metrics):
    """Five panels of the published figure, from a thousandth or a hundred thousandth to one."""
    panels = {f"panel {k}": ("r2", "all") for k in range(5)}
    for best in (0.9985, 0.99999):
        ceiling = {kind: {"r2": {"all": best}} for kind in ("truth", "replicate")}
        assert_nothing_is_clipped(plot_scores(metrics, ceiling, CERTAINTY, panels))


def test_scores_of_few_states_are_left_out(metrics):
    ceiling = {kind: {"r2": {"all": 0.99}} for kind in ("truth", "replicate")}
    of_groups = {
        name: values
        | {"r2_phase": {"demixed": 0.5}, "r2_phase_std": {}, "r2_dilute": {"yes": 0.5}, "r2_dilute_std": {}}
        for name, values in metrics.items()
    }
    figure = plot_scores(
        of_groups, ceiling, CERTAINTY, GROUPS | {"demixed": ("r2_phase", "demixed"), "few": ("r2_dilute", "yes")}
    )
    assert [axes.get_title() for axes in figure.axes] == ["all states", "cold", "demixed"]
    demixed = figure.axes[2]
    assert [text.get_text() for text in demixed.texts] == ["1 state"]
    assert {line.get_ydata()[0] for line in demixed.lines} == {1, 2, 3}


@pytest.mark.parametrize(("r2", "side"), [(0.99, "right"), (0.1, "left")])
def test_a_number_of_states_leaves_the_dot_free(metrics, r2, side):
    """Six of 24 states converged on: the number stands where the dot does not."""
    certainty = CERTAINTY.assign(states=CERTAINTY["states"].where(CERTAINTY["model"] != "percus-yevick", 6))
    found = metrics | {"percus-yevick": {"r2": {"all": r2}, "r2_std": {"all": 0.0}, "answered": 0.25}}
    ceiling = {kind: {"r2": {"all": 0.99}} for kind in ("truth", "replicate")}
    axes = plot_scores(found, ceiling, certainty, {"all states": ("r2", "all")}).axes[0]
    (text,) = axes.texts
    assert (text.get_text(), text.get_horizontalalignment()) == ("6", side)


def test_ablation_labels_what_it_cuts_off(figures):
    axes = figures["ablation"].axes[0]
    assert sorted(round(bar.get_width(), 3) for bar in axes.patches) == [-0.02, 0.08, 0.5]
    assert [text.get_text().strip() for text in axes.texts] == ["7.0"]
    cut = [(line.get_marker(), line.get_ydata()[0]) for line in axes.lines if line.get_marker() in "<>"]
    assert cut == [(">", 1)], "an interval that is cut off ends in an arrow"
    intervals = sorted(tuple(line.get_xdata()) for line in axes.lines if len(set(line.get_xdata())) > 1)
    np.testing.assert_allclose(intervals, [(-0.05, 0.03), (0.05, 0.13)])
    assert [panel.get_xlabel() for panel in figures["ablation"].axes] == [
        "loss of $R^2$,\nall states", "loss of $R^2$,\nmixed, converged",
    ] * 2  # fmt: skip
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "without inputs and target", "without other mixtures", "without two liquids",
    ]  # fmt: skip


def test_state_scaling_draws_medians_and_the_range_of_the_seeds(figures):
    axes = figures["states"].axes[0]
    assert len(axes.lines) == len(axes.collections) == 3
    np.testing.assert_allclose(axes.lines[0].get_ydata()[0], 0.45)
    band = axes.collections[0].get_paths()[0].get_extents()
    assert (band.y0, band.y1) == pytest.approx((0.9 - 8 / 6, 0.95))
    assert axes.get_ylim()[0] == 0
    assert axes.get_xscale() == "log"


def test_what_cannot_be_drawn_is_refused(metrics):
    with pytest.raises(ValueError, match="metrics hold no score of the groups asked for"):
        plot_scores({}, {}, CERTAINTY, GROUPS)
    with pytest.raises(ValueError, match="metrics hold no score of the groups asked for"):
        plot_scores(metrics, {}, CERTAINTY, {"dilute": ("r2_dilute", "yes")})
    with pytest.raises(ValueError, match="column 'low' is missing"):
        plot_scores(metrics, {}, CERTAINTY.drop(columns="low"), GROUPS)
    with pytest.raises(ValueError, match="column 'cost_low' is missing"):
        plot_ablation(pd.DataFrame({"task": ["a"], "model": ["b"], "without": ["c"], "score": ["r2"], "cost": [1.0]}))
    with pytest.raises(ValueError, match="column 'r2_low' is missing"):
        plot_state_scaling(pd.DataFrame({"model": ["mlp"], "states": [3], "r2_median": [0.5]}))
