"""Rooms of the package stand one above the other: no import runs up, none in a circle."""

import ast
import subprocess
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src"

# From the top. A room imports from the rooms of the lines below its own, and from itself.
ORDER = [
    {"explorer"},
    {"explanation", "plotting", "surrogate_scores"},
    {"report"},
    {"evaluation"},
    {"surrogate"},
    {"scoring", "fluid_functional"},
    {"models", "engine_validation", "thermodynamics", "external_fields", "mixture_functional", "potentials"},
    {"release"},
    {"data"},
    {"simulation"},
    {"properties", "theory", "functional"},
    {"structure"},
    {"potential", "configuration"},
    {"_util", "state"},
]
LINES = {room: line for line, rooms in enumerate(ORDER) for room in rooms}
# What a user meets first stands above all rooms.
LINES |= {"__init__": -1, "__main__": -2}


def find_modules():
    """Files of the package by the name of their module; a package is its __init__."""
    files = {".".join(path.relative_to(SOURCE).with_suffix("").parts): path for path in SOURCE.glob("ljmix/**/*.py")}
    return {name.removesuffix(".__init__"): path for name, path in files.items()}


MODULES = find_modules()


def room_of(module):
    return [*module.split("."), "__init__"][1]


def find_imports(node, lazy=False):
    """Modules of the package that a piece of code imports, and whether it does so lazily or for types only."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from ((alias.name, lazy) for alias in child.names if alias.name in MODULES)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, f"line {child.lineno}: imports are absolute"
            for name in (f"{child.module}.{alias.name}" for alias in child.names):
                found = next((known for known in (name, child.module) if known in MODULES), None)
                if found:
                    yield found, lazy
        else:
            later = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
            types = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
            yield from find_imports(child, lazy or later or types)


IMPORTS = {name: list(find_imports(ast.parse(path.read_text()))) for name, path in MODULES.items()}


def test_nothing_but_the_compendium_is_committed():
    """Its top level is fixed, and no file is larger than 8 MB: a download in the wrong folder is not committed."""
    listed = subprocess.run(["git", "-C", SOURCE.parent, "ls-files", "-z"], capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a clone")
    files = [Path(name) for name in listed.stdout.split("\0") if name]
    top = ["binder", "data", "docs", "environment.yml", "figures", "Makefile", "notebooks", "README.md", "src", "tests"]
    around = [
        "CHANGELOG.md",
        "CITATION.cff",
        "CONTRIBUTING.md",
        "LICENSE",
        "pyproject.toml",
        "requirements.lock",
        "results",
    ]
    assert {path.parts[0] for path in files if path.parts[0][0] != "."} == {*top, *around}
    sizes = {path: (SOURCE.parent / path).stat().st_size for path in files if (SOURCE.parent / path).is_file()}
    assert not {path: size for path, size in sizes.items() if size > 8_000_000}


def test_every_room_has_its_line():
    assert {room_of(module) for module in MODULES} - {"__main__"} == set(LINES) - {"__main__"}


def test_no_import_runs_up():
    """Not even a lazy one, or one for types."""
    up = [
        f"{module} imports {imported}"
        for module, found in IMPORTS.items()
        for imported, _ in found
        if room_of(module) != room_of(imported) and LINES[room_of(module)] >= LINES[room_of(imported)]
    ]
    assert not up, "\n".join(sorted(set(up)))


def test_no_module_imports_itself_by_a_detour():
    """A lazy import may close a circle: an engine is loaded when it is asked for."""
    graph = {module: {name for name, lazy in found if not lazy} for module, found in IMPORTS.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        raise AssertionError(" → ".join(error.args[1])) from None
