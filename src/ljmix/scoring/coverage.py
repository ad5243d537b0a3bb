"""How often an interval holds the truth: simulated sets of compositions, as few and as unequal as ours.

::

    python -m ljmix.scoring.coverage --sets 1000

A set has `compositions` of them. Each has a variation v = exp(a) and an error e = v exp(b). a and b are normal, with
standard deviations `sd_variation` and `sd_error` and the correlation `correlation`. The population's R² is known:
1 − E[e] / E[v] = 1 − exp(μ + s² / 2 + ρ s_v s), with μ the mean of b, s its standard deviation, s_v that of a. An
honest 95 % interval holds it in 95 of 100 sets.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from ljmix._util.command import one_sentence
from ljmix._util.markdown import markdown_table
from ljmix.scoring.intervals import KINDS, ClusterSums, median_interval, r2_interval

__all__ = ["CASES", "Case", "simulate_coverage"]


@dataclass(frozen=True)
class Case:
    """How unequal compositions are.

    Attributes
    ----------
    sd_variation, sd_error, correlation : float
        As above.
    compositions : int
    """

    sd_variation: float
    sd_error: float
    correlation: float
    compositions: int = 100


CASES = {
    "even": Case(0.3, 0.3, 0.0),
    "network": Case(1.5, 0.74, 0.3),
    "nearest temperature": Case(1.5, 1.05, 0.5),
    "Gaussian process": Case(1.5, 1.94, 0.5),
    "few": Case(1.5, 1.05, 0.5, 20),
}
"""Three are named after models: they have the spreads that the model shows over the 100 compositions of version 1."""


def simulate_coverage(case: Case, sets: int, *, draws: int = 1000, seed: int = 0) -> dict[str, float]:
    """Share of sets whose interval holds the population's score.

    Parameters
    ----------
    case : Case
    sets, draws, seed : int

    Returns
    -------
    dict
        By kind of interval of R², and `median`: of the median of √(e / v) over compositions.
    """
    rng = np.random.default_rng(seed)
    cross = case.correlation * case.sd_variation * case.sd_error
    covariance = [[case.sd_variation**2, cross], [cross, case.sd_error**2]]
    truth = 1 - np.exp(-3 + case.sd_error**2 / 2 + cross)
    held = dict.fromkeys((*KINDS, "median"), 0)
    for _ in range(sets):
        a, b = rng.multivariate_normal([0, -3], covariance, size=case.compositions).T
        # As if the mean of g over all compositions were known: what is drawn beside it matters little.
        sums = ClusterSums(np.exp(a + b), np.ones(len(a)), np.zeros(len(a)), np.exp(a))
        for kind in KINDS:
            low, high = r2_interval(sums, kind, draws=draws, seed=int(rng.integers(2**31)))
            held[kind] += low <= truth <= high
        low, high = median_interval(np.exp(b / 2), np.arange(len(b)), draws=draws, seed=int(rng.integers(2**31)))
        held["median"] += low <= np.exp(-1.5) <= high
    return {kind: count / sets for kind, count in held.items()}


def main(arguments: Iterable[str] | None = None) -> None:
    """Simulate coverage from the command line."""
    parser = argparse.ArgumentParser(description="Coverage of 95 % intervals, simulated.")
    parser.add_argument("--sets", type=int, default=1000)
    parser.add_argument("--draws", type=int, default=1000)
    options = parser.parse_args(None if arguments is None else list(arguments))
    with one_sentence(parser):
        if options.sets < 1:
            raise ValueError(f"sets = {options.sets}: must be at least 1")
        rows = []
        for name, case in tqdm(CASES.items(), unit="case", mininterval=1):
            found = simulate_coverage(case, options.sets, draws=options.draws)
            rows.append([name, case.compositions, *(f"{share:.3f}" for share in found.values())])
        print(markdown_table(["case", "compositions", *KINDS, "median"], rows))
        print(f"standard error at 0.95: {np.sqrt(0.95 * 0.05 / options.sets):.3f}")


if __name__ == "__main__":
    main()
