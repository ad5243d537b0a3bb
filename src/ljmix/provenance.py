"""Where an artifact comes from."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

__all__ = ["describe_provenance"]


def describe_provenance(profile_name: str, **more: Any) -> Mapping[str, Any]:
    """Collect what an artifact comes from: profile, git commit, versions of Python and the main packages.

    Returns
    -------
    dict
        JSON-able; ``commit`` is "unknown" outside a git checkout.
    """
    git = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=12"],
        cwd=Path(__file__).parent, capture_output=True, text=True, check=False,
    )  # fmt: skip
    packages = ("ljmix", "numpy", "freud-analysis", "gsd", "scikit-learn", "umap-learn", "shap")
    return {
        "profile": profile_name,
        "commit": git.stdout.strip() or "unknown",
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
        **more,
    }
