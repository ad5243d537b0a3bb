"""Mixed, demixed or crystal: three numbers that say which, and the label from them.

Demixing is seen in two ways, since a state that has not coarsened yet has many domains, none as large as the
box: `demixing_order` looks for one wave of concentration through the whole box, `segregation` for like
neighbours around each particle.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import freud
import numpy as np
import numpy.typing as npt
from sklearn.cluster import KMeans

from ljmix._util.arrays import FloatArray
from ljmix.configuration import Configuration
from ljmix.state import PAIRS, StatePoint
from ljmix.structure.scattering import concentration_waves

__all__ = [
    "CONSOLUTE", "CRYSTALLINE", "DEMIXED", "SEGREGATED", "consolute_temperature", "crystal_order", "crystal_shares",
    "demixing_order", "domain_shape", "is_supercooled", "label_phase", "lever_rule", "measure_domains", "segregation",
    "sorted_waves",
]  # fmt: skip

DEMIXED = 0.2
"""Demixing order from which a state is called demixed: two phases whose compositions differ by more than
√0.2 = 45 % of complete separation. It lies where few states are: `ljmix.data.consistency.move_thresholds` counts the
labels that hang on it."""
SEGREGATED = 0.3
"""Segregation from which a state is called demixed though its domains are small; placed likewise."""
CRYSTALLINE = 0.3
"""Share of one species in crystalline surroundings from which a state is called a crystal; a liquid has next to
none."""

CONSOLUTE = 2.84
"""Consolute temperature of the symmetric mixture over (1 − ε_AB): 1.42 at ε_AB = 0.5
(Das et al. 2006, doi:10.1063/1.2215613), and proportional to it in a regular solution."""

_SURROUNDINGS = 2.0
"""Radius in which the surroundings of a particle are counted, σ_AB: the first two shells."""
_NEIGHBOUR_SHELL = 1.45
_BOND_ALIGNED = 0.7
_BONDS_SOLID = 7
_FEWEST = 30


def consolute_temperature(state: StatePoint) -> float:
    """T* below which a symmetric mixture separates at equal shares, by a regular solution; see `CONSOLUTE`."""
    return CONSOLUTE * (1 - state.epsilon_ab)


def demixing_order(
    configurations: Sequence[Configuration], separated: tuple[FloatArray, npt.NDArray[np.int64]]
) -> float:
    """Strength of the longest concentration wave, relative to complete separation.

    The concentration structure factor S_cc(k) = ⟨|C_A ρ_B(k) − C_B ρ_A(k)|²⟩ / N (Bhatia and Thornton 1970,
    doi:10.1103/PhysRevB.2.3004) at the three smallest wave vectors of the box, divided by the same sum for
    the separated start of the state, a single domain without a trace of the other species.

    Parameters
    ----------
    configurations : sequence of Configuration
    separated : tuple of (n_particles, 3) and (n_particles,) arrays
        Positions and types of as many particles of each species in the separated start of their state, in a box of edge
        1, as `ljmix.simulation.initial.place_particles` places them.

    Returns
    -------
    float
        About 1/n_b for a random mixture; the square of the contrast in composition for one domain; 1 for
        complete separation.
    """
    waves = [concentration_waves(c.positions / c.box_edge, c.types).sum() for c in configurations]
    return float(np.mean(waves) / concentration_waves(*separated).sum())


def sorted_waves(waves: FloatArray) -> FloatArray:
    """Longest wave along the three axes, smallest first: mean over (n_frames, 3), sorted in each: domains turn."""
    means: FloatArray = np.sort(waves, axis=1).mean(axis=0)
    return means


def domain_shape(waves: FloatArray) -> str:
    """Shape of one domain from the longest concentration wave along each axis, (n_frames, 3).

    A slab where the second wave is below a quarter of the first, a cylinder where the third is below a quarter of the
    second, a sphere else. Means nothing where the mixture is one liquid.
    """
    third, second, first = sorted_waves(waves)
    return "slab" if second < first / 4 else "cylinder" if third < second / 4 else "sphere"


def lever_rule(fraction_b: FloatArray | float, liquids: FloatArray, density: FloatArray) -> FloatArray:
    """Shares of the volume of two liquids that make up a mixture, (..., 2).

    Parameters
    ----------
    fraction_b : (...) array
        C_B of the mixture.
    liquids, density : (..., 2) arrays
        C_B and number density (1/σ_AA³) of the lean and of the rich liquid.
    """
    number = (fraction_b - liquids[..., 0]) / (liquids[..., 1] - liquids[..., 0])
    volumes = np.stack([1 - number, number], axis=-1) / density
    return np.asarray(volumes / volumes.sum(axis=-1, keepdims=True))


def measure_domains(configuration: Configuration, state: StatePoint) -> dict[str, float]:
    """Two domains of one configuration: how much volume the B-rich one fills, and what each holds inside.

    Particles are told apart by the share of B in the volume of the particles within 2 σ_AB, into two groups as even in
    themselves as can be (k-means). Inside are those whose whole surroundings are of their own group.

    Parameters
    ----------
    configuration : Configuration
    state : StatePoint

    Returns
    -------
    dict
        `share` of the box that the rich one fills, 0 to 1; `x_b_lean`, `x_b_rich`, number fraction of B inside each
        domain, and `density_lean`, `density_rich`, their number densities, 1/σ_AA³; NaN where a domain has no inside.
        All of it means nothing where the mixture is one liquid.
    """
    is_b = configuration.types == 1
    volumes = np.where(is_b, state.size_ratio**3, 1.0)
    reach = _SURROUNDINGS * state.sigma("AB")
    query = freud.locality.AABBQuery(freud.box.Box(*configuration.box), configuration.positions)
    near = query.query(configuration.positions, {"r_max": reach, "exclude_ii": False}).toNeighborList()
    first, second = np.asarray(near.query_point_indices), np.asarray(near.point_indices)
    n = len(volumes)
    local = np.bincount(first, (volumes * is_b)[second], n) / np.bincount(first, volumes[second], n)
    middle = KMeans(2, n_init=3, random_state=0).fit(local[:, None], sample_weight=volumes).cluster_centers_.mean()
    rich = local > middle
    neighbours = np.bincount(first, minlength=n)
    alike = np.bincount(first, rich[first] == rich[second], n)
    cells = freud.locality.Voronoi().compute((freud.box.Box(*configuration.box), configuration.positions)).volumes
    # Not of the particles' own volume: a liquid of large particles is under a higher pressure in its own units, and
    # packs more densely.
    domains = {"share": float(cells[rich].sum() / cells.sum())}
    for name, members in (("lean", ~rich), ("rich", rich)):
        inside = members & (alike == neighbours)
        known = inside.any()
        domains[f"x_b_{name}"] = float(is_b[inside].mean()) if known else float("nan")
        domains[f"density_{name}"] = float(inside.sum() / cells[inside].sum()) if known else float("nan")
    return domains


def segregation(r: FloatArray, g: Mapping[str, FloatArray], state: StatePoint) -> float:
    """Difference in composition between the surroundings of B and those of A.

    Share of B in the volume of the particles within 2 σ_AB of a B, minus the same around an A, from the
    radial distribution functions (volumes, not numbers: small particles would outvote large ones).

    Parameters
    ----------
    r : (n_bins,) array
        Bin centres, equally spaced, σ_AA.
    g : mapping of (n_bins,) arrays by pair
    state : StatePoint

    Returns
    -------
    float
        0 for a random mixture, 1 for large pure domains, below 0 where unlike neighbours are preferred.
    """
    near = (r < _SURROUNDINGS * state.sigma("AB")) * r**2
    count = {pair: float(g[pair] @ near) for pair in PAIRS}
    volume_a, volume_b = 1 - state.fraction_b, state.fraction_b * state.size_ratio**3
    around_b = volume_b * count["BB"] / (volume_b * count["BB"] + volume_a * count["AB"])
    around_a = volume_b * count["AB"] / (volume_b * count["AB"] + volume_a * count["AA"])
    return around_b - around_a


def crystal_order(configuration: Configuration, state: StatePoint) -> float:
    """Largest share of a species' particles that sit in crystalline surroundings; see `crystal_shares`."""
    shares = crystal_shares(configuration, state)
    return max((share for share in shares if not math.isnan(share)), default=0.0)


