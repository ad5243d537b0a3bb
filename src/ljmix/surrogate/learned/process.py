"""A Gaussian process with many outputs and one kernel.

As Rasmussen and Williams 2006 (doi:10.7551/mitpress/3206.001.0001), chapters 2 and 5. Outputs are the bins of curves,
or a single number. They share lengths and differ in amplitude and in the errors of their observations; scikit-learn's
process knows one error for all outputs, and none that is missing.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy.linalg import cho_factor, cho_solve, solve_triangular
from scipy.optimize import minimize

from ljmix._util.arrays import FloatArray

__all__ = ["Process"]

_START = 1.5
_LENGTHS, _VARIANCES, _NUGGETS = (0.2, 60.0), (0.1, 300.0), (1e-7, 1.0)
"""Allowed lengths in standard deviations of the inputs, and variances in units of an output's own."""
_MOST_STEPS, _MOST_ROWS = 60, 700
_JITTER = 1e-10


@dataclass
class Process:
    """What has been learned: arrays and nothing else, so that a file can hold it.

    Attributes
    ----------
    centre, scale : (n_inputs,) arrays
        Mean and standard deviation of the training inputs.
    known : (n, n_inputs) array
        Training inputs in these units.
    lengths : (n_inputs,) array
    variance, nugget : float
        Of the kernel and of what it cannot describe, in units of an output's amplitude.
    mean, amplitude : (n_outputs,) arrays
        What each output is far from all that is known, and its mean square about that.
    weights : (n, n_outputs) array
        Prediction = mean + kernel @ weights.
    noise : (n,) array
        Variance of the errors of a typical output, in units of its amplitude.
    """

    centre: FloatArray
    scale: FloatArray
    known: FloatArray
    lengths: FloatArray
    variance: float
    nugget: float
    mean: FloatArray
    amplitude: FloatArray
    weights: FloatArray
    noise: FloatArray

    @classmethod
    def fit(
        cls,
        inputs: FloatArray,
        values: FloatArray,
        errors: FloatArray,
        typical: npt.NDArray[np.bool_] | None = None,
        *,
        centred: bool = False,
        most_rows: int = _MOST_ROWS,
    ) -> Self:
        """Learn; lengths, variance and nugget maximise the marginal likelihood of the typical outputs.

        Parameters
        ----------
        inputs : (n, n_inputs) array
        values, errors : (n, n_outputs) arrays
            An infinite error marks an output that was not observed.
        typical : (n_outputs,) array of bool, optional
            Outputs that choose the lengths; by default all.
        centred : bool
            Far from all that is known the answer is the mean of what is known; otherwise it is 0, the reference's.
        most_rows : int
            Rows that choose the lengths: the time for it grows with their cube.

        Returns
        -------
        Process
        """
        typical = np.ones(values.shape[1], dtype=bool) if typical is None else typical
        centre, scale = inputs.mean(axis=0), inputs.std(axis=0)
        scale = np.where(scale > 1e-9, scale, 1.0)  # an input that never changes tells nothing
        known = (inputs - centre) / scale
        seen = np.isfinite(errors)
        count = np.maximum(seen.sum(axis=0), 1)
        mean = np.where(seen, values, 0.0).sum(axis=0) / count * centred
        values = np.where(seen, values - mean, 0.0)
        amplitude = np.maximum((values**2).sum(axis=0) / count, 1e-12)
        noise = np.where(seen, errors, np.inf) ** 2 / amplitude
        # Of rows that lack a typical output the lengths learn nothing.
        rows = np.flatnonzero(seen[:, typical].all(axis=1))
        rows = rows[:: max(1, -(-len(rows) // most_rows))]
        mean_noise = np.where(np.isfinite(noise), noise, 0.0)[:, typical].sum(axis=1)
        mean_noise /= np.maximum(seen[:, typical].sum(axis=1), 1)
        scaled = (values / np.sqrt(amplitude))[np.ix_(rows, typical)]
        lengths, variance, nugget = _most_likely(known[rows], scaled, mean_noise[rows])
        kernel = variance * _likeness(known, known, lengths)
        weights = np.zeros(values.shape)
        for rows, outputs, error in _batches(seen, noise):
            matrix = kernel[np.ix_(rows, rows)]
            matrix[np.diag_indices(len(rows))] += error + nugget + _JITTER * variance
            found = cho_factor(matrix, lower=True, overwrite_a=True, check_finite=False)
            weights[np.ix_(rows, outputs)] = cho_solve(found, values[np.ix_(rows, outputs)], check_finite=False)
        return cls(centre, scale, known, lengths, variance, nugget, mean, amplitude, weights, mean_noise)

    @cached_property
    def factor(self) -> FloatArray:
        """Lower Cholesky factor of the covariance with the errors of a typical output, (n, n)."""
        matrix = self.variance * _likeness(self.known, self.known, self.lengths)
        matrix[np.diag_indices(len(matrix))] += self.noise + self.nugget + _JITTER * self.variance
        return np.asarray(np.tril(cho_factor(matrix, lower=True)[0]))

    def predict(self, inputs: FloatArray) -> FloatArray:
        """Mean of each output, (n, n_outputs)."""
        return self.mean + self._cross(inputs) @ self.weights

    def ask(self, inputs: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Mean of each output, and its standard deviation without the noise of an observation, (n, n_outputs) each."""
        cross = self._cross(inputs)
        return self.mean + cross @ self.weights, np.sqrt(self._left(cross)[:, None] * self.amplitude)

    def spread(self, inputs: FloatArray) -> FloatArray:
        """Standard deviation of `ask` in units of the root of an output's amplitude, the same for all, (n,)."""
        return np.sqrt(self._left(self._cross(inputs)))

    def posterior_covariance(self, inputs: FloatArray) -> FloatArray:
        """Covariance of new states after what was learned, in units of an output's amplitude, (n, n)."""
        scaled = (inputs - self.centre) / self.scale
        explained = solve_triangular(self.factor, self._cross(inputs).T, lower=True, check_finite=False)
        return np.asarray(self.variance * _likeness(scaled, scaled, self.lengths) - explained.T @ explained)

    def _left(self, cross: FloatArray) -> FloatArray:
        """Variance that is left, (n,)."""
        if not len(cross):
            return np.zeros(0)  # the solver would read the factor
        explained = solve_triangular(self.factor, cross.T, lower=True, check_finite=False)
        return np.asarray(np.maximum(self.variance - (explained**2).sum(axis=0), 0.0) + self.nugget)

    @cached_property
    def _places(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Training inputs in lengths of the kernel, half their squares, and these lengths in units of the inputs."""
        places = self.known / self.lengths
        return places, 0.5 * (places**2).sum(axis=1), self.scale * self.lengths

    def _cross(self, inputs: FloatArray) -> FloatArray:
        places, halves, lengths = self._places
        asked = (inputs - self.centre) / lengths
        closeness = asked @ places.T
        closeness -= halves
        closeness -= 0.5 * (asked * asked).sum(axis=1)[:, None]
        return np.asarray(self.variance * np.exp(np.minimum(closeness, 0.0)))

    def arrays(self, prefix: str) -> dict[str, npt.NDArray[Any]]:
        """All numbers by name, for a file."""
        return {f"{prefix}{field.name}": np.asarray(getattr(self, field.name)) for field in fields(self)}

    @classmethod
    def from_arrays(cls, prefix: str, arrays: dict[str, npt.NDArray[Any]]) -> Self:
        """Read what `arrays` has written."""
        found = {field.name: arrays[f"{prefix}{field.name}"] for field in fields(cls)}
        plain: dict[str, Any] = {name: float(value) if value.ndim == 0 else value for name, value in found.items()}
        return cls(**plain)


def _likeness(first: FloatArray, second: FloatArray, lengths: FloatArray) -> FloatArray:
    left, right = first / lengths, second / lengths
    square = (left**2).sum(axis=1)[:, None] + (right**2).sum(axis=1) - 2 * left @ right.T
    return np.asarray(np.exp(-0.5 * np.maximum(square, 0.0)))


def _batches(seen: npt.NDArray[np.bool_], noise: FloatArray) -> Any:
    """Rows and outputs that share a covariance, and the noise on its diagonal."""
    done = np.zeros(seen.shape[1], dtype=bool)
    for k in range(seen.shape[1]):
        if done[k]:
            continue
        same = ~done & (noise == noise[:, [k]]).all(axis=0)
        done |= same
        rows = np.flatnonzero(seen[:, k])
        if len(rows):
            yield rows, np.flatnonzero(same), noise[rows, k]


def _most_likely(known: FloatArray, values: FloatArray, noise: FloatArray) -> tuple[FloatArray, float, float]:
    """Lengths, variance and nugget of the largest marginal likelihood; all outputs share them."""
    n, d = known.shape
    squares = np.stack([(known[:, [k]] - known[:, k]) ** 2 for k in range(d)])
    outputs = values.shape[1]

    def cost(logs: FloatArray) -> tuple[float, FloatArray]:
        lengths, variance, nugget = np.exp(logs[:d]), float(np.exp(logs[d])), float(np.exp(logs[d + 1]))
        kernel = variance * np.exp(-0.5 * np.tensordot(lengths**-2.0, squares, axes=1))
        matrix = kernel.copy()
        matrix[np.diag_indices(n)] += noise + nugget + _JITTER * variance
        found = cho_factor(matrix, lower=True, check_finite=False)
        alpha = cho_solve(found, values, check_finite=False)
        inverse = cho_solve(found, np.eye(n), check_finite=False)
        value = 0.5 * float((values * alpha).sum()) + outputs * float(np.log(np.diag(found[0])).sum())
        inner = outputs * inverse - alpha @ alpha.T
        weighted = inner * kernel
        slopes = [0.5 * float((weighted * squares[k]).sum()) / lengths[k] ** 2 for k in range(d)]
        slopes += [0.5 * float(weighted.sum()), 0.5 * nugget * float(np.trace(inner))]
        return value / outputs, np.array(slopes) / outputs

    bounds = [np.log(_LENGTHS)] * d + [np.log(_VARIANCES), np.log(_NUGGETS)]
    start = np.log([_START] * d + [2.0, 1e-3])
    best = minimize(cost, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": _MOST_STEPS}).x
    return np.exp(best[:d]), float(np.exp(best[d])), float(np.exp(best[d + 1]))
