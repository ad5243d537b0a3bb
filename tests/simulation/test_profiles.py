import re
from importlib import resources

import pytest

from ljmix.simulation.initial import system_size
from ljmix.simulation.profiles import PROFILES, load_profile
from ljmix.state import PAPER_GRID, grid


@pytest.mark.parametrize("name", PROFILES)
def test_every_state_of_a_profile_fits_its_box(name):
    profile = load_profile(name)
    for state in profile.states():
        n_particles, n_b = system_size(state, profile)
        assert 2 <= n_b <= n_particles / 2 + 1
        assert n_particles >= profile.n_particles
        assert n_b >= profile.min_particles_b


def test_paper_profile_is_the_papers():
    paper = load_profile("paper")
    assert paper.n_particles == 10_000
    assert (paper.steps_equilibration, paper.steps_production) == (10**7, 10**7)
    assert paper.steps_production // paper.frame_interval == 1000
    assert paper.r_max == 10
    assert set(paper.states()) == set(load_profile("reference").states()) == set(grid(**PAPER_GRID))


@pytest.mark.parametrize("name", PROFILES)
def test_every_field_has_a_comment(name):
    text = resources.files("ljmix.simulation").joinpath("profiles", f"{name}.toml").read_text(encoding="utf-8")
    head, _, grid = text.partition("# -- grid")
    for line in head.splitlines():
        if re.match(r"\w+ = ", line):
            assert "#" in line, line
    assert "every combination" in grid


def test_first_part_of_a_campaign_has_every_temperature():
    states = load_profile("reference").states()
    for k in range(0, 500, 5):
        assert {s.temperature for s in states[k : k + 5]} == {0.6, 0.8, 1.0, 1.2, 1.4}
        assert len({(s.fraction_b, s.size_ratio, s.epsilon_ab) for s in states[k : k + 5]}) == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"stepz": 1}, "no field named .stepz"),
        ({"box_edge": "wide"}, "box_edge = 'wide': must be of type float"),
        ({"box_edge": 0.0}, "box_edge and n_particles are both 0"),
        ({"frame_interval": 0}, "frame_interval = 0: must be at least 1"),
        ({"frame_interval": 150}, "must be a multiple of frame_interval = 150"),
        ({"steps_max": 100}, "steps_max = 100: must be at least"),
        ({"bin_width": 0.03}, "whole number of bins"),
        ({"peak_error": float("nan")}, "peak_error = nan: must be finite"),
        ({"box_edge": float("inf")}, "box_edge = inf: must be finite"),
        ({"bin_width": float("nan")}, "bin_width = nan: must be finite"),
        ({"temperature": [1.0, float("nan")]}, "temperature = nan is not a finite number"),
        ({"temperature": [-1.0]}, "temperature = -1: must be above 0"),
    ],
)
def test_bad_fields_are_named(changes, message):
    with pytest.raises(ValueError, match=message):
        load_profile("smoke", **changes)


def test_unknown_profile_is_named():
    with pytest.raises(ValueError, match="profile 'huge' is unknown; choose one of smoke, quick"):
        load_profile("huge")


def test_small_systems_are_refused():
    profile = load_profile("smoke", box_edge=9.0)
    with pytest.raises(ValueError, match="need at least 1"):
        system_size(profile.states()[0], profile)
    profile = load_profile("smoke", fraction_b=[0.0])
    with pytest.raises(ValueError, match="0 B particles; two of each are needed"):
        system_size(profile.states()[0], profile)
