"""Figures of the density functional, from small tables."""

import numpy as np
import pandas as pd
import pytest

from ljmix import plotting

Z = np.linspace(0, 10, 50)


def drawn(figure, panels):
    axes = [part for part in figure.axes if part.get_visible()]
    assert len(axes) == panels
    assert all(part.has_data() for part in axes)
    figure.canvas.draw()


def test_rods():
    curve = pd.DataFrame(
        [(n, c, d, 0.1 + 0.01 * d) for n in (10, 30) for c in (0, 1000) for d in range(3)],
        columns=["profiles", "configurations", "draw", "c1_error"],
    )
    drawn(plotting.plot_rods(Z, np.ones(50), -np.ones(50), {"learned": -np.ones(50)}, curve), 3)
    with pytest.raises(ValueError, match="curve: column 'c1_error' is missing"):
        plotting.plot_rods(Z, Z, Z, {}, curve.drop(columns="c1_error"))


def test_profiles():
    table = pd.DataFrame({"field": "a", "z": Z, "rho": 0.5, "rho_sem": 0.01, "theory": 0.4, "learned": 0.5})
    drawn(plotting.plot_field_profiles(table, {"a": "a slit"}), 1)
    with pytest.raises(ValueError, match="profiles: column 'learned' is missing"):
        plotting.plot_field_profiles(table.drop(columns="learned"), {"a": "a slit"})


def test_the_uniform_fluid():
    errors = pd.DataFrame({"model": ["theory", "learned"], "density": 0.5, "error": [0.1, 0.01], "noise": 0.002})
    structure = pd.DataFrame({"density": 0.5, "k": Z, "s": 1.0, "theory": 1.0, "learned": 1.0})
    drawn(plotting.plot_uniform_fluid(errors, structure, {"learned": (Z, np.ones(50))}), 3)


def test_the_learning_curve():
    curve = pd.DataFrame({"case": ["theory", "all", "all"], "fields": [0, 6, 12], "profile_median": [0.04, 0.02, 0.01]})
    drawn(
        plotting.plot_learning_curve(curve.assign(structure_rms=0.1), {"profile_median": 0.015, "structure_rms": 0.05}),
        2,
    )


def test_coexistence():
    binodals = pd.DataFrame(
        {"model": "learned", "temperature": [0.8, 0.9], "vapour": [0.02, 0.04], "liquid": [0.73, 0.66]}
    )
    simulated = pd.DataFrame({"temperature": [0.79], "liquid": [0.7361]})
    drawn(plotting.plot_coexistence(binodals, simulated, {"learned": (1.1, 0.3)}, Z, Z), 2)


def test_two_liquids():
    liquids = pd.DataFrame(
        [(m, e, t, 0.01 * t) for m in ("learned", "theory") for e in (0.2, 0.4) for t in (0.8, 1.0)],
        columns=["model", "epsilon_ab", "temperature", "fraction_b"],
    )
    observed = pd.DataFrame(
        {"epsilon_ab": [0.2], "temperature": [0.8], "fraction_b": [0.01], "fraction_b_sem": [1e-3], "alike": [0.011]}
    )
    tensions = pd.DataFrame({"model": ["learned"] * 2, "epsilon_ab": [0.2, 0.4], "tension": [0.6, 0.5]})
    drawn(plotting.plot_two_liquids(liquids, observed, Z, np.ones((2, 50)), tensions), 3)
    with pytest.raises(ValueError, match="observed: column 'fraction_b_sem' is missing"):
        plotting.plot_two_liquids(liquids, observed.drop(columns="fraction_b_sem"), Z, np.ones((2, 50)), tensions)


def test_a_channel():
    x, z = (part.ravel() for part in np.meshgrid(np.arange(20.0), np.arange(8.0)))
    line = pd.DataFrame({"place": Z, "learned": 0.5, "start0": 0.5, "start1": 0.6, "sem": 0.01})
    drawn(plotting.plot_channel(pd.DataFrame({"x": x, "z": z, "rho": 0.5}), line, line, ((5.0, 4.0),)), 4)
    with pytest.raises(ValueError, match="across: column 'sem' is missing"):
        plotting.plot_channel(pd.DataFrame({"x": x, "z": z, "rho": 0.5}), line, line.drop(columns="sem"), ())


def test_costs():
    cost = pd.DataFrame(
        {
            "field": "test-slit0", "source": ["simulation", "simulation", "functional"],
            "cpu_seconds": [1.0, 4.0, 0.1], "error": [0.02, 0.01, 0.01],
        }
    )  # fmt: skip
    drawn(plotting.plot_cost(cost), 1)
    with pytest.raises(ValueError, match="cost: column 'error' is missing"):
        plotting.plot_cost(cost.drop(columns="error"))
