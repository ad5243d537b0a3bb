import json
import os
import stat

import pytest

from ljmix._util.atomic import replace_when_whole, write_text
from ljmix.report.metrics import RUN_RECORD, read_metrics, update_metrics


def test_a_failed_write_leaves_the_old_file_and_no_rest(tmp_path):
    path = tmp_path / "table.txt"
    path.write_text("old")

    def write_half():
        with replace_when_whole(path) as part:
            part.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    path, flushed, fsync = tmp_path / "table.txt", [], os.fsync

    def note(descriptor):
        flushed.append((stat.S_ISDIR(os.fstat(descriptor).st_mode), path.exists()))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    write_text(path, "whole")
    # The file before it is renamed, the folder afterwards.
    assert flushed == [(False, False), (True, True)]
    assert path.read_text() == "whole"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_no_permission_is_one_sentence(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError, match="cannot be written"), replace_when_whole(tmp_path / "a" / "b"):
        pass


def test_metrics_keep_other_sections(tmp_path):
    path = tmp_path / "metrics.json"
    update_metrics(path, {"scaling": {"mlp": [1.0]}}, {"commit": "one"})
    update_metrics(path, {"embedding": {"best_k": 4}}, {"commit": "two"})
    metrics = read_metrics(path)
    assert metrics["scaling"] == {"mlp": [1.0]}
    assert metrics["embedding"] == {"best_k": 4}
    assert json.loads(path.read_text()) == metrics
    record = read_metrics(tmp_path / RUN_RECORD)
    assert [record[name]["provenance"]["commit"] for name in ("scaling", "embedding")] == ["one", "two"]


def test_times_and_commits_stay_out_of_what_is_published(tmp_path):
    """Two runs that took different times at different commits leave the same bytes."""
    contents = []
    for commit, seconds in (("one", 1.0), ("two", 2.0)):
        path = tmp_path / commit / "metrics.json"
        scores = {"r2": {"all": 0.9}, "fit_cpu_seconds": seconds, "fit_cpu_seconds_std": None}
        sections = {
            "extrapolation": {"mlp": scores},
            "speed": {"mlp": {"one_state_ms": seconds}, "model_files_mb": 3.1},
        }
        update_metrics(path, sections, {"commit": commit, "profile": "smoke"})
        contents.append(path.read_bytes())
        times = read_metrics(path.with_name(RUN_RECORD))
        assert times["extrapolation"]["times"]["mlp"] == {"fit_cpu_seconds": seconds, "fit_cpu_seconds_std": None}
    assert contents[0] == contents[1]
    metrics = read_metrics(path)
    assert metrics["extrapolation"] == {"mlp": {"r2": {"all": 0.9}}}
    assert metrics["speed"] == {"model_files_mb": 3.1}
    assert metrics["profiles"] == {"extrapolation": "smoke", "speed": "smoke"}


def test_metrics_refuse_what_is_not_a_number(tmp_path):
    with pytest.raises(ValueError, match=r"metric extrapolation.mlp.r2 = nan: must be finite"):
        update_metrics(tmp_path / "metrics.json", {"extrapolation": {"mlp": {"r2": float("nan")}}}, {})
    assert read_metrics(tmp_path / "metrics.json") == {}
