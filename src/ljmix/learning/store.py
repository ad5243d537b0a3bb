"""Trained contestants in files: portable, with the checksum of their data, without pickle.

XGBoost models go to its own JSON, scikit-learn's through skops, arrays of everything else to NumPy's npz.
Each model is a folder with ``model.json``, which says what it is and what it was trained on.
"""

from __future__ import annotations

import hashlib

import pandas as pd

from ljmix.dataset import Dataset

__all__ = ["checksum"]


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
