"""Settings of the documentation site; `docs/build.py` lays out its pages and calls Sphinx."""

import importlib.util
import tomllib
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parents[1]
_PROJECT = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

project = "ljmix"
author = "The ljmix authors"
project_copyright = "2026, the ljmix authors"
version = release = _PROJECT["version"]

extensions = ["myst_nb", "numpydoc", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx_copybutton"]
source_suffix = {".rst": "restructuredtext", ".md": "myst-nb", ".ipynb": "myst-nb"}

# -- pages and notebooks -------------------------------------------------------------------------------------
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4
# Notebooks are shown with the outputs that they have.
nb_execution_mode = "off"
nb_output_stderr = "remove"
nb_merge_streams = True
copybutton_exclude = ".linenos, .gp, .go"

# -- API reference -------------------------------------------------------------------------------------------
# One of the two engines is enough to build the site.
autodoc_mock_imports = [name for name in ("hoomd", "lammps") if importlib.util.find_spec(name) is None]
autodoc_member_order = "bysource"
# Docstrings give types in words, with shapes and units.
autodoc_typehints = "none"
autosummary_generate = False
numpydoc_show_class_members = False
# In docstrings `name` is code, and a link where the name is found.
default_role = "py:obj"
# Many modules have an `Array` of their own: a link to one of several is no error.
suppress_warnings = ["ref.python"]

# -- look ----------------------------------------------------------------------------------------------------
html_theme = "furo"
html_title = f"ljmix {version}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
pygments_style = "tango"
pygments_dark_style = "monokai"
# MathJax 2.7 of the package jupyter-server-mathjax, which `docs/build.py` copies: formulas show without a network, too.
mathjax_path = "mathjax/MathJax.js"
mathjax2_config = {
    "config": ["TeX-AMS-MML_HTMLorMML-full.js"],
    "jax": ["input/TeX", "output/HTML-CSS"],
    "tex2jax": {"ignoreClass": "tex2jax_ignore|mathjax_ignore", "processClass": "tex2jax_process|math|output_area"},
    "HTML-CSS": {"availableFonts": [], "webFont": "STIX-Web", "imageFont": None},
    "messageStyle": "none",
}
myst_update_mathjax = False


def _escape_bars(_app: Any, _kind: str, _name: str, _object: Any, _options: Any, lines: list[str]) -> None:
    """Let |g| in a docstring be the size of g: reStructuredText takes it for the name of something to put in."""
    lines[:] = [line if "``" in line else line.replace("|", r"\|") for line in lines]


def _skip_requests(_app: Any, _kind: str, name: str, _object: Any, skip: bool, _options: Any) -> bool | None:
    """Leave out what scikit-learn adds to every estimator, and describes by labels of its own pages."""
    return True if name in ("set_fit_request", "set_predict_request", "set_score_request") else skip


def setup(app: Any) -> None:
    """Connect what docstrings need."""
    app.connect("autodoc-process-docstring", _escape_bars)
    app.connect("autodoc-skip-member", _skip_requests)
