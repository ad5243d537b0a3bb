"""What the fluid's profiles, pressures and structure factors teach, and how well it predicts what was held back.

::

    python -m ljmix.fluid_functional.learning --output data/functional
"""

from __future__ import annotations

import argparse
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from ljmix._util.atomic import replace_when_whole
from ljmix._util.command import one_sentence
from ljmix.data.reference import load_reference
from ljmix.external_fields.tables import FunctionalTables, read_tables
from ljmix.fluid_functional.scores import summarise_scores
from ljmix.fluid_functional.targets import (
    REFERENCE,
    bulk_targets,
    colour_states,
    energy_targets,
    pair_targets,
    profile_targets,
)
from ljmix.functional.learned import LearnedTerm, initial_term
from ljmix.functional.model import Functional
from ljmix.functional.shipped import read_term, write_term
from ljmix.functional.training import Fit, fit_term

__all__ = [
    "SHIPPED", "Recipe", "learn_fluid", "score_held", "train_curve", "train_shipped", "write_curve",
]  # fmt: skip


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
        `case`, `fields`, `draw`, `cpu_seconds` and the scores of `ljmix.fluid_functional.scores.summarise_scores`; the
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


def score_held(term: LearnedTerm, tables: FunctionalTables) -> float:
    """Mean square of the errors of pressures that were held out to choose among recipes, in units of their errors."""
    held = tables.bulk[tables.bulk["set"].str.startswith("held-")]
    off = []
    for (_, row), error in zip(held.iterrows(), bulk_targets(held).error, strict=True):
        t = float(row["temperature"])
        off.append((float(Functional(t, term).pressure(row["density"])) - row["pressure"]) / t / error)
    return float(np.mean(np.square(off)))


_ALL = ("train-T0.8", "train-T0.95", "train-T1.1", "train-critical-T1.1", "train-T1.25", "train-T1.5")
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
                  f"{fit.cpu_seconds:.0f} s; held-out pressures {score_held(fit.term, tables):.2f}")  # fmt: skip
        if arguments.curve:
            curve = write_curve(tables, arguments.output, arguments.work)
            print(curve.drop(columns="draw").groupby(["case", "fields"]).median().round(4))


if __name__ == "__main__":
    main()
