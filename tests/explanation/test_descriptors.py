import numpy as np
import pandas as pd
import pytest

from ljmix.data.dataset import Dataset
from ljmix.explanation.descriptors import (
    DescriptorStudy,
    describe_curves,
    explain_descriptors,
    interaction_curves,
    interaction_shares,
    share_of_descriptors,
)
from ljmix.potential import lj_potential
from ljmix.state import PARAMETERS, state_points


def with_curves(dataset, curve):
    """The dataset with g = curve(r, σ_ij) for every state and pair."""
    size = dataset.rdf["state_id"].map(dataset.states.set_index("state_id")["size_ratio"])
    sigma = dataset.rdf["pair"].map({"AA": 0.0, "AB": 0.5, "BB": 1.0})
    rdf = dataset.rdf.assign(g=curve(dataset.rdf["r"], 1 + sigma * (size - 1)))
    return Dataset(dataset.states, rdf, dataset.provenance)


def test_neighbours_of_an_ideal_gas_fill_the_shell(dataset):
    found = describe_curves(with_curves(dataset, lambda r, sigma: 1.0 + 0 * r))
    states = dataset.states
    share = (states["n_b"] / states["n_particles"]).to_numpy()
    diameters = {"AA": 1.0, "AB": (1 + states["size_ratio"].to_numpy()) / 2, "BB": states["size_ratio"].to_numpy()}
    for pair, sigma in diameters.items():
        density = 0.8 * (share if pair[1] == "B" else 1 - share)
        expected = 4 / 3 * np.pi * (1.5 * sigma) ** 3 * density
        # Bins of width w hold r² at their centre: the sum falls short of the integral by w² / (4 R²), and
        # the cut bin by up to w / R of its own share.
        limit = 0.05**2 / (1.5 * np.min(sigma)) ** 2 + 3 / 8 * (0.05 / (1.5 * np.min(sigma))) ** 2
        np.testing.assert_allclose(found[f"neighbors_{pair}"], expected, rtol=limit)


def test_peaks_are_those_within_the_bins_for_every_size(dataset):
    """Curves with a straight cavity function: averages over bins hide the peak, the more the smaller σ_ij."""
    points = dict(zip(dataset.states["state_id"], state_points(dataset.states), strict=True))
    parts, expected = [], []
    for (name, pair), rows in dataset.rdf.groupby(["state_id", "pair"], sort=False):
        state, r = points[name], rows["r"].to_numpy()
        fine = r[:, None] + 0.05 * ((np.arange(400) + 0.5) / 400 - 0.5)
        u = lj_potential(fine, state.sigma(pair), state.epsilon(pair))
        g = (2 - 0.3 * fine / state.sigma(pair)) * np.exp(-np.clip(u / state.temperature, None, 500))
        parts.append(rows.assign(g=(g * fine**2).sum(axis=1) / (fine**2).sum(axis=1)))
        top = np.argmax(g)
        expected.append((name, pair, g.flat[top], fine.flat[top] / state.sigma(pair), parts[-1]["g"].max()))
    found = describe_curves(Dataset(dataset.states, pd.concat(parts), dataset.provenance))
    rows = []
    for name, pair, height, position, highest_bin in expected:
        state = points[name]
        rows.append({
            "temperature": state.temperature, "epsilon": state.epsilon(pair), "lost": 1 - highest_bin / height,
            "height": found.loc[name, f"height_{pair}"] / height - 1,
            "position": found.loc[name, f"position_{pair}"] - position,
        })  # fmt: skip
    table = pd.DataFrame(rows)
    print(f"the highest bin lies up to {100 * table['lost'].max():.0f} % below the peak")
    assert table["lost"].max() > 0.03
    # A parabola over a tenth of σ cuts the sharp, steep-sided top by a per cent and moves it out, for all sizes alike.
    assert table["height"].abs().max() < 0.015
    assert table["position"].abs().max() < 0.02
    apart = table.groupby(["temperature", "epsilon"])[["height", "position"]].agg(np.ptp).max()
    print(f"sizes differ by up to {100 * apart['height']:.2f} % in height, {apart['position']:.4f} in place")
    assert apart["height"] < 0.003
    assert apart["position"] < 0.002


def test_demixing_is_there_if_the_states_have_it(dataset):
    assert "demixing" not in describe_curves(dataset)
    states = dataset.states.assign(demixing=0.25)
    found = describe_curves(Dataset(states, dataset.rdf, dataset.provenance))
    assert (found["demixing"] == 0.25).all()
    assert list(found.index) == list(states["state_id"])


@pytest.fixture(scope="module")
def study(dataset) -> DescriptorStudy:
    states = dataset.states
    descriptors = pd.DataFrame(
        {
            "height_AA": 2 * states["temperature"],
            "height_BB": (states["size_ratio"] - 1) * (states["epsilon_ab"] - 0.6),
            "constant": 1.0,
        }
    )
    return explain_descriptors(states, descriptors, seed=0)


def test_the_parameter_that_makes_a_descriptor_gets_the_credit(study):
    assert study.names == ["height_AA", "height_BB"], "what does not vary is left out"
    shares = share_of_descriptors(study, seed=0).set_index(["descriptor", "feature"])
    assert shares.loc[("height_AA", "temperature"), "share"] > 0.95
    assert (study.r2 > 0.9).all()
    assert ((shares["share_low"] <= shares["share"]) & (shares["share"] <= shares["share_high"])).all()
    np.testing.assert_allclose(shares.groupby("descriptor")["share"].sum(), 1, rtol=1e-13)


def test_a_product_is_an_interaction(study, dataset):
    together = interaction_shares(study, seed=0)
    of_product = together[together["descriptor"] == "height_BB"].set_index(["feature", "other"])["share"]
    assert of_product.idxmax() == ("size_ratio", "epsilon_ab")
    assert of_product.max() > 0.5, "more than all else together"
    assert together[together["descriptor"] == "height_AA"]["share"].max() < 0.05
    curves = interaction_curves(study, dataset.states)
    cut = curves[(curves["descriptor"] == "height_BB") & (curves["other"] == "epsilon_ab")]
    signs = np.sign((cut["size_ratio"] - 1) * (cut["level"] - 0.6))
    assert (np.sign(cut["mean"]) == signs).all()


def test_interactions_are_symmetric(study):
    np.testing.assert_allclose(study.interactions, np.swapaxes(study.interactions, 2, 3), atol=1e-6)
    assert study.contributions.shape == (2, 40, len(PARAMETERS))


def test_clear_errors(dataset):
    descriptors = pd.DataFrame({"x": np.arange(40.0)})
    with pytest.raises(ValueError, match="40 states, 39 rows of descriptors"):
        explain_descriptors(dataset.states, descriptors.head(39), seed=0)
    lacking = descriptors.set_index(dataset.states["state_id"]).assign(demixing=1.0)
    lacking.iloc[3, 1] = np.nan
    with pytest.raises(ValueError, match=f"descriptor demixing of state {lacking.index[3]} is not a finite number"):
        explain_descriptors(dataset.states, lacking, seed=0)
    with pytest.raises(ValueError, match="no descriptor varies"):
        explain_descriptors(dataset.states, descriptors * 0, seed=0)
