"""All measures of the surrogate, by one command; stopped at any moment, the same command goes on.

::

    python -m ljmix.surrogate_scores.run --data data/reference --output results/reference/surrogate
    python -m ljmix.surrogate_scores.run --output … --measures latency bands    # some of them
    python -m ljmix.surrogate_scores.run --output … --off-grid data/off-grid    # the open half
    python -m ljmix.surrogate_scores.run --output … --off-grid data/off-grid --open-closed-half   # once, at the end

Fits and predictions are kept in ``folds`` of the output. Results go into ``scores.json``, and tables beside it. A
measure that is there from the same dataset, code and settings is not made again.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from tqdm import tqdm

from ljmix._util.atomic import require_writable, write_text
from ljmix._util.checks import require_int
from ljmix._util.command import one_sentence
from ljmix._util.provenance import describe_provenance
from ljmix._util.reading import read_json
from ljmix.data.dataset import Dataset, read_dataset, write_table
from ljmix.data.identity import checksum, identify
from ljmix.data.reference import load_reference
from ljmix.release.off_grid import HALVES
from ljmix.report.metrics import plain
from ljmix.surrogate.bands import Bands
from ljmix.surrogate.folds import Kept, digest_files
from ljmix.surrogate.surrogate import Surrogate
from ljmix.surrogate.training import EMULATED, FOLDS, require_own_surrogate, train_surrogate
from ljmix.surrogate_scores.coverage import score_bands
from ljmix.surrogate_scores.inversion import score_inversion
from ljmix.surrogate_scores.latency import measure_latency
from ljmix.surrogate_scores.off_grid import require_half, score_off_grid
from ljmix.surrogate_scores.proposals import score_proposals
from ljmix.surrogate_scores.targets import format_targets, tabulate_targets
from ljmix.surrogate_scores.tasks import TASKS, asked_tasks, score_task

__all__ = ["MEASURES", "QUICK", "SCORES", "measure_all", "read_scores"]

MEASURES = {
    **dict.fromkeys(TASKS, "curves, phase and density of states that were left out"),
    "bands": "whole states in bands, by groups that were left out",
    "latency": "times of answers",
    "inverse": "honesty of inferred numbers, by ranks",
    "propose": "choice of new simulations against chance and filling space",
}
"""What is measured, the quick ones first; off-grid states come with a folder of them."""
QUICK = (*TASKS, "bands", "latency")
"""Measures that need only fits which the surrogate's own bands need, and one more."""
SCORES = "scores.json"
_CLOSED = "closed_half"
_SETTINGS = {"states": 120, "steps": 500, "emulated": EMULATED, "repetitions": 10, "rounds": 1, "many": 1000}
_USED = {
    "latency": ("many", "emulated"),
    "inverse": ("states", "steps", "emulated"),
    "propose": ("repetitions", "rounds"),
    "open": ("emulated",),
    "closed": ("emulated",),
}
"""Settings that decide a measure."""


def read_scores(folder: Path | str) -> dict[str, Any]:
    """Results that `measure_all` has written into a folder; empty where there are none.

    Raises
    ------
    ValueError
        If the file is damaged.
    """
    path = Path(folder) / SCORES
    return read_json(path) if path.is_file() else {}


