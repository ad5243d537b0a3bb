"""What uniform mixtures teach about unlike particles: no field, no wall, no interface.

::

    python -m ljmix.mixture_functional.learning --output data/functional
"""

from __future__ import annotations

import argparse
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ljmix._util.arrays import FloatArray
from ljmix._util.command import one_sentence
from ljmix.data.dataset import Dataset
from ljmix.data.reference import load_reference
from ljmix.functional.learned import LearnedTerm
from ljmix.functional.shipped import find_tables, read_term, read_weights, require_range, write_weights
from ljmix.functional.theory import mayer_transform
from ljmix.mixture_functional.cross import CrossTerm, initial_cross
from ljmix.mixture_functional.exchange import read_exchange
from ljmix.mixture_functional.model import MixtureFunctional
from ljmix.mixture_functional.states import choose_states
from ljmix.mixture_functional.training import CrossFit, MixtureTargets, fit_cross, score_targets
from ljmix.state import PAIRS

__all__ = [
    "HELD", "PURE", "CrossRecipe", "curves_to_structure", "hold_out", "learn_cross", "load_mixture", "mixture_targets",
    "read_cross", "train_mixture",
]  # fmt: skip

PURE = "fluid-fields"
"""Name of the pure fluid's term that the cross term is learned on top of."""
HELD = 1.1
"""Temperature whose exchange energies choose the recipe; the shipped term has learned from them as well."""
_PRESSURE_ERROR, _ENERGY_ERROR = 0.03, 0.01
"""ε/σ³ and ε; most of it is what the pure fluid's own term misses."""
_EXCHANGE_ERROR = 0.02
"""Of c1_A − c1_B, beside that of the simulation: two per cent of a small x_B."""
_CURVE_ERROR = 0.02
"""Of S_ij(k) from g_ij(r), over the geometric mean of both fractions."""
_NUMBER_ERROR, _FLOOR = 0.05, 0.01
"""Relative, of the measured number-number factor at long waves, and of any element of the inverse."""
_CURVE_WAVES = np.arange(2.0, 9.01, 0.35)
_TAPER = 2.0
"""Last stretch of g(r), σ, over which h(r) is brought to zero."""
_MAYER_WAVES, _MAYER_ERROR = np.linspace(0, 20, 41), 0.1


@dataclass(frozen=True)
class CrossRecipe:
    """How the cross term is learned; chosen by exchange energies at a temperature that was held out, see `HELD`.

    Attributes
    ----------
    kernels, hidden : int
    smoothing : float
    iterations : int
    """

    kernels: int = 6
    hidden: int = 16
    smoothing: float = 1e-3
    iterations: int = 250


def curves_to_structure(r: FloatArray, g: FloatArray, k: FloatArray, rho: float, fractions: FloatArray) -> FloatArray:
    """S_ij(k) from g_ij(r) of AA, AB and BB: x_i δ_ij + x_i x_j ρ ∫ 4πr² (g − 1) sin(kr)/(kr) dr.

    The end of each curve is brought to zero by half a cosine, so that waves shorter than about π over its length are
    known.

    Parameters
    ----------
    r : (bins,) array
        Bin centres, equally spaced.
    g : (3, bins) array
    k : (n,) array
    rho : float
    fractions : (2,) array

    Returns
    -------
    (n, 2, 2) array
    """
    end = r[-1] + (r[1] - r[0]) / 2
    taper = np.where(r < end - _TAPER, 1.0, 0.5 * (1 + np.cos(np.pi * (r - end + _TAPER) / _TAPER)))
    h = (g - 1) * taper * 4 * np.pi * r**2 * (r[1] - r[0])
    waves = h @ np.sinc(np.multiply.outer(r, k) / np.pi)
    s = np.empty((len(k), 2, 2))
    for (i, j), values in zip(((0, 0), (0, 1), (1, 1)), waves, strict=True):
        s[:, i, j] = s[:, j, i] = fractions[i] * fractions[j] * rho * values + (fractions[i] if i == j else 0)
    return s


