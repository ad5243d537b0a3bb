"""The models: what they are, that they learn what they can, and that they say what they cannot."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import r2_score
from sklearn.neural_network import MLPRegressor
from sklearn.preprocessing import StandardScaler

from ljmix._util.threads import one_thread
from ljmix.data.dataset import Dataset, learning_table, split_by_temperature
from ljmix.models.features import layout_table, table_inputs
from ljmix.models.networks import network, perceptron
from ljmix.models.networks.perceptron import Training, standardise
from ljmix.models.registry import BASELINES, DETERMINISTIC, MODELS, BoostedTrees, Network, make_model, make_row_model


@pytest.fixture(scope="module")
def parts(dataset):
    """Training (T* = 0.8, 1.0, 1.2) and test (0.6, 1.4) part."""
    return split_by_temperature(dataset)


def with_g(dataset, curve):
    """The dataset with g = curve(rows), rows being the learning table."""
    table = layout_table(dataset)
    g = table[["state_id", "pair", "r"]].assign(g=curve(table), g_sem=0.01)
    return Dataset(dataset.states, g, dataset.provenance)


@pytest.fixture(scope="module")
def line(dataset):
    """Curves that are straight lines in temperature, another line in every bin of every mixture."""
    return with_g(
        dataset,
        lambda t: np.sin(t["r"]) + 2 + t["temperature"] * (0.3 * t["size_ratio"] - 0.2 * t["r"] + t["has_b"]),
    )


# -- baselines -----------------------------------------------------------------------------------------------


def test_line_in_temperature_is_exact_where_the_truth_is_a_line(line):
    train, test = split_by_temperature(line)
    r, g = test.curve_array()
    predicted = make_model("linear-in-temperature").fit(train).predict(test.states, r)
    # Least squares over three temperatures with g of order 1: a few dozen roundings.
    np.testing.assert_allclose(predicted, g, rtol=0, atol=100 * np.finfo(float).eps)


def test_line_in_temperature_is_least_squares(parts):
    train, test = parts
    r, g = train.curve_array()
    composition = ["fraction_b", "size_ratio", "epsilon_ab"]
    state = test.states.iloc[[3]]
    same = (train.states[composition] == state[composition].to_numpy()).all(axis=1).to_numpy()
    flat = g[same].reshape(same.sum(), -1)
    slope, intercept = np.polyfit(train.states["temperature"][same], flat, 1)
    expected = (intercept + slope * state["temperature"].item()).reshape(1, 3, -1)
    predicted = make_model("linear-in-temperature").fit(train).predict(state, r)
    np.testing.assert_allclose(predicted, expected, atol=1e-12)


@pytest.mark.parametrize(("asked", "copied"), [(0.6, 0.8), (1.4, 1.2), (1.02, 1.0), (0.9, 0.8), (1.1, 1.0)])
def test_nearest_temperature_copies_and_takes_the_lower_of_two(parts, asked, copied):
    train, _ = parts
    r, g = train.curve_array()
    source = np.isclose(train.states["temperature"], copied)
    model = make_model("nearest-temperature").fit(train)
    predicted = model.predict(train.states[source].assign(temperature=asked), r)
    np.testing.assert_array_equal(predicted, g[source])


@pytest.mark.parametrize("name", BASELINES)
def test_baselines_interpolate_between_bins(parts, name):
    train, test = parts
    model = make_model(name).fit(train)
    r, _ = train.curve_array()
    halfway = (r[:-1] + r[1:]) / 2
    on_bins = model.predict(test.states, r)
    expected = (on_bins[..., :-1] + on_bins[..., 1:]) / 2
    np.testing.assert_allclose(model.predict(test.states, halfway), expected)


@pytest.mark.parametrize("name", BASELINES)
def test_baselines_refuse_a_composition_they_never_saw(parts, name):
    train, test = parts
    model = make_model(name).fit(train)
    with pytest.raises(ValueError, match=r"no training state has .*epsilon_ab = 0\.7; .* the 8 compositions"):
        model.predict(test.states.assign(epsilon_ab=0.7), [1.0])


def test_a_line_needs_two_temperatures(dataset):
    one = dataset.select(np.isclose(dataset.states["temperature"], 0.8))
    with pytest.raises(ValueError, match=r"only T\* = 0\.8 .* at least two temperatures"):
        make_model("linear-in-temperature").fit(one)


def test_baselines_refuse_one_state_at_two_pressures(dataset):
    pair = dataset.select(np.arange(len(dataset.states)) < 2)
    same = pair.states.assign(**{name: pair.states[name].iloc[0] for name in ("epsilon_ab", "temperature")})
    with pytest.raises(ValueError, match=r"two training states at T\* = 0\.6, fraction_b = 0\.1"):
        make_model("nearest-temperature").fit(Dataset(same, pair.rdf, {}))


# -- row-wise models -----------------------------------------------------------------------------------------


def test_network_is_the_papers(parts):
    printed = make_model("mlp", epochs=1).fit(parts[0])
    assert printed.estimator_.network.units == [7, 112, 56, 28, 14, 7, 1]
    assert (printed.learning_rate, printed.weight_decay) == (0.001, 0)


def test_network_standardises_its_inputs(parts):
    table = learning_table(parts[0])
    fitted = make_row_model("mlp", epochs=1).fit_rows(table).estimator_
    scaled = standardise(table_inputs(table), fitted.mean, fitted.scale)
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(scaled.std(axis=0), 1, atol=1e-5)


@pytest.mark.parametrize(("kind", "decay"), [(np.float32, 0.0), (np.float32, 0.01), (np.float64, 0.0)])
def test_training_is_that_of_scikit_learn_to_the_last_bit(kind, decay):
    """The same weights and losses after four epochs, the last step of each on fewer rows than the others."""
    rng = np.random.default_rng(5)
    inputs, target = rng.normal(size=(230, 4)).astype(kind), rng.normal(size=(230, 2)).astype(kind)
    training = Training((16, 8), inputs, target, batch=50, seed=3, weight_decay=decay)
    theirs = MLPRegressor(hidden_layer_sizes=(16, 8), alpha=decay, batch_size=50, random_state=np.random.RandomState(3))
    losses = []
    with one_thread():
        for _ in range(4):
            theirs.partial_fit(training.inputs, target)
            losses.append(2 * float(theirs.loss_))
        training.run(4, 4)
        guess = training.perceptron.predict(training.inputs)
        np.testing.assert_array_equal(guess, theirs.predict(training.inputs))
    assert training.losses == pytest.approx(losses, rel=1e-6)  # older versions average in single precision
    for ours, other in zip(
        (*training.perceptron.weights, *training.perceptron.biases), (*theirs.coefs_, *theirs.intercepts_), strict=True
    ):
        np.testing.assert_array_equal(ours, other)
    scaler = StandardScaler().fit(inputs)
    # Not `transform`: older versions subtract in double precision.
    expected = (inputs - scaler.mean_.astype(kind)) / scaler.scale_.astype(kind)
    np.testing.assert_array_equal(training.inputs, expected)


def test_network_loss_is_the_mean_squared_error(parts, monkeypatch):
    """With all rows in one batch, the loss of the second epoch is the error after the first."""
    monkeypatch.setattr(network, "_DRAWS", 1)  # one epoch may choose another start than two
    table = learning_table(parts[0]).sample(150, random_state=3)
    once, twice = (Network(seed=4, epochs=epochs).fit_rows(table) for epochs in (1, 2))
    error = np.mean((once.predict_rows(table) - table["g"]) ** 2)
    assert len(once.loss_curve_) == 1
    assert twice.loss_curve_[1] == pytest.approx(error, rel=1e-4)  # single precision


def test_network_keeps_the_weights_of_its_best_epoch(parts):
    """With a step far too long the error jumps from epoch to epoch; where it stands at the end is chance."""
    table = learning_table(parts[0]).sample(600, random_state=3)
    model = Network(seed=1, epochs=60, learning_rate=0.02, patience=60).fit_rows(table)
    losses = np.array(model.loss_curve_)
    error = np.mean((model.predict_rows(table) - table["g"]) ** 2)
    print(f"after the fit {error:.4f}; epochs from {losses.min():.4f} to {losses.max():.4f}, last {losses[-1]:.4f}")
    best = int(losses.argmin())
    short = Network(seed=1, epochs=best + 1, learning_rate=0.02, patience=60).fit_rows(table)
    np.testing.assert_array_equal(model.predict_rows(table), short.predict_rows(table))
    assert best + 1 < len(losses)


def test_network_steps_are_as_many_on_many_rows():
    """75 an epoch, so that patience in epochs means the same; fewer where a batch would be under 200 rows."""
    for rows, steps in ((1000, 5), (30_000, 75)):
        inputs = np.random.default_rng(0).normal(size=(rows, 7)).astype(np.float32)
        training = Network(epochs=1).begin(inputs, inputs[:, 0])
        assert training.steps == training.steps_an_epoch == steps


def test_training_that_goes_on_is_as_one_that_was_never_stopped(parts):
    inputs = np.random.default_rng(0).normal(size=(300, 3))
    whole, halves = (Training((8,), inputs, inputs[:, 0] ** 2, batch=100, seed=1) for _ in range(2))
    whole.run(6, 6)
    halves.run(3, 3)
    halves.run(6, 6)
    assert whole.losses == halves.losses
    np.testing.assert_array_equal(whole.keep_best().predict(inputs), halves.keep_best().predict(inputs))


def test_training_that_diverges_says_so():
    inputs = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
    training = Training((8, 8), inputs, inputs[:, 0], batch=10, seed=0, learning_rate=1e30)
    expected = "diverged: a weight is not finite; a smaller learning rate"
    with np.errstate(all="ignore"), pytest.raises(ValueError, match=expected):
        training.run(20, 20)


def test_weights_that_decay_to_nothing_are_zero(monkeypatch):
    """Subnormal numbers make some processors ten times slower."""
    inputs, target = np.random.default_rng(0).normal(size=(2, 200, 1)).astype(np.float32)

    def decay():
        training = Training((32, 16), inputs, target, batch=10, seed=0, weight_decay=100.0)
        training.run(150, 150)
        return np.abs(np.concatenate([weights.ravel() for weights in training.perceptron.weights]))

    tiny = np.finfo(np.float32).tiny
    weights = decay()
    assert ((weights == 0) | (weights > tiny)).all()
    monkeypatch.setattr(perceptron, "_NOTHING", 0.0)
    weights = decay()
    subnormal = (weights > 0) & (weights < tiny)
    print(f"left alone, {subnormal.sum()} of {weights.size} weights are subnormal")
    assert subnormal.any()


def test_trees_loss_is_the_mean_squared_error(parts):
    table = learning_table(parts[0])
    model = BoostedTrees(rounds=20).fit_rows(table)
    assert len(model.loss_curve_) == 20
    error = np.mean((model.predict_rows(table) - table["g"]) ** 2)
    assert model.loss_curve_[-1] == pytest.approx(error, rel=1e-4)


def test_the_best_of_three_starts_goes_on(parts, monkeypatch):
    """Alone, each start is a network of its own; together the one with the lowest error after ten epochs learns on."""
    table = learning_table(parts[0]).sample(600, random_state=3)
    together = Network(seed=1, epochs=15).fit_rows(table)
    monkeypatch.setattr(network, "_DRAWS", 1)
    alone = [Network(seed=1 + 1_000_003 * draw, epochs=15).fit_rows(table).loss_curve_ for draw in range(3)]
    lowest = [min(losses[:10]) for losses in alone]
    print("lowest error in ten epochs", lowest)
    assert together.loss_curve_ == alone[int(np.argmin(lowest))]
    assert int(np.argmin(lowest)) > 0  # else the first would do as well


def test_a_start_that_is_dead_does_not_go_on(parts, monkeypatch):
    """One unit behind the other: the first that is below zero for every row ends all learning."""
    table = learning_table(parts[0])

    def thin(seed):
        return Network(seed, epochs=1, hidden_layers=(1, 1, 1)).fit_rows(table)

    alive = [thin(seed) for seed in range(3)]
    assert all(np.ptp(model.predict_rows(table)) > 0 for model in alive)
    monkeypatch.setattr(network, "_DRAWS", 1)
    with pytest.raises(RuntimeError, match=r"mlp, seed \d: 1 sets of starting weights left it dead"):
        [thin(seed) for seed in range(3)]


def test_network_stops_on_a_plateau(parts):
    """A constant g leaves nothing to gain soon; the paper's 1000 epochs would be waste."""
    flat = learning_table(parts[0]).sample(400, random_state=5).assign(g=1.0)
    assert len(Network(patience=5).fit_rows(flat).loss_curve_) < 500


