"""A multilayer perceptron and its training by Adam, in NumPy.

The arithmetic is that of scikit-learn's `MLPRegressor` with `activation="relu", solver="adam"`, step by step: the same
seed gives the same weights, to the last bit. It is written out here for two things that scikit-learn's public interface
does not give: access to Adam's running means, which have to be cleared of subnormal numbers, and work in memory that is
reused from step to step, which takes half the time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np
import numpy.typing as npt
from sklearn.preprocessing import StandardScaler

from ljmix._util.arrays import FloatArray
from ljmix._util.threads import one_thread

__all__ = ["Perceptron", "ScaledPerceptron", "Training", "standardise"]

_BETA_1, _BETA_2, _EPSILON = 0.9, 0.999, 1e-8
"""Adam's constants, as its authors give them."""

_NOTHING = 1e-30
"""What lies below is no weight: far below any rounding error, far above the smallest normal number, 1e-38."""


class Perceptron:
    """Layers of ReLU units and a linear output.

    Parameters
    ----------
    weights : sequence of (n_in, n_out) arrays
        One a layer.
    biases : sequence of (n_out,) arrays

    Notes
    -----
    With x the values of one layer, those of the next are max(0, x W + b); the last layer is x W + b itself.
    """

    def __init__(self, weights: Sequence[FloatArray], biases: Sequence[FloatArray]) -> None:
        self.weights, self.biases = list(weights), list(biases)

    @classmethod
    def draw(cls, units: Sequence[int], random: np.random.RandomState, kind: npt.DTypeLike) -> Self:
        """Draw starting weights, uniform within ±√(6 / (n_in + n_out)).

        Parameters
        ----------
        units : sequence of int
            Of the inputs, each hidden layer, and the outputs.
        random : RandomState
        kind : dtype
            Of the weights: 32 or 64 bits.

        Notes
        -----
        Glorot and Bengio 2010, Proc. AISTATS 9, 249.
        """
        weights, biases = [], []
        for n_in, n_out in pairwise(units):
            bound = np.sqrt(6.0 / (n_in + n_out))
            weights.append(random.uniform(-bound, bound, (n_in, n_out)).astype(kind))
            biases.append(random.uniform(-bound, bound, n_out).astype(kind))
        return cls(weights, biases)

    @property
    def units(self) -> list[int]:
        """Numbers of units: of the inputs, each hidden layer, and the outputs."""
        return [self.weights[0].shape[0], *(weight.shape[1] for weight in self.weights)]

    def as_row(self) -> FloatArray:
        """Weights and biases of all layers as one row of numbers: what `from_row` takes."""
        return np.concatenate([part.ravel() for part in (*self.weights, *self.biases)])

    @classmethod
    def from_row(cls, row: FloatArray, units: Sequence[int]) -> Self:
        """Build it on views of one row of numbers.

        Raises
        ------
        ValueError
            If the row is not as long as layers of these units ask.
        """
        needed = sum((n_in + 1) * n_out for n_in, n_out in pairwise(units))
        if row.shape != (needed,):
            raise ValueError(f"the row has shape {row.shape}: layers of {list(units)} units have {needed} numbers")
        return cls(*_split(row, units))

    def predict(self, inputs: FloatArray) -> FloatArray:
        """Predict the outputs of (n_rows, n_inputs) inputs, (n_rows, n_outputs)."""
        values = inputs
        last = len(self.weights) - 1
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            values = values @ weight
            values += bias
            if layer < last:
                np.maximum(values, 0, out=values)
        return values


@dataclass(frozen=True)
class ScaledPerceptron:
    """A perceptron whose inputs are standardised: mean 0 and variance 1 over the training rows.

    Attributes
    ----------
    mean, scale : (n_inputs,) arrays
        What is subtracted from inputs, and what they are then divided by.
    network : Perceptron
    """

    mean: FloatArray
    scale: FloatArray
    network: Perceptron

    def predict(self, inputs: FloatArray) -> FloatArray:
        """Predict the outputs of raw inputs, (n_rows, n_inputs), as (n_rows, n_outputs)."""
        return self.network.predict(standardise(inputs, self.mean, self.scale))

    def as_arrays(self) -> dict[str, FloatArray]:
        """All numbers by name: what `from_arrays` takes."""
        layers = enumerate(zip(self.network.weights, self.network.biases, strict=True))
        named = {
            f"{kind}{k}": part for k, both in layers for kind, part in zip(("weights", "biases"), both, strict=True)
        }
        return {"mean": self.mean, "scale": self.scale, **named}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, FloatArray]) -> Self:
        """Build it from its numbers.

        Raises
        ------
        KeyError
            If an array is missing.
        """
        layers = range(sum(name.startswith("weights") for name in arrays))
        network = Perceptron([arrays[f"weights{k}"] for k in layers], [arrays[f"biases{k}"] for k in layers])
        return cls(arrays["mean"], arrays["scale"], network)


