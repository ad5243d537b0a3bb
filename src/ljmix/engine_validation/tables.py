"""The tables that each engine's runs leave, as the checks read them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ljmix._util.arrays import FloatArray
from ljmix._util.reading import read_parquet
from ljmix.simulation.engine import ENGINES

__all__ = ["Tables", "read_tables"]


@dataclass(frozen=True)
class Tables:
    """What one engine measured; see `ljmix.engine_validation.runs`.

    Attributes
    ----------
    blocks, series : pandas.DataFrame
    origin : dict
        Version and device of the engine, and the commit of this package.
    """

    blocks: pd.DataFrame
    series: pd.DataFrame
    origin: dict[str, Any]

    @cached_property
    def _groups(self) -> dict[tuple[str, str], pd.DataFrame]:
        return {key: rows for key, rows in self.blocks.groupby(["system", "quantity"], sort=False)}

    def _rows(self, system: str, quantity: str) -> pd.DataFrame:
        if (system, quantity) not in self._groups:
            raise ValueError(f"the tables hold no {quantity} of {system}; simulate it again")
        return self._groups[system, quantity]

    def values(self, system: str, quantity: str) -> FloatArray:
        """Blocks of a quantity, (n_blocks,) or (n_blocks, n_bins).

        Raises
        ------
        ValueError
            If the table does not hold it.
        """
        rows = self._rows(system, quantity)
        ordered = rows.sort_values(["block", "r"])["value"].to_numpy(dtype=float)
        per_block = ordered.reshape(rows["block"].nunique(), -1)
        values: FloatArray = per_block if rows["r"].notna().any() else per_block[:, 0]
        return values

    def bins(self, system: str, pair: str) -> FloatArray:
        """Bin centres of a pair's function, σ_AA."""
        return np.unique(self._rows(system, pair)["r"].to_numpy(dtype=float))


def read_tables(*directories: Path) -> dict[str, Tables]:
    """Read the tables of all engines; a later directory takes precedence.

    Raises
    ------
    FileNotFoundError
        If no directory holds the tables of an engine.
    """
    by_engine = {}
    for directory in directories:
        for engine in ENGINES:
            folder = directory / engine
            if (folder / "blocks.parquet").is_file():
                (blocks, provenance), (series, _) = (
                    read_parquet(folder / f"{name}.parquet") for name in ("blocks", "series")
                )
                origin = {name: provenance.get(name, "unknown") for name in ("engine_version", "device", "commit")}
                by_engine[engine] = Tables(blocks, series, origin)
    if not by_engine:
        places = ", ".join(map(str, directories))
        raise FileNotFoundError(f"no tables in {places}; python -m ljmix.engine_validation.runs writes them")
    return by_engine
