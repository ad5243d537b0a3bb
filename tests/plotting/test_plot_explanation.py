"""Figures of the explanation on small tables: what is in them, and that nothing is lost at the edges."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.text import Text

from ljmix.plotting import (
    PAGE_MM,
    PAIR_COLORS,
    plot_descriptors,
    plot_distance,
    plot_ranking,
    plot_stability,
    save_figure,
)
from ljmix.plotting.style import FEATURE_COLORS, FEATURE_MARKERS
from ljmix.report.names import METHODS
from ljmix.state import PARAMETERS
from tests.plotting.checks import assert_nothing_is_clipped

VIEWS = ["UMAP 15", "UMAP 5", "UMAP 15 BB", "PCA 2"]
SHOWN_METHODS = ["grid simulation", "permutation xgboost", "map entropy"]
R = np.arange(0.025, 5, 0.05)


def stability_tables():
    counts = pd.DataFrame(
        [
            {"view": view, "criterion": criterion, "k": k, "share": share}
            for view in VIEWS
            for criterion in ("silhouette", "elbow")
            for k, share in ((3, 0.25), (4, 0.75))
        ]
    )
    agreement = pd.DataFrame(
        [{"view": view, "other_view": view, "ari": ari} for view in VIEWS for ari in (0.7, 0.8, 1.0)]
        + [{"view": VIEWS[0], "other_view": view, "ari": 0.5} for view in VIEWS[1:]]
    )
    entropies = pd.DataFrame(
        [
            {"view": view, "seed": seed, "feature": name, "entropy_normalised": 0.2 * place + 0.05 * seed}
            for view in VIEWS
            for seed in range(2)
            for place, name in enumerate(PARAMETERS, 1)
        ]
    )
    null = pd.DataFrame({"null_low": [0.9, 0.91], "null_high": [0.98, 0.97]})
    return counts, agreement, entropies, null


def descriptor_tables():
    names = ["height_BB", "neighbors_AB", "demixing"]
    shares = pd.DataFrame(
        [
            {"descriptor": name, "r2": 0.9, "feature": feature, "share": share, "share_low": share - 0.02,
             "share_high": share + 0.02}
            for name in names
            for feature, share in zip(PARAMETERS, (0.1, 0.2, 0.4, 0.3), strict=True)
        ]
    )  # fmt: skip
    interactions = pd.DataFrame(
        [
            {"descriptor": name, "feature": "size_ratio", "other": other, "share": 0.1, "share_low": 0.08,
             "share_high": 0.12}
            for name in names
            for other in ("fraction_b", "epsilon_ab")
        ]
    )  # fmt: skip
    dependence = pd.DataFrame(
        [
            {"descriptor": name, "other": other, "size_ratio": size, "level": level, "mean": size * level, "sem": 0.1}
            for name in names
            for other in ("fraction_b", "epsilon_ab")
            for size in (0.5, 1.0, 2.0)
            for level in (0.2, 1.0)
        ]
    )
    return shares, interactions, dependence, [("height_BB", "fraction_b"), ("demixing", "epsilon_ab")]


def ranking_tables():
    shares = pd.DataFrame(
        [
            {"method": method, "feature": feature, "share": share, "share_low": share - 0.05, "share_high": share + 0.1}
            for method in SHOWN_METHODS
            for feature, share in zip(PARAMETERS, (0.1, 0.2, 0.4, 0.3), strict=True)
        ]
    )
    names = ["paper", *SHOWN_METHODS]
    agreement = pd.DataFrame(np.eye(4) * 2 - 1, index=names, columns=names)
    errors = pd.DataFrame(
        [
            {"model": model, "group": group, "states": states, "error": 0.2, "error_std": spread, "shap": 0.1}
            for model in ("mlp", "xgboost")
            for group, states, spread in (
                ("all", 9, 0.02),
                ("demixed", 9, np.nan),
                ("crystal", 4, 5.0),
                ("C_B = 0.01", 9, 0.03),
            )
        ]
    )
    return shares, agreement, errors


@pytest.fixture(scope="module")
def profiles() -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"source": source, "pair": pair, "feature": feature, "r": r, "mean_abs": place * np.exp(-r)}
            for source in ("simulation", "mlp")
            for pair in PAIR_COLORS
            for place, feature in enumerate(PARAMETERS)
            for r in R
        ]
    )


@pytest.fixture(scope="module")
def figures(profiles) -> dict[str, Figure]:
    return {
        "stability": plot_stability(*stability_tables(), VIEWS),
        "distance": plot_distance(profiles),
        "descriptors": plot_descriptors(*descriptor_tables()),
        "ranking": plot_ranking(*ranking_tables()),
    }


NAMES = ["stability", "distance", "descriptors", "ranking"]


def panel(figure: Figure, letter: str):
    return next(axes for axes in figure.axes if axes.get_title(loc="left") == letter)


def squares(axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


@pytest.mark.parametrize(("name", "expected"), list(zip(NAMES, ("ABCD", "ABCDEF", "ABCD", "ABC"), strict=True)))
def test_panels_are_lettered_on_a_page_wide(figures, name, expected):
    assert "".join(sorted(axes.get_title(loc="left") for axes in figures[name].axes)) == expected
    assert figures[name].get_size_inches()[0] * 25.4 == pytest.approx(PAGE_MM)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_clipped(figures, name):
    assert_nothing_is_clipped(figures[name])


@pytest.mark.parametrize("name", NAMES)
def test_text_can_be_read(figures, name):
    texts = [text for text in figures[name].findobj(Text) if text.get_text().strip()]
    assert {text.get_fontsize() for text in texts} <= {7, 8}


def test_counts_stand_in_their_row_and_column(figures):
    silhouette = panel(figures["stability"], "A")
    assert [label.get_text() for label in silhouette.get_yticklabels()] == VIEWS
    assert [label.get_text() for label in silhouette.get_xticklabels()] == [str(k) for k in range(2, 11)]
    assert sorted(squares(silhouette)) == ["25%"] * 4 + ["75%"] * 4
    (frame,) = silhouette.patches
    assert (frame.get_x(), frame.get_x() + frame.get_width()) == (2, 3), "the frame is around k = 4"


def test_every_two_seeds_are_a_point(figures):
    axes = panel(figures["stability"], "C")
    clouds = [line for line in axes.get_lines() if line.get_marker() == "."]
    assert [len(line.get_xdata()) for line in clouds] == [3] * 4
    medians = [line.get_xdata()[0] for line in axes.get_lines() if line.get_color() == "#882255"]
    assert medians == [0.8] * 4
    others = [line for line in axes.get_lines() if line.get_marker() == "D"]
    assert len(others) == 3, "the first view is not compared with itself"


def test_agreement_below_zero_is_not_cut_off():
    counts, agreement, entropies, null = stability_tables()
    worse = agreement.assign(ari=agreement["ari"].replace(0.5, -0.2))
    without = entropies[entropies["feature"] != "fraction_b"]
    figure = plot_stability(counts, worse, without, null, VIEWS)
    assert panel(figure, "C").get_xlim()[0] < -0.2
    named = [text.get_text() for text in panel(figure, "D").get_legend().get_texts()]
    assert named == ["$T^*$", "$S$", r"$\varepsilon_\mathrm{AB}$", "shuffled"]


def test_entropies_have_a_marker_each_and_a_band_of_chance(figures):
    axes = panel(figures["stability"], "D")
    found = {line.get_marker(): line for line in axes.get_lines() if line.get_marker() in FEATURE_MARKERS.values()}
    assert len(found) == 4
    for place, name in enumerate(PARAMETERS, 1):
        line = found[FEATURE_MARKERS[name]]
        assert line.get_color() == FEATURE_COLORS[name]
        np.testing.assert_allclose(np.asarray(line.get_xdata(), float), [0.2 * place + 0.025] * 4)
    (band,) = (part for part in axes.collections if isinstance(part, PolyCollection))
    corners = band.get_paths()[0].get_extents()
    assert (corners.x0, corners.x1) == pytest.approx((0.9, 0.98))
    assert (corners.y0, corners.y1) == (-0.5, 0.5), "clusters of the first view were shuffled, of no other"
    assert axes.get_ylim()[0] > axes.get_ylim()[1], "the first view is on top"


def test_distance_has_a_row_a_source_and_one_scale(figures, profiles):
    panels = [panel(figures["distance"], letter) for letter in "ABCDEF"]
    titles = [f"{pair}, {name}" for name in ("simulation", "network") for pair in PAIR_COLORS]
    assert [axes.get_title() for axes in panels] == titles
    images = [axes.get_images()[0] for axes in panels]
    assert len({(image.norm.vmin, image.norm.vmax) for image in images}) == 1
    assert images[0].norm.vmax == profiles["mean_abs"].max()
    assert images[0].get_array().shape == (4, len(R))
    assert images[0].get_extent()[:2] == pytest.approx([0, 5])
    # S is on top, then ε_AB, C_B, T*.
    np.testing.assert_allclose(images[0].get_array()[:, 0] / np.exp(-R[0]), [2, 3, 1, 0], atol=1e-12)
    assert panels[-1].get_xlabel() == r"$r\,/\,\sigma_\mathrm{AA}$"


def test_descriptors_show_shares_with_their_errors(figures):
    shares, pairs = panel(figures["descriptors"], "A"), panel(figures["descriptors"], "B")
    assert squares(shares)[:3] == ["0.40\n±0.02"] * 3, "S is on top"
    assert len(squares(shares)) == 4 * 3
    assert shares.get_xticklabels()[0].get_text() == "height\nBB\n$R^2$ 0.90"
    assert len(squares(pairs)) == 2 * 3
    assert [label.get_text() for label in pairs.get_yticklabels()] == [
        r"$S$ × $C_\mathrm{B}$", r"$S$ × $\varepsilon_\mathrm{AB}$",
    ]  # fmt: skip


def test_cuts_have_a_line_a_level(figures):
    axes = panel(figures["descriptors"], "D")
    assert axes.get_title() == r"$S_\mathrm{cc}$: $S$ × $\varepsilon_\mathrm{AB}$"
    lines = {tuple(line.get_ydata()) for line in axes.get_lines() if len(line.get_xdata()) == 3}
    assert lines >= {(0.1, 0.2, 0.4), (0.5, 1.0, 2.0)}
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["0.2", "1"]
    assert len({line.get_marker() for line in axes.get_lines() if len(line.get_xdata()) == 3} - {"None", "_"}) == 2


def test_ranking_shows_every_method(figures):
    shares, square = panel(figures["ranking"], "A"), panel(figures["ranking"], "B")
    assert [label.get_text() for label in shares.get_yticklabels()] == [METHODS[name] for name in SHOWN_METHODS]
    assert len(shares.collections) == 4, "an interval a parameter"
    assert squares(square).count("1.0") == 4
    assert squares(square).count("-1.0") == 12


def test_errors_stand_beside_the_credit(figures):
    axes = panel(figures["ranking"], "C")
    assert len(axes.patches) == 2 * 3
    assert len({bar.get_hatch() for bar in axes.patches}) == 2, "models must differ in grey"
    assert [bar.get_height() for bar in axes.patches] == [0.2] * 6
    assert not any("crystal" in label.get_text() for label in axes.get_xticklabels()), "four states are too few"
    assert axes.get_ylim()[1] < 0.5
    credit = [line for line in axes.get_lines() if line.get_marker() == "D"]
    assert [list(line.get_ydata()) for line in credit] == [[0.1] * 3] * 2
    assert axes.get_xticklabels()[2].get_text() == "$C_\\mathrm{B}$ = 0.01\n(9 states)"


@pytest.mark.parametrize("name", NAMES)
def test_no_pairs_colour_means_anything_else(figures, name):
    """Titles of the pairs may have their colours; points and lines may not."""
    colors = {line.get_color() for line in figures[name].findobj() if hasattr(line, "get_linestyle") and
              hasattr(line, "get_xdata")}  # fmt: skip
    assert not {color for color in colors if isinstance(color, str)} & set(PAIR_COLORS.values())


def test_a_figure_drawn_anew_is_the_same_file(figures, tmp_path):
    first = save_figure(figures["stability"], tmp_path / "x", "stability")
    again = save_figure(plot_stability(*stability_tables(), VIEWS), tmp_path / "y", "stability")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in again]


def test_clear_errors(profiles):
    counts, agreement, entropies, null = stability_tables()
    with pytest.raises(ValueError, match="counts: column 'share' is missing"):
        plot_stability(counts.drop(columns="share"), agreement, entropies, null, VIEWS)
    with pytest.raises(ValueError, match="profiles: column 'r' is missing"):
        plot_distance(profiles.drop(columns="r"))
    shares, interactions, dependence, _ = descriptor_tables()
    with pytest.raises(ValueError, match="no row of descriptor 'height_CC' with 'epsilon_ab'"):
        plot_descriptors(shares, interactions, dependence, [("height_CC", "epsilon_ab"), ("demixing", "epsilon_ab")])
    ranked, square, errors = ranking_tables()
    with pytest.raises(ValueError, match="errors: the table has no row"):
        plot_ranking(ranked, square, errors.head(0))
