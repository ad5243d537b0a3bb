"""The paper's seven figures on small tables: what is in them, and that nothing is lost at the edges."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.text import Text

from ljmix.data.dataset import FEATURES, learning_table
from ljmix.models.networks.network import HIDDEN_LAYERS
from ljmix.plotting import (
    COLUMN_MM,
    PAGE_MM,
    PAIR_COLORS,
    draw_prediction,
    journal_figure,
    plot_explanation,
    plot_extrapolation,
    plot_failure,
    plot_interpolation,
    plot_overview,
    plot_rdfs,
    plot_scaling,
    plot_temperatures,
    save_figure,
)
from ljmix.plotting.models.explanation import draw_entropy
from ljmix.plotting.style import number_ids
from tests.plotting.checks import assert_nothing_is_clipped

MODELS = ("mlp", "xgboost", "nearest-temperature")
COLD, HOT = "T0.6_C0.1_S1.5_E0.2_P1", "T1.4_C0.1_S1.5_E0.2_P1"


@pytest.fixture(scope="module")
def predictions(dataset) -> pd.DataFrame:
    """Predictions off by a constant for each model, apart from a little noise for each seed."""
    table = learning_table(dataset)
    table = table.assign(part=np.where(table["temperature"].isin([0.6, 1.4]), "test", "train"))
    rng = np.random.default_rng(0)
    parts = [
        table.assign(model=model, seed=seed, predicted=table["g"] + 0.01 * rng.standard_normal(len(table)) + shift)
        for model, shift in zip(MODELS, (0.0, 0.05, 0.1), strict=True)
        for seed in range(2)
    ]
    whole = pd.concat(parts, ignore_index=True)
    return whole.astype({"state_id": "category", "pair": "category", "part": "category", "model": "category"})


@pytest.fixture(scope="module")
def losses() -> pd.DataFrame:
    epoch = np.arange(1, 21)
    return pd.concat(
        pd.DataFrame({"model": "mlp", "split": "task", "seed": seed, "epoch": epoch, "loss": 1 / epoch})
        for seed in range(2)
    )


@pytest.fixture(scope="module")
def configuration() -> SimpleNamespace:
    rng = np.random.default_rng(1)
    return SimpleNamespace(
        positions=rng.uniform(-4, 4, (60, 3)), types=(np.arange(60) % 5 == 0).astype(int), box_edge=8.0
    )


@pytest.fixture(scope="module")
def figures(dataset, predictions, losses, configuration) -> dict[str, Figure]:
    """All seven, drawn once."""
    example = learning_table(dataset).iloc[30].to_dict()
    snapshots = {COLD: configuration, HOT: configuration}
    of_states = predictions[predictions["state_id"].isin(list(snapshots))]
    of_cold = predictions[predictions["state_id"] == COLD]
    scaling = pd.DataFrame(
        [
            {
                "model": model,
                "rows": rows,
                "r2_median": 0.9 - 2000 / rows,
                "r2_low": 0.88 - 3000 / rows,
                "r2_high": 0.92 - 1000 / rows,
            }
            for model in MODELS
            for rows in (1000, 4000, 16000)
        ]
    )
    curves = pd.concat([of_cold.assign(rows=1000), of_cold.assign(rows=4000), of_cold.assign(rows=16000)])
    points = pd.DataFrame({"x": np.arange(12.0), "y": np.arange(12.0) % 5, "cluster": np.arange(12) % 3})
    scan = pd.DataFrame({"k": [2, 3, 4], "inertia": [9.0, 2.0, 1.0], "silhouette": [0.3, 0.8, 0.5]})
    entropy = pd.DataFrame(
        {
            "feature": ["temperature", "size_ratio", "epsilon_ab"],
            "entropy_normalised": [1.0, 0.1, 0.5],
            "error": [0.0, 0.02, 0.1],
            "null_low": [0.9, 0.85, 0.9],
            "null_high": [0.99, 0.98, 1.0],
        }
    )
    importance = pd.DataFrame(
        [
            {
                "model": model,
                "feature": name,
                "mean_abs": 0.1 * rank,
                "mean_abs_low": 0.08 * rank,
                "mean_abs_high": 0.15 * rank,
            }
            for model in MODELS[:2]
            for rank, name in enumerate(FEATURES, 1)
        ]
    )
    return {
        "fig1": plot_overview(configuration, dataset.rdf, dataset.states, COLD, example, HIDDEN_LAYERS),
        "fig2": plot_interpolation(predictions, losses),
        "fig3": plot_extrapolation(predictions, losses),
        "fig4": plot_temperatures(of_states, dataset.states, MODELS, snapshots),
        "fig5": plot_failure(of_cold, dataset.states, MODELS, snapshots),
        "fig6": plot_scaling(scaling, curves, MODELS),
        "fig7": plot_explanation(points, scan, entropy, importance, k=3),
    }


def letters(figure: Figure) -> str:
    parts = [axes.get_title(loc="left") for axes in figure.axes]
    parts += [part.get_suptitle() for part in figure.subfigs]
    return "".join(sorted(parts)).strip()


def panel(figure: Figure, letter: str):
    return next(axes for axes in figure.axes if axes.get_title(loc="left") == letter)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("fig1", "ABCD"), ("fig2", "ABC"), ("fig3", "ABCDEF"), ("fig4", "ABCDEF"), ("fig5", "ABC"),
        ("fig6", "ABC"), ("fig7", "ABCD"),
    ],
)  # fmt: skip
def test_panels_are_lettered_on_a_page_wide(figures, name, expected):
    assert letters(figures[name]) == expected
    assert figures[name].get_size_inches()[0] * 25.4 == pytest.approx(PAGE_MM)


@pytest.mark.parametrize("name", [f"fig{n}" for n in range(1, 8)])
def test_nothing_is_clipped(figures, name):
    assert_nothing_is_clipped(figures[name])


@pytest.mark.parametrize("name", [f"fig{n}" for n in range(1, 8)])
def test_text_can_be_read(figures, name):
    texts = [text for text in figures[name].findobj(Text) if text.get_text().strip()]
    assert {text.get_fontsize() for text in texts} <= {7, 8, 9}


def test_overview_shows_every_state_once(figures, dataset):
    grid = figures["fig1"].axes[2]
    training, test, ring = grid.collections
    n_test = int(dataset.states["temperature"].isin([0.6, 1.4]).sum())
    assert len(test.get_offsets()) == n_test
    assert len(training.get_offsets()) == len(dataset.states) - n_test
    everywhere = np.concatenate([training.get_offsets(), test.get_offsets()])
    assert len(np.unique(everywhere, axis=0)) == len(dataset.states)
    assert len(ring.get_offsets()) == 1
    assert [label.get_text() for label in grid.get_xticklabels()] == ["0.6", "0.8", "1", "1.2", "1.4"]
    assert "C_\\mathrm{B}$ = 0.1, 0.5" in grid.get_title()


def test_overview_names_the_seven_inputs_and_all_layers(figures):
    words = [text.get_text() for text in figures["fig1"].axes[-1].texts]
    assert {"7", "112", "56", "28", "14", "1"} <= set(words)
    assert sum("=" in word for word in words) == len(FEATURES) + 1
    assert any(word.startswith("$r$") and word.endswith(r"\sigma_\mathrm{AA}$") for word in words)


def test_parity_prints_the_score_of_its_rows(figures):
    train, test = panel(figures["fig2"], "B"), panel(figures["fig2"], "C")
    assert (train.get_title(), test.get_title()) == ("training", "test")
    assert train.get_xlabel() == "simulated $g(r)$"
    assert train.get_ylabel() == "predicted $g(r)$"
    # Noise of 0.01 is little against the curves, and two seeds spread by less than the last digit.
    assert test.texts[0].get_text() == r"$R^2 = 1.000 \pm 0.000$"
    assert train.get_xlim() == train.get_ylim() == test.get_xlim()
    assert train.collections[0].get_rasterized()


def test_parity_counts_every_point(figures, predictions):
    cells = panel(figures["fig3"], "E").collections[0]
    rows = predictions.query("model == 'mlp' and part == 'test' and pair == 'AB'")
    assert cells.get_array().sum() == len(rows)


def test_extrapolation_has_a_panel_for_each_pair(figures):
    for letter, (pair, color) in zip("DEF", PAIR_COLORS.items(), strict=True):
        axes = panel(figures["fig3"], letter)
        assert axes.get_title() == f"test, {pair}"
        assert axes.title.get_color() == color
        assert pair in axes.get_xlabel()


def test_every_coloured_panel_has_a_bar_of_its_shades(figures):
    for letter in "DEF":
        axes = panel(figures["fig3"], letter)
        (bar,) = axes.child_axes
        shades, cells = bar.collections[-1], axes.collections[0]
        np.testing.assert_allclose(shades.cmap(1.0), cells.get_cmap()(1.0))
        assert (shades.norm.vmin, shades.norm.vmax) == (cells.norm.vmin, cells.norm.vmax)


def test_no_curve_runs_under_the_list_of_seeds(figures):
    axes = panel(figures["fig2"], "A")
    box = axes.get_legend().get_window_extent()
    for line in axes.get_lines():
        x, y = axes.transData.transform(np.column_stack(line.get_data())).T
        assert not ((x > box.x0) & (y > box.y0)).any()


def test_losses_are_drawn_seed_by_seed(figures):
    axes = panel(figures["fig2"], "A")
    assert [line.get_label() for line in axes.get_lines()] == ["seed 0", "seed 1"]
    assert axes.get_yscale() == "log"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("epoch", "mean squared error")


def test_temperatures_have_their_row_and_pairs_their_column(figures):
    figure = figures["fig4"]
    for letter, (pair, temperature) in zip(
        "ABCDEF", [(p, t) for t in ("0.6", "1.4") for p in PAIR_COLORS], strict=True
    ):
        axes = panel(figure, letter)
        assert axes.get_title() == f"{pair}, $T^*$ = {temperature}"
        simulation, *models, unity = axes.get_lines()
        assert simulation.get_color() == PAIR_COLORS[pair]
        assert sorted(line.get_label() for line in models) == ["XGBoost", "nearest temperature", "network"]
        assert unity.get_ydata() == [1, 1]
    assert len(figure.axes) == 6
    assert len(panel(figure, "A").child_axes) == 1
    assert panel(figure, "F").get_xlabel() == r"$r\,/\,\sigma_\mathrm{AA}$"


def test_insets_lie_above_the_curve(figures):
    axes = panel(figures["fig4"], "D")
    inset = axes.child_axes[0].get_position()
    for line in axes.get_lines():
        across, up = axes.transData.transform(np.column_stack(line.get_data())).T
        place = figures["fig4"].transFigure.inverted().transform(np.column_stack([across, up]))
        under = place[:, 0] > inset.x0
        assert (place[under, 1] < inset.y0).all()


def test_models_are_means_over_seeds(figures, predictions):
    network = next(line for line in panel(figures["fig5"], "A").get_lines() if line.get_label() == "network")
    rows = predictions.query("model == 'mlp' and pair == 'BB' and state_id == @COLD")
    np.testing.assert_allclose(network.get_ydata(), rows.groupby("r")["predicted"].mean(), rtol=1e-14)


def test_bands_are_the_spread_over_seeds(figures, predictions):
    """One in the denominator less than seeds, as in every table; none for a single seed."""
    rows = predictions.query("model == 'mlp' and pair == 'BB' and state_id == @COLD")
    both = rows.groupby("r")["predicted"].agg(["mean", "std"])
    bands = [part.get_paths()[0].get_extents() for part in panel(figures["fig5"], "A").collections]
    assert any(band.y1 == pytest.approx((both["mean"] + both["std"]).max()) for band in bands)
    alone = Figure().subplots()
    draw_prediction(alone, rows[rows["seed"] == 0], ["mlp"])
    assert len(alone.collections) == 1, "the simulation's band only"


def test_the_worst_curve_stands_beside_the_papers(dataset, predictions, configuration):
    tables = (predictions[predictions["state_id"] == name] for name in (COLD, HOT))
    first, last = tables
    figure = plot_failure(first, dataset.states, MODELS, {COLD: configuration, HOT: configuration}, last)
    assert letters(figure) == "ABCD"
    assert panel(figure, "D").get_title() == "BB, $T^*$ = 1.4"
    assert figure.get_suptitle().startswith("A to C: ")
    assert ".  D: " in figure.get_suptitle()
    assert_nothing_is_clipped(figure)


def test_one_map_has_no_error_bar_and_keeps_its_number(figures):
    entropy = pd.DataFrame(
        {
            "feature": ["temperature", "size_ratio"], "entropy_normalised": [0.9, 0.2], "error": [np.nan, np.nan],
            "null_low": [0.8, 0.8], "null_high": [0.9, 0.9],
        }
    )  # fmt: skip
    axes = Figure().subplots()
    draw_entropy(axes, entropy)
    assert [text.get_text() for text in axes.texts] == ["0.20", "0.90"]
    assert all(np.isfinite(text.get_position()).all() for text in axes.texts)


def test_failure_titles_its_snapshots(figures):
    assert [panel(figures["fig5"], letter).get_title() for letter in "BC"] == ["$T^*$ = 0.6", "$T^*$ = 1.4"]
    assert panel(figures["fig5"], "A").get_title() == "BB, $T^*$ = 0.6"


def test_scaling_compares_the_smallest_with_the_largest(figures):
    scores, small, full = (panel(figures["fig6"], letter) for letter in "ABC")
    assert (small.get_title(), full.get_title()) == ("BB, 1\u2009000 rows", "BB, 16\u2009000 rows")
    assert small.get_ylim() == full.get_ylim()
    assert scores.get_xscale() == "log"
    # R² is -1.1 at 1000 rows: out of range, so each model has a caret at the edge instead of a marker.
    carets = [line for line in scores.get_lines() if line.get_linestyle() == "None"]
    assert [list(line.get_xdata()) for line in carets] == [[1000]] * 3
    assert (np.concatenate([line.get_ydata() for line in carets]) > scores.get_ylim()[0]).all()


def test_explanation_orders_features_and_marks_k(figures):
    figure = figures["fig7"]
    entropy, importance = panel(figure, "C"), panel(figure, "D")
    assert [label.get_text() for label in entropy.get_xticklabels()] == [
        "$S$", r"$\varepsilon_\mathrm{AB}$", "$T^*$",
    ]  # fmt: skip
    assert [bar.get_height() for bar in entropy.patches] == [0.1, 0.5, 1.0]
    bands = [band.get_paths()[0].get_extents() for band in entropy.collections if isinstance(band, PolyCollection)]
    assert [(band.y0, band.y1) for band in bands] == [(0.85, 0.98), (0.9, 1.0), (0.9, 0.99)]
    assert importance.get_yticklabels()[-1].get_text() == "$r$"
    assert len(importance.patches) == 2 * len(FEATURES)
    assert len({bar.get_hatch() for bar in importance.patches}) == 2, "models must differ in grey"
    marked = [line for line in panel(figure, "B").get_lines() if list(line.get_xdata()) == [3, 3]]
    assert len(marked) == 1
    assert panel(figure, "A").get_xlabel() == "UMAP 1"
    assert len(panel(figure, "A").collections) == 3


# Between them these hold all that could change: subfigures, rasters, colour bars.
@pytest.mark.parametrize("name", ["fig1", "fig2"])
def test_files_repeat_byte_by_byte(figures, tmp_path, name):
    first = [path.read_bytes() for path in save_figure(figures[name], tmp_path / "first", name)]
    again = [path.read_bytes() for path in save_figure(figures[name], tmp_path / "again", name)]
    assert first == again
    assert max(map(len, first)) < 3e6
    assert b"<dc:date>" not in first[1]


def test_a_figure_drawn_anew_is_the_same_file(dataset, tmp_path):
    rdf = dataset.rdf[dataset.rdf["state_id"] == COLD]
    first, again = (save_figure(plot_rdfs(rdf, dataset.states), tmp_path / name, "rdf") for name in "xy")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in again]


def test_the_readers_settings_do_not_matter(dataset, tmp_path):
    import matplotlib

    rdf = dataset.rdf[dataset.rdf["state_id"] == COLD]
    plain = save_figure(plot_rdfs(rdf), tmp_path, "plain")
    with matplotlib.rc_context({"font.size": 20, "axes.facecolor": "red", "svg.hashsalt": "other"}):
        loud = save_figure(plot_rdfs(rdf), tmp_path, "loud")
        assert matplotlib.rcParams["font.size"] == 20, "the reader's settings must come back"
    assert [path.read_bytes() for path in plain] == [path.read_bytes() for path in loud]


def test_a_notebook_can_show_a_figure(figures):
    assert figures["fig6"]._repr_png_().startswith(b"\x89PNG")
    assert figures["fig6"]._repr_png_() == figures["fig6"]._repr_png_()


def test_png_has_300_dpi(dataset, tmp_path):
    import matplotlib.image

    rdf = dataset.rdf[dataset.rdf["state_id"] == COLD]
    png, svg = save_figure(plot_rdfs(rdf), tmp_path / "new" / "folder", "rdf")
    assert matplotlib.image.imread(png).shape[1] == int(COLUMN_MM / 25.4 * 300)
    assert svg.read_text().startswith("<?xml")


def test_parity_of_many_points_stays_small(tmp_path):
    rng = np.random.default_rng(2)
    g = rng.gamma(2.0, 0.5, 90_000)
    rows = pd.DataFrame({"g": g, "predicted": g + 0.2 * rng.standard_normal(len(g)), "model": "mlp", "seed": 0})
    rows["part"] = np.where(rng.random(len(g)) < 0.8, "train", "test")
    losses = pd.DataFrame({"model": "mlp", "seed": 0, "epoch": [1, 2], "loss": [1.0, 0.5]})
    _, svg = save_figure(plot_interpolation(rows, losses), tmp_path, "fig2")
    assert svg.stat().st_size < 1e6


def test_clear_errors(dataset, predictions, losses, configuration):
    with pytest.raises(ValueError, match="no row of model 'forest'"):
        plot_interpolation(predictions, losses, model="forest")
    with pytest.raises(ValueError, match="no row of part 'test'"):
        plot_interpolation(predictions[predictions["part"] == "train"], losses)
    with pytest.raises(ValueError, match="'predicted' is missing"):
        plot_extrapolation(predictions.drop(columns="predicted"), losses)
    with pytest.raises(ValueError, match="'T9' is not in states"):
        plot_overview(configuration, dataset.rdf, dataset.states, "T9", {}, HIDDEN_LAYERS)
    two = predictions[predictions["state_id"].isin([COLD, HOT])]
    with pytest.raises(ValueError, match="2 states where one is drawn"):
        plot_failure(two, dataset.states, MODELS, {})
    with pytest.raises(ValueError, match="no row of model 'forest'"):
        plot_temperatures(predictions[predictions["state_id"] == COLD], dataset.states, ["forest"])
    scan = pd.DataFrame({"k": [2, 3], "inertia": [2.0, 1.0], "silhouette": [0.5, 0.4]})
    points = pd.DataFrame({"x": [0.0, 1.0], "y": [0.0, 1.0], "cluster": [0, 1]})
    with pytest.raises(ValueError, match="k = 7 was not tried"):
        plot_explanation(points, scan, scan, scan, k=7)


def test_a_figure_function_keeps_its_name_and_fixes_its_layout():
    @journal_figure
    def plot_nothing() -> Figure:
        """Draw nothing."""
        figure = Figure(layout="constrained")
        figure.subplots().set_ylabel("a label")
        return figure

    assert plot_nothing.__name__ == "plot_nothing"
    figure = plot_nothing()
    placed = figure.axes[0].get_position().bounds
    assert placed != Figure().subplots().get_position().bounds
    figure.set_size_inches(10, 2)
    figure.draw_without_rendering()
    assert figure.axes[0].get_position().bounds == placed


def test_ids_of_a_drawing_are_numbered_where_they_are_used():
    """Two hashes of one drawing, as two runs make them, become the same bytes; colours and other ids stay."""
    drawing = (
        '<defs><clipPath id="{0}"><rect/></clipPath><path id="{1}" style="stroke: #0072b2"/></defs>'
        '<g id="axes_1" clip-path="url(#{0})"><use xlink:href="#{1}"/><use xlink:href="#{1}"/></g>'
    )
    first, again = (number_ids(drawing.format(*ids)) for ids in (("p0123456789", "m00aa11bb22"), ("pfedcba9876", "m3")))
    assert first == drawing.format("p0", "m1")
    assert again == drawing.format("p0", "m3")
    assert number_ids(first) == first
