"""The shipped tables of version 1, whose `g_sem` is that of blocks."""

from dataclasses import replace

import numpy as np
import pytest

from ljmix.data.reference import load_reference
from ljmix.release.wave_term import expected_lifetimes, judge_colour_mixture, wave_terms


@pytest.fixture(scope="module")
def shipped():
    dataset = load_reference()
    return dataset, wave_terms(dataset)


def test_curves_of_a_colour_mixture_are_one_within_errors_that_know_the_waves(shipped):
    dataset, terms = shipped
    table = judge_colour_mixture(dataset, terms)
    print(table.round(2).to_string(index=False))
    within = (table["rms"] <= table["rms_95"]).to_numpy()
    # Of ten sound values one in twenty lies above: three or more by chance once in ninety times.
    assert within.sum() >= 8
    assert (table["rms"] < table["rms_shipped"]).all()
    assert (table["waves"] <= table["waves_95"]).all()
    unlike = table["couple"] == "AB-BB"
    before, after = (np.sqrt(np.mean(table.loc[unlike, name] ** 2)) for name in ("rms_shipped", "rms"))
    print(f"AB - BB over all temperatures: {before:.2f} without the term, {after:.2f} with it")
    assert before > 1.3
    assert after < 1.15


def test_the_term_is_that_of_one_liquid(shipped):
    dataset, terms = shipped
    phase = dataset.rdf["state_id"].map(dataset.states.set_index("state_id")["phase"]).to_numpy()
    assert np.all(terms[phase != "mixed"] == 0)
    assert np.all(np.isfinite(terms))
    assert np.mean(terms[phase == "mixed"] > 0) > 0.8


def test_lifetimes_know_the_shorter_waves(shipped):
    dataset, _ = shipped
    lives = expected_lifetimes(dataset).set_axis(dataset.states["state_id"])
    sampled = dataset.states.set_index("state_id")["wave_lifetime"]
    assert (lives.isna() == sampled.isna()).all()
    # The state whose curves are off most: 68 τ from its few long waves, 100 to 130 τ at its neighbours in C_B.
    assert sampled["T0.8_C0.2_S1_E1_P1"] < 70
    assert 95 < lives["T0.8_C0.2_S1_E1_P1"] < 140


def test_without_structure_factors_the_reader_is_told(shipped):
    with pytest.raises(ValueError, match="no structure factors, from which the errors of waves follow"):
        wave_terms(replace(shipped[0], structure_factors=None))
