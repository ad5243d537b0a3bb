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
from ljmix.scoring.draws import middle, resample_means
from ljmix.scoring.intervals import KINDS, ClusterSums, gain_interval, median_interval, r2_interval

__all__ = ["CASES", "Case", "simulate_coverage", "simulate_models"]


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
        By kind of interval of R²; `gain`, of the gain over a model with errors of twice the size that are independent
        of these; `median`, of the median of √(e / v) over compositions; `mean`, of the mean of that, by
        `ljmix.scoring.draws.resample_means`.
    """
    rng = np.random.default_rng(seed)
    cross = case.correlation * case.sd_variation * case.sd_error
    covariance = [[case.sd_variation**2, cross], [cross, case.sd_error**2]]
    truth = 1 - np.exp(-3 + case.sd_error**2 / 2 + cross)
    held = dict.fromkeys((*KINDS, "gain", "median", "mean"), 0)
    mean = np.exp(-1.5 + case.sd_error**2 / 8)
    for _ in range(sets):
        a, b = rng.multivariate_normal([0, -3], covariance, size=case.compositions).T
        # As if the mean of g over all compositions were known: what is drawn beside it matters little.
        sums = ClusterSums(np.exp(a + b), np.ones(len(a)), np.zeros(len(a)), np.exp(a))
        for kind in KINDS:
            low, high = r2_interval(sums, kind, draws=draws, seed=int(rng.integers(2**31)))
            held[kind] += low <= truth <= high
        # Four times the squared error on average, v exp(c + ln 4), with its own scatter.
        c = rng.normal(-3 + cross, case.sd_error, size=len(a))
        other = ClusterSums(4 * np.exp(a + c), *sums.rows()[1:])
        low, high = gain_interval(sums, other, draws=draws, seed=int(rng.integers(2**31)))
        held["gain"] += low <= 3 * (1 - truth) <= high
        drawn = resample_means([np.exp(b / 2)[:, None]], [np.ones(len(b))], int(rng.integers(2**31)), draws)
        low, high = (float(end[0]) for end in middle(drawn))
        held["mean"] += low <= mean <= high
        low, high = median_interval(np.exp(b / 2), np.arange(len(b)), draws=draws, seed=int(rng.integers(2**31)))
        held["median"] += low <= np.exp(-1.5) <= high
    return {kind: count / sets for kind, count in held.items()}


def simulate_models(
    own: ClusterSums, other: ClusterSums, *, sets: int = 200, draws: int = 500, seed: int = 0
) -> dict[str, float]:
    """Share of simulated sets whose studentized intervals hold the truth, of compositions like those of two models.

    Parameters
    ----------
    own, other : ClusterSums
        Of a model and of the one that its gain is over, on the same points. The logarithms of variation and of both
        errors are taken to be normal, with the means and covariances that they have over these compositions.
    sets, draws, seed : int

    Returns
    -------
    dict
        `r2` and `gain`: of a nominal 95 %.

    Raises
    ------
    ValueError
        If `sets` is below 1, or a composition has no error or no variation.
    """
    if sets < 1:
        raise ValueError(f"sets = {sets}: must be at least 1")
    _, number, total, square = own.rows()
    mean = total.sum() / number.sum()
    numbers = np.stack([own.error, other.error, square - 2 * mean * total + mean**2 * number])
    if not (numbers > 0).all():
        raise ValueError("a composition without error or variation has no logarithm of it")
    centre, covariance = np.log(numbers).mean(axis=1), np.cov(np.log(numbers))
    means = np.exp(centre + np.diag(covariance) / 2)
    truth = {"r2": 1 - means[0] / means[2], "gain": (means[1] - means[0]) / means[2]}
    rng = np.random.default_rng(seed)
    held = dict.fromkeys(truth, 0)
    for _ in range(sets):
        e, o, v = np.exp(rng.multivariate_normal(centre, covariance, size=len(number), method="eigh")).T
        # As if the mean of g over all compositions were known: what is drawn beside it matters little.
        drawn = [ClusterSums(error, np.ones(len(v)), np.zeros(len(v)), v) for error in (e, o)]
        chosen = int(rng.integers(2**31))
        intervals = {"r2": r2_interval(drawn[0], draws=draws, seed=chosen)}
        intervals["gain"] = gain_interval(*drawn, draws=draws, seed=chosen)
        for name, (low, high) in intervals.items():
            held[name] += low <= truth[name] <= high
    return {name: count / sets for name, count in held.items()}


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
        print(markdown_table(["case", "compositions", *KINDS, "gain", "median", "mean"], rows))
        print(f"standard error at 0.95: {np.sqrt(0.95 * 0.05 / options.sets):.3f}")


if __name__ == "__main__":
    main()
