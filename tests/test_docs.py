"""Pages say what is there: links, anchors, commands, folders. The site itself is built by `make docs`."""

import ast
import importlib.util
import re
import tomllib
from pathlib import Path

import nbformat
import pytest
import yaml

import ljmix

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")] + sorted(ROOT.glob("docs/*.md"))
CARDS = sorted(ROOT.glob("data/*/README.md"))
NOTEBOOKS = sorted(ROOT.glob("notebooks/*.ipynb"))
LINK = re.compile(r"\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^()\s]+)\)")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
MOST_WORDS = 700


def by_name(path):
    return str(path.relative_to(ROOT))


def read(path):
    """What a reader sees: a page, or the text of a notebook without its code."""
    if path.suffix != ".ipynb":
        return path.read_text()
    return "\n\n".join(cell.source for cell in nbformat.read(path, 4).cells if cell.cell_type == "markdown")


def links(path):
    """Relative links of a page: file and anchor."""
    targets = LINK.findall(BLOCK.sub("", read(path)))
    return [target.partition("#")[::2] for target in targets if ":" not in target]


def anchors(path):
    """Anchors of a page's headings, as GitHub and MyST make them."""
    headings = re.findall(r"^#+ (.*)$", BLOCK.sub("", read(path)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


def commands(path):
    """What a page has in code: lines of its blocks, and code inside its text."""
    text = read(path)
    blocks = [line.partition("  #")[0] for _, block in BLOCK.findall(text) for line in block.splitlines()]
    return blocks + re.findall(r"`([^`\n]+)`", BLOCK.sub("", text).replace("\n", " "))


def find_module(name):
    """File that `python -m` runs."""
    place = ROOT / "src" / Path(*name.split("."))
    module = place.with_suffix(".py")
    return module if module.is_file() else place / "__main__.py"


def load_build():
    spec = importlib.util.spec_from_file_location("build_docs", ROOT / "docs" / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", PAGES + CARDS + NOTEBOOKS, ids=by_name)
def test_links_lead_somewhere(page):
    for target, anchor in links(page):
        file = (page.parent / target).resolve() if target else page
        assert file.is_file(), f"{target}: no such file; a link to a folder is none on the site"
        if anchor:
            assert anchor in anchors(file), f"{target}#{anchor}: no such heading"


def test_readme_is_a_screen_and_a_half():
    words = len((ROOT / "README.md").read_text().split())
    assert words <= MOST_WORDS, f"{words} words; pages in docs/ have room"


def test_the_index_lists_every_page_and_notebook():
    listed = {(ROOT / "docs" / target).resolve() for target, _ in links(ROOT / "docs" / "index.md")}
    assert set(PAGES) - {ROOT / "docs" / "index.md"} <= listed
    assert set(NOTEBOOKS) <= listed


@pytest.mark.parametrize("page", PAGES + CARDS + NOTEBOOKS, ids=by_name)
def test_commands_exist(page):
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for command in commands(page):
        if match := re.match(r"make((?: [a-z]+)+)", command):
            assert set(match[1].split()) <= targets, command
        if match := re.match(r"python -m (ljmix[.\w]*)", command):
            source = find_module(match[1])
            assert source.is_file(), command
            assert source.stem == "__main__" or "__main__" in source.read_text(), f"{command}: runs nothing"
            defined = source.read_text() + (ROOT / "src" / "ljmix" / "_util" / "command.py").read_text()
            for option in re.findall(r" (--[a-z-]+)", command):
                assert f'"{option}"' in defined, f"{command}: no option {option}"


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_python_on_pages_uses_public_names(page):
    for block in (block for language, block in BLOCK.findall(page.read_text()) if language == "python"):
        used = [node for node in ast.walk(ast.parse(block)) if isinstance(node, ast.Attribute)]
        public = {node.attr for node in used if ast.unparse(node.value) == "ljmix"}
        assert public <= set(ljmix.__all__)
        for names in re.findall(r"^from ljmix import (.*)$", block, re.MULTILINE):
            assert set(names.split(", ")) <= set(ljmix.__all__)


def test_every_folder_of_the_package_has_its_place_in_the_picture():
    picture = (ROOT / "docs" / "architecture.md").read_text()
    folders = {path.parent.name for path in ROOT.glob("src/ljmix/*/__init__.py")}
    assert {folder for folder in folders if f"`{folder}/`" not in picture or f" {folder}/" not in picture} == set()


def test_one_version_everywhere():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert cited["version"] == version
    released = re.findall(r"^## \[([\d.]+)\] - (\S+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert released[0] == (version, str(cited["date-released"]))


def test_the_site_is_laid_out_whole(tmp_path):
    """Each entry of the sidebar is a page, and each relative link of a page leads to a file beside it."""
    build = load_build()
    mirror = build.Mirror(tmp_path)
    build.copy_pages(mirror)
    build.write_reference(mirror)
    front = (tmp_path / "index.md").read_text()
    entries = [
        line for _, block in re.findall(r"```({toctree})\n(.*?)```", front, re.DOTALL) for line in block.split("\n")
    ]
    pages = [re.sub(r".*<(.*)>", r"\1", entry) for entry in entries if entry and not entry.startswith(":")]
    assert len(pages) > len(PAGES) + len(NOTEBOOKS)
    for page in pages:
        assert [path for suffix in (".md", ".ipynb", ".rst") if (path := tmp_path / f"{page}{suffix}").is_file()], page
    for page in tmp_path.rglob("*.md"):
        for target, _ in links(page):
            assert not target or (page.parent / target).is_file(), f"{page.relative_to(tmp_path)}: {target}"


def test_every_folder_of_the_reference_is_a_package():
    for room in load_build().find_rooms():
        importlib.import_module("ljmix" if room == "ljmix" else f"ljmix.{room}")


def test_tables_in_docstrings_keep_their_columns():
    """A word that begins one place too far left breaks the page of its module."""
    found = 0
    for path in (ROOT / "src").rglob("*.py"):
        border = None
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if re.fullmatch(r"\s*=+( +=+)+", line):
                border, found = line, found + 1
            elif border and line.strip():
                gaps = [match.span() for match in re.finditer(r"(?<==) +(?==)", border)]
                assert not [gap for gap in gaps if line[slice(*gap)].strip()], f"{path}:{number}: {line}"
            else:
                border = None
    assert found


def test_a_notebook_that_was_not_run_says_so_and_shows_published_figures(tmp_path, monkeypatch):
    build = load_build()
    monkeypatch.setattr(build, "EXECUTED", tmp_path)
    validate = next(path for path in NOTEBOOKS if "validate" in path.stem)
    cells = build.fill_notebook(build.Mirror(tmp_path / "pages"), validate)["cells"]
    assert "was not run" in cells[1]["source"]
    assert "](../figures/validation-agreement.png)" in cells[-1]["source"]
    assert (tmp_path / "pages" / "figures" / "validation-agreement.png").is_file()
    (tmp_path / validate.name).write_text(validate.read_text().replace("## Summary", "## Executed"))
    cells = build.fill_notebook(build.Mirror(tmp_path / "pages"), validate)["cells"]
    assert not [cell for cell in cells if "was not run" in "".join(cell["source"])]
    assert "## Executed" in "".join(cells[-1]["source"])
