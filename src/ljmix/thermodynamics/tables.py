"""Tables of thermodynamics: what their columns are, how they are read, and the card that is shipped beside them."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from ljmix._util.atomic import write_text
from ljmix._util.markdown import markdown_table
from ljmix.data.reference import shipped_folder
from ljmix.data.schema import Field

__all__ = ["TABLES", "read_own_runs", "read_table", "write_card"]

_ABOVE = 1e-9


def _measured(name: str, meaning: str) -> tuple[Field, Field]:
    return Field(name, "float", meaning), Field(f"{name}_sem", "float", f"standard error of {name}", 0)


def _state(*names: str) -> tuple[Field, ...]:
    fields = {
        "state_id": Field("state_id", "string", "name of the state point"),
        "temperature": Field("temperature", "float", "T*", _ABOVE),
        "pressure": Field("pressure", "float", "P*, ε_AA/σ_AA³", 0),
        "fraction_b": Field("fraction_b", "float", "C_B", 0, 1),
        "size_ratio": Field("size_ratio", "float", "S", _ABOVE),
        "epsilon_ab": Field("epsilon_ab", "float", "ε_AB/ε_AA", _ABOVE),
    }
    return tuple(fields[name] for name in names)


def _two_routes(name: str, meaning: str) -> tuple[Field, ...]:
    return (
        *_measured(f"{name}_waves", f"{meaning}, from S(k→0)"),
        *_measured(f"{name}_rdf", f"{meaning}, from the integral of g; missing where g is too short"),
        Field(f"{name}_difference_sem", "float", "standard error of the difference of the two", 0),
    )


TABLES: dict[str, tuple[Field, ...]] = {
    "henry": (
        *_state("temperature", "pressure", "size_ratio", "epsilon_ab"),
        Field("route", "string", "how B was brought into A", allowed=("insertion", "soft", "growth")),
        Field("replica", "int", "number of the independent repetition", 0),
        *_measured("mu", "μ_ex of B at infinite dilution in A, ε_AA"),
        Field("samples", "float", "places or frames that carry the average's weight, (Σw)²/Σw²", 1),
        *_measured("density", "density of pure A in the same runs, 1/σ_AA³"),
        Field("n_solvent", "int", "particles of A", 2),
        Field("steps", "int", "time steps of all runs of the route", 0),
        Field("seconds", "float", "time of a core, s; of a resumed route that of its last part", 0),
    ),
    "transport": (
        *_state("temperature", "fraction_b", "size_ratio", "epsilon_ab", "pressure"),
        Field("n_particles", "int", "number of particles", 4),
        Field("n_b", "int", "number of B particles", 0),
        Field("number_density", "float", "density that was held, 1/σ_AA³", _ABOVE),
        Field("box_edge", "float", "L, σ_AA", _ABOVE),
        *_measured("msd_a", "self-diffusion of A in this box, from displacements, σ_AA²/τ"),
        *_measured("green_kubo_a", "the same from the autocorrelation of velocities"),
        *_measured("msd_b", "self-diffusion of B, likewise"),
        *_measured("green_kubo_b", "the same from the autocorrelation of velocities"),
        *_measured("viscosity", "η from the autocorrelation of stress, √(m ε)/σ_AA²"),
        *_measured("maxwell_stefan", "Đ from the autocorrelation of the current of A, σ_AA²/τ"),
        *_measured("pressure_measured", "pressure in this box, ε_AA/σ_AA³"),
        Field("steps", "int", "time steps", 0),
        Field("seconds", "float", "time of a core, s; of a resumed run that of its last part", 0),
    ),
    "derived": (
        *_state("state_id", "temperature", "fraction_b", "size_ratio", "epsilon_ab", "pressure"),
        Field("number_density", "float", "ρ, 1/σ_AA³", _ABOVE),
        Field("share_b", "float", "exact fraction of B in the box; C_B is rounded", 0, 1),
        Field("misfit", "float", "deviance per degree of freedom of the extrapolation of S(k); about 1", 0),
        Field(
            "correlation_length",
            "float",
            "ξ of the softest mode by that extrapolation, σ_AA; none where it outgrows the box",
            0,
        ),
        Field("problem", "string", "why the integral of g has no answer; else empty"),
        *_two_routes("factor", "Γ = 1 + x_B ∂ln γ_B/∂x_B"),
        *_two_routes("compressibility", "κ_T, σ_AA³/ε_AA"),
        *_two_routes("volume_a", "partial volume of A, σ_AA³"),
        *_two_routes("volume_b", "partial volume of B, σ_AA³"),
        *_two_routes("slope", "∂ln γ_B/∂x_B"),
        *_two_routes("integral_aa", "Kirkwood-Buff integral G_AA, σ_AA³"),
        *_two_routes("integral_ab", "G_AB"),
        *_two_routes("integral_bb", "G_BB"),
    ),
}
"""Columns by table: those of own runs, shipped in ``data/thermodynamics``, and `derived`, computed from any dataset."""


def read_table(path: Path) -> pd.DataFrame:
    """Read a table of thermodynamics and check its columns.

    Raises
    ------
    FileNotFoundError
        If there is none.
    ValueError
        If a column is missing, or a value lies outside its range.
    """
    name = path.stem
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist; python -m ljmix.thermodynamics.campaign simulate makes it")
    table = pq.read_table(path).to_pandas()
    for field in TABLES[name]:
        if field.name not in table:
            raise ValueError(f"{path}: column {field.name!r} is missing")
        if field.kind in ("float", "int"):
            wrong = table[(table[field.name] < field.low) | (table[field.name] > field.high)]
            if len(wrong):
                raise ValueError(
                    f"{path}, row {wrong.index[0]}: {field.name} = {wrong[field.name].iloc[0]:g}: must lie between "
                    f"{field.low:g} and {field.high:g}"
                )
        elif field.allowed and not set(table[field.name]) <= set(field.allowed):
            raise ValueError(f"{path}: {field.name} holds other values than {', '.join(field.allowed)}")
    return table


def read_own_runs(folder: Path | None = None) -> tuple[pd.DataFrame, pd.DataFrame, list[Path]]:
    """Read what the campaign has left: dissolved particles, transport, and files of mixtures rich in B.

    Parameters
    ----------
    folder : Path, optional
        By default the shipped one.

    Returns
    -------
    henry, transport : pandas.DataFrame
    mixtures : list of Path
    """
    folder = folder or shipped_folder() / "thermodynamics"
    henry, transport = (read_table(folder / f"{name}.parquet") for name in ("henry", "transport"))
    return henry, transport, sorted((folder / "mixtures").glob("*.npz"))


def write_card(folder: Path) -> None:
    """Write ``README.md`` beside the tables: what they are, what is done, and every column."""
    henry, transport, mixtures = read_own_runs(folder)
    metadata = pq.read_schema(folder / "henry.parquet").metadata
    origin = json.loads(metadata[b"ljmix"])
    solutes = henry.groupby("route").size()
    sizes = ", ".join(f"{count} rows by {route}" for route, count in solutes.items())
    boxes = len(transport)
    parts = [
        "# Thermodynamics: runs of its own\n",
        "What the reference dataset does not hold. Reduced units of species A; the potential is that of the reference "
        "set. `python -m ljmix.thermodynamics.campaign list` says which simulations are done, `simulate` goes on with "
        f"the others. LAMMPS {origin['engine_version']}. Licence: CC-BY-4.0.\n",
        f"- `henry.parquet`: chemical potential of one B in {henry['n_solvent'].max()} A ({sizes}). The five ε_AB of a "
        "run come from the same frames: they are not independent of one another. `insertion` places B at random into "
        "stored configurations; `soft` switches it on through a soft core; `growth` lets its diameter grow. No two "
        "routes share a run.",
        f"- `transport.parquet`: {boxes} boxes at constant volume. Diffusion is not corrected for the box.",
        *(
            [f"- `mixtures/`: {len(mixtures)} states above C_B = 0.5, in the format of `ljmix.release.part_files`."]
            if len(mixtures)
            else []
        ),
        "",
        "`derived` is not shipped: `ljmix.thermodynamics.states.derive_states` computes it from any dataset in "
        "seconds, and notebook 08 writes it to its results.\n",
    ]
    for name, fields in TABLES.items():
        rows = [(f"`{field.name}`", field.kind, field.meaning) for field in fields]
        parts.append(f"## {name}\n\n{markdown_table(('column', 'type', 'meaning'), rows)}\n")
    write_text(folder / "README.md", "\n".join(parts))
