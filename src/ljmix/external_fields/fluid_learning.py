"""What the fluid's profiles, pressures and structure factors teach, and how well it predicts what was held back.

::

    python -m ljmix.external_fields.fluid_learning --output data/functional
"""

from __future__ import annotations

import argparse
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from ljmix._util.arrays import FloatArray
from ljmix._util.atomic import replace_when_whole
from ljmix._util.command import one_sentence
from ljmix.data.dataset import Dataset
from ljmix.data.reference import load_reference
from ljmix.external_fields.fields import BINS, CRITICAL
from ljmix.external_fields.scores import summarise_scores
from ljmix.external_fields.tables import FunctionalTables, read_tables
from ljmix.functional.grid import SPACING, Grid
from ljmix.functional.learned import initial_term
from ljmix.functional.model import Functional
from ljmix.functional.shipped import read_term, write_term
from ljmix.functional.theory import TheoryTerm, mayer_transform, theory_energy
from ljmix.functional.training import BulkTargets, Fit, PairTargets, ProfileTargets, fit_term

__all__ = [
    "REFERENCE", "SHIPPED", "Recipe", "bulk_targets", "colour_states", "energy_targets", "learn_fluid", "pair_targets",
    "profile_targets", "train_curve", "train_shipped", "write_curve",
]  # fmt: skip

REFERENCE = 1.5
"""T₀: temperature enters the network as 1/T − 1/T₀."""
GRID = Grid((BINS,), SPACING)
_LEAST = 0.02
"""Density, 1/σ³, below which ln ρ is not used."""
_LEAST_VAPOUR, _LEAST_KNOWN = 0.004, 0.2
"""Below the critical temperature a vapour counts as well, where its density is known to a fifth."""
_FLOORS = {"profile": 0.01, "pressure": 0.003, "energy": 0.002, "structure": 0.01}
"""Relative errors allowed beside those of the simulation."""
_MAGNIFIED = 8.0
"""Variance of ln ρ + βV − c1 over that of ln ρ: c1 sees the noise in ρ as well, magnified by 1/S(k).

Measured in a first fit; without it profiles would outweigh pressures and structure factors by as much.
"""
_WAVE_BIN = 0.2
_MEASURED = ("number_density_sem", "potential_energy_sem")
_MAYER_WAVES, _MAYER_ERROR = np.linspace(0, 20, 41), 0.03


@dataclass(frozen=True)
class Recipe:
    """What is learned from and how; chosen by profiles of the training set that were held out.

    Attributes
    ----------
    fields : int
        Profiles, a sixth of them held out to choose the iterate.
    bulk, structure : bool
        Whether pressures, and structure factors of uniform fluids, are learned from too. With the latter goes the exact
        pair function at vanishing density.
    colour : bool
        Whether energies and densities of the shipped colour mixtures are learned from, see `colour_states`: an energy
        is the slope of βF/N in 1/T, and joins one temperature to the next.
    profiles_from : tuple of str
        Sets whose profiles are learned from; empty: all that are given.
    gas_share : float
        What is allowed beside a pressure's own error is at most this share of the ideal gas's pressure: a vapour's is
        small.
    kernels, hidden : int
    smoothing : float
    iterations : int
    """

    fields: int
    bulk: bool = True
    structure: bool = True
    colour: bool = False
    profiles_from: tuple[str, ...] = ()
    gas_share: float = 1.0
    kernels: int = 12
    hidden: int = 20
    smoothing: float = 1e-3
    iterations: int = 300


def profile_targets(tables: FunctionalTables, fields: pd.DataFrame) -> ProfileTargets:
    """Targets of profiles: ln ρ + βV − c1 of the theory, at the density of the reservoir's ensemble.

    Parameters
    ----------
    tables : FunctionalTables
    fields : pandas.DataFrame
        Some rows of its table of fields.
    """
    temperatures = fields["temperature"].to_numpy(dtype=float)
    warm = temperatures[:, None] > CRITICAL
    rho = tables.column("rho", fields) - tables.column("shift", fields)
    field = tables.column("energy", fields) / temperatures[:, None]
    rho = np.maximum(rho, 1e-8)
    relative = tables.column("rho_sem", fields) / rho
    used = np.where(warm, rho > _LEAST, (rho > _LEAST_VAPOUR) & ((rho > _LEAST) | (relative < _LEAST_KNOWN)))
    weight = np.where(used, 1 / (relative**2 + _FLOORS["profile"] ** 2) / _MAGNIFIED, 0.0)
    theory = np.array([TheoryTerm(round(t, 6)).c1(r, GRID) for t, r in zip(temperatures, rho, strict=True)])
    return ProfileTargets(rho, np.log(rho) + field - theory, weight, 1 / temperatures - 1 / REFERENCE, GRID)


