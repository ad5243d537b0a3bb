"""Coexisting liquids of the demixed part of the map: slabs, chosen by a rule, as one table.

::

    python -m ljmix.release.coexistence simulate     # what data/parts/slabs lacks, cheap slabs first; resumable
    python -m ljmix.release.coexistence ship         # tables and card, data/coexistence

The two liquids are the same at every composition inside the gap, so that a slab belongs to a temperature, a size ratio
and a cross energy. For each (S, ε_AB) all temperatures are simulated, in steps of 0.1 from the lowest of the reference
set up to the highest at which it has a demixed state. A finished slab becomes a small file, its part; tables
are made from parts alone.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterable, Mapping
from concurrent.futures import as_completed
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from tqdm import tqdm

from ljmix._util.atomic import replace_when_whole, write_text
from ljmix._util.command import one_sentence
from ljmix._util.provenance import describe_provenance
from ljmix._util.reading import read_arrays
from ljmix.configuration import TENSOR
from ljmix.data.dataset import read_dataset, write_table
from ljmix.data.reference import shipped_folder
from ljmix.data.state_rows import pool
from ljmix.release.part_files import plain_value
from ljmix.simulation.engine import load_engine
from ljmix.simulation.pool import lend_pool
from ljmix.simulation.profiles import Profile
from ljmix.simulation.slab import SLAB_STARTS, SlabRun, half_and_half, sample_slab, slab_profile_settings, slab_size
from ljmix.state import PAIRS, StatePoint
from ljmix.structure.convergence import SERIES_SIGMAS
from ljmix.structure.phase import CRYSTALLINE, crystal_shares
from ljmix.structure.slab_profile import Interface, find_interface, plateau_series, rdf_inside, tension_series

__all__ = ["collect_slabs", "describe_slab", "read_slab", "slab_states", "write_slab"]

STEPS = 60_000
_STEP = 0.1
_WIDTH_BLOCKS = 5
_LIQUIDS = ("lean", "rich")
_QUANTITIES = (*(f"{name}_{liquid}" for liquid in _LIQUIDS for name in ("x_b", "density")), "tension", "width")


def slab_states(states: pd.DataFrame) -> list[StatePoint]:
    """States whose slabs are simulated, by the rule of the module, cold ones last: they take longest.

    Parameters
    ----------
    states : pandas.DataFrame
        The table `states` of the reference set.

    Returns
    -------
    list of StatePoint
        At the composition where both species fill half of the volume.
    """
    lowest = states["temperature"].min()
    demixed = states[states["phase"] == "demixed"]
    chosen = []
    for (size_ratio, epsilon_ab), highest in demixed.groupby(["size_ratio", "epsilon_ab"])["temperature"].max().items():
        count = round((highest - lowest) / _STEP) + 1
        chosen += [StatePoint(lowest + _STEP * k, 0.5, size_ratio, epsilon_ab) for k in range(count)]
    return [half_and_half(state) for state in sorted(chosen, key=lambda state: -state.temperature)]


def _folder(results: Path, state: StatePoint) -> Path:
    return results / state.state_id


def _sample(results: Path, parts: Path, state: StatePoint, steps: int, engine: str, device: str) -> None:
    folder = _folder(results, state)
    profile = slab_profile_settings(steps)
    loaded = load_engine(engine, device)
    settings = {"engine": loaded.name, "n_particles": slab_size(state)[0], "segment_steps": profile.segment_steps}
    known = folder / "settings.json"
    if known.exists() and json.loads(known.read_text(encoding="utf-8")) != settings:
        raise ValueError(f"{folder} holds runs with other settings ({known.read_text()}); choose another --results")
    write_text(known, json.dumps(settings))
    sample_slab(folder, state, profile, loaded)
    write_slab(parts / f"{state.state_id}.npz", *describe_slab(folder, state, profile))


def write_slab(path: Path, row: Mapping[str, Any], rdf: pd.DataFrame) -> None:
    """Write a slab's part.

    Parameters
    ----------
    path : Path
    row, rdf
        As from `describe_slab`.
    """
    header = {
        "row": {name: plain_value(value) for name, value in row.items()},
        "provenance": dict(describe_provenance("coexistence")),
    }
    text = np.frombuffer(json.dumps(header, allow_nan=False).encode(), dtype=np.uint8)
    curves = {name: rdf[name].to_numpy(dtype=np.float32) for name in ("r", "g", "g_sem") if len(rdf)}
    with replace_when_whole(path) as whole:
        np.savez_compressed(whole, header=text, **curves)


def read_slab(path: Path) -> tuple[dict[str, Any], pd.DataFrame]:
    """Read a slab's part: what `write_slab` was given, curves in single precision.

    Raises
    ------
    ValueError
        If the file is damaged or foreign.
    """
    try:
        arrays = read_arrays(path)
        row = json.loads(arrays.pop("header").tobytes())["row"]
        row = {name: math.nan if value is None else value for name, value in row.items()}
        rdf = pd.DataFrame()
        if arrays:
            r = np.round(arrays["r"].astype(float), 9)
            cells = len(_LIQUIDS) * len(PAIRS)
            names = pd.MultiIndex.from_product([[row["state_id"]], _LIQUIDS, PAIRS])
            keys = names.repeat(len(r) // cells).to_frame(index=False, name=["state_id", "liquid", "pair"])
            rdf = keys.assign(r=r, g=arrays["g"], g_sem=arrays["g_sem"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is not a slab's part (damaged or foreign): {error}; restore or delete it") from error
    return row, rdf


def _is_kept(path: Path, steps: int) -> bool:
    return path.exists() and int(read_slab(path)[0]["steps"]) >= steps


def describe_slab(folder: Path, state: StatePoint, profile: Profile) -> tuple[dict[str, Any], pd.DataFrame]:
    """Average a slab's two runs.

    Parameters
    ----------
    folder : Path
        Of the state's runs.
    state : StatePoint
    profile : Profile
        As from `ljmix.simulation.slab.slab_profile_settings`.

    Returns
    -------
    row : dict
        One row of `coexistence`: `liquids` is 2 where there are two with an inside, else 1; for the A-rich (lean) and
        the B-rich one `x_b` and `density` (1/σ_AA³), `tension` (ε_AA/σ_AA²) and `width` (10 to 90 %, σ_AA), each with
        `_sem`; `starts_agree`; the measured pressures.
    rdf : pandas.DataFrame
        Columns `state_id`, `liquid`, `pair`, `r`, `g`, `g_sem`; no row where there is one liquid.
    """
    runs = [SlabRun(folder / start, state, profile) for start in SLAB_STARTS]
    measured = [run.read_measurements() for run in runs]
    late = [m["step"] > profile.steps_equilibration for m in measured]
    edge = float(measured[0]["edge"][0])
    found = [_describe_run(m, keep, edge, state.size_ratio) for m, keep in zip(measured, late, strict=True)]
    interfaces = [interface for interface, _ in found]
    tensor = np.concatenate(
        [np.stack([m[name][keep] for name in TENSOR], axis=1) for m, keep in zip(measured, late, strict=True)]
    )
    last = [run.read_configurations(profile.steps_equilibration)[-1] for run in runs]
    crystal = np.nanmax([crystal_shares(frame, state) for frame in last])
    row: dict[str, Any] = {
        "state_id": state.state_id,
        **state.as_dict(),
        "n_particles": slab_size(state)[0],
        "edge": edge,
        "length": float(np.mean([m["length"][keep].mean() for m, keep in zip(measured, late, strict=True)])),
        "liquids": 2 if all(interfaces) else 1,
        "crystal": float(crystal),
        "metastable": bool(crystal > CRYSTALLINE),
        "pressure_normal": float(tensor[:, 2].mean()),
        "pressure_tangential": float(tensor[:, :2].mean()),
        "n_frames": len(tensor),
        "steps": int(measured[0]["step"][-1]),
        "engine_version": str(measured[0]["engine_version"][-1]),
        "wall_seconds": float(sum(m["seconds_all"].sum() for m in measured)),
    }
    agree = all(interfaces) or not any(interfaces)
    for name in _QUANTITIES:
        values = [quantities.get(name, (math.nan, math.nan)) for _, quantities in found]
        mean, error = pool([(int(keep.sum()), *value) for keep, value in zip(late, values, strict=True)])
        row |= {name: float(mean), f"{name}_sem": float(error)}
        (first, first_error), (second, second_error) = values
        agree = agree and not abs(first - second) > SERIES_SIGMAS * math.hypot(first_error, second_error)
    row["starts_agree"] = bool(agree)
    return row, _functions(runs, interfaces, profile, state)


def _describe_run(
    measured: Mapping[str, npt.NDArray[Any]], late: npt.NDArray[np.bool_], edge: float, size_ratio: float
) -> tuple[Interface | None, dict[str, tuple[float, float]]]:
    counts, lengths = measured["counts"][late].astype(float), measured["length"][late]
    interface = find_interface(counts, lengths, edge, size_ratio)
    if interface is None:
        return None, {}
    found = {"tension": tension_series(lengths, np.stack([measured[name][late] for name in TENSOR], axis=1))}
    for liquid in _LIQUIDS:
        for name, value in plateau_series(counts, lengths, edge, getattr(interface, liquid)).items():
            found[f"{name}_{liquid}"] = value
    blocks = [
        find_interface(*part, edge, size_ratio)
        for part in zip(np.array_split(counts, _WIDTH_BLOCKS), np.array_split(lengths, _WIDTH_BLOCKS), strict=True)
    ]
    widths = [block.width for block in blocks if block is not None]
    error = float(np.std(widths, ddof=1) / math.sqrt(len(widths))) if len(widths) > 1 else math.nan
    return interface, found | {"width": (interface.width, error)}


def _functions(
    runs: list[SlabRun], interfaces: list[Interface | None], profile: Profile, state: StatePoint
) -> pd.DataFrame:
    tables = []
    r = np.round((np.arange(profile.n_bins) + 0.5) * profile.bin_width, 9)
    for liquid in _LIQUIDS if all(interfaces) else ():
        found = []
        for run, interface in zip(runs, interfaces, strict=True):
            frames = run.read_configurations(profile.steps_equilibration)
            inside = getattr(interface, liquid)
            found.append((len(frames), rdf_inside(frames, inside, liquid == "rich", profile.r_max, profile.n_bins)))
        for pair in PAIRS:
            g, g_sem = pool([(number, *functions[pair]) for number, functions in found])
            columns = {"state_id": state.state_id, "liquid": liquid, "pair": pair, "r": r, "g": g, "g_sem": g_sem}
            tables.append(pd.DataFrame(columns))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def _simulate(options: argparse.Namespace, states: list[StatePoint], parts: Path) -> bool:
    engine = load_engine(options.engine, options.device)
    missing = [state for state in states if not _is_kept(parts / f"{state.state_id}.npz", options.steps)]
    tqdm.write(
        f"{len(missing)} of {len(states)} slabs to go, {options.steps} steps from two starts, {engine.name} on "
        f"{engine.device_name}"
    )
    failed = 0
    with lend_pool(None, options.workers) as pool_, tqdm(total=len(missing), unit="slab", file=sys.stdout) as bar:
        futures = {
            pool_.submit(_sample, options.results, parts, state, options.steps, engine.name, options.device): state
            for state in missing
        }
        for future in as_completed(futures):
            try:
                future.result()
            except (RuntimeError, ValueError, OSError) as error:
                failed += 1
                tqdm.write(f"{futures[future].state_id} failed: {error}")
            bar.update()
    return not failed


def collect_slabs(parts: Path, states: Iterable[StatePoint]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tables of the slabs that a folder of parts holds: one row a state, and one row a bin of g(r).

    Raises
    ------
    ValueError
        If it holds none, or a part is damaged.
    """
    paths = [parts / f"{state.state_id}.npz" for state in states]
    found = [read_slab(path) for path in paths if path.exists()]
    if not found:
        raise ValueError(f"{parts} holds no finished slab; simulate first")
    rows, curves = zip(*found, strict=True)
    return pd.DataFrame(rows), pd.concat(curves, ignore_index=True)


