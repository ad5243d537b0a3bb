"""The public face: what a newcomer types, and what is said when it is not right."""

import subprocess
import sys

import gsd.hoomd
import numpy as np
import pandas as pd
import pytest

import ljmix
from ljmix.potential import SUBSTANCES
from ljmix.state import PARAMETERS

STATE = ljmix.StatePoint(temperature=0.9, fraction_b=0.3, size_ratio=1.2, epsilon_ab=0.7)
SMALL = ljmix.load_profile(
    "smoke", box_edge=8.0, r_max=3.0, min_particles_b=2, steps_equilibration=200, steps_production=600,
    steps_production_slow=600, steps_max=800, segment_steps=200, frame_interval=20, trajectory_interval=100,
)  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return ljmix.simulate(STATE, SMALL, folder=str(tmp_path_factory.mktemp("runs")))


@pytest.fixture(scope="module")
def data():
    return ljmix.load_reference()


@pytest.fixture(scope="module")
def model():
    return ljmix.load_model("gaussian-process")


def test_every_public_name_is_there_and_documented():
    for name in ljmix.__all__:
        assert getattr(ljmix, name) is not None
        assert name == "__version__" or getattr(ljmix, name).__doc__
        assert name in dir(ljmix)
    with pytest.raises(AttributeError, match=r"has no attribute 'simulat'; it has Dataset, .*simulate"):
        _ = ljmix.simulat


def test_importing_the_package_loads_no_heavy_library():
    heavy = {"matplotlib", "xgboost", "sklearn", "papermill", "freud", "pandas", "numba"}
    code = f"import sys, ljmix; print(sorted({heavy!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_simulation_gives_curves_series_and_a_trajectory(run):
    rdf = run.rdf()
    assert list(rdf.columns[:4]) == ["pair", "r", "g", "g_sem"]
    assert len(rdf) == 3 * SMALL.n_bins
    assert (rdf["g_sem"] >= 0).all()
    assert run.thermo["step"].iloc[-1] == 800
    with gsd.hoomd.open(run.trajectory) as trajectory:
        assert trajectory[-1].particles.N == run.averages["n_particles"] == len(run.configuration().types)
    assert STATE.state_id in str(run)
    assert str(run.folder) in str(run)


def test_the_same_call_returns_what_is_there_and_another_seed_is_another_run(run, capsys):
    before = {path: path.stat().st_mtime_ns for path in run.folder.rglob("*.npz")}
    root = run.folder.parents[1]
    again = ljmix.simulate(STATE, SMALL, folder=root)
    assert f"writes to {root}" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in again.folder.rglob("*.npz")} == before
    other = ljmix.simulate(STATE, SMALL, folder=root, seed=1)
    assert other.folder != run.folder
    assert not np.allclose(other.rdf()["g"], run.rdf()["g"])


def test_a_density_can_be_held(run):
    held = ljmix.simulate(STATE, SMALL, folder=run.folder.parents[1], density=0.6)
    volume = held.thermo["volume"]
    assert np.ptp(volume) < 1e-9 * volume.mean()
    assert held.averages["n_particles"] / volume.iloc[0] == pytest.approx(0.6, rel=1e-6)
    # At a lower density than the liquid's the pressure is below the barostat's.
    assert held.thermo["pressure"].iloc[10:].mean() < run.thermo["pressure"].iloc[10:].mean()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"state": (0.9, 0.3, 1.2, 0.7)}, r"must be a ljmix\.StatePoint, for instance"),
        ({"profile": "quik"}, "profile 'quik' is unknown; choose one of smoke, quick"),
        ({"engine": "lamps"}, "engine = 'lamps' is unknown"),
        ({"device": "gpuu"}, "device = 'gpuu' is unknown"),
        ({"density": -0.5}, r"density = -0\.5: must be above 0"),
        ({"density": float("nan")}, "density = nan: must be a finite number"),
        ({"seed": -1}, "replica = -1: must be at least 0"),
    ],
)
def test_bad_arguments_are_one_sentence_and_write_nothing(arguments, message, tmp_path):
    with pytest.raises(ValueError, match=message) as caught:
        ljmix.simulate(**{"state": STATE, "profile": SMALL, "folder": tmp_path / "new"} | arguments)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "new").exists()