def measure_all(
    dataset: Dataset,
    folder: Path | str,
    measures: Iterable[str] | None = None,
    *,
    off_grid: Path | str | None = None,
    open_closed_half: bool = False,
    progress: bool = False,
    **settings: int,
) -> dict[str, Any]:
    """Measure, and write each result as soon as it is there.

    Parameters
    ----------
    dataset : Dataset
        To learn from.
    folder : Path
        To write to; a surrogate that is trained on the way is kept there too.
    measures : iterable of str, optional
        Of `MEASURES`; by default all.
    off_grid : Path, optional
        Folder of simulated states off the grid, one folder a half, as `ljmix.release.off_grid` ships them. The open
        half is scored; the closed one is not even read.
    open_closed_half : bool
        Score the closed half too. It can be opened once: results tell for ever that it was, and by what.
    progress : bool
        Show bars.
    **settings
        `states` and `steps` of the inverse problem, `emulated` liquids, `repetitions` and `rounds` of proposals,
        `many` states whose answers are timed.

    Returns
    -------
    dict
        As in ``scores.json``: `dataset`, `measures` by name, each with the `settings` that decided it, `targets`, and
        `closed_half` (whether it has been opened).

    Raises
    ------
    ValueError
        If a name is unknown, a number is out of range, a dataset lacks what a measure needs, or results of another
        dataset are in the folder.
    """
    folder = Path(folder)
    chosen = list(MEASURES if measures is None else measures)
    for name in chosen:
        if name not in MEASURES:
            raise ValueError(f"measure {name!r} is unknown; choose from {', '.join(MEASURES)}")
    for name, value in settings.items():
        if name not in _SETTINGS:
            raise ValueError(f"setting {name!r} is unknown; choose from {', '.join(_SETTINGS)}")
        require_int(name, value, 1)
    if open_closed_half and off_grid is None:
        raise ValueError("the closed half is part of the off-grid states; give their folder")
    if off_grid is not None and not (Path(off_grid) / HALVES[0] / "states.parquet").is_file():
        raise FileNotFoundError(f"{off_grid} holds no half {HALVES[0]!r} of the off-grid states")
    require_writable(folder)
    work = _Work(dataset, folder, _SETTINGS | settings, progress)
    work.require_own_results()
    missing = [name for name in chosen if name in TASKS and name not in asked_tasks(dataset)]
    for name in chosen:
        if name in missing:
            tqdm.write(f"{name}: the dataset has too little variety; not measured")
        else:
            work.measure(name)
    if off_grid is not None:
        work.measure_off_grid(Path(off_grid), open_closed_half)
    return read_scores(folder)


class _Work:
    """A dataset, what has been learned from it, and the file of results."""

    def __init__(self, dataset: Dataset, folder: Path, settings: Mapping[str, int], progress: bool) -> None:
        self.dataset, self.folder, self.settings, self.progress = dataset, folder, settings, progress
        self.kept = Kept(folder / FOLDS)
        self.code = digest_files(
            [path for room in ("surrogate", "surrogate_scores") for path in (_PACKAGE / room).rglob("*.py")]
        )
        self._bands: Bands | None = None
        self._surrogate: Surrogate | None = None

    def require_own_results(self) -> None:
        """Stop where the results, or the surrogate, that are there come from another dataset."""
        require_own_surrogate(self.dataset, self.folder)
        other = read_scores(self.folder).get("dataset", {}).get("sha256")
        if other not in (None, checksum(self.dataset)):
            raise ValueError(
                f"{self.folder / SCORES} holds results of another dataset, SHA-256 {other[:12]}…; give another folder, "
                "or remove it"
            )

    def bands(self) -> Bands:
        if self._bands is None:
            self._bands = Bands.fit(self.dataset, self.kept, progress=self.progress)
        return self._bands

    def surrogate(self) -> Surrogate:
        if self._surrogate is None:
            self._surrogate = train_surrogate(
                self.dataset, self.folder, emulated=self.settings["emulated"], progress=self.progress
            )
        return self._surrogate

    def measure(self, name: str) -> None:
        """One measure, if it is not there."""
        tasks: dict[str, Callable[[], tuple[dict[str, Any], pd.DataFrame | None]]] = {
            "bands": lambda: (score_bands(self.bands()), self.bands().scores),
            "latency": lambda: (measure_latency(self.surrogate(), self.settings["many"]), None),
            "inverse": lambda: score_inversion(
                self.dataset, self.kept, self.bands(), self.settings["states"], steps=self.settings["steps"],
                emulated=self.settings["emulated"], progress=self.progress,
            ),
            "propose": lambda: score_proposals(
                self.dataset, self.kept, self.settings["repetitions"], rounds=self.settings["rounds"],
                progress=self.progress,
            ),
        }  # fmt: skip
        self._once(name, tasks.get(name, lambda: score_task(self.dataset, name, self.kept, progress=self.progress)))

    def measure_off_grid(self, folder: Path, open_closed_half: bool) -> None:
        """The open half; and the closed one, which is noted before it is looked at."""
        test = require_half(read_dataset(folder / HALVES[0]), HALVES[0])
        self._once("open", lambda: score_off_grid(self.surrogate(), test), "off-grid", checksum(test))
        if open_closed_half:
            content = read_scores(self.folder)
            if not content.get(_CLOSED, {}).get("opened"):
                opened = {"opened": True, "code": self.code, "commit": _provenance(self.dataset)["commit"]}
                self._write(content | {_CLOSED: opened})
            closed = require_half(read_dataset(folder / HALVES[1]), HALVES[1])
            self._once("closed", lambda: score_off_grid(self.surrogate(), closed), "off-grid", checksum(closed))

    def _once(
        self, name: str, make: Callable[[], tuple[dict[str, Any], pd.DataFrame | None]], section: str = "",
        more: str = "",
    ) -> None:  # fmt: skip
        used = {key: self.settings[key] for key in _USED.get(name, ())} | {"code": self.code}
        if more:
            used["data"] = more
        content = read_scores(self.folder)
        there = content.get("measures", {})
        there = there.get(section, {}) if section else there
        if there.get(name, {}).get("settings") == used:
            tqdm.write(f"{name}: is there already")
            return
        scores, table = make()
        if table is not None:
            write_table(table, self.folder / f"{name}.parquet", _provenance(self.dataset))
        content = read_scores(self.folder)
        every = dict(content.get("measures", {}))
        result = {name: plain(scores) | {"settings": used}}
        every |= {section: {**every.get(section, {}), **result}} if section else result
        self._write(content | {"measures": every})
        tqdm.write(f"{name}: done")

    def _write(self, content: dict[str, Any]) -> None:
        closed = content.get(_CLOSED, {"opened": False})
        every = content.get("measures", {})
        whole = {
            "dataset": identify(self.dataset),
            "provenance": plain(_provenance(self.dataset)),
            _CLOSED: closed,
            "targets": plain(tabulate_targets(every)),
            "measures": every,
        }
        write_text(self.folder / SCORES, json.dumps(whole, indent=1, ensure_ascii=False) + "\n")


