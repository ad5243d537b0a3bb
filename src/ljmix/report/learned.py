"""Captions of the figures of learned potentials, with numbers from `metrics.json`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ljmix.report.readme import format_share

__all__ = ["potential_captions"]

_RUNS = {"pair": "pair spline", "many-body": "POD with triplets"}
_WORLDS = {"lennard-jones": "Lennard-Jones", "three-body": "three-body forces"}
_ALL, _FORCES = "forces, energy, virial", "forces"


def potential_captions(learned: Mapping[str, Any]) -> dict[str, str]:
    """Captions by name of the figure."""
    error, bias = learned["force_error"], learned["pressure_bias"]
    pairs, triplets = "lennard-jones", "three-body"
    spline = {world: error[world]["pair spline"][_ALL] for world in (pairs, triplets)}
    pod = error[triplets]["POD, triplets"][_ALL]
    doubt, active, misfit = learned["doubt"], learned["active"], learned["misfit"]
    most = max(spline[pairs], key=int)
    without, with_virial = (bias[pairs]["POD, triplets"][weights]["12"] for weights in (_FORCES, _ALL))
    captions = {
        "learned-potential": "A pair potential learned from the forces of four frames of 400 particles (A, on top of "
        "the truth), and what is left of u (B) and of the force (C), with bands of two standard errors.",
        "learned-frames": "Errors at a composition that no fit saw, against the number of frames; faint markers are "
        f"draws. Median force error of the pair spline {_percent(spline[pairs]['4'])} with 4 frames and "
        f"{_percent(spline[pairs][most])} with {most}. With three-body forces it stops at "
        f"{_percent(spline[triplets][max(spline[triplets], key=int)])}; POD with triplets reaches "
        f"{_percent(pod[max(pod, key=int)])}.",
        "learned-compositions": "Errors at C_B = 0.35 of potentials of four frames, of one composition and of two, "
        "fitted to forces and energies; each marker is a draw, each bar a median. Forces of POD with pairs are as good "
        "from one composition, its energy is not.",
        "learned-transfer": "Potentials of four frames at T* = 1, C_B = 0.1 and 0.5, used elsewhere; each point is a "
        "draw, each bar a median. Stretched: the same functions of r/σ_ij.",
        "learned-lessons": "A small force error does not promise the right pressure; each marker is a fit. POD with "
        f"triplets of 12 frames in the Lennard-Jones world: bias {without:.2f} from forces alone, {with_virial:.3f} "
        "with energies and virials. Dashed: 0.005.",
        "learned-doubt": "A and B, doubt of a committee against true error; each point is a particle, and on the line "
        f"both are equal. Medians: Spearman's ρ {doubt[pairs]['rank']:.2f} and error over doubt "
        f"{doubt[pairs]['ratio']:.1f} where the truth is of pairs, {doubt[triplets]['rank']:.2f} and "
        f"{doubt[triplets]['ratio']:.1f} where it is not. C, active learning: from one frame to "
        f"{active['doubtful']['frames']:.0f} (median) by adding the most doubtful, to "
        f"{active['random']['frames']:.0f} by adding any.",
        "learned-runs": "Long runs at the unseen composition: 1 − R² of g against a run of the truth, pressure, "
        f"diffusion. Median misfit of g: Lennard-Jones, two runs of the truth {misfit[pairs]['truth']:.1e}, pair "
        f"spline {misfit[pairs]['pair']:.1e}; with three-body forces {misfit[triplets]['truth']:.1e} and "
        f"{misfit[triplets]['pair']:.1e}.",
    }
    captions["learned-mean-force"] = (
        "Potential of mean force, w(r) = −kT ln g(r), of long runs at the unseen composition: of the truth, and what "
        "the pair spline differs by, with bands of two standard errors from the scatter of runs."
    )
    more = {
        "learned-stability": "Energy and pressure of the longest runs with learned potentials, as differences to runs "
        "of the truth; each marker is a leg, with two standard errors. "
        + "; ".join(
            f"{_RUNS[kind]}, {_WORLDS[world]}: {run['steps']} steps of {run['n']} particles"
            for world, of_world in learned.get("stability", {}).items()
            for kind, run in of_world.items()
        )
        + ".",
        "learned-demixing": "Growth of the longest concentration waves of a mixture that separates, from the same "
        "random starts: truth, and a pair spline fitted to early frames.",
        "learned-inversion": "Potentials from g(r) alone by iterative Boltzmann inversion of three runs (A, after the "
        "last iteration), the misfit of their g (B), and their pressure (C); grey: the truth.",
    }
    return captions | {name: text for name, text in more.items() if name.removeprefix("learned-") in learned["studies"]}


def _percent(share: float) -> str:
    return format_share(share) if share >= 0.1 else f"{100 * share:.2g} %"
