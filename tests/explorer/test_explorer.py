"""Sliders: the page's packed table, the page in a real browser, and the widgets."""

import base64
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from importlib.util import find_spec
from types import SimpleNamespace

import numpy as np
import pytest

from ljmix.configuration import Configuration, write_configuration
from ljmix.data.configurations import record_configurations
from ljmix.data.reference import load_reference
from ljmix.explorer import page, table, widgets
from ljmix.explorer.snapshots import NONE_KEPT, Snapshots, cut_slab, shipped_configurations
from ljmix.state import StatePoint

AXES = {
    "temperature": (0.8, 1.2),
    "fraction_b": (0.2, 0.35),
    "size_ratio": (1.0, 1.5),
    "epsilon_ab": (0.2, 0.9),
}
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


KEPT = ("T0.8_C0.35_S1.5_E0.2_P1", "T1.2_C0.2_S1_E0.6_P1")


@pytest.fixture(scope="module")
def configurations(part_of_reference, tmp_path_factory):
    """Folder with a box of two states: B on the left half and A on the right, on a lattice."""
    folder = tmp_path_factory.mktemp("configurations")
    places = (np.stack(np.meshgrid(*[np.arange(9)] * 3, indexing="ij"), axis=-1).reshape(-1, 3) + 0.5) * 10 / 9 - 5
    right = places[:, 0] > -1
    places, types = np.concatenate([places[right], places[~right]]), np.repeat([0, 1], [right.sum(), (~right).sum()])
    for name, size in zip(KEPT, (1.5, 1.0), strict=True):
        write_configuration(Configuration(places, np.zeros_like(places), types, 10.0), size, folder / f"{name}.gsd")
    record_configurations(part_of_reference, folder, KEPT)
    return folder


@pytest.fixture(scope="module")
def snapshots(part_of_reference, configurations):
    return Snapshots.read(part_of_reference, configurations)


@pytest.fixture(scope="module")
def packed(surrogate, part_of_reference, snapshots):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table, "AXES", AXES)
        return table.make_table(surrogate, part_of_reference, snapshots, exact=False)


