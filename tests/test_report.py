from pathlib import Path

import pytest

from ljmix.metrics import read_metrics
from ljmix.report import gallery, insert_table, results_table

ROOT = Path(__file__).parent.parent
METRICS = read_metrics(ROOT / "results" / "quick" / "metrics.json")


def test_readme_quotes_the_published_metrics():
    """If this fails after a new run: python -m ljmix.report."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert insert_table(readme, METRICS) == readme


def test_gallery_quotes_the_published_metrics():
    assert (ROOT / "figures" / "README.md").read_text(encoding="utf-8") == gallery(METRICS)


def test_table_rounds_and_keeps_order():
    table = results_table(METRICS)
    value, spread = (METRICS["extrapolation"]["mlp"][key]["BB"] for key in ("r2", "r2_std"))
    row = next(line for line in table.splitlines() if line.startswith("| … BB"))
    assert row.split("|")[2].strip() == "0.83"
    assert row.split("|")[3].strip() == f"{value:.3f} ± {spread:.3f}"
    assert table.count("\n| ") == 9


def test_missing_markers_are_named():
    with pytest.raises(ValueError, match="README has no place for the table"):
        insert_table("# nothing here", METRICS)
