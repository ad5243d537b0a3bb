"""Named states: frames that potentials can learn from, and a stress whose integral is the viscosity."""

import numpy as np
import pandas as pd
import pytest

from ljmix.potentials.frames import evaluate, parse_trajectory
from ljmix.simulation.engine import load_engine
from ljmix.simulation.profiles import load_profile
from ljmix.simulation.sampling import sample_state
from ljmix.state import StatePoint
from ljmix.thermodynamics import named_states, transport_runs
from ljmix.thermodynamics.named_states import NAMED, simulate_named

STATE = StatePoint(1.4, 0.5, 1.0, 1.0)


def test_twelve_states_of_the_grid_have_names():
    profile = load_profile("equilibrium")
    assert len(set(NAMED.values())) == 12
    assert set(NAMED.values()) <= set(profile.states())


def test_frames_and_stress_of_a_finished_state(tmp_path, monkeypatch):
    monkeypatch.setattr(named_states, "NAMED", {"small": STATE})
    monkeypatch.setattr(transport_runs, "_SETTLING", 1000)
    monkeypatch.setattr(transport_runs, "_BLOCK", 3200)
    profile = load_profile(
        "equilibrium", box_edge=8.0, r_max=3.0, min_particles_b=2, steps_equilibration=400, steps_production=3600,
        steps_production_slow=3600, steps_max=4000, segment_steps=4000, frame_interval=200, trajectory_interval=4000,
    )  # fmt: skip
    folder = sample_state(tmp_path, STATE, profile, "lammps", "cpu")
    densities = {STATE.state_id: 0.61}
    out = tmp_path / "out"
    table = simulate_named({STATE: folder}, profile, densities, tmp_path / "work", out, ["small"], 4)
    frames = parse_trajectory(out / "small.gsd")
    assert len(frames) == 4
    assert frames[0].volume == pytest.approx(frames[0].n_particles / 0.61)
    fresh = evaluate(load_engine("lammps"), STATE, frames)
    for kept, new in zip(frames, fresh, strict=True):
        # Positions are kept in single precision: forces of hundreds change by some 1e-3.
        np.testing.assert_allclose(kept.forces, new.forces, rtol=1e-4, atol=2e-3)
        assert kept.energy == pytest.approx(new.energy, rel=1e-5)
        assert kept.virial == pytest.approx(new.virial, rel=1e-3, abs=0.5)
    row = transport_runs.measure_transport(STATE, 0.61, 256, 2, tmp_path / "other").iloc[0]
    time, mean, error = (table[name].to_numpy() for name in ("time", "correlation", "correlation_sem"))
    # Its integral to 3 τ is the viscosity of an independent run, within both errors and 10 % for the tail.
    viscosity, scatter = (np.trapezoid(part[time <= 3.0], time[time <= 3.0]) for part in (mean, error))
    print(f"viscosity {viscosity:.3f}, independent {row['viscosity']:.3f} ± {row['viscosity_sem']:.3f}")
    assert abs(viscosity - row["viscosity"]) < 4 * np.hypot(scatter, row["viscosity_sem"]) + 0.1 * viscosity
    again = simulate_named({STATE: folder}, profile, densities, tmp_path / "work", out, ["small"], 4)
    pd.testing.assert_frame_equal(table, again)


@pytest.mark.parametrize(
    ("names", "n_blocks", "message"),
    [
        (["rare"], 10, "name = 'rare' is unknown; choose from colours, near-critical"),
        (["slab"], 10, r"slab \(T0.8_C0.5_S1_E0.2_P1\) is not finished"),
        ([], 2, "n_blocks = 2: at least 4 are needed"),
    ],
)
def test_what_cannot_be_simulated_is_one_sentence(tmp_path, names, n_blocks, message):
    with pytest.raises(ValueError, match=message):
        simulate_named({}, load_profile("equilibrium"), {}, tmp_path, tmp_path / "out", names, n_blocks)
