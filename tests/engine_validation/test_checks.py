from pathlib import Path

import numpy as np
import pytest

from ljmix.engine_validation import checks
from ljmix.engine_validation.checks import check_engines, compare_functions, energy_errors, engine_curves, read_tables
from ljmix.engine_validation.ensembles import check_ensembles
from ljmix.engine_validation.lines import format_lines, make_line, summarise_lines
from ljmix.engine_validation.systems import AGREEMENT_STATES, N_WINDOWS
from tests.engine_validation.conftest import draw_series, draw_tables

SHIPPED = Path(__file__).parents[2] / "data" / "validation"


@pytest.fixture(scope="module")
def bins(two_engines):
    return compare_functions(two_engines)


@pytest.fixture(scope="module")
def lines(two_engines, bins):
    return check_engines(two_engines, bins)


def test_engines_that_are_right_agree(lines):
    assert set(lines["check"]) == {
        "agreement", "equation of state", "Kob-Andersen", "LAMMPS bench", "ensemble", "time step",
    }  # fmt: skip
    print(lines.loc[lines["verdict"] != "agrees"].to_string())
    assert not (lines["verdict"] == "off").any()
    # One in a hundred is doubtful by chance; more than five of some hundred has a probability of 1e-3.
    assert (lines["verdict"] == "doubtful").sum() <= 5
    assert np.isfinite(lines[["observed", "expected", "error", "sigmas", "p"]]).all(axis=None)
    assert lines["p"].between(0, 1).all()


def test_a_biased_engine_is_off():
    """Half of a block's standard deviation in every bin: about a sigma for each, plain in all together."""
    tables = {"hoomd": draw_tables(3, bias=0.5), "lammps": draw_tables(4)}
    found = check_engines(tables, compare_functions(tables))
    of_all = (found["system"] == "all states") & (found["quantity"] == "mean absolute t of all bins")
    together = found[of_all].squeeze(axis=0)
    print(together)
    assert together["verdict"] == "off"
    assert together["observed"] > together["expected"]


def test_one_function_that_differs_is_off():
    """A peak that is shifted in one function of one state."""
    tables = {"hoomd": draw_tables(5), "lammps": draw_tables(6)}
    blocks = tables["hoomd"].blocks
    system = AGREEMENT_STATES[3].state_id
    wrong = (blocks["system"] == system) & (blocks["quantity"] == "AB") & (blocks["r"] > 0.2)
    blocks.loc[wrong, "value"] += 0.2
    found = check_engines(tables, compare_functions(tables))
    off = found[found["verdict"] == "off"]
    assert [(row.system, row.quantity) for row in off.itertuples()] == [(system, "AB: χ² a bin")]


