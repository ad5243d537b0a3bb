"""The same field with another engine, and with a table in place of the Lennard-Jones potential."""

import numpy as np
import pytest

from ljmix.external_fields.campaign import theory_profile
from ljmix.external_fields.field_engines import PairTable
from ljmix.external_fields.field_runs import run_field
from ljmix.external_fields.fields import make_slit
from ljmix.external_fields.parity import read_engines, score_engines
from ljmix.external_fields.profiles import combine_runs
from ljmix.fluid_functional.cost import equal_cost, read_cost
from ljmix.potential import lj_potential, lj_slope

SLIT = make_slit("test-slit", 1.5, 6.0, 1.0, 70)


@pytest.fixture(scope="module")
def lennard_jones():
    return run_field(SLIT, 0, theory_profile(SLIT), 1500, 6000)


def apart(one, other):
    """Mean difference over the one expected from blocks; about 1 where both are the same, give or take 0.2."""
    found = combine_runs([one, other], 1.5).apart
    print(f"difference over the one expected: {found:.2f}")
    return found


def test_hoomd_gives_the_same_profile(lennard_jones):
    pytest.importorskip("hoomd", reason="HOOMD-blue is not installed")
    run = run_field(SLIT, 1, theory_profile(SLIT), 1500, 6000, "hoomd")
    assert apart(lennard_jones, run) < 2
    # Of one place and one kind: the field's and the pairs' forces are both in what is sampled.
    assert run.forced.std() == pytest.approx(lennard_jones.forced.std(), rel=0.2)


@pytest.fixture
def table(tmp_path):
    r = np.sqrt(np.linspace(0.4**2, 2.5**2, 1500))
    u, f = lj_potential(r, 1.0, 1.0), -lj_slope(r, 1.0, 1.0)
    rows = [f"{k} {x:.15g} {y:.15g} {z:.15g}" for k, (x, y, z) in enumerate(zip(r, u, f, strict=True), 1)]
    path = tmp_path / "a table.txt"
    path.write_text("\n".join(["# mine", "", "AA", "N 1500 RSQ 0.4 2.5", "", *rows]) + "\n")
    return path


def test_a_table_of_the_same_potential_gives_the_same_profile(lennard_jones, table):
    assert apart(lennard_jones, run_field(SLIT, 1, theory_profile(SLIT), 1500, 6000, pair=PairTable(table))) < 2


def test_bad_tables_and_engines_are_refused(table):
    with pytest.raises(ValueError, match="has no section BB with a line N"):
        PairTable(table, "BB")
    rho = theory_profile(SLIT)
    with pytest.raises(ValueError, match="engine = 'gromacs': choose from lammps, hoomd"):
        run_field(SLIT, 0, rho, 0, 100, "gromacs")
    with pytest.raises(ValueError, match="tables of pair potentials are run by lammps"):
        run_field(SLIT, 0, rho, 0, 100, "hoomd", PairTable(table))


def test_equal_accuracy_is_where_the_line_of_errors_says():
    cost = read_cost().iloc[:0]
    for seconds in (1.0, 4.0, 16.0):
        cost.loc[len(cost)] = ["slit", "simulation", seconds, 0.08 / seconds**0.5]
    cost.loc[len(cost)] = ["slit", "functional", 0.1, 0.01]
    found = equal_cost(cost).iloc[0]
    # 0.08/√t = 0.01 after 64 s.
    assert found["simulation"] == pytest.approx(64, rel=1e-9)
    assert found["ratio"] == pytest.approx(640, rel=1e-9)


def test_the_shipped_functional_is_cheaper_than_simulating():
    found = equal_cost(read_cost())
    print(found.round(4).to_string())
    assert (found["ratio"] > 10).all()


def test_the_shipped_profiles_of_both_engines_agree():
    found = score_engines(read_engines())
    print(found)
    # Neighbouring bins are not independent: of some forty independent pieces the mean scatters by a tenth, and the
    # errors themselves are known to a tenth from twenty blocks.
    assert 0.5 * found["expected"] < found["difference"] < 1.6 * found["expected"]
