"""Free energies by stages, where the solvent is an ideal gas and every answer an integral; and short real runs."""

import numpy as np
import pytest

from ljmix.potential import lj_potential
from ljmix.state import StatePoint
from ljmix.thermodynamics.coupling import Stage, free_energies, growth_path, soft_path, solute_energy
from ljmix.thermodynamics.solute_runs import EVERY, N_SOLVENT, place_ghosts, run_path, run_solvent

TEMPERATURE, N, EDGE = 1.2, 60, 9.0


def exact_potential(stage):
    """−T* N ln(1 + ∫ (e^(−βu) − 1) d³r / V) for N independent particles."""
    r = np.linspace(1e-3, 2.5 * stage.sigma, 40001)
    f = np.exp(-np.minimum(solute_energy(r[:, None], stage) / TEMPERATURE, 500)) - 1
    return -TEMPERATURE * N * np.log1p(np.trapezoid(4 * np.pi * r**2 * f, r) / EDGE**3)


def draw_distances(stage, n_frames, rng):
    """Distances of independent particles in the field of the solute: inverse of the cumulated weight."""
    r = np.linspace(1e-3, 2.5 * 1.25, 40001)
    weight = r**2 * np.exp(-np.minimum(solute_energy(r[:, None], stage) / TEMPERATURE, 500))
    cumulated = np.concatenate([[0], np.cumsum((weight[1:] + weight[:-1]) / 2 * np.diff(r))])
    inside = 4 * np.pi * cumulated[-1]
    share = inside / (inside + EDGE**3 - 4 / 3 * np.pi * r[-1] ** 3)
    near = rng.random((n_frames, N)) < share
    return np.where(near, np.interp(rng.random((n_frames, N)) * cumulated[-1], cumulated, r), np.inf)


@pytest.mark.parametrize("path", [soft_path, growth_path])
def test_stages_in_an_ideal_solvent_meet_the_exact_value(path):
    rng = np.random.default_rng(8)
    stages = [Stage(1.25, 1.0, 0.0), *path(1.5, 0.6)]
    frames = [draw_distances(stage, 400, rng) for stage in stages]
    targets = [Stage(1.25, epsilon) for epsilon in (0.4, 0.6, 0.8)]
    mu, sem, samples = free_energies(stages, frames, targets, TEMPERATURE)
    exact = np.array([exact_potential(target) for target in targets])
    print("μ_ex", mu, "±", sem, "expected", exact)
    assert np.all(np.abs(mu - exact) < 4 * sem)
    assert np.all(sem < 0.1)
    assert np.all(samples > 100)


def test_a_whole_solute_has_the_pair_potential():
    r = np.linspace(0.9, 4.0, 50)
    np.testing.assert_allclose(solute_energy(r[:, None], Stage(1.25, 0.7)), lj_potential(r, 1.25, 0.7), atol=1e-12)
    assert not solute_energy(r[:, None], Stage(1.25, 0.7, 0.0)).any()


def test_bad_paths_are_told_in_one_sentence():
    with pytest.raises(ValueError, match=r"size_ratio = 0.5: must be above 0.8; random insertion does it"):
        growth_path(0.5, 0.6)
    with pytest.raises(ValueError, match="the first stage must be the solvent alone"):
        free_energies([Stage(1.0, 1.0)], [np.ones((3, 2))], [], 1.0)
    with pytest.raises(ValueError, match="1 stages and 2 arrays"):
        free_energies([Stage(1.0, 1.0, 0.0)], [np.ones((3, 2))] * 2, [], 1.0)


def test_runs_of_a_path_are_resumed_and_hold_the_solute(tmp_path):
    """The last stage again from the files of the one before: the same bytes; and its solute keeps particles out."""
    pure = StatePoint(1.4, 0.0, 1.0, 1.0)
    solvent = run_solvent(pure, tmp_path / "solvent.npz", n_frames=4)
    assert solvent["positions"].shape == (4, N_SOLVENT, 3)
    stages = [Stage(1.0, 0.6, 0.3), Stage(1.0, 0.6)]
    first = run_path(stages, pure, solvent, tmp_path / "path", n_samples=20)
    kept = (tmp_path / "path" / "00.npz").stat().st_mtime_ns
    (tmp_path / "path" / "01.npz").unlink()
    again = run_path(stages, pure, solvent, tmp_path / "path", n_samples=20)
    assert (tmp_path / "path" / "00.npz").stat().st_mtime_ns == kept
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)
    # 20 samples of some 12 neighbours: none below 0.8 σ, where the pair costs 33 kT.
    assert np.min(first[-1]) > 0.8
    assert EVERY * 20 == 400
    ghosts = place_ghosts(solvent, 2.5, 2, 50, seed=1)
    # Random places: the mean count within 2.5 σ is ρ 4π/3 2.5³, with Poisson scatter at most.
    expected = N_SOLVENT / np.mean(solvent["box_edge"] ** 3) * 4 / 3 * np.pi * 2.5**3
    assert abs(np.isfinite(ghosts).sum(axis=1).mean() - expected) < 4 * np.sqrt(expected / 100) + 0.02 * expected
