import numpy as np
import pandas as pd
import pytest

from ljmix.plotting import plot_phase_diagrams
from ljmix.plotting.phase_diagram import _mean_field
from tests.plotting.checks import assert_nothing_is_clipped


@pytest.fixture
def slabs():
    rows = [
        {
            "temperature": t, "size_ratio": s, "epsilon_ab": e, "fraction_b": round(1 / (1 + s**3), 4),
            "liquids": 2 if t < 1.3 else 1, "starts_agree": t != 0.8, "x_b_lean": 0.02 * t / (1.6 - t),
            "x_b_lean_sem": 0.004, "x_b_rich": 1 - 0.03 * t / (1.6 - t), "x_b_rich_sem": 0.004,
        }
        for t in (0.6, 0.8, 1.0, 1.3)
        for s in (0.5, 1.0, 1.5, 2.0)
        for e in (0.2, 0.4)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_each_size_ratio_has_its_panel_with_points_and_lines(slabs):
    figure = plot_phase_diagrams(slabs)
    assert [axes.get_title() for axes in figure.axes] == [r"$S$ = 0.5", r"$S$ = 1", r"$S$ = 1.5", r"$S$ = 2"]
    assert_nothing_is_clipped(figure)
    axes = figure.axes[1]
    drawn = np.concatenate([line.get_xdata() for line in axes.get_lines() if line.get_marker() == "o"])
    of = slabs[(slabs.size_ratio == 1) & (slabs.epsilon_ab == 0.2) & (slabs.liquids == 2)]
    assert sorted(drawn) == pytest.approx(sorted([*of.x_b_lean, *of.x_b_rich]))
    crosses = [line for line in axes.get_lines() if line.get_marker() == "x"]
    assert all(line.get_xdata().tolist() == [0.5] for line in crosses)


def test_points_of_starts_that_disagree_are_open(slabs):
    axes = plot_phase_diagrams(slabs[slabs.size_ratio == 1.0]).axes[0]
    faces = {
        float(line.get_ydata()[0]): line.get_markerfacecolor()
        for line in axes.get_lines()
        if line.get_marker() == "o" and len(line.get_ydata()) == 1
    }
    assert faces == {0.8: "white"}


def test_the_mean_field_of_equal_sizes_is_symmetric_and_ends_at_its_consolute_point(slabs):
    row = slabs[(slabs.size_ratio == 1) & (slabs.epsilon_ab == 0.4)].iloc[0]
    line = _mean_field(row, np.linspace(0.5, 3.0, 300))
    np.testing.assert_allclose(line["lean"] + line["rich"], 1.0, atol=1e-6)
    assert (np.diff(line["lean"]) > 0).all()
    # T_c = 2.84 (1 - ε_AB) ρ of the estimated density, 0.6 to 0.9.
    assert 0.6 * 2.84 * 0.6 * 0.8 < line["temperature"].max() < 2.84 * 0.6 * 0.95


def test_a_missing_column_is_named(slabs):
    with pytest.raises(ValueError, match="starts_agree"):
        plot_phase_diagrams(slabs.drop(columns="starts_agree"))
