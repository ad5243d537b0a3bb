"""Energies and forces straight from the definition of the potential, pair by pair: what engines are held against."""

import numpy as np


def shifted_lj(distance, epsilon, sigma, cutoff):
    """Energy and force over distance of the truncated and shifted potential, straight from its definition."""
    s6, c6 = (sigma / distance) ** 6, (sigma / cutoff) ** 6
    inside = distance < cutoff
    energy = np.where(inside, 4 * epsilon * (s6**2 - s6 - c6**2 + c6), 0.0)
    force = np.where(inside, 24 * epsilon * (2 * s6**2 - s6) / distance**2, 0.0)
    return energy, force


def reference_energy_and_forces(state, positions, types, edge, shift=True):
    """Sum over all pairs, minimum image: potential energy a particle and the force on each."""
    forces, energy = np.zeros_like(positions), 0.0
    for i in range(len(positions) - 1):
        separation = positions[i] - positions[i + 1 :]
        separation -= edge * np.rint(separation / edge)
        distance = np.linalg.norm(separation, axis=1)
        for kind, pair in enumerate(("AA", "AB", "BB")):
            of = types[i] + types[i + 1 :] == kind
            u, f = shifted_lj(distance[of], state.epsilon(pair), state.sigma(pair), state.cutoff(pair))
            energy += u.sum()
            push = f[:, None] * separation[of]
            forces[i] += push.sum(axis=0)
            forces[i + 1 :][of] -= push
    return energy / len(positions), forces
