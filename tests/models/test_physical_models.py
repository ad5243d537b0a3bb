"""Models with physics in them: that the physics is in them, that it can be left out, and what they know."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import multivariate_normal
from sklearn.metrics import r2_score

from ljmix.data.curves import curves_of
from ljmix.data.dataset import Dataset, learning_table, split_by_temperature
from ljmix.evaluation.ablation import ablate, variants
from ljmix.models.base import UncertainModel
from ljmix.models.networks.curve_network import CurveNetwork
from ljmix.models.processes.gaussian_process import CurveProcess
from ljmix.models.processes.ingredients import Ingredients, Scales
from ljmix.models.processes.kernel import covariance, place_states, prior_variance
from ljmix.models.registry import DETERMINISTIC, LEARNED, make_model
from ljmix.models.trees import PhysicsTrees
from ljmix.report.names import INGREDIENTS
from ljmix.scoring.groups import GROUP_LABELS
from ljmix.state import PAIRS, grid
from ljmix.theory.cavity import boltzmann_factors, log_cavity, pair_constants
from ljmix.theory.coexistence import coexisting_liquids, enrichment
from tests.conftest import synthetic_dataset


def curve_keys(dataset):
    return [(state, pair) for state in dataset.states["state_id"] for pair in PAIRS]


@pytest.fixture(scope="module")
def cavity(dataset):
    """Curves whose ln y is a straight line in β, another in every mixture: g = B exp(a + b β)."""
    states = dataset.states
    r = np.unique(dataset.rdf["r"])
    factor = boltzmann_factors(states, r, 0.05)
    beta = (1 / states["temperature"]).to_numpy()[:, None, None]
    share = states["fraction_b"].to_numpy()[:, None, None]
    slope = 0.4 * np.cos(3 * r) * (1 + share) * np.exp(-r / 2)
    g = factor * np.exp(0.2 * np.sin(2 * r) * np.exp(-r / 2) + slope * beta)
    curves = dict(zip(curve_keys(dataset), g.reshape(-1, len(r)), strict=True))
    keys = zip(dataset.rdf["state_id"], dataset.rdf["pair"], strict=True)
    place = np.searchsorted(r, dataset.rdf["r"])
    values = np.array([curves[key][k] for key, k in zip(keys, place, strict=True)])
    return Dataset(states, dataset.rdf.assign(g=values, g_sem=0.002 * (values > 1e-4)), {})


@pytest.fixture(scope="module")
def taught(cavity):
    """The same curves with their slopes ∂g/∂β."""
    beta = (1 / cavity.states["temperature"]).to_numpy()
    r, g = cavity.curve_array()
    ahead, behind = (
        cavity.states.assign(temperature=1 / (beta + 1e-4)),
        cavity.states.assign(temperature=1 / (beta - 1e-4)),
    )
    share = cavity.states["fraction_b"].to_numpy()[:, None, None]
    of_log = 0.4 * np.cos(3 * r) * (1 + share) * np.exp(-r / 2)
    factors = [boltzmann_factors(states, r, 0.05) for states in (ahead, behind)]
    of_log = of_log + np.where(
        g > 1e-6, np.log(np.maximum(factors[0], 1e-300) / np.maximum(factors[1], 1e-300)) / 2e-4, 0
    )
    table = cavity.rdf.sort_values(["state_id", "pair", "r"])
    slopes = dict(zip(curve_keys(cavity), (g * of_log).reshape(-1, len(r)), strict=True))
    values = np.concatenate([slopes[key] for key, _ in table.groupby(["state_id", "pair"], sort=False)])
    return Dataset(cavity.states, table.assign(g_dbeta=values, g_dbeta_sem=0.01 * (table["g"] > 1e-3)), {})


@pytest.fixture(scope="module")
def parts(cavity):
    return split_by_temperature(cavity)


def r2(model, train, test):
    r, g = test.curve_array()
    return r2_score(g.ravel(), model.fit(train).predict(test.states, r).ravel())


def test_process_goes_straight_on_where_the_truth_does(parts):
    """Better than copying by far: what is left is curvature that its kernel allows for."""
    train, test = parts
    process = r2(make_model("gaussian-process"), train, test)
    copied = r2(make_model("nearest-temperature"), train, test)
    print(f"process {process:.5f}, copy {copied:.5f}")
    assert 1 - process < 0.1 * (1 - copied)


def test_process_meets_its_training_curves(parts):
    train, _ = parts
    assert r2(make_model("gaussian-process"), train, train) > 0.999


def test_core_is_empty_and_nothing_is_negative(parts):
    train, test = parts
    r, _ = test.curve_array()
    for name in ("gaussian-process", "xgboost-physics"):
        g = make_model(name).fit(train).predict(test.states, r)
        assert (g >= 0).all()
        sigma, _ = pair_constants(test.states)
        core = r < 0.8 * sigma[..., None]
        assert g[core].max() < 0.01


def test_spread_is_larger_where_less_is_known(parts):
    train, test = parts
    r, _ = test.curve_array()
    model = make_model("gaussian-process").fit(train)
    assert isinstance(model, UncertainModel)
    strange = Dataset(test.states.assign(size_ratio=1.0), test.rdf, {})
    known, beyond, unknown = (model.predict_spread(part.states, r) for part in (train, test, strange))
    assert known.mean() < beyond.mean() < unknown.mean()


def test_no_spread_is_negative(parts):
    """Nor where bins that were never seen begin and the spread jumps: half of every curve is empty here."""
    train, test = parts
    empty = Dataset(train.states, train.rdf.assign(g=train.rdf["g"].where(train.rdf["r"] < 2.2, 0.0)), {})
    spread = CurveProcess().fit(empty).predict_spread(test.states, np.unique(test.rdf["r"]))
    assert spread.min() >= 0, f"smallest {spread.min():.4f}, median {np.median(spread):.4f}"


@pytest.mark.parametrize("slopes", [False, True])
def test_likelihood_is_that_of_a_joint_normal_distribution(taught, slopes):
    """Against SciPy's multivariate normal, bin by bin; a slope is a difference of two states a step apart."""
    few = taught.select((taught.states["fraction_b"] == 0.5) & taught.states["temperature"].between(0.7, 1.3))
    model = CurveProcess(replace(Ingredients(), scaled_distance=False, slopes=slopes)).fit(few)
    curves, n, step = curves_of(few), len(few.states), 0.02
    beta = 1 / few.states["temperature"]
    shifted = [few.states.assign(temperature=1 / (beta + shift)) for shift in (0.0, step, -step)]
    here, ahead, behind = (boltzmann_factors(states, curves.r, 0.05) for states in shifted)
    value, error = log_cavity(curves.g, curves.g_sem, here)
    differences = np.eye(n, 3 * n)
    if slopes:
        g, of_g, of_error = (few.curve_array(column)[1] for column in ("g", "g_dbeta", "g_dbeta_sem"))
        seen = np.isfinite(error) & (of_error > 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            of_value = of_g / g - (np.log(ahead) - np.log(behind)) / (2 * step)
            value = np.concatenate([value, np.where(seen, of_value, np.nan)])
            error = np.concatenate([error, np.where(seen, of_error / g, np.inf)])
        apart = np.hstack([np.zeros((n, n)), np.eye(n) / (2 * step), -np.eye(n) / (2 * step)])
        differences = np.vstack([differences, apart])
    points = place_states(pd.concat(shifted, ignore_index=True), model.ingredients, model.scales)
    kernel = differences @ covariance(points, points, model.scales, sharing=True) @ differences.T
    expected = 0.0
    for pair, k in np.ndindex(*value.shape[1:]):
        known = np.isfinite(error[:, pair, k])
        levels = value[:n, pair, k][known[:n]]
        if len(levels):
            scale = np.var(levels) or 1e-12
            whole = scale * (kernel[np.ix_(known, known)] + model.scales.misfit * np.eye(known.sum()))
            whole += np.diag(error[known, pair, k] ** 2)
            mean = np.where(np.arange(len(known)) < n, levels.mean(), 0.0)[known]
            expected += multivariate_normal.logpdf(value[known, pair, k] - mean, cov=whole)
    print(f"observed {model.log_marginal_likelihood_:.4f}, expected {expected:.4f}")
    assert model.log_marginal_likelihood_ == pytest.approx(expected, rel=1e-6)


def test_curves_that_have_not_settled_count_less(parts):
    """A third of the training curves are raised by a fifth; marked as unsettled, they do less harm."""
    train, test = parts
    rng = np.random.default_rng(1)
    wrong = rng.random(len(train.states)) < 1 / 3
    names = set(train.states["state_id"][wrong])
    rdf = train.rdf.assign(g=train.rdf["g"] * np.where(train.rdf["state_id"].isin(names), 1.2, 1.0))
    losses = {}
    for marked in (True, False):
        states = train.states.assign(settled=~(wrong & marked), starts_agree=True)
        losses[marked] = 1 - r2(CurveProcess(), Dataset(states, rdf, {}), test)
    print(f"{wrong.sum()} of {len(wrong)} wrong; 1 - R²: marked {losses[True]:.4f}, not marked {losses[False]:.4f}")
    assert losses[True] < 0.7 * losses[False]


def test_down_weighting_weighs_what_was_seen_and_hides_nothing(parts):
    """However much an unsettled curve is down-weighted, the bins that count are those of its counting errors."""
    train, _ = parts
    unsettled = Dataset(train.states.assign(settled=False, starts_agree=True), train.rdf, {})
    noise = {}
    for error in (0.0, 0.3, 0.5, 2.0):
        noise[error] = CurveProcess(scales=Scales(unsettled=error)).fit(unsettled).noise_
        np.testing.assert_array_equal(np.isfinite(noise[error]), np.isfinite(noise[0.0]))
    # Errors are interpolated between bins: their squares add to within a per cent.
    np.testing.assert_allclose(noise[2.0], noise[0.0] + 4.0, rtol=0.01)


def test_slopes_of_curves_that_have_not_settled_are_not_learned(parts):
    """Absurd slopes do no harm where unsettled runs are down-weighted, and do where they are not."""
    train, test = parts
    absurd = Dataset(
        train.states.assign(settled=False, starts_agree=True),
        train.rdf.assign(g_dbeta=50.0 * train.rdf["g"], g_dbeta_sem=0.01 * train.rdf["g"]),
        {},
    )
    settled = Dataset(train.states.assign(settled=False, starts_agree=True), train.rdf, {})
    r = np.unique(test.rdf["r"])
    guesses = [CurveProcess().fit(data).predict(test.states, r) for data in (absurd, settled)]
    np.testing.assert_allclose(*guesses)
    assert r2(CurveProcess(replace(Ingredients(), down_weighting=False)), absurd, test) < 0.5


@pytest.mark.parametrize("what", [Ingredients(), Ingredients(coexistence=False), Ingredients(sharing=False)])
def test_prior_variance_is_the_diagonal_of_a_covariance(cavity, what):
    scales = Scales()
    points = place_states(cavity.states, what, scales)
    whole = covariance(points, points, scales, what.sharing)
    np.testing.assert_allclose(whole, whole.T)
    np.testing.assert_allclose(np.diag(whole), prior_variance(points, scales, what.sharing))
    assert np.linalg.eigvalsh(whole).min() > -1e-9 * np.diag(whole).max()


def test_process_goes_straight_on_to_levels_above_all_it_has_seen():
    """Curves that hold nothing but the level of g inside domains; the states of the highest levels are held out."""
    mixtures = synthetic_dataset(
        grid((0.6, 0.8, 1.0, 1.2), fraction_b=(0.05, 0.1, 0.2), size_ratio=(1.0,), epsilon_ab=(0.2, 0.4, 0.6))
    )
    level = enrichment(mixtures.states, coexisting_liquids(mixtures.states))
    g = level[..., None] * boltzmann_factors(mixtures.states, np.unique(mixtures.rdf["r"]), 0.05)
    # The made-up tables run over states, pairs and distances, in this order.
    raised = Dataset(mixtures.states, mixtures.rdf.assign(g=g.ravel(), g_sem=0.002 * g.ravel()), {})
    highest = level[:, 2] > np.quantile(level[:, 2], 0.8)
    train, test = raised.select(~highest), raised.select(highest)
    straight, bent = (r2(CurveProcess(scales=Scales(level=strength)), train, test) for strength in (1.0, 1e-9))
    levels = f"levels up to {level[~highest, 2].max():.2f} and {level[:, 2].max():.2f}"
    print(f"straight {straight:.4f}, bent {bent:.4f}; {levels}")
    assert 1 - straight < 0.5 * (1 - bent)


def test_slopes_teach_what_a_single_temperature_cannot(taught):
    """One training temperature and ∂g/∂β there: the curves at the next one follow."""
    at = {t: taught.select(np.isclose(taught.states["temperature"], t)) for t in (1.0, 0.8)}
    whole = Ingredients()
    with_slopes, without = (r2(CurveProcess(what), at[1.0], at[0.8]) for what in (whole, replace(whole, slopes=False)))
    print(f"with slopes {with_slopes:.4f}, without {without:.4f}")
    assert 1 - with_slopes < 0.5 * (1 - without)


def test_inputs_of_physical_trees_are_more(parts):
    train, _ = parts
    table = learning_table(train).iloc[::7]
    widths = {
        (inputs, target): PhysicsTrees(rounds=3, inputs=inputs, target=target).fit_rows(table).estimator_.n_features_in_
        for inputs in (True, False)
        for target in (True, False)
    }
    assert widths == {(True, True): 14, (True, False): 14, (False, True): 7, (False, False): 7}


def test_physical_trees_know_sizes_they_never_saw(parts):
    """r/σ carries a curve over to another size; r alone does not."""
    train, _ = parts
    large = train.select(train.states["size_ratio"] == 1.5)
    small = train.select(train.states["size_ratio"] == 0.5)
    r, g = small.curve_array()
    scores = {
        name: r2_score(g[:, 2].ravel(), make_model(name).fit(large).predict(small.states, r)[:, 2].ravel())
        for name in ("xgboost", "xgboost-physics")
    }
    assert scores["xgboost-physics"] > scores["xgboost"] + 0.3


def test_curve_network_learns_smooth_curves(parts):
    train, _ = parts
    assert r2(CurveNetwork(epochs=300), train, train) > 0.9


@pytest.mark.parametrize("name", [name for name in LEARNED if name not in DETERMINISTIC])
def test_seeds_matter_and_repeat(parts, name):
    train, test = parts
    r, _ = test.curve_array()
    few = train.select(train.states["epsilon_ab"] == 1.0)
    first, again, other = (make_model(name, seed, epochs=2).fit(few).predict(test.states, r) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1e-6


def test_ablation_leaves_out_one_thing_at_a_time(parts, cavity):
    models = variants()
    assert ("gaussian-process", "nothing") in models
    assert {without for _, without in models} - {"nothing"} == set(INGREDIENTS)
    for (_, without), model in models.items():
        if isinstance(model, CurveProcess) and without != "nothing":
            statistics = {"down_weighting", "sharing"}
            gone = set(Ingredients().names()) - statistics if without == "all physics" else {without}
            assert set(Ingredients().names()) - set(model.ingredients.names()) == gone
    table = ablate(cavity, ["extrapolation"])
    assert len(table) == len(models) * len(GROUP_LABELS)
    whole = table[table["without"] == "nothing"].set_index(["model", "score"])
    assert (whole["cost"] == 0).all()
    for score in GROUP_LABELS:
        rows = (table["model"] == "gaussian-process") & (table["without"] == "cavity") & (table["score"] == score)
        lost = table[rows].iloc[0]
        assert lost["cost"] == pytest.approx(whole.loc[("gaussian-process", score), "r2"] - lost["r2"])
        assert lost["cost_low"] <= lost["cost"] <= lost["cost_high"]
    with pytest.raises(ValueError, match="seeds = 0: must be at least 1"):
        ablate(cavity, ["extrapolation"], 0)


def test_theory_guides_where_it_has_an_answer(parts):
    """ε_AB = 1 is one liquid to Percus-Yevick; cold and half-and-half at 0.2 it has no solution."""
    few = [part.select((part.states["fraction_b"] == 0.5) & (part.states["size_ratio"] == 0.5)) for part in parts]
    train, test = few
    r, _ = test.curve_array()
    guided = make_model("theory-guided").fit(train)
    one, two = (
        make_model(name).fit(train).predict(test.states, r) for name in ("theory-difference", "gaussian-process")
    )
    silent = np.isnan(one).all(axis=(1, 2))
    assert 0 < silent.sum() < len(silent)
    assert not silent[(test.states["epsilon_ab"] == 1.0) & (test.states["temperature"] == 1.4)].any()
    np.testing.assert_allclose(guided.predict(test.states, r), np.where(silent[:, None, None], two, one))
    assert np.isfinite(guided.predict_spread(test.states, r)).all()
    assert guided.predict_source(test.states, r).tolist() == np.where(silent, "data", "theory").tolist()


def test_theory_needs_the_cavity_function():
    with pytest.raises(ValueError, match="theory needs cavity"):
        Ingredients(cavity=False, theory=True)
