"""What a user asks of a surrogate: answers, doubt, files, and bad questions."""

import json

import numpy as np
import pandas as pd
import pytest

from ljmix.data.identity import checksum
from ljmix.data.reference import load_reference
from ljmix.state import StatePoint
from ljmix.surrogate.bands import band_width, left_out_groups
from ljmix.surrogate.learned.emulator import _taught
from ljmix.surrogate.learned.phase import PhaseModel
from ljmix.surrogate.learned.thermodynamics import QUANTITIES
from ljmix.surrogate.surrogate import Surrogate

MIXED, DEMIXED = StatePoint(1.2, 0.3, 1.2, 0.9), StatePoint(0.8, 0.35, 1.2, 0.2)


def test_an_answer_has_everything(surrogate):
    answer = surrogate.predict([MIXED, DEMIXED])
    assert answer.r.tolist() == pytest.approx((np.arange(100) + 0.5) * 0.05)
    assert answer.g.shape == (2, 3, 100)
    assert answer.phase.tolist() == ["mixed", "demixed"]
    assert answer.demixing[0] < 0.2 < 0.8 < answer.demixing[1]
    assert answer.out_of_range == ["", ""]
    lower, upper = answer.band(0.8)
    assert (lower <= answer.g).all()
    assert (answer.g <= upper).all()
    assert (upper - lower)[answer.g > 0.5].min() > 0
    for value, error in (answer.density, answer.potential_energy, answer.compressibility, answer.diffusion):
        assert np.isfinite(value).all()
        assert (error > 0).all()
    assert answer.diffusion[0].shape == (2, 2)
    near = answer.nearest(3)
    assert near["asked"].tolist() == [MIXED.state_id] * 3 + [DEMIXED.state_id] * 3
    assert near["distance"].iloc[:3].is_monotonic_increasing


def test_left_out_simulations_are_met(surrogate, part_of_reference):
    """At T* = 1.0, which was not learned, mixed and converged; today's numbers of the reference set are far better."""
    data = load_reference()
    states = data.states
    test = data.select(
        (states["temperature"] == 1.0) & states["size_ratio"].isin([1.0, 1.5]) & (states["fraction_b"] >= 0.1)
        & (states["phase"] == "mixed") & states["converged"]
    )  # fmt: skip
    r, g = test.curve_array()
    answer = surrogate.predict(test.states, r)
    score = 1 - ((answer.g - g) ** 2).sum() / ((g - g.mean()) ** 2).sum()
    off = np.sqrt(np.mean((answer.density[0] / test.states["number_density"] - 1) ** 2))
    lower, upper = answer.band(0.9)
    noise = 3 * test.curve_array("g_sem")[1]
    inside = ((g >= lower - noise) & (g <= upper + noise)).all(axis=(1, 2))
    print(f"{len(g)} states: R² {score:.4f}, density {off:.2%}, {inside.mean():.0%} in the 90 % band")
    assert score > 0.995
    assert off < 0.005
    assert inside.mean() > 0.7
    assert (answer.phase == "mixed").mean() > 0.9


def test_curves_of_two_liquids_depend_on_the_box(surrogate):
    small, large = (surrogate.predict(DEMIXED, box_edge=edge).g[0] for edge in (12, 60))
    at = np.searchsorted(surrogate.predict(MIXED).r, 4.0)
    # In a large box nearly all pairs at 4 σ are of one domain: like pairs are more, unlike ones fewer.
    assert large[0, at] > small[0, at]
    assert large[1, at] < small[1, at]
    np.testing.assert_array_equal(*(surrogate.predict(MIXED, box_edge=edge).branch("mixed") for edge in (12, 60)))


def test_both_branches_where_the_phase_is_open(surrogate):
    states = [StatePoint(0.8, 0.3, 1.0, x) for x in np.arange(0.3, 0.9, 0.05).round(3)]
    answer = surrogate.predict(states)
    unsure = (answer.demixing > 0.05) & (answer.demixing < 0.95)
    both = np.isfinite(answer.branch("mixed")).all((1, 2)) & np.isfinite(answer.branch("demixed")).all((1, 2))
    print("probability of demixing", answer.demixing.round(2), "both branches", both)
    assert (np.diff(answer.demixing) <= 0).all()
    assert not both[~unsure].any()
    for k in np.flatnonzero(both):
        assert not np.allclose(answer.branch("mixed")[k], answer.branch("demixed")[k], atol=0.05)


