"""Fields, runs in them, and profiles from runs."""

import json

import numpy as np
import pytest

from ljmix.external_fields import campaign
from ljmix.external_fields.bulk_runs import run_bulk, structure_factor, wave_vectors
from ljmix.external_fields.campaign import FieldSet, find_field, read_field_runs, run_campaign, theory_profile
from ljmix.external_fields.field_runs import BLOCKS, FieldRun, force_table, place_particles, run_field
from ljmix.external_fields.fields import AREA, BINS, LENGTH, PlanarField, draw_field, is_connected, make_slit
from ljmix.external_fields.profiles import combine_runs, expected_deviation
from ljmix.functional.grid import SPACING

Z = (np.arange(BINS) + 0.5) * SPACING


def test_a_name_decides_its_field():
    field = draw_field("train-T1.5-003", 1.5)
    assert field == draw_field("train-T1.5-003", 1.5)
    assert field != draw_field("train-T1.5-004", 1.5)
    assert field != draw_field("train-T1.5-003", 1.5, attempt=1)
    assert json.loads(json.dumps(field.as_dict()))["n_particles"] == field.n_particles
    np.testing.assert_allclose(field.energy(Z), field.energy(Z + LENGTH), atol=1e-9)


@pytest.mark.parametrize(
    "field", [draw_field("x-002", 1.2), make_slit("slit", 1.5, 6.0, 2.0, 150)], ids=["random", "slit"]
)
def test_the_force_is_minus_the_slope_of_the_field(field):
    inside = field.energy(Z) < 8
    slope = (field.energy(Z + 1e-5) - field.energy(Z - 1e-5)) / 2e-5
    # The table's steps are 0.005 σ: its error is its third difference, largest at walls.
    np.testing.assert_allclose(force_table(field)(Z)[inside], -slope[inside], atol=0.01 * np.abs(slope).max())


def test_wells_that_do_not_exchange_are_told_from_one_that_does():
    flat = np.full(BINS, 0.5)
    assert is_connected(flat)
    walled = np.where((Z < 1) | (Z > 14), 1e-6, 0.5)
    assert is_connected(walled)
    split = np.where(np.abs(Z - 7) < 1, 1e-3, walled)
    assert not is_connected(split)
    crumb = np.where(np.abs(Z - 2) < 0.5, 1e-3, np.where(Z < 1.5, 0.02, walled))
    assert is_connected(crumb * (Z > 1)), "two in a hundred on the far side do no harm"


def test_slits_must_fit():
    with pytest.raises(ValueError, match=r"width = 20.*between 2 and 14"):
        make_slit("x", 1.5, 20.0, 1.0, 100)
    with pytest.raises(ValueError, match="must be positive"):
        make_slit("x", 1.5, 6.0, 1.0, 0)


def test_particles_are_placed_by_the_profile_and_apart():
    field = make_slit("slit", 1.5, 8.0, 1.0, 240)
    places = place_particles(theory_profile(field), 240, seed=1)
    assert ((places[:, 2] > 3.5) & (places[:, 2] < 11.5)).all()
    apart = places[:, None] - places[None]
    edges = np.array([7.0, 7.0, LENGTH])
    apart -= edges * np.round(apart / edges)
    distance = np.sqrt((apart**2).sum(axis=2)) + 9 * np.eye(240)
    assert distance.min() > 0.4
    assert np.median(distance.min(axis=1)) > 0.8


@pytest.fixture(scope="module")
def short_run():
    """A slit whose middle is left alone, for seconds."""
    field = make_slit("test-slit", 1.5, 8.0, 1.0, 120)
    rho = theory_profile(field)
    return field, [run_field(field, start, rho, 2000, 8000) for start in range(2)]


def test_counts_and_forces_give_one_profile(short_run):
    """Two estimators of one density agree within their errors, wave by wave."""
    _, runs = short_run
    profile = combine_runs(runs, 1.5)
    assert profile.counted.sum() * AREA * SPACING == pytest.approx(120, rel=1e-9)
    assert profile.rho.sum() * AREA * SPACING == pytest.approx(120, rel=1e-9)
    counted = np.concatenate([run.counted for run in runs])
    forced = np.concatenate([run.forced for run in runs])
    waves = np.fft.rfft(counted, axis=1)[:, 1:60]
    phase = 1 - np.exp(-2j * np.pi * np.arange(1, 60) / BINS)
    off = np.fft.rfft(forced, axis=1)[:, 1:60] * SPACING / 1.5 / phase - waves
    z = np.abs(off.mean(axis=0)) ** 2 / (np.abs(off - off.mean(axis=0)) ** 2).mean(axis=0) * (len(off) - 1)
    # Squares of complex numbers with 19 degrees of freedom: a mean of 1 over 59 waves, known to some 0.15.
    print(f"mean square of the difference over its error {z.mean():.2f}, expected 1.1 ± 0.2")
    assert 0.5 < z.mean() < 1.8
    better = expected_deviation(profile.sem, profile.rho) / expected_deviation(profile.counted_sem, profile.counted)
    print(f"noise of both over noise of counts {better:.2f}")
    assert better < 0.85


