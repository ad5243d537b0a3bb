"""Trained models in files: portable, with the checksum of their data, without pickle.

Each model is a folder with ``model.json``, which says what it is and what it was trained on, and its numbers:
XGBoost's in its own JSON, those of a network or a Gaussian process as NumPy arrays.
Temperature baselines and theories hold nothing worth a file: they are the data, or know nothing of it.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from xgboost import XGBRegressor

from ljmix._util.atomic import require_writable
from ljmix._util.reading import read_arrays, read_json, require_size
from ljmix.data.identity import checksum
from ljmix.models.base import Model
from ljmix.models.networks.curve_network import CurveNetwork
from ljmix.models.networks.network import Network
from ljmix.models.networks.perceptron import ScaledPerceptron
from ljmix.models.processes.gaussian_process import CurveProcess
from ljmix.models.processes.ingredients import Ingredients, Scales
from ljmix.models.theory_guided import TheoryGuided
from ljmix.models.trees import BoostedTrees, PhysicsTrees
from ljmix.state import PARAMETERS

__all__ = ["checksum", "load_model", "save_model"]

_NUMBERS = [*PARAMETERS, "pressure"]
_SIMULATED = ("simulated_fraction_b",)
"""What the states tell beside them, where the dataset does."""
_PARTS = ("one_liquid", "two_liquids")
_ARRAYS = ("r_", "x_", "mean_", "amplitude_", "noise_", "weights_")


MOST_BYTES = 512 * 2**20
"""Bytes of a file of a model; the largest of ours has a hundredth of it."""


def save_model(model: Model, folder: Path | str, data: str, provenance: Mapping[str, Any]) -> Path:
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
    folder = Path(folder)
    require_writable(folder.parent)
    write, _ = _KINDS[kind]
    part = Path(tempfile.mkdtemp(prefix=".part-", dir=folder.parent))
    part.chmod(0o777 & ~_umask())
    description = {"kind": kind, "arguments": write(model, part), "data_sha256": data, "provenance": dict(provenance)}
    (part / "model.json").write_text(json.dumps(description, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    old = part.with_name(f"{part.name}-old")
    if folder.exists():
        folder.rename(old)
    part.rename(folder)
    shutil.rmtree(old, ignore_errors=True)
    return folder


def _umask() -> int:
    """Permissions that new files do not get; it can be read only by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def load_model(folder: Path | str, data: str | None = None) -> Model:
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
        If the model was trained on other data, is of an unknown kind, or a file is damaged or too large.

    Notes
    -----
    Nothing in the files is executed: they hold numbers, and text that names a kind of model of ours.
    """
    folder = Path(folder)
    path = folder / "model.json"
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist; `make models` writes it")
    description = read_json(path)
    if not {"kind", "arguments", "data_sha256"} <= set(description) or not isinstance(description["arguments"], dict):
        raise ValueError(f"{path} does not describe a model: kind, arguments and data_sha256 are expected")
    if data is not None and description["data_sha256"] != data:
        raise ValueError(
            f"{folder} was trained on other data, SHA-256 {description['data_sha256'][:12]}…, not {data[:12]}…"
        )
    if str(description["kind"]) not in _KINDS:
        raise ValueError(f"{path}: kind {description['kind']!r} is unknown; known are {', '.join(_KINDS)}")
    _, read = _KINDS[description["kind"]]
    for file in folder.rglob("*"):
        require_size(file, MOST_BYTES)
    try:
        model: Model = read(folder, dict(description["arguments"]))
    except Exception as error:
        # Libraries raise what they like at files that are cut, foreign or made to harm.
        reason = str(error).strip().split("\n")[0][:200] or type(error).__name__
        raise ValueError(f"{folder} holds no whole model of kind {description['kind']}: {reason}") from error
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
    np.savez_compressed(folder / "network.npz", **model.estimator_.as_arrays())
    return dict(model.get_params())


def _read_network(folder: Path, arguments: dict[str, Any]) -> Network:
    model = Network(**arguments)
    model.estimator_ = ScaledPerceptron.from_arrays(read_arrays(folder / "network.npz"))
    return model


def _write_curve_network(model: CurveNetwork, folder: Path) -> dict[str, Any]:
    arrays: dict[str, Any] = model.estimator_.as_arrays()
    np.savez_compressed(folder / "network.npz", **arrays)
    np.savez_compressed(folder / "components.npz", components=model.components_, mean=model.mean_, r=model.r_)
    return dict(model.get_params() | {"scale": model.scale_})


def _read_curve_network(folder: Path, arguments: dict[str, Any]) -> CurveNetwork:
    scale = arguments.pop("scale")
    model = CurveNetwork(**arguments)
    parts = read_arrays(folder / "components.npz")
    model.estimator_ = ScaledPerceptron.from_arrays(read_arrays(folder / "network.npz"))
    model.components_, model.mean_, model.r_, model.scale_ = parts["components"], parts["mean"], parts["r"], scale
    return model


def _write_process(model: CurveProcess, folder: Path) -> dict[str, Any]:
    states = model.states_.reindex(columns=_NUMBERS).to_numpy(dtype=float)
    arrays = {name: model.states_[name].to_numpy(dtype=float) for name in _SIMULATED if name in model.states_}
    arrays |= {name.strip("_"): getattr(model, name) for name in _ARRAYS}
    np.savez_compressed(folder / "process.npz", states=states, **arrays)
    return {
        "name": model.name, "width": model.width_, "ingredients": asdict(model.ingredients),
        "scales": asdict(model.scales),
    }  # fmt: skip


def _read_process(folder: Path, arguments: dict[str, Any]) -> CurveProcess:
    model = CurveProcess(Ingredients(**arguments["ingredients"]), Scales(**arguments["scales"]), arguments["name"])
    model.width_ = arguments["width"]
    arrays = read_arrays(folder / "process.npz")
    model.states_ = pd.DataFrame(arrays["states"], columns=_NUMBERS)
    model.states_ = model.states_.assign(**{name: arrays[name] for name in _SIMULATED if name in arrays})
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