def bulk_targets(table: pd.DataFrame, gas_share: float = 1.0) -> BulkTargets:
    """Targets of pressures: what the learned part adds to βP = ρ − ρ c1 − βF/V of the theory; see `Recipe`."""
    rho, t = (table[name].to_numpy(dtype=float) for name in ("density", "temperature"))
    pressure, sem = (table[name].to_numpy(dtype=float) for name in ("pressure", "pressure_sem"))
    theory = []
    for density, temperature in zip(rho, t, strict=True):
        energy, c1 = TheoryTerm(round(temperature, 6)).bulk(density)
        theory.append(density - density * c1 - energy)
    floor = _FLOORS["pressure"] * np.abs(pressure) + np.minimum(0.002, gas_share * rho * t)
    error = np.hypot(sem, floor) / t
    return BulkTargets(rho, 1 / t - 1 / REFERENCE, pressure / t - np.array(theory), error)


def colour_states(dataset: Dataset) -> pd.DataFrame:
    """Shipped mixtures whose particles differ in name only, ε_AB = 1 and size ratio 1: the pure fluid at P* = 1.

    Returns
    -------
    pandas.DataFrame
        One row a temperature: `temperature`, `density`, `pressure` with its error from that of the density,
        `pressure_sem`, `energy` (potential, of a particle) and `energy_sem`; means over the compositions.
    """
    states = dataset.states
    pure = states[(states["size_ratio"] == 1) & (states["epsilon_ab"] == 1) & states["converged"]]
    rows = []
    for temperature, group in pure.groupby("temperature"):
        count = len(group)
        rho = group["number_density"].mean()
        # ∂P/∂ρ = 1/(ρ κ_T) turns an error of the density into one of the pressure.
        stiffness = 1 / (rho * group["isothermal_compressibility"].mean())
        sem, energy_sem = (np.sqrt((group[name] ** 2).sum()) / count for name in _MEASURED)
        rows.append((temperature, rho, 1.0, sem * stiffness, group["potential_energy"].mean(), energy_sem))
    names = ["temperature", "density", "pressure", "pressure_sem", "energy", "energy_sem"]
    return pd.DataFrame(rows, columns=names).astype(float)


def energy_targets(table: pd.DataFrame) -> BulkTargets:
    """Targets of potential energies: what the learned part adds to U/N of the theory."""
    names = ("density", "temperature", "energy", "energy_sem")
    rho, t, energy, sem = (table[name].to_numpy(dtype=float) for name in names)
    theory = np.array([float(theory_energy(np.array(d), x)) for d, x in zip(rho, t, strict=True)])
    error = np.hypot(sem, _FLOORS["energy"] * np.abs(energy) + 0.002)
    return BulkTargets(rho, 1 / t - 1 / REFERENCE, energy - theory, error)


def pair_targets(table: pd.DataFrame, temperatures: FloatArray) -> PairTargets:
    """Targets of the pair function: from structure factors, ρĉ = 1 − 1/S, and at vanishing density exactly.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns `temperature`, `density`, `k`, `s`, `s_sem`; may be empty.
    temperatures : array
        Where the exact limit, ĉ(k) = ∫[exp(−βu) − 1], is asked for.
    """
    rho: list[float] = []
    tau, rows = [], []
    for (t, density), group in table.groupby(["temperature", "density"]):
        # Neighbouring waves say nearly the same: their mean costs less and scatters less.
        places = (group["k"] / _WAVE_BIN).astype(int)
        joined = group.assign(s_sem=group["s_sem"] ** 2).groupby(places)[["k", "s", "s_sem"]]
        means, waves = joined.mean(), joined.size().to_numpy()
        k, s = means["k"].to_numpy(dtype=float), means["s"].to_numpy(dtype=float)
        sem = np.sqrt(means["s_sem"].to_numpy(dtype=float) / waves)
        temperature, density = round(float(t), 6), round(float(density), 6)
        theory = TheoryTerm(temperature).c2(k, density)
        error = np.hypot(sem / s**2, _FLOORS["structure"] / s) / density
        rows.append((np.full(len(k), len(rho)), k, (1 - 1 / s) / density - theory, error))
        rho.append(density)
        tau.append(1 / temperature - 1 / REFERENCE)
    for t in np.unique(temperatures):
        exact = mayer_transform(_MAYER_WAVES, float(t)) - TheoryTerm(round(float(t), 6)).c2(_MAYER_WAVES, 1e-9)
        rows.append((np.full(41, len(rho)), _MAYER_WAVES, exact, np.full(41, _MAYER_ERROR * 41**0.5 / 4)))
        rho.append(0.0)
        tau.append(1 / float(t) - 1 / REFERENCE)
    fluid, k, target, error = (np.concatenate(parts) for parts in zip(*rows, strict=True))
    return PairTargets(np.array(rho), np.array(tau), fluid.astype(np.int64), k, target, error)


