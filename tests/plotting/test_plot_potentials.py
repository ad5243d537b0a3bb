"""Figures of learned potentials: what is in them, and that nothing is lost at the edges."""

import numpy as np
import pandas as pd
import pytest

from ljmix.plotting import (
    plot_compositions,
    plot_demixing,
    plot_doubt,
    plot_drift,
    plot_inversion,
    plot_learned_mean_force,
    plot_learned_potential,
    plot_learning,
    plot_lessons,
    plot_long_runs,
    plot_transfer,
)
from tests.plotting.checks import assert_nothing_is_clipped

RNG = np.random.default_rng(1)


def scores(n):
    sizes = {name: 10 ** RNG.uniform(-4, -1, n) for name in ("energy_bias", "pressure_bias")}
    return pd.DataFrame({"force_error": RNG.uniform(0.01, 1, n), "force_size": 15.0, **sizes})


def learning():
    keys = [
        (world, kind, weights, n, draw)
        for world in ("lennard-jones", "three-body")
        for kind in ("pair spline", "POD, pairs", "POD, triplets")
        for weights in ("forces", "forces, energy", "forces, energy, virial")
        for n in (1, 4, 12)
        for draw in range(2)
    ]
    table = pd.DataFrame(keys, columns=["world", "potential", "weights", "n_frames", "draw"])
    return pd.concat([table, scores(len(keys))], axis=1)


def curve_table(**more):
    rows = [pd.DataFrame({"pair": pair, "r": np.linspace(0.9, 2.5, 9)}) for pair in ("AA", "AB", "BB")]
    table = pd.concat(rows, ignore_index=True)
    return table.assign(u=0.1, f=0.2, u_sem=0.001, f_sem=0.01, **more)


def mean_forces():
    kinds = [(world, kind) for world in ("lennard-jones", "three-body") for kind in ("truth", "pair")]
    tables = [curve_table(world=world, potential=kind, w=0.1 * (kind == "pair"), w_sem=0.01) for world, kind in kinds]
    return pd.concat(tables, ignore_index=True)


RUNS = pd.DataFrame(
    [
        {"world": world, "potential": kind, "pressure": 1.0, "d_a": 0.1, "d_b": 0.2, "misfit": 1e-3 * (1 + k)}
        for world in ("lennard-jones", "three-body")
        for kind in ("truth", "pair")
        for k in range(3)
    ]
)
TRANSFER = pd.DataFrame(
    [
        {"temperature": 1.0, "fraction_b": c, "size_ratio": s, "draw": draw, "way": way}
        for c, s, way in ((0.35, 0.5, "as it is"), (0.35, 1.0, "as it is"), (0.35, 1.0, "stretched"))
        for draw in range(3)
    ]
)
SERIES = pd.DataFrame(
    {"potential": ["truth"] * 5 + ["pair"] * 5, "draw": 0, "step": [*range(1000, 6000, 1000)] * 2, "waves": 2.0}
)
ACTIVE = pd.DataFrame(
    {"policy": ["doubtful", "doubtful", "random"], "draw": 0, "n_frames": [4, 5, 4], "doubt": 1.0, "error": [3, 1, 3]}
)
LEGS = pd.DataFrame(
    [
        {"world": world, "potential": kind, "leg": leg, "n": 200, "atom_steps": 200e4, "energy": -3.0 + 0.01 * leg,
         "energy_sem": 0.01, "pressure": 1.0, "pressure_sem": 0.05}
        for world, kind in (("lennard-jones", "pair"), ("three-body", "pair"), ("three-body", "many-body"))
        for leg in range(3)
    ]
)  # fmt: skip
TRUTH = pd.DataFrame({"world": ["lennard-jones", "three-body"], "energy": -3.0, "pressure": 1.0})
PARTICLES = pd.DataFrame({"doubt": RNG.uniform(0.1, 1, 50), "error": RNG.uniform(0.1, 1, 50)})


@pytest.fixture(scope="module")
def figures():
    curves, both = curve_table(draw=0, iteration=2), learning()
    inverted = pd.DataFrame({"draw": 0, "iteration": [-1, 0, 1, 2], "misfit": [0, 0.1, 0.01, 0.01], "pressure": 1.0})
    return {
        "potential": plot_learned_potential(curve_table(), curve_table()[["pair", "r", "u", "f"]]),
        "learning": plot_learning(learning()),
        "lessons": plot_lessons(learning()),
        "transfer": plot_transfer(pd.concat([TRANSFER, scores(len(TRANSFER))], axis=1)),
        "doubt": plot_doubt({"lennard-jones": PARTICLES, "three-body": PARTICLES}, ACTIVE),
        "runs": plot_long_runs(RUNS, RUNS),
        "inversion": plot_inversion(curves, inverted, curve_table()),
        "demixing": plot_demixing(SERIES),
        "compositions": plot_compositions(both.assign(compositions=["0.1", "0.1 and 0.5"] * (len(both) // 2))),
        "drift": plot_drift(LEGS, TRUTH),
        "mean force": plot_learned_mean_force(mean_forces()),
    }


NAMES = ["potential", "learning", "lessons", "transfer", "doubt", "runs", "inversion", "demixing", "compositions"]


@pytest.mark.parametrize("name", [*NAMES, "drift", "mean force"])
def test_nothing_is_clipped(figures, name):
    assert_nothing_is_clipped(figures[name])


def test_every_draw_is_a_marker(figures):
    panel = figures["learning"].axes[0]
    assert len(panel.lines) == 6
    assert sum(len(line.get_xdata()) for line in panel.lines) == 3 * (18 + 3)
    rows = figures["transfer"].axes[0]
    assert [label.get_text().endswith("stretched") for label in rows.get_yticklabels()] == [False, False, True]
    assert len(figures["runs"].axes) == 8
    assert len(figures["doubt"].axes[2].lines) == 2


def test_missing_columns_are_told():
    with pytest.raises(ValueError, match="table: column 'pressure_bias' is missing"):
        plot_learning(learning().drop(columns="pressure_bias"))
    with pytest.raises(ValueError, match="series: column 'waves' is missing"):
        plot_demixing(SERIES.drop(columns="waves"))


def test_drift_is_away_from_the_truth_of_its_world(figures):
    energy = figures["drift"].axes[0]
    markers = [line for line in energy.lines if line.get_marker() in ("o", "s", "^")]
    np.testing.assert_allclose(markers[0].get_ydata(orig=False), [0.0, 0.01, 0.02], atol=1e-12)
    np.testing.assert_allclose(markers[0].get_xdata(orig=False), [1e4, 2e4, 3e4])


def test_mean_forces_are_held_against_the_truth(figures):
    learned = figures["mean force"].axes[1].lines[0]
    np.testing.assert_allclose(learned.get_ydata(), 0.1)
