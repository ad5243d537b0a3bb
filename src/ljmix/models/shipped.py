"""Trained models that ljmix ships: load one by name and ask it for any mixture.

::

    python -m ljmix.models.shipped     # train them anew on data/reference and write data/models
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy.typing as npt
import pandas as pd

from ljmix._util.checks import require_path
from ljmix._util.command import one_sentence
from ljmix._util.places import results_folder
from ljmix._util.provenance import describe_provenance
from ljmix._util.reading import read_json
from ljmix.data.identity import identify
from ljmix.data.reference import load_reference, shipped_folder
from ljmix.models.base import Model, SourcedModel, UncertainModel
from ljmix.models.questions import BINS, question_distances, question_table
from ljmix.models.registry import make_model
from ljmix.models.store import checksum, load_model, save_model
from ljmix.state import PAIRS, StatePoint

__all__ = ["SHIPPED", "TrainedModel", "load_trained", "train_shipped"]

SHIPPED = ("gaussian-process",)
"""Models in ``data/models``; others follow with version 2 of the reference data."""


@dataclass(frozen=True)
class TrainedModel:
    """A trained model, and what is known of it.

    Attributes
    ----------
    name : str
    model : Model
    left_out : dict
        R² of this kind of model on states left out of its training, by task; see ``docs/results.md``.
    n_states : int
        How many states it was trained on.
    """

    name: str
    model: Model
    left_out: dict[str, float]
    n_states: int

    def predict(
        self, states: StatePoint | Sequence[StatePoint] | pd.DataFrame, r: npt.ArrayLike | None = None
    ) -> pd.DataFrame:
        """Predict the radial distribution functions of one mixture or several.

        Parameters
        ----------
        states : StatePoint, sequence of them, or pandas.DataFrame
            A table has the columns `temperature`, `fraction_b`, `size_ratio`, `epsilon_ab`.
        r : (n_bins,) array_like, optional
            Distances, σ_AA, at most 5; by default the bin centres of the reference dataset, 0.025 to 4.975.

        Returns
        -------
        pandas.DataFrame
            One row a point: `state_id`, `pair`, `r`, `g`, and where the model gives one its own standard deviation
            `g_sem`. That spread is not calibrated on size ratios between those simulated. A model that predicts in
            more than one way says in `source` which it was: "theory", or "data" where theory does not converge.

        Raises
        ------
        ValueError
            If an argument is not of these kinds, or a value is out of range.
        """
        table = question_table(states)
        distances = BINS if r is None else question_distances(r)
        curves = self.model.predict(table, distances)
        spread = self.model.predict_spread(table, distances) if isinstance(self.model, UncertainModel) else None
        source = self.model.predict_source(table, distances) if isinstance(self.model, SourcedModel) else None
        parts = []
        for k, state_id in enumerate(table["state_id"]):
            for at, pair in enumerate(PAIRS):
                columns = {"state_id": state_id, "pair": pair, "r": distances, "g": curves[k, at]}
                columns |= {} if spread is None else {"g_sem": spread[k, at]}
                parts.append(pd.DataFrame(columns | ({} if source is None else {"source": source[k]})))
        return pd.concat(parts, ignore_index=True)

    def __str__(self) -> str:
        scores = ", ".join(f"{score:.3f} on {task}" for task, score in self.left_out.items())
        return f"{self.name}, trained on {self.n_states} states. Left out of training, it has R² {scores}."


def load_trained(model: str | Path = "gaussian-process") -> TrainedModel:
    """Load a trained model, and print how well its kind does on states that it has not seen.

    Parameters
    ----------
    model : str or Path
        One of `SHIPPED`, or a folder that `ljmix.models.store.save_model` wrote.

    Returns
    -------
    TrainedModel

    Raises
    ------
    ValueError
        If the name is unknown and no such folder exists, or the folder holds another kind of file.
    """
    require_path("model", model)
    folder = shipped_folder() / "models" / model if str(model) in SHIPPED else Path(model)
    if not _is_file(folder / "model.json"):
        raise ValueError(
            f"model {str(model)[:200]!r} is not shipped, nor a folder with a trained model; shipped: "
            f"{', '.join(SHIPPED)}"
        )
    trained = load_model(folder)
    about = read_json(folder / "model.json").get("provenance", {})
    loaded = TrainedModel(folder.name, trained, about.get("left_out", {}), int(about.get("n_states", 0)))
    print(loaded)
    return loaded


def _is_file(path: Path) -> bool:
    """Whether a file is there; a name that no file can have is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def train_shipped(folder: Path, metrics: Path) -> list[Path]:
    """Train the models of `SHIPPED` on the whole reference dataset, and write them.

    Parameters
    ----------
    folder : Path
        One folder a model is written into it.
    metrics : Path
        ``metrics.json`` of the benchmark: the scores that are shipped with each.

    Returns
    -------
    list of Path
    """
    dataset = load_reference()
    scores = read_json(metrics)
    written = []
    for name in SHIPPED:
        left_out = {
            "unseen temperatures": scores["extrapolation"][name]["r2"]["all"],
            "those of them that are mixed and converged": scores["extrapolation"][name]["r2_mixed_converged"]["all"],
            "unseen compositions": scores["compositions"][name]["r2"]["all"],
            "unseen size ratios": scores["unseen_size_ratio"][name]["r2"]["all"],
        }
        about = {
            **describe_provenance("reference"),
            "dataset": identify(dataset),
            "left_out": left_out,
            "n_states": len(dataset.states),
        }
        written.append(save_model(make_model(name).fit(dataset), folder / name, checksum(dataset), about))
    return written


def main(arguments: Iterable[str] | None = None) -> None:
    """Train what is shipped, from the command line."""
    parser = argparse.ArgumentParser(description="Train the shipped models on the reference dataset.")
    parser.add_argument("--output", type=Path, default=shipped_folder() / "models")
    parser.add_argument("--metrics", type=Path, help="by default results/reference/metrics.json")
    options = parser.parse_args(None if arguments is None else list(arguments))
    metrics = options.metrics or results_folder("reference") / "metrics.json"
    with one_sentence(parser):
        for path in train_shipped(options.output, metrics):
            print(path)


if __name__ == "__main__":
    main()
