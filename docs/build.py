"""Build the documentation site from a copy of the pages: `make docs`.

The copy has the repository's own layout, so that a relative link between two pages is right on both. Its front page is
README; `docs/index.md` says what stands in the sidebar, and in which order.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
EXECUTED = ROOT / "results" / "reference"
PAGES = {".md", ".ipynb"}
SITE, WORK = ROOT / "results" / "site", ROOT / "results" / ".site"
EXPLORER = EXECUTED / "explorer.html"
"""Page with sliders, which `make surrogate` writes; the site links to it where it is there."""

_LINK = re.compile(r"\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^()\s]+)\)")
_NOT_RUN = (
    "> **Code and text only.** This notebook was not run where the site was built; `make all docs` shows its outputs."
)
_PUBLISHED = "## Published figures\n\nWhat this notebook draws, as published ([captions](../figures/README.md))."

_EXPLORE = '\n\n<p><a href="../explorer.html">Play with it: sliders, curves, bands</a></p>\n'


class Mirror:
    """The copied pages, and the files that they link to.

    Parameters
    ----------
    folder : Path
        Where the copy goes.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.written: set[Path] = set()

    def write(self, name: str, content: bytes) -> None:
        """Write a file unless it is there already: Sphinx reads again what is newer."""
        path = self.folder / name
        self.written.add(path)
        if not path.is_file() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def relink(self, text: str, folder: Path) -> str:
        """Copy the files that a text links to; a link to a folder, which a site cannot show, becomes its text."""

        def replace(match: re.Match[str]) -> str:
            label, target = match.groups()
            path = target.partition("#")[0]
            found = (ROOT / folder / path).resolve()
            if not path or ":" in path or not found.is_relative_to(ROOT):
                return match[0]
            if found.is_dir():
                return label
            if found == ROOT / "README.md":
                return f"[{label}]({target.replace('README.md', 'index.md')})"
            if found.is_file() and found.suffix not in PAGES:
                self.write(str(found.relative_to(ROOT)), found.read_bytes())
            return match[0]

        return _LINK.sub(replace, text)

    def drop_others(self) -> None:
        """Remove what an earlier copy held and this one does not."""
        for path in sorted(self.folder.rglob("*"), reverse=True):
            if path.is_file() and path not in self.written:
                path.unlink()
            elif path.is_dir() and not any(path.iterdir()):
                path.rmdir()


def copy_pages(mirror: Mirror) -> None:
    """Copy README as the front page, and all pages that `docs/index.md` lists."""
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    front = mirror.relink((ROOT / "README.md").read_text(encoding="utf-8"), Path())
    mirror.write("index.md", (front + "\n" + sidebar(index)).encode())
    for name in ("docs/index.md", *linked_pages(index)):
        page = ROOT / name
        if page.suffix == ".md":
            text = mirror.relink(page.read_text(encoding="utf-8"), Path(name).parent)
            if name == "docs/surrogate.md" and EXPLORER.is_file():
                text = text.replace("\n", _EXPLORE, 1)
        else:
            text = json.dumps(fill_notebook(mirror, page))
        mirror.write(name, text.encode())


def linked_pages(index: str) -> dict[str, str]:
    """Pages and notebooks that the index lists, in its order, with what it calls them."""
    links = {str((ROOT / "docs" / match[2]).resolve().relative_to(ROOT)): match[1] for match in _LINK.finditer(index)}
    return {name: label for name, label in links.items() if Path(name).suffix in PAGES and name != "README.md"}


def sidebar(index: str) -> str:
    """Write one table of contents for each section of the index, and one for the API reference."""
    contents = {"": ["docs/index"]}
    for section in index.split("\n## ")[1:]:
        title, _, body = section.partition("\n")
        contents[title] = [f"{label} <{Path(name).with_suffix('')}>" for name, label in linked_pages(body).items()]
    contents["API reference"] = [f"api/{room}" for room in find_rooms()]
    return "\n".join(
        "\n".join(["```{toctree}", ":hidden:", f":caption: {title}" if title else "", "", *pages, "```", ""])
        for title, pages in contents.items()
    )


