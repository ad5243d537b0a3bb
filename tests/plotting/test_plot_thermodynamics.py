"""Figures of thermodynamics: on the page, drawn from what they are given, and what they refuse."""

import numpy as np
import pandas as pd
import pytest

from ljmix.plotting import (
    plot_activity,
    plot_kirkwood_buff,
    plot_mean_force,
    plot_routes,
    plot_solutes,
    plot_transport,
)
from ljmix.state import PAIRS
from tests.plotting.checks import assert_nothing_is_clipped

RNG = np.random.default_rng(3)


def derived(n=40):
    waves = np.exp(RNG.normal(-0.3, 0.5, n))
    return pd.DataFrame(
        {
            "size_ratio": RNG.choice([0.5, 1.0, 1.5, 2.0], n), "factor_waves": waves, "factor_waves_sem": 0.1 * waves,
            "factor_rdf": waves * np.exp(RNG.normal(0, 0.1, n)), "factor_rdf_sem": 0.15 * waves,
            "factor_difference_sem": 0.12 * waves,
        }
    )  # fmt: skip


def test_integrals():
    ends = np.arange(3.0, 7.0, 0.05)
    running = pd.concat(
        pd.DataFrame({"pair": pair, "r_max": ends, "raw": k + np.sin(ends), "corrected": float(k)})
        for k, pair in enumerate(PAIRS)
    )
    figure = plot_kirkwood_buff(running, {pair: (float(k), 0.2) for k, pair in enumerate(PAIRS)}, derived())
    assert_nothing_is_clipped(figure)
    integrals, _, spread = figure.axes
    drawn = [line.get_ydata() for line in integrals.lines if len(line.get_xdata()) == len(ends)]
    assert sum(np.ptp(y) == 0 for y in drawn) == 3
    assert spread.get_xlim() == (-4, 4)
    with pytest.raises(ValueError, match="derived: column 'factor_rdf' is missing"):
        plot_kirkwood_buff(running, {}, derived().drop(columns="factor_rdf"))


def test_activity():
    x = np.linspace(0, 0.5, 11)
    curves = pd.concat(
        pd.DataFrame(
            {"label": f"S {s:g}", "size_ratio": s, "fraction_b": x, "log_activity": -s * x, "log_activity_sem": 0.1 * x,
             "theory": -x}
        ) for s in (0.5, 1.0)
    )  # fmt: skip
    truth = RNG.normal(0, 5, 30)
    slopes = pd.DataFrame(
        {"size_ratio": 1.0, "from_enthalpy": truth, "from_enthalpy_sem": 0.5, "from_factor_sem": 2.0,
         "from_factor": truth + RNG.normal(0, 2, 30)}
    )  # fmt: skip
    figure = plot_activity(curves, slopes, (0.97, 0.08))
    assert_nothing_is_clipped(figure)
    labels = [text.get_text() for text in figure.axes[1].get_legend().get_texts()]
    assert "slope 0.97 ± 0.08" in labels
    with pytest.raises(ValueError, match="slopes: the table has no row"):
        plot_activity(curves, slopes.iloc[:0], (1.0, 0.1))


def test_solutes():
    keys = [(t, s, e) for t in (1.0, 1.4) for s in (0.5, 1.5) for e in (0.2, 0.6, 1.0)]
    values = pd.DataFrame(keys, columns=["temperature", "size_ratio", "epsilon_ab"])
    values = values.assign(route="growth", mu=3 - 4 * values["epsilon_ab"], mu_sem=0.05)
    theory = values.drop(columns=["route", "mu_sem"]).assign(mu_scaled=values["mu"] + 0.2)
    figure = plot_solutes(values, theory)
    assert_nothing_is_clipped(figure)
    assert figure.axes[0].get_title(loc="right") == "$T^*$ 1.4"


def test_forces():
    r = np.arange(0.9, 6.0, 0.05)
    curves = pd.concat(
        pd.DataFrame({"epsilon_ab": e, "r": r, "w": -e * np.exp(-((r - 1.1) ** 2) * 20), "w_sem": 0.05,
                      "direct": -np.exp(-((r - 1.1) ** 2) * 20)}) for e in (0.2, 0.6, 1.0)
    )  # fmt: skip
    wells = pd.DataFrame(
        {"size_ratio": [1.0, 1.0, 2.0], "epsilon_ab": [0.2, 1.0, 1.0], "depth": 1.0, "depth_sem": 0.1,
         "solvent": [0.5, 0.1, -0.4], "barrier": 1.5, "barrier_sem": 0.1}
    )  # fmt: skip
    assert_nothing_is_clipped(plot_mean_force(curves, wells))


def test_transport_with_and_without_boxes():
    state = {"temperature": 1.0, "fraction_b": 0.5, "size_ratio": 1.0, "epsilon_ab": 1.0}
    boxes = pd.DataFrame([state | {"species": "A", "box_edge": edge, "diffusion": 0.1 - 0.1 / edge,
                                   "diffusion_sem": 0.001, "infinite": 0.1, "infinite_sem": 0.001}
                          for edge in (7.0, 10.0, 14.0)])  # fmt: skip
    entropy = -RNG.uniform(1, 4, 40)
    scaled = pd.DataFrame(
        {"size_ratio": RNG.choice([1.0, 1.5], 40), "species": RNG.choice(["A", "B"], 40), "entropy": entropy,
         "reduced_diffusion": 0.6 * np.exp(0.8 * entropy)}
    )  # fmt: skip
    figure = plot_transport(boxes, scaled)
    assert_nothing_is_clipped(figure)
    fit = next(line for line in figure.axes[1].lines if "fit" in str(line.get_label()))
    slope = np.polyfit(fit.get_xdata(), np.log(fit.get_ydata()), 1)[0]
    assert slope == pytest.approx(-0.8)
    assert_nothing_is_clipped(plot_transport(pd.DataFrame(), scaled))


def test_routes_far_out_are_drawn_at_the_edge():
    truths = pd.DataFrame({"quantity": "energy", "first_route": "one", "second_route": "other", "z": [0.0, 1.0, -40.0]})
    figure = plot_routes(truths, [("energy", "one", "other")] * 3)
    assert_nothing_is_clipped(figure)
    drawn = np.concatenate([np.ravel(line.get_xdata()) for line in figure.axes[0].lines])
    assert drawn.min() == pytest.approx(-13.0)  # the mean; what is drawn of the point lies at -6.3
    assert np.isclose(drawn, -6.3).any()
