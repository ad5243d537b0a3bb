"""What the tables of a dataset must satisfy among themselves, whatever the simulation behind them.

Tests that cost nothing: the colour mixture is the pure fluid, whose equation of state is known, with random labels;
energy and pressure follow from the radial distribution functions; the temperature derivative from fluctuations is
the difference between neighbouring temperatures; and few labels should hang on where the thresholds between phases
lie.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ljmix.data.dataset import Dataset
from ljmix.state import COMPOSITION, PAIRS, StatePoint, state_points
from ljmix.structure.measure import measuring_strides
from ljmix.structure.pair_integrals import energy_and_pressure
from ljmix.structure.phase import CRYSTALLINE, DEMIXED, SEGREGATED, label_phase
from ljmix.theory.density import estimate_density

__all__ = [
    "EQUATION_ERROR",
    "PURE_FLUID",
    "check_colour_mixture",
    "check_colour_waves",
    "check_derivatives",
    "check_pair_integrals",
    "colour_differences",
    "move_thresholds",
]

PURE_FLUID = {
    0.6: (0.8931, -5.594), 0.8: (0.8216, -4.992), 1.0: (0.7509, -4.434), 1.2: (0.6797, -3.908), 1.4: (0.6094, -3.418),
}  # fmt: skip
"""Density (1/σ³) and potential energy a particle (ε) of the pure truncated and shifted fluid at P* = 1, by
temperature: equation of state of Thol et al. (2015, doi:10.1007/s10765-014-1764-4)."""

EQUATION_ERROR = 0.002
"""Relative error allowed to the equation of state, and to a time step of 0.005 and boxes of some 1000 particles."""

_ISOBAR = [*COMPOSITION, "pressure"]


def check_colour_mixture(states: pd.DataFrame) -> pd.DataFrame:
    """Density and energy of the states whose species differ in name only, against the equation of state.

    Parameters
    ----------
    states : pandas.DataFrame
        The `states` table.

    Returns
    -------
    pandas.DataFrame
        Columns `temperature`, `fraction_b`, `quantity` ("number_density", 1/σ_AA³, or "potential_energy", ε a
        particle), `value`, `sem`, `expected`, `deviation_percent`, and `sigmas`: the difference over the standard
        error and the error of the equation (`EQUATION_ERROR`) together. No row if the dataset holds no such state.
    """
    colour = states[(states["size_ratio"] == 1) & (states["epsilon_ab"] == 1) & (states["pressure"] == 1)]
    colour = colour[colour["temperature"].isin(PURE_FLUID)]
    parts = []
    for place, quantity in enumerate(("number_density", "potential_energy")):
        part = colour[["temperature", "fraction_b"]].assign(quantity=quantity)
        part["value"], part["sem"] = colour[quantity], colour[f"{quantity}_sem"]
        part["expected"] = np.array([PURE_FLUID[temperature][place] for temperature in colour["temperature"]])
        parts.append(part)
    table = pd.concat(parts, ignore_index=True)
    difference = table["value"] - table["expected"]
    table["deviation_percent"] = 100 * difference / table["expected"]
    table["sigmas"] = difference / np.hypot(table["sem"], EQUATION_ERROR * table["expected"].abs())
    return table.sort_values(["quantity", "temperature", "fraction_b"], ignore_index=True)


def colour_differences(dataset: Dataset) -> pd.DataFrame:
    """Differences between the three curves of a colour mixture, which are one, in standard errors.

    Returns
    -------
    pandas.DataFrame
        One column for each two pairs, one row a bin of a state; no row if the dataset holds no colour mixture.
    """
    couples = [("AA", "AB"), ("AB", "BB"), ("AA", "BB")]
    colour = dataset.states[(dataset.states["size_ratio"] == 1) & (dataset.states["epsilon_ab"] == 1)]
    bins = dataset.rdf[dataset.rdf["state_id"].isin(colour["state_id"]) & (dataset.rdf["g_sem"] > 0)]
    if bins.empty:
        return pd.DataFrame(columns=[f"{a} - {b}" for a, b in couples], dtype=float)
    wide = bins.pivot(index=["state_id", "r"], columns="pair", values=["g", "g_sem"]).dropna()
    errors = {(a, b): np.hypot(wide["g_sem", a], wide["g_sem", b]) for a, b in couples}
    return pd.DataFrame({f"{a} - {b}": (wide["g", a] - wide["g", b]) / errors[a, b] for a, b in couples})


def check_colour_waves(dataset: Dataset) -> pd.DataFrame:
    """Partial structure factors of the colour mixtures against what random labels make of the total one.

    With labels that say nothing, S_ij(k) = C_i C_j S_NN(k) ± C_A C_B, + for like pairs and − for unlike ones, where
    S_NN = S_AA + 2 S_AB + S_BB. What deviates is the error of the few waves that pass in a run.

    Parameters
    ----------
    dataset : Dataset
        With structure factors.

    Returns
    -------
    pandas.DataFrame
        Columns `state_id`, `pair`, `shell` (0 for the longest waves), `s`, `expected`, and `z`: the difference over
        `s_sem`. No row if the dataset holds no colour mixture or no structure factors.
    """
    states, waves = dataset.states, dataset.structure_factors
    columns = ["state_id", "pair", "shell", "s", "expected", "z"]
    colour = states[(states["size_ratio"] == 1) & (states["epsilon_ab"] == 1)]
    if waves is None or colour.empty:
        return pd.DataFrame(columns=columns)
    share = {"B": colour.set_index("state_id")["n_b"] / colour.set_index("state_id")["n_particles"]}
    share["A"] = 1 - share["B"]
    rows = waves[waves["state_id"].isin(colour["state_id"])]
    rows = rows.assign(shell=rows.groupby(["state_id", "pair"]).cumcount())
    wide = rows.pivot(index=["state_id", "shell"], columns="pair", values=["s", "s_sem"])
    number = wide["s"] @ pd.Series({"AA": 1.0, "AB": 2.0, "BB": 1.0})
    tables = []
    for pair in PAIRS:
        first, second = (share[species].reindex(wide.index, level="state_id") for species in pair)
        labels = share["A"] * share["B"] * (1 if pair[0] == pair[1] else -1)
        expected = first * second * number + labels.reindex(wide.index, level="state_id")
        table = pd.DataFrame({"s": wide["s", pair], "expected": expected}).assign(pair=pair)
        table["z"] = (table["s"] - table["expected"]) / wide["s_sem", pair]
        tables.append(table.reset_index())
    return pd.concat(tables, ignore_index=True)[columns]


def move_thresholds(states: pd.DataFrame) -> pd.DataFrame:
    """Count the labels that hang on where a threshold between phases lies.

    Parameters
    ----------
    states : pandas.DataFrame
        Columns `demixing`, `segregation`, `crystal`.

    Returns
    -------
    pandas.DataFrame
        A row for each threshold, columns `order` (what it bounds), `threshold`, and the number of states whose label
        changes if it alone is `halved` or `doubled`, and the number of `states`.
    """
    orders = states[["demixing", "segregation", "crystal"]]
    labels = _labels(orders)
    rows = []
    for order, threshold in (("demixing", DEMIXED), ("segregation", SEGREGATED), ("crystal", CRYSTALLINE)):
        # Half the threshold is twice the order.
        halved, doubled = (
            int((_labels(orders.assign(**{order: factor * orders[order]})) != labels).sum()) for factor in (2.0, 0.5)
        )
        rows.append({"order": order, "threshold": threshold, "halved": halved, "doubled": doubled})
    return pd.DataFrame(rows).assign(states=len(states))


def _labels(orders: pd.DataFrame) -> npt.NDArray[np.object_]:
    return np.array([label_phase(*row) for row in orders.itertuples(index=False)], dtype=object)


def check_pair_integrals(dataset: Dataset) -> pd.DataFrame:
    """Energy and pressure integrated from g(r) against the run's own energy and the pressure of the barostat.

    States whose functions end before the potential does are left out, since nothing beyond r_max is guessed.

    Parameters
    ----------
    dataset : Dataset

    Returns
    -------
    pandas.DataFrame
        Columns `state_id`, `phase`, `converged`, `energy` and `pressure` (integrated), `energy_difference`,
        `energy_sigmas`, `pressure_difference`, and `pressure_sigmas` where the dataset has
        `virial_pressure_std`. Energies a particle, ε_AA; pressures ε_AA/σ_AA³.

    Notes
    -----
    The functions are measured in every k-th frame only (`measuring_strides`), the pressure in each. The barostat
    answers each deviation with its opposite, so that the mean over all frames is better known than from as many
    independent ones; over frames k apart that is lost, and the error is that of independent frames. On 20 runs of the
    reference set blocks of every k-th frame have 1.9 times the error of all blocks times √k, and so have independent
    frames. The energy follows the slow volume, and loses little.
    """
    r, g = dataset.curve_array(r_max=np.inf)
    end = r[-1] + (r[1] - r[0]) / 2
    rows = []
    for (_, row), state, curves in zip(dataset.states.iterrows(), state_points(dataset.states), g, strict=True):
        if max(map(state.cutoff, PAIRS)) > end + 1e-9:
            continue
        functions = dict(zip(PAIRS, curves, strict=True))
        sizes = (int(row["n_particles"]), int(row["n_b"]))
        energy, pressure = energy_and_pressure(r, functions, state, row["number_density"], *sizes)
        deviations = {name: row[name] for name in ("state_id", "phase", "converged")}
        deviations |= {"energy": energy, "pressure": pressure}
        deviations["energy_difference"] = energy - row["potential_energy"]
        deviations["energy_sigmas"] = deviations["energy_difference"] / row["potential_energy_sem"]
        deviations["pressure_difference"] = pressure - row["pressure"]
        if "virial_pressure_std" in row:
            measured = row["n_frames"] / _stride(row, state, dataset.provenance["settings"])
            error = row["virial_pressure_std"] / np.sqrt(measured)
            deviations["pressure_sigmas"] = deviations["pressure_difference"] / error
        rows.append(deviations)
    return pd.DataFrame(rows)


def check_derivatives(dataset: Dataset) -> pd.DataFrame:
    """∂g/∂β from fluctuations against the difference between neighbouring temperatures.

    Between two temperatures of a composition at one pressure, Δg/Δβ is compared with the mean of both derivatives,
    which is right to second order in Δβ.

    Parameters
    ----------
    dataset : Dataset
        With `g_dbeta`; states that have not converged are left out.

    Returns
    -------
    pandas.DataFrame
        Columns `state_id` (the colder of the two), `pair`, `r`, `difference`, `derivative` (ε_AA), `error` and
        `z`; bins that are empty are left out.

    Raises
    ------
    ValueError
        If the dataset has no derivatives.
    """
    if "g_dbeta" not in dataset.rdf:
        raise ValueError("rdf: column 'g_dbeta' is missing; collect the runs again")
    states = dataset.states[dataset.states["converged"]].sort_values("temperature")
    curves = dict(tuple(dataset.rdf.groupby("state_id")))
    tables = []
    for _, of in states.groupby(_ISOBAR):
        for (_, cold), (_, hot) in zip(of.iloc[:-1].iterrows(), of.iloc[1:].iterrows(), strict=True):
            names = (cold["state_id"], hot["state_id"])
            one, other = (curves[name].set_index(["pair", "r"]) for name in names)
            span = 1 / cold["temperature"] - 1 / hot["temperature"]
            table = pd.DataFrame({"difference": (one["g"] - other["g"]) / span})
            table["derivative"] = (one["g_dbeta"] + other["g_dbeta"]) / 2
            of_difference = np.hypot(one["g_sem"], other["g_sem"]) / span
            table["error"] = np.hypot(of_difference, np.hypot(one["g_dbeta_sem"], other["g_dbeta_sem"]) / 2)
            tables.append(table[table["error"] > 0].reset_index().assign(state_id=cold["state_id"]))
    columns = ["state_id", "pair", "r", "difference", "derivative", "error", "z"]
    if not tables:
        return pd.DataFrame(columns=columns)
    joined = pd.concat(tables, ignore_index=True)
    joined["z"] = (joined["derivative"] - joined["difference"]) / joined["error"]
    return joined[columns]


def _stride(row: pd.Series, state: StatePoint, settings: Mapping[str, Any]) -> int:
    """Frames for each one in which the most frequent pair was counted."""
    n_a, n_b = int(row["n_particles"] - row["n_b"]), int(row["n_b"])
    # Strides are set before a run, when its density is only estimated.
    volume = (n_a + n_b) / estimate_density(state)
    return max(measuring_strides(n_a, n_b, volume, settings["r_max"], settings["max_pairs_per_particle"]).values())