def test_blocks_that_know_of_one_another_are_found():
    """Windows of one engine that differ by more than their blocks say: nobody's error bars can be trusted then."""
    rng = np.random.default_rng(9)
    tables = {"hoomd": draw_tables(7), "lammps": draw_tables(8)}
    for found in tables.values():
        blocks = found.blocks
        for _, of in blocks[blocks["quantity"] == "density"].groupby("system"):
            windows = np.repeat(0.002 * rng.normal(size=N_WINDOWS), len(of) // N_WINDOWS)
            blocks.loc[of.sort_values("block").index, "value"] += windows
    found = check_engines(tables, compare_functions(tables)).set_index("quantity")
    name = "variance of an engine's windows over that of its blocks"
    print(found.loc[[f"density: {name}", "density: sum of σ²", f"energy: {name}", "energy: sum of σ²"]].to_string())
    # A window is off by as much as a block, so that ten blocks a window make its variance 11 times theirs.
    assert found.loc[f"density: {name}", "observed"] > 5
    assert found.loc[f"density: {name}", "verdict"] == "off"
    assert found.loc["density: sum of σ²", "verdict"] == "off"
    for quantity in (f"energy: {name}", "energy: sum of σ²"):
        assert found.loc[quantity, "p"] > 0.001


def test_wrong_exponent_of_the_time_step_is_off():
    found = check_engines({"lammps": draw_tables(5, exponent=1.0)}, compare_functions({"lammps": None}))
    assert "agreement" not in set(found["check"])
    (verdict,) = found.loc[found["check"] == "time step", "verdict"]
    assert verdict == "off"


def test_a_wrong_width_of_the_volume_is_found():
    """A barostat that keeps the mean and halves the width."""
    rng = np.random.default_rng(6)
    right = [line["p"] for line in check_ensembles("right", draw_series(rng))]
    wrong = [line["p"] for line in check_ensembles("wrong", draw_series(rng, width=5.5))]
    assert min(right) > 1e-3
    assert wrong[-1] < 1e-6
    series = draw_series(rng)
    series.loc[series["pressure_set"] > 1.1, "n_particles"] += 1
    with pytest.raises(ValueError, match="different numbers of particles"):
        list(check_ensembles("mixed", series))


def test_bins_that_are_empty_are_left_out(bins):
    # Three windows against three of the other engine, and three couples in each engine.
    assert len(bins) == len(AGREEMENT_STATES) * 3 * 35 * (9 + 6)
    assert bins["with_itself"].mean() == 6 / 15
    assert (bins["degrees"] == 18).all()
    assert bins["r"].min() > 0.05


def test_curves_and_energy_errors(two_engines):
    curves = engine_curves(two_engines, "kob-andersen")
    assert list(dict.fromkeys(curves["engine"])) == ["hoomd", "lammps"]
    top = curves[(curves["engine"] == "lammps") & (curves["pair"] == "AA")].set_index("r")["g"].idxmax()
    assert top == pytest.approx(1.008, abs=0.05)
    errors = energy_errors(two_engines)
    assert errors["error"].to_numpy()[:3] == pytest.approx(np.array([0.002, 0.004, 0.008]) ** 2, rel=0.1)
    with pytest.raises(ValueError, match="hold no energy of water; simulate it again"):
        two_engines["hoomd"].values("water", "energy")


def test_lines_are_written_down(lines):
    page = format_lines(lines)
    assert page.count("\n| hoomd | ") + page.count("\n| lammps | ") + page.count("\n| both | ") == len(lines)
    summary = summarise_lines(lines)
    assert summary["lines"] == len(lines)
    assert summary["off"] == 0
    assert summary["all states"]["mean absolute t of all bins"]["p"] > 0.001
    with pytest.raises(ValueError, match="with an error above 0"):
        make_line("a", "b", "c", "d", 1.0, 1.0, 0.0)


def test_the_shipped_tables_are_there_and_agree():
    tables = read_tables(SHIPPED)
    assert set(tables) == {"hoomd", "lammps"}
    lines = check_engines(tables, compare_functions(tables))
    print(lines.loc[lines["verdict"] != "agrees"].to_string())
    assert not (lines["verdict"] == "off").any()


def test_missing_tables_say_how_to_make_them(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"python -m ljmix.engine_validation.runs writes them"):
        read_tables(tmp_path)


def test_height_of_a_peak_is_not_lifted_by_noise():
    rng = np.random.default_rng(8)
    r = (np.arange(250) + 0.5) * 0.01
    curve = 1 + 1.8 * np.exp(-((r - 1.3) ** 2) / (2 * 0.05**2))
    found = np.array([checks._peak(r, curve + 0.1 * rng.normal(size=(10, 250))) for _ in range(200)])
    mean, sem = found[:, 0].mean(), found[:, 0].std(ddof=1) / np.sqrt(200)
    # A quartic follows the Gaussian within 6 % of its place to 0.1 % of the height.
    sigmas = (mean - 2.8) / np.hypot(sem, 0.0028)
    print(f"observed {mean:.4f} +- {sem:.4f}, expected 2.8, {sigmas:.1f} sigmas; error {found[:, 1].mean():.4f}")
    assert abs(sigmas) < 4
    # The jackknife knows the scatter, which is itself known to 1/sqrt(400).
    assert found[:, 1].mean() == pytest.approx(found[:, 0].std(ddof=1), rel=0.25)
