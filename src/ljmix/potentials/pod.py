"""Many-body potentials of LAMMPS' ML-POD package (proper orthogonal descriptors), fitted with energies and virials.

LAMMPS has a fitter of its own, ``fitpod``. It leaves the virial out: its stress weight is read and not used (version of
July 2025), and a potential fitted by it has small force errors and a wrong pressure. The energy is linear in the
coefficients, so that the normal equations of `ljmix.potentials.linear` do as well and take the virial with them: LAMMPS
computes the descriptors (``compute pod/global``), and their change under a small strain is their virial. Descriptors:
Nguyen and Rohskopf 2023, doi:10.1016/j.jcp.2023.112030; Nguyen 2023, doi:10.1103/PhysRevB.107.144103.
"""

from __future__ import annotations

import ctypes
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ljmix._util.arrays import FloatArray
from ljmix._util.atomic import write_text
from ljmix.potentials.frames import Frame, check_frames, evaluate
from ljmix.potentials.linear import Moments, Solution, Weights, add_moments, solve
from ljmix.simulation.engine import Engine, load_engine
from ljmix.simulation.engines.lammps import LammpsEngine, plain_folder
from ljmix.state import CUTOFF, StatePoint

__all__ = ["Pod", "PodBasis", "PodPotential", "measure_frame"]

_STRAIN = 1e-4
"""Strain of the box edge by which descriptors are differentiated, to both sides."""
_ARRAY, _GLOBAL, _ROWS, _COLUMNS = 2, 0, 4, 5
"""Codes of LAMMPS' library interface for what is extracted of a compute."""


@dataclass(frozen=True)
class PodBasis:
    """Descriptors: radial functions for pairs, and products with Legendre-like angular ones for triplets.

    Parameters
    ----------
    radial : int
        Radial functions of pairs.
    three_radial, three_degree : int
        Radial functions and angular degree of triplets; 0 for pairs alone.
    inner, cutoff : float
        Between these distances of the particles, σ_AA.
    """

    radial: int = 10
    three_radial: int = 5
    three_degree: int = 4
    inner: float = 0.4
    cutoff: float = CUTOFF

    @property
    def size(self) -> int:
        """Number of coefficients: for each of A and B one for itself, and those of its pairs and triplets."""
        three = self.three_radial * (self.three_degree + 1) * 3 if self.three_radial else 0
        return 2 * (1 + 2 * self.radial + three)

    def write(self, path: Path) -> None:
        """Write the file of parameters of ``pair_style pod``."""
        values = {
            "species": "A B", "pbc": "1 1 1", "rin": self.inner, "rcut": self.cutoff, "bessel_polynomial_degree": 4,
            "inverse_polynomial_degree": 10, "onebody": 1, "twobody_number_radial_basis_functions": self.radial,
            "threebody_number_radial_basis_functions": self.three_radial,
            "threebody_angular_degree": self.three_degree if self.three_radial else 0,
            "fourbody_number_radial_basis_functions": 0, "fourbody_angular_degree": 0,
            "fivebody_number_radial_basis_functions": 0, "fivebody_angular_degree": 0,
        }  # fmt: skip
        write_text(path, "\n".join(f"{name} {value}" for name, value in values.items()) + "\n")


def write_coefficients(coefficients: FloatArray, path: Path) -> None:
    """Write the file of coefficients of ``pair_style pod``."""
    lines = [f"model_coefficients: {len(coefficients)} 0 0", *(f"{value:.15g}" for value in coefficients)]
    write_text(path, "\n".join(lines) + "\n")


@dataclass(frozen=True)
class PodPotential:
    """A fitted many-body potential; it runs under LAMMPS.

    Attributes
    ----------
    basis : PodBasis
    solution : Solution
    """

    basis: PodBasis
    solution: Solution

    @property
    def key(self) -> str:
        """Name that changes with any of its numbers."""
        numbers = f"{self.basis}".encode() + self.solution.coefficients.tobytes()
        return f"pod-{hashlib.sha256(numbers).hexdigest()[:8]}"

    def engine(self, name: str = "auto", device: str = "auto") -> Engine:
        """Engine that runs it, wherever `ljmix.simulate` takes one.

        Raises
        ------
        RuntimeError
            If HOOMD-blue is asked for, which has no such potential.
        """
        if name == "hoomd":
            raise RuntimeError("POD potentials run under LAMMPS only; choose engine = 'lammps'")
        return load_engine("lammps", device, self)

    def evaluate(self, frame: Frame) -> Frame:
        """Frame with the forces, energy and virial of this potential, from LAMMPS."""
        mixture = StatePoint(1.0, 0.5, frame.size_ratio, 1.0)  # gives the scale of neighbour lists, nothing else
        return evaluate(self.engine(), mixture, [frame])[0]

    def lammps_commands(self, folder: Path) -> list[str]:
        """Commands of ``pair_style pod``, with their files in `folder`."""
        parameters, coefficients = folder / f"{self.key}-param.pod", folder / f"{self.key}-coeff.pod"
        self.basis.write(parameters)
        write_coefficients(self.solution.coefficients, coefficients)
        return ["pair_style pod", f"pair_coeff * * {parameters} {coefficients} A B"]

    def hoomd_force(self, hoomd: Any, neighbours: Any) -> Any:
        """Refuse: HOOMD-blue has no POD."""
        raise RuntimeError("POD potentials run under LAMMPS only; choose engine = 'lammps'")