_PACKAGE = Path(__file__).resolve().parents[1]


def _provenance(dataset: Dataset) -> Mapping[str, Any]:
    return describe_provenance(str(dataset.provenance.get("profile", "unknown")), dataset=identify(dataset))


def main(arguments: Iterable[str] | None = None) -> None:
    """Measure from the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m ljmix.surrogate_scores.run",
        description="Measure how good the surrogate is; stopped, the same command goes on.",
        epilog="\n".join(f"{name:18} {what}" for name, what in MEASURES.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, help="folder of a dataset; by default the shipped reference set")
    parser.add_argument("--output", type=Path, required=True, help="folder to write to")
    parser.add_argument("--measures", nargs="+", metavar="NAME", help="some of them, or quick; by default all")
    parser.add_argument("--off-grid", type=Path, help="folder of simulated states off the grid, such as data/off-grid")
    parser.add_argument("--open-closed-half", action="store_true", help="score the closed half too; only once")
    parser.add_argument("--states", type=int, default=_SETTINGS["states"], help="states that are inferred")
    parser.add_argument("--steps", type=int, default=_SETTINGS["steps"], help="steps of each walker")
    parser.add_argument("--repetitions", type=int, default=_SETTINGS["repetitions"], help="of choosing states")
    parser.add_argument("--rounds", type=int, default=_SETTINGS["rounds"], help="trainings in each repetition")
    parser.add_argument("--many", type=int, default=_SETTINGS["many"], help="states whose answers are timed")
    parser.add_argument("--emulated", type=int, default=EMULATED, help="liquids that teach an emulator")
    options = parser.parse_args(None if arguments is None else list(arguments))
    with one_sentence(parser):
        dataset = load_reference() if options.data is None else read_dataset(options.data)
        found = measure_all(
            dataset,
            options.output,
            QUICK if options.measures == ["quick"] else options.measures,
            off_grid=options.off_grid,
            open_closed_half=options.open_closed_half,
            progress=True,
            **{name: getattr(options, name) for name in _SETTINGS},
        )
        print(format_targets(found["targets"]))
        if not found.get(_CLOSED, {}).get("opened"):
            print("The closed half of the off-grid states has not been opened.")


if __name__ == "__main__":
    main()
