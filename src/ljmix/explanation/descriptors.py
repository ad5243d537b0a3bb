"""What a physicist reads off the curves, and which parameter decides it.

Height and place of the first peak, the number of neighbours, and how far a mixture has separated: one number a
state each. Trees learn each number from T*, C_B, S and ε_AB; their Shapley values and Shapley interactions say
which parameters make it, alone and together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold
from xgboost import XGBRegressor

from ljmix._util.arrays import FloatArray
from ljmix.data.dataset import Dataset
from ljmix.evaluation.parallel import run_in_parallel
from ljmix.explanation.attribution import load_shap
from ljmix.scoring.draws import N_DRAWS, draw_weights, middle
from ljmix.state import PAIRS, PARAMETERS, state_points
from ljmix.structure.first_shell import SHELL, resolved_peak

__all__ = [
    "DescriptorStudy", "describe_curves", "explain_descriptors", "interaction_curves", "interaction_shares",
    "share_of_descriptors",
]  # fmt: skip

IntArray = npt.NDArray[np.int64]

_TREES = {"n_estimators": 200, "max_depth": 4, "learning_rate": 0.08, "subsample": 0.8, "n_jobs": 1}
_BACKGROUND = 100


def describe_curves(dataset: Dataset) -> pd.DataFrame:
    """Descriptors of the three curves of every state.

    Parameters
    ----------
    dataset : Dataset
        `states` may have the column `demixing`.

    Returns
    -------
    pandas.DataFrame
        One row a state in the order of ``dataset.states``, index `state_id`. For each pair ij
        ``height_ij``, the largest g between 0.8 and 1.5 σ_ij, and ``position_ij``, where it is, in σ_ij;
        ``neighbors_ij``, the coordination number within 1.5 σ_ij, 4π ρ_j ∫ g r² dr: the j around an i. And
        ``demixing``, S_cc at the smallest wave vector over that of complete separation, if the states have it.

    Notes
    -----
    S must not be credited for the mere size of B. So positions are in units of σ_ij, and heights are those of
    functions resolved within their bins (`ljmix.structure.pair_integrals.refine`): a bin of 0.05 σ_AA is a tenth of
    σ_BB at S = 0.5, and its average lies up to a sixth below the peak.
    """
    r, g = dataset.curve_array()
    width = r[1] - r[0]
    states = dataset.states
    share_b = states["n_b"].to_numpy() / states["n_particles"].to_numpy()
    density = {"A": states["number_density"].to_numpy() * (1 - share_b)}
    density["B"] = states["number_density"].to_numpy() * share_b
    points = state_points(states)
    columns: dict[str, FloatArray] = {}
    for index, pair in enumerate(PAIRS):
        diameter = np.array([point.sigma(pair) for point in points])
        peaks = [resolved_peak(r, curve, point, pair) for curve, point in zip(g[:, index], points, strict=True)]
        columns[f"height_{pair}"], columns[f"position_{pair}"] = np.array(peaks).T
        # A bin that the edge of the shell cuts counts with the part inside.
        inside = np.clip((SHELL * diameter[:, None] - (r - width / 2)) / width, 0, 1)
        integral = (inside * g[:, index] * r**2).sum(axis=1) * width
        columns[f"neighbors_{pair}"] = 4 * np.pi * density[pair[1]] * integral
    table = pd.DataFrame(columns, index=pd.Index(states["state_id"], name="state_id"))
    order = [f"{kind}_{pair}" for kind in ("height", "position", "neighbors") for pair in PAIRS]
    if "demixing" in states:
        table["demixing"] = states["demixing"].to_numpy(dtype=float)
        order.append("demixing")
    return table[order]


@dataclass(frozen=True)
class DescriptorStudy:
    """Trees for each descriptor, explained on states that they have not seen.

    Attributes
    ----------
    names : list of str
        Descriptors; those that do not vary are left out.
    contributions : (n_descriptors, n_states, 4) array
        Shapley values of `PARAMETERS`, in standard deviations of the descriptor.
    interactions : (n_descriptors, n_states, 4, 4) array
        Shapley interaction values, the same unit; a pair's credit is split evenly between (i, j) and (j, i).
    r2 : (n_descriptors,) array
        R² on the states of the folds that were held out.
    """

    names: list[str]
    contributions: FloatArray
    interactions: FloatArray
    r2: FloatArray


def explain_descriptors(
    states: pd.DataFrame,
    descriptors: pd.DataFrame,
    seed: int,
    folds: int = 5,
    *,
    workers: int = 1,
    progress: bool = False,
) -> DescriptorStudy:
    """Fit and explain every descriptor, fold by fold.

    Parameters
    ----------
    states : pandas.DataFrame
        Columns `PARAMETERS`.
    descriptors : pandas.DataFrame
        As of `describe_curves`, rows in the order of `states`.
    seed : int
        Of the folds, the trees and the background.
    folds : int
        Every state is explained by a model that was fitted without its fold.
    workers : int
        Processes side by side, one descriptor each; -1 for one a core.
    progress : bool

    Returns
    -------
    DescriptorStudy

    Raises
    ------
    ValueError
        If the tables differ in length, there are fewer states than folds, a descriptor is missing for a state, or
        none varies.

    Notes
    -----
    Values as in `ljmix.explanation.attribution.explain_trees`; interactions by walking the trees with their own
    training rows as background (Lundberg et al. 2020, doi:10.1038/s42256-019-0138-9).
    """
    if len(states) != len(descriptors) or len(states) < folds or folds < 2:
        counts = f"{len(states)} states, {len(descriptors)} rows of descriptors, {folds} folds"
        raise ValueError(f"{counts}: need one row a state, and two folds or more of at least one state")
    for name in descriptors:
        missing = ~np.isfinite(descriptors[name].to_numpy(dtype=float))
        if missing.any():
            raise ValueError(f"descriptor {name} of state {descriptors.index[missing][0]} is not a finite number")
    names = [name for name in descriptors if np.ptp(descriptors[name].to_numpy()) > 0]
    if not names:
        raise ValueError("no descriptor varies over the states; there is nothing to explain")
    inputs = states[list(PARAMETERS)].to_numpy(dtype=float)
    parts = list(KFold(folds, shuffle=True, random_state=seed).split(inputs))
    runs = [(inputs, descriptors[name].to_numpy(dtype=float), parts, seed) for name in names]
    studies = list(run_in_parallel(_explain_descriptor, runs, "descriptors", workers, progress))
    contributions, interactions, r2 = (np.array(values) for values in zip(*studies, strict=True))
    return DescriptorStudy(names, contributions, interactions, r2)


def _explain_descriptor(
    inputs: FloatArray, values: FloatArray, parts: Sequence[tuple[IntArray, IntArray]], seed: int
) -> tuple[FloatArray, FloatArray, float]:
    """Contributions, interactions and R² of one descriptor."""
    shap = load_shap()
    n_states, n = inputs.shape
    contributions, interactions = np.empty((n_states, n)), np.empty((n_states, n, n))
    values = (values - values.mean()) / values.std()
    predicted = np.empty(n_states)
    for train, test in parts:
        model = XGBRegressor(**_TREES, random_state=seed).fit(inputs[train], values[train])
        predicted[test] = model.predict(inputs[test])
        known = np.random.default_rng(seed).permutation(inputs[train])[:_BACKGROUND]
        explainer = shap.TreeExplainer(model, known, feature_perturbation="interventional")
        contributions[test] = explainer.shap_values(inputs[test], check_additivity=False)
        interactions[test] = shap.TreeExplainer(model).shap_interaction_values(inputs[test])
    return contributions, interactions, float(r2_score(values, predicted))


def share_of_descriptors(study: DescriptorStudy, seed: int) -> pd.DataFrame:
    """Share of each parameter in each descriptor, with bootstrap intervals over states.

    Returns
    -------
    pandas.DataFrame
        Columns `descriptor`, `r2`, `feature`, `mean_abs` (mean |Shapley value|, standard deviations of the
        descriptor), `share` (of the sum over the four), `share_low`, `share_high` (95 %).
    """
    rows = []
    for k, name in enumerate(study.names):
        size = np.abs(study.contributions[k])
        mean, (share, low, high) = size.mean(axis=0), _resample_shares(size, seed)
        for i, feature in enumerate(PARAMETERS):
            rows.append((name, study.r2[k], feature, mean[i], share[i], low[i], high[i]))
    columns = ["descriptor", "r2", "feature", "mean_abs", "share", "share_low", "share_high"]
    return pd.DataFrame(rows, columns=columns)


def interaction_shares(study: DescriptorStudy, seed: int) -> pd.DataFrame:
    """Strength of each interaction in each descriptor, with bootstrap intervals over states.

    Returns
    -------
    pandas.DataFrame
        Columns `descriptor`, `feature`, `other`, `share`, `share_low`, `share_high`: mean |interaction|, both
        halves together, over the sum of all main effects and interactions of the descriptor.
    """
    places = [(i, j) for i in range(len(PARAMETERS)) for j in range(i, len(PARAMETERS))]
    rows = []
    for k, name in enumerate(study.names):
        values = study.interactions[k]
        size = np.column_stack([np.abs(values[:, i, j] * (1 if i == j else 2)) for i, j in places])
        share, low, high = _resample_shares(size, seed)
        for place, (i, j) in enumerate(places):
            if i != j:
                rows.append((name, PARAMETERS[i], PARAMETERS[j], share[place], low[place], high[place]))
    return pd.DataFrame(rows, columns=["descriptor", "feature", "other", "share", "share_low", "share_high"])


def _resample_shares(size: FloatArray, seed: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Shares of the columns of `size` in their sum, (n,), averaged over states, with 95 % bootstrap intervals."""
    drawn, mean = draw_weights(len(size), N_DRAWS, seed) @ size, size.mean(axis=0)
    low, high = middle(drawn / drawn.sum(axis=1, keepdims=True))
    return mean / mean.sum(), low, high


def interaction_curves(
    study: DescriptorStudy, states: pd.DataFrame, others: tuple[str, ...] = ("fraction_b", "epsilon_ab")
) -> pd.DataFrame:
    """Interaction of S with other parameters, averaged over the states that share both values.

    Returns
    -------
    pandas.DataFrame
        Columns `descriptor`, `other`, `size_ratio`, `level` (value of the other parameter), `mean` (both halves
        of the interaction, standard deviations of the descriptor), `sem` (standard error over the states; NaN
        for a single one).
    """
    size = PARAMETERS.index("size_ratio")
    parts = []
    for k, name in enumerate(study.names):
        for other in others:
            value = 2 * study.interactions[k][:, size, PARAMETERS.index(other)]
            table = pd.DataFrame({"size_ratio": states["size_ratio"], "level": states[other], "value": value})
            curve = table.groupby(["size_ratio", "level"])["value"].agg(["mean", "sem"]).reset_index()
            parts.append(curve.assign(descriptor=name, other=other))
    columns = ["descriptor", "other", "size_ratio", "level", "mean", "sem"]
    return pd.concat(parts, ignore_index=True)[columns]
