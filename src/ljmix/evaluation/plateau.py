"""How long the paper's network must be trained: R² on its own training rows after so many epochs.

::

    python -m ljmix.evaluation.plateau --data data/reference --batches 1200 200 --epochs 100 300 1000

The paper trains for some 1000 epochs and does not print its batch. Early stopping ends most fits after a tenth of that,
so a score then tells of the stopping as much as of the model. This command looks at training rows only: whoever
chooses a batch or a number of epochs by it has seen no test score.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from ljmix._util.atomic import write_text
from ljmix._util.command import one_sentence
from ljmix._util.markdown import markdown_table
from ljmix._util.threads import cpu_seconds
from ljmix.data.dataset import Dataset, learning_table, read_dataset, split_by_temperature
from ljmix.models.features import table_inputs
from ljmix.models.networks.network import Network
from ljmix.models.networks.perceptron import Training
from ljmix.scoring.tables import pooled_r2

__all__ = ["COLUMNS", "follow_training"]

COLUMNS = ["batch", "seed", "epochs", "steps", "r2_train", "cpu_s"]


def follow_training(
    train: Dataset, epochs: Sequence[int], *, batch: int | None = None, seed: int = 0
) -> Iterator[dict[str, float]]:
    """Train the paper's network without early stopping, and stop on the way to look at it.

    Parameters
    ----------
    train : Dataset
        Training temperatures only.
    epochs : sequence of int
        After how many epochs to look, ascending. The first look is not before the starts have run and one is chosen.
    batch : int, optional
        Rows a step; as `ljmix.models.networks.network.Network` unless given.
    seed : int

    Yields
    ------
    dict
        `COLUMNS`: `steps` of Adam so far, R² of the best weights so far on all training rows, CPU seconds so far,
        those of the three starts included.

    Raises
    ------
    ValueError
        If `epochs` is empty, not ascending, or begins below 1.
    """
    if not len(epochs) or epochs[0] < 1 or list(epochs) != sorted(set(epochs)):
        raise ValueError(f"epochs = {list(epochs)}: must be ascending numbers of at least 1")
    table = learning_table(train)
    network = Network(seed, epochs[-1], epochs[-1], batch=batch)
    inputs, g = table_inputs(table), table["g"].to_numpy(dtype=float)
    seconds = 0.0
    begun: list[Training] = []

    def advance(most: int) -> None:
        if not begun:
            begun.append(network.begin(inputs, g))
        begun[0].run(most, most)

    for most in epochs:
        seconds += cpu_seconds(lambda most=most: advance(most))  # type: ignore[misc]
        training = begun[0]
        network.estimator_ = training.keep_best()
        r2 = pooled_r2(table.assign(predicted=network.predict_rows(table)))
        yield dict(zip(COLUMNS, (training.batch, seed, len(training.losses), training.steps, r2, seconds), strict=True))


def main(arguments: Iterable[str] | None = None) -> None:
    """Follow the training from the command line, one line a look."""
    parser = argparse.ArgumentParser(description="R² of the paper's network on its training rows, by epochs and batch.")
    parser.add_argument("--data", type=Path, required=True, help="folder with states.parquet and rdf.parquet")
    parser.add_argument("--epochs", type=int, nargs="+", default=[100, 300, 1000])
    parser.add_argument("--batches", type=int, nargs="+", default=[1200, 200], help="rows a step")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--output", type=Path, help="file to write the table to, as Markdown")
    options = parser.parse_args(None if arguments is None else list(arguments))
    with one_sentence(parser):
        train, _ = split_by_temperature(read_dataset(options.data))
        rows = []
        for batch in options.batches:
            for seed in range(options.seeds):
                for row in follow_training(train, options.epochs, batch=batch, seed=seed):
                    rows.append(row)
                    print(", ".join(f"{name} {value:.5g}" for name, value in row.items()), flush=True)
        if options.output:
            write_text(
                options.output, markdown_table(COLUMNS, ([f"{x:.5g}" for x in row.values()] for row in rows)) + "\n"
            )


if __name__ == "__main__":
    main()
