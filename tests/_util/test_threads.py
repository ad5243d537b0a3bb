import pytest

from ljmix._util import threads


@pytest.mark.parametrize(("limit", "expected"), [("2147483648", 1), ("17179869184", 4), ("max", 4), (None, 4)])
def test_a_small_container_gets_one_worker(tmp_path, monkeypatch, limit, expected):
    """Binder gives 2 GiB: two workers beside the notebook would not fit."""
    path = tmp_path / "memory.max"
    if limit is not None:
        path.write_text(f"{limit}\n")
    monkeypatch.setattr(threads, "_LIMITS", (str(path),))
    monkeypatch.setattr(threads, "cpu_count", lambda: 4)
    monkeypatch.setattr(threads.os, "sysconf", {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 2**23}.get)
    assert threads.count_workers(-1) == expected
    assert threads.count_workers(3) == 3
