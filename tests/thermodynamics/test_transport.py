"""Boxes of several sizes: the correction on synthetic numbers, and a short run that is resumed."""

import numpy as np
import pandas as pd
import pytest

from ljmix.state import StatePoint
from ljmix.thermodynamics import transport_runs
from ljmix.thermodynamics.transport import box_limit, compare_mutual_diffusion, correct_boxes


def synthetic(viscosity, limit):
    edges = np.array([7.0, 10.0, 14.0])
    table = pd.DataFrame(
        {
            "temperature": 1.0, "fraction_b": 0.5, "size_ratio": 1.0, "epsilon_ab": 1.0,
            "n_particles": [256, 750, 2000], "n_b": [128, 375, 1000],
            "box_edge": edges, "viscosity": viscosity, "viscosity_sem": 0.01,
        }
    )  # fmt: skip
    for species in "ab":
        table[f"msd_{species}"] = limit - 2.837297 / (6 * np.pi * viscosity * edges)
        table[f"green_kubo_{species}"] = table[f"msd_{species}"]
        table[f"msd_{species}_sem"] = table[f"green_kubo_{species}_sem"] = 1e-4
    return table.assign(maxwell_stefan=limit, maxwell_stefan_sem=1e-3)


def test_boxes_that_obey_the_correction_have_one_limit():
    corrected = correct_boxes(synthetic(1.5, 0.1))
    np.testing.assert_allclose(corrected["infinite"], 0.1, rtol=1e-9)
    line = box_limit(corrected)
    np.testing.assert_allclose(line["intercept"], 0.1, rtol=1e-9)
    np.testing.assert_allclose(line["viscosity_of_line"], 1.5, rtol=1e-9)
    assert box_limit(corrected[corrected["n_particles"] < 2000]).empty


def test_darkens_relation_of_one_species_by_two_names():
    table = compare_mutual_diffusion(synthetic(1.5, 0.1))
    np.testing.assert_allclose(table["darken"], synthetic(1.5, 0.1)["msd_a"])


def test_a_short_run_is_resumed_and_measures_its_pressure(tmp_path, monkeypatch):
    monkeypatch.setattr(transport_runs, "_SETTLING", 2000)
    monkeypatch.setattr(transport_runs, "_BLOCK", 3200)
    state = StatePoint(1.4, 0.5, 1.0, 1.0)
    run = transport_runs.measure_transport(state, 0.61, 256, 3, tmp_path)
    folder = next(tmp_path.iterdir())
    (folder / "002.npz").unlink()
    again = transport_runs.measure_transport(state, 0.61, 256, 3, tmp_path)
    pd.testing.assert_frame_equal(run.drop(columns="seconds"), again.drop(columns="seconds"))
    row = run.iloc[0]
    print(row.to_string())
    assert row["n_b"] == 128
    assert row["box_edge"] == pytest.approx((256 / 0.61) ** (1 / 3))
    # Displacements and velocities are two accounts of one motion; three blocks give an error to 50 %.
    assert abs(row["msd_a"] - row["green_kubo_a"]) < 6 * np.hypot(row["msd_a_sem"], row["green_kubo_a_sem"])
    # P* = 1 at this density by the equation of state; three blocks again.
    assert abs(row["pressure_measured"] - 1.0) < 8 * row["pressure_measured_sem"] + 0.05
    assert row["viscosity"] > 0