def test_the_wall_pushes_as_its_profile_says(short_run):
    """No net force on a slit at rest: the two walls push alike, within what two short runs scatter."""
    field, runs = short_run
    pushes = []
    for run in runs:
        for rho in run.counted:
            force = force_table(field)(Z) * rho * SPACING
            pushes.append((force[: BINS // 2].sum(), -force[BINS // 2 :].sum()))
    left, right = np.array(pushes).T
    error = (left - right).std(ddof=1) / np.sqrt(len(pushes))
    print(f"left {left.mean():.3f}, right {right.mean():.3f}, difference known to {error:.3f}")
    assert abs((left - right).mean()) < 4 * error


def test_a_known_profile_is_found_from_its_counts_and_forces():
    """Synthetic blocks: white noise in counts and in forces around a known ρ and its slope."""
    rng = np.random.default_rng(0)
    rho = 0.4 + 0.2 * np.sin(2 * np.pi * 2 * Z / LENGTH)
    slope = np.roll(rho, 0) - np.roll(rho, 1)  # from the bin before, at a bin's lower edge
    runs = [
        FieldRun(
            rho + 0.05 * (noise := rng.normal(size=(BLOCKS, BINS))) - 0.05 * noise.mean(axis=1, keepdims=True),
            1.5 * slope / SPACING + 0.5 * rng.normal(size=(BLOCKS, BINS)),
        )
        for _ in range(2)
    ]
    profile = combine_runs(runs, 1.5)
    chi = ((profile.rho - rho) / profile.sem) ** 2
    print(f"χ² a bin {chi.mean():.2f}, noise {profile.sem.mean():.4f}, by counts {profile.counted_sem.mean():.4f}")
    assert profile.sem.mean() < 0.6 * profile.counted_sem.mean()
    assert 0.4 < chi.mean() < 2.5
    assert 0.7 < profile.apart < 1.4
    assert np.isnan(combine_runs(runs[:1], 1.5).apart)
    with pytest.raises(ValueError, match="no run to combine"):
        combine_runs([], 1.5)


def test_an_ideal_gas_has_no_structure():
    vectors = wave_vectors(8.0, seed=0)
    assert np.abs(vectors).max() * 2 * np.pi / 8 <= 10
    values = np.mean(
        [structure_factor(x, vectors) for x in np.random.default_rng(1).uniform(size=(400, 100, 3))], axis=0
    )
    # |Σ exp|²/N is exponential with mean 1 (to 1/N): its mean over 400 frames is known to 0.05.
    assert np.abs(values.mean() - 1) < 4 * 0.05 / np.sqrt(len(vectors) / 2)


def test_the_uniform_fluid_has_its_published_pressure():
    """Allen and Tildesley: P = 0.992(1) at T 1.0010, ρ 0.75 (N 864)."""
    run = run_bulk(1.0010, 0.75, 7, 2000, 6000)
    error = np.hypot(run.pressure.std(ddof=1) / np.sqrt(BLOCKS), 0.003)
    print(f"P {run.pressure.mean():.3f} ± {error:.3f}, published 0.992 ± 0.001")
    assert abs(run.pressure.mean() - 0.992) < 4 * error
    with pytest.raises(ValueError, match="multiple of 2000"):
        run_bulk(1.0, 0.5, 1, 10, 100)


def test_a_campaign_goes_on_where_it_was(tmp_path, monkeypatch):
    monkeypatch.setitem(campaign.SETS, "tiny", FieldSet(1.5, 1, 200, 100))
    run_campaign(tmp_path, ["tiny"], [])
    files = sorted(tmp_path.glob("*.npz"))
    assert [path.name for path in files] == ["tiny-000-start0.npz", "tiny-000-start1.npz"]
    stamp, content = files[0].stat().st_mtime_ns, files[1].read_bytes()
    files[1].unlink()
    run_campaign(tmp_path, ["tiny"], [])
    assert files[0].stat().st_mtime_ns == stamp
    with np.load(files[1]) as file:
        field = json.loads(str(file["field"]))
        counted = file["counted"]
    assert content  # times differ in the file; what was measured does not
    assert field["name"] == "tiny-000"
    runs, seconds = read_field_runs(tmp_path, "tiny-000")
    np.testing.assert_array_equal(runs[1].counted, counted)
    assert seconds > 0
    with pytest.raises(FileNotFoundError, match=r"start0\.npz is missing"):
        read_field_runs(tmp_path, "tiny-001")
    with pytest.raises(ValueError, match="set 'large' is unknown; choose from"):
        run_campaign(tmp_path, ["large"], [])


def test_a_field_in_pieces_is_drawn_again():
    drawn = [find_field(f"test-{k}", FieldSet(1.5, 1, 100)) for k in range(6)]
    assert all(is_connected(rho) for _, rho in drawn)
    first = [draw_field(f"test-{k}", 1.5) for k in range(6)]
    assert [field for field, _ in drawn] != first, "of six draws one at least is in pieces"
    for field, rho in drawn:
        assert rho.sum() * SPACING * AREA == pytest.approx(field.n_particles, rel=1e-4)


def test_steps_must_fill_the_blocks():
    with pytest.raises(ValueError, match="positive multiple of 100"):
        run_field(PlanarField("x", 1.5, 10), 0, np.full(BINS, 0.1), 0, 150)
