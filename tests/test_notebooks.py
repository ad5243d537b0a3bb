"""The notebooks: committed clean, strict about parameters, and the whole chain at the smallest profile."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient.exceptions import DeadKernelError
from papermill import PapermillExecutionError

from ljmix._util.notebooks import OwnInterpreter, _read_parameter, execute_notebook, read_parameters
from ljmix.data.dataset import read_dataset, write_dataset
from ljmix.report.metrics import RUN_RECORD, read_metrics
from ljmix.simulation.profiles import load_profile
from tests.conftest import synthetic_dataset

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_committed_clean_and_thin(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
    assert sum("parameters" in cell.metadata.get("tags", []) for cell in code) == 1
    assert max(cell.source.count("\n") + 1 for cell in code) <= 25
    first = notebook.cells[0]
    assert first.cell_type == "markdown"
    for word in ("**Question.**", "inputs", "outputs", "run time"):
        assert word in first.source
    assert "## Summary" in notebook.cells[-1].source
    for cell in code:
        if "parameters" in cell.metadata.get("tags", []):
            assert all("#" in line for line in cell.source.splitlines()), "every parameter has a comment"


def test_unknown_parameter_is_an_error_before_any_work(tmp_path):
    with pytest.raises(ValueError, match=r"01-simulate.ipynb has no parameter 'stepz'; it has profile, engine"):
        execute_notebook(NOTEBOOKS[1], tmp_path / "out.ipynb", {"stepz": 1})
    with pytest.raises(FileNotFoundError, match="does not exist"):
        execute_notebook(tmp_path / "none.ipynb", tmp_path / "out.ipynb", {})
    assert list(tmp_path.iterdir()) == []


def test_a_kernel_that_dies_leaves_the_cells_before(tmp_path):
    cells = [
        nbformat.v4.new_code_cell("reason = 1  # a parameter", metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell("print('so far')"),
        nbformat.v4.new_code_cell("import os\nos._exit(reason)"),
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), tmp_path / "dies.ipynb")
    with pytest.raises(DeadKernelError):
        execute_notebook(tmp_path / "dies.ipynb", tmp_path / "out.ipynb", {})
    assert "so far" in (tmp_path / "out.failed.ipynb").read_text()
    assert not (tmp_path / "out.ipynb").exists()


def small_notebook(path, *sources):
    cells = [nbformat.v4.new_code_cell("reason = 1  # a parameter", metadata={"tags": ["parameters"]})]
    cells += [nbformat.v4.new_code_cell(source) for source in sources]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), path)
    return path


def test_what_a_users_ipython_runs_at_its_start_does_not_run(tmp_path, monkeypatch):
    startup = tmp_path / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "mine.py").write_text("sum = None")
    (tmp_path / "mine.py").write_text("max = None")
    (tmp_path / "ipython" / "profile_default" / "ipython_config.py").write_text(
        "get_config().InteractiveShellApp.exec_lines = ['min = None']"
    )
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("PYTHONSTARTUP", str(tmp_path / "mine.py"))
    source = small_notebook(tmp_path / "plain.ipynb", "assert sum and max and min")
    execute_notebook(source, tmp_path / "out.ipynb", {})


def test_a_notebook_runs_in_this_interpreter_whatever_a_kernels_name_means(tmp_path, monkeypatch):
    """Another environment's python3 comes first on Jupyter's path; it cannot even start."""
    foreign = tmp_path / "jupyter" / "kernels" / "python3"
    foreign.mkdir(parents=True)
    spec = {"argv": ["/bin/false", "{connection_file}"], "display_name": "foreign", "language": "python"}
    (foreign / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    source = small_notebook(tmp_path / "who.ipynb", "import sys\nprint('I am', sys.executable)")
    execute_notebook(source, tmp_path / "out.ipynb", {})
    assert f"I am {sys.executable}" in (tmp_path / "out.log").read_text()


def test_what_its_user_can_mend_is_one_sentence(tmp_path):
    """A dataset of one profile, asked for as another's, in the notebook that draws the figures: no figure."""
    write_dataset(synthetic_dataset(load_profile("smoke").states(), 5.0), tmp_path / "run")
    command = [sys.executable, "-m", "ljmix._util.notebooks", NOTEBOOKS[5], tmp_path / "05.ipynb"]
    folders = [f"results={tmp_path / 'run'}", f"figures={tmp_path / 'figures'}"]
    done = subprocess.run([*command, *folders], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 1
    said = done.stderr.strip()
    assert said.startswith(
        f"05-explain.ipynb: {tmp_path / 'run'} holds the dataset of profile synthetic, not of reference"
    )
    assert "\n" not in said
    assert not (tmp_path / "figures").exists()


def test_a_kernel_that_has_done_its_work_is_not_interrupted(tmp_path, monkeypatch):
    """It may still be busy with its last answer; it then wrote of an error beside our sentence."""
    signals, send = [], OwnInterpreter._async_signal_kernel

    async def record(self, number):
        signals.append(number)
        await send(self, number)

    monkeypatch.setattr(OwnInterpreter, "_async_signal_kernel", record)
    source = small_notebook(tmp_path / "fails.ipynb", "raise ValueError('mend me')")
    with pytest.raises(PapermillExecutionError, match="mend me"):
        execute_notebook(source, tmp_path / "out.ipynb", {})
    assert not signals


def test_what_cells_print_is_logged_and_one_line_shown(tmp_path, capsys):
    source = small_notebook(tmp_path / "loud.ipynb", "for k in range(200): print('line', k)")
    execute_notebook(source, tmp_path / "out.ipynb", {})
    assert (tmp_path / "out.log").read_text().count("line") == 200
    shown = capsys.readouterr().out
    assert "line 7" not in shown
    assert "2/2 cells" in shown.replace("\r", "\n").splitlines()[-1]


def test_of_a_progress_bar_the_copy_shows_the_last_state(tmp_path):
    step = "sys.stderr.write(f'\\rstep {k}'); sys.stderr.flush(); time.sleep(0.01)"
    source = small_notebook(tmp_path / "bar.ipynb", f"import sys, time\nfor k in range(50): {step}")
    execute_notebook(source, tmp_path / "out.ipynb", {})
    (output,) = nbformat.read(tmp_path / "out.ipynb", as_version=4).cells[-1].outputs
    assert output["text"].strip() == "step 49"


def test_a_run_is_due_when_code_parameters_or_inputs_change_and_not_else(tmp_path, capsys):
    source = small_notebook(tmp_path / "count.ipynb", "open('runs', 'a').write('x')")
    data, output, before = tmp_path / "data.txt", tmp_path / "out.ipynb", tmp_path / "before.ipynb"
    data.write_text("one")

    def runs_after(**parameters):
        execute_notebook(source, output, parameters, [source, data, before])
        return len((tmp_path / "runs").read_text())

    assert runs_after() == 1
    assert runs_after() == 1
    assert "count" in capsys.readouterr().out.splitlines()[-1]
    # Opened and saved: another time, outputs and metadata, the same code.
    notebook = nbformat.read(source, as_version=4)
    notebook.metadata["seen"] = True
    notebook.cells.append(nbformat.v4.new_markdown_cell("A remark."))
    nbformat.write(notebook, source)
    data.touch()
    assert runs_after() == 1
    assert runs_after(reason=2) == 2
    data.write_text("two")
    assert runs_after(reason=2) == 3
    notebook.cells[1].source += "; 1 + 1"
    nbformat.write(notebook, source)
    assert runs_after(reason=2) == 4
    # An executed notebook among the inputs counts by its own inputs.
    execute_notebook(source, before, {"reason": 3})
    assert len((tmp_path / "runs").read_text()) == 5
    assert runs_after(reason=2) == 6
    execute_notebook(source, before, {"reason": 3})
    assert runs_after(reason=2) == 7


def test_a_run_is_due_again_when_what_it_wrote_is_deleted(tmp_path):
    """Also a table that the last run found as it was, and did not write."""
    made = tmp_path / "made"
    code = (
        "from pathlib import Path\nopen('runs', 'a').write('x')\n"
        "Path('made/workspace').mkdir(parents=True, exist_ok=True)\n"
        "for name in ('made/a.txt', 'made/workspace/0001.gsd'):\n"
        "    Path(name).exists() or Path(name).write_text('one')"
    )
    source, output = small_notebook(tmp_path / "write.ipynb", code), made / "out.ipynb"
    made.mkdir()
    (made / "kept.txt").write_text("of someone else")

    def runs_after(reason):
        execute_notebook(source, output, {"reason": reason}, [source])
        return len((tmp_path / "runs").read_text())

    assert [runs_after(1), runs_after(1), runs_after(2)] == [1, 1, 2]
    assert (made / "out.outputs").read_text() == "a.txt\n"
    # Neither someone else's file nor a simulation that is in the tables makes it due.
    (made / "kept.txt").unlink()
    (made / "workspace" / "0001.gsd").unlink()
    assert runs_after(2) == 2
    (made / "a.txt").unlink()
    assert runs_after(2) == 3
    assert (made / "a.txt").exists()
    assert runs_after(2) == 3


def test_make_asks_for_a_step_whose_tables_were_deleted(tmp_path):
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    for name in ("Makefile", "notebooks", "src", "data", "pyproject.toml", "requirements.lock"):
        (tmp_path / name).symlink_to(ROOT / name)
    results = tmp_path / "results" / "smoke"
    results.mkdir(parents=True)
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / ".ljmix-installed").touch()
    (results / ".choice").write_text("auto auto\n")
    (results / "states.parquet").touch()
    (results / "06-validate.outputs").write_text("states.parquet\n")
    (results / "06-validate.ipynb").touch()

    def asked():
        done = subprocess.run(
            ["make", "--dry-run", "PROFILE=smoke", "results/smoke/06-validate.ipynb"],
            cwd=tmp_path, capture_output=True, text=True,
        )  # fmt: skip
        assert not done.returncode, done.stderr
        return "notebooks/06-validate.ipynb" in done.stdout

    assert not asked()
    (results / "states.parquet").unlink()
    assert asked()


