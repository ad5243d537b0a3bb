"""What a row-wise model sees: the seven inputs of the paper, for state points or from a table."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from ljmix._util.arrays import FloatArray
from ljmix.data.dataset import FEATURES, LEARNING_RANGE, Dataset, learning_table
from ljmix.state import COMPOSITION, PAIRS, PARAMETERS, as_simulated

__all__ = [
    "check_distances", "composition_keys", "finite_columns", "input_matrix", "layout_table",
    "table_inputs",
]  # fmt: skip


def check_distances(r: npt.ArrayLike, r_max: float = LEARNING_RANGE) -> FloatArray:
    """Return the distances as an array.

    Parameters
    ----------
    r : (n_bins,) array_like
        Distances, σ_AA.
    r_max : float
        Largest distance allowed, σ_AA.

    Returns
    -------
    (n_bins,) array

    Raises
    ------
    ValueError
        If there is no distance, or one is not finite or lies outside 0 … `r_max`.
    """
    distances = np.asarray(r, dtype=float)
    if distances.ndim != 1 or not distances.size:
        raise ValueError(f"r has shape {distances.shape}: must be a list of at least one distance")
    bad = ~((distances >= 0) & (distances <= r_max))
    if bad.any():
        raise ValueError(f"r = {distances[bad][0]:g}: must lie between 0 and {r_max:g} (σ_AA)")
    return distances


def composition_keys(states: pd.DataFrame) -> list[tuple[float, ...]]:
    """`COMPOSITION` of each state, rounded as in `StatePoint`, so that it serves as a key."""
    return [tuple(row) for row in states[list(COMPOSITION)].to_numpy(dtype=float).round(6).tolist()]


def finite_columns(name: str, table: pd.DataFrame, columns: tuple[str, ...]) -> FloatArray:
    """Return columns of a table as numbers, (n_rows, n_columns).

    Raises
    ------
    ValueError
        If the table, by its `name`, is empty, lacks a column or holds a value that is not finite.
    """
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise ValueError(f"{name}: column {missing[0]!r} is missing; needed are {', '.join(columns)}")
    if table.empty:
        raise ValueError(f"{name}: the table is empty; at least one row is needed")
    values: FloatArray = table[list(columns)].to_numpy(dtype=float)
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        row, column = bad[0]
        wrong = f"{columns[column]} = {values[row, column]} in row {row}"
        raise ValueError(f"{name}: {wrong}: must be a finite number")
    return values


def input_matrix(states: pd.DataFrame, r: npt.ArrayLike) -> FloatArray:
    """Inputs for every pair and distance of every state.

    Parameters
    ----------
    states : pandas.DataFrame
        One row a state point, with `temperature`, `fraction_b`, `size_ratio`, `epsilon_ab` (reduced units of
        species A); of other columns only `simulated_fraction_b` counts, in place of the second.
    r : (n_bins,) array_like
        Distances, σ_AA.

    Returns
    -------
    (n_states * 3 * n_bins, 7) array
        Columns `FEATURES`; distance runs fastest, then the pair (AA, AB, BB), then the state, so that a
        prediction reshapes to (n_states, 3, n_bins).

    Raises
    ------
    ValueError
        If `states` is empty, lacks a column or holds a value that is not finite, or if `r` is not allowed.
    """
    distances = check_distances(r)
    numbers = finite_columns("states", as_simulated(states), PARAMETERS)
    # The same labels as in `learning_table`: a pair has A if its name has. A test holds the two together.
    labels = np.array([[float("A" in pair), float("B" in pair)] for pair in PAIRS])
    shape = (len(numbers), len(PAIRS), len(distances))
    parts = (numbers[:, None, None, :], labels[None, :, None, :], distances[None, None, :, None])
    whole = [np.broadcast_to(part, (*shape, part.shape[-1])) for part in parts]
    return np.concatenate(whole, axis=-1).reshape(-1, len(FEATURES))


def table_inputs(table: pd.DataFrame) -> FloatArray:
    """Inputs from a table as `ljmix.data.dataset.learning_table` returns it.

    Returns
    -------
    (n_rows, 7) array
        Columns `FEATURES`, rows in the order of the table.

    Raises
    ------
    ValueError
        If the table is empty, lacks a column or holds a value that is not finite, or a distance is not
        allowed.
    """
    inputs = finite_columns("table", table, FEATURES)
    check_distances(inputs[:, FEATURES.index("r")])
    return inputs


def layout_table(dataset: Dataset) -> pd.DataFrame:
    """Return the learning table in the order of `input_matrix` and `Dataset.curve_array`.

    Returns
    -------
    pandas.DataFrame
        Columns of `ljmix.data.dataset.learning_table`; the raveled prediction of ``dataset.states`` fits its rows.
    """
    table = learning_table(dataset)
    state = pd.Index(dataset.states["state_id"]).get_indexer(table["state_id"])
    pair = pd.Index(PAIRS).get_indexer(table["pair"])
    return table.iloc[np.lexsort((table["r"], pair, state))].reset_index(drop=True)
