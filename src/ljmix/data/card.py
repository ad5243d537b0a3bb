"""The papers that travel with a shipped dataset: a frictionless data package and a card for readers."""

from __future__ import annotations

import hashlib
import json
import math
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ljmix._util.atomic import write_text
from ljmix._util.markdown import markdown_table
from ljmix.data.configurations import RECORD
from ljmix.data.consistency import move_thresholds
from ljmix.data.dataset import Dataset
from ljmix.data.schema import KEYS, TABLES, Field
from ljmix.simulation.engine import THERMOSTATS, TIME_STEP
from ljmix.simulation.profiles import load_profile
from ljmix.state import PAIRS, state_points
from ljmix.structure import phase
from ljmix.structure.convergence import peak_errors
from ljmix.structure.first_shell import peak_bin

__all__ = ["describe_package", "write_data_card"]

_KINDS = {"string": "string", "float": "number", "int": "integer", "bool": "boolean"}
_OTHER_TITLES = {
    "configurations": "last positions of a state point", "predictions": "what models predict, as figures show it",
}  # fmt: skip
_RECORD_TITLE = "which dataset the positions are of, and their checksums"
_TITLES = {
    "states": "one row per state point",
    "rdf": "one row per bin",
    "structure_factors": "one row per wave number",
}


def write_data_card(dataset: Dataset, directory: Path) -> None:
    """Write ``datapackage.json`` and ``README.md`` beside the tables of a dataset."""
    package = describe_package(dataset, directory)
    write_text(directory / "datapackage.json", json.dumps(package, indent=1, ensure_ascii=False) + "\n")
    write_text(directory / "README.md", _card(dataset, package))


def describe_package(dataset: Dataset, directory: Path) -> dict[str, Any]:
    """Describe the files of a dataset by the Data Package standard (https://datapackage.org/standard).

    Parameters
    ----------
    dataset : Dataset
    directory : Path
        Where its tables, configurations and predictions lie.

    Returns
    -------
    dict
        JSON-able: files with sizes and SHA-256, columns with types, ranges and meanings, licence.
    """
    files = [directory / f"{name}.parquet" for name in TABLES]
    files += sorted((directory / "configurations").glob("*.gsd"))
    files += sorted((directory / "configurations").glob(RECORD))
    files += sorted((directory / "predictions").glob("[!.]*"))
    listed = []
    for path in files:
        content = path.read_bytes()
        entry: dict[str, Any] = {
            "name": path.stem.lower(),
            "path": path.relative_to(directory).as_posix(),
            "bytes": len(content),
            "hash": f"sha256:{hashlib.sha256(content).hexdigest()}",
        }
        if path.parent == directory:
            fields = [field for field in TABLES[path.stem] if field.name in _columns(dataset, path.stem)]
            described = [_describe(field) for field in fields]
            schema = {"fields": described, "primaryKey": KEYS[path.stem], "missingValues": ["", "nan"]}
            entry |= {"title": _TITLES[path.stem], "format": "parquet", "type": "table", "schema": schema}
        else:
            title = _RECORD_TITLE if path.name == RECORD else _OTHER_TITLES[path.parent.name]
            entry |= {"title": title, "format": path.suffix[1:]}
            if path.suffix == ".parquet" and any(pa.types.is_nested(kind) for kind in pq.read_schema(path).types):
                # Cells that hold arrays, such as weights, are none that the standard's tables know.
                entry |= {"type": "file"}
            elif path.suffix == ".parquet":
                # Without their types readers guess: a curve that starts with zeros would be one of integers.
                entry |= {"type": "table", "schema": {"fields": _typed_columns(path), "missingValues": ["", "nan"]}}
        listed.append(entry)
    return {
        "name": f"ljmix-{dataset.provenance['profile']}",
        "title": "Structure of binary Lennard-Jones mixtures: radial distribution functions with error bars",
        "licenses": [
            {
                "name": "CC-BY-4.0",
                "path": "https://creativecommons.org/licenses/by/4.0/",
                "title": "Creative Commons Attribution 4.0",
            }
        ],
        "resources": listed,
    }


def _typed_columns(path: Path) -> list[dict[str, str]]:
    kinds = ((pa.types.is_floating, "number"), (pa.types.is_integer, "integer"), (pa.types.is_boolean, "boolean"))
    return [
        {"name": field.name, "type": next((kind for holds, kind in kinds if holds(field.type)), "string")}
        for field in pq.read_schema(path)
    ]


