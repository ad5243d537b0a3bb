"""Which mixture has these curves? The posterior of its four numbers, sampled by emcee.

Foreman-Mackey et al. 2013 (doi:10.1086/670067). The likelihood is Gaussian. Its covariance holds the errors of the
curves, each bin by itself, and that of the surrogate, which is alike over a correlation length in r. The latter is as
wide as the surrogate was found to be wrong on states that were left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import emcee
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.linalg import solve_triangular
from scipy.optimize import least_squares
from scipy.stats import chi2, qmc

from ljmix._util.arrays import FloatArray
from ljmix._util.checks import require_float, require_int, require_kind, shorten
from ljmix.state import PAIRS, PARAMETERS
from ljmix.surrogate.bands import band_width
from ljmix.surrogate.learned.branches import Liquids
from ljmix.surrogate.shipped import find_surrogate
from ljmix.surrogate.surrogate import Surrogate

__all__ = ["SCALE", "Posterior", "infer"]

SCALE = "length"
"""Name of the unknown unit of length, as a factor of the one in which r is given."""
_SCALES = (0.8, 1.25)
_CORRELATION = 0.2
"""Length over which the surrogate's error is alike, σ_AA: half the width of a peak."""
_GAUSSIAN = 2.6
"""Median of the largest of some seventy independent normal deviations: what the left-out states' median largest
deviation would be if band widths were standard deviations."""
_SCREEN, _STARTS = 8, 3
_WALKERS, _STEPS, _BURN = 24, 500, 200
_UNLIKELY = 1e-3
_LARGEST_BIN = 1e-9


@dataclass(frozen=True)
class Posterior:
    """What curves say of their mixture.

    Attributes
    ----------
    names : tuple of str
        Numbers that were free.
    samples : (n, n_names) array
    best : dict
        All four numbers (and the scale, where asked) at the largest posterior probability that was found.
    chi_square : float
        Squared distance of the curves from the best ones, in the metric of the errors, over the number of bins.
    recognised : bool
        Whether the curves can be those of a mixture that the surrogate knows.
    reason : str
        Why not; empty otherwise.
    """

    names: tuple[str, ...]
    samples: FloatArray
    best: dict[str, float]
    chi_square: float
    recognised: bool
    reason: str

    def summary(self, level: float = 0.95) -> pd.DataFrame:
        """Median, and the interval that holds a share of the samples, equal tails left out; one row a number."""
        level = require_float("level", level, 0.0, 1.0, above=True)
        lower, median, upper = np.quantile(self.samples, [(1 - level) / 2, 0.5, (1 + level) / 2], axis=0)
        return pd.DataFrame({"median": median, "lower": lower, "upper": upper}, index=list(self.names))

    def rank(self, truth: Mapping[str, float]) -> dict[str, float]:
        """Share of samples below the true value, uniform over many mixtures if intervals are honest."""
        return {name: float((self.samples[:, k] < truth[name]).mean()) for k, name in enumerate(self.names)}


def infer(
    r: npt.ArrayLike,
    g: npt.ArrayLike,
    g_sem: npt.ArrayLike,
    known: Mapping[str, float] | None = None,
    *,
    surrogate: Surrogate | None = None,
    scale: bool = False,
    steps: int = _STEPS,
    seed: int = 0,
) -> Posterior:
    """Infer the numbers of a mixture of one liquid from its three curves.

    Parameters
    ----------
    r : (n_bins,) array_like
        Bin centres, increasing.
    g, g_sem : (3, n_bins) array_like
        Curves AA, AB, BB and their standard errors.
    known : mapping, optional
        Numbers that are known, by the names of `ljmix.state.PARAMETERS`.
    surrogate : Surrogate, optional
        By default the one that is shipped. Without an emulator every sample solves theory.
    scale : bool
        Whether the unit of r is unknown too: it is then σ_AA times `length`, between 0.8 and 1.25.
    steps : int
        Of each of 24 walkers after 200 to forget the start, at least 50.
    seed : int

    Returns
    -------
    Posterior

    Raises
    ------
    ValueError
        If an argument has a wrong shape or kind, or a value is out of range.
    FileNotFoundError
        If none is given and none is shipped.

    Notes
    -----
    The prior is uniform over the box of the simulated states, where one liquid is stable or metastable.
    """
    surrogate = find_surrogate(surrogate)
    distances, curves, errors = _require_curves(r, g, g_sem, _SCALES[1] if scale else 1.0)
    problem = _Problem(surrogate, distances, curves, errors, _require_known(known, surrogate), scale)
    steps, seed = require_int("steps", steps, 50), require_int("seed", seed)
    rng = np.random.default_rng(seed)
    best = problem.search(seed)
    covariance = problem.settle(best)
    free = len(problem.names)
    start = rng.multivariate_normal(best, covariance, size=_WALKERS)
    margin = 1e-3 * (problem.highest - problem.lowest)
    start = np.clip(start, problem.lowest + margin, problem.highest - margin)
    # Walkers on top of one another never leave their plane.
    start = start + margin * rng.uniform(-0.5, 0.5, start.shape)
    sampler = emcee.EnsembleSampler(_WALKERS, free, problem.log_posterior, vectorize=True)
    # emcee draws from the old generator of NumPy, which a legacy seed of its own keeps from others.
    state = emcee.State(start, random_state=np.random.RandomState(seed).get_state())
    state = sampler.run_mcmc(state, _BURN)
    sampler.reset()
    sampler.run_mcmc(state, steps)
    logs = sampler.get_log_prob(flat=True)
    samples = sampler.get_chain(flat=True)
    top = samples[int(np.argmax(logs))] if logs.max() > problem.log_posterior(best[None])[0] else best
    square = problem.chi_square(top)
    allowed = float(chi2.ppf(1 - _UNLIKELY, max(curves.size - free, 1))) / curves.size
    recognised = square <= allowed
    reason = "" if recognised else _unrecognised(square, allowed)
    numbers = {name: float(value) for name, value in zip(PARAMETERS, problem.numbers(top[None])[0], strict=False)}
    if scale:
        numbers[SCALE] = float(top[problem.names.index(SCALE)])
    return Posterior(problem.names, samples, numbers, square, recognised, reason)