@dataclass(frozen=True)
class Pod:
    """Fitter of POD potentials: ``Pod().fit(frames)``.

    Parameters
    ----------
    basis : PodBasis
    weights : Weights
        By default forces, energies and virials; without virials the pressure is wrong.
    penalty : float, optional
        By default by cross-validation; see `ljmix.potentials.linear.solve`.
    """

    basis: PodBasis = field(default_factory=PodBasis)
    weights: Weights = field(default_factory=lambda: Weights(1.0, 1.0))
    penalty: float | None = None

    def fit(self, frames: Sequence[Frame]) -> PodPotential:
        """Fit frames.

        Raises
        ------
        ValueError
            If there is no frame, a frame has no forces, a species is missing, or frames are of different mixtures.
        """
        check_frames(frames)
        return self.fit_moments([measure_frame(self.basis, frame) for frame in frames])

    def fit_moments(self, parts: Sequence[Moments]) -> PodPotential:
        """Fit frames that `measure_frame` has reduced to their normal equations."""
        moments = add_moments(parts)
        # A column without force (the energy of a particle by itself) gets the least of the others' scale.
        scale = np.diag(moments.gram)
        roughness = np.diag(np.maximum(scale, scale[scale > 0].min()) / scale.max())
        return PodPotential(self.basis, solve(moments, roughness, self.weights, self.penalty))


def measure_frame(basis: PodBasis, frame: Frame) -> Moments:
    """Reduce a frame to its normal equations in descriptors.

    Raises
    ------
    RuntimeError
        If LAMMPS fails, for instance where a particle has hardly a neighbour.
    """
    rows = _describe(basis, frame, 1.0)
    n = frame.n_particles
    energy_row = rows[0]
    # Rows are derivatives with respect to x, y, z of each particle, that of the neighbours taken away: forces.
    a = rows[1:]
    forces = frame.forces.ravel()
    larger, smaller = (_describe(basis, frame, 1 + sign * _STRAIN)[0] for sign in (1, -1))
    virial_row = -(larger - smaller) / (2 * _STRAIN)
    return Moments(
        a.T @ a, a.T @ forces, float(forces @ forces), forces.size, energy_row[None], virial_row[None],
        np.array([frame.energy]), np.array([frame.virial]), np.array([float(n)]), np.array([frame.volume]),
    )  # fmt: skip


def _describe(basis: PodBasis, frame: Frame, factor: float) -> FloatArray:
    """Descriptors of a frame scaled by a factor, and their forces, (1 + 3n, size)."""
    n, half = frame.n_particles, factor * frame.box_edge / 2
    with plain_folder() as folder:
        basis.write(folder / "param.pod")
        write_coefficients(np.zeros(basis.size), folder / "coeff.pod")
        lmp = LammpsEngine().start()
        try:
            bounds = " ".join([f"{-half:.15g} {half:.15g}"] * 3)
            lmp.commands_list(
                ["units lj", "atom_style atomic", f"region box block {bounds}", "create_box 2 box", "mass * 1.0"]
            )
            wrapped = factor * (frame.positions - frame.box_edge * np.rint(frame.positions / frame.box_edge))
            lmp.create_atoms(n, list(range(1, n + 1)), (frame.types + 1).tolist(), wrapped.ravel().tolist())
            lmp.commands_list(
                [
                    f"pair_style zero {basis.cutoff + 0.1:g}",
                    "pair_coeff * *",
                    f"compute descriptors all pod/global {folder / 'param.pod'} {folder / 'coeff.pod'} A B",
                    "run 0 post no",
                ]
            )
            # Every extraction computes all of it anew: take the array once.
            shape = tuple(lmp.extract_compute("descriptors", _GLOBAL, code) for code in (_ROWS, _COLUMNS))
            first = lmp.extract_compute("descriptors", _GLOBAL, _ARRAY)[0]
            pointer = ctypes.cast(first, ctypes.POINTER(ctypes.c_double))
            values: FloatArray = np.ctypeslib.as_array(pointer, shape).copy()
        except Exception as error:  # its Python module raises bare exceptions
            raise RuntimeError(f"LAMMPS: {error}") from error
        finally:
            lmp.close()
    return values
