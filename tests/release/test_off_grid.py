"""The off-grid benchmark: the same 120 states for ever, all over the box, in two halves."""

import numpy as np

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
    main(["--half", "development"])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 61
    assert not any("closed" in line for line in lines)