def _columns(dataset: Dataset, table: str) -> list[str]:
    return list(getattr(dataset, table).columns)


def _describe(field: Field) -> dict[str, Any]:
    constraints: dict[str, Any] = {"required": True} if field.required else {}
    for name, value in (("minimum", field.low), ("maximum", field.high)):
        if field.kind in ("float", "int") and math.isfinite(value):
            constraints[name] = int(value) if field.kind == "int" else value
    if field.allowed:
        constraints["enum"] = list(field.allowed)
    described = {"name": field.name, "type": _KINDS[field.kind], "description": field.meaning}
    return described | ({"constraints": constraints} if constraints else {})


def _card(dataset: Dataset, package: dict[str, Any]) -> str:
    states, provenance = dataset.states, dataset.provenance
    profile = load_profile(provenance["profile"])
    expected, present = len(profile.states()), len(states)
    steps = states["steps_equilibration"] + states["steps_production"]
    return Template(resources.files("ljmix.data").joinpath("datacard.md").read_text(encoding="utf-8")).substitute(
        title=package["title"],
        count=f"all {expected} state points" if present == expected else f"{present} of the {expected} state points",
        n_particles=f"{states['n_particles'].min()} to {states['n_particles'].max()}",
        thermostats=", ".join(THERMOSTATS[engine] for engine in sorted(set(states["engine"]))),
        box_edge=f"{profile.box_edge:g}",
        r_max=f"{profile.r_max:g}",
        bin_width=f"{profile.bin_width:g}",
        least_steps=f"{profile.steps_equilibration + profile.steps_production:,}",
        slow_steps=f"{profile.steps_production_slow:,}",
        independent=profile.independent_samples,
        most_steps=f"{profile.steps_max:,}",
        peak_error=f"{100 * profile.peak_error:g}",
        peak_error_dilute=f"{100 * profile.peak_error_dilute:g}",
        converged=int(states["converged"].sum()),
        unconverged=_unconverged(dataset),
        reasons=_reasons(states),
        brief=_count_brief(states),
        wave_share=f"{100 * _largest_wave(dataset):.0f}",
        sampled=_force_sampled(states),
        phases=_markdown(_by_phase(dataset)),
        temperatures=_markdown(pd.crosstab(states["temperature"], states["phase"]).reset_index()),
        hours=f"{states['wall_seconds'].sum() / 3600:.1f}",
        atom_steps=f"{(states['n_particles'] * steps).sum():.2e}",
        rdf_share=f"{100 * states['rdf_seconds'].sum() / states['wall_seconds'].sum():.0f}",
        demixed=phase.DEMIXED,
        segregated=phase.SEGREGATED,
        crystalline=phase.CRYSTALLINE,
        moved=_moved_labels(states),
        disagree=_disagreeing(states),
        files=_markdown(_file_rows(package)),
        columns="\n\n".join(_column_list(dataset, name) for name in TABLES),
        settings=_settings(profile.name),
        origin=_origin(provenance["parts"], present),
        additions=_markdown(_additions(provenance["parts"])),
        versions=", ".join(f"{name} {provenance[name]}" for name in ("python", "numpy", "freud-analysis", "gsd")),
    )


def _origin(parts: list[dict[str, Any]], present: int) -> str:
    """Which commit made the tables, in words; one that ships does so for every state whose runs it finds."""
    made = parts[-1]["states"] + parts[-1].get("remade", 0)
    if made == present:
        return f"all tables were made, for some states again, by commit {parts[-1]['commit']}"
    return (
        f"the tables of {made} states were made, for some again, by commit {parts[-1]['commit']}; those of the other "
        f"{present - made} by the last of the earlier commits that had their runs at hand"
    )


def _additions(parts: list[dict[str, Any]]) -> pd.DataFrame:
    rows = [
        {
            "commit": part["commit"],
            "states added": part["states"],
            "tables made again": part.get("remade", "not recorded"),
            "engines": ", ".join(part["engines"]),
            **{name: part[name] for name in ("freud-analysis", "gsd")},
        }
        for part in parts
    ]
    return pd.DataFrame(rows)


def _disagreeing(states: pd.DataFrame) -> str:
    """States with two starts that disagree, by label."""
    counts = states.loc[~states["starts_agree"], "phase"].value_counts()
    return ", ".join(f"{number} {label}" for label, number in counts.items()) + " states" if len(counts) else "no state"


def _moved_labels(states: pd.DataFrame) -> str:
    return "; ".join(f"`{row.order}` {row.halved}, {row.doubled}" for row in move_thresholds(states).itertuples())