def _unrecognised(square: float, allowed: float) -> str:
    return (
        f"the nearest curves of the surrogate are off by {np.sqrt(square):.3g} standard errors (rms), "
        f"{np.sqrt(allowed):.3g} are allowed: this is no single liquid of such a mixture in the range that was "
        "simulated, or its errors are too small"
    )


class _Problem:
    """Curves, what is known and what is free."""

    def __init__(
        self,
        surrogate: Surrogate,
        r: FloatArray,
        g: FloatArray,
        g_sem: FloatArray,
        known: dict[str, float],
        scale: bool,
    ) -> None:
        self.source = surrogate.fast_source()
        self.r, self.g, self.g_sem, self.known = r, g, g_sem, known
        self.names = tuple(name for name in PARAMETERS if name not in known) + ((SCALE,) if scale else ())
        if not self.names:
            raise ValueError(f"known names all of {', '.join(PARAMETERS)}: nothing is left to infer")
        box = surrogate.states[list(PARAMETERS)]
        limits = {name: (float(box[name].min()), float(box[name].max())) for name in PARAMETERS} | {SCALE: _SCALES}
        self.lowest, self.highest = (np.array([limits[name][k] for name in self.names]) for k in (0, 1))
        bands = surrogate.bands
        self.widen = 1.0 if bands is None else max(bands.factor(0.5, "mixed") / _GAUSSIAN, 1.0)
        self.factor: FloatArray = np.empty((0, 0))

    def numbers(self, theta: FloatArray) -> FloatArray:
        """Numbers of states, (n, 5), as `ljmix.surrogate.learned.branches.NUMBERS`."""
        values = {name: np.full(len(theta), value) for name, value in self.known.items()}
        values |= {name: theta[:, k] for k, name in enumerate(self.names) if name != SCALE}
        return np.stack([*(values[name] for name in PARAMETERS), np.ones(len(theta))], axis=1)

    def mean(self, theta: FloatArray) -> FloatArray:
        """Curves of one liquid, (n, 3, n_bins); NaN where there is none."""
        return self.curves(theta)[0]

    def curves(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Curves as `mean`, and their deviations, (n, 3, n_bins) each."""
        liquids: Liquids = self.source.liquids(self.numbers(theta))
        if SCALE not in self.names:
            return liquids.curves(self.r)
        factors = theta[:, self.names.index(SCALE)]
        found = [liquids.take(np.array([k])).curves(self.r * factor) for k, factor in enumerate(factors)]
        g, width = (np.concatenate([each[k] for each in found]) for k in (0, 1))
        return g, width

    def search(self, seed: int) -> FloatArray:
        """Best numbers: a screen of the box, and least squares from its best."""
        unit = qmc.Sobol(len(self.names), scramble=True, seed=np.random.default_rng(seed)).random_base2(_SCREEN)
        drawn = self.lowest + (self.highest - self.lowest) * unit
        found, deviation = self.curves(drawn)
        errors = np.hypot(self.g_sem, self.widen * band_width(found, deviation))
        square = np.nan_to_num((((found - self.g) / errors) ** 2).sum(axis=(1, 2)), nan=np.inf)

        def miss(theta: FloatArray) -> FloatArray:
            one, spread = self.curves(theta[None])
            # Errors of the model that is tried, with a floor, so that no place wins by large errors.
            allowed = np.hypot(self.g_sem, self.widen * band_width(self.g, np.minimum(spread[0], 0.05)))
            return np.asarray(np.nan_to_num(((one[0] - self.g) / allowed).ravel(), nan=1e3))

        bounds, scales = (self.lowest, self.highest), self.highest - self.lowest
        tried = [
            least_squares(miss, drawn[k], bounds=bounds, x_scale=scales, diff_step=1e-3, max_nfev=30)
            for k in np.argsort(square)[:_STARTS]
        ]
        return np.asarray(min(tried, key=lambda each: each.cost).x)

    def settle(self, best: FloatArray) -> FloatArray:
        """Fix the covariance of the curves at the best numbers; return that of the numbers (Laplace)."""
        found, deviation = self.curves(best[None])
        width = self.widen * band_width(found[0], deviation[0])
        alike = np.exp(-0.5 * ((self.r[:, None] - self.r) / _CORRELATION) ** 2)
        size = self.g.size
        covariance = np.zeros((size, size))
        for k in range(len(PAIRS)):
            block = slice(k * len(self.r), (k + 1) * len(self.r))
            covariance[block, block] = np.outer(width[k], width[k]) * alike
        covariance[np.diag_indices(size)] += self.g_sem.ravel() ** 2 + 1e-3 * width.ravel() ** 2 + _LARGEST_BIN
        self.factor = np.asarray(np.linalg.cholesky(covariance))
        step = 1e-3 * (self.highest - self.lowest)
        inward = np.where(best + step < self.highest, step, -step)
        moved = self.mean(best + np.diag(inward))
        slopes = (moved - found).reshape(len(best), -1).T / inward
        scaled = solve_triangular(self.factor, np.nan_to_num(slopes), lower=True)
        prior = 12 / (self.highest - self.lowest) ** 2
        return np.asarray(np.linalg.inv(scaled.T @ scaled + np.diag(prior)))

    def log_posterior(self, theta: FloatArray) -> FloatArray:
        """Logarithm of likelihood times prior, up to a constant, (n,)."""
        inside = ((theta >= self.lowest) & (theta <= self.highest)).all(axis=1)
        logs = np.full(len(theta), -np.inf)
        if inside.any():
            logs[inside] = -0.5 * self._squares(self.mean(theta[inside]))
        return np.asarray(np.nan_to_num(logs, nan=-np.inf))

    def chi_square(self, theta: FloatArray) -> float:
        """Squared distance over the number of bins."""
        return float(self._squares(self.mean(theta[None]))[0] / self.g.size)

    def _squares(self, found: FloatArray) -> FloatArray:
        miss = (found - self.g).reshape(len(found), -1).T
        known = np.isfinite(miss).all(axis=0)
        squares = np.full(len(found), np.inf)
        squares[known] = (solve_triangular(self.factor, miss[:, known], lower=True) ** 2).sum(axis=0)
        return squares


def _require_curves(
    r: npt.ArrayLike, g: npt.ArrayLike, g_sem: npt.ArrayLike, stretch: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    arrays = []
    for name, value in (("r", r), ("g", g), ("g_sem", g_sem)):
        try:
            arrays.append(np.asarray(value, dtype=float))
        except (ValueError, TypeError):
            raise ValueError(f"{name} = {shorten(value)}: must be numbers") from None
    distances, curves, errors = arrays
    if distances.ndim != 1 or len(distances) < len(PARAMETERS):
        raise ValueError(f"r has shape {distances.shape}: must be one row of at least {len(PARAMETERS)} distances")
    if not np.isfinite(distances).all() or distances[0] < 0 or (np.diff(distances) <= 0).any():
        raise ValueError("r: distances must be finite, not negative, and increase")
    if distances[-1] * stretch > 5.0:
        raise ValueError(f"r = {distances[-1]:g}: must be at most {5.0 / stretch:g}, as far as curves are known")
    for name, value in (("g", curves), ("g_sem", errors)):
        if value.shape != (len(PAIRS), len(distances)):
            raise ValueError(f"{name} has shape {value.shape}: must be (3, {len(distances)}), AA, AB and BB at each r")
        if not np.isfinite(value).all():
            raise ValueError(f"{name} holds a value that is not finite; leave such bins out")
        if (value < 0).any():
            raise ValueError(f"{name} = {value.min():g} somewhere: must not be negative")
    return distances, curves, errors


def _require_known(known: Mapping[str, float] | None, surrogate: Surrogate) -> dict[str, float]:
    if known is None:
        return {}
    require_kind("known", known, Mapping, '{"temperature": 1.0}')  # type: ignore[type-abstract]
    answer = {}
    for name, value in known.items():
        if name not in PARAMETERS:
            raise ValueError(f"known names {shorten(name)}: choose from {', '.join(PARAMETERS)}")
        box = surrogate.states[name]
        answer[name] = require_float(f"known {name}", value, float(box.min()), float(box.max()))
    return answer
