from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ljmix.data.dataset import FEATURES, Dataset, learning_table, read_dataset, split_by_temperature, write_dataset
from ljmix.state import PAIRS


def test_tables_survive_the_disk(dataset, tmp_path):
    write_dataset(dataset, tmp_path)
    again = read_dataset(tmp_path)
    pd.testing.assert_frame_equal(again.states, dataset.states, check_dtype=False)
    pd.testing.assert_frame_equal(again.rdf, dataset.rdf, check_dtype=False)
    assert again.provenance == dataset.provenance
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rdf.parquet", "states.parquet"]


def test_learning_table_is_the_papers(dataset):
    table = learning_table(dataset)
    assert len(table) == 100 * 3 * len(dataset.states)
    assert tuple(table.columns[:7]) == FEATURES
    labels = table.groupby("pair")[["has_a", "has_b"]].first()
    assert labels.loc["AA"].tolist() == [1, 0]
    assert labels.loc["AB"].tolist() == [1, 1]
    assert labels.loc["BB"].tolist() == [0, 1]


def test_curves_follow_the_states(dataset):
    r, g = dataset.curve_array()
    assert g.shape == (len(dataset.states), 3, 100)
    name = dataset.states["state_id"].iloc[7]
    for k, pair in enumerate(PAIRS):
        rows = dataset.rdf[(dataset.rdf["state_id"] == name) & (dataset.rdf["pair"] == pair)]
        np.testing.assert_array_equal(g[7, k], rows["g"])
        np.testing.assert_array_equal(r, rows["r"])


def test_a_column_keeps_its_place_where_values_are_missing(dataset):
    """g_dbeta may be unknown, for all states at a distance even."""
    nowhere = np.isclose(dataset.rdf["r"], 0.025)
    slopes = dataset.rdf.assign(g_dbeta=dataset.rdf["g"].mask(nowhere), g_dbeta_sem=0.1)
    r, values = Dataset(dataset.states, slopes, {}).curve_array("g_dbeta")
    _, g = dataset.curve_array()
    np.testing.assert_array_equal(values, np.where(np.isclose(r, 0.025), np.nan, g))


def test_temperature_split_keeps_all_and_shares_none(dataset):
    train, test = split_by_temperature(dataset)
    assert set(train.states["temperature"]) == {0.8, 1.0, 1.2}
    assert set(test.states["temperature"]) == {0.6, 1.4}
    assert set(train.states["state_id"]) | set(test.states["state_id"]) == set(dataset.states["state_id"])


def test_empty_split_is_named(dataset):
    with pytest.raises(ValueError, match=r"training split is empty: no state at T\* = \[2.0\]; there are 0.6"):
        split_by_temperature(dataset, train=[2.0])


def broken(dataset, table, change):
    tables = {"states": dataset.states.copy(), "rdf": dataset.rdf.copy()}
    tables[table] = change(tables[table])
    return Dataset(tables["states"], tables["rdf"], {})


@pytest.mark.parametrize(
    ("table", "change", "message"),
    [
        ("rdf", lambda t: t.drop(columns="g"), "rdf: column 'g' is missing"),
        ("states", lambda t: t.drop(columns="phase"), "states: column 'phase' is missing"),
        ("rdf", lambda t: t.assign(g=t["g"].where(t.index != 5)), "rdf.g: value missing .NaN. in row 5"),
        ("rdf", lambda t: t.assign(g_sem=-1.0), "rdf.g_sem = -1 in row 0: must be finite, from 0"),
        ("rdf", lambda t: pd.concat([t, t.tail(1)]), "rdf: duplicate row"),
        ("rdf", lambda t: t.iloc[:-1], "every state needs the same bins"),
        ("rdf", lambda t: t.assign(r=t["r"] + 0.01 * (t["pair"] == "AB")), "every state needs the same bins"),
        (
            "rdf",
            lambda t: t.assign(pair=t["pair"].str.replace("BB", "CC")),
            "pair = 'CC': must be one of AA, AB, BB",
        ),
        ("states", lambda t: t.iloc[1:], "states and rdf disagree"),
        ("states", lambda t: t.assign(fraction_b=1.5), "states.fraction_b = 1.5 in row 0"),
        ("states", lambda t: t.assign(phase="glass"), "phase = 'glass': must be one of"),
        ("states", lambda t: t.assign(converged="yes"), "states.converged: type .*: must be bool"),
        ("states", lambda t: t.iloc[:0], "states: the table is empty"),
    ],
)
def test_broken_tables_are_refused(dataset, table, change, message):
    with pytest.raises(ValueError, match=message):
        broken(dataset, table, change)


def test_missing_and_foreign_files_are_named(dataset, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"states.parquet does not exist"):
        read_dataset(tmp_path)
    write_dataset(dataset, tmp_path)
    whole = (tmp_path / "rdf.parquet").read_bytes()
    (tmp_path / "rdf.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"rdf.parquet is not a readable parquet file"):
        read_dataset(tmp_path)


def test_tables_of_two_datasets_are_not_read_as_one(dataset, tmp_path):
    """A process that dies between two files, and a table that the new dataset lacks."""
    waves = pd.DataFrame({"state_id": dataset.states["state_id"], "pair": "AA", "k": 0.5, "s": 1.0, "s_sem": 0.1})
    write_dataset(replace(dataset, structure_factors=waves), tmp_path)
    old = (tmp_path / "rdf.parquet").read_bytes()
    assert read_dataset(tmp_path).structure_factors is not None
    write_dataset(replace(dataset, provenance={"profile": "another"}), tmp_path)
    assert read_dataset(tmp_path).structure_factors is None
    assert not (tmp_path / "structure_factors.parquet").exists()
    (tmp_path / "rdf.parquet").write_bytes(old)
    with pytest.raises(ValueError, match=r"rdf.parquet and states.parquet were not written together .*; write all"):
        read_dataset(tmp_path)


def test_optional_values_may_be_missing_and_rows_are_counted_with_them(dataset):
    gain = np.full(len(dataset.states), np.nan)
    # A column of nothing says nothing, whatever its type.
    for nothing in (gain, np.full(len(gain), None)):
        Dataset(dataset.states.assign(force_gain=nothing, device=nothing), dataset.rdf, {})
    gain[3:5] = 1.0, -1.0
    with pytest.raises(ValueError, match=r"states\.force_gain = -1 in row 4: must be finite, from 0"):
        Dataset(dataset.states.assign(force_gain=gain), dataset.rdf, {})


def test_bins_that_are_nearly_the_same_are_not(dataset):
    first = dataset.rdf["state_id"] == dataset.states["state_id"].iloc[0]
    moved = dataset.rdf.assign(r=dataset.rdf["r"] + 1e-9 * first)
    with pytest.raises(ValueError, match="every state needs the same bins"):
        Dataset(dataset.states, moved, {})