def learn_fluid(tables: FunctionalTables, recipe: Recipe, sets: tuple[str, ...], seed: int) -> Fit:
    """Learn from fields of some sets, drawn by a seed among those whose starts agree.

    Parameters
    ----------
    tables : FunctionalTables
    recipe : Recipe
    sets : tuple of str
        Names of training sets, of fields and uniform fluids alike.
    seed : int
        Decides which fields are drawn, and the first weights.

    Returns
    -------
    Fit

    Raises
    ------
    ValueError
        If there are fewer fields than the recipe asks for, or a set is not one to train on.
    RuntimeError
        Without JAX.
    """
    if wrong := [name for name in sets if not name.startswith("train-")]:
        raise ValueError(f"set {wrong[0]!r} is not to be learned from; training sets are called train-…")
    known = _known_fields(tables, recipe.profiles_from or sets)
    if recipe.fields > len(known):
        raise ValueError(
            f"the recipe asks for {recipe.fields} fields; {', '.join(sets)} have {len(known)} whose starts agree"
        )
    chosen = known.iloc[np.random.default_rng(seed).permutation(len(known))[: recipe.fields]]
    aside = recipe.fields // 6
    bulk = tables.bulk[tables.bulk["set"].isin(sets)]
    structure = tables.structure[tables.structure["set"].isin(sets)]
    temperatures = bulk["temperature"].to_numpy(dtype=float).round(6)
    pressures = bulk
    if recipe.colour:
        colour = colour_states(load_reference())
        colour = colour[colour["temperature"].between(temperatures.min(), temperatures.max())]
        pressures = pd.concat([bulk, colour], ignore_index=True)
    return fit_term(
        initial_term(recipe.kernels, 2.5, 0.125, 3, recipe.hidden, REFERENCE, seed),
        profile_targets(tables, chosen.iloc[aside:]) if recipe.fields else None,
        held_out=profile_targets(tables, chosen.iloc[:aside]) if aside else None,
        bulk=bulk_targets(pressures, recipe.gas_share) if recipe.bulk else None,
        energies=energy_targets(colour) if recipe.colour else None,
        pairs=pair_targets(structure, temperatures) if recipe.structure else None,
        smoothing=recipe.smoothing, iterations=recipe.iterations,
    )  # fmt: skip


def _known_fields(tables: FunctionalTables, sets: tuple[str, ...]) -> pd.DataFrame:
    return tables.fields[tables.fields["set"].isin(sets) & tables.fields["starts_agree"]]


CURVE_FIELDS, CURVE_DRAWS = (24, 6), 5
_CURVE_ITERATIONS = 200


def train_curve(tables: FunctionalTables, work: Path) -> list[tuple[str, int, int]]:
    """Learn at T* = 1.5 from more and more fields, five draws each; every term is kept in `work`, so that it goes on.

    Returns
    -------
    list of (case, fields, draw)
        What was learned from: the case "P, S(k)" is the uniform fluid alone.
    """
    cases = [*(("profiles, P, S(k)", n) for n in CURVE_FIELDS), ("P, S(k)", 0), ("profiles", CURVE_FIELDS[0])]
    done = [(case, fields, draw) for case, fields in cases for draw in range(CURVE_DRAWS)]
    for case, fields, draw in tqdm(done, unit="fit", mininterval=5):
        if (work / f"{_curve_name(case, fields, draw)}.json").exists():
            continue
        uniform = "P, S(k)" in case
        recipe = Recipe(fields, bulk=uniform, structure=uniform, iterations=_CURVE_ITERATIONS)
        fit = learn_fluid(tables, recipe, ("train-T1.5",), draw)
        write_term(fit.term, work, _curve_name(case, fields, draw), {"cpu_seconds": fit.cpu_seconds})
    return done