def _unconverged(dataset: Dataset) -> str:
    """Who has not converged, in words: by phase, and by the fraction of B."""
    states = dataset.states
    late = states[~states["converged"].astype(bool)]
    by_phase = ", ".join(f"{(late['phase'] == name).sum()} {name}" for name in sorted(set(late["phase"])))
    shares = ", ".join(
        f"{(late['fraction_b'] == value).sum()} of {(states['fraction_b'] == value).sum()} at C_B = {value:g}"
        for value in sorted(set(states["fraction_b"]))
    )
    return f"{len(late)} states ({by_phase or 'none'}): {shares}"


def _reasons(states: pd.DataFrame) -> str:
    words = {"settled": "not settled", "precise": "not precise enough", "starts_agree": "two starts that disagree"}
    return ", ".join(f"{(~states[name].astype(bool)).sum()} {text}" for name, text in words.items()) + " (some both)"


def _count_brief(states: pd.DataFrame) -> str:
    """How many converged mixed states ran for less than their longest wave of concentration lives."""
    good = states[states["converged"] & (states["phase"] == "mixed")]
    time = TIME_STEP * good["steps_production"] / (good["starts"].str.count(r"\+") + 1)
    return f"{(time < good['wave_lifetime']).sum()} of {len(good)}"


def _largest_wave(dataset: Dataset) -> float:
    """Largest share of the first peak of BB that the six longest waves make, in converged mixed states."""
    states = dataset.states
    r, g = dataset.curve_array(r_max=np.inf)
    bins = [peak_bin(r, curves[2], state.sigma("BB")) for curves, state in zip(g, state_points(states), strict=True)]
    x_b = states["n_b"] / states["n_particles"]
    added = 6 * (states["concentration_fluctuation"] - 1) * (1 - x_b) / states["n_b"]
    shares = (added / g[np.arange(len(g)), 2, bins]).abs()[states["converged"] & (states["phase"] == "mixed")]
    return float(max(shares, default=0.0))


def _force_sampled(states: pd.DataFrame) -> str:
    asked = states["force_gain"].notna()
    return f"{(states.loc[asked, 'force_gain'] > 1).sum()} of the {asked.sum()} states where it was tried"


def _by_phase(dataset: Dataset) -> pd.DataFrame:
    r, _ = dataset.curve_array(r_max=np.inf)
    both = [dataset.curve_array(column, r_max=np.inf)[1] for column in ("g", "g_sem")]
    errors = pd.DataFrame.from_dict(
        {
            name: peak_errors(r, dict(zip(PAIRS, g, strict=True)), dict(zip(PAIRS, g_sem, strict=True)), state)
            for name, state, g, g_sem in zip(
                dataset.states["state_id"], state_points(dataset.states), *both, strict=True
            )
        },
        orient="index",
    )
    joined = dataset.states.set_index("state_id").join(errors)
    rows = []
    for label, of in joined.groupby("phase"):
        row: dict[str, Any] = {"phase": label, "states": len(of), "converged": int(of["converged"].sum())}
        row["steps averaged (median)"] = f"{int(of['steps_production'].median()):,}"
        for pair in PAIRS:
            finite = of[pair].replace(np.inf, np.nan).dropna()
            row[f"{pair} peak, error % (median, 90th percentile)"] = (
                f"{100 * finite.median():.2f}, {100 * finite.quantile(0.9):.2f}"
            )
        rows.append(row)
    return pd.DataFrame(rows)


def _file_rows(package: dict[str, Any]) -> pd.DataFrame:
    rows = [
        {
            "file": f"`{entry['path']}`",
            "holds": entry["title"],
            "kB": math.ceil(entry["bytes"] / 1000),
            "SHA-256": f"`{entry['hash'].removeprefix('sha256:')}`",
        }
        for entry in package["resources"]
    ]
    return pd.DataFrame(rows)


def _column_list(dataset: Dataset, table: str) -> str:
    present = _columns(dataset, table)
    lines = [f"- `{field.name}`: {field.meaning}" for field in TABLES[table] if field.name in present]
    return "\n".join([f"**`{table}.parquet`**, {_TITLES[table]}", "", *lines])


def _settings(name: str) -> str:
    return resources.files("ljmix.simulation").joinpath("profiles", f"{name}.toml").read_text(encoding="utf-8").strip()


def _markdown(table: pd.DataFrame) -> str:
    return markdown_table(list(table.columns), table.itertuples(index=False))
