"""Configurations beside the curves: of which simulated states one is kept, and thin slabs of them for a page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from ljmix._util.arrays import FloatArray
from ljmix.configuration import Configuration
from ljmix.data.configurations import read_configurations
from ljmix.data.dataset import Dataset, state_distances
from ljmix.data.reference import shipped_directory
from ljmix.plotting.snapshot import periodic_centre
from ljmix.simulation.profiles import load_profile
from ljmix.state import PARAMETERS, StatePoint

__all__ = ["NONE_KEPT", "Slab", "Snapshots", "cut_slab", "shipped_configurations"]

NONE_KEPT = "No configuration is kept with this dataset."
_THICKNESS = 1.5
"""Of a slab, in diameters of the larger species: enough to look dense, few enough to tell domains."""


def shipped_configurations() -> Path:
    """Folder of the configurations that a clone keeps beside `load_reference`; an installed package has none."""
    return shipped_directory(load_profile("reference")) / "configurations"


@dataclass(frozen=True)
class Snapshots:
    """Configurations of some states of a dataset.

    Attributes
    ----------
    states : pandas.DataFrame
        All of the dataset: `state_id`, the four numbers, `phase`.
    configurations : dict of Configuration
        By the `state_id` of those that have one.
    """

    states: pd.DataFrame
    configurations: dict[str, Configuration]

    @classmethod
    def read(cls, dataset: Dataset, folder: Path | str | None) -> Snapshots:
        """Read what is kept beside a dataset; None, or an empty folder, gives none.

        Raises
        ------
        ValueError, FileNotFoundError
            As `ljmix.data.configurations.read_configurations`.
        """
        found = {} if folder is None else read_configurations(dataset, folder, dataset.states["state_id"])
        kept = {name: configuration for name, configuration in found.items() if configuration is not None}
        return cls(dataset.states[["state_id", *PARAMETERS, "phase"]], kept)

    def nearest(self, state: StatePoint) -> tuple[pd.Series, float] | None:
        """The state with a configuration that is next to one, and how far it is; None where there are none.

        The distance is that of `ljmix.data.dataset.state_distances`.
        """
        if not self.configurations:
            return None
        (distance,) = state_distances(self.states, pd.DataFrame([state.as_dict()]))
        distance[~self.states["state_id"].isin(list(self.configurations))] = np.inf
        place = int(distance.argmin())
        return self.states.iloc[place], float(distance[place])

    def describe(self, state: StatePoint, nearest_simulated: str) -> str:
        """What the picture beside a state shows, in words.

        Parameters
        ----------
        state : StatePoint
        nearest_simulated : str
            `state_id` of the simulated state next to it, whose curves are drawn.
        """
        found = self.nearest(state)
        if found is None:
            return NONE_KEPT
        row, distance = found
        where = "exactly this state" if distance < 1e-9 else f"{distance:.2f} away (1: the whole range of one number)"
        what = f"Particles of {row['state_id']}, {row['phase']}: {where}."
        if row["state_id"] == nearest_simulated:
            return what
        return f"{what} No configuration is kept of the nearest simulated state, {nearest_simulated}."


@dataclass(frozen=True)
class Slab:
    """Particles of a thin slab, seen along z, the nearest last.

    Attributes
    ----------
    plane : (n, 2) array
        Positions in the box, 0 to `edge`, σ_AA.
    depth : (n,) array
        0 at the back of the slab, 1 at its front.
    types : (n,) array of int
        0 for A, 1 for B.
    edge : float
        σ_AA.
    """

    plane: FloatArray
    depth: FloatArray
    types: npt.NDArray[np.int64]
    edge: float


def cut_slab(configuration: Configuration, size_ratio: float) -> Slab:
    """Cut a slab out of a cubic box through the middle of the rarer species, the middle of the picture."""
    edge, types = configuration.box_edge, configuration.types
    rarer = int((types == 1).mean() <= 0.5)
    some = types == rarer if (types == rarer).any() else np.ones(len(types), dtype=bool)
    centre = periodic_centre(configuration.positions[some], edge)
    places = np.mod(configuration.positions - centre + edge / 2, edge)
    thickness = min(_THICKNESS * max(1.0, size_ratio), edge)
    depth = (places[:, 2] - (edge - thickness) / 2) / thickness
    inside = np.flatnonzero((depth >= 0) & (depth <= 1))
    order = inside[np.argsort(depth[inside], kind="stable")]
    return Slab(places[order, :2], depth[order], types[order].astype(np.int64), float(edge))