class Training:
    """A perceptron under way, which remembers the best weights that it had.

    Parameters
    ----------
    hidden_layers : sequence of int
        Units of each.
    inputs : (n_rows, n_inputs) array
        Raw; of 32 or 64 bits, in which all work is then done.
    target : (n_rows,) or (n_rows, n_outputs) array
    batch : int
        Rows a step.
    seed : int
        Of the starting weights and of the order of rows.
    learning_rate : float
        Of Adam.
    weight_decay : float
        L2 penalty α: a step on n rows lowers ½ mean (g - predicted)² + ½ α Σ w² / n.

    Attributes
    ----------
    inputs : (n_rows, n_inputs) array
        Standardised.
    batch : int
    perceptron : Perceptron
        As it is now.
    losses : list of float
        Mean squared error of each epoch, while weights change, with the L2 penalty where there is one.
    steps : int
        Steps of Adam that were made.

    Notes
    -----
    Adam: Kingma and Ba 2015, arXiv:1412.6980. The error jumps from epoch to epoch: where a fit stops, it may be ten
    times what it was. So `keep_best` gives the weights after the epoch of the lowest error.
    """

    def __init__(
        self,
        hidden_layers: Sequence[int],
        inputs: FloatArray,
        target: FloatArray,
        *,
        batch: int,
        seed: int,
        learning_rate: float = 0.001,
        weight_decay: float = 0.0,
    ) -> None:
        scaler = StandardScaler().fit(inputs)
        self._mean_input, self._scale = scaler.mean_, scaler.scale_
        self.inputs = standardise(inputs, self._mean_input, self._scale)
        self._target = target.reshape(len(target), -1)
        self.batch, self._rate, self._decay = min(batch, len(inputs)), learning_rate, weight_decay
        self._random = np.random.RandomState(seed)  # the generator whose stream scikit-learn uses
        units = [inputs.shape[1], *hidden_layers, self._target.shape[1]]
        drawn = Perceptron.draw(units, self._random, inputs.dtype)
        # All weights in one row, and layers as views of it: Adam then works on one array.
        self._all = drawn.as_row()
        self._gradient, self._mean, self._square = (np.zeros_like(self._all) for _ in range(3))
        self._best = self._all.copy()
        self.perceptron = Perceptron.from_row(self._all, units)
        self._gradients = Perceptron.from_row(self._gradient, units)
        self._values = [np.empty((self.batch, n), inputs.dtype) for n in units[1:]]
        self._errors = [np.empty((self.batch, n), inputs.dtype) for n in units[1:]]
        self.losses: list[float] = []
        self.steps = 0
        self._idle = 0

    def run(self, most: int, patience: int) -> None:
        """Train until nothing is gained; call again, with more epochs, to go on.

        Parameters
        ----------
        most : int
            Epochs at most, those of earlier calls included.
        patience : int
            Early stopping: when so many epochs in a row each fall short of gaining 1e-4 in R². A patience of `most`
            never stops.
        """
        gain = 1e-4 * float(np.var(self._target, axis=0).mean())
        # One thread: on batches this small a second one only waits, on a busy machine 20 times longer than the work
        # takes.
        with one_thread():
            while len(self.losses) < most and self._idle <= patience:
                loss = self._run_epoch()
                lowest = min(self.losses, default=np.inf)
                self._idle = self._idle + 1 if loss > lowest - gain else 0
                if loss < lowest:
                    self._best[:] = self._all
                self.losses.append(loss)

    @property
    def steps_an_epoch(self) -> int:
        """Steps that one epoch takes."""
        return -(-len(self.inputs) // self.batch)

    def keep_best(self) -> ScaledPerceptron:
        """Perceptron with the weights after the epoch of the lowest error."""
        best = Perceptron.from_row(self._best.copy(), self.perceptron.units)
        return ScaledPerceptron(self._mean_input, self._scale, best)

    def _run_epoch(self) -> float:
        rows = len(self.inputs)
        order = np.arange(rows)
        self._random.shuffle(order)
        inputs, target = self.inputs[order], self._target[order]
        total = 0.0
        for start in range(0, rows, self.batch):
            part = slice(start, start + self.batch)
            loss = self._find_gradient(inputs[part], target[part])
            self._step()
            total += loss * len(inputs[part])
        self._drop_subnormal()
        if not np.isfinite(self._all).all():
            raise ValueError("training has diverged: a weight is not finite; a smaller learning rate may help")
        return 2 * (total / rows)

    def _find_gradient(self, inputs: FloatArray, target: FloatArray) -> float:
        """Set the gradient of half the mean squared error, with its penalty, and return that loss."""
        rows, last = len(inputs), len(self._values) - 1
        weights = self.perceptron.weights
        values = [part[:rows] for part in self._values]
        errors = [part[:rows] for part in self._errors]
        below = inputs
        for layer, out in enumerate(values):
            np.matmul(below, weights[layer], out=out)
            out += self.perceptron.biases[layer]
            if layer < last:
                np.maximum(out, 0, out=out)
            below = out
        loss = 0.5 * np.average((target - values[last]) ** 2, axis=0).mean()
        penalty: FloatArray | int = 0
        for weight in weights:
            flat = weight.ravel()
            penalty = penalty + np.dot(flat, flat)
        loss += (0.5 * self._decay) * penalty / rows
        np.subtract(values[last], target, out=errors[last])
        for layer in range(last, -1, -1):
            gradient = self._gradients.weights[layer]
            np.matmul((values[layer - 1] if layer else inputs).T, errors[layer], out=gradient)
            if self._decay:
                gradient += self._decay * weights[layer]
            gradient /= rows
            np.sum(errors[layer], axis=0, out=self._gradients.biases[layer])
            self._gradients.biases[layer] /= rows
            if layer:
                np.matmul(errors[layer], weights[layer].T, out=errors[layer - 1])
                # No error passes a unit that is off.
                errors[layer - 1] *= values[layer - 1] > 0
        return float(loss)

    def _step(self) -> None:
        self.steps += 1
        self._mean *= _BETA_1
        self._mean += (1 - _BETA_1) * self._gradient
        self._square *= _BETA_2
        self._square += (1 - _BETA_2) * (self._gradient**2)
        rate = self._rate * np.sqrt(1 - _BETA_2**self.steps) / (1 - _BETA_1**self.steps)
        # The rate is a number of 64 bits, and with it the step is found to so many, as scikit-learn does.
        self._all += -rate * self._mean / (np.sqrt(self._square) + _EPSILON)

    def _drop_subnormal(self) -> None:
        """Set to zero the weights, and their momenta, that have shrunk to nothing.

        Weight decay shrinks what no gradient holds, down to subnormal numbers, with which some processors are slow: a
        wide network took 2.9 s an epoch with them, 0.4 s without, and made the same predictions.
        """
        for array in (self._all, self._mean):
            array[np.abs(array) < _NOTHING] = 0.0


def standardise(inputs: FloatArray, mean: FloatArray, scale: FloatArray) -> FloatArray:
    """Standardise (n_rows, n_inputs) inputs, with as many bits as they have."""
    values = inputs.copy()
    values -= mean.astype(values.dtype)
    values /= scale.astype(values.dtype)
    return values


def _split(row: FloatArray, units: Sequence[int]) -> tuple[list[FloatArray], list[FloatArray]]:
    """Weights and biases of each layer as views of one row of numbers."""
    shapes: list[tuple[int, ...]] = list(pairwise(units))
    shapes += [(n,) for n in units[1:]]
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
    parts = [part.reshape(shape) for part, shape in zip(np.split(row, ends[:-1]), shapes, strict=True)]
    return parts[: len(units) - 1], parts[len(units) - 1 :]
