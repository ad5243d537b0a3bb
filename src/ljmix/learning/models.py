"""The contestants by name: `make_model` gives any of them, unfitted.

Row-wise models (`interface.RowModel`) take one point of one curve as a row of seven numbers, as the paper
does. Baselines know only temperature. See the module of each for what it is.
"""

from __future__ import annotations

from ljmix.learning.baselines import BASELINES, TemperatureBaseline
from ljmix.learning.interface import Model, RowModel
from ljmix.learning.network import EPOCHS, HIDDEN_LAYERS, PATIENCE, Network
from ljmix.learning.trees import BoostedTrees

__all__ = [
    "BASELINES", "EPOCHS", "HIDDEN_LAYERS", "MODELS", "PATIENCE", "ROW_MODELS", "BoostedTrees", "Model",
    "Network", "RowModel", "TemperatureBaseline", "make_model", "make_row_model",
]  # fmt: skip

ROW_MODELS = ("mlp", "xgboost")
MODELS = ROW_MODELS + BASELINES


def make_model(name: str, seed: int = 0, *, epochs: int = EPOCHS, patience: int = PATIENCE, n_jobs: int = 1) -> Model:
    """Return an unfitted contestant.

    Parameters
    ----------
    name : one of `MODELS`
    seed : int
        Same seed, same numbers. The baselines draw nothing.
    epochs, patience, n_jobs : int
        Length of training, see `Network`; threads, see `BoostedTrees`.

    Raises
    ------
    ValueError
        If the name is unknown or a number is below its minimum.
    """
    minimum = {"seed": 0, "epochs": 1, "patience": 1, "n_jobs": 1}
    for option, value in zip(minimum, (seed, epochs, patience, n_jobs), strict=True):
        if value < minimum[option]:
            raise ValueError(f"{option} = {value}: must be at least {minimum[option]}")
    match name:
        case "mlp":
            return Network(seed, epochs, patience)
        case "xgboost":
            return BoostedTrees(seed, n_jobs=n_jobs)
    if name in BASELINES:
        return TemperatureBaseline(name)
    raise ValueError(f"model {name!r} is unknown; choose one of {', '.join(MODELS)}")


def make_row_model(name: str, seed: int = 0, **options: int) -> RowModel:
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
