"""One screen that says what works, what does not, and what to do."""

import json
import shutil
import sys
from pathlib import Path

import pytest

from ljmix.data.reference import shipped_folder
from ljmix.report import doctor


def test_everything_is_looked_at_and_fits_a_screen():
    findings = doctor.examine()
    text = "\n".join(map(str, findings))
    print(text)
    assert text.count("\n") < 25
    for what in (
        "versions",
        "sources",
        "packages",
        "machine",
        "engine lammps",
        "MPI",
        "GPU",
        "kernel",
        "results",
        "data",
    ):
        assert any(finding.what == what for finding in findings), what
    assert any(finding.said.endswith("starts") for finding in findings if finding.what == "kernel")
    assert not [
        finding for finding in findings if finding.what in ("engine lammps", "kernel", "data") and finding.advice
    ]


def test_a_changed_table_is_found(tmp_path, monkeypatch):
    copy = tmp_path / "data"
    for name in ("reference", "models"):
        shutil.copytree(shipped_folder() / name, copy / name)
    monkeypatch.setattr(doctor, "shipped_folder", lambda: copy)
    assert not doctor.check_data().advice
    with (copy / "reference" / "rdf.parquet").open("ab") as file:
        file.write(b" ")
    assert doctor.check_data().said.endswith("rdf.parquet is not what was shipped")
    (copy / "reference" / "rdf.parquet").unlink()
    assert doctor.check_data().said.endswith("lacks rdf")
    assert "git checkout" in doctor.check_data().advice


def test_what_is_broken_is_named_with_what_to_do(monkeypatch):
    def broken():
        raise OSError("no such device")

    monkeypatch.setattr(
        doctor, "requires", lambda name: ["numpy<1", "nothing-of-this-name>=1", "furo; extra == 'docs'"]
    )
    finding = doctor.check_versions()
    assert "numpy is " in finding.advice
    assert "nothing-of-this-name is missing" in finding.advice
    assert "furo" not in finding.advice
    monkeypatch.setattr(doctor, "CHECKS", (broken,))
    assert str(doctor.examine()[0]) == f"!!  broken       OSError: no such device\n{'':17}→ report this line"
    with pytest.raises(SystemExit) as ended:
        doctor.main([])
    assert ended.value.code == 1


def test_an_engine_that_does_not_start_is_trouble_only_if_no_other_does(monkeypatch):
    monkeypatch.setattr(doctor, "_ask", lambda code: (1, "Abort trap") if "lammps" in code else (0, "7.0 on a GPU"))
    assert not [finding for finding in doctor.check_engine() if finding.advice]
    monkeypatch.setattr(doctor, "_ask", lambda code: (1, "Abort trap"))
    assert all("no engine starts" in finding.advice for finding in doctor.check_engine())


def test_a_folder_that_cannot_be_written_is_named(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(doctor, "results_folder", lambda name: Path(tmp_path, "file", name))
    (finding, _) = doctor.check_folders()
    assert "a file has this name" in finding.said
    assert "--results" in finding.advice


def test_code_of_another_clone_is_named(tmp_path, monkeypatch):
    """PYTHONPATH leads to it, or an environment that two clones share; and to packages in the user's folder."""
    assert not doctor.check_sources().advice

    class Installed:
        def __init__(self, name):
            self.folder = place

        def read_text(self, name):
            return json.dumps({"url": clone.as_uri(), "dir_info": {"editable": True}})

        def locate_file(self, name):
            return self.folder

    (clone := tmp_path / "another clone").mkdir()
    (clone / "src" / "ljmix").mkdir(parents=True)
    place = Path(sys.prefix, "lib", "site-packages")
    monkeypatch.setattr(doctor, "distribution", Installed)
    finding = doctor.check_sources()
    assert f"{clone}/src/ljmix is installed here" in finding.said
    assert "unset PYTHONPATH" in finding.advice
    place = tmp_path / ".local" / "lib"
    assert str(place) in doctor.check_sources().said
    assert "PYTHONNOUSERSITE" in doctor.check_sources().advice
