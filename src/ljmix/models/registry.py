"""The models by name: `make_model` gives any of them, unfitted.

Row-wise models (`base.RowModel`) take one point of one curve as a row of seven numbers, as the paper
does. Baselines know only temperature. See the module of each for what it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ljmix.models.base import Model, RowModel
from ljmix.models.baselines import BASELINES, TemperatureBaseline
from ljmix.models.networks.curve_network import CurveNetwork
from ljmix.models.networks.network import EPOCHS, HIDDEN_LAYERS, PATIENCE, Network
from ljmix.models.processes.gaussian_process import CurveProcess
from ljmix.models.processes.ingredients import Ingredients, Scales
from ljmix.models.theory import THEORIES, IntegralEquation, TwoLiquids
from ljmix.models.theory_guided import TheoryGuided
from ljmix.models.trees import BoostedTrees, PhysicsTrees
from ljmix.models.tuned import tuned_settings

__all__ = [
    "BASELINES", "DETERMINISTIC", "EPOCHS", "GUIDED",
    "HIDDEN_LAYERS", "LEARNED", "MODELS", "PATIENCE", "PLATEAU", "ROW_MODELS",
    "THEORIES", "TUNED", "VARIANTS", "BoostedTrees", "Model", "Network", "RowModel", "TemperatureBaseline",
    "make_model", "make_row_model",
]  # fmt: skip

ROW_MODELS = ("mlp", "xgboost")
"""The two models of the comparison: the paper's network as printed, and tuned trees on the same inputs."""
LEARNED = (*ROW_MODELS, "mlp-tuned", "xgboost-physics", "curve-network", "gaussian-process")
"""Models that learn from curves and predict any state."""
TUNED = ("xgboost", "mlp-tuned", "xgboost-physics", "gaussian-process")
"""Models whose settings come from `ljmix.evaluation.tuning`."""
GUIDED = ("theory-difference", "theory-guided")
"""The Gaussian process on the residual of theory: without a prediction where theory does not converge, or with one."""
MODELS = LEARNED + BASELINES + THEORIES + GUIDED
VARIANTS = ("mlp-early",)
"""The paper's network stopped early, scored beside it where it is trained to its plateau."""
PLATEAU = 0
"""How the paper's network is trained in the published benchmark: for so many epochs without early stopping, the
paper's 1000, or 0 with it. This number decides; notebooks take it where their own parameter does not."""
DETERMINISTIC = ("gaussian-process", *BASELINES, *THEORIES, *GUIDED)
"""Models that draw nothing: every seed gives the same numbers."""


def make_model(
    name: str,
    seed: int = 0,
    *,
    epochs: int = EPOCHS,
    patience: int = PATIENCE,
    plateau: int = 0,
    n_jobs: int = 1,
    settings: Mapping[str, Any] | None = None,
) -> Model:
    """Return an unfitted model.

    Parameters
    ----------
    name : one of `MODELS` or `VARIANTS`
    seed : int
        Same seed, same numbers. Those in `DETERMINISTIC` draw nothing.
    epochs, patience, n_jobs : int
        Length of training, see `Network`; threads, see `BoostedTrees`.
    plateau : int
        Epochs of the networks on rows, the paper's and the tuned one, without early stopping; 0: `epochs` and
        `patience` end their training too.
    settings : mapping, optional
        In place of those that `ljmix.evaluation.tuning` found, for a model that is tuned.

    Raises
    ------
    ValueError
        If the name is unknown, a number is below its minimum, or settings are given to a model that has
        none.
    """
    minimum = {"seed": 0, "epochs": 1, "patience": 1, "plateau": 0, "n_jobs": 1}
    for option, value in zip(minimum, (seed, epochs, patience, plateau, n_jobs), strict=True):
        if value < minimum[option]:
            raise ValueError(f"{option} = {value}: must be at least {minimum[option]}")
    if name not in (*MODELS, *VARIANTS):
        raise ValueError(f"model {name!r} is unknown; choose one of {', '.join((*MODELS, *VARIANTS))}")
    if name not in TUNED and settings is not None:
        raise ValueError(f"{name!r} takes no settings; tuned are {', '.join(TUNED)}")
    chosen: Mapping[str, Any] = {}
    if name in TUNED:
        chosen = tuned_settings(name) if settings is None else settings
    most, idle = (plateau, plateau) if plateau else (epochs, patience)
    match name:
        case "mlp":
            return Network(seed, most, idle)
        case "mlp-early":
            return Network(seed, epochs, patience, name=name)
        case "mlp-tuned":
            return Network(seed, most, idle, name=name, **chosen)
        case "xgboost":
            return BoostedTrees(seed, n_jobs=n_jobs, **chosen)
        case "xgboost-physics":
            return PhysicsTrees(seed, n_jobs=n_jobs, **chosen)
        case "curve-network":
            return CurveNetwork(seed, epochs, patience)
        case "gaussian-process":
            return CurveProcess(scales=Scales(**chosen))
        case "theory-difference":
            return CurveProcess(Ingredients(theory=True), Scales(**tuned_settings("gaussian-process")), name)
        case "theory-guided":
            return TheoryGuided(Scales(**tuned_settings("gaussian-process")))
        case "two-liquids":
            return TwoLiquids()
    return TemperatureBaseline(name) if name in BASELINES else IntegralEquation(name)


def make_row_model(name: str, seed: int = 0, **options: Any) -> RowModel:
    """Return an unfitted model that learns from single rows; parameters as for `make_model`.

    Raises
    ------
    ValueError
        As `make_model`, or if the model needs whole curves.
    """
    model = make_model(name, seed, **options)
    if not isinstance(model, RowModel):
        raise ValueError(f"{name!r} needs whole curves, not rows; choose one of {', '.join(ROW_MODELS)}")
    return model
