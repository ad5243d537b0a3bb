"""The page of truth: every quantity that can be had by two routes, and by how many standard errors they differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ljmix._util.markdown import markdown_table
from ljmix.data.consistency import check_pair_integrals
from ljmix.data.dataset import Dataset
from ljmix.thermodynamics.activity import Isotherm
from ljmix.thermodynamics.gibbs_helmholtz import Line
from ljmix.thermodynamics.henry import pool_replicas
from ljmix.thermodynamics.transport import box_limit, compare_mutual_diffusion, correct_boxes

__all__ = ["COLUMNS", "collect_truths", "describe", "format_truths", "summarise_truths"]

COLUMNS = ["quantity", "state", "first_route", "first", "second_route", "second", "error", "z"]
_SUSPICIOUS = 3.0
"""Standard errors from which a line is listed by name: chance makes one line of 370 of it."""
_STATE = ["temperature", "fraction_b", "size_ratio", "epsilon_ab"]
_STEP = 0.2


def collect_truths(
    dataset: Dataset,
    derived: pd.DataFrame,
    isotherms: Mapping[tuple[float, float, float], Isotherm],
    henry: pd.DataFrame,
    transport: pd.DataFrame,
) -> pd.DataFrame:
    """Compare all routes to all quantities, state by state.

    Parameters
    ----------
    dataset : Dataset
    derived : pandas.DataFrame
        As from `ljmix.thermodynamics.states.derive_states`.
    isotherms : mapping
        As from `ljmix.thermodynamics.activity.fit_isotherms`.
    henry, transport : pandas.DataFrame
        Tables of `ljmix.thermodynamics.campaign`; may be empty.

    Returns
    -------
    pandas.DataFrame
        `quantity`, `state`, `first_route`, `first`, `second_route`, `second` (values), `error` (standard error of their
        difference) and `z`.
    """
    parts = [_routes_of_structure(derived), _compressibilities(dataset, derived), _pair_integrals(dataset)]
    parts.append(_responses(dataset))
    if len(henry):
        parts += [_solutes(henry), _limits(henry, isotherms)]
    if len(transport):
        parts.append(_transport(transport))
    table = pd.concat([part for part in parts if len(part)], ignore_index=True)
    table["z"] = (table["first"] - table["second"]) / table["error"]
    return table[COLUMNS]


def _lines(quantity: str, state: Any, routes: tuple[str, str], values: Sequence[Any]
           ) -> pd.DataFrame:  # fmt: skip
    first, second, error = (np.asarray(value, dtype=float) for value in values)
    table = pd.DataFrame(
        {
            "quantity": quantity, "state": np.asarray(state), "first_route": routes[0], "first": first,
            "second_route": routes[1], "second": second, "error": error,
        }
    )  # fmt: skip
    return table[np.isfinite(first) & np.isfinite(second) & (error > 0)]


def _routes_of_structure(derived: pd.DataFrame) -> pd.DataFrame:
    names = {
        "factor": "thermodynamic factor", "integral_aa": "G_AA", "integral_ab": "G_AB", "integral_bb": "G_BB",
        "volume_a": "partial volume of A", "volume_b": "partial volume of B",
    }  # fmt: skip
    return pd.concat(
        [
            _lines(label, derived["state_id"], ("S(k→0)", "integral of g"),
                   (derived[f"{name}_waves"], derived[f"{name}_rdf"], derived[f"{name}_difference_sem"]))
            for name, label in names.items()
        ]
    )  # fmt: skip


def _compressibilities(dataset: Dataset, derived: pd.DataFrame) -> pd.DataFrame:
    columns = ["isothermal_compressibility", "isothermal_compressibility_sem"]
    if any(column not in dataset.states for column in columns):
        return pd.DataFrame(columns=COLUMNS)
    both = derived.merge(dataset.states[["state_id", *columns]], on="state_id")
    return pd.concat(
        [
            _lines("compressibility", both["state_id"], (label, "volume fluctuations"),
                   (both[f"compressibility_{route}"], both[columns[0]],
                    np.hypot(both[f"compressibility_{route}_sem"], both[columns[1]])))
            for route, label in (("waves", "S(k→0)"), ("rdf", "integral of g"))
        ]
    )  # fmt: skip


def _pair_integrals(dataset: Dataset) -> pd.DataFrame:
    checked = check_pair_integrals(dataset)
    checked = checked[(checked["phase"] == "mixed") & checked["converged"]]
    parts = []
    for name in ("energy", "pressure"):
        if f"{name}_sigmas" in checked:
            difference = checked[f"{name}_difference"]
            error = (difference / checked[f"{name}_sigmas"]).abs()
            parts.append(
                _lines(name, checked["state_id"], ("integral of g", "the run itself"),
                       (checked[name], checked[name] - difference, error))
            )  # fmt: skip
    return pd.concat(parts)


def _responses(dataset: Dataset) -> pd.DataFrame:
    """Expansion and heat capacity from fluctuations, against density and enthalpy at the neighbouring temperatures."""
    states = dataset.states
    if "thermal_expansion" not in states or "heat_capacity" not in states:
        return pd.DataFrame(columns=COLUMNS)
    good = states[states["converged"] & (states["phase"] == "mixed")].assign(
        log_volume=lambda t: -np.log(t["number_density"]),
        log_volume_sem=lambda t: t["number_density_sem"] / t["number_density"],
        enthalpy=lambda t: t["potential_energy"] + t["pressure"] / t["number_density"],
        enthalpy_sem=lambda t: np.hypot(
            t["potential_energy_sem"], t["pressure"] * t["number_density_sem"] / t["number_density"] ** 2
        ),
    )
    found: dict[str, list[tuple[str, float, float, float]]] = {"thermal_expansion": [], "heat_capacity": []}
    for _, line in good.groupby(_STATE[1:]):
        rows = line.sort_values("temperature").to_dict("records")
        for cold, middle, hot in zip(rows, rows[1:], rows[2:], strict=False):
            steps = (middle["temperature"] - cold["temperature"], hot["temperature"] - middle["temperature"])
            if not np.allclose(steps, _STEP):
                continue
            for name, of, more in (("thermal_expansion", "log_volume", 0.0), ("heat_capacity", "enthalpy", 1.5)):
                slope = (hot[of] - cold[of]) / (2 * _STEP) + more
                error = np.hypot(hot[f"{of}_sem"], cold[f"{of}_sem"]) / (2 * _STEP)
                found[name].append((middle["state_id"], slope, middle[name], np.hypot(error, middle[f"{name}_sem"])))
    return pd.concat(
        [
            _lines(name.replace("_", " "), table[0], ("slope in temperature", "fluctuations"), table[1:])
            for name, rows in found.items() if rows
            for table in [list(zip(*rows, strict=True))]
        ]
    )  # fmt: skip


def _solutes(henry: pd.DataFrame) -> pd.DataFrame:
    pooled = pool_replicas(henry)
    key = ["temperature", "pressure", "size_ratio", "epsilon_ab"]
    parts = []
    for first, second in (("insertion", "soft"), ("insertion", "growth"), ("soft", "growth")):
        one, other = (pooled[pooled["route"] == route] for route in (first, second))
        both = one.merge(other, on=key, suffixes=("_1", "_2"))
        error = np.hypot(both["mu_sem_1"], both["mu_sem_2"])
        parts.append(
            _lines("chemical potential of a dissolved B", _describe(both), (first, second),
                   (both["mu_1"], both["mu_2"], error))
        )  # fmt: skip
    return pd.concat(parts)


def _describe(table: pd.DataFrame) -> pd.Series:
    columns = table[["temperature", "size_ratio", "epsilon_ab"]].to_dict("records")
    return pd.Series([f"T{r['temperature']:g}_S{r['size_ratio']:g}_E{r['epsilon_ab']:g}" for r in columns], dtype=str)


def _limits(henry: pd.DataFrame, isotherms: Mapping[tuple[float, float, float], Isotherm]) -> pd.DataFrame:
    """Ln γ_B at infinite dilution, referred to pure B: by coupling one particle, and by integrating Γ to both ends.

    For species of one size pure B is pure A, and ln γ_B = β(μ_ex(ε_AB) − μ_ex(1)): densities cancel.
    """
    pooled = pool_replicas(henry[(henry["size_ratio"] == 1.0) & (henry["pressure"] == 1.0)])
    rows = []
    for temperature, of in pooled.groupby("temperature"):
        best = of.loc[of.groupby("epsilon_ab")["mu_sem"].idxmin()].set_index("epsilon_ab")
        for epsilon in best.index:
            isotherm = isotherms.get((temperature, 1.0, epsilon))
            if isotherm is None or epsilon == 1.0 or 1.0 not in best.index:
                continue
            # The same frames gave both: their errors partly cancel, and together are at most this.
            value = (best.loc[epsilon, "mu"] - best.loc[1.0, "mu"]) / temperature
            sem = np.hypot(best.loc[epsilon, "mu_sem"], best.loc[1.0, "mu_sem"]) / temperature
            limit, limit_sem = (float(v[0]) for v in isotherm.log_activity_b(np.zeros(1), dilute=False))
            rows.append((f"T{temperature:g}_S1_E{epsilon:g}", value, limit, float(np.hypot(sem, limit_sem))))
    if not rows:
        return pd.DataFrame(columns=COLUMNS)
    table = list(zip(*rows, strict=True))
    return _lines("ln γ_B at infinite dilution", table[0], ("one particle coupled", "integral of Γ"), table[1:])


def _transport(transport: pd.DataFrame) -> pd.DataFrame:
    corrected = correct_boxes(transport)
    parts = [
        _lines("self-diffusion", _boxes(corrected), ("displacements", "Green-Kubo"),
               (corrected["diffusion"], corrected["green_kubo"],
                np.hypot(corrected["diffusion_sem"], corrected["green_kubo_sem"])))
    ]  # fmt: skip
    limit = box_limit(corrected)
    if len(limit):
        parts.append(
            _lines("viscosity", _boxes(limit), ("Green-Kubo", "diffusion of three boxes"),
                   (limit["viscosity"], limit["viscosity_of_line"],
                    np.hypot(limit["viscosity_sem"], limit["viscosity_of_line_sem"])))
        )  # fmt: skip
    mutual = compare_mutual_diffusion(transport)
    if len(mutual):
        parts.append(
            _lines("mutual diffusion", _boxes(mutual), ("Maxwell-Stefan", "Darken's relation"),
                   (mutual["maxwell_stefan"], mutual["darken"],
                    np.hypot(mutual["maxwell_stefan_sem"], mutual["darken_sem"])))
        )  # fmt: skip
    return pd.concat(parts)


def _boxes(table: pd.DataFrame) -> list[str]:
    names = []
    for row in table.to_dict("records"):
        name = f"T{row['temperature']:g}_C{row['fraction_b']:g}_S{row['size_ratio']:g}_E{row['epsilon_ab']:g}"
        name += f" {row['species']}" if "species" in row else ""
        names.append(name + (f", N {row['n_particles']}" if "n_particles" in row else ""))
    return names


def summarise_truths(truths: pd.DataFrame) -> pd.DataFrame:
    """Each comparison over all its states: number, mean and spread of z, share within 2, and lines beyond 3."""
    z = truths.groupby(["quantity", "first_route", "second_route"], sort=False)["z"]
    relative = (truths["first"] / truths["second"] - 1).abs()
    table = z.agg(
        lines="size",
        mean="mean",
        spread=lambda v: float(v.std(ddof=1)) if len(v) > 1 else np.nan,
        within_two=lambda v: float((v.abs() < 2).mean()),
        beyond_three=lambda v: int((v.abs() > _SUSPICIOUS).sum()),
    )
    keys = [truths[name] for name in ("quantity", "first_route", "second_route")]
    table["median_deviation"] = relative.groupby(keys, sort=False).median()
    return table.reset_index()


def describe(
    truths: pd.DataFrame,
    line: Line,
    n_slopes: int,
    isotherms: Mapping[tuple[float, float, float], Isotherm],
    strength: float,
    scatter: pd.DataFrame,
) -> dict[str, Any]:
    """Numbers that captions quote, as `metrics.json` holds them."""
    routes = [
        # A single line has no spread.
        {key: (round(value, 5) if isinstance(value, float) else value) for key, value in row.items() if value == value}
        for row in summarise_truths(truths).to_dict("records")
    ]
    return {
        "routes": routes,
        "gibbs_helmholtz": {"slope": line.slope, "sem": line.sem, "within_two": line.within_two, "states": n_slopes},
        "isotherms": len(isotherms),
        "strength": strength,
        "entropy_scatter": {str(name): float(value) for name, value in scatter["scatter"].items()},
    }


def format_truths(truths: pd.DataFrame) -> str:
    """The page as Markdown: a summary of each comparison, and every line beyond three standard errors."""
    parts = [
        "# Routes that must agree\n",
        "Each quantity that the data give by two routes, over all states that have both. z is the difference of the "
        "two over its standard error. If both routes and their errors are right, the mean of z is 0 and its spread 1; "
        "lines of one state are not independent of one another.\n",
        _table(summarise_truths(truths).round({"mean": 2, "spread": 2, "within_two": 3, "median_deviation": 4})),
        f"\n## Beyond {_SUSPICIOUS:g} standard errors\n",
    ]
    far = truths[truths["z"].abs() > _SUSPICIOUS].sort_values(
        ["quantity", "z"], key=lambda c: c.abs() if c.name == "z" else c
    )
    parts.append(_table(far.round(4).round({"z": 1})) if len(far) else "None.")
    return "\n".join(parts) + "\n"


def _table(table: pd.DataFrame) -> str:
    rows = [[f"{v:g}" if isinstance(v, float) else v for v in row] for row in table.itertuples(index=False)]
    return markdown_table([str(name).replace("_", " ") for name in table], rows)
