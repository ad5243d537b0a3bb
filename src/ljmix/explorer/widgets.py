"""Sliders in JupyterLab, and by voila as an application: ``voila src/ljmix/explorer/app.ipynb``."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ljmix._util.arrays import interpolate
from ljmix.data.dataset import Dataset
from ljmix.data.reference import load_reference
from ljmix.explorer.snapshots import Snapshots, shipped_configurations
from ljmix.explorer.table import QUANTITIES, quantities_of
from ljmix.plotting.models.surrogate import plot_surrogate_curves
from ljmix.plotting.snapshot import plot_snapshot
from ljmix.state import PAIRS, PARAMETERS, StatePoint
from ljmix.surrogate.shipped import find_surrogate
from ljmix.surrogate.surrogate import Answer, Surrogate

__all__ = ["answer_table", "curves_table", "explore"]

_LABELS = {"temperature": "T*", "fraction_b": "C_B", "size_ratio": "S", "epsilon_ab": "ε_AB"}
_STEPS = {"temperature": 0.01, "fraction_b": 0.01, "size_ratio": 0.01, "epsilon_ab": 0.01}
_UNITS = {"density": "σ⁻³", "potential_energy": "ε", "compressibility": "σ³/ε", "diffusion_a": "σ²/τ",
          "diffusion_b": "σ²/τ"}  # fmt: skip
_BOX = (10.0, 60.0)


def curves_table(answer: Answer, dataset: Dataset) -> pd.DataFrame:
    """Curves of one answer with its band, and those of the nearest simulated state, as figures take them."""
    nearest = answer.nearest(1)["state_id"].iloc[0]
    rows = dataset.select((dataset.states["state_id"] == nearest).to_numpy())
    r, g = rows.curve_array()
    g_sem = rows.curve_array("g_sem")[1]
    lower, upper = answer.band()
    parts = []
    for k, pair in enumerate(PAIRS):
        said = {"predicted": answer.g[0, k], "lower": lower[0, k], "upper": upper[0, k]}
        columns = {name: interpolate(r, answer.r, values) for name, values in said.items()}
        parts.append(pd.DataFrame({"state_id": nearest, "pair": pair, "r": r, "g": g[0, k], "g_sem": g_sem[0, k],
                                   **columns}))  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def answer_table(answer: Answer) -> pd.DataFrame:
    """Phase and thermodynamics of one answer, in words."""
    rows = [("phase", f"{answer.phase[0]}; demixes with a probability of {answer.demixing[0]:.2f}")]
    for name in QUANTITIES:
        value, error = (float(part[0]) for part in quantities_of(answer)[name])
        said = f"{value:.4f} ± {error:.4f} {_UNITS[name]}" if np.isfinite(value) else "unknown"
        rows.append((name.replace("_", " "), said))
    if answer.out_of_range[0]:
        rows.append(("careful", answer.out_of_range[0]))
    return pd.DataFrame(rows, columns=["quantity", "value"])


def explore(
    surrogate: Surrogate | None = None,
    dataset: Dataset | None = None,
    configurations: Path | str | None = None,
    *,
    exact: bool = False,
) -> Any:
    """Sliders for the four numbers and the box; curves with bands, a snapshot, phase and thermodynamics beside them.

    Parameters
    ----------
    surrogate : Surrogate, optional
        By default the one that is shipped.
    dataset : Dataset, optional
        Whose nearest state is drawn over the answer; by default the shipped one.
    configurations : Path, optional
        Folder of configurations of the dataset, of which the nearest is drawn; by default those that are shipped, with
        the shipped dataset.
    exact : bool
        Solve theory at every step of a slider, a tenth of a second; otherwise emulate it, where there is an emulator.

    Returns
    -------
    ipywidgets.VBox

    Raises
    ------
    RuntimeError
        If ipywidgets is not installed.
    FileNotFoundError
        If no surrogate is given and none is shipped.
    """
    if find_spec("ipywidgets") is None:
        raise RuntimeError("sliders need ipywidgets, which is not installed; pip install 'ljmix[explorer]'")
    import ipywidgets as widgets

    surrogate = find_surrogate(surrogate)
    if dataset is None:
        dataset, configurations = load_reference(), configurations or shipped_configurations()
    snapshots = Snapshots.read(dataset, configurations)
    exact = exact or surrogate.emulator is None
    sliders = {
        name: widgets.FloatSlider(
            value=float(np.median(surrogate.states[name])), min=float(surrogate.states[name].min()),
            max=float(surrogate.states[name].max()), step=_STEPS[name], description=_LABELS[name],
            continuous_update=False,
        )
        for name in PARAMETERS
    }  # fmt: skip
    box = widgets.FloatSlider(
        value=15.0, min=_BOX[0], max=_BOX[1], step=1.0, description="box / σ", continuous_update=False
    )
    image, picture = widgets.Image(format="png"), widgets.Image(format="png")
    text, caption = widgets.HTML(), widgets.HTML()
    drawn = ""

    def draw(name: str, size_ratio: float) -> bytes:
        figure = plot_snapshot(snapshots.configurations[name], size_ratio)
        return figure._repr_png_()  # type: ignore[attr-defined,no-any-return]

    def show(*_: Any) -> None:
        nonlocal drawn
        state = StatePoint(*(slider.value for slider in sliders.values()))
        answer = surrogate.predict(state, box_edge=box.value, exact=exact)
        curves = curves_table(answer, dataset)
        nearest = curves["state_id"].iloc[0]
        figure = plot_surrogate_curves(curves, {nearest: f"points: {nearest}, the nearest simulated state"})
        image.value = figure._repr_png_()  # type: ignore[attr-defined]
        text.value = answer_table(answer).to_html(index=False, header=False, border=0)
        caption.value = snapshots.describe(state, nearest)
        found = snapshots.nearest(state)
        if found is not None and found[0]["state_id"] != drawn:  # a picture takes longer than an answer
            drawn = found[0]["state_id"]
            picture.value = draw(drawn, float(found[0]["size_ratio"]))

    for slider in (*sliders.values(), box):
        slider.observe(show, "value")
    show()
    beside = widgets.VBox([*([picture] if len(snapshots.states) else []), caption])
    controls = widgets.HBox([widgets.VBox([*sliders.values(), box]), text, beside])
    return widgets.VBox([controls, image])