def test_emulated_answers_are_off_by_what_they_say(surrogate):
    """Curves of either branch; three times the rms error of states that the emulator was not taught."""
    states = [StatePoint(t, 0.3, s, e) for t in (0.9, 1.1) for s in (1.1, 1.4) for e in (0.3, 0.9)]
    exact, fast = (surrogate.predict(states, exact=flag) for flag in (True, False))
    assert fast.emulated.all()
    assert not exact.emulated.any()
    for k, branch in enumerate(("mixed", "demixed")):
        off = fast.branch(branch) - exact.branch(branch)
        known = np.isfinite(off).all(axis=(1, 2))
        assert known.any()
        rms, told = float(np.sqrt(np.mean(off[known] ** 2))), surrogate.emulator.errors[f"{branch}_rms"]
        print(f"{branch}: emulation is off by {rms:.4f}; {told:.4f} is told for the whole box")
        assert rms < 3 * told
        # Widths of bands are learned on a logarithmic scale.
        widths = [band_width(answer.prediction.g[k], answer.prediction.deviation[k])[known] for answer in (fast, exact)]
        assert np.median(np.abs(np.log(widths[0] / widths[1]))) < 0.2
    assert surrogate.emulator.errors["mixed_rms"] < 0.03


def test_emulated_phases_and_densities_are_those_of_exact_answers(surrogate):
    """They are not emulated: both come from the equation of state and the same processes."""
    states = [MIXED, DEMIXED, StatePoint(0.8, 0.3, 1.0, 0.6)]
    exact, fast = (surrogate.predict(states, exact=flag).prediction for flag in (True, False))
    np.testing.assert_allclose(fast.demixing, exact.demixing, rtol=1e-12)
    np.testing.assert_allclose(fast.density, exact.density, rtol=1e-10)
    for name in QUANTITIES:
        np.testing.assert_allclose(fast.quantities[name][0], exact.quantities[name][0], rtol=1e-10)


def test_both_pure_liquids_of_every_size_are_taught():
    """Every other point of a Sobol sequence fills half of the box only: liquids rich in a small B were missing once."""
    lowest, highest = np.array([0.6, 0.01, 0.5, 0.2]), np.array([1.4, 0.5, 2.0, 1.0])
    states = _taught(lowest, highest, 512, 0)
    assert ((states[:, [0, 2, 3]] >= lowest[[0, 2, 3]]) & (states[:, [0, 2, 3]] <= highest[[0, 2, 3]])).all()
    for rows in (states[:, 2] < 1, states[:, 2] > 1):
        for cold in (states[:, 0] < 1, states[:, 0] > 1):
            volume = states[:, 1] * states[:, 2] ** 3
            share = (volume / (1 - states[:, 1] + volume))[rows & cold]
            assert (share < 0.05).sum() >= 3
            assert (share > 0.95).sum() >= 3
            assert ((states[rows & cold, 1] > lowest[1]) & (states[rows & cold, 1] < highest[1])).sum() > 20


def test_what_was_not_taught_is_solved_and_told(surrogate):
    """Outside the box, and at another pressure; among states that are emulated, in the order in which they came."""
    states = [MIXED, StatePoint(1.3, 0.3, 1.2, 0.9), DEMIXED, StatePoint(1.0, 0.3, 1.2, 0.9, 1.1)]
    fast, exact = (surrogate.predict(states, exact=flag) for flag in (False, True))
    assert fast.emulated.tolist() == [True, False, True, False]
    np.testing.assert_allclose(fast.g[[1, 3]], exact.g[[1, 3]], atol=1e-4)
    np.testing.assert_allclose(fast.demixing, exact.demixing, rtol=1e-12)
    alone = surrogate.predict(DEMIXED, exact=False)
    np.testing.assert_allclose(fast.g[2], alone.g[0], rtol=1e-9)


def test_many_states_are_answered_as_one_by_one(surrogate):
    states = [StatePoint(1.0, 0.3, 1.2, 0.8), MIXED]
    together, alone = surrogate.predict(states), surrogate.predict(states[1])
    np.testing.assert_allclose(together.g[1], alone.g[0], atol=1e-4)
    np.testing.assert_allclose(together.density[0][1], alone.density[0][0], rtol=1e-10)


