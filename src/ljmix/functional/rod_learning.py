"""What profiles of hard rods teach, held against the exact functional: how many it takes, and what noise does.

::

    python -m ljmix.functional.rod_learning --output data/functional
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from ljmix._util.arrays import FloatArray
from ljmix._util.atomic import replace_when_whole
from ljmix._util.command import one_sentence
from ljmix.functional.learned import LearnedTerm, initial_term
from ljmix.functional.rods import ROD_GRID, RodProfiles, count_particles, draw_rod_profiles, percus_c1
from ljmix.functional.shipped import write_term
from ljmix.functional.solve import solve_profile
from ljmix.functional.training import Fit, ProfileTargets, fit_term

__all__ = ["ROD_DRAWS", "ROD_SIZES", "learn_rods", "rod_targets", "score_rods", "write_rod_curve"]

ROD_SIZES, ROD_DRAWS = (10, 30), 5
"""Numbers of profiles learned from, and how often each is drawn anew."""
ROD_COUNTS = (0, 100_000, 10_000)
"""Configurations that are counted; 0: the exact profile."""
_SCORED, _SCORED_SEED = 12, 12345
_SMOOTHING = 1e-4
_FEWEST = 4
"""Counts of a bin from which on its logarithm is of use."""


def rod_targets(drawn: RodProfiles, configurations: int, seed: int) -> ProfileTargets:
    """Turn profiles into what c1 must be, ln ρ + βV up to a constant, weighted by what is known.

    Parameters
    ----------
    drawn : RodProfiles
    configurations : int
        How many are counted, each bin a Poisson number; 0: the profile is known exactly.
    seed : int
        Of the counts.

    Returns
    -------
    ProfileTargets
    """
    if configurations:
        rho = count_particles(drawn.rho, configurations, seed)
        counts = rho * configurations * ROD_GRID.spacing
        weight = np.where(counts >= _FEWEST, 1 / (1 / np.maximum(counts, 1) + 1e-4), 0.0)
    else:
        rho = drawn.rho
        weight = np.where(rho > 1e-3, 1e4, 0.0)
    safe = np.maximum(rho, 1e-12)
    return ProfileTargets(rho, np.log(safe) + drawn.beta_field, weight, np.zeros(len(rho)), ROD_GRID)


def learn_rods(count: int, configurations: int, seed: int, iterations: int = 200) -> Fit:
    """Learn the functional of rods from profiles, a fifth of them held out to choose the iterate.

    Parameters
    ----------
    count : int
        Profiles, at least five.
    configurations : int
        See `rod_targets`.
    seed : int
        Of fields, counts and first weights.
    iterations : int

    Returns
    -------
    Fit

    Raises
    ------
    ValueError
        If there are fewer than five profiles.
    RuntimeError
        Without JAX.
    """
    if count < 5:
        raise ValueError(f"count = {count}: at least five profiles are needed, one of them to hold out")
    targets = rod_targets(draw_rod_profiles(count, seed), configurations, seed)
    aside = max(1, count // 5)
    return fit_term(
        initial_term(6, 1.0, ROD_GRID.spacing, 1, 24, 1.0, seed), targets.take(range(aside, count)),
        held_out=targets.take(range(aside)), smoothing=_SMOOTHING, iterations=iterations,
    )  # fmt: skip


def score_rods(term: LearnedTerm, scored: RodProfiles | None = None) -> Mapping[str, float]:
    """Hold a learned term against the exact functional, on exact profiles that it has not seen.

    Returns
    -------
    dict
        `c1_error`: root mean square error of c1, weighted with the exact density. `profile_error`: median over fields
        of Σ|ρ − ρ_exact| / Σρ_exact at the same chemical potential, and `profile_worst`, the largest; fields whose
        profile does not converge count in `failed`.
    """
    scored = draw_rod_profiles(_SCORED, _SCORED_SEED) if scored is None else scored
    errors, failed = [], 0
    wrong = [scored_c1(term, rho) for rho in scored.rho]
    for rho, field, beta_mu in zip(scored.rho, scored.beta_field, scored.beta_mu, strict=True):
        try:
            found = solve_rods(term, field, float(beta_mu))
        except RuntimeError:
            failed += 1
            continue
        errors.append(np.abs(found - rho).sum() / rho.sum())
    return {
        "c1_error": float(np.sqrt(np.mean(wrong))),
        "profile_error": float(np.median(errors)) if errors else float("nan"),
        "profile_worst": float(np.max(errors)) if errors else float("nan"),
        "failed": failed,
    }


def scored_c1(term: LearnedTerm, rho: FloatArray) -> float:
    """Mean squared error of c1, weighted with the density."""
    return float(np.average((term.c1(rho, ROD_GRID, 1.0) - percus_c1(rho)) ** 2, weights=rho))


def solve_rods(term: LearnedTerm, beta_field: FloatArray, beta_mu: float) -> FloatArray:
    """Profile of rods in a field by a learned term."""
    return solve_profile(
        lambda rho: term.c1(rho, ROD_GRID, 1.0), beta_field, ROD_GRID.spacing, beta_mu=beta_mu, mixing=0.05,
        tolerance=1e-6, most=1500,
    )  # fmt: skip


def write_rod_curve(folder: Path) -> pd.DataFrame:
    """Learn from every number of profiles, with and without noise, five times each.

    Writes ``rods.parquet``, and two of the terms to look at.

    Returns
    -------
    pandas.DataFrame
        Columns `profiles`, `configurations`, `draw`, `iterations`, `cpu_seconds` and those of `score_rods`.
    """
    scored = draw_rod_profiles(_SCORED, _SCORED_SEED)
    cases = [(n, c, d) for d in range(ROD_DRAWS) for n in ROD_SIZES for c in ROD_COUNTS]
    rows = []
    for count, configurations, draw in tqdm(cases, unit="fit", mininterval=5):
        fit = learn_rods(count, configurations, seed=100 + draw)
        rows.append(
            {
                "profiles": count, "configurations": configurations, "draw": draw, "iterations": fit.iterations,
                "cpu_seconds": fit.cpu_seconds, **score_rods(fit.term, scored),
            }
        )  # fmt: skip
        with replace_when_whole(folder / "rods.parquet") as part:
            pd.DataFrame(rows).to_parquet(part, index=False)
    for name, configurations in (("rods-exact", 0), ("rods-counted", 10_000)):
        fit = learn_rods(ROD_SIZES[0], configurations, seed=100)
        write_term(fit.term, folder, name, {"profiles": ROD_SIZES[0], "configurations": configurations, "seed": 100})
    return pd.DataFrame(rows)


def main() -> None:
    """Write the learning curve from the command line."""
    parser = argparse.ArgumentParser(description="Learn the functional of hard rods from more and more profiles.")
    parser.add_argument("--output", type=Path, default=Path("data/functional"), help="folder to write to")
    arguments = parser.parse_args()
    with one_sentence(parser):
        table = write_rod_curve(arguments.output)
        print(table.groupby(["configurations", "profiles"])[["c1_error", "profile_error"]].agg(["median", "std"]))


if __name__ == "__main__":
    main()
