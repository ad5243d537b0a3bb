"""From curves back to the mixture: what is found, how sure it is, and curves that are no mixture's."""

import numpy as np
import pytest

from ljmix.state import PARAMETERS, StatePoint
from ljmix.surrogate.design import CRITERIA, propose
from ljmix.surrogate.inverse import Posterior, infer

TRUTH = StatePoint(1.0, 0.3, 1.2, 0.85)


@pytest.fixture(scope="module")
def curves(surrogate):
    """Curves of the surrogate itself with noise of 1 %, from 0.775 σ on."""
    r = np.arange(0.775, 5.0, 0.05)
    g = surrogate.predict(TRUTH, r, exact=False).g[0]
    error = 0.01 * np.maximum(g, 0.05)
    noise = np.random.default_rng(2).normal(size=g.shape)
    return r, np.maximum(g + error * noise, 0), error


def test_numbers_of_a_mixture_are_found(surrogate, curves):
    """Two of four are known, so that the walkers' path is short; the truth lies within four standard deviations."""
    found = infer(*curves, surrogate=surrogate, known={"fraction_b": 0.3, "temperature": 1.0}, steps=100)
    print(found.summary(), found.chi_square)
    assert found.names == ("size_ratio", "epsilon_ab")
    assert found.recognised
    assert found.reason == ""
    middle, spread = found.samples.mean(axis=0), found.samples.std(axis=0)
    for name, at, width in zip(found.names, middle, spread, strict=True):
        assert abs(at - getattr(TRUTH, name)) < 4 * width
        assert width < 0.2
    assert found.best["fraction_b"] == 0.3
    assert found.best["size_ratio"] == pytest.approx(1.2, abs=0.02)


def test_an_unknown_scale_is_found(surrogate, curves, monkeypatch):
    monkeypatch.setattr("ljmix.surrogate.inverse._BURN", 50)  # each sample asks at distances of its own
    r, g, error = (part[..., :60] for part in curves)
    known = {name: getattr(TRUTH, name) for name in PARAMETERS if name != "size_ratio"}
    found = infer(r / 1.1, g, error, surrogate=surrogate, known=known, scale=True, steps=50)
    assert found.names == ("size_ratio", "length")
    assert found.best["length"] == pytest.approx(1.1, abs=0.02)


def test_curves_of_nothing_known_are_told(surrogate, curves):
    r, _, error = curves
    gas = np.ones((3, len(r)))
    known = {"fraction_b": 0.3, "temperature": 1.0}
    found = infer(r, gas, np.maximum(error, 0.01), surrogate=surrogate, known=known, steps=50)
    assert not found.recognised
    assert found.reason.startswith("the nearest curves of the surrogate are off by")


def test_ranks_of_samples_around_the_truth_are_even():
    """Samples of a posterior that is right: 400 ranks, ten bins of 40 ± 6, none off by five standard deviations."""
    rng = np.random.default_rng(3)
    ranks = []
    for _ in range(400):
        truth, data = rng.normal(), rng.normal()
        data = truth + data
        samples = data / 2 + np.sqrt(0.5) * rng.normal(size=(200, 1))
        ranks.append(Posterior(("x",), samples, {}, 1.0, True, "").rank({"x": truth})["x"])
    counts = np.histogram(ranks, 10, (0, 1))[0]
    print("ranks", counts)
    assert np.abs(counts - 40).max() < 5 * 6


BAD = [
    ({"r": [1.0, 2.0]}, r"r has shape \(2,\): must be one row of at least 4 distances"),
    ({"r": np.arange(5.0, 1.0, -0.5)}, "distances must be finite, not negative, and increase"),
    ({"r": np.linspace(1, 7, 8)}, "r = 7: must be at most 5"),
    ({"g": np.ones((2, 8))}, r"g has shape \(2, 8\): must be \(3, 8\)"),
    ({"g": np.full((3, 8), np.nan)}, "g holds a value that is not finite"),
    ({"g": "high"}, "g = 'high': must be numbers"),
    ({"g_sem": np.full((3, 8), -0.1)}, r"g_sem = -0.1 somewhere: must not be negative"),
    ({"known": {"pressure": 1.0}}, "known names 'pressure': choose from temperature"),
    ({"known": {"temperature": 3.0}}, "known temperature = 3: must be at least 0.8 and at most 1.2"),
    ({"known": 3}, "known = 3: must be a Mapping"),
    ({"known": TRUTH.as_dict()}, "known names 'pressure'"),
    ({"known": {name: getattr(TRUTH, name) for name in PARAMETERS}}, "nothing is left to infer"),
    ({"steps": 3}, "steps = 3: must be at least 50"),
]


@pytest.mark.parametrize(("change", "said"), BAD)
def test_bad_curves_get_one_sentence(surrogate, change, said):
    arguments = {"r": np.linspace(1, 4.5, 8), "g": np.ones((3, 8)), "g_sem": np.full((3, 8), 0.1), **change}
    with pytest.raises(ValueError, match=said) as error:
        infer(**arguments, surrogate=surrogate)
    assert "\n" not in str(error.value)


# -- what to simulate next --------------------------------------------------------------------------------


@pytest.mark.parametrize("criterion", CRITERIA)
def test_proposals_are_new_different_and_in_the_box(surrogate, criterion):
    found = propose(6, criterion, surrogate=surrogate)
    assert len({state.state_id for state in found}) == 6
    assert not {state.state_id for state in found} & set(surrogate.states["state_id"])
    for name in PARAMETERS:
        values = surrogate.states[name]
        assert all(values.min() <= getattr(state, name) <= values.max() for state in found)
    assert found == propose(6, criterion, surrogate=surrogate)


def test_the_boundary_is_where_the_phase_is_open(surrogate):
    openness = {}
    for criterion in ("boundary", "random"):
        p = surrogate.predict(propose(12, criterion, surrogate=surrogate), [1.0], exact=False).demixing
        openness[criterion] = float(np.mean(4 * p * (1 - p)))
    print(openness)
    assert openness["boundary"] > openness["random"] + 0.2


def test_bad_proposals_get_one_sentence(surrogate):
    with pytest.raises(ValueError, match="n = 0: must be at least 1 and at most 256"):
        propose(0, surrogate=surrogate)
    with pytest.raises(ValueError, match="criterion = 'luck' is unknown; choose one of boundary"):
        propose(1, "luck", surrogate=surrogate)
