"""Trained models in files: portable, with the checksum of their data, without pickle.

Each model is a folder with ``model.json``, which says what it is and what it was trained on, and its numbers:
XGBoost's in its own JSON, scikit-learn's through skops, those of a Gaussian process as NumPy arrays.
Temperature baselines and theories hold nothing worth a file: they are the data, or know nothing of it.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import skops.io
from xgboost import XGBRegressor

from ljmix.data.dataset import Dataset
from ljmix.models.base import Model
from ljmix.models.curve_network import CurveNetwork
from ljmix.models.gaussian_process import CurveProcess
from ljmix.models.ingredients import Ingredients, Scales
from ljmix.models.network import Network
from ljmix.models.theory_guided import TheoryGuided
from ljmix.models.trees import BoostedTrees, PhysicsTrees
from ljmix.state import PARAMETERS

__all__ = ["checksum", "load_model", "save_model"]

_NUMBERS = [*PARAMETERS, "pressure"]
_PARTS = ("one_liquid", "two_liquids")
_TRUSTED = ["sklearn.neural_network._stochastic_optimizers.AdamOptimizer"]
"""What a network holds beside what skops knows: scikit-learn's own optimiser, numbers only."""
_ARRAYS = ("r_", "x_", "mean_", "amplitude_", "noise_", "weights_")


def checksum(dataset: Dataset) -> str:
    """SHA-256 of both tables' values, the same however they were written.

    Returns
    -------
    str
        Hexadecimal.
    """
    digest = hashlib.sha256()
    for table in (dataset.states, dataset.rdf):
        digest.update(",".join(table.columns).encode())
        digest.update(pd.util.hash_pandas_object(table, index=False).to_numpy().tobytes())
    return digest.hexdigest()


def save_model(model: Model, folder: Path, data: str, provenance: Mapping[str, Any]) -> Path:
    """Write a trained model; an older folder is replaced.

    Parameters
    ----------
    model : Model
        Fitted; a network, trees or a Gaussian process.
    folder : Path
        Of this one model.
    data : str
        `checksum` of what it was trained on.
    provenance : mapping
        As from `ljmix._util.provenance.describe_provenance`.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    ValueError
        If the model is of a kind that is not stored.
    """
    kind = type(model).__name__
    if kind not in _KINDS:
        raise ValueError(f"{kind} is not stored; stored are {', '.join(_KINDS)}")
    write, _ = _KINDS[kind]
    part = folder.with_name(f".part-{folder.name}")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    description = {"kind": kind, "arguments": write(model, part), "data_sha256": data, "provenance": dict(provenance)}
    (part / "model.json").write_text(json.dumps(description, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    old = folder.with_name(f".old-{folder.name}")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    part.rename(folder)
    shutil.rmtree(old, ignore_errors=True)
    return folder


def load_model(folder: Path, data: str | None = None) -> Model:
    """Read a trained model: it predicts as before, but has no record of how it was trained (`loss_curve_`).

    Parameters
    ----------
    folder : Path
    data : str, optional
        `checksum` of the data that it must have been trained on.

    Returns
    -------
    Model

    Raises
    ------
    FileNotFoundError
        If the folder holds no model.
    ValueError
        If the model was trained on other data, or is of an unknown kind.
    """
    path = folder / "model.json"
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist; `make models` writes it")
    description = json.loads(path.read_text(encoding="utf-8"))
    if data is not None and description["data_sha256"] != data:
        raise ValueError(
            f"{folder} was trained on other data, SHA-256 {description['data_sha256'][:12]}…, not {data[:12]}…"
        )
    if description["kind"] not in _KINDS:
        raise ValueError(f"{path}: kind {description['kind']!r} is unknown; known are {', '.join(_KINDS)}")
    _, read = _KINDS[description["kind"]]
    model: Model = read(folder, description["arguments"])
    return model


def _write_trees(model: BoostedTrees, folder: Path) -> dict[str, Any]:
    model.estimator_.save_model(folder / "trees.json")
    fitted = {"width": model.width_} if isinstance(model, PhysicsTrees) else {}
    return dict(model.get_params() | fitted)


def _read_trees(folder: Path, arguments: dict[str, Any]) -> BoostedTrees:
    width = arguments.pop("width", None)
    model = BoostedTrees(**arguments) if width is None else PhysicsTrees(**arguments)
    if isinstance(model, PhysicsTrees):
        model.width_ = width
    model.estimator_ = XGBRegressor(n_jobs=model.n_jobs)
    model.estimator_.load_model(folder / "trees.json")
    return model


def _write_network(model: Network, folder: Path) -> dict[str, Any]:
    skops.io.dump(model.estimator_, folder / "network.skops")
    return dict(model.get_params())


def _read_network(folder: Path, arguments: dict[str, Any]) -> Network:
    model = Network(**arguments)
    model.estimator_ = skops.io.load(folder / "network.skops", trusted=_TRUSTED)
    return model


def _write_curve_network(model: CurveNetwork, folder: Path) -> dict[str, Any]:
    parts = {"estimator": model.estimator_, "components": model.components_, "r": model.r_}
    skops.io.dump(parts, folder / "network.skops")
    return dict(model.get_params() | {"scale": model.scale_})


def _read_curve_network(folder: Path, arguments: dict[str, Any]) -> CurveNetwork:
    scale = arguments.pop("scale")
    model = CurveNetwork(**arguments)
    parts = skops.io.load(folder / "network.skops", trusted=_TRUSTED)
    model.estimator_, model.components_, model.r_ = parts["estimator"], parts["components"], parts["r"]
    model.scale_ = scale
    return model


def _write_process(model: CurveProcess, folder: Path) -> dict[str, Any]:
    states = model.states_.reindex(columns=_NUMBERS).to_numpy(dtype=float)
    arrays = {name.strip("_"): getattr(model, name) for name in _ARRAYS}
    np.savez_compressed(folder / "process.npz", states=states, **arrays)
    return {
        "name": model.name, "width": model.width_, "ingredients": asdict(model.ingredients),
        "scales": asdict(model.scales),
    }  # fmt: skip


def _read_process(folder: Path, arguments: dict[str, Any]) -> CurveProcess:
    model = CurveProcess(Ingredients(**arguments["ingredients"]), Scales(**arguments["scales"]), arguments["name"])
    model.width_ = arguments["width"]
    with np.load(folder / "process.npz", allow_pickle=False) as arrays:
        model.states_ = pd.DataFrame(arrays["states"], columns=_NUMBERS)
        for name in _ARRAYS:
            setattr(model, name, arrays[name.strip("_")])
    return model


def _write_guided(model: TheoryGuided, folder: Path) -> dict[str, Any]:
    arguments = {}
    for part in _PARTS:
        (folder / part).mkdir()
        arguments[part] = _write_process(getattr(model, f"{part}_"), folder / part)
    return {"name": model.name, **arguments}


def _read_guided(folder: Path, arguments: dict[str, Any]) -> TheoryGuided:
    scales = Scales(**arguments["two_liquids"]["scales"])
    model = TheoryGuided(scales, arguments["name"])
    for part in _PARTS:
        setattr(model, f"{part}_", _read_process(folder / part, arguments[part]))
    return model


_KINDS: dict[str, tuple[Callable[..., dict[str, Any]], Callable[..., Any]]] = {
    "BoostedTrees": (_write_trees, _read_trees),
    "PhysicsTrees": (_write_trees, _read_trees),
    "Network": (_write_network, _read_network),
    "CurveNetwork": (_write_curve_network, _read_curve_network),
    "CurveProcess": (_write_process, _read_process),
    "TheoryGuided": (_write_guided, _read_guided),
}
