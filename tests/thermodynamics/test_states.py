"""What follows from the shipped tables: mixtures of labels, both routes, and every comparison of the page of truth."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import ljmix
from ljmix.state import state_points
from ljmix.theory.eos import equation_of_state
from ljmix.thermodynamics import activity, gibbs_helmholtz, henry, states, tables, transport, truth, views
from ljmix.thermodynamics.campaign import TASKS, Task, is_done, run_tasks


@pytest.fixture(scope="module")
def dataset():
    return ljmix.load_reference()


@pytest.fixture(scope="module")
def derived(dataset):
    return states.derive_states(dataset)


@pytest.fixture(scope="module")
def own():
    return tables.read_own_runs()


def test_labels_that_say_nothing_make_an_ideal_mixture(derived):
    """Γ = 1 and equal G_ij within errors, which are known to a third: the spread of z may be that much off one."""
    colour = derived[(derived["size_ratio"] == 1) & (derived["epsilon_ab"] == 1)]
    n = len(colour)
    assert n > 10
    for name, z in (
        ("Γ by waves", (colour["factor_waves"] - 1) / colour["factor_waves_sem"]),
        ("Γ by curves", (colour["factor_rdf"] - 1) / colour["factor_rdf_sem"]),
        ("G_AA − G_AB", views.colour_difference(colour, "aa", "ab")),
        ("G_BB − G_AB", views.colour_difference(colour, "bb", "ab")),
    ):
        print(f"{name}: z {z.mean():.2f} ± {1 / np.sqrt(n):.2f}, spread {z.std():.2f}")
        assert abs(z.mean()) < 3.5 / np.sqrt(n)
        assert z.std() < 1.33 + 3 / np.sqrt(2 * n)


def test_compressibility_of_the_colour_mixture_is_the_equation_of_states(derived):
    colour = derived[(derived["size_ratio"] == 1) & (derived["epsilon_ab"] == 1) & (derived["temperature"] >= 0.8)]
    expected = np.array([equation_of_state(state).compressibility for state in state_points(colour)])
    # PeTS meets slopes of the pressure within some 5 %.
    z = (colour["compressibility_waves"] - expected) / np.hypot(colour["compressibility_waves_sem"], 0.05 * expected)
    print(f"z {z.mean():.2f}, spread {z.std():.2f}, {len(z)} states")
    assert abs(z.mean()) < 3.5 / np.sqrt(len(z)) + 0.5
    assert (z.abs() < 3).mean() > 0.9


def test_both_routes_agree_within_the_error_of_their_difference(derived):
    z = (derived["factor_waves"] - derived["factor_rdf"]) / derived["factor_difference_sem"]
    print(f"z {z.mean():.3f}, spread {z.std():.3f}, {len(z)} states")
    assert abs(z.mean()) < 0.2
    assert z.std() < 1.2
    # The two are correlated: their difference is better known than from independent errors.
    apart = np.hypot(derived["factor_waves_sem"], derived["factor_rdf_sem"])
    assert (derived["factor_difference_sem"] < apart).mean() > 0.5


def test_curves_too_short_for_the_correlations_are_not_integrated(dataset, derived, monkeypatch):
    """The first is near its consolute point: Γ from curves of 7 σ would be too large."""
    near, far = (derived.set_index("state_id").loc[name] for name in ("T1.4_C0.5_S1_E0.6_P1", "T1.4_C0.5_S1_E1_P1"))
    print(near[["correlation_length", "factor_waves", "factor_waves_sem", "problem"]])
    assert near["correlation_length"] > 7 / states.LENGTHS > far["correlation_length"]
    assert "curves that end at 7 σ are integrated where they hold 8 ξ" in near["problem"]
    assert np.isnan(near["factor_rdf"])
    assert np.isfinite(near["factor_waves"])
    assert far["problem"] == ""
    long = derived["correlation_length"].fillna(np.inf) > 7 / states.LENGTHS
    assert (derived.loc[long, "problem"] != "").all()
    # What fewer waves say is in the error of the other route; with all eight shells it would add nothing.
    monkeypatch.setattr(states, "_FEW_SHELLS", 8)
    (alone,) = states.derive_states(dataset.select((dataset.states["state_id"] == near.name).to_numpy()))[
        "factor_waves_sem"
    ]
    assert near["factor_waves_sem"] > alone


def test_compressibility_from_curves_knows_how_far_they_reach(dataset, derived):
    """At S = 2 curves end after three and a half diameters of B: their integral still swings, and its error says so."""
    both = derived.merge(dataset.states[["state_id", "isothermal_compressibility", "isothermal_compressibility_sem"]])
    both = both[both["problem"] == ""]
    error = np.hypot(both["compressibility_rdf_sem"], both["isothermal_compressibility_sem"])
    z = (both["compressibility_rdf"] - both["isothermal_compressibility"]) / error
    for size_ratio, of in z.groupby(both["size_ratio"]):
        print(f"S {size_ratio:g}: z {of.mean():.2f}, spread {of.std():.2f}, {len(of)} states")
        assert abs(of.mean()) < 0.5
        assert of.std() < 1.3


def test_partial_volumes_add_up_to_the_volume(derived):
    x = derived["share_b"]
    total = (1 - x) * derived["volume_a_waves"] + x * derived["volume_b_waves"]
    np.testing.assert_allclose(total, 1 / derived["number_density"], rtol=1e-9)


def test_a_table_without_waves_is_refused(dataset):
    with pytest.raises(ValueError, match="no structure factors"):
        states.derive_states(replace(dataset, structure_factors=None))


def test_gibbs_and_helmholtz_hold(dataset, derived):
    slopes = gibbs_helmholtz.compare_slopes(derived, dataset.states)
    line = gibbs_helmholtz.fit_line_through_origin(
        *(slopes[name].to_numpy() for name in ("from_enthalpy", "from_factor", "from_enthalpy_sem", "from_factor_sem"))
    )
    print(f"slope {line.slope:.3f} ± {line.sem:.3f}, {line.within_two:.1%} of {len(slopes)} within 2")
    assert abs(line.slope - 1) < 3 * line.sem
    assert line.within_two > 0.85


def test_every_comparison_is_on_the_page(dataset, derived, own):
    solutes, boxes, _ = own
    isotherms = activity.fit_isotherms(derived, dataset.states)
    truths = truth.collect_truths(dataset, derived, isotherms, solutes, boxes)
    summary = truth.summarise_truths(truths).set_index(["quantity", "first_route"])
    assert {"thermodynamic factor", "compressibility", "energy", "chemical potential of a dissolved B"} <= set(
        summary.index.get_level_values(0)
    )
    # Routes that share no run: chance alone.
    dissolved = truths[truths["quantity"] == "chemical potential of a dissolved B"]
    assert (dissolved["z"].abs() < 3).all(), dissolved[dissolved["z"].abs() >= 3].to_string()
    page = truth.format_truths(truths)
    assert page.count("\n| ") >= len(summary) + 1
    for name in truths.loc[truths["z"].abs() > 3, "state"]:
        assert name in page
    numbers = truth.describe(truths, gibbs_helmholtz.Line(1.0, 0.1, 1.0, 0.9), 3, isotherms, 0.7,
                             transport.entropy_scatter(transport.scale_by_entropy(dataset)))  # fmt: skip
    assert len(numbers["routes"]) == len(summary)


def test_an_absurd_value_is_listed_not_averaged_away(dataset, derived, own):
    wrong = derived.copy()
    place = wrong.index[wrong["problem"] == ""][3]
    wrong.loc[place, "factor_rdf"] = wrong.loc[place, "factor_waves"] + 20 * wrong.loc[place, "factor_difference_sem"]
    page = truth.format_truths(truth.collect_truths(dataset, wrong, {}, own[0], own[1]))
    far = page[page.index("## Beyond") :]
    assert f"| thermodynamic factor | {wrong.loc[place, 'state_id']} |" in far


def test_coexisting_liquids_of_a_mixture_that_is_its_mirror_image():
    """S = 1: what is lean in B on one side is lean in A on the other, by theory exactly."""
    paths = sorted((tables.shipped_folder() / "parts").glob("*.npz"))
    table = views.compare_coexistence(paths, 0.7)
    assert list(table) == ["state_id", "lean", "rich", "theory", "lean_theory", "rich_theory"]
    assert (table["lean"] < table["rich"]).all()
    mirror = table[table["state_id"].str.contains("_S1_")]
    np.testing.assert_allclose(mirror["lean_theory"], 1 - mirror["rich_theory"], atol=1e-6)


def test_pooled_replicas_are_weighted_means():
    rows = pd.DataFrame(
        {
            "temperature": 1.0, "pressure": 1.0, "size_ratio": 1.0, "epsilon_ab": 0.6, "route": "soft",
            "replica": [0, 1], "mu": [1.0, 2.0], "mu_sem": [0.1, 0.2], "density": 0.75, "samples": [50.0, 40.0],
        }
    )  # fmt: skip
    (pooled,) = henry.pool_replicas(rows).to_dict("records")
    assert pooled["mu"] == pytest.approx((1.0 * 4 + 2.0) / 5)
    assert pooled["mu_sem"] == pytest.approx(np.sqrt(1 / (100 + 25)))
    assert pooled["replicas"] == 2


def test_shipped_tables_obey_their_schema_and_the_card_is_theirs(own, tmp_path):
    solutes, _, mixtures = own
    assert len(solutes) >= 60
    folder = tables.shipped_folder() / "thermodynamics"
    for name in ("henry", "transport"):
        (tmp_path / f"{name}.parquet").write_bytes((folder / f"{name}.parquet").read_bytes())
    (tmp_path / "mixtures").mkdir()
    for path in mixtures:
        (tmp_path / "mixtures" / path.name).write_bytes(path.read_bytes())
    tables.write_card(tmp_path)
    assert (tmp_path / "README.md").read_text() == (folder / "README.md").read_text()


def test_derived_columns_are_in_the_schema(derived):
    assert [field.name for field in tables.TABLES["derived"] if field.name not in derived] == []
    assert set(derived) <= {field.name for field in tables.TABLES["derived"]}


def test_bad_tables_are_told_in_one_sentence(own, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"henry.parquet does not exist; python -m ljmix.thermo"):
        tables.read_table(tmp_path / "henry.parquet")
    own[0].drop(columns="mu").to_parquet(tmp_path / "henry.parquet")
    with pytest.raises(ValueError, match="column 'mu' is missing"):
        tables.read_table(tmp_path / "henry.parquet")
    own[0].assign(mu_sem=-1.0).to_parquet(tmp_path / "henry.parquet")
    with pytest.raises(ValueError, match="row 0: mu_sem = -1: must lie between 0 and inf"):
        tables.read_table(tmp_path / "henry.parquet")


def test_tasks_are_named_once_and_done_tasks_are_not_repeated(tmp_path):
    assert len({str(task) for task in TASKS}) == len(TASKS)
    calls = []

    def measure(work):
        calls.append(work)
        return pd.DataFrame([{"route": "soft", "temperature": 1.0, "mu": 0.5}])

    task = Task("henry", {"route": "soft", "temperature": 1.0}, measure)
    other = Task("henry", {"route": "soft", "temperature": 1.2}, measure)
    assert not is_done(task, tmp_path)
    assert run_tasks([task], tmp_path / "work", tmp_path) == 0
    assert is_done(task, tmp_path)
    assert not is_done(other, tmp_path)
    assert run_tasks([task], tmp_path / "work", tmp_path) == 0
    assert len(calls) == 1
    assert run_tasks([other], tmp_path / "work", tmp_path, minutes=-1) == 1
    assert len(calls) == 1
