"""Version 2 of the reference dataset, from the parts of the campaign and the tables of version 1.

::

    python -m ljmix.release.version2 --output results/version2       # whatever parts there are now

One rule says which runs are in the tables, the same along every isobar. Of a state that was simulated again: all runs
that decide where they agree; else the one from a single pure domain (*stable* where there was a second bracket, else
*separated*), settled or not, and the state is marked. A state that was not simulated again keeps its rows of version 1.
The table `starts` holds every run of every state, so that anyone can build the other choice.

Error bars know the composition waves (`ljmix.structure.wave_errors`): `g_sem` holds their term.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from ljmix._util.command import one_sentence
from ljmix._util.provenance import describe_provenance
from ljmix.data.dataset import Dataset, read_dataset, write_dataset, write_table
from ljmix.data.reference import shipped_folder
from ljmix.release.card import verdict, write_card
from ljmix.release.diffusion import fill_diffusion
from ljmix.release.part_files import FinishedState, read_part
from ljmix.release.tables import Tables, join_tables, tables_of_parts
from ljmix.release.wave_term import wave_terms
from ljmix.simulation.profiles import load_profile

__all__ = ["build_version2", "publish", "version1_starts"]

VERSION = 2


def build_version2(shipped: Dataset, parts: Iterable[FinishedState]) -> tuple[Dataset, pd.DataFrame, pd.Series]:
    """Build the tables.

    Parameters
    ----------
    shipped : Dataset
        Version 1, with structure factors.
    parts : iterable of FinishedState

    Returns
    -------
    dataset : Dataset
        All states of version 1, in its order.
    starts : pandas.DataFrame
        Every run of every state; see `ljmix.data.schema.STARTS_TABLE`.
    from_blocks : pandas.Series
        `g_sem` of each row of `rdf` without the term for waves.

    Raises
    ------
    ValueError
        If a part belongs to no state of version 1, or two to one.
    """
    order, parts = shipped.states["state_id"].tolist(), list(parts)
    pieces: list[Tables] = [tables_of_parts(parts, order, "version 1")] if parts else []
    seen = set(pieces[0]["states"]["state_id"]) if parts else set()
    if seen != set(order):
        kept = shipped.select(~shipped.states["state_id"].isin(seen))
        errors = {"g_sem": np.hypot(kept.rdf["g_sem"], wave_terms(kept)), "from_blocks": kept.rdf["g_sem"]}
        old = {"states": _describe_kept(kept.states), "rdf": kept.rdf.assign(**errors)}
        pieces.append(old | {"structure_factors": kept.structure_factors, "starts": version1_starts(kept)})
    profile = load_profile("equilibrium")
    about = describe_provenance(profile.name, settings=profile.as_dict())
    provenance = dict(about) | {"version": VERSION, "parts": len(seen)}
    provenance["version1"] = {name: shipped.provenance[name] for name in ("profile", "commit")}
    return join_tables(pieces, order, provenance)


def _describe_kept(states: pd.DataFrame) -> pd.DataFrame:
    """New columns of states that are as version 1 left them."""
    share = states["n_b"] / states["n_particles"]
    return states.assign(version=1, simulated_fraction_b=share, moves="", shape="")


def version1_starts(dataset: Dataset) -> pd.DataFrame:
    """Runs of version 1, as far as its tables tell them apart.

    They hold the curves that count and, where there were two runs, the separated one's minus the random one's
    (`g_starts`). Of two that were averaged each is taken to have had the same weight, and √2 times the error; the
    error of one that did not count is not known.
    """
    origin = dataset.states.set_index("state_id")["starts"]
    table = dataset.rdf.assign(origin=dataset.rdf["state_id"].map(origin).astype(str))
    difference = table["g_starts"]
    two = difference.notna()
    pooled = table["origin"].str.contains("+", regex=False)
    tables = []
    for start, sign in (("random", -1), ("separated", 1)):
        counts = table["origin"].str.contains(start)
        shift = np.where(pooled, sign * difference / 2, np.where(counts, 0.0, sign * difference))
        there = counts | two
        tables.append(
            pd.DataFrame(
                {
                    "state_id": table["state_id"],
                    "start": start,
                    "pair": table["pair"],
                    "r": table["r"],
                    "g": table["g"] + np.where(two, shift, 0.0),
                    "g_sem": np.where(counts, table["g_sem"] * np.where(pooled, np.sqrt(2), 1.0), np.nan),
                    "counted": counts,
                }
            )[there]
        )
    return pd.concat(tables, ignore_index=True)


def publish(dataset: Dataset, starts: pd.DataFrame, from_blocks: pd.Series, shipped: Dataset, output: Path) -> str:
    """Write all files into a folder beside the one asked for, and put it there when it is whole.

    Parameters
    ----------
    dataset, starts, from_blocks
        As from `build_version2`.
    shipped : Dataset
        Version 1.
    output : Path

    Returns
    -------
    str
        The verdict, a table in Markdown.

    Raises
    ------
    ValueError
        If what is there is no version 2.
    """
    output = output.resolve()
    if output.exists() and any(output.iterdir()):
        found = read_dataset(output).provenance.get("version") if (output / "states.parquet").exists() else None
        if found != VERSION:
            raise ValueError(f"{output} holds something else than version {VERSION}; choose another folder")
    part, old = output.with_name(f".part-{output.name}"), output.with_name(f".old-{output.name}")
    for left in (part, old):
        shutil.rmtree(left, ignore_errors=True)
    part.mkdir(parents=True)
    write_dataset(dataset, part)
    write_table(starts.astype({"pair": "category", "start": "category"}), part / "starts.parquet", dataset.provenance)
    table = verdict(dataset, from_blocks, shipped)
    write_card(dataset, starts, table, part)
    if output.exists():
        output.rename(old)
    part.rename(output)
    shutil.rmtree(old, ignore_errors=True)
    return table


def main(arguments: Iterable[str] | None = None) -> None:
    """Build version 2 from the command line."""
    parser = argparse.ArgumentParser(description="Build version 2 of the reference dataset from the parts there are.")
    parser.add_argument("--parts", type=Path, help="folder of the parts; by default data/parts")
    parser.add_argument("--data", type=Path, help="version 1; by default data/reference")
    parser.add_argument("--output", type=Path, required=True, help="folder to write; replaced when all is whole")
    options = parser.parse_args(None if arguments is None else list(arguments))
    with one_sentence(parser):
        folder = options.parts or shipped_folder() / "parts"
        paths = sorted(folder.glob("*.npz"))
        shipped = read_dataset(options.data or shipped_folder() / "reference")
        dataset, starts, from_blocks = build_version2(shipped, (read_part(path) for path in paths))
        dataset = fill_diffusion(dataset, shipped, folder / "diffusion")
        print(publish(dataset, starts, from_blocks, shipped, options.output))
        sizes = {path.name: path.stat().st_size / 1e6 for path in sorted(options.output.glob("*"))}
        print(", ".join(f"{name} {size:.2f} MB" for name, size in sizes.items()), f"; {sum(sizes.values()):.1f} MB")


if __name__ == "__main__":
    main()