def _curve_name(case: str, fields: int, draw: int) -> str:
    return f"{case.replace('(', '').replace(')', '').replace(', ', '-').replace(' ', '-')}-{fields}-{draw}"


def write_curve(tables: FunctionalTables, folder: Path, work: Path) -> pd.DataFrame:
    """Score the terms of `train_curve` on the test set.

    Returns
    -------
    pandas.DataFrame
        `case`, `fields`, `draw`, `cpu_seconds` and the scores of `ljmix.external_fields.scores.summarise_scores`; the
        first row is theory alone. Written to ``curve.parquet``.
    """
    rows = [{"case": "theory", "fields": 0, "draw": 0, "cpu_seconds": 0.0, **summarise_scores(Functional(1.5), tables)}]
    for case, fields, draw in train_curve(tables, work):
        term, described = read_term(work, _curve_name(case, fields, draw))
        row = {"case": case, "fields": fields, "draw": draw, "cpu_seconds": described["cpu_seconds"]}
        rows.append(row | summarise_scores(Functional(1.5, term), tables))
    table = pd.DataFrame(rows)
    with replace_when_whole(folder / "curve.parquet") as part:
        table.to_parquet(part, index=False)
    return table


def train_shipped(tables: FunctionalTables, folder: Path, name: str, seed: int = 0) -> Fit:
    """Train a term of `SHIPPED` on all its fields and write it.

    Returns
    -------
    Fit

    Raises
    ------
    ValueError
        If the name is unknown.
    """
    if name not in SHIPPED:
        raise ValueError(f"term {name!r} is unknown; choose from {', '.join(SHIPPED)}")
    sets, recipe = SHIPPED[name]
    recipe = replace(recipe, fields=len(_known_fields(tables, recipe.profiles_from or sets)))
    fit = learn_fluid(tables, recipe, sets, seed)
    uniform = tables.bulk[tables.bulk["set"].isin(sets)]
    temperatures = sorted({round(float(t), 6) for t in uniform["temperature"]})
    described = {
        "sets": list(sets), "fields": recipe.fields, "seed": seed, "temperatures": [temperatures[0], temperatures[-1]],
        "recipe": asdict(recipe), "iterations_done": fit.iterations,
    }  # fmt: skip
    write_term(fit.term, folder, name, described)
    return fit


_ALL = ("train-T0.8", "train-T0.95", "train-T1.1", "train-T1.25", "train-T1.5")
SHIPPED: dict[str, tuple[tuple[str, ...], Recipe]] = {
    "fluid-T1.5": (("train-T1.5",), Recipe(0)),
    "fluid": (_ALL, Recipe(0, profiles_from=("train-T1.5",))),
    "fluid-fields": (_ALL, Recipe(0, colour=True, gas_share=0.01, iterations=400)),
}
"""Training sets of the shipped terms, and recipes, whose number of fields is that of all there are."""


def main() -> None:
    """Train the shipped terms, or write the learning curve, from the command line."""
    parser = argparse.ArgumentParser(description="Learn the functional of the fluid from the tables.")
    parser.add_argument("--output", type=Path, default=Path("data/functional"), help="folder of tables and terms")
    parser.add_argument("--terms", nargs="*", default=list(SHIPPED), help=f"of {', '.join(SHIPPED)}")
    parser.add_argument("--work", type=Path, default=Path("results/functional/curve"), help="where it keeps terms")
    parser.add_argument("--curve", action="store_true", help="write the learning curve as well")
    arguments = parser.parse_args()
    with one_sentence(parser):
        tables = read_tables(arguments.output)
        for name in arguments.terms:
            fit = train_shipped(tables, arguments.output, name)
            print(f"{name}: loss {fit.loss:.2f}, held out {fit.validation:.2f}, {fit.iterations} iterations, "
                  f"{fit.cpu_seconds:.0f} s")  # fmt: skip
        if arguments.curve:
            curve = write_curve(tables, arguments.output, arguments.work)
            print(curve.drop(columns="draw").groupby(["case", "fields"]).median().round(4))


if __name__ == "__main__":
    main()