def crystal_shares(configuration: Configuration, state: StatePoint) -> tuple[float, float]:
    """Shares of the A and of the B particles that sit in crystalline surroundings.

    A bond is solid-like if the sixth-order bond orders of its ends are aligned, a particle if seven of its
    bonds are (ten Wolde et al. 1995, doi:10.1103/PhysRevLett.75.2714, as in `freud.order.SolidLiquid`).
    Neighbours lie within 1.45 σ_ij.

    Returns
    -------
    tuple of float
        0 to 1; NaN for a species with fewer than 30 particles.
    """
    box = freud.box.Box(*configuration.box)
    positions, types = configuration.positions, configuration.types
    reach = {pair: _NEIGHBOUR_SHELL * state.sigma(pair) for pair in PAIRS}
    query = freud.locality.AABBQuery(box, positions)
    neighbours = query.query(positions, {"r_max": max(reach.values()), "exclude_ii": True}).toNeighborList()
    limit = np.array([reach[pair] for pair in PAIRS])[
        types[neighbours.query_point_indices] + types[neighbours.point_indices]
    ]
    neighbours.filter(neighbours.distances < limit)
    solid = freud.order.SolidLiquid(l=6, q_threshold=_BOND_ALIGNED, solid_threshold=_BONDS_SOLID)
    solid.compute((box, positions), neighbors=neighbours)
    is_solid = solid.num_connections >= _BONDS_SOLID
    of_a, of_b = (
        float(is_solid[types == kind].mean()) if np.sum(types == kind) >= _FEWEST else math.nan for kind in (0, 1)
    )
    return of_a, of_b


def is_supercooled(temperature: float, density: float) -> bool:
    """Tell whether a pure Lennard-Jones liquid is denser than the one that coexists with its crystal.

    Freezing density of Mastny and de Pablo (2007, doi:10.1063/1.2753149, equation 21) for the full potential, which the
    cut-off moves little: cores decide. Below T* 0.7, where the line ends at the triple point, the value there.

    Parameters
    ----------
    temperature : float
        k_B T / ε of the species.
    density : float
        ρ σ³ of the species.
    """
    beta = 1 / max(temperature, 0.7)
    freezing = np.polyval([-0.15284, 0.68012, -1.16270, 0.91784, -0.27120, 0.90735], beta) / beta**0.25
    return bool(density > freezing)


def label_phase(demixing: float, segregated: float, crystal: float) -> str:
    """Name the phase; a crystal is called so whether it is mixed or not."""
    if crystal > CRYSTALLINE:
        return "crystal"
    return "demixed" if demixing > DEMIXED or segregated > SEGREGATED else "mixed"
