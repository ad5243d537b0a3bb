"""Which parameter comes first, by every method, and how sure that is: bootstrap draws, shares, orders.

A method gives draws of the importances of the four parameters, (n_draws, 4): each draw takes one seed of the
model, and resamples the states. Importances have different units from method to method, so they are compared
as shares of their sum, and by the order of their median shares: what is drawn is what is ranked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.stats import kendalltau, rankdata

from ljmix._util.arrays import FloatArray
from ljmix.data.curves import curves_of
from ljmix.data.dataset import FEATURES, Dataset
from ljmix.explanation.ensemble import Explanation
from ljmix.explanation.exact import grid_shapley
from ljmix.report.names import PAPER_ORDER
from ljmix.scoring.draws import INTERVAL, N_DRAWS, middle, resample_means
from ljmix.scoring.scores import simulation_errors
from ljmix.state import PARAMETERS

__all__ = [
    "PAPER_ORDER", "agreement_table", "entropy_draws", "grid_draws", "importance_table", "model_draws", "order_table",
    "share_table",
]  # fmt: skip


_REPETITIONS = 20


def model_draws(explanations: Sequence[Explanation], seed: int, n: int = N_DRAWS) -> dict[str, FloatArray]:
    """Draws of each method on each model.

    Parameters
    ----------
    explanations : sequence of Explanation
    seed : int
    n : int

    Returns
    -------
    dict of (n, 4) arrays
        By "SHAP <model>" (mean |Shapley value| of the seven inputs), "permutation <model>" (growth of the squared
        error) and "Sobol <model>" (total indices; draws of their own bootstrap over base points, since states
        are not drawn there). A parameter without variation has a Sobol index of 0.
    """
    draws = {}
    for model in dict.fromkeys(explanation.model for explanation in explanations):
        of_model = [explanation for explanation in explanations if explanation.model == model]
        sums = [_state_sums(explanation) for explanation in of_model]
        draws[f"SHAP {model}"] = resample_means([s for s, _ in sums], [c for _, c in sums], seed, n)
        mixed = [explanation.permutation[list(PARAMETERS)].to_numpy() for explanation in of_model]
        draws[f"permutation {model}"] = resample_means(mixed, [np.ones(len(part)) for part in mixed], seed, n)
        rng = np.random.default_rng(seed)
        pools = [_sobol_totals(explanation) for explanation in of_model]
        chosen = rng.integers(len(pools), size=n)
        draws[f"Sobol {model}"] = np.array([pools[k][rng.integers(len(pools[k]))] for k in chosen])
    return draws


def importance_table(explanations: Sequence[Explanation], seed: int, n: int = N_DRAWS) -> pd.DataFrame:
    """Mean |Shapley value| of all seven inputs, with bootstrap intervals over states and seeds.

    Returns
    -------
    pandas.DataFrame
        Columns `model`, `feature`, `mean_abs` (mean over rows and seeds, units of g), `mean_abs_std` (standard
        deviation over seeds; NaN for one), `mean_abs_low`, `mean_abs_high` (95 % of the draws).
    """
    parts = []
    for model in dict.fromkeys(explanation.model for explanation in explanations):
        of_model = [explanation for explanation in explanations if explanation.model == model]
        means = np.array([np.abs(explanation.attribution.contributions).mean(axis=0) for explanation in of_model])
        sums = [_state_sums(explanation, FEATURES) for explanation in of_model]
        drawn = resample_means([s for s, _ in sums], [c for _, c in sums], seed, n)
        low, high = middle(drawn)
        columns = {"feature": list(FEATURES), "mean_abs": means.mean(axis=0)}
        columns["mean_abs_std"] = means.std(axis=0, ddof=1) if len(means) > 1 else np.nan
        parts.append(pd.DataFrame({"model": model} | columns | {"mean_abs_low": low, "mean_abs_high": high}))
    return pd.concat(parts, ignore_index=True)


def _state_sums(explanation: Explanation, features: Sequence[str] = PARAMETERS) -> tuple[FloatArray, FloatArray]:
    columns = [explanation.attribution.features.index(name) for name in features]
    size = pd.DataFrame(np.abs(explanation.attribution.contributions[:, columns]))
    by_state = size.groupby(explanation.attribution.rows["state_id"].to_numpy())
    return by_state.sum().to_numpy(), by_state.size().to_numpy(dtype=float)


def _sobol_totals(explanation: Explanation) -> FloatArray:
    names = list(explanation.sobol.indices["feature"])
    columns = [
        explanation.sobol.draws[:, names.index(name)] if name in names else np.zeros(len(explanation.sobol.draws))
        for name in PARAMETERS
    ]
    return np.column_stack(columns)


def grid_draws(dataset: Dataset, seed: int, n: int = N_DRAWS) -> FloatArray:
    """Draws of mean |Shapley value| of the simulated curves themselves, without a model.

    Parameters
    ----------
    dataset : Dataset
        A full grid.
    seed : int
    n : int

    Returns
    -------
    (n, 4) array
        Mean over pairs, distances and the states drawn; units of g. Each draw is of one of twenty sets of curves
        that other simulations might have given.

    Raises
    ------
    ValueError
        As `grid_shapley`.

    Notes
    -----
    A curve is moved as a whole by a normal number of its errors (`ljmix.scoring.scores.simulation_errors`): what a
    whole curve does, averages over distances do not take away.
    """
    rng = np.random.default_rng(seed)
    curves = curves_of(dataset)
    g, error = curves.g, simulation_errors(curves)
    moves = rng.normal(size=(_REPETITIONS, *g.shape[:2], 1))
    sizes = [np.abs(grid_shapley(dataset.states, g + move * error)).mean(axis=(2, 3)).T for move in moves]
    return resample_means(sizes, [np.ones(len(g))] * _REPETITIONS, seed, n)


def entropy_draws(entropies: pd.DataFrame) -> FloatArray:
    """Return 1 - normalised mixing entropy of each parameter, one row a map.

    Parameters
    ----------
    entropies : pandas.DataFrame
        As of `ljmix.explanation.stability.entropy_runs`. A parameter that is not in it does not vary: 0.

    Returns
    -------
    (n_maps, 4) array
    """
    wide = entropies.pivot_table(index=["view", "seed"], columns="feature", values="entropy_normalised")
    present = wide.reindex(columns=list(PARAMETERS)).fillna(1)
    return np.asarray(1 - present.to_numpy(dtype=float))


def share_table(draws: Mapping[str, FloatArray]) -> pd.DataFrame:
    """Share of each parameter by each method, with its interval.

    A draw that credits nothing, as permuting a handful of states may give, has no shares and is left out of them.

    Returns
    -------
    pandas.DataFrame
        Columns `method`, `feature`, `value` (mean of the draws, in the method's unit), `value_low`,
        `value_high`, `share`, `share_low`, `share_high` (of the sum over the four, median and the interval that
        holds 95 % of the draws), `rank` (1 for the largest median share; equals share the mean of their ranks),
        `rank_low`, `rank_high` (95 %).

    Raises
    ------
    ValueError
        If no draw of a method credits anything.
    """
    rows = []
    for method, values in draws.items():
        shares, ranks = _shares(method, values), _ranks(values)
        low, high = middle(shares)
        first, last = np.quantile(ranks, INTERVAL, axis=0, method="nearest")
        bottom, top = middle(values)
        mean, order = values.mean(axis=0), _median_ranks(method, values)
        for i, feature in enumerate(PARAMETERS):
            rows.append(
                {
                    "method": method, "feature": feature, "value": mean[i], "value_low": bottom[i],
                    "value_high": top[i], "share": float(np.median(shares[:, i])), "share_low": low[i],
                    "share_high": high[i], "rank": order[i], "rank_low": first[i], "rank_high": last[i],
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def _shares(method: str, values: FloatArray) -> FloatArray:
    """Shares of the parameters in each draw that credits any."""
    positive = np.maximum(values, 0)
    credited = positive[positive.sum(axis=1) > 0]
    if not len(credited):
        raise ValueError(f"{method}: no draw credits any parameter; there is nothing to share")
    return np.asarray(credited / credited.sum(axis=1, keepdims=True))


def _median_ranks(method: str, values: FloatArray) -> FloatArray:
    """Rank of each parameter by its median share."""
    return np.asarray(_ranks(np.median(_shares(method, values), axis=0)[None])[0])


def _kendall(one: FloatArray, two: FloatArray) -> float:
    """Kendall's τ; 0 where all are equal in one of the two, which agrees with every order as much as it disagrees."""
    tau = float(kendalltau(one, two).statistic)
    return tau if np.isfinite(tau) else 0.0


def _ranks(values: FloatArray) -> FloatArray:
    """Rank in each row, 1 for the largest; values that agree to nine digits of the largest share their mean rank."""
    largest = np.abs(values).max(axis=1, keepdims=True)
    rounded = np.round(values / np.where(largest > 0, largest, 1), 9)
    return np.asarray(rankdata(-rounded, axis=1), dtype=float)


def _write_order(ranks: FloatArray) -> str:
    """Names of the parameters by rank, joined by " > ", equal ones by " = "."""
    groups = [[PARAMETERS[i] for i in np.flatnonzero(ranks == rank)] for rank in np.unique(ranks)]
    return " > ".join(" = ".join(group) for group in groups)


def order_table(draws: Mapping[str, FloatArray]) -> pd.DataFrame:
    """How often each method's draws agree with what the paper says.

    Returns
    -------
    pandas.DataFrame
        Columns `method`, `order` (of the median shares, joined by " > ", equal ones by " = "), `size_first`,
        `size_then_epsilon`, `temperature_last`, `paper_order` (shares of the draws), `kendall` (Kendall's τ of the
        median shares with `PAPER_ORDER`: 1 for the same order, -1 for the reverse), `kendall_low`, `kendall_high` (95 %
        of the draws; 0 for a draw that credits all alike, and so has no order).

    Raises
    ------
    ValueError
        As `share_table`.
    """
    place = {name: PARAMETERS.index(name) for name in PARAMETERS}
    paper = -np.array([PAPER_ORDER.index(name) for name in PARAMETERS], dtype=float)
    rows = []
    for method, values in draws.items():
        ranks = _ranks(values)
        size_first = ranks[:, place["size_ratio"]] == 1
        then_epsilon = size_first & (ranks[:, place["epsilon_ab"]] == 2)
        cold_last = ranks[:, place["temperature"]] == 4
        taus = [_kendall(-row, paper) for row in ranks]
        low, high = np.quantile(taus, INTERVAL, method="nearest")
        order = _median_ranks(method, values)
        rows.append(
            {
                "method": method,
                "order": _write_order(order),
                "size_first": float(size_first.mean()),
                "size_then_epsilon": float(then_epsilon.mean()),
                "temperature_last": float(cold_last.mean()),
                "paper_order": float((then_epsilon & cold_last).mean()),
                "kendall": _kendall(-order, paper),
                "kendall_low": float(low),
                "kendall_high": float(high),
            }
        )
    return pd.DataFrame(rows)


def agreement_table(draws: Mapping[str, FloatArray]) -> pd.DataFrame:
    """Kendall's τ between the median shares of every two methods, and with the paper.

    Returns
    -------
    pandas.DataFrame
        Square, methods and "paper" as index and columns. With four parameters τ takes seven values, in steps
        of 1/3; 1 comes about by chance once in 24 orders.

    Notes
    -----
    Kendall 1938, doi:10.1093/biomet/30.1-2.81.
    """
    ranks = {"paper": np.array([PAPER_ORDER.index(name) + 1 for name in PARAMETERS])}
    ranks |= {method: _median_ranks(method, values) for method, values in draws.items()}
    table = {one: {two: _kendall(ranks[one], ranks[two]) for two in ranks} for one in ranks}
    return pd.DataFrame(table).loc[list(ranks), list(ranks)]