def test_parameters_are_read_as_they_are_written(tmp_path):
    """A comment may hold an equals sign, and text stays text though it looks like a number."""
    cell = nbformat.v4.new_code_cell(
        "results = ''  # folder; results = '' is the default\nsteps = 10  # a = b", metadata={"tags": ["parameters"]}
    )
    path = tmp_path / "typed.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
    assert read_parameters(path) == {"results": "", "steps": 10}
    known = read_parameters(path)
    assert _read_parameter("results=2024_01", known) == ("results", "2024_01")
    assert _read_parameter("steps=20", known) == ("steps", 20)
    path.write_text("no notebook")
    with pytest.raises(ValueError, match=r"typed\.ipynb is not a readable notebook"):
        read_parameters(path)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("PROFILE=smokey", "PROFILE = 'smokey' is unknown; choose one of equilibrium paper quick reference smoke"),
        ("PROFILE=", "PROFILE = '' is unknown"),
        ("PROFILE=..", "PROFILE = '..' is unknown"),
        ("PROFILE=smoke quick", "PROFILE = 'smoke quick' is unknown"),
        ("ENGINE=lamps", "ENGINE = 'lamps' is unknown; choose one of auto hoomd lammps"),
        ("REFIT=some", "REFIT = 'some' is unknown; choose one of one all"),
        ("DEVICE=gpuu", "DEVICE = 'gpuu' is unknown; choose one of auto cpu gpu gpu:<index>"),
    ],
)
@pytest.mark.parametrize("target", ["all", "clean"])
def test_a_misspelt_setting_is_told_before_anything_is_written(setting, message, target):
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    before = sorted(path.name for path in (ROOT / "results").iterdir())
    done = subprocess.run(["make", setting, target], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert message in done.stderr
    assert sorted(path.name for path in (ROOT / "results").iterdir()) == before


def test_ones_own_mixture_is_simulated_and_measured(tmp_path):
    """Off the grid, through 01 and 02; and 02 without any campaign falls back on shipped tables and says so."""
    folder = str(tmp_path / "own")
    mine = {"profile": "smoke", "results": folder}
    execute_notebook(NOTEBOOKS[1], tmp_path / "01.ipynb", mine | {"states": [[0.9, 0.3, 1.2, 0.7]]})
    execute_notebook(NOTEBOOKS[2], tmp_path / "02.ipynb", mine | {"sample": 0})
    assert read_dataset(tmp_path / "own").states["state_id"].tolist() == ["T0.9_C0.3_S1.2_E0.7_P1"]
    execute_notebook(NOTEBOOKS[2], tmp_path / "02-bare.ipynb", {"results": str(tmp_path / "bare")})
    assert "No campaign in" in (tmp_path / "02-bare.log").read_text()
    assert not (tmp_path / "bare" / "states.parquet").exists()


@pytest.mark.timeout(1800)  # ten notebooks, not one test: minutes on a quiet machine, more on a busy one
def test_whole_chain_at_the_smallest_profile(tmp_path):
    """From nothing to seven figures, in a folder of its own."""
    for path in NOTEBOOKS:
        parameters = {"profile": "smoke", "results": str(tmp_path)}
        if "03" <= path.stem < "06":
            parameters["epochs"] = 30
        if path.stem in ("03-extrapolate", "04-data-scaling"):
            parameters["plateau"] = 20
        if path.stem == "05-explain":
            parameters |= {"maps": 2, "fits": 1, "neighbors": [15, 30]}
        if path.stem == "07-surrogate":
            parameters |= {"train_on": "few", "steps": 50, "proposals": 3}
        execute_notebook(path, tmp_path / path.name, parameters)

    dataset = read_dataset(tmp_path)
    assert len(dataset.states) == 20
    assert dataset.provenance["profile"] == "smoke"

    metrics = read_metrics(tmp_path / "metrics.json")
    for task in ("interpolation", "extrapolation"):
        for model in ("mlp", "xgboost"):
            r2 = metrics[task][model]["r2"]
            assert set(r2) == {"all", "AA", "AB", "BB"}
            assert all(value <= 1 for value in r2.values())
    assert metrics["extrapolation"]["mlp-early"]["r2_train"]["all"] <= 1
    for key in ("r2_T0.6", "r2_T1.4"):
        assert key in metrics["extrapolation"]["mlp"]
    # The curve at 0.8 says much about the one at 0.6, even in runs this short.
    assert metrics["extrapolation"]["nearest-temperature"]["r2"]["all"] > 0.8
    keys = {"rows", "r2_mean", "r2_std", "r2_median", "r2_low", "r2_high"}
    assert [set(point) for point in metrics["scaling"]["xgboost"]] == [keys] * 8
    for least, most in metrics["epochs_run"].values():
        assert 0 < least <= most <= 30
    assert 2 <= metrics["embedding"]["best_k"] <= 10
    # In this grid the two sizes have entirely different curves.
    entropy = metrics["embedding"]["mixing_entropy_normalised"]
    assert min(entropy, key=entropy.get) == "size_ratio"
    for model in ("mlp", "xgboost"):
        assert set(metrics["attribution"][model]) >= {"temperature", "fraction_b", "size_ratio", "epsilon_ab", "r"}
    sections = {"interpolation", "extrapolation", "model_selection", "ablation", "scaling", "embedding", "attribution"}
    sections |= {"validation", "thermodynamics"}
    assert set(metrics["profiles"]) >= sections
    record = read_metrics(tmp_path / RUN_RECORD)
    assert record["extrapolation"]["times"]["mlp"]["fit_cpu_seconds"] > 0
    assert record["extrapolation"]["provenance"]["profile"] == "smoke"

    for k in range(1, 8):
        for suffix in ("png", "svg"):
            assert (tmp_path / "figures" / f"fig{k}.{suffix}").stat().st_size > 10_000
    left = [path.name for path in tmp_path.rglob("*") if ".part-" in path.name or path.name.endswith(".failed.ipynb")]
    assert not left
    executed = json.loads((tmp_path / "05-explain.ipynb").read_text())
    assert not [o for c in executed["cells"] for o in c.get("outputs", []) if o.get("output_type") == "error"]