def test_out_of_range_says_why(surrogate):
    answer = surrogate.predict([StatePoint(1.6, 0.3, 1.2, 0.9), StatePoint(1.0, 0.3, 0.6, 0.9, 2.0), MIXED])
    assert answer.out_of_range == [
        "temperature = 1.6 lies above 1.2, the highest that was simulated",
        "size_ratio = 0.6 lies below 1, the lowest that was simulated; pressure = 2 is not 1, the only one that was "
        "simulated",
        "",
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"states": 3}, r"states = 3: must be a ljmix\.StatePoint"),
        ({"states": []}, r"states = \[\]: must be a ljmix\.StatePoint"),
        ({"states": pd.DataFrame({"temperature": [1.0]})}, "column 'fraction_b' is missing"),
        ({"states": pd.DataFrame([{"temperature": np.nan, "fraction_b": 0.1, "size_ratio": 1, "epsilon_ab": 1}])},
         "temperature = nan is not a finite number"),
        ({"r": [1.0, 0.5]}, "distances must increase"),
        ({"r": [1.0, 6.0]}, "r = 6: must be at most 5"),
        ({"r": [1.0, np.nan]}, "must be finite distances"),
        ({"r": "far"}, "must be distances"),
        ({"box_edge": 2}, "box_edge = 2: must be at least 10 and at most 100"),
        ({"box_edge": [15.0, 15.0]}, r"box_edge has shape \(2,\): must be one number, or 1, one for each state"),
        ({"box_edge": np.nan}, "box_edge = nan: must be a finite number"),
    ],
)  # fmt: skip
def test_bad_questions_get_one_sentence(surrogate, arguments, said):
    with pytest.raises(ValueError, match=said) as error:
        surrogate.predict(**{"states": MIXED, **arguments})
    assert "\n" not in str(error.value)


def test_bad_levels_and_branches_get_one_sentence(surrogate):
    answer = surrogate.predict(MIXED)
    for level in (0, 1, 1.5, np.nan):
        with pytest.raises(ValueError, match="level = "):
            answer.band(level)
    with pytest.raises(ValueError, match="left-out states allow at most"):
        answer.band(0.9999)
    with pytest.raises(ValueError, match="branch = 'solid' is unknown; choose one of mixed, demixed"):
        answer.branch("solid")
    with pytest.raises(ValueError, match="n = 0: must be at least 1"):
        answer.nearest(0)


def test_scores_of_left_out_groups_are_told(surrogate):
    covered = surrogate.bands.coverage(0.8)
    assert set(covered["kind"]) == {"composition", "size_ratio", "temperature"}
    assert covered["covered"].dropna().between(0, 1).all()
    assert covered["n"].sum() == len(surrogate.bands.scores)
    phases = surrogate.bands.phase_scores().set_index(["kind", "states"])
    assert phases.loc[("composition", "starts agree"), "accuracy"] > 0.9
    assert phases.loc[("composition", "starts agree"), "brier"] < 0.1


def test_files_hold_all_of_it(surrogate, part_of_reference, tmp_path):
    folder = surrogate.save(tmp_path / "kept")
    again = Surrogate.load(folder, checksum(part_of_reference))
    first, second = surrogate.predict([MIXED, DEMIXED]), again.predict([MIXED, DEMIXED])
    np.testing.assert_array_equal(first.g, second.g)
    np.testing.assert_array_equal(first.band(0.8)[1], second.band(0.8)[1])
    np.testing.assert_array_equal(first.diffusion[1], second.diffusion[1])
    np.testing.assert_array_equal(surrogate.predict(MIXED, exact=False).g, again.predict(MIXED, exact=False).g)
    assert again.emulator.errors == surrogate.emulator.errors
    pd.testing.assert_frame_equal(first.nearest(2), second.nearest(2))


def test_damaged_files_are_told(surrogate, tmp_path):
    folder = surrogate.save(tmp_path)
    with pytest.raises(ValueError, match="was trained on other data"):
        Surrogate.load(folder, "0" * 64)
    content = bytearray((folder / "surrogate.npz").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "surrogate.npz").write_bytes(bytes(content))
    with pytest.raises(ValueError, match="its SHA-256 differs"):
        Surrogate.load(folder)
    description = json.loads((folder / "surrogate.json").read_text())
    (folder / "surrogate.json").write_text(json.dumps(description | {"format": 99}))
    with pytest.raises(ValueError, match="has format 99, this ljmix reads format 3"):
        Surrogate.load(folder)
    (folder / "surrogate.json").write_text("{}")
    with pytest.raises(ValueError, match="does not describe a surrogate"):
        Surrogate.load(folder)
    with pytest.raises(FileNotFoundError, match="holds no surrogate"):
        Surrogate.load(tmp_path / "nowhere")


def test_too_few_states_teach_no_phase(part_of_reference):
    states = part_of_reference.states
    few = states[states["phase"] == "mixed"]
    with pytest.raises(ValueError, match="have a known phase, 0 of them demixed: at least 20 are needed"):
        PhaseModel.fit(few, few["size_ratio"].to_numpy())


def test_groups_hold_every_state_once_and_folds_are_mixed(part_of_reference):
    """A fifth of the compositions is no slice of the grid: each fold has several values of every number."""
    states = part_of_reference.states
    seen = {}
    for kind, _, out in left_out_groups(states):
        seen[kind] = seen.get(kind, 0) + out.astype(int)
        if kind == "composition":
            assert states[out].groupby(["fraction_b", "size_ratio", "epsilon_ab"]).size().eq(2).all()
            assert states.loc[out, "epsilon_ab"].nunique() >= 3
    assert all((count == 1).all() for count in seen.values())
