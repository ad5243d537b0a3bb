"""The command that measures everything, on eighty states: whole, resumed, off the grid, and asked badly."""

import json

import numpy as np
import pandas as pd
import pytest

from ljmix.data.dataset import Dataset, read_dataset, write_dataset
from ljmix.release.off_grid import HALVES, off_grid_states
from ljmix.state import PAIRS, state_points
from ljmix.surrogate import inverse
from ljmix.surrogate.learned import phase
from ljmix.surrogate_scores.off_grid import require_half
from ljmix.surrogate_scores.run import MEASURES, main, measure_all, read_scores

SETTINGS = {"states": 2, "steps": 50, "emulated": 128, "repetitions": 1, "rounds": 1, "many": 8}


@pytest.fixture(scope="module")
def measured(part_of_reference, surrogate, surrogate_folder):
    """All measures, in the folder where the surrogate's own fits are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inverse, "_BURN", 50)
        patch.setattr(phase, "_FEWEST", 8)  # a quarter of eighty states is known at the start
        return measure_all(part_of_reference, surrogate_folder, **SETTINGS)


def test_everything_is_measured_that_the_dataset_allows(measured, surrogate_folder):
    """Two temperatures: none is unseen."""
    measures = measured["measures"]
    assert set(measures) == set(MEASURES) - {"extrapolation"}
    curves = measures["compositions"]["curves"]
    print({name: round(found["r2"], 4) for name, found in curves.items()})
    assert curves["mixed, converged"]["r2"] > 0.99
    assert set(measures["unseen-size-ratio"]["folds"]) == {"size_ratio = 1", "size_ratio = 1.5"}
    assert {row["kind"] for row in measures["bands"]["groups"]} <= {"composition", "size_ratio", "temperature"}
    assert 0 < measures["latency"]["emulated"]["one_ms"] < 1e4
    assert measures["latency"]["exact"]["many"] == 8
    emulation = measures["latency"]["emulation"]["mixed"]
    assert 0 < emulation["all"]["rms"] < 0.03
    assert emulation["all"]["states"] + emulation["lost"] <= 8
    assert measures["inverse"]["states"] == 2
    assert set(measures["propose"]["hard"]) == {"boundary", "droplets", "cold"}
    assert measured["closed_half"] == {"opened": False}
    assert measured == read_scores(surrogate_folder)
    assert {row["label"] for row in measured["targets"] if row["met"] is not None} >= {"one state, exact, ms"}
    inferred = pd.read_parquet(surrogate_folder / "inverse.parquet")
    assert len(inferred) == 8
    assert (inferred["lower_0.95"] <= inferred["median"]).all()
    assert inferred["rank"].between(0, 1).all()


def test_what_is_there_is_not_made_again(measured, part_of_reference, surrogate_folder, monkeypatch, capsys):
    monkeypatch.setattr("ljmix.surrogate_scores.run.score_task", None)
    before = (surrogate_folder / "scores.json").read_bytes()
    measure_all(part_of_reference, surrogate_folder, ["compositions", "bands"], **SETTINGS)
    assert (surrogate_folder / "scores.json").read_bytes() == before
    assert "compositions: is there already" in capsys.readouterr().out


def test_a_lost_result_is_made_from_kept_fits_and_is_the_same(
    measured, part_of_reference, surrogate_folder, monkeypatch
):
    content = read_scores(surrogate_folder)
    lost = content["measures"].pop("compositions")
    (surrogate_folder / "scores.json").write_text(json.dumps(content))
    monkeypatch.setattr("ljmix.surrogate.learned.parts.Parts.fit", None)
    again = measure_all(part_of_reference, surrogate_folder, ["compositions"], **SETTINGS)
    assert again["measures"]["compositions"] == lost


def test_a_damaged_fit_is_made_again(part_of_reference, surrogate_folder, surrogate, tmp_path, capsys):
    from ljmix.surrogate.folds import Kept

    kept = Kept(tmp_path)
    made = []

    def make():
        made.append(1)
        return {"a": np.arange(3.0)}

    for _ in range(2):
        assert kept.once("fit", [part_of_reference], make)["a"].tolist() == [0, 1, 2]
    assert len(made) == 1
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:50])
    kept.once("fit", [part_of_reference], make)
    assert len(made) == 2
    assert "is damaged" in capsys.readouterr().out
    kept.once("fit", [part_of_reference], make, "other settings")
    assert len(made) == 3


# -- off the grid ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def off_grid(surrogate, tmp_path_factory):
    """Folder of both halves: what the surrogate says of three states of each, as if it had been simulated."""
    listed = off_grid_states()
    inside = listed[listed["temperature"].between(0.8, 1.2) & listed["size_ratio"].between(1, 1.5)
                    & (listed["fraction_b"] >= 0.1)]  # fmt: skip
    chosen = inside.groupby("half").head(3).reset_index(drop=True)
    answer = surrogate.predict(state_points(chosen), exact=True)
    density = answer.density[0]
    states = pd.DataFrame(
        {
            **chosen.drop(columns="half"), "pressure": 1.0, "n_particles": (density * 15**3).astype(int), "n_b": 100,
            "n_frames": 10, "number_density": density, "number_density_sem": 1e-4, "potential_energy": -5.0,
            "potential_energy_sem": 0.1, "engine": "none", "engine_version": "1", "steps_equilibration": 1,
            "steps_production": 1, "seed": 1, "converged": True, "phase": answer.phase, "wall_seconds": 1.0,
        }
    ).reset_index(drop=True)  # fmt: skip
    rdf = [
        pd.DataFrame({"state_id": name, "pair": pair, "r": answer.r, "g": answer.g[k, at], "g_sem": 0.01})
        for k, name in enumerate(states["state_id"])
        for at, pair in enumerate(PAIRS)
    ]
    both = Dataset(states, pd.concat(rdf, ignore_index=True), {"profile": "equilibrium"})
    folder = tmp_path_factory.mktemp("off-grid")
    for half in HALVES:
        write_dataset(both.select((chosen["half"] == half).to_numpy()), folder / half)
    return folder


def test_the_open_half_is_scored_and_the_closed_one_stays_closed(
    measured, off_grid, part_of_reference, surrogate_folder
):
    found = measure_all(part_of_reference, surrogate_folder, [], off_grid=off_grid, **SETTINGS)
    opened = found["measures"]["off-grid"]
    assert set(opened) == {"open"}
    assert found["closed_half"] == {"opened": False}
    assert opened["open"]["states"] == 3
    # They are its own answers, in a box of 15 σ; particles are whole.
    assert opened["open"]["curves"]["all"]["r2"] > 0.999
    assert opened["open"]["bands"]["level"] == 0.9


def test_the_closed_half_is_noted_for_ever(measured, off_grid, part_of_reference, surrogate_folder):
    found = measure_all(part_of_reference, surrogate_folder, [], off_grid=off_grid, open_closed_half=True, **SETTINGS)
    assert found["closed_half"]["opened"] is True
    assert found["measures"]["off-grid"]["closed"]["states"] == 3
    first = found["closed_half"]
    later = measure_all(part_of_reference, surrogate_folder, ["bands"], **SETTINGS)
    assert later["closed_half"] == first


def test_states_of_no_benchmark_or_of_the_other_half_are_refused(part_of_reference, off_grid):
    with pytest.raises(ValueError, match="is not a state of the half 'development' of the off-grid benchmark"):
        require_half(part_of_reference, "development")
    with pytest.raises(ValueError, match="is not a state of the half 'closed' of the off-grid benchmark"):
        require_half(read_dataset(off_grid / "development"), "closed")


def test_the_closed_half_is_not_read_without_the_flag(
    measured, off_grid, part_of_reference, surrogate_folder, tmp_path
):
    """It need not even be there."""
    write_dataset(read_dataset(off_grid / "development"), tmp_path / "development")
    found = measure_all(part_of_reference, surrogate_folder, [], off_grid=tmp_path, **SETTINGS)
    assert found["measures"]["off-grid"]["open"]["states"] == 3


# -- asked badly ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--measures", "luck"], "measure 'luck' is unknown; choose from extrapolation"),
        (["--states", "0"], "states = 0: must be at least 1"),
        (["--open-closed-half"], "the closed half is part of the off-grid states; give their folder"),
        (["--off-grid", "nowhere"], "nowhere holds no half 'development' of the off-grid states"),
        (["--data", "nowhere"], "nowhere/states.parquet does not exist"),
    ],
)
def test_bad_arguments_are_one_sentence_and_write_nothing(arguments, said, tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--output", str(tmp_path / "new"), *arguments])
    assert stopped.value.code == 2
    message = capsys.readouterr().err.strip()
    assert said in message
    assert "\n" not in message
    assert not (tmp_path / "new").exists()


def test_results_of_another_dataset_are_kept(measured, part_of_reference, surrogate_folder, tmp_path, capsys):
    fewer = part_of_reference.select(part_of_reference.states["temperature"] == 0.8)
    write_dataset(fewer, tmp_path / "fewer")
    before = (surrogate_folder / "scores.json").read_bytes()
    with pytest.raises(SystemExit):
        main(["--data", str(tmp_path / "fewer"), "--output", str(surrogate_folder), "--measures", "bands"])
    assert "of another dataset" in capsys.readouterr().err
    assert (surrogate_folder / "scores.json").read_bytes() == before
