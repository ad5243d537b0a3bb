"""Terms in files, and the shipped functional against the shipped simulations."""

import numpy as np
import pandas as pd
import pytest

from ljmix.external_fields.fields import draw_field, make_slit
from ljmix.external_fields.tables import FunctionalTables, read_tables
from ljmix.fluid_functional.scores import (
    score_middle,
    score_pressure,
    score_profiles,
    score_structure,
    summarise_scores,
)
from ljmix.functional.grid import Grid
from ljmix.functional.learned import initial_term
from ljmix.functional.model import Functional
from ljmix.functional.shipped import find_tables, load_functional, read_term, write_term


@pytest.fixture(scope="module")
def tables():
    return read_tables()


def test_a_term_survives_its_files(tmp_path):
    term = initial_term(4, 1.0, 0.1, 3, 6, 1.5, seed=0)
    write_term(term, tmp_path, "mine", {"temperatures": [1.0, 1.5]})
    again, described = read_term(tmp_path, "mine")
    grid, rho = Grid((64,), 0.1), np.linspace(0.1, 0.7, 64)
    np.testing.assert_array_equal(again.c1(rho, grid, 1.2), term.c1(rho, grid, 1.2))
    assert described["temperatures"] == [1.0, 1.5]
    assert load_functional(1.2, "mine", tmp_path).learned is not None
    with pytest.raises(ValueError, match=r"temperature = 0\.9: mine was trained for T\* from 1 to 1\.5"):
        load_functional(0.9, "mine", tmp_path)
    with pytest.raises(FileNotFoundError, match="there are mine"):
        read_term(tmp_path, "other")
    np.savez(tmp_path / "mine.npz", coefficients=np.zeros((2, 3)))
    with pytest.raises(ValueError, match="it is no trained term"):
        read_term(tmp_path, "mine")


def test_fields_survive_json():
    for field in (draw_field("x-1", 1.5), make_slit("s", 1.5, 6.0, 1.0, 100)):
        import json

        assert type(field).from_json(json.dumps(field.as_dict())) == field


def test_what_is_shipped_is_small_and_whole(tables):
    files = [path for path in find_tables().iterdir() if path.is_file()]
    size = sum(path.stat().st_size for path in files) / 2**20
    print(f"{len(files)} files, {size:.2f} MiB")
    assert size < 4
    assert not [path.name for path in files if path.suffix not in {".parquet", ".npz", ".json", ".md"}]
    assert set(tables.profiles["field"]) == set(tables.fields["field"])
    assert (tables.profiles.groupby("field").size() == 300).all()
    for name in ("rho_sem", "counted_sem"):
        assert (tables.profiles[name] >= 0).all()
    inside = tables.profiles.merge(tables.fields[["field", "n_particles"]], on="field")
    amount = inside.groupby("field").agg(rho=("rho", "sum"), n=("n_particles", "first"))
    np.testing.assert_allclose(amount["rho"] * 49 * 0.05, amount["n"], rtol=1e-5)


def test_the_shipped_functional_beats_theory_on_walls_it_has_not_seen(tables):
    learned = score_profiles(load_functional(1.5, "fluid-T1.5"), tables, "test-T1.5")
    theory = score_profiles(Functional(1.5), tables, "test-T1.5")
    print(learned.assign(theory=theory["error"]).round(4))
    assert learned["error"].median() < 0.5 * theory["error"].median()
    assert (learned["error"] < theory["error"]).mean() >= 0.8
    with pytest.raises(ValueError, match="set 'none' has no field"):
        score_profiles(Functional(1.5), tables, "none")


def test_the_shipped_functional_gives_pressures_it_has_not_seen(tables):
    bulk = tables.bulk[tables.bulk["set"] == "test-T1.5"]
    scored = score_pressure(load_functional(1.5, "fluid-T1.5").pressure, bulk)
    print(scored.round(4))
    # One per cent is the aim; the simulations' own errors come on top.
    assert (scored["error"].abs() < 0.01 + 3 * scored["noise"]).all()


def test_the_middle_of_a_bin_is_the_wrong_place_for_its_field(tables):
    fluid = load_functional(1.5, "fluid-T1.5")
    wrong, right = score_middle(fluid, tables, "test-T1.5"), score_profiles(fluid, tables, "test-T1.5")["error"]
    assert np.median(wrong - right) > 0


def test_a_functional_misses_nothing_of_what_it_made_itself(tables):
    theory = Functional(1.5)
    rows = tables.fields[tables.fields["set"] == "test-T1.5"].iloc[:1].assign(set="own", starts_agree=True)
    energy = tables.column("energy", rows)
    rho = theory.profile(energy[0], n=float(rows["n_particles"].iloc[0]) / 49, tolerance=1e-8)
    profile = pd.DataFrame({"field": rows["field"].iloc[0], "energy": energy[0], "rho": rho, "shift": 0.0})
    k = np.linspace(0.5, 8, 20)
    own = FunctionalTables(
        rows, profile,
        pd.DataFrame({"set": ["own"], "density": [0.5], "pressure": theory.pressure([0.5]), "pressure_sem": [1e-3]}),
        pd.DataFrame({"set": "own", "density": 0.5, "k": k, "s": theory.structure_factor(k, 0.5), "s_sem": 0.01}),
    )  # fmt: skip
    scores = summarise_scores(theory, own, "own")
    assert scores["profile_worst"] < 1e-4
    assert scores["pressure_worst"] < 1e-12
    assert score_structure(theory, own.structure)["error"].iloc[0] < 1e-12
    assert scores["unconverged"] == 0
