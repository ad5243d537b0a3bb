"""The two tidy tables of the compendium: `states`, one row a state point, and `rdf`, one row a bin.

Everything to the right of the simulations reads these tables and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ljmix.files import replace_when_whole
from ljmix.statepoint import PAIRS

__all__ = [
    "FEATURES", "LEARNING_RANGE", "Dataset", "learning_table", "read_dataset", "split_by_temperature",
    "write_dataset",
    "write_table",
]  # fmt: skip

FEATURES = ("temperature", "fraction_b", "size_ratio", "epsilon_ab", "has_a", "has_b", "r")
"""The seven inputs of the paper. The two pair labels are AA = (1, 0), AB = (1, 1), BB = (0, 1)."""

LEARNING_RANGE = 5.0
"""Range of the curves that models learn, in σ_AA.

The paper says 100 points a curve and distances up to 10 σ, but also 240 numbers for three curves between
0.9 σ and 5 σ. Bins of 0.05 σ up to 5 σ give both: 100 points a curve and 3 × 82 (we count bins whose centre
lies above 0.9 σ; 3 × 80 when the range starts at 1 σ). This is our reading.
"""

_PHASES = ("mixed", "demixed", "crystal")
_STATES: dict[str, tuple[str, float, float]] = {
    "state_id": ("string", 0, 0), "temperature": ("float", 1e-9, np.inf), "fraction_b": ("float", 0, 1),
    "size_ratio": ("float", 1e-9, np.inf), "epsilon_ab": ("float", 1e-9, np.inf),
    "pressure": ("float", 0, np.inf), "n_particles": ("int", 4, np.inf), "n_b": ("int", 2, np.inf),
    "n_frames": ("int", 1, np.inf), "number_density": ("float", 1e-9, np.inf),
    "number_density_sem": ("float", 0, np.inf), "potential_energy": ("float", -np.inf, np.inf),
    "potential_energy_sem": ("float", 0, np.inf), "engine": ("string", 0, 0),
    "engine_version": ("string", 0, 0), "steps_equilibration": ("int", 0, np.inf),
    "steps_production": ("int", 1, np.inf), "seed": ("int", 0, np.inf), "converged": ("bool", 0, 1),
    "phase": ("string", 0, 0), "wall_seconds": ("float", 0, np.inf),
}  # fmt: skip
_RDF: dict[str, tuple[str, float, float]] = {
    "state_id": ("string", 0, 0), "pair": ("string", 0, 0), "r": ("float", 0, np.inf),
    "g": ("float", -np.inf, np.inf), "g_sem": ("float", 0, np.inf),
}  # fmt: skip


@dataclass(frozen=True)
class Dataset:
    """The tables of one campaign, checked on construction.

    Attributes
    ----------
    states : pandas.DataFrame
        One row a state point: its five numbers, particle numbers, density and energy with standard errors,
        engine, lengths of the run, seed, `converged`, `phase` (reduced units of species A).
    rdf : pandas.DataFrame
        One row a bin: `state_id`, `pair` ("AA", "AB", "BB"), `r` (bin centre, σ_AA), `g`, `g_sem`.
    provenance : dict
        Where the tables come from: profile, engine, package versions, git commit.

    Raises
    ------
    ValueError
        If a column is missing or has the wrong type, a value is not finite or out of range, a row occurs
        twice, or the two tables name different states.
    """

    states: pd.DataFrame
    rdf: pd.DataFrame
    provenance: Mapping[str, Any]

    def __post_init__(self) -> None:
        _check_table("states", self.states, _STATES, key=["state_id"])
        _check_table("rdf", self.rdf, _RDF, key=["state_id", "pair", "r"])
        strange = sorted(set(self.rdf["pair"]) - set(PAIRS))
        if strange:
            raise ValueError(f"rdf: pair = {strange[0]!r}: must be one of {', '.join(PAIRS)}")
        strange = sorted(set(self.states["phase"]) - set(_PHASES))
        if strange:
            raise ValueError(f"states: phase = {strange[0]!r}: must be one of {', '.join(_PHASES)}")
        named, drawn = set(self.states["state_id"]), set(self.rdf["state_id"])
        if named != drawn:
            raise ValueError(f"states and rdf disagree: only one of them has {sorted(named ^ drawn)[0]}")
        counts = self.rdf.groupby(["state_id", "pair"]).size()
        if counts.min() != counts.max() or len(counts) != len(PAIRS) * len(self.states):
            raise ValueError("rdf: every state needs the same bins for each of AA, AB and BB; some are missing")

    def curves(self, r_max: float = LEARNING_RANGE) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """All curves as one array, states in the order of `states`.

        Parameters
        ----------
        r_max : float
            Largest bin edge, σ_AA.

        Returns
        -------
        r : (n_bins,) array
            Bin centres, σ_AA.
        g : (n_states, 3, n_bins) array
            Radial distribution functions AA, AB, BB.
        """
        rows = self.rdf[self.rdf["r"] < r_max]
        wide = rows.pivot_table(index=["state_id", "pair"], columns="r", values="g", sort=True)
        index = pd.MultiIndex.from_product([self.states["state_id"], PAIRS])
        r = wide.columns.to_numpy(dtype=float)
        return r, wide.reindex(index).to_numpy(dtype=float).reshape(len(self.states), len(PAIRS), len(r))

    def select(self, rows: npt.NDArray[np.bool_] | pd.Series) -> Dataset:
        """Return the dataset of the states for which the mask `rows` (n_states,) is true."""
        states = self.states[np.asarray(rows)].reset_index(drop=True)
        if states.empty:
            raise ValueError("the selection holds no state; widen it")
        rdf = self.rdf[self.rdf["state_id"].isin(states["state_id"])].reset_index(drop=True)
        return Dataset(states, rdf, self.provenance)


def _check_table(name: str, table: pd.DataFrame, columns: dict[str, tuple[str, float, float]], key: list[str]) -> None:
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise ValueError(f"{name}: column {missing[0]!r} is missing; columns are {', '.join(columns)}")
    if table.empty:
        raise ValueError(f"{name}: the table is empty; at least one state is needed")
    for column, (kind, low, high) in columns.items():
        _check_column(f"{name}.{column}", table[column], kind, low, high)
    if table.duplicated(key).any():
        row = table.loc[table.duplicated(key), key].iloc[0].to_dict()
        raise ValueError(f"{name}: duplicate row for {row}; each may occur once")


def _check_column(name: str, values: pd.Series, kind: str, low: float, high: float) -> None:
    types = pd.api.types
    fits = {
        "string": lambda: types.is_string_dtype(values),
        "float": lambda: types.is_float_dtype(values),
        "int": lambda: types.is_integer_dtype(values),
        "bool": lambda: types.is_bool_dtype(values),
    }[kind]()
    if values.isna().any():
        raise ValueError(f"{name}: value missing (NaN) in row {int(np.argmax(values.isna()))}; all must be given")
    if not fits:
        raise ValueError(f"{name}: type {values.dtype}: must be {kind}")
    if kind in ("float", "int"):
        bad = ~(np.isfinite(values) & (values >= low) & (values <= high))
        if bad.any():
            row = int(np.argmax(bad))
            raise ValueError(f"{name} = {values.iloc[row]:g} in row {row}: must be finite, from {low:g} to {high:g}")


def write_dataset(dataset: Dataset, directory: Path) -> None:
    """Write ``states.parquet`` and ``rdf.parquet`` with their provenance; each file appears whole."""
    for name, table in (("states", dataset.states), ("rdf", dataset.rdf)):
        write_table(table, directory / f"{name}.parquet", dataset.provenance)


def write_table(table: pd.DataFrame, path: Path, provenance: Mapping[str, Any]) -> None:
    """Write a table as a parquet file that carries its provenance in the schema's metadata, under ``ljmix``."""
    arrow = pa.Table.from_pandas(table, preserve_index=False)
    metadata = (arrow.schema.metadata or {}) | {b"ljmix": json.dumps(dict(provenance)).encode()}
    with replace_when_whole(path) as part:
        pq.write_table(arrow.replace_schema_metadata(metadata), part)


