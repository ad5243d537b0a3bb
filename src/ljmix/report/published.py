"""What `05-explain` draws from, in small: a reader redraws every figure without training a model.

::

    python -m ljmix.report.published --profile reference    # results/<profile> to data/<profile>/predictions
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from ljmix._util.atomic import write_text
from ljmix._util.command import one_sentence
from ljmix._util.places import results_folder
from ljmix._util.reading import read_parquet
from ljmix.data.card import write_data_card
from ljmix.data.dataset import Dataset, read_dataset, write_table
from ljmix.data.identity import read_provenance, require_same_data
from ljmix.data.reference import shipped_directory
from ljmix.evaluation.refits import NETWORKS, SCALING_FITS
from ljmix.models.registry import ROW_MODELS
from ljmix.report.metrics import RUN_RECORD, read_metrics
from ljmix.simulation.profiles import PROFILES, Profile, load_profile

__all__ = ["DRAWN", "find_predictions", "publish_predictions"]

DRAWN = (*ROW_MODELS, "nearest-temperature")
"""Models in the paper's figures."""

_TABLES = ("predictions-extrapolation", "predictions-interpolation", "predictions-scaling", "scaling", "losses")
_FITS = (NETWORKS, SCALING_FITS)
"""Fits of networks, from which a run takes the seeds that it does not make anew."""
_SECTIONS = ("interpolation", "extrapolation", "noise_ceiling", "certainty", "ablation", "scaling", "scaling_states")
"""Sections of the metrics that figures show."""
_AGAIN = "run 03-extrapolate and 04-data-scaling again (make models), or give another results folder"
_DIGITS = 4
"""Decimals kept of a predicted g(r); its error is far above."""


def find_predictions(profile: Profile, results: Path, dataset: Dataset) -> Path:
    """Folder of the tables to draw from: those of a run of one's own where there are any, else the shipped ones.

    Parameters
    ----------
    profile : Profile
    results : Path
    dataset : Dataset
        What stands beside them in the figures: they must have been made from it.

    Raises
    ------
    FileNotFoundError
        If there are neither.
    ValueError
        If a table, or a section of the metrics beside them, was made from another dataset.
    """
    results = Path(results)
    for directory in (results, shipped_directory(profile) / "predictions"):
        if all((directory / f"{name}.parquet").is_file() for name in _TABLES):
            for name in _TABLES:
                path = directory / f"{name}.parquet"
                require_same_data(dataset, read_provenance(path), path, _AGAIN)
            for name, about in read_metrics(directory / RUN_RECORD).items():
                if name in _SECTIONS:
                    require_same_data(dataset, about["provenance"], f"{directory / 'metrics.json'}, {name}", _AGAIN)
            return directory
    raise FileNotFoundError(
        f"{results} holds no predictions, and the repository ships none for profile {profile.name}; "
        "run 03-extrapolate and 04-data-scaling first (make models)"
    )


def publish_predictions(results: Path, data: Path, dataset: Dataset) -> None:
    """Write the tables of a run anew with the models that figures show, to ship them.

    Parameters
    ----------
    results : Path
        Folder that `03-extrapolate` and `04-data-scaling` wrote to; its `metrics.json` goes along.
    data : Path
        Folder to write to.
    dataset : Dataset
        The shipped one, from which they must have been made.

    Raises
    ------
    FileNotFoundError
        If a table is missing.
    ValueError
        If one was made from another dataset.
    """
    paths = {name: results / f"{name}.parquet" for name in (*_TABLES, *_FITS)}
    for path in (*paths.values(), results / "metrics.json"):
        if not path.is_file():
            raise FileNotFoundError(f"{path} does not exist; 03-extrapolate and 04-data-scaling write it (make models)")
    for path in paths.values():
        require_same_data(dataset, read_provenance(path), path, _AGAIN)
    for name, path in paths.items():
        table, provenance = read_parquet(path)
        write_table(_slim(table), data / f"{name}.parquet", provenance)
    write_text(data / "metrics.json", (results / "metrics.json").read_text(encoding="utf-8"))


def _slim(table: pd.DataFrame) -> pd.DataFrame:
    if "predicted" not in table:
        return table
    drawn = table[table["model"].isin(DRAWN)].drop(columns="spread", errors="ignore")
    # Rows that repeat one simulated value lie side by side: half the size once compressed.
    drawn = drawn.sort_values(["state_id", "pair", "r"], kind="stable", ignore_index=True)
    return drawn.assign(
        predicted=np.round(drawn["predicted"], _DIGITS).astype(np.float32),
        model=drawn["model"].astype(pd.CategoricalDtype(list(DRAWN))),
    )


def main() -> None:
    """Publish the predictions of a profile, from the command line."""
    parser = argparse.ArgumentParser(description="Ship the predictions that figures show.")
    parser.add_argument("--profile", choices=PROFILES, default="reference")
    parser.add_argument("--results", type=Path, help="folder of the run; by default results/<profile>")
    options = parser.parse_args()
    with one_sentence(parser):
        shipped = shipped_directory(load_profile(options.profile))
        dataset, data = read_dataset(shipped), shipped / "predictions"
        publish_predictions(results_folder(options.profile, options.results), data, dataset)
        write_data_card(dataset, shipped)
        print(f"{data}: {sum(path.stat().st_size for path in data.iterdir()) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
