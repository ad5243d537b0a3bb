"""Compositions of coexisting liquids as the campaign's demixed states hold them: what the functional is tested on.

::

    python -m ljmix.mixture_functional.observed --output data/functional
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ljmix._util.arrays import FloatArray
from ljmix._util.atomic import replace_when_whole
from ljmix._util.command import one_sentence
from ljmix.data.reference import load_reference, shipped_folder
from ljmix.functional.shipped import find_tables
from ljmix.mixture_functional.demixing import make_liquid_interface
from ljmix.mixture_functional.model import MixtureFunctional
from ljmix.release.part_files import read_part

__all__ = ["TABLE", "collect_liquids", "join_runs", "measure_slab", "read_liquids", "score_liquids"]

TABLE = "liquids.parquet"
BOX = 15.0
"""Edge of the boxes of the reference dataset with size ratio 1, σ."""
_SURROUNDINGS, _SLAB_SPACING = 2.0, 0.1
"""Radius of a particle's surroundings in `ljmix.structure.phase.measure_domains`, and width of a bin here, σ."""
_LEAST_SHARE = 0.05
"""A domain that fills less of the box has hardly an inside."""


def join_runs(headers: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Composition of the liquid poor in B at each T* and ε_AB, from the headers of demixed states with size ratio 1.

    Each run that counts holds the composition twice: x in the domain poor in B, and 1 − x in the other, since
    exchanging A and B turns one liquid into the other. Both are means over the late half of the run. A run's x is
    their mean, weighted with the volumes; the table's is the mean over runs, with its standard error from the scatter
    between them.

    Parameters
    ----------
    headers : iterable of mapping
        As in `ljmix.release.part_files.FinishedState`.

    Returns
    -------
    pandas.DataFrame
        `temperature`, `epsilon_ab`, `runs`, `fraction_b`, `fraction_b_sem`, `density` (1/σ³), `density_sem`.
    """
    rows = []
    for header in headers:
        state = header["state"]
        for number in header["counted"]:
            late = {name: values["late"][0] for name, values in header["starts"][number]["domains"].items()
                    if name != "frames"}  # fmt: skip
            # A domain without an inside has no composition: None in a header.
            domains = {name: float("nan") if value is None else float(value) for name, value in late.items()}
            shares = np.array([1 - domains["share"], domains["share"]])
            known = np.array([domains["x_b_lean"], 1 - domains["x_b_rich"]])
            density = np.array([domains["density_lean"], domains["density_rich"]])
            use = (shares > _LEAST_SHARE) & np.isfinite(known)
            rows.append(
                {
                    "temperature": state["temperature"], "epsilon_ab": state["epsilon_ab"],
                    "fraction_b": np.average(known[use], weights=shares[use]),
                    "density": np.average(density[use], weights=shares[use]),
                }
            )  # fmt: skip
    runs = pd.DataFrame(rows).groupby(["temperature", "epsilon_ab"])
    table = runs[["fraction_b", "density"]].mean()
    for name in ("fraction_b", "density"):
        table[f"{name}_sem"] = runs[name].std(ddof=1) / np.sqrt(runs.size())
    table.insert(0, "runs", runs.size())
    return table[table["runs"] > 1].reset_index()


def collect_liquids(parts: Path) -> pd.DataFrame:
    """Join the runs of all parts whose state the shipped dataset calls demixed, with size ratio 1.

    Raises
    ------
    FileNotFoundError
        If there is no such part.
    """
    states = load_reference().states
    demixed = states[(states["size_ratio"] == 1) & (states["phase"] == "demixed")]["state_id"]
    paths = [path for name in demixed if (path := parts / f"{name}.npz").is_file()]
    if not paths:
        raise FileNotFoundError(f"{parts} holds no demixed state with size ratio 1")
    headers = [read_part(path).header for path in paths]
    return join_runs(header for header in headers if header["converged"])


def read_liquids() -> pd.DataFrame:
    """Shipped table of coexisting compositions; columns as in `join_runs`."""
    return pd.read_parquet(find_tables() / TABLE)


def measure_slab(functional: MixtureFunctional, edge: float = BOX, pressure: float = 1.0) -> float:
    """Share of B that the inside of a domain would have, if the functional's liquids were measured as simulated ones.

    `ljmix.structure.phase.measure_domains` calls inside what is more than 2 σ from the other domain. In a box of 15 σ
    that reaches into the tail of the interface, where a liquid that holds next to no B has several times its own share.
    Here the same is done with the densities of both species between two flat interfaces.

    Parameters
    ----------
    functional : MixtureFunctional
    edge : float
        Of the box, σ; each liquid fills half of it.
    pressure : float
        P*.

    Returns
    -------
    float
        NaN where the box holds one liquid, as it does where A and B mix, or the interface is as wide as a domain.
    """
    try:
        interface = make_liquid_interface(functional, pressure, edge, _SLAB_SPACING)
    except ValueError:
        return float("nan")
    if interface.width > edge / 4:
        return float("nan")
    rho = np.concatenate([interface.rho[:, ::-1], interface.rho], axis=1)
    bins = rho.shape[1]
    z = (np.arange(bins) - bins // 2) * _SLAB_SPACING
    # A ball's cut through planes: π (R² − z²).
    ball = np.fft.rfft(np.roll(np.maximum(_SURROUNDINGS**2 - z**2, 0.0), bins // 2))

    def around(values: FloatArray) -> FloatArray:
        return np.asarray(np.fft.irfft(np.fft.rfft(values) * ball, bins))

    share = around(rho[1]) / around(rho.sum(axis=0))
    lean = share < (share.min() + share.max()) / 2
    inside = lean & (around(np.where(lean, 0.0, rho.sum(axis=0))) < 1e-9)
    return float(rho[1, inside].sum() / rho[:, inside].sum()) if inside.any() else float("nan")


def score_liquids(observed: pd.DataFrame, predicted: pd.DataFrame) -> pd.DataFrame:
    """Hold predicted compositions against observed ones.

    Parameters
    ----------
    observed : pandas.DataFrame
        As from `join_runs`.
    predicted : pandas.DataFrame
        `temperature`, `epsilon_ab` and `predicted`; NaN where A and B were predicted to mix.

    Returns
    -------
    pandas.DataFrame
        `observed` with `predicted`, `ratio` (predicted over observed) and `sigmas` (their difference over its error).
    """
    both = observed.merge(predicted, on=["temperature", "epsilon_ab"], validate="one_to_one")
    both["ratio"] = both["predicted"] / both["fraction_b"]
    both["sigmas"] = (both["predicted"] - both["fraction_b"]) / both["fraction_b_sem"]
    return both


def main() -> None:
    """Write the table from the command line."""
    parser = argparse.ArgumentParser(description="Collect the compositions of coexisting liquids from finished states.")
    parser.add_argument("--parts", type=Path, default=shipped_folder() / "parts", help="folder of the parts")
    parser.add_argument("--output", type=Path, default=Path("data/functional"), help="folder to write to")
    arguments = parser.parse_args()
    with one_sentence(parser):
        table = collect_liquids(arguments.parts)
        with replace_when_whole(arguments.output / TABLE) as part:
            table.to_parquet(part, index=False)
        print(table.round(5).to_string(index=False))


if __name__ == "__main__":
    main()
