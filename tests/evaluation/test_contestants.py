"""The surrogate as a model of the benchmark: it is asked only where it is listed, and by the rules of the others."""

import inspect

import numpy as np
import pytest

from ljmix.evaluation import benchmark, contestants
from ljmix.evaluation.contestants import SURROGATE, SURROGATE_TASKS, SurrogateModel, draws_nothing, make_contestant
from ljmix.evaluation.run import evaluate
from ljmix.models.registry import MODELS
from ljmix.report.names import MODEL_NAMES
from ljmix.surrogate.learned.parts import Parts


@pytest.fixture
def few(part_of_reference):
    """Eight states, four of each size."""
    return part_of_reference.select(part_of_reference.states.groupby("size_ratio").cumcount().isin([0, 6, 12, 18]))


def test_the_published_benchmark_does_not_ask_it():
    """Version 1 was published without; the names of all tasks are those of the registry."""
    assert contestants.LISTED is False
    assert inspect.signature(benchmark.run_benchmark).parameters["surrogate"].default is contestants.LISTED
    assert SURROGATE not in MODELS
    assert SURROGATE in MODEL_NAMES
    for task in ("extrapolation", *benchmark.OTHER_TASKS):
        assert benchmark._above(task, False) == ()
        assert benchmark._above(task, True) == ((SURROGATE,) if task in SURROGATE_TASKS else ())


def test_it_learns_the_training_part_and_predicts_the_test_part(few, surrogate, monkeypatch):
    taught = []

    def fit(dataset):
        taught.append(dataset)
        return surrogate.parts

    monkeypatch.setattr(Parts, "fit", fit)
    found = evaluate(few, "unseen-size-ratio", [SURROGATE], 1)
    assert [set(part.states["size_ratio"]) for part in taught] == [{1.5}, {1.0}]
    said = found.predictions[found.predictions["model"] == SURROGATE]
    assert len(said) == few.curve_array()[1].size
    assert (said["spread"] > 0).mean() > 0.6  # all but the cores
    model = SurrogateModel()
    model.parts_ = surrogate.parts
    for name, rows in said.groupby("state_id", observed=True):
        states = few.states[few.states["state_id"] == name]
        np.testing.assert_allclose(
            rows["predicted"], model.predict(states, few.curve_array()[0]).ravel(), rtol=1e-4, atol=1e-6
        )
    assert found.metrics[SURROGATE]["r2_std"]["all"] == 0


def test_it_reads_nothing_that_a_simulation_measures(few, surrogate):
    """Densities and energies of test states are results; the number of particles is chosen before."""
    model = SurrogateModel()
    model.parts_ = surrogate.parts
    r = np.array([1.0, 2.0, 4.0])
    states = few.states.reset_index(drop=True)
    first = model.predict(states, r)
    np.testing.assert_array_equal(first, model.predict(states.assign(number_density=0.1, potential_energy=0.0), r))
    # In a larger box curves of two liquids are others, and so is the phase where it is open.
    larger = model.predict(states.assign(n_particles=8 * states["n_particles"]), r)
    two = surrogate.predict(states, [1.0], exact=False).demixing > 0.6
    one = surrogate.predict(states, [1.0], box_edge=33, exact=False).demixing < 0.4
    assert two.any()
    assert one.any()
    assert (np.abs(first - larger)[two].max(axis=(1, 2)) > 1e-3).all()
    np.testing.assert_allclose(first[one], larger[one], atol=1e-6)
    bare = model.predict(states[["temperature", "fraction_b", "size_ratio", "epsilon_ab"]], r)
    assert bare.shape == first.shape


def test_contestants_are_made_by_name():
    assert isinstance(make_contestant(SURROGATE, 3, epochs=2), SurrogateModel)
    assert draws_nothing(SURROGATE)
    assert not draws_nothing("mlp")
    with pytest.raises(ValueError, match="model 'luck' is unknown"):
        make_contestant("luck")
