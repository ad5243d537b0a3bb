"""Captions of the figures that notebooks beside the paper's draw, each from its section of the metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ljmix.report.learned import potential_captions

__all__ = ["CAPTIONS"]


def _validation_captions(validation: Mapping[str, Any]) -> dict[str, str]:
    scores = validation["all states"]["mean absolute t of all bins"]
    others = {
        name: group for name, group in validation.items() if isinstance(group, Mapping) and "largest_sigmas" in group
    }
    outside = [group["largest_sigmas"] for name, group in others.items() if name != "agreement"]
    agreement = validation["agreement"]
    return {
        "validation-agreement": "HOOMD-blue against LAMMPS on twelve states, every bin of every curve: mean |t| "
        f"{scores['observed']:.2f}, where an engine with itself gives {scores['expected']:.2f} ± "
        f"{scores['error']:.2f}; the largest of {agreement['lines']} deviations is {agreement['largest_sigmas']:.1f} "
        f"standard errors, {validation['doubtful']} lines of all checks are doubtful and {validation['off']} off "
        "([all lines](validation.md)).",
        "validation-references": "Both engines against the published peaks of the Kob-Andersen mixture (A), the ratio "
        "of volume distributions at two pressures (B), and the order of the integrator (C); the largest deviation of "
        f"{len(outside)} groups of checks is {max(outside):.1f} standard errors.",
    }


def _thermodynamics_captions(found: Mapping[str, Any]) -> dict[str, str]:
    routes = {(line["quantity"], line["first_route"], line["second_route"]): line for line in found["routes"]}
    factor = routes["thermodynamic factor", "S(k→0)", "integral of g"]
    waves, curves = (routes["compressibility", route, "volume fluctuations"] for route in ("S(k→0)", "integral of g"))
    line, scatter = found["gibbs_helmholtz"], found["entropy_scatter"]
    lines, far = (sum(row[name] for row in found["routes"]) for name in ("lines", "beyond_three"))
    return {
        "thermodynamics-integrals": "Kirkwood-Buff integrals of one state against their upper end, raw (thin) and "
        "corrected, beside those from waves (diamonds, A); the thermodynamic factor by both routes in "
        f"{factor['lines']} states (B), whose median deviation is {factor['median_deviation']:.1%}; their difference "
        f"over its standard error (C): mean {factor['mean']:.2f}, spread {factor['spread']:.2f}.",
        "thermodynamics-activity": f"Activity coefficients along isotherms ({found['isotherms']} are mixed "
        "throughout), dashes by the equation of state PeTS (A). The relation of Gibbs and Helmholtz (B): slope "
        f"{line['slope']:.2f} ± {line['sem']:.2f}, {line['within_two']:.0%} of {line['states']} states within two "
        "standard errors.",
        "thermodynamics-solutes": "Chemical potential of one B in A by random insertion, a soft core and a growing "
        f"diameter (A), and PeTS minus these (B); open symbols with its k scaled by {found['strength']:.2f}.",
        "thermodynamics-forces": "Potential of mean force between dilute B (A), what of its depth is the solvent's "
        "(B), and the barrier behind the well (C).",
        "thermodynamics-transport": "Diffusion in boxes of three sizes, as it is (open) and corrected by the viscosity "
        "(full, A). Reduced diffusion against the entropy of pairs (B): no one line holds all mixtures; ln D* scatters "
        f"by {scatter['all']:.2f} about the best one, by {scatter['S 1, A']:.2f} for A in mixtures of one size.",
        "thermodynamics-routes": "Every quantity that two routes give, in every state, over the standard error of the "
        f"difference: {far} of {lines} lines lie beyond three ([all of them](thermodynamics.md)). The compressibility "
        f"from waves differs from that by volume fluctuations by {waves['median_deviation']:.0%} in the median, from "
        f"curves by {curves['median_deviation']:.0%}.",
    }


def _functional_captions(functional: Mapping[str, Any]) -> dict[str, str]:
    learned, theory, noise = (functional[name] for name in ("learned", "theory", "noise"))
    captions = {
        "functional-rods": "Hard rods, where the functional is known: an unseen profile (A), its direct correlation "
        "function, exact and learned (B), and the error of what is learned from more and from noisier profiles (C).",
        "functional-profiles": "Walls and fields that were not learned from. Profile error, median and worst: "
        f"{100 * learned['profile_median']:.1f} and {100 * learned['profile_worst']:.1f} %, by theory alone "
        f"{100 * theory['profile_median']:.1f} and {100 * theory['profile_worst']:.1f} %; the simulations' noise is "
        f"{100 * noise['profile_median']:.1f} %.",
        "functional-fluid": "The uniform fluid at densities that were not learned from: the pressure is missed by "
        f"{100 * learned['pressure_worst']:.1f} % at most (noise up to {100 * noise['pressure_worst']:.1f} %; theory "
        f"{100 * theory['pressure_worst']:.0f} %), S(k) by {learned['structure_rms']:.3f} (r.m.s.; noise "
        f"{noise['structure_rms']:.3f}; theory {theory['structure_rms']:.3f}).",
    }
    captions["functional-learning"] = (
        "What it takes: every point is one draw of training fields and first weights, scored on the test set; lines "
        "are medians, dashed lines the aims. P, S(k): no profile at all, only the uniform fluid."
    )
    if "critical_point" in functional:
        temperature, density = functional["critical_point"]["learned"]
        captions["functional-coexistence"] = (
            f"Liquid and vapour: critical point T* = {temperature:.3f}, ρ* = {density:.2f} (simulation 1.078, 0.319), "
            "and the interface at T* = 1."
        )
    if "two_liquids" in functional:
        liquids = functional["two_liquids"]
        captions["functional-two-liquids"] = (
            f"Two liquids of the symmetric mixture: compositions (A; points are simulated, broken lines theory alone), "
            f"missed by a factor of {liquids['learned']['factor']:.2f} in the mean (theory "
            f"{liquids['theory']['factor']:.1f}); the interface at T* = 1.2, ε_AB = 0.4 (B), and its tension (C)."
        )
    if "channel" in functional:
        captions["functional-channel"] = (
            "A channel of 100 σ between walls with four stripes that attract liquid (A), and one of the stripes "
            f"simulated twice (B, C): along the channel the error is {100 * functional['channel']['error']:.1f} %."
        )
    if "cost" in functional:
        ratios = functional["cost"]["ratio"]
        captions["functional-cost"] = (
            "What a profile costs: simulations that grow longer (circles) and the functional (stars). At equal "
            f"accuracy a simulation takes {min(ratios):.0f} to {max(ratios):.0f} times as long."
        )
    return captions


CAPTIONS: dict[str, Callable[[Mapping[str, Any]], dict[str, str]]] = {
    "validation": _validation_captions,
    "thermodynamics": _thermodynamics_captions,
    "potentials": potential_captions,
    "functional": _functional_captions,
}
"""By section: captions by the name of the figure, in the order of the gallery."""
