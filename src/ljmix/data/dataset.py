"""The tidy tables of the compendium: `states`, one row a state point, and `rdf`, one row a bin.

Everything to the right of the simulations reads these tables and nothing else.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ljmix._util.arrays import FloatArray
from ljmix._util.atomic import replace_when_whole
from ljmix._util.checks import require_float, require_int, require_kind, require_path, shorten
from ljmix._util.reading import read_parquet
from ljmix.data.schema import KEYS, TABLES, check_table
from ljmix.state import PAIRS, PARAMETERS, TEST_TEMPERATURES, TRAIN_TEMPERATURES, StatePoint, as_simulated

__all__ = [
    "FEATURES", "LEARNING_RANGE", "Dataset", "learning_table", "read_dataset", "split_by_temperature",
    "state_distances", "write_dataset", "write_table",
]  # fmt: skip

FEATURES = (*PARAMETERS, "has_a", "has_b", "r")
"""The seven inputs of the paper. The two pair labels are AA = (1, 0), AB = (1, 1), BB = (0, 1)."""

LEARNING_RANGE = 5.0
"""Range of the curves that models learn, in σ_AA.

The paper says 100 points a curve and distances up to 10 σ, but also 240 numbers for three curves between
0.9 σ and 5 σ. Bins of 0.05 σ up to 5 σ give both: 100 points a curve and 3 × 82 (we count bins whose centre
lies above 0.9 σ; 3 × 80 when the range starts at 1 σ). This is our reading.
"""


@dataclass(frozen=True)
class Dataset:
    """The tables of one campaign, checked on construction. Their columns are listed in `ljmix.data.schema`.

    Attributes
    ----------
    states : pandas.DataFrame
        One row a state point.
    rdf : pandas.DataFrame
        One row a bin of a radial distribution function.
    provenance : dict
        Where the tables come from: profile, engine, package versions, git commit.
    structure_factors : pandas.DataFrame, optional
        One row a wave number. Thermodynamics needs it; learning does not.

    Raises
    ------
    ValueError
        If a column is missing or has the wrong type, a value is not finite or out of range, a row occurs
        twice, or the two tables name different states.
    """

    states: pd.DataFrame
    rdf: pd.DataFrame
    provenance: Mapping[str, Any]
    structure_factors: pd.DataFrame | None = None

    def __post_init__(self) -> None:
        tables = {"states": self.states, "rdf": self.rdf, "structure_factors": self.structure_factors}
        require_kind("provenance", self.provenance, Mapping, '{"profile": "quick"}')  # type: ignore[type-abstract]
        for name, table in tables.items():
            if table is None and name == "structure_factors":
                continue
            require_kind(name, table, pd.DataFrame, "the one that `read_dataset` reads")
            check_table(name, table)
            difference = set(self.states["state_id"]) ^ set(table["state_id"].unique())
            if difference:
                raise ValueError(f"states and {name} disagree: only one of them has {min(difference)}")
        counts = self.rdf.groupby(["state_id", "pair"]).size()
        bins = self.rdf["r"].nunique()
        if (counts != bins).any() or len(counts) != len(PAIRS) * len(self.states):
            raise ValueError("rdf: every state needs the same bins for each of AA, AB and BB; some are missing")

    def curve_array(self, column: str = "g", *, r_max: float = LEARNING_RANGE) -> tuple[FloatArray, FloatArray]:
        """All curves as one array, states in the order of `states`.

        Parameters
        ----------
        column : str
            Of `rdf`: ``g``, its standard error ``g_sem``, or where the table has them ``g_dbeta`` and ``g_dbeta_sem``.
        r_max : float
            Largest bin edge, σ_AA.

        Returns
        -------
        r : (n_bins,) array
            Bin centres, σ_AA.
        values : (n_states, 3, n_bins) array
            The column for AA, AB, BB.
        """
        columns = [name for name in self.rdf if name not in KEYS["rdf"]]
        if not isinstance(column, str) or column not in columns:
            raise ValueError(f"column = {shorten(column)} is not in rdf; choose one of {', '.join(columns)}")
        rows = self.rdf[
            self.rdf["r"] < (r_max if isinstance(r_max, float) and r_max == math.inf else require_float("r_max", r_max))
        ]
        if rows.empty:
            raise ValueError(f"r_max = {r_max:g}: must be above {self.rdf['r'].min():g}, the centre of the first bin")
        wide = rows.set_index(["state_id", "pair", "r"])[column].unstack("r")
        index = pd.MultiIndex.from_product([self.states["state_id"], PAIRS])
        r = wide.columns.to_numpy(dtype=float)
        return r, wide.reindex(index).to_numpy(dtype=float).reshape(len(self.states), len(PAIRS), len(r))

    def curves(self, state: StatePoint) -> pd.DataFrame:
        """Curves of one state, as they are in `rdf`.

        Parameters
        ----------
        state : StatePoint

        Returns
        -------
        pandas.DataFrame
            Columns `pair`, `r` (bin centre, σ_AA), `g`, `g_sem` (standard error) and what else `rdf` holds.

        Raises
        ------
        ValueError
            If the dataset does not hold the state; the nearest one is named.
        """
        require_kind("state", state, StatePoint, "StatePoint(1.0, 0.3, 1.2, 0.7)")
        rows = self.rdf[self.rdf["state_id"] == state.state_id]
        if rows.empty:
            nearest = self.near(state).states.iloc[0]
            raise ValueError(
                f"{state.state_id} is not in the dataset; the nearest state, {nearest['state_id']}, is "
                f"{nearest['distance']:.2g} away (`near` gives it, `ljmix.simulate` simulates any)"
            )
        return rows.drop(columns="state_id").reset_index(drop=True)

    def near(self, state: StatePoint, n: int = 1) -> Dataset:
        """States of the dataset that are nearest to a state, the nearest first.

        By `state_distances`: 1 is from one end of the dataset to the other in one parameter.

        Parameters
        ----------
        state : StatePoint
        n : int
            How many.

        Returns
        -------
        Dataset
            With the column `distance` in its table `states`.

        Raises
        ------
        ValueError
            If n is not from 1 to the number of states.
        """
        require_kind("state", state, StatePoint, "StatePoint(1.0, 0.3, 1.2, 0.7)")
        n = require_int("n", n, -(2**31))
        if not 1 <= n <= len(self.states):
            raise ValueError(f"n = {n}: must lie between 1 and the {len(self.states)} states of the dataset")
        (distance,) = state_distances(self.states, pd.DataFrame([state.as_dict()]))
        first = np.argsort(distance, kind="stable")[:n]
        chosen = self.select(np.isin(np.arange(len(self.states)), first))
        states = self.states.assign(distance=distance).iloc[first].reset_index(drop=True)
        return Dataset(states, chosen.rdf, self.provenance, chosen.structure_factors)

    def select(self, rows: npt.NDArray[np.bool_] | pd.Series) -> Dataset:
        """Return the dataset of the states for which the mask `rows` (n_states,) is true."""
        mask = np.asarray(rows)
        if mask.dtype != bool or mask.shape != (len(self.states),):
            raise ValueError(
                f"rows has type {mask.dtype} and shape {mask.shape}: must be a truth value for each of the "
                f"{len(self.states)} states"
            )
        states = self.states[mask].reset_index(drop=True)
        if states.empty:
            raise ValueError("the selection holds no state; widen it")

        def matching(table: pd.DataFrame) -> pd.DataFrame:
            return table[table["state_id"].isin(states["state_id"])].reset_index(drop=True)

        waves = None if self.structure_factors is None else matching(self.structure_factors)
        # Some rows of checked tables need no check, which took a quarter of the time of a small benchmark.
        part = object.__new__(Dataset)
        vars(part).update(states=states, rdf=matching(self.rdf), provenance=self.provenance, structure_factors=waves)
        return part


def state_distances(known: pd.DataFrame, asked: pd.DataFrame) -> FloatArray:
    """Distances of states, d = √Σ ((x − x') / w)² over T*, C_B, S and ε_AB, with w the range that `known` spans.

    Parameters
    ----------
    known, asked : pandas.DataFrame
        Tables of states.

    Returns
    -------
    (n_asked, n_known) array
    """
    values, wanted = (table[list(PARAMETERS)].to_numpy(dtype=float) for table in (known, asked))
    spans = np.ptp(values, axis=0)
    # A parameter that is not varied tells the known states apart by no amount; strangers by its own size.
    spans[spans == 0] = 1.0
    return np.asarray(np.sqrt((((values - wanted[:, None]) / spans) ** 2).sum(axis=2)))


def write_dataset(dataset: Dataset, directory: Path | str) -> None:
    """Write each table as ``<name>.parquet`` with its provenance, and remove the file of a table that is None.

    Each file is an atomic write, but all together are not: `read_dataset` refuses a mixture of two datasets.
    """
    directory = Path(directory)
    tables = {"states": dataset.states, "rdf": dataset.rdf, "structure_factors": dataset.structure_factors}
    with ExitStack() as files:
        for name, table in tables.items():
            if table is not None:
                part = files.enter_context(replace_when_whole(directory / f"{name}.parquet"))
                _write_parquet(table, part, dataset.provenance)
    for name, table in tables.items():
        if table is None:
            (directory / f"{name}.parquet").unlink(missing_ok=True)


def write_table(table: pd.DataFrame, path: Path | str, provenance: Mapping[str, Any]) -> None:
    """Write a table as a parquet file that carries its provenance in the schema's metadata, under ``ljmix``."""
    with replace_when_whole(path) as part:
        _write_parquet(table, part, provenance)


def _write_parquet(table: pd.DataFrame, path: Path, provenance: Mapping[str, Any]) -> None:
    arrow = pa.Table.from_pandas(table, preserve_index=False)
    metadata = (arrow.schema.metadata or {}) | {b"ljmix": json.dumps(dict(provenance)).encode()}
    pq.write_table(arrow.replace_schema_metadata(metadata), path, compression="zstd")


def read_dataset(directory: Path | str) -> Dataset:
    """Read and check the tables in a directory.

    Raises
    ------
    FileNotFoundError
        If a table is not there.
    ValueError
        If a table is not a parquet file, comes from elsewhere than the others or breaks a rule of `Dataset`; the
        message names the file.
    """
    directory = require_path("directory", directory)
    frames, origins = {}, {}
    for name in TABLES:
        path = Path(directory) / f"{name}.parquet"
        if name == "structure_factors" and not path.exists():
            continue
        if not path.is_file():
            raise FileNotFoundError(f"{path} does not exist; `make data` writes it")
        frames[name], origins[name] = read_parquet(path)
    provenance = origins["states"]
    for name, origin in origins.items():
        if origin != provenance:
            raise ValueError(
                f"{Path(directory) / name}.parquet and states.parquet were not written together (their provenance "
                "differs); write all tables again (`make data`), or restore the shipped ones (git checkout)"
            )
    try:
        return Dataset(frames["states"], frames["rdf"], provenance, frames.get("structure_factors"))
    except ValueError as error:
        raise ValueError(f"{directory}: {error}") from error


def learning_table(dataset: Dataset, r_max: float = LEARNING_RANGE) -> pd.DataFrame:
    """One row a point of a curve: the paper's seven inputs and g(r).

    Parameters
    ----------
    dataset : Dataset
    r_max : float
        Range of the curves, σ_AA.

    Returns
    -------
    pandas.DataFrame
        Columns `FEATURES`, then `g`, `g_sem`, `state_id`, `pair`; rows sorted as in the dataset. C_B is that of the
        particles simulated where the dataset tells it.
    """
    rows = dataset.rdf[dataset.rdf["r"] < r_max]
    table = rows.merge(
        as_simulated(dataset.states)[["state_id", *PARAMETERS]], on="state_id", how="left", validate="m:1"
    )
    table["has_a"] = table["pair"].str.contains("A").astype(float)
    table["has_b"] = table["pair"].str.contains("B").astype(float)
    return table[[*FEATURES, "g", "g_sem", "state_id", "pair"]]


def split_by_temperature(
    dataset: Dataset, train: Sequence[float] = TRAIN_TEMPERATURES, test: Sequence[float] = TEST_TEMPERATURES
) -> tuple[Dataset, Dataset]:
    """Split for the paper's extrapolation task.

    Returns
    -------
    train, test : Dataset

    Raises
    ------
    ValueError
        If no state of the dataset has one of the temperatures.
    """
    parts = []
    for name, temperatures in (("training", train), ("test", test)):
        rows = np.isclose(dataset.states["temperature"].to_numpy()[:, None], list(temperatures)).any(axis=1)
        if not rows.any():
            present = ", ".join(f"{t:g}" for t in sorted(set(dataset.states["temperature"])))
            raise ValueError(f"{name} split is empty: no state at T* = {list(temperatures)}; there are {present}")
        parts.append(dataset.select(rows))
    return parts[0], parts[1]
