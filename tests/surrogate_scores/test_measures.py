"""Measures of the surrogate on cases with a known answer."""

import numpy as np
import pandas as pd
import pytest

from ljmix.data.curves import curves_of
from ljmix.surrogate.learned.branches import Prediction
from ljmix.surrogate.learned.thermodynamics import QUANTITIES
from ljmix.surrogate_scores.coverage import chance_of_coverage
from ljmix.surrogate_scores.inversion import LEVELS, choose_states, summarise_inversion
from ljmix.surrogate_scores.predictions import binomial_interval, score_predictions, tabulate_predictions
from ljmix.surrogate_scores.proposals import MEASURES, hard_states, summarise_proposals
from ljmix.surrogate_scores.targets import AIMS, format_targets, tabulate_targets


def say(test, g, demixing, density):
    """A prediction of both branches alike."""
    nothing = np.zeros((2, len(g)))
    quantities = dict.fromkeys(QUANTITIES, (nothing, nothing))
    both = np.stack([g, g])
    known = np.ones(len(g), dtype=bool)
    return Prediction(demixing, both, 0.01 * both, np.stack([density, density]), nothing + 0.01, quantities, known)


@pytest.fixture(scope="module")
def perfect(part_of_reference):
    truth = curves_of(part_of_reference)
    states = part_of_reference.states
    demixed = (states["phase"] == "demixed").to_numpy(dtype=float)
    return say(part_of_reference, truth.g, demixed, states["number_density"].to_numpy())


def test_a_perfect_prediction_has_perfect_scores(part_of_reference, perfect):
    scores = score_predictions([part_of_reference], [perfect])
    assert scores["answered"] == 1
    assert scores["states"] == len(part_of_reference.states)
    for group in scores["curves"].values():
        assert group["r2"] == group["worst_r2"] == 1
        assert group["median"] == 0
        assert group["ceiling"] < 1
    for group in scores["phase"].values():
        assert (group["accuracy"], group["brier"]) == (1, 0)
    assert scores["density"]["rms"] == 0
    assert sum(scores["curves"][name]["states"] for name in ("mixed, converged", "not mixed or not converged")) == 80
    table = tabulate_predictions(part_of_reference, perfect)
    assert (table[["error_AA", "error_AB", "error_BB"]] == 0).all(axis=None)


def test_known_errors_give_known_scores(part_of_reference, perfect):
    """Every g off by 0.1, every density by 1 %, the phase of one state in ten wrong with a probability of 0.9."""
    g = perfect.g[0]
    wrong = np.arange(len(g)) % 10 == 0
    demixed = perfect.demixing == 1
    p = np.where(wrong != demixed, 0.9, 0.1)
    said = say(part_of_reference, g + 0.1, p, 1.01 * part_of_reference.states["number_density"].to_numpy())
    scores = score_predictions([part_of_reference], [said])
    every = scores["curves"]["all"]
    assert every["r2"] == pytest.approx(1 - 0.01 / g.var())
    assert every["median"] == pytest.approx(float(np.median(0.1 / g.std(axis=2))))
    assert every["r2_low"] < every["r2"] < every["r2_high"]
    assert every["median_low"] < every["median"] < every["median_high"]
    assert scores["density"]["rms"] == pytest.approx(0.01)
    liquid = scores["phase"]["all"]
    share = wrong.mean()
    assert liquid["accuracy"] == pytest.approx(1 - share)
    assert liquid["accuracy_low"] < liquid["accuracy"] < liquid["accuracy_high"]
    assert liquid["brier"] == pytest.approx(share * 0.81 + (1 - share) * 0.01)


def test_a_state_without_an_answer_is_counted_and_not_scored(part_of_reference, perfect):
    g = perfect.g[0].copy()
    g[3] = np.nan
    said = say(part_of_reference, g, perfect.demixing, part_of_reference.states["number_density"].to_numpy())
    scores = score_predictions([part_of_reference], [said])
    assert scores["answered"] == pytest.approx(79 / 80)
    assert scores["curves"]["all"]["states"] == 79
    assert scores["curves"]["all"]["r2"] == 1


def test_interval_of_a_share():
    """Of none in n the upper end is 1 − 0.025^(1/n)."""
    low, high = binomial_interval(0, 20)
    assert low == 0
    assert high == pytest.approx(1 - 0.025 ** (1 / 20))


def test_the_chance_of_a_coverage_is_even_for_right_bands_and_small_for_wrong_ones():
    """Of right bands at most one in twenty has a chance below 0.05, plus three standard errors of 600 draws."""
    rng = np.random.default_rng(7)
    right, wrong = [], []
    for _ in range(600):
        scores, new = rng.normal(size=150) ** 2, rng.normal(size=80) ** 2
        factor = np.sort(scores)[int(np.ceil(151 * 0.9)) - 1]
        right.append(chance_of_coverage(int((new <= factor).sum()), 80, 150, 0.9))
        wrong.append(chance_of_coverage(int((2 * new <= factor).sum()), 80, 150, 0.9))
    shares = float(np.mean(np.array(right) < 0.05)), float(np.mean(np.array(wrong) < 0.05))
    print("share of chances below 0.05: right bands", shares[0], "of half the variance", shares[1])
    assert shares[0] < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 600)
    assert shares[1] > 0.6


