"""Commands of ljmix: ``python -m ljmix``, or ``ljmix``.

``ljmix COMMAND --help`` explains each.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

import ljmix
from ljmix._util.atomic import replace_when_whole, require_writable
from ljmix._util.command import one_sentence, write_anywhere

__all__ = ["main"]

_COMMANDS = {
    "simulate": ("ljmix.__main__:simulate", "simulate one mixture and write its curves"),
    "predict": ("ljmix.__main__:predict", "ask a shipped model for the curves of a mixture"),
    "campaign": ("ljmix.simulation.campaign:main", "simulate all states of a profile, in parallel; resumable"),
    "collect": ("ljmix.data.collect:main", "make the tables from a campaign's finished runs"),
    "report": ("ljmix.report.readme:main", "write published numbers into the pages"),
    "doctor": ("ljmix.report.doctor:main", "say what works here, what does not, and what to do"),
    "speed": ("ljmix.engine_validation.speed:main", "measure an engine's speed for several states at once"),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command from the command line."""
    write_anywhere()
    given = list(sys.argv[1:] if arguments is None else arguments)
    width = max(map(len, _COMMANDS))
    listed = "\n".join(f"  {name:{width}}  {what}" for name, (_, what) in _COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="ljmix",
        description="Structure of binary Lennard-Jones mixtures: simulate, measure, learn, explain.",
        epilog=f"commands:\n{listed}\n\nljmix COMMAND --help explains each.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="ljmix COMMAND [options]",
        add_help=False,
    )
    if not given or given[0] in ("-h", "--help", "help"):
        parser.print_help()
        return
    if given[0] in ("-V", "--version", "version"):
        print(ljmix.__version__)
        return
    if given[0] not in _COMMANDS:
        parser.exit(2, f"ljmix: command {given[0]!r} is unknown; choose one of {', '.join(_COMMANDS)}\n")
    module, _, function = _COMMANDS[given[0]][0].partition(":")
    # Each command reads the command line itself, and names itself by its first word.
    sys.argv = [f"ljmix {given[0]}", *given[1:]]
    getattr(importlib.import_module(module), function)()


def _add_state(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("temperature", type=float, help="T* = k_B T / ε_AA, for instance 0.9")
    parser.add_argument("fraction_b", type=float, help="C_B, share of B among the particles, 0 to 1")
    parser.add_argument("size_ratio", type=float, help="S = σ_BB / σ_AA")
    parser.add_argument("epsilon_ab", type=float, help="ε_AB / ε_AA, attraction between unlike particles")
    parser.add_argument("--output", type=Path, help="CSV file to write the curves to; by default they are summarised")


def _state_of(options: argparse.Namespace) -> ljmix.StatePoint:
    return ljmix.StatePoint(options.temperature, options.fraction_b, options.size_ratio, options.epsilon_ab)


def simulate() -> None:
    """Simulate one mixture from the command line."""
    parser = argparse.ArgumentParser(description="Simulate one mixture; interrupted, the same command goes on.")
    _add_state(parser)
    parser.add_argument("--profile", default="quick", help="smoke, quick (default), reference, equilibrium or paper")
    parser.add_argument("--seed", type=int, default=0, help="another number, another independent run")
    parser.add_argument("--engine", default="auto", help="auto, hoomd or lammps")
    parser.add_argument("--device", default="auto", help="auto, cpu, gpu or gpu:<index>")
    parser.add_argument("--folder", type=Path, help="where to write; by default ljmix-runs")
    parser.add_argument("--density", type=float, help="hold this number density instead of the pressure")
    options = parser.parse_args()
    with one_sentence(parser):
        state = _state_of(options)
        _check_output(options.output)
        run = ljmix.simulate(
            state,
            options.profile,
            seed=options.seed,
            engine=options.engine,
            device=options.device,
            folder=options.folder,
            density=options.density,
        )
        print(run)
        _write_curves(run.rdf(), options.output)


def predict() -> None:
    """Predict the curves of one mixture from the command line."""
    parser = argparse.ArgumentParser(description="Ask a shipped model for the curves of a mixture.")
    _add_state(parser)
    parser.add_argument("--model", default="gaussian-process", help="a shipped model, or a folder with a trained one")
    options = parser.parse_args()
    with one_sentence(parser):
        state = _state_of(options)
        model = ljmix.load_model(options.model)
        _check_output(options.output)
        _write_curves(model.predict(state), options.output)


def _check_output(output: Path | None) -> None:
    """Say before the work that its result could not be written, not after it."""
    if output is None:
        return
    if output.is_dir():
        raise IsADirectoryError(f"{output} is a folder; give the name of a file")
    require_writable(output.parent)


def _write_curves(curves: pd.DataFrame, output: Path | None) -> None:
    if output is not None:
        with replace_when_whole(output) as part:
            curves.to_csv(part, index=False)
        print(f"wrote {output}")
        return
    highest = curves.loc[curves.groupby("pair")["g"].idxmax(), [c for c in ("pair", "r", "g", "g_sem") if c in curves]]
    print("highest point of each curve:")
    print(highest.round(4).to_string(index=False))


if __name__ == "__main__":
    main()