def test_a_system_too_small_names_the_box(tmp_path):
    with pytest.raises(ValueError, match="fills a box of edge"):
        ljmix.simulate(STATE, ljmix.load_profile("smoke", box_edge=5.0), folder=tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_the_reference_answers_for_its_states_and_says_what_is_near(data):
    assert len(data.states) == 500
    known = ljmix.StatePoint(0.8, 0.2, 1.5, 0.6)
    curves = data.curves(known)
    assert list(curves.columns[:4]) == ["pair", "r", "g", "g_sem"]
    assert curves["pair"].value_counts().tolist() == [140] * 3
    near = data.near(STATE, 5)
    assert near.states["distance"].is_monotonic_increasing
    spans = {name: np.ptp(data.states[name]) for name in PARAMETERS}
    first = near.states.iloc[0]
    expected = np.sqrt(sum(((first[name] - getattr(STATE, name)) / span) ** 2 for name, span in spans.items()))
    assert first["distance"] == pytest.approx(expected)
    # Whatever the order of the rows, nothing of the dataset is nearer.
    squares = sum(((data.states[name] - getattr(STATE, name)) / span) ** 2 for name, span in spans.items())
    assert first["distance"] == pytest.approx(np.sqrt(squares.min()))
    assert near.near(STATE).states["state_id"].tolist() == [first["state_id"]]
    with pytest.raises(ValueError, match=r"is not in the dataset; the nearest state, T\S+, is 0\.\d+ away"):
        data.curves(STATE)
    with pytest.raises(ValueError, match="n = 0: must lie between 1 and the 500 states"):
        data.near(STATE, 0)


def test_a_shipped_model_answers_for_any_mixture(model, data):
    known = data.states[data.states["converged"] & (data.states["phase"] == "mixed")].iloc[:3]
    table = model.predict(known)
    assert table["state_id"].unique().tolist() == known["state_id"].tolist()
    r, g = data.select(data.states["state_id"].isin(known["state_id"])).curve_array()
    # It has learned from these very curves: it reproduces them nearly to their noise.
    assert np.sqrt(np.mean((table["g"].to_numpy().reshape(3, 3, -1) - g) ** 2)) < 0.02
    np.testing.assert_allclose(table["r"].unique(), r)
    one = model.predict(STATE)
    several = model.predict([STATE, ljmix.StatePoint(1.1, 0.2, 0.8, 0.9)], r=[1.0, 2.0])
    assert len(several) == 2 * 3 * 2
    assert one.loc[one["r"] < 0.8, "g"].abs().max() < 1e-6
    assert (one["g_sem"] >= 0).all()


def test_a_model_tells_how_its_kind_does_on_what_it_has_not_seen(capsys):
    ljmix.load_model("gaussian-process")
    said = capsys.readouterr().out
    assert "trained on 500 states" in said
    assert "on unseen size ratios" in said


@pytest.mark.parametrize(
    ("states", "message"),
    [
        ("warm", "states = 'w': must be a ljmix.StatePoint, a list of them, or a table"),
        (3, "states = 3: must be"),
        ([], r"states = \[\]: must be"),
        ([(1, 2, 3, 4)], r"states = \(1, 2, 3, 4\): must be"),
        (pd.DataFrame({"temperature": [1.0]}), "column 'fraction_b' is missing"),
    ],
)
def test_a_model_says_what_it_takes(model, states, message):
    with pytest.raises(ValueError, match=message):
        model.predict(states)


def test_distances_beyond_what_models_learn_are_refused(model):
    with pytest.raises(ValueError, match="5"):
        model.predict(STATE, r=[1.0, 7.0])


@pytest.mark.parametrize("name", ["str", "random-forest", "/nowhere/at-all"])
def test_a_model_that_is_not_there_is_one_sentence(name):
    with pytest.raises(
        ValueError, match="is not shipped, nor a folder with a trained model; shipped: gaussian-process"
    ):
        ljmix.load_model(name)


def test_curves_of_all_kinds_are_drawn_together(run, data, model):
    figure = ljmix.plot_rdf(run, data.near(STATE, 2), model.predict(STATE))
    panels = figure.axes
    assert [axes.get_title() for axes in panels] == ["AA", "AB", "BB"]
    labels = [line.get_label() for line in panels[0].get_lines() if not line.get_label().startswith("_")]
    assert len(labels) == 4
    # A run this short has not converged, and the legend says so.
    assert "simulated" in labels[0]
    assert "(not converged)" in labels[0]
    drawn = panels[0].get_lines()[0].get_ydata()
    np.testing.assert_allclose(drawn, run.rdf().query("pair == 'AA'")["g"])


def test_without_a_surrogate_it_is_said_how_one_is_trained():
    """None is shipped before version 2 of the data; whoever ships one has this test say what it says then."""
    said = r"^no surrogate is shipped with this version; `python -m ljmix\.surrogate\.training --output my-surrogate`"
    ask = {
        "load": ljmix.load_surrogate,
        "infer": lambda: ljmix.infer([1.0, 2.0, 3.0, 4.0], np.ones((3, 4)), np.full((3, 4), 0.1)),
        "propose": lambda: ljmix.propose(3),
    }
    for name, call in ask.items():
        with pytest.raises(FileNotFoundError, match=said) as error:
            call()
        assert "\n" not in str(error.value), name


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/nowhere/at-all", "/nowhere/at-all holds no surrogate"),
        (3, "path = 3: must be the name of a file or folder"),
        ("", "path = '': must be the name of a file or folder"),
    ],
)
def test_a_surrogate_that_is_not_there_is_one_sentence(path, message):
    with pytest.raises((FileNotFoundError, ValueError), match=message):
        ljmix.load_surrogate(path)