def inferred(width):
    """Normal posteriors around noisy data; an honest one has the width 1."""
    rng = np.random.default_rng(11)
    rows = []
    for k in range(300):
        truth, data = 0.0, rng.normal()
        samples = data + width * rng.normal(size=2000)
        row = {"state_id": f"s{k}", "number": "temperature", "truth": truth, "inside": k % 3 > 0, "recognised": True}
        row |= {"median": np.median(samples), "best": data, "rank": (samples < truth).mean()}
        for level in LEVELS:
            row[f"lower_{level:g}"], row[f"upper_{level:g}"] = np.quantile(samples, [(1 - level) / 2, (1 + level) / 2])
        rows.append(row)
    return pd.DataFrame(rows)


def test_honest_intervals_pass_and_narrow_ones_fail():
    honest, narrow = (summarise_inversion(inferred(width)) for width in (1.0, 0.5))
    assert honest["states"] == 300
    assert honest["together"]["n"] == honest["numbers"]["temperature"]["inside"] == 200
    for level, found in honest["together"]["coverage"].items():
        print(level, found)
        assert found["low"] <= float(level) <= found["high"]
    assert sum(honest["numbers"]["temperature"]["ranks"]) == 200
    assert honest["numbers"]["temperature"]["chance"] > 1e-3
    assert narrow["together"]["coverage"]["0.95"]["high"] < 0.9
    assert narrow["numbers"]["temperature"]["chance"] < 1e-3


def test_states_to_infer_are_mixed_and_inside_first(part_of_reference):
    states = part_of_reference.states
    chosen = states.iloc[choose_states(states, 4)]
    assert (chosen["phase"] == "mixed").all()
    assert chosen["converged"].all()
    inside = chosen["fraction_b"].between(0.1, 0.5, inclusive="neither")
    assert (inside & chosen["epsilon_ab"].between(0.2, 1.0, inclusive="neither")).all()
    assert chosen["state_id"].tolist() == states["state_id"].iloc[choose_states(states, 4)].tolist()


def test_hard_states_are_at_the_boundary_dilute_or_cold(part_of_reference):
    states = part_of_reference.states
    hard = hard_states(states)
    assert (states["temperature"][hard["cold"]] == 0.8).all()
    assert hard["cold"].sum() == (states["temperature"] == 0.8).sum()
    assert (states["phase"][hard["droplets"]] == "demixed").all()
    assert (states["fraction_b"][hard["droplets"]] <= 0.1).all()
    assert 0 < hard["boundary"].sum() < len(states)
    alone = states.assign(phase="mixed", converged=True, starts_agree=True)
    assert not hard_states(alone)["boundary"].any()


def test_proposals_are_compared_pair_by_pair():
    rows = []
    for k in range(10):
        for criterion, shift in (("start", 0.3), ("random", 0.0), ("space-filling", 0.1), ("boundary", -0.2)):
            rows.append({"repetition": k, "criterion": criterion, "hard": "cold"}
                        | dict.fromkeys(MEASURES, 1 + 0.05 * k + shift))  # fmt: skip
    found = summarise_proposals(pd.DataFrame(rows))
    assert found["repetitions"] == 10
    against = found["hard"]["cold"]["error"]["boundary"]["against"]
    assert against["random"]["difference"] == pytest.approx(-0.2)
    assert against["random"]["sem"] == pytest.approx(0, abs=1e-12)
    assert against["space-filling"]["better"] == 10
    assert "against" not in found["hard"]["cold"]["error"]["start"]


def test_the_table_of_aims_tells_what_was_met_missed_and_not_measured():
    measures = {
        "latency": {"exact": {"one_ms": 50.0, "thousand_s": 70.0}},
        "bands": {"groups": [{"covered": 0.7, "low": 0.5, "high": 0.85}]},
    }
    rows = {row["label"]: row for row in tabulate_targets(measures)}
    assert len(rows) == len(AIMS)
    assert rows["one state, exact, ms"]["met"] is True
    assert rows["1000 states, exact, s"]["met"] is False
    worst = rows["… worst left-out group"]
    assert (worst["value"], worst["low"], worst["high"], worst["met"]) == (0.7, 0.5, 0.85, False)
    assert rows["unseen S, all states, R²"]["met"] is None
    text = format_targets(list(rows.values()))
    assert "0.7 (0.5 … 0.85)" in text
    assert "not measured" in text
