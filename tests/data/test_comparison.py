from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from ljmix.data.comparison import MOST_SIGMAS, compare_bins, compare_states, require_agreement


def repeat(dataset, rng, shift=0.0):
    """The same states measured again: noise of the size the error bars say, and perhaps a shift of one curve."""
    states, rdf = dataset.states.copy(), dataset.rdf.copy()
    for name in ("number_density", "potential_energy"):
        states[name] += rng.normal(size=len(states)) * states[f"{name}_sem"]
    rdf["g"] += rng.normal(size=len(rdf)) * rdf["g_sem"]
    shifted = (rdf["state_id"] == states["state_id"][0]) & (rdf["pair"] == "BB")
    rdf.loc[shifted, "g"] += shift * rdf.loc[shifted, "g_sem"]
    return replace(dataset, states=states, rdf=rdf)


def test_repetitions_agree_and_a_shifted_curve_is_found(dataset):
    rng = np.random.default_rng(20261121)
    one = repeat(dataset, rng)
    z = compare_bins(one, repeat(dataset, rng))["z"]
    print(f"z: mean {z.mean():.4f} (expected 0), standard deviation {z.std():.4f} (expected 1), n {len(z)}")
    assert abs(z.mean()) < 4.5 / np.sqrt(len(z))
    assert abs(z.std() - 1) < 4.5 / np.sqrt(2 * len(z))
    table = compare_states(one, repeat(dataset, rng))
    assert set(table["quantity"]) == {"number_density", "potential_energy", "AA", "AB", "BB"}
    require_agreement(table)
    first = dataset.states["state_id"][0]
    with pytest.raises(RuntimeError, match=rf"disagree: {first} BB: .* standard errors$"):
        require_agreement(compare_states(one, repeat(dataset, rng, shift=6.0)))


def test_limit_is_what_its_text_says():
    """Two errors from five blocks each, the fewest there are: eight degrees of freedom."""
    assert 1 / (2 * stats.t.sf(MOST_SIGMAS, 2 * (5 - 1))) == pytest.approx(3000, rel=0.1)


def test_a_number_that_is_missing_is_no_agreement(dataset):
    table = compare_states(dataset, dataset)
    table.loc[3, "sigmas"] = np.nan
    with pytest.raises(RuntimeError, match="disagree"):
        require_agreement(table)


def test_datasets_without_a_common_state_are_refused(dataset):
    cold = (dataset.states["temperature"] < 0.9).to_numpy()
    with pytest.raises(ValueError, match="share no state"):
        compare_bins(dataset.select(cold), dataset.select(~cold))
