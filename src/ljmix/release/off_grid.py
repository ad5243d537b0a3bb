"""States off the grid: drawn once, half of them open to development, half closed until the end.

::

    python -m ljmix.release.off_grid                     # all states, one a line
    python -m ljmix.release.off_grid --half development  # those that may be looked at
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import qmc

from ljmix._util.command import one_sentence
from ljmix.state import PARAMETERS, StatePoint

__all__ = ["BOX", "COUNT", "HALVES", "off_grid_states"]

BOX = {"temperature": (0.6, 1.4), "fraction_b": (0.02, 0.5), "size_ratio": (0.5, 2.0), "epsilon_ab": (0.2, 1.0)}
"""What is drawn from; each number by itself uniform, ln S for S, so that S and 1/S are as likely."""
COUNT = 120
HALVES = ("development", "closed")
_SEED = 20260
"""Of the scrambling. A changed seed would be another benchmark."""
_DECIMALS = 4


def off_grid_states() -> pd.DataFrame:
    """States of the benchmark, always the same.

    A scrambled Sobol sequence (Owen 1998, doi:10.1006/jcom.1998.0487) over `BOX`. A hash of each state's name puts half
    of them into either half, so that neither is a pattern of the sequence.

    Returns
    -------
    pandas.DataFrame
        `state_id`, the four numbers, `half`; in the order of the sequence.
    """
    # A generator, not its seed: SciPy makes different ones of a seed in different versions.
    rng = np.random.default_rng(_SEED)
    unit = qmc.Sobol(len(PARAMETERS), scramble=True, seed=rng).random_base2(7)[:COUNT]
    lows, highs = zip(*(BOX[name] for name in PARAMETERS), strict=True)
    values = pd.DataFrame(qmc.scale(unit, lows, highs), columns=list(PARAMETERS))
    low, high = BOX["size_ratio"]
    values["size_ratio"] = low * (high / low) ** unit[:, PARAMETERS.index("size_ratio")]
    states = [StatePoint(*row) for row in values.round(_DECIMALS).to_numpy().tolist()]
    order = sorted(range(COUNT), key=lambda k: states[k].seed("half of the off-grid benchmark"))
    first = set(order[: COUNT // 2])
    rows = [
        {
            "state_id": state.state_id,
            **{name: getattr(state, name) for name in PARAMETERS},
            "half": HALVES[k not in first],
        }
        for k, state in enumerate(states)
    ]
    return pd.DataFrame(rows)


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line of the module."""
    parser = argparse.ArgumentParser(prog="python -m ljmix.release.off_grid", description="states off the grid")
    parser.add_argument("--half", choices=HALVES, help="one half alone")
    chosen = parser.parse_args(arguments).half
    with one_sentence(parser):
        states = off_grid_states()
        print(states[states["half"] == chosen].to_string() if chosen else states.to_string())


if __name__ == "__main__":
    main()