def _pair_rows(dataset: Dataset, state: pd.Series) -> tuple[FloatArray, FloatArray, FloatArray]:
    """k, ĉ (n, 3) and its error, from measured long waves and from g(r) for the shorter ones."""
    rho, name = float(state["number_density"]), state["state_id"]
    x = np.array([1 - state["fraction_b"], state["fraction_b"]])
    assert dataset.structure_factors is not None
    measured = dataset.structure_factors[dataset.structure_factors["state_id"] == name].set_index("pair")
    curves = dataset.rdf[dataset.rdf["state_id"] == name].set_index("pair")
    r = curves.loc["AA", "r"].to_numpy(dtype=float)
    g = np.array([curves.loc[pair, "g"].to_numpy(dtype=float) for pair in PAIRS])
    long = measured.loc["AA", "k"].to_numpy(dtype=float)
    s_long, sem = (np.array([measured.loc[pair, c].to_numpy(dtype=float) for pair in PAIRS]) for c in ("s", "s_sem"))
    s = np.concatenate([np.moveaxis(s_long[[[0, 1], [1, 2]]], -1, 0), curves_to_structure(r, g, _CURVE_WAVES, rho, x)])
    inverse = np.linalg.inv(rho * s)
    known = len(long)
    # Long waves are noisy in their concentration alone: A replaces B. Their numbers hardly fluctuate.
    v = np.array([1.0, -1.0])
    push = np.einsum("nij,j->ni", inverse[:known], v)
    number = np.einsum("nij,j->ni", inverse[:known], x)
    noise = rho * np.median(sem, axis=0)[:, None, None] * push[:, :, None] * push[:, None, :]
    total = s[:known].sum(axis=(1, 2))[:, None, None]
    crowd = rho * _NUMBER_ERROR * total * number[:, :, None] * number[:, None, :]
    off = rho * _CURVE_ERROR * np.sqrt(np.outer(x, x))
    short = np.einsum("nia,nbj,ab->nij", inverse[known:] ** 2, inverse[known:] ** 2, off**2)
    variance = np.concatenate([noise**2 + crowd**2, short])
    size = np.sqrt(np.einsum("nii,njj->nij", inverse, inverse))
    variance += (_FLOOR * size) ** 2
    c = np.diag(1 / (rho * x)) - inverse
    upper = ([0, 0, 1], [0, 1, 1])
    return np.append(long, _CURVE_WAVES), c[:, *upper], np.sqrt(variance[:, *upper])


def mixture_targets(
    dataset: Dataset, states: pd.DataFrame, pure: LearnedTerm, exchange: pd.DataFrame | None = None, mayer: bool = True
) -> MixtureTargets:
    """What the cross term must add to theory and to the pure fluid's learned term.

    Parameters
    ----------
    dataset : Dataset
    states : pandas.DataFrame
        Some of its rows.
    pure : LearnedTerm
    exchange : pandas.DataFrame, optional
        Rows of the table of `ljmix.mixture_functional.exchange`.
    mayer : bool
        Ask for the exact limit of vanishing density as well, ĉ_AB = ∫[exp(−βu_AB) − 1], at each T* and ε_AB.
    """
    rho: list[FloatArray] = []
    scalars: list[tuple[Any, ...]] = []
    tau, weakness = [], []
    rows: list[tuple[FloatArray, ...]] = []
    for _, state in states.iterrows():
        t, weak = float(state["temperature"]), 1 - float(state["epsilon_ab"])
        known = MixtureFunctional(t, 1 - weak, pure)
        densities = float(state["number_density"]) * np.array([1 - state["fraction_b"], state["fraction_b"]])
        k, c, error = _pair_rows(dataset, state)
        rows.append((np.full(len(k), len(rho)), k, c - known.c2(k, *densities).T, error))
        missing = (float(state["pressure"]) - known.pressure(*densities)) / t
        energy = float(state["potential_energy"]) - known.potential_energy(*densities)
        scalars.append((missing, _PRESSURE_ERROR / t, energy, _ENERGY_ERROR, 0.0, np.inf))
        rho.append(densities)
        tau.append(1 / t - 1 / pure.reference)
        weakness.append(weak)
    limits = states[["temperature", "epsilon_ab"]].drop_duplicates().to_numpy(dtype=float)
    for t, epsilon in limits if mayer else limits[:0]:
        known = MixtureFunctional(t, epsilon, pure)
        empty = np.full(2, 1e-9)
        target = np.zeros((len(_MAYER_WAVES), 3))
        # u_AB/T = u/(T/ε): the exact limit is that of the pure fluid at another temperature.
        target[:, 1] = mayer_transform(_MAYER_WAVES, t / epsilon) - known.c2(_MAYER_WAVES, *empty)[1]
        error = np.full_like(target, np.inf)
        error[:, 1] = _MAYER_ERROR
        rows.append((np.full(len(target), len(rho)), _MAYER_WAVES, target, error))
        scalars.append((0.0, np.inf, 0.0, np.inf, 0.0, np.inf))
        rho.append(empty)
        tau.append(1 / t - 1 / pure.reference)
        weakness.append(1 - epsilon)
    for values in [] if exchange is None else exchange.to_dict("records"):
        t, weak = values["temperature"], 1 - values["epsilon_ab"]
        known = MixtureFunctional(t, 1 - weak, pure)
        # Turning one of N particles into a B ends at one B more than there were; its middle counts.
        share = max(values["count_b"], 0.5) / values["n_particles"]
        densities = values["density"] * np.array([1 - share, share])
        mu_a, mu_b = known.chemical_potentials(*densities)
        difference = float(np.log(densities[0] / densities[1]) - (mu_a - mu_b) / t)
        many = values["count_b"] > 1
        scalars.append(
            (
                (values["pressure"] - float(known.pressure(*densities))) / t if many else 0.0,
                np.hypot(values["pressure_sem"], _PRESSURE_ERROR) / t if many else np.inf,
                0.0, np.inf, values["exchange"] - difference, np.hypot(values["exchange_sem"], _EXCHANGE_ERROR),
            )
        )  # fmt: skip
        rho.append(densities)
        tau.append(1 / t - 1 / pure.reference)
        weakness.append(weak)
    index, k, c, error = (np.concatenate(parts) for parts in zip(*rows, strict=True))
    pressures, pressure_errors, energies, energy_errors, swaps, swap_errors = np.array(scalars, dtype=float).T
    return MixtureTargets(
        np.array(rho), np.array(tau), np.array(weakness), pressures, pressure_errors, energies, energy_errors,
        swaps, swap_errors, index.astype(np.int64), k, c, error,
    )  # fmt: skip


