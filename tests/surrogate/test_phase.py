"""Does a state demix? Size ratios that were not learned from, and limits."""

import numpy as np
import pytest

import ljmix
from ljmix.surrogate.learned import phase
from ljmix.surrogate.learned.description import describe
from ljmix.surrogate.learned.phase import PhaseModel, box_edges, decided, splitting_score
from ljmix.theory.splitting import split


@pytest.fixture(scope="module")
def states():
    table = ljmix.load_reference().states
    return table[decided(table)].reset_index(drop=True)


def ask(model, states):
    density = describe(states, model.strength).density
    return model.probability(states, split(states, model.strength), density, box_edges(states))


def test_what_splits_at_a_size_ratio_follows_from_the_others(states, monkeypatch):
    """The aims are an accuracy of 0.975 and a mean square error of the probability of 0.03."""
    monkeypatch.setattr(phase, "STRENGTHS", (0.75, 0.8))
    truth, sizes = (states["phase"] == "demixed").to_numpy(), states["size_ratio"].to_numpy()
    said = np.empty(len(states))
    for size_ratio in np.unique(sizes):
        left_out = sizes == size_ratio
        model = PhaseModel.fit(states[~left_out].reset_index(drop=True), sizes[~left_out])
        said[left_out] = ask(model, states[left_out].reset_index(drop=True))
    accuracy, brier = np.mean((said > 0.5) == truth), np.mean((said - truth) ** 2)
    # What chance makes of that accuracy in so many states.
    sigma = np.sqrt(0.975 * 0.025 / len(states))
    print(f"{len(states)} states: accuracy {accuracy:.4f}, aim 0.975 ± {sigma:.4f}; Brier score {brier:.4f}, aim 0.03")
    assert accuracy > 0.975 - 2 * sigma
    assert brier < 0.03


def test_the_probability_grows_with_the_gain_and_is_finite_everywhere(states, monkeypatch):
    monkeypatch.setattr(phase, "STRENGTHS", (0.8,))
    model = PhaseModel.fit(states, states["size_ratio"].to_numpy())
    one = states[states["size_ratio"] == 1.0].iloc[[0]]
    many = one.loc[one.index.repeat(5)].assign(
        temperature=1.0, fraction_b=0.5, epsilon_ab=[0.9, 0.7, 0.5, 0.3, 0.1]
    ).reset_index(drop=True)  # fmt: skip
    said = ask(model, many)
    print(said, splitting_score(split(many, 0.8), describe(many, 0.8).density, box_edges(many)))
    assert np.all(np.diff(said) >= 0)
    assert said[0] < 0.1
    assert said[-1] > 0.9
    pure = many.assign(fraction_b=[0.0, 1.0, 1e-9, 1e-3, 0.999], epsilon_ab=0.2)
    edge, density = np.full(5, 15.0), np.full(5, 0.8)
    nothing = split(many.assign(epsilon_ab=0.9), 0.8)
    assert np.isfinite(model.probability(pure, nothing, density, edge)).all()
