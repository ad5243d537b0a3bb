"""What holds for every figure."""

from matplotlib.figure import Figure

from ljmix.plotting import journal_style


def assert_nothing_is_clipped(figure: Figure) -> None:
    """All that is drawn lies on the page, and fills its width."""
    with journal_style():  # as in a file: hinting, which the style turns off, makes text wider
        drawn, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    pixel = 1 / figure.dpi
    assert drawn.width > 0.9 * width
    assert min(drawn.x0, drawn.y0) > -pixel
    assert drawn.x1 < width + pixel
    assert drawn.y1 < height + pixel
