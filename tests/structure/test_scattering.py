import freud
import numpy as np
import pytest

from ljmix.structure.scattering import SHELLS, structure_factors, wave_numbers


def test_against_the_definition_and_freud():
    rng = np.random.default_rng(20261121)
    edge, types = 9.0, np.repeat([0, 1], [40, 25])
    fractional = rng.random((65, 3))
    found = structure_factors(fractional, types)
    # The shell n² = 2, straight from its definition.
    vectors = [(x, y, z) for x in (-1, 0, 1) for y in (-1, 0, 1) for z in (-1, 0, 1) if x * x + y * y + z * z == 2]
    rho = {"A": 0, "B": 0}
    for kind, species in enumerate("AB"):
        rho[species] = np.array([np.exp(2j * np.pi * fractional[types == kind] @ n).sum() for n in vectors])
    for pair, values in found.items():
        expected = np.mean((rho[pair[0]] * rho[pair[1]].conj()).real) / 65
        assert values[SHELLS.index(2)] == pytest.approx(expected, abs=1e-12)
    # Another code, for all particles as one species. It looks in one octant only, which for the shells
    # n² = 1 and 4, vectors along the axes, is all there is.
    k = wave_numbers(edge)
    for shell in (1, 4):
        at = SHELLS.index(shell)
        direct = freud.diffraction.StaticStructureFactorDirect(bins=1, k_max=k[at] * 1.01, k_min=k[at] * 0.99)
        direct.compute((freud.box.Box.cube(edge), (fractional - 0.5) * edge))
        total = found["AA"][at] + 2 * found["AB"][at] + found["BB"][at]
        assert total == pytest.approx(float(direct.S_k[0]), rel=1e-5)


def test_ideal_gas():
    rng = np.random.default_rng(7)
    types = np.repeat([0, 1], [60, 40])
    frames = [structure_factors(rng.random((100, 3)), types) for _ in range(2000)]
    for pair, expected in (("AA", 0.6), ("AB", 0.0), ("BB", 0.4)):
        values = np.array([frame[pair] for frame in frames])
        sigmas = (values.mean(axis=0) - expected) / (values.std(axis=0, ddof=1) / np.sqrt(len(values)))
        print(f"{pair}: observed {values.mean(axis=0)}, expected {expected}, sigmas {sigmas}")
        # Chance of one of 24 beyond 4.5 sigma: below 0.02 %.
        assert np.abs(sigmas).max() < 4.5
