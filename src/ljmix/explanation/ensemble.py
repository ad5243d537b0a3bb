"""Fit a model on most of the states, ask how it does on the rest, and explain it; again for every seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.metrics import r2_score

from ljmix._util.arrays import FloatArray
from ljmix.data.dataset import FEATURES, Dataset, learning_table
from ljmix.evaluation.parallel import run_in_parallel
from ljmix.explanation.attribution import (
    N_BACKGROUND,
    N_ROWS,
    PLAYERS,
    Attribution,
    Predictor,
    explain_predictor,
    explain_trees,
)
from ljmix.explanation.exact import complete_grid
from ljmix.explanation.sensitivity import Sobol, permutation_importance, sobol_indices
from ljmix.models.registry import make_row_model
from ljmix.state import PARAMETERS

__all__ = ["Explanation", "explain_models", "held_out_errors", "label_effect"]


@dataclass(frozen=True)
class Explanation:
    """One fitted model, explained.

    Attributes
    ----------
    model : str
    seed : int
        Of the model, and of the draw of the states that it does not see.
    predict_rows : callable
        The fitted model: takes a table with the columns `FEATURES`, returns one g a row.
    attribution : Attribution
        Shapley values of the seven inputs. Models of one seed explain the same rows against the same background;
        another seed draws others, so that the spread over seeds holds that of both draws.
    permutation : pandas.DataFrame
        As of `permutation_importance`, on the states held out.
    sobol : Sobol
    held_out : pandas.DataFrame
        The learning table of the states held out, with the column `predicted`.
    curves : (n_grid, 3, n_bins) array
        Predicted curves of every state of the complete grid (`complete_grid`).
    """

    model: str
    seed: int
    predict_rows: Predictor
    attribution: Attribution
    permutation: pd.DataFrame
    sobol: Sobol
    held_out: pd.DataFrame
    curves: FloatArray


def explain_models(
    dataset: Dataset,
    names: Sequence[str],
    seeds: int,
    *,
    n_rows: int = N_ROWS,
    n_background: int = N_BACKGROUND,
    test_share: float = 0.2,
    workers: int = 1,
    progress: bool = False,
    **options: int,
) -> list[Explanation]:
    """Fit and explain each model with each seed.

    Every seed holds out other states, of all temperatures, and draws other rows to explain and to stand for unknown
    inputs: the spread over seeds is that of the model's start, of the states it happened to see, and of these draws.

    Parameters
    ----------
    dataset : Dataset
    names : sequence of str
        Models, see `ljmix.models.registry.ROW_MODELS`; "xgboost" is explained by its trees, others by asking.
    seeds : int
        Repetitions, with seeds 0, 1, …
    n_rows, n_background : int
        Sizes of the samples of rows, see `explain_trees`.
    test_share : float
        Share of the states that a model does not see.
    workers : int
        Processes side by side; -1 for one a core.
    progress : bool
    **options
        `epochs`, `patience`, `n_jobs` of `make_row_model`.

    Returns
    -------
    list of Explanation

    Raises
    ------
    ValueError
        If `seeds` is below 1, a name is unknown, or fewer than two states are held out or left.
    """
    if seeds < 1 or not names:
        raise ValueError(f"names = {list(names)}, seeds = {seeds}: need at least one of each")
    for name in names:
        make_row_model(name, **options)  # stops here, before the first fit, what is not allowed
    runs = [(name, seed) for name in names for seed in range(seeds)]
    n_test = round(test_share * len(dataset.states))
    if not 2 <= n_test <= len(dataset.states) - 2:
        raise ValueError(
            f"test_share = {test_share:g} of {len(dataset.states)} states: must leave two or more on both sides"
        )
    table = learning_table(dataset)
    states = dataset.states[["state_id", *PARAMETERS]]
    r = np.unique(table["r"])

    def explain(name: str, seed: int) -> Explanation:
        unseen = np.random.default_rng(seed).permutation(states["state_id"].to_numpy())[:n_test]
        tested = table["state_id"].isin(list(unseen))
        model = make_row_model(name, seed, **options).fit_rows(table[~tested])
        held_out = table[tested].reset_index(drop=True)
        predict = model.predict_rows
        if name == "xgboost":
            attribution = explain_trees(model.estimator_, table, seed=seed, n_rows=n_rows, n_background=n_background)
        else:
            attribution = explain_predictor(predict, table, seed=seed, n_rows=n_rows, n_background=n_background)
        return Explanation(
            name,
            seed,
            predict,
            attribution,
            permutation_importance(predict, held_out, seed),
            sobol_indices(predict, states, seed),
            held_out.assign(predicted=predict(held_out)),
            model.predict(complete_grid(states), r),
        )

    return list(run_in_parallel(explain, runs, "explain", workers, progress))


def label_effect(
    explanations: Sequence[Explanation],
    dataset: Dataset,
    n_rows: int = 100,
    n_background: int = N_BACKGROUND,
    *,
    workers: int = 1,
    progress: bool = False,
) -> pd.DataFrame:
    """Credit of each input with the two labels as two players, and with the pair as one.

    Parameters
    ----------
    explanations : sequence of Explanation
        Models to ask; one seed of each is enough.
    dataset : Dataset
    n_rows, n_background : int
        The same rows serve both ways.
    workers : int
        Processes side by side; -1 for one a core.
    progress : bool

    Returns
    -------
    pandas.DataFrame
        Columns `model`, `feature` (`PLAYERS`), `two_labels`, `one_pair`: mean |Shapley value| in units of g,
        averaged over the explanations of a model. With two labels the pair's value is the sum of both in a row.
    """
    table = learning_table(dataset)

    def explain(explanation: Explanation, features: tuple[str, ...]) -> Attribution:
        return explain_predictor(
            explanation.predict_rows, table, seed=0, n_rows=n_rows, n_background=n_background, features=features
        )

    runs = [(explanation, features) for explanation in explanations for features in (FEATURES, PLAYERS)]
    attributions = list(run_in_parallel(explain, runs, "labels", workers, progress))
    rows = []
    for explanation, apart, together in zip(explanations, attributions[::2], attributions[1::2], strict=True):
        values = pd.DataFrame(apart.contributions, columns=list(FEATURES))
        values["pair"] = values.pop("has_a") + values.pop("has_b")
        one = pd.DataFrame(together.contributions, columns=list(PLAYERS))
        rows += [(explanation.model, name, values[name].abs().mean(), one[name].abs().mean()) for name in PLAYERS]
    effect = pd.DataFrame(rows, columns=["model", "feature", "two_labels", "one_pair"])
    return effect.groupby(["model", "feature"], sort=False).mean().reset_index()


def held_out_errors(explanations: Sequence[Explanation], states: pd.DataFrame) -> pd.DataFrame:
    """How wrong the explained models are on states that they have not seen, beside what is explained.

    Parameters
    ----------
    explanations : sequence of Explanation
    states : pandas.DataFrame
        Columns `state_id`, `fraction_b`, `phase`.

    Returns
    -------
    pandas.DataFrame
        Columns `model`, `group` ("all", "mixed", "demixed", "crystal", "C_B = 0.01", …), `states` (number of
        different ones held out), `r2`, `r2_std`, `error`, `error_std` (R² and mean absolute error; mean and standard
        deviation over seeds, NaN for a single seed), and `shap`, mean |Shapley value| of the strongest parameter in
        the group's explained rows (units of g; NaN where no row was drawn). An attribution means little where
        `error` is as large.
    """
    groups: dict[str, pd.Series] = {"all": states["state_id"]}
    for phase in ("mixed", "demixed", "crystal"):
        groups[phase] = states.loc[states["phase"] == phase, "state_id"]
    for fraction in sorted(set(states["fraction_b"])):
        groups[f"C_B = {fraction:g}"] = states.loc[states["fraction_b"] == fraction, "state_id"]
    rows = []
    for explanation in explanations:
        size = pd.DataFrame(np.abs(explanation.attribution.contributions[:, : len(PARAMETERS)]))
        for name, members in groups.items():
            unseen = explanation.held_out[explanation.held_out["state_id"].isin(list(members))]
            if unseen.empty:
                continue
            explained = explanation.attribution.rows["state_id"].isin(list(members)).to_numpy()
            rows.append(
                {
                    "model": explanation.model, "group": name, "state_ids": set(unseen["state_id"]),
                    "r2": float(r2_score(unseen["g"], unseen["predicted"])),
                    "error": float((unseen["predicted"] - unseen["g"]).abs().mean()),
                    "shap": float(size[explained].mean().max()),
                }
            )  # fmt: skip
    by_group = pd.DataFrame(rows).groupby(["model", "group"], sort=False)
    table = by_group[["r2", "error", "shap"]].mean()
    table.insert(0, "states", by_group["state_ids"].agg(lambda sets: len(set.union(*sets))))
    spreads = by_group[["r2", "error"]].std().add_suffix("_std")
    columns = ["states", "r2", "r2_std", "error", "error_std", "shap"]
    return table.join(spreads)[columns].reset_index()
