"""The paper's network, and the same kind of network with tuned settings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ljmix._util.arrays import FloatArray
from ljmix._util.threads import one_thread
from ljmix.models.base import RowModel
from ljmix.models.networks.perceptron import Training

__all__ = ["EPOCHS", "HIDDEN_LAYERS", "PATIENCE", "Network"]

HIDDEN_LAYERS = (112, 56, 28, 14, 7)
"""The paper's network between its seven inputs and its one output."""

EPOCHS, PATIENCE = 1000, 20
"""The paper's number of epochs, the most that are run unless asked for fewer, and how many may pass without gain."""

_STEPS, _SMALLEST_BATCH = 75, 200
"""Steps in an epoch, and the fewest rows that one is taken on."""

_DRAWS, _TRIAL = 3, 10
"""Sets of starting weights that are tried, and the epochs, of as many steps at most, after which the best goes on."""


class Network(RowModel):
    """The paper's network: 7-112-56-28-14-7-1, ReLU, Adam with learning rate 0.001, mean squared error.

    The paper says neither how inputs are scaled nor how large a batch is. Inputs are standardised here (mean
    0, variance 1 over the training rows), g is left as it is, and there is no weight decay.

    Parameters
    ----------
    seed : int
        Of the starting weights and of the order of rows.
    epochs : int
        Most passes over the training rows. The paper runs about 1000.
    patience : int
        Early stopping: when so many epochs in a row each fall short of gaining 1e-4 in R² on the training rows.
    hidden_layers : sequence of int
        Units of each hidden layer.
    learning_rate, weight_decay : float
        Of Adam, and the L2 penalty.
    batch : int, optional
        Rows a step; as many as make 75 steps an epoch, but 200 at least, unless given.
    most_updates : int, optional
        Most steps of Adam, whatever the number of rows; at least one epoch is run.

    Attributes
    ----------
    loss_curve_ : list of float
        As of `RowModel`, with the L2 penalty where there is one.

    Notes
    -----
    The error jumps from epoch to epoch, the more so as a few high peaks hold most of the variance: where a fit stops,
    it may be ten times what it was. So the weights after the epoch of the lowest error stay (`Training`).

    Early stopping has its price. On 55 800 rows of the reference set at training temperatures a patience of 20 ends
    fits after 129 epochs or more with R² 0.98 to 0.99, on 74 400 random rows of it after 84 and 100 with 0.94 and
    0.91; 30 takes up to twice the time, and the second of these to 0.96. The paper's 1000 epochs would take minutes.

    With a batch of 1200 and no early stopping (a patience of as many epochs as are run) seed 0 has R² 0.988, 0.995 and
    0.998 on its 90 000 training rows after 100, 300 and 1000 epochs, in 26, 51 and 139 s of CPU time; with a batch of
    200 it has 0.70 after 100 (`ljmix.evaluation.plateau`).

    A large batch makes the jumps smaller, a small one makes more of few rows. In 25 s of CPU time on 74 400 rows of
    the reference set, batches of 200, 500, 1000 and 2000 rows reach R² 0.85, 0.92, 0.97 and 0.98 on these rows (one
    seed); in 10 s on 10 800 synthetic rows, batches of 100, 200, 500 and 1000 reach 0.950, 0.933, 0.918 and 0.913 on
    unseen temperatures.

    Three sets of starting weights run for ten epochs, or as many steps, and the one with the lowest error goes on.
    Some sets end in a poor minimum, and it shows by then: of five seeds on 82 800 random rows of the reference set one
    had R² 0.01 on them after ten epochs with its first set, 0.52 with its third, and ends with 0.38 or with 0.95. Other
    sets leave all seven ReLU units of the last hidden layer below zero for every row, where no gradient passes: 2 of
    100 seeds on the reference set.
    """

    def __init__(
        self,
        seed: int = 0,
        epochs: int = EPOCHS,
        patience: int = PATIENCE,
        *,
        name: str = "mlp",
        hidden_layers: Sequence[int] = HIDDEN_LAYERS,
        learning_rate: float = 0.001,
        weight_decay: float = 0.0,
        batch: int | None = None,
        most_updates: int | None = None,
    ) -> None:
        self.name, self.seed, self.epochs, self.patience = name, seed, epochs, patience
        self.hidden_layers, self.learning_rate = hidden_layers, learning_rate
        self.weight_decay, self.batch, self.most_updates = weight_decay, batch, most_updates

    def _fit_arrays(self, inputs: FloatArray, g: FloatArray) -> None:
        best = self.begin(inputs, g)
        best.run(self._most(best), self.patience)
        self.estimator_, self.loss_curve_ = best.keep_best(), best.losses
        if np.ptp(g) > 0 and np.ptp(self._predict_array(inputs)) == 0:
            raise RuntimeError(f"{self.name}, seed {self.seed}: {_DRAWS} sets of starting weights left it dead")

    def begin(self, inputs: FloatArray, g: FloatArray) -> Training:
        """Begin with several sets of starting weights; the one that learns best in its first epochs is to go on.

        Parameters
        ----------
        inputs : (n_rows, 7) array
            Raw.
        g : (n_rows,) array

        Returns
        -------
        Training
            Not finished.
        """
        # Single precision takes half the time of double and is far more exact than the data.
        inputs, g = inputs.astype(np.float32), g.astype(np.float32)
        batch = self.batch or max(_SMALLEST_BATCH, -(-len(g) // _STEPS))
        trainings = [
            Training(
                self.hidden_layers, inputs, g, batch=batch, seed=self.seed + 1_000_003 * draw,
                learning_rate=self.learning_rate, weight_decay=self.weight_decay,
            )
            for draw in range(_DRAWS)
        ]  # fmt: skip
        for training in trainings:
            trial = max(1, min(_TRIAL, _TRIAL * _STEPS // training.steps_an_epoch))
            training.run(min(trial, self._most(training)), self.patience)
        return min(trainings, key=lambda training: min(training.losses))

    def _most(self, training: Training) -> int:
        """Epochs at most."""
        if self.most_updates is None:
            return self.epochs
        return min(self.epochs, max(1, self.most_updates // training.steps_an_epoch))

    def _predict_array(self, inputs: FloatArray) -> npt.NDArray[np.floating]:
        with one_thread():
            prediction: npt.NDArray[np.floating] = self.estimator_.predict(inputs.astype(np.float32))[:, 0]
        return prediction
