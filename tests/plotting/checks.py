"""What holds for every figure."""

from itertools import pairwise

from matplotlib.figure import Figure

from ljmix.plotting import journal_style


def assert_nothing_is_clipped(figure: Figure) -> None:
    """All that is drawn lies on the page, and fills its width; numbers along an axis keep apart."""
    with journal_style():  # as in a file: hinting, which the style turns off, makes text wider
        drawn, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
        _assert_labels_keep_apart(figure)
    pixel = 1 / figure.dpi
    assert drawn.width > 0.9 * width
    assert min(drawn.x0, drawn.y0) > -pixel
    assert drawn.x1 < width + pixel
    assert drawn.y1 < height + pixel


def _assert_labels_keep_apart(figure: Figure) -> None:
    """Between two unrotated labels below a horizontal axis lies a third of the letters' height at least."""
    for axes in figure.axes:
        shown = [label for label in axes.get_xticklabels() if label.get_visible() and label.get_text()]
        boxes = [(label.get_text(), label.get_window_extent()) for label in shown if label.get_rotation() == 0]
        for (left, first), (right, second) in pairwise(sorted(boxes, key=lambda box: box[1].x0)):
            gap = second.x0 - first.x1
            assert gap > first.height / 3, f"{left!r} and {right!r} are {gap:.1f} pixels apart"
