"""Diffusion free of the box, viscosity, and whether one curve of entropy holds all mixtures."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ljmix.data.dataset import Dataset
from ljmix.properties.time_correlation import YEH_HUMMER, finite_box_correction
from ljmix.state import PAIRS
from ljmix.structure.pair_integrals import pair_entropy

__all__ = ["box_limit", "compare_mutual_diffusion", "correct_boxes", "entropy_scatter", "scale_by_entropy"]

_STATE = ["temperature", "fraction_b", "size_ratio", "epsilon_ab"]


def correct_boxes(transport: pd.DataFrame) -> pd.DataFrame:
    """Self-diffusion of every box, corrected by the viscosity that was measured.

    Parameters
    ----------
    transport : pandas.DataFrame
        As the campaign of `ljmix.thermodynamics.campaign` leaves it.

    Returns
    -------
    pandas.DataFrame
        One row a box and species: the state, `n_particles`, `box_edge`, `species`, `diffusion` (from displacements),
        `green_kubo`, `viscosity` (mean of the boxes of the state, weighted), `infinite` (D∞ = D + 2.837297 T*/(6π η L))
        with `_sem`; of D∞ from both its parts.
    """
    rows = []
    for _, boxes in transport.groupby(_STATE):
        weight = boxes["viscosity_sem"].to_numpy() ** -2.0
        viscosity = float(np.average(boxes["viscosity"], weights=weight))
        viscosity_sem = float(weight.sum() ** -0.5)
        for box in boxes.sort_values("n_particles").to_dict("records"):
            shift = finite_box_correction(box["temperature"], viscosity, box["box_edge"])
            for species in "ab":
                value, sem = box[f"msd_{species}"], box[f"msd_{species}_sem"]
                rows.append(
                    {name: box[name] for name in (*_STATE, "n_particles", "box_edge")}
                    | {
                        "species": species.upper(), "diffusion": value, "diffusion_sem": sem,
                        "green_kubo": box[f"green_kubo_{species}"],
                        "green_kubo_sem": box[f"green_kubo_{species}_sem"], "viscosity": viscosity,
                        "viscosity_sem": viscosity_sem, "infinite": value + shift,
                        "infinite_sem": float(np.hypot(sem, shift * viscosity_sem / viscosity)),
                    }
                )  # fmt: skip
    return pd.DataFrame(rows)


def box_limit(corrected: pd.DataFrame) -> pd.DataFrame:
    """D∞ without a viscosity: the line D = D∞ − 2.837297 T*/(6π η L) through the boxes of a state, per species.

    Returns
    -------
    pandas.DataFrame
        The state, `species`, `intercept` (D∞) and `viscosity_of_line` with `_sem`, and `viscosity`, `viscosity_sem` as
        measured by Green and Kubo. States with fewer than three boxes are left out.
    """
    rows = []
    for key, boxes in corrected.groupby([*_STATE, "species"]):
        if len(boxes) < 3:
            continue
        x, y, sem = 1 / boxes["box_edge"].to_numpy(), boxes["diffusion"].to_numpy(), boxes["diffusion_sem"].to_numpy()
        design = np.stack([np.ones_like(x), x], axis=1) / sem[:, None]
        covariance = np.linalg.inv(design.T @ design)
        intercept, slope = covariance @ design.T @ (y / sem)
        scale = YEH_HUMMER * float(boxes["temperature"].iloc[0]) / (6 * np.pi)
        rows.append(
            dict(zip([*_STATE, "species"], key, strict=True))
            | {
                "intercept": intercept, "intercept_sem": covariance[0, 0] ** 0.5, "viscosity_of_line": -scale / slope,
                "viscosity_of_line_sem": scale * covariance[1, 1] ** 0.5 / slope**2,
                "viscosity": boxes["viscosity"].iloc[0], "viscosity_sem": boxes["viscosity_sem"].iloc[0],
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def compare_mutual_diffusion(transport: pd.DataFrame) -> pd.DataFrame:
    """Maxwell-Stefan diffusion measured, against Darken's x_B D_A + x_A D_B of the same box.

    Returns
    -------
    pandas.DataFrame
        The state, `n_particles`, `maxwell_stefan`, `darken` with `_sem`, and `z`.
    """
    boxes = transport[transport["maxwell_stefan"].notna()]
    x_b = boxes["n_b"] / boxes["n_particles"]
    darken = x_b * boxes["msd_a"] + (1 - x_b) * boxes["msd_b"]
    sem = np.hypot(x_b * boxes["msd_a_sem"], (1 - x_b) * boxes["msd_b_sem"])
    columns = [*_STATE, "n_particles", "maxwell_stefan", "maxwell_stefan_sem"]
    table = boxes[columns].assign(darken=darken, darken_sem=sem)
    error = np.hypot(table["maxwell_stefan_sem"], table["darken_sem"])
    return table.assign(z=(table["maxwell_stefan"] - table["darken"]) / error)


def scale_by_entropy(dataset: Dataset) -> pd.DataFrame:
    """Diffusion in units of the liquid's own density and temperature, against the entropy of pairs.

    D* = D ρ^(1/3) √(m/T*), which in simple liquids is a function of the excess entropy alone (Rosenfeld 1977,
    doi:10.1103/PhysRevA.15.2545). Diffusion is that of the box, not corrected.

    Parameters
    ----------
    dataset : Dataset

    Returns
    -------
    pandas.DataFrame
        One row a species of a mixed, converged state with a diffusion coefficient: `state_id`, its numbers, `species`,
        `entropy` (s₂, k_B) and `reduced_diffusion`, with `_sem`.
    """
    states = dataset.states
    states = states[(states["phase"] == "mixed") & states["converged"]]
    curves = dataset.rdf[dataset.rdf["state_id"].isin(states["state_id"])]
    wide = {
        state: {pair: part.sort_values("r") for pair, part in rows.groupby("pair", observed=True)}
        for state, rows in curves.groupby("state_id", observed=True)
    }
    rows = []
    for state in states.to_dict("records"):
        parts = wide[state["state_id"]]
        r = parts["AA"]["r"].to_numpy(dtype=float)
        g, sem = ({pair: parts[pair][name].to_numpy(dtype=float) for pair in PAIRS} for name in ("g", "g_sem"))
        entropy, entropy_sem = pair_entropy(r, g, sem, state["n_b"] / state["n_particles"], state["number_density"])
        unit = state["number_density"] ** (1 / 3) / state["temperature"] ** 0.5
        for species in "ab":
            if np.isfinite(state[f"diffusion_{species}"]):
                rows.append(
                    {name: state[name] for name in ("state_id", *_STATE)}
                    | {
                        "species": species.upper(), "entropy": entropy, "entropy_sem": entropy_sem,
                        "reduced_diffusion": state[f"diffusion_{species}"] * unit,
                        "reduced_diffusion_sem": state[f"diffusion_{species}_sem"] * unit,
                    }
                )  # fmt: skip
    return pd.DataFrame(rows)


def entropy_scatter(scaled: pd.DataFrame) -> pd.DataFrame:
    """How far reduced diffusion scatters about a straight line ln D* = a + b s₂, for all particles and for groups.

    Returns
    -------
    pandas.DataFrame
        Index: "all", and each size ratio and species; `particles` (rows), `level` (a), `slope` (b) and `scatter`, the
        root mean square of ln D* about the line.
    """
    groups = {"all": scaled}
    groups |= {f"S {size:g}, {species}": rows for (size, species), rows in scaled.groupby(["size_ratio", "species"])}
    rows = {}
    for name, group in groups.items():
        y = np.log(group["reduced_diffusion"].to_numpy(dtype=float))
        slope, level = np.polyfit(group["entropy"], y, 1)
        scatter = float(np.std(y - level - slope * group["entropy"].to_numpy()))
        rows[name] = {"particles": len(group), "level": level, "slope": slope, "scatter": scatter}
    return pd.DataFrame(rows).T
