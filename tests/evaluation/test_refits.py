"""Networks that are taken from shipped fits predict as those that are fitted, and what was made anew is compared."""

import json

import numpy as np
import pandas as pd
import pytest

from ljmix.data.dataset import learning_table, split_by_temperature, write_table
from ljmix.data.identity import identify
from ljmix.evaluation import refits
from ljmix.evaluation.fits import fit_group, group_names, solve_theory
from ljmix.evaluation.refits import NETWORKS, SCALING_FITS, Refits
from ljmix.evaluation.run import evaluate, evaluate_interpolation
from ljmix.evaluation.scaling import scale_data
from ljmix.models import theory
from ljmix.models.networks.network import Network
from ljmix.models.processes.gaussian_process import slope_states
from ljmix.models.registry import make_model

EPOCHS = 3


@pytest.fixture(scope="module")
def every(dataset):
    """Three seeds, all of them fitted."""
    return {
        "extrapolation": evaluate(dataset, "extrapolation", ["mlp", "xgboost"], 3, epochs=EPOCHS),
        "interpolation": evaluate_interpolation(dataset, ["mlp", "xgboost"], 3, epochs=EPOCHS),
    }


@pytest.fixture
def shipped(every, dataset, tmp_path):
    table = pd.concat([found.networks for found in every.values()], ignore_index=True)
    write_table(table, tmp_path / f"{NETWORKS}.parquet", {"dataset": identify(dataset)})
    return tmp_path


def without_times(metrics):
    return {
        model: {key: value for key, value in values.items() if "seconds" not in key}
        for model, values in metrics.items()
    }


def test_one_seed_anew_and_the_others_as_shipped_are_all_seeds_anew(every, shipped, dataset, monkeypatch):
    """To the last bit, and the others are not fitted in secret."""
    fitted = []
    begin = Network.begin
    monkeypatch.setattr(
        Network, "begin", lambda self, *rows: fitted.append((self.name, self.seed)) or begin(self, *rows)
    )
    kept = refits.read_refits("one", shipped, dataset)
    again = {
        "extrapolation": evaluate(dataset, "extrapolation", ["mlp", "xgboost"], 3, refits=kept, epochs=EPOCHS),
        "interpolation": evaluate_interpolation(dataset, ["mlp", "xgboost"], 3, refits=kept, epochs=EPOCHS),
    }
    assert fitted == [("mlp", 0), ("mlp", 0)]
    for task, found in again.items():
        assert json.dumps(without_times(found.metrics)) == json.dumps(without_times(every[task].metrics))
        pd.testing.assert_frame_equal(found.predictions, every[task].predictions, check_exact=True)
        pd.testing.assert_frame_equal(found.losses, every[task].losses, check_exact=True)
        assert found.networks["made"].tolist() == [True, False, False]
        compared = refits.compare_fits(every[task].networks, found.networks, NETWORKS)
        assert compared["verdict"].tolist() == ["identical", "taken", "taken"]
        said = refits.describe_fits(compared)
        assert said == (
            "1 fits of networks made anew: 1 identical, 0 close, 0 different; "
            "2 taken from the shipped ones: mlp, seeds 1, 2"
        )


def test_what_is_not_shipped_for_these_data_and_settings_is_fitted(shipped, dataset):
    """Other epochs, no such file, another dataset, or all asked for: nothing is taken."""
    network = make_model("mlp", 1, epochs=EPOCHS)
    taken = refits.read_refits("one", shipped, dataset).take_network("extrapolation", network, 1)
    assert taken is not None
    assert not taken.made
    other = dataset.select(dataset.states["size_ratio"] == dataset.states["size_ratio"].min())
    for kept, model in (
        (refits.read_refits("one", shipped, dataset), make_model("mlp", 1, epochs=EPOCHS + 1)),
        (refits.read_refits("one", shipped, dataset), make_model("mlp", 1, plateau=EPOCHS)),
        (refits.read_refits("one", shipped / "nowhere", dataset), network),
        (refits.read_refits("one", shipped, other), network),
        (refits.read_refits("all", shipped, dataset), network),
        (refits.read_refits("one", shipped, dataset), make_model("xgboost", 1)),
    ):
        assert kept.take_network("extrapolation", model, 1) is None
    with pytest.raises(ValueError, match="refit = 'some' is unknown; choose one of one, all"):
        Refits("some")


def test_a_fit_that_differs_is_told(every):
    shipped = every["extrapolation"].networks
    found = shipped.copy()
    spread = shipped["r2"].std()
    found["weights"] = [row + 1e-3 for row in found["weights"]]
    found["r2"] += [0.5 * spread, 10 * spread, 0]
    found.loc[2, "settings"] = "{}"
    compared = refits.compare_fits(shipped, found, NETWORKS)
    assert compared["verdict"].tolist() == ["close", "different", "new"]
    said = refits.describe_fits(compared)
    assert "0 identical, 1 close, 1 different, 1 with nothing shipped to compare them with" in said
    assert "extrapolation, mlp, 1: R²" in said


