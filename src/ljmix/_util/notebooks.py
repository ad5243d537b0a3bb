"""Run a notebook with parameters, strictly: an unknown parameter is an error, the output appears whole.

::

    python -m ljmix._util.notebooks notebooks/01-simulate.ipynb results/quick/01-simulate.ipynb profile=quick
"""

from __future__ import annotations

import argparse
import ast
import logging
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import papermill
from nbclient.exceptions import DeadKernelError

from ljmix._util.atomic import replace_when_whole

__all__ = ["execute_notebook"]

CELL_TIMEOUT = 14 * 24 * 3600
"""Longest time a cell may take, s: the largest campaign, not a hang, should be what ends it."""


def execute_notebook(source: Path, output: Path, parameters: Mapping[str, Any]) -> None:
    """Execute a notebook in its own folder, as JupyterLab does, and write the executed copy.

    Parameters
    ----------
    source, output : Path
    parameters : mapping
        Values for names that the cell tagged `parameters` assigns.

    Raises
    ------
    FileNotFoundError
        If the notebook is not there.
    ValueError
        If a parameter is not in that cell.
    papermill.PapermillExecutionError, nbclient.exceptions.DeadKernelError
        If a cell fails, or its kernel dies; what was executed is kept in ``<output>.failed.ipynb``.
    """
    if not source.is_file():
        raise FileNotFoundError(f"notebook {source} does not exist")
    known = papermill.inspect_notebook(str(source))
    for name in parameters:
        if name not in known:
            raise ValueError(f"{source.name} has no parameter {name!r}; it has {', '.join(known) or 'none'}")
    failed = output.with_suffix(".failed.ipynb")
    failed.unlink(missing_ok=True)
    with replace_when_whole(output) as part:
        try:
            papermill.execute_notebook(
                str(source),
                str(part),
                parameters=dict(parameters),
                cwd=str(source.parent),
                progress_bar=False,
                log_output=True,
                execution_timeout=CELL_TIMEOUT,
            )
        except Exception:
            # papermill writes after every cell, so that also a dead kernel leaves its cells.
            if part.exists():
                part.replace(failed)
            raise


def _read_parameter(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"parameter {text!r}: must look like name=value")
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value


def main() -> None:
    """Execute a notebook from the command line."""
    parser = argparse.ArgumentParser(description="Execute a notebook with parameters.")
    parser.add_argument("source", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("parameters", nargs="*", metavar="name=value")
    arguments = parser.parse_args()
    # papermill logs what cells print, progress bars included.
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    logging.getLogger("papermill.translators").setLevel(logging.ERROR)
    try:
        parameters = dict(map(_read_parameter, arguments.parameters))
        execute_notebook(arguments.source, arguments.output, parameters)
    except (ValueError, OSError) as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    except (papermill.PapermillExecutionError, DeadKernelError) as error:
        kept = os.path.relpath(arguments.output.with_suffix(".failed.ipynb"))
        memory = " (most often for want of memory)" if isinstance(error, DeadKernelError) else ""
        parser.exit(1, f"{error}{memory}\n{arguments.source.name} failed; its cells up to there are in {kept}\n")


if __name__ == "__main__":
    main()
