from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ljmix.data.dataset import read_dataset
from ljmix.data.reference import shipped_directory
from ljmix.engine_validation.moves import CONTROL_STATES, summarise_comparison
from ljmix.simulation.profiles import load_profile
from ljmix.simulation.protocol import choose_protocol
from ljmix.state import PAIRS

DOCS = Path(__file__).parents[2] / "docs"


def test_control_states_had_converged_without_moves_and_get_every_kind():
    states = read_dataset(shipped_directory(load_profile("reference"))).states.set_index("state_id")
    rows = states.loc[[state.state_id for state in CONTROL_STATES]]
    assert rows.converged.all()
    assert (rows.phase == "demixed").sum() == 2
    assert (rows.loc[rows.phase == "mixed", "wave_lifetime"] < 60).all()
    kinds = {kind for s in CONTROL_STATES for kind, n in choose_protocol(s).moves.attempts().items() if n}
    assert kinds == {"teleport_a", "teleport_b", "swap_informed", "swap_uniform"}


def test_moves_left_the_averages_where_they_were():
    """The shipped comparison: nothing deviates by more than chance, and the page says what the table says."""
    folder = shipped_directory(load_profile("reference")).parent
    table = pd.read_parquet(folder / "validation" / "moves.parquet")
    assert set(table["state_id"]) == {state.state_id for state in CONTROL_STATES}
    assert (table["sigmas"].abs() <= table["limit"]).all()
    summary = summarise_comparison(table)
    # Scalars: z of 14 states with errors of 16 degrees of freedom (twice some nine blocks): the square has the mean
    # ν/(ν − 2) = 1.14 and, by the kurtosis of Student's t, its mean over 14 the standard deviation 0.48.
    for row in summary.itertuples():
        print(f"{row.quantity}: mean z² {row.rms**2:.2f}, expected 1.14 ± 0.48")
        assert row.rms**2 < 1.14 + 3 * 0.48
    page = DOCS / "engines.md"
    if page.exists():
        rows = [f"| {row.states} | {row.rms:.2f} | {row.largest:.2f} |" for row in summary.itertuples()]
        assert all(row in page.read_text(encoding="utf-8") for row in rows)


def test_deviations_are_summarised_by_quantity():
    rows = [("a", "number_density", 3.0), ("b", "number_density", -1.0)]
    rows += [(state, name, 1.0) for state in "ab" for name in ("potential_energy", *PAIRS)]
    summary = summarise_comparison(pd.DataFrame(rows, columns=["state_id", "quantity", "sigmas"])).set_index("quantity")
    assert summary.loc["number_density", ["states", "mean", "rms", "largest"]].tolist() == pytest.approx(
        [2, 1.0, np.sqrt(5), 3.0]
    )
    assert (summary.loc[list(PAIRS), "rms"] == 1.0).all()
