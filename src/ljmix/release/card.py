"""The verdict on version 2 and its data card, one page."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from string import Template

import numpy as np
import pandas as pd

from ljmix._util.atomic import write_text
from ljmix._util.markdown import markdown_table
from ljmix.data.dataset import Dataset
from ljmix.data.schema import STARTS_TABLE, TABLES
from ljmix.release.wave_term import expected_lifetimes, judge_colour_mixture, wave_terms
from ljmix.simulation.engine import TIME_STEP
from ljmix.state import DILUTE

__all__ = ["verdict", "write_card"]

_FEW = 5.0
"""Independent samples of the longest wave that a converged mixed state should hold."""


def _samples(dataset: Dataset) -> pd.Series:
    """Independent samples of the longest wave's square: counted where particles exchange, else by its lifetime."""
    states = dataset.states
    lifetime = np.fmax(states["wave_lifetime"], expected_lifetimes(dataset))
    by_lifetime = states["steps_production"] * TIME_STEP / lifetime
    return states["wave_samples"].fillna(by_lifetime) if "wave_samples" in states else by_lifetime


def _count(dataset: Dataset) -> dict[str, str]:
    states = dataset.states
    good, demixed, dilute = states["converged"], states["phase"] == "demixed", states["fraction_b"] <= DILUTE
    mixed = good & (states["phase"] == "mixed")
    few = int((_samples(dataset)[mixed] < _FEW).sum())
    return {
        f"converged, of {len(states)}": str(int(good.sum())),
        "demixed and converged": f"{int((good & demixed).sum())} of {int(demixed.sum())}",
        "C_B 0.01 converged": f"{int((good & dilute).sum())} of {int(dilute.sum())}",
        "core-hours": f"{states['wall_seconds'].sum() / 3600:.1f}",
        "converged mixed states with fewer than five samples of their longest wave": f"{few} of {int(mixed.sum())}",
    }


_AIMS = ("≥ 440", "≥ 120 of 160", "≥ 70 of 100", "≤ 90 for what is new", "0, or the error bar says so")


def verdict(dataset: Dataset, from_blocks: pd.Series, shipped: Dataset) -> str:
    """Compare version 2 as it is with version 1 and the aims, as a table in Markdown.

    Parameters
    ----------
    dataset : Dataset
        Version 2.
    from_blocks : pandas.Series
        Its `g_sem` without the term for waves.
    shipped : Dataset
        Version 1.
    """
    now, before = _count(dataset), _count(shipped)
    new = dataset.states[dataset.states["version"] == 2]
    # Time by the clock: on a machine that did other work as well, more than the runs took.
    now["core-hours"] = f"at most {new['wall_seconds'].sum() / 3600:.1f} for {len(new)} states that are new"
    rows = [
        {"measure": name, "version 1": before[name], "version 2 so far": now[name], "aim": aim}
        for name, aim in zip(now, _AIMS, strict=True)
    ]
    without = Dataset(
        dataset.states, dataset.rdf.assign(g_sem=from_blocks), dataset.provenance, dataset.structure_factors
    )
    terms = np.sqrt(np.maximum(dataset.rdf["g_sem"] ** 2 - from_blocks**2, 0.0))
    fresh = judge_colour_mixture(without, terms.to_numpy(dtype=float))
    for (_, old), (_, row) in zip(
        judge_colour_mixture(shipped, wave_terms(shipped)).iterrows(), fresh.iterrows(), strict=True
    ):
        rows.append(
            {
                "measure": f"colour mixture, T* {row['temperature']:g}: rms z of {row['couple']}",
                "version 1": f"{old['rms_shipped']:.2f}",
                "version 2 so far": f"{row['rms']:.2f} (sound below {row['rms_95']:.2f})",
                "aim": "≤ 1.1",
            }
        )
    return markdown_table(list(rows[0]), [list(row.values()) for row in rows])


def write_card(dataset: Dataset, starts: pd.DataFrame, table: str, directory: Path) -> None:
    """Write ``README.md`` beside the tables."""
    states = dataset.states
    late = states[~states["converged"].astype(bool)]
    text = Template(resources.files("ljmix.release").joinpath("datacard.md").read_text(encoding="utf-8")).substitute(
        count=len(states),
        new=int((states["version"] == 2).sum()),
        kept=int((states["version"] == 1).sum()),
        runs=len(starts.drop_duplicates(["state_id", "start"])),
        converged=int(states["converged"].sum()),
        metastable=int(states["metastable"].fillna(False).astype(bool).sum()),
        unconverged="; ".join(f"{n} {label}" for label, n in late["phase"].value_counts().items()) or "none",
        verdict=table,
        commit=dataset.provenance["commit"],
        version1=dataset.provenance["version1"]["commit"],
        columns="\n\n".join(_columns(dataset, name) for name in TABLES),
        starts="\n".join(f"- `{field.name}`: {field.meaning}" for field in STARTS_TABLE),
    )
    write_text(directory / "README.md", text)


def _columns(dataset: Dataset, name: str) -> str:
    present = getattr(dataset, name).columns
    lines = [f"- `{field.name}`: {field.meaning}" for field in TABLES[name] if field.name in present]
    return "\n".join([f"**`{name}.parquet`**", "", *lines])