def learn_cross(
    dataset: Dataset,
    states: pd.DataFrame,
    exchange: pd.DataFrame,
    pure: LearnedTerm,
    recipe: CrossRecipe,
    seed: int,
) -> CrossFit:
    """Learn the cross term from some states and some exchange energies."""
    term = initial_cross(recipe.kernels, 2.5, 0.125, recipe.hidden, pure.reference, seed)
    data = mixture_targets(dataset, states, pure, exchange)
    return fit_cross(term, data, smoothing=recipe.smoothing, iterations=recipe.iterations)


def hold_out(
    dataset: Dataset,
    exchange: pd.DataFrame,
    pure: LearnedTerm,
    recipe: CrossRecipe,
    temperatures: tuple[float, float],
    seed: int = 0,
) -> tuple[CrossFit, float]:
    """Learn without the exchange energies at `HELD`, and score on them.

    Returns
    -------
    fit : CrossFit
    error : float
        Mean square of the errors of the exchange energies held out, in units of their own.
    """
    aside = np.isclose(exchange["temperature"], HELD)
    states = choose_states(dataset, temperatures)
    fit = learn_cross(dataset, states, exchange[~aside], pure, recipe, seed)
    held = mixture_targets(dataset, states, pure, exchange[aside])
    return fit, score_targets(fit.term, held)["exchange"]


def train_mixture(
    dataset: Dataset, exchange: pd.DataFrame, folder: Path, recipe: CrossRecipe | None = None, seed: int = 0
) -> CrossFit:
    """Train on all that teaches in the pure term's range of temperatures; write ``mixture.npz`` and its JSON."""
    recipe = recipe or CrossRecipe()
    pure, described = read_term(folder, PURE)
    low, high = described["temperatures"]
    states = choose_states(dataset, (low, high))
    fit = learn_cross(dataset, states, exchange, pure, recipe, seed)
    settings = {"knot": fit.term.knot, "order": fit.term.order, "reference": fit.term.reference}
    ranges = {
        name: [float(min(table[name].min() for table in (states, exchange))), top]
        for name, top in (("temperature", float(exchange["temperature"].max())), ("epsilon_ab", 1.0))
    }
    write_weights(
        folder, "mixture", fit.term.coefficients, fit.term.network,
        {
            "settings": settings, "pure": PURE, "states": len(states), "exchange": len(exchange), "seed": seed,
            "recipe": asdict(recipe), "temperatures": ranges["temperature"], "epsilon_ab": ranges["epsilon_ab"],
            "iterations_done": fit.iterations,
        },
    )  # fmt: skip
    return fit


def read_cross(folder: Path, name: str = "mixture") -> tuple[CrossTerm, dict[str, Any]]:
    """Read a trained cross term, and what is said of it; errors as `ljmix.functional.shipped.read_term`."""
    kernels, network, described = read_weights(folder, name, lambda count: 2 * count + 2)
    return CrossTerm(kernels, network, **described["settings"]), described


def load_mixture(temperature: float, epsilon_ab: float, name: str = "mixture") -> MixtureFunctional:
    """Load the shipped functional of the symmetric mixture.

    Parameters
    ----------
    temperature, epsilon_ab : float
        Within the range of the training.
    name : str
        ``mixture``, or "theory" for theory alone.

    Raises
    ------
    ValueError
        If the state is outside the range of the training.
    """
    if name == "theory":
        return MixtureFunctional(temperature, epsilon_ab)
    cross, described = read_cross(find_tables(), name)
    require_range(temperature, described["temperatures"], "temperature", name)
    require_range(epsilon_ab, described["epsilon_ab"], "epsilon_ab", name)
    pure, _ = read_term(find_tables(), str(described["pure"]))
    return MixtureFunctional(temperature, epsilon_ab, pure, cross)


def main() -> None:
    """Train the shipped cross term from the command line."""
    parser = argparse.ArgumentParser(description="Learn what unlike particles do to one another from mixed states.")
    parser.add_argument("--output", type=Path, default=Path("data/functional"), help="folder of the trained terms")
    arguments = parser.parse_args()
    with one_sentence(parser):
        fit = train_mixture(load_reference(), read_exchange(), arguments.output)
        losses = ", ".join(f"{name} {value:.2f}" for name, value in fit.losses.items())
        print(f"mixture: {losses}; {fit.iterations} iterations, {fit.cpu_seconds:.0f} s")


if __name__ == "__main__":
    main()
