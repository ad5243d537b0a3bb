"""Which fits are made anew, and which are taken from those that are shipped: decided here and nowhere else.

A network trained to its plateau takes minutes, and the benchmark wants five seeds of it on several tasks. So a run
makes one seed of each network anew (`refit` = "one"), or all of them ("all"); everything else is cheap and always made.
What is shipped are the trained weights, 37 kB for the paper's network: the seeds that are not made anew predict by
these, on this machine, and a seed that is made anew is compared with its own, number by number.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ljmix._util.reading import read_parquet
from ljmix.data.dataset import Dataset
from ljmix.data.identity import identify
from ljmix.models.base import Model
from ljmix.models.networks.network import Network
from ljmix.models.networks.perceptron import Perceptron, ScaledPerceptron

__all__ = [
    "LEARNED_TASK", "MAKE_ALL", "NETWORKS", "REFITS", "ROUNDING", "SCALING_FITS", "SPREADS", "Fit", "Refits",
    "compare_fits", "describe_fits", "read_fits", "read_refits", "settings_of", "table_networks", "table_scaling_fits",
]  # fmt: skip

REFITS = ("one", "all")
NETWORKS, SCALING_FITS = "networks", "scaling-fits"
"""Names of the two tables of fits: trained networks of the tasks, and scores of networks on a part of the data."""

LEARNED_TASK = "extrapolation"
"""The task whose networks have learned all training rows, as the largest draws of the scaling do."""

_FIRST = 0
"""The seed that is always made anew."""
_KEYS = {NETWORKS: ["task", "model", "seed"], SCALING_FITS: ["by", "model", "seed", "size"]}
"""Columns that name a fit."""
_COLUMNS = {
    NETWORKS: [*_KEYS[NETWORKS], "settings", "mean", "scale", "weights", "losses", "r2", "made"],
    SCALING_FITS: [*_KEYS[SCALING_FITS], "settings", "r2", "made"],
}
SPREADS, ROUNDING = 3.0, 1e-6
"""How far a number may be from the published one: in standard deviations over seeds, where it has one; else
relative, as another processor's rounding may make it."""


@dataclass(frozen=True)
class Fit:
    """A fitted model.

    Attributes
    ----------
    model : Model
    made : bool
        Anew in this run; otherwise taken from the shipped fits.
    seconds : float or None
        CPU time of the fit in one thread, where it was asked for.
    """

    model: Model
    made: bool = True
    seconds: float | None = None


