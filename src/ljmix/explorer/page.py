"""One page of HTML with sliders, curves and numbers: no server, no network, no Python.

::

    python -m ljmix.explorer.page --surrogate my-surrogate --output explorer.html
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import Any

from ljmix._util.atomic import require_writable, write_text
from ljmix._util.command import one_sentence
from ljmix.data.dataset import Dataset
from ljmix.data.reference import load_reference
from ljmix.explorer.snapshots import Snapshots, shipped_configurations
from ljmix.explorer.table import make_table
from ljmix.report.metrics import plain
from ljmix.surrogate.shipped import load_surrogate
from ljmix.surrogate.surrogate import Surrogate

__all__ = ["MOST_BYTES", "format_page", "write_page"]

MOST_BYTES = 6_000_000
"""Of the page: it is loaded at once."""


def format_page(table: dict[str, Any]) -> str:
    """Page with its table inside.

    Parameters
    ----------
    table : dict
        Of `ljmix.explorer.table.make_table`, and `origin`: what was asked, in a sentence.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If it would be larger than `MOST_BYTES`.
    """
    template = resources.files("ljmix.explorer").joinpath("page.html").read_text(encoding="utf-8")
    # Text inside a script element ends at the first "</".
    content = json.dumps(plain(table), separators=(",", ":"), ensure_ascii=False).replace("</", "<\\/")
    page = template.replace("@DATA@", content)
    size = len(page.encode())
    if size > MOST_BYTES:
        raise ValueError(
            f"the page has {size / 1e6:.1f} MB; at most {MOST_BYTES / 1e6:g} are allowed, take fewer states"
        )
    return page


def write_page(
    surrogate: Surrogate,
    dataset: Dataset,
    path: Path | str,
    snapshots: Snapshots | None = None,
    *,
    exact: bool = True,
    progress: bool = False,
) -> Path:
    """Ask a surrogate for the page's grid of states, and write the page.

    Parameters
    ----------
    surrogate : Surrogate
    dataset : Dataset
        Simulated states, drawn over the answers.
    path : Path
    snapshots : Snapshots, optional
        Of some of these states.
    exact : bool
        Solve theory, some minutes; otherwise emulate it.
    progress : bool
        Show a bar.

    Returns
    -------
    Path
    """
    path = Path(path)
    require_writable(path.parent)
    about = surrogate.about
    origin = (
        f"Trained on {len(surrogate.states)} states of profile {about.get('profile', 'unknown')}, dataset "
        f"{about.get('sha256', '')[:12]}; theory {'solved' if exact else 'emulated'}."
    )
    table = make_table(surrogate, dataset, snapshots, exact=exact, progress=progress)
    write_text(path, format_page(table | {"origin": origin}))
    return path


def main(arguments: Iterable[str] | None = None) -> None:
    """Write the page from the command line."""
    parser = argparse.ArgumentParser(prog="python -m ljmix.explorer.page", description="Write a page with sliders.")
    parser.add_argument("--surrogate", type=Path, help="folder of a trained one; by default the shipped one")
    parser.add_argument("--output", type=Path, required=True, help="HTML file to write")
    parser.add_argument("--emulated", action="store_true", help="emulate theory: seconds instead of minutes")
    options = parser.parse_args(None if arguments is None else list(arguments))
    with one_sentence(parser):
        surrogate, dataset = load_surrogate(options.surrogate), load_reference()
        snapshots = Snapshots.read(dataset, shipped_configurations())
        path = write_page(surrogate, dataset, options.output, snapshots, exact=not options.emulated, progress=True)
        print(f"{path}: {path.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
