from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.figure import Figure

from ljmix.plotting import COLUMN_MM, draw_snapshot, plot_snapshot


def configuration(positions, types, box_edge=10.0):
    return SimpleNamespace(positions=np.array(positions), types=np.array(types), box_edge=box_edge)


def drawn(config, size_ratio=2.0, **options):
    figure = Figure(figsize=(2, 2))
    axes = figure.subplots()
    return axes, draw_snapshot(axes, config, size_ratio, **options)


def test_spheres_have_their_true_sizes():
    _, spheres = drawn(configuration([[3, 3, 1], [6, 6, 2]], [0, 1]))
    # Four discs a sphere, the rim first; far particles first.
    np.testing.assert_allclose(spheres.get_widths()[::4], [1.0, 2.0])
    np.testing.assert_array_equal(spheres.get_offsets()[::4], [[3, 3], [6, 6]])


def test_near_particles_hide_far_ones_and_far_ones_are_paler():
    _, spheres = drawn(configuration([[3, 3, 9], [4, 3, 5]], [0, 0]))
    np.testing.assert_array_equal(spheres.get_offsets()[::4], [[4, 3], [3, 3]])
    far, near = spheres.get_facecolors()[1], spheres.get_facecolors()[5]
    assert (far[:3] > near[:3]).all()


def test_species_differ_in_grey():
    _, spheres = drawn(configuration([[3, 3, 9], [6, 6, 9]], [0, 1]))
    luminance = spheres.get_facecolors()[:, :3] @ [0.2126, 0.7152, 0.0722]
    first, second = luminance[:4], luminance[4:]
    assert first[1] - second[1] > 0.2, "bodies"
    assert first[0] - second[0] > 0.2, "rims"


def test_particles_at_the_edge_show_their_images():
    _, spheres = drawn(configuration([[0.2, 5, 5]], [0]))
    np.testing.assert_allclose(np.sort(spheres.get_offsets()[::4, 0]), [0.2, 10.2])


def test_few_b_are_brought_before_a_and_to_the_middle():
    config = configuration([[5, 5, 9], [9.9, 9.9, 2], [0.1, 0.1, 2]], [0, 1, 1])
    _, spheres = drawn(config, only_b=True)
    rims = spheres.get_offsets()[::4]
    np.testing.assert_allclose(np.sort(rims[-2:], axis=0), [[4.9, 4.9], [5.1, 5.1]])


def test_positions_are_wrapped():
    _, spheres = drawn(configuration([[-3, 13, -1]], [0]))
    np.testing.assert_allclose(spheres.get_offsets()[0], [7, 3])


def test_a_figure_of_its_own_is_a_column_wide():
    figure = plot_snapshot(configuration([[3, 3, 9], [6, 6, 2]], [0, 1]), 1.5)
    assert figure.get_size_inches()[0] * 25.4 == pytest.approx(COLUMN_MM)
    assert len(figure.axes[0].collections) == 1


def test_pictures_are_raster_and_bars_have_a_unit():
    axes, spheres = drawn(configuration([[3, 3, 9]], [0]), scale_bar=5)
    assert spheres.get_rasterized()
    assert [text.get_text() for text in axes.texts] == [r"5 $\sigma_\mathrm{AA}$", "A", "B"]
    assert not axes.axison
    assert axes.get_aspect() == 1


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (configuration([[1, 1]], [0]), r"must be \(n, 3\)"),
        (configuration([[1, 1, 1]], [0, 1]), r"must be \(n, 3\)"),
        (configuration([[1, np.nan, 1]], [0]), "particle 0 has no finite position"),
        (configuration([[1, 1, 1]], [2]), "types hold 2"),
        (configuration([[1, 1, 1]], [0], box_edge=0.0), "box_edge = 0"),
    ],
)
def test_wrong_configurations_are_refused(config, message):
    with pytest.raises(ValueError, match=message):
        drawn(config)


def test_where_no_snapshot_is_shipped_the_picture_says_so():
    axes = Figure().subplots()
    assert draw_snapshot(axes, None, 1.5, scale_bar=5) is None
    assert [text.get_text() for text in axes.texts] == ["no snapshot\nis shipped"]
    assert not axes.axison