@dataclass(frozen=True)
class Refits:
    """What a run makes anew.

    Attributes
    ----------
    mode : {"one", "all"}
        Of each network one seed, or all. Whatever else a run fits is made anew in either case.
    networks, scaling : dict
        Shipped fits by their keys, (task, model, seed) and (by, model, seed, size). A fit that is not there, or
        was trained by other settings, is made anew.
    done : dict
        Networks, likewise, that an earlier step of the same run has made or taken; they are there already.
    """

    mode: str = "all"
    networks: Mapping[tuple[Any, ...], Mapping[str, Any]] = field(default_factory=dict)
    scaling: Mapping[tuple[Any, ...], Mapping[str, Any]] = field(default_factory=dict)
    done: Mapping[tuple[Any, ...], Mapping[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.mode not in REFITS:
            raise ValueError(f"refit = {self.mode!r} is unknown; choose one of {', '.join(REFITS)}")

    def take_network(self, task: str, model: Model, seed: int) -> Fit | None:
        """Fit that there is, in place of a new one.

        Parameters
        ----------
        task : str
        model : Model
            Unfitted; its settings are those that the fit must have been made with.
        seed : int

        Returns
        -------
        Fit or None
            None where the fit is to be made.
        """
        if not isinstance(model, Network):
            return None
        key = (task, model.name, seed)
        row = _with_settings(self.done.get(key), model)
        if row is not None:
            return Fit(_network(model, row), bool(row["made"]))
        row = self._find(self.networks, key, model, seed)
        return None if row is None else Fit(_network(model, row), made=False)

    def take_score(self, by: str, model: Model, seed: int, size: int) -> float | None:
        """Shipped R² in place of a new fit to a part of the data; None where it is to be made."""
        if not isinstance(model, Network):
            return None
        row = self._find(self.scaling, (by, model.name, seed, size), model, seed)
        return None if row is None else float(row["r2"])

    def _find(
        self, fits: Mapping[tuple[Any, ...], Mapping[str, Any]], key: tuple[Any, ...], model: Network, seed: int
    ) -> Mapping[str, Any] | None:
        if self.mode == "all" or seed == _FIRST:
            return None
        return _with_settings(fits.get(key), model)


MAKE_ALL = Refits()
"""Nothing is taken from elsewhere."""


def settings_of(model: Network) -> str:
    """All that a network's training depends on beside its data, as JSON."""
    return json.dumps(model.get_params(), sort_keys=True, default=list)


def _with_settings(row: Mapping[str, Any] | None, model: Network) -> Mapping[str, Any] | None:
    return row if row is not None and row["settings"] == settings_of(model) else None


def _network(model: Network, row: Mapping[str, Any]) -> Network:
    mean, scale = (np.asarray(row[name], dtype=float) for name in ("mean", "scale"))
    units = [len(mean), *model.hidden_layers, 1]
    weights = Perceptron.from_row(np.asarray(row["weights"], dtype=np.float32), units)
    model.estimator_ = ScaledPerceptron(mean, scale, weights)
    model.loss_curve_ = [float(loss) for loss in row["losses"]]
    return model


def table_networks(fits: Iterable[tuple[tuple[str, str, int], Network, float, bool]]) -> pd.DataFrame:
    """Trained networks as a table that can be shipped.

    Parameters
    ----------
    fits : iterable of (key, network, r2, made)
        Key: task, model, seed. `r2`: on the task's test part. `made`: anew, not taken from the shipped ones.

    Returns
    -------
    pandas.DataFrame
        One row a fit: the key, `settings` (`settings_of`), `mean` and `scale` of the inputs, `weights` (of all layers,
        `ljmix.models.networks.perceptron.Perceptron.as_row`), `losses` (an epoch each), `r2`, `made`.
    """
    rows = [
        {
            **dict(zip(_KEYS[NETWORKS], key, strict=True)),
            "settings": settings_of(model),
            "mean": model.estimator_.mean,
            "scale": model.estimator_.scale,
            "weights": model.estimator_.network.as_row(),
            "losses": np.asarray(model.loss_curve_, dtype=float),
            "r2": r2,
            "made": made,
        }
        for key, model, r2, made in fits
    ]
    return pd.DataFrame(rows, columns=_COLUMNS[NETWORKS])


def table_scaling_fits(fits: Iterable[tuple[tuple[str, str, int, int], Network, float, bool]]) -> pd.DataFrame:
    """Scores of networks that learned a part of the data, as a table that can be shipped.

    Parameters
    ----------
    fits : iterable of (key, network, r2, made)
        Key: "rows" or "states", model, seed, how many.

    Returns
    -------
    pandas.DataFrame
        One row a fit: `by`, `model`, `seed`, `size`, `settings`, `r2`, `made`.
    """
    rows = [
        {
            **dict(zip(_KEYS[SCALING_FITS], key, strict=True)),
            "settings": settings_of(model),
            "r2": r2,
            "made": made,
        }
        for key, model, r2, made in fits
    ]
    return pd.DataFrame(rows, columns=_COLUMNS[SCALING_FITS])


def read_fits(folder: Path, name: str, dataset: Dataset) -> pd.DataFrame:
    """One of the two tables of fits, as far as it belongs to a dataset.

    Parameters
    ----------
    folder : Path
        Where a run, or the repository, keeps its predictions.
    name : {"networks", "scaling-fits"}
    dataset : Dataset

    Returns
    -------
    pandas.DataFrame
        Without a row where there is no such file, or it was made from another dataset.
    """
    path = folder / f"{name}.parquet"
    if not path.is_file():
        return pd.DataFrame(columns=_COLUMNS[name])
    table, provenance = read_parquet(path)
    missing = [column for column in _COLUMNS[name] if column not in table]
    if missing:
        raise ValueError(f"{path}: column {missing[0]!r} is missing; columns are {', '.join(_COLUMNS[name])}")
    return table if provenance.get("dataset") == identify(dataset) else table.iloc[:0]


def read_refits(mode: str, folder: Path, dataset: Dataset, done: Path | None = None) -> Refits:
    """Choose what is made anew, with the fits that are shipped for a dataset.

    Parameters
    ----------
    mode : {"one", "all"}
    folder : Path
        Of the shipped predictions.
    dataset : Dataset
        The whole one. Fits of another dataset are not used.
    done : Path, optional
        Folder of this run, whose earlier steps may have fitted networks.
    """

    def by_key(table: pd.DataFrame, name: str) -> dict[tuple[Any, ...], dict[Any, Any]]:
        keys = map(tuple, table[_KEYS[name]].to_numpy().tolist())
        return dict(zip(keys, table.to_dict("records"), strict=True))

    shipped = {name: by_key(read_fits(folder, name, dataset), name) for name in _KEYS} if mode == "one" else {}
    own = {} if done is None else by_key(read_fits(done, NETWORKS, dataset), NETWORKS)
    return Refits(mode, shipped.get(NETWORKS, {}), shipped.get(SCALING_FITS, {}), own)


def compare_fits(shipped: pd.DataFrame, found: pd.DataFrame, name: str) -> pd.DataFrame:
    """Hold the fits that a run made anew against the shipped ones.

    Parameters
    ----------
    shipped, found : pandas.DataFrame
        Tables of `read_fits`.
    name : {"networks", "scaling-fits"}

    Returns
    -------
    pandas.DataFrame
        One row a fit of `found`: its keys, `r2`, and `verdict`: "taken" from the shipped ones; "new", without a shipped
        one of these settings; "identical" in every number; "close", with an R² within three standard deviations over
        the shipped seeds, or a part in a million; or "different".
    """
    keys = _KEYS[name]
    # An empty table has columns of no kind.
    shipped = shipped.astype({key: found[key].dtype for key in (*keys, "settings", "r2")})
    both = found.merge(shipped, on=[*keys, "settings"], how="left", suffixes=("", "_shipped"))
    others = [key for key in keys if key != "seed"]
    spread = shipped.groupby(others)["r2"].std().rename("spread")
    both = both.merge(spread, left_on=others, right_index=True, how="left")
    numbers = ["weights", "mean", "scale"] if name == NETWORKS else ["r2"]

    def judge(row: pd.Series) -> str:
        if not row["made"]:
            return "taken"
        if pd.isna(row["r2_shipped"]):
            return "new"
        if all(np.array_equal(row[column], row[f"{column}_shipped"]) for column in numbers):
            return "identical"
        largest = max(abs(row["r2"]), abs(row["r2_shipped"]))
        tolerance = max(SPREADS * (0.0 if pd.isna(row["spread"]) else row["spread"]), ROUNDING * largest)
        return "close" if abs(row["r2"] - row["r2_shipped"]) <= tolerance else "different"

    verdicts = [judge(row) for _, row in both.iterrows()]
    return both[[*keys, "r2"]].assign(verdict=verdicts)


def describe_fits(compared: pd.DataFrame) -> str:
    """Say in a sentence or two what was made anew, what it equals, and which fits were taken."""
    counts = compared["verdict"].value_counts()
    made = int(counts.drop("taken", errors="ignore").sum())
    verdicts = ", ".join(f"{counts.get(kind, 0)} {kind}" for kind in ("identical", "close", "different"))
    text = f"{made} fits of networks made anew: {verdicts}"
    if counts.get("new"):
        text += f", {counts['new']} with nothing shipped to compare them with"
    taken = compared[compared["verdict"] == "taken"]
    if len(taken):
        seeds = taken.groupby("model", sort=False)["seed"].agg(lambda of: ", ".join(map(str, sorted(set(of)))))
        text += f"; {len(taken)} taken from the shipped ones: " + "; ".join(f"{m}, seeds {s}" for m, s in seeds.items())
    for _, row in compared[compared["verdict"] == "different"].iterrows():
        name = ", ".join(f"{row[key]}" for key in compared.columns if key not in ("r2", "verdict"))
        text += f"\n  {name}: R² {row['r2']:.6f} lies outside the spread of the shipped seeds"
    return text
