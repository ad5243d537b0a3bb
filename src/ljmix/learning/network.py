"""The paper's network, and the same kind of network with tuned settings."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from ljmix.learning.interface import FloatArray, RowModel
from ljmix.learning.threads import one_thread

__all__ = ["EPOCHS", "HIDDEN_LAYERS", "PATIENCE", "Network", "train_network"]

HIDDEN_LAYERS = (112, 56, 28, 14, 7)
"""The paper's network between its seven inputs and its one output."""

EPOCHS, PATIENCE = 1000, 20
"""The paper's number of epochs, the most that are run unless asked for fewer, and how many may pass without gain."""

_MOST_DRAWS = 5
"""Sets of starting weights that are tried; a good one comes first in 98 of 100 fits."""

_STEPS, _SMALLEST_BATCH = 75, 200
"""Steps in an epoch, and the fewest rows that one is taken on."""


def train_network(
    network: MLPRegressor, inputs: FloatArray, target: FloatArray, most: int, patience: int
) -> list[float]:
    """Train until nothing is gained, and keep the best weights on the way.

    scikit-learn's own loop stops alike but keeps the last weights, wherever the error has just jumped to.

    Parameters
    ----------
    network : MLPRegressor
        Its `random_state` must be a generator, which one epoch leaves to the next.
    inputs : (n_rows, n_inputs) array
        Standardised.
    target : (n_rows,) or (n_rows, n_outputs) array
    most : int
        Epochs at most.
    patience : int
        Stop when so many epochs in a row each fall short of gaining 1e-4 in R².

    Returns
    -------
    list of float
        Mean squared error of each epoch, while weights change, with the L2 penalty where there is one.
    """
    gain = 1e-4 * float(np.var(target, axis=0).mean())
    losses: list[float] = []
    best: tuple[list[FloatArray], list[FloatArray]] = ([], [])
    lowest, idle = np.inf, 0
    # One thread: on batches this small a second one only waits, on a busy machine 20 times longer than the work takes.
    with one_thread():
        while len(losses) < most and idle <= patience:
            network.partial_fit(inputs, target)  # one epoch
            losses.append(2 * float(network.loss_))  # scikit-learn's is half the mean squared error
            idle = idle + 1 if losses[-1] > lowest - gain else 0
            if losses[-1] < lowest:
                lowest, best = losses[-1], copy.deepcopy((network.coefs_, network.intercepts_))
    network.coefs_, network.intercepts_ = best
    return losses


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
        Stop earlier, when so many epochs in a row each fall short of gaining 1e-4 in R² on the training rows.
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
    draws_ : int
        Sets of starting weights that it took.
    loss_curve_ : list of float
        As of `RowModel`, with the L2 penalty where there is one.

    Notes
    -----
    The error jumps from epoch to epoch, the more so as a few high peaks hold most of the variance: where a fit stops,
    it may be ten times what it was. So the weights after the epoch of the lowest error stay (`train_network`).

    Stopping early has its price. On 55 800 rows of the reference set at training temperatures a patience of 20 ends
    fits after 129 epochs or more with R² 0.98 to 0.99, on 74 400 random rows of it after 84 and 100 with 0.94 and
    0.91; 30 takes up to twice the time, and the second of these to 0.96. The paper's 1000 epochs would take minutes.

    A large batch makes the jumps smaller, a small one makes more of few rows. In 25 s of CPU time on 74 400 rows of
    the reference set, batches of 200, 500, 1000 and 2000 rows reach R² 0.85, 0.92, 0.97 and 0.98 on these rows (one
    seed); in 10 s on 10 800 synthetic rows, batches of 100, 200, 500 and 1000 reach 0.950, 0.933, 0.918 and 0.913 on
    unseen temperatures.

    Behind a last hidden layer of seven ReLU units, starting weights may leave all seven below zero for every
    row. No gradient passes, and the network answers with the mean of g for ever: 2 of 100 seeds on the reference
    set. As anyone who saw that would, a fit then draws other weights; `draws_` counts them.
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
        self.hidden_layers, self.learning_rate = tuple(hidden_layers), learning_rate
        self.weight_decay, self.batch, self.most_updates = weight_decay, batch, most_updates

    def _fit_arrays(self, inputs: FloatArray, g: FloatArray) -> None:
        # Single precision is a tenth faster and far more exact than the data.
        inputs, g = inputs.astype(np.float32), g.astype(np.float32)
        for draw in range(_MOST_DRAWS):
            self.estimator_, self.loss_curve_ = self._fit_draw(inputs, g, draw)
            self.draws_ = draw + 1
            if np.ptp(g) == 0 or np.ptp(self._predict_array(inputs)) > 0:
                return
        raise RuntimeError(
            f"{self.name}, seed {self.seed}: {_MOST_DRAWS} sets of starting weights left the network dead"
        )

    def _fit_draw(self, inputs: FloatArray, g: FloatArray, draw: int) -> tuple[Pipeline, list[float]]:
        """Fit from one set of starting weights; the first is that of the seed."""
        batch = min(len(g), self.batch or max(_SMALLEST_BATCH, -(-len(g) // _STEPS)))
        steps = -(-len(g) // batch)  # an epoch
        most = self.epochs if self.most_updates is None else min(self.epochs, max(1, self.most_updates // steps))
        scaler = StandardScaler().fit(inputs)
        network = MLPRegressor(
            hidden_layer_sizes=self.hidden_layers, activation="relu", solver="adam",
            learning_rate_init=self.learning_rate, alpha=self.weight_decay, batch_size=batch,
            random_state=np.random.RandomState(self.seed + 1_000_003 * draw),
        )  # fmt: skip
        losses = train_network(network, scaler.transform(inputs), g, most, self.patience)
        return make_pipeline(scaler, network), losses

    def _predict_array(self, inputs: FloatArray) -> npt.NDArray[np.floating]:
        with one_thread():
            prediction: npt.NDArray[np.floating] = self.estimator_.predict(inputs.astype(np.float32))
        return prediction