def read_dataset(directory: Path | str) -> Dataset:
    """Read and check the tables in a directory.

    Raises
    ------
    FileNotFoundError
        If a table is not there.
    ValueError
        If a table is not a parquet file or breaks a rule of `Dataset`; the message names the file.
    """
    tables = {}
    for name in ("states", "rdf"):
        path = Path(directory) / f"{name}.parquet"
        if not path.is_file():
            raise FileNotFoundError(f"{path} does not exist; `make data` writes it")
        try:
            tables[name] = pq.read_table(path)
        except (pa.ArrowInvalid, OSError) as error:
            raise ValueError(f"{path} is not a readable parquet file: {error}") from error
    provenance = json.loads((tables["states"].schema.metadata or {}).get(b"ljmix", b"{}"))
    try:
        return Dataset(tables["states"].to_pandas(), tables["rdf"].to_pandas(), provenance)
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
        Columns `FEATURES`, then `g`, `g_sem`, `state_id`, `pair`; rows sorted as in the dataset.
    """
    rows = dataset.rdf[dataset.rdf["r"] < r_max]
    table = rows.merge(dataset.states[["state_id", *FEATURES[:4]]], on="state_id", how="left", validate="m:1")
    table["has_a"] = table["pair"].str.contains("A").astype(float)
    table["has_b"] = table["pair"].str.contains("B").astype(float)
    return table[[*FEATURES, "g", "g_sem", "state_id", "pair"]]


def split_by_temperature(
    dataset: Dataset, train: Sequence[float] = (0.8, 1.0, 1.2), test: Sequence[float] = (0.6, 1.4)
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
