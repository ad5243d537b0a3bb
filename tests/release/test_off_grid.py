"""The off-grid benchmark: the same 120 states for ever, all over the box, in two halves."""

import numpy as np
import pandas as pd
import pytest

from ljmix.data.dataset import read_dataset
from ljmix.data.reference import shipped_folder
from ljmix.release import off_grid, parts
from ljmix.release.off_grid import BOX, HALVES, main, off_grid_states
from ljmix.state import PAPER_GRID, PARAMETERS

FIRST_AND_LAST = ["T0.7931_C0.0681_S1.5318_E0.2304_P1", "T0.6213_C0.3659_S1.1669_E0.7139_P1"]


def test_states_are_always_the_same():
    """A draw that moves would open the closed half: names are fixed here."""
    states = off_grid_states()
    assert len(states) == states["state_id"].nunique() == 120
    assert states["state_id"].iloc[[0, 119]].tolist() == FIRST_AND_LAST
    assert states["half"].value_counts().to_dict() == dict.fromkeys(HALVES, 60)


def test_states_fill_the_box():
    """Each number by itself is uniform (ln S for S): of 120 points 30 in each quarter, a Sobol sequence within 3."""
    states = off_grid_states()
    for name in PARAMETERS:
        low, high = BOX[name]
        values = states[name].to_numpy()
        share = np.log(values / low) / np.log(high / low) if name == "size_ratio" else (values - low) / (high - low)
        counts = np.histogram(share, 4, (0, 1))[0]
        print(name, counts)
        assert np.abs(counts - 30).max() <= 3
        assert not np.isin(values, PAPER_GRID[name]).all()


def test_both_halves_are_alike():
    """Means of 60 points of a uniform spread 1/√12: halves differ by less than four standard errors."""
    states = off_grid_states()
    for name in PARAMETERS:
        first, second = (states.loc[states["half"] == half, name].to_numpy() for half in HALVES)
        sigma = np.hypot(first.std() / np.sqrt(60), second.std() / np.sqrt(60))
        print(name, first.mean(), second.mean(), sigma)
        assert abs(first.mean() - second.mean()) < 4 * sigma


def test_command_lists_one_half(capsys):
    main(["list", "--half", "development"])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 61
    assert not any("closed" in line for line in lines)


@pytest.fixture
def drawn(monkeypatch):
    """A benchmark of four states that are finished already, since the real ones take hours."""
    paths = sorted((shipped_folder() / "parts").glob("T1.2_C0.[25]_S1_*.npz"))[:4]
    states = pd.DataFrame({"state_id": [path.stem for path in paths], "half": [*HALVES, *HALVES]})
    monkeypatch.setattr(off_grid, "off_grid_states", lambda: states)
    return states


def test_each_half_is_shipped_by_itself(drawn, tmp_path, capsys):
    main(["ship", "--parts", str(shipped_folder() / "parts"), "--output", str(tmp_path)])
    for half in HALVES:
        dataset = read_dataset(tmp_path / half)
        assert dataset.states["state_id"].tolist() == drawn.loc[drawn["half"] == half, "state_id"].tolist()
        assert dataset.provenance["half"] == half
        assert set(pd.read_parquet(tmp_path / half / "starts.parquet")["state_id"]) == set(dataset.states["state_id"])
    card = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "| `closed` | 2 | 2 |" in card
    assert "$" not in card


def test_nothing_is_shipped_before_all_states_are_finished(drawn, tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["ship", "--parts", str(tmp_path), "--output", str(tmp_path / "out")])
    assert f"{tmp_path} lacks 2 of 2 states ({drawn['state_id'][0]} first)" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_only_what_is_not_finished_is_simulated(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(parts, "is_kept", lambda path: path.stem == FIRST_AND_LAST[0])

    def stand_in(states, profile, *_, **__):
        asked.extend(state.state_id for state in states)
        assert profile.equilibrate
        return type("Report", (), {"failed": {}})()

    monkeypatch.setattr(parts, "run_campaign", stand_in)
    main(["simulate", "--results", str(tmp_path)])
    assert len(asked) == 119
    assert FIRST_AND_LAST[0] not in asked
