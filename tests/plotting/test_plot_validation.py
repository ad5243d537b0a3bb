import numpy as np
import pandas as pd
import pytest
from matplotlib.patches import Rectangle

from ljmix.plotting import plot_agreement, plot_references
from ljmix.state import PAIRS
from tests.plotting.checks import assert_nothing_is_clipped

STATES = ("T0.6_C0.5_S1_E1_P1", "T1.4_C0.5_S2_E0.2_P1")


@pytest.fixture
def bins():
    rng = np.random.default_rng(0)
    rows = [
        {"system": system, "pair": pair, "with_itself": with_itself, "t": t}
        for system in STATES
        for pair in PAIRS
        for with_itself in (False, True)
        for t in rng.standard_t(18, 20)
    ]
    return pd.DataFrame(rows)


def lines_of(check):
    return pd.DataFrame(
        [
            {"check": check, "system": system, "quantity": quantity, "sigmas": sigmas}
            for system in STATES
            for quantity, sigmas in (("density", 0.5), ("energy", -4.0))
        ]
    )


def test_agreement_shows_every_state_and_function(bins):
    figure = plot_agreement(bins, lines_of("agreement"))
    assert_nothing_is_clipped(figure)
    scores, states, functions = figure.axes
    assert [label.get_text() for label in states.get_yticklabels()] == ["T0.6 C0.5 S1 E1", "T1.4 C0.5 S2 E0.2"]
    # A deviation of four sigmas is inside the panel.
    assert states.get_xlim()[0] < -4
    assert sum(len(line.get_xdata()) for line in functions.lines if line.get_label() in PAIRS) == 6
    # As densities, the bars have an area of one.
    bars = [patch for patch in scores.patches if isinstance(patch, Rectangle)]
    assert sum(bar.get_height() * bar.get_width() for bar in bars) == pytest.approx(1.0)
    with pytest.raises(ValueError, match="none compares two engines"):
        plot_agreement(bins, lines_of("time step"))
    with pytest.raises(ValueError, match="column 't' is missing"):
        plot_agreement(bins.drop(columns="t"), lines_of("agreement"))


def test_references_are_drawn_beside_what_is_known():
    rng = np.random.default_rng(1)
    r = np.linspace(0.7, 2.5, 50)
    curves = pd.concat(
        pd.DataFrame({"engine": engine, "pair": pair, "r": r, "g": 1 + np.exp(-((r - 1) ** 2) / 0.01)})
        for engine in ("hoomd", "lammps")
        for pair in PAIRS
    )
    runs = pd.concat(
        pd.DataFrame({"pressure_set": p, "temperature_set": 1.2, "volume": rng.normal(700 - 100 * p, 11, 3000)})
        for p in (1.0, 1.2)
    )
    steps = np.array([0.002, 0.004, 0.008])
    errors = pd.DataFrame({"engine": "hoomd", "time_step": steps, "error": steps**2, "sem": 0.01 * steps**2})
    peaks = {pair: (1.0, 2.0) for pair in PAIRS}
    figure = plot_references(curves, peaks, {"hoomd": runs}, errors)
    assert_nothing_is_clipped(figure)
    functions, volumes, energy = figure.axes
    assert sum(line.get_marker() == "x" for line in functions.lines) == 3
    line = next(line for line in volumes.lines if "slope" in str(line.get_label()))
    slope = np.polyfit(line.get_xdata(), line.get_ydata(), 1)[0]
    assert slope == pytest.approx(-0.2 / 1.2)
    drawn = next(line for line in energy.lines if "Delta" in str(line.get_label()))
    np.testing.assert_allclose(drawn.get_ydata(), steps**2)
