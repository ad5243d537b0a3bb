import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import FillBetweenPolyCollection
from matplotlib.figure import Figure

from ljmix.plotting import PAIR_COLORS, PAIR_LINES, PAIR_MARKERS, draw_rdfs, plot_rdfs, plot_thermo_series


def lines_of(axes) -> dict:
    return {line.get_label(): line for line in axes.get_lines() if line.get_label() in PAIR_COLORS}


def test_pairs_keep_colour_dash_and_marker(dataset):
    rdf = dataset.rdf[dataset.rdf["state_id"] == dataset.states["state_id"].iloc[0]]
    figure = plot_rdfs(rdf)
    (axes,) = figure.axes
    lines = lines_of(axes)
    assert list(lines) == ["AA", "AB", "BB"]
    for pair, line in lines.items():
        assert line.get_color() == PAIR_COLORS[pair]
        assert line.get_marker() == PAIR_MARKERS[pair]
        np.testing.assert_array_equal(line.get_ydata(), rdf.loc[rdf["pair"] == pair, "g"])
    assert len(set(PAIR_COLORS.values())) == len({str(v) for v in PAIR_LINES.values()}) == 3
    assert axes.get_xlabel() == r"$r\,/\,\sigma_\mathrm{AA}$"
    assert axes.get_ylabel() == "$g(r)$"
    assert axes.get_xlim()[0] == 0


def test_bands_are_two_standard_errors_wide(dataset):
    rdf = dataset.rdf[dataset.rdf["state_id"] == dataset.states["state_id"].iloc[0]]
    (axes,) = plot_rdfs(rdf).axes
    bands = [c for c in axes.collections if isinstance(c, FillBetweenPolyCollection)]
    assert len(bands) == 3
    curve = rdf[rdf["pair"] == "AA"]
    height = np.ptp(bands[0].get_paths()[0].vertices[:, 1])
    expected = (curve["g"] + 2 * curve["g_sem"]).max() - (curve["g"] - 2 * curve["g_sem"]).min()
    assert height == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("n_states", "n_axes"), [(2, 2), (4, 4), (5, 6)])
def test_one_panel_a_state(dataset, n_states, n_axes):
    names = dataset.states["state_id"].iloc[:n_states]
    figure = plot_rdfs(dataset.rdf[dataset.rdf["state_id"].isin(list(names))], dataset.states)
    assert len(figure.axes) == n_axes
    shown = [axes for axes in figure.axes if axes.axison]
    assert [axes.get_title(loc="left") for axes in shown] == list("ABCDE"[:n_states])
    assert "T^*$ = 0.6" in shown[0].get_title("center") + shown[0].get_title("right")


def test_curves_of_two_states_are_refused(dataset):
    with pytest.raises(ValueError, match="occurs twice"):
        draw_rdfs(Figure().subplots(), dataset.rdf)
    with pytest.raises(ValueError, match="'g_sem' is missing"):
        plot_rdfs(dataset.rdf.drop(columns="g_sem"))


@pytest.fixture
def thermo() -> pd.DataFrame:
    step = np.arange(1, 101) * 200
    return pd.DataFrame(
        {"step": step, "volume": np.where(step > 5000, 1250.0, 2000.0), "potential_energy": -5.0 + 0 * step}
    )


def test_series_average_what_is_kept(thermo):
    figure = plot_thermo_series(thermo, n_particles=1000, discarded_steps=6000)
    density, energy = figure.axes
    mean = density.get_lines()[1]
    assert list(mean.get_ydata()) == pytest.approx([0.8, 0.8], rel=1e-14)
    np.testing.assert_array_equal(mean.get_xdata(), [6000, 20000])
    assert density.get_ylabel() == r"$\rho\,\sigma_\mathrm{AA}^3$"
    assert energy.get_ylabel() == r"$U\,/\,N\varepsilon$"
    assert energy.get_xlabel() == "time step"
    shaded = density.patches[0].get_extents().transformed(density.transData.inverted())
    assert (shaded.x0, shaded.x1) == pytest.approx((200, 6000))


def test_series_without_anything_left_is_refused(thermo):
    with pytest.raises(ValueError, match="no step of the series is left"):
        plot_thermo_series(thermo, n_particles=1000, discarded_steps=30000)


def test_a_state_that_has_not_converged_is_marked(dataset):
    states = dataset.states.iloc[:2].assign(converged=[True, False])
    rdf = dataset.rdf[dataset.rdf["state_id"].isin(states["state_id"])]
    titles = [
        "".join(axes.get_title(loc) for loc in ("left", "center", "right")) for axes in plot_rdfs(rdf, states).axes
    ]
    assert [("not converged" in title) for title in titles] == [False, True]
