"""The lines at the head of the tables: medians and the surest states first, from the audit's lines."""

from ljmix.report.lead import lead_rows, start_rows

COLUMNS = ("mlp", "gaussian-process")


def line(question, model, **numbers):
    names = ("states", "r2", "r2_low", "r2_high", "median_error", "median_low", "median_high")
    return {"question": question, "model": model} | dict.fromkeys(names) | numbers


METRICS = {
    "audit": [
        line("all test states", "mlp", states=200, r2=0.7, r2_low=0.5, r2_high=0.8, median_error=0.2),
        line("both have converged", "mlp", states=67, r2=0.96, median_error=0.1, median_low=0.08, median_high=0.12),
        line("both have converged", "gaussian-process", states=67, r2=0.998, median_error=0.02),
        line("equally heavy curves", None, r2=6.0),
    ],
    "starts": [line("the mixed side everywhere", "gaussian-process", states=200, r2=0.41, median_error=0.03)],
    "extrapolation": {"mlp": {"r2_train": {"all": 0.998}}, "gaussian-process": {}},
}


def test_medians_and_the_surest_states_come_first():
    rows = lead_rows(METRICS, COLUMNS)
    assert [row[0] for row in rows] == [
        "state and predictor converged (67 states): median error of a curve", "… pooled R²",
        "all states (200 states): median error of a curve", "… pooled R²", "R² on the training rows",
    ]  # fmt: skip
    assert rows[0][2:] == ["0.100 (0.080 to 0.120)", "0.020", "–"]
    assert rows[1][1:] == ["–", "0.960", "0.998", "–"]
    assert rows[3][1:] == ["0.89", "0.700 (0.50 to 0.80)", "–", "–"]
    assert rows[4][2:] == ["0.998", "–", "–"]
    assert start_rows(METRICS, COLUMNS) == [
        ["runs from the mixed side everywhere: median error of a curve", "–", "–", "0.030", "–"],
        ["… pooled R²", "–", "–", "0.410", "–"],
    ]


def test_version_1_has_none():
    assert lead_rows({"extrapolation": {}}, COLUMNS) == start_rows({}, COLUMNS) == []
