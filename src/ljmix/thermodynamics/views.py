"""Tables that the figures of thermodynamics draw: running integrals, activities, theory beside simulation, wells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar

from ljmix._util.arrays import FloatArray
from ljmix.data.dataset import Dataset
from ljmix.properties.kirkwood_buff import correct_closed_box, derive, integrate_rdf, inverse_from_integrals
from ljmix.properties.mean_force import describe_well, direct_potential, mean_force_potential
from ljmix.release.part_files import read_part
from ljmix.state import PAIRS, StatePoint, state_points
from ljmix.theory.eos import coexisting_fractions, equation_of_state
from ljmix.thermodynamics.activity import Isotherm
from ljmix.thermodynamics.henry import best_values

__all__ = [
    "activity_curves", "colour_difference", "compare_coexistence", "compare_with_theory", "fit_strength",
    "mean_force_curves", "raw_compressibility", "running_integrals", "solutes_by_theory", "tabulate_wells",
]  # fmt: skip

_SHORTEST = 1.0


def running_integrals(dataset: Dataset, state: StatePoint) -> pd.DataFrame:
    """Kirkwood-Buff integrals of one state against their upper end, raw and corrected.

    Returns
    -------
    pandas.DataFrame
        `pair`, `r_max`, `raw` (sharp end, g as it is) and `corrected` (closed box, weight of a finite volume), σ_AA³.
        Ends where the last σ of g is far from 1 are left out.
    """
    row = dataset.states.set_index("state_id").loc[state.state_id]
    n, n_b, volume = int(row["n_particles"]), int(row["n_b"]), row["n_particles"] / row["number_density"]
    rows = []
    for pair, others in zip(PAIRS, (n - n_b - 1, n_b, n_b - 1), strict=True):
        r, g, _ = _curve(dataset, state, pair)
        corrected = correct_closed_box(r, g, others, volume)
        width = r[1] - r[0]
        shell = 4 * np.pi * (r**2 + width**2 / 12) * width
        for end in r[r > _SHORTEST + 1.5 * state.sigma(pair)] + width / 2:
            inside = r < end
            try:
                value = float(integrate_rdf(r, corrected, float(end)))
            except ValueError:  # too near to be an estimate of the integral over all distances
                continue
            rows.append((pair, float(end), float((g[inside] - 1) @ shell[inside]), value))
    return pd.DataFrame(rows, columns=["pair", "r_max", "raw", "corrected"])


def _curve(dataset: Dataset, state: StatePoint, pair: str) -> tuple[FloatArray, FloatArray, FloatArray]:
    rdf = dataset.rdf
    rows = rdf[(rdf["state_id"] == state.state_id) & (rdf["pair"] == pair)].sort_values("r")
    r, g, sem = (rows[name].to_numpy(dtype=float) for name in ("r", "g", "g_sem"))
    return r, g, sem


def activity_curves(
    isotherms: Mapping[tuple[float, float, float], Isotherm],
    chosen: Iterable[tuple[float, float, float]],
    strength: float = 1.0,
) -> pd.DataFrame:
    """Ln γ_B along isotherms, referred to infinite dilution, by simulation and by PeTS.

    Parameters
    ----------
    isotherms : mapping
    chosen : iterable of (T*, S, ε_AB)
        Those that are not among `isotherms` are left out.
    strength : float
        Factor of k = 1 − ε_AB in PeTS.

    Returns
    -------
    pandas.DataFrame
        `label`, `size_ratio`, `fraction_b`, `log_activity`, `log_activity_sem`, `theory`.
    """
    parts = []
    for key in chosen:
        if key not in isotherms:
            continue
        temperature, size_ratio, epsilon = key
        x = np.linspace(0.0, isotherms[key].x_max, 41)
        value, sem = isotherms[key].log_activity_b(x)
        parts.append(
            pd.DataFrame(
                {
                    "label": f"T* {temperature:g}, S {size_ratio:g}, ε {epsilon:g}", "size_ratio": size_ratio,
                    "fraction_b": x, "log_activity": value, "log_activity_sem": sem,
                    "theory": _log_activity_by_theory(key, strength, x),
                }
            )
        )  # fmt: skip
    if not parts:
        raise ValueError("none of the chosen isotherms is mixed and converged throughout; choose others")
    return pd.concat(parts, ignore_index=True)


def _log_activity_by_theory(key: tuple[float, float, float], strength: float, x: FloatArray) -> FloatArray:
    values = []
    for fraction in x.tolist():
        liquid = equation_of_state(StatePoint(key[0], fraction, key[1], key[2]), strength)
        # ln(γ_B x_B) is ln(ρ_B) + β μ_ex but for a constant.
        values.append(float(liquid.chemical_potential[1]) / key[0] + float(np.log(liquid.density)))
    return np.array(values) - values[0]


def solutes_by_theory(henry: pd.DataFrame, strength: float) -> pd.DataFrame:
    """μ_ex of a dissolved B by PeTS, for the states of a table: `mu` as it is, `mu_scaled` with k scaled."""
    keys = henry[["temperature", "pressure", "size_ratio", "epsilon_ab"]].drop_duplicates().reset_index(drop=True)
    states = [StatePoint(r["temperature"], 0.0, r["size_ratio"], r["epsilon_ab"], r["pressure"])
              for r in keys.to_dict("records")]  # fmt: skip
    return keys.assign(
        mu=[float(equation_of_state(state).chemical_potential[1]) for state in states],
        mu_scaled=[float(equation_of_state(state, strength).chemical_potential[1]) for state in states],
    )


def fit_strength(henry: pd.DataFrame) -> float:
    """Factor of k = 1 − ε_AB with which PeTS meets the dissolved B best, by the root mean square of μ_ex.

    Raises
    ------
    ValueError
        If no state has ε_AB other than 1, where k is zero.
    """
    values = best_values(henry[(henry["epsilon_ab"] < 1) & (henry["pressure"] == 1)])
    if values.empty:
        raise ValueError("the table holds no solute with epsilon_ab below 1; k is zero there")

    def miss(strength: float) -> float:
        return float(np.mean((solutes_by_theory(values, strength)["mu_scaled"] - values["mu"]) ** 2))

    return float(minimize_scalar(miss, bounds=(0.3, 1.3), method="bounded", options={"xatol": 1e-3}).x)


def compare_with_theory(dataset: Dataset, derived: pd.DataFrame, strength: float = 1.0) -> pd.DataFrame:
    """Density, Γ, compressibility and partial volumes of PeTS beside those simulated.

    Returns
    -------
    pandas.DataFrame
        `state_id`, its numbers, and for each quantity its simulated value, `_sem`, and `_theory`.
    """
    table = derived.merge(dataset.states[["state_id", "number_density_sem"]], on="state_id")
    liquids = [equation_of_state(state, strength) for state in state_points(table)]
    names = [
        "state_id",
        "temperature",
        "fraction_b",
        "size_ratio",
        "epsilon_ab",
        "number_density",
        "number_density_sem",
    ]
    simulated = ["factor_waves", "factor_waves_sem", "compressibility_waves", "compressibility_waves_sem",
                 "volume_a_waves", "volume_a_waves_sem", "volume_b_waves", "volume_b_waves_sem"]  # fmt: skip
    return table[names + simulated].assign(
        number_density_theory=[liquid.density for liquid in liquids],
        factor_theory=[liquid.thermodynamic_factor for liquid in liquids],
        compressibility_theory=[liquid.compressibility for liquid in liquids],
        volume_a_theory=[float(liquid.partial_volume[0]) for liquid in liquids],
        volume_b_theory=[float(liquid.partial_volume[1]) for liquid in liquids],
    )


def compare_coexistence(paths: Iterable[Path], strength: float) -> pd.DataFrame:
    """Compositions of two coexisting liquids, simulated and by PeTS with a scaled k.

    Parameters
    ----------
    paths : iterable of Path
        Parts of a campaign (`ljmix.release.part_files`); those that are demixed and have converged are used.
    strength : float
        Factor of k = 1 − ε_AB in PeTS.

    Returns
    -------
    pandas.DataFrame
        `state_id`, `lean`, `rich` (C_B of the A-rich and of the B-rich liquid, inside their domains), `theory` ("two
        liquids", "one liquid", or "not found" where its flash does not converge, as near a critical point),
        `lean_theory`, `rich_theory` (NaN but for two liquids).
    """
    rows = []
    for path in paths:
        header = read_part(path).header
        runs = [header["starts"][number] for number in header["counted"]]
        if not header["converged"] or any(run["phase"] != "demixed" for run in runs):
            continue
        state = StatePoint(**header["state"])
        lean, rich = (
            float(np.mean([run["domains"][name]["late"][0] for run in runs])) for name in ("x_b_lean", "x_b_rich")
        )
        try:
            pair = coexisting_fractions(state, strength)
            found = "two liquids" if pair else "one liquid"
        except ValueError:
            pair, found = None, "not found"
        rows.append((state.state_id, lean, rich, found, *(pair or (np.nan, np.nan))))
    return pd.DataFrame(rows, columns=["state_id", "lean", "rich", "theory", "lean_theory", "rich_theory"])


def mean_force_curves(dataset: Dataset, states: Iterable[StatePoint], pair: str = "BB") -> pd.DataFrame:
    """Potential of mean force of states, with the pair potential: `epsilon_ab`, `r`, `w`, `w_sem`, `direct`."""
    parts = []
    for state in states:
        r, g, sem = _curve(dataset, state, pair)
        w, w_sem = mean_force_potential(g, sem, state.temperature)
        table = pd.DataFrame({"r": r, "w": w, "w_sem": w_sem, "direct": direct_potential(r, state, pair)})
        parts.append(table[np.isfinite(w)].assign(epsilon_ab=state.epsilon_ab))
    return pd.concat(parts, ignore_index=True)


def tabulate_wells(dataset: Dataset, pair: str = "BB") -> pd.DataFrame:
    """Wells of the potential of mean force in all mixed, settled states.

    Returns
    -------
    pandas.DataFrame
        The state, `distance`, `depth`, `depth_sem`, `direct`, `solvent`, `barrier_distance`, `barrier`, `barrier_sem`.
    """
    good = (dataset.states["phase"] == "mixed") & dataset.states["settled"]
    rows = []
    for state in state_points(dataset.states[good]):
        well = describe_well(*_curve(dataset, state, pair), state, pair)
        rows.append(state.as_dict() | {"state_id": state.state_id} | vars(well) | {"solvent": well.solvent})
    return pd.DataFrame(rows)


def raw_compressibility(dataset: Dataset) -> pd.DataFrame:
    """Compressibility from curves as they are, integrated to a sharp end: a warning, not a result.

    Returns
    -------
    pandas.DataFrame
        One row a mixed, converged state, in the order of the dataset: `state_id`, `isothermal_compressibility` (from
        volume fluctuations) and `compressibility_raw`, σ_AA³/ε_AA.
    """
    states = dataset.states[(dataset.states["phase"] == "mixed") & dataset.states["converged"]]
    r, g = dataset.select(dataset.states["state_id"].isin(states["state_id"])).curve_array(r_max=np.inf)
    width = r[1] - r[0]
    integrals = (g - 1) @ (4 * np.pi * (r**2 + width**2 / 12) * width)
    found = [
        float(derive(inverse_from_integrals(g_ij, n_b / n, rho), n_b / n, rho, t).compressibility)
        for g_ij, n, n_b, rho, t in zip(
            integrals, *(states[name] for name in ("n_particles", "n_b", "number_density", "temperature")), strict=True
        )
    ]
    return states[["state_id", "isothermal_compressibility"]].assign(compressibility_raw=found).reset_index(drop=True)


def colour_difference(colour: pd.DataFrame, first: str, second: str) -> pd.Series:
    """Difference of two G_ij of colour mixtures by waves, in standard errors.

    Where labels say nothing, concentration waves have S_cc(0) = x_A x_B Γ⁻¹, independent of those of the density: the
    differences of the G_ij follow from Γ alone, and so does their error.
    """
    difference = colour[f"integral_{first}_waves"] - colour[f"integral_{second}_waves"]
    x_b = colour["share_b"]
    own = {"aa": 1 - x_b, "bb": x_b}[first]
    # G_ii − G_AB = (S_cc/(x_A x_B) − 1)/(ρ x_i) for labels drawn at random.
    error = colour["factor_waves_sem"] / colour["factor_waves"] ** 2 / (colour["number_density"] * own)
    return difference / error
