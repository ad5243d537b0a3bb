"""Run a notebook with parameters, strictly: an unknown parameter is an error, the output appears whole.

::

    python -m ljmix._util.notebooks notebooks/01-simulate.ipynb results/quick/01-simulate.ipynb profile=quick
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import json
import logging
import os
import signal
import sys
import tempfile
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

import nbformat
import papermill
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient.exceptions import DeadKernelError

from ljmix._util.atomic import replace_when_whole, write_text
from ljmix._util.command import INTERRUPTED, Interrupted, way_on

__all__ = ["OwnInterpreter", "digest_inputs", "execute_notebook", "read_parameters"]

_BAR = "{desc:18} {n_fmt:>3}/{total_fmt} cells {elapsed}"
_MENDABLE = (
    "ValueError",
    "FileNotFoundError",
    "PermissionError",
    "NotADirectoryError",
    "IsADirectoryError",
    "BusyError",
)
"""Errors in a cell that speak of its inputs."""
_PATIENCE = 30.0
"""Longest time that an interrupted cell may take to end, s."""
CELL_TIMEOUT = 14 * 24 * 3600
"""Longest time a cell may take, s: the largest campaign, not a hang, should be what ends it."""


class OwnInterpreter(AsyncKernelManager):
    """Starts the kernel with the interpreter that runs this, whatever a kernel's name stands for elsewhere.

    A name is looked up in folders of the user and of ``JUPYTER_PATH`` first, where another environment may have put
    its own ``python3``. What a user's IPython runs at its start, for work of their own, does not run here.
    """

    running: ClassVar[list[OwnInterpreter]] = []
    """Those whose kernels live."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._settings = tempfile.TemporaryDirectory(prefix="ljmix-ipython-", ignore_cleanup_errors=True)

    async def _async_start_kernel(self, **kwargs: Any) -> None:
        self.running.append(self)
        await super()._async_start_kernel(**kwargs)

    start_kernel = _async_start_kernel

    async def _async_interrupt_kernel(self) -> None:
        """Interrupt a cell, but no kernel that is to end: one that still answers its last cell reports an error."""
        if not self.shutting_down:
            await super()._async_interrupt_kernel()

    interrupt_kernel = _async_interrupt_kernel

    @property
    def kernel_spec(self) -> KernelSpec:
        """How the kernel is started."""
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", "--log-level=ERROR"]
        # The last keeps debuggers from warning of modules that they cannot step through.
        plain = {"IPYTHONDIR": self._settings.name, "PYTHONSTARTUP": "", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
        return KernelSpec(argv=argv, display_name="ljmix", language="python", env=plain)


def read_parameters(source: Path) -> dict[str, Any]:
    """Read the names that a notebook's cell tagged `parameters` assigns, with their defaults.

    Raises
    ------
    FileNotFoundError
        If the notebook is not there.
    ValueError
        If it is no notebook, or a default is not a plain value.
    """
    if not source.is_file():
        raise FileNotFoundError(f"notebook {source} does not exist")
    try:
        cells = nbformat.read(source, as_version=4).cells  # type: ignore[no-untyped-call]
    except (nbformat.reader.NotJSONError, nbformat.ValidationError, AttributeError, KeyError) as error:
        raise ValueError(f"{source} is not a readable notebook: {error}") from error
    defaults: dict[str, Any] = {}
    for cell in cells:
        if "parameters" not in cell.metadata.get("tags", []):
            continue
        for node in ast.parse(cell.source).body:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                defaults[node.targets[0].id] = ast.literal_eval(node.value)
    return defaults


def digest_inputs(source: Path, parameters: Mapping[str, Any], inputs: Iterable[Path]) -> str:
    """SHA-256 of all that decides what a notebook's run gives: its code, its parameters, the files it depends on.

    Of another executed notebook among the inputs the digest of its own counts, not its bytes, which hold times.
    """
    digest = hashlib.sha256()
    code = [cell.source for cell in nbformat.read(source, as_version=4).cells if cell.cell_type == "code"]  # type: ignore[no-untyped-call]
    digest.update(json.dumps([code, sorted((name, repr(value)) for name, value in parameters.items())]).encode())
    for path in sorted({path for path in inputs if path != source and path.is_file()}):
        content = path.read_bytes()
        if path.suffix == ".ipynb":
            content = (_recorded_digest(path) or content.hex()).encode()
        digest.update(f"{path.as_posix()} {hashlib.sha256(content).hexdigest()}".encode())
    return digest.hexdigest()


def _recorded_digest(path: Path) -> str | None:
    """Digest that an executed notebook carries; None if it is none of ours."""
    try:
        recorded = json.loads(path.read_text(encoding="utf-8"))["metadata"]["ljmix"]["inputs"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return str(recorded)


def execute_notebook(
    source: Path, output: Path, parameters: Mapping[str, Any], inputs: Iterable[Path] | None = None
) -> None:
    """Execute a notebook in its own folder, as JupyterLab does, and write the executed copy.

    Parameters
    ----------
    source, output : Path
    parameters : mapping
        Values for names that the cell tagged `parameters` assigns.
    inputs : iterable of Path, optional
        Files that it depends on. Where an executed copy with the same code, parameters and inputs is there already,
        and all that its run wrote beside it, it stays as it is: files that were touched, or opened and saved, do not
        make a run due. What the run wrote stands in ``<output>.outputs``, where make finds it, too.

    Raises
    ------
    FileNotFoundError
        If the notebook is not there.
    ValueError
        If a parameter is not in that cell.
    Interrupted
        On Ctrl-C.
    papermill.PapermillExecutionError, nbclient.exceptions.DeadKernelError
        If a cell fails, or its kernel dies; what was executed is kept in ``<output>.failed.ipynb``.

    Notes
    -----
    The kernel is this very interpreter. What cells print goes to ``<output>.log`` as it comes.
    """
    known = read_parameters(source)
    for name in parameters:
        if name not in known:
            raise ValueError(f"{source.name} has no parameter {name!r}; it has {', '.join(known) or 'none'}")
    digest = digest_inputs(source, parameters, inputs or ())
    record = output.with_suffix(".outputs")
    earlier = _still_there(record)
    if inputs is not None and _recorded_digest(output) == digest and earlier is not None:
        output.touch()
        print(f"{source.stem:18} is up to date")
        return
    failed, log = output.with_suffix(".failed.ipynb"), output.with_suffix(".log")
    failed.unlink(missing_ok=True)
    before = _written_files(output.parent)
    with replace_when_whole(output) as part, log.open("w", encoding="utf-8") as said:
        try:
            _execute_interruptibly(
                str(source),
                str(part),
                parameters=dict(parameters),
                cwd=str(source.parent),
                progress_bar={"desc": source.stem, "unit": "cell", "file": sys.stdout, "bar_format": _BAR},
                stdout_file=said,
                stderr_file=said,
                execution_timeout=CELL_TIMEOUT,
                kernel_manager_class=OwnInterpreter,
                # A progress bar leaves its last state in the copy, not one line a step.
                coalesce_streams=True,
                # Whatever a notebook names, or none: the kernel is this interpreter.
                kernel_name="python3",
                language="python",
            )
            executed = nbformat.read(part, as_version=4)  # type: ignore[no-untyped-call]
            executed.metadata["ljmix"] = {"inputs": digest}
            nbformat.write(executed, part)  # type: ignore[no-untyped-call]
        except (Exception, Interrupted):
            # papermill writes after every cell, so that also a dead kernel leaves its cells.
            if part.exists():
                part.replace(failed)
            raise
    if inputs is not None:
        after = _written_files(output.parent)
        changed = {path for path, state in after.items() if before.get(path) != state}
        # A table that came out as it was is not written again: it counts by the run before.
        write_text(record, "".join(f"{path}\n" for path in sorted(changed | (set(earlier or ()) & after.keys()))))


def _still_there(record: Path) -> list[str] | None:
    """Files that a run wrote, by its record; None if one of them is gone, or there is no record."""
    if not record.is_file():
        return None
    written = record.read_text(encoding="utf-8").splitlines()
    return written if all((record.parent / path).is_file() for path in written) else None


def _written_files(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Files below a folder with what tells a new version of each: tables and figures, not simulations.

    Finished simulations are read again, and can be deleted when their tables are made.
    """
    found = {}
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != "workspace" and not name.startswith(".")]
        for name in names:
            if name.startswith(".") or name.endswith((".ipynb", ".log", ".outputs")):
                continue
            with suppress(FileNotFoundError):  # another process's temporary file
                state = os.stat(os.path.join(place, name))
                key = Path(place, name).relative_to(folder).as_posix()
                found[key] = (state.st_mtime_ns, state.st_size, state.st_ino)
    return found


def _execute_interruptibly(source: str, output: str, **options: Any) -> None:
    """Run papermill so that Ctrl-C interrupts the cell, as in JupyterLab, instead of killing its kernel.

    In a thread, where papermill leaves Ctrl-C alone. The cell then says itself what it keeps; a second Ctrl-C, or a
    cell that does not listen, ends the kernel.

    Raises
    ------
    Interrupted
        With the cell's own words, if it has any.
    """
    with ThreadPoolExecutor(1) as thread:
        done = thread.submit(papermill.execute_notebook, source, output, **options)
        try:
            done.result()
        except KeyboardInterrupt:
            try:
                _signal_kernels(signal.SIGINT)
                wait([done], timeout=_PATIENCE)
            except KeyboardInterrupt:
                pass
            finally:
                if not done.done():
                    _signal_kernels(signal.SIGKILL)
            error = done.exception()
            said = error.evalue if isinstance(error, papermill.PapermillExecutionError) else ""
            own = isinstance(error, papermill.PapermillExecutionError) and error.ename == "Interrupted"
            raise Interrupted(said if own else f"what was simulated is kept; {way_on()} goes on") from None
        finally:
            OwnInterpreter.running.clear()


def _signal_kernels(number: int) -> None:
    for manager in OwnInterpreter.running:
        process = getattr(manager.provisioner, "pid", None)
        if process is not None:
            # Its group too: worker processes of a cell.
            with suppress(ProcessLookupError):
                os.killpg(process, number)


def _read_parameter(text: str, known: Mapping[str, Any]) -> tuple[str, Any]:
    """Read ``name=value``; where the notebook's own value is text, so is this, whatever it looks like."""
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"parameter {text!r}: must look like name=value")
    if isinstance(known.get(name), str):
        return name, value
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value


def main() -> None:
    """Execute a notebook from the command line."""
    parser = argparse.ArgumentParser(description="Execute a notebook with parameters.")
    parser.add_argument("source", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("parameters", nargs="*", metavar="name=value")
    parser.add_argument(
        "--inputs", nargs="*", type=Path, help="run only if the code, parameters or these files changed"
    )
    arguments = parser.parse_args()
    logging.getLogger("papermill").setLevel(logging.ERROR)
    try:
        known = read_parameters(arguments.source)
        parameters = dict(_read_parameter(text, known) for text in arguments.parameters)
        execute_notebook(arguments.source, arguments.output, parameters, arguments.inputs)
    except (ValueError, OSError) as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    except KeyboardInterrupt as error:
        parser.exit(INTERRUPTED, f"\n{arguments.source.name} interrupted; {error or f'{way_on()} goes on'}\n")
    except (papermill.PapermillExecutionError, DeadKernelError) as error:
        kept = os.path.relpath(arguments.output.with_suffix(".failed.ipynb"))
        memory = " (most often for want of memory)" if isinstance(error, DeadKernelError) else ""
        log = os.path.relpath(arguments.output.with_suffix(".log"))
        where = f"its cells up to there are in {kept}, what they printed in {log}"
        said = f"{error}{memory}\n{arguments.source.name} failed"
        if isinstance(error, papermill.PapermillExecutionError) and error.ename in _MENDABLE:
            # What its user can mend is a sentence of ours; the traceback stands in the copy.
            said = f"{arguments.source.name}: {error.evalue}"
        parser.exit(1, f"{said}; {where}\n")


if __name__ == "__main__":
    main()