@pytest.fixture(scope="module")
def written(packed, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "explorer.html"
    path.write_text(page.format_page(packed | {"origin": "Trained </script> on eighty states."}), encoding="utf-8")
    return path


def unpack(text, kind, shape):
    return np.frombuffer(base64.b64decode(text), dtype=kind).reshape(shape)


def test_what_is_packed_is_what_was_said(surrogate, packed):
    """To half a step of the packing: 0.01 % of 1 + g; bands and probabilities to theirs."""
    n = len(table.DISTANCES)
    g = np.expm1(unpack(packed["g"], "<u2", (16, 3, n)) / packed["step"])
    half = np.expm1(unpack(packed["half"], "u1", (16, 3, n)) / packed["half_step"]) / packed["half_unit"]
    numbers = unpack(packed["numbers"], "<f4", (16, len(table.QUANTITIES), 2))
    states = [StatePoint(t, x, s, e) for t in AXES["temperature"] for x in AXES["fraction_b"]
              for s in AXES["size_ratio"] for e in AXES["epsilon_ab"]]  # fmt: skip
    answer = surrogate.predict(states, table.DISTANCES, exact=False)
    known = np.isfinite(answer.g)
    assert known.mean() > 0.9
    np.testing.assert_allclose(g[known], answer.g[known], rtol=0, atol=1.1e-4 * (1 + answer.g[known].max()))
    upper = answer.band(0.9)[1] - answer.g
    np.testing.assert_allclose(half[known], upper[known], rtol=0.03, atol=5e-4)
    np.testing.assert_allclose(numbers[:, 0, 0], answer.density[0], rtol=1e-6)
    demixing = unpack(packed["demixing"], "u1", 16) / 255
    np.testing.assert_allclose(demixing, answer.demixing, atol=0.5 / 255 + 1e-9)


def test_the_nearest_configuration_is_told_with_its_distance(snapshots, part_of_reference):
    assert sorted(snapshots.configurations) == sorted(KEPT)
    here = StatePoint(0.8, 0.35, 1.5, 0.2)
    assert snapshots.describe(here, KEPT[0]) == f"Particles of {KEPT[0]}, demixed: exactly this state."
    near = StatePoint(0.9, 0.35, 1.5, 0.2)  # a quarter of the range of T*, 0.8 to 1.2
    told = snapshots.describe(near, "another")
    assert told.startswith(f"Particles of {KEPT[0]}, demixed: 0.25 away (1: the whole range of one number).")
    assert told.endswith("No configuration is kept of the nearest simulated state, another.")
    for none in (None, "nowhere"):
        assert Snapshots.read(part_of_reference, none).describe(here, KEPT[0]) == NONE_KEPT


def test_configurations_of_another_dataset_are_refused(part_of_reference, configurations):
    fewer = part_of_reference.select(part_of_reference.states["temperature"] == 0.8)
    with pytest.raises(ValueError, match="was made from another dataset"):
        Snapshots.read(fewer, configurations)


def test_a_slab_is_cut_through_the_rarer_species(snapshots):
    """Of a lattice of nine layers, 10/9 apart, a slab of 1.5 diameters holds one to three."""
    whole = snapshots.configurations[KEPT[0]]
    for size, layers in ((1.0, (1, 2)), (1.5, (2, 3))):
        slab = cut_slab(whole, size)
        assert len(slab.plane) in [81 * n for n in layers]
        assert ((slab.plane >= 0) & (slab.plane <= 10)).all()
        assert (np.diff(slab.depth) >= 0).all()
        assert slab.depth.min() >= 0
        assert slab.depth.max() <= 1
    # B fills four of nine columns; in the picture they are its middle.
    middle = np.abs(slab.plane[:, 0] - 5) < 10 * 4 / 18
    assert (slab.types == middle).all()


def test_packed_slabs_are_those_that_were_cut(packed, snapshots, part_of_reference):
    assert len(packed["snapshots"]) == len(KEPT)
    for found in packed["snapshots"]:
        row = part_of_reference.states.iloc[found["state"]]
        slab = cut_slab(snapshots.configurations[row["state_id"]], row["size_ratio"])
        for k, name in enumerate("xy"):
            there = found["edge"] * unpack(found[name], "<u2", (len(slab.plane),)) / 65535
            np.testing.assert_allclose(there, slab.plane[:, k], atol=1e-3)
        np.testing.assert_array_equal(unpack(found["type"], "u1", (len(slab.types),)), slab.types)


def test_a_page_of_the_whole_grid_is_small_enough():
    """Its size does not depend on the numbers."""

    def predict(states, r, exact):
        n = len(states)
        g = np.random.default_rng(0).random((n, 3, len(r)))
        one = (np.zeros(n), np.zeros(n))
        return SimpleNamespace(
            g=g, band=lambda level: (g, g + 1), density=one, potential_energy=one, compressibility=one,
            diffusion=(np.zeros((n, 2)),) * 2, demixing=np.zeros(n), phase=np.array(["mixed"] * n),
        )  # fmt: skip

    dataset = load_reference()
    kept = Snapshots.read(dataset, shipped_configurations())
    whole = table.make_table(SimpleNamespace(predict=predict), dataset, kept)
    assert len(whole["snapshots"]) == len(kept.configurations) > 0
    size = len(page.format_page(whole | {"origin": "x" * 200}).encode())
    print(f"{size / 1e6:.2f} MB for {whole['states']} states")
    assert size < page.MOST_BYTES
    with pytest.raises(ValueError, match=r"the page has \d\.\d MB; at most 6 are allowed, take fewer states"):
        page.format_page(whole | {"origin": "x" * 3_000_000})


def test_text_in_the_table_ends_no_script(written):
    text = written.read_text(encoding="utf-8")
    assert text.count("</script>") == 2
    assert "Trained <\\/script> on" in text


def shown(path, address="", script=""):
    """What the browser makes of the page."""
    if BROWSER is None:
        pytest.skip("no chromium is installed; the distribution's packages have one")
    other = path.with_name("shown.html")
    other.write_text(path.read_text(encoding="utf-8").replace("</body>", f"<script>{script}</script></body>"))
    done = subprocess.run(
        [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={path.parent / 'profile'}",
         "--virtual-time-budget=4000", "--dump-dom", f"file://{other}{address}"],
        capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def cell(text, name):
    return re.search(rf'id="{name}"[^>]*>([^<]*)<', text)[1]


def test_the_page_in_a_browser_shows_what_python_says(surrogate, written):
    state = StatePoint(1.2, 0.35, 1.5, 0.9)
    answer = surrogate.predict(state, exact=False)
    text = shown(written, "#T=1.2&C=0.35&S=1.5&E=0.9")
    assert 'data-ready="yes"' in text
    assert cell(text, "phase") == answer.phase[0]
    assert cell(text, "probability") == f"{answer.demixing[0]:.2f}"
    value, error = (float(part[0]) for part in answer.density)
    assert cell(text, "is-density") == f"{value:.4f} ± {error:.4f} σ⁻³"
    assert cell(text, "nearest").startswith("T 1.2, C 0.35, S 1.5, E ")
    assert len(re.findall(r'id="curve-(?:AA|AB|BB)"', text)) == 3
    assert "<circle" in text.split('id="panels"')[1].split('class="below"')[0]
    assert cell(text, "origin") == "Trained &lt;/script&gt; on eighty states."
    assert cell(text, "snapshot").startswith(
        "A slab of the simulated box of T 1.2, C 0.2, S 1, E 0.6, mixed: 1.13 away"
    )
    assert cell(text, "snapshot").endswith("No configuration is kept of the nearest simulated state.")
    picture = text.split('id="picture"')[1].split("</svg>")[0]
    assert picture.count('class="A"') > 40
    assert picture.count('class="B"') > 35


def test_the_page_shows_the_particles_of_the_state_itself(written):
    text = shown(written, "#T=0.8&C=0.35&S=1.5&E=0.2")
    said = "A slab of the simulated box of T 0.8, C 0.35, S 1.5, E 0.2, demixed: exactly this state. "
    assert cell(text, "snapshot") == said + "A is pale blue, B orange."


def test_a_page_without_configurations_says_so(packed, tmp_path):
    path = tmp_path / "page.html"
    path.write_text(page.format_page(packed | {"origin": "", "snapshots": []}), encoding="utf-8")
    text = shown(path)
    assert cell(text, "snapshot") == NONE_KEPT
    assert 'data-ready="yes"' in text


def test_a_slider_that_is_moved_changes_the_page(surrogate, written):
    script = """const s = document.getElementById("in-epsilon_ab"); s.value = 0; s.dispatchEvent(new Event("input"));
        document.getElementById("show").click();"""
    text = shown(written, "#T=0.8&C=0.35&S=1.0&E=0.9", script)
    assert cell(text, "out-epsilon_ab") == "0.2"
    assert cell(text, "phase") == "demixed" == surrogate.predict(StatePoint(0.8, 0.35, 1.0, 0.2), exact=False).phase[0]
    assert "<circle" not in text.split('id="panels"')[1].split('class="below"')[0]


@pytest.mark.parametrize("address", ["", "#T=nonsense&Q=3", "#E=99&T=-5"])
def test_a_bad_address_shows_a_state_all_the_same(written, address):
    assert 'data-ready="yes"' in shown(written, address)


def test_the_command_says_what_is_missing(tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        page.main(["--surrogate", str(tmp_path / "none"), "--output", str(tmp_path / "page.html")])
    assert stopped.value.code == 2
    assert "holds no surrogate" in capsys.readouterr().err
    assert not (tmp_path / "page.html").exists()


# -- widgets --------------------------------------------------------------------------------------------------


def test_widgets_answer_when_a_slider_is_moved(surrogate, part_of_reference, configurations):
    pytest.importorskip("ipywidgets", reason="ipywidgets is not installed; it comes with ljmix[explorer]")
    app = widgets.explore(surrogate, part_of_reference, configurations)
    controls, image = app.children
    sliders, text, beside = controls.children
    picture, caption = beside.children
    temperature, fraction, size, energy, _ = sliders.children
    temperature.value, fraction.value, size.value, energy.value = 0.8, 0.35, 1.0, 0.2
    before = bytes(image.value)
    assert before.startswith(b"\x89PNG")
    assert "demixed; demixes with a probability of" in text.value
    energy.value = 1.0
    assert "mixed; demixes with a probability of 0.0" in text.value
    assert bytes(image.value) != before
    assert caption.value.startswith(f"Particles of {KEPT[1]}, mixed: ")
    particles = bytes(picture.value)
    assert particles.startswith(b"\x89PNG")
    energy.value, size.value = 0.2, 1.5
    assert caption.value == f"Particles of {KEPT[0]}, demixed: exactly this state."
    assert bytes(picture.value) != particles


def test_widgets_without_configurations_say_so(surrogate, part_of_reference):
    pytest.importorskip("ipywidgets", reason="ipywidgets is not installed; it comes with ljmix[explorer]")
    beside = widgets.explore(surrogate, part_of_reference).children[0].children[2]
    assert [child.value for child in beside.children] == [NONE_KEPT]


def test_without_ipywidgets_it_is_said(surrogate, monkeypatch):
    monkeypatch.setattr(widgets, "find_spec", lambda name: None)
    with pytest.raises(RuntimeError, match=r"sliders need ipywidgets, which is not installed; pip install 'ljmix\["):
        widgets.explore(surrogate)


def application():
    return page.resources.files("ljmix.explorer").joinpath("app.ipynb")


def test_the_application_is_a_notebook_without_outputs():
    cells = json.loads(application().read_text(encoding="utf-8"))["cells"]
    assert not any(cell.get("outputs") for cell in cells)
    assert "explore(" in "".join(cells[-1]["source"])


def test_voila_serves_the_application(surrogate, surrogate_folder, tmp_path):
    if find_spec("voila") is None:
        pytest.skip("voila is not installed; it comes with ljmix[explorer]")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "voila", str(application()), "--no-browser", f"--port={port}"]
    surroundings = os.environ | {"LJMIX_SURROGATE": str(surrogate_folder), "HOME": str(tmp_path)}
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen([*command, "--Voila.ip=127.0.0.1"], stdout=log, stderr=log, env=surroundings)
        try:
            text = fetch(f"http://127.0.0.1:{port}/", server)
        finally:
            server.terminate()
            server.wait(60)
    assert "application/vnd.jupyter.widget-view+json" in text, (tmp_path / "log").read_text()[-2000:]
    assert "Traceback" not in text


def fetch(address, server, seconds=300):
    """Page at an address, as soon as its server answers."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=seconds) as answer:
                return answer.read().decode()
        except (ConnectionError, urllib.error.URLError):
            time.sleep(0.5)
    return ""