def test_where_nothing_is_shipped_all_fits_are_new(every, dataset, tmp_path):
    found = every["extrapolation"].networks
    compared = refits.compare_fits(refits.read_fits(tmp_path, NETWORKS, dataset), found, NETWORKS)
    assert set(compared["verdict"]) == {"new"}
    assert "3 with nothing shipped to compare them with" in refits.describe_fits(compared)


def test_scaling_uses_networks_of_the_step_before_and_shipped_scores(every, dataset, tmp_path, monkeypatch):
    train, _ = split_by_temperature(dataset)
    sizes = [200, len(learning_table(train))]
    asked = {"rows": (["mlp", "xgboost"], sizes), "epochs": EPOCHS}
    alone = scale_data(dataset, 3, **asked)
    whole = alone.rows["mlp"][-1]
    assert whole["r2_mean"] == pytest.approx(every["extrapolation"].metrics["mlp"]["r2"]["all"], abs=1e-12)
    about = {"dataset": identify(dataset)}
    write_table(every["extrapolation"].networks, tmp_path / f"{NETWORKS}.parquet", about)
    write_table(alone.fits, tmp_path / f"{SCALING_FITS}.parquet", about)
    fitted = []
    begin = Network.begin
    monkeypatch.setattr(
        Network, "begin", lambda self, *rows: fitted.append((self.seed, len(rows[1]))) or begin(self, *rows)
    )
    for mode, expected in (("all", [(0, 200), (1, 200), (2, 200)]), ("one", [(0, 200)])):
        fitted.clear()
        kept = refits.read_refits(mode, tmp_path, dataset, done=tmp_path)
        again = scale_data(dataset, 3, refits=kept, **asked)
        assert fitted == expected, mode
        assert again.rows == alone.rows
    compared = refits.compare_fits(alone.fits, again.fits, SCALING_FITS)
    assert set(compared.loc[compared["seed"] == 0, "verdict"]) == {"identical"}


def test_models_that_share_learn_once_and_as_they_do_alone(dataset, monkeypatch):
    train, test = split_by_temperature(dataset)
    names = ["theory-difference", "xgboost", "gaussian-process", "theory-guided"]
    assert group_names(names) == [("theory-difference", "gaussian-process", "theory-guided"), ("xgboost",)]
    assert group_names(names[:3]) == [("theory-difference",), ("xgboost",), ("gaussian-process",)]
    together = fit_group(group_names(names)[0], train, 0, {}, timed=True)
    r, _ = test.curve_array()
    for name, fit in together.items():
        alone = make_model(name).fit(train)
        np.testing.assert_array_equal(fit.model.predict(test.states, r), alone.predict(test.states, r))
        assert fit.model.name == name
    parts = [together[name].seconds for name in ("theory-difference", "gaussian-process")]
    assert together["theory-guided"].seconds == pytest.approx(sum(parts))


def test_a_plateau_is_trained_without_early_stopping_and_the_early_one_stands_beside_it():
    assert (make_model("mlp", plateau=7).epochs, make_model("mlp", plateau=7).patience) == (7, 7)
    assert make_model("mlp-tuned", plateau=7).patience == 7
    early, usual = make_model("mlp-early", epochs=5, plateau=7), make_model("mlp", epochs=5)
    assert early.get_params() | {"name": "mlp"} == usual.get_params()
    with pytest.raises(ValueError, match="plateau = -1: must be at least 0"):
        make_model("mlp", plateau=-1)


def test_what_theory_has_solved_is_handed_on(dataset, monkeypatch):
    """All that a process asks for, and to the last bit: whatever is solved beside a state makes no difference."""
    few = dataset.select(np.isin(np.arange(len(dataset.states)), [3, 17, 30]))
    r, _ = few.curve_array()
    theory.clear_solution_cache()
    alone = [theory.expected_log_cavity(few.states.iloc[[k]], r) for k in range(3)]
    theory.clear_solution_cache()
    solved = solve_theory(few, {}, 1, False)
    assert len(solved) == 9
    theory.clear_solution_cache()
    theory.remember_solutions(solved)
    monkeypatch.setattr(theory, "solve_cavity", lambda *_: pytest.fail("a state was solved again"))
    for states in slope_states(few.states):
        theory.expected_log_cavity(states, r)
    np.testing.assert_array_equal(theory.expected_log_cavity(few.states, r), np.concatenate(alone))
    assert solve_theory(few, solved, 1, False).keys() == solved.keys()
    theory.clear_solution_cache()