def _card(table: pd.DataFrame, provenance: Mapping[str, Any]) -> str:
    """One page for readers, beside the tables."""
    two = table[table["liquids"] == 2]
    return Template(resources.files("ljmix.release").joinpath("coexistence.md").read_text(encoding="utf-8")).substitute(
        count=len(table),
        two=len(two),
        agree=int(two["starts_agree"].sum()),
        metastable=int(table["metastable"].sum()),
        steps=f"{int(table['steps'].max()):,}",
        discarded=f"{int(table['steps'].max()) // 5:,}",
        particles=f"{table['n_particles'].min()} to {table['n_particles'].max()}",
        normal=f"{table['pressure_normal'].mean():.4f}",
        normal_spread=f"{table['pressure_normal'].std():.4f}",
        hours=f"{table['wall_seconds'].sum() / 3600:.1f}",
        commit=provenance["commit"],
    )


def main(arguments: Iterable[str] | None = None) -> None:
    """Simulate the slabs, or ship their tables, from the command line."""
    parser = argparse.ArgumentParser(description="Coexisting liquids from slabs.")
    parser.add_argument("step", choices=("list", "simulate", "ship"))
    parser.add_argument("--results", type=Path, default=Path("results", "coexistence"), help="folder of the runs")
    parser.add_argument("--parts", type=Path, help="folder of the finished slabs; by default data/parts/slabs")
    parser.add_argument("--output", type=Path, help="folder of the tables; by default data/coexistence")
    parser.add_argument("--states", nargs="+", metavar="STATE", help="only these, by name; `list` names them")
    parser.add_argument("--steps", type=int, default=STEPS, help=f"length of each run; by default {STEPS}")
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--workers", type=int, help="processes; by default one a core")
    options = parser.parse_args(None if arguments is None else list(arguments))
    parts = options.parts or shipped_folder() / "parts" / "slabs"
    with one_sentence(parser):
        states = slab_states(read_dataset(shipped_folder() / "reference").states)
        if options.states:
            unknown = sorted(set(options.states) - {state.state_id for state in states})
            if unknown:
                raise ValueError(f"{unknown[0]} is no slab by the rule; `list` names the {len(states)} there are")
            states = [state for state in states if state.state_id in options.states]
        if options.step == "list":
            print(*(state.state_id for state in states), f"{len(states)} slabs", sep="\n")
        elif options.step == "simulate":
            if not _simulate(options, states, parts):
                sys.exit(1)
        else:
            table, rdf = collect_slabs(parts, states)
            output = options.output or shipped_folder() / "coexistence"
            provenance = dict(describe_provenance("coexistence"))
            write_table(table, output / "coexistence.parquet", provenance)
            write_table(rdf.astype({"g": "float32", "g_sem": "float32"}), output / "rdf.parquet", provenance)
            write_text(output / "README.md", _card(table, provenance))
            print(table[["state_id", "liquids", "starts_agree", *_QUANTITIES]].round(4).to_string(index=False))


if __name__ == "__main__":
    main()