def fill_notebook(mirror: Mirror, path: Path) -> dict[str, Any]:
    """Return the executed copy of a notebook; where there is none the notebook, with a note and published figures."""
    executed = EXECUTED / path.name
    notebook: dict[str, Any] = json.loads((executed if executed.is_file() else path).read_text(encoding="utf-8"))
    cells = notebook["cells"]
    if not executed.is_file():
        code = "".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
        drawn = [name for name in dict.fromkeys(re.findall(r'"([\w-]+)"', code)) if _figure(name).is_file()]
        cells.insert(1, _text_cell("not-run", _NOT_RUN))
        if drawn:
            shown = [f"![{name}](../figures/{name}.png)" for name in drawn]
            cells.append(_text_cell("published", "\n\n".join([_PUBLISHED, *shown])))
    for cell in cells:
        if cell["cell_type"] == "markdown":
            cell["source"] = mirror.relink("".join(cell["source"]), Path("notebooks"))
    return notebook


def _figure(name: str) -> Path:
    return ROOT / "figures" / f"{name}.png"


def _text_cell(name: str, text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": name, "metadata": {}, "source": text}


def find_rooms() -> dict[str, list[str]]:
    """Public modules of each folder of the package, and of its root, by the name of their page."""
    rooms: dict[str, list[str]] = {}
    for path in sorted((ROOT / "src" / "ljmix").rglob("*.py")):
        *room, name = path.relative_to(ROOT / "src" / "ljmix").with_suffix("").parts
        if not any(part.startswith("_") for part in (*room, name)):
            rooms.setdefault(".".join(room) or "ljmix", []).append(".".join(["ljmix", *room, name]))
    return {"ljmix": rooms.pop("ljmix"), **dict(sorted(rooms.items()))}


def write_reference(mirror: Mirror) -> None:
    """Write one page of the API reference for each folder of the package."""
    for room, modules in find_rooms().items():
        package = "ljmix" if room == "ljmix" else f"ljmix.{room}"
        lines = [package, "=" * len(package), "", f".. automodule:: {package}"]
        lines += ["   :members:", "   :exclude-members: __version__", ""] if room == "ljmix" else [""]
        lines += [".. autosummary::", "", *(f"   {module.rpartition('.')[2]}" for module in modules), ""]
        for module in modules:
            lines += [module, "-" * len(module), "", f".. automodule:: {module}", "   :members:", ""]
        mirror.write(f"api/{room}.rst", "\n".join(lines).encode())


def copy_mathjax(target: Path) -> None:
    """Copy what formulas need from the package that brings MathJax."""
    spec = find_spec("jupyter_server_mathjax")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("jupyter-server-mathjax is not installed; `make docs` installs it")
    unused = shutil.ignore_patterns("localization", "SVG", "a11y", "MathML", "mhchem*")
    shutil.copytree(Path(spec.origin).parent / "static", target, ignore=unused, dirs_exist_ok=True)


def main() -> int:
    """Build the site into results/site; warnings are errors."""
    from sphinx.cmd.build import main as sphinx_build  # the tests lay out the pages without Sphinx

    mirror = Mirror(WORK / "pages")
    copy_pages(mirror)
    write_reference(mirror)
    mirror.drop_others()
    # All pages are written, since a new one stands in the sidebar of each.
    options = ["-W", "--keep-going", "-q", "-a", "-c", str(ROOT / "docs"), "-d", str(WORK / "doctrees")]
    failed = sphinx_build([*options, "-b", "html", str(mirror.folder), str(SITE)])
    if failed:
        # Sphinx reads a page once, and would be silent about its warnings the next time.
        shutil.rmtree(WORK / "doctrees", ignore_errors=True)
        return failed
    copy_mathjax(SITE / "_static" / "mathjax")
    if EXPLORER.is_file():
        shutil.copyfile(EXPLORER, SITE / EXPLORER.name)
    print(f"open {SITE.relative_to(ROOT) / 'index.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