@pytest.mark.parametrize("model", [Network(epochs=20), BoostedTrees(rounds=100)], ids=["mlp", "xgboost"])
def test_row_models_learn_smooth_curves(parts, model):
    train, _ = parts
    r, g = train.curve_array()
    assert r2_score(g.ravel(), model.fit(train).predict(train.states, r).ravel()) > 0.9


@pytest.mark.parametrize(
    "make",
    [lambda seed: Network(seed, epochs=2), lambda seed: BoostedTrees(seed, rounds=20)],
    ids=["mlp", "xgboost"],
)
def test_same_seed_same_numbers(parts, make):
    train, test = parts
    r, _ = train.curve_array()
    first, again, other = (make(seed).fit(train).predict(test.states, r) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1e-6


@pytest.mark.parametrize("name", DETERMINISTIC)
def test_what_draws_nothing_gives_the_same_with_every_seed(parts, name):
    """Its spread over seeds is written down as zero after a single run."""
    train, test = parts
    few = train.select(train.states["fraction_b"] == 0.5), test.select(test.states["fraction_b"] == 0.5)
    r = np.unique(test.rdf["r"])
    one, other = (make_model(name, seed).fit(few[0]).predict(few[1].states, r) for seed in (0, 7))
    np.testing.assert_array_equal(one, other)


def test_trees_do_not_depend_on_threads(parts):
    train, test = parts
    r, _ = train.curve_array()
    one, two = (BoostedTrees(rounds=4, n_jobs=n).fit(train).predict(test.states, r) for n in (1, 2))
    np.testing.assert_allclose(one, two, atol=1e-5)  # sums in single precision, in another order


def test_trees_cannot_extrapolate_in_temperature(parts):
    """Beyond the training range the answer is the one at its edge, however far; the network's moves on."""
    train, _ = parts
    r, _ = train.curve_array()

    def at(model, temperature):
        return model.predict(train.states.assign(temperature=temperature), r)

    trees = BoostedTrees(rounds=50).fit(train)
    for inside, outside in ((0.8, 0.6), (0.8, 0.1), (1.2, 1.4), (1.2, 9.0)):
        np.testing.assert_array_equal(at(trees, inside), at(trees, outside))
    assert np.abs(at(trees, 0.8) - at(trees, 1.2)).max() > 0.1
    smooth = Network(epochs=3).fit(train)
    assert np.abs(at(smooth, 0.8) - at(smooth, 0.6)).max() > 1e-3


@pytest.mark.parametrize("model", [Network(epochs=1), BoostedTrees(rounds=5)], ids=["mlp", "xgboost"])
def test_curves_are_the_rows_in_order(parts, model):
    train, test = parts
    r, g = test.curve_array()
    curves = model.fit(train).predict(test.states, r)
    assert curves.shape == g.shape
    # Batches of another length may be summed in another order: single precision.
    np.testing.assert_allclose(curves.ravel(), model.predict_rows(layout_table(test)), atol=1e-5)
    np.testing.assert_allclose(curves[2:3], model.predict(test.states.iloc[2:3], r), atol=1e-5)


# -- the interface -------------------------------------------------------------------------------------------


def test_unknown_model_is_named_with_what_there_is():
    with pytest.raises(ValueError, match="'forest' is unknown; choose one of mlp, xgboost, mlp-tuned"):
        make_model("forest")
    with pytest.raises(ValueError, match="needs whole curves, not rows; choose one of mlp, xgboost"):
        make_row_model("nearest-temperature")


@pytest.mark.parametrize("option", [{"seed": -1}, {"epochs": 0}, {"patience": 0}, {"n_jobs": 0}])
def test_options_below_their_minimum_are_refused(option):
    name, value = next(iter(option.items()))
    with pytest.raises(ValueError, match=f"{name} = {value}: must be at least"):
        make_model("mlp", **option)


@pytest.mark.parametrize("name", MODELS)
def test_a_model_must_learn_before_it_predicts(dataset, name):
    model = make_model(name)
    with pytest.raises(NotFittedError, match=f"This {type(model).__name__} instance is not fitted yet"):
        model.predict(dataset.states, [1.0])


@pytest.mark.parametrize("name", MODELS)
def test_a_model_is_an_estimator_that_scikit_learn_can_clone(name):
    """Every argument is kept as it was given, and nothing else decides what a fit does."""
    model = make_model(name)
    twin = clone(model)
    assert type(twin) is type(model)
    assert twin.get_params() == model.get_params()
    assert {key for key in vars(model) if key.endswith("_")} == set()


@pytest.mark.parametrize("name", BASELINES)
def test_baselines_check_states_and_distances(parts, name):
    model = make_model(name).fit(parts[0])
    with pytest.raises(ValueError, match="r = 6: must lie between 0 and 5"):
        model.predict(parts[1].states, [6.0])
    with pytest.raises(ValueError, match="column 'temperature' is missing"):
        model.predict(parts[1].states.drop(columns="temperature"), [1.0])


def test_tables_without_something_to_learn_are_refused(parts):
    table = learning_table(parts[0])
    with pytest.raises(ValueError, match="the table is empty"):
        Network().fit_rows(table.head(0))
    with pytest.raises(ValueError, match="column 'g' is missing"):
        Network().fit_rows(table.drop(columns="g"))
    with pytest.raises(ValueError, match="g = nan in row 0"):
        BoostedTrees().fit_rows(table.assign(g=np.nan))