def test_what_is_no_surrogate_is_refused():
    with pytest.raises(ValueError, match="surrogate = 3: must be a Surrogate, for instance"):
        ljmix.propose(3, surrogate=3)


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        ((), "0 states to draw; give between 1 and 6"),
        (("curve",), "str cannot be drawn; give a simulation, a dataset or a table of curves"),
        ((pd.DataFrame({"r": [1.0]}),), "table of curves"),
    ],
)
def test_what_cannot_be_drawn_is_said(sources, message):
    with pytest.raises(ValueError, match=message):
        ljmix.plot_rdf(*sources)


def test_too_many_curves_cannot_be_told_apart(data):
    with pytest.raises(ValueError, match="7 states to draw; give between 1 and 6"):
        ljmix.plot_rdf(data.near(STATE, 7))


def test_reduced_units_of_argon():
    """τ = 2.156 ps and ε/σ³ = 41.9 MPa, as textbooks give them (Allen and Tildesley 2017, appendix)."""
    argon = ljmix.real_units("argon")
    assert argon["time"] == pytest.approx(2.156, abs=0.001)
    assert argon["pressure"] == pytest.approx(41.9, abs=0.05)
    # The triple point of argon, 83.8 K and 1.417 g/cm³, lies at T* = 0.70 and ρ* = 0.84.
    assert 83.8 / argon["temperature"] == pytest.approx(0.70, abs=0.005)
    assert 1.417 / argon["mass_density"] == pytest.approx(0.84, abs=0.01)
    assert set(SUBSTANCES) == {"argon", "krypton"}
    with pytest.raises(ValueError, match="substance = 'xenon' is unknown; choose one of argon, krypton"):
        ljmix.real_units("xenon")
