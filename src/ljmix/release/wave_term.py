"""Error bars that know the composition waves, for the tables, and the test that they are right.

In a colour mixture (S = 1, ε_AB = 1) species differ in name only: AA, AB and BB are one curve, and what tells them
apart is noise. The same holds of the waves themselves: S_cc(k) / (C_A C_B) is 1.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd

from ljmix._util.arrays import FloatArray
from ljmix.data.dataset import Dataset
from ljmix.simulation.engine import TIME_STEP
from ljmix.state import DILUTE, PAIRS
from ljmix.structure.scattering import concentration_fluctuation
from ljmix.structure.wave_errors import mean_variance, smooth_fluctuation, wave_errors

__all__ = ["expected_lifetimes", "judge_colour_mixture", "wave_terms"]

_BLOCKS = 20
"""Blocks of a run where the table does not tell: the most there can be, so that blocks see the least."""
_SEEN = (0.95, 5.0)
"""Distances at which curves are compared, σ_AA: outside the core, within the range that models learn."""
_DRAWS = 2000
_FIRST_VECTORS = np.array([6, 12])


def _describe(dataset: Dataset, row: pd.Series) -> tuple[FloatArray, FloatArray, FloatArray, int, float]:
    """k, S_ij by pair, lifetimes of the shells, number of runs and length of each, τ."""
    if dataset.structure_factors is None:
        raise ValueError("the dataset has no structure factors, from which the errors of waves follow")
    rows = dataset.structure_factors[dataset.structure_factors["state_id"] == row["state_id"]]
    k = rows.loc[rows["pair"] == "AA", "k"].to_numpy(dtype=float)
    s = np.stack([rows.loc[rows["pair"] == pair, "s"].to_numpy(dtype=float) for pair in PAIRS])
    n_runs = row["starts"].count("+") + 1
    time = row["steps_production"] * TIME_STEP / n_runs
    if not np.isfinite(row["wave_lifetime"]):
        # Where particles exchange, samples are counted, and say how long the longest wave lives.
        return k, s, n_runs * time / row["wave_samples"] * (k[0] / k) ** 2, n_runs, time
    diffusion = row["concentration_fluctuation"] / (row["wave_lifetime"] * k[0] ** 2)
    sampled = concentration_fluctuation(dict(zip(PAIRS, s, strict=True)), row["n_b"] / row["n_particles"])
    return k, s, smooth_fluctuation(k, sampled) / (diffusion * k**2), n_runs, time


def expected_lifetimes(dataset: Dataset) -> pd.Series:
    """Lifetime of the longest wave by state, τ, with S_cc as the run's shorter waves expect it; NaN where unknown.

    The column `wave_lifetime` has the sampled S_cc, which may be half of it where few waves passed.
    """
    known = np.isfinite(dataset.states["wave_lifetime"])
    lives = {row["state_id"]: _describe(dataset, row)[2][0] for _, row in dataset.states[known].iterrows()}
    return pd.Series([lives.get(name, np.nan) for name in dataset.states["state_id"]], index=dataset.states.index)


def wave_terms(dataset: Dataset) -> FloatArray:
    """What waves that outlive the blocks add to `g_sem`, in quadrature, for each row of `rdf`.

    Parameters
    ----------
    dataset : Dataset
        Of runs without moves, with structure factors and `wave_lifetime`.

    Returns
    -------
    (n_rows,) array
        See `ljmix.structure.wave_errors`. Zero where the mixture is not one liquid: there the longest wave is the
        domain itself. Zero, too, where the lifetime of waves is not known.
    """
    terms = pd.Series(0.0, index=dataset.rdf.index)
    rows = dict(list(dataset.rdf.groupby("state_id", sort=False)))
    for _, row in dataset.states.iterrows():
        if row["phase"] != "mixed" or not np.isfinite(row["wave_lifetime"]):
            continue
        k, s, lifetimes, n_runs, time = _describe(dataset, row)
        of_state = rows[row["state_id"]]
        r = of_state.loc[of_state["pair"] == "AA", "r"].to_numpy(dtype=float)
        g = {pair: of_state.loc[of_state["pair"] == pair, "g"].to_numpy(dtype=float) for pair in PAIRS}
        errors = wave_errors(
            r, g, dict(zip(PAIRS, s, strict=True)), int(row["n_particles"]), int(row["n_b"]), 2 * np.pi / k[0],
            lifetimes, time, int(row.get("n_blocks", _BLOCKS)), n_runs,
        )  # fmt: skip
        for pair in PAIRS:
            terms[of_state.index[of_state["pair"] == pair]] = errors[pair]
    values: FloatArray = terms.to_numpy(dtype=float)
    return values


def judge_colour_mixture(dataset: Dataset, terms: FloatArray) -> pd.DataFrame:
    """Differences between curves that are one, in standard errors, without and with the term for waves.

    The errors of two curves of one run add linearly where they come from waves, in quadrature where from counting.

    Parameters
    ----------
    dataset : Dataset
        With structure factors. Its `g_sem` must not hold the term yet.
    terms : (n_rows,) array
        As from `wave_terms`.

    Returns
    -------
    pandas.DataFrame
        One row for each temperature and each of AA − AB, AB − BB: `rms_shipped`, `rms` (with the term), over states
        with C_B above 0.02 and r from 0.95 to 5 σ_AA; `rms_95`, below which 95 % of sound error bars stay: errors are
        known from 20 blocks, and each state has only one or two waves that matter; `waves`, root mean square of
        (S_cc / (C_A C_B) − 1) over its expected error, over the first two shells and all states of the temperature, and
        `waves_95`.
    """
    states, rng = dataset.states, np.random.default_rng(20261130)
    colour = states[(states["size_ratio"] == 1) & (states["epsilon_ab"] == 1) & (states["fraction_b"] > DILUTE)]
    table = dataset.rdf.assign(term=terms)
    rows = []
    for temperature, of in colour.groupby("temperature"):
        scores: dict[str, list[Any]] = {}
        for _, row in of.iterrows():
            for name, value in _compare_state(dataset, table, row, rng).items():
                scores.setdefault(name, []).append(value)
        rms = {name: np.sqrt(np.mean(values, axis=0)) for name, values in scores.items()}
        for couple in ("AA-AB", "AB-BB"):
            rows.append(
                {
                    "temperature": temperature,
                    "couple": couple,
                    "states": len(of),
                    "rms_shipped": float(rms[f"{couple} shipped"]),
                    "rms": float(rms[couple]),
                    "rms_95": float(np.quantile(rms[f"{couple} drawn"], 0.95)),
                    "waves": float(rms["waves"]),
                    "waves_95": float(np.quantile(rms["waves drawn"], 0.95)),
                }
            )
    return pd.DataFrame(rows)


def _compare_state(dataset: Dataset, table: pd.DataFrame, row: pd.Series, rng: np.random.Generator) -> dict[str, Any]:
    """Mean squares of one state: observed, and `_DRAWS` of them if the error bars are right.

    Drawn with noise of the counting in each bin, its size known from 20 blocks (Student's t), and one amplitude for the
    wave, since the longest one carries nearly all.
    """
    of_state = table[table["state_id"] == row["state_id"]]
    wide = of_state.pivot(index="r", columns="pair", values=["g", "g_sem", "term"])
    wide = wide[(wide.index > _SEEN[0]) & (wide.index < _SEEN[1])]
    found: dict[str, Any] = {}
    for first, second in itertools.pairwise(PAIRS):
        difference = (wide["g", first] - wide["g", second]).to_numpy()
        counting = np.hypot(wide["g_sem", first], wide["g_sem", second]).to_numpy()
        waves = (wide["term", first] + wide["term", second]).to_numpy()
        both = np.hypot(counting, waves)
        name = f"{first}-{second}"
        found[f"{name} shipped"] = np.mean((difference / counting) ** 2)
        found[name] = np.mean((difference / both) ** 2)
        noise = sum(
            rng.standard_t(_BLOCKS - 1, size=(_DRAWS, len(both))) * wide["g_sem", p].to_numpy() for p in name.split("-")
        )
        noise = noise + rng.normal(size=(_DRAWS, 1)) * waves
        found[f"{name} drawn"] = np.mean((noise / both) ** 2, axis=1)
    _, s, lifetimes, n_runs, time = _describe(dataset, row)
    s_cc = concentration_fluctuation(dict(zip(PAIRS, s, strict=True)), row["n_b"] / row["n_particles"])[:2]
    variance = mean_variance(lifetimes[:2], time) / n_runs / (_FIRST_VECTORS / 2)
    found["waves"] = np.mean((s_cc - 1) ** 2 / variance)
    # A mean of squares of few Gaussian amplitudes: gamma distributed, of mean 1 and this variance.
    drawn = rng.gamma(1 / variance, variance, size=(_DRAWS, 2))
    found["waves drawn"] = np.mean((drawn - 1) ** 2 / variance, axis=1)
    return found
