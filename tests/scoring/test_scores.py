"""Scores against sums written out, noise ceilings against simulated noise."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import r2_score

from ljmix.data.curves import Curves, curves_of
from ljmix.data.dataset import Dataset
from ljmix.scoring.scores import error_factors, noise_ceiling, score_curves, simulation_errors
from ljmix.state import PAIRS


@pytest.fixture(scope="module")
def truth(dataset):
    """Two compositions at five temperatures, some states demixed, some not converged."""
    few = dataset.select((dataset.states["fraction_b"] == 0.5) & (dataset.states["epsilon_ab"] == 0.2))
    cold = few.states["temperature"] < 0.7
    states = few.states.assign(
        phase=np.where(cold, "demixed", "mixed"), converged=~np.isclose(few.states["temperature"], 1.0)
    )
    return curves_of(Dataset(states, few.rdf, {}))


@pytest.fixture(scope="module")
def predicted(truth):
    noise = np.random.default_rng(1).normal(scale=0.3, size=truth.g.shape)
    return truth.g + noise * [[[0.2], [1], [2]]]


def test_r2_of_each_group_is_that_of_its_points(truth, predicted):
    scores = score_curves(truth, predicted)

    def expected(rows, pair=slice(None)):
        return pytest.approx(r2_score(truth.g[rows][:, pair].ravel(), predicted[rows][:, pair].ravel()))

    states = truth.states
    everything = np.ones(len(states), dtype=bool)
    assert scores["r2"]["all"] == expected(everything)
    for k, pair in enumerate(PAIRS):
        assert scores["r2"][pair] == expected(everything, k)
    assert scores["r2_T0.6"] == expected((states["temperature"] == 0.6).to_numpy())
    assert scores["r2_phase"] == {p: expected((states["phase"] == p).to_numpy()) for p in ("demixed", "mixed")}
    assert "r2_dilute" not in scores  # no state is
    dilute = (states["size_ratio"] == states["size_ratio"].min()).to_numpy()
    rare = replace(truth, states=states.assign(fraction_b=np.where(dilute, 0.01, states["fraction_b"])))
    assert score_curves(rare, predicted)["r2_dilute"] == {"yes": expected(dilute), "no": expected(~dilute)}
    assert "r2_starts_agree" not in scores  # nobody has said
    said = replace(truth, states=states.assign(starts_agree=dilute))
    assert score_curves(said, predicted)["r2_starts_agree"] == {"yes": expected(dilute), "no": expected(~dilute)}
    assert scores["r2_converged"]["no"] == expected(~states["converged"].to_numpy())
    good = (states["converged"] & (states["phase"] == "mixed")).to_numpy()
    assert scores["r2_mixed_converged"]["BB"] == expected(good, 2)
    assert scores["answered"] == 1.0


def test_perfect_knowledge_scores_perfectly(truth):
    scores = score_curves(truth, truth.g)
    assert scores["r2"] == {"all": 1, "AA": 1, "AB": 1, "BB": 1}
    for key in ("error_in_sem", "peak_height_error", "peak_position_error", "coordination_error"):
        assert set(scores[key].values()) == {0.0}
    assert score_curves(truth, np.full_like(truth.g, truth.g.mean()))["r2"]["all"] == pytest.approx(0, abs=1e-12)


def test_error_in_units_of_the_simulations_own(truth):
    """Noise of exactly the standard error is an error of one; of twice, two."""
    noise = np.random.default_rng(2).standard_normal(truth.g.shape) * truth.g_sem
    for factor in (1, 2):
        found = score_curves(truth, truth.g + factor * noise)["error_in_sem"]["all"]
        # Root mean square over 100 bins: known to 1/√200 each, the median of 30 curves to a fifth of that.
        sigma = factor * 1.25 / np.sqrt(200 * 30)
        print(f"error {found:.3f}, expected {factor}, sigma {sigma:.3f}")
        assert abs(found - factor) < 4 * sigma


@pytest.mark.parametrize("copies", [1, 2])
def test_noise_ceiling_is_what_noise_costs(truth, copies):
    """A perfect model against one noisy simulation (1), and one noisy simulation against another (2)."""
    rng = np.random.default_rng(3)
    loud = Curves(truth.states, truth.r, truth.g, np.full_like(truth.g, 0.3))
    found = []
    for _ in range(40):
        measured = truth.g + 0.3 * rng.standard_normal(truth.g.shape)
        guess = truth.g if copies == 1 else truth.g + 0.3 * rng.standard_normal(truth.g.shape)
        found.append(score_curves(Curves(truth.states, truth.r, measured, loud.g_sem), guess)["r2"]["all"])
        ceiling = noise_ceiling(Curves(truth.states, truth.r, measured, loud.g_sem))
    expected = ceiling["truth" if copies == 1 else "replicate"]["r2"]["all"]
    sigma = np.std(found, ddof=1) * np.sqrt(1 / len(found) + 1)  # the ceiling is from one noisy set itself
    print(f"R² {np.mean(found):.4f}, ceiling {expected:.4f}, sigma {sigma:.4f}")
    assert abs(np.mean(found) - expected) < 4 * sigma
    assert expected < 0.99


def test_a_second_start_that_ends_elsewhere_lowers_the_ceiling(truth):
    starts = np.full_like(truth.g, np.nan)
    starts[0] = 0.5
    ceiling = noise_ceiling(replace(truth, starts=starts))
    square = 2 * truth.g_sem**2
    square[0] = 0.25
    for key, share in (("replicate", 1), ("truth", 0.5)):
        expected = 1 - share * square.sum() / ((truth.g - truth.g.mean()) ** 2).sum()
        assert ceiling[key]["r2"]["all"] == pytest.approx(expected)


def test_starts_count_where_they_disagree(truth):
    """Where they agree, the tables hold the mean of both, and its standard error knows of the difference."""
    agree = np.arange(len(truth.states)) > 0
    rdf = pd.DataFrame(
        {
            "state_id": np.repeat(truth.states["state_id"], 3 * len(truth.r)),
            "pair": np.tile(np.repeat(PAIRS, len(truth.r)), len(truth.states)),
            "r": np.tile(truth.r, 3 * len(truth.states)),
            "g": truth.g.ravel(), "g_sem": 0.1, "g_starts": -0.7,
        }
    )  # fmt: skip
    errors = simulation_errors(curves_of(Dataset(truth.states.assign(starts_agree=agree), rdf, {})))
    np.testing.assert_allclose(errors[0], 0.7 / np.sqrt(2))
    np.testing.assert_allclose(errors[1:], 0.1)


def test_a_group_in_which_nothing_varies_has_no_r2(truth):
    flat = replace(truth, g=np.where((truth.states["phase"] == "demixed").to_numpy()[:, None, None], 1.0, truth.g))
    assert set(score_curves(flat, flat.g)["r2_phase"]) == {"mixed"}
    with pytest.raises(ValueError, match="does not vary: 3000 points at g = 1"):
        score_curves(replace(truth, g=np.ones_like(truth.g)), truth.g)


def test_shifted_and_raised_peaks_are_errors_of_that_size(truth):
    raised = score_curves(truth, 1.1 * truth.g)
    assert raised["peak_height_error"] == pytest.approx(dict.fromkeys(PAIRS, 0.1))
    assert raised["coordination_error"] == pytest.approx(dict.fromkeys(PAIRS, 0.1))
    moved = score_curves(truth, np.roll(truth.g, 1, axis=2))
    assert moved["peak_position_error"] == pytest.approx(dict.fromkeys(PAIRS, 0.05))


def test_insanity_is_counted(truth):
    wrong = np.abs(truth.g)
    wrong[..., :10] = -0.5  # below zero, in the core
    found = score_curves(truth, wrong)["unphysical"]
    assert found["negative"] == pytest.approx(0.1)
    assert found["core"] > 0.2
    assert score_curves(truth, truth.g)["unphysical"]["core"] < 1e-3


def test_no_answer_is_recorded_and_not_scored(truth, predicted):
    partly = predicted.copy()
    partly[:3] = np.nan
    scores = score_curves(truth, partly)
    assert scores["answered"] == pytest.approx(1 - 3 / len(truth.g))
    assert scores["r2"]["all"] == pytest.approx(r2_score(truth.g[3:].ravel(), predicted[3:].ravel()))
    assert score_curves(truth, np.full_like(predicted, np.nan)) == {"answered": 0.0}


def test_honest_spread_holds_nineteen_of_twenty(truth):
    rng = np.random.default_rng(4)
    spread = np.full(truth.g.shape, 0.2)
    guess = truth.g + np.hypot(spread, truth.g_sem) * rng.standard_normal(truth.g.shape)
    found = score_curves(truth, guess, spread)["within_95"]
    sigma = np.sqrt(0.05 * 0.95 / truth.g.size)
    assert abs(found - 0.95) < 4 * sigma
    assert score_curves(truth, guess, spread / 4)["within_95"] < 0.6


def test_spread_is_honest_where_starts_disagree_too(truth):
    """A start that is off by much more than its error bar counts as that far off."""
    rng = np.random.default_rng(5)
    off = 0.5 * np.sqrt(2)
    starts = np.where(np.arange(len(truth.g))[:, None, None] < 5, off, np.nan) * np.ones_like(truth.g)
    both = Curves(truth.states, truth.r, truth.g, truth.g_sem, starts)
    error = np.where(np.isfinite(starts), 0.5, truth.g_sem)
    guess = truth.g + error * rng.standard_normal(truth.g.shape)
    found = score_curves(both, guess, np.zeros_like(truth.g))["within_95"]
    assert abs(found - 0.95) < 4 * np.sqrt(0.05 * 0.95 / truth.g.size)
    assert score_curves(truth, guess, np.zeros_like(truth.g))["within_95"] < 0.7


def test_what_does_not_fit_is_refused(truth):
    with pytest.raises(ValueError, match=r"shape \(10, 3, 99\): must be \(10, 3, 100\)"):
        score_curves(truth, truth.g[..., 1:])
    with pytest.raises(ValueError, match="not finite"):
        score_curves(truth, np.where(truth.g > 1, np.nan, truth.g))
    flat = Curves(truth.states, truth.r, np.full_like(truth.g, 2.0), truth.g_sem)
    with pytest.raises(ValueError, match="R² is undefined where g does not vary: 3000 points at g = 2"):
        score_curves(flat, truth.g)


def test_few_blocks_make_wide_intervals(truth):
    """Student's t as tables print it; with it, and not with 1.96, the intervals of five blocks hold the truth."""
    states = truth.states.assign(n_blocks=pd.array([5, 2, None, *[21] * 7], dtype="Int64"), starts="random")
    states.loc[1, "starts"] = "random+separated"
    factors = error_factors(states)
    assert factors[:4] == pytest.approx([2.776, 4.303, 1.96, 2.086], abs=1e-3)
    assert error_factors(truth.states) == pytest.approx(np.full(10, 1.96))

    blocks = np.random.default_rng(5).normal(size=(5, *truth.g.shape))
    mean, error = blocks.mean(axis=0), blocks.std(axis=0, ddof=1) / np.sqrt(5)
    few = replace(truth, states=truth.states.assign(n_blocks=5, starts="random"), g=mean + 10, g_sem=error)
    exact, no_spread = np.full_like(mean, 10.0), np.zeros_like(mean)
    found = score_curves(few, exact, no_spread)["within_95"]
    sigma = np.sqrt(0.95 * 0.05 / mean.size)
    print(f"held {found:.4f}, expected 0.95, sigma {sigma:.4f}")
    assert abs(found - 0.95) < 4 * sigma
    assert score_curves(replace(few, states=truth.states), exact, no_spread)["within_95"] < 0.91
