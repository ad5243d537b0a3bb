import io
import json
import subprocess

import numpy as np
import pandas as pd
import pytest
from matplotlib import image

from ljmix.report.verify import compare_figures, compare_numbers, main, verify


def picture(shade):
    file = io.BytesIO()
    image.imsave(file, np.full((20, 20, 3), shade, dtype=np.uint8), format="png")
    return file.getvalue()


def test_numbers_are_identical_close_or_different():
    published = {
        "r2": {"all": 0.9, "BB": 0.5},
        "r2_std": {"all": 0.01, "BB": 0.0},
        "k": 4,
        "names": ["a", "b"],
        "no": None,
    }
    found = {"r2": {"all": 0.92, "BB": 0.5 + 1e-8}, "r2_std": {"all": 0.01, "BB": 0.0}, "k": 5, "names": ["a", "c"]}
    verdict = compare_numbers(published, found)
    # Within three spreads and within rounding; an integer, a name and a missing value are different.
    assert verdict.close == 2
    assert {name for name, *_ in verdict.different} == {"k", "names.1", "no"}
    assert verdict.identical == 3
    assert verdict.compared == 8
    assert compare_numbers(published, published).identical == 8


def test_beyond_three_spreads_is_different_and_the_worst_comes_first():
    published = {"a": 1.0, "a_std": 0.1, "b": 1.0, "b_std": 0.1}
    text = compare_numbers(published, published | {"a": 1.4, "b": 2.0}).describe("numbers")
    assert text.splitlines()[0] == "4 numbers compared: 2 identical, 0 within their spread, 2 different"
    assert text.splitlines()[1].strip().startswith("b: published 1.0, found 2.0")


def test_figures_are_compared_by_bytes_then_by_pixels():
    published = {"x.png": picture(100), "y.png": picture(100), "z.png": picture(100), "s.svg": b"<svg/>", "w.png": b""}
    found = {"x.png": picture(100), "y.png": picture(102), "z.png": picture(200), "s.svg": b"<svg> </svg>"}
    verdict = compare_figures(published, found)
    assert (verdict.identical, verdict.close) == (1, 1)
    assert [name for name, *_ in verdict.different] == ["s.svg", "w.png", "z.png"]


@pytest.fixture
def clone(tmp_path):
    (tmp_path / "results" / "reference").mkdir(parents=True)
    (tmp_path / "figures").mkdir()
    (tmp_path / "results" / "reference" / "metrics.json").write_text(json.dumps({"r2": 0.9}))
    (tmp_path / "figures" / "fig1.png").write_bytes(picture(10))
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "publish"]):
        subprocess.run(
            ["git", "-c", "user.name=a", "-c", "user.email=a@b", *command],
            cwd=tmp_path,
            check=True,
            capture_output=True,
        )
    return tmp_path


def test_a_clone_is_held_against_what_is_committed(clone, capsys):
    assert verify(clone) == (
        True,
        "1 numbers compared: 1 identical, 0 within their spread, 0 different\n"
        "1 figures compared: 1 identical, 0 within their spread, 0 different",
    )
    main(["--root", str(clone)])
    (clone / "results" / "reference" / "metrics.json").write_text(json.dumps({"r2": 0.5}))
    with pytest.raises(SystemExit) as ended:
        main(["--root", str(clone)])
    assert ended.value.code == 1
    assert "r2: published 0.9, found 0.5" in capsys.readouterr().out


def test_what_cannot_be_verified_is_said(tmp_path, clone):
    (clone / "results" / "reference" / "metrics.json").unlink()
    with pytest.raises(FileNotFoundError, match="does not exist; `make all` writes it"):
        verify(clone)
    elsewhere = tmp_path / "elsewhere" / "results" / "reference"
    elsewhere.mkdir(parents=True)
    (elsewhere / "metrics.json").write_text("{}")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path / "elsewhere", check=True)
    with pytest.raises(RuntimeError, match="is not a clone with published results"):
        verify(tmp_path / "elsewhere")


def fits_of(r2, made=True):
    columns = {"by": "rows", "model": "mlp", "seed": [0, 1], "size": 90, "settings": "{}", "r2": r2, "made": made}
    return pd.DataFrame(columns)


def test_networks_of_a_run_are_held_against_the_committed_ones(clone):
    """Said where there are some; one outside the spread of the shipped seeds is no reproduction."""
    shipped = clone / "data" / "reference" / "predictions" / "scaling-fits.parquet"
    shipped.parent.mkdir(parents=True)
    fits_of([0.5, 0.6]).to_parquet(shipped)
    for command in (["add", "-A"], ["commit", "-qm", "fits"]):
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *command], cwd=clone, check=True)
    own = clone / "results" / "reference" / "scaling-fits.parquet"
    fits_of([0.5, 0.6], [True, False]).to_parquet(own)
    reproduced, text = verify(clone)
    assert reproduced
    assert text.splitlines()[-1] == (
        "scaling-fits: 1 fits of networks made anew: 1 identical, 0 close, 0 different; "
        "1 taken from the shipped ones: mlp, seeds 1"
    )
    fits_of([0.6, 1.0]).to_parquet(own)
    reproduced, text = verify(clone)
    assert not reproduced
    assert "2 fits of networks made anew: 0 identical, 1 close, 1 different" in text
