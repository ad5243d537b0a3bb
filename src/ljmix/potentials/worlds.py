"""Two truths to learn from: Lennard-Jones, which a pair potential can hold, and a three-body one, which it cannot."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ljmix._util.atomic import write_text
from ljmix.simulation.engine import Engine, load_engine
from ljmix.simulation.engines.lammps import pair_commands
from ljmix.state import StatePoint

__all__ = ["WORLDS", "ThreeBody", "load_world"]

WORLDS = ("lennard-jones", "three-body")


@dataclass(frozen=True)
class ThreeBody:
    """Lennard-Jones and the three-body term of Stillinger and Weber (1985, doi:10.1103/PhysRevB.31.5262), in LAMMPS.

    Each angle θ at particle i between neighbours j and k costs λ (cos θ + 1/3)² exp[γσ_ij/(r_ij − aσ_ij) +
    γσ_ik/(r_ik − aσ_ik)], up to r = aσ. λ, a and γ are chosen so that the liquid stays one and three-body
    forces are more than a fifth of all, by root mean square.

    Parameters
    ----------
    mixture : StatePoint
        Its size ratio and cross energy count.
    strength : float
        λ, ε_AA.
    reach, decay : float
        a and γ.
    """

    mixture: StatePoint
    strength: float = 4.0
    reach: float = 1.6
    decay: float = 0.6

    @property
    def key(self) -> str:
        """Name that changes with its numbers."""
        numbers = f"{self.mixture.size_ratio}/{self.mixture.epsilon_ab}/{self.strength}/{self.reach}/{self.decay}"
        return f"three-body-{hashlib.sha256(numbers.encode()).hexdigest()[:8]}"

    def lammps_commands(self, folder: Path) -> list[str]:
        """Commands of ``pair_style hybrid/overlay``, with the file of ``sw`` in `folder`."""
        path = folder / f"{self.key}.sw"
        lines = ["# i j k  epsilon sigma a lambda gamma cos0  A B p q tol"]
        for centre in "AB":
            for second in "AB":
                for third in "AB":
                    pair = "".join(sorted(centre + second))
                    values = (
                        1.0,
                        self.mixture.sigma(pair),
                        self.reach,
                        self.strength,
                        self.decay,
                        -1 / 3,
                        0,
                        0,
                        4,
                        0,
                        0,
                    )
                    lines.append(f"{centre} {second} {third} " + " ".join(f"{value:.12g}" for value in values))
        write_text(path, "\n".join(lines) + "\n")
        _, style, _, *rest = pair_commands(self.mixture)
        commands = [
            style.replace("pair_style", "pair_style hybrid/overlay") + " sw",
            "pair_modify pair lj/cut shift yes",
        ]
        for command in (line for line in rest if line.startswith("pair_coeff")):
            name, first, other, *numbers = command.split()
            commands.append(" ".join([name, first, other, "lj/cut", *numbers]))
        return [*commands, f"pair_coeff * * sw {path} A B"]

    def hoomd_force(self, hoomd: Any, neighbours: Any) -> Any:
        """Refuse: HOOMD-blue has no Stillinger-Weber term to add."""
        raise RuntimeError("the three-body truth runs under LAMMPS only; choose engine = 'lammps'")


def load_world(world: str, mixture: StatePoint) -> Engine:
    """Engine whose forces are the truth.

    Parameters
    ----------
    world : {"lennard-jones", "three-body"}
    mixture : StatePoint

    Raises
    ------
    ValueError
        If the world is unknown.
    """
    if world not in WORLDS:
        raise ValueError(f"world = {world!r} is unknown; choose one of {', '.join(WORLDS)}")
    return load_engine("lammps", force_field=ThreeBody(mixture) if world == "three-body" else None)
